import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { derivedUuid } from '../../src/uuid.ts'
import { type Tenant, useArc } from '../support/arc.ts'
import { summedUp } from '../support/tenantRows.ts'

const arc = useArc()

/** A simulation as it is now. */
async function stateOf(tenant: Tenant, simulationId: string, fields: string) {
  const { simulation } = await tenant.data(
    `query ($simulationId: UUID!) { simulation(simulationId: $simulationId) { ${fields} } }`,
    { simulationId },
  )
  return simulation
}

async function end(tenant: Tenant, mutation: string, input: object) {
  const type = `${mutation[0]!.toUpperCase()}${mutation.slice(1)}Input`
  const data = await tenant.data(
    `mutation ($input: ${type}!) {
      ${mutation}(input: $input) { simulation { status overallScore completedAt } errors { code message path } }
    }`,
    { input },
  )
  return data[mutation]
}

const FIGURES =
  'completedScenarios succeededScenarios failedScenarios scoredScenarios currentScore totalCostUsd'

describe('a run that was attempted more than once', () => {
  it('is one run, by its last attempt; every attempt was paid for', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a', 'b'])
    const attempt = (scenarioId: string, retryCount: number, status: string, reliabilityScore: number) => ({
      simulationId,
      scenarioId,
      retryCount,
      status,
      reliabilityScore,
      costUsd: 0.1,
    })
    await tenant.record([attempt('a', 0, 'ERROR', 0), attempt('a', 1, 'ERROR', 0)])
    await tenant.record([attempt('a', 2, 'SUCCESS', 1), attempt('b', 0, 'SUCCESS', 1)])
    await summedUp(arc, tenant)
    const { performance, ...figures } = await stateOf(
      tenant,
      simulationId,
      `${FIGURES} performance { summary { attempts runs succeeded failed scored meanScore costUsd } }`,
    )
    expect(figures).toEqual({
      completedScenarios: 2,
      succeededScenarios: 2,
      failedScenarios: 0,
      scoredScenarios: 2,
      currentScore: 1,
      totalCostUsd: 0.4,
    })
    expect(performance.summary).toEqual({
      attempts: 4,
      runs: 2,
      succeeded: 2,
      failed: 0,
      scored: 2,
      meanScore: 1,
      costUsd: 0.4,
    })
    const { errorRates, outcomes } = await tenant.data(
      `{ errorRates(filter: { runs: { gte: 1 } }, orderBy: { field: SCENARIO_ID, direction: ASC }) {
          nodes { scenarioId runs failed errorRate } }
        outcomes(filter: { superseded: false }) { totalCount } }`,
    )
    expect(errorRates.nodes).toEqual(
      ['a', 'b'].map((scenarioId) => ({ scenarioId, runs: 1, failed: 0, errorRate: 0 })),
    )
    expect(outcomes.totalCount).toBe(2)
  })

  it('takes an earlier attempt that comes late for what it is', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a'])
    const attempt = (retryCount: number, status: string) => ({
      simulationId,
      scenarioId: 'a',
      retryCount,
      status,
      reliabilityScore: status === 'SUCCESS' ? 1 : 0,
      costUsd: 1,
    })
    await tenant.record([attempt(2, 'SUCCESS')])
    expect((await tenant.record([attempt(0, 'ERROR')])).receipts).toMatchObject([{ status: 'STORED' }])
    expect((await tenant.record([attempt(1, 'TIMEOUT')])).receipts).toMatchObject([{ status: 'STORED' }])
    const { runs, ...figures } = await stateOf(
      tenant,
      simulationId,
      `${FIGURES} eventSeq runs { nodes { status attempts reliabilityScore } }`,
    )
    expect(figures).toEqual({
      completedScenarios: 1,
      succeededScenarios: 1,
      failedScenarios: 0,
      scoredScenarios: 1,
      currentScore: 1,
      totalCostUsd: 3,
      eventSeq: 4,
    })
    expect(runs.nodes).toEqual([{ status: 'SUCCESS', attempts: 3, reliabilityScore: 1 }])
    const again = { ...attempt(1, 'TIMEOUT'), outcomeId: '11111111-1111-4111-8111-111111111111' }
    expect((await tenant.record([again])).receipts).toMatchObject([
      { status: 'REJECTED', code: 'ATTEMPT_ALREADY_RECORDED' },
    ])
  })

  it('has no more attempts than the simulation allows', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a'], { maxRetries: 1 })
    const { receipts } = await tenant.record(
      [0, 1, 2].map((retryCount) => ({ simulationId, scenarioId: 'a', retryCount, status: 'ERROR' })),
    )
    expect(receipts).toMatchObject([
      { status: 'STORED' },
      { status: 'STORED' },
      { status: 'REJECTED', code: 'RETRIES_EXCEEDED', path: ['retryCount'] },
    ])
  })

  it('has each attempt once, also where the first comes in one call with later ones', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a'])
    const attempt = (retryCount: number) => ({
      simulationId,
      scenarioId: 'a',
      retryCount,
      status: 'ERROR',
      outcomeId: randomUUID(),
      costUsd: 1,
    })
    await tenant.record([attempt(0), attempt(1)])
    expect((await tenant.record([attempt(0)])).receipts).toMatchObject([
      { status: 'REJECTED', code: 'ATTEMPT_ALREADY_RECORDED' },
    ])
    expect(await stateOf(tenant, simulationId, 'totalCostUsd')).toEqual({ totalCostUsd: 2 })
  })
})

