import { describe, expect, it } from 'vitest'
import { ENGINES } from '../support/emptyDatabase.ts'
import { everyConnection } from '../support/everyConnection.ts'
import { useHistory } from '../support/history.ts'
import { blocksReadDuring, rowsReadDuring } from '../support/plans.ts'
import { SUM_KEYS } from '../support/sums.ts'

// Whether lists stop where they should cannot be seen on a small table. Here a tenant has 10,000 outcomes of two years
// beside two others with as many: what reads more than it shows reads them by the thousand.

describe.each(ENGINES)('with a long history, on $dump', ({ extension }) => {
  const past = useHistory(extension)

  /** What the answer is made of; the rows that the database looked at for it. */
  async function read(query: string, variables: object = {}) {
    let data: any
    const counts = await rowsReadDuring(past.serviceUrl, past.tenant, async () => {
      data = await past.tenant.data(query, variables)
    })
    return { data, counts, rows: counts.reduce((sum, { rows }) => sum + rows, 0) }
  }

  const NODES = 'nodes { outcomeId status } pageInfo { startCursor endCursor }'

  // On partitions, among which is a default one that may hold any time, a page takes the first row of each part; which
  // rows come first costs it some more where the planner sorts a small part.
  const PAGE = 2 * (21 + 25)

  it.each<[name: string, page: string, args: string, most: number]>([
    ['the tenant', 'outcomes', '', PAGE],
    ['one simulation', 'outcomes', 'filter: { simulationId: { eq: $simulationId } }', PAGE],
    ['one scenario', 'outcomes', 'filter: { scenarioId: { eq: $scenarioId } }', PAGE],
    // A page of each of the ten simulations that ran it.
    ['one version', 'outcomes', 'filter: { configVersionId: { eq: $versionId } }', 11 * PAGE],
    ['a status that one in ten has', 'outcomes', 'filter: { status: { in: [ERROR, TIMEOUT] } }', PAGE],
    ['a status that one in twenty has', 'outcomes', 'filter: { status: { eq: TIMEOUT } }', 4 * PAGE],
    ['the status that most have', 'outcomes', 'filter: { status: { eq: SUCCESS } }', 2 * PAGE],
    ['a text that one in ten has', 'outcomes', 'filter: { errorCode: { contains: "e" } }', 15 * PAGE],
    ['a range of time', 'outcomes', 'filter: { executionTime: { lte: $executionTime } }', PAGE],
  ])('a page of outcomes of %s stops after its rows, forward and backward', async (_, list, args, most) => {
    const ask = (page: string, cursor?: string) =>
      read(
        `query ($simulationId: UUID, $scenarioId: String, $versionId: UUID, $executionTime: DateTime, $cursor: String) {
          ${list}(${page} ${args}) { ${NODES} }
        }`.replace(/\$(?!cursor)\w+: \w+,? ?/g, (variable) =>
          args.includes(variable.split(':')[0]!) ? variable : '',
        ),
        { ...past.history, cursor },
      )
    for (const [forward, page] of [
      [true, 'first: 20'],
      [false, 'last: 20'],
    ] as const) {
      const first = await ask(`${page}, ${forward ? 'after' : 'before'}: $cursor`)
      expect(first.data.outcomes.nodes).toHaveLength(20)
      expect(first.rows).toBeLessThanOrEqual(most)
      const { startCursor, endCursor } = first.data.outcomes.pageInfo
      const second = await ask(
        `${page}, ${forward ? 'after' : 'before'}: $cursor`,
        forward ? endCursor : startCursor,
      )
      expect(second.data.outcomes.nodes).toHaveLength(20)
      expect(second.rows).toBeLessThanOrEqual(most)
    }
  })

  /** One row, by the nodes that hand it on; a trajectory is looked at twice, to know its length first. */
  const FEW = 6

  const ROOT_LISTS = everyConnection().filter(({ parent, node }) => parent === 'Query' && !(node in SUM_KEYS))

  it.each(ROOT_LISTS)(
    '$field stops after its page in its own order, forward and backward',
    async ({ field }) => {
      const { data } = await read(`{ ${field} { totalCount } }`)
      const total = data[field].totalCount
      // None of the simulations is active.
      expect(total).toBeGreaterThanOrEqual(field === 'activeSimulations' ? 0 : 100)
      for (const page of ['first: 20', 'last: 20']) {
        const { data, rows } = await read(`{ ${field}(${page}) { nodes { __typename } } }`)
        expect(data[field].nodes).toHaveLength(Math.min(20, total))
        expect(rows).toBeLessThanOrEqual(PAGE)
      }
    },
  )

  it.each([
    ['simulation(simulationId: $simulationId)', 'outcomes', '$simulationId: UUID!', PAGE],
    ['scenario(scenarioId: $scenarioId)', 'outcomes', '$scenarioId: String!', PAGE],
    ['configVersion(versionId: $versionId)', 'outcomes', '$versionId: UUID!', 11 * PAGE],
    // The 100 that it has may be sorted as well, but those of no other.
    ['simulation(simulationId: $simulationId)', 'runs', '$simulationId: UUID!', 2 * PAGE],
    ['simulation(simulationId: $simulationId)', 'toolUsage', '$simulationId: UUID!', PAGE],
    ['simulation(simulationId: $simulationId)', 'failurePatterns', '$simulationId: UUID!', PAGE],
    ['outcome(outcomeId: $outcomeId)', 'toolUsage', '$outcomeId: UUID!', PAGE],
    ['configVersion(versionId: $versionId)', 'simulations', '$versionId: UUID!', PAGE],
  ])('below %s a page of %s stops after its rows', async (parent, list, variable, most) => {
    for (const page of ['first: 20', 'last: 20']) {
      const { data, counts } = await read(
        `query (${variable}) { parent: ${parent} { list: ${list}(${page}) { nodes { __typename } } } }`,
        past.history,
      )
      expect(data.parent.list.nodes.length).toBeGreaterThan(0)
      // And the parent.
      const place = counts.findIndex(({ statement }) => statement.includes('/* answer */'))
      expect(counts[place]!.rows).toBeLessThanOrEqual(most + FEW)
    }
  })

  it.each(['failurePatterns', 'toolUsage'])(
    'a page of %s of one version stops after its rows',
    async (list) => {
      const { data, rows } = await read(
        `query ($versionId: UUID!) {
        ${list}(first: 20, filter: { configVersionId: { eq: $versionId } }) { nodes { __typename } }
      }`,
        past.history,
      )
      expect(data[list].nodes).toHaveLength(20)
      expect(rows).toBeLessThanOrEqual(11 * PAGE)
    },
  )

  it.each([
    ['toolAnalytics', 'tool_usage'],
    ['failureGroups', 'failure_patterns'],
  ])('%s read their rows once, and what attempts are superseded, once', async (list, table) => {
    const of = async (query: string) => {
      const { data, counts } = await read(query, past.history)
      const { rows } = counts.find(({ statement }) => statement.includes('/* answer */'))!
      return { rows, nodes: (data.parent ?? data)[list].nodes }
    }
    const NODES = `${list}(first: 1) { nodes { attempts runs } }`
    const all = await of(`{ ${NODES} }`)
    const counted = table === 'tool_usage' ? 10_000 : 1_000
    expect(all.nodes).toEqual([{ attempts: counted, runs: counted - 400 }])
    // A tenant that has a third of a table reads it whole. Both tools of a run lie in its outcome.
    expect(all.rows).toBeLessThanOrEqual(3 * counted + 400 + FEW)

    const one = await of(
      `query ($simulationId: UUID!) { parent: simulation(simulationId: $simulationId) { ${NODES} } }`,
    )
    expect(one.nodes).toEqual([{ attempts: counted / 100, runs: counted / 100 - 4 }])
    expect(one.rows).toBeLessThanOrEqual(counted / 100 + 400 + FEW)
  })

  it.each([
    ['toolAnalytics', 'toolName'],
    ['failureGroups', 'signature'],
    ['toolUsage', 'toolName'],
    ['failurePatterns', 'signature'],
  ])(
    '%s of last attempts in a day look up the outcomes of that day, each in its part',
    async (list, field) => {
      const from = past.history.executionTime
      const to = new Date(from.getTime() + 86_400_000)
      const query = (filter: string) =>
        `query ($from: DateTime!, $to: DateTime!) {
        ${list}(first: 20, filter: { executionTime: { gte: $from, lt: $to } ${filter} }) { nodes { ${field} } }
      }`
      const blocks = (filter: string) =>
        blocksReadDuring(past.serviceUrl, past.tenant, () => past.tenant.data(query(filter), { from, to }))
      // No simulation has more in a day than its 100 runs; two tools each.
      for (const superseded of [true, false]) {
        expect(await blocks(`superseded: ${superseded}`)).toBeLessThanOrEqual((await blocks('')) + 5 * 200)
      }
    },
  )

  it('an outcome, by its key or its global id, is one row, and so is its trajectory or a part of it', async () => {
    const FIELDS = `id status trajectory trajectorySteps(first: 1) { nodes { content } }
      trajectoryPath(path: ["status"]) simulation { status } scenario { name } run { attempts }`
    const byKey = await read(
      `query ($outcomeId: UUID!) { outcome(outcomeId: $outcomeId) { ${FIELDS} } }`,
      past.history,
    )
    const { id } = byKey.data.outcome
    const byId = await read(`query ($id: ID!) { node(id: $id) { ... on Outcome { ${FIELDS} } } }`, { id })
    expect(byId.data.node).toEqual(byKey.data.outcome)
    for (const { counts } of [byKey, byId]) {
      expect(counts.length).toBeGreaterThan(0)
      for (const { statement, rows } of counts) expect(rows, statement).toBeLessThanOrEqual(FEW)
    }
  })

  it('what an outcome used of a tool, by its key, its global id or a filter, is one row', async () => {
    const { data } = await read(
      `query ($outcomeId: UUID!) { outcome(outcomeId: $outcomeId) { toolUsage { nodes { id usageId toolName outcomeId } } } }`,
      past.history,
    )
    const [shown, other] = data.outcome.toolUsage.nodes
    const FIELDS = '{ id usageId toolName outcomeId }'
    const ids = { id: shown.id, usageId: shown.usageId, usageIds: [shown.usageId, other.usageId] }
    for (const [asked, found] of [
      [`($usageId: UUID!) { entry: toolUsageEntry(usageId: $usageId) ${FIELDS} }`, [shown]],
      [`($id: ID!) { entry: node(id: $id) { ... on ToolUsage ${FIELDS} } }`, [shown]],
      [
        `($usageId: UUID!) { page: toolUsage(filter: { usageId: { eq: $usageId } }) { nodes ${FIELDS} } }`,
        [shown],
      ],
      [
        `($usageIds: [UUID!]!) { page: toolUsage(filter: { usageId: { in: $usageIds } }) { nodes ${FIELDS} } }`,
        expect.arrayContaining([shown, other]),
      ],
    ] as const) {
      const answer = await read(`query ${asked}`, ids)
      expect(answer.data.entry ? [answer.data.entry] : answer.data.page.nodes).toEqual(found)
      for (const { statement, rows } of answer.counts) expect(rows, statement).toBeLessThanOrEqual(FEW)
    }
  })

  it('what a mutation answers with reads the rows that it shows', async () => {
    const { startSimulation } = await past.tenant.data(
      `mutation ($input: StartSimulationInput!) { startSimulation(input: $input) { simulation { simulationId } } }`,
      { input: { configVersionId: past.history.versionId, scenarioIds: [past.history.scenarioId] } },
    )
    const { simulationId } = startSimulation.simulation
    await past.tenant.record([{ simulationId, scenarioId: past.history.scenarioId, status: 'SUCCESS' }])
    const { data, counts } = await read(
      `mutation ($simulationId: UUID!) {
        completeSimulation(input: { simulationId: $simulationId }) {
          simulation { status outcomes { nodes { status trajectory scenario { name } } } runs { nodes { outcome { status } } } }
          errors { message }
        }
      }`,
      { simulationId },
    )
    expect(data.completeSimulation.errors).toEqual([])
    expect(data.completeSimulation.simulation.outcomes.nodes).toHaveLength(1)
    expect(counts.map(({ statement }) => statement)).toContainEqual(expect.stringContaining('/* answer */'))
    // One statement shows six.
    for (const { statement, rows } of counts) expect(rows, statement).toBeLessThanOrEqual(2 * FEW)
  })
})
