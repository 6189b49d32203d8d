import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parse as parseYaml } from 'yaml'
import { exactNumber } from '../../../src/exactNumbers.ts'
import { detectFormat } from '../../../src/importers/formats.ts'
import { tau2Bench } from '../../../src/importers/tau2bench.ts'
import { readJson } from '../../support/expectedTotals.ts'
import { fixture } from '../../support/fixtures.ts'
import { expectSound, mutatedDocument } from '../../support/mutatedDocument.ts'

interface Document {
  timestamp: string
  info: { seed: number; agent_info: { llm: string; llm_args: object }; environment_info: { policy: string } }
  simulations: object[]
}

const small: Document = readJson(fixture('tau2bench-small.json'))

const hardTask = 'tau2/telecom/[kite_issue]torn_tail|no_wind[PERSONA:Hard]'
const easyTask = 'tau2/telecom/[kite_issue]wet_string[PERSONA:Easy]'

function parse(document: unknown, fileName = 'small.json') {
  const { runs, rejected } = tau2Bench.parse(document, fileName)
  expect(runs).toHaveLength(1)
  return { run: runs[0]!, rejected }
}

function smallOutcome(scenarioExternalId: string, repetition: number) {
  return parse(small).run.outcomes.find(
    (outcome) => outcome.scenarioExternalId === scenarioExternalId && outcome.repetition === repetition,
  )!
}

test('is recognised by its content, also with parts missing', () => {
  expect(detectFormat(small)).toBe(tau2Bench)
  expect(detectFormat({ simulations: [], tasks: [] })).toBe(tau2Bench)
  expect(detectFormat({ simulations: [] })).toBeUndefined()
  expect(detectFormat({ ...small, simulations: {} })).toBeUndefined()
})

test('a file is one run: a repetition per trial, a scenario per task with simulations', () => {
  const { run } = parse(small)
  expect(run.name).toBe('tau2-bench telecom kite-model-2 2025-03-04T10:00:00')
  expect(run.repetitions).toBe(2)
  expect(run.scenarios.map((scenario) => scenario.externalId)).toEqual([
    hardTask,
    easyTask,
    'tau2/telecom/plain 3',
    'tau2/telecom/not described',
  ])
  expect(run.outcomes.map((outcome) => [outcome.repetition, outcome.status])).toEqual([
    [1, 'success'],
    [1, 'timeout'],
    [2, 'error'],
    [2, 'error'],
    [1, 'success'],
    [2, 'error'],
    [1, 'success'],
  ])
  expect(run.metadata).toEqual({
    format: 'tau2-bench',
    source_file: 'small.json',
    domain: 'telecom',
    timestamp: '2025-03-04T10:00:00.000001',
    git_commit: '0123abc',
    num_trials: 2,
    max_steps: 40,
    max_errors: 3,
    seed: 42,
  })
})

test('scenarios hold what the user was told and how the run was graded', () => {
  const { scenarios } = parse(small).run
  expect(scenarios[0]).toMatchObject({
    name: 'tau2-bench telecom kite_issue (persona Hard): torn_tail, no_wind',
    taskPrompt:
      'Reason for call:\nYour kite does not fly.\n\nKnown info:\nYou are Ada.\n\n' +
      'Task instructions:\nBe brief.\n\nPersona:\nYou are short of time.',
    groundTruth: { reward_basis: ['ENV_ASSERTION'] },
    difficultyLevel: 'hard',
    tags: ['tau2-bench', 'telecom', 'kite_issue', 'persona:hard'],
    expectedTools: ['look_up_kite'],
    metadata: {
      ticket: 'A kite that does not fly.',
      description: { purpose: 'Kite repair.' },
      issue: 'kite_issue',
      faults: ['torn_tail', 'no_wind'],
      persona: 'Hard',
    },
  })
  expect(scenarios[1]).toMatchObject({
    taskPrompt: 'Instructions:\nSay that the string is wet.',
    difficultyLevel: 'easy',
    expectedTools: ['order_string', 'look_up_kite'],
  })
  expect(scenarios[2]).toMatchObject({
    name: 'tau2-bench telecom task plain 3',
    difficultyLevel: null,
    groundTruth: null,
    expectedTools: null,
    tags: ['tau2-bench', 'telecom'],
  })
  expect(scenarios[3]!.taskPrompt).toBeNull()
  const tasks = [{ id: '[kite_issue]no_wind[PERSONA:None]' }]
  const simulations = [{ ...small.simulations[0]!, task_id: tasks[0]!.id }]
  expect(parse({ ...small, tasks, simulations }).run.scenarios[0]).toMatchObject({
    difficultyLevel: 'medium',
    tags: ['tau2-bench', 'telecom', 'kite_issue', 'persona:none'],
  })
})

