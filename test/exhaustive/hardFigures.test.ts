import { beforeAll, describe, expect, it } from 'vitest'
import { useArc } from '../support/arc.ts'
import { addHardRows } from '../support/hardRows.ts'
import {
  errorFigures,
  failureFigures,
  groupedBy,
  hourOf,
  mean,
  performanceFigures,
  type Results,
  sum,
  toolFigures,
} from '../support/modelFigures.ts'
import type { ModelOutcome } from '../support/resultsModel.ts'
import { summedUp } from '../support/tenantRows.ts'

// Figures of few plain rows, whatever is done to them, are in figures.test.ts; here are those of rows with extreme values.

const arc = useArc({ ARC_MAX_COST: '1000000000' })
const tenant = arc.tenant()

/** An attempt with all that hangs on it, as the API shows it. */
interface Attempt extends ModelOutcome {
  superseded: boolean
  versionId: string
  configId: string
}

let attempts: Attempt[]
let simulations: any[]

/** Those that are picked, with `signature` in place of the messages that it stands for. */
const results = (picked: (attempt: Attempt) => boolean): Results => ({
  seen: () => attempts.filter(picked),
  isSuperseded: (outcome) => (outcome as Attempt).superseded,
})

beforeAll(async () => {
  await addHardRows(arc, tenant)
  const data = await tenant.data(`{
    outcomes(first: 500) { totalCount nodes {
      outcomeId simulationId scenarioId repetition retryCount status executionTime reliabilityScore executionTimeMs
      tokensUsed costUsd superseded
      simulation { configVersion { versionId configId } }
      toolUsage(first: 500) { nodes { toolName callCount successRate avgDurationMs totalCostUsd errorTypes } }
      failurePatterns(first: 500) { nodes { patternId failureType failureCategory signature equalFailures } }
    } }
    simulations(first: 500) { nodes {
      simulationId status createdAt startedAt completedAt executionTimeMs totalCostUsd totalTokens overallScore currentScore rankingScore
      totalScenarios completedScenarios succeededScenarios failedScenarios scoredScenarios completionPercent
    } }
  }`)
  expect(data.outcomes.totalCount).toBe(data.outcomes.nodes.length)
  simulations = data.simulations.nodes
  attempts = data.outcomes.nodes.map(({ simulation, toolUsage, failurePatterns, ...outcome }: any) => ({
    ...outcome,
    ...simulation.configVersion,
    toolUsage: toolUsage.nodes.map(({ errorTypes, ...tool }: any) => ({
      ...tool,
      errorTypes: [...new Set(errorTypes)],
    })),
    failurePatterns: failurePatterns.nodes.map((pattern: any) => ({
      ...pattern,
      errorMessage: pattern.signature,
    })),
  }))
}, 60_000)

/** Numbers to twelve digits and nine places: what is divided has a last digit of its own. */
const near = (value: any): unknown =>
  JSON.parse(
    JSON.stringify(value, (_, each) =>
      typeof each === 'number' && !Number.isInteger(each)
        ? Number(Number(each.toPrecision(12)).toFixed(9))
        : each,
    ),
  )

const byName = (rows: any[], key: string) => rows.toSorted((a, b) => (a[key] < b[key] ? -1 : 1))

const MARCH = { gte: '2026-03-01T00:00:00.001Z', lt: '2026-04-01T00:00:00.000Z' }

const FILTERS: [name: string, filter: object, picked: (attempt: Attempt) => boolean][] = [
  ['all attempts', {}, () => true],
  ['last attempts', { superseded: false }, ({ superseded }) => !superseded],
  ['replaced attempts', { superseded: true }, ({ superseded }) => superseded],
  [
    'a month',
    { executionTime: MARCH },
    ({ executionTime }) => executionTime >= MARCH.gte && executionTime < MARCH.lt,
  ],
  [
    'a scenario',
    { scenarioId: { contains: 'D_3' }, superseded: false },
    (each) => each.scenarioId.includes('d_3') && !each.superseded,
  ],
]

