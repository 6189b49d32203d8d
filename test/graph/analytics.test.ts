import { beforeAll, describe, expect, it } from 'vitest'
import { type Tenant, useArc } from '../support/arc.ts'

const arc = useArc()

const FIELDS =
  'nodes { toolName calls runs successRate meanDurationMs p95DurationMs totalCostUsd commonErrors { message runs } }'

describe('tool analytics', () => {
  let tenant: Tenant
  let simulations: string[]
  let versions: string[]
  let configId: string

  beforeAll(async () => {
    tenant = arc.tenant()
    const first = await tenant.configVersion()
    configId = first.configId
    const { createConfigVersion } = await tenant.data(
      `mutation ($configId: UUID!) { createConfigVersion(input: {configId: $configId, yaml: "model: b"}) { version { versionId } } }`,
      { configId },
    )
    versions = [first.versionId, createConfigVersion.version.versionId]
    await tenant.scenarios('a', 'b')
    simulations = []
    for (const configVersionId of versions) {
      const { startSimulation } = await tenant.data(
        `mutation ($input: StartSimulationInput!) { startSimulation(input: $input) { simulation { simulationId } } }`,
        { input: { configVersionId, scenarioIds: ['a', 'b'], repetitions: 20 } },
      )
      simulations.push(startSimulation.simulation.simulationId)
    }
    // First simulation: scenario a searches 20 times, 10 to 200 ms, every tenth fails; b edits once, without a time.
    // Second simulation: one run of a searches three times at once, each in a second.
    await tenant.record([
      ...Array.from({ length: 20 }, (_, index) => ({
        simulationId: simulations[0],
        scenarioId: 'a',
        repetition: index + 1,
        status: 'SUCCESS',
        executionTime: `2026-01-15T12:00:${String(index).padStart(2, '0')}.000Z`,
        toolUsage: [
          {
            toolName: 'search',
            callCount: 1,
            avgDurationMs: 10 * (index + 1),
            successRate: index % 10 === 9 ? 0 : 1,
            errorTypes: index % 10 === 9 ? ['Error: not found', ...(index === 9 ? ['Error: busy'] : [])] : [],
            totalCostUsd: 0.001,
          },
        ],
      })),
      {
        simulationId: simulations[0],
        scenarioId: 'b',
        status: 'SUCCESS',
        executionTime: '2026-01-16T12:00:00.000Z',
        toolUsage: [{ toolName: 'edit', callCount: 1, successRate: 1 }],
      },
      {
        simulationId: simulations[1],
        scenarioId: 'a',
        status: 'SUCCESS',
        executionTime: '2026-01-17T12:00:00.000Z',
        toolUsage: [{ toolName: 'search', callCount: 3, avgDurationMs: 1000, successRate: 1 }],
      },
    ])
  })

  const SEARCH = {
    toolName: 'search',
    calls: 20,
    runs: 20,
    successRate: 0.9,
    meanDurationMs: 105,
    p95DurationMs: 190,
    totalCostUsd: 0.02,
    commonErrors: [
      { message: 'Error: not found', runs: 2 },
      { message: 'Error: busy', runs: 1 },
    ],
  }
  const EDIT = {
    toolName: 'edit',
    calls: 1,
    runs: 1,
    successRate: 1,
    meanDurationMs: null,
    p95DurationMs: null,
    totalCostUsd: null,
    commonErrors: [],
  }
  const BURST = {
    toolName: 'search',
    calls: 3,
    runs: 1,
    successRate: 1,
    meanDurationMs: 1000,
    p95DurationMs: 1000,
    totalCostUsd: null,
    commonErrors: [],
  }
  // 20 calls and 3 calls: the 22nd of 23 is one of the slow ones.
  const BOTH = {
    ...SEARCH,
    calls: 23,
    runs: 21,
    successRate: 21 / 23,
    meanDurationMs: (20 * 105 + 3 * 1000) / 23,
    p95DurationMs: 1000,
  }

  it('sum up all runs, those of a simulation, of a version and of a scenario', async () => {
    const data = await tenant.data(`{
      toolAnalytics { ${FIELDS} }
      most: toolAnalytics(first: 1) { totalCount nodes { toolName } pageInfo { hasNextPage } }
      simulations(orderBy: {field: CREATED_AT}) { nodes { toolAnalytics { ${FIELDS} totalCount } } }
      mostOfEach: simulations { nodes { toolAnalytics(first: 1) { nodes { toolName } } } }
      configVersions(orderBy: {field: VERSION_NUMBER}) { nodes { toolAnalytics { ${FIELDS} totalCount } } }
      scenarios(orderBy: {field: SCENARIO_ID}) { nodes { toolAnalytics { ${FIELDS} } } }
    }`)
    const near = (tool: typeof BOTH) => ({
      ...tool,
      successRate: expect.closeTo(tool.successRate, 10),
      meanDurationMs: expect.closeTo(tool.meanDurationMs, 8),
    })
    expect(data.toolAnalytics.nodes).toEqual([near(BOTH), EDIT])
    expect(data.most).toEqual({
      totalCount: 2,
      nodes: [{ toolName: 'search' }],
      pageInfo: { hasNextPage: true },
    })
    expect(data.simulations.nodes).toEqual([
      { toolAnalytics: { totalCount: 2, nodes: [near(SEARCH), EDIT] } },
      { toolAnalytics: { totalCount: 1, nodes: [BURST] } },
    ])
    expect(data.mostOfEach.nodes).toEqual(
      Array.from(simulations, () => ({ toolAnalytics: { nodes: [{ toolName: 'search' }] } })),
    )
    expect(data.configVersions.nodes).toEqual(data.simulations.nodes)
    expect(data.scenarios.nodes).toEqual([
      { toolAnalytics: { nodes: [near(BOTH)] } },
      { toolAnalytics: { nodes: [EDIT] } },
    ])
  })

  it.each<[string, () => object, number | null]>([
    ['a simulation', () => ({ simulationId: { eq: simulations[1] } }), 3],
    ['a version', () => ({ configVersionId: { eq: versions[0] } }), 20],
    ['a configuration', () => ({ configId: { in: [configId] } }), 23],
    ['another configuration', () => ({ configId: { eq: simulations[0] } }), null],
    ['a scenario', () => ({ scenarioId: { eq: 'b' } }), null],
    ['a tool', () => ({ toolName: { contains: 'SEAR' } }), 23],
    ['a time', () => ({ executionTime: { gte: '2026-01-15T12:00:05Z', lt: '2026-01-17T12:00:00Z' } }), 15],
    [
      'a time to its end',
      () => ({ executionTime: { gt: '2026-01-15T12:00:05Z', lte: '2026-01-17T12:00:00Z' } }),
      17,
    ],
    ['many calls', () => ({ calls: { gte: 23 } }), 23],
    ['more calls', () => ({ calls: { gt: 23 } }), null],
    ['few failures', () => ({ successRate: { gt: 0.95 } }), null],
    ['a time that has not come', () => ({ executionTime: { gt: '2026-01-17T12:00:00Z' } }), null],
  ])('are narrowed to %s', async (_, filter, calls) => {
    const { toolAnalytics } = await tenant.data(
      'query ($filter: ToolAnalyticsFilter) { toolAnalytics(filter: $filter) { totalCount nodes { toolName calls } } }',
      { filter: filter() },
    )
    expect(toolAnalytics.totalCount).toBe(toolAnalytics.nodes.length)
    const search = toolAnalytics.nodes.find(({ toolName }: any) => toolName === 'search')
    expect(search?.calls ?? null).toBe(calls)
  })

  it.each([
    ['CALLS', ['edit', 'search']],
    ['RUNS', ['edit', 'search']],
    ['SUCCESS_RATE', ['search', 'edit']],
    // Of the other one neither times nor costs are known: it comes last.
    ['MEAN_DURATION_MS', ['search', 'edit']],
    ['P95_DURATION_MS', ['search', 'edit']],
    ['TOTAL_COST_USD', ['search', 'edit']],
    ['TOOL_NAME', ['edit', 'search']],
  ])('are ordered by %s', async (field, tools) => {
    const { toolAnalytics } = await tenant.data(
      `{ toolAnalytics(orderBy: {field: ${field}}) { nodes { toolName } } }`,
    )
    expect(toolAnalytics.nodes.map(({ toolName }: any) => toolName)).toEqual(tools)
  })

  it('of a list are read and counted in one statement, and are nobody else’s', async () => {
    const query = (more: string) =>
      `{ simulations { nodes { toolAnalytics { nodes { calls } ${more} } performance { summary { runs } groups { nodes { key } ${more} } } } } }`
    for (const [more, statements] of [
      ['', 1],
      ['totalCount', 1],
    ] as const) {
      const asked = await arc.statementsDuring(() => tenant.data(query(more)))
      expect(asked.filter((text) => /toolAnalytics|performance/.test(text))).toHaveLength(statements)
    }
    expect(await arc.tenant().data('{ toolAnalytics { nodes { calls } totalCount } }')).toEqual({
      toolAnalytics: { nodes: [], totalCount: 0 },
    })
  })

  it('refuse a page that is too large', async () => {
    const { errors } = await tenant.ask('{ toolAnalytics(first: 501) { nodes { calls } } }')
    expect(errors).toMatchObject([{ extensions: { code: 'LIMIT_EXCEEDED' } }])
  })
})