test('a passed outcome has tokens, cost and times, and its whole record', () => {
  const outcome = smallOutcome(hardTask, 1)
  expect(outcome).toMatchObject({
    reliabilityScore: 1,
    promptTokens: 500,
    completionTokens: 50,
    tokensUsed: 550,
    costUsd: 0.01,
    executionTimeMs: 41123,
    executionTime: new Date('2025-03-04T10:00:40.001Z'),
    model: 'kite-model-2',
    // The database differs, but the reward does not depend on it.
    failurePatterns: [],
    error: null,
    metrics: {
      reward_basis: ['ENV_ASSERTION'],
      reward_breakdown: { ENV_ASSERTION: 1 },
      checks: { db: { met: 0, total: 1 }, env: { met: 1, total: 1 }, action: { met: 2, total: 2 } },
      user_cost_usd: 0.001,
      message_count: 9,
    },
  })
  expect(outcome.trajectory).toEqual({ ...small.simulations[0], status: 'success' })
})

test('tools of the agent and of the user are told apart, with their durations and errors', () => {
  expect(smallOutcome(hardTask, 1).toolUsage).toEqual([
    {
      toolName: 'look_up_kite',
      callCount: 2,
      avgDurationMs: 1,
      successRate: 0.5,
      toolSequence: [0, 1],
      errorTypes: ['Error: no kite K<n>b'],
    },
    {
      toolName: 'user:replace_tail',
      callCount: 1,
      avgDurationMs: 250,
      successRate: 1,
      toolSequence: [2],
      errorTypes: [],
    },
  ])
})

test('a call without a result is counted, neither failed nor timed', () => {
  expect(smallOutcome(hardTask, 2).toolUsage).toEqual([
    {
      toolName: 'order_string',
      callCount: 3,
      avgDurationMs: 600,
      successRate: 1 / 3,
      toolSequence: [0, 1, 2],
      errorTypes: ['Error: unknown kite'],
    },
  ])
})

test('a time without a zone is UTC, one with a zone is what it says', () => {
  const endTimes = ['2025-03-04T10:00:00.250999', '2025-03-04 10:00:00+02:00', '2025-03-04T10:00:00Z', null]
  const simulations = endTimes.map((end_time, trial) => ({ task_id: 'x', trial, end_time, messages: [] }))
  expect(parse({ ...small, simulations }).run.outcomes.map((outcome) => outcome.executionTime)).toEqual([
    new Date('2025-03-04T10:00:00.250Z'),
    new Date('2025-03-04T08:00:00Z'),
    new Date('2025-03-04T10:00:00Z'),
    null,
  ])
})

test('a result answers the oldest open call of its id, also where ids are empty or repeated', () => {
  const call = (name: string, timestamp: string) => ({
    role: 'assistant',
    timestamp,
    tool_calls: [{ id: '', name, arguments: {} }],
  })
  const result = (timestamp: string, error: boolean) => ({
    role: 'tool',
    id: '',
    timestamp,
    error,
    content: 'x',
  })
  const messages = [
    call('look_up_kite', '2025-03-04T10:00:00'),
    call('order_string', '2025-03-04T10:00:02'),
    result('2025-03-04T10:00:03', true),
    result('2025-03-04T10:00:04', false),
    result('2025-03-04T10:00:09', true),
  ]
  const document = { ...small, simulations: [{ task_id: 'x', messages }] }
  expect(parse(document).run.outcomes[0]!.toolUsage).toMatchObject([
    { toolName: 'look_up_kite', avgDurationMs: 3000, successRate: 0 },
    { toolName: 'order_string', avgDurationMs: 2000, successRate: 1 },
  ])
})

