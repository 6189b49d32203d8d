import { beforeAll, describe, expect, it } from 'vitest'
import { Arc, type Tenant, useArc } from '../support/arc.ts'
import { query } from '../support/emptyDatabase.ts'

// Where outcomes lie in many chunks they are read from one stretch of time after another. Here they are of nine years, thick in some
// days and with years of nothing between, and each list is walked to its end both ways: as a server reads it that plans over all.

const DAY_MS = 86_400_000
const SCENARIOS = ['often', 'seldom', 'once']

const stepping = useArc({ ARC_PLANNED_CHUNKS: '0' })
const steppingByResolvers = new Arc({ ARC_PLANNED_CHUNKS: '0', ARC_COMPILED_READS: 'off' })
const planningAll = new Arc({ ARC_PLANNED_CHUNKS: '1000000' })
for (const arc of [steppingByResolvers, planningAll]) {
  beforeAll(() => arc.start())
}

const LISTS = {
  'the tenant': 'list: outcomes(PAGE)',
  'one status': 'list: outcomes(PAGE, filter: { status: { eq: ERROR } })',
  'a status that none has': 'list: outcomes(PAGE, filter: { status: { eq: CANCELLED } })',
  'a scenario': 'list: outcomes(PAGE, filter: { scenarioId: { eq: "seldom" } })',
  scenarios: 'list: outcomes(PAGE, filter: { scenarioId: { in: ["seldom", "once"] } })',
  simulations: 'list: outcomes(PAGE, filter: { simulationId: { in: [$simulationId, $otherId] } })',
  'a version': 'list: outcomes(PAGE, filter: { configVersionId: { eq: $versionId } })',
  'a range of time': 'list: outcomes(PAGE, filter: { executionTime: { gte: $from, lt: $to } })',
  'a range without any': 'list: outcomes(PAGE, filter: { executionTime: { gt: $from, lt: $from } })',
  'a text with quotes and marks': `list: outcomes(PAGE, filter: { errorCode: { contains: "'%s$1\\\\" } })`,
  'a simulation': 'of: simulation(simulationId: $simulationId) { list: outcomes(PAGE) ALL }',
  'one without any': 'of: simulation(simulationId: $emptyId) { list: outcomes(PAGE) ALL }',
  'one scenario': 'of: scenario(scenarioId: "seldom") { list: outcomes(PAGE) ALL }',
  'one version': 'of: configVersion(versionId: $versionId) { list: outcomes(PAGE) ALL }',
  tools: 'list: toolUsage(PAGE, filter: { toolName: { eq: "search" } })',
  'tools of a simulation': 'of: simulation(simulationId: $simulationId) { list: toolUsage(PAGE) ALL }',
  'by score': 'list: outcomes(PAGE, orderBy: { field: RELIABILITY_SCORE, direction: ASC })',
  'the oldest first': 'list: outcomes(PAGE, orderBy: { field: EXECUTION_TIME, direction: ASC })',
  'a simulation by its cost':
    'of: simulation(simulationId: $simulationId) { list: outcomes(PAGE, orderBy: { field: COST_USD, direction: DESC }) ALL }',
}
const ALL =
  '{ totalCount nodes { id executionTime } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } }'
const TYPES =
  'simulationId: UUID!, otherId: UUID!, emptyId: UUID!, versionId: UUID!, from: DateTime!, to: DateTime!'