describe('failure groups', () => {
  it('sum up the occurrences of each failure, the most common first', async () => {
    const tenant = arc.tenant()
    const simulations = [await tenant.simulation(['a', 'b', 'c']), await tenant.simulation(['a'])]
    const failed = (simulation: number, scenarioId: string, day: number, error: string) => ({
      simulationId: simulations[simulation],
      scenarioId,
      status: 'ERROR',
      executionTime: `2026-01-0${day}T00:00:00.000Z`,
      error,
    })
    await tenant.record([
      failed(0, 'a', 1, 'ToolError: order 1 is too old'),
      failed(0, 'b', 3, 'ToolError: order 22 is too old'),
      failed(0, 'c', 2, 'TimeoutError: no answer in 30 s'),
      failed(1, 'a', 2, 'ToolError: order 333 is too old'),
    ])
    const fields = `totalCount nodes {
      failureType failureCategory failures runs simulations firstTime lastTime latest { errorMessage outcome { scenarioId } }
    }`
    const data = await tenant.data(
      `query ($simulationId: UUID!) {
        failureGroups { ${fields} }
        rare: failureGroups(filter: {failures: {lt: 2}}) { totalCount nodes { failureType } }
        early: failureGroups(filter: {executionTime: {lt: "2026-01-02T00:00:00Z"}}) { nodes { failureType failures } }
        simulation(simulationId: $simulationId) { failureGroups { nodes { failures } } }
        scenario(scenarioId: "a") { failureGroups { nodes { failures simulations } } }
        configVersions { nodes { failureGroups(first: 1) { nodes { failures } } } }
      }`,
      { simulationId: simulations[0] },
    )
    const tooOld = {
      failureType: 'ToolError',
      failureCategory: 'TOOL_ERROR',
      failures: 3,
      runs: 3,
      simulations: 2,
      firstTime: '2026-01-01T00:00:00.000Z',
      lastTime: '2026-01-03T00:00:00.000Z',
      latest: { errorMessage: 'ToolError: order 22 is too old', outcome: { scenarioId: 'b' } },
    }
    const timeout = {
      failureType: 'TimeoutError',
      failureCategory: 'TIMEOUT',
      failures: 1,
      runs: 1,
      simulations: 1,
      firstTime: '2026-01-02T00:00:00.000Z',
      lastTime: '2026-01-02T00:00:00.000Z',
      latest: { errorMessage: 'TimeoutError: no answer in 30 s', outcome: { scenarioId: 'c' } },
    }
    expect(data.failureGroups).toEqual({ totalCount: 2, nodes: [tooOld, timeout] })
    expect(data.rare).toEqual({ totalCount: 1, nodes: [{ failureType: 'TimeoutError' }] })
    expect(data.early.nodes).toEqual([{ failureType: 'ToolError', failures: 1 }])
    expect(data.simulation.failureGroups.nodes).toEqual([{ failures: 2 }, { failures: 1 }])
    expect(data.scenario.failureGroups.nodes).toEqual([{ failures: 2, simulations: 2 }])
    const versions = data.configVersions.nodes.map(
      ({ failureGroups }: any) => failureGroups.nodes[0].failures,
    )
    expect(versions.sort()).toEqual([1, 2])
  })
})

