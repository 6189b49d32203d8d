import { describe, expect, it } from 'vitest'
import { type Tenant, useArc } from '../support/arc.ts'

const arc = useArc()

const SIMULATION = `query ($simulationId: UUID!) {
  simulation(simulationId: $simulationId) {
    status totalScenarios completedScenarios succeededScenarios failedScenarios scoredScenarios currentScore overallScore
    totalTokens totalCostUsd executionTimeMs eventSeq
    events(last: 1) { nodes { seq kind status succeededScenarios currentScore } }
    runs { nodes { scenarioId status reliabilityScore } }
    outcomes(orderBy: { field: EXECUTION_TIME, direction: ASC }) {
      nodes {
        outcomeId scenarioId status reliabilityScore metrics errorCode errorCategory tokensUsed costUsd eventSeq
        failurePatterns { nodes { failureType failureCategory errorMessage resolutionSteps } }
        toolUsage { nodes { toolName callCount } }
      }
    }
  }
}`

async function stateOf(tenant: Tenant, simulationId: string) {
  return (await tenant.data(SIMULATION, { simulationId })).simulation
}

async function amend(tenant: Tenant, amendments: object[]) {
  const { amendOutcomes } = await tenant.data(
    `mutation ($amendments: [OutcomeAmendmentInput!]!) {
      amendOutcomes(input: { amendments: $amendments }) {
        amendedCount receipts { index outcomeId status code reason path notes } errors { code message path }
      }
    }`,
    { amendments },
  )
  expect(amendOutcomes.errors).toEqual([])
  return amendOutcomes
}

const complete = (tenant: Tenant, simulationId: string, result?: object) =>
  tenant.data(
    `mutation ($input: CompleteSimulationInput!) {
      completeSimulation(input: $input) { simulation { status } errors { message } }
    }`,
    { input: { simulationId, result } },
  )

/** Three runs that nobody has graded: one that went through, one that failed, one that ran out of time. */
async function ungraded(tenant: Tenant) {
  const simulationId = await tenant.simulation(['a', 'b', 'c'])
  const outcomes = ['SUCCESS', 'ERROR', 'TIMEOUT'].map((status, index) => ({
    simulationId,
    scenarioId: 'abc'[index],
    status,
    executionTime: `2026-03-01T10:0${index}:00Z`,
    error: status === 'ERROR' ? 'ToolError: no such file' : undefined,
    tokensUsed: index === 0 ? 100 : undefined,
  }))
  const { receipts } = await tenant.record(outcomes)
  return { simulationId, ids: receipts.map(({ outcomeId }) => outcomeId) as string[], outcomes }
}

