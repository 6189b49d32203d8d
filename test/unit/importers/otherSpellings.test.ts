import { expect, test } from 'vitest'
import type { ImportedOutcome, ResultFormat } from '../../../src/importers/format.ts'
import { detectFormat } from '../../../src/importers/formats.ts'

/** The outcomes of a document, of whichever format it is; none of it may be rejected. */
function outcomesOf(document: unknown, path = '/runs/one/kites.json'): ImportedOutcome[] {
  const { runs, rejected } = (detectFormat(document) as ResultFormat).parse(document, path)
  expect(rejected).toEqual([])
  return runs.flatMap(({ outcomes }) => outcomes)
}

const said = { role: 'assistant', content: 'It flies.' }

function tau2(change: object) {
  const simulation = { task_id: '1', trial: 0, messages: [said], reward_info: { reward: 1 } }
  return {
    timestamp: '2026-01-02T03:04:05',
    info: { agent_info: { llm: 'm-1' } },
    tasks: [],
    simulations: [{ ...simulation, termination_reason: 'user_stop', ...change }],
  }
}

function mini(info: object, timestamps: unknown[] = []) {
  return {
    info: { exit_status: 'Submitted', mini_version: '2.0.0', ...info },
    messages: timestamps.map((timestamp) => ({ ...said, extra: { timestamp } })),
    instance_id: 'kites__kite-1',
  }
}

function sweAgent(exit_status: string) {
  return { trajectory: [{ action: 'ls' }], info: { exit_status }, history: [said] }
}

function terminalBench(failure_mode: string) {
  return { results: [{ task_id: 'fly', trial_name: 'fly.1-of-1.r', is_resolved: null, failure_mode }] }
}

function openHands(error: string) {
  return [{ instance_id: 'kite-1', test_result: {}, history: [], error }]
}

function harbor(change: object) {
  return {
    task_name: 'kites/fly',
    trial_name: 'fly__a',
    agent_info: { name: 'claude-code', model_info: { name: 'm-1' } },
    verifier_result: { rewards: { reward: 1 } },
    ...change,
  }
}

function atif(final_metrics: object) {
  const steps = [
    { source: 'user', message: 'Fly.' },
    { source: 'agent', message: 'It flies.' },
  ]
  return { schema_version: 'ATIF-v1.6', session_id: 's', agent: { name: 'a' }, steps, final_metrics }
}

function deepEval(change: object) {
  return {
    testCases: [{ input: 'Fly.', actualOutput: 'It flies.', success: true, metricsData: [], ...change }],
  }
}

test('one moment in all spellings that programs have for it', () => {
  const moment = Date.UTC(2026, 7, 10, 2, 45, 6, 500)
  for (const end_time of [
    '2026-08-10T02:45:06.500000',
    '2026-08-10 02:45:06.5Z',
    '2026-08-10T02:45:06.5z',
    '2026-08-10T02:45:06,5+00:00',
    '2026-08-10T04:45:06.500+0200',
    '2026-08-09T21:45:06.500-05',
    '2026-08-10 02:45:06.5 UTC',
    '20260810T024506.5Z',
    '20260810_024506.500',
    moment / 1000,
    moment,
    moment * 1000,
    `${moment / 1000}`,
    `${moment}`,
  ]) {
    expect([end_time, outcomesOf(tau2({ end_time }))[0]!.executionTime?.getTime()]).toEqual([
      end_time,
      moment,
    ])
  }
  expect(outcomesOf(tau2({ end_time: '' }))[0]!.executionTime).toBeNull()
  // A day and an hour without anything between are no count of milliseconds.
  expect(outcomesOf(tau2({ end_time: '20260810024506' }))[0]!.executionTime).toBeNull()
  expect(outcomesOf(tau2({ end_time: '2026-08-10T02:45' }))[0]!.executionTime?.getTime()).toBe(moment - 6500)
})

test('times of messages count in seconds, in milliseconds and as texts', () => {
  for (const timestamps of [
    [1_776_074_483.25, 1_776_074_484.5],
    [1_776_074_483_250, 1_776_074_484_500],
    ['2026-04-13T10:01:23.25+00:00', '2026-04-13T10:01:24.5+00:00'],
  ]) {
    expect(outcomesOf(mini({}, timestamps))).toMatchObject([
      { executionTime: new Date(1_776_074_484_500), executionTimeMs: 1250 },
    ])
  }
})