test('the step limit is a timeout, too many errors are a tool error', () => {
  expect(smallOutcome(easyTask, 1)).toMatchObject({
    status: 'timeout',
    errorCategory: 'timeout',
    failurePatterns: [{ failureType: 'max_steps', failureCategory: 'timeout' }],
  })
  expect(smallOutcome(hardTask, 2)).toMatchObject({
    status: 'error',
    error: 'The simulation was ended after 5 messages: too_many_errors.',
    failurePatterns: [{ failureType: 'too_many_errors', failureCategory: 'tool_error' }],
  })
})

test('checks that failed are failures, those that cost the reward first', () => {
  const outcome = smallOutcome(easyTask, 2)
  expect(outcome).toMatchObject({ status: 'error', errorCode: 'db_check', errorCategory: 'validation_error' })
  expect(
    outcome.failurePatterns!.map(({ failureType, errorMessage }) => [failureType, errorMessage]),
  ).toEqual([
    ['db_check', 'The database should have ended in the state that the expected actions lead to.'],
    ['communicate_check', `The agent should have told the user "30". Information '30' not communicated.`],
    [
      'action_check:order_string',
      'Expected call by the assistant that was not made: order_string({"kite_id":"K2","metres":30}).' +
        ' (Observed only: the reward does not depend on it.)',
    ],
    [
      'nl_check',
      'Expected: The agent warns of thunderstorms. It speaks only of rain.' +
        ' (Observed only: the reward does not depend on it.)',
    ],
  ])
})

test.each([
  [false, 'false'],
  [exactNumber('9007199254740993'), '9007199254740993'],
])('an unmet assertion says that it should have been something else (%#)', (assert_value, said) => {
  const document = structuredClone(small)
  document.simulations = [
    {
      task_id: 'x',
      messages: [],
      reward_info: {
        reward: 0.5,
        reward_basis: ['ENV_ASSERTION'],
        env_assertions: [
          {
            met: false,
            env_assertion: {
              env_type: 'user',
              func_name: 'assert_kite_flies',
              arguments: { minutes: 5 },
              assert_value,
              message: 'It flew.',
            },
          },
        ],
      },
    },
  ]
  expect(parse(document).run.outcomes[0]!.failurePatterns).toEqual([
    {
      failureType: 'env_check:assert_kite_flies',
      failureCategory: 'validation_error',
      errorMessage: `At the end, assert_kite_flies({"minutes":5}) on the side of the user should have been ${said}. It flew.`,
    },
  ])
})

test('a run without reward is ungraded; one that broke down says why', () => {
  expect(smallOutcome('tau2/telecom/plain 3', 1)).toMatchObject({
    status: 'success',
    reliabilityScore: null,
    costUsd: null,
    errorCode: null,
    failurePatterns: [],
  })
  expect(smallOutcome('tau2/telecom/plain 3', 2)).toMatchObject({
    status: 'error',
    error: 'litellm.RateLimitError: slow down',
    errorCategory: 'model_error',
    failurePatterns: [
      { failureType: 'RateLimitError', failureCategory: 'model_error' },
      { failureType: 'infrastructure_error', failureCategory: 'system_error' },
    ],
  })
})

test('what cannot be read is rejected with its place and the reason', () => {
  expect(parse(small).rejected).toEqual([
    { record: 'record 8 (trial 0)', reason: 'task_id is missing' },
    { record: 'record 9 (task not described, trial 1)', reason: 'reward is "good", not a score' },
    { record: 'record 10 (task not described, trial 2)', reason: 'messages is "hello", not a list' },
    {
      record: 'record 11 (task [kite_issue]torn_tail|no_wind[PERSONA:Hard], trial 0)',
      reason: 'record 1 is the same task and trial',
    },
    { record: 'record 12', reason: 'it is "no simulation", not an object' },
    { record: 'record 13 (task not described, trial 3)', reason: 'reward is true, not a score' },
    { record: 'record 14 (task not described, trial 4)', reason: 'messages is -1, not a list' },
    { record: 'record 15 (task not described, trial 5)', reason: 'reward is "free", not a score' },
  ])
  expect(tau2Bench.parse({ ...small, simulations: [1] }, 'x.json')).toEqual({
    runs: [],
    rejected: [{ record: 'record 1', reason: 'it is 1, not an object' }],
  })
  expect(() => tau2Bench.parse({}, 'x.json')).toThrow('no list of simulations')
})

