import { randomUUID } from 'node:crypto'
import { pino } from 'pino'
import { describe, expect, it } from 'vitest'
import { createPool } from '../../src/db/pool.ts'
import { inTenantTransaction } from '../../src/db/tenantTransaction.ts'
import { OutcomeQueue } from '../../src/evaluation/outcomes/outcomeQueue.ts'
import { useArc } from '../support/arc.ts'
import { viewerOf } from '../support/sqlAs.ts'

const arc = useArc()

const SIMULATION = `query ($simulationId: UUID!) {
  simulation(simulationId: $simulationId) {
    status succeededScenarios failedScenarios currentScore totalTokens totalCostUsd executionTimeMs eventSeq
    outcomes(first: 100) { totalCount }
    runs { nodes { scenarioId repetition status attempts outcome { retryCount } } }
  }
}`

describe('recordOutcomes', () => {
  it('stores a batch once, however often it is sent', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a', 'b'])
    const batch = [
      {
        simulationId,
        scenarioId: 'a',
        status: 'SUCCESS',
        reliabilityScore: 0.5,
        costUsd: 0.1,
        tokensUsed: 7,
        executionTimeMs: 20,
      },
      {
        simulationId,
        scenarioId: 'b',
        status: 'TIMEOUT',
        outcomeId: randomUUID(),
        executionTime: '2026-01-05T00:00:00Z',
      },
    ]
    const first = await tenant.record(batch)
    expect(first.receipts.map(({ status }) => status)).toEqual(['STORED', 'STORED'])
    const { simulation: before } = await tenant.data(SIMULATION, { simulationId })

    const again = await tenant.record(batch)
    expect(again.storedCount).toBe(0)
    expect(again.receipts.map(({ status, outcomeId }) => [status, outcomeId])).toEqual(
      first.receipts.map(({ outcomeId }) => ['DUPLICATE', outcomeId]),
    )
    const { simulation: after } = await tenant.data(SIMULATION, { simulationId })
    expect(after).toEqual(before)
    expect(after).toMatchObject({
      succeededScenarios: 1,
      failedScenarios: 1,
      currentScore: 0.5,
      totalTokens: 7,
      totalCostUsd: 0.1,
      executionTimeMs: 20,
      eventSeq: 2,
    })
  })

  it('stores a batch once when it is sent twice at the same time', async () => {
    const tenant = arc.tenant()
    const scenarioIds = Array.from({ length: 40 }, (_, index) => `s${index}`)
    const simulationId = await tenant.simulation(scenarioIds)
    const batch = scenarioIds.map((scenarioId) => ({
      simulationId,
      scenarioId,
      status: 'SUCCESS',
      outcomeId: randomUUID(),
    }))
    const answers = await Promise.all([
      tenant.record(batch),
      tenant.record([...batch].reverse()),
      tenant.record(batch),
    ])
    const stored = answers.map(({ storedCount }) => storedCount)
    expect(stored.reduce((sum, count) => sum + count)).toBe(40)
    expect(
      answers
        .flatMap(({ receipts }) => receipts.map(({ status }) => status))
        .filter((status) => status === 'REJECTED'),
    ).toEqual([])
    const { simulation } = await tenant.data(SIMULATION, { simulationId })
    expect(simulation).toMatchObject({ succeededScenarios: 40, outcomes: { totalCount: 40 } })
  })

  it('rejects a bad row with the reason and the field, and stores the others', async () => {
    const tenant = arc.tenant()
    const stranger = arc.tenant()
    const simulationId = await tenant.simulation(['a', 'b', 'c'])
    const foreign = await stranger.simulation(['a'])
    await tenant.scenarios('elsewhere')
    const row = { simulationId, scenarioId: 'a', status: 'SUCCESS' }
    const inFuture = new Date(Date.now() + 6 * 60_000).toISOString()
    const bad = [
      { ...row, reliabilityScore: 1.2 },
      { ...row, scenarioId: 'nobody' },
      { ...row, scenarioId: 'elsewhere' },
      { ...row, simulationId: foreign },
      { ...row, simulationId: randomUUID() },
      { ...row, repetition: 2 },
      { ...row, repetition: 0 },
      { ...row, executionTime: inFuture },
      { ...row, executionTime: '1999-01-01T00:00:00Z' },
      { ...row, costUsd: -1 },
      { ...row, tokensUsed: -1 },
      { ...row, executionTimeMs: 3e9 },
      { ...row, toolUsage: [{ toolName: 'x', callCount: 0, successRate: 1 }] },
      { ...row, failurePatterns: [{ failureType: '', failureCategory: 'UNKNOWN' }] },
      { ...row, retryCount: -1 },
    ]
    const { receipts, storedCount } = await tenant.record([
      { ...row, scenarioId: 'b' },
      ...bad,
      { ...row, scenarioId: 'c', trajectory: { text: 'nul \u0000 inside' } },
    ])
    expect(storedCount).toBe(2)
    expect(receipts[0].status).toBe('STORED')
    expect(receipts.at(-1)).toMatchObject({ status: 'STORED', notes: [expect.stringContaining('U+0000')] })
    expect(
      receipts
        .slice(1, -1)
        .map(({ index, status, code, path, reason }) => [index, status, code, path, typeof reason]),
    ).toEqual([
      [1, 'REJECTED', 'INVALID_VALUE', ['reliabilityScore'], 'string'],
      [2, 'REJECTED', 'SCENARIO_NOT_FOUND', ['scenarioId'], 'string'],
      [3, 'REJECTED', 'SCENARIO_NOT_IN_SIMULATION', ['scenarioId'], 'string'],
      [4, 'REJECTED', 'SIMULATION_NOT_FOUND', ['simulationId'], 'string'],
      [5, 'REJECTED', 'SIMULATION_NOT_FOUND', ['simulationId'], 'string'],
      [6, 'REJECTED', 'REPETITION_OUT_OF_RANGE', ['repetition'], 'string'],
      [7, 'REJECTED', 'INVALID_VALUE', ['repetition'], 'string'],
      [8, 'REJECTED', 'TIME_IN_FUTURE', ['executionTime'], 'string'],
      [9, 'REJECTED', 'INVALID_VALUE', ['executionTime'], 'string'],
      [10, 'REJECTED', 'INVALID_VALUE', ['costUsd'], 'string'],
      [11, 'REJECTED', 'INVALID_VALUE', ['tokensUsed'], 'string'],
      [12, 'REJECTED', 'INVALID_VALUE', ['executionTimeMs'], 'string'],
      [13, 'REJECTED', 'INVALID_VALUE', ['toolUsage', '0', 'callCount'], 'string'],
      [14, 'REJECTED', 'INVALID_VALUE', ['failurePatterns', '0', 'failureType'], 'string'],
      [15, 'REJECTED', 'INVALID_VALUE', ['retryCount'], 'string'],
    ])
    const { outcomes } = await tenant.data('{ outcomes { nodes { scenarioId trajectory } } }')
    expect(outcomes.nodes.find(({ scenarioId }: any) => scenarioId === 'c').trajectory.text).toBe(
      'nul \ufffd inside',
    )
  })

  it('takes 1,000 rows and no more, and says so without storing any', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a'], { repetitions: 1000 })
    const rows = (count: number) =>
      Array.from({ length: count }, (_, index) => ({
        simulationId,
        scenarioId: 'a',
        repetition: index + 1,
        status: 'SUCCESS',
      }))
    const tooMany = await tenant.record(rows(1001))
    expect(tooMany).toMatchObject({
      storedCount: 0,
      receipts: [],
      errors: [{ code: 'TOO_MANY_ROWS', path: ['outcomes'] }],
    })
    expect(await tenant.record([])).toMatchObject({ errors: [{ code: 'INVALID_VALUE', path: ['outcomes'] }] })
    expect((await tenant.record(rows(1000))).storedCount).toBe(1000)
  })

  it('lets a later attempt take the place of an earlier one, and counts each run once', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a', 'b'])
    const row = { simulationId, scenarioId: 'a', costUsd: 1, tokensUsed: 1 }
    await tenant.record([{ ...row, status: 'ERROR', reliabilityScore: 0 }])
    const { receipts } = await tenant.record([
      { ...row, status: 'SUCCESS', reliabilityScore: 1, retryCount: 1 },
      { ...row, status: 'ERROR', reliabilityScore: 0, outcomeId: randomUUID() },
    ])
    expect(receipts.map(({ status, code }) => [status, code])).toEqual([
      ['STORED', null],
      ['REJECTED', 'ATTEMPT_ALREADY_RECORDED'],
    ])
    const { simulation } = await tenant.data(SIMULATION, { simulationId })
    expect(simulation).toMatchObject({
      succeededScenarios: 1,
      failedScenarios: 0,
      currentScore: 1,
      totalCostUsd: 2,
      totalTokens: 2,
    })
    expect(simulation.runs.nodes[0]).toEqual({
      scenarioId: 'a',
      repetition: 1,
      status: 'SUCCESS',
      attempts: 2,
      outcome: { retryCount: 1 },
    })
  })

  it('starts a pending simulation and takes nothing after its end, but knows what it has', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a', 'b'], { start: false })
    const rowOf = (scenarioId: string) => ({ simulationId, scenarioId, status: 'SUCCESS' })
    expect((await tenant.data(SIMULATION, { simulationId })).simulation.status).toBe('PENDING')
    await tenant.record([rowOf('a')])
    expect((await tenant.data(SIMULATION, { simulationId })).simulation.status).toBe('RUNNING')
    await tenant.data(
      `mutation ($id: UUID!) { completeSimulation(input: { simulationId: $id }) { errors { code } } }`,
      { id: simulationId },
    )
    const { receipts } = await tenant.record([rowOf('a'), rowOf('b')])
    expect(receipts.map(({ status, code }) => [status, code])).toEqual([
      ['DUPLICATE', null],
      ['REJECTED', 'SIMULATION_ENDED'],
    ])
  })

  it('keeps one outcome id for one run', async () => {
    const tenant = arc.tenant()
    const [one, other] = [await tenant.simulation(['a']), await tenant.simulation(['a'])]
    const outcomeId = randomUUID()
    await tenant.record([{ simulationId: one, scenarioId: 'a', status: 'SUCCESS', outcomeId }])
    const { receipts } = await tenant.record([
      { simulationId: other, scenarioId: 'a', status: 'SUCCESS', outcomeId },
    ])
    expect(receipts).toMatchObject([{ status: 'REJECTED', code: 'OUTCOME_ID_TAKEN', path: ['outcomeId'] }])
  })
})

