import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parse as parseYaml } from 'yaml'
import { detectFormat } from '../../../src/importers/formats.ts'
import { interCode } from '../../../src/importers/intercode.ts'
import { expectSound, mutatedDocument } from '../../support/mutatedDocument.ts'

const path = 'results/bash/gpt-9/ic_bash_multiturn_gpt-9_3_turns_kites.json'

function record(taskId: number, change: object = {}) {
  return {
    environment: 'ic_bash',
    dataset: './data/kites/kites_1.json',
    task_id: taskId,
    query: `Count kite ${taskId}.`,
    turn_history: {
      actions: ['ls kites', 'wc -l kites'],
      observations: ['ls: cannot access kites\nNo such file', '7\n'],
      rewards: [0.33, 1],
      valid_action: [false, true],
    },
    info: { reward: { file_diff: 0.33, answer_similarity: 0.1 } },
    summary: { max_reward: 1, max_reward_idx: 1, turns_taken: 2, turns_max: 3 },
    ...change,
  }
}

const reward = (max_reward: unknown, turns_taken: unknown = 2) => ({
  summary: { max_reward, turns_taken, turns_max: 3 },
})

const small: Record<string, any> = {
  0: record(0),
  1: record(1, reward(0.43)),
  2: record(2, reward(0.67, 3)),
  3: record(3, { summary: undefined }),
  4: { ...record(4), task_id: undefined },
}

function parse(document: object, name = path) {
  const { runs, rejected } = interCode.parse(document, name)
  expect(runs).toHaveLength(1)
  return { run: runs[0]!, rejected }
}

function outcomeWith(change: object) {
  const { run, rejected } = parse({ 0: record(0, change) })
  expect(rejected).toEqual([])
  return run.outcomes[0]!
}

test('is recognised by its records, with or without what is said about the run', () => {
  expect(detectFormat(small)).toBe(interCode)
  expect(detectFormat({ meta: {}, logs: small })).toBe(interCode)
  for (const other of [
    {},
    [],
    null,
    { logs: {} },
    { 0: { turn_history: {} } },
    { 0: { query: '' } },
    'logs',
  ]) {
    expect(interCode.detect(other)).toBe(false)
  }
})

test('a file is one run of one agent, an outcome per task', () => {
  const { run, rejected } = parse(small)
  expect(rejected).toEqual([])
  expect(run.name).toBe('InterCode kites_1 gpt-9 multiturn')
  expect(run.repetitions).toBe(1)
  expect(run.outcomes.map(({ scenarioExternalId }) => scenarioExternalId)).toEqual(
    [0, 1, 2, 3, 4].map((task) => `intercode/bash/kites_1/${task}`),
  )
  expect(run.outcomes.map(({ status, reliabilityScore }) => [status, reliabilityScore])).toEqual([
    ['success', 1],
    ['error', 0.43],
    ['timeout', 0.67],
    ['success', null],
    ['success', 1],
  ])
})

test('scenarios hold the query, and what some datasets say beside it', () => {
  expect(parse(small).run.scenarios[0]).toEqual({
    externalId: 'intercode/bash/kites_1/0',
    name: 'InterCode kites_1 task 0',
    taskPrompt: 'Count kite 0.',
    groundTruth: null,
    difficultyLevel: null,
    tags: ['intercode', 'bash'],
    expectedTools: null,
    source: 'InterCode',
    metadata: { task_id: 0, environment: 'bash', dataset: './data/kites/kites_1.json', hardness: null },
  })
  const levels = ['easy', 'medium', 'hard', 'extra', 'odd'].map(
    (hardness) => parse({ 0: record(0, { hardness, gold: 'SELECT 1' }) }).run.scenarios[0]!,
  )
  expect(levels.map(({ difficultyLevel }) => difficultyLevel)).toEqual([
    'easy',
    'medium',
    'hard',
    'hard',
    null,
  ])
  expect(levels[0]!.groundTruth).toEqual({ gold: 'SELECT 1' })
})

test('the environment is the one tool; what it could not run failed', () => {
  expect(outcomeWith({}).toolUsage).toEqual([
    {
      toolName: 'bash',
      callCount: 2,
      avgDurationMs: null,
      successRate: 0.5,
      toolSequence: [0, 1],
      errorTypes: ['ls: cannot access kites'],
    },
  ])
  const untold = { actions: ['submit'], observations: [null], rewards: [0] }
  expect(outcomeWith({ turn_history: untold }).toolUsage).toMatchObject([{ callCount: 1, successRate: 1 }])
})

