import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parse as parseYaml } from 'yaml'
import type { ParsedFile } from '../../../src/importers/format.ts'
import { detectFormat } from '../../../src/importers/formats.ts'
import { promptfoo } from '../../../src/importers/promptfoo.ts'
import { readJson } from '../../support/expectedTotals.ts'
import { expectSound, mutatedDocument } from '../../support/mutatedDocument.ts'
import { withSharedData } from '../../support/sharedData.ts'

function result(testIdx: number, change: object = {}): any {
  return {
    id: `r${testIdx}`,
    promptIdx: 0,
    testIdx,
    provider: { id: 'sky:kite-model-2', label: '' },
    prompt: { raw: `Fly kite ${testIdx}.`, label: 'Fly {{what}}.' },
    vars: { what: `kite ${testIdx}` },
    testCase: {
      description: `Flies kite ${testIdx}`,
      vars: { what: `kite ${testIdx}` },
      assert: [
        { type: 'contains', value: 'up' },
        { type: 'llm-rubric', value: 'It flies.', metric: 'flight' },
      ],
    },
    response: { output: 'It is up.', cached: false, tokenUsage: { total: 12, prompt: 10, completion: 2 } },
    success: true,
    score: 1,
    latencyMs: 250,
    cost: 0.001,
    failureReason: 0,
    namedScores: { flight: 1 },
    gradingResult: {
      pass: true,
      score: 1,
      reason: 'All assertions passed',
      componentResults: [
        { pass: true, score: 1, reason: 'Assertion passed' },
        { pass: true, score: 1, reason: 'It flies.', assertion: { type: 'llm-rubric', metric: 'flight' } },
      ],
    },
    ...change,
  }
}

function failed(testIdx: number, change: object = {}) {
  const componentResults = [
    { pass: false, score: 0, reason: 'Expected output to contain "up"' },
    { pass: true, score: 1, reason: 'It flies.' },
  ]
  const gradingResult = {
    pass: false,
    score: 0.5,
    reason: 'Expected output to contain "up"',
    componentResults,
  }
  return result(testIdx, { success: false, score: 0.5, failureReason: 1, gradingResult, ...change })
}

const prompts = [{ raw: 'Fly {{what}}.', label: 'Fly {{what}}.', provider: 'sky:kite-model-2' }]

function file(results: unknown[], { config = {}, ...change }: any = {}): any {
  return {
    evalId: 'eval-1',
    results: { version: 3, timestamp: '2026-01-02T03:04:05.000Z', prompts, results, ...change },
    config: { description: 'Kites', providers: ['sky:kite-model-2'], ...config },
  }
}

function parse(document: any) {
  const { runs, rejected } = promptfoo.parse(document, 'folder/kites.json')
  expect(rejected).toEqual([])
  return runs
}

function outcomeWith(change: object, of = result) {
  return parse(file([of(0, change)]))[0]!.outcomes[0]!
}

test('is recognised by its results, not by its name', () => {
  expect(detectFormat(file([result(0)]))).toBe(promptfoo)
  for (const other of [{}, { results: [] }, { results: { results: [] } }, file([{ success: true }]), null]) {
    expect(promptfoo.detect(other)).toBe(false)
  }
})

test('an evaluation is a run for each pair of prompt and provider, with the same scenarios', () => {
  const other = { promptIdx: 1, provider: { id: 'sky:kite-model-3', label: 'three' } }
  const runs = parse(file([result(1), result(0), result(0, other), failed(1, other)]))
  expect(runs.map(({ name, outcomes }) => [name, outcomes.length])).toEqual([
    ['promptfoo Kites sky:kite-model-2 2026-01-02T03:04:05', 2],
    ['promptfoo Kites three 2026-01-02T03:04:05', 2],
  ])
  expect(new Set(runs.map(({ identity }) => identity)).size).toBe(2)
  expect(runs.map(({ configuration }) => configuration.name)).toEqual([
    'promptfoo Kites sky:kite-model-2',
    'promptfoo Kites three',
  ])
  const [ofFirst, ofSecond] = runs.map(
    ({ scenarios }) => new Set(scenarios.map(({ externalId }) => externalId)),
  )
  expect(ofFirst).toEqual(ofSecond)
  expect([...ofFirst!].sort()).toEqual([
    expect.stringMatching(/^promptfoo\/Kites\/Flies kite 0 [0-9a-f]{8}$/),
    expect.stringMatching(/^promptfoo\/Kites\/Flies kite 1 [0-9a-f]{8}$/),
  ])
  expect(runs[0]!.metadata).toMatchObject({ source_file: 'kites.json', eval_id: 'eval-1', suite: 'Kites' })
})

