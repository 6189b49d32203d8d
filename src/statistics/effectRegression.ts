import { normalCdf, normalQuantile } from './distributions.ts'
import type { Interval } from './intervals.ts'
import { sumOf } from './sums.ts'

/** What was measured where some causes came together. */
export interface MeasuredEffect {
  /** Their numbers, each once, from 0. */
  causes: readonly number[]
  effect: number
  /** Squared standard error of the effect, more than zero. */
  variance: number
}

export interface CauseEffect {
  effect: number
  interval: Interval
}

/** Fewer measured effects tell nothing of how much causes do at all. */
export const FEWEST_EFFECTS = 5
/** Causes that are told apart, the most common ones: time grows with the cube, 30 ms for so many. What others do counts as noise. */
const MOST_CAUSES = 100
/** Standard deviations of causes' effects, and of what one of them varies by, as shares of the effects' root mean square. */
const SPREADS = [0.12, 0.25, 0.5, 1, 2]
const VARIATIONS = [0, 0.06, 0.12, 0.25, 0.5, 1]
/** Spreads that are less likely, against the likeliest, weigh nothing. */
const LEAST_WEIGHT = 1e-4

/**
 * What each cause does, from effects of several together. A mixed model (Henderson 1975, Biometrics 31:423; Robinson 1991, Statistical Science 6:15): an effect is the
 * sum of what its causes do, each N(0, σ²) over causes and again N(0, τ²) from one time to the next, and the error of measuring, which is known. This is a
 * ridge regression whose penalty follows from the data: σ and τ are averaged over a grid by their marginal likelihood (empirical Bayes would take the
 * likeliest, and is too sure of few effects). Before the data each σ is as likely as any other (Gelman 2006, Bayesian Analysis 1:515): where errors are larger than
 * effects, a grid by factors with equal weights favours those near zero, draws too much, and misses one effect of twelve. Estimates are drawn towards zero, the more the
 * less is known, and intervals, the quantiles of the mixture over the grid, cover 95 % of true effects over causes like these; docs/decisions/0034 has the simulation.
 */
export class EffectRegression {
  readonly #places: ReadonlyMap<number, number>
  readonly #means: Float64Array
  readonly #covariances: Float64Array
  /** What the causes' effects may be, by place: each point of the grid has a share. */
  readonly #mixtures: readonly (readonly Normal[])[]
  /** E σ², E τ² and the mean variance of measuring. */
  readonly #spread: number
  readonly #variation: number
  readonly #measuring: number