test('the trajectory is turn by turn what the lists hold, and nothing twice', () => {
  const { turn_history, ...rest } = record(0)
  expect(outcomeWith({}).trajectory).toEqual({
    ...rest,
    status: 'success',
    steps: [
      {
        action: 'ls kites',
        observation: 'ls: cannot access kites\nNo such file',
        reward: 0.33,
        valid_action: false,
      },
      { action: 'wc -l kites', observation: '7\n', reward: 1, valid_action: true },
    ],
  })
  const thoughtful = { ...turn_history, thoughts: ['Look.', 'Count.'] }
  expect(outcomeWith({ turn_history: thoughtful }).trajectory).toMatchObject({
    steps: [{ thought: 'Look.', action: 'ls kites' }, { thought: 'Count.' }],
  })
})

test('a low reward is a failure, used-up turns are one before it', () => {
  const { run } = parse(small)
  expect(run.outcomes[1]!.failurePatterns).toEqual([
    {
      failureType: 'reward',
      failureCategory: 'validation_error',
      errorMessage:
        'The best reward of all turns is 0.43; that of the last turn is made of file_diff 0.33, answer_similarity 0.1.',
    },
  ])
  expect(run.outcomes[2]).toMatchObject({
    errorCode: 'max_turns',
    errorCategory: 'timeout',
    failurePatterns: [{ errorMessage: 'The agent used up its turns (3).' }, { failureType: 'reward' }],
  })
  expect(run.outcomes[3]).toMatchObject({ errorCode: null, failurePatterns: [] })
  expect(outcomeWith({ ...reward(0.5), info: undefined }).error).toContain('does not say what was missing')
})

test('a wrong flag costs no more than all; any other reward out of range is kept beside, and is no score', () => {
  expect(outcomeWith(reward(-1))).toMatchObject({ reliabilityScore: 0, metrics: { max_reward: -1 } })
  expect(outcomeWith(reward(1.5))).toMatchObject({ reliabilityScore: null, metrics: { max_reward: 1.5 } })
  expect(interCode.parse({ 0: record(0, reward('much' as never)) }, path).rejected).toEqual([
    { record: 'record 1 (task 0)', reason: 'reward is "much", not a score' },
  ])
})

test('without a count of turns they are counted', () => {
  expect(outcomeWith({ summary: { max_reward: 0.5, turns_max: 2 } })).toMatchObject({
    status: 'timeout',
    metrics: { turns_taken: 2 },
  })
})

test.each([
  [path, 'gpt-9', 'multiturn'],
  ['bash__gpt-3.5__ic_bash_multiturn_gpt-3.5_10_turns_fs_4.json', 'gpt-3.5', 'multiturn'],
  ['bash__gpt-3.5__ic_bash_react_10_turns_fs_4.json', 'gpt-3.5', 'react'],
  ['C:\\results\\gpt-4\\ic_sql_plan_solve_10_turns.json', 'gpt-4', 'plan_solve'],
  ['ic_ctf_try_again_gpt-4_1_turns.json', 'gpt-4', 'try_again'],
  ['bash/chat-bison-001/ic_bash_multiturn_chat-bison-001_10_turns_fs_1.json', 'chat-bison-001', 'multiturn'],
  [
    'bash/text-davinci-003/ic_bash_multiturn_text-davinci-003_10_turns_fs_4.json',
    'text-davinci-003',
    'multiturn',
  ],
  ['text-bison-001__ic_sql_multiturn_text-bison-001_10_turns_handicap.json', 'text-bison-001', 'multiturn'],
  ['ic_sql_multiturn_vicuna_10_turns.json', 'vicuna', 'multiturn'],
  ['ic_sql_multiturn_starchat_10_turns.json', 'starchat', 'multiturn'],
  ['sql/human/ic_sql_multiturn_human_10_turns.json', 'human', 'multiturn'],
  ['bash/gpt-3.5/ic_bash_plan_solve_fs_2.json', 'gpt-3.5', 'plan_solve'],
  ['bash/gpt-3.5/ic_bash_plan_solve_refine_3_turns.json', 'gpt-3.5', 'plan_solve_refine'],
  ['sql/gpt-3.5/ic_sql_plan_solve.json', 'gpt-3.5', 'plan_solve'],
  ['sql/gpt-3.5/ic_sql_multiturn_gpt-3.5-1_turns.json', 'gpt-3.5', 'multiturn'],
  ['python/gpt-3.5/ic_python_multiturn_gpt-4_7_turns.json', 'gpt-4', 'multiturn'],
  ['ctf/ic_ctf_gpt-4_25_turns.json', 'gpt-4', null],
  ['gpt-4/results.json', 'unknown', null],
  ['gpt-4.json', 'unknown', null],
])('the path %s tells the model %s and the strategy %s', (name, model, strategy) => {
  const { run } = parse(small, name)
  expect(parseYaml(run.configuration.yaml)).toMatchObject({ model, agent: { strategy } })
  expect(run.outcomes[0]!.model).toBe(model)
  const less = name.includes('handicap') ? 'handicap' : null
  expect(run.configuration.name).toBe(['InterCode bash', model, strategy, less].filter(Boolean).join(' '))
  expect(run.identity).toBe(parse(small).run.identity)
})

