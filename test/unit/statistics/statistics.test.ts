/*
References: "SciPy" is SciPy 1.17.1; the expressions stand beside the numbers, with
  from itertools import product; import numpy as np; from scipy import stats, optimize
*/
import { describe, expect, it } from 'vitest'
import { categoryDrift } from '../../../src/statistics/categoryDrift.ts'
import {
  betaQuantile,
  chiSquareQuantile,
  normalCdf,
  normalQuantile,
  tQuantile,
} from '../../../src/statistics/distributions.ts'
import { equalTests } from '../../../src/statistics/equalTests.ts'
import { flakinessOf } from '../../../src/statistics/flakiness.ts'
import {
  amountDifference,
  squareAndAddInterval,
  studentInterval,
  tangoInterval,
  wilsonInterval,
} from '../../../src/statistics/intervals.ts'
import { adjustedPValues } from '../../../src/statistics/multiplicity.ts'
import { comparePaired } from '../../../src/statistics/pairedComparison.ts'
import { allOfK, anyOfK, passAtK } from '../../../src/statistics/passAtK.ts'
import { detectableDifference, neededFor } from '../../../src/statistics/power.ts'
import type { Scale } from '../../../src/statistics/scenarioPairs.ts'
import { signFlipP } from '../../../src/statistics/signFlip.ts'
import { type Better, judge, nonInferiority } from '../../../src/statistics/verdict.ts'

/** Darwin's maize, cross- less self-fertilised, in eighths of an inch (Fisher 1935, The Design of Experiments, section 17). */
const DARWIN = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48]

const pairsOf = (differences: readonly number[]) =>
  differences.map((difference) => ({ baseline: [0], candidate: [difference] }))

describe('distributions', () => {
  it.each([
    // stats.t.ppf(.975, df), stats.norm.cdf(z), stats.norm.ppf(p), stats.chi2.ppf(p, df)
    [tQuantile(0.975, 1), 12.706204736174694],
    [tQuantile(0.975, 4), 2.7764451051977934],
    [tQuantile(0.975, 19), 2.0930240544083087],
    [tQuantile(0.975, 999), 1.9623414611334493],
    [normalCdf(-1.96), 0.024997895148220435],
    [normalCdf(0.5), 0.6914624612740131],
    [normalQuantile(0.975), 1.959963984540054],
    [normalQuantile(1e-10), -6.361340902404056],
    [betaQuantile(0.3, 0.5, 0.5), Math.sin(0.15 * Math.PI) ** 2],
    [betaQuantile(0.98, 1, 4.5), 1 - 0.02 ** (1 / 4.5)],
    [chiSquareQuantile(0.02, 4), 0.429398190015869],
    [chiSquareQuantile(0.5, 19), 18.337652896756474],
    [chiSquareQuantile(0.98, 99), 129.99583372424487],
  ])('%d is %d, as SciPy or a closed form has it', (value, expected) => {
    expect(Math.abs(value / expected - 1)).toBeLessThan(1e-7)
  })
})

