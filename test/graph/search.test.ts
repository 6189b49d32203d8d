import { beforeAll, describe, expect, it } from 'vitest'
import { type Tenant, useArc } from '../support/arc.ts'

const arc = useArc()

describe('a search', () => {
  let tenant: Tenant
  let simulationId: string
  const MESSAGES: Record<string, string> = {
    a: 'TimeoutError: connecting to redis failed after 30 s',
    b: 'ValueError: the seat is no number',
    c: 'Connections to Redis were failing',
  }

  beforeAll(async () => {
    tenant = arc.tenant()
    await tenant.data(
      `mutation ($scenarios: [ScenarioInput!]!) { upsertScenarios(input: {scenarios: $scenarios}) { errors { code } } }`,
      {
        scenarios: [
          {
            scenarioId: 'a',
            name: 'Cancel a flight',
            taskPrompt: 'The passenger wants to cancel two flights.',
          },
          {
            scenarioId: 'b',
            name: 'Rebook',
            taskPrompt: 'Move the booking to the cancelled day. 100% naïve_user',
          },
          {
            scenarioId: 'c',
            name: 'Verspätung',
            taskPrompt: 'Der Flug hat Verspätung.',
            externalId: 'airline-7',
          },
        ],
      },
    )
    const { versionId } = await tenant.configVersion()
    const { startSimulation } = await tenant.data(
      `mutation ($input: StartSimulationInput!) { startSimulation(input: $input) { simulation { simulationId } } }`,
      { input: { configVersionId: versionId, scenarioIds: ['a', 'b', 'c'], repetitions: 4 } },
    )
    simulationId = startSimulation.simulation.simulationId
    await tenant.record(
      Object.entries(MESSAGES).flatMap(([scenarioId, error]) =>
        [1, 2, 3, 4].map((repetition) => ({ simulationId, scenarioId, repetition, status: 'ERROR', error })),
      ),
    )
    // Finds nothing of it: another tenant has the same.
    await arc.tenant().scenarios('a', 'b', 'c')
  })

  const scenariosBy = async (search: string, more: object = {}) => {
    const { scenarios } = await tenant.data(
      `query ($filter: ScenarioFilter) {
        scenarios(filter: $filter, orderBy: {field: SCENARIO_ID}) { totalCount nodes { scenarioId } } }`,
      { filter: { search, ...more } },
    )
    expect(scenarios.totalCount).toBe(scenarios.nodes.length)
    return scenarios.nodes.map(({ scenarioId }: any) => scenarioId).join('')
  }

  it.each([
    ['cancel', 'ab'],
    ['cancelling flights', 'a'],
    ['"two flights"', 'a'],
    ['"flights two"', ''],
    ['flight or rebook', 'ab'],
    ['cancel -passenger', 'b'],
    ['VERSPÄTUNG', 'c'],
    ['airline-7', 'c'],
    ['Rebook', 'b'],
    ['', 'abc'],
    ['  ', 'abc'],
    ['the', 'ab'],
    ['nobody', ''],
    ["') or true --", ''],
    [`"'\\ & | ! <-> :* (`, ''],
  ])('for %j finds the scenarios "%s"', async (search, found) => {
    expect(await scenariosBy(search)).toBe(found)
  })

  it('that is too long is refused, and one of many signs is none of PostgreSQL’s faults', async () => {
    const query =
      'query ($search: String) { scenarios(filter: {search: $search}) { totalCount } failurePatterns(filter: {search: $search}) { totalCount } }'
    const long = await tenant.ask(query, { search: 'a or '.repeat(201) })
    expect(long.errors!.map(({ extensions }) => extensions.code)).toContain('LIMIT_EXCEEDED')
    for (const search of ['- '.repeat(500), '-'.repeat(1000), 'a or '.repeat(200), '"a '.repeat(300)].concat(
      [...'(|&!):*<>"'].map((sign) => `-${sign}`.repeat(500)),
      '- ( | -'.repeat(142),
    )) {
      expect((await tenant.ask(query, { search })).errors, search.slice(0, 10)).toBeUndefined()
    }
    expect(await scenariosBy('cancel ---passenger')).toBe('b')
    expect(await scenariosBy('cancel -(-(-passenger')).toBe('b')
  })

  it('finds the same in a text as long as it may be, whose parts PostgreSQL reads once', async () => {
    const other = arc.tenant()
    const word = 'ab'.repeat(150)
    await other.data(
      `mutation ($scenarios: [ScenarioInput!]!) { upsertScenarios(input: {scenarios: $scenarios}) { errors { code } } }`,
      {
        scenarios: [
          { scenarioId: 'long', taskPrompt: `needle ${word} <!-- hidden --> ${'a_'.repeat(15_000)}` },
          { scenarioId: 'short', taskPrompt: 'the' },
        ],
      },
    )
    for (const [search, found] of [
      ['needles', 1],
      [word, 1],
      // No comment is left out, as looking for its end may take the whole text, for each that begins.
      ['hidden', 1],
      ['the', 1],
      [`${word}c`, 0],
    ]) {
      const { scenarios } = await other.data(
        'query ($search: String) { scenarios(filter: { search: $search }) { totalCount } }',
        { search },
      )
      expect(scenarios.totalCount, String(search)).toBe(found)
    }
    await arc.sql('admin', async (client) => {
      await client.query('begin; set local role arc_owner')
      const { rows } = await client.query(`
        select max(length(token)) longest from ts_parse('default', store.parsable(repeat('a_', 1000) || repeat('é/', 1000)))`)
      await client.query('rollback')
      expect(rows[0].longest).toBeLessThanOrEqual(200)
    })
  })

  it('goes together with other conditions', async () => {
    expect(await scenariosBy('cancel', { scenarioId: { in: ['b', 'c'] } })).toBe('b')
  })

  it('finds failure patterns, in pages that meet, also below a simulation', async () => {
    const walk = async (field: string, inner: (data: any) => any) => {
      const seen: string[] = []
      let after: string | null = null
      do {
        const list: any = inner(
          await tenant.data(
            `query ($after: String) { ${field.replace(
              '$PAGE',
              '(first: 3, after: $after, filter: {search: "redis connection"}) { totalCount pageInfo { hasNextPage endCursor } nodes { patternId errorMessage outcome { scenarioId } } }',
            )} }`,
            { after },
          ),
        )
        expect(list.totalCount).toBe(8)
        for (const { patternId, errorMessage, outcome } of list.nodes) {
          expect(MESSAGES[outcome.scenarioId]).toContain(errorMessage.replace(/^\w+Error: /, ''))
          seen.push(patternId)
        }
        after = list.pageInfo.hasNextPage ? list.pageInfo.endCursor : null
      } while (after !== null)
      return seen
    }
    const atRoot = await walk('failurePatterns$PAGE', (data) => data.failurePatterns)
    expect(new Set(atRoot).size).toBe(8)
    const below = await walk(
      `simulation(simulationId: "${simulationId}") { failurePatterns$PAGE }`,
      (data) => data.simulation.failurePatterns,
    )
    expect(below).toEqual(atRoot)
  })

  it('can be answered from an index', async () => {
    await arc.sql('admin', async (client) => {
      const planFor = async (table: string, texts: string) => {
        await client.query('begin')
        // What other index there is begins with the tenant: this condition has none, so there is this one or none.
        await client.query(`set local role arc_owner; set local enable_seqscan = off`)
        const { rows } = await client.query(
          `explain select from public.${table} where store.words(${texts}) @@ websearch_to_tsquery('english', 'redis')`,
        )
        await client.query('rollback')
        return JSON.stringify(rows)
      }
      for (const [table, texts] of [
        ['scenarios', 'scenario_id, external_id, name, task_prompt'],
        ['failure_patterns', 'failure_type, error_message'],
      ] as const) {
        expect(await planFor(table, texts)).toMatch(
          new RegExp(`Bitmap Index Scan on ${table}_words.*Index Cond: [^"]*@@`),
        )
      }
    })
  })
})