describe('monitoring', () => {
  it('tells of the hours’ simulations and the days’ error rates', async () => {
    const tenant = arc.tenant()
    const names = Array.from({ length: 12 }, (_, index) => `s${index}`)
    const simulationId = await tenant.simulation(['a', ...names], { repetitions: 20 })
    const at = new Date(Date.now() - 60_000).toISOString()
    const day = `${at.slice(0, 10)}T00:00:00.000Z`
    await tenant.record(
      Array.from({ length: 20 }, (_, index) => ({
        simulationId,
        scenarioId: 'a',
        repetition: index + 1,
        status: index < 5 ? 'ERROR' : 'SUCCESS',
        executionTime: at,
        executionTimeMs: 10,
        reliabilityScore: 0.5,
        costUsd: 0.25,
      })),
    )
    await tenant.record([{ simulationId, scenarioId: 's1', status: 'ERROR', executionTime: at }])
    const failed = await tenant.simulation(['a'])
    await tenant.data(
      `mutation ($id: UUID!, $failed: UUID!) {
        completeSimulation(input: {simulationId: $id}) { errors { code } }
        failSimulation(input: {simulationId: $failed, errorMessage: "x"}) { errors { code } } }`,
      { id: simulationId, failed },
    )
    const { systemPerformance, none, errorRates, few, rarely } = await tenant.data(`{
      systemPerformance { nodes { hour simulations completed failed meanExecutionTimeMs totalCostUsd meanScore } }
      none: systemPerformance(filter: {createdAt: {lt: "2020-01-01T00:00:00Z"}}) { nodes { hour } totalCount }
      errorRates { totalCount nodes { day scenarioId runs failed errorRate } }
      few: errorRates(first: 1, filter: {runs: {gte: 1}, executionTime: {gte: "2020-01-01T00:00:00Z"}}) {
        totalCount nodes { scenarioId errorRate } }
      rarely: errorRates(filter: {runs: {}, errorRate: {lt: 0.5}, scenarioId: {in: ["a", "s1"]}}) {
        nodes { scenarioId } }
    }`)
    const hours = systemPerformance.nodes
    expect(hours.reduce((sum: number, { simulations }: any) => sum + simulations, 0)).toBe(2)
    // Both in one hour, unless the hour was struck meanwhile.
    if (hours.length === 1) {
      expect(hours[0]).toMatchObject({
        completed: 1,
        failed: 1,
        meanExecutionTimeMs: 200,
        totalCostUsd: 5,
        meanScore: 0.5,
      })
    }
    expect(none).toEqual({ nodes: [], totalCount: 0 })
    expect(errorRates).toEqual({
      totalCount: 1,
      nodes: [{ day, scenarioId: 'a', runs: 20, failed: 5, errorRate: 0.25 }],
    })
    expect(few).toEqual({ totalCount: 2, nodes: [{ scenarioId: 's1', errorRate: 1 }] })
    expect(rarely.nodes).toEqual([{ scenarioId: 'a' }])
  })

  it('counts what a tenant was answered, for that tenant only', async () => {
    const tenant = arc.tenant()
    expect((await tenant.data('{ metrics { totalQueries successRate avgQueryTimeMs } }')).metrics).toEqual({
      totalQueries: 0,
      successRate: null,
      avgQueryTimeMs: null,
    })
    await tenant.ask('{ simulations(first: -1) { totalCount } }')
    const { metrics } = await tenant.data('{ metrics { totalQueries successRate avgQueryTimeMs } }')
    expect(metrics).toEqual({ totalQueries: 2, successRate: 0.5, avgQueryTimeMs: expect.any(Number) })
    expect((await arc.tenant().data('{ metrics { totalQueries } }')).metrics.totalQueries).toBe(0)
  })
})