test('without numbers of prompts the pairs are told by provider and prompt', () => {
  const old = (testIdx: number, id: string) => result(testIdx, { promptIdx: undefined, provider: id })
  const runs = parse(file([old(0, 'a'), old(1, 'a'), old(0, 'b')]))
  expect(runs.map(({ outcomes }) => [outcomes[0]!.model, outcomes.length])).toEqual([
    ['a', 2],
    ['b', 1],
  ])
})

test('of prompts without a label the text before its variables tells which one it is', () => {
  const old = (testIdx: number) =>
    result(testIdx, {
      promptIdx: undefined,
      prompt: { raw: `Fly kite ${testIdx}.`, display: 'Fly {{what}}.' },
    })
  expect(parse(file([old(0), old(1)]))).toMatchObject([{ outcomes: { length: 2 } }])
})

test('a repeated test is a repetition, one that only shares its description is another scenario', () => {
  const vars = { what: 'other' }
  const same = (testIdx: number, change: object = {}) =>
    result(testIdx, { testCase: { ...result(0).testCase, ...change } })
  const [run] = parse(file([same(0), same(1), same(2, { vars }), same(3, { vars }), same(4, { assert: [] })]))
  expect(run!.repetitions).toBe(2)
  const ids = run!.outcomes.map(({ scenarioExternalId }) => scenarioExternalId)
  for (const id of ids) expect(id).toMatch(/^promptfoo\/Kites\/Flies kite 0 [0-9a-f]{8}$/)
  expect(ids).toEqual([ids[0], ids[0], ids[2], ids[2], ids[4]])
  expect(new Set(ids).size).toBe(3)
  expect(run!.outcomes.map(({ repetition }) => repetition)).toEqual([1, 2, 1, 2, 1])
  // One that is put in front of the others makes no other tests of them.
  const [later] = parse(file([same(0, { vars: { what: 'new' } }), same(1), same(2, { vars })]))
  const idsLater = later!.outcomes.map(({ scenarioExternalId }) => scenarioExternalId)
  expect(idsLater.slice(1)).toEqual([ids[0], ids[2]])
  expect(ids).not.toContain(idsLater[0])
})

test('suites of one description that ask something else have other scenarios, one more prompt makes none', () => {
  const asking = (...templates: string[]) => {
    const asked = templates.map((raw) => ({ ...prompts[0], raw, label: raw }))
    return parse(file([result(0)], { prompts: asked }))[0]!
  }
  const [one, other, more] = [
    asking('Fly {{what}}.'),
    asking('Paint {{what}}.'),
    asking('Fly {{what}}.', 'Up!'),
  ]
  expect(other.scenarios[0]!.externalId).not.toBe(one.scenarios[0]!.externalId)
  expect(more.scenarios[0]!.externalId).toBe(one.scenarios[0]!.externalId)
  expect(more.configuration.name).toBe(one.configuration.name)
})

