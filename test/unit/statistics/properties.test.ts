import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { categoryDrift } from '../../../src/statistics/categoryDrift.ts'
import { comparePaired } from '../../../src/statistics/pairedComparison.ts'
import { detectableDifference, neededFor } from '../../../src/statistics/power.ts'
import type { Scale, ScenarioPair } from '../../../src/statistics/scenarioPairs.ts'
import { judge } from '../../../src/statistics/verdict.ts'

const VALUES: Record<Scale, fc.Arbitrary<number>> = {
  PASS_FAIL: fc.constantFrom(0, 1),
  UNIT: fc.oneof(fc.constantFrom(0, 0.25, 0.5, 0.75, 1), fc.double({ min: 0, max: 1, noNaN: true })),
  UNBOUNDED: fc.double({ min: -1000, max: 1000, noNaN: true }),
}

/** With ties, equal scenarios, unknown values and scenarios of one run; up to more than are flipped in every way. */
const runs: fc.Arbitrary<{ scale: Scale; scenarios: ScenarioPair[] }> = fc
  .constantFrom<Scale>('PASS_FAIL', 'UNIT', 'UNBOUNDED')
  .chain((scale) => {
    const repetitions = fc.array(fc.option(VALUES[scale], { freq: 8 }), { maxLength: 4 })
    return fc.record({
      scale: fc.constant(scale),
      scenarios: fc.array(fc.record({ baseline: repetitions, candidate: repetitions }), {
        maxLength: 45,
        size: 'max',
      }),
    })
  })

const judged = (scenarios: readonly ScenarioPair[], scale: Scale) => {
  const comparison = comparePaired(scenarios, scale)
  return { comparison, judgement: judge([{ comparison, better: 'HIGHER', margin: 0.1 }])[0]! }
}

describe('a comparison', () => {
  it('is the same in any order of scenarios and repetitions, to the last bit', () => {
    fc.assert(
      fc.property(runs, fc.infiniteStream(fc.nat(1000)), ({ scale, scenarios }, keys) => {
        const shuffled = <T>(values: readonly T[]) =>
          values
            .map((value) => ({ value, key: keys.next().value! }))
            .sort((x, y) => x.key - y.key)
            .map(({ value }) => value)
        const other = shuffled(scenarios).map(({ baseline, candidate }) => ({
          baseline: shuffled(baseline),
          candidate: shuffled(candidate),
        }))
        const numbers = (of: readonly ScenarioPair[]) => {
          const { comparison, judgement } = judged(of, scale)
          const { byScenario: _, ...means } = comparison.means
          return { comparison: { ...comparison, means }, judgement }
        }
        expect(numbers(other)).toEqual(numbers(scenarios))
      }),
    )
  })

  it('negates with its sides exchanged', () => {
    const negated = { BETTER: 'WORSE', WORSE: 'BETTER' } as Record<string, string>
    fc.assert(
      fc.property(runs, ({ scale, scenarios }) => {
        const one = judged(scenarios, scale)
        const other = judged(
          scenarios.map(({ baseline, candidate }) => ({ baseline: candidate, candidate: baseline })),
          scale,
        )
        const close = (x: number | null | undefined, y: number | null | undefined) => {
          expect(x === null || x === undefined).toBe(y === null || y === undefined)
          if (typeof x === 'number')
            expect(Math.abs(x - y!)).toBeLessThanOrEqual(1e-6 * Math.max(1, Math.abs(x)))
        }
        const minus = (x: number | null | undefined) => (typeof x === 'number' ? -x : x)
        close(one.comparison.difference, minus(other.comparison.difference))
        close(one.comparison.pValue, other.comparison.pValue)
        close(one.comparison.interval?.lower, minus(other.comparison.interval?.upper))
        close(one.comparison.interval?.upper, minus(other.comparison.interval?.lower))
        close(one.comparison.effectSize?.value, minus(other.comparison.effectSize?.value))
        expect(one.judgement.verdict).toBe(negated[other.judgement.verdict] ?? other.judgement.verdict)
      }),
    )
  })

  it('needs whole numbers, fewer scenarios for a larger difference, and the same in another unit', () => {
    fc.assert(
      fc.property(runs, fc.constantFrom(0.05, 0.2, 1), ({ scale, scenarios }, difference) => {
        const { spread } = comparePaired(scenarios, scale)
        if (spread === null) return
        const needed = neededFor(spread, difference)
        for (const number of Object.values(needed)) expect(number === null || number >= 1).toBe(true)
        expect(Object.values(needed).every((number) => number === null || Number.isInteger(number))).toBe(
          true,
        )
        expect(neededFor(spread, 1.5 * difference).scenarios ?? Number.POSITIVE_INFINITY).toBeLessThanOrEqual(
          needed.scenarios ?? Number.POSITIVE_INFINITY,
        )
        const detectable = detectableDifference(spread)
        expect(detectable === null || (detectable >= 0 && Number.isFinite(detectable))).toBe(true)
        if (scale !== 'UNBOUNDED') return
        const inOther = (values: readonly (number | null)[]) => values.map((value) => value && value * 1024)
        const other = comparePaired(
          scenarios.map(({ baseline, candidate }) => ({
            baseline: inOther(baseline),
            candidate: inOther(candidate),
          })),
          scale,
        )
        expect(neededFor(other.spread!, 1024 * difference)).toEqual(needed)
      }),
    )
  })

  it('keeps its sign with a scenario more that is equal on both sides', () => {
    fc.assert(
      fc.property(runs, fc.constantFrom(0, 1), ({ scale, scenarios }, value) => {
        const sign = (pairs: readonly ScenarioPair[]) =>
          Math.sign(comparePaired(pairs, scale).difference ?? 0)
        expect(sign([...scenarios, { baseline: [value], candidate: [value, value] }])).toBe(sign(scenarios))
      }),
    )
  })

  it('has its difference in its interval, bounded values in bounds, and a p-value that is one', () => {
    fc.assert(
      fc.property(runs, ({ scale, scenarios }) => {
        const { difference, interval, pValue } = comparePaired(scenarios, scale)
        if (interval) {
          expect(interval.lower).toBeLessThanOrEqual(difference! + 1e-9)
          expect(interval.upper).toBeGreaterThanOrEqual(difference! - 1e-9)
          if (scale !== 'UNBOUNDED') {
            expect(interval.lower).toBeGreaterThanOrEqual(-1)
            expect(interval.upper).toBeLessThanOrEqual(1)
          }
        }
        if (pValue !== null) {
          expect(pValue).toBeGreaterThan(0)
          expect(pValue).toBeLessThanOrEqual(1)
        }
      }),
    )
  })
})

