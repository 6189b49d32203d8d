import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parse as parseYaml } from 'yaml'
import { detectFormat } from '../../../src/importers/formats.ts'
import { sweAgent } from '../../../src/importers/sweagent.ts'
import { expectSound, mutatedDocument } from '../../support/mutatedDocument.ts'

const instanceTemplate = 'Solve this.\nISSUE:\n{{problem_statement}}\n\nINSTRUCTIONS:\nGo to {{working_dir}}.'

const small = {
  environment: 'main',
  trajectory: [
    { action: 'find_file kite.py', observation: 'Found 1', response: 'r', execution_time: 0.5 },
    { action: 'edit 1:2\nx', observation: 'Error: no such line', response: 'r', execution_time: 0.25 },
    { action: '', observation: 'Empty.', response: 'r' },
    { action: 'edit 1:1\ny', observation: 'Done', response: 'r', execution_time: 1.0005 },
    { action: 'submit', observation: '', response: 'r', execution_time: 0 },
  ],
  history: [
    { role: 'system', content: 'You fix kites.' },
    { role: 'user', content: 'ISSUE:\nA demonstration.\n\nINSTRUCTIONS:\n', is_demo: true },
    { role: 'user', content: 'Solve this.\nISSUE:\nThe kite\r\nfalls.\n\nINSTRUCTIONS:\nGo to /kites.' },
    { role: 'user', content: 'Found 1' },
  ],
  info: {
    exit_status: 'submitted',
    submission: 'diff',
    model_stats: { instance_cost: 0.5, tokens_sent: 100, tokens_received: 20, api_calls: 5 },
  },
  replay_config: {
    agent: {
      name: 'kites__kite-7',
      model: { name: 'kite-model-2', temperature: 0.25 },
      templates: { instance_template: instanceTemplate },
    },
    env: { deployment: { image: 'kites:7', type: 'docker' }, repo: { base_commit: 'abc' } },
    problem_statement: { type: 'github', id: 'kites__kite-7' },
  } as object | string,
}

function parse(document: unknown, path = '/runs/one/kites__kite-7/kites__kite-7.traj') {
  const { runs, rejected } = sweAgent.parse(document, path)
  expect(rejected).toEqual([])
  const [run] = runs as [(typeof runs)[0]]
  return { run, outcome: run.outcomes[0]!, scenario: run.scenarios[0]! }
}

/** As before version 1.0, which wrote no configuration. */
function parseOld(path: string) {
  const { replay_config, ...old } = small
  return parse(old, path)
}

function withInfo(info: object) {
  return { ...small, info: { ...small.info, ...info } }
}

test('is recognised by its content', () => {
  expect(detectFormat(small)).toBe(sweAgent)
  expect(detectFormat({ trajectory: [], info: {}, history: [] })).toBe(sweAgent)
  expect(detectFormat({ trajectory: [] })).toBeUndefined()
  expect(detectFormat({ ...small, trajectory: {} })).toBeUndefined()
})

test('a file is one ungraded outcome, with the tools that its actions begin with', () => {
  const { outcome, run } = parse(small)
  expect(outcome).toMatchObject({
    scenarioExternalId: 'swe/kites__kite-7',
    repetition: 1,
    status: 'success',
    reliabilityScore: null,
    executionTimeMs: 1751,
    promptTokens: 100,
    completionTokens: 20,
    tokensUsed: 120,
    costUsd: 0.5,
    model: 'kite-model-2',
    metrics: { exit_status: 'submitted', api_calls: 5, step_count: 5, has_patch: true },
    error: null,
    failurePatterns: [],
  })
  expect(outcome.executionTime).toBeUndefined()
  expect(outcome.trajectory).toEqual({ ...small, status: 'success' })
  expect(outcome.toolUsage).toMatchObject([
    { toolName: 'find_file', callCount: 1, avgDurationMs: 500, successRate: 1, toolSequence: [0] },
    {
      toolName: 'edit',
      callCount: 2,
      successRate: 0.5,
      toolSequence: [1, 2],
      errorTypes: ['Error: no such line'],
    },
    { toolName: 'submit', callCount: 1, toolSequence: [3] },
  ])
  expect(run.name).toBe('SWE-agent kite-model-2 one')
  expect(run.metadata).toEqual({ format: 'SWE-agent', source_file: 'kites__kite-7.traj' })
})