test('a single time says when a run was, and not how long it took', () => {
  const time = '2026-04-13T10:01:23Z'
  const [step] = [{ source: 'agent', message: 'Up.', timestamp: time }]
  const documents = [
    mini({}, [time]),
    { schema_version: 'ATIF-v1.6', session_id: 's', agent: { name: 'a' }, steps: [step] },
    [
      {
        instance_id: 'kite-1',
        test_result: {},
        history: [{ source: 'user', action: 'message', args: { content: 'Fly.' }, timestamp: time }],
      },
    ],
    {
      eval: { run_id: 'r', task: 'kites', model: 'm-1' },
      samples: [{ id: 1, epoch: 1, input: 'Fly.', events: [{ event: 'info', timestamp: time }] }],
    },
  ]
  for (const document of documents) {
    expect(outcomesOf(document)).toMatchObject([{ executionTime: new Date(time), executionTimeMs: null }])
  }
})

test('a run that says its start as a number is known by it', () => {
  const document = tau2({})
  const runOf = (timestamp: unknown) => {
    const { runs } = detectFormat(document)!.parse({ ...document, timestamp }, 'kites.json')
    return runs[0]!
  }
  expect(runOf(1_767_323_045)).toMatchObject({
    knownByRecords: false,
    startedAt: new Date('2026-01-02T03:04:05Z'),
    name: 'tau2-bench unknown m-1 2026-01-02T03:04:05',
  })
})

test('amounts and scores that were written as texts are these', () => {
  const [outcome] = outcomesOf(
    tau2({ duration: '1.5', agent_cost: '2.5e-1', reward_info: { reward: '0.75' } }),
  )
  expect(outcome).toMatchObject({ executionTimeMs: 1500, costUsd: 0.25, reliabilityScore: 0.75 })
  expect(outcomesOf(tau2({ duration: 'NaN', reward_info: { reward: 'nan' } }))).toMatchObject([
    { executionTimeMs: null, reliabilityScore: null, metrics: { reward: 'nan' } },
  ])
  expect(outcomesOf(mini({ model_stats: { instance_cost: '0.5' } }))).toMatchObject([{ costUsd: 0.5 }])
  const metric = { name: 'Clarity', success: true, threshold: '0.5', score: '0.75' }
  expect(outcomesOf(deepEval({ metricsData: [metric] }))).toMatchObject([{ reliabilityScore: 0.75 }])
  const usage = { prompt_tokens: '90', completion_tokens: '10' }
  expect(outcomesOf(tau2({ messages: [{ ...said, usage }] }))).toMatchObject([{ tokensUsed: 100 }])
})

test('trials that were written as texts are these', () => {
  expect(outcomesOf(tau2({ trial: '1' }))).toMatchObject([{ repetition: 2 }])
  const tau = [
    { task_id: 0, reward: 1, info: {}, traj: [said], trial: '0' },
    { task_id: 0, reward: 1, info: {}, traj: [said], trial: '1' },
  ]
  expect(outcomesOf(tau).map(({ repetition }) => repetition)).toEqual([1, 2])
  expect(() => outcomesOf(tau2({ trial: 'first' }))).toThrow()
})

test('usage that is 0 throughout is unknown in every format, and so is its cost', () => {
  const unknown = { promptTokens: null, completionTokens: null, tokensUsed: null, costUsd: null }
  const usage = { prompt_tokens: 0, completion_tokens: 0 }
  const span = { model: 'm-1', inputTokenCount: 0, outputTokenCount: 0 }
  const result = { n_input_tokens: 0, n_output_tokens: 0, cost_usd: 0 }
  for (const document of [
    tau2({ messages: [{ ...said, usage }], agent_cost: 0 }),
    harbor({ agent_result: result }),
    atif({ total_prompt_tokens: 0, total_completion_tokens: 0, total_cost_usd: 0 }),
    deepEval({ tokenCost: 0, trace: { llmSpans: [span] } }),
  ]) {
    expect(outcomesOf(document)).toMatchObject([unknown])
  }
  // Who plays the solution back calls no model.
  const oracle = harbor({ agent_info: { name: 'oracle' }, agent_result: result })
  expect(outcomesOf(oracle)).toMatchObject([{ tokensUsed: 0, costUsd: 0 }])
})