describe('versions by what their YAML says', () => {
  it.each<[object[], string]>([
    [[{ path: ['agent', 'tools', '0', 'name'], eq: 'bash' }], 'ab'],
    [[{ path: ['agent', 'tools', '1'] }], 'b'],
    [[{ path: ['agent', 'tools', '1'], exists: true }], 'b'],
    [[{ path: ['agent', 'tools', '1'], exists: false }], 'ac'],
    [[{ path: ['agent', 'limit'], gte: 10, lt: 20 }], 'a'],
    [[{ path: ['agent', 'limit'], gt: 10 }], 'b'],
    [[{ path: ['agent', 'limit'], lte: 10 }], 'a'],
    [[{ path: ['agent', 'limit'], eq: 10.0 }], 'a'],
    [[{ path: ['agent', 'limit'], in: [1, 10, 'many'] }], 'ac'],
    [[{ path: ['agent', 'limit'], eq: '10' }], ''],
    [[{ path: ['temperature'], eq: null }], 'c'],
    [[{ path: ['prompt'], in: [{ x: '\u0000' }, [['\ud800']], null] }], ''],
    [[{ path: ['prompt'], contains: 'BE 100%' }], 'b'],
    [[{ path: ['agent', 'limit'], contains: '1' }], ''],
    [[{ path: ['agent', 'limit'], contains: 'AN' }], 'c'],
    [[{ path: ['agent', 'tools', '0'], eq: { args: { x: [1, null] }, name: 'bash' } }], 'b'],
    [
      [
        { path: ['agent', 'limit'], gte: 5 },
        { path: ['prompt'], exists: true },
      ],
      'b',
    ],
    [[{ path: ["'); drop table config_versions; --"] }], ''],
    [[], 'abc'],
  ])('%j finds "%s"', async (parsedConfig, found) => {
    const tenant = arc.tenant()
    const yamls = {
      a: 'model: m\ntemperature: 0.1\nagent: {limit: 10, tools: [{name: bash}]}\n',
      b: 'model: m\ntemperature: 0.2\nprompt: Always be 100% sure.\nagent: {limit: 50, tools: [{name: bash, args: {x: [1, null]}}, {name: edit}]}\n',
      c: 'model: m\nagent: {limit: many}\n',
    }
    const byId = new Map<string, string>()
    for (const [name, yaml] of Object.entries(yamls)) {
      byId.set((await tenant.configVersion(`agent ${name}`, yaml)).versionId, name)
    }
    const { configVersions, configurations } = await tenant.data(
      `query ($filter: ConfigVersionFilter) {
        configVersions(filter: $filter) { totalCount nodes { versionId } }
        configurations { nodes { versions(filter: $filter) { totalCount nodes { versionId } } } }
      }`,
      { filter: { parsedConfig } },
    )
    const names = (nodes: { versionId: string }[]) =>
      nodes
        .map(({ versionId }) => byId.get(versionId))
        .sort()
        .join('')
    expect(names(configVersions.nodes)).toBe(found)
    expect(configVersions.totalCount).toBe(found.length)
    expect(names(configurations.nodes.flatMap(({ versions }: any) => versions.nodes))).toBe(found)
  })

  it('refuses a path without steps', async () => {
    const answer = await arc
      .tenant()
      .ask('{ configVersions(filter: {parsedConfig: [{path: []}]}) { totalCount } }')
    expect(answer.errors).toMatchObject([
      { message: 'A path has 1 to 100 steps; this one has 0.', extensions: { code: 'BAD_USER_INPUT' } },
    ])
  })
})

