import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { comparePaired } from '../../src/statistics/pairedComparison.ts'
import type { Scale } from '../../src/statistics/scenarioPairs.ts'
import { judge } from '../../src/statistics/verdict.ts'
import { type Tenant, useArc } from '../support/arc.ts'
import { useBothRoads } from '../support/bothRoads.ts'

const both = useBothRoads()
const { arc } = both
/** What the statistics of 200 scenarios cost an operation may spend once, not twice. */
const sparing = useArc({ ARC_MAX_COST: '900' })

interface Run {
  status?: string
  reliabilityScore?: number
  costUsd?: number
  tokensUsed?: number
  executionTimeMs?: number
  metrics?: object
  errorCategory?: string
}

/** A simulation in which each scenario has these runs, one a repetition. */
async function simulated(tenant: Tenant, scenarios: Run[][]): Promise<string> {
  const ids = scenarios.map((_, at) => `s${String(at).padStart(3, '0')}`)
  const simulationId = await tenant.simulation(ids, {
    repetitions: Math.max(...scenarios.map(({ length }) => length)),
  })
  const outcomes = scenarios.flatMap((runs, at) =>
    runs.map((run, index) => ({
      simulationId,
      scenarioId: ids[at],
      repetition: index + 1,
      status: 'SUCCESS',
      ...run,
    })),
  )
  expect((await tenant.record(outcomes)).storedCount).toBe(outcomes.length)
  return simulationId
}

const INTERVAL = '{ lower upper }'
const TOTALS = `{ metric dimension higherIsBetter scale scenarios onlyBaseline onlyCandidate neither unknown baselineMean candidateMean difference
  interval ${INTERVAL} pValue adjustedPValue tests effectSize { measure value } verdict margin equivalenceInterval ${INTERVAL} detectableDifference
  needed { difference repetitions scenarios } }`

async function compared(tenant: Tenant, [baseline, ...candidates]: string[], fields: string): Promise<any[]> {
  const { compareSimulations } = await both.data(
    tenant,
    `query ($baseline: UUID!, $candidates: [UUID!]!) { compareSimulations(baseline: $baseline, candidates: $candidates) { ${fields} } }`,
    { baseline, candidates },
  )
  return compareSimulations
}

const times = <Value>(n: number, of: (at: number) => Value) => Array.from({ length: n }, (_, at) => of(at))
/** As even as can be, and the same each time. */
const spread = (at: number, seed: number) =>
  Math.round(10_000 * (((at * 7919 + seed * 104729) % 101) / 101)) / 10_000

function runsOf(seed: number, lift: number): Run[][] {
  return times(24, (at) =>
    times(2, (repetition) => {
      const value = spread(at + 31 * repetition, seed)
      return {
        status: value + lift > 0.5 ? 'SUCCESS' : 'ERROR',
        ...((at + repetition) % 5 !== 0 && {
          reliabilityScore: Math.min(1, Math.round(1e4 * (value + lift)) / 1e4),
        }),
        costUsd: Math.round(10_000 * (1 + value)) / 1_000_000,
        ...(at > 2 && { tokensUsed: 1000 + 10 * at }),
        executionTimeMs: 500 + Math.round(100 * value),
        metrics: { tone: Math.round(1e4 * (3 + value + lift)) / 1e4, judge: { kind: value > 0.5 } },
      }
    }),
  )
}

