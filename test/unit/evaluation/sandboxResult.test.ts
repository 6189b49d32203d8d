import { describe, expect, it } from 'vitest'
import { validateOutcome } from '../../../src/evaluation/outcomes/outcomeValidation.ts'
import { mapSandboxResult } from '../../../src/evaluation/outcomes/sandboxResult.ts'
import { Refusal } from '../../../src/refusal.ts'

const modalResult = {
  scenario: {
    id: 'weather_query_1',
    name: 'NYC Weather Query',
    task_prompt: "What's the weather in NYC?",
  },
  trajectory: {
    status: 'success',
    execution_time_seconds: 3.2,
    token_usage: { prompt_tokens: 156, completion_tokens: 89, total_tokens: 245, total_cost: 0.0087 },
    full_trajectory: [
      { step: 1, tool: 'get_weather', input: { city: 'NYC' } },
      { step: 2, response: 'Sunny, 72F' },
    ],
  },
  reliability_score: {
    overall_score: 0.92,
    dimension_scores: { tool_execution: 1.0, response_quality: 0.89, completeness: 0.95 },
  },
}

function refusalOf(result: unknown): Refusal {
  try {
    mapSandboxResult(result)
  } catch (error) {
    if (error instanceof Refusal) return error
  }
  throw new Error('was not refused')
}

