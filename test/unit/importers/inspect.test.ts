import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parse as parseYaml } from 'yaml'
import { detectFormat } from '../../../src/importers/formats.ts'
import { inspect } from '../../../src/importers/inspect/inspect.ts'
import { readJson } from '../../support/expectedTotals.ts'
import { fixture } from '../../support/fixtures.ts'
import { expectSound, mutatedDocument } from '../../support/mutatedDocument.ts'

const small = readJson(fixture('inspect-small.json'))

function parseSmall(change: object = {}) {
  const { runs, rejected } = inspect.parse({ ...small, ...change }, 'some/folder/kites.json')
  expect(runs).toHaveLength(1)
  return { run: runs[0]!, rejected }
}

function smallOutcome(sampleId: string, epoch: number) {
  return parseSmall().run.outcomes.find(
    ({ scenarioExternalId, repetition }) =>
      scenarioExternalId === `inspect/kites/fly/${sampleId}` && repetition === epoch,
  )!
}

/** The outcome of the fixture's first sample with other fields, in a log with other ones. */
function outcomeWith(sample: object, log: object = {}) {
  const { run, rejected } = parseSmall({ ...log, samples: [{ ...small.samples[0], ...sample }] })
  expect(rejected).toEqual([])
  return run.outcomes[0]!
}

test('is recognised by what was evaluated, not by its name', () => {
  expect(detectFormat(small)).toBe(inspect)
  expect(detectFormat({ ...small, samples: undefined })).toBe(inspect)
  for (const other of [{}, { eval: 'a' }, { eval: {} }, { eval: { model: 'm' } }, [], null, 'eval']) {
    expect(inspect.detect(other)).toBe(false)
  }
})

test('a log is one run: a scenario per sample, a repetition per epoch', () => {
  const { run } = parseSmall()
  expect(run.name).toBe('Inspect kites/fly sky/kite-model-2 2025-03-04T10:00:00')
  expect(run.repetitions).toBe(2)
  expect(run.scenarios.map(({ externalId }) => externalId)).toEqual(
    ['1', 'two/b', '3', '4', '5'].map((id) => `inspect/kites/fly/${id}`),
  )
  expect(run.outcomes.map(({ repetition, status }) => [repetition, status])).toEqual([
    [1, 'success'],
    [2, 'error'],
    [1, 'error'],
    [2, 'timeout'],
    [1, 'error'],
    [2, 'success'],
    [1, 'success'],
    [2, 'timeout'],
    [1, 'success'],
  ])
  expect(run.metadata).toMatchObject({
    source_file: 'kites.json',
    run_id: 'run1',
    log_status: 'error',
    log_error: { message: 'The wind died.' },
    packages: { inspect_ai: '0.3.95' },
  })
})

test('the configuration is the solver, the model and what bounds a sample; what is empty is left out', () => {
  const { configuration } = parseSmall().run
  expect(configuration.name).toBe('Inspect kites/fly sky/kite-model-2')
  expect(configuration.yaml).toMatch(/^model: sky\/kite-model-2\ntemperature: 0\.5\nsolver:\n/)
  expect(parseYaml(configuration.yaml)).toEqual({
    model: 'sky/kite-model-2',
    temperature: 0.5,
    solver: [
      { solver: 'use_tools', params: { tools: ['search'] } },
      { solver: 'generate', params: {} },
    ],
    generate_config: { temperature: 0.5, max_tokens: 100 },
    task: { task: 'kites/fly', task_version: 2, task_args: { wind: 'light' } },
    scorers: [{ name: 'match', options: {}, metadata: {} }],
    config: { epochs: 2, message_limit: 20 },
  })
})

test('the settings of the model stand in the plan of logs before 2025', () => {
  const { model_generate_config: settings, ...spec } = small.eval
  const old = parseSmall({ eval: spec, plan: { ...small.plan, config: settings } })
  expect(old.run.configuration).toEqual(parseSmall().run.configuration)
})

