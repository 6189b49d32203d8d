import { LRUCache } from 'lru-cache'
import { betaQuantile, chiSquareQuantile, normalCdf, normalQuantile } from './distributions.ts'
import type { Within } from './scenarioPairs.ts'

/** The variances that power follows from, as they were seen. */
export interface Spread {
  scenarios: number
  /** Of the scenarios' differences of means. */
  variance: number
  /** How well it is known: scenarios − 1, and fewer where a few scenarios make most of it. */
  freedom: number
  /** Scenarios that changed, where each has passed or failed throughout: their share is what is known then, and the variance follows from it. Null where not. */
  changed: number | null
  /** Null with one repetition each, which can't tell spread within scenarios from spread between them. */
  within: Within | null
}

export interface PowerOptions {
  /** Two-sided level of the test, 0.05 unless said. */
  alpha?: number
  /** Probability to show the difference if it is there, 0.8 unless said. */
  power?: number
}

/** What another comparison would need to show a difference. */
export interface Needed {
  /** A scenario and side, of the same scenarios. Null: with one repetition each or fewer than twenty scenarios, where what was seen does not tell, or where it is not likely that any number would do. */
  repetitions: number | null
  /** With as many repetitions as now. Null: more than 100,000. */
  scenarios: number | null
}

/** Five scenarios must all differ the same way to be significant, which no normal distribution knows of, and of ten some claims held in 70 % only. */
const FEWEST_FOR_REPETITIONS = 20
/** Of the repetitions that there were: what lies between scenarios is too little known for more. */
const MOST_TIMES = 4
const MAX_SCENARIOS = 100_000
/** Equally likely values of the variance that few scenarios leave open. */
const VARIANCES = 25

/**
 * Repetitions and scenarios with which a true difference of this size is shown with the wanted power. Variances seen in few scenarios are uncertain, and
 * the power of their best guess is not the power to expect: it is averaged over what they may be. By simulation a difference is shown in 80 ± 4 % at the number of either
 * (docs/decisions/0031).
 * @throws RangeError for a difference of zero
 */
export function neededFor(spread: Spread, difference: number, options: PowerOptions = {}): Needed {
  const { alpha = 0.05, power = 0.8 } = options
  if (!(Math.abs(difference) > 0))
    throw new RangeError('No number of repetitions shows a difference of zero.')
  const variances = variancesOf(spread, difference)
  return {
    repetitions: repetitionsFor(spread, difference, alpha, power),
    scenarios: least(2, MAX_SCENARIOS, (n) => powerOf(difference, n, variances, alpha) >= power),
  }
}

/** A value of what is not known, and how likely it is. */
interface Likely {
  value: number
  weight: number
}

/** Shares of the likely spread that are left out below and above where it is asked whether the number is told. */
const UNLIKELY = 0.1
/** By how much the power may differ from the wanted one within the likely spread. */
const TOLERANCE = 0.13

/**
 * Of the same scenarios: how they differ in truth is fixed, and not known. Repetitions take away what lies within scenarios, and nothing of what lies between them. Power is averaged
 * over what may lie between; where the answer hangs on that, as the power would be too far from the wanted one at the ends of its likely range, none is named.
 */
function repetitionsFor(spread: Spread, difference: number, alpha: number, power: number): number | null {
  const { scenarios, within } = spread
  if (within === null || scenarios < FEWEST_FOR_REPETITIONS || tooFew(scenarios, alpha)) return null
  const between = betweenOf(spread, within)
  const critical = criticalT(alpha, scenarios - 1)
  const powerWith = (repetitions: number, between: number) => {
    const inMeans = within.ofOne / repetitions
    const variance = between + inMeans
    if (variance === 0) return 1
    return shown(
      Math.abs(difference) * Math.sqrt(scenarios / variance),
      critical,
      inMeans / variance,
      relativeVariance(between, inMeans, within.scenarios),
    )
  }
  const meanPower = (repetitions: number) =>
    between.reduce((sum, { value, weight }) => sum + weight * powerWith(repetitions, value), 0)
  const most = within.inMeans > 0 ? Math.round((MOST_TIMES * within.ofOne) / within.inMeans) : 1
  const named = least(1, most, (repetitions) => meanPower(repetitions) >= power)
  if (named === null) return null
  const reached = meanPower(named)
  const isTold =
    powerWith(named, quantileOf(between, 1 - UNLIKELY)) >= reached - TOLERANCE &&
    powerWith(named, quantileOf(between, UNLIKELY)) <= reached + TOLERANCE
  return isTold ? named : null
}

/** Likely values of what lies between scenarios, up to as many standard errors from what it seems to be. */
const BETWEEN = 60
const STANDARD_ERRORS = 8
/** Before anything is seen equal steps of this power of it are as likely. Of ½ it would be standard deviations; chosen by simulation, docs/decisions/0031. */
const BETWEEN_POWER = 0.4

/**
 * What may lie between these scenarios: the variance that was seen is that and what lies within, give or take what the latter does by chance, in a normal
 * approximation.
 */
function betweenOf({ variance }: Spread, { inMeans, scenarios }: Within): Likely[] {
  const standardError = (between: number) =>
    (between + inMeans) * Math.sqrt(relativeVariance(between, inMeans, scenarios))
  const seems = Math.max(0, variance - inMeans)
  if (inMeans === 0) return [{ value: seems, weight: 1 }]
  const reach = STANDARD_ERRORS * standardError(seems)
  const least = Math.max(0, seems - reach) ** BETWEEN_POWER
  const most = (seems + reach) ** BETWEEN_POWER
  const values = Array.from({ length: BETWEEN }, (_, i) => {
    const value = (least + ((i + 0.5) / BETWEEN) * (most - least)) ** (1 / BETWEEN_POWER)
    const error = standardError(value)
    return { value, weight: Math.exp(-0.5 * ((variance - value - inMeans) / error) ** 2) / error }
  })
  const all = values.reduce((sum, { weight }) => sum + weight, 0)
  return values.map(({ value, weight }) => ({ value, weight: weight / all }))
}

