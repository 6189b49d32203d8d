import { describe, expect, it } from 'vitest'
import type { OutcomeInput, ToolUsageInput } from '../../../src/evaluation/outcomeInput.ts'
import { validateOutcome } from '../../../src/evaluation/outcomes/outcomeValidation.ts'
import { Refusal } from '../../../src/refusal.ts'

const now = new Date('2025-08-01T12:00:00.000Z')
const minimal: OutcomeInput = {
  simulationId: '018f3c4e-7b1a-7c3d-9e5f-0123456789ab',
  scenarioId: 'weather_query_1',
  status: 'success',
}

function rowOf(fields: Partial<OutcomeInput>) {
  return validateOutcome({ ...minimal, ...fields }, now).row
}

function notesOf(fields: Partial<OutcomeInput>) {
  return validateOutcome({ ...minimal, ...fields }, now).notes
}

/** Takes anything, as a caller without types would send it. */
function refusalOf(fields: Record<string, unknown>): Refusal {
  try {
    validateOutcome({ ...minimal, ...fields } as OutcomeInput, now)
  } catch (error) {
    if (error instanceof Refusal) return error
  }
  throw new Error('was not refused')
}

describe('validateOutcome', () => {
  it('needs no more than simulation, scenario and status', () => {
    expect(validateOutcome(minimal, now)).toEqual({
      row: {
        outcome_id: null,
        simulation_id: minimal.simulationId,
        scenario_id: 'weather_query_1',
        repetition: null,
        execution_time: '2025-08-01T12:00:00.000Z',
        time_given: false,
        start_time_given: false,
        status: 'success',
        reliability_score: null,
        execution_time_ms: null,
        tokens_used: null,
        prompt_tokens: null,
        completion_tokens: null,
        cost_usd: null,
        trajectory: { start_time: '2025-08-01T12:00:00.000Z', status: 'success' },
        step_count: 0,
        metrics: {},
        model: null,
        modal_call_id: null,
        sandbox_id: null,
        error_code: null,
        error_category: null,
        retry_count: 0,
        tools: [],
        failures: [],
      },
      notes: [],
    })
  })

  it('keeps what is given', () => {
    const trajectory = { start_time: '2025-08-01T11:00:00Z', status: 'done', messages: [] }
    const row = rowOf({
      outcomeId: '018F3C4E-0000-7C3D-9E5F-0123456789AB',
      repetition: 3,
      executionTime: new Date('2025-08-01T11:00:05.250Z'),
      reliabilityScore: 1,
      executionTimeMs: 3200.6,
      tokensUsed: 300,
      promptTokens: 156,
      completionTokens: 89,
      costUsd: 0.0087654321,
      trajectory,
      metrics: { completeness: 0.95 },
      model: 'gpt-4.1',
      modalCallId: 'fc-1',
      sandboxId: 'sb-1',
      errorCode: 'E1',
      retryCount: 2,
    })
    expect(row).toMatchObject({
      outcome_id: '018f3c4e-0000-7c3d-9e5f-0123456789ab',
      repetition: 3,
      execution_time: '2025-08-01T11:00:05.250Z',
      reliability_score: 1,
      execution_time_ms: 3201,
      tokens_used: 300,
      cost_usd: 0.0087654321,
      metrics: { completeness: 0.95 },
      model: 'gpt-4.1',
      modal_call_id: 'fc-1',
      sandbox_id: 'sb-1',
      error_code: 'E1',
      retry_count: 2,
    })
    expect(row.trajectory).toBe(trajectory)
  })

  it('starts the trajectory the duration before the end', () => {
    const { trajectory } = rowOf({ executionTimeMs: 3200, trajectory: { error: 'boom' }, status: 'error' })
    expect(trajectory).toEqual({ error: 'boom', start_time: '2025-08-01T11:59:56.800Z', status: 'error' })
  })

  it('adds up tokens when both parts are known', () => {
    expect(rowOf({ promptTokens: 156, completionTokens: 89 }).tokens_used).toBe(245)
    expect(rowOf({ promptTokens: 156 }).tokens_used).toBe(null)
  })

  it('takes the ends of every range', () => {
    const max = 2 ** 31 - 1
    const ends = { executionTimeMs: max, promptTokens: 0, completionTokens: max, costUsd: 999_999.999999 }
    expect(rowOf({ ...ends, reliabilityScore: 0, repetition: max, retryCount: 1000 })).toMatchObject({
      tokens_used: max,
      cost_usd: 999_999.999999,
    })
    expect(rowOf({ executionTime: new Date('2025-08-01T12:05:00Z') }).execution_time).toBe(
      '2025-08-01T12:05:00.000Z',
    )
    expect(rowOf({ executionTime: new Date('2000-01-01T00:00:00Z') }).execution_time).toBe(
      '2000-01-01T00:00:00.000Z',
    )
  })

  it('makes texts, trajectory and metrics storable and says so', () => {
    const { row, notes } = validateOutcome(
      {
        ...minimal,
        status: 'error',
        trajectory: { messages: ['a\0', 'b\ud800'] },
        metrics: { ratio: Number.NaN },
        model: 'gpt\0',
        error: 'bad\0',
      },
      now,
    )
    expect(row).toMatchObject({ trajectory: { messages: ['a\ufffd', 'b\ufffd'] }, metrics: { ratio: null } })
    expect([row.model, row.failures[0]?.error_message]).toEqual(['gpt\ufffd', 'bad\ufffd'])
    expect(notes.sort()).toEqual([
      'U+0000 replaced by U+FFFD in error (1 place)',
      'U+0000 replaced by U+FFFD in model (1 place)',
      'U+0000 replaced by U+FFFD in trajectory (1 place)',
      'lone surrogate replaced by U+FFFD in trajectory (1 place)',
      'non-finite number replaced by null in metrics (1 place)',
    ])
  })

  it('classifies what failed, and nothing that succeeded', () => {
    expect(rowOf({ status: 'error', error: 'Connection refused' }).error_category).toBe('system_error')
    expect(rowOf({ status: 'timeout' }).error_category).toBe('timeout')
    expect(rowOf({ status: 'cancelled' }).error_category).toBe('unknown')
    expect(rowOf({ status: 'error', error: 'x', errorCategory: 'tool_error' }).error_category).toBe(
      'tool_error',
    )
    expect(rowOf({ status: 'success', error: 'Connection refused once' }).error_category).toBe(null)
  })

  it('derives tool usage and failure patterns when none are given', () => {
    const trajectory = {
      error: 'ToolError: no city 17',
      steps: [{ tool: 'get_weather', input: {}, duration_ms: 120, error: 'CityNotFound' }],
    }
    const { tools, failures } = rowOf({ status: 'error', trajectory })
    expect(tools).toEqual([
      {
        tool_name: 'get_weather',
        call_count: 1,
        avg_duration_ms: 120,
        success_rate: 0,
        tool_sequence: [0],
        total_cost_usd: undefined,
        error_types: ['CityNotFound'],
      },
    ])
    expect(failures).toEqual([
      {
        failure_type: 'ToolError',
        failure_category: 'tool_error',
        error_message: 'ToolError: no city 17',
        recovery_attempted: false,
        recovery_successful: false,
        resolution_steps: null,
        signature: expect.stringMatching(/^[0-9a-f]{32}$/),
      },
    ])
    expect(rowOf({ status: 'error', trajectory, toolUsage: [], failurePatterns: [] })).toMatchObject({
      tools: [],
      failures: [],
    })
  })

  it('keeps given tool usage and failure patterns', () => {
    const { tools, failures } = rowOf({
      status: 'error',
      toolUsage: [
        { toolName: 'search', callCount: 2, successRate: 0.5, toolSequence: [0, 3], totalCostUsd: 0.1234567 },
      ],
      failurePatterns: [
        {
          failureType: 'db_check',
          failureCategory: 'validation_error',
          recoveryAttempted: true,
          recoverySuccessful: true,
          resolutionSteps: 'retry',
        },
      ],
    })
    expect(tools).toEqual([
      {
        tool_name: 'search',
        call_count: 2,
        avg_duration_ms: undefined,
        success_rate: 0.5,
        tool_sequence: [0, 3],
        total_cost_usd: 0.1234567,
        error_types: undefined,
      },
    ])
    expect(failures).toMatchObject([
      { failure_type: 'db_check', error_message: null, recovery_successful: true, resolution_steps: 'retry' },
    ])
  })

  it('cuts a long error, but classifies all of it, and says so', () => {
    const frame = '  File "/app/agent.py", line 3, in run\n    step()\n'
    const error = `Traceback (most recent call last):\n${frame.repeat(400)}ValidationError: no city`
    const { row, notes } = validateOutcome({ ...minimal, status: 'error', error }, now)
    expect(row.error_category).toBe('validation_error')
    expect(row.failures).toMatchObject([
      { failure_type: 'ValidationError', error_message: error.slice(0, 10_000) },
    ])
    expect(notes).toEqual([`error cut from ${error.length} to 10000 characters`])
  })

  it('counts characters as PostgreSQL does', () => {
    const { row, notes } = validateOutcome(
      { ...minimal, status: 'error', model: '😀'.repeat(200), error: '😀'.repeat(10_001) },
      now,
    )
    expect(row.model).toBe('😀'.repeat(200))
    expect(row.failures[0]?.error_message).toBe('😀'.repeat(10_000))
    expect(notes).toEqual(['error cut from 10001 to 10000 characters'])
    expect(refusalOf({ model: '😀'.repeat(201) }).message).toBe(
      'model is a string of 201 characters, but must be a string of 1 to 200 characters',
    )
  })

  it('says when given failure patterns leave the error text without a place', () => {
    const pattern = { failureType: 'db_check', failureCategory: 'validation_error' } as const
    expect(notesOf({ error: 'boom', failurePatterns: [pattern] })).toEqual([
      expect.stringContaining('error is not stored'),
    ])
    expect(notesOf({ error: 'boom', failurePatterns: [{ ...pattern, errorMessage: 'boom' }] })).toEqual([])
    expect(notesOf({ status: 'error', failurePatterns: [pattern] })).toEqual([])
  })

  it('counts at most 1000 tools of a trajectory', () => {
    const steps = Array.from({ length: 1001 }, (_, index) => ({ tool: `tool_${index}` }))
    const { row, notes } = validateOutcome({ ...minimal, trajectory: steps }, now)
    expect(row.tools).toHaveLength(1000)
    expect(notes).toEqual(["only the first 1000 of the trajectory's 1001 tools are counted"])
  })
})