describe('a row behind one that is rejected', () => {
  it('is stored under the id, or as the attempt, that the other named as well', async () => {
    const tenant = arc.tenant()
    const [simulationId, other] = [await tenant.simulation(['a', 'b', 'c']), await tenant.simulation(['a'])]
    const { receipts: taken } = await tenant.record([
      { simulationId: other, scenarioId: 'a', status: 'SUCCESS' },
    ])
    const [id, another] = [randomUUID(), randomUUID()]
    const { receipts } = await tenant.record(
      [
        { scenarioId: 'nowhere', outcomeId: id },
        { scenarioId: 'a', outcomeId: id },
        { scenarioId: 'b', outcomeId: taken[0].outcomeId },
        { scenarioId: 'b' },
        // The second of these is another outcome under the id, and no attempt at c.
        { scenarioId: 'b', retryCount: 1, outcomeId: another },
        { scenarioId: 'c', outcomeId: another },
        { scenarioId: 'c' },
      ].map((row) => ({ simulationId, status: 'SUCCESS', ...row })),
    )
    expect(receipts.map(({ status, code }) => [status, code])).toEqual([
      ['REJECTED', 'SCENARIO_NOT_FOUND'],
      ['STORED', null],
      ['REJECTED', 'OUTCOME_ID_TAKEN'],
      ['STORED', null],
      ['STORED', null],
      ['CONFLICT', 'CONFLICT'],
      ['STORED', null],
    ])
  })

  it('is stored as the attempt that the other named under an id which a third one takes', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a', 'b', 'c'])
    const [x, y, z] = [randomUUID(), randomUUID(), randomUUID()]
    const { receipts } = await tenant.record(
      [
        { scenarioId: 'a', outcomeId: x },
        { scenarioId: 'a', outcomeId: y },
        { scenarioId: 'b', outcomeId: y },
        { scenarioId: 'b', outcomeId: z },
        { scenarioId: 'c', outcomeId: z },
        { scenarioId: 'c', outcomeId: x },
      ].map((row) => ({ simulationId, status: 'SUCCESS', ...row })),
    )
    expect(receipts.map(({ status, code }) => [status, code])).toEqual([
      ['STORED', null],
      ['REJECTED', 'ATTEMPT_ALREADY_RECORDED'],
      ['STORED', null],
      ['REJECTED', 'ATTEMPT_ALREADY_RECORDED'],
      ['STORED', null],
      ['CONFLICT', 'CONFLICT'],
    ])
    expect(await stateOf(tenant, simulationId, 'succeededScenarios')).toEqual({ succeededScenarios: 3 })
  })

  it('is not taken for an outcome of another simulation that has its id', async () => {
    const tenant = arc.tenant()
    const [one, other] = [await tenant.simulation(['a']), await tenant.simulation(['a'])]
    const outcome = { scenarioId: 'a', status: 'SUCCESS', outcomeId: randomUUID() }
    const call = [
      { ...outcome, simulationId: one },
      { ...outcome, simulationId: other },
    ]
    for (const status of ['STORED', 'DUPLICATE']) {
      const { receipts } = await tenant.record(call)
      expect(receipts).toMatchObject([{ status }, { status: 'REJECTED', code: 'OUTCOME_ID_TAKEN' }])
    }
  })

  it('is an attempt at the repetition that the other named or would have been given', async () => {
    const tenant = arc.tenant()
    const other = await tenant.simulation(['a'])
    const { receipts: taken } = await tenant.record([
      { simulationId: other, scenarioId: 'a', status: 'SUCCESS' },
    ])
    const id = randomUUID()
    for (const rejected of [
      { repetition: 1, outcomeId: taken[0].outcomeId },
      { outcomeId: taken[0].outcomeId },
      { executionTime: '1990-01-01T00:00:00Z' },
      { executionTime: '1990-01-01T00:00:00Z', repetition: 2 },
      { repetition: 1, retryCount: 9 },
    ]) {
      const simulationId = await tenant.simulation(['a'], { repetitions: 2 })
      const { receipts } = await tenant.record(
        [rejected, { costUsd: 1 }, { costUsd: 2 }, { costUsd: 3 }].map((row) => ({
          simulationId,
          scenarioId: 'a',
          status: 'SUCCESS',
          ...row,
        })),
      )
      expect(receipts.map(({ status }) => status)).toEqual(['REJECTED', 'STORED', 'STORED', 'REJECTED'])
    }
    const simulationId = await tenant.simulation(['a'], { repetitions: 2 })
    const { receipts } = await tenant.record(
      [{ outcomeId: id }, { outcomeId: id }, { outcomeId: id, costUsd: 1 }, {}].map((row) => ({
        simulationId,
        scenarioId: 'a',
        status: 'SUCCESS',
        ...row,
      })),
    )
    expect(receipts.map(({ status, differences }) => [status, differences])).toEqual([
      ['STORED', []],
      ['DUPLICATE', []],
      ['CONFLICT', ['costUsd']],
      ['STORED', []],
    ])
  })
})

