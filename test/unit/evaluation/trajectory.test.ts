import { describe, expect, it } from 'vitest'
import { deriveToolUsage, normaliseTrajectory } from '../../../src/evaluation/outcomes/trajectory.ts'
import type { JsonObject, JsonValue } from '../../../src/json.ts'

describe('normaliseTrajectory', () => {
  const start = new Date('2025-08-01T12:00:00.000Z')
  const added = { start_time: '2025-08-01T12:00:00.000Z', status: 'error' }

  it.each<[string, JsonValue | undefined, JsonObject]>([
    ['an error object', { error: 'boom' }, { error: 'boom', ...added }],
    ['a list', [{ tool: 'search' }], { steps: [{ tool: 'search' }], ...added }],
    ['a text', 'the whole log', { text: 'the whole log', ...added }],
    ['a number', 7, { value: 7, ...added }],
    ['null', null, added],
    ['nothing', undefined, added],
    ['null fields', { start_time: null, status: null }, added],
    ['one of both', { status: 'completed' }, { ...added, status: 'completed' }],
  ])('%s', (_, trajectory, stored) => {
    expect(normaliseTrajectory(trajectory, 'error', start)).toEqual(stored)
  })

  it('returns a whole trajectory itself and copies no more than the top of another', () => {
    const whole = { start_time: '2024-01-15T14:30:00', status: 'completed', steps: [] }
    expect(normaliseTrajectory(whole, 'success', start)).toBe(whole)
    const partial = { messages: [{ role: 'user', content: 'hi' }] }
    expect(normaliseTrajectory(partial, 'success', start).messages).toBe(partial.messages)
    expect(Object.keys(partial)).toEqual(['messages'])
  })
})

const call = (id: string, name: string) => ({ id, type: 'function', function: { name, arguments: '{}' } })