test('a cost of 0 beside tokens is unknown in every format', () => {
  const span = { model: 'm-1', inputTokenCount: 10, outputTokenCount: 2 }
  for (const document of [
    tau2({ messages: [{ ...said, usage: { prompt_tokens: 10, completion_tokens: 2 } }], agent_cost: 0 }),
    harbor({ agent_result: { n_input_tokens: 10, n_output_tokens: 2, cost_usd: 0 } }),
    atif({ total_prompt_tokens: 10, total_completion_tokens: 2, total_cost_usd: 0 }),
    deepEval({ tokenCost: 0, trace: { llmSpans: [span] } }),
  ]) {
    expect(outcomesOf(document)).toMatchObject([{ tokensUsed: 12, costUsd: null }])
  }
})

test('words for an end that a format does not define', () => {
  const words: [word: string, status: string][] = [
    ['cancelled', 'cancelled'],
    ['UserInterruption', 'cancelled'],
    ['KeyboardInterrupt', 'cancelled'],
    ['max_turns', 'timeout'],
    ['CostLimitExceeded', 'timeout'],
    ['budget_exhausted', 'timeout'],
    ['ReadTimeout', 'timeout'],
    ['RateLimitExceeded', 'error'],
    ['lost', 'error'],
    ['constructor', 'error'],
  ]
  for (const [word, status] of words) {
    for (const document of [
      tau2({ termination_reason: word, reward_info: null }),
      mini({ exit_status: word }),
      sweAgent(word),
      terminalBench(word),
    ]) {
      const [outcome] = outcomesOf(document)
      expect([word, outcome!.status]).toEqual([word, status])
      expect(outcome!.errorCategory).toBe(status === 'timeout' ? 'timeout' : 'unknown')
    }
  }
  expect(outcomesOf(openHands('Cancelled by user'))[0]!.status).toBe('cancelled')
  expect(outcomesOf(openHands('ToolError: the tool cancelled'))[0]!.status).toBe('error')
})

test('ends of tau2-bench as the members of its enumeration', () => {
  const reason = (termination_reason: string) => tau2({ termination_reason, reward_info: { reward: 0 } })
  expect(outcomesOf(reason('TerminationReason.MAX_STEPS'))).toMatchObject([
    { status: 'timeout', errorCode: 'max_steps' },
  ])
  expect(outcomesOf(reason('TerminationReason.USER_STOP'))).toMatchObject([
    { status: 'error', errorCode: 'reward' },
  ])
})

test('metrics of DeepEval that miss a bound by what floating-point sums miss are at it', () => {
  const metric = { name: 'Clarity', success: true, threshold: 0.5, score: 1.0000000001 }
  expect(outcomesOf(deepEval({ metricsData: [metric] }))[0]!.reliabilityScore).toBe(1)
  expect(outcomesOf(deepEval({ metricsData: [{ ...metric, score: 1.1 }] }))[0]!.reliabilityScore).toBeNull()
})

test('the summary that a program gets from promptfoo, without the suite around it', () => {
  const result = (testIdx: number, success: boolean) => ({
    testIdx,
    promptIdx: 0,
    provider: { id: 'm-1' },
    prompt: { raw: 'Fly.' },
    vars: { what: testIdx },
    success,
    score: Number(success),
  })
  const summary = {
    version: 3,
    timestamp: '2026-01-02T03:04:05.000Z',
    prompts: [{ raw: 'Fly.', label: 'Fly.', provider: 'm-1' }],
    results: [result(0, true), result(1, false)],
    stats: { successes: 1, failures: 1, errors: 0 },
  }
  expect(outcomesOf(summary).map(({ status }) => status)).toEqual(['success', 'error'])
  expect(detectFormat(summary)!.parse(summary, 'x.json').runs).toMatchObject([
    { state: 'finished', startedAt: new Date('2026-01-02T03:04:05Z') },
  ])
})