describe('a row without an id', () => {
  const attempt = (simulationId: string, set: object) => ({
    simulationId,
    scenarioId: 'a',
    status: 'SUCCESS',
    costUsd: 1,
    ...set,
  })

  it.each([
    ['one repetition', { repetitions: 1 }, {}],
    ['more of them', { repetitions: 2 }, { repetition: 2 }],
  ])('is the attempt that is stored under an id of somebody’s own, of %s', async (_, simulation, named) => {
    const tenant = arc.tenant()
    const outcomeId = randomUUID()
    for (const inOneCall of [false, true]) {
      const simulationId = await tenant.simulation(['a'], simulation)
      const id = inOneCall ? randomUUID() : outcomeId
      const rows = [{ outcomeId: id }, {}, { costUsd: 2 }].map((set) =>
        attempt(simulationId, { ...named, ...set }),
      )
      const receipts: any[] = []
      for (const call of inOneCall ? [rows] : rows.map((row) => [row]))
        receipts.push(...(await tenant.record(call)).receipts)
      expect(receipts.map((receipt) => [receipt.status, receipt.outcomeId, receipt.differences])).toEqual([
        ['STORED', id, []],
        ['DUPLICATE', id, []],
        ['CONFLICT', id, ['costUsd']],
      ])
      expect(await stateOf(tenant, simulationId, 'totalCostUsd')).toEqual({ totalCostUsd: 1 })
    }
  })
})