describe('an amendment', () => {
  it('grades outcomes later: runs, counts, mean, sums, patterns and tools follow', async () => {
    const tenant = arc.tenant()
    const { simulationId, ids } = await ungraded(tenant)
    const before = await stateOf(tenant, simulationId)
    expect(before).toMatchObject({
      succeededScenarios: 1,
      failedScenarios: 2,
      scoredScenarios: 0,
      eventSeq: 2,
    })
    const { receipts, amendedCount } = await amend(tenant, [
      { outcomeId: ids[0], reliabilityScore: 0.7, metrics: { accuracy: 0.7 }, costUsd: 0.0000004 },
      {
        outcomeId: ids[1],
        status: 'SUCCESS',
        reliabilityScore: 0.1,
        tokensUsed: 50,
        toolUsage: [{ toolName: 'grep', callCount: 2, successRate: 1 }],
      },
      {
        outcomeId: ids[2],
        errorCode: 'E7',
        failurePatterns: [{ failureType: 'slow', errorMessage: 'too slow', resolutionSteps: 'wait' }],
      },
    ])
    expect(amendedCount).toBe(3)
    expect(receipts.map(({ status, outcomeId }: any) => [status, outcomeId])).toEqual(
      ids.map((id) => ['AMENDED', id]),
    )
    const after = await stateOf(tenant, simulationId)
    expect(after).toMatchObject({
      completedScenarios: 3,
      succeededScenarios: 2,
      failedScenarios: 1,
      scoredScenarios: 2,
      currentScore: 0.4,
      totalTokens: 150,
      totalCostUsd: 0.0000004,
      executionTimeMs: null,
      eventSeq: 3,
      events: {
        nodes: [{ seq: 3, kind: 'PROGRESS', status: 'RUNNING', succeededScenarios: 2, currentScore: 0.4 }],
      },
      runs: {
        nodes: [
          { scenarioId: 'a', status: 'SUCCESS', reliabilityScore: 0.7 },
          { scenarioId: 'b', status: 'SUCCESS', reliabilityScore: 0.1 },
          { scenarioId: 'c', status: 'TIMEOUT', reliabilityScore: null },
        ],
      },
    })
    const none = { nodes: [] }
    expect(after.outcomes.nodes).toMatchObject([
      { reliabilityScore: 0.7, metrics: { accuracy: 0.7 }, costUsd: 0.0000004, tokensUsed: 100, eventSeq: 3 },
      {
        status: 'SUCCESS',
        errorCategory: null,
        failurePatterns: none,
        toolUsage: { nodes: [{ toolName: 'grep', callCount: 2 }] },
      },
      {
        errorCode: 'E7',
        errorCategory: 'TIMEOUT',
        failurePatterns: {
          nodes: [
            {
              failureType: 'slow',
              failureCategory: 'TIMEOUT',
              errorMessage: 'too slow',
              resolutionSteps: 'wait',
            },
          ],
        },
      },
    ])
  })

  it('says nothing twice: the same again is UNCHANGED, and makes no event and no entry', async () => {
    const tenant = arc.tenant()
    const { simulationId, ids } = await ungraded(tenant)
    const amendments = [
      { outcomeId: ids[0], reliabilityScore: 1, metrics: { a: [1, { b: null }] } },
      { outcomeId: ids[1], status: 'ERROR', error: 'ToolError: no such file', reliabilityScore: 0 },
    ]
    await amend(tenant, amendments)
    const before = await stateOf(tenant, simulationId)
    const { receipts, amendedCount } = await amend(tenant, amendments)
    expect([amendedCount, receipts.map(({ status }: any) => status)]).toEqual([0, ['UNCHANGED', 'UNCHANGED']])
    expect(await stateOf(tenant, simulationId)).toEqual(before)
  })

  it('reaches a simulation that has ended, whose overall score follows where it is the mean', async () => {
    const tenant = arc.tenant()
    const { simulationId, ids } = await ungraded(tenant)
    await amend(tenant, [{ outcomeId: ids[0], reliabilityScore: 0.5 }])
    await complete(tenant, simulationId)
    await amend(tenant, [{ outcomeId: ids[1], reliabilityScore: 1 }])
    expect(await stateOf(tenant, simulationId)).toMatchObject({
      status: 'COMPLETED',
      overallScore: 0.75,
      events: { nodes: [{ kind: 'AMENDED', status: 'COMPLETED', currentScore: 0.75 }] },
    })

    const given = await ungraded(tenant)
    await complete(tenant, given.simulationId, { overallScore: 0.9 })
    await amend(tenant, [{ outcomeId: given.ids[0], reliabilityScore: 0 }])
    expect(await stateOf(tenant, given.simulationId)).toMatchObject({ overallScore: 0.9, currentScore: 0 })
  })

  it('takes a grade back with null, and leaves what it does not name', async () => {
    const tenant = arc.tenant()
    const { simulationId, ids } = await ungraded(tenant)
    await amend(tenant, [{ outcomeId: ids[0], reliabilityScore: 0.3, metrics: { a: 1 } }])
    await amend(tenant, [{ outcomeId: ids[0], reliabilityScore: null, tokensUsed: null }])
    const state = await stateOf(tenant, simulationId)
    expect(state).toMatchObject({ scoredScenarios: 0, currentScore: null, totalTokens: 100 })
    expect(state.outcomes.nodes[0]).toMatchObject({
      reliabilityScore: null,
      metrics: { a: 1 },
      tokensUsed: 100,
    })
  })

  it('says with its status what the error is, and takes one back with null', async () => {
    const tenant = arc.tenant()
    const { simulationId, ids } = await ungraded(tenant)
    await amend(tenant, [
      { outcomeId: ids[1], errorCode: 'E1' },
      { outcomeId: ids[2], errorCode: 'E2', error: 'no answer' },
    ])
    const errors = async () => {
      const { outcomes } = await stateOf(tenant, simulationId)
      return outcomes.nodes
        .slice(1)
        .map(({ status, errorCode, failurePatterns }: any) => [
          status,
          errorCode,
          failurePatterns.nodes.map(({ errorMessage }: any) => errorMessage),
        ])
    }
    expect(await errors()).toEqual([
      ['ERROR', 'E1', ['ToolError: no such file']],
      ['TIMEOUT', 'E2', ['no answer']],
    ])
    const { receipts } = await amend(tenant, [
      { outcomeId: ids[1], status: 'SUCCESS' },
      { outcomeId: ids[2], error: null },
    ])
    expect(receipts).toMatchObject([{ status: 'AMENDED' }, { status: 'AMENDED' }])
    expect(await errors()).toEqual([
      ['SUCCESS', null, []],
      ['TIMEOUT', 'E2', []],
    ])
  })

  it('of a half of the tokens changes the total that is the sum of both, and no total that was given', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a', 'b', 'c'])
    const { receipts } = await tenant.record(
      [
        { promptTokens: 100, completionTokens: 10 },
        { promptTokens: 100 },
        { promptTokens: 100, completionTokens: 10, tokensUsed: 500 },
      ].map((tokens, index) => ({ simulationId, scenarioId: 'abc'[index], status: 'SUCCESS', ...tokens })),
    )
    await amend(
      tenant,
      receipts.map(({ outcomeId }) => ({ outcomeId, completionTokens: 60 })),
    )
    const { outcomes, totalTokens } = await stateOf(tenant, simulationId)
    const totals = outcomes.nodes.map(({ scenarioId, tokensUsed }: any) => [scenarioId, tokensUsed])
    expect(Object.fromEntries(totals)).toEqual({ a: 160, b: 160, c: 500 })
    expect(totalTokens).toBe(820)
  })

  it('of halves that come to more tokens than are counted is refused alone', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a', 'b'])
    const { receipts } = await tenant.record(
      ['a', 'b'].map((scenarioId) => ({
        simulationId,
        scenarioId,
        status: 'SUCCESS',
        completionTokens: 2_000_000_000,
      })),
    )
    const amended = await amend(
      tenant,
      receipts.map(({ outcomeId }, index) => ({ outcomeId, promptTokens: [2_000_000_000, 5][index] })),
    )
    expect(amended.receipts).toMatchObject([
      { status: 'REJECTED', code: 'INVALID_VALUE', path: ['tokensUsed'] },
      { status: 'AMENDED' },
    ])
  })

  it('leaves what the caller gave who completed the simulation', async () => {
    const tenant = arc.tenant()
    const outcome = {
      scenarioId: 'a',
      status: 'SUCCESS',
      reliabilityScore: 0.5,
      costUsd: 1,
      executionTimeMs: 100,
    }
    const figures = 'overallScore totalCostUsd executionTimeMs'
    const complete = async (simulationId: string, result: object) => {
      const { completeSimulation } = await tenant.data(
        `mutation ($input: CompleteSimulationInput!) {
          completeSimulation(input: $input) { simulation { ${figures} } errors { message } }
        }`,
        { input: { simulationId, result } },
      )
      return completeSimulation
    }
    // The score that is given is the mean, as it happens.
    const given = { overallScore: 0.5, totalCostUsd: 12, executionTimeMs: 5_000 }
    for (const { result, after } of [
      { result: given, after: given },
      { result: {}, after: { overallScore: 1, totalCostUsd: 3, executionTimeMs: 200 } },
      { result: { totalCostUsd: 12 }, after: { overallScore: 1, totalCostUsd: 12, executionTimeMs: 200 } },
    ]) {
      const simulationId = await tenant.simulation(['a'])
      const { receipts } = await tenant.record([{ simulationId, ...outcome }])
      expect((await complete(simulationId, result)).errors).toEqual([])
      await amend(tenant, [
        { outcomeId: receipts[0].outcomeId, reliabilityScore: 1, costUsd: 3, executionTimeMs: 200 },
      ])
      // The same end once more is the same end.
      expect(await complete(simulationId, result)).toEqual({ simulation: after, errors: [] })
    }
  })

  it('of an attempt that a later one took the place of changes its cost and not the run', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a'])
    const { receipts } = await tenant.record([
      { simulationId, scenarioId: 'a', status: 'ERROR', costUsd: 1 },
      { simulationId, scenarioId: 'a', retryCount: 1, status: 'SUCCESS', reliabilityScore: 1 },
    ])
    await amend(tenant, [{ outcomeId: receipts[0].outcomeId, reliabilityScore: 0, costUsd: 3 }])
    expect(await stateOf(tenant, simulationId)).toMatchObject({
      succeededScenarios: 1,
      failedScenarios: 0,
      currentScore: 1,
      totalCostUsd: 3,
      runs: { nodes: [{ status: 'SUCCESS', reliabilityScore: 1 }] },
    })
  })

  it('adds metrics to those that are stored, which it need not know', async () => {
    const tenant = arc.tenant()
    const { simulationId, ids } = await ungraded(tenant)
    const metrics = async () => (await stateOf(tenant, simulationId)).outcomes.nodes[0].metrics
    await amend(tenant, [{ outcomeId: ids[0], metrics: { kept: 1, changed: { deep: 1 } } }])
    for (const status of ['AMENDED', 'UNCHANGED']) {
      const { receipts } = await amend(tenant, [
        { outcomeId: ids[0], addMetrics: { changed: { other: 2 }, added: null } },
      ])
      expect(receipts).toMatchObject([{ status }])
      expect(await metrics()).toEqual({ kept: 1, changed: { other: 2 }, added: null })
    }
    await amend(tenant, [{ outcomeId: ids[0], metrics: { a: 1 }, addMetrics: { b: 2 } }])
    expect(await metrics()).toEqual({ a: 1, b: 2 })
    const { receipts } = await amend(tenant, [{ outcomeId: ids[1], addMetrics: null }])
    expect(receipts).toMatchObject([{ status: 'REJECTED', code: 'INVALID_VALUE' }])
  })

  describe('of a trajectory', () => {
    const said = (...texts: string[]) => texts.map((content) => ({ role: 'assistant', content }))
    const called = (tool: string) => ({
      role: 'assistant',
      tool_calls: [{ id: tool, function: { name: tool, arguments: {} } }],
    })
    const TRAJECTORY = `query ($id: UUID!) { outcome(outcomeId: $id) {
      stepCount trajectory status trajectorySteps { totalCount } toolUsage { nodes { toolName } }
    } }`
    const read = async (tenant: Tenant, id: string) => (await tenant.data(TRAJECTORY, { id })).outcome
    const started = '2026-03-01T10:00:00Z'

    async function recorded(tenant: Tenant, trajectory: unknown): Promise<string> {
      const simulationId = await tenant.simulation(['a'])
      const { receipts } = await tenant.record([
        { simulationId, scenarioId: 'a', status: 'ERROR', executionTime: '2026-03-01T11:00:00Z', trajectory },
      ])
      return receipts[0].outcomeId
    }

    it('puts it in the place of the stored one, with its steps and tools', async () => {
      const tenant = arc.tenant()
      const outcomeId = await recorded(tenant, { start_time: started, messages: said('one') })
      const messages = [...said('one', 'two'), called('grep')]
      const amendment = { outcomeId, trajectory: { messages, result: 12345678901234567890n.toString() } }
      for (const status of ['AMENDED', 'UNCHANGED']) {
        expect((await amend(tenant, [amendment])).receipts).toMatchObject([{ status }])
        expect(await read(tenant, outcomeId)).toEqual({
          stepCount: 3,
          trajectory: { ...amendment.trajectory, start_time: started, status: 'error' },
          status: 'ERROR',
          trajectorySteps: { totalCount: 3 },
          toolUsage: { nodes: [{ toolName: 'grep' }] },
        })
      }
      // What says nothing of tools takes none back; a text or a list becomes what it would be of a new outcome.
      await amend(tenant, [{ outcomeId, trajectory: 'It just went on.', status: 'SUCCESS' }])
      expect(await read(tenant, outcomeId)).toMatchObject({
        stepCount: 0,
        trajectory: { text: 'It just went on.', start_time: started, status: 'success' },
        toolUsage: { nodes: [{ toolName: 'grep' }] },
      })
      await amend(tenant, [
        {
          outcomeId,
          trajectory: [called('find')],
          toolUsage: [{ toolName: 'ls', callCount: 1, successRate: 1 }],
        },
      ])
      expect(await read(tenant, outcomeId)).toMatchObject({
        stepCount: 1,
        trajectory: { steps: [called('find')] },
        toolUsage: { nodes: [{ toolName: 'ls' }] },
      })
      // Null is nothing said.
      await amend(tenant, [{ outcomeId, trajectory: null, tokensUsed: 5 }])
      expect((await read(tenant, outcomeId)).trajectory.steps).toEqual([called('find')])
    })

    it('that grows takes nothing back where it is an older copy', async () => {
      const tenant = arc.tenant()
      const outcomeId = await recorded(tenant, { messages: said('one', 'two') })
      const grown = (...texts: string[]) => ({
        outcomeId,
        trajectory: { messages: said(...texts) },
        trajectoryGrows: true,
        tokensUsed: texts.length,
      })
      for (const [amendment, status, steps] of [
        [grown('one', 'two', 'three'), 'AMENDED', 3],
        [grown('one'), 'UNCHANGED', 3],
        [grown('one', 'two', 'three, and more'), 'AMENDED', 3],
        [{ ...grown('one'), trajectoryGrows: false }, 'AMENDED', 1],
      ] as const) {
        expect((await amend(tenant, [amendment])).receipts).toMatchObject([{ status }])
        expect((await read(tenant, outcomeId)).stepCount).toBe(steps)
      }
      const { receipts } = await amend(tenant, [{ outcomeId, tokensUsed: 9, trajectoryGrows: true }])
      expect(receipts).toMatchObject([
        { status: 'REJECTED', code: 'INVALID_VALUE', path: ['trajectoryGrows'] },
      ])
    })

    it('is told in the audit log by its digest: the log outlives outcomes', async () => {
      const tenant = arc.tenant()
      const outcomeId = await recorded(tenant, { messages: said('one') })
      await amend(tenant, [{ outcomeId, trajectory: { messages: said('a secret', 'two') } }])
      const { auditLog } = await tenant.data(
        '{ auditLog(filter: { tableName: { eq: "outcomes" } }) { nodes { oldData newData } } }',
      )
      const digest = (steps: number) => ({
        step_count: steps,
        trajectory_sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      })
      expect(auditLog.nodes).toMatchObject([{ oldData: digest(1), newData: digest(2) }])
      const [{ oldData, newData }] = auditLog.nodes
      expect(oldData.trajectory_sha256).not.toBe(newData.trajectory_sha256)
      expect(JSON.stringify(auditLog)).not.toContain('secret')
    })
  })

  it('is refused alone, with its reason', async () => {
    const tenant = arc.tenant()
    const { simulationId, ids } = await ungraded(tenant)
    const nobodys = '00000000-0000-4000-8000-000000000000'
    const { receipts } = await amend(tenant, [
      { outcomeId: nobodys, reliabilityScore: 1 },
      { outcomeId: ids[0], reliabilityScore: 1.5 },
      { outcomeId: ids[1], reliabilityScore: 0.5 },
      { outcomeId: ids[1], reliabilityScore: 0.6 },
      { outcomeId: ids[2] },
    ])
    expect(receipts).toMatchObject([
      { status: 'REJECTED', code: 'OUTCOME_NOT_FOUND', reason: `There is no outcome ${nobodys}.` },
      { status: 'REJECTED', code: 'INVALID_VALUE', path: ['reliabilityScore'] },
      { status: 'AMENDED' },
      { status: 'REJECTED', code: 'INVALID_VALUE', path: ['outcomeId'] },
      {
        status: 'REJECTED',
        code: 'INVALID_VALUE',
        reason: 'The amendment says nothing of the outcome but its id.',
      },
    ])
    expect(await stateOf(tenant, simulationId)).toMatchObject({ scoredScenarios: 1, currentScore: 0.5 })
  })

  it('leaves an entry in the audit log: what was before, what is now, and by whom', async () => {
    const tenant = arc.tenant()
    const { ids } = await ungraded(tenant)
    await amend(tenant, [{ outcomeId: ids[1], status: 'SUCCESS', reliabilityScore: 1 }])
    const { auditLog } = await tenant.data(
      '{ auditLog(filter: { tableName: { eq: "outcomes" } }) { nodes { operation actorId oldData newData } } }',
    )
    const row = { outcome_id: ids[1], scenario_id: 'b', repetition: 1 }
    expect(auditLog.nodes).toMatchObject([
      {
        operation: 'UPDATE',
        actorId: 'actor of app_user',
        oldData: { ...row, status: 'error', reliability_score: null, error_category: 'tool_error' },
        newData: { ...row, status: 'success', reliability_score: 1, error_category: null },
      },
    ])
    expect(auditLog.nodes[0].newData).not.toHaveProperty('trajectory')
  })
})