test('scenarios hold the input, the target and the metadata', () => {
  const { scenarios } = parseSmall().run
  expect(scenarios[2]).toEqual({
    externalId: 'inspect/kites/fly/3',
    name: 'kites/fly 3',
    taskPrompt: 'system:\nBe brief.\n\nuser:\nFly it high.',
    groundTruth: { target: 'up' },
    difficultyLevel: null,
    tags: ['inspect', 'kites/fly'],
    expectedTools: null,
    source: 'Inspect',
    metadata: { height: 3, task: 'kites/fly', sample_id: '3', choices: ['up', 'down'] },
  })
  expect(scenarios[0]).toMatchObject({ taskPrompt: 'Fly kite 1.' })
  const samples = [{ ...small.samples[0], input: [{ role: 'user', content: 'Fly it alone.' }] }]
  expect(parseSmall({ samples }).run.scenarios[0]).toMatchObject({ taskPrompt: 'Fly it alone.' })
})

test('an outcome has the usage of all models, the time of its last event, and its own duration', () => {
  expect(smallOutcome('1', 1)).toMatchObject({
    reliabilityScore: 1,
    executionTimeMs: 1500,
    executionTime: new Date('2025-03-04T09:01:04Z'),
    tokensUsed: 23,
    promptTokens: 17,
    completionTokens: 6,
    costUsd: 0.002,
    model: 'sky/kite-model-2',
    retryCount: 0,
    failurePatterns: [],
    metrics: { scores: { match: { value: 'C' } }, working_time_seconds: 1.25, message_count: 4 },
  })
  expect(smallOutcome('1', 2)).toMatchObject({
    retryCount: 1,
    executionTime: new Date('2025-03-04T09:05:00Z'),
    costUsd: null,
  })
})

test('a duration that is not stated is the time between the first and the last event', () => {
  expect(outcomeWith({ total_time: undefined }).executionTimeMs).toBe(4000)
  expect(outcomeWith({ total_time: undefined, events: [] }).executionTimeMs).toBeNull()
})

test('tools are counted by their events, with their errors and the time they worked', () => {
  expect(smallOutcome('1', 1).toolUsage).toEqual([
    {
      toolName: 'search',
      callCount: 2,
      avgDurationMs: 750,
      successRate: 0.5,
      toolSequence: [0, 1],
      errorTypes: ['timeout: No answer from the weather.'],
    },
    {
      toolName: 'pull_line',
      callCount: 1,
      avgDurationMs: 250,
      successRate: 1,
      toolSequence: [2],
      errorTypes: [],
    },
  ])
})

test('a log without events tells of tools by its messages', () => {
  expect(outcomeWith({ events: [] }).toolUsage).toMatchObject([{ toolName: 'search', callCount: 1 }])
})

test('attachments stand where they are referred to, in the events of old logs too', () => {
  const { attachments, events, ...sample } = small.samples[0]
  const [text] = Object.values(attachments) as [string]
  const current = outcomeWith({}).trajectory as any
  expect(current.messages[0].content).toBe(text)
  expect(current.events[2].arguments.q).toBe(text)
  expect(current.events[4].input[0].content).toBe(text)
  expect(current.attachments).toBeUndefined()
  const old = parseSmall({ samples: [{ ...sample, transcript: { events, content: attachments } }] })
  expect(old.run.outcomes[0]!.trajectory).toEqual(current)
})

test('events that would grow too long keep their references, and the attachments beside them', () => {
  const hash = 'f'.repeat(32)
  const attachments = { [hash]: 'x'.repeat(300_000), long: 'never referred to' }
  const events = Array(4).fill({ event: 'model', input: [{ content: `attachment://${hash}` }] })
  const messages = Array(5).fill({ role: 'user', content: `attachment://${hash}` })
  const trajectory = outcomeWith({ attachments, events, messages }).trajectory as any
  for (const { content } of trajectory.messages) expect(content).toHaveLength(300_000)
  expect(trajectory.events).toEqual(events)
  expect(trajectory.attachments).toEqual(attachments)
  const fewer = outcomeWith({ attachments, events: events.slice(1), messages }).trajectory as any
  expect(fewer.events[2].input[0].content).toHaveLength(300_000)
})