describe('recordOutcome', () => {
  it('gathers what arrives together, and answers each call after its commit', async () => {
    const tenant = arc.tenant()
    const scenarioIds = Array.from({ length: 30 }, (_, index) => `s${index}`)
    const simulationId = await tenant.simulation(scenarioIds)
    const record = (scenarioId: string) =>
      tenant.data(
        `mutation ($outcome: OutcomeInput!) {
          recordOutcome(input: { outcome: $outcome }) { receipt { index status code } errors { code } }
        }`,
        { outcome: { simulationId, scenarioId, status: 'SUCCESS' } },
      )
    let answers: any[] = []
    const statements = await arc.statementsDuring(async () => {
      answers = await Promise.all([...scenarioIds, 'nobody'].map(record))
    })
    expect(answers.slice(0, -1).map(({ recordOutcome }) => recordOutcome.receipt.status)).toEqual(
      scenarioIds.map(() => 'STORED'),
    )
    expect(answers.at(-1).recordOutcome.receipt).toMatchObject({
      status: 'REJECTED',
      code: 'SCENARIO_NOT_FOUND',
    })
    const batches = statements.filter((statement) => statement.includes('ingestOutcomes')).length
    expect(batches).toBeLessThan(30)
    const { simulation } = await tenant.data(SIMULATION, { simulationId })
    expect(simulation.succeededScenarios).toBe(30)
    // One event a batch, besides the start; the batch that held only the rejected row has none.
    expect([batches, batches + 1]).toContain(simulation.eventSeq)
  })
})