describe('sign-flip test', () => {
  it('of Darwin’s maize: 863 of 32,768 ways a side reach what was seen (Fisher), 835 and 28 halves by mid-p', () => {
    // stats.permutation_test((d,), np.mean, permutation_type='samples', n_resamples=np.inf).pvalue is 0.05267333984375.
    // Mid-p: s = np.array(list(product((-1, 1), repeat=15))) @ np.abs(d); np.mean(s > 314) * 2 + np.mean(s == 314)
    expect(signFlipP(DARWIN)).toBeCloseTo(0.05181884765625, 14)
  })

  it.each([
    { gained: 7, lost: 1, p: 18 / 256 - 8 / 256 },
    { gained: 5, lost: 0, p: 1 / 32 },
    { gained: 3, lost: 3, p: 1 },
    { gained: 0, lost: 0, p: 1 },
  ])('of passes and failures is McNemar’s mid-p: $gained gained, $lost lost', ({ gained, lost, p }) => {
    const differences = [...Array(gained).fill(1), ...Array(lost).fill(-1), 0, 0, 0]
    expect(signFlipP(differences)).toBeCloseTo(p, 12)
  })

  it('counts sums that are equal but for rounding as equal', () => {
    // As for Darwin's, in quarters; 0.1 more or less is no tie in binary numbers.
    const quarters = [0.25, 0.25, -0.25, 0.5, 0, 0, 0.75, -0.25, 0.25, 0, 0.5, 0.25]
    expect(signFlipP(quarters)).toBeCloseTo(0.060546875, 14)
    expect(signFlipP(quarters.map((quarter) => quarter * 0.4))).toBeCloseTo(0.060546875, 14)
  })

  const repeated = (values: readonly number[], times: number) => Array(times).fill(values).flat() as number[]
  it.each([
    // Exact, by the distribution of all sums in whole numbers (a dict of sums and counts, one size after another).
    { sizes: repeated([1, 2, 3, 4, 5], 6), sum: 30, p: 0.09944353811442852 },
    { sizes: repeated([1, 2, 3, 4, 5], 6), sum: 44, p: 0.014123719185590744 },
    { sizes: Array.from({ length: 40 }, (_, i) => i + 1), sum: 300, p: 0.04291036107952095 },
    { sizes: Array.from({ length: 40 }, (_, i) => i + 1), sum: 520, p: 0.000272247660177527 },
    { sizes: repeated([1, 2, 3, 4, 5], 40), sum: 150, p: 0.0013112161598671343 },
    { sizes: repeated([1, 2, 3, 4, 5], 40), sum: 190, p: 4.343558699172483e-5 },
  ])('by saddlepoint is within 1 % of the exact $p', ({ sizes, sum, p }) => {
    // Signs that give the sum: sizes are turned, the largest first, as long as there is enough to turn.
    let left = (sizes.reduce((total, size) => total + size, 0) - sum) / 2
    const signed = [...sizes]
      .sort((x, y) => y - x)
      .map((size) => {
        if (size > left) return size
        left -= size
        return -size
      })
    expect(left).toBe(0)
    expect(Math.abs(signFlipP(signed) / p - 1)).toBeLessThan(0.01)
  })
})

describe('intervals', () => {
  it.each([
    // stats.binomtest(k, n).proportion_ci(.95, 'wilson')
    [0, 10, 0, 0.27753279986288926],
    [3, 10, 0.10779126740630102, 0.6032218525388546],
    [10, 10, 0.7224672001371109, 1],
    [81, 263, 0.2552885198782742, 0.36620957698280004],
  ])('Wilson’s of %d in %d', (passes, n, lower, upper) => {
    const interval = wilsonInterval(passes / n, n, normalQuantile(0.975))
    expect(interval.lower).toBeCloseTo(lower, 9)
    expect(interval.upper).toBeCloseTo(upper, 9)
  })

  it.each([
    // The score with the likelihood's maximum at a given difference d, found by optimize.minimize_scalar over q (bounded) of
    // b log(q + d) + c log(q) + (n − b − c) log(1 − 2q − d), solved for ± stats.norm.ppf(.975) by optimize.brentq over d.
    [12, 2, 50, 0.061112407, 0.344708748],
    [7, 1, 21, 0.02600303, 0.517232276],
    [16, 4, 40, 0.087101396, 0.486754892],
    [1, 0, 5, -0.321378955, 0.62446537],
    [0, 0, 20, -0.161125163, 0.161125158],
    [3, 3, 10, -0.444217807, 0.444217811],
  ])('Tango’s of %d gained and %d lost in %d', (gained, lost, n, lower, upper) => {
    const scenarios = Array.from({ length: n }, (_, i) => ({
      baseline: [i < gained ? 0 : 1],
      candidate: [i >= gained && i < gained + lost ? 0 : 1],
    }))
    for (const interval of [
      tangoInterval(gained, lost, n, 0.95),
      comparePaired(scenarios, 'PASS_FAIL').interval!,
    ]) {
      expect(interval.lower).toBeCloseTo(lower, 6)
      expect(interval.upper).toBeCloseTo(upper, 6)
    }
  })

  it('Student’s of Darwin’s maize', () => {
    // stats.ttest_1samp(d, 0).confidence_interval(.95)
    const { interval } = comparePaired(pairsOf(DARWIN), 'UNBOUNDED')
    expect(interval!.lower).toBeCloseTo(0.031193318392979563, 5)
    expect(interval!.upper).toBeCloseTo(41.83547334827369, 5)
  })

  it('squaring and adding approaches Student’s as scenarios become many', () => {
    const baseline = Array.from({ length: 4000 }, (_, i) => ((i * 7) % 101) / 101)
    const candidate = baseline.map((value, i) => 0.8 * value + ((i * 5) % 13) / 100)
    const interval = squareAndAddInterval(baseline, candidate, 0.95)
    const differences = candidate.map((value, i) => value - baseline[i]!)
    const student = studentInterval(differences, 1, 0.95)
    expect(student.upper - student.lower).toBeLessThan(0.006)
    expect(interval.lower).toBeCloseTo(student.lower, 4)
    expect(interval.upper).toBeCloseTo(student.upper, 4)
  })

  it.each<[string, Scale, number[][]]>([
    [
      'all pass',
      'PASS_FAIL',
      [
        [1, 1],
        [1, 1],
        [1, 1],
        [1, 1],
        [1, 1],
      ],
    ],
    ['ten alike', 'PASS_FAIL', Array.from({ length: 10 }, (_, i) => [i % 2, i % 2])],
    ['scores alike', 'UNIT', Array.from({ length: 10 }, (_, i) => (i % 2 ? [0.25, 0.25] : [0.75, 0.75]))],
    ['equal scores', 'UNIT', Array.from({ length: 10 }, () => [0.5, 0.5])],
    ['equal costs', 'UNBOUNDED', Array.from({ length: 10 }, () => [3, 3])],
  ])('where nothing differs it has a width: %s', (_, scale, values) => {
    const scenarios = values.map(([a, b]) => ({ baseline: [a!], candidate: [b!] }))
    const { interval, pValue, difference } = comparePaired(scenarios, scale)
    expect({ pValue, difference }).toEqual({ pValue: 1, difference: 0 })
    expect(interval!.lower).toBeLessThan(-0.05)
    expect(interval!.upper).toBeGreaterThan(0.05)
  })
})

