/*
Whether the figures are what they say, on populations whose truth is known: coverage of the intervals, false alarms, false NO_DIFFERENCE, and
the power at what INSUFFICIENT_DATA names. Its table is that of docs/decisions/0031.
*/
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'
import { afterAll, describe, expect, it } from 'vitest'
import { normalCdf } from '../../../src/statistics/distributions.ts'
import { comparePaired } from '../../../src/statistics/pairedComparison.ts'
import { neededFor } from '../../../src/statistics/power.ts'
import type { Scale, ScenarioPair } from '../../../src/statistics/scenarioPairs.ts'
import { signFlipP } from '../../../src/statistics/signFlip.ts'
import { judge } from '../../../src/statistics/verdict.ts'

/** A share's standard error is 0.5 % at 5 % and 0.9 % at 80 %. */
const REPLICATIONS = 2000
const ALPHA = 0.05

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length

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

/** Of a scenario: what draws a repetition, and what all of them would have on average. */
interface Side {
  draw: () => number
  mean: number
}

interface Population {
  scale: Scale
  /** The baseline's side of a scenario and the candidate's. `effect` moves the candidate's; without it the sides are alike. */
  scenario(draws: Draws, effect: number): [Side, Side]
  /** With which twenty scenarios often decide. */
  effect: number
}

const sides = (shift: number, side: (by: number) => Side): [Side, Side] => [side(0), side(shift)]

const logistic = (x: number) => 1 / (1 + Math.exp(-x))

/** `between` and `change`: how scenarios, and a scenario's two sides, differ, in logits. */
const passFail = (middle: number, between: number, change: number, effect: number): Population => ({
  scale: 'PASS_FAIL',
  effect,
  scenario(draws, shift) {
    const ease = middle + between * draws.normal()
    return sides(shift, (by) => {
      const rate = logistic(ease + change * draws.normal() + by)
      return { mean: rate, draw: () => (draws.uniform() < rate ? 1 : 0) }
    })
  },
})

/** In quarters from 0 to 1, as a judge with five marks gives them. */
const marks = (middle: number, between: number, change: number, effect: number): Population => ({
  scale: 'UNIT',
  effect,
  scenario(draws, shift) {
    const ease = middle + between * draws.normal()
    return sides(shift, (by) => {
      const level = ease + change * draws.normal() + by
      return {
        mean: mean([1, 3, 5, 7].map((eighths) => normalCdf((level - eighths / 8) / 0.2))),
        draw: () => Math.min(1, Math.max(0, Math.round(4 * (level + 0.2 * draws.normal())) / 4)),
      }
    })
  },
})

/** Lognormal: the largest scenario of a hundred costs 40 times what the smallest does. */
const cost: Population = {
  scale: 'UNBOUNDED',
  effect: 0.2,
  scenario(draws, shift) {
    const size = 0.8 * draws.normal()
    return sides(shift, (by) => ({
      mean: Math.exp(size + by + 0.4 ** 2 / 2),
      draw: () => Math.exp(size + 0.4 * draws.normal() + by),
    }))
  },
}

const POPULATIONS = {
  'pass/fail': passFail(0.5, 1.5, 0.5, 1),
  'pass/fail, mostly decided': passFail(0.5, 5, 0.5, 1),
  'scores with ties': marks(0.6, 0.3, 0.05, 0.15),
  'scores, half at the top': marks(1, 0.3, 0.05, 0.1),
  cost,
}

const runs = ([baseline, candidate]: [Side, Side], repetitions: number) => ({
  baseline: Array.from({ length: repetitions }, baseline.draw),
  candidate: Array.from({ length: repetitions }, candidate.draw),
})

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
    const { baseline, candidate } = runs(population.scenario(draws, effect), repetitions)
    scenarios.push({ baseline, candidate })
    differences.push(mean(candidate) - mean(baseline))
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
  repetitions: [
    '| population | n | effect | named by | repetitions named, median | power there | with one fewer |',
  ],
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
  'pass/fail, mostly decided, 5 × 5': [93, 98],
  'pass/fail, mostly decided, 20 × 1': [93, 99],
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

