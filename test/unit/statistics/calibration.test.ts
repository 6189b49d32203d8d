/*
Whether the figures are what they say, on populations whose truth is known: coverage of the intervals, false alarms, false NO_DIFFERENCE, and
the power at what INSUFFICIENT_DATA names. Its table is that of docs/decisions/0031.
*/
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'
import { afterAll, describe, expect, it } from 'vitest'
import { comparePaired } from '../../../src/statistics/pairedComparison.ts'
import { neededFor } from '../../../src/statistics/power.ts'
import type { Scale, ScenarioPair } from '../../../src/statistics/scenarioPairs.ts'
import { signFlipP } from '../../../src/statistics/signFlip.ts'
import { judge } from '../../../src/statistics/verdict.ts'

/** A share's standard error is 0.5 % at 5 % and 0.9 % at 80 %. */
const REPLICATIONS = 2000
const ALPHA = 0.05

/** Of each cell its own, so that a cell is the same whichever others run. */
class Draws {
  readonly #random
  constructor(seed: number) {
    this.#random = xoroshiro128plus(seed)
  }
  uniform = () => (this.#random.next() >>> 0) / 2 ** 32
  normal = () => Math.sqrt(-2 * Math.log(1 - this.uniform())) * Math.cos(2 * Math.PI * this.uniform())
  of = <T>(values: readonly T[]): T => values[Math.floor(this.uniform() * values.length)]!
}

interface Population {
  scale: Scale
  /** What draws a repetition of a scenario, for each side. `effect` moves the candidate's; without it the sides are alike. */
  scenario(draws: Draws, effect: number): (() => number)[]
  /** With which twenty scenarios often decide. */
  effect: number
}

const logistic = (x: number) => 1 / (1 + Math.exp(-x))

/** `between` and `change`: how scenarios, and a scenario's two sides, differ, in logits. */
const passFail = (middle: number, between: number, change: number, effect: number): Population => ({
  scale: 'PASS_FAIL',
  effect,
  scenario(draws, shift) {
    const ease = middle + between * draws.normal()
    return [0, shift].map((by) => {
      const rate = logistic(ease + change * draws.normal() + by)
      return () => (draws.uniform() < rate ? 1 : 0)
    })
  },
})

/** In quarters from 0 to 1, as a judge with five marks gives them. */
const marks = (middle: number, between: number, change: number, effect: number): Population => ({
  scale: 'UNIT',
  effect,
  scenario(draws, shift) {
    const ease = middle + between * draws.normal()
    return [0, shift].map((by) => {
      const level = ease + change * draws.normal() + by
      return () => Math.min(1, Math.max(0, Math.round(4 * (level + 0.2 * draws.normal())) / 4))
    })
  },
})

/** Lognormal: the largest scenario of a hundred costs 40 times what the smallest does. */
const cost: Population = {
  scale: 'UNBOUNDED',
  effect: 0.2,
  scenario(draws, shift) {
    const size = 0.8 * draws.normal()
    return [0, shift].map((by) => () => Math.exp(size + 0.4 * draws.normal() + by))
  },
}

const POPULATIONS = {
  'pass/fail': passFail(0.5, 1.5, 0.5, 1),
  'pass/fail, mostly decided': passFail(0.5, 5, 0.5, 1),
  'scores with ties': marks(0.6, 0.3, 0.05, 0.15),
  'scores, half at the top': marks(1, 0.3, 0.05, 0.1),
  cost,
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length

/** 20,000 scenarios that a run's are drawn from, so that the true difference is known exactly. */
interface Pool {
  scenarios: ScenarioPair[]
  differences: number[]
  difference: number
}

function poolOf(population: Population, effect: number, repetitions: number): Pool {
  const draws = new Draws(7)
  const scenarios: ScenarioPair[] = []
  const differences: number[] = []
  for (let i = 0; i < 20_000; i++) {
    const [baseline, candidate] = population
      .scenario(draws, effect)
      .map((draw) => Array.from({ length: repetitions }, draw))
    scenarios.push({ baseline: baseline!, candidate: candidate! })
    differences.push(mean(candidate!) - mean(baseline!))
  }
  return { scenarios, differences, difference: mean(differences) }
}

const drawn = <T>(draws: Draws, n: number, from: readonly T[]) =>
  Array.from({ length: n }, () => draws.of(from))

const percent = (count: number, of = REPLICATIONS) => (100 * count) / of

/** Shares in percent, for each of two comparisons: of runs that do not differ, and of runs that do. */
function intervalsAndVerdicts(population: Population, n: number, repetitions: number) {
  const [coverage, shown, equal] = [
    [0, 0],
    [0, 0],
    [0, 0],
  ]
  for (const [which, effect] of [0, population.effect].entries()) {
    const pool = poolOf(population, effect, repetitions)
    const { difference } = pool
    const draws = new Draws(1000 * n + repetitions)
    for (let i = 0; i < REPLICATIONS; i++) {
      const comparison = comparePaired(drawn(draws, n, pool.scenarios), population.scale)
      const { lower, upper } = comparison.interval!
      if (lower <= difference && difference <= upper) coverage[which]!++
      const margin = effect === 0 ? null : Math.abs(difference)
      const { verdict } = judge([{ comparison, better: 'HIGHER', margin }])[0]!
      if (verdict === 'BETTER' || verdict === 'WORSE') shown[which]!++
      if (verdict === 'NO_DIFFERENCE') equal[which]!++
    }
  }
  return {
    coverage: coverage.map((count) => percent(count)),
    falseAlarms: percent(shown[0]!),
    /** Where the true difference is exactly the margin. */
    falseEquivalence: percent(equal[1]!),
  }
}

const lines = {
  intervals: [
    '| population | n | repetitions | coverage, alike | coverage, different | false alarms | false NO_DIFFERENCE |',
  ],
  scenarios: ['| population | n | repetitions | difference | scenarios named, median | power there |'],
  repetitions: ['| population | n | named by | repetitions named, median | power there |'],
}
for (const table of Object.values(lines)) table.push(`|${'---|'.repeat(table[0]!.split('|').length - 2)}`)
const row = (values: (string | number)[]) => `| ${values.join(' | ')} |`
const one = (value: number) => value.toFixed(1)
afterAll(() =>
  console.log(
    Object.values(lines)
      .flatMap((table) => ['', ...table])
      .join('\n'),
  ),
)

const NAMES = Object.keys(POPULATIONS) as (keyof typeof POPULATIONS)[]
const cells = NAMES.flatMap((name) =>
  [5, 20, 100].flatMap((n) =>
    [1, 5].map((repetitions) => ({ name, population: POPULATIONS[name], n, repetitions })),
  ),
)

type Cell = `${keyof typeof POPULATIONS}, ${number} × ${number}`

/*
The cells that do not keep 95 ± 2, 5 ± 2, 80 ± 4 %, and why.
*/

/**
 * Few scenarios that pass or fail, or that hardly differ, have few possible intervals, and that the truth is missed less often is as near as they
 * come. Costs that differ in proportion have skewed differences, of which five scenarios seldom have the largest.
 */
const COVERAGE: Partial<Record<Cell, [lowest: number, highest: number]>> = {
  'pass/fail, 5 × 1': [93, 100],
  'pass/fail, mostly decided, 5 × 1': [93, 100],
  'pass/fail, mostly decided, 5 × 5': [93, 99],
  'pass/fail, mostly decided, 20 × 1': [93, 99],
  'scores with ties, 5 × 1': [93, 98],
  'scores, half at the top, 5 × 1': [93, 100],
  'scores, half at the top, 5 × 5': [93, 98],
  'cost, 5 × 1': [93, 98],
  'cost, 5 × 5': [92, 98],
}

/** Below 3 %: five scenarios must all differ, the same way, to be significant, and of twenty at least five. */
const SELDOM = new Set<Cell>([
  'pass/fail, 5 × 1',
  'pass/fail, 5 × 5',
  'pass/fail, mostly decided, 5 × 1',
  'pass/fail, mostly decided, 5 × 5',
  'pass/fail, mostly decided, 20 × 1',
  'scores with ties, 5 × 1',
  'scores with ties, 5 × 5',
  'scores, half at the top, 5 × 1',
  'scores, half at the top, 5 × 5',
])

/** In percent, as for the coverage of costs. */
const FALSE_EQUIVALENCE: Partial<Record<Cell, number>> = {
  'cost, 5 × 5': 10.5,
  'cost, 20 × 5': 11,
  'cost, 100 × 1': 8.5,
  'cost, 100 × 5': 9.5,
}

/** Five scenarios tell too little of their spread, and more is named than needed. Skewed costs need more than is named. */
const POWER: Partial<Record<Cell, [lowest: number, highest: number]>> = {
  'pass/fail, 5 × 1': [76, 93],
  'pass/fail, mostly decided, 5 × 1': [76, 100],
  'scores with ties, 5 × 5': [76, 87],
  'scores, half at the top, 5 × 1': [76, 87],
  'cost, 5 × 1': [72, 84],
  'cost, 20 × 1': [71, 84],
  'cost, 100 × 5': [71, 84],
}

describe('95 % intervals and 5 % tests', () => {
  it.each(cells)('$name, $n scenarios, $repetitions repetitions', ({ name, population, n, repetitions }) => {
    const seen = intervalsAndVerdicts(population, n, repetitions)
    const key: Cell = `${name}, ${n} × ${repetitions}`
    const { coverage, falseAlarms, falseEquivalence } = seen
    lines.intervals.push(
      row([name, n, repetitions, ...coverage.map(one), one(falseAlarms), one(falseEquivalence)]),
    )
    const [lowest, highest] = COVERAGE[key] ?? [93, 97]
    for (const share of coverage) {
      expect(share).toBeGreaterThanOrEqual(lowest)
      expect(share).toBeLessThanOrEqual(highest)
    }
    expect(falseAlarms).toBeLessThanOrEqual(7)
    expect(falseAlarms).toBeGreaterThanOrEqual(SELDOM.has(key) ? 0 : 3)
    expect(falseEquivalence).toBeLessThanOrEqual(FALSE_EQUIVALENCE[key] ?? 7)
  })
})

describe('5 % of any false alarm among metrics that count once where they are equal', () => {
  /** That success is beside: the same in percent, the same but for some scenarios, and one of its own. */
  it.each([
    ...[5, 20, 100].map((n) => ({ n, apart: 0 })),
    // Where one scenario in n is other, in more than a third of runs none is, and two metrics are one by chance.
    ...[5, 20].map((n) => ({ n, apart: 1 / n })),
  ])('$n scenarios, of which $apart are other', ({ n, apart }) => {
    const draws = new Draws(100 * n + Math.round(1000 * apart))
    const { scenario } = passFail(0.5, 0.5, 0.5, 0)
    let [alarms, counted] = [0, 0]
    for (let i = 0; i < REPLICATIONS; i++) {
      const success = Array.from({ length: n }, () => scenario(draws, 0).map((draw) => draw()))
      const metrics = [
        success,
        success.map((sides) => sides.map((value) => 100 * value)),
        success.map((sides) => (draws.uniform() < apart ? scenario(draws, 0).map((draw) => draw()) : sides)),
        Array.from({ length: n }, () => [draws.normal(), draws.normal()]),
      ]
      const judgements = judge(
        metrics.map((values) => ({
          comparison: comparePaired(
            values.map(([baseline, candidate]) => ({ baseline: [baseline!], candidate: [candidate!] })),
            'UNBOUNDED',
          ),
          better: 'HIGHER',
          margin: null,
          pair: 0,
        })),
      )
      if (judgements.some(({ verdict }) => verdict !== 'INSUFFICIENT_DATA')) alarms++
      counted += judgements[0]!.tests
    }
    expect(percent(alarms)).toBeLessThanOrEqual(7)
    // Six differences must be of one sign: five are never significant among two tests.
    expect(percent(alarms)).toBeGreaterThanOrEqual(n === 5 ? 0 : 3)
    if (apart === 0) expect(counted).toBe(2 * REPLICATIONS)
    else expect(counted).toBeLessThan(3 * REPLICATIONS)
  })
})

describe('80 % power', () => {
  it.each(cells)('$name, $n scenarios, $repetitions repetitions', ({ name, population, n, repetitions }) => {
    // Small enough that nearly all pilots are inconclusive.
    const pool = poolOf(
      population,
      population.effect * (repetitions === 1 ? 0.6 : 0.45) * Math.sqrt(20 / n),
      repetitions,
    )
    const draws = new Draws(1000 * n + repetitions)
    const named: number[] = []
    let shown = 0
    for (let i = 0; i < REPLICATIONS; i++) {
      const comparison = comparePaired(drawn(draws, n, pool.scenarios), population.scale)
      const [judgement] = judge([{ comparison, better: 'HIGHER', margin: Math.abs(pool.difference) }])
      const scenarios = judgement!.needed?.scenarios
      if (!scenarios) continue
      named.push(scenarios)
      if (signFlipP(drawn(draws, scenarios, pool.differences)) < ALPHA) shown++
    }
    named.sort((x, y) => x - y)
    const power = percent(shown, named.length)
    lines.scenarios.push(
      row([name, n, repetitions, pool.difference.toFixed(3), named[named.length >> 1]!, one(power)]),
    )
    const [lowest, highest] = POWER[`${name}, ${n} × ${repetitions}`] ?? [76, 84]
    expect(power).toBeGreaterThanOrEqual(lowest)
    expect(power).toBeLessThanOrEqual(highest)
  })
})

describe('power at the repetitions that are named', () => {
  const populations = {
    'pass/fail, alike everywhere': passFail(0.5, 1.5, 0.05, 0.7),
    'scores, alike everywhere': marks(0.5, 0.15, 0, 0.07),
    'pass/fail': POPULATIONS['pass/fail'],
    'pass/fail, mostly decided': POPULATIONS['pass/fail, mostly decided'],
    'scores, half at the top': POPULATIONS['scores, half at the top'],
  }
  it.each(
    Object.entries(populations).flatMap(([name, population]) =>
      [20, 100].map((n) => ({ name, population, n })),
    ),
  )('$name, $n', ({ name, population, n }) => {
    const effect = population.effect * Math.sqrt(20 / n)
    const pool = poolOf(population, effect, 5)
    const draws = new Draws(1000 * n)
    const named: number[] = []
    let shown = 0
    for (let i = 0; i < REPLICATIONS; i++) {
      const { spread } = comparePaired(drawn(draws, n, pool.scenarios), population.scale)
      const { repetitions } = neededFor(spread!, pool.difference)
      if (repetitions === null) continue
      named.push(repetitions)
      const differences = Array.from({ length: n }, () => {
        const [baseline, candidate] = population.scenario(draws, effect)
        let sum = 0
        for (let k = 0; k < repetitions; k++) sum += candidate!() - baseline!()
        return sum / repetitions
      })
      if (signFlipP(differences) < ALPHA) shown++
    }
    named.sort((x, y) => x - y)
    const power = percent(shown, named.length)
    lines.repetitions.push(
      row([name, n, `${one(percent(named.length))} %`, named[named.length >> 1] ?? '-', one(power)]),
    )
    // Where scenarios themselves change, those are named whose spread between seems smaller than it is.
    const [lowest, highest] = name.endsWith('alike everywhere') ? [80, 88] : [55, 84]
    expect(power).toBeGreaterThanOrEqual(lowest!)
    expect(power).toBeLessThanOrEqual(highest!)
  })
})
