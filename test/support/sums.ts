import type { Tenant } from './arc.ts'

/** What tells rows apart that have no id, because they are sums; by type. */
export const SUM_KEYS: Record<string, string> = {
  ToolAnalytics: 'toolName',
  FailureGroup: 'groupId',
  FailureGroupSignature: 'signature',
  FailureGroupConfiguration: 'configId',
  FailureGroupVersion: 'versionId',
  FailureGroupScenario: 'scenarioId',
  FailureGroupNote: 'groupNoteId',
  PerformanceGroup: 'key',
  PerformanceMetric: 'metric',
  PerformanceTool: 'toolName',
  DailyStats: 'day simulationId',
  SystemPerformance: 'hour',
  ErrorRate: 'day scenarioId',
  ComparedScenario: 'scenarioId',
  ScenarioFlakiness: 'scenarioId',
}

/**
 * How Query leads to a type that is no row but has lists: a field, and where that is a list, what its rows stand under. With every group,
 * metric and tool, the tenant’s largest simulations, and its most common failure.
 */
export const WAYS: Record<string, (tenant: Tenant) => Promise<[field: string, rows?: string]>> = {
  FailureGroup: async () => ['failureGroups(by: MEANING, first: 1)', 'nodes'],
  Performance: async () => [
    'performance(grain: MONTH, by: SCENARIO, range: { from: "2000-01-01T00:00:00Z", to: "2030-01-01T00:00:00Z" })',
  ],
  SimulationComparison: async (tenant) => {
    const { simulations } = await tenant.data(
      '{ simulations(first: 100) { nodes { simulationId outcomes(first: 1) { totalCount } } } }',
    )
    const sizes: [size: number, id: string][] = simulations.nodes.map(
      ({ simulationId, outcomes }: { simulationId: string; outcomes: { totalCount: number } }) => [
        outcomes.totalCount,
        simulationId,
      ],
    )
    const [baseline, candidate] = sizes
      .sort(([a, one], [b, other]) => b - a || (one < other ? -1 : 1))
      .map(([, id]) => JSON.stringify(id))
    return [`compareSimulations(baseline: ${baseline}, candidates: [${candidate}])`]
  },
}

/** The filter that shows what lists leave out when nobody asks for it; by field. */
export const WHOLE_LIST: Record<string, object> = {
  systemPerformance: { createdAt: { gte: '2026-01-01T00:00:00Z' } },
  dailyStats: { hour: { gte: '2000-01-01T00:00:00Z' } },
  errorRates: { executionTime: { gte: '2026-01-01T00:00:00Z' }, runs: { gte: 1 } },
}