describe('the interval of a difference of amounts', () => {
  const [A, B] = [
    [1, 2, 0.5, 8, 3, 1.5],
    [1.3, 2.1, 0.9, 11, 2.8, 2.2],
  ]
  const of = (baseline: number[], candidate: number[], level = 0.95) =>
    amountDifference(baseline, candidate, level)!.interval

  it('is that of its parts, with pseudo-values', () => {
    // In Python, n L − (n − 1) log((ΣB − b) / (ΣA − a)) and (a + b) / S, with t = stats.t.ppf(.975, 5); the correlation is 0.6806.
    const { lower, upper } = of(A, B)
    expect(lower).toBeCloseTo(-0.44360609646307614, 6)
    expect(upper).toBeCloseTo(2.806764017040078, 6)
  })

  it('turns with its sides, and grows with its unit', () => {
    const [one, turned, cents] = [
      of(A, B),
      of(B, A),
      of(
        A.map((a) => 100 * a),
        B.map((b) => 100 * b),
      ),
    ]
    expect(turned.lower).toBeCloseTo(-one.upper, 12)
    expect(turned.upper).toBeCloseTo(-one.lower, 12)
    expect(cents.upper).toBeCloseTo(100 * one.upper, 10)
  })

  it('is Student’s of what hardly varies', () => {
    const [a, b] = [A.map((value) => 1000 + value), B.map((value) => 1000 + value)]
    const student = studentInterval(
      b.map((value, i) => value - a[i]!),
      1,
      0.95,
    )
    expect(of(a, b).lower).toBeCloseTo(student.lower, 2)
    expect(of(a, b).upper).toBeCloseTo(student.upper, 2)
  })

  it.each<[string, number[], number[]]>([
    ['what may be below zero', [...A, -1], [...B, 1]],
    ['four scenarios', A.slice(0, 4), B.slice(0, 4)],
    ['one that has all', [0, 0, 0, 0, 5], [1, 2, 3, 4, 5]],
    ['nothing', [0, 0, 0, 0, 0], [1, 2, 3, 4, 5]],
    ['equal differences', [1, 2, 3, 4, 5], [2, 3, 4, 5, 6]],
  ])('is not for %s', (_, baseline, candidate) => {
    expect(amountDifference(baseline, candidate, 0.95)).toBeNull()
    const pairs = baseline.map((a, i) => ({ baseline: [a], candidate: [candidate[i]!] }))
    expect(comparePaired(pairs, 'UNBOUNDED').interval!.upper).toBeGreaterThan(0)
  })

  it('has ends where all grow alike, and at any level', () => {
    const { lower, upper } = of(
      A,
      A.map((a) => 2 * a),
    )
    expect(lower).toBeGreaterThan(0)
    expect(upper).toBeLessThan(20)
    const widest = of([1, 1, 1, 1, 1e6], [1, 2, 1, 1, 2e6], 1 - 1e-9)
    expect(Number.isFinite(widest.lower) && Number.isFinite(widest.upper)).toBe(true)
  })
})

