import type { PairedMeans } from './scenarioPairs.ts'

/**
 * Which comparisons of the same two runs are one test: those whose scenarios' means, of both runs, are the same numbers in another unit (y = a + b x, b ≠ 0), as success,
 * a score of 0 or 1 and a percentage are. The sign-flip test has one p-value for all of them, and they are false alarms together or not at all, so that the
 * bound of a correction is summed over distinct tests (Shaffer 1986, J. Am. Statist. Assoc. 81:826, whose procedure counts how many hypotheses can be true apart from
 * each other; of equal ones it is Holm's over the distinct ones). Metrics that differ in any scenario are apart, whichever p-values they have.
 * @returns the number of its test for each comparison, from 0
 */
export function equalTests(comparisons: readonly PairedMeans[]): number[] {
  const first: Shape[] = []
  return comparisons.map((means) => {
    const shape = shapeOf(means)
    const known = first.findIndex((other) => isCopy(shape, other))
    return known === -1 ? first.push(shape) - 1 : known
  })
}

interface Shape {
  /** NaN where a scenario was left out. */
  values: Float64Array
  /** Where the smallest and the largest value are; the same place where all are equal. */
  least: number
  most: number
}

function shapeOf({ byScenario }: PairedMeans): Shape {
  const values = Float64Array.from(byScenario.flatMap((means) => means ?? [Number.NaN, Number.NaN]))
  let [least, most] = [-1, -1]
  for (const [place, value] of values.entries()) {
    if (Number.isNaN(value)) continue
    if (least === -1 || value < values[least]!) least = place
    if (most === -1 || value > values[most]!) most = place
  }
  return { values, least, most }
}

function isCopy({ values, least, most }: Shape, other: Shape): boolean {
  if (values.length !== other.values.length) return false
  const [from, to] = [other.values[other.least]!, other.values[other.most]!]
  const [low, high] = [values[other.least]!, values[other.most]!]
  const spread = values[most]! - values[least]!
  // Either both vary or none does.
  if (spread > 0 !== to > from) return false
  const slope = to > from ? (high - low) / (to - from) : 0
  return values.every((value, place) => {
    const of = other.values[place]!
    if (Number.isNaN(value) || Number.isNaN(of)) return Number.isNaN(value) && Number.isNaN(of)
    return Math.abs(value - low - slope * (of - from)) <= 1e-9 * spread
  })
}