describe('tools and failures of attempts', () => {
  const ERROR = 'ToolError: the order is too old'
  const attempt = (simulationId: string, scenarioId: string, retryCount: number, failed: boolean) => ({
    simulationId,
    scenarioId,
    retryCount,
    status: failed ? 'ERROR' : 'SUCCESS',
    ...(failed ? { error: ERROR } : {}),
    toolUsage: [
      {
        toolName: 'refund',
        callCount: 2,
        successRate: failed ? 0.5 : 1,
        errorTypes: failed ? [ERROR] : [],
        totalCostUsd: 0.25,
      },
    ],
  })

  /** The run of a goes through at the third attempt, that of b fails twice, that of c goes through at once. */
  async function recorded(inWhatOrder: (attempts: object[]) => object[][]) {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a', 'b', 'c'])
    const attempts = [
      attempt(simulationId, 'a', 0, true),
      attempt(simulationId, 'a', 1, true),
      attempt(simulationId, 'a', 2, false),
      attempt(simulationId, 'b', 0, true),
      attempt(simulationId, 'b', 1, true),
      attempt(simulationId, 'c', 0, false),
    ]
    for (const call of inWhatOrder(attempts)) {
      const { receipts } = await tenant.record(call)
      expect(receipts.map(({ status }) => status)).toEqual(call.map(() => 'STORED'))
    }
    return { tenant, simulationId }
  }

  const FIELDS = `
    toolAnalytics { nodes { calls attempts runs successRate totalCostUsd commonErrors { attempts runs } } }
    failureGroups { nodes { failures attempts runs simulations } }`
  const COUNTED = {
    toolAnalytics: {
      nodes: [
        {
          calls: 12,
          attempts: 6,
          runs: 3,
          successRate: 8 / 12,
          totalCostUsd: 1.5,
          commonErrors: [{ attempts: 4, runs: 1 }],
        },
      ],
    },
    failureGroups: { nodes: [{ failures: 4, attempts: 4, runs: 1, simulations: 1 }] },
  }

  it.each<[string, (attempts: object[]) => object[][]]>([
    ['one after the other', (attempts) => attempts.map((each) => [each])],
    ['all at once', (attempts) => [attempts]],
    ['the last first', (attempts) => attempts.toReversed().map((each) => [each])],
  ])('count their runs once, sent %s', async (_, inWhatOrder) => {
    const { tenant, simulationId } = await recorded(inWhatOrder)
    const data = await tenant.data(
      `query ($simulationId: UUID!) {
        ${FIELDS}
        simulation(simulationId: $simulationId) { ${FIELDS} }
        configurations { nodes { ${FIELDS} } }
        configVersions { nodes { ${FIELDS} } }
        scenario(scenarioId: "a") {
          toolAnalytics { nodes { attempts runs commonErrors { attempts runs } } }
          failureGroups { nodes { failures attempts runs } }
        }
      }`,
      { simulationId },
    )
    const { simulation, configurations, configVersions, scenario, ...all } = data
    for (const counted of [all, simulation, ...configurations.nodes, ...configVersions.nodes]) {
      expect(counted).toEqual(COUNTED)
    }
    expect(scenario).toEqual({
      toolAnalytics: { nodes: [{ attempts: 3, runs: 1, commonErrors: [{ attempts: 2, runs: 0 }] }] },
      failureGroups: { nodes: [{ failures: 2, attempts: 2, runs: 0 }] },
    })
  })

  it('have an error once, however often an attempt names it', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a', 'b'])
    const errorTypes = [ERROR, 'Timeout', ERROR]
    const toolUsage = [{ toolName: 'refund', callCount: 3, successRate: 0, errorTypes }]
    await tenant.record(
      ['a', 'b'].map((scenarioId) => ({ simulationId, scenarioId, status: 'ERROR', toolUsage })),
    )
    const { toolAnalytics } = await tenant.data(
      '{ toolAnalytics { nodes { commonErrors { message attempts runs } } } }',
    )
    expect(toolAnalytics.nodes[0].commonErrors).toEqual([
      { message: 'Timeout', attempts: 2, runs: 2 },
      { message: ERROR, attempts: 2, runs: 2 },
    ])
  })

  it('are found by what counts them, and those of last attempts alone', async () => {
    const { tenant } = await recorded((attempts) => [attempts])
    const data = await tenant.data(`{
      healed: failureGroups(filter: { runs: { lt: 1 } }) { totalCount }
      left: failureGroups(filter: { runs: { eq: 1 }, attempts: { gt: 3 } }, orderBy: { field: RUNS }) { totalCount }
      tools: toolAnalytics(filter: { runs: { eq: 3 }, attempts: { eq: 6 } }, orderBy: { field: ATTEMPTS }) { totalCount }
      lastGroups: failureGroups(filter: { superseded: false }) { nodes { failures attempts runs } }
      earlierGroups: failureGroups(filter: { superseded: true }) { nodes { failures attempts runs } }
      lastTools: toolAnalytics(filter: { superseded: false, scenarioId: { in: ["a", "b"] } }) { nodes { calls successRate } }
      failurePatterns(filter: { superseded: false }) { nodes { equalFailures outcome { scenarioId retryCount } } }
      toolUsage(filter: { superseded: true }) { totalCount }
    }`)
    expect(data).toEqual({
      healed: { totalCount: 0 },
      left: { totalCount: 1 },
      tools: { totalCount: 1 },
      lastGroups: { nodes: [{ failures: 1, attempts: 1, runs: 1 }] },
      earlierGroups: { nodes: [{ failures: 3, attempts: 3, runs: 0 }] },
      lastTools: { nodes: [{ calls: 4, successRate: 0.75 }] },
      failurePatterns: { nodes: [{ equalFailures: 3, outcome: { scenarioId: 'b', retryCount: 1 } }] },
      toolUsage: { totalCount: 3 },
    })
  })

  it('follow when the last attempt is amended', async () => {
    const { tenant } = await recorded((attempts) => [attempts])
    const { outcomes } = await tenant.data(
      '{ outcomes(filter: { scenarioId: { eq: "b" } }) { nodes { outcomeId superseded } } }',
    )
    for (const [superseded, left] of [
      [true, { failures: 3, attempts: 3, runs: 1 }],
      [false, { failures: 2, attempts: 2, runs: 0 }],
    ] as const) {
      const { outcomeId } = outcomes.nodes.find((each: any) => each.superseded === superseded)
      const { amendOutcomes } = await tenant.data(
        `mutation ($input: AmendOutcomesInput!) { amendOutcomes(input: $input) { receipts { status } } }`,
        { input: { amendments: [{ outcomeId, failurePatterns: [] }] } },
      )
      expect(amendOutcomes.receipts).toEqual([{ status: 'AMENDED' }])
      const { failureGroups } = await tenant.data('{ failureGroups { nodes { failures attempts runs } } }')
      expect(failureGroups.nodes).toEqual([left])
    }
  })
})

