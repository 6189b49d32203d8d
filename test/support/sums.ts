/** What tells rows apart that have no id, because they are sums; by type. */
export const SUM_KEYS: Record<string, string> = {
  ToolAnalytics: 'toolName',
  FailureGroup: 'signature',
  PerformanceGroup: 'key',
  PerformanceMetric: 'metric',
  PerformanceTool: 'toolName',
  DailyStats: 'day simulationId',
  SystemPerformance: 'hour',
  ErrorRate: 'day scenarioId',
}

/** How Query leads to a type that is no row but has lists; with every group, metric and tool. */
export const WAYS: Record<string, string> = {
  Performance:
    'performance(grain: MONTH, by: SCENARIO, range: { from: "2000-01-01T00:00:00Z", to: "2030-01-01T00:00:00Z" })',
}

/** The filter that shows what lists leave out when nobody asks for it; by field. */
export const WHOLE_LIST: Record<string, object> = {
  systemPerformance: { createdAt: { gte: '2026-01-01T00:00:00Z' } },
  dailyStats: { hour: { gte: '2000-01-01T00:00:00Z' } },
  errorRates: { executionTime: { gte: '2026-01-01T00:00:00Z' }, runs: { gte: 1 } },
}
