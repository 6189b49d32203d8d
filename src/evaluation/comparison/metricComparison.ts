import { Refusal } from '../../refusal.ts'
import type { Correction } from '../../statistics/multiplicity.ts'
import { comparePaired, type PairedComparison } from '../../statistics/pairedComparison.ts'
import type { Scale } from '../../statistics/scenarioPairs.ts'
import { ALPHA, type Judgement, judgements, type Question } from '../../statistics/verdict.ts'
import type { Dimensions, PairedValues, RunValues } from './pairedValues.ts'

/** What every run may tell of itself, and the dimensions of its metrics. */
type MetricKind = 'success' | 'score' | 'cost' | 'tokens' | 'duration' | 'dimension'

/** One metric of two simulations, with what follows from its values. */
export interface MetricComparison {
  metric: MetricKind
  /** Its name among the metrics; null but for a dimension. */
  dimension: string | null
  higherIsBetter: boolean
  /** Equivalence margin in the metric's unit; null where none is given, and where it is a share of a mean that is zero or unknown. */
  margin: number | null
  comparison: PairedComparison
  judgement: Judgement
}

/**
 * Differences that do not matter. Of success, score and dimensions from 0 to 1 as they are; of cost, tokens, duration and all dimensions as a share of the
 * baseline's mean: of those from 0 to 1 the smaller one of both. Null: none is given.
 */
export interface Margins {
  success: number | null
  score: number | null
  cost: number | null
  tokens: number | null
  duration: number | null
  dimension: number | null
  unboundedDimension: number | null
}

export const DEFAULT_MARGINS: Margins = {
  success: 0.05,
  score: 0.05,
  cost: 0.1,
  tokens: 0.1,
  duration: 0.1,
  dimension: 0.05,
  unboundedDimension: 0.1,
}

export interface MetricOptions {
  correction: Correction
  margins: Margins
  /** 'ALL': the twenty that most runs have, of all pairs. */
  dimensions: Dimensions
  /** Dimensions of which less is better. */
  lowerIsBetter: readonly string[]
}

export const MOST_DIMENSIONS = 20

/** With more of them one metric alone takes longer than others should wait. */
const MOST_SCENARIOS = 5_000

interface Measured {
  metric: MetricKind
  dimension: string | null
  of: (run: RunValues) => number | null
  /** Undefined: by the values. */
  scale: Scale | undefined
  higherIsBetter: boolean
}

const METRICS: readonly Measured[] = [
  {
    metric: 'success',
    dimension: null,
    of: ({ success }) => success,
    scale: 'PASS_FAIL',
    higherIsBetter: true,
  },
  { metric: 'score', dimension: null, of: ({ score }) => score, scale: 'UNIT', higherIsBetter: true },
  {
    metric: 'cost',
    dimension: null,
    of: ({ costUsd }) => costUsd,
    scale: 'UNBOUNDED',
    higherIsBetter: false,
  },
  {
    metric: 'tokens',
    dimension: null,
    of: ({ tokens }) => tokens,
    scale: 'UNBOUNDED',
    higherIsBetter: false,
  },
  {
    metric: 'duration',
    dimension: null,
    of: ({ durationMs }) => durationMs,
    scale: 'UNBOUNDED',
    higherIsBetter: false,
  },
]

/**
 * Compares all metrics of all pairs, which are judged together: of each pair a list, one metric a step. Repetitions of a scenario are averaged, see
 * `comparePaired`.
 * @throws Refusal TOO_LARGE for a pair of more than 5,000 scenarios
 */
export function* compareMetrics(
  pairs: readonly PairedValues[],
  { correction, margins, dimensions, lowerIsBetter }: MetricOptions,
): Generator<{ pair: number; comparison: MetricComparison } | undefined, undefined> {
  refuseTooMany(pairs)
  const names = dimensions === 'ALL' ? commonDimensions(pairs) : dimensions
  const metrics = [...METRICS, ...names.map((name) => dimensionNamed(name, lowerIsBetter))]
  const asked: { pair: number; metric: Measured; question: Question }[] = []
  for (const [pair, values] of pairs.entries())
    for (const metric of metrics) {
      asked.push({ pair, metric, question: { ...questionOf(values, metric, margins), pair } })
      yield undefined
    }
  let at = 0
  for (const judgement of judgements(
    asked.map(({ question }) => question),
    { correction },
  )) {
    const { pair, metric, question } = asked[at++]!
    yield {
      pair,
      comparison: {
        metric: metric.metric,
        dimension: metric.dimension,
        higherIsBetter: metric.higherIsBetter,
        margin: question.margin,
        comparison: question.comparison,
        judgement,
      },
    }
  }
}

