import { normalQuantile } from './distributions.ts'
import { type Interval, wilsonInterval } from './intervals.ts'
import { knownOf } from './scenarioPairs.ts'

/**
 * FLAKY: it passed and failed. STABLE_PASS, STABLE_FAIL: it did only one of them, often enough to be called so. UNKNOWN: only one of them, in too few repetitions.
 */
type Stability = 'STABLE_PASS' | 'STABLE_FAIL' | 'FLAKY' | 'UNKNOWN'

export interface Flakiness {
  stability: Stability
  /** Known ones. */
  repetitions: number
  unknown: number
  passes: number
  /** Null without repetitions, as are interval and entropy. */
  passRate: number | null
  /** Wilson's. */
  interval: Interval | null
  /** Probability that two repetitions disagree, 0 to ½ in the long run: 2 c (n − c) / (n (n − 1)), without bias. Null of fewer than two. */
  disagreement: number | null
  /** Of the pass rate, in bits: 0 where all agree, 1 where half pass. Too small of few repetitions. */
  entropyBits: number | null
}

export interface FlakinessOptions {
  /**
   * From so many equal repetitions on a scenario is called stable, 3 unless said. A scenario that passes four times of five passes three
   * times of three in 51 %, and ten of ten in 11 %: the interval says what is left open.
   */
  stableFrom?: number
  /** Of the interval, 0.95 unless said. */
  level?: number
}

/**
 * How much the repetitions of one scenario under one version agree, 1 is a pass and 0 a failure, null unknown.
 * @throws RangeError for another value, or a `stableFrom` that is not a whole number from 2 on
 */
export function flakinessOf(
  repetitions: readonly (number | null)[],
  { stableFrom = 3, level = 0.95 }: FlakinessOptions = {},
): Flakiness {
  if (!Number.isSafeInteger(stableFrom) || stableFrom < 2)
    throw new RangeError(
      `One repetition can't be stable: stableFrom is a whole number from 2 on, not ${stableFrom}.`,
    )
  const known = knownOf(repetitions, 'PASS_FAIL')
  const n = known.length
  const passes = known.filter((value) => value === 1).length
  const passRate = n === 0 ? null : passes / n
  const isMixed = passes > 0 && passes < n
  const stable = passes > 0 ? 'STABLE_PASS' : 'STABLE_FAIL'
  return {
    stability: isMixed ? 'FLAKY' : n >= stableFrom ? stable : 'UNKNOWN',
    repetitions: n,
    unknown: repetitions.length - n,
    passes,
    passRate,
    interval: passRate === null ? null : wilsonInterval(passRate, n, normalQuantile((1 + level) / 2)),
    disagreement: n < 2 ? null : (2 * passes * (n - passes)) / (n * (n - 1)),
    entropyBits: passRate === null ? null : bits(passRate) + bits(1 - passRate),
  }
}

const bits = (p: number) => (p === 0 ? 0 : -p * Math.log2(p))