test('a test without a description is told by its own id, else by what it asks', () => {
  const named = (testIdx: number, change: object) =>
    result(testIdx, { testCase: { vars: { n: Math.min(testIdx, 2) }, ...change } })
  const [run] = parse(file([named(0, { id: 'K-0' }), named(1, { name: 'Calm' }), named(2, {}), named(3, {})]))
  expect(run!.outcomes.map(({ scenarioExternalId, repetition }) => [scenarioExternalId, repetition])).toEqual(
    [
      [expect.stringMatching(/^promptfoo\/Kites\/K-0 [0-9a-f]{8}$/), 1],
      [expect.stringMatching(/^promptfoo\/Kites\/test [0-9a-f]{8}$/), 1],
      [expect.stringMatching(/^promptfoo\/Kites\/test [0-9a-f]{8}$/), 1],
      [run!.outcomes[2]!.scenarioExternalId, 2],
    ],
  )
  expect(run!.scenarios.map(({ name }) => name)).toEqual(['K-0', 'Calm', 'Fly kite 2.'])
  const moved = parse(file([named(5, {})]))[0]!.scenarios[0]!.externalId
  expect(moved).toBe(run!.scenarios[2]!.externalId)
})

test('results are told apart by the numbers of their tests, whatever their order in the file', () => {
  const same = (testIdx: number, what: string) =>
    result(testIdx, { testCase: { description: 'Flies', vars: { what } } })
  const results = [same(0, 'kite'), same(1, 'kite'), same(2, 'other')]
  const places = (document: object) =>
    Object.fromEntries(
      parse(document)[0]!.outcomes.map(({ trajectory, scenarioExternalId, repetition }) => [
        (trajectory as any).id,
        [scenarioExternalId, repetition],
      ]),
    )
  expect(places(file([...results].reverse()))).toEqual(places(file(results)))
})

test('long descriptions that begin alike stay two scenarios', () => {
  const long = (testIdx: number) =>
    result(testIdx, { testCase: { description: `${'Flies '.repeat(100)}${testIdx}` } })
  const [run] = parse(file([long(0), long(1)]))
  expect(run!.scenarios).toHaveLength(2)
  for (const { externalId } of run!.scenarios) expect(externalId.length).toBeLessThanOrEqual(500)
})

test('a scenario is asked by the prompt with its variables in it, by the first one of several', () => {
  const [run] = parse(file([result(0)], { prompts }))
  expect(run!.scenarios).toEqual([
    {
      externalId: expect.stringMatching(/^promptfoo\/Kites\/Flies kite 0 [0-9a-f]{8}$/),
      name: 'Flies kite 0',
      taskPrompt: 'Fly kite 0.',
      groundTruth: { assert: result(0).testCase.assert },
      difficultyLevel: null,
      tags: ['promptfoo', 'contains', 'llm-rubric'],
      expectedTools: null,
      source: 'promptfoo',
      metadata: { suite: 'Kites', name: null, vars: { what: 'kite 0' } },
    },
  ])
  const second = { promptIdx: 1, prompt: { raw: 'Fly kite 0 now!' } }
  for (const of of parse(file([result(0, second), result(0)]))) {
    expect(of.scenarios[0]!.taskPrompt).toBe('Fly kite 0.')
  }
  const promptWith = (vars: object, prompt = ' ') =>
    parse(file([result(0, { testCase: { vars }, prompt: { raw: prompt } })]))[0]!.scenarios[0]!.taskPrompt
  expect(promptWith({ what: 'kite', wind: 7, none: '' })).toBe('what:\nkite\n\nwind:\n7')
  expect(promptWith({}, 'Fly it.')).toBe('Fly it.')
  expect(promptWith({}, '[{"role":"system","content":"Be brief."},{"role":"user","content":"Fly."}]')).toBe(
    'Be brief.\n\nFly.',
  )
  expect(promptWith({}, ' ')).toBeNull()
  const tagged = result(0, { testCase: { ...result(0).testCase, tags: ['windy', '', 7] } })
  expect(parse(file([tagged]))[0]!.scenarios[0]!.tags).toEqual([
    'promptfoo',
    'windy',
    'contains',
    'llm-rubric',
  ])
})

