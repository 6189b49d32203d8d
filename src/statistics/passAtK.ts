import { type Interval, unitMeanInterval } from './intervals.ts'
import { ascending, knownOf } from './scenarioPairs.ts'
import { meanOf } from './sums.ts'

/** Mean over scenarios with its interval, null of fewer than two scenarios. */
interface OverScenarios {
  value: number
  interval: Interval | null
}

export interface PassAtK {
  k: number
  /** That have k known repetitions. */
  scenarios: number
  /** That have fewer, and are left out. */
  tooFewRepetitions: number
  /** That any of k repetitions passes. Null where no scenario has k repetitions. */
  passAtK: OverScenarios | null
  /** pass^k: that all of k repetitions pass. Null where no scenario has k repetitions. */
  passHatK: OverScenarios | null
}

/**
 * pass@k and pass^k of one run, from the known repetitions of each scenario, 1 is a pass and 0 a failure. Of k = 1 both are the pass rate.
 * @throws RangeError for a k that is no whole number from 1 on, or a value that is neither 0 nor 1
 */
export function passAtK(
  scenarios: readonly (readonly (number | null)[])[],
  k: number,
  level = 0.95,
): PassAtK {
  if (!Number.isSafeInteger(k) || k < 1) throw new RangeError(`k is a whole number from 1 on, not ${k}.`)
  const known = scenarios.map((repetitions) => knownOf(repetitions, 'PASS_FAIL'))
  const counts = known
    .filter(({ length }) => length >= k)
    .map((values) => ({ n: values.length, c: values.filter((value) => value === 1).length }))
  const over = (of: (n: number, c: number, k: number) => number): OverScenarios | null => {
    const values = counts.map(({ n, c }) => of(n, c, k)).sort(ascending)
    return values.length === 0 ? null : { value: meanOf(values), interval: unitMeanInterval(values, level) }
  }
  return {
    k,
    scenarios: counts.length,
    tooFewRepetitions: scenarios.length - counts.length,
    passAtK: over(anyOfK),
    passHatK: over(allOfK),
  }
}

/** 1 − C(n − c, k) / C(n, k), without bias (Chen et al. 2021, arXiv:2107.03374, section 2.1), of n repetitions with c passes; k ≤ n. */
export function anyOfK(n: number, c: number, k: number): number {
  return 1 - allOfK(n, n - c, k)
}

/** C(c, k) / C(n, k), without bias (Yao et al. 2024, τ-bench, arXiv:2406.12045, section 3); k ≤ n. */
export function allOfK(n: number, c: number, k: number): number {
  let share = 1
  for (let i = 0; i < k; i++) share *= Math.max(0, c - i) / (n - i)
  return share
}