test.each([
  ['C', 1],
  ['P', 0.5],
  ['I', 0],
  ['N', 0],
  [true, 1],
  [false, 0],
  ['yes', 1],
  ['0.25', 0.25],
  [0.75, 0.75],
  [{ height: 'tall', speed: 0.5, other: 1 }, null],
  [1.0000000001, 1],
  [7, null],
  [-1, null],
  ['tall', null],
  ['', null],
  [null, null],
  [[1], null],
  [{ height: [1], width: { a: 1 } }, null],
])('the score %j is %j', (value, score) => {
  const outcome = outcomeWith({ scores: { match: { value }, other: { value: 1 } } })
  expect(outcome.reliabilityScore).toBe(score)
  expect(outcome.status).toBe(score === 1 || score === null ? 'success' : 'error')
  expect(outcome.metrics?.scores).toEqual({ match: { value }, other: { value: 1 } })
  expect(outcomeWith({ scores: undefined, score: { value } }).reliabilityScore).toBe(score)
})

test('a low score is a failure that says what was answered; one that is none leaves the sample ungraded', () => {
  expect(smallOutcome('1', 2).failurePatterns).toEqual([
    {
      failureType: 'score:match',
      failureCategory: 'validation_error',
      errorMessage: 'match gave "I", which is 0. Answer: "down". Target: "up". It fell.',
    },
  ])
  expect(smallOutcome('4', 2)).toMatchObject({
    reliabilityScore: null,
    errorCode: 'limit:message',
    error: 'The sample was ended by its message limit of 20.',
  })
  const ungraded = { status: 'success', reliabilityScore: null, error: null, failurePatterns: [] }
  expect(outcomeWith({ scores: { match: { value: 7 } } })).toMatchObject(ungraded)
  expect(smallOutcome('5', 1)).toMatchObject(ungraded)
})

test('an error of a sample is its failure, with the class and the traceback', () => {
  expect(smallOutcome('two/b', 1)).toMatchObject({
    status: 'error',
    reliabilityScore: null,
    errorCode: 'LineError',
    errorCategory: 'system_error',
    failurePatterns: [
      { errorMessage: expect.stringMatching(/^Line broke\nat 20 m\n\nTraceback[\s\S]*LineError/) },
    ],
  })
  // Scored all the same, as Inspect may be told to.
  const error = { message: 'Late', traceback: '' }
  expect(outcomeWith({ error })).toMatchObject({
    status: 'error',
    reliabilityScore: 1,
    failurePatterns: [{ failureType: 'crash', errorMessage: 'Late' }],
  })
})

test.each([
  ['time', 'I', 'timeout'],
  ['working', 'I', 'timeout'],
  ['time', 'C', 'success'],
  ['message', 'I', 'timeout'],
  ['turn', 'I', 'timeout'],
  ['token', 'I', 'timeout'],
  ['cost', 'I', 'timeout'],
  ['context', 'I', 'timeout'],
  ['custom', 'I', 'timeout'],
  ['message', null, 'timeout'],
  ['operator', 'I', 'cancelled'],
])('a sample ended by its %s limit with the score %s is %s', (type, value, status) => {
  expect(outcomeWith({ limit: { type, limit: 3 }, scores: { match: { value } } }).status).toBe(status)
})