test('an outcome has the usage of its own call, and begins with the suite', () => {
  expect(outcomeWith({})).toMatchObject({
    status: 'success',
    reliabilityScore: 1,
    executionTime: new Date('2026-01-02T03:04:05.250Z'),
    executionTimeMs: 250,
    tokensUsed: 12,
    promptTokens: 10,
    completionTokens: 2,
    costUsd: 0.001,
    model: 'sky:kite-model-2',
    toolUsage: [],
    failurePatterns: [],
    metrics: { assertions: { met: 2, total: 2 }, named_scores: { flight: 1 }, cached: false },
  })
  expect(outcomeWith({}).trajectory).toEqual({
    ...result(0),
    status: 'success',
    messages: [
      { role: 'user', content: 'Fly kite 0.' },
      { role: 'assistant', content: 'It is up.' },
    ],
  })
})

test.each([
  // Gemini's reasoning stands beside its answer, that of others within it.
  [{ total: 30, prompt: 8, completion: 2, completionDetails: { reasoning: 20 } }, 22],
  [{ total: 30, prompt: 8, completion: 22, completionDetails: { reasoning: 20 } }, 22],
  [{ total: 0, prompt: 0, completion: 0 }, null],
])('of the usage %j the answer has %s tokens', (tokenUsage, completionTokens) => {
  const isKnown = completionTokens !== null
  expect(outcomeWith({ response: { output: 'Up.', tokenUsage }, cost: 0 })).toMatchObject({
    completionTokens,
    promptTokens: isKnown ? 8 : null,
    tokensUsed: isKnown ? 30 : null,
    costUsd: null,
  })
})