describe('lists in steps of time', () => {
  let tenant: Tenant
  let variables: Record<string, string>

  beforeAll(async () => {
    tenant = stepping.tenant()
    const { versionId } = await tenant.configVersion()
    await tenant.scenarios(...SCENARIOS)
    const simulation = async () => {
      const { startSimulation } = await tenant.data(
        `mutation ($input: StartSimulationInput!) { startSimulation(input: $input) { simulation { simulationId } } }`,
        { input: { configVersionId: versionId, scenarioIds: SCENARIOS, repetitions: 40 } },
      )
      return startSimulation.simulation.simulationId as string
    }
    const ids = [await simulation(), await simulation(), await simulation()] as const
    const now = Date.now()
    const outcomes = [ids[0], ids[1]].flatMap((simulationId, which) =>
      SCENARIOS.flatMap((scenarioId, often) =>
        Array.from({ length: [40, 9, 1][often]! }, (_, index) => ({
          simulationId,
          scenarioId,
          repetition: index + 1,
          status: index % 4 === 3 ? 'ERROR' : 'SUCCESS',
          ...(index % 4 === 3 && { error: 'it broke', errorCode: `E'%s$1\\${index}` }),
          reliabilityScore: (index % 7) / 7,
          costUsd: (index % 5) / 100,
          toolUsage: [{ toolName: index % 2 ? 'search' : 'book', callCount: 1, successRate: 1 }],
          // Days, weeks and years apart; some at the same moment.
          executionTime: new Date(
            now - DAY_MS * (which * 1_200 + (index < 30 ? index / 10 : (index - 29) * 190)) - often,
          ).toISOString(),
        })),
      ),
    )
    const { storedCount } = await tenant.record(outcomes)
    expect(storedCount).toBe(100)
    variables = {
      simulationId: ids[0],
      otherId: ids[1],
      emptyId: ids[2],
      versionId,
      from: new Date(now - 1_500 * DAY_MS).toISOString(),
      to: new Date(now - 1_100 * DAY_MS).toISOString(),
    }
    return () => Promise.all([steppingByResolvers.stop(), planningAll.stop()])
  })

  async function walked(arc: Arc, list: string, page: 'first' | 'last'): Promise<unknown[]> {
    const [cursor, end, more] =
      page === 'first' ? ['after', 'endCursor', 'hasNextPage'] : ['before', 'startCursor', 'hasPreviousPage']
    const pages: unknown[] = []
    for (let place: string | null = null; ; ) {
      const at = `${page}: 17, ${cursor}: ${place === null ? 'null' : `"${place}"`}`
      const asked = list.includes('ALL') ? list.replace('ALL', ALL) : `${list} ${ALL}`
      const used = TYPES.split(', ').filter((each) => asked.includes(`$${each.split(':')[0]}`))
      const declared = used.map((each) => `$${each}`).join(', ')
      const { data, errors } = await arc.post(
        { query: `query ${declared && `(${declared})`} { ${asked.replace('PAGE', at)} }`, variables },
        await tenant.token(),
      )
      expect(errors).toBeUndefined()
      const found = (data.of ?? data).list
      pages.push(found)
      if (!found.pageInfo[more!]) return pages
      place = found.pageInfo[end!]
    }
  }

  it.each([
    ['before their hours are summed', false],
    ['when they are', true],
  ])(
    'are the same as planned over all, %s',
    async (_, areSummed) => {
      if (areSummed) {
        await query(stepping.adminUrl, `do $$ begin while refresh_rollups(1000) > 0 loop end loop; end $$`)
      }
      const expected: Record<string, unknown> = {}
      const found: Record<string, unknown> = {}
      const resolved: Record<string, unknown> = {}
      for (const [name, list] of Object.entries(LISTS))
        for (const page of ['first', 'last'] as const) {
          expected[`${name}, ${page}`] = await walked(planningAll, list, page)
          found[`${name}, ${page}`] = await walked(stepping, list, page)
          resolved[`${name}, ${page}`] = await walked(steppingByResolvers, list, page)
        }
      expect(expected['the tenant, first']).toHaveLength(6)
      expect(expected['a text with quotes and marks, first']).toMatchObject([{ totalCount: 24 }, {}])
      expect(found).toEqual(expected)
      expect(resolved).toEqual(expected)
    },
    60_000,
  )

  it('hide a simulation that is deleted, and have it again when that is taken back', async () => {
    const times = async () => {
      await query(stepping.adminUrl, `do $$ begin while refresh_rollups(1000) > 0 loop end loop; end $$`)
      const { outcomes } = await tenant.data('{ outcomes(first: 500) { totalCount nodes { outcomeId } } }')
      expect(outcomes.nodes).toHaveLength(outcomes.totalCount)
      return outcomes.totalCount
    }
    const { deleteSimulation } = await tenant.data(
      `mutation ($id: UUID!) { deleteSimulation(input: { simulationId: $id }) { deletion { deletionId } } }`,
      { id: variables.otherId },
    )
    expect(await times()).toBe(50)
    await tenant.data(
      `mutation ($id: UUID!) { undelete(input: { deletionId: $id }) { errors { message } } }`,
      { id: deleteSimulation.deletion.deletionId },
    )
    expect(await times()).toBe(100)
  })
})