describe('deriveToolUsage', () => {
  it('reads OpenAI chat messages', () => {
    const messages: JsonValue[] = [
      { role: 'user', content: 'Weather in NYC and Boston?' },
      { role: 'assistant', content: null, tool_calls: [call('a', 'get_weather'), call('b', 'get_weather')] },
      { role: 'tool', tool_call_id: 'b', content: 'Error: station 4711 is down' },
      { role: 'tool', tool_call_id: 'a', content: 'Sunny' },
      { role: 'assistant', content: null, tool_calls: [call('c', 'think')] },
      { role: 'tool', tool_call_id: 'c', content: '' },
      { role: 'assistant', content: null, tool_calls: [call('d', 'get_weather')] },
      { role: 'tool', tool_call_id: 'd', content: 'Error: station 12 is down' },
    ]
    const usage = [
      {
        toolName: 'get_weather',
        callCount: 3,
        avgDurationMs: null,
        successRate: 1 / 3,
        toolSequence: [0, 1, 3],
        errorTypes: ['Error: station <n> is down'],
      },
      {
        toolName: 'think',
        callCount: 1,
        avgDurationMs: null,
        successRate: 1,
        toolSequence: [2],
        errorTypes: [],
      },
    ]
    expect(deriveToolUsage(messages)).toEqual(usage)
    for (const field of ['messages', 'steps', 'traj', 'full_trajectory', 'trajectory']) {
      expect(deriveToolUsage({ status: 'success', [field]: messages }), field).toEqual(usage)
    }
  })

  it('times calls by their messages, to the microsecond, and keeps the tools of the simulated user apart', () => {
    const messages: JsonValue[] = [
      {
        role: 'assistant',
        tool_calls: [{ id: '1', name: 'get_plan', arguments: {}, requestor: 'assistant' }],
        timestamp: '2025-08-01T15:09:50.853414',
      },
      { role: 'tool', id: '1', content: '{}', error: false, timestamp: '2025-08-01T15:09:50.853570' },
      {
        role: 'user',
        tool_calls: [{ id: '2', name: 'get_plan', arguments: {}, requestor: 'user' }],
        timestamp: '2025-08-01T15:10:00',
      },
      { role: 'tool', id: '2', content: 'no signal', error: true, timestamp: '2025-08-01T15:10:01.500' },
    ]
    expect(deriveToolUsage({ messages })).toMatchObject([
      { toolName: 'get_plan', avgDurationMs: 0.156, successRate: 1, toolSequence: [0] },
      {
        toolName: 'user:get_plan',
        avgDurationMs: 1500,
        successRate: 0,
        toolSequence: [1],
        errorTypes: ['no signal'],
      },
    ])
  })

  it('finds the call of a result that carries its id as `id`, whatever the order', () => {
    const messages: JsonValue[] = [
      { role: 'assistant', tool_calls: [call('1', 'open'), call('2', 'search')] },
      { role: 'tool', id: '2', content: 'none', error: true },
      { role: 'tool', id: '1', content: 'opened', error: false },
    ]
    expect(deriveToolUsage(messages)).toMatchObject([
      { toolName: 'open', successRate: 1 },
      { toolName: 'search', successRate: 0 },
    ])
  })

  it('reads epoch seconds and exit codes kept beside a message', () => {
    const messages: JsonValue[] = [
      { role: 'assistant', tool_calls: [call('a', 'bash')], extra: { timestamp: 1776075647.25 } },
      { role: 'tool', tool_call_id: 'a', content: '…', extra: { returncode: 2, timestamp: 1776075647.5 } },
    ]
    expect(deriveToolUsage({ messages })).toMatchObject([
      { toolName: 'bash', avgDurationMs: 250, successRate: 0, errorTypes: ['exit code 2'] },
    ])
  })

  it('reads Anthropic content blocks', () => {
    const messages: JsonValue[] = [
      {
        role: 'assistant',
        content: [
          { type: 'text', text: 'Let me look.' },
          { type: 'tool_use', id: 't1', name: 'read_file', input: { path: 'a' } },
          { type: 'tool_use', id: 't2', name: 'read_file', input: { path: 'b' } },
        ],
      },
      {
        role: 'user',
        content: [
          { type: 'tool_result', tool_use_id: 't1', content: 'ok' },
          {
            type: 'tool_result',
            tool_use_id: 't2',
            is_error: true,
            content: [{ type: 'text', text: 'no such file\nsecond line' }],
          },
        ],
      },
    ]
    expect(deriveToolUsage(messages)).toMatchObject([
      { toolName: 'read_file', callCount: 2, successRate: 0.5, errorTypes: ['no such file'] },
    ])
  })

  it('counts a call once when a message has it as tool call and as content block', () => {
    const message: JsonObject = {
      role: 'assistant',
      content: [{ type: 'tool_use', id: 'a', name: 'search', input: {} }],
      tool_calls: [{ id: 'a', name: 'search', args: {} }],
    }
    expect(deriveToolUsage([message])).toMatchObject([{ toolName: 'search', callCount: 1 }])
  })

  it('reads function calls: the legacy messages, and items of the Responses API', () => {
    const legacy: JsonValue[] = [
      { role: 'assistant', content: null, function_call: { name: 'lookup', arguments: '{}' } },
      { role: 'function', name: 'lookup', content: 'found' },
      { role: 'assistant', content: null, function_call: { name: 'lookup', arguments: '{}' } },
      { role: 'function', name: 'lookup', content: 'Error: nothing found' },
    ]
    expect(deriveToolUsage({ messages: legacy })).toMatchObject([
      { toolName: 'lookup', callCount: 2, successRate: 0.5 },
    ])
    const items: JsonValue[] = [
      { type: 'function_call', call_id: 'x', name: 'lookup', arguments: '{}' },
      { type: 'function_call_output', call_id: 'x', output: 'Error: nothing found' },
    ]
    expect(deriveToolUsage(items)).toMatchObject([{ toolName: 'lookup', callCount: 1, successRate: 0 }])
  })

  it('reads a function named by a text, and an error object by its type', () => {
    const messages: JsonValue[] = [
      {
        role: 'assistant',
        content: '',
        tool_calls: [{ id: 'a', function: 'web_browser_go', arguments: {} }],
      },
      { role: 'tool', tool_call_id: 'a', content: '…', error: { type: 'timeout', message: 'after 30 s' } },
    ]
    expect(deriveToolUsage({ messages })).toMatchObject([
      { toolName: 'web_browser_go', successRate: 0, errorTypes: ['timeout'] },
    ])
  })

  it('reads steps with tools and with actions', () => {
    const steps: JsonValue[] = [
      {
        step: 1,
        tool: 'get_weather',
        input: { city: 'NYC' },
        duration_ms: 120,
        timestamp: '2025-08-01T15:09:50Z',
      },
      { step: 2, response: 'Sunny, 72F' },
      { step: 3, tool: 'get_weather', input: {}, duration_ms: 80, error: 'CityNotFound' },
      { action: 'find_file missing_colon.py', observation: 'Found 1 match', execution_time: 0.25 },
      { action: 'search[query words]', observation: 'Error: no result' },
      { action: { name: 'submit', args: {} }, timestamp: '2025-08-01T15:09:51Z' },
      { action: '' },
    ]
    expect(deriveToolUsage({ full_trajectory: steps })).toMatchObject([
      {
        toolName: 'get_weather',
        callCount: 2,
        avgDurationMs: 100,
        successRate: 0.5,
        errorTypes: ['CityNotFound'],
      },
      { toolName: 'find_file', avgDurationMs: 250, successRate: 1 },
      { toolName: 'search', avgDurationMs: null, successRate: 0, toolSequence: [3] },
      { toolName: 'submit', avgDurationMs: null },
    ])
  })

  it('takes times without a zone as UTC, wherever it runs', () => {
    const zone = process.env.TZ
    process.env.TZ = 'Europe/Berlin'
    try {
      const durationBetween = (before: string, after: string) =>
        deriveToolUsage({
          messages: [
            { role: 'assistant', tool_calls: [call('a', 'f')], timestamp: before },
            { role: 'tool', tool_call_id: 'a', content: '', timestamp: after },
          ],
        })[0]!.avgDurationMs
      // Clocks in Berlin went from 2 to 3 o'clock.
      expect(durationBetween('2026-03-29T01:59:59', '2026-03-29T03:00:01')).toBe(3_602_000)
      expect(durationBetween('2026-01-01T12:00:00', '2026-01-01T12:00:01Z')).toBe(1_000)
      expect(durationBetween('2026-01-01 12:00:00.25', '2026-01-01T13:00:00.75+01:00')).toBe(500)
      // What is read in the zone of whoever reads it, or on a day that no month has, is no time.
      expect(durationBetween('Jan 1, 2026 12:00:00', '2026-01-01T12:00:01')).toBeNull()
      expect(durationBetween('2026-02-30T12:00:00Z', '2026-03-02T12:00:01Z')).toBeNull()
    } finally {
      if (zone === undefined) delete process.env.TZ
      else process.env.TZ = zone
    }
  })

  it("prefers a call's own duration to the result's, and that to timestamps", () => {
    const messages = (callField: JsonObject, resultField: JsonObject): JsonValue[] => [
      { role: 'assistant', tool_calls: [{ ...call('a', 'f'), ...callField }], timestamp: 1_700_000_000 },
      { role: 'tool', tool_call_id: 'a', content: '', timestamp: 1_700_000_001_000, ...resultField },
    ]
    const durationOf = (...fields: [JsonObject, JsonObject]) =>
      deriveToolUsage(messages(...fields))[0]?.avgDurationMs
    expect(durationOf({ duration_ms: 5 }, { duration_ms: 7 })).toBe(5)
    expect(durationOf({}, { duration_seconds: 0.007 })).toBe(7)
    expect(durationOf({}, {})).toBe(1000)
    expect(durationOf({}, { timestamp: 1_699_999_999 })).toBe(null)
    expect(durationOf({}, { timestamp: 'yesterday' })).toBe(null)
  })

  it('reads the first list that holds a call', () => {
    const trajectory = {
      messages: [{ role: 'user', content: 'go' }],
      steps: [{ tool: 'search' }],
      trajectory: [],
    }
    expect(deriveToolUsage(trajectory)).toMatchObject([{ toolName: 'search' }])
  })

  it('keeps names and error types within their limits', () => {
    const steps = Array.from({ length: 30 }, (_, index) => ({
      tool: 'n'.repeat(120) + index,
      error: String.fromCharCode(97 + index).repeat(300),
    }))
    const [usage, ...others] = deriveToolUsage(steps)
    expect(others).toEqual([])
    expect(usage).toMatchObject({ toolName: 'n'.repeat(100), callCount: 30, successRate: 0 })
    expect(usage?.errorTypes).toHaveLength(10)
    expect(Math.max(...usage!.errorTypes!.map((type) => type.length))).toBe(200)
  })

  it('lets a result that belongs to no call be', () => {
    const messages: JsonValue[] = [
      { role: 'tool', tool_call_id: 'gone', content: 'Error' },
      { role: 'tool', content: 'Error' },
      { role: 'assistant', tool_calls: [call('a', 'f')] },
      { role: 'tool', tool_call_id: 'a', content: 'fine' },
      { role: 'tool', tool_call_id: 'a', content: 'Error: twice answered' },
    ]
    expect(deriveToolUsage(messages)).toMatchObject([{ toolName: 'f', callCount: 1, successRate: 1 }])
  })

  it.each<[string, JsonValue]>([
    ['null', null],
    ['a text', 'tool_calls'],
    ['an empty object', {}],
    ['other fields', { turn_history: { actions: ['ls'] } }],
    ['odd entries', [null, 1, 'x', [], { tool_calls: 'no' }, { tool_calls: [null, {}, { function: {} }] }]],
    ['odd fields', [{ tool: '' }, { action: 7 }, { action: {} }, { content: [null, { type: 'tool_use' }] }]],
  ])('gives nothing for %s', (_, trajectory) => {
    expect(deriveToolUsage(trajectory)).toEqual([])
  })
})