describe('a paired comparison', () => {
  it('averages repetitions within a scenario, and leaves out and counts what is unknown or of one run', () => {
    const { means, ...figures } = comparePaired(
      [
        { baseline: [1, 0, null], candidate: [1, 1, 1, 1] },
        { baseline: [0], candidate: [0, 1] },
        { baseline: [1], candidate: [1, null] },
        { baseline: [1], candidate: [] },
        { baseline: [null], candidate: [0] },
        { baseline: [null], candidate: [null, null] },
      ],
      'PASS_FAIL',
    )
    expect(figures).toMatchObject({
      scenarios: 3,
      onlyBaseline: 1,
      onlyCandidate: 1,
      neither: 1,
      unknown: 6,
      baselineMean: 0.5,
      candidateMean: (1 + 0.5 + 1) / 3,
      level: 0.95,
      pValue: 0.25,
    })
    expect(figures.difference).toBeCloseTo(1 / 3, 14)
    expect(means.differences).toEqual([0, 0.5, 0.5])
    // Cohen 1988, 6.2.1: φ(0.5) = 1.571, φ(5/6) = 2.301.
    expect(figures.effectSize!.measure).toBe('COHENS_H')
    expect(figures.effectSize!.value).toBeCloseTo(2.3005 - 1.5708, 3)
  })

  it('has Hedges’ g of Darwin’s maize', () => {
    // np.mean(d) / np.std(d, ddof=1) * (1 - 3 / (4 * 14 - 1))
    expect(comparePaired(pairsOf(DARWIN), 'UNBOUNDED').effectSize!.value).toBeCloseTo(0.5243566334679811, 12)
  })

  it.each([0, 1])('of %d scenarios has no interval and no spread', (n) => {
    const none = comparePaired(pairsOf(Array(n).fill(1)), 'UNIT')
    expect(none).toMatchObject({
      scenarios: n,
      interval: null,
      spread: null,
      effectSize: null,
      difference: n || null,
    })
    const [judgement] = judge([{ comparison: none, better: 'HIGHER', margin: 0.1 }])
    expect(judgement).toMatchObject({
      verdict: 'INSUFFICIENT_DATA',
      needed: null,
      detectableDifference: null,
    })
  })

  it.each<[number, Scale, string]>([
    [0.5, 'PASS_FAIL', '0.5 is no value of the scale PASS_FAIL: 0 is a failure, 1 is a pass.'],
    [1.01, 'UNIT', '1.01 is no value of the scale UNIT: values are from 0 to 1.'],
    [Number.NaN, 'UNBOUNDED', 'NaN is no value of the scale UNBOUNDED: values are finite numbers.'],
  ])('refuses %d as %s', (value, scale, message) => {
    expect(() => comparePaired([{ baseline: [value], candidate: [1] }], scale)).toThrow(
      new RangeError(message),
    )
  })
})

