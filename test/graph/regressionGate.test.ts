import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { Tenant } from '../support/arc.ts'
import { useBothRoads } from '../support/bothRoads.ts'

const both = useBothRoads()
const { arc } = both

interface Run {
  status?: string
  reliabilityScore?: number
  costUsd?: number
  tokensUsed?: number
  executionTimeMs?: number
  errorCategory?: string
}

const PASS: Run = {}
const FAIL: Run = { status: 'ERROR' }
const times = <Value>(n: number, of: (at: number) => Value) => Array.from({ length: n }, (_, at) => of(at))
const idOf = (at: number) => `s${String(at).padStart(3, '0')}`

/** A completed simulation in which each scenario has these runs. */
async function simulated(tenant: Tenant, scenarios: Run[][], completes = true): Promise<string> {
  const simulationId = await tenant.simulation(
    scenarios.map((_, at) => idOf(at)),
    {
      repetitions: Math.max(...scenarios.map(({ length }) => length)),
    },
  )
  const outcomes = scenarios.flatMap((runs, at) =>
    runs.map((run, index) => ({
      simulationId,
      scenarioId: idOf(at),
      repetition: index + 1,
      status: 'SUCCESS',
      ...run,
    })),
  )
  expect((await tenant.record(outcomes)).storedCount).toBe(outcomes.length)
  if (completes)
    await tenant.data(
      'mutation ($id: UUID!) { completeSimulation(input: { simulationId: $id }) { errors { code } } }',
      { id: simulationId },
    )
  return simulationId
}

async function gated(tenant: Tenant, baseline: string, candidate: string, rules: object | null) {
  return both.ask(
    tenant,
    `query ($baseline: UUID!, $candidate: UUID!, $rules: GateRulesInput) {
      regressionGate(baseline: $baseline, candidate: $candidate, rules: $rules) { passed reasons { rule status value limit message scenarioIds categories } }
    }`,
    { baseline, candidate, rules },
  )
}

const OFF = { successDrop: null, scoreDrop: null }
const passes = (n: number, failing: number) => times(n, (at) => (at < failing ? [FAIL] : [PASS]))