describe('totals of compared simulations', () => {
  it('are the statistics of their runs’ values, corrected for all metrics of all candidates', async () => {
    const tenant = arc.tenant()
    const sides = [runsOf(1, 0), runsOf(2, 0.3), runsOf(3, 0)]
    const ids = await Promise.all(sides.map((side) => simulated(tenant, side)))
    const given = 'dimensions: ["tone", "judge.kind", "nothing"], lowerIsBetter: ["tone"]'
    const metrics: [
      string,
      string | null,
      Scale,
      boolean,
      (run: any) => number | undefined,
      number,
      boolean,
    ][] = [
      ['SUCCESS', null, 'PASS_FAIL', true, ({ status }) => (status === 'SUCCESS' ? 1 : 0), 0.05, false],
      ['SCORE', null, 'UNIT', true, (run) => run.reliabilityScore, 0.05, false],
      ['COST', null, 'UNBOUNDED', false, (run) => run.costUsd, 0.1, true],
      ['TOKENS', null, 'UNBOUNDED', false, (run) => run.tokensUsed, 0.1, true],
      ['DURATION', null, 'UNBOUNDED', false, (run) => run.executionTimeMs, 0.1, true],
      ['DIMENSION', 'tone', 'UNBOUNDED', false, (run) => run.metrics.tone, 0.1, true],
      ['DIMENSION', 'judge.kind', 'UNIT', true, (run) => Number(run.metrics.judge.kind), 0.05, false],
      ['DIMENSION', 'nothing', 'UNIT', true, () => undefined, 0.05, false],
    ]
    const questions = sides.slice(1).flatMap((candidate, pair) =>
      metrics.map(([kind, , scale, higher, of, margin, isRelative]) => {
        const atMost = ({ baselineMean }: { baselineMean: number | null }) =>
          kind === 'DIMENSION' && baselineMean ? 0.1 * baselineMean : 1
        const valuesOf = (runs: Run[]) => runs.map((run) => of(run) ?? null)
        const comparison = comparePaired(
          sides[0]!.map((baseline, at) => ({
            baseline: valuesOf(baseline),
            candidate: valuesOf(candidate[at]!),
          })),
          scale,
        )
        return {
          comparison,
          pair,
          better: higher ? ('HIGHER' as const) : ('LOWER' as const),
          margin: isRelative
            ? margin * Math.abs(comparison.baselineMean!)
            : Math.min(margin, atMost(comparison)),
        }
      }),
    )
    for (const correction of ['HOLM', 'BENJAMINI_HOCHBERG', 'NONE'] as const) {
      const judged = judge(questions, { correction })
      const pairs = await compared(tenant, ids, `totals(${given}, correction: ${correction}) ${TOTALS}`)
      const expected = questions.map(({ comparison, margin }, at) => {
        const { means: _, spread: __, level: ___, ...figures } = comparison
        const { verdict, adjustedPValue, tests, equivalenceInterval, detectableDifference } = judged[at]!
        const [metric, dimension, , higherIsBetter] = metrics[at % metrics.length]!
        return {
          ...figures,
          metric,
          dimension,
          higherIsBetter,
          margin,
          verdict,
          adjustedPValue,
          tests,
          equivalenceInterval,
          detectableDifference,
          needed: dimension === 'nothing' ? null : expect.objectContaining({ difference: margin }),
        }
      })
      expect(pairs.flatMap(({ totals }) => totals)).toEqual(expected)
      const verdicts = new Set(expected.map(({ verdict }) => verdict))
      if (correction === 'HOLM')
        expect([...verdicts].sort()).toEqual(['BETTER', 'INSUFFICIENT_DATA', 'NO_DIFFERENCE', 'WORSE'])
    }
    const [all] = await compared(tenant, ids.slice(0, 2), 'totals { metric dimension }')
    expect(all.totals.slice(5)).toEqual(
      ['judge.kind', 'tone'].map((dimension) => ({ metric: 'DIMENSION', dimension })),
    )
  })

  it('say why nothing can be said, and count what is equal once', async () => {
    const tenant = arc.tenant()
    // Of twelve scenarios that fail `gained` pass: success, score and a dimension are the same numbers.
    const graded = (gained: number, more: object = {}) =>
      times(12, (at) => {
        const isPass = at < gained
        return [
          {
            status: isPass ? 'SUCCESS' : 'ERROR',
            reliabilityScore: Number(isPass),
            metrics: { percent: isPass ? 100 : 0 },
            ...more,
          },
        ]
      })
    const shown = async (baseline: Run[][], candidate: Run[][], args = '') => {
      const ids = [await simulated(tenant, baseline), await simulated(tenant, candidate)]
      const [{ totals }] = await compared(
        tenant,
        ids,
        `totals${args} { metric tests pValue adjustedPValue verdict reason }`,
      )
      return Object.fromEntries(totals.map(({ metric, ...figures }: any) => [metric, figures]))
    }
    const equal = await shown(graded(0), graded(5))
    const better = { tests: 1, pValue: 2 ** -5, adjustedPValue: 2 ** -5, verdict: 'BETTER', reason: null }
    expect(equal).toMatchObject({ SUCCESS: better, SCORE: better, DIMENSION: better })
    expect(equal.COST).toMatchObject({ tests: 1, reason: 'It is known of no scenario in both.' })
    const apart = await shown(
      graded(0, { tokensUsed: 5, costUsd: 1 }),
      graded(5, { tokensUsed: 5, costUsd: 1 }),
    )
    expect(apart.SUCCESS).toMatchObject({
      tests: 2,
      adjustedPValue: 2 ** -4,
      reason: 'Significant by itself (p = 0.031), but not once corrected for 2 tests (0.063).',
    })
    expect((await shown(graded(0), graded(1))).SUCCESS.reason).toBe(
      'No difference is significant (p = 0.5), and one of the margin (0.05) is not excluded.',
    )
    expect((await shown(graded(0), graded(1), '(margins: { success: null })')).SUCCESS.reason).toBe(
      'No difference is significant (p = 0.5), and without a margin none can be excluded.',
    )
    const costs = (by: number) => times(4, (at) => [{ costUsd: (1 + at / 100) * (1 + by) }])
    expect((await shown(costs(0), costs(0.5))).COST.reason).toBe(
      'Its interval excludes 0, but the permutation test does not show a difference (p = 0.063): too few scenarios differ for the two to agree.',
    )
    expect((await shown(graded(0).slice(0, 1), graded(1).slice(0, 1))).SUCCESS.reason).toBe(
      'It is known of one scenario in both: two are the least that tell anything.',
    )
  })

  it('name what would show a difference, by the correction that judged', async () => {
    const tenant = arc.tenant()
    const ids = [await simulated(tenant, runsOf(1, 0)), await simulated(tenant, runsOf(2, 0.05))]
    const [{ totals }] = await compared(
      tenant,
      ids,
      'totals(dimensions: []) { small: needed(difference: 0.02) { scenarios } large: needed(difference: -0.4) { scenarios repetitions } none: needed { difference } }',
    )
    expect(totals[0].small.scenarios).toBeGreaterThan(20 * totals[0].large.scenarios)
    expect(totals[0].none).toEqual({ difference: 0.05 })
    const [alone] = await compared(
      tenant,
      ids,
      'totals(dimensions: [], correction: NONE) { small: needed(difference: 0.02) { scenarios } }',
    )
    expect(alone.totals[0].small.scenarios).toBeLessThan(totals[0].small.scenarios)
    const [{ totals: without }] = await compared(
      tenant,
      ids,
      'totals(dimensions: [], margins: { success: null, cost: 0.5 }) { verdict margin needed { difference } baselineMean }',
    )
    expect(without[0]).toMatchObject({ margin: null, needed: null })
    expect(without[2].margin).toBe(0.5 * without[2].baselineMean)
  })

  it('do not take a run that nobody graded for one that passed, beside one that somebody graded', async () => {
    const tenant = arc.tenant()
    const [error, wrong, right] = [
      { status: 'ERROR' },
      { status: 'ERROR', reliabilityScore: 0 },
      { reliabilityScore: 1 },
    ]
    const sides: [Run, Run, change: string, difference: number | null][] = [
      [{}, wrong, 'UNCHANGED', null],
      [{}, right, 'UNCHANGED', null],
      [right, {}, 'UNCHANGED', null],
      [error, right, 'IMPROVED', 1],
      [right, error, 'REGRESSED', -1],
      [{}, error, 'REGRESSED', -1],
    ]
    const [one, other] = [0, 1].map((side) =>
      simulated(
        tenant,
        sides.map((of) => [of[side] as Run]),
      ),
    )
    const [{ counts, totals, scenarios }] = await compared(
      tenant,
      [await one!, await other!],
      `counts { regressed improved unchanged } totals(dimensions: []) { metric scenarios unknown onlyBaseline onlyCandidate baselineMean candidateMean }
        scenarios(orderBy: { field: SCENARIO_ID, direction: ASC }) { nodes { change successRateDifference } }`,
    )
    expect(scenarios.nodes.map(Object.values)).toEqual(sides.map(([, , ...shown]) => shown))
    expect(counts).toEqual({ regressed: 2, improved: 1, unchanged: 3 })
    expect(totals[0]).toEqual({
      metric: 'SUCCESS',
      scenarios: 3,
      unknown: 3,
      onlyBaseline: 1,
      onlyCandidate: 2,
      baselineMean: expect.closeTo(2 / 3),
      candidateMean: expect.closeTo(1 / 3),
    })
  })

  it('are nothing of other tenants', async () => {
    const [tenant, other] = [arc.tenant(), arc.tenant()]
    const runs = runsOf(1, 0).slice(0, 3)
    const ids = [await simulated(tenant, runs), await simulated(tenant, runs), await simulated(tenant, runs)]
    const theirs = await simulated(other, runs)
    const fields =
      'totals(dimensions: []) { metric scenarios verdict } passAtK { baseline { scenarios } } failureDrift { scenarios categories { category } }'
    expect(await compared(tenant, ids, fields)).toHaveLength(2)
    for (const [baseline, candidate] of [
      [ids[0]!, theirs],
      [theirs, ids[0]!],
      [ids[0]!, randomUUID()],
      [ids[0]!, await tenant.simulation(['s000'])],
    ]) {
      const [pair] = await compared(tenant, [baseline!, candidate!], fields)
      expect(pair.totals.map((total: any) => [total.scenarios, total.verdict])).toEqual(
        times(5, () => [0, 'INSUFFICIENT_DATA']),
      )
      expect(pair.failureDrift).toEqual({ scenarios: 0, categories: [] })
    }
  })

  it.each([
    ['totals(margins: { score: 0 }) { metric }', 'BAD_USER_INPUT', /more than 0 and at most 1, not 0/],
    ['totals(margins: { cost: 2 }) { metric }', 'BAD_USER_INPUT', /not 2/],
    ['totals { needed(difference: 0) { scenarios } }', 'BAD_USER_INPUT', /difference of 0/],
    ['passAtK(k: [0]) { k }', 'BAD_USER_INPUT', /k is 1 to 1000, not 0/],
    ['passAtK(k: [1, 1001]) { k }', 'BAD_USER_INPUT', /not 1001/],
    [`passAtK(k: [${times(11, (at) => at + 1)}]) { k }`, 'LIMIT_EXCEEDED', /11 entries/],
    [`totals(dimensions: [${times(21, (at) => `"d${at}"`)}]) { metric }`, 'LIMIT_EXCEEDED', /21 entries/],
  ])('%s is refused in words', async (fields, code, words) => {
    const tenant = arc.tenant()
    const simulationId = await simulated(tenant, [[{}], [{}]])
    const { errors } = await both.ask(
      tenant,
      `{ compareSimulations(baseline: "${simulationId}", candidates: ["${simulationId}"]) { ${fields} } }`,
    )
    expect(errors![0]!.message).toMatch(words)
    expect(errors![0]!.extensions.code).toBe(code)
  })
})