test('the configuration is the whole of the settings, the model first', () => {
  const { configuration } = parse(small).run
  const { agent_info, environment_info } = small.info
  expect(configuration.name).toBe('tau2-bench telecom kite-model-2 llm_agent')
  expect(configuration.yaml).toMatch(
    /^model: kite-model-2\ntemperature: 0\.3\nagent:\n {2}implementation: llm_agent\n/,
  )
  expect(configuration.yaml).toContain(
    '  policy: |\n    # Kite Agent Policy\n\n    Help with kites, with their tails, their strings, their frames',
  )
  expect(parseYaml(configuration.yaml)).toEqual({
    model: 'kite-model-2',
    temperature: 0.3,
    agent: agent_info,
    user_simulator: {
      implementation: 'user_simulator',
      llm: 'small-talk-1',
      llm_args: { temperature: 0.5 },
      global_simulation_guidelines: '# Guidelines\nPlay the customer.',
    },
    environment: environment_info,
    max_steps: 40,
    max_errors: 3,
    num_trials: 2,
    git_commit: '0123abc',
  })
})

test('equal settings give equal YAML, whatever the order of the keys, the seed and the time', () => {
  const rerun = structuredClone(small)
  rerun.timestamp = '2025-03-05T10:00:00'
  rerun.info.seed = 43
  rerun.info.agent_info.llm_args = { temperature: 0.3, top_p: 0.9 }
  expect(parse(rerun).run.configuration).toEqual(parse(small).run.configuration)
  expect(parse(rerun).run.identity).not.toBe(parse(small).run.identity)
})

test('a file without settings has a configuration all the same', () => {
  const { run } = parse({ simulations: small.simulations, tasks: null, info: 7 })
  expect(run.configuration.name).toBe('tau2-bench unknown unknown')
  expect(parseYaml(run.configuration.yaml)).toMatchObject({
    model: 'unknown',
    temperature: null,
    agent: null,
  })
  const hot = structuredClone(small)
  hot.info.agent_info.llm_args = { temperature: 9 }
  expect(parseYaml(parse(hot).run.configuration.yaml)).toMatchObject({
    temperature: null,
    agent: { llm_args: { temperature: 9 } },
  })
})

test('any policy text comes back from the YAML as it was', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.constantFrom('', '\n', '\r\n', '  \n\t'), (text, end) => {
      const document = structuredClone(small)
      const policy = `${text}${end}${text}${end}`
      document.info.environment_info.policy = policy
      expect(parseYaml(parse(document).run.configuration.yaml).environment.policy).toBe(policy)
    }),
    { numRuns: 500 },
  )
})

test('a model name beyond all length still gives a name of its own', () => {
  const names = ['a', 'b'].map((end) => {
    const document = structuredClone(small)
    document.info.agent_info.llm = `ft:${'x'.repeat(200)}${end}`
    return parse(document).run.configuration.name
  })
  expect(names.map((name) => name.length)).toEqual([100, 100])
  expect(names[0]).not.toBe(names[1])
})

test('however long domain and task are, the ids and names stay within what Arc stores', () => {
  const document = structuredClone(small)
  Object.assign(document.info.environment_info, { domain_name: 'd'.repeat(600) })
  document.simulations = [
    { task_id: 't'.repeat(400), messages: [] },
    { task_id: 't'.repeat(401), messages: [] },
    { task_id: `${'t'.repeat(401)}u`, messages: [] },
  ]
  const { run, rejected } = parse(document)
  expect(rejected).toEqual([])
  const ids = run.outcomes.map(({ scenarioExternalId }) => scenarioExternalId)
  expect(new Set(ids).size).toBe(3)
  expect(Math.max(...ids.map((id) => id.length))).toBeLessThanOrEqual(500)
  expect(Math.max(run.scenarios[0]!.name.length, run.name.length)).toBeLessThanOrEqual(100)
})