describe('sums', () => {
  it('are exact: what is retried to nothing is nothing, and the simulation ends', async () => {
    const tenant = arc.tenant()
    for (const [mutation, input] of [
      ['completeSimulation', {}],
      ['failSimulation', { errorMessage: 'broke off' }],
      ['cancelSimulation', {}],
    ] as const) {
      const simulationId = await tenant.simulation(['a', 'b'])
      const outcome = (scenarioId: string, reliabilityScore: number, retryCount = 0) => ({
        simulationId,
        scenarioId,
        status: retryCount === 0 ? 'SUCCESS' : 'ERROR',
        reliabilityScore,
        retryCount,
      })
      await tenant.record([outcome('a', 0.1), outcome('b', 0.7)])
      await tenant.record([outcome('b', 0, 1)])
      await tenant.record([outcome('a', 0, 1)])
      expect(await stateOf(tenant, simulationId, 'currentScore')).toEqual({ currentScore: 0 })
      const { errors, simulation } = await end(tenant, mutation, { simulationId, ...input })
      expect([mutation, errors, simulation.overallScore]).toEqual([
        mutation,
        [],
        mutation === 'completeSimulation' ? 0 : null,
      ])
    }
  })

  it('of ten scores of 0.8 have a mean that is 0.8', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a'], { repetitions: 10 })
    await tenant.record(
      Array.from({ length: 10 }, (_, index) => ({
        simulationId,
        scenarioId: 'a',
        repetition: index + 1,
        status: 'SUCCESS',
        reliabilityScore: 0.8,
      })),
    )
    await end(tenant, 'completeSimulation', { simulationId })
    const { simulations } = await tenant.data(
      '{ simulations(filter: { overallScore: { gte: 0.8 } }) { nodes { overallScore currentScore } } }',
    )
    expect(simulations.nodes).toEqual([{ overallScore: 0.8, currentScore: 0.8 }])
  })

  it('of tiny costs are their sum, to the last place', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a'], { repetitions: 100 })
    await tenant.record(
      Array.from({ length: 100 }, (_, index) => ({
        simulationId,
        scenarioId: 'a',
        repetition: index + 1,
        status: 'SUCCESS',
        costUsd: 0.0000004,
      })),
    )
    expect(await stateOf(tenant, simulationId, 'totalCostUsd')).toEqual({ totalCostUsd: 0.00004 })
  })

  it('of costs have room for what each of them may be', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a'], { repetitions: 3 })
    const { receipts } = await tenant.record(
      [1, 2, 3].map((repetition) => ({
        simulationId,
        scenarioId: 'a',
        repetition,
        status: 'SUCCESS',
        costUsd: 999_999.999999,
      })),
    )
    expect(receipts.map(({ status }) => status)).toEqual(['STORED', 'STORED', 'STORED'])
    expect(await stateOf(tenant, simulationId, 'totalCostUsd')).toEqual({ totalCostUsd: 2_999_999.999997 })
  })

  it('take a score that is beside its bounds by a rounding for the bound, and no other', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a', 'b', 'c'])
    const { receipts } = await tenant.record(
      [-1.4e-17, 1 + 4e-16, 1.000001].map((reliabilityScore, index) => ({
        simulationId,
        scenarioId: 'abc'[index],
        status: 'SUCCESS',
        reliabilityScore,
      })),
    )
    expect(receipts.map(({ status, path }) => [status, path])).toEqual([
      ['STORED', null],
      ['STORED', null],
      ['REJECTED', ['reliabilityScore']],
    ])
    expect(await stateOf(tenant, simulationId, 'currentScore')).toEqual({ currentScore: 0.5 })
  })

  it('do so however the score comes', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a', 'b'])
    const { recordScenarioResults } = await tenant.data(
      `mutation ($input: RecordScenarioResultsInput!) {
        recordScenarioResults(input: $input) { receipts { status reason } }
      }`,
      {
        input: {
          simulationId,
          results: [
            { scenario: { id: 'a' }, trajectory: { status: 'success' }, reliability_score: 1 + 1e-10 },
            {
              scenario: { id: 'b' },
              trajectory: { status: 'success' },
              reliability_score: { overall_score: -1e-10 },
            },
          ],
        },
      },
    )
    expect(recordScenarioResults.receipts).toMatchObject([{ status: 'STORED' }, { status: 'STORED' }])
    const { outcomes } = await stateOf(
      tenant,
      simulationId,
      'outcomes { nodes { scenarioId reliabilityScore } }',
    )
    expect(
      Object.fromEntries(outcomes.nodes.map((node: any) => [node.scenarioId, node.reliabilityScore])),
    ).toEqual({ a: 1, b: 0 })
  })

  it('of what nobody knows are unknown, and means are over what is known', async () => {
    const tenant = arc.tenant()
    const [unknown, known] = [await tenant.simulation(['a']), await tenant.simulation(['b'])]
    await tenant.record([
      { simulationId: unknown, scenarioId: 'a', status: 'SUCCESS' },
      {
        simulationId: known,
        scenarioId: 'b',
        status: 'SUCCESS',
        costUsd: 0,
        tokensUsed: 10,
        executionTimeMs: 300,
      },
    ])
    const fields =
      'totalCostUsd totalTokens executionTimeMs events(last: 1) { nodes { totalCostUsd totalTokens } }'
    expect(await stateOf(tenant, unknown, fields)).toEqual({
      totalCostUsd: null,
      totalTokens: null,
      executionTimeMs: null,
      events: { nodes: [{ totalCostUsd: null, totalTokens: null }] },
    })
    expect(await stateOf(tenant, known, fields)).toEqual({
      totalCostUsd: 0,
      totalTokens: 10,
      executionTimeMs: 300,
      events: { nodes: [{ totalCostUsd: 0, totalTokens: 10 }] },
    })
    const { systemPerformance, unpriced } = await tenant.data(
      `{ systemPerformance { nodes { simulations meanExecutionTimeMs totalCostUsd } }
        unpriced: simulations(filter: { totalCostUsd: { isNull: true } }) { nodes { simulationId } } }`,
    )
    // Both in one hour, unless the hour was struck meanwhile.
    if (systemPerformance.nodes.length === 1) {
      expect(systemPerformance.nodes).toEqual([{ simulations: 2, meanExecutionTimeMs: 300, totalCostUsd: 0 }])
    }
    expect(unpriced.nodes).toEqual([{ simulationId: unknown }])
  })
})