test('of a cancelled run the graded samples stand, the others are cancelled', () => {
  const log = { status: 'cancelled', error: null }
  expect(outcomeWith({}, log).status).toBe('success')
  expect(outcomeWith({ scores: { match: { value: 'I' } } }, log).status).toBe('error')
  expect(outcomeWith({ scores: null }, log)).toMatchObject({
    status: 'cancelled',
    error: 'The run was cancelled before this sample was graded.',
  })
  const error = { message: 'CancelledError()', traceback: '' }
  expect(outcomeWith({ scores: null, error }, log).status).toBe('cancelled')
  expect(outcomeWith({ scores: null, error: { message: 'KeyError()' } }, log).status).toBe('error')
})

test('a log says how its run ended, and when', () => {
  const runOf = (log: object) => parseSmall({ error: null, ...log }).run
  const stats = { started_at: '2025-03-04T10:00:05+01:00', completed_at: '2025-03-04T10:05:00+01:00' }
  expect(runOf({ status: 'success', stats })).toMatchObject({
    state: 'finished',
    errorMessage: null,
    startedAt: new Date('2025-03-04T09:00:05Z'),
    completedAt: new Date('2025-03-04T09:05:00Z'),
  })
  expect(parseSmall().run).toMatchObject({ state: 'failed', errorMessage: 'The wind died.' })
  expect(runOf({ status: 'cancelled' }).state).toBe('cancelled')
  expect(runOf({ status: 'started', stats })).toMatchObject({ state: 'unfinished', completedAt: null })
})

test('the log of a run that goes on says how much is missing, and has all epochs from the beginning', () => {
  const spec = { ...small.eval, dataset: { sample_ids: [1, 2, 3, 4] }, config: { epochs: 3 } }
  const samples = small.samples.slice(0, 2)
  const started = inspect.parse({ ...small, status: 'started', eval: spec, samples }, 'x.json')
  expect(started.notes).toEqual([expect.stringContaining('2 of 12 samples')])
  expect(started.runs[0]!.repetitions).toBe(3)
  expect(inspect.parse({ ...small, samples }, 'x.json').notes).toEqual([])
})

test('one scorer counts for all samples: the first that the log names, else the one that most have', () => {
  const [first, second] = small.samples
  const scored = (scorers: (string | { name: string; options: object })[] | undefined, results?: object) =>
    parseSmall({
      eval: {
        ...small.eval,
        scorers: scorers?.map((scorer) => (typeof scorer === 'string' ? { name: scorer } : scorer)),
      },
      results,
      samples: [
        { ...first, scores: { aux: { value: 3 }, match: { value: 'C' } } },
        { ...second, scores: { match: { value: 'I' }, includes: { value: 'C' } } },
      ],
    }).run.outcomes.map(({ reliabilityScore }) => reliabilityScore)
  expect(scored(undefined)).toEqual([1, 0])
  expect(scored(['unused', 'kites/includes', 'match'])).toEqual([null, 1])
  expect(scored(undefined, { scores: [{ name: 'accuracy', scorer: 'includes' }] })).toEqual([null, 1])
  expect(scored(['aux'])).toEqual([null, null])
  // A scale that the log names is what 0 to 1 are made of.
  expect(scored([{ name: 'aux', options: { min: 1, max: 5 } }])).toEqual([0.5, null])
  expect(scored([{ name: 'aux', options: { scale: [0, 2] } }])).toEqual([null, null])
})

test('scores on another scale are named', () => {
  const value = (value: unknown) => ({ ...small.samples[0], id: String(value), scores: { match: { value } } })
  const samples = [Number.NaN, 7, 7, [1, 0], 'C'].map((given, index) => ({ ...value(given), id: index }))
  const { notes } = inspect.parse({ ...small, samples }, 'x.json')
  expect(notes).toEqual([
    '4 samples are ungraded: match gave NaN, 7, [1,0], which is no score from 0 to 1; metrics.scores has it',
  ])
})