test('the configuration leaves out what is of one instance, so that all of a run have the same', () => {
  const { configuration } = parse(small).run
  expect(configuration.name).toBe('SWE-agent kite-model-2')
  expect(parseYaml(configuration.yaml)).toEqual({
    model: 'kite-model-2',
    temperature: 0.25,
    agent: {
      model: { name: 'kite-model-2', temperature: 0.25 },
      templates: { instance_template: instanceTemplate },
    },
    environment: { deployment: { type: 'docker' } },
  })
  const asText = { ...small, replay_config: JSON.stringify(small.replay_config) }
  expect(parse(asText).run.configuration).toEqual(configuration)
})

test('the scenario is the issue without the words of the agent around it', () => {
  expect(parse(small).scenario).toEqual({
    externalId: 'swe/kites__kite-7',
    name: 'kites__kite-7',
    taskPrompt: 'The kite\nfalls.',
    groundTruth: null,
    difficultyLevel: null,
    tags: ['swe', 'kites/kite'],
    expectedTools: null,
    source: 'swe',
    metadata: { instance_id: 'kites__kite-7', repo: 'kites/kite' },
  })
  const stated = { problem_statement: { id: 'kites__kite-7', text: 'As stated.' } }
  expect(parse({ ...small, replay_config: stated }).scenario.taskPrompt).toBe('As stated.')
  expect(parse({ ...small, history: [] }).scenario.taskPrompt).toBeNull()
  const other = [{ role: 'user', content: 'Just do it.' }]
  expect(parse({ ...small, history: other }).scenario.taskPrompt).toBe('Just do it.')
})

test('before version 1.0 the settings and the instance are told by the names of folder and file', () => {
  const name = 'gpt4__swe-bench-dev__default__t-0.20__p-0.95__c-3.00__install-1'
  const { run, scenario } = parseOld(`/runs/${name}/kites__kite-7.traj`)
  expect(run.configuration.name).toBe('SWE-agent gpt4 swe-bench-dev default')
  expect(parseYaml(run.configuration.yaml)).toEqual({
    model: 'gpt4',
    temperature: 0.2,
    agent: { config: 'default', top_p: 0.95, per_instance_cost_limit: 3 },
    data: 'swe-bench-dev',
    system_template: 'You fix kites.',
  })
  expect(scenario.taskPrompt).toBe('The kite\nfalls.')
  const flat = parseOld(`/runs/${name}__kites__kite-7.traj`)
  expect(flat.run.configuration).toEqual(run.configuration)
  expect(flat.scenario).toEqual(scenario)
  const unnamed = parseOld('/runs/7.traj')
  expect(unnamed.run.configuration.name).toBe('SWE-agent unknown')
  expect(unnamed.scenario.externalId).toBe('swe/7')
})

test('the identity is the content, not the place; the part is of the folder and the configuration', () => {
  const here = parse(small).run
  const there = parse(small, '/elsewhere/renamed.traj').run
  expect(there.identity).toBe(here.identity)
  expect(there.partOf).not.toBe(here.partOf)
  expect(parse(small, '/runs/one/kites__kite-7.traj').run.partOf).toBe(here.partOf)
  const other = parse(withInfo({ submission: 'another' })).run
  expect(other.identity).not.toBe(here.identity)
  expect(other.partOf).toBe(here.partOf)
})

