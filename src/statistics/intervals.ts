import { normalQuantile, tQuantile } from './distributions.ts'
import { meanOf, sumOf, varianceOf } from './sums.ts'

export interface Interval {
  lower: number
  upper: number
}

/**
 * Wilson's score interval (1927, J. Am. Statist. Assoc. 22:209) of a proportion. `trials` need be no whole number.
 * @param quantile of the standard normal distribution, 1.96 for 95 %
 */
export function wilsonInterval(proportion: number, trials: number, quantile: number): Interval {
  const z2 = quantile * quantile
  const middle = proportion + z2 / (2 * trials)
  const half = quantile * Math.sqrt((proportion * (1 - proportion)) / trials + z2 / (4 * trials * trials))
  const scale = 1 + z2 / trials
  return {
    lower: proportion === 0 ? 0 : Math.max(0, (middle - half) / scale),
    upper: proportion === 1 ? 1 : Math.min(1, (middle + half) / scale),
  }
}

/**
 * Of the mean over scenarios of values from 0 to 1: Wilson's with as many trials as passes and failures would have had to be for this
 * variance (Korn & Graubard 1998, Survey Methodology 24:193), and t's quantile as the variance is an estimate. Equal values have the variance of one
 * that is a step away. Null of fewer than two.
 */
export function unitMeanInterval(
  values: readonly number[],
  level: number,
  step = smallestStep(values, values),
): Interval | null {
  const n = values.length
  if (n < 2) return null
  const mean = Math.min(1, meanOf(values))
  // The variance of a mean of values from 0 to 1 is at most that of as many passes and failures.
  const trials = Math.max(n, (n * mean * (1 - mean)) / (varianceOf(values) || (step * step) / n))
  return wilsonInterval(mean, trials, tQuantile((1 + level) / 2, n - 1))
}

/**
 * Tango's score interval (1998, Statistics in Medicine 17:891) of the difference of paired proportions.
 * @param gained pairs of which the candidate alone passed
 * @param lost pairs of which the baseline alone passed
 */
export function tangoInterval(gained: number, lost: number, n: number, level: number): Interval {
  const z = normalQuantile((1 + level) / 2)
  const score = (difference: number): number => {
    const b = (2 * n - gained + lost) * difference - gained - lost
    const c = -lost * difference * (1 - difference)
    const q = (Math.sqrt(Math.max(0, b * b - 8 * n * c)) - b) / (4 * n)
    const variance = n * (2 * q + difference * (1 - difference))
    return variance > 0 ? (gained - lost - n * difference) / Math.sqrt(variance) : 0
  }
  const estimate = (gained - lost) / n
  return {
    lower: estimate === -1 ? -1 : falling(score, z, -1, estimate),
    upper: estimate === 1 ? 1 : falling(score, -z, estimate, 1),
  }
}

/** Where a falling function has the value, by bisection. */
function falling(of: (x: number) => number, value: number, low: number, high: number): number {
  for (let step = 0; step < 50; step++) {
    const middle = (low + high) / 2
    if (of(middle) > value) low = middle
    else high = middle
  }
  return (low + high) / 2
}

/**
 * Of the difference of paired means of values from 0 to 1: squaring and adding (Newcombe 1998, Statistics in Medicine 17:2635, method 10), with
 * the interval of each side as `unitMeanInterval` has it. A step's square by 4 n is taken from a positive covariance: half of his correction, which has 1 for
 * the step of a pass and a failure; here it is the smallest that scenarios' means differ by. Without it ten passes and ten failures, the same on
 * both sides, would have an interval of no width; all of it makes those of five scenarios cover more than they say (docs/decisions/0031). At least two scenarios.
 */
export function squareAndAddInterval(
  baseline: readonly number[],
  candidate: readonly number[],
  level: number,
): Interval {
  const n = baseline.length
  const step = smallestStep(baseline, candidate)
  const [a, b] = [unitMeanInterval(baseline, level, step)!, unitMeanInterval(candidate, level, step)!]
  const [meanA, meanB] = [Math.min(1, meanOf(baseline)), Math.min(1, meanOf(candidate))]
  const deviation = Math.sqrt(varianceOf(baseline) * varianceOf(candidate))
  const covariance = sumOf(baseline.map((value, i) => (value - meanA) * (candidate[i]! - meanB))) / (n - 1)
  const taken = Math.min(Math.max(covariance, 0), (step * step) / (4 * n))
  const correlation = deviation > 0 ? Math.max(-1, Math.min(1, (covariance - taken) / deviation)) : 0
  const added = (x: number, y: number) => Math.sqrt(Math.max(0, x * x + y * y - 2 * correlation * x * y))
  const difference = meanB - meanA
  return {
    lower: Math.max(-1, difference - added(meanB - b.lower, a.upper - meanA)),
    upper: Math.min(1, difference + added(b.upper - meanB, meanA - a.lower)),
  }
}