/** Skewed costs of few scenarios seldom have the largest. */
const POWER: Partial<Record<Cell, [lowest: number, highest: number]>> = {
  'cost, 5 × 5': [76, 86],
  'cost, 100 × 5': [74, 84],
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
      const success = Array.from({ length: n }, () => scenario(draws, 0).map(({ draw }) => draw()))
      const metrics = [
        success,
        success.map((sides) => sides.map((value) => 100 * value)),
        success.map((sides) =>
          draws.uniform() < apart ? scenario(draws, 0).map(({ draw }) => draw()) : sides,
        ),
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
      population.effect * (repetitions === 1 ? 0.35 : 0.25) * Math.sqrt(20 / n),
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

describe('80 % power at the repetitions that are named, of the same scenarios', () => {
  const { cost: _, ...asked } = POPULATIONS
  const populations = {
    ...asked,
    'pass/fail, alike everywhere': passFail(0.5, 1.5, 0.05, 0.7),
    'scores, alike everywhere': marks(0.5, 0.15, 0, 0.07),
  }

  /** That are made with a number that is named: few name one, and chance is to have less of a part in it. */
  const RUNS = 3

  /** Runs that named a number, how many showed the difference with it, and with one repetition fewer, of those that named two or more. */
  class Named {
    repetitions: number[] = []
    shown = 0
    fewer = 0
    ofFewer = 0
    readonly power = () => percent(this.shown, RUNS * this.repetitions.length)
    readonly powerOfFewer = () => percent(this.fewer, this.ofFewer)
    readonly share = () => percent(this.repetitions.length)
  }

  /** Cells where fewer than a sixth of runs names any: too few for each, and looked at together. */
  const seldom = new Named()
  /** Populations whose runs of a hundred scenarios mostly name one. */
  const often = new Set<string>()

  it.each(
    Object.entries(populations).flatMap(([name, population]) =>
      [5, 20, 100].flatMap((n) => [0.7, 1].map((size) => ({ name, population, n, size }))),
    ),
  )('$name, $n scenarios, $size of the effect', ({ name, population, n, size }) => {
    const effect = size * population.effect * Math.sqrt(20 / n)
    const draws = new Draws(1000 * n + 5)
    const named = new Named()
    for (let i = 0; i < REPLICATIONS; i++) {
      const scenarios = Array.from({ length: n }, () => population.scenario(draws, effect))
      const isShownBy = (repetitions: number) =>
        signFlipP(
          scenarios.map((scenario) => {
            const { baseline, candidate } = runs(scenario, repetitions)
            return mean(candidate) - mean(baseline)
          }),
        ) < ALPHA
      const pilot = scenarios.map((scenario) => runs(scenario, 5))
      const difference = mean(scenarios.map(([baseline, candidate]) => candidate.mean - baseline.mean))
      const { repetitions } = neededFor(comparePaired(pilot, population.scale).spread!, difference)
      if (repetitions === null) continue
      named.repetitions.push(repetitions)
      for (let run = 0; run < RUNS; run++) {
        if (isShownBy(repetitions)) named.shown++
        if (repetitions === 1) continue
        named.ofFewer++
        if (isShownBy(repetitions - 1)) named.fewer++
      }
    }
    named.repetitions.sort((x, y) => x - y)
    const median = named.repetitions[named.repetitions.length >> 1]
    lines.repetitions.push(
      row([
        name,
        n,
        size,
        `${one(named.share())} %`,
        ...(median === undefined ? ['–', '–', '–'] : [median, one(named.power()), one(named.powerOfFewer())]),
      ]),
    )
    if (n === 5) expect(named.repetitions).toEqual([])
    if (n === 100 && size === 1 && named.share() > 50) often.add(name)
    if (named.share() > 15) {
      expect(named.power()).toBeGreaterThanOrEqual(76)
      // A whole number more than enough is not too many where one fewer would not do.
      expect(named.powerOfFewer()).toBeLessThanOrEqual(84)
    } else {
      seldom.repetitions.push(...named.repetitions)
      seldom.shown += named.shown
      seldom.fewer += named.fewer
      seldom.ofFewer += named.ofFewer
    }
  })

  it('where they are seldom named, together', () => {
    expect(seldom.repetitions.length).toBeGreaterThan(200)
    expect(seldom.power()).toBeGreaterThanOrEqual(76)
    expect(seldom.powerOfFewer()).toBeLessThanOrEqual(84)
  })

  it('are named by most runs of a hundred scenarios but where most are decided', () => {
    expect([...often].sort()).toEqual(
      Object.keys(populations)
        .filter((name) => name !== 'pass/fail, mostly decided')
        .sort(),
    )
  })
})