describe('the queue of single outcomes', () => {
  it('makes batches of so many bytes, and of each outcome that has more by itself', async () => {
    const tenant = arc.tenant()
    const mebibytes = [1, 1, 1, 2, 2, 9, 1]
    const simulationId = await tenant.simulation(mebibytes.map((_, index) => `s${index}`))
    const pool = createPool({ connectionString: arc.databaseUrl, max: 1, logger: pino({ level: 'silent' }) })
    const written: number[] = []
    try {
      const queue = new OutcomeQueue(
        (viewer, bytes) => (work) => {
          written.push(bytes / 1_048_576)
          return inTenantTransaction(pool, viewer, 'read write', work)
        },
        { all: 1_000, ofTenant: 1_000 },
      )
      const receipts = await Promise.all(
        mebibytes.map((size, index) =>
          queue.record(
            viewerOf(tenant),
            { simulationId, scenarioId: `s${index}`, status: 'success' },
            size * 1_048_576,
          ),
        ),
      )
      expect(receipts.map(({ status }) => status)).toEqual(mebibytes.map(() => 'STORED'))
      expect(written).toEqual([3, 4, 9, 1])
    } finally {
      await pool.end()
    }
  })

  it('stores what comes at once as one batch for each actor', async () => {
    const tenant = arc.tenant()
    const scenarioIds = Array.from({ length: 30 }, (_, index) => `s${index}`)
    const simulationId = await tenant.simulation(scenarioIds)
    const pool = createPool({
      connectionString: arc.databaseUrl,
      max: 1,
      logger: pino({ level: 'silent' }),
    })
    try {
      const queue = new OutcomeQueue(
        (viewer) => (work) => inTenantTransaction(pool, viewer, 'read write', work),
        { all: 1_000, ofTenant: 1_000 },
      )
      const viewer = viewerOf(tenant)
      const viewers = [viewer, { ...viewer, actorId: 'somebody else' }]
      const statements = await arc.statementsDuring(async () => {
        const receipts = await Promise.all(
          scenarioIds.map((scenarioId, index) =>
            queue.record(viewers[index % 2]!, { simulationId, scenarioId, status: 'success' }, 100),
          ),
        )
        expect(receipts.map(({ status }) => status)).toEqual(scenarioIds.map(() => 'STORED'))
      })
      expect(statements.filter((statement) => statement.includes('ingestOutcomes'))).toHaveLength(2)
    } finally {
      await pool.end()
    }
  })
})

