import {
  type GraphQLInputObjectType,
  type GraphQLObjectType,
  getNamedType,
  isInputObjectType,
  isNonNullType,
} from 'graphql'
import { beforeAll, describe, expect, it } from 'vitest'
import { schema } from '../../src/graphql/schema.ts'
import { useArc } from '../support/arc.ts'
import { everyConnection, ofParent, parentWithMostRows, wayTo } from '../support/everyConnection.ts'
import { ManyRows } from '../support/manyRows.ts'
import { WHOLE_LIST } from '../support/sums.ts'

/** What a list can be narrowed by. */
interface Narrowing {
  /** The type of the rows. */
  node: string
  field: string
  /** The type of the conditions. */
  conditions: string
  operators: string[]
  /** Whether the rows' field of that name may be null; undefined where they have none. */
  mayBeMissing: boolean | undefined
}

const connections = everyConnection()
const narrowings: Narrowing[] = [...new Set(connections.map(({ node }) => node))].flatMap((node) => {
  const fields = (schema.getType(node) as GraphQLObjectType).getFields()
  const filter = schema.getType(`${node}Filter`) as GraphQLInputObjectType
  return Object.values(filter.getFields()).map(({ name, type }) => {
    const conditions = getNamedType(type)
    return {
      node,
      field: name,
      conditions: conditions.name,
      operators: isInputObjectType(conditions) ? Object.keys(conditions.getFields()) : [],
      mayBeMissing: fields[name] && !isNonNullType(fields[name].type),
    }
  })
})

describe('a filter', () => {
  it('calls what rows are narrowed by as the rows do', () => {
    const others = narrowings
      .filter(({ mayBeMissing }) => mayBeMissing === undefined)
      .map(({ node, field }) => `${node}.${field}`)
    expect(others.sort()).toEqual([
      'Alert.isOpen',
      'ApiKey.isRevoked',
      // Of what a row belongs to or is made of.
      'Configuration.model',
      'DailyStats.configVersionId',
      'DailyStats.hour',
      'DailyStats.model',
      'ErrorRate.executionTime',
      'FailureGroup.configVersionId',
      'FailureGroup.executionTime',
      'FailureGroup.group',
      'FailureGroup.outcomeId',
      'FailureGroup.patternId',
      'FailureGroup.recoveryAttempted',
      'FailureGroup.recoverySuccessful',
      'FailureGroup.scenarioId',
      'FailureGroup.search',
      'FailureGroup.simulationId',
      'FailureGroup.superseded',
      'FailureGroup.text',
      'FailurePattern.configVersionId',
      'FailurePattern.group',
      'FailurePattern.scenarioId',
      'FailurePattern.search',
      'FailurePattern.superseded',
      'FailurePattern.text',
      'Outcome.configId',
      'Outcome.configVersionId',
      'Outcome.difficultyLevel',
      'Outcome.tags',
      'Scenario.search',
      'Scenario.text',
      'Simulation.configId',
      'Simulation.configVersionId',
      'Simulation.model',
      'Simulation.scenarioId',
      'SystemPerformance.createdAt',
      'ToolAnalytics.configId',
      'ToolAnalytics.configVersionId',
      'ToolAnalytics.executionTime',
      'ToolAnalytics.scenarioId',
      'ToolAnalytics.simulationId',
      'ToolAnalytics.superseded',
      'ToolUsage.configVersionId',
      'ToolUsage.scenarioId',
      'ToolUsage.superseded',
    ])
  })

  it('has conditions of one shape, but for searches and what is true or false', () => {
    const bare = narrowings.filter(({ operators }) => operators.length === 0)
    expect(new Set(bare.map(({ field, conditions }) => `${field}: ${conditions}`))).toEqual(
      new Set([
        'applied: Boolean',
        'enabled: Boolean',
        'group: String',
        'isActive: Boolean',
        'isDeleted: Boolean',
        'isOpen: Boolean',
        'isRevoked: Boolean',
        'recoveryAttempted: Boolean',
        'recoverySuccessful: Boolean',
        'revisionDiffers: Boolean',
        'runnerLost: Boolean',
        'search: String',
        'superseded: Boolean',
        'text: String',
      ]),
    )
  })

  it('asks whether a value is missing where it may be, and only there', () => {
    for (const { node, field, operators, conditions, mayBeMissing } of narrowings) {
      if (conditions === 'JsonPathFilter' || operators.length === 0) continue
      expect([node, field, operators.includes('isNull')]).toEqual([node, field, mayBeMissing ?? false])
    }
  })
})

