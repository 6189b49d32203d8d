import { meanOf, squaresOf, sumOf, varianceOf } from './sums.ts'

/** A scenario of two runs: what its repetitions brought. Unknown values are null. A run that has not got the scenario has none. */
export interface ScenarioPair {
  baseline: readonly (number | null)[]
  candidate: readonly (number | null)[]
}

/**
 * PASS_FAIL: 0 or 1. UNIT: from 0 to 1, such as scores. UNBOUNDED: any finite number, such as cost, tokens, milliseconds.
 */
export type Scale = 'PASS_FAIL' | 'UNIT' | 'UNBOUNDED'

/** What chance does within scenarios. */
export interface Within {
  /** Variance of the difference of one repetition a side, pooled over scenarios. */
  ofOne: number
  /** What the variance of the scenarios' differences has of it, at the repetitions that there were. */
  inMeans: number
  /** As many scenarios of equal variance would tell as much: fewer than there are where some repeat alike and others do not. (Σ v)² / Σ v² (Kish 1965, Survey Sampling, 11.7). */
  scenarios: number
}

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
  /** Null where one side repeats no scenario: nothing tells it then. */
  within: Within | null
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
  return {
    baseline: pairs.map(({ a }) => a),
    candidate: pairs.map(({ b }) => b),
    differences: pairs.map(({ a, b }) => b - a),
    byScenario,
    ...left,
    within: withinOf(pairs),
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

function withinOf(pairs: readonly Record<'baseline' | 'candidate', number[]>[]): Within | null {
  const baselines = pairs.map(({ baseline }) => baseline)
  const candidates = pairs.map(({ candidate }) => candidate)
  const ofBaseline = pooledVariance(baselines)
  const ofCandidate = pooledVariance(candidates)
  if (ofBaseline === null || ofCandidate === null) return null
  const ofMeans = pairs
    .map(({ baseline, candidate }) => ofMean(baseline, ofBaseline) + ofMean(candidate, ofCandidate))
    .sort(ascending)
  const sum = sumOf(ofMeans)
  return {
    ofOne: ofBaseline + ofCandidate,
    inMeans: ofBaseline * perRepetition(baselines) + ofCandidate * perRepetition(candidates),
    scenarios: sum > 0 ? sum ** 2 / sumOf(ofMeans.map((variance) => variance ** 2)) : pairs.length,
  }
}

/** Sum of squares by sum of degrees of freedom. Null where no scenario has two. */
function pooledVariance(repetitions: readonly (readonly number[])[]): number | null {
  let degreesOfFreedom = 0
  const squares: number[] = []
  for (const values of repetitions) {
    degreesOfFreedom += values.length - 1
    squares.push(squaresOf(values))
  }
  return degreesOfFreedom === 0 ? null : meanOf(squares.sort(ascending)) * (squares.length / degreesOfFreedom)
}

/** Of the mean of a scenario's repetitions; of one repetition by what all have. */
const ofMean = (values: readonly number[], pooled: number): number =>
  (values.length > 1 ? varianceOf(values) : pooled) / values.length

/** What share of one repetition's variance the scenarios' means have. */
const perRepetition = (repetitions: readonly (readonly number[])[]): number =>
  meanOf(repetitions.map(({ length }) => 1 / length).sort(ascending))
