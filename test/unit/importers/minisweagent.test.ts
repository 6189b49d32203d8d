import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parse as parseYaml } from 'yaml'
import { detectFormat } from '../../../src/importers/formats.ts'
import { miniSweAgent } from '../../../src/importers/minisweagent.ts'
import { expectSound, mutatedDocument } from '../../support/mutatedDocument.ts'

function call(id: string, timestamp: number, usage: object) {
  const tool_calls = [{ id, type: 'function', function: { name: 'bash', arguments: '{"command": "ls"}' } }]
  return { role: 'assistant', content: '', tool_calls, extra: { timestamp, response: { usage } } }
}

function result(tool_call_id: string, timestamp: number, returncode: number) {
  return { role: 'tool', tool_call_id, content: 'x', extra: { timestamp, returncode, raw_output: 'x' } }
}

const task = { role: 'user', content: 'Issue:\nThe kite\r\nfalls.\nGo.' }

const small = {
  info: {
    model_stats: { instance_cost: 0.25, api_calls: 2 },
    config: {
      agent: {
        instance_template: 'Issue:\n{{task}}\nGo.',
        step_limit: 9,
        output_path: '/tmp/7' as string | null,
      },
      agent_type: 'DefaultAgent',
      model: { model_name: 'kite/model-2', model_kwargs: { temperature: 0.5 } },
      environment: { image: 'kites:7', cwd: '/kites' },
    },
    mini_version: '2.2.7',
    exit_status: 'Submitted' as string | null,
    submission: 'diff',
  } as Record<string, unknown>,
  messages: [
    { role: 'system', content: 'You fix kites.' },
    task,
    call('a', 1776074483, { prompt_tokens: 10, completion_tokens: 2, total_tokens: 14 }),
    result('a', 1776074483.25, 0),
    call('b', 1776074484, { input_tokens: 20, output_tokens: 3 }),
    result('b', 1776074484.75, 1),
    { role: 'exit', content: 'diff', extra: { exit_status: 'Submitted' } },
  ] as object[],
  trajectory_format: 'mini-swe-agent-1.1',
  instance_id: 'kites__kite-7',
}

function parse(document: unknown, path = '/runs/one/kites__kite-7/kites__kite-7.traj.json') {
  const { runs, rejected } = miniSweAgent.parse(document, path)
  expect(rejected).toEqual([])
  const [run] = runs as [(typeof runs)[0]]
  return { run, outcome: run.outcomes[0]!, scenario: run.scenarios[0]! }
}

function withInfo(info: object) {
  return { ...small, info: { ...small.info, ...info } }
}

test('is recognised by its content', () => {
  expect(detectFormat(small)).toBe(miniSweAgent)
  expect(detectFormat({ messages: [], info: { mini_version: '1.0' } })).toBe(miniSweAgent)
  expect(detectFormat({ messages: [], info: {} })).toBeUndefined()
  expect(detectFormat({ ...small, messages: {} })).toBeUndefined()
})

test('a file is one ungraded outcome, with times, tokens and how its commands went', () => {
  const { outcome, run } = parse(small)
  expect(outcome).toMatchObject({
    scenarioExternalId: 'swe/kites__kite-7',
    repetition: 1,
    status: 'success',
    executionTime: new Date(1776074484750),
    reliabilityScore: null,
    executionTimeMs: 1750,
    promptTokens: 30,
    completionTokens: 5,
    tokensUsed: 37,
    costUsd: 0.25,
    model: 'kite/model-2',
    metrics: { exit_status: 'Submitted', api_calls: 2, message_count: 7, has_patch: true },
    error: null,
    failurePatterns: [],
  })
  expect(outcome.trajectory).toEqual({ ...small, status: 'success', start_time: '2026-04-13T10:01:23.000Z' })
  expect(outcome.toolUsage).toEqual([
    {
      toolName: 'bash',
      callCount: 2,
      avgDurationMs: 500,
      successRate: 0.5,
      toolSequence: [0, 1],
      errorTypes: ['exit code 1'],
    },
  ])
  expect(run.name).toBe('mini-swe-agent kite/model-2 one')
})

test('the commands of a model without tools are read out of its text', () => {
  const fenced = 'THOUGHT\n\n```mswea_bash_command\nls\n```'
  const messages = [
    task,
    { role: 'assistant', content: fenced },
    { role: 'user', content: '<returncode>2</returncode>\n<output>\n</output>' },
    { role: 'assistant', content: '```bash\nls\n```' },
    { role: 'user', content: 'x', extra: { returncode: 0 } },
    { role: 'assistant', content: '', extra: { actions: [{ command: 'ls' }, { command: 'ls' }] } },
    { role: 'user', content: 'x', extra: { returncode: 0 } },
    { role: 'user', content: 'x', extra: { returncode: 1 } },
    { role: 'assistant', content: 'No command.' },
  ]
  expect(parse({ ...small, messages }).outcome.toolUsage).toMatchObject([
    { toolName: 'bash', callCount: 4, successRate: 0.5, errorTypes: ['exit code 2', 'exit code 1'] },
  ])
})