describe('a dashboard', () => {
  const arc = useArc()
  const tenant = arc.tenant()
  let configId: string
  let versionId: string
  let simulationId: string
  beforeAll(async () => {
    ;({ configId, versionId } = await tenant.configVersion())
    await tenant.scenarios('a', 'b', 'c')
    const { startSimulation } = await tenant.data(
      `mutation ($input: StartSimulationInput!) { startSimulation(input: $input) { simulation { simulationId } } }`,
      {
        input: {
          configVersionId: versionId,
          scenarioIds: ['a', 'b'],
          name: 'nightly',
          metadata: { suite: 'nightly', commit: { number: 17 } },
        },
      },
    )
    simulationId = startSimulation.simulation.simulationId
    await tenant.record([
      {
        simulationId,
        scenarioId: 'a',
        status: 'ERROR',
        executionTime: '2026-03-01T10:00:00Z',
        executionTimeMs: 1_000,
        errorCode: 'E17',
        promptTokens: 20,
        completionTokens: 5,
        tokensUsed: 25,
        costUsd: 0.25,
        failurePatterns: [
          {
            failureType: 'recovered',
            failureCategory: 'UNKNOWN',
            recoveryAttempted: true,
            recoverySuccessful: true,
          },
          { failureType: 'tried', failureCategory: 'UNKNOWN', recoveryAttempted: true },
          { failureType: 'left', failureCategory: 'UNKNOWN' },
        ],
        toolUsage: [
          { toolName: 'slow', callCount: 2, successRate: 1, avgDurationMs: 100, totalCostUsd: 0.5 },
          { toolName: 'untimed', callCount: 1, successRate: 1 },
        ],
      },
      {
        simulationId,
        scenarioId: 'a',
        retryCount: 1,
        status: 'SUCCESS',
        executionTime: '2026-03-01T11:00:00Z',
      },
    ])
    await tenant.simulation(['c'])
    const other = await tenant.simulation(['c'], { name: 'by hand' })
    await tenant.record([
      {
        simulationId: other,
        scenarioId: 'c',
        status: 'ERROR',
        executionTime: '2026-03-02T00:00:00Z',
        failurePatterns: [{ failureType: 'elsewhere', failureCategory: 'UNKNOWN' }],
        toolUsage: [{ toolName: 'elsewhere', callCount: 5, successRate: 1, avgDurationMs: 10 }],
      },
    ])
  })

  /** What the rows of a list are told by. */
  const LISTS: Record<string, string> = {
    failurePatterns: 'failureType',
    toolUsage: 'toolName',
    outcomes: 'retryCount',
    simulations: 'simulationName',
    simulationScenarios: 'scenarioId',
    scenarios: 'name',
    toolAnalytics: 'toolName',
    configVersions: 'versionNumber',
  }

  /** Where else all rows of a list stand. */
  const BELOW: Record<string, { parents: string; field: string }> = {
    failurePatterns: { parents: 'simulations', field: 'failurePatterns' },
    toolUsage: { parents: 'simulations', field: 'toolUsage' },
    outcomes: { parents: 'configVersions', field: 'outcomes' },
    simulations: { parents: 'configVersions', field: 'simulations' },
    simulationScenarios: { parents: 'simulations', field: 'runs' },
    toolAnalytics: { parents: 'configurations', field: 'toolAnalytics' },
    configVersions: { parents: 'configurations', field: 'versions' },
  }

  it.each<[string, string, () => object, unknown[]]>([
    ['failurePatterns', 'a scenario', () => ({ scenarioId: { eq: 'c' } }), ['elsewhere']],
    [
      'failurePatterns',
      'a version',
      () => ({ configVersionId: { eq: versionId } }),
      ['left', 'recovered', 'tried'],
    ],
    ['failurePatterns', 'attempts to recover', () => ({ recoveryAttempted: true }), ['recovered', 'tried']],
    [
      'failurePatterns',
      'failed attempts to recover',
      () => ({ recoveryAttempted: true, recoverySuccessful: false }),
      ['tried'],
    ],
    [
      'failurePatterns',
      'attempts that a later one replaces',
      () => ({ superseded: true }),
      ['left', 'recovered', 'tried'],
    ],
    ['toolUsage', 'last attempts', () => ({ superseded: false }), ['elsewhere']],
    ['toolUsage', 'a scenario', () => ({ scenarioId: { in: ['a'] } }), ['slow', 'untimed']],
    ['toolUsage', 'a version', () => ({ configVersionId: { in: [versionId] } }), ['slow', 'untimed']],
    ['toolUsage', 'slow calls', () => ({ avgDurationMs: { gt: 50 } }), ['slow']],
    ['toolUsage', 'unknown times', () => ({ avgDurationMs: { isNull: true } }), ['untimed']],
    ['toolUsage', 'dear calls', () => ({ totalCostUsd: { gte: 0.5 } }), ['slow']],
    ['outcomes', 'a version', () => ({ configVersionId: { eq: versionId } }), [0, 1]],
    ['outcomes', 'a configuration', () => ({ configId: { eq: configId } }), [0, 1]],
    ['outcomes', 'both', () => ({ configVersionId: { eq: versionId }, configId: { eq: versionId } }), []],
    ['outcomes', 'an error code', () => ({ errorCode: { contains: 'e1' } }), [0]],
    ['outcomes', 'retries', () => ({ retryCount: { gte: 0.5 } }), [1]],
    ['outcomes', 'when they were stored', () => ({ recordedAt: { lt: '2026-01-01T00:00:00Z' } }), []],
    ['outcomes', 'tokens', () => ({ promptTokens: { gte: 20 }, completionTokens: { lt: 5.5 } }), [0]],
    [
      'simulations',
      'what they cost',
      () => ({
        totalCostUsd: { eq: 0.25 },
        totalTokens: { gte: 25 },
        executionTimeMs: { lt: 1000.5, gt: 999 },
      }),
      ['nightly'],
    ],
    ['simulations', 'runs without names', () => ({ simulationName: { isNull: true } }), [null]],
    ['simulations', 'when they began', () => ({ startedAt: { lt: '2026-01-01T00:00:00Z' } }), []],
    [
      'simulations',
      'what their starter noted',
      () => ({
        metadata: [
          { path: ['suite'], eq: 'nightly' },
          { path: ['commit', 'number'], gte: 17 },
        ],
      }),
      ['nightly'],
    ],
    [
      'simulations',
      'a scenario and what their starter noted',
      () => ({ metadata: [{ path: ['suite'], exists: true }], scenarioId: { eq: 'c' } }),
      [],
    ],
    ['simulationScenarios', 'runs that began', () => ({ startedAt: { isNull: false } }), ['a', 'c']],
    [
      'simulationScenarios',
      'runs that ended',
      () => ({ completedAt: { gte: '2026-03-01T11:00:00Z', lt: '2026-03-02T00:00:00Z' } }),
      ['a'],
    ],
    ['scenarios', 'a name', () => ({ name: { eq: 'b' } }), ['b']],
    ['scenarios', 'when they changed', () => ({ updatedAt: { lt: '2026-01-01T00:00:00Z' } }), []],
    ['configVersions', 'a number', () => ({ versionNumber: { gt: 1 } }), []],
    ['toolAnalytics', 'many runs', () => ({ runs: { gt: 1 } }), []],
    ['toolAnalytics', 'last attempts', () => ({ superseded: false }), ['elsewhere']],
    ['toolAnalytics', 'attempts', () => ({ attempts: { gt: 1 } }), []],
    ['toolAnalytics', 'slow calls', () => ({ meanDurationMs: { gte: 100 } }), ['slow']],
    ['toolAnalytics', 'the slowest calls', () => ({ p95DurationMs: { lt: 100 } }), ['elsewhere']],
    ['toolAnalytics', 'known costs', () => ({ totalCostUsd: { isNull: false } }), ['slow']],
    ['toolAnalytics', 'unknown costs', () => ({ totalCostUsd: { isNull: true } }), ['elsewhere', 'untimed']],
  ])('narrows %s by %s', async (list, _, filter, found) => {
    const { node } = connections.find(({ name }) => name === `Query.${list}`)!
    const told = LISTS[list]!
    const page = `${list}(filter: $filter) { totalCount nodes { ${told} } }`
    const toldOf = ({ totalCount, nodes }: { totalCount: number; nodes: Record<string, unknown>[] }) => {
      expect(totalCount).toBe(nodes.length)
      return nodes.map((row) => row[told]).sort()
    }
    const data = await tenant.data(`query ($filter: ${node}Filter) { ${page} }`, { filter: filter() })
    expect(toldOf(data[list])).toEqual(found)

    // The same below parents, which is other SQL.
    const below = BELOW[list]
    if (!below) return
    const nested = await tenant.data(
      `query ($filter: ${node}Filter) { ${below.parents} { nodes { ${page.replace(list, `page: ${below.field}`)} } } }`,
      { filter: filter() },
    )
    const all = nested[below.parents].nodes.flatMap(({ page: { nodes } }: any) => nodes)
    expect(toldOf({ totalCount: all.length, nodes: all })).toEqual(found)
  })

  it('narrows the course of simulations and of the system', async () => {
    const { simulation, systemPerformance, none } = await tenant.data(
      `query ($simulationId: UUID!) {
        simulation(simulationId: $simulationId) {
          performance(grain: HOUR, by: SCENARIO) {
            failed: groups(filter: {failed: {gte: 1}}) { totalCount nodes { key } }
            ended: groups(filter: {runs: {gte: 1}}) { totalCount nodes { runs } }
            many: groups(filter: {attempts: {gt: 1}}) { totalCount nodes { attempts runs } }
          }
        }
        systemPerformance(filter: {simulations: {gte: 1}, failed: {eq: 0}}) { nodes { failed } }
        none: systemPerformance(filter: {failed: {gt: 0}}) { totalCount nodes { failed } }
      }`,
      { simulationId },
    )
    expect(simulation.performance).toEqual({
      // The attempt that failed was followed by one that did not.
      failed: { totalCount: 0, nodes: [] },
      ended: { totalCount: 1, nodes: [{ runs: 1 }] },
      many: { totalCount: 1, nodes: [{ attempts: 2, runs: 1 }] },
    })
    expect(systemPerformance.nodes.length).toBeGreaterThan(0)
    expect(none).toEqual({ totalCount: 0, nodes: [] })
  })

  it('narrows recommendations by what they were worth and when they were applied', async () => {
    for (const score of [1, 4, null]) {
      const { createRecommendation } = await tenant.data(
        `mutation ($input: CreateRecommendationInput!) {
          createRecommendation(input: $input) { recommendation { recommendationId } }
        }`,
        {
          input: {
            sourceType: 'SIMULATION',
            sourceId: simulationId,
            recommendationType: 'CONFIG_CHANGE',
            description: 'Lower the temperature.',
            confidence: 0.5,
          },
        },
      )
      const { recommendationId } = createRecommendation.recommendation
      if (score === null) continue
      await tenant.data(
        `mutation ($recommendationId: UUID!, $score: Int!) {
          rateRecommendation(input: {recommendationId: $recommendationId, score: $score}) { errors { code } }
          applyRecommendation(input: {recommendationId: $recommendationId}) { errors { code } }
        }`,
        { recommendationId, score },
      )
    }
    const { rated, unrated, good, applied } = await tenant.data(`{
      rated: recommendations(filter: {feedbackScore: {isNull: false}}) { totalCount }
      unrated: recommendations(filter: {feedbackScore: {isNull: true}}) { totalCount }
      good: recommendations(filter: {feedbackScore: {gte: 3.5}}) { nodes { feedbackScore } }
      applied: recommendations(filter: {appliedAt: {gte: "2026-01-01T00:00:00Z"}}) { totalCount }
    }`)
    expect([rated.totalCount, unrated.totalCount, applied.totalCount]).toEqual([2, 1, 2])
    expect(good.nodes).toEqual([{ feedbackScore: 4 }])
  })
})