it('what cannot be said by the statement is paid for once: its words are those of what is wrong', async () => {
  const tenant = arc.tenant()
  const simulationId = await simulated(
    tenant,
    times(200, () => [{}]),
  )
  const { errors } = await sparing.post(
    {
      query: `{ compareSimulations(baseline: "${simulationId}", candidates: ["${simulationId}"]) { totals { needed(difference: 0) { scenarios } } } }`,
    },
    await tenant.token(),
  )
  expect(errors![0]!.message).toMatch(/difference of 0/)
})

it('success in k repetitions leaves out scenarios that have fewer', async () => {
  const tenant = arc.tenant()
  const [pass, fail] = [{}, { status: 'ERROR' }]
  const ids = [
    await simulated(tenant, [[pass, pass, fail], [fail, fail, pass], [pass]]),
    await simulated(tenant, [
      [pass, pass, pass],
      [pass, fail, pass],
      [pass, pass],
    ]),
  ]
  const [{ passAtK }] = await compared(
    tenant,
    ids,
    'passAtK(k: [2, 1, 5]) { k baseline { scenarios tooFewRepetitions passAtK { value } passHatK { value } } candidate { scenarios passHatK { value interval { lower upper } } } }',
  )
  expect(passAtK).toMatchObject([
    {
      k: 2,
      // 1 − C(1,2)/C(3,2) and 1 − C(2,2)/C(3,2); C(2,2)/C(3,2) and none.
      baseline: {
        scenarios: 2,
        tooFewRepetitions: 1,
        passAtK: { value: expect.closeTo((1 + 2 / 3) / 2) },
        passHatK: { value: expect.closeTo(1 / 6) },
      },
      candidate: {
        scenarios: 3,
        passHatK: { value: expect.closeTo((1 + 1 / 3 + 1) / 3), interval: { lower: expect.any(Number) } },
      },
    },
    { k: 1, baseline: { scenarios: 3, passHatK: { value: expect.closeTo((2 / 3 + 1 / 3 + 1) / 3) } } },
    { k: 5, baseline: { scenarios: 0, tooFewRepetitions: 3, passAtK: null, passHatK: null } },
  ])
})

