import { LRUCache } from 'lru-cache'
import { chiSquareQuantile, normalCdf, normalQuantile } from './distributions.ts'

/** The variances that power follows from, as they were seen. */
export interface Spread {
  scenarios: number
  /** Of the scenarios' differences of means. */
  variance: number
  /** Null with one repetition each, which can't tell spread within scenarios from spread between them. */
  within: {
    /** Variance of the difference of one repetition a side, within a scenario. */
    ofOne: number
    /** What of `variance` comes from that, at the repetitions that there were. */
    inMeans: number
  } | null
}

export interface PowerOptions {
  /** Two-sided level of the test, 0.05 unless said. */
  alpha?: number
  /** Probability to show the difference if it is there, 0.8 unless said. */
  power?: number
}

/** What another comparison would need to show a difference. */
export interface Needed {
  /** A scenario and side, with as many scenarios as now. Null: unknown with one repetition each or fewer than twenty scenarios, or it is not likely that any number would do. */
  repetitions: number | null
  /** With as many repetitions as now. Null: more than 100,000. */
  scenarios: number | null
}

/** With fewer, the spread between scenarios is so little known that what was named showed the difference in 18 to 82 %. */
const FEWEST_FOR_REPETITIONS = 20
const MAX_REPETITIONS = 1000
const MAX_SCENARIOS = 100_000
/** Equally likely values of the variance that few scenarios leave open. */
const VARIANCES = 25

/**
 * Repetitions and scenarios with which a true difference of this size is shown with the wanted power. Variances seen in few scenarios are uncertain, and
 * the power of their best guess is not the power to expect: it is averaged over what they may be, seen variance × ν / χ²(ν), ν = scenarios − 1 (Julious & Owen
 * 2006, Pharmaceutical Statistics 5:29). What lies within scenarios is pooled over all repetitions and taken as known.
 *
 * Repetitions take away what lies within scenarios, and nothing of what lies between them. They are named where they would do even with the
 * spread between at its upper 95 % bound, and from twenty scenarios on. By simulation a difference is then shown in 84 to 87 % where it is alike in all scenarios, and in 56 to
 * 82 % where scenarios themselves change (docs/decisions/0031). The number of scenarios keeps its 80 ± 4 %.
 * @throws RangeError for a difference of zero
 */
export function neededFor(spread: Spread, difference: number, options: PowerOptions = {}): Needed {
  const { alpha = 0.05, power = 0.8 } = options
  if (!(Math.abs(difference) > 0))
    throw new RangeError('No number of repetitions shows a difference of zero.')
  const variances = variancesOf(spread)
  const shows = (n: number, means: readonly number[]) => powerOf(difference, n, means, alpha) >= power
  return {
    repetitions: repetitionsFor(spread, variances, shows),
    scenarios: least(2, MAX_SCENARIOS, (n) => shows(n, variances)),
  }
}

function repetitionsFor(
  { scenarios, variance, within }: Spread,
  variances: readonly number[],
  shows: (n: number, means: readonly number[]) => boolean,
): number | null {
  if (within === null || scenarios < FEWEST_FOR_REPETITIONS) return null
  const between = (all: number) => Math.max(0, all - within.inMeans)
  const freedom = scenarios - 1
  if (!shows(scenarios, [between((variance * freedom) / chiSquareQuantile(0.05, freedom))])) return null
  return least(1, MAX_REPETITIONS, (repetitions) =>
    shows(
      scenarios,
      variances.map((all) => between(all) + within.ofOne / repetitions),
    ),
  )
}

/** The smallest difference that as many scenarios and repetitions as now show with the wanted power. Null: none, with so few scenarios. */
export function detectableDifference(spread: Spread, options: PowerOptions = {}): number | null {
  const { alpha = 0.05, power = 0.8 } = options
  const { scenarios, variance } = spread
  if (tooFew(scenarios, alpha)) return null
  const key = `${scenarios} ${alpha} ${power}`
  const known = detectable.get(key)
  const inStandardErrors = known ?? detectableIn(scenarios, alpha, power)
  if (known === undefined) detectable.set(key, inStandardErrors)
  return inStandardErrors * Math.sqrt(variance / scenarios)
}

/** By scenarios, alpha and power: in standard errors it is the same whatever the variance. */
const detectable = new LRUCache<string, number>({ max: 1000 })

function detectableIn(scenarios: number, alpha: number, power: number): number {
  const variances = variancesOf({ scenarios, variance: scenarios })
  let low = 0
  let high = 1
  while (powerOf(high, scenarios, variances, alpha) < power) high *= 2
  for (let step = 0; step < 30; step++) {
    const middle = (low + high) / 2
    if (powerOf(middle, scenarios, variances, alpha) < power) low = middle
    else high = middle
  }
  return high
}

/** What a variance that was seen in so many scenarios may be, each value as likely. */
function variancesOf({ scenarios, variance }: Pick<Spread, 'scenarios' | 'variance'>): number[] {
  const freedom = scenarios - 1
  let factors = varianceFactors.get(freedom)
  if (factors === undefined) {
    const shares = Array.from({ length: VARIANCES }, (_, i) => (i + 0.5) / VARIANCES)
    factors = shares.map((share) => freedom / chiSquareQuantile(share, freedom))
    varianceFactors.set(freedom, factors)
  }
  return factors.map((factor) => variance * factor)
}

/** By degrees of freedom. */
const varianceFactors = new LRUCache<number, readonly number[]>({ max: 1000 })

/** Signs of so few differences can't be rarer than the level: see signFlipP. */
const tooFew = (scenarios: number, alpha: number) => 2 ** -scenarios >= alpha

/** Mean power of the two-sided test of n differences over these variances. */
function powerOf(difference: number, n: number, variances: readonly number[], alpha: number): number {
  if (tooFew(n, alpha)) return 0
  const critical = criticalT(alpha, n - 1)
  let sum = 0
  for (const variance of variances)
    sum += variance > 0 ? shown(Math.abs(difference) * Math.sqrt(n / variance), critical, n - 1) : 1
  return sum / variances.length
}

/** P(T > critical), T noncentral t (Abramowitz & Stegun 26.7.10). */
const shown = (noncentrality: number, critical: number, freedom: number): number =>
  normalCdf(
    (noncentrality - critical * (1 - 1 / (4 * freedom))) /
      Math.sqrt(1 + (critical * critical) / (2 * freedom)),
  )

/** Student's quantile by its expansion (Abramowitz & Stegun 26.7.5): the search asks for thousands, and needs two digits. */
function criticalT(alpha: number, freedom: number): number {
  const z = normalQuantile(1 - alpha / 2)
  return (
    z +
    (z ** 3 + z) / (4 * freedom) +
    (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * freedom ** 2) +
    (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / (384 * freedom ** 3)
  )
}

/** The least whole number of a range that fulfils what all larger ones do as well. */
function least(from: number, to: number, fulfils: (n: number) => boolean): number | null {
  let low = from - 1
  let high = from
  while (!fulfils(high)) {
    if (high === to) return null
    low = high
    high = Math.min(to, 2 * high)
  }
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if (fulfils(middle)) high = middle
    else low = middle
  }
  return high
}