it('a scenario keeps what it was at each revision', async () => {
  const tenant = arc.tenant()
  const upsert = (scenario: object) =>
    tenant.data(
      `mutation ($scenario: ScenarioInput!) { upsertScenarios(input: {scenarios: [$scenario]}) { receipts { status revision } } }`,
      { scenario: { scenarioId: 'a', ...scenario } },
    )
  await upsert({ taskPrompt: 'Do it.', groundTruth: { answer: 1 } })
  await upsert({ taskPrompt: 'Do it.', groundTruth: { answer: 1 }, tags: ['new'] })
  await upsert({ taskPrompt: 'Do it well.', groundTruth: { answer: 1 }, tags: ['new'] })
  await upsert({ taskPrompt: 'Do it well.', groundTruth: { answer: 2 } })
  const { scenario } = await tenant.data(
    `{ scenario(scenarioId: "a") { revision revisions { totalCount nodes { revision taskPrompt groundTruth scenario { taskPrompt } } } } }`,
  )
  const now = { taskPrompt: 'Do it well.' }
  expect(scenario).toEqual({
    revision: 3,
    revisions: {
      totalCount: 3,
      nodes: [
        { revision: 3, taskPrompt: 'Do it well.', groundTruth: { answer: 2 }, scenario: now },
        { revision: 2, taskPrompt: 'Do it well.', groundTruth: { answer: 1 }, scenario: now },
        { revision: 1, taskPrompt: 'Do it.', groundTruth: { answer: 1 }, scenario: now },
      ],
    },
  })
})

