import type { PairedComparison } from '../../statistics/pairedComparison.ts'

/**
 * SUCCESS_RATE: share of runs, 0 to 1. COST_USD, DURATION_MS: of a run, mean over scenarios. FAILURES_FOUND: scenarios that nobody runs and that are likely to
 * fail. DETECTABLE_DIFFERENCE: the smallest difference of success rates that a comparison would show.
 */
export type ImpactMetric =
  | 'SUCCESS_RATE'
  | 'COST_USD'
  | 'DURATION_MS'
  | 'FAILURES_FOUND'
  | 'DETECTABLE_DIFFERENCE'

/** What a recommendation is expected to do, and in the same form what it did; figures in the unit of the metric. */
export interface Impact {
  metric: ImpactMetric
  /** Without it, and with it; null where unknown. */
  before: number | null
  after: number | null
  /** after − before */
  change: number | null
  /** Of the change; null where the data cannot bear one. */
  lower: number | null
  upper: number | null
  /** Coverage of the interval. */
  level: number
  /** What that is of. */
  n: number
  of: 'SCENARIOS' | 'RUNS' | 'CALLS'
}

export const LEVEL = 0.95

/** Of a baseline and a candidate, as `comparePaired` has them. */
export function impactOf(metric: ImpactMetric, comparison: PairedComparison): Impact {
  const { baselineMean, candidateMean, difference, interval, level, scenarios } = comparison
  return {
    metric,
    before: baselineMean,
    after: candidateMean,
    change: difference,
    lower: interval?.lower ?? null,
    upper: interval?.upper ?? null,
    level,
    n: scenarios,
    of: 'SCENARIOS',
  }
}