/** What figures are told of: each parent with its own attempts. */
const PARENTS: [name: string, list: string, key: 'simulationId' | 'versionId' | 'configId' | 'scenarioId'][] =
  [
    ['simulations', 'simulations', 'simulationId'],
    ['versions', 'configVersions', 'versionId'],
    ['configurations', 'configurations', 'configId'],
    ['scenarios', 'scenarios', 'scenarioId'],
  ]

const TOOLS = `toolAnalytics(first: 500, filter: $filter) { totalCount nodes {
  toolName calls attempts runs successRate meanDurationMs p95DurationMs totalCostUsd commonErrors { message attempts runs }
} }`
const FAILURES = `failureGroups(first: 500, filter: $filter) { totalCount nodes {
  signature failureType failureCategory failures attempts runs simulations firstTime lastTime
  latest { signature executionTime }
} }`

function expectTools({ totalCount, nodes }: any, picked: (attempt: Attempt) => boolean): void {
  const inOrder = (rows: any[]) =>
    byName(rows, 'toolName').map((row) => ({ ...row, commonErrors: byName(row.commonErrors, 'message') }))
  expect(near(inOrder(nodes))).toEqual(near(inOrder(toolFigures(results(picked), () => true))))
  expect(totalCount).toBe(nodes.length)
}

function expectFailures({ totalCount, nodes }: any, picked: (attempt: Attempt) => boolean): void {
  const expected = failureFigures(results(picked), () => true).map(({ latest, ...group }) => ({
    ...group,
    signature: latest.errorMessage,
  }))
  const patterns = attempts.filter(picked).flatMap(({ failurePatterns }) => failurePatterns as any[])
  const shown = nodes.map(({ latest, failureCategory, ...group }: any) => {
    expect(latest).toEqual({ signature: group.signature, executionTime: group.lastTime })
    const categories = groupedBy(
      patterns.filter(({ signature }) => signature === group.signature),
      (pattern) => pattern.failureCategory,
    )
    const most = Math.max(...[...categories.values()].map(({ length }) => length))
    expect(categories.get(failureCategory)).toHaveLength(most)
    return group
  })
  expect(byName(shown, 'signature')).toEqual(byName(expected, 'signature'))
  expect(totalCount).toBe(nodes.length)
}

describe.each(FILTERS)('of %s', (_, filter, picked) => {
  it('tools and failures are summed up for the tenant', async () => {
    const data = await tenant.data(
      `query ($tools: ToolAnalyticsFilter, $failures: FailureGroupFilter) {
        ${TOOLS.replace('$filter', '$tools')} ${FAILURES.replace('$filter', '$failures')}
      }`,
      { tools: filter, failures: filter },
    )
    expectTools(data.toolAnalytics, picked)
    expectFailures(data.failureGroups, picked)
  })

  it.each(PARENTS)('tools and failures are summed up for each of the %s', async (_name, list, key) => {
    const data = await tenant.data(
      `query ($tools: ToolAnalyticsFilter, $failures: FailureGroupFilter) {
        ${list}(first: 500) { nodes { ${key} ${TOOLS.replace('$filter', '$tools')} ${FAILURES.replace('$filter', '$failures')} } }
      }`,
      { tools: filter, failures: filter },
    )
    for (const parent of data[list].nodes) {
      const own = (attempt: Attempt) => attempt[key] === parent[key] && picked(attempt)
      expectTools(parent.toolAnalytics, own)
      expectFailures(parent.failureGroups, own)
    }
  })
})

it('failures are similar to all others of their signature', () => {
  const patterns = attempts.flatMap(({ failurePatterns }) => failurePatterns as any[])
  for (const { signature, equalFailures } of patterns)
    expect(equalFailures).toBe(patterns.filter((other) => other.signature === signature).length - 1)
  expect(patterns.some(({ equalFailures }) => equalFailures > 2)).toBe(true)
})