/** Of the variance of means of given scenarios, by its square: a noncentral χ² has 2 (n − 1) σ⁴ + 4 σ² Σ δ², here with σ² within and Σ δ² = (n − 1) between. */
const relativeVariance = (between: number, inMeans: number, scenarios: number): number =>
  (2 * inMeans * (inMeans + 2 * between)) / (Math.max(1, scenarios - 1) * (between + inMeans) ** 2)

/** Of values in ascending order. */
function quantileOf(values: readonly Likely[], share: number): number {
  let sum = 0
  for (const { value, weight } of values) {
    sum += weight
    if (sum >= share) return value
  }
  return values.at(-1)!.value
}

/** The smallest difference that as many scenarios and repetitions as now show with the wanted power. Null: none, with so few scenarios. */
export function detectableDifference(spread: Spread, options: PowerOptions = {}): number | null {
  const { alpha = 0.05, power = 0.8 } = options
  const { scenarios, variance, freedom, changed } = spread
  if (tooFew(scenarios, alpha)) return null
  const unit = changed === null ? Math.sqrt(variance / scenarios) : 1
  return unit * detectableUnits(scenarios, freedom, changed, alpha, power)
}

/** In standard errors, where it is the same whatever the variance; of passes and failures as it is. */
const detectableUnits = cached(
  (scenarios: number, freedom: number, changed: number | null, alpha: number, power: number) => {
    const spread = { scenarios, freedom, changed, variance: scenarios }
    const isShown = (difference: number) =>
      powerOf(difference, scenarios, variancesOf(spread, difference), alpha) >= power
    let low = 0
    let high = 1
    while (!isShown(high)) high *= 2
    for (let step = 0; step < 30; step++) {
      const middle = (low + high) / 2
      if (isShown(middle)) high = middle
      else low = middle
    }
    return high
  },
)

/**
 * What the variance may be where the true difference is this one, each value as likely. What was seen × ν / χ²(ν) (Julious & Owen 2006, Pharmaceutical Statistics 5:29), ν degrees of
 * freedom. Of passes and failures, share − difference², where the share of scenarios that change is not below the difference.
 */
function variancesOf(
  { scenarios, variance, freedom, changed }: Pick<Spread, 'scenarios' | 'variance' | 'freedom' | 'changed'>,
  difference: number,
): number[] {
  if (changed === null) return likelyFactors(freedom).map((factor) => variance * factor)
  const least = Math.abs(difference)
  return likelyShares(changed, scenarios).map((share) => Math.max(0, Math.max(share, least) - least ** 2))
}

const MIDDLES = Array.from({ length: VARIANCES }, (_, i) => (i + 0.5) / VARIANCES)

const likelyFactors = cached((freedom: number) =>
  MIDDLES.map((share) => freedom / chiSquareQuantile(share, freedom)),
)

/**
 * Of beta (changed + 0.5, unchanged − 0.5). With Jeffreys' ½ and ½ what five scenarios name shows the difference in 72 to 79 %, with 1 and 1 in 75 to 92 %, with these in
 * 77 to 85 % (docs/decisions/0031). Where all have changed no other share is likely.
 */
const likelyShares = cached((changed: number, scenarios: number) =>
  changed === scenarios
    ? [1]
    : MIDDLES.map((share) => betaQuantile(share, changed + 0.5, scenarios - changed - 0.5)),
)

/** The least recently asked of a thousand are forgotten. */
function cached<Args extends (number | null)[], Value extends {}>(of: (...args: Args) => Value) {
  const known = new LRUCache<string, Value>({ max: 1000 })
  return (...args: Args): Value => {
    const key = args.join(' ')
    const value = known.get(key) ?? of(...args)
    known.set(key, value)
    return value
  }
}

/** Signs of so few differences can't be rarer than the level: see signFlipP. */
const tooFew = (scenarios: number, alpha: number) => 2 ** -scenarios >= alpha

/** Mean power of the two-sided test of n differences over these variances. */
function powerOf(difference: number, n: number, variances: readonly number[], alpha: number): number {
  if (tooFew(n, alpha)) return 0
  const critical = criticalT(alpha, n - 1)
  let sum = 0
  for (const variance of variances)
    sum += variance > 0 ? shown(Math.abs(difference) * Math.sqrt(n / variance), critical, 1, 2 / (n - 1)) : 1
  return sum / variances.length
}

/**
 * P(T > critical), T = (noncentrality + N(0, `meanVariance`)) / S, S a standard deviation of 1 whose square has this variance. Of 1 and 2 / ν it is that of a
 * noncentral t (Abramowitz & Stegun 26.7.10); of given scenarios the mean varies less, and so does S.
 */
function shown(
  noncentrality: number,
  critical: number,
  meanVariance: number,
  squareVariance: number,
): number {
  const above = noncentrality - critical * (1 - squareVariance / 8)
  const deviation = Math.sqrt(meanVariance + (critical * critical * squareVariance) / 4)
  return deviation > 0 ? normalCdf(above / deviation) : Number(above > 0)
}

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