describe('power', () => {
  const ofMany = (scenarios: number, variance: number) => ({
    scenarios,
    variance,
    freedom: scenarios - 1,
    changed: null,
    within: null,
  })
  it.each([
    // G*Power 3.1, paired t test, two-sided, alpha 0.05, power 0.8: pairs by effect size.
    [0.2, 199],
    [0.5, 34],
    [0.8, 15],
  ])('with a known spread of 1 a difference of %d needs %d scenarios', (difference, scenarios) => {
    expect(Math.abs(neededFor(ofMany(100_000, 1), difference).scenarios! - scenarios)).toBeLessThanOrEqual(1)
  })

  it('repetitions take away what lies within scenarios only', () => {
    const within = { ofOne: 0.2, inMeans: 0.04, scenarios: 100 }
    const spread = { ...ofMany(100, 0.05), within }
    const few = neededFor(spread, 0.06)
    expect(few.repetitions).toBeGreaterThan(5)
    expect(neededFor(spread, 0.12).repetitions).toBeLessThan(few.repetitions!)
    // 0.01 lies between: a standard error of 0.01 with any repetitions.
    expect(neededFor(spread, 0.02)).toMatchObject({ repetitions: null, scenarios: expect.any(Number) })
    expect(neededFor({ ...spread, within: null }, 0.06)).toEqual({
      repetitions: null,
      scenarios: few.scenarios,
    })
  })

  it('names no repetitions where what was seen does not tell', () => {
    const repeated = (scenarios: number, times: number) => ({
      ...ofMany(scenarios, 0.02 + 0.2 / times),
      within: { ofOne: 0.2, inMeans: 0.2 / times, scenarios },
    })
    expect(neededFor(repeated(100, 5), 0.06).repetitions).toBe(7)
    // Fewer than twenty scenarios, spread that few scenarios make, and more than four times what there was.
    expect(neededFor(repeated(19, 100), 0.2).repetitions).toBeNull()
    expect(neededFor(repeated(20, 100), 0.2).repetitions).toBe(3)
    const seen = repeated(100, 5)
    expect(neededFor({ ...seen, within: { ...seen.within, scenarios: 10 } }, 0.06).repetitions).toBeNull()
    expect(neededFor({ ...seen, variance: 0.04 }, 0.03).repetitions).toBeNull()
  })

  it('of very many scenarios the repetitions follow from what lies within and between', () => {
    const [scenarios, difference, critical] = [10_000, 0.0051, 1.959964]
    const within = { ofOne: 0.2, inMeans: 0.04, scenarios }
    /** P(mean + N(0, within / n) > critical × standard error): the scenarios are the same. */
    const powerWith = (repetitions: number) => {
      const variance = 0.02 + within.ofOne / repetitions
      const noncentrality = difference * Math.sqrt(scenarios / variance)
      return normalCdf((noncentrality - critical) / Math.sqrt(within.ofOne / repetitions / variance))
    }
    const { repetitions } = neededFor({ ...ofMany(scenarios, 0.06), within }, difference)
    expect(powerWith(repetitions!)).toBeGreaterThan(0.79)
    expect(powerWith(repetitions! - 1)).toBeLessThan(0.81)
  })

  it('of runs without chance within scenarios one repetition is as good as many', () => {
    const same = (variance: number) => ({
      ...ofMany(40, variance),
      within: { ofOne: 0, inMeans: 0, scenarios: 40 },
    })
    expect(neededFor(same(0.01), 0.1).repetitions).toBe(1)
    expect(neededFor(same(1), 0.1).repetitions).toBeNull()
    expect(neededFor(same(0), 0.1).repetitions).toBe(1)
  })

  it('passes and failures change by no less than the difference that is asked for', () => {
    const once = (changed: number) =>
      comparePaired(
        Array.from({ length: 10 }, (_, i) => ({ baseline: [0], candidate: [i < changed ? 1 : 0] })),
        'PASS_FAIL',
      ).spread!
    expect(once(4)).toMatchObject({ changed: 4, within: null })
    // All that change, change one way: McNemar's test wants six.
    expect(neededFor(once(0), 0.9).scenarios).toBeLessThanOrEqual(8)
    expect(detectableDifference(once(10))).toBeLessThanOrEqual(1)
    expect(neededFor(once(4), 0.1).scenarios).toBeGreaterThan(neededFor(once(1), 0.1).scenarios!)
  })

  it('what is detectable is what as many scenarios as there are would show', () => {
    const spread = ofMany(40, 0.3)
    const difference = detectableDifference(spread)!
    expect(neededFor(spread, difference * 1.001).scenarios).toBe(40)
    expect(detectableDifference({ ...spread, scenarios: 4 })).toBeNull()
  })
})