it('a configuration tells of its simulations, a version of its diffs, a scenario of its runs', async () => {
  const tenant = arc.tenant()
  const { configId, versionId } = await tenant.configVersion()
  const { createConfigVersion } = await tenant.data(
    `mutation ($configId: UUID!) { createConfigVersion(input: {configId: $configId, yaml: "model: b"}) { version { versionId } } }`,
    { configId },
  )
  const later = createConfigVersion.version.versionId
  await tenant.scenarios('a')
  for (const configVersionId of [versionId, later]) {
    const { startSimulation } = await tenant.data(
      `mutation ($input: StartSimulationInput!) { startSimulation(input: $input) { errors { code } } }`,
      { input: { configVersionId, scenarioIds: ['a'], repetitions: 2 } },
    )
    expect(startSimulation.errors).toEqual([])
  }
  const { configuration, scenario, activeSimulations } = await tenant.data(
    `query ($configId: UUID!) {
      configuration(configId: $configId) {
        simulations { totalCount nodes { configVersion { versionId } runtimeMs } }
        versions(orderBy: {field: VERSION_NUMBER}) { nodes {
          simulations { totalCount } diffs { nodes { versionBefore } } laterDiffs { nodes { versionAfter } }
        } }
      }
      scenario(scenarioId: "a") { runs { totalCount } }
      activeSimulations(filter: {configVersionId: {eq: "${later}"}}) { totalCount nodes { status } }
    }`,
    { configId },
  )
  expect(configuration).toEqual({
    simulations: {
      totalCount: 2,
      nodes: [later, versionId].map((id) => ({
        configVersion: { versionId: id },
        runtimeMs: expect.any(Number),
      })),
    },
    versions: {
      nodes: [
        {
          simulations: { totalCount: 1 },
          diffs: { nodes: [] },
          laterDiffs: { nodes: [{ versionAfter: later }] },
        },
        {
          simulations: { totalCount: 1 },
          diffs: { nodes: [{ versionBefore: versionId }] },
          laterDiffs: { nodes: [] },
        },
      ],
    },
  })
  expect(scenario).toEqual({ runs: { totalCount: 4 } })
  expect(activeSimulations).toEqual({ totalCount: 1, nodes: [{ status: 'RUNNING' }] })
})

it('an empty text is in every text: no row’s outcome is looked up for it', async () => {
  const tenant = arc.tenant()
  const simulationId = await tenant.simulation(['a'])
  await tenant.record([{ simulationId, scenarioId: 'a', status: 'ERROR', error: 'no', reliabilityScore: 0 }])
  const query = `query ($f: FailurePatternFilter) { failurePatterns(filter: $f) { totalCount nodes { __typename } } }`
  const ask = (scenarioId: object) => arc.statementsDuring(() => tenant.data(query, { f: { scenarioId } }))
  expect((await ask({ contains: 'a' })).join()).toMatch(/outcomes/)
  expect((await ask({ contains: '' })).join()).not.toMatch(/outcomes/)
  expect((await ask({ contains: '', eq: 'a' })).join()).toMatch(/outcomes/)
})
