import { meanOf, squaresOf } from './sums.ts'

/** A scenario of two runs: what its repetitions brought. Unknown values are null. A run that has not got the scenario has none. */
export interface ScenarioPair {
  baseline: readonly (number | null)[]
  candidate: readonly (number | null)[]
}

/**
 * PASS_FAIL: 0 or 1. UNIT: from 0 to 1, such as scores. UNBOUNDED: any finite number, such as cost, tokens, milliseconds.
 */
export type Scale = 'PASS_FAIL' | 'UNIT' | 'UNBOUNDED'

/** Scenarios that both runs have values of, each with the mean of its repetitions: the scenario is the cluster. */
export interface PairedMeans {
  baseline: readonly number[]
  candidate: readonly number[]
  /** candidate − baseline */
  differences: readonly number[]
  /** The means of both in the order given, as that is the same in all metrics of a pair; null for a scenario that was left out. */
  byScenario: readonly (readonly [baseline: number, candidate: number] | null)[]
  /** Scenarios with known values on one side only, on no side, and values that are unknown. */
  onlyBaseline: number
  onlyCandidate: number
  neither: number
  unknown: number
  /** Mean of 1 / repetitions over the scenarios, a side: what share of a repetition's variance a scenario's mean has. */
  perRepetition: { baseline: number; candidate: number }
  /** Variance of one repetition within its scenario, pooled. Null where no scenario has two: nothing tells it then. */
  withinBaseline: number | null
  withinCandidate: number | null
}

/**
 * Pairs, whatever the order of scenarios and repetitions: the same data gives the same numbers to the last bit.
 * @throws RangeError for a value that its scale has not got
 */
export function pairedMeans(scenarios: readonly ScenarioPair[], scale: Scale): PairedMeans {
  const pairs: { baseline: number[]; candidate: number[]; a: number; b: number }[] = []
  const byScenario: PairedMeans['byScenario'][number][] = []
  const left = { onlyBaseline: 0, onlyCandidate: 0, neither: 0, unknown: 0 }
  for (const scenario of scenarios) {
    const baseline = knownOf(scenario.baseline, scale)
    const candidate = knownOf(scenario.candidate, scale)
    left.unknown += scenario.baseline.length + scenario.candidate.length - baseline.length - candidate.length
    if (baseline.length > 0 && candidate.length > 0) {
      const [a, b] = [meanOf(baseline), meanOf(candidate)]
      pairs.push({ baseline, candidate, a, b })
      byScenario.push([a, b])
      continue
    }
    byScenario.push(null)
    if (baseline.length > 0) left.onlyBaseline++
    else if (candidate.length > 0) left.onlyCandidate++
    else left.neither++
  }
  pairs.sort((x, y) => x.b - x.a - (y.b - y.a) || x.a - y.a || x.b - y.b)
  const withinBaseline = withinOf(pairs.map(({ baseline }) => baseline))
  const withinCandidate = withinOf(pairs.map(({ candidate }) => candidate))
  return {
    baseline: pairs.map(({ a }) => a),
    candidate: pairs.map(({ b }) => b),
    differences: pairs.map(({ a, b }) => b - a),
    byScenario,
    ...left,
    withinBaseline,
    withinCandidate,
    perRepetition: {
      baseline: meanOf(pairs.map(({ baseline }) => 1 / baseline.length).sort(ascending)),
      candidate: meanOf(pairs.map(({ candidate }) => 1 / candidate.length).sort(ascending)),
    },
  }
}

export const ascending = (x: number, y: number): number => x - y

/** The known values in ascending order. @throws RangeError */
export function knownOf(values: readonly (number | null)[], scale: Scale): number[] {
  const known = values.filter((value) => value !== null)
  for (const value of known) {
    const fits =
      scale === 'PASS_FAIL'
        ? value === 0 || value === 1
        : scale === 'UNIT'
          ? value >= 0 && value <= 1
          : Number.isFinite(value)
    if (!fits) throw new RangeError(`${value} is no value of the scale ${scale}: ${RANGES[scale]}.`)
  }
  return known.sort(ascending)
}

const RANGES: Record<Scale, string> = {
  PASS_FAIL: '0 is a failure, 1 is a pass',
  UNIT: 'values are from 0 to 1',
  UNBOUNDED: 'values are finite numbers',
}

/** Pooled over scenarios: sum of squares by sum of degrees of freedom. */
function withinOf(repetitions: readonly (readonly number[])[]): number | null {
  let degreesOfFreedom = 0
  const squares: number[] = []
  for (const values of repetitions) {
    degreesOfFreedom += values.length - 1
    squares.push(squaresOf(values))
  }
  return degreesOfFreedom === 0 ? null : meanOf(squares.sort(ascending)) * (squares.length / degreesOfFreedom)
}