/** In words why a metric has no other verdict; null where it has. */
export function insufficientReason({
  comparison: { scenarios, interval, pValue },
  judgement: { verdict, adjustedPValue, tests },
  margin,
}: MetricComparison): string | null {
  if (verdict !== 'INSUFFICIENT_DATA') return null
  if (scenarios === 0 || pValue === null) return 'It is known of no scenario in both.'
  if (interval === null) return 'It is known of one scenario in both: two are the least that tell anything.'
  const p = `p = ${rounded(pValue)}`
  if (pValue < ALPHA)
    return `Significant by itself (${p}), but not once corrected for ${tests} tests (${rounded(adjustedPValue!)}).`
  if (interval.lower > 0 || interval.upper < 0)
    return `Its interval excludes 0, but the permutation test does not show a difference (${p}): too few scenarios differ for the two to agree.`
  return margin === null
    ? `No difference is significant (${p}), and without a margin none can be excluded.`
    : `No difference is significant (${p}), and one of the margin (${rounded(margin)}) is not excluded.`
}

const rounded = (value: number) => String(Number(value.toPrecision(2)))

/** One of the metrics that every run may have, of one pair. @throws Refusal TOO_LARGE for more than 5,000 scenarios */
export function comparedIn(values: PairedValues, metric: Exclude<MetricKind, 'dimension'>): PairedComparison {
  refuseTooMany([values])
  return comparisonOf(values, METRICS.find((measured) => measured.metric === metric)!)
}

/** @throws Refusal TOO_LARGE */
export function refuseTooMany(pairs: readonly PairedValues[]): void {
  for (const { scenarios } of pairs)
    if (scenarios.length > MOST_SCENARIOS)
      throw new Refusal(
        'TOO_LARGE',
        `These simulations have ${scenarios.length} scenarios; statistics are made of ${MOST_SCENARIOS} at most.`,
      )
}

function questionOf(values: PairedValues, metric: Measured, margins: Margins): Question {
  const comparison = comparisonOf(values, metric)
  return {
    comparison,
    better: metric.higherIsBetter ? 'HIGHER' : 'LOWER',
    margin: marginOf(metric, comparison, margins),
  }
}

function comparisonOf(values: PairedValues, { of, scale }: Measured): PairedComparison {
  const scenarios = values.scenarios.map(({ baseline, candidate }) => ({
    baseline: baseline?.runs.map(of) ?? [],
    candidate: candidate?.runs.map(of) ?? [],
  }))
  const areUnits = () =>
    scenarios.every(({ baseline, candidate }) => [...baseline, ...candidate].every(isUnit))
  return comparePaired(scenarios, scale ?? (areUnits() ? 'UNIT' : 'UNBOUNDED'))
}

const isUnit = (value: number | null) => value === null || (value >= 0 && value <= 1)

function marginOf(
  { metric }: Measured,
  { scale, baselineMean }: PairedComparison,
  margins: Margins,
): number | null {
  const ofShare = (share: number | null) =>
    share === null ? null : share * Math.abs(baselineMean ?? 0) || null
  if (metric !== 'dimension') return scale === 'UNBOUNDED' ? ofShare(margins[metric]) : margins[metric]
  const relative = ofShare(margins.unboundedDimension)
  if (scale === 'UNBOUNDED' || margins.dimension === null) return scale === 'UNBOUNDED' ? relative : null
  // Dollars may all be below one: five cents of one cent would never matter.
  return relative === null ? margins.dimension : Math.min(margins.dimension, relative)
}

function dimensionNamed(name: string, lowerIsBetter: readonly string[]): Measured {
  return {
    metric: 'dimension',
    dimension: name,
    of: ({ metrics }) => (Object.hasOwn(metrics, name) ? metrics[name]! : null),
    scale: undefined,
    higherIsBetter: !lowerIsBetter.includes(name),
  }
}

function commonDimensions(pairs: readonly PairedValues[]): string[] {
  const runs = new Map<string, number>()
  const count = (side: { runs: readonly RunValues[] } | null) => {
    for (const { metrics } of side?.runs ?? [])
      for (const name of Object.keys(metrics)) runs.set(name, (runs.get(name) ?? 0) + 1)
  }
  for (const { scenarios } of pairs)
    for (const { baseline, candidate } of scenarios) {
      count(baseline)
      count(candidate)
    }
  return [...runs]
    .sort(([one, a], [other, b]) => b - a || (one < other ? -1 : 1))
    .slice(0, MOST_DIMENSIONS)
    .map(([name]) => name)
    .sort()
}