it('months and days of simulations are what their outcomes come to', async () => {
  const PERFORMANCE =
    'from buckets { bucket attempts runs succeeded failed scored meanScore tokens costUsd meanMs }'
  await summedUp(arc, tenant)
  const data = await tenant.data(`{ simulations(first: 500) { nodes {
    simulationId
    MONTH: performance(grain: MONTH) { ${PERFORMANCE} }
    DAY: performance(grain: DAY) { ${PERFORMANCE} }
  } } }`)
  for (const { simulationId, ...grains } of data.simulations.nodes)
    for (const grain of ['MONTH', 'DAY'] as const)
      expect(near(grains[grain].buckets.filter(({ attempts }: any) => attempts > 0))).toEqual(
        near(
          performanceFigures(
            results(() => true),
            simulationId,
            grain,
            [grains[grain].from, '9'],
          ),
        ),
      )
})

it('error rates are what the last attempts of each day come to', async () => {
  const { errorRates } = await tenant.data(
    `{ errorRates(first: 500, filter: { executionTime: { gte: "2000-01-01T00:00:00Z" }, runs: { gte: 1 } }) {
      nodes { day scenarioId runs failed errorRate }
    } }`,
  )
  const inOrder = (rows: any[]) =>
    rows.map((row) => JSON.stringify(near({ ...row, errorRate: Number(row.errorRate.toFixed(9)) }))).sort()
  expect(inOrder(errorRates.nodes)).toEqual(
    inOrder(
      errorFigures(
        results(() => true),
        () => true,
      ),
    ),
  )
})

it('simulations have the sums of their attempts and the means of their runs', () => {
  for (const simulation of simulations) {
    const own = attempts.filter(({ simulationId }) => simulationId === simulation.simulationId)
    const runs = own.filter(({ superseded }) => !superseded)
    const scores = runs.map(({ reliabilityScore }) => reliabilityScore)
    const succeeded = runs.filter(({ status }) => status === 'SUCCESS').length
    expect(near(simulation)).toMatchObject(
      near({
        completedScenarios: runs.length,
        succeededScenarios: succeeded,
        failedScenarios: runs.length - succeeded,
        scoredScenarios: scores.filter((score) => score !== null).length,
        completionPercent: (100 * runs.length) / simulation.totalScenarios,
        totalTokens: sum(own.map(({ tokensUsed }) => tokensUsed)),
      }) as object,
    )
    expect(simulation.currentScore ?? -1).toBeCloseTo(mean(scores) ?? -1, 8)
    // The one whose end came with its result.
    if (simulation.executionTimeMs === Number.MAX_SAFE_INTEGER) continue
    expect(near([simulation.executionTimeMs, simulation.totalCostUsd])).toEqual(
      near([sum(own.map(({ executionTimeMs }) => executionTimeMs)), sum(own.map(({ costUsd }) => costUsd))]),
    )
  }
})

it('hours of the system are what the simulations planned in them come to', async () => {
  const { systemPerformance } = await tenant.data(
    `{ systemPerformance(first: 500, filter: { createdAt: { gte: "2000-01-01T00:00:00Z" } }, orderBy: { field: HOUR }) {
      nodes { hour simulations completed failed meanExecutionTimeMs totalCostUsd meanScore }
    } }`,
  )
  const hours = [...groupedBy(simulations, ({ createdAt }) => hourOf(createdAt))]
    .sort()
    .map(([hour, planned]) => ({
      hour,
      simulations: planned.length,
      completed: planned.filter(({ status }) => status === 'COMPLETED').length,
      failed: planned.filter(({ status }) => status === 'FAILED').length,
      meanExecutionTimeMs: mean(planned.map(({ executionTimeMs }) => executionTimeMs)),
      totalCostUsd: sum(planned.map(({ totalCostUsd }) => totalCostUsd)),
      meanScore: mean(planned.map(({ overallScore }) => overallScore)),
    }))
  const nine = (rows: any[]) =>
    rows.map((row) => near({ ...row, meanScore: row.meanScore && Number(row.meanScore.toFixed(9)) }))
  expect(nine(systemPerformance.nodes)).toEqual(nine(hours))
})