test('a handicap is a configuration of its own, and the path may tell the turns', () => {
  const configuration = (name: string) => parse(small, `sql/gpt-3.5/ic_sql_${name}.json`).run.configuration
  const [full, less] = [
    configuration('multiturn_gpt-3.5_10_turns'),
    configuration('multiturn_gpt-3.5_10_turns_handicap'),
  ]
  expect([full.name, less.name]).toEqual([
    'InterCode bash gpt-3.5 multiturn',
    'InterCode bash gpt-3.5 multiturn handicap',
  ])
  expect(parseYaml(full.yaml).agent).toEqual({ strategy: 'multiturn', max_turns: 3 })
  expect(parseYaml(less.yaml).agent).toEqual({ strategy: 'multiturn', max_turns: 3, handicap: true })
  const unbounded = { 0: record(0, { summary: { max_reward: 1 } }) }
  const refined = parse(unbounded, 'gpt-3.5/ic_bash_plan_solve_refine_3_turns.json').run.configuration
  expect(parseYaml(refined.yaml).agent).toEqual({ strategy: 'plan_solve_refine', max_turns: 3 })
  expect(configuration('multiturn_gpt-3.5_10_turns_fs_1')).toEqual(
    configuration('multiturn_gpt-3.5_10_turns_fs_2'),
  )
})

test('what the file says about the run goes before its path', () => {
  const meta = { model: 'kite-model-7', policy: 'plan_solve', max_turns: 5, template: 'v2', log_dir: 'logs' }
  const { run } = parse({ meta, logs: { 0: record(0, { summary: { max_reward: 1 } }) } })
  expect(parseYaml(run.configuration.yaml)).toEqual({
    model: 'kite-model-7',
    temperature: null,
    agent: { strategy: 'plan_solve', max_turns: 5, template: 'v2' },
    environment: { name: 'bash' },
  })
  expect(run.metadata.meta).toEqual(meta)
})

test('a copy in another order or frame is the same run, a changed one is another', () => {
  const { identity } = parse(small).run
  const reordered = Object.fromEntries(
    Object.entries(small).map(([key, value]) => [
      `task ${key}`,
      Object.fromEntries(Object.entries({ ...value, task_id: value.task_id ?? key }).reverse()),
    ]),
  )
  expect(parse({ logs: reordered }).run.identity).toBe(identity)
  const changed = structuredClone(small)
  changed[0].turn_history.observations[1] = '8\n'
  expect(parse(changed).run.identity).not.toBe(identity)
})

test('what cannot be read is rejected with its place and the reason', () => {
  const broken = {
    ...small,
    5: 'text',
    6: record(6, { turn_history: 'none' }),
    7: record(7, { turn_history: { actions: 'ls' } }),
    8: record(0),
    9: record(9, { task_id: {} }),
  }
  expect(parse(broken).rejected).toEqual([
    { record: 'record 6', reason: 'it is "text", not an object' },
    { record: 'record 7 (task 6)', reason: 'turn_history is "none", not an object' },
    { record: 'record 8 (task 7)', reason: 'turn_history.actions is "ls", not a list' },
    { record: 'record 9 (task 0)', reason: 'record 1 is the same task and trial' },
    {
      record: 'record 10 (task an object)',
      reason: 'task_id is an object, not a whole number or a text',
    },
  ])
  expect(interCode.parse({ 0: 1 }, path)).toMatchObject({ runs: [], rejected: [{ record: 'record 1' }] })
  expect(() => interCode.parse([], path)).toThrow('not an object of records')
})

test('a record that is nested too deeply costs no other', () => {
  const deep = JSON.parse(`${'['.repeat(20_000)}${']'.repeat(20_000)}`)
  const document = {
    0: record(0, { note: deep }),
    1: record(1),
    2: record(2, { info: { reward: { part: deep } }, ...reward(0) }),
  }
  expect(parse(document).run.outcomes).toHaveLength(2)
  expect(parse(document).rejected).toEqual([
    { record: 'record 3 (task 2)', reason: 'it is nested too deeply' },
  ])
})

test('however a file is broken, its records are read or rejected', () => {
  fc.assert(
    fc.property(mutatedDocument(small), (document) => {
      expectSound(interCode.parse(document, path), Object.keys(document).length)
    }),
    { numRuns: 1000 },
  )
})