  /** @throws RangeError for fewer than FEWEST_EFFECTS, and a variance that is not more than zero. */
  constructor(measured: readonly MeasuredEffect[], grid: Iterable<GridPoint> = gridOf(measured)) {
    const points = [...grid]
    this.#places = placesOf(measured)
    this.#measuring = measuringOf(measured)
    const best = Math.max(...points.map(({ logWeight }) => logWeight))
    const likely = points
      .map((point) => ({ ...point, weight: Math.exp(point.logWeight - best) }))
      .filter(({ weight }) => weight > LEAST_WEIGHT)
    const all = sumOf(likely.map(({ weight }) => weight))
    const p = this.#places.size
    this.#means = new Float64Array(p)
    this.#covariances = new Float64Array(p * p)
    let [spread, variation] = [0, 0]
    for (const { weight, ofCauses, ofTimes, posterior } of likely) {
      const share = weight / all
      spread += share * ofCauses
      variation += share * ofTimes
      for (let i = 0; i < p; i++) this.#means[i]! += share * posterior.means[i]!
    }
    const mixtures: Normal[][] = Array.from({ length: p }, () => [])
    for (const { weight, posterior } of likely) {
      const inverse = posterior.covariances()
      for (let i = 0; i < p; i++)
        mixtures[i]!.push({
          share: weight / all,
          mean: posterior.means[i]!,
          deviation: Math.sqrt(inverse[i * p + i]!),
        })
      for (let i = 0; i < p; i++)
        for (let j = 0; j < p; j++) {
          const apart = (posterior.means[i]! - this.#means[i]!) * (posterior.means[j]! - this.#means[j]!)
          this.#covariances[i * p + j]! += (weight / all) * (inverse[i * p + j]! + apart)
        }
    }
    this.#mixtures = mixtures
    this.#spread = spread
    this.#variation = variation
  }

  /** The same in steps of a few milliseconds: the whole takes 50 to 70 of 2,000 effects of 100 causes. */
  static *inSteps(measured: readonly MeasuredEffect[]): Generator<undefined, EffectRegression> {
    const grid: GridPoint[] = []
    for (const point of gridOf(measured)) {
      grid.push(point)
      yield
    }
    return new EffectRegression(measured, grid)
  }

  /** What a cause does, other things equal, with its 95 % interval. Null for one that is not told apart. */
  of(cause: number): CauseEffect | null {
    const place = this.#places.get(cause)
    if (place === undefined) return null
    const mixture = this.#mixtures[place]!
    return {
      effect: this.#means[place]!,
      interval: { lower: quantileOf(mixture, 0.025), upper: quantileOf(mixture, 0.975) },
    }
  }

  /** What will be measured where these causes come together, and the interval in which it falls in 95 %: the error of measuring is as it was so far, on the average. */
  predict(causes: readonly number[]): CauseEffect {
    const p = this.#places.size
    const places = causes.flatMap((cause) => this.#places.get(cause) ?? [])
    const unknown = causes.length - places.length
    let [mean, variance] = [0, this.#measuring + causes.length * this.#variation + unknown * this.#spread]
    for (const i of places) {
      mean += this.#means[i]!
      for (const j of places) variance += this.#covariances[i * p + j]!
    }
    return within(mean, variance)
  }
}

interface Normal {
  share: number
  mean: number
  deviation: number
}

/** Of a mixture of normal distributions, by bisection between the least and the largest of theirs. */
function quantileOf(mixture: readonly Normal[], p: number): number {
  const z = normalQuantile(p)
  const quantiles = mixture.map(({ mean, deviation }) => mean + z * deviation)
  let [low, high] = [Math.min(...quantiles), Math.max(...quantiles)]
  for (let step = 0; step < 20; step++) {
    const middle = (low + high) / 2
    let below = 0
    for (const { share, mean, deviation } of mixture) below += share * normalCdf((middle - mean) / deviation)
    if (below < p) low = middle
    else high = middle
  }
  return (low + high) / 2
}

interface GridPoint {
  ofCauses: number
  ofTimes: number
  posterior: Posterior
  logWeight: number
}

function* gridOf(measured: readonly MeasuredEffect[]): Generator<GridPoint, undefined> {
  if (measured.length < FEWEST_EFFECTS)
    throw new RangeError(`${measured.length} effects tell nothing, but ${FEWEST_EFFECTS} do.`)
  for (const { variance } of measured)
    if (!(variance > 0)) throw new RangeError(`A variance is more than zero, not ${variance}.`)
  const places = placesOf(measured)
  const size = Math.sqrt(
    Math.max(measuringOf(measured), sumOf(measured.map(({ effect }) => effect * effect)) / measured.length),
  )
  for (const spread of SPREADS)
    for (const variation of VARIATIONS) {
      const [ofCauses, ofTimes] = [(spread * size) ** 2, (variation * size) ** 2]
      const posterior = new Posterior(measured, places, ofCauses, ofTimes)
      // Points stand by factors: as much of the line from zero on is each one's as it is large.
      yield { ofCauses, ofTimes, posterior, logWeight: Math.log(spread) + posterior.logLikelihood }
    }
}

const measuringOf = (measured: readonly MeasuredEffect[]) =>
  sumOf(measured.map(({ variance }) => variance)) / measured.length

function within(effect: number, variance: number): CauseEffect {
  const half = normalQuantile(0.975) * Math.sqrt(variance)
  return { effect, interval: { lower: effect - half, upper: effect + half } }
}

/** Where the causes that are told apart stand: the most common first, and of equally common ones the first. */
function placesOf(measured: readonly MeasuredEffect[]): Map<number, number> {
  const counts = new Map<number, number>()
  for (const { causes } of measured)
    for (const cause of causes) counts.set(cause, (counts.get(cause) ?? 0) + 1)
  const common = [...counts].sort(([a, m], [b, n]) => n - m || a - b).slice(0, MOST_CAUSES)
  return new Map(common.map(([cause], place) => [cause, place]))
}

/** Of the causes' effects, where σ² and τ² are known. */
class Posterior {
  readonly means: Float64Array
  /** Marginal, of the data, without what is the same for all σ and τ. */
  readonly logLikelihood: number
  readonly #factor: Float64Array
  readonly #p: number

  constructor(
    measured: readonly MeasuredEffect[],
    placeOf: ReadonlyMap<number, number>,
    ofCauses: number,
    ofTimes: number,
  ) {
    const p = placeOf.size
    this.#p = p
    const precision = new Float64Array(p * p)
    const told = new Float64Array(p)
    for (let i = 0; i < p; i++) precision[i * p + i] = 1 / ofCauses
    let log = p * Math.log(ofCauses)
    for (const { causes, effect, variance } of measured) {
      const places = causes.flatMap((cause) => placeOf.get(cause) ?? [])
      const noise = variance + causes.length * ofTimes + (causes.length - places.length) * ofCauses
      log += Math.log(noise) + (effect * effect) / noise
      for (const i of places) {
        told[i]! += effect / noise
        for (const j of places) precision[i * p + j]! += 1 / noise
      }
    }
    this.#factor = choleskyOf(precision, p)
    for (let i = 0; i < p; i++) log += 2 * Math.log(this.#factor[i * p + i]!)
    this.means = solved(this.#factor, p, told)
    for (let i = 0; i < p; i++) log -= told[i]! * this.means[i]!
    this.logLikelihood = -log / 2
  }

  covariances(): Float64Array {
    const p = this.#p
    const inverse = new Float64Array(p * p)
    for (let i = 0; i < p; i++) {
      const unit = new Float64Array(p)
      unit[i] = 1
      inverse.set(solved(this.#factor, p, unit), i * p)
    }
    return inverse
  }
}

/** The lower triangle L of L L' = a, which is symmetric and positive definite. */
function choleskyOf(a: Float64Array, p: number): Float64Array {
  const l = new Float64Array(p * p)
  for (let i = 0; i < p; i++)
    for (let j = 0; j <= i; j++) {
      let sum = a[i * p + j]!
      for (let k = 0; k < j; k++) sum -= l[i * p + k]! * l[j * p + k]!
      l[i * p + j] = i === j ? Math.sqrt(sum) : sum / l[j * p + j]!
    }
  return l
}

/** The x of L L' x = b. */
function solved(l: Float64Array, p: number, b: Float64Array): Float64Array {
  const x = Float64Array.from(b)
  for (let i = 0; i < p; i++) {
    for (let k = 0; k < i; k++) x[i]! -= l[i * p + k]! * x[k]!
    x[i]! /= l[i * p + i]!
  }
  for (let i = p - 1; i >= 0; i--) {
    for (let k = i + 1; k < p; k++) x[i]! -= l[k * p + i]! * x[k]!
    x[i]! /= l[i * p + i]!
  }
  return x
}