test('a renamed, regraded or reordered copy is the same run', () => {
  const { identity } = parse(small).run
  const reordered = { ...small, simulations: small.simulations.toReversed() }
  expect(parse(reordered, 'copy.json').run.identity).toBe(identity)
  const regraded = structuredClone(small)
  Object.assign(regraded.simulations[0]!, { reward_info: { reward: 0 } })
  expect(parse(regraded).run.identity).toBe(identity)
  const nameless = (simulations: object[]) => parse({ ...small, timestamp: null, simulations }).run.identity
  expect(nameless(small.simulations.slice(0, 3))).not.toBe(nameless(small.simulations))
})

test('a run that goes on is the same run with fewer trials, and says what is missing', () => {
  const { run } = parse(small)
  expect(run).toMatchObject({
    missing: 0,
    createdAt: new Date('2025-03-04T10:00:00.000Z'),
    startedAt: new Date('2025-03-04T10:00:00.000Z'),
    completedAt: new Date('2025-03-04T10:00:40.006Z'),
  })
  const part = tau2Bench.parse({ ...small, simulations: small.simulations.slice(0, 2) }, 'x.json')
  expect(part.runs[0]).toMatchObject({
    identity: run.identity,
    missing: 4,
    missingNote: '4 of 6 trials are missing',
    repetitions: 2,
  })
  expect(part.runs[0]!.scenarios.map(({ externalId }) => externalId)).toEqual([
    hardTask,
    easyTask,
    'tau2/telecom/plain 3',
  ])
})

test('a cost of 0 beside tokens is of a model without a price, and not known', () => {
  const costOf = (change: object) =>
    parse({ ...small, simulations: [{ ...small.simulations[0], ...change }] }).run.outcomes[0]!.costUsd
  expect(costOf({ agent_cost: 0 })).toBeNull()
  expect(costOf({ agent_cost: 0, messages: [{ role: 'assistant', usage: { prompt_tokens: 0 } }] })).toBeNull()
})

test('what a later tau2-bench can be set to is part of the configuration, what is not set is none', () => {
  const set = {
    retrieval_config: 'bm25',
    speech_complexity: 'control',
    audio_native_config: { provider: 'a' },
  }
  const yamlOf = (info: object) =>
    parse({ ...small, info: { ...small.info, ...info } }).run.configuration.yaml
  expect(parseYaml(yamlOf(set))).toMatchObject(set)
  expect(yamlOf({ retrieval_config: null })).toBe(yamlOf({}))
})

test.each([
  [{ content: 'Error: no such kite' }, 0],
  [{ content: 'Error: no such kite', error: null }, 0],
  [{ content: 'Error: no such kite', error: false }, 1],
  [{ content: 'It flies.', error: true }, 0],
  [{ content: 'It flies.' }, 1],
])('a call with the result %j succeeds in the share %i', (result, successRate) => {
  const messages = [
    { role: 'assistant', content: null, tool_calls: [{ id: 'c', name: 'look_up_kite', arguments: {} }] },
    { role: 'tool', id: 'c', requestor: 'assistant', ...result },
  ]
  const [outcome] = parse({ ...small, simulations: [{ ...small.simulations[0], messages }] }).run.outcomes
  expect(outcome!.toolUsage).toMatchObject([{ toolName: 'look_up_kite', successRate }])
})

test('however a file is broken, its records are read or rejected', () => {
  fc.assert(
    fc.property(mutatedDocument(small), (document) => {
      if (Array.isArray(document.simulations))
        expectSound(tau2Bench.parse(document, 'small.json'), document.simulations.length)
      else expect(detectFormat(document)).toBeUndefined()
    }),
    { numRuns: 1000 },
  )
})