describe('a verdict', () => {
  const shifted = (by: number, n = 40) =>
    comparePaired(
      Array.from({ length: n }, (_, i) => ({
        baseline: [0.5],
        candidate: [0.5 + by + (((i * 7) % 11) - 5) / 50],
      })),
      'UNIT',
    )
  it.each<[string, number, Better, number | null, string]>([
    ['more', 0.1, 'HIGHER', 0.05, 'BETTER'],
    ['more, where less is better', 0.1, 'LOWER', 0.05, 'WORSE'],
    ['less', -0.1, 'HIGHER', null, 'WORSE'],
    ['less, where less is better', -0.1, 'LOWER', null, 'BETTER'],
    ['a little, significantly', 0.03, 'HIGHER', 0.1, 'NO_DIFFERENCE'],
    ['a little, without a margin', 0.03, 'HIGHER', null, 'BETTER'],
    ['nothing, without a margin', 0, 'HIGHER', null, 'INSUFFICIENT_DATA'],
    ['nothing, of a narrow margin', 0, 'HIGHER', 0.005, 'INSUFFICIENT_DATA'],
  ])('%s', (_, by, better, margin, verdict) => {
    const [judgement] = judge([{ comparison: shifted(by), better, margin }])
    expect(judgement!.verdict).toBe(verdict)
    expect(judgement!.needed === null).toBe(verdict !== 'INSUFFICIENT_DATA' || margin === null)
  })

  it('is given where p is below alpha, not where it is that', () => {
    const comparison = comparePaired(pairsOf([1, 1, 1, 1, 0]), 'PASS_FAIL')
    expect(comparison.pValue).toBe(1 / 16)
    const verdictAt = (alpha: number) =>
      judge([{ comparison, better: 'HIGHER', margin: null }], { alpha })[0]!.verdict
    expect([verdictAt(1 / 16), verdictAt(0.0626)]).toEqual(['INSUFFICIENT_DATA', 'BETTER'])
  })

  it('among many follows adjusted p-values, and wider intervals', () => {
    const question = {
      comparison: comparePaired(pairsOf([0.4, 0.2, 0.3, 0.1, 0.2]), 'UNIT'),
      better: 'HIGHER',
      margin: 0.2,
    } as const
    expect(judge([question])[0]).toMatchObject({ verdict: 'BETTER', adjustedPValue: 1 / 32 })
    const [holm] = judge([question, question])
    expect(holm).toMatchObject({ verdict: 'INSUFFICIENT_DATA', adjustedPValue: 1 / 16 })
    const [hochberg] = judge([question, question], { correction: 'BENJAMINI_HOCHBERG' })
    expect(hochberg).toMatchObject({ verdict: 'BETTER', adjustedPValue: 1 / 32 })
    expect(holm!.equivalenceInterval!.upper).toBeGreaterThan(hochberg!.equivalenceInterval!.upper)
  })

  it('counts metrics of a pair that are the same in another unit once', () => {
    const rises = [0.4, 0.2, 0.3, 0.1, 0.2]
    const of = (unit: number, pair?: number) => ({
      comparison: comparePaired(pairsOf(rises.map((rise) => unit * rise)), unit === 1 ? 'UNIT' : 'UNBOUNDED'),
      better: 'HIGHER' as const,
      margin: 0.2 * Math.abs(unit),
      ...(pair !== undefined && { pair }),
    })
    const seen = (...questions: ReturnType<typeof of>[]) =>
      judge(questions).map(({ verdict, adjustedPValue, tests }) => [verdict, adjustedPValue, tests])
    expect(seen(of(1, 0), of(100, 0), of(-1, 0))).toEqual([
      ['BETTER', 1 / 32, 1],
      ['BETTER', 1 / 32, 1],
      ['WORSE', 1 / 32, 1],
    ])
    // Two candidates may be alike by chance.
    expect(seen(of(1, 0), of(1, 1))).toEqual(Array(2).fill(['INSUFFICIENT_DATA', 1 / 16, 2]))
    expect(judge([of(1, 0), of(1, 0)])[1]!.alpha).toBe(0.05)
    expect(judge([of(1, 0), of(1, 1)], { correction: 'NONE' })[1]).toMatchObject({ tests: 1, alpha: 0.05 })
    expect(judge([])).toEqual([])
  })

  it('is not asked with a margin of zero, nor with an alpha of a half', () => {
    const question = { comparison: shifted(0), better: 'HIGHER', margin: 0 } as const
    expect(() => judge([question])).toThrow('A margin is more than zero, not 0.')
    expect(() => judge([], { alpha: 0.5 })).toThrow('alpha is between 0 and 0.5, not 0.5.')
    expect(() => nonInferiority({ ...question, margin: -1 })).toThrow(
      'A margin is not less than zero, as -1 is.',
    )
  })

  it.each<[number, Better, number, boolean]>([
    [-0.03, 'HIGHER', 0.05, true],
    [-0.03, 'HIGHER', 0.03, false],
    [0.03, 'LOWER', 0.05, true],
    [0.03, 'LOWER', 0.03, false],
    [0.03, 'HIGHER', 0, true],
  ])(
    'a change of %d, where %s is better, is worse by less than %d: %s',
    (by, better, margin, isNonInferior) => {
      expect(nonInferiority({ comparison: shifted(by), better, margin }).isNonInferior).toBe(isNonInferior)
    },
  )
})