it('failures drift where other reasons make other scenarios fail', async () => {
  const tenant = arc.tenant()
  const failed = (errorCategory: string) => ({ status: 'ERROR', errorCategory })
  const ids = [
    await simulated(
      tenant,
      times(16, (at) => (at < 8 ? [failed('TOOL_ERROR')] : [{}])),
    ),
    await simulated(
      tenant,
      times(17, (at) => (at < 8 ? [failed('MODEL_ERROR')] : [{}])),
    ),
  ]
  const fields =
    'failureDrift { scenarios pValue categories { category baselineShare candidateShare difference interval { lower upper } pValue adjustedPValue } }'
  const [{ failureDrift }] = await compared(tenant, ids, fields)
  const one = {
    pValue: 2 ** -8,
    adjustedPValue: 2 ** -7,
    interval: { lower: expect.any(Number), upper: expect.any(Number) },
  }
  expect(failureDrift).toEqual({
    scenarios: 16,
    pValue: 2 ** -7,
    categories: [
      { ...one, category: 'MODEL_ERROR', baselineShare: 0, candidateShare: 0.5, difference: 0.5 },
      { ...one, category: 'TOOL_ERROR', baselineShare: 0.5, candidateShare: 0, difference: -0.5 },
    ],
  })
  const [{ failureDrift: none }] = await compared(tenant, [ids[0]!, ids[0]!], fields)
  expect(none).toMatchObject({
    pValue: 1,
    categories: [{ category: 'TOOL_ERROR', difference: 0, pValue: 1 }],
  })
})
