import {
  amountDifference,
  type Interval,
  smallestStep,
  squareAndAddInterval,
  studentInterval,
  tangoInterval,
} from './intervals.ts'
import type { Spread } from './power.ts'
import { type PairedMeans, pairedMeans, type Scale, type ScenarioPair } from './scenarioPairs.ts'
import { signFlipP } from './signFlip.ts'
import { meanOf, sumOf, varianceOf } from './sums.ts'

/**
 * COHENS_H: 2 asin √p₂ − 2 asin √p₁ of two proportions (Cohen 1988, chapter 6). HEDGES_G: the mean difference in standard deviations of the
 * differences (Cohen's d_z), times 1 − 3 / (4 (n − 1) − 1) as few scenarios make it too large (Hedges 1981). 0.2 is called small, 0.5 medium, 0.8 large.
 */
interface EffectSize {
  measure: 'COHENS_H' | 'HEDGES_G'
  value: number
}

/** Two runs in one metric. Figures are of the scenarios that both have values of; means, differences and intervals have the metric's unit. */
export interface PairedComparison {
  scale: Scale
  /** That both runs have known values of. */
  scenarios: number
  onlyBaseline: number
  onlyCandidate: number
  neither: number
  /** Values that are unknown: left out, of each scenario's mean as well. */
  unknown: number
  /** Null without scenarios, as is all that follows from them. */
  baselineMean: number | null
  candidateMean: number | null
  /** candidate − baseline */
  difference: number | null
  /** Null of fewer than two scenarios. */
  interval: Interval | null
  /** Coverage of `interval`, 0.95 unless asked for another. */
  level: number
  /** Two-sided mid-p of the sign-flip permutation test, for pass or fail once each McNemar's. */
  pValue: number | null
  /** Null as well where no two differences differ, but for pass or fail. */
  effectSize: EffectSize | null
  /** What the power analysis goes by. Null of fewer than two scenarios. */
  spread: Spread | null
  means: PairedMeans
}

/**
 * Compares the means of two runs, scenario by scenario. A scenario's repetitions are averaged first: scenarios are independent, repetitions of one are not.
 * The figures speak of scenarios like these, not of these alone.
 * @throws RangeError for a value that the scale has not got, or a level that is not between 0 and 1
 */
export function comparePaired(
  scenarios: readonly ScenarioPair[],
  scale: Scale,
  level = 0.95,
): PairedComparison {
  if (!(level > 0 && level < 1)) throw new RangeError(`A level is between 0 and 1, not ${level}.`)
  const means = pairedMeans(scenarios, scale)
  const { baseline, candidate, differences } = means
  const n = differences.length
  const none = n === 0
  const difference = none ? null : meanOf(differences)
  const baselineMean = none ? null : meanOf(baseline)
  const candidateMean = none ? null : meanOf(candidate)
  return {
    scale,
    scenarios: n,
    onlyBaseline: means.onlyBaseline,
    onlyCandidate: means.onlyCandidate,
    neither: means.neither,
    unknown: means.unknown,
    baselineMean,
    candidateMean,
    difference,
    interval: differenceInterval(means, scale, level),
    level,
    pValue: none ? null : signFlipP(differences),
    effectSize: none ? null : effectSizeOf(scale, baselineMean!, candidateMean!, differences),
    spread: n < 2 ? null : spreadOf(means, scale),
    means,
  }
}

/**
 * Confidence interval of the mean difference over scenarios: Tango's where each scenario's mean is 0 or 1, squaring and adding where values are from 0 to 1,
 * of amounts `amountDifference`, else Student's. docs/decisions/0031 has the coverage of each, and of what was not chosen. Null of fewer than two scenarios.
 */
export function differenceInterval(means: PairedMeans, scale: Scale, level: number): Interval | null {
  const { baseline, candidate, differences } = means
  const n = differences.length
  if (n < 2) return null
  if (scale === 'UNBOUNDED') {
    const ofAmounts = amountDifference(baseline, candidate, level)
    if (ofAmounts) return ofAmounts.interval
    const size = sumOf([...baseline, ...candidate].map(Math.abs)) / (2 * n)
    return studentInterval(differences, size, level)
  }
  const changes = changesOf(means)
  return changes
    ? tangoInterval(changes.gained, changes.lost, n, level)
    : squareAndAddInterval(baseline, candidate, level)
}

/** How many scenarios changed, where each side of each passed or failed throughout. Null where not. */
function changesOf({
  baseline,
  candidate,
  differences,
}: PairedMeans): { gained: number; lost: number } | null {
  if (![baseline, candidate].every((side) => side.every((mean) => mean === 0 || mean === 1))) return null
  return {
    gained: differences.filter((difference) => difference === 1).length,
    lost: differences.filter((difference) => difference === -1).length,
  }
}

function effectSizeOf(
  scale: Scale,
  baselineMean: number,
  candidateMean: number,
  differences: readonly number[],
): EffectSize | null {
  const angle = (share: number) => 2 * Math.asin(Math.sqrt(Math.min(1, share)))
  if (scale === 'PASS_FAIL') return { measure: 'COHENS_H', value: angle(candidateMean) - angle(baselineMean) }
  const n = differences.length
  const deviation = Math.sqrt(varianceOf(differences))
  if (!(deviation > 0)) return null
  const value = (meanOf(differences) / deviation) * (n > 2 ? 1 - 3 / (4 * (n - 1) - 1) : 1)
  return { measure: 'HEDGES_G', value }
}

/**
 * As in the intervals, what few scenarios with equal differences seem to know is not believed: a step's square by 4 n is added, or by 2 n where all are equal; of repetitions it is
 * what chance makes of a scenario's mean, where that is more. The few largest of skewed amounts are seldom among them: their variance counts as half as well known. All by simulation of the
 * power that is claimed (docs/decisions/0031).
 */
function spreadOf(means: PairedMeans, scale: Scale): Spread {
  const { baseline, candidate, differences, within } = means
  const n = differences.length
  const ofAmounts = scale === 'UNBOUNDED' ? amountDifference(baseline, candidate, 0.95) : null
  const seen = ofAmounts?.variance ?? varianceOf(differences)
  const step = scale === 'UNBOUNDED' ? 0 : smallestStep(baseline, candidate)
  const unseen = Math.max(step ** 2, within?.inMeans ?? 0) / n
  const changes = scale === 'UNBOUNDED' ? null : changesOf(means)
  return {
    scenarios: n,
    variance: seen + unseen / (seen > 0 ? 4 : 2),
    freedom: ofAmounts ? Math.max(1, freedomOf(differences) / 2) : freedomOf(differences),
    changed: changes && changes.gained + changes.lost,
    within,
  }
}

/**
 * Of the variance of values, 2 variance² / (variance of the variance) (Satterthwaite 1946, Biometrics Bulletin 2:110), by their fourth moment; at most n − 1, as normal ones have, and 1 at least. To
 * two digits: a comparison's metrics ask for the same quantiles.
 */
function freedomOf(values: readonly number[]): number {
  const n = values.length
  const mean = meanOf(values)
  const squares = values.map((value) => (value - mean) ** 2)
  const ofVariance = sumOf(squares.map((square) => square ** 2)) / sumOf(squares) ** 2 - 1 / n
  const freedom = ofVariance > 0 ? Math.min(n - 1, 2 / ofVariance) : n - 1
  return Math.max(1, freedom === n - 1 ? freedom : Number(freedom.toPrecision(2)))
}