describe('correction', () => {
  // Benjamini & Hochberg 1995, section 4.1: at 0.05 three are shown by Holm's procedure, four by theirs.
  const P = [
    0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.324, 0.4262, 0.5719, 0.6528,
    0.759, 1,
  ]
  it('Benjamini–Hochberg', () => {
    // stats.false_discovery_control(p)
    const expected = [
      0.0015, 0.003, 0.0095, 0.035625, 0.0603, 0.0638571, 0.0638571, 0.0645, 0.0765, 0.486, 0.5811818,
      0.714875, 0.7532308, 0.8132143, 1,
    ]
    adjustedPValues(P, 'BENJAMINI_HOCHBERG').forEach((p, i) => void expect(p).toBeCloseTo(expected[i]!, 6))
  })

  it('Holm', () => {
    const adjusted = adjustedPValues(P)
    expect(adjusted.slice(0, 4).map((p) => p!.toFixed(4))).toEqual(['0.0015', '0.0056', '0.0247', '0.1140'])
    expect(adjusted.at(-1)).toBe(1)
  })

  it.each<[string, (number | null)[], (number | null)[], boolean]>([
    ['the same', [0, 1, 1, 0], [0, 1, 1, 0], true],
    ['percent', [0, 1, 0.3, 0.1], [0, 100, 30, 10], true],
    ['what is missing to one', [0, 1, 0.3, 0.1], [1, 0, 0.7, 0.9], true],
    ['other in one scenario', [0, 1, 1, 0], [0, 1, 1, 1], false],
    ['a little other in one', [0, 1, 0.3, 0.1], [0, 1, 0.3, 0.100001], false],
    ['as many, in other scenarios', [0, 1, 0, 0, 0, 0], [0, 0, 0, 1, 0, 0], false],
    ['the same differences, from elsewhere', [0, 1, 0, 0], [0, 1, 1, 1], false],
    ['one unknown', [0, 1, 1, 0, 0, 1], [0, 1, 1, 0, 0, null], false],
    ['the same unknown', [0, 1, 1, 0, null, 1], [5, 7, 7, 5, 6, null], true],
    ['two that never vary', [1, 1, 1, 1], [7, 7, 7, 7], true],
    ['one that never varies', [1, 1, 1, 0], [7, 7, 7, 7], false],
    ['none known', [null, null], [null, 1], true],
    ['none known in one', [null, null, 1, 0], [null, null, null, 0], false],
  ])('counts once: %s', (_, one, other, isOnce) => {
    const means = [one, other].map(
      (values) =>
        comparePaired(
          Array.from({ length: values.length / 2 }, (_, i) => ({
            baseline: [values[2 * i]!],
            candidate: [values[2 * i + 1]!],
          })),
          'UNBOUNDED',
        ).means,
    )
    expect(equalTests([means[0]!, means[1]!])).toEqual([0, isOnce ? 0 : 1])
    expect(equalTests([means[1]!, means[0]!])).toEqual([0, isOnce ? 0 : 1])
  })

  it('takes the p-value of a test once', () => {
    expect(adjustedPValues([0.02, 0.02, 0.3, null], 'HOLM', [0, 0, 1, 2])).toEqual([0.04, 0.04, 0.3, null])
    expect(adjustedPValues([0.02, 0.04, 0.02], 'BENJAMINI_HOCHBERG', [0, 1, 0])).toEqual([0.04, 0.04, 0.04])
    expect(adjustedPValues([0.02, 0.02], 'NONE', [0, 0])).toEqual([0.02, 0.02])
  })

  it('keeps the order, and what was not tested', () => {
    expect(adjustedPValues([0.04, null, 0.01])).toEqual([0.04, null, 0.02])
    expect(adjustedPValues([0.04, null, 0.03], 'BENJAMINI_HOCHBERG')).toEqual([0.04, null, 0.04])
    expect(adjustedPValues([0.04, null], 'NONE')).toEqual([0.04, null])
  })
})