test.each([
  ['edit 1:2', 'Your proposed edit has introduced new syntax error(s). Please read this', true],
  [
    'python fly.py',
    'Traceback (most recent call last):\n  File "fly.py", line 1, in <module>\n    fly()\nWindError: calm',
    true,
  ],
  [
    'python fly.py',
    'Flying.\r\nTraceback (most recent call last):\r\n  File "fly.py", line 1\r\nkites.WindError',
    true,
  ],
  ['python fly.py', '\nEXECUTION TIMED OUT BECAUSE THE COMMAND RAN MORE THAN 25 SECONDS.', true],
  ['fly', 'bash: fly: command not found', true],
  ['python fly.py', 'It says: Traceback (most recent call last):', false],
  ['cat fly.log', 'Traceback (most recent call last):\n  File "fly.py", line 1\nWindError: calm', false],
  ['python fly.py', 'Up.', false],
])('the command %j with the answer %j failed: %j', (action, observation, failed) => {
  const { outcome } = parse({ ...small, trajectory: [{ ...small.trajectory[0], action, observation }] })
  const [usage] = outcome.toolUsage!
  expect(usage).toMatchObject({ callCount: 1, successRate: failed ? 0 : 1 })
  expect(usage!.errorTypes!.length).toBe(failed ? 1 : 0)
})

test.each([
  ['submitted', 'success', undefined],
  ['submitted (exit_cost)', 'timeout', 'timeout'],
  ['submitted (exit_format)', 'error', 'model_error'],
  ['exit_cost', 'timeout', 'timeout'],
  ['exit_context', 'timeout', 'timeout'],
  ['exit_command_timeout', 'timeout', 'timeout'],
  ['exit_total_execution_time', 'timeout', 'timeout'],
  ['something new', 'error', 'unknown'],
])('an exit status %s is the status %s', (exitStatus, status, failureCategory) => {
  const { outcome } = parse(withInfo({ exit_status: exitStatus }))
  expect(outcome.status).toBe(status)
  expect(outcome.failurePatterns?.[0]?.failureCategory).toBe(failureCategory)
  if (failureCategory) expect(outcome.error).toBe(`The run ended after 5 steps: ${exitStatus}.`)
})

test('a run that broke off has neither exit status nor statistics', () => {
  const { outcome } = parse({ ...small, info: {} })
  expect(outcome).toMatchObject({ status: 'error', errorCode: 'unfinished', costUsd: null, tokensUsed: null })
})

test('a file that cannot be read is rejected with the reason', () => {
  const rejected = (document: object) => sweAgent.parse(document, '/runs/7.traj').rejected
  expect(rejected({ ...small, trajectory: 'x' })).toEqual([
    { record: 'the trajectory', reason: 'trajectory is "x", not a list of steps' },
  ])
  expect(rejected(withInfo({ model_stats: -1 }))[0]?.reason).toContain('model_stats is -1')
  expect(rejected({ ...small, replay_config: { problem_statement: { id: [] } } })[0]?.reason).toContain(
    'a list',
  )
  expect(() => sweAgent.parse([], 'x')).toThrow('it is not an object')
})

test('whatever is broken in a file, it is read or rejected', () => {
  fc.assert(
    fc.property(mutatedDocument(small), (document) => {
      expectSound(sweAgent.parse(document, '/runs/one/kites__kite-7.traj'), 1)
    }),
    { numRuns: 500 },
  )
})

test('figures that are all 0 of a model that was called are unknown', () => {
  const free = { instance_cost: 0, tokens_sent: 0, tokens_received: 0 }
  const usageOf = (change: object) => parse({ ...withInfo({ model_stats: free }), ...change }).outcome
  expect(usageOf({})).toMatchObject({
    promptTokens: null,
    completionTokens: null,
    tokensUsed: null,
    costUsd: null,
  })
  expect(usageOf({ trajectory: [] })).toMatchObject({ promptTokens: 0, tokensUsed: 0, costUsd: 0 })
})
