import { normalCdf } from './distributions.ts'
import { sumOf } from './sums.ts'

/** So many differences are flipped in every way that there is; the halves' sums are 4,096 each. */
const EXACT_UP_TO = 24

/**
 * Two-sided mid-p of the sign-flip permutation test (Fisher 1935, The Design of Experiments, section 21): under no difference each scenario's
 * difference is as likely with the other sign. Mid-p counts half of the probability of exactly what was seen (Lancaster
 * 1961); the plain p can't be below 0.05 with five scenarios. Zeros tell nothing and are left out, as McNemar's test does, which this is
 * for differences of −1, 0 and 1.
 *
 * With up to 24 differences that are not zero, or all of one size, it is exact. With more it is the saddlepoint approximation of
 * the permutation distribution (Robinson 1982, J. R. Statist. Soc. B 44:91; Lugannani & Rice 1980), which without a correction for continuity
 * approximates the mid-p. It has no seed, and its error is below that of 100,000 random flips.
 *
 * The smallest p of m differences that are not zero is 2^−m: no five scenarios have less than 0.031, and of continuous
 * differences of five scenarios 6.25 % are below 0.05 where nothing differs.
 */
export function signFlipP(differences: readonly number[]): number {
  const sizes = differences
    .filter((difference) => difference !== 0)
    .map(Math.abs)
    .sort((x, y) => x - y)
  const all = sumOf(sizes)
  if (sizes.length === 0) return 1
  const seen = Math.abs(sumOf(differences))
  // Sums that are equal but for rounding are equal.
  const tolerance = 1e-9 * all
  if (seen <= tolerance) return 1
  if (seen >= all - tolerance) return 2 ** -sizes.length
  if (sizes.at(-1)! - sizes[0]! <= 1e-9 * sizes[0]!)
    return binomialMidP(sizes.length, Math.round((sizes.length * (1 - seen / all)) / 2))
  return sizes.length <= EXACT_UP_TO ? exactMidP(sizes, seen, tolerance) : saddlepointP(sizes, seen)
}

/** McNemar's: 2 P(X < fewer) + P(X = fewer), X binomial with n and ½ (Fagerland, Lydersen & Laake 2013). */
function binomialMidP(n: number, fewer: number): number {
  let log = -n * Math.LN2
  let below = 0
  for (let k = 0; k < fewer; k++) {
    below += Math.exp(log)
    log += Math.log((n - k) / (k + 1))
  }
  return Math.min(1, 2 * below + Math.exp(log))
}

/** All sums of each half, sorted: the pairs whose sum is larger are counted along both. */
function exactMidP(sizes: readonly number[], seen: number, tolerance: number): number {
  const half = sizes.length >> 1
  const lower = signedSums(sizes.slice(0, half))
  const upper = signedSums(sizes.slice(half))
  const above = pairsAbove(lower, upper, seen + tolerance)
  const notBelow = pairsAbove(lower, upper, seen - tolerance)
  // Both sides, each as likely: 2 (above + ½ equal).
  return Math.min(1, (above + notBelow) / 2 ** sizes.length)
}

/** In ascending order, merged as they grow. */
function signedSums(sizes: readonly number[]): Float64Array {
  let sums = new Float64Array(1)
  for (const size of sizes) {
    const { length } = sums
    const next = new Float64Array(2 * length)
    let minus = 0
    let plus = 0
    for (let i = 0; i < next.length; i++)
      next[i] =
        minus < length && sums[minus]! - size <= sums[plus]! + size
          ? sums[minus++]! - size
          : sums[plus++]! + size
    sums = next
  }
  return sums
}

function pairsAbove(lower: Float64Array, upper: Float64Array, bound: number): number {
  let count = 0
  let from = upper.length
  for (const sum of lower) {
    while (from > 0 && sum + upper[from - 1]! > bound) from--
    count += upper.length - from
  }
  return count
}

/** The sum of ±size has the cumulant generating function K(t) = Σ log cosh(t · size). */
function saddlepointP(sizes: readonly number[], seen: number): number {
  let squares = 0
  for (const size of sizes) squares += size * size
  // In units of the sum's standard deviation, K'(t) = seen has one root, as K' rises from 0 to Σ size.
  const scale = Math.sqrt(squares)
  const units = sizes.map((size) => size / scale)
  const target = seen / scale
  let low = 0
  let high = Number.POSITIVE_INFINITY
  let t = target
  let curvature = 1
  for (let step = 0; step < 100; step++) {
    let slope = 0
    curvature = 0
    for (const unit of units) {
      const tanh = Math.tanh(t * unit)
      slope += unit * tanh
      curvature += unit * unit * (1 - tanh * tanh)
    }
    if (Math.abs(slope - target) < 1e-11 * target) break
    if (slope < target) low = t
    else high = t
    const newton = t - (slope - target) / curvature
    t = newton > low && newton < high ? newton : high === Number.POSITIVE_INFINITY ? 2 * t : (low + high) / 2
  }
  let k = 0
  for (const unit of units) k += logCosh(t * unit)
  const r = Math.sqrt(2 * Math.max(0, t * target - k))
  const v = t * Math.sqrt(curvature)
  // Next to zero both terms of the formula are too large for their difference; there the normal distribution is right.
  if (r < 1e-3) return Math.min(1, 2 * normalCdf(-target))
  return Math.min(1, Math.max(2 ** -sizes.length, 2 * normalCdf(-(r + Math.log(v / r) / r))))
}

const logCosh = (x: number): number => Math.abs(x) + Math.log1p(Math.exp(-2 * Math.abs(x))) - Math.LN2