describe('a simulation that broke off', () => {
  it('has no overall score, and does not rank before one that went through', async () => {
    const tenant = arc.tenant()
    const scenarios = ['a', 'b', 'c']
    const through = await tenant.simulation(scenarios, { name: 'through' })
    const cancelled = await tenant.simulation(scenarios, { name: 'cancelled' })
    const early = await tenant.simulation(scenarios, { name: 'early' })
    await tenant.record([
      ...scenarios.map((scenarioId) => ({
        simulationId: through,
        scenarioId,
        status: 'SUCCESS',
        reliabilityScore: 0.5,
      })),
      ...[cancelled, early].map((simulationId) => ({
        simulationId,
        scenarioId: 'a',
        status: 'SUCCESS',
        reliabilityScore: 1,
      })),
    ])
    await end(tenant, 'completeSimulation', { simulationId: through })
    await end(tenant, 'completeSimulation', { simulationId: early })
    await end(tenant, 'cancelSimulation', { simulationId: cancelled })
    const { simulations } = await tenant.data(
      `{ simulations(orderBy: { field: OVERALL_SCORE, direction: DESC }) {
        nodes { simulationName overallScore rankingScore scoredScenarios currentScore } } }`,
    )
    expect(simulations.nodes[0]).toEqual({
      simulationName: 'through',
      overallScore: 0.5,
      rankingScore: 0.5,
      scoredScenarios: 3,
      currentScore: 0.5,
    })
    expect(simulations.nodes.slice(1)).toEqual(
      expect.arrayContaining([
        {
          simulationName: 'early',
          overallScore: 1,
          rankingScore: null,
          scoredScenarios: 1,
          currentScore: 1,
        },
        {
          simulationName: 'cancelled',
          overallScore: null,
          rankingScore: null,
          scoredScenarios: 1,
          currentScore: 1,
        },
      ]),
    )
  })
})