describe('an outcome that comes again', () => {
  it('is a DUPLICATE when it is equal, whatever the order of its keys and with what it left out', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a'])
    const outcome = {
      simulationId,
      scenarioId: 'a',
      status: 'ERROR',
      error: 'boom',
      metrics: { a: 1, b: { c: [1, 2] } },
      trajectory: { steps: [{ tool: 'grep', output: 'x' }] },
    }
    const again = { ...outcome, metrics: { b: { c: [1, 2] }, a: 1.0 } }
    expect((await tenant.record([outcome])).receipts).toMatchObject([{ status: 'STORED' }])
    expect((await tenant.record([again])).receipts).toMatchObject([{ status: 'DUPLICATE', differences: [] }])
    // Twice in one call is the same.
    const other = await tenant.simulation(['a'])
    const twice = [outcome, again].map((each) => ({ ...each, simulationId: other }))
    expect((await tenant.record(twice)).receipts.map(({ status }) => status)).toEqual(['STORED', 'DUPLICATE'])
  })

  it('with a null where there was nothing is another content', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a'])
    const send = (step: object) =>
      tenant.record([
        {
          simulationId,
          scenarioId: 'a',
          status: 'SUCCESS',
          toolUsage: [{ toolName: 'grep', callCount: 1, successRate: 1, toolSequence: [step] }],
        },
      ])
    await send({ line: 1 })
    expect((await send({ line: 1 })).receipts).toMatchObject([{ status: 'DUPLICATE' }])
    expect((await send({ line: 1, file: null })).receipts).toMatchObject([
      { status: 'CONFLICT', differences: ['toolUsage'] },
    ])
  })

  it.each([
    [{ status: 'SUCCESS', error: null }, ['status', 'errorCategory', 'trajectory', 'failurePatterns']],
    [{ reliabilityScore: 0.5 }, ['reliabilityScore']],
    [{ tokensUsed: 7, costUsd: 0.1, executionTimeMs: 5 }, ['executionTimeMs', 'tokensUsed', 'costUsd']],
    [{ executionTime: '2026-03-01T00:00:00Z' }, ['executionTime']],
    [{ trajectory: { start_time: 'then', steps: [] } }, ['trajectory', 'toolUsage']],
    [{ metrics: { a: 2 } }, ['metrics']],
    [{ model: 'another' }, ['model']],
    [{ error: 'bang' }, ['failurePatterns']],
    [{ modalCallId: 'fc-1', sandboxId: 'sb-1' }, ['modalCallId', 'sandboxId']],
  ])(
    'with %j is a CONFLICT that says what differs: nothing is dropped silently',
    async (change, differences) => {
      const tenant = arc.tenant()
      const simulationId = await tenant.simulation(['a', 'b'])
      const outcome = {
        simulationId,
        scenarioId: 'a',
        status: 'ERROR',
        error: 'boom',
        executionTime: '2026-02-01T00:00:00Z',
        trajectory: { steps: [{ tool: 'grep', output: 'x' }] },
      }
      await tenant.record([outcome])
      const before = await stateOf(tenant, simulationId)
      const again = { ...outcome, ...change }
      const { receipts } = await tenant.record([
        again,
        { ...outcome, scenarioId: 'b' },
        { ...again, scenarioId: 'b' },
      ])
      const conflict = { status: 'CONFLICT', code: 'CONFLICT', differences, path: ['outcomeId'] }
      expect(receipts).toMatchObject([conflict, { status: 'STORED' }, conflict])
      expect(receipts[0].reason).toContain(differences.join(', '))
      const { runs } = await stateOf(tenant, simulationId)
      expect(runs.nodes[0]).toEqual(before.runs.nodes[0])
    },
  )
})
