import { tQuantile } from '../../statistics/distributions.ts'
import type { PairedComparison } from '../../statistics/pairedComparison.ts'
import { varianceOf } from '../../statistics/sums.ts'
import type { Judgement, Verdict } from '../../statistics/verdict.ts'
import { compareMetrics, DEFAULT_MARGINS } from '../comparison/metricComparison.ts'
import type { PairedValues } from '../comparison/pairedValues.ts'

/** `cost`, `tokens` and `duration` are compared over diffs by their ratio, as what they are about differs by orders of magnitude. */
export const METRICS = ['success', 'score', 'cost', 'tokens', 'duration'] as const
export type Metric = (typeof METRICS)[number]

/** What is different in the candidate, in one metric: shares and scores from 0 to 1, US dollars, tokens, milliseconds of a run. */
export interface MetricDelta {
  metric: Metric
  /** That both runs have values of, in one revision. */
  scenarios: number
  baselineMean: number
  candidateMean: number
  /** candidate − baseline */
  difference: number
  /** 95 % interval of the difference; null of one scenario. */
  lower: number | null
  upper: number | null
  pValue: number
  /** After Holm's correction for all metrics of the pair. */
  verdict: Verdict
  /** What counts over diffs: the difference, or the logarithm of the ratio of the means; null where a mean is zero. */
  effect: number | null
  /** Squared standard error of it; null of one scenario. */
  variance: number | null
}

const isRatio = (metric: Metric) => metric === 'cost' || metric === 'tokens' || metric === 'duration'

/** As a person reads it: 0.1 is ten points of a share or score, and of a ratio ten percent more. */
export const shownEffect = (metric: Metric, effect: number): number =>
  isRatio(metric) ? Math.expm1(effect) : Math.max(-1, Math.min(1, effect))

/** A logarithm is not known better than to a tenth of a percent, however alike scenarios are. */
const LEAST_LOG_VARIANCE = 1e-6

/**
 * Compares two runs in each metric of which both have values, one metric a step. Scenarios that were asked otherwise in the one than in the other (another
 * revision) are left out.
 * @throws Refusal TOO_LARGE for more scenarios than statistics are made of
 */
export function* deltasOf(values: PairedValues): Generator<MetricDelta | undefined, undefined> {
  const alike = { ...values, scenarios: values.scenarios.filter((scenario) => !isRevised(scenario)) }
  const options = { correction: 'HOLM', margins: DEFAULT_MARGINS, dimensions: [], lowerIsBetter: [] } as const
  for (const step of compareMetrics([alike], options)) {
    if (step === undefined) yield undefined
    else
      yield deltaOf(step.comparison.metric as Metric, step.comparison.comparison, step.comparison.judgement)
  }
}

export const isRevised = ({ baseline, candidate }: PairedValues['scenarios'][number]): boolean =>
  baseline !== null && candidate !== null && baseline.revision !== candidate.revision

function deltaOf(
  metric: Metric,
  comparison: PairedComparison,
  { verdict }: Judgement,
): MetricDelta | undefined {
  const { scenarios, baselineMean, candidateMean, difference, interval, pValue } = comparison
  if (difference === null) return undefined
  return {
    metric,
    scenarios,
    baselineMean: baselineMean!,
    candidateMean: candidateMean!,
    difference,
    lower: interval?.lower ?? null,
    upper: interval?.upper ?? null,
    pValue: pValue!,
    verdict,
    ...(isRatio(metric) ? ratioOf(comparison) : differenceOf(comparison)),
  }
}

type Effect = Pick<MetricDelta, 'effect' | 'variance'>

function differenceOf({ difference, interval, scenarios, level }: PairedComparison): Effect {
  if (interval === null) return { effect: difference, variance: null }
  const half = (interval.upper - interval.lower) / 2
  return { effect: difference, variance: (half / tQuantile((1 + level) / 2, scenarios - 1)) ** 2 }
}

/** ln (candidate / baseline), and its variance by linearisation (the delta method), scenarios paired. */
function ratioOf({ baselineMean, candidateMean, scenarios, means }: PairedComparison): Effect {
  if (!(baselineMean! > 0 && candidateMean! > 0)) return { effect: null, variance: null }
  const effect = Math.log(candidateMean! / baselineMean!)
  if (scenarios < 2) return { effect, variance: null }
  const parts = means.candidate.map((value, i) => value / candidateMean! - means.baseline[i]! / baselineMean!)
  return { effect, variance: Math.max(LEAST_LOG_VARIANCE, varianceOf(parts, 0) / scenarios) }
}