describe('results that name no repetition', () => {
  it('are compared with few of those that are stored, however many their scenario has', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a'], { repetitions: 40 })
    const rows = (tokens: number) =>
      Array.from({ length: 40 }, (_, index) => ({
        idx: index,
        outcome_id: null,
        simulation_id: simulationId,
        scenario_id: 'a',
        repetition: null,
        execution_time: '2026-01-01T00:00:00Z',
        time_given: false,
        start_time_given: false,
        status: 'success',
        tokens_used: tokens + (index % 3),
        retry_count: 0,
        trajectory: { start_time: null, status: 'success' },
        step_count: 0,
        metrics: {},
        tools: [],
        failures: [],
      }))
    await arc.sql('admin', async (client) => {
      await client.query('begin')
      await client.query(`select set_config('app.user_id', $1, true)`, [tenant.tenantId])
      await client.query(`set local track_functions = 'all'`)
      const ingest = async (tokens: number) => {
        const { rows: receipts } = await client.query(
          `select receipt, count(*)::int as rows from ingest_outcomes($1) group by receipt`,
          [JSON.stringify({ simulation_ids: [simulationId], numbered: false, rows: rows(tokens) })],
        )
        const { rows: calls } = await client.query(
          `select coalesce(sum(calls), 0)::int as reads from pg_stat_xact_user_functions where funcname = 'outcome_at'`,
        )
        return { receipts, reads: calls[0].reads }
      }
      const first = await ingest(1)
      expect(first.receipts).toEqual([{ receipt: 'STORED', rows: 40 }])
      const again = await ingest(1)
      expect(again.receipts).toEqual([{ receipt: 'DUPLICATE', rows: 40 }])
      const others = await ingest(10)
      expect(others.receipts).toEqual([{ receipt: 'REJECTED', rows: 40 }])
      // Once when they are read, and for those that are equal once when they are compared, here and where they are judged.
      expect(again.reads - first.reads).toBe(3 * 40)
      expect(others.reads - again.reads).toBe(40)
      await client.query('rollback')
    })
  })

  const send = async (tenant: Tenant, simulationId: string, results: object[]) => {
    const { recordScenarioResults } = await tenant.data(
      `mutation ($input: RecordScenarioResultsInput!) {
        recordScenarioResults(input: $input) { receipts { status code outcomeId reason } errors { message } }
      }`,
      { input: { simulationId, results } },
    )
    expect(recordScenarioResults.errors).toEqual([])
    return recordScenarioResults.receipts
  }
  const result = (status: string, score: number) => ({
    scenario: { id: 'a' },
    trajectory: { status, steps: [status] },
    reliability_score: score,
  })

  it('take the next that has none, and are known again when they come again', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a'], { repetitions: 3 })
    const first = await send(tenant, simulationId, [result('success', 1), result('error', 0)])
    expect(first.map(({ status }: any) => status)).toEqual(['STORED', 'STORED'])
    const again = await send(tenant, simulationId, [
      result('error', 0),
      result('success', 1),
      result('timeout', 0),
    ])
    expect(again.map(({ status, outcomeId }: any) => [status, outcomeId])).toEqual([
      ['DUPLICATE', first[1].outcomeId],
      ['DUPLICATE', first[0].outcomeId],
      ['STORED', expect.any(String)],
    ])
    const [refused] = await send(tenant, simulationId, [result('cancelled', 0.5)])
    expect(refused).toMatchObject({
      status: 'REJECTED',
      code: 'REPETITION_OUT_OF_RANGE',
      reason: 'Each repetition of "a" has an outcome already.',
    })
    const { runs } = await stateOf(tenant, simulationId, 'runs { nodes { repetition status } }')
    expect(runs.nodes).toEqual([
      { repetition: 1, status: 'SUCCESS' },
      { repetition: 2, status: 'ERROR' },
      { repetition: 3, status: 'TIMEOUT' },
    ])
  })

  it('are known again also where another attempt followed, with ids of their own and without', async () => {
    const tenant = arc.tenant()
    for (const { ids, atOnce } of [
      { ids: [randomUUID(), randomUUID()], atOnce: false },
      { ids: [], atOnce: false },
      { ids: [], atOnce: true },
    ]) {
      const simulationId = await tenant.simulation(['a'], { repetitions: 2 })
      const [first, second] = [
        {
          simulationId,
          scenarioId: 'a',
          outcomeId: ids[0],
          status: 'ERROR',
          reliabilityScore: 0,
          costUsd: 1,
        },
        { simulationId, scenarioId: 'a', outcomeId: ids[1], status: 'SUCCESS', retryCount: 1, costUsd: 1 },
      ]
      for (const call of atOnce ? [[first, second]] : [[first], [second]]) await tenant.record(call)
      const { receipts } = await tenant.record([first, second])
      expect(receipts.map(({ status }) => status)).toEqual(['DUPLICATE', 'DUPLICATE'])
      const other = await tenant.record([{ ...first, reliabilityScore: 0.5 }])
      expect(other.receipts).toMatchObject([{ status: ids.length > 0 ? 'CONFLICT' : 'STORED' }])
    }
  })

  it('are one where equal ones come in calls of their own, however close together', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a'], { repetitions: 20 })
    const trajectory = { status: 'done', steps: ['looked', 'found'] }
    const outcome = { simulationId, scenarioId: 'a', status: 'SUCCESS', costUsd: 1, trajectory }
    const record = async (more: object) => {
      const { recordOutcome } = await tenant.data(
        `mutation ($input: RecordOutcomeInput!) {
          recordOutcome(input: $input) { receipt { status outcomeId } }
        }`,
        { input: { outcome: { ...outcome, ...more } } },
      )
      return recordOutcome.receipt
    }
    const [equal, others] = await Promise.all([
      Promise.all(Array.from({ length: 8 }, () => record({}))),
      Promise.all([2, 3, 4].map((costUsd) => record({ costUsd }))),
    ])
    expect(equal.map(({ status }) => status).sort()).toEqual([...Array(7).fill('DUPLICATE'), 'STORED'])
    expect(new Set(equal.map(({ outcomeId }) => outcomeId)).size).toBe(1)
    expect(others.map(({ status }) => status)).toEqual(['STORED', 'STORED', 'STORED'])
    expect(await stateOf(tenant, simulationId, 'totalCostUsd')).toEqual({ totalCostUsd: 10 })
  })

  it('leave those that others of the call name', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a'], { repetitions: 3 })
    const outcome = { simulationId, scenarioId: 'a', status: 'SUCCESS' }
    const { receipts } = await tenant.record([
      outcome,
      { ...outcome, repetition: 1 },
      { ...outcome, status: 'ERROR' },
    ])
    expect(receipts.map(({ status }) => status)).toEqual(['STORED', 'STORED', 'STORED'])
    const again = await tenant.record([outcome, { ...outcome, repetition: 1 }])
    expect(again.receipts).toMatchObject([
      { status: 'DUPLICATE', outcomeId: receipts[0].outcomeId },
      { status: 'DUPLICATE', outcomeId: receipts[1].outcomeId },
    ])
    // The next attempt is one at the first run that waits for it.
    await tenant.record([{ ...outcome, status: 'TIMEOUT', retryCount: 1 }])
    const { runs } = await stateOf(tenant, simulationId, 'runs { nodes { repetition status attempts } }')
    expect(runs.nodes).toEqual([
      { repetition: 1, status: 'TIMEOUT', attempts: 2 },
      { repetition: 2, status: 'SUCCESS', attempts: 1 },
      { repetition: 3, status: 'ERROR', attempts: 1 },
    ])
  })

  it('are attempts at any run that has not had them, before or behind those that it has', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a'], { repetitions: 2 })
    const attempt = (retryCount: number, status = 'ERROR') => ({
      simulationId,
      scenarioId: 'a',
      retryCount,
      status,
    })
    // What came before it was never sent, or comes late; one that has none comes first.
    for (const call of [[attempt(1, 'SUCCESS')], [attempt(0)], [attempt(0, 'TIMEOUT')], [attempt(3)]]) {
      const { receipts } = await tenant.record(call)
      expect(receipts).toMatchObject([{ status: 'STORED' }])
    }
    const { receipts } = await tenant.record([attempt(0, 'CANCELLED'), attempt(9)])
    expect(receipts).toMatchObject([{ code: 'REPETITION_OUT_OF_RANGE' }, { code: 'RETRIES_EXCEEDED' }])
    const { outcomes } = await stateOf(
      tenant,
      simulationId,
      'outcomes { nodes { repetition retryCount status } }',
    )
    expect(
      outcomes.nodes
        .map(({ repetition, retryCount, status }: any) => `${repetition}.${retryCount} ${status}`)
        .sort(),
    ).toEqual(['1.0 TIMEOUT', '1.1 SUCCESS', '1.3 ERROR', '2.0 ERROR'])
  })

  it('are runs of their own where only the last attempt of each is sent', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a'], { repetitions: 3 })
    const outcome = { simulationId, scenarioId: 'a', status: 'SUCCESS', retryCount: 2 }
    for (const costUsd of [1, 2, 3]) await tenant.record([{ ...outcome, costUsd }])
    expect(await stateOf(tenant, simulationId, 'succeededScenarios')).toEqual({ succeededScenarios: 3 })
  })

  it('are told the same of a simulation whatever others come in the call', async () => {
    const tenant = arc.tenant()
    const [once, twice] = [await tenant.simulation(['a']), await tenant.simulation(['a'], { repetitions: 2 })]
    const outcome = { simulationId: once, scenarioId: 'a', status: 'SUCCESS' }
    await tenant.record([outcome])
    for (const others of [[], [{ ...outcome, simulationId: twice }]]) {
      const { receipts } = await tenant.record([{ ...outcome, costUsd: 1 }, ...others])
      expect(receipts[0]).toMatchObject({ status: 'CONFLICT', differences: ['costUsd'] })
    }
  })
})