describe('refusals of validateOutcome', () => {
  const tool: ToolUsageInput = { toolName: 'search', callCount: 1, successRate: 1 }
  const tools = (fields: object) => ({ toolUsage: [tool, { ...tool, toolName: 'open', ...fields }] })
  const pattern = { failureType: 'x', failureCategory: 'unknown' }
  const patterns = (fields: object) => ({ failurePatterns: [{ ...pattern, ...fields }] })

  it.each<[(string | number)[], Record<string, unknown>, string]>([
    [['simulationId'], { simulationId: 'sim-1' }, 'simulationId is "sim-1", but must be a UUID'],
    [['outcomeId'], { outcomeId: 'o' }, 'a UUID'],
    [['scenarioId'], { scenarioId: 'Task-1' }, 'has the key task_1_'],
    [['scenarioId'], { scenarioId: '' }, '1 to 100 lower-case letters'],
    [['status'], { status: 'done' }, 'one of success, error, timeout, cancelled'],
    [
      ['reliabilityScore'],
      { reliabilityScore: 1.5 },
      'reliabilityScore is 1.5, but must be a number from 0 to 1',
    ],
    [['reliabilityScore'], { reliabilityScore: Number.NaN }, 'reliabilityScore is NaN'],
    [['repetition'], { repetition: 0 }, 'an integer from 1 to 2147483647'],
    [['repetition'], { repetition: 1.5 }, 'an integer from 1'],
    [['retryCount'], { retryCount: 1001 }, 'an integer from 0 to 1000'],
    [['executionTimeMs'], { executionTimeMs: -0.1 }, 'a number from 0 to 2147483647'],
    [['executionTimeMs'], { executionTimeMs: 2 ** 31 }, 'executionTimeMs is 2147483648'],
    [['tokensUsed'], { tokensUsed: '7' }, 'tokensUsed is "7"'],
    [['promptTokens'], { promptTokens: -1 }, 'an integer from 0'],
    [['completionTokens'], { completionTokens: 1.5 }, 'an integer from 0'],
    [['tokensUsed'], { promptTokens: 2 ** 31 - 1, completionTokens: 1 }, 'tokensUsed is 2147483648'],
    [['costUsd'], { costUsd: 1e9 }, 'a number from 0 to 999999999'],
    [['executionTime'], { executionTime: new Date(Number.NaN) }, 'a time'],
    [['executionTime'], { executionTime: '2025-08-01' }, 'a time'],
    [['executionTime'], { executionTime: new Date('1999-12-31T23:59:59Z') }, '2000-01-01'],
    [
      ['model'],
      { model: 'm'.repeat(201) },
      'model is a string of 201 characters, but must be a string of 1 to 200',
    ],
    [['modalCallId'], { modalCallId: 'm'.repeat(201) }, '1 to 200'],
    [['sandboxId'], { sandboxId: 'm'.repeat(201) }, '1 to 200'],
    [['errorCode'], { errorCode: 'm'.repeat(201) }, '1 to 200'],
    [['error'], { error: { message: 'x' } }, 'error is an object, but must be a string'],
    [['errorCategory'], { errorCategory: 'cosmic' }, 'one of timeout'],
    [['metrics'], { metrics: [1] }, 'metrics is a list of 1, but must be an object'],
    [['toolUsage', 1, 'toolName'], tools({ toolName: 'x'.repeat(101) }), '1 to 100'],
    [['toolUsage', 1, 'toolName'], tools({ toolName: 'search' }), 'named once per outcome'],
    [['toolUsage', 1, 'callCount'], tools({ callCount: 0 }), 'toolUsage[1].callCount is 0'],
    [['toolUsage', 1, 'successRate'], tools({ successRate: 1.1 }), 'a number from 0 to 1'],
    [['toolUsage', 1, 'successRate'], tools({ successRate: null }), 'is null'],
    [['toolUsage', 1, 'avgDurationMs'], tools({ avgDurationMs: -1 }), 'a number from 0'],
    [['toolUsage', 1, 'totalCostUsd'], tools({ totalCostUsd: -1 }), 'a number from 0'],
    [['toolUsage', 1, 'errorTypes'], tools({ errorTypes: Array(11).fill('x') }), 'a list of at most 10'],
    [['toolUsage', 1, 'errorTypes', 0], tools({ errorTypes: ['x'.repeat(201)] }), '1 to 200'],
    [['toolUsage'], { toolUsage: Array(1001).fill(tool) }, 'a list of at most 1000'],
    [['failurePatterns', 0, 'failureType'], patterns({ failureType: '' }), '1 to 100'],
    [['failurePatterns', 0, 'failureCategory'], patterns({ failureCategory: 'x' }), 'one of timeout'],
    [
      ['failurePatterns', 0, 'recoverySuccessful'],
      patterns({ recoverySuccessful: true }),
      'recoveryAttempted',
    ],
    [['failurePatterns'], { failurePatterns: Array(1001).fill(pattern) }, 'at most 1000'],
  ])('%j', (path, fields, message) => {
    const refusal = refusalOf(fields)
    expect([refusal.code, refusal.inputPath]).toEqual(['INVALID_VALUE', path])
    expect(refusal.message).toContain(message)
  })

  it('says when a time lies ahead', () => {
    const refusal = refusalOf({ executionTime: new Date('2025-08-01T12:05:00.001Z') })
    expect([refusal.code, refusal.inputPath]).toEqual(['TIME_IN_FUTURE', ['executionTime']])
    expect(refusal.message).toContain('2025-08-01T12:05:00.001Z')
  })

  it('says where a trajectory is nested too deep', () => {
    let tree: unknown = null
    for (let level = 0; level < 201; level++) tree = { tree }
    const refusal = refusalOf({ trajectory: tree })
    expect([refusal.code, refusal.inputPath[0], refusal.inputPath[1]]).toEqual([
      'TOO_LARGE',
      'trajectory',
      'tree',
    ])
  })
})