describe('recordScenarioResults', () => {
  const result = (id: string, more: object = {}) => ({
    scenario: { id, name: 'NYC Weather Query', task_prompt: "What's the weather in NYC?" },
    trajectory: {
      status: 'success',
      execution_time_seconds: 3.2,
      token_usage: { prompt_tokens: 156, completion_tokens: 89, total_tokens: 245, total_cost: 0.0087 },
      full_trajectory: [
        { step: 1, tool: 'get_weather', input: { city: 'NYC' } },
        { step: 2, response: 'Sunny, 72°F' },
      ],
    },
    reliability_score: { overall_score: 0.92, dimension_scores: { tool_execution: 1 } },
    modal_call_id: 'fc-1',
    ...more,
  })

  it('maps the sandbox’s structure, makes the unknown scenario and adds it to the simulation', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['planned'])
    const { recordScenarioResults } = await tenant.data(
      `mutation ($input: RecordScenarioResultsInput!) {
        recordScenarioResults(input: $input) { storedCount receipts { status code path reason } errors { code } }
      }`,
      {
        input: {
          simulationId,
          results: [
            result('weather_query_1'),
            result('no prompt', { scenario: { id: 'no prompt' } }),
            result('bad', { reliability_score: { overall_score: 7 } }),
          ],
        },
      },
    )
    expect(recordScenarioResults.receipts).toMatchObject([
      { status: 'STORED' },
      { status: 'REJECTED', code: 'SCENARIO_NOT_FOUND' },
      { status: 'REJECTED', code: 'INVALID_VALUE', path: ['reliability_score', 'overall_score'] },
    ])
    const { simulation } = await tenant.data(
      `query ($simulationId: UUID!) {
        simulation(simulationId: $simulationId) {
          totalScenarios scenarioSet
          outcomes { nodes {
            status reliabilityScore executionTimeMs tokensUsed promptTokens completionTokens costUsd modalCallId metrics
            scenario { name taskPrompt } toolUsage { nodes { toolName callCount } }
          } }
        }
      }`,
      { simulationId },
    )
    expect(simulation).toEqual({
      totalScenarios: 2,
      scenarioSet: ['planned', 'weather_query_1'],
      outcomes: {
        nodes: [
          {
            status: 'SUCCESS',
            reliabilityScore: 0.92,
            executionTimeMs: 3200,
            tokensUsed: 245,
            promptTokens: 156,
            completionTokens: 89,
            costUsd: 0.0087,
            modalCallId: 'fc-1',
            metrics: { tool_execution: 1 },
            scenario: { name: 'NYC Weather Query', taskPrompt: "What's the weather in NYC?" },
            toolUsage: { nodes: [{ toolName: 'get_weather', callCount: 1 }] },
          },
        ],
      },
    })
  })
})