test('a cached answer keeps the tokens of the call that it repeats, and says so', () => {
  const response = { output: 'Up.', cached: true, tokenUsage: { cached: 12, total: 12 } }
  expect(outcomeWith({ response, cost: 0, latencyMs: 3 })).toMatchObject({
    tokensUsed: 12,
    promptTokens: null,
    costUsd: null,
    executionTimeMs: 3,
    metrics: { cached: true, cached_tokens: 12 },
  })
  const { notes } = promptfoo.parse(file([result(0, { response }), result(1)]), 'kites.json')
  expect(notes).toContainEqual(expect.stringMatching(/^1 of 2 answers are from promptfoo's cache/))
  expect(promptfoo.parse(file([result(1)]), 'kites.json').notes!.join()).not.toContain('cache')
})

test('a prompt of chat messages is read as these', () => {
  const messagesOf = (raw: string) => (outcomeWith({ prompt: { raw } }).trajectory as any).messages
  expect(messagesOf('[{"role":"system","content":"Be brief."}]')).toMatchObject([
    { role: 'system', content: 'Be brief.' },
    { role: 'assistant' },
  ])
  for (const raw of ['[System]\nBe brief.', '[1]']) {
    expect(messagesOf(raw)).toMatchObject([{ role: 'user', content: raw }, { role: 'assistant' }])
  }
})

test('passing is what promptfoo says, whatever the score; one on another scale is a metric', () => {
  expect(outcomeWith({ score: 0.8 })).toMatchObject({ status: 'success', reliabilityScore: 0.8 })
  expect(outcomeWith({ score: 1 }, failed)).toMatchObject({ status: 'error', reliabilityScore: 1 })
  expect(outcomeWith({ score: 3 })).toMatchObject({ reliabilityScore: null, metrics: { score: 3 } })
  expect(outcomeWith({ score: -2 }, failed)).toMatchObject({ reliabilityScore: null, metrics: { score: -2 } })
  expect(outcomeWith({ score: undefined }).reliabilityScore).toBeNull()
})

test('the assertions that were not met are the failures, by their metric or type', () => {
  expect(outcomeWith({}, failed)).toMatchObject({
    errorCode: 'assert:contains',
    failurePatterns: [
      {
        failureType: 'assert:contains',
        failureCategory: 'validation_error',
        errorMessage: 'Expected output to contain "up"',
      },
    ],
  })
  const componentResults = [
    { pass: false, reason: 'No.', assertion: { type: 'llm-rubric', metric: 'flight' } },
    { pass: false, reason: 'Neither.' },
    { pass: false },
  ]
  expect(outcomeWith({ gradingResult: { componentResults } }, failed).failurePatterns).toMatchObject([
    { failureType: 'assert:flight', errorMessage: 'No.' },
    { failureType: 'assert:unknown', errorMessage: 'Neither.' },
    { failureType: 'assert:unknown', errorMessage: 'The assertion was not met.' },
  ])
  expect(outcomeWith({ gradingResult: { reason: 'Late.' } }, failed).error).toBe('Late.')
  expect(outcomeWith({ gradingResult: {} }, failed).error).toContain('does not say')
})

test.each([
  ['Request timed out after 300000ms', 'timeout'],
  ['API error: 429 Too Many Requests. Rate limit reached', 'model_error'],
  ['getaddrinfo ENOTFOUND', 'system_error'],
])('a provider that did not answer ("%s") is a %s', (error, category) => {
  const unanswered = { failureReason: 2, error, gradingResult: null, response: undefined, score: 0 }
  expect(outcomeWith(unanswered, failed)).toMatchObject({
    status: category === 'timeout' ? 'timeout' : 'error',
    errorCode: 'provider_error',
    errorCategory: category,
    failurePatterns: [{ errorMessage: error }],
  })
  expect(outcomeWith({ failureReason: 2, error }, failed).errorCode).toBe('provider_error')
})

test('the configuration is the provider with its settings and the prompt', () => {
  const entry = { id: 'sky:kite-model-2', config: { temperature: 0.3, max_tokens: 9 } }
  const label = (name: string) => [{ ...prompts[0], label: name, config: { suffix: '!' } }]
  const configuration = (providers: unknown[], ofPrompts: object[] = prompts) =>
    parse(file([result(0)], { prompts: ofPrompts, config: { providers } }))[0]!.configuration
  expect(parseYaml(configuration(['file://providers.yaml', entry], label('kites.txt')).yaml)).toEqual({
    model: 'sky:kite-model-2',
    temperature: 0.3,
    provider: { id: 'sky:kite-model-2', config: { temperature: 0.3, max_tokens: 9 } },
    prompt: { label: 'kites.txt', config: { suffix: '!' }, template: 'Fly {{what}}.' },
  })
  const keyed = configuration([{ 'sky:kite-model-2': { config: { temperature: 0.3, max_tokens: 9 } } }])
  expect(keyed).toEqual(configuration([entry]))
  // The text of a prompt is its version, not its name.
  expect(configuration([]).name).toBe('promptfoo Kites sky:kite-model-2')
  for (const name of ['a/b/kites.txt: Fly {{what}}.', 'C:\\b\\kites.txt', 'kites.txt']) {
    expect(configuration([], label(name)).name).toBe('promptfoo Kites sky:kite-model-2 kites.txt')
  }
  const two = [...prompts, { raw: 'Up!', label: 'Up!', provider: 'sky:kite-model-2' }]
  const second = parse(file([result(0, { promptIdx: 1 })], { prompts: two }))[0]!.configuration
  expect([configuration([], two).name, second.name]).toEqual([
    'promptfoo Kites sky:kite-model-2',
    'promptfoo Kites sky:kite-model-2 prompt 2',
  ])
})

test('the same evaluation is the same run, another date another with the same configuration', () => {
  const [run] = parse(file([result(0), result(1)]))
  const [again] = parse({ ...file([result(1), result(0)]), metadata: { exportedAt: 'later' } })
  expect(again!.identity).toBe(run!.identity)
  const [other] = parse({ ...file([result(0)], { timestamp: '2026-02-02T00:00:00.000Z' }), evalId: 'eval-2' })
  expect(other!.identity).not.toBe(run!.identity)
  expect(other!.configuration).toEqual(run!.configuration)
  expect(other!.scenarios[0]).toEqual(run!.scenarios[0])
  const nameless = (timestamp: string) =>
    parse({ ...file([result(0)], { timestamp }), evalId: undefined })[0]!.identity
  expect(nameless('2026-01-01T00:00:00Z')).not.toBe(nameless('2026-01-02T00:00:00Z'))
})

describe('suites without a description', () => {
  const unnamed = (evalId: string, template: string, results: unknown[], config: object = {}) => ({
    ...file(results, { prompts: [{ ...prompts[0], raw: template }] }),
    evalId,
    config: { providers: ['sky:kite-model-2'], ...config },
  })
  const of = (document: any) => parse(document)[0]!

  test('are told apart by what they ask', () => {
    const translate = of(
      unnamed('a', 'Translate {{what}}.', [result(0, { testCase: { vars: { what: 'up' } } })]),
    )
    const count = of(unnamed('b', 'Count {{what}}.', [result(0, { testCase: { vars: { what: 'kites' } } })]))
    expect(count.configuration.name).not.toBe(translate.configuration.name)
    expect(count.scenarios[0]!.externalId).not.toBe(translate.scenarios[0]!.externalId)
    // One prompt for everything is common, and a description of a test is no name of it.
    const asking = (what: string, change: object = {}) =>
      of(
        unnamed(what, '{{what}}', [
          result(0, { testCase: { description: 'asks', vars: { what }, ...change } }),
        ]),
      )
    expect(asking('up').scenarios[0]!.externalId).not.toBe(asking('down').scenarios[0]!.externalId)
    const assert = [{ type: 'contains', value: 'up' }]
    expect(asking('up', { assert }).scenarios[0]!.externalId).not.toBe(asking('up').scenarios[0]!.externalId)
    const tests = (what: string) => of(unnamed('c', '{{what}}', [result(0)], { tests: [{ vars: { what } }] }))
    expect(tests('up').configuration.name).not.toBe(tests('down').configuration.name)
  })

  test('are one on several dates', () => {
    const [one, other] = ['day-1', 'day-2'].map((id) => of(unnamed(id, '{{what}}', [result(0), result(1)])))
    expect(other!.identity).not.toBe(one!.identity)
    expect(other!.configuration).toEqual(one!.configuration)
    expect(other!.scenarios).toEqual(one!.scenarios)
  })
})

test('an evaluation that goes on is the same run with fewer results, and says so', () => {
  const tests = [0, 1, 2].map((n) => ({ vars: { n } }))
  const read = (results: unknown[], change: object = {}, evalId: string | undefined = undefined) =>
    promptfoo.parse({ ...file(results, { config: { tests }, ...change }), evalId }, 'x.json')
  const whole = [result(0), result(1), result(2)]
  const [part, full] = [read(whole.slice(0, 2)), read(whole)]
  const progress = ({ runs: [run] }: ParsedFile) => (run!.missing ? 'unfinished' : run!.state)
  expect([progress(part), progress(full)]).toEqual(['unfinished', 'finished'])
  expect(part.runs[0]!.identity).toBe(full.runs[0]!.identity)
  expect(part.runs[0]).toMatchObject({
    missing: 1,
    missingNote: '1 of 3 results are missing',
    isOpenEnded: false,
  })
  const state = (change: object) => progress(read(whole.slice(0, 2), change))
  expect(read(whole, { config: {} }).runs).toMatchObject([{ isOpenEnded: true }])
  expect(state({ config: {} })).toBe('finished')
  expect(state({ config: {}, stats: { successes: 2, failures: 1 } })).toBe('unfinished')
  expect(state({ config: {}, stats: { successes: 0, failures: 0, errors: 0 } })).toBe('unfinished')
  expect(state({ config: {}, stats: { successes: 1, failures: 0, errors: 1 } })).toBe('finished')
  const counted = [{ ...prompts[0], metrics: { testPassCount: 3, testFailCount: 0 } }]
  expect(state({ config: {}, prompts: counted })).toBe('unfinished')
  expect(state({ config: { tests, commandLineOptions: { filterFirstN: 2 } } })).toBe('finished')
  expect(state({ config: { tests: ['file://tests.yaml'] } })).toBe('finished')
  expect(progress(read(whole, { config: { tests, evaluateOptions: { repeat: 2 } } }))).toBe('unfinished')
  // Counts of all of its prompts are those of an evaluation that is through, whatever a filter left of its tests.
  const through = { stats: { successes: 2, failures: 0, errors: 0 } }
  const metrics = { testPassCount: 2, testFailCount: 0, testErrorCount: 0 }
  expect(state({ ...through, prompts: [{ ...prompts[0], metrics }] })).toBe('finished')
  expect(state({ ...through, prompts: [{ ...prompts[0], metrics }, prompts[0]] })).toBe('unfinished')
  expect(state(through)).toBe('unfinished')
  expect(state({ config: { tests, commandLineOptions: { filterFirstN: null } } })).toBe('unfinished')
  const unnumbered = (results: object[]) =>
    results.map((each) => ({ ...each, testIdx: undefined, promptIdx: undefined }))
  expect(progress(read(unnumbered(whole)))).toBe('finished')
  expect(progress(read(unnumbered(whole.slice(1))))).toBe('unfinished')
  expect(full.runs[0]!).toMatchObject({
    createdAt: new Date('2026-01-02T03:04:05.000Z'),
    startedAt: new Date('2026-01-02T03:04:05.000Z'),
    completedAt: new Date('2026-01-02T03:04:05.250Z'),
  })
})

describe('tools are counted', () => {
  const search = { id: 'c1', type: 'function', function: { name: 'search', arguments: '{"q":"wind"}' } }
  const usage = (change: object, traces: object[] = []) =>
    parse({ ...file([result(0, change)]), traces })[0]!.outcomes[0]!.toolUsage!.map(
      ({ toolName, callCount, successRate, avgDurationMs }) => [
        toolName,
        callCount,
        successRate,
        avgDurationMs,
      ],
    )

  test.each([
    ['a list of calls', [search, search]],
    ['a message', { role: 'assistant', content: null, tool_calls: [search, search] }],
    ['JSON text', JSON.stringify([search, search])],
    [
      'blocks',
      {
        content: [
          { type: 'tool_use', name: 'search', input: {} },
          { type: 'tool_use', name: 'search' },
        ],
      },
    ],
    [
      'items',
      [
        { type: 'function_call', name: 'search' },
        { type: 'function_call', name: 'search' },
      ],
    ],
  ])('in an answer that is %s', (_shape, output) => {
    expect(usage({ response: { output } })).toEqual([['search', 2, 1, null]])
  })

  test('in no answer that only looks like calls', () => {
    for (const output of [
      [{ name: 'Ada' }],
      { name: 'Ada', type: 'person' },
      '[not JSON',
      '{"name":"Ada"}',
      7,
    ]) {
      expect(usage({ response: { output } })).toEqual([])
    }
  })

  test('in what the provider lists, and in the spans of the trace, each call once', () => {
    const toolCalls = [
      { id: 't1', name: 'Read', input: {}, output: 'x', is_error: false },
      { id: 't2', name: 'Read', input: {}, output: 'No such file', is_error: true },
    ]
    const response = { output: [search], metadata: { toolCalls } }
    const span = (change: object) => ({ spanId: 's', startTime: 10, endTime: 30, ...change })
    const spans = [
      span({ name: 'execute_tool search', attributes: { 'gen_ai.tool.name': 'search' } }),
      span({ name: 'execute_tool fly', statusCode: 2, statusMessage: 'Too windy' }),
      span({ name: 'chat kite-model-2', attributes: {} }),
    ]
    const traces = [
      { testCaseId: '0-0', spans },
      { testCaseId: '7-0', metadata: { testIdx: 7, promptIdx: 0 }, spans },
    ]
    expect(usage({ response }, traces)).toEqual([
      ['search', 1, 1, 20],
      ['fly', 1, 0, 20],
      ['Read', 2, 0.5, null],
    ])
    const [{ trajectory }] = parse(file([result(0, { response })]))[0]!.outcomes as [any]
    expect(trajectory.messages.at(-1)).toEqual({ role: 'assistant', content: null, tool_calls: [search] })
  })
})

test('what cannot be read is rejected with its place and the reason', () => {
  const broken = [
    result(0),
    null,
    result(2, { success: 'yes' }),
    result(3, { score: 'good' }),
    result(4, { prompt: 'x', response: 3 }),
    result(5, { response: 'Up.' }),
    result(6, { testIdx: undefined, testCase: {}, vars: undefined }),
  ]
  const { runs, rejected } = promptfoo.parse(file(broken), 'x.json')
  expect(runs.map(({ outcomes }) => outcomes.length)).toEqual([1])
  expect(rejected).toEqual([
    { record: 'record 2', reason: 'it is null, not an object' },
    { record: 'record 3 (test 2, prompt 0)', reason: 'success is "yes", not true or false' },
    { record: 'record 4 (test 3, prompt 0)', reason: 'score is "good", not a score' },
    { record: 'record 5 (test 4, prompt 0)', reason: 'response is 3, not an object' },
    { record: 'record 6 (test 5, prompt 0)', reason: 'response is "Up.", not an object' },
    { record: 'record 7 (prompt 0)', reason: 'it has neither a testIdx nor a description nor variables' },
  ])
  expect(() => promptfoo.parse({ results: {} }, 'x.json')).toThrow('no list of results')
})

test('a result that is nested too deeply costs no other', () => {
  const deep = JSON.parse(`${'['.repeat(20_000)}${']'.repeat(20_000)}`)
  const results = [result(0, { testCase: { vars: { deep } } }), result(1), result(2, { metadata: deep })]
  const { runs, rejected } = promptfoo.parse({ ...file(results), evalId: undefined }, 'x.json')
  expect(runs[0]!.outcomes).toHaveLength(2)
  expect(rejected).toEqual([{ record: 'record 1 (test 0, prompt 0)', reason: 'it is nested too deeply' }])
})

test('however a file is broken, its results are read or rejected', () => {
  const results = [
    result(0),
    failed(1),
    result(0, { promptIdx: 1 }),
    failed(2, { gradingResult: null, error: 'x' }),
  ]
  const frame = { ...file([], { config: { providers: [{ id: 'sky:kite-model-2', config: {} }] } }) }
  fc.assert(
    fc.property(mutatedDocument(results), mutatedDocument(frame), (records, document) => {
      const around =
        typeof document.results === 'object' && !Array.isArray(document.results) ? document.results : {}
      const parsed = promptfoo.parse({ ...document, results: { ...around, results: records } }, 'x.json')
      expectSound(parsed, records.length)
    }),
    { numRuns: 1000 },
  )
})

describe('the runs of one suite on three dates', () => {
  const expectOneSuite = (documents: unknown[]) => {
    const [first, second, third] = documents.map((document) => parse(document)[0]!)
    expect(new Set([first, second, third].map((run) => run!.identity)).size).toBe(3)
    expect(second!.configuration).toEqual(first!.configuration)
    expect(third!.configuration).toEqual(first!.configuration)
    const ids = (run: typeof first) => new Set(run!.scenarios.map(({ externalId }) => externalId))
    expect(ids(third)).toEqual(ids(second))
    return [...ids(first)].filter((id) => ids(second).has(id)).length
  }

  test('share configuration and scenarios', () => {
    const onDay = (day: number, tests: number[]) => ({
      ...file(
        tests.map((testIdx) => result(testIdx)),
        { timestamp: `2026-01-0${day}T03:04:05.000Z` },
      ),
      evalId: `eval-${day}`,
    })
    expect(expectOneSuite([onDay(1, [0, 1, 2]), onDay(2, [0, 1, 2, 3]), onDay(3, [0, 1, 2, 3])])).toBe(3)
  })

  withSharedData('of real files', (data) => {
    test('share configuration and scenarios', () => {
      const commits = ['43f8914c', '67d19e7e', '18300309']
      const files = commits.map((commit) => readJson(new URL(`promptfoo/mdma_${commit}_results.json`, data)))
      // After the first date all tests were asked otherwise, some under their old descriptions.
      expect(expectOneSuite(files)).toBe(0)
    })
  })
})
