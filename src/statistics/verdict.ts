import { equalTests } from './equalTests.ts'
import type { Interval } from './intervals.ts'
import { adjustedPValues, type Correction } from './multiplicity.ts'
import { differenceInterval, type PairedComparison } from './pairedComparison.ts'
import { detectableDifference, type Needed, neededFor } from './power.ts'

/** HIGHER for pass rates and scores, LOWER for cost, tokens and duration. */
export type Better = 'HIGHER' | 'LOWER'

/**
 * NO_DIFFERENCE: the difference is within the margin, significant or not. BETTER, WORSE: significant after correction, and more than the margin is possible.
 * INSUFFICIENT_DATA: neither was shown.
 */
export type Verdict = 'BETTER' | 'WORSE' | 'NO_DIFFERENCE' | 'INSUFFICIENT_DATA'

export interface Question {
  comparison: PairedComparison
  /**
   * The number of the two runs that are compared, with their scenarios in one order: metrics of theirs that are equal or copies in another unit are one test,
   * and count once (`equalTests`). Unless said it is of no others.
   */
  pair?: number
  better: Better
  /**
   * Equivalence margin, more than zero, in the metric's unit: smaller differences do not matter. Null: none is given, and NO_DIFFERENCE is never said. One that is a share
   * of the baseline's mean is taken as if that were known.
   */
  margin: number | null
}

export interface Judgement {
  verdict: Verdict
  /** After correction for all tests of the call. */
  adjustedPValue: number | null
  /** How many different tests that is corrected for: 1 without correction. */
  tests: number
  /** What had to lie within ± margin: two one-sided tests (Schuirmann 1987). */
  equivalenceInterval: Interval | null
  /**
   * For INSUFFICIENT_DATA with a margin and two scenarios: what shows a difference of the margin. No more than there is now: such a difference would
   * have been shown, and the true one is likely to be smaller.
   */
  needed: Needed | null
  /** The smallest difference that what there is now would show. */
  detectableDifference: number | null
  /** Of the strictest step of the correction: what `needed` and `detectableDifference` are reckoned by. */
  alpha: number
}

export interface JudgeOptions {
  /** ALPHA unless said. */
  alpha?: number
  correction?: Correction
  /** For `needed` and `detectableDifference`, 0.8 unless said. */
  power?: number
}

/** Level of the tests. */
export const ALPHA = 0.05

/**
 * Judges metrics and candidates that are looked at together. BETTER and WORSE follow p-values that are adjusted for all of them; with HOLM the intervals that
 * NO_DIFFERENCE follows are as much wider (Bonferroni), so that the chance of any false verdict stays at alpha of each kind. Both count each test once, however
 * many metrics of a pair are copies of each other: what is equal is one difference, which lies within the smaller of two margins only if it lies within both.
 * Power is that of the strictest step of the correction.
 * @throws RangeError for a margin that is not more than zero, or an alpha that is not between 0 and ½
 */
export function judge(questions: readonly Question[], options: JudgeOptions = {}): Judgement[] {
  return [...judgements(questions, options)]
}

/** The same one by one: of 100 metrics of 1,000 scenarios all together take a third of a second. */
export function* judgements(
  questions: readonly Question[],
  options: JudgeOptions = {},
): Generator<Judgement, undefined> {
  const { alpha = ALPHA, correction = 'HOLM', power = 0.8 } = options
  checkAlpha(alpha)
  const testOf = testsOf(questions)
  const adjusted = adjustedPValues(
    questions.map(({ comparison }) => comparison.pValue),
    correction,
    testOf,
  )
  const made = new Set(testOf.filter((_, index) => adjusted[index] !== null)).size
  const tests = correction === 'NONE' ? 1 : Math.max(1, made)
  const strictest = correction === 'HOLM' ? alpha / tests : alpha
  for (const [index, { comparison, better, margin }] of questions.entries()) {
    if (margin !== null) checkMargin(margin)
    const { means, scale, spread, difference } = comparison
    const adjustedPValue = adjusted[index]!
    const equivalenceInterval = differenceInterval(means, scale, 1 - 2 * strictest)
    const verdict = ((): Verdict => {
      if (margin !== null && equivalenceInterval && isWithin(equivalenceInterval, margin))
        return 'NO_DIFFERENCE'
      if (adjustedPValue === null || adjustedPValue >= alpha) return 'INSUFFICIENT_DATA'
      return difference! > 0 === (better === 'HIGHER') ? 'BETTER' : 'WORSE'
    })()
    const asked = { alpha: strictest, power }
    const isOpen = verdict === 'INSUFFICIENT_DATA' && margin !== null && spread !== null
    yield {
      verdict,
      adjustedPValue,
      tests,
      equivalenceInterval,
      needed: isOpen ? neededFor(spread, margin, asked) : null,
      detectableDifference: spread && detectableDifference(spread, asked),
      alpha: strictest,
    }
  }
}

/** The number of its test for each question. */
function testsOf(questions: readonly Question[]): number[] {
  const byPair = new Map<number | string, number[]>()
  for (const [index, { pair = `question ${index}` }] of questions.entries()) {
    const others = byPair.get(pair)
    if (others) others.push(index)
    else byPair.set(pair, [index])
  }
  const tests: number[] = []
  let known = 0
  for (const indexes of byPair.values()) {
    const equal = equalTests(indexes.map((index) => questions[index]!.comparison.means))
    for (const [at, index] of indexes.entries()) tests[index] = known + equal[at]!
    known += Math.max(...equal) + 1
  }
  return tests
}

const isWithin = ({ lower, upper }: Interval, margin: number) => lower > -margin && upper < margin

export interface NonInferiority {
  /** The worst difference that is still likely: the lower bound of the 1 − 2 alpha interval where higher is better, else the upper one. Null of fewer than two scenarios. */
  bound: number | null
  /** Whether the candidate is worse by less than the margin. Null: nothing tells. */
  isNonInferior: boolean | null
}

/**
 * Whether a candidate is worse by less than a margin, at one-sided level alpha: what a gate asks. Few scenarios are seldom enough: that they show no
 * regression is not that there is none. A margin of zero asks for superiority.
 * @throws RangeError for a margin below zero, or an alpha that is not between 0 and ½
 */
export function nonInferiority(
  { comparison, better, margin }: Question & { margin: number },
  alpha = 0.05,
): NonInferiority {
  checkAlpha(alpha)
  if (!(margin >= 0)) throw new RangeError(`A margin is not less than zero, as ${margin} is.`)
  const interval = differenceInterval(comparison.means, comparison.scale, 1 - 2 * alpha)
  if (interval === null) return { bound: null, isNonInferior: null }
  return better === 'HIGHER'
    ? { bound: interval.lower, isNonInferior: interval.lower > -margin }
    : { bound: interval.upper, isNonInferior: interval.upper < margin }
}

function checkAlpha(alpha: number): void {
  if (!(alpha > 0 && alpha < 0.5)) throw new RangeError(`alpha is between 0 and 0.5, not ${alpha}.`)
}

function checkMargin(margin: number): void {
  if (!(margin > 0)) throw new RangeError(`A margin is more than zero, not ${margin}.`)
}
