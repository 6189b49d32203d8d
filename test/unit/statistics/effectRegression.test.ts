/*
Which way to find what one change did where several came together, on populations whose truth is known: root mean square error and coverage of 95 % intervals. Its
table is that of docs/decisions/0034.
*/
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'
import { describe, expect, it } from 'vitest'
import { EffectRegression, type MeasuredEffect } from '../../../src/statistics/effectRegression.ts'
import { type Interval, studentInterval } from '../../../src/statistics/intervals.ts'

const REPLICATIONS = 150
const CHANGES = 12
const VARIATION = 0.03

class Draws {
  readonly #random
  constructor(seed: number) {
    this.#random = xoroshiro128plus(seed)
  }
  uniform = () => (this.#random.next() >>> 0) / 2 ** 32
  normal = () => Math.sqrt(-2 * Math.log(1 - this.uniform())) * Math.cos(2 * Math.PI * this.uniform())
}

/** Half of the changes do nothing; a diff has one to four, in `together` never the first without the second. */
function population(draws: Draws, diffs: number, together: boolean) {
  const truth = Array.from({ length: CHANGES }, () => (draws.uniform() < 0.5 ? 0 : 0.1 * draws.normal()))
  const diff = (): MeasuredEffect => {
    const causes = new Set<number>()
    const wanted = 1 + Math.floor(draws.uniform() * 4)
    while (causes.size < wanted) causes.add(Math.floor(draws.uniform() * CHANGES))
    if (together && causes.has(0)) causes.add(1)
    const error = 0.02 + 0.1 * draws.uniform()
    let effect = error * draws.normal()
    for (const cause of causes) effect += truth[cause]! + VARIATION * draws.normal()
    return { causes: [...causes], effect, variance: error * error }
  }
  return { truth, diff, measured: Array.from({ length: diffs }, diff) }
}

interface Estimate {
  effect: number
  interval: Interval | null
}

/** Mean of what was measured, each counted `weight` times, with Student's interval over the effective number. */
function weighted(measured: readonly { value: number; weight: number }[]): Estimate | null {
  if (measured.length === 0) return null
  const weights = measured.reduce((sum, { weight }) => sum + weight, 0)
  const squares = measured.reduce((sum, { weight }) => sum + weight * weight, 0)
  const effect = measured.reduce((sum, { weight, value }) => sum + weight * value, 0) / weights
  const number = Math.floor((weights * weights) / squares + 1e-6)
  if (number < 2) return { effect, interval: null }
  const spread = Math.sqrt(
    measured.reduce((sum, { weight, value }) => sum + weight * (value - effect) ** 2, 0) /
      (weights - squares / weights),
  )
  // Of as many values with this spread.
  const alike = Array.from({ length: number }, (_, n) => (n % 2 === 0 ? 1 : -1))
  const unit = Math.sqrt(alike.reduce((sum, x) => sum + (x - (number % 2) / number) ** 2, 0) / (number - 1))
  return {
    effect,
    interval: studentInterval(
      alike.map((x) => effect + ((x - (number % 2) / number) * spread) / unit),
      Math.abs(effect),
      0.95,
    ),
  }
}

const WAYS: Record<string, (measured: readonly MeasuredEffect[]) => (cause: number) => Estimate | null> = {
  'diffs that change only this': (measured) => (cause) =>
    weighted(
      measured
        .filter(({ causes }) => causes.length === 1 && causes[0] === cause)
        .map(({ effect }) => ({ value: effect, weight: 1 })),
    ),
  'whole effect, weight 1 / changes': (measured) => (cause) =>
    weighted(
      measured
        .filter(({ causes }) => causes.includes(cause) && causes.length <= 3)
        .map(({ causes, effect }) => ({ value: effect, weight: 1 / causes.length })),
    ),
  'effect shared among changes': (measured) => (cause) =>
    weighted(
      measured
        .filter(({ causes }) => causes.includes(cause))
        .map(({ causes, effect }) => ({ value: effect / causes.length, weight: 1 })),
    ),
  regression: (measured) => {
    const regression = new EffectRegression(measured)
    return (cause) => regression.of(cause)
  },
}

function simulated(diffs: number, together: boolean) {
  const draws = new Draws(diffs + (together ? 1 : 0))
  const found = new Map(
    Object.keys(WAYS).map((way) => [way, { known: 0, squares: 0, intervals: 0, covered: 0, widths: 0 }]),
  )
  let [predictions, within] = [0, 0]
  for (let replication = 0; replication < REPLICATIONS; replication++) {
    const { truth, diff, measured } = population(draws, diffs, together)
    for (const [way, estimates] of Object.entries(WAYS)) {
      const of = estimates(measured)
      const sums = found.get(way)!
      for (const [cause, really] of truth.entries()) {
        if (together && cause > 1) break
        const estimate = of(cause)
        if (estimate === null) continue
        sums.known++
        sums.squares += (estimate.effect - really) ** 2
        if (estimate.interval === null) continue
        const { lower, upper } = estimate.interval
        sums.intervals++
        sums.widths += upper - lower
        if (lower <= really && really <= upper) sums.covered++
      }
    }
    const regression = new EffectRegression(measured)
    for (let next = 0; next < 10; next++) {
      const { causes, effect } = diff()
      const { lower, upper } = regression.predict(causes).interval
      predictions++
      if (lower <= effect && effect <= upper) within++
    }
  }
  const ways = Object.fromEntries(
    [...found].map(([way, { known, squares, intervals, covered, widths }]) => [
      way,
      {
        known: known / REPLICATIONS,
        error: Math.sqrt(squares / known),
        coverage: covered / intervals,
        width: widths / intervals,
      },
    ]),
  )
  return { ways, predicted: within / predictions }
}

describe('what one change did', () => {
  for (const together of [false, true])
    for (const diffs of [10, 30, 100, 300]) {
      it(`is found by the regression, of ${diffs} diffs ${together ? 'in which two changes come together' : ''}`, () => {
        const { ways, predicted } = simulated(diffs, together)
        const { regression, ...others } = ways
        for (const [way, { error }] of Object.entries(others))
          expect(regression!.error, way).toBeLessThan(error)
        expect(regression!.coverage).toBeGreaterThan(0.93)
        expect(regression!.coverage).toBeLessThan(0.97)
        expect(predicted).toBeGreaterThan(0.92)
        expect(predicted).toBeLessThan(0.975)
      })
    }

  it('does not depend on the order, and is drawn to zero where little is known', () => {
    const { measured } = population(new Draws(1), 20, false)
    const [one, other] = [new EffectRegression(measured), new EffectRegression([...measured].reverse())]
    for (let cause = 0; cause < CHANGES; cause++) {
      const [a, b] = [one.of(cause), other.of(cause)]
      expect(a === null).toBe(b === null)
      if (a && b) expect(a.effect).toBeCloseTo(b.effect, 9)
    }
    const once = new EffectRegression([
      { causes: [7], effect: 0.5, variance: 0.04 },
      ...Array.from({ length: 6 }, () => ({ causes: [1], effect: 0.01, variance: 0.001 })),
    ])
    expect(once.of(7)!.effect).toBeLessThan(0.4)
    expect(once.of(8)).toBeNull()
    const { effect, interval } = once.predict([8])
    expect(effect).toBe(0)
    expect(interval.upper).toBeGreaterThan(once.predict([]).interval.upper)
  })

  it('is told of the hundred most common changes', () => {
    const measured = Array.from({ length: 300 }, (_, n) => ({
      causes: [n % 150, ...(n % 150 < 50 ? [150] : [])],
      effect: n % 7,
      variance: 1,
    }))
    const regression = new EffectRegression(measured)
    expect(regression.of(150)).not.toBeNull()
    expect(
      Array.from({ length: 151 }, (_, cause) => regression.of(cause)).filter((each) => each !== null),
    ).toHaveLength(100)
  })

  it('is not told of fewer than five, nor of what has no error', () => {
    const one = { causes: [0], effect: 1, variance: 1 }
    expect(() => new EffectRegression([one, one, one, one])).toThrow(RangeError)
    expect(() => new EffectRegression([one, one, one, one, { ...one, variance: 0 }])).toThrow(RangeError)
  })
})