describe('mapSandboxResult', () => {
  it('maps the structure that a Modal sandbox returns', () => {
    const { outcome, scenario, notes } = mapSandboxResult(modalResult)
    expect(scenario).toEqual({
      scenarioId: 'weather_query_1',
      externalId: 'weather_query_1',
      name: 'NYC Weather Query',
      taskPrompt: "What's the weather in NYC?",
    })
    expect(notes).toEqual([])
    expect(outcome).toEqual({
      scenarioId: 'weather_query_1',
      outcomeId: null,
      status: 'success',
      repetition: null,
      retryCount: null,
      executionTime: null,
      executionTimeMs: 3200,
      promptTokens: 156,
      completionTokens: 89,
      tokensUsed: 245,
      costUsd: 0.0087,
      reliabilityScore: 0.92,
      metrics: { tool_execution: 1.0, response_quality: 0.89, completeness: 0.95 },
      trajectory: modalResult.trajectory,
      model: null,
      modalCallId: null,
      sandboxId: null,
      error: null,
      errorCode: null,
      errorCategory: null,
    })
    expect(outcome.trajectory).toBe(modalResult.trajectory)
  })

  it('becomes a row with tool usage and the start of the run', () => {
    const { outcome } = mapSandboxResult({ ...modalResult, execution_time: '2024-01-15T14:30:03.200Z' })
    const { row } = validateOutcome(
      { ...outcome, simulationId: '018f3c4e-7b1a-7c3d-9e5f-0123456789ab' },
      new Date('2024-01-15T14:31:00Z'),
    )
    expect(row.execution_time).toBe('2024-01-15T14:30:03.200Z')
    expect(row.trajectory).toMatchObject({ start_time: '2024-01-15T14:30:00.000Z', status: 'success' })
    expect(row.tools).toMatchObject([{ tool_name: 'get_weather', call_count: 1 }])
  })

  it('reads the fields beside the structure, in snake_case and camelCase', () => {
    const snake = {
      scenario_id: 'Task 7',
      status: 'failed',
      outcome_id: '018F3C4E-7b1a-7c3d-9e5f-0123456789ab',
      repetition: 2,
      retry_count: 1,
      model: 'gpt-4.1',
      modal_call_id: 'fc-1',
      sandbox_id: 'sb-1',
      error: 'boom',
      error_code: 'E1',
      error_category: 'sandbox_error',
      reliability_score: 0.5,
      execution_time_seconds: 1.2345,
      token_usage: { total_tokens: 10 },
      metrics: { turns: 3 },
      trajectory: ['a log line'],
    }
    const camel = Object.fromEntries(
      Object.entries(snake).map(([key, value]) => [
        key.replace(/_(.)/g, (_, c: string) => c.toUpperCase()),
        value,
      ]),
    )
    const mapped = mapSandboxResult({ ...snake })
    expect(mapped.outcome).toMatchObject({
      status: 'error',
      outcomeId: '018f3c4e-7b1a-7c3d-9e5f-0123456789ab',
      repetition: 2,
      retryCount: 1,
      model: 'gpt-4.1',
      modalCallId: 'fc-1',
      sandboxId: 'sb-1',
      error: 'boom',
      errorCode: 'E1',
      errorCategory: 'sandbox_error',
      reliabilityScore: 0.5,
      executionTimeMs: 1235,
      tokensUsed: 10,
      metrics: { turns: 3 },
      trajectory: ['a log line'],
    })
    expect(mapped.scenario).toMatchObject({ externalId: 'Task 7', name: null, taskPrompt: null })
    expect(mapped.scenario.scenarioId).toMatch(/^task_7_[0-9a-f]{8}$/)
    expect(mapSandboxResult({ ...camel, token_usage: { totalTokens: 10 } })).toEqual(mapped)
  })

  it('takes a whole number as scenario id and adds metrics to the dimension scores', () => {
    const { outcome, scenario } = mapSandboxResult({
      ...modalResult,
      scenario: { id: 12 },
      metrics: { turns: 3, completeness: 0 },
    })
    expect(scenario.scenarioId).toBe('12')
    expect(outcome.metrics).toEqual({ tool_execution: 1, response_quality: 0.89, completeness: 0, turns: 3 })
  })

  it.each([
    ['success', ['success', 'Completed', 'complete', 'passed', 'OK', 'succeeded']],
    ['error', ['error', 'failed', 'failure', 'exception', 'errored']],
    ['timeout', ['timeout', 'Timed Out', 'timed-out', 'deadline_exceeded']],
    ['cancelled', ['cancelled', 'canceled', 'aborted', 'skipped']],
  ])('reads the words for %s', (status, words) => {
    for (const word of words) {
      const { outcome, notes } = mapSandboxResult({ scenario_id: 's', trajectory: { status: word } })
      expect([word, outcome.status, notes]).toEqual([word, status, []])
    }
  })

  it('reads an unknown word as error and says so', () => {
    for (const word of ['exploded', 'constructor']) {
      const { outcome, notes } = mapSandboxResult({ scenario_id: 's', status: word })
      expect(outcome.status).toBe('error')
      expect(notes).toEqual([`unknown status "${word}" read as error`])
    }
  })

  it('reads a result without a status as error when it has one, and refuses it otherwise', () => {
    expect(mapSandboxResult({ scenario_id: 's', error: 'boom' }).outcome.status).toBe('error')
    expect(mapSandboxResult({ scenario_id: 's', trajectory: { error: 'boom' } }).outcome.status).toBe('error')
    expect(refusalOf({ scenario_id: 's', trajectory: {} }).inputPath).toEqual(['trajectory', 'status'])
  })

  it('finds when the run ended', () => {
    const timesOf = (fields: object) => {
      const { outcome } = mapSandboxResult({ scenario_id: 's', status: 'ok', ...fields })
      return [outcome.executionTime?.toISOString() ?? null, outcome.executionTimeMs]
    }
    const start_time = '2024-01-15T14:30:00'
    const end_time = '2024-01-15 16:30:02.5+02:00'
    expect(timesOf({ start_time, end_time })).toEqual(['2024-01-15T14:30:02.500Z', 2500])
    expect(timesOf({ start_time, execution_time_seconds: 1 })).toEqual(['2024-01-15T14:30:01.000Z', 1000])
    expect(timesOf({ start_time, execution_time: '2024-01-15T15:00:00.123456Z' })).toEqual([
      '2024-01-15T15:00:00.123Z',
      null,
    ])
    expect(timesOf({ start_time })).toEqual([null, null])
    expect(timesOf({})).toEqual([null, null])
  })

  const result = (fields: object) => ({ scenario_id: 's', status: 'ok', ...fields })

  it.each<[string, unknown, (string | number)[]]>([
    ['no object', [], []],
    ['no scenario', { status: 'ok' }, ['scenario_id']],
    ['a scenario without an id', { scenario: { name: 'x' } }, ['scenario', 'id']],
    ['a fractional id', { scenario: { id: 1.5 } }, ['scenario', 'id']],
    ['a long id', { scenario: { id: 'x'.repeat(501) } }, ['scenario', 'id']],
    ['a name that is no text', { scenario: { id: 's', name: 1 } }, ['scenario', 'name']],
    [
      'negative tokens',
      result({ trajectory: { token_usage: { total_tokens: -1 } } }),
      ['trajectory', 'token_usage', 'total_tokens'],
    ],
    [
      'tokens as text',
      result({ trajectory: { tokenUsage: { promptTokens: '5' } } }),
      ['trajectory', 'tokenUsage', 'promptTokens'],
    ],
    ['a cost out of range', result({ token_usage: { total_cost: 1e10 } }), ['token_usage', 'total_cost']],
    ['usage that is a number', result({ token_usage: 5 }), ['token_usage']],
    ['a negative duration', result({ execution_time_seconds: -1 }), ['execution_time_seconds']],
    [
      'a score over 1',
      result({ reliability_score: { overall_score: 1.01 } }),
      ['reliability_score', 'overall_score'],
    ],
    ['a bare score below 0', result({ reliability_score: -0.1 }), ['reliability_score']],
    ['a score as text', result({ reliability_score: 'good' }), ['reliability_score']],
    [
      'dimension scores in a list',
      result({ reliability_score: { dimension_scores: [1] } }),
      ['reliability_score', 'dimension_scores'],
    ],
    ['metrics in a list', result({ metrics: [1] }), ['metrics']],
    ['repetition 0', result({ repetition: 0 }), ['repetition']],
    ['too many retries', result({ retryCount: 1001 }), ['retryCount']],
    ['an id that is no UUID', result({ outcome_id: 'o1' }), ['outcome_id']],
    [
      'a status that is no word',
      { scenario_id: 's', trajectory: { status: true } },
      ['trajectory', 'status'],
    ],
    ['an error that is no text', result({ error: { message: 'x' } }), ['error']],
    ['an unknown category', result({ error_category: 'cosmic_rays' }), ['error_category']],
    ['a long sandbox id', result({ sandbox_id: 'x'.repeat(201) }), ['sandbox_id']],
    ['a time in words', result({ end_time: 'yesterday' }), ['end_time']],
    ['a day that is none', result({ execution_time: '2024-13-45T00:00:00Z' }), ['execution_time']],
    ['a day that another year has', result({ end_time: '2026-02-29T10:00:00' }), ['end_time']],
    ['a day that another month has', result({ start_time: '2026-04-31 00:00' }), ['start_time']],
    ['a time as number', result({ start_time: 1705329000 }), ['start_time']],
  ])('refuses %s and says where', (_, input, path) => {
    const refusal = refusalOf(input)
    expect([refusal.code, refusal.inputPath]).toEqual(['INVALID_VALUE', path])
  })
})