describe('pass@k and pass^k', () => {
  /** By trying every set of k repetitions. */
  const bySets = (repetitions: readonly number[], k: number) => {
    let [sets, any, all] = [0, 0, 0]
    for (let set = 0; set < 2 ** repetitions.length; set++) {
      const chosen = repetitions.filter((_, i) => set & (1 << i))
      if (chosen.length !== k) continue
      sets++
      if (chosen.includes(1)) any++
      if (!chosen.includes(0)) all++
    }
    return [any / sets, all / sets] as const
  }

  it('are the shares of all sets of k repetitions', () => {
    for (let n = 1; n <= 7; n++)
      for (let c = 0; c <= n; c++)
        for (let k = 1; k <= n; k++) {
          const [any, all] = bySets([...Array(c).fill(1), ...Array(n - c).fill(0)], k)
          expect(anyOfK(n, c, k)).toBeCloseTo(any, 12)
          expect(allOfK(n, c, k)).toBeCloseTo(all, 12)
        }
  })

  it('are averaged over the scenarios that have k repetitions', () => {
    const run = [[1, 1, 0, 0], [1, 1, 1, 1], [0, 0, 0, 0, 0], [1, null, 1], [1]]
    const two = passAtK(run, 2)
    expect(two).toMatchObject({ k: 2, scenarios: 4, tooFewRepetitions: 1 })
    expect(two.passAtK!.value).toBeCloseTo((5 / 6 + 1 + 0 + 1) / 4, 14)
    expect(two.passHatK!.value).toBeCloseTo((1 / 6 + 1 + 0 + 1) / 4, 14)
    expect(two.passHatK!.interval!.lower).toBeLessThan(0.2)
    expect(passAtK(run, 5)).toMatchObject({ scenarios: 1, passAtK: { value: 0, interval: null } })
    expect(passAtK(run, 6)).toMatchObject({
      scenarios: 0,
      tooFewRepetitions: 5,
      passAtK: null,
      passHatK: null,
    })
    expect(() => passAtK(run, 0)).toThrow('k is a whole number from 1 on, not 0.')
  })
})

describe('flakiness', () => {
  it.each([
    [[1, 1, 1], 'STABLE_PASS', 1, 0, 0],
    [[0, 0, 0, null], 'STABLE_FAIL', 0, 0, 0],
    [[1, 0], 'FLAKY', 0.5, 1, 1],
    [[1, 1, 1, 0], 'FLAKY', 0.75, 0.5, 0.8112781],
    [[1, 1], 'UNKNOWN', 1, 0, 0],
    [[1], 'UNKNOWN', 1, null, 0],
    [[null], 'UNKNOWN', null, null, null],
  ])('of %j', (repetitions, stability, passRate, disagreement, entropy) => {
    const seen = flakinessOf(repetitions)
    expect(seen).toMatchObject({ stability, passRate, disagreement })
    if (entropy === null) expect(seen).toMatchObject({ entropyBits: null, interval: null })
    else expect(seen.entropyBits).toBeCloseTo(entropy, 7)
  })

  it('needs more than one repetition to call a scenario stable', () => {
    expect(flakinessOf([1, 1, 1], { stableFrom: 4 }).stability).toBe('UNKNOWN')
    expect(() => flakinessOf([1], { stableFrom: 1 })).toThrow(RangeError)
  })
})

describe('drift of categories', () => {
  it('takes a scenario’s repetitions together, and its categories', () => {
    const timeout = { baseline: [[], []], candidate: [['TIMEOUT'], ['TIMEOUT', 'TOOL']] }
    const drift = categoryDrift([
      ...Array(6).fill(timeout),
      { baseline: [['TOOL']], candidate: [['TOOL']] },
      { baseline: [['GONE']], candidate: [] },
    ])
    expect(drift.scenarios).toBe(7)
    expect(
      drift.categories.map(({ category, comparison, adjustedPValue }) => [
        category,
        comparison.candidateMean,
        comparison.pValue,
        adjustedPValue,
      ]),
    ).toEqual([
      ['TIMEOUT', 6 / 7, 2 ** -6, 2 ** -5],
      ['TOOL', (6 * 0.5 + 1) / 7, 2 ** -6, 2 ** -5],
    ])
    // Of 2^5 ways to flip six scenarios only what was seen is as far.
    expect(drift.pValue).toBe(1 / 32)
  })

  it('sees none where the runs are alike', () => {
    const same = { baseline: [['A'], []], candidate: [[], ['A']] }
    expect(categoryDrift(Array(9).fill(same)).pValue).toBe(1)
    expect(categoryDrift([{ baseline: [[]], candidate: [[]] }])).toEqual({
      scenarios: 1,
      categories: [],
      pValue: null,
    })
  })
})