describe('an outcome', () => {
  it('ran the model of its configuration version where nobody says another', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a', 'b'])
    await tenant.record([
      { simulationId, scenarioId: 'a', status: 'SUCCESS' },
      { simulationId, scenarioId: 'b', status: 'SUCCESS', model: 'another' },
    ])
    const { outcomes } = await tenant.data(
      '{ outcomes(filter: { model: { eq: "gpt-4" } }) { nodes { scenarioId model } } }',
    )
    expect(outcomes.nodes).toEqual([{ scenarioId: 'a', model: 'gpt-4' }])
  })

  it('gives its category to the failure patterns that have none', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a', 'b'])
    const patterns = [{ failureType: 'x' }, { failureType: 'y', failureCategory: 'MODEL_ERROR' }]
    await tenant.record([
      {
        simulationId,
        scenarioId: 'a',
        status: 'ERROR',
        errorCategory: 'SANDBOX_ERROR',
        failurePatterns: patterns,
      },
      { simulationId, scenarioId: 'b', status: 'TIMEOUT', failurePatterns: patterns.slice(0, 1) },
    ])
    const { outcomes } = await tenant.data(
      `{ outcomes { nodes { scenarioId failurePatterns { nodes { failureType failureCategory } } } } }`,
    )
    const categories = Object.fromEntries(
      outcomes.nodes.map(({ scenarioId, failurePatterns }: any) => [
        scenarioId,
        failurePatterns.nodes.map(({ failureCategory }: any) => failureCategory).sort(),
      ]),
    )
    expect(categories).toEqual({ a: ['MODEL_ERROR', 'SANDBOX_ERROR'], b: ['TIMEOUT'] })
  })
})

it('a run is found by its Modal call and its sandbox', async () => {
  const tenant = arc.tenant()
  const simulationId = await tenant.simulation(['a', 'b'])
  await tenant.record([
    { simulationId, scenarioId: 'a', status: 'SUCCESS', modalCallId: 'fc-1', sandboxId: 'sb-1' },
    { simulationId, scenarioId: 'b', status: 'SUCCESS', modalCallId: 'fc-2' },
  ])
  const { byCall, bySandbox } = await tenant.data(
    `{ byCall: outcomes(filter: { modalCallId: { eq: "fc-2" } }) { nodes { scenarioId } }
      bySandbox: outcomes(filter: { sandboxId: { eq: "sb-1" } }) { nodes { scenarioId } } }`,
  )
  expect([byCall.nodes, bySandbox.nodes]).toEqual([[{ scenarioId: 'b' }], [{ scenarioId: 'a' }]])
})

it('an attempt has one id, which follows from simulation, scenario, repetition and attempt', async () => {
  const tenant = arc.tenant()
  const simulationId = await tenant.simulation(['a', 'b'], { repetitions: 2 })
  const attempts = [
    ['a', 1, 0],
    ['a', 1, 1],
    ['a', 2, 0],
    ['b', 2, 0],
  ] as const
  const { receipts } = await tenant.record(
    attempts.map(([scenarioId, repetition, retryCount]) => ({
      simulationId,
      scenarioId,
      repetition,
      retryCount,
      status: 'ERROR',
    })),
  )
  expect(receipts.map(({ outcomeId }) => outcomeId)).toEqual(
    attempts.map(
      (attempt) => simulationId.slice(0, 13) + derivedUuid([simulationId, ...attempt].join('/')).slice(13),
    ),
  )
})