test('a sample that was invalidated is no pass, and says why', () => {
  const invalidation = { author: 'ada', reason: 'broken sandbox' }
  expect(outcomeWith({ invalidation })).toMatchObject({
    status: 'cancelled',
    reliabilityScore: null,
    errorCode: 'invalidated',
    error: 'The sample was invalidated by ada: broken sandbox',
    metrics: { scores: { match: { value: 'C' } }, invalidation },
  })
  expect(outcomeWith({ invalidation: null }).status).toBe('success')
})

test('a sample has its own id in whatever log it stands', () => {
  const identities = (log: object) => {
    const samples = [
      { ...small.samples[0], uuid: 'u1' },
      { ...small.samples[1], uuid: 'u2' },
    ]
    return parseSmall({ samples, ...log }).run.outcomes.map(({ identity }) => identity)
  }
  const [one, other] = identities({})
  expect(one).not.toBe(other)
  expect(identities({ eval: { ...small.eval, run_id: 'retry' } })).toEqual([one, other])
})

test('a sample of a log from before there were such ids is known by its messages, else by its events', () => {
  const identity = (sample: object, log: object = {}) =>
    outcomeWith({ messages: [], events: [], ...sample }, log).identity
  const message = (id: string) => ({ messages: [{ id, role: 'user', content: 'Fly.' }] })
  const event = (timestamp: string) => ({ events: [{ event: 'state', timestamp }] })
  const retry = { eval: { ...small.eval, run_id: 'retry' } }
  expect(identity(message('m1'))).toBeDefined()
  expect(identity(message('m1'), retry)).toBe(identity({ ...message('m1'), scores: {} }))
  expect(identity(message('m1'))).not.toBe(identity(message('m2')))
  expect(identity(event('2025-03-04T10:00:00+00:00'))).toBe(
    identity(event('2025-03-04T11:00:00+01:00'), retry),
  )
  expect(identity(event('2025-03-04T10:00:00+00:00'))).not.toBe(identity(event('2025-03-04T10:00:01+00:00')))
  expect(identity({ messages: [{ role: 'user', content: 'Fly.' }] })).toBeUndefined()
})

test.each([
  // Google's models count what they think beside what they answer, OpenAI's within it.
  [{ input_tokens: 5249, output_tokens: 100, reasoning_tokens: 63107, total_tokens: 68456 }, 5249, 63207],
  [{ input_tokens: 100, output_tokens: 50, reasoning_tokens: 30, total_tokens: 150 }, 100, 50],
  [
    {
      input_tokens: 10,
      output_tokens: 5,
      reasoning_tokens: 2,
      input_tokens_cache_read: 100,
      total_tokens: 115,
    },
    110,
    5,
  ],
  [
    {
      input_tokens: 10,
      output_tokens: 5,
      reasoning_tokens: 20,
      input_tokens_cache_read: 100,
      total_tokens: 135,
    },
    110,
    25,
  ],
  // Google's count what is cached within the input, and what a tool put into it beside.
  [
    {
      input_tokens: 1000,
      output_tokens: 10,
      reasoning_tokens: 300,
      input_tokens_cache_read: 800,
      total_tokens: 1360,
    },
    1050,
    310,
  ],
  // As many tokens of the cache as of reasoning: Anthropic's total has the first beside the input.
  [
    {
      input_tokens: 100,
      output_tokens: 700,
      reasoning_tokens: 600,
      input_tokens_cache_read: 600,
      total_tokens: 1400,
    },
    700,
    700,
  ],
  [{ input_tokens: 60, output_tokens: 1, reasoning_tokens: 603 }, 60, 604],
  [{ input_tokens: 100, output_tokens: 50, total_tokens: 0 }, 100, 50],
  [{ input_tokens: 0, output_tokens: 0, total_tokens: 0 }, null, null],
])(
  'of the usage %j the prompt has %s tokens, the answer with its reasoning %s',
  (usage, prompt, completion) => {
    expect(outcomeWith({ model_usage: { m: usage } })).toMatchObject({
      promptTokens: prompt,
      completionTokens: completion,
      tokensUsed: completion === null ? null : prompt + completion,
    })
  },
)