describe('what is missing', () => {
  const arc = useArc({ ARC_MAX_COST: '1000000000' })
  let rows: ManyRows
  beforeAll(async () => {
    rows = new ManyRows(arc)
    await rows.fill()
  })

  /** A value that fits, and the conditions that it fulfils. */
  const fitting = (operators: string[], value: unknown) =>
    operators.includes('gte') ? { gte: value } : { in: [value] }

  const missing = connections.flatMap((connection) =>
    narrowings
      .filter(({ node, operators }) => node === connection.node && operators.includes('isNull'))
      .map(({ field, operators }) => ({ ...connection, narrowed: field, operators })),
  )

  it.each(missing)('is found by $narrowed in $name', async (connection) => {
    const { field, node, parent, narrowed, operators } = connection
    const parentId = await parentWithMostRows(rows.tenant, connection)
    const page = `page: ${field}(first: 500, filter: $filter) { totalCount nodes { value: ${narrowed} } }`
    const way = await wayTo(rows.tenant, parent)
    const valuesOf = async (conditions: object): Promise<unknown[]> => {
      const data = await rows.tenant.data(
        `query (${parentId ? '$parentId: ID!, ' : ''}$filter: ${node}Filter) {
          ${parentId ? `node(id: $parentId) { ... on ${parent} { ${page} } }` : way(page)}
        }`,
        { parentId, filter: { ...WHOLE_LIST[field], [narrowed]: conditions } },
      )
      const { totalCount, nodes } = (data.node ?? ofParent(data)).page
      expect(totalCount).toBe(nodes.length)
      return nodes.map(({ value }: { value: unknown }) => value)
    }
    const all = await valuesOf({})
    const there = all.filter((value) => value !== null)
    expect(await valuesOf({ isNull: null })).toEqual(all)
    expect(await valuesOf({ isNull: true })).toEqual(all.filter((value) => value === null))
    expect(await valuesOf({ isNull: false })).toEqual(there)

    const value = there[0] ?? (operators.includes('gt') && operators.includes('eq') ? 0 : undefined)
    if (value === undefined) return
    const conditions = fitting(operators, value)
    const found = await valuesOf(conditions)
    expect(found).not.toContain(null)
    expect(await valuesOf({ ...conditions, isNull: false })).toEqual(found)
    expect(await valuesOf({ ...conditions, isNull: true })).toEqual([])
    if (operators.includes('contains')) {
      const within = { contains: String(value).slice(1, 3) }
      expect(await valuesOf({ ...within, isNull: false })).toEqual(await valuesOf(within))
      expect(await valuesOf({ ...within, isNull: true })).toEqual([])
    }
  })

  it('is there and is not there in some of the lists', async () => {
    const { outcomes } = await rows.tenant.data('{ outcomes(first: 500) { nodes { reliabilityScore } } }')
    const scores = outcomes.nodes.map(({ reliabilityScore }: any) => reliabilityScore)
    expect(scores).toContain(null)
    expect(scores).toContain(0.5)
  })
})