test('the configuration is that of the file without what is of one instance', () => {
  const { configuration } = parse(small).run
  expect(configuration.name).toBe('mini-swe-agent kite/model-2')
  expect(parseYaml(configuration.yaml)).toEqual({
    model: 'kite/model-2',
    temperature: 0.5,
    agent: { instance_template: 'Issue:\n{{task}}\nGo.', step_limit: 9 },
    agent_type: 'DefaultAgent',
    environment: { cwd: '/kites' },
    model_settings: { model_name: 'kite/model-2', model_kwargs: { temperature: 0.5 } },
    mini_version: '2.2.7',
  })
})

test('the scenario is the same as for SWE-agent: the issue alone', () => {
  const { scenario } = parse(small)
  expect(scenario).toMatchObject({
    externalId: 'swe/kites__kite-7',
    taskPrompt: 'The kite\nfalls.',
    tags: ['swe', 'kites/kite'],
  })
  const { instance_id, ...unnamed } = small
  expect(parse(unnamed).scenario).toEqual(scenario)
  expect(parse(withInfo({ config: {} })).scenario.taskPrompt).toBe('Issue:\nThe kite\nfalls.\nGo.')
  const other = [{ role: 'user', content: 'Something else:\nThe kite\nfalls.\nGo.' }]
  expect(parse({ ...small, messages: other }).scenario.taskPrompt).toBe(other[0]!.content)
  const unended = [{ role: 'user', content: 'Issue:\nThe kite' }]
  expect(parse({ ...small, messages: unended }).scenario.taskPrompt).toBe(unended[0]!.content)
  expect(parse({ ...small, messages: [] }).scenario.taskPrompt).toBeNull()
})

test.each([
  [{ exit_status: 'Timeout', exception_str: 'litellm.Timeout: 600 s.' }, 'timeout', 'Timeout', 'timeout'],
  [
    { exit_status: 'InternalServerError', exception_str: 'litellm: EOF' },
    'error',
    'InternalServerError',
    'model_error',
  ],
  [{ exit_status: 'LimitsExceeded' }, 'timeout', 'LimitsExceeded', 'timeout'],
  [
    { exit_status: 'ContextWindowExceededError', exception_str: 'litellm: too long' },
    'timeout',
    'ContextWindowExceededError',
    'model_error',
  ],
  [{ exit_status: null }, 'error', 'unfinished', 'unknown'],
])('%o is the status %s', (info, status, failureType, failureCategory) => {
  const { outcome } = parse(withInfo(info))
  expect(outcome).toMatchObject({ status, errorCode: failureType, errorCategory: failureCategory })
  expect(outcome.failurePatterns).toMatchObject([{ failureType, failureCategory }])
  if ('exception_str' in info) expect(outcome.error).toBe(info.exception_str)
})

test('a run that ended before its first message has no times and no tokens', () => {
  const { outcome } = parse({ ...small, messages: [task] })
  expect(outcome).toMatchObject({
    executionTime: null,
    executionTimeMs: null,
    tokensUsed: null,
    toolUsage: [],
  })
})

test('a file that cannot be read is rejected with the reason', () => {
  const rejected = (document: object) => miniSweAgent.parse(document, '/runs/7.traj.json').rejected
  expect(rejected({ ...small, messages: 3 })).toEqual([
    { record: 'the trajectory', reason: 'messages is 3, not a list' },
  ])
  expect(rejected(withInfo({ model_stats: 'much' }))[0]?.reason).toContain('"much"')
  expect(rejected({ ...small, instance_id: {} })[0]?.reason).toContain('the id of the instance is an object')
  expect(() => miniSweAgent.parse([], 'x')).toThrow('it is not an object')
})

test('whatever is broken in a file, it is read or rejected', () => {
  fc.assert(
    fc.property(mutatedDocument(small), (document) => {
      expectSound(miniSweAgent.parse(document, '/runs/7.traj.json'), 1)
    }),
    { numRuns: 500 },
  )
})

test('figures that are all 0 of a model that was called are unknown', () => {
  const usage = { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 }
  const messages = [
    { role: 'user', content: 'Fly.' },
    { role: 'assistant', content: 'Up.', extra: { response: { usage } } },
  ]
  const info = { ...small.info, model_stats: { instance_cost: 0, api_calls: 1 } }
  const { runs } = miniSweAgent.parse({ ...small, info, messages }, 'kites__kite-7.traj.json')
  expect(runs[0]!.outcomes).toMatchObject([
    { promptTokens: null, completionTokens: null, tokensUsed: null, costUsd: null },
  ])
})