describe('drift', () => {
  const found = fc.array(fc.subarray(['A', 'B', 'C', 'D']), { maxLength: 3 })
  const scenarios = fc.array(fc.record({ baseline: found, candidate: found }), { maxLength: 40, size: 'max' })

  it('is the same in any order, from either side, and again', () => {
    fc.assert(
      fc.property(scenarios, (of) => {
        const { pValue } = categoryDrift(of)
        expect(categoryDrift([...of].reverse()).pValue).toBe(pValue)
        const exchanged = of.map(({ baseline, candidate }) => ({ baseline: candidate, candidate: baseline }))
        expect(categoryDrift(exchanged).pValue).toBe(pValue)
      }),
    )
  })
})

describe('the thread that serves requests', () => {
  it('is held far less than a second by 1,000 scenarios of 10 metrics and 5 candidates', () => {
    const value = (i: number) => ((i * 2654435761) % 1000) / 1000
    const scales: Scale[] = ['PASS_FAIL', 'UNIT', 'UNBOUNDED']
    const metrics = Array.from({ length: 50 }, (_, metric) => {
      const scale = scales[metric % 3]!
      const of = (i: number) => (scale === 'PASS_FAIL' ? Math.round(value(i)) : value(i))
      return {
        scale,
        scenarios: Array.from({ length: 1000 }, (_, i) => ({
          baseline: [of(i + metric), of(i * 3 + metric), of(i * 7)],
          candidate: [of(i + metric + 1), of(i * 5 + metric), of(i * 11)],
        })),
      }
    })
    const before = process.cpuUsage()
    const questions = metrics.map(({ scale, scenarios }) => ({
      comparison: comparePaired(scenarios, scale),
      better: 'HIGHER' as const,
      margin: 0.001,
    }))
    const judgements = judge(questions)
    const { user, system } = process.cpuUsage(before)
    console.log(`50 comparisons of 1,000 scenarios: ${Math.round((user + system) / 1000)} ms of CPU`)
    expect(judgements.some(({ needed }) => needed !== null)).toBe(true)
    expect((user + system) / 1000).toBeLessThan(1000)
  })
})