test('a log without samples is no run and says so', () => {
  for (const samples of [undefined, null, []]) {
    expect(inspect.parse({ ...small, status: 'cancelled', samples }, 'x.json')).toEqual({
      runs: [],
      rejected: [],
      notes: ['the log, which is cancelled, holds no samples: The wind died.'],
    })
  }
})

test('a sample without a total time took as long as from its start to its end', () => {
  const [sample] = small.samples
  const times = { started_at: '2025-03-04T10:00:00+01:00', completed_at: '2025-03-04T10:00:02.5+01:00' }
  const { runs } = inspect.parse({ ...small, samples: [{ ...sample, ...times, total_time: null }] }, 'x.json')
  expect(runs[0]!.outcomes).toMatchObject([
    { executionTimeMs: 2500, executionTime: new Date('2025-03-04T09:00:02.500Z') },
  ])
})

test('what cannot be read is rejected with its place and the reason', () => {
  expect(parseSmall().rejected).toEqual([
    { record: 'record 10 (sample 5, epoch 1)', reason: 'record 9 is the same task and trial' },
    { record: 'record 11 (epoch 1)', reason: 'id is missing' },
    { record: 'record 12', reason: 'it is null, not an object' },
    { record: 'record 13 (sample 6, epoch 0)', reason: 'epoch is 0, not a whole number from 1 to 1000' },
    { record: 'record 14 (sample 7, epoch 1)', reason: 'model_usage is -1, not an object' },
    { record: 'record 15 (sample 8, epoch 1)', reason: 'messages is "none", not a list' },
  ])
  expect(() => inspect.parse({ samples: [] }, 'x.json')).toThrow('does not say what was evaluated')
})

test('a sample that is nested too deeply costs no other', () => {
  const deep = JSON.parse(`${'['.repeat(20_000)}${']'.repeat(20_000)}`)
  const [first, second] = small.samples
  const { run, rejected } = parseSmall({ samples: [{ ...first, store: deep }, second] })
  expect(run.outcomes).toHaveLength(1)
  expect(rejected).toEqual([{ record: 'record 1 (sample 1, epoch 1)', reason: 'it is nested too deeply' }])
})

test('a model without a total has that of its input and output', () => {
  const usage = { a: { input_tokens: 3, output_tokens: 1 }, b: { total_tokens: 10 }, c: {} }
  expect(outcomeWith({ model_usage: usage })).toMatchObject({ tokensUsed: 14, completionTokens: 1 })
  expect(outcomeWith({ model_usage: {} }).tokensUsed).toBeNull()
})

test('a renamed, reordered or converted copy is the same run, another call of Inspect another', () => {
  const { identity } = parseSmall().run
  const again = (change: object, spec: object) =>
    parseSmall({ ...change, eval: { ...small.eval, ...spec } }).run.identity
  expect(again({ samples: [...small.samples].reverse() }, {})).toBe(identity)
  // What newer versions of Inspect write when they convert an old log.
  expect(again({}, { eval_id: undefined, created: '2025-03-04T09:00:00+00:00' })).toBe(identity)
  expect(again({}, { run_id: 'run2' })).not.toBe(identity)
  expect(again({}, { task_id: 'task2' })).not.toBe(identity)
  const nameless = { run_id: undefined, task_id: undefined }
  expect(again({ samples: small.samples.slice(1) }, nameless)).not.toBe(again({}, nameless))
})

test('however a log is broken, its samples are read or rejected', () => {
  fc.assert(
    fc.property(
      mutatedDocument(small.samples),
      mutatedDocument({ ...small, samples: null }),
      (samples, log) => {
        const spec = typeof log.eval === 'object' && !Array.isArray(log.eval) ? log.eval : {}
        expectSound(inspect.parse({ ...log, eval: spec ?? {}, samples }, 'x.json'), samples.length)
      },
    ),
    { numRuns: 1000 },
  )
})