describe('a gate', () => {
  it.each<
    [
      what: string,
      baseline: Run[][],
      candidate: Run[][],
      rules: object | null,
      passed: boolean,
      reasons: object[],
    ]
  >([
    [
      'passes what is as good',
      times(200, (at) => [at < 20 ? FAIL : PASS]),
      passes(200, 20),
      null,
      true,
      [{ rule: 'SUCCESS_DROP', status: 'PASSED', value: 0, limit: -0.05 }],
    ],
    [
      'fails what is significantly worse',
      passes(40, 2),
      passes(40, 20),
      {},
      false,
      [
        {
          rule: 'SUCCESS_DROP',
          status: 'FAILED',
          value: -0.45,
          message: expect.stringMatching(/from 95 % to 50 % \(−45 points\); that is a significant drop/),
        },
      ],
    ],
    [
      'cannot tell of a few, and fails',
      passes(5, 1),
      passes(5, 1),
      {},
      false,
      [
        {
          status: 'INSUFFICIENT_DATA',
          message: expect.stringMatching(/not excluded.*To tell would take about \d+ scenarios/),
        },
      ],
    ],
    [
      'cannot tell of a few, and passes where it may',
      passes(5, 1),
      passes(5, 1),
      { insufficientData: 'PASS' },
      true,
      [{ status: 'INSUFFICIENT_DATA' }],
    ],
    [
      'never passes what failed',
      passes(40, 2),
      passes(40, 20),
      { insufficientData: 'PASS' },
      false,
      [{ status: 'FAILED' }],
    ],
    [
      'looks at scores where there are some',
      times(60, () => [{ reliabilityScore: 0.9 }]),
      times(60, (at) => [{ reliabilityScore: at % 2 ? 0.2 : 0.9 }]),
      { successDrop: null },
      false,
      [{ rule: 'SCORE_DROP', status: 'FAILED', value: expect.closeTo(-0.35) }],
    ],
    [
      'cannot tell of fewer than five scenarios, however clear they are',
      times(4, () => [{ reliabilityScore: 0 }]),
      times(4, () => [{ reliabilityScore: 1 }]),
      null,
      false,
      [
        {
          rule: 'SUCCESS_DROP',
          status: 'INSUFFICIENT_DATA',
          value: 0,
          message: expect.stringMatching(/4 scenarios in both: 5 are the least/),
        },
        { rule: 'SCORE_DROP', status: 'INSUFFICIENT_DATA', value: 1 },
      ],
    ],
    ['has no limit of what is not asked', passes(3, 0), passes(3, 3), OFF, true, []],
    [
      'holds cost, tokens and time to a share of the baseline’s',
      [[{ costUsd: 1, tokensUsed: 100, executionTimeMs: 100 }]],
      [[{ costUsd: 1.25, tokensUsed: 90, executionTimeMs: 151 }]],
      { ...OFF, costIncrease: 0.25, tokensIncrease: 0, durationIncrease: 0.5 },
      false,
      [
        { rule: 'COST_INCREASE', status: 'PASSED', value: 0.25 },
        { rule: 'TOKENS_INCREASE', status: 'PASSED', value: expect.closeTo(-0.1) },
        { rule: 'DURATION_INCREASE', status: 'FAILED', value: 0.51, limit: 0.5 },
      ],
    ],
    [
      'cannot tell of costs that nobody knows, or that were nothing',
      [[{ tokensUsed: 0 }]],
      [[{ tokensUsed: 5 }]],
      { ...OFF, costIncrease: 0.1, tokensIncrease: 0.1 },
      false,
      [
        { status: 'INSUFFICIENT_DATA', value: null, message: 'No scenario has a known cost in both.' },
        { status: 'INSUFFICIENT_DATA', message: expect.stringMatching(/is 0/) },
      ],
    ],
    [
      'wants so many to succeed',
      passes(4, 0),
      passes(4, 1),
      { ...OFF, minSuccessRate: 0.8 },
      false,
      [{ rule: 'SUCCESS_RATE', status: 'FAILED', value: 0.75, limit: 0.8 }],
    ],
    [
      'is content with so many',
      passes(4, 0),
      passes(4, 1),
      { ...OFF, minSuccessRate: 0.75 },
      true,
      [{ status: 'PASSED' }],
    ],
    [
      'wants enough scenarios and repetitions',
      [[PASS, PASS], [PASS], [PASS, PASS]],
      [
        [PASS, PASS],
        [PASS, PASS],
      ],
      { ...OFF, minScenarios: 3, minRepetitions: 2 },
      false,
      [
        { rule: 'SCENARIOS', status: 'INSUFFICIENT_DATA', value: 2, limit: 3 },
        {
          rule: 'REPETITIONS',
          status: 'INSUFFICIENT_DATA',
          value: 1,
          message: expect.stringMatching(/1 of 2 scenarios has fewer than 2 repetitions/),
        },
      ],
    ],
    [
      'lets no scenario go worse',
      [[PASS], [PASS], [FAIL]],
      [[PASS], [FAIL], [PASS]],
      { ...OFF, regressedScenarios: {} },
      false,
      [
        {
          rule: 'REGRESSED_SCENARIOS',
          status: 'FAILED',
          value: 1,
          scenarioIds: [idOf(1)],
          message: expect.stringContaining(`went worse: ${idOf(1)}.`),
        },
      ],
    ],
    [
      'watches those that are named',
      [[PASS], [PASS]],
      [[PASS], [FAIL]],
      { ...OFF, regressedScenarios: { scenarioIds: [idOf(0)] } },
      true,
      [{ status: 'PASSED', scenarioIds: [] }],
    ],
    [
      'says where one that is named has no runs',
      [[PASS], [PASS]],
      [[PASS]],
      { ...OFF, regressedScenarios: { scenarioIds: [idOf(0), idOf(1)] } },
      false,
      [
        {
          status: 'INSUFFICIENT_DATA',
          message: expect.stringMatching(/1 other one one of the two has no runs/),
        },
      ],
    ],
    [
      'does not take for good what nobody graded',
      [[{ reliabilityScore: 1 }], [PASS]],
      [[PASS], [PASS]],
      { ...OFF, minSuccessRate: 0.5, regressedScenarios: {} },
      false,
      [
        {
          rule: 'SUCCESS_RATE',
          status: 'PASSED',
          value: 1,
          message: expect.stringMatching(/over 1 scenario/),
        },
        {
          rule: 'REGRESSED_SCENARIOS',
          status: 'INSUFFICIENT_DATA',
          message: expect.stringMatching(
            /None of 1 .* 1 other one one of the two has no runs, or none that are graded/,
          ),
        },
      ],
    ],
    [
      'says that only one is graded',
      [[{ reliabilityScore: 1 }]],
      [[PASS]],
      { ...OFF, minSuccessRate: 0.5, regressedScenarios: {} },
      false,
      [
        { status: 'INSUFFICIENT_DATA', message: 'Only one of the two is graded.' },
        { status: 'INSUFFICIENT_DATA', message: expect.stringMatching(/graded in both or in neither/) },
      ],
    ],
    [
      'is tolerant where it should be',
      [[PASS, PASS, PASS, PASS]],
      [[PASS, PASS, PASS, FAIL]],
      { ...OFF, regressedScenarios: { tolerance: 0.25 } },
      true,
      [{ status: 'PASSED' }],
    ],
    [
      'sees scores where success is equal',
      [[{ reliabilityScore: 0.8 }]],
      [[{ reliabilityScore: 0.7 }]],
      { ...OFF, regressedScenarios: {} },
      false,
      [{ status: 'FAILED' }],
    ],
    [
      'lets nothing fail for new reasons',
      [[{ ...FAIL, errorCategory: 'TOOL_ERROR' }], [PASS]],
      [[{ ...FAIL, errorCategory: 'TIMEOUT' }], [{ ...FAIL, errorCategory: 'TOOL_ERROR' }]],
      { ...OFF, noNewFailureCategories: true },
      false,
      [{ rule: 'NEW_FAILURE_CATEGORIES', status: 'FAILED', value: 1, categories: ['TIMEOUT'] }],
    ],
    [
      'knows the old reasons',
      [[{ ...FAIL, errorCategory: 'TIMEOUT' }], [PASS]],
      [[PASS], [{ ...FAIL, errorCategory: 'TIMEOUT' }]],
      { ...OFF, noNewFailureCategories: true },
      true,
      [{ status: 'PASSED', categories: [] }],
    ],
  ])('%s', async (_, baseline, candidate, rules, passed, reasons) => {
    const tenant = arc.tenant()
    const ids = [await simulated(tenant, baseline), await simulated(tenant, candidate)]
    const { data, errors } = await gated(tenant, ids[0]!, ids[1]!, rules)
    expect(errors).toBeUndefined()
    expect(data.regressionGate).toMatchObject({ passed, reasons })
    expect(data.regressionGate.reasons).toHaveLength(reasons.length)
  })

  it('watches the scenarios that have a tag now', async () => {
    const tenant = arc.tenant()
    const ids = [await simulated(tenant, [[PASS], [PASS]]), await simulated(tenant, [[FAIL], [PASS]])]
    const watched = async (tag: string) => {
      const { data } = await gated(tenant, ids[0]!, ids[1]!, { ...OFF, regressedScenarios: { tags: [tag] } })
      return data.regressionGate.reasons[0].status
    }
    await tenant.data(
      'mutation ($scenarios: [ScenarioInput!]!) { upsertScenarios(input: { scenarios: $scenarios }) { errors { code } } }',
      {
        scenarios: [
          { scenarioId: idOf(0), tags: ['smoke'] },
          { scenarioId: idOf(1), tags: ['other', 'x'] },
        ],
      },
    )
    expect([await watched('smoke'), await watched('x'), await watched('none')]).toEqual([
      'FAILED',
      'PASSED',
      'INSUFFICIENT_DATA',
    ])
  })

  it('says that a simulation has not ended', async () => {
    const tenant = arc.tenant()
    const ids = [await simulated(tenant, [[PASS]]), await simulated(tenant, [[PASS]], false)]
    const { data } = await gated(tenant, ids[0]!, ids[1]!, OFF)
    expect(data.regressionGate).toMatchObject({
      passed: false,
      reasons: [
        {
          rule: 'ENDED',
          status: 'INSUFFICIENT_DATA',
          message: expect.stringMatching(/The candidate is RUNNING/),
        },
      ],
    })
  })

  it.each<[rules: object, words: RegExp]>([
    [{ successDrop: 0 }, /successDrop is 0, but must be more than 0 and at most 1/],
    [{ scoreDrop: 1.5 }, /scoreDrop is 1.5/],
    [{ costIncrease: -0.1 }, /costIncrease is -0.1, but must be 0 or more/],
    [{ minSuccessRate: 2 }, /0 to 1/],
    [{ minScenarios: 0 }, /1 or more/],
    [{ regressedScenarios: { tolerance: -1 } }, /tolerance is -1/],
  ])('refuses %j in words', async (rules, words) => {
    const tenant = arc.tenant()
    const { errors } = await gated(tenant, randomUUID(), randomUUID(), rules)
    expect(errors![0]!.extensions.code).toBe('BAD_USER_INPUT')
    expect(errors![0]!.message).toMatch(words)
  })

  it('knows the tenant’s simulations only', async () => {
    const [tenant, other] = [arc.tenant(), arc.tenant()]
    const [own, theirs] = [await simulated(tenant, [[PASS]]), await simulated(other, [[PASS]])]
    for (const ids of [
      [own, theirs],
      [theirs, own],
    ]) {
      const { data, errors } = await gated(tenant, ids[0]!, ids[1]!, OFF)
      expect({ data, errors }).toEqual({ data: { regressionGate: null }, errors: undefined })
    }
  })
})