/** The smallest difference of two scenarios' means, of either side, that is more than rounding. One where all are equal. */
export function smallestStep(baseline: readonly number[], candidate: readonly number[]): number {
  const sorted = [...baseline, ...candidate].sort((x, y) => x - y)
  let step = 1
  for (let i = 1; i < sorted.length; i++) {
    const next = sorted[i]! - sorted[i - 1]!
    if (next > 1e-9 && next < step) step = next
  }
  return step
}

/**
 * Student's, of the mean of differences without bounds. Where all are equal there is no spread to go by, and equal is not certain: a scenario that is
 * not like these has not been seen among n, so that at most 1 − (α/2)^(1/n) of all are (Clopper & Pearson 1934), and is taken to
 * differ by as much as a value is large on average. At least two scenarios.
 */
export function studentInterval(differences: readonly number[], valueSize: number, level: number): Interval {
  const n = differences.length
  const mean = meanOf(differences)
  const variance = varianceOf(differences)
  const half =
    variance > 0
      ? tQuantile((1 + level) / 2, n - 1) * Math.sqrt(variance / n)
      : (1 - ((1 - level) / 2) ** (1 / n)) * valueSize
  return { lower: mean - half, upper: mean + half }
}

/** With fewer scenarios the jackknife has too little to leave out, and Student's is as good. */
const FEWEST_AMOUNTS = 5
/** e^100 is no bound any more, and its square is finite. */
const MOST_LOG = 100

export interface AmountDifference {
  interval: Interval
  /** Of a scenario's difference, as the interval has it. */
  variance: number
}

/**
 * Of the difference of paired means of amounts, such as costs, which are not below zero, mostly skewed, and differ by a share rather than by as much everywhere. In two parts,
 * (a + b) tanh(L / 2): L = ln (b / a) and the sum of both means, each with Student's interval on the scale of logarithms; the former by the jackknife's variance (Tukey
 * 1958; Miller 1974, Biometrika 61:1), as the linear one of a ratio is too small of few. Their distances are put together as squaring and adding does (the method of
 * variance estimates recovery, Zou & Donner 2008, Statistics in Medicine 27:1693), with the parts' correlation where it widens; where it narrows few scenarios don't know it. The
 * same whichever run comes first. docs/decisions/0031 has its coverage. Null where it is not for these values: one below zero, one scenario that has all there is, fewer
 * than five scenarios, or differences that are all equal.
 */
export function amountDifference(
  baseline: readonly number[],
  candidate: readonly number[],
  level: number,
): AmountDifference | null {
  const n = baseline.length
  const [sumA, sumB] = [sumOf(baseline), sumOf(candidate)]
  const isAmounts = (values: readonly number[], sum: number) =>
    values.every((value) => value >= 0 && sum - value > 1e-9 * sum)
  if (n < FEWEST_AMOUNTS || !isAmounts(baseline, sumA) || !isAmounts(candidate, sumB)) return null
  if (!(varianceOf(baseline.map((a, i) => candidate[i]! - a)) > 0)) return null
  const [logRatio, all] = [Math.log(sumB / sumA), (sumA + sumB) / n]
  const share = Math.tanh(logRatio / 2)
  const ofRatio = baseline.map((a, i) => (1 - n) * (Math.log((sumB - candidate[i]!) / (sumA - a)) - logRatio))
  const ofAll = baseline.map((a, i) => (a + candidate[i]!) / all - 1)
  const [ratioError, allError] = [ofRatio, ofAll].map((parts) => Math.sqrt(varianceOf(parts) / n)) as [
    number,
    number,
  ]
  const [meanRatio, meanAll] = [meanOf(ofRatio), meanOf(ofAll)]
  const covariance = sumOf(ofRatio.map((part, i) => (part - meanRatio) * (ofAll[i]! - meanAll))) / (n - 1) / n
  const correlation =
    ratioError > 0 && allError > 0
      ? Math.max(0, Math.min(1, (covariance * Math.sign(share)) / (ratioError * allError)))
      : 0
  const added = (x: number, y: number) => Math.sqrt(x * x + y * y + 2 * correlation * x * y)
  const t = tQuantile((1 + level) / 2, n - 1)
  const byAll = Math.min(MOST_LOG, t * allError)
  const [more, less] = [Math.expm1(byAll), -Math.expm1(-byAll)].map((by) => all * Math.abs(share) * by) as [
    number,
    number,
  ]
  const [below, above] = [-t, t].map((by) => Math.tanh((logRatio + by * ratioError) / 2)) as [number, number]
  const difference = (sumB - sumA) / n
  return {
    interval: {
      lower: difference - added(all * (share - below), share > 0 ? less : more),
      upper: difference + added(all * (above - share), share > 0 ? more : less),
    },
    variance: n * added((all * (1 - share * share) * ratioError) / 2, all * Math.abs(share) * allError) ** 2,
  }
}