it('recommendations and what they follow from tell of each other', async () => {
  const tenant = arc.tenant()
  const simulationId = await tenant.simulation(['a'])
  const { receipts } = await tenant.record([{ simulationId, scenarioId: 'a', status: 'ERROR' }])
  const { outcomeId } = receipts[0]
  const { configId } = await tenant.configVersion('another')
  await tenant.data(
    `mutation ($configId: UUID!) { createConfigVersion(input: {configId: $configId, yaml: "model: b"}) { created } }`,
    { configId },
  )
  const { configDiffs } = await tenant.data('{ configDiffs { nodes { diffId } } }')
  const { diffId } = configDiffs.nodes[0]
  for (const [sourceType, sourceId] of [
    ['SIMULATION', simulationId],
    ['OUTCOME', outcomeId],
    ['CONFIG_DIFF', diffId],
    ['PATTERN_ANALYSIS', simulationId],
  ]) {
    const { createRecommendation } = await tenant.data(
      `mutation ($input: CreateRecommendationInput!) { createRecommendation(input: $input) { errors { message } } }`,
      {
        input: {
          sourceType,
          sourceId,
          recommendationType: 'CONFIG_CHANGE',
          description: `Because of ${sourceType}.`,
          confidence: 0.5,
        },
      },
    )
    expect(createRecommendation.errors).toEqual([])
  }
  const { recommendations, simulation, outcome, storedConfigDiff } = await tenant.data(
    `query ($simulationId: UUID!, $outcomeId: UUID!, $diffId: UUID!) {
      recommendations { nodes { sourceType simulation { simulationId } outcome { outcomeId } configDiff { diffId } } }
      simulation(simulationId: $simulationId) { recommendations { nodes { sourceType } } }
      outcome(outcomeId: $outcomeId) { recommendations { nodes { sourceType } } }
      storedConfigDiff(diffId: $diffId) { recommendations { nodes { sourceType } } }
    }`,
    { simulationId, outcomeId, diffId },
  )
  const none = { simulation: null, outcome: null, configDiff: null }
  expect(recommendations.nodes).toHaveLength(4)
  expect(recommendations.nodes).toEqual(
    expect.arrayContaining([
      { ...none, sourceType: 'SIMULATION', simulation: { simulationId } },
      { ...none, sourceType: 'OUTCOME', outcome: { outcomeId } },
      { ...none, sourceType: 'CONFIG_DIFF', configDiff: { diffId } },
      { ...none, sourceType: 'PATTERN_ANALYSIS' },
    ]),
  )
  expect(simulation.recommendations.nodes).toEqual(expect.arrayContaining([{ sourceType: 'SIMULATION' }]))
  expect(outcome.recommendations.nodes).toEqual([{ sourceType: 'OUTCOME' }])
  expect(storedConfigDiff.recommendations.nodes).toEqual([{ sourceType: 'CONFIG_DIFF' }])
})
