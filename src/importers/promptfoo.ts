import { basename } from 'node:path'
import type { FailurePatternInput } from '../evaluation/outcomeInput.ts'
import { isText, stringifyExactly } from '../exactNumbers.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../json.ts'
import { shorten } from '../text.ts'
import { LENGTHS, MAX_TAGS } from '../valueChecks.ts'
import { contentText } from './chatMessages.ts'
import type { ImportedOutcome, ImportedRun, ImportedScenario, ParsedFile, ResultFormat } from './format.ts'
import { configurationOf, providerName, providerOf } from './promptfooConfiguration.ts'
import { type Progress, progressOf } from './promptfooProgress.ts'
import { type AskedTest, askedTest, MAX_TEST_NAME_LENGTH, placesOf, shortDigest } from './promptfooTests.ts'
import { calledIn, type TracedTools, toolUsageOf, tracedTools } from './promptfooTools.ts'
import {
  amountOf,
  append,
  asFigure,
  asList,
  asObject,
  asText,
  BrokenRecord,
  bounded,
  digest,
  figureIn,
  givenAmount,
  objectOf,
  onOtherScale,
  type RecordPlace,
  readRecords,
  repetitionsOf,
  scenariosAt,
  scoreOf,
  shortName,
  shown,
  toTheSecond,
  treeIn,
} from './recordReading.ts'
import { crashFailure, failure, failureFields } from './rewardChecks.ts'
import { modelOrUnknown } from './runConfiguration.ts'
import { timeMsOf } from './sourceTimes.ts'
import { knownTokens, withReasoning } from './tokenUsage.ts'

const MAX_SUITE_LENGTH = 80
const MAX_PROMPT_IN_NAME_LENGTH = 60
const UNNAMED_SUITE = 'unnamed suite'

/** `failureReason` of promptfoo: 0 none, 1 an assertion, 2 the provider did not answer. */
const PROVIDER_FAILED = 2

/** An evaluation as all its runs share it. */
interface Evaluation {
  /** What promptfoo calls it, else a digest of when it began and what it asks. */
  id: string
  /** Whether it is one that no other evaluation has, so that its answers are told from those of all others. */
  isOwnId: boolean
  /** What it was known by before it had one, where the file has that as well. */
  startedAs: string | null
  /** Whether somebody has described the suite; else what it asks is all that tells it from another. */
  isNamed: boolean
  /** What configurations and runs are named after: the suite's name, or a digest of what it asks. */
  suite: string
  /** The part of a stream: it goes on, and says nothing of how much more there is. */
  isStreamed: boolean
  progress: Progress
  traced: TracedTools
  config: JsonObject
  prompts: JsonValue[]
  timestamp: string | null
  startedAtMs: number | null
  metadata: JsonObject
}

/** A prompt with a provider, as all results of them share it. */
interface TriedPrompt {
  provider: JsonObject
  promptIdx: number | null
  configuration: ImportedRun['configuration']
}

/**
 * Results of promptfoo: `{evalId, results: {timestamp, prompts, results}, config}`. One evaluation of a suite tries
 * every prompt with every provider: each such pair is a configuration, and a run. A test is a scenario, by its
 * description and by what it asks, which the runs of a suite on several dates share.
 *
 * A cached answer keeps the tokens of the call that it repeats and has the latency of the cache, which promptfoo itself
 * sums up as the run's: `metrics.cached` tells those outcomes apart.
 */
export const promptfoo: ResultFormat = {
  name: 'promptfoo',
  isReadOneByOne: true,
  shape: {
    'results.results': 'list',
    'results.results[].provider': 'value',
    'results.results[].success': 'boolean',
    'results.results[].testCase': 'object',
  },
  detect: (document) =>
    asList(asObject(evaluationIn(document).results).results).some((result) => {
      const record = asObject(result)
      return 'success' in record && 'provider' in record && ('prompt' in record || 'testCase' in record)
    }),
  parse: (document, fileName) => {
    const evaluation = evaluationIn(document)
    const { results } = asObject(evaluation.results)
    if (!Array.isArray(results)) throw new Error('This is not a promptfoo result: it has no list of results.')
    return parseResults(evaluation, results, fileName)
  },
}

/** The evaluation as its file has it, also from the summary alone, which a program gets that calls promptfoo. */
function evaluationIn(document: unknown): JsonObject {
  const { results, evalId = null, config = null, ...rest } = asObject(document)
  return Array.isArray(results) ? { evalId, config, results: { ...rest, results } } : asObject(document)
}

/** What a file of results alone tells of their evaluation. */
export interface ResultStream {
  /** A digest of the first result that was written while the evaluation ran; null where none was. */
  start: string | null
  isWhole: boolean
}

export function parseResults(
  document: JsonObject,
  results: JsonValue[],
  fileName: string,
  stream: ResultStream = { start: null, isWhole: true },
): ParsedFile {
  const asked = results.map(askedTest)
  const evaluation = evaluationOf(document, results, asked, fileName, stream)
  const { prompts, config } = evaluation
  const places = placesOf(asked, templateOf(prompts.length > 0 ? prompts : config.prompts))
  const tried = new Map<string, TriedPrompt>()
  const tests = new Map<string, { promptIdx: number; index: number }>()
  const { outcomes, runs, rejected } = readRecords(
    results,
    (record, place, index) => {
      const outcome = outcomeOf(record, place, evaluation)
      // Throws for a test that is nested too deeply to be sent: it must not cost the others.
      JSON.stringify(record.testCase ?? null)
      if (!tried.has(place.run!))
        tried.set(place.run!, {
          provider: providerOf(record),
          promptIdx: asFigure(record.promptIdx),
          configuration: configurationOf(record, evaluation),
        })
      // Where several prompts are tried, a test is as the first of them asks it.
      const { scenarioExternalId: id } = outcome
      const promptIdx = asFigure(record.promptIdx) ?? 0
      const before = tests.get(id)
      if (!before || promptIdx < before.promptIdx) tests.set(id, { promptIdx, index })
      return outcome
    },
    {
      placeOf: (_record, index) => {
        const place = places[index]
        if (!place) throw new BrokenRecord('it has neither a testIdx nor a description nor variables')
        return place
      },
      labelOf: ({ testIdx, promptIdx }) => [
        ...(testIdx === undefined ? [] : [`test ${shown(testIdx)}`]),
        ...(promptIdx === undefined ? [] : [`prompt ${shown(promptIdx)}`]),
      ],
    },
  )
  const byRun = new Map<string, ImportedOutcome[]>()
  for (const [index, outcome] of outcomes.entries()) append(byRun, runs[index]!, outcome)
  return {
    runs: [...byRun].map(([key, ofRun]) => {
      const ids = new Set(ofRun.map(({ scenarioExternalId }) => scenarioExternalId))
      const describedAt = new Map([...ids].map((id) => [id, tests.get(id)!.index]))
      const scenarios = scenariosAt(results, describedAt, (id, record) => scenarioOf(id, record, evaluation))
      return runOf(key, ofRun, tried.get(key)!, scenarios, evaluation)
    }),
    rejected,
    notes: [
      ...(evaluation.isStreamed || !evaluation.progress.missing
        ? [
            `the evaluation is not finished, or was cut off: ${results.length} results are in the file. ` +
              'Import it again when there are more; --complete ends the simulation',
          ]
        : []),
      ...cacheNotes(outcomes),
    ],
  }
}

/** Beside other runs they would show that an agent became faster, and that it answers the same each time. */
function cacheNotes(outcomes: readonly ImportedOutcome[]): string[] {
  const cached = outcomes.filter(({ metrics }) => metrics?.cached === true).length
  return cached === 0
    ? []
    : [
        `${cached} of ${outcomes.length} answers are from promptfoo's cache: their durations are the cache's, and they repeat an earlier run`,
      ]
}

function evaluationOf(
  document: JsonObject,
  results: JsonValue[],
  tests: (AskedTest | null)[],
  fileName: string,
  { start, isWhole }: ResultStream,
): Evaluation {
  const { timestamp = null, prompts, stats } = asObject(document.results)
  const config = asObject(document.config)
  const { tests: configured = null, defaultTest = null, scenarios = null } = config
  const asked = [templateOf(prompts ?? config.prompts), configured, defaultTest, scenarios]
  const description = asText(config.description)
  const suite = bounded(description ?? `${UNNAMED_SUITE} ${shortDigest(asked)}`, MAX_SUITE_LENGTH)
  const withoutId = digest(start ?? [suite, timestamp ?? results, asked])
  const evalId = asText(document.evalId)
  return {
    id: evalId ?? withoutId,
    isOwnId: start === null && (evalId !== null || timestamp !== null),
    startedAs: evalId === null || start === null ? null : withoutId,
    isNamed: description !== null,
    suite,
    isStreamed: !isWhole,
    progress: progressOf(tests, config, asList(prompts), asObject(stats)),
    traced: tracedTools(document.traces),
    config,
    prompts: asList(prompts),
    timestamp: asText(timestamp),
    startedAtMs: timeMsOf(asObject(document.results), 'timestamp'),
    metadata: {
      format: 'promptfoo',
      source_file: basename(fileName),
      suite,
      eval_id: document.evalId ?? null,
      timestamp,
      promptfoo: document.metadata ?? null,
    },
  }
}

/** The text of the first prompt before its variables are filled in. */
function templateOf(prompts: JsonValue | undefined): JsonValue {
  const first = asList(prompts).find((prompt) => prompt !== null) ?? null
  return isJsonObject(first) ? (first.raw ?? first.label ?? null) : first
}

function runOf(
  key: string,
  outcomes: ImportedOutcome[],
  { provider, promptIdx, configuration }: TriedPrompt,
  scenarios: ImportedScenario[],
  { id, startedAs, suite, isStreamed, progress, timestamp, startedAtMs, metadata }: Evaluation,
): ImportedRun {
  const missing = isStreamed || !progress.missing ? null : progress.missing(promptIdx)
  const startedAt = startedAtMs === null ? null : new Date(startedAtMs)
  const ends = outcomes.flatMap(({ executionTime }) => executionTime?.getTime() ?? [])
  return {
    state: missing === null ? 'unfinished' : 'finished',
    isOpenEnded: !progress.isCounted,
    ...(missing
      ? { missing, missingNote: `${missing} of ${outcomes.length + missing} results are missing` }
      : {}),
    createdAt: startedAt,
    startedAt,
    completedAt: ends.length === 0 ? null : new Date(ends.reduce((latest, end) => Math.max(latest, end))),
    identity: digest(['promptfoo', id, key]),
    triesAgain: true,
    ...(startedAs === null ? {} : { startedAs: digest(['promptfoo', startedAs, key]) }),
    name: shortName('promptfoo', suite, providerName(provider), toTheSecond(timestamp)),
    configuration,
    repetitions: repetitionsOf(outcomes),
    scenarios,
    outcomes,
    metadata: { ...metadata, provider },
  }
}

function outcomeOf(record: JsonObject, place: RecordPlace, evaluation: Evaluation): ImportedOutcome {
  const { startedAtMs } = evaluation
  const passed = record.success
  if (typeof passed !== 'boolean') throw new BrokenRecord(`success is ${shown(passed)}, not true or false`)
  const response = objectOf(record, 'response')
  const usage = asObject(response.tokenUsage)
  const durationMs = amountOf(record, 'latencyMs')
  const failures = passed ? [] : failuresOf(record)
  // The suite itself says what passes, by a threshold of its own.
  const status = passed ? 'success' : failures[0]!.failureCategory === 'timeout' ? 'timeout' : 'error'
  const assertions = componentsOf(record)
  const { id, isOwnId } = evaluation
  const answer = [response.output ?? null, record.error ?? null, record.latencyMs ?? null]
  return {
    scenarioExternalId: scenarioIdOf(place.taskId, evaluation),
    repetition: place.trial + 1,
    // Another answer to the same is another attempt.
    ...(isOwnId
      ? { identity: digest(['promptfoo', id, place.run!, place.taskId, place.trial, answer]) }
      : {}),
    status,
    // The file states when the suite began and no more: each test is taken to have begun then.
    executionTime: startedAtMs === null ? null : new Date(startedAtMs + (durationMs ?? 0)),
    reliabilityScore: scoreOf(record.score, 'score'),
    executionTimeMs: durationMs === null ? null : Math.round(durationMs),
    ...tokensOf(usage, response.cached === true),
    // promptfoo writes 0 for a model whose price it does not know.
    costUsd: amountOf(record, 'cost') || null,
    model: modelOrUnknown(asText(providerOf(record).id)),
    trajectory: { ...record, status, messages: messagesOf(record, response) },
    metrics: {
      ...onOtherScale('score', record.score),
      assertions: { met: assertions.filter(({ pass }) => pass === true).length, total: assertions.length },
      named_scores: record.namedScores ?? null,
      cached: response.cached === true,
      cached_tokens: givenAmount(usage, 'cached'),
    },
    toolUsage: toolUsageOf(record, evaluation.traced),
    ...failureFields(failures),
  }
}

function tokensOf(usage: JsonObject, isCached: boolean): ReturnType<typeof knownTokens> {
  const [prompt, completion, total] = ['prompt', 'completion', 'total'].map((key) =>
    amountOf(usage, key),
  ) as [number | null, number | null, number | null]
  const reasoning = figureIn(asObject(usage.completionDetails).reasoning)
  return knownTokens(
    {
      promptTokens: prompt,
      completionTokens: withReasoning({ prompt, completion, reasoning, total }),
      tokensUsed: total,
    },
    !isCached,
  )
}

/** A prompt that is a list of chat messages as these, any other as one of the user, and the answer. */
function messagesOf(record: JsonObject, response: JsonObject): JsonValue[] {
  const { raw } = asObject(record.prompt)
  const { output } = response
  return [
    ...(chatOf(raw) ?? (raw === undefined ? [] : [{ role: 'user', content: raw }])),
    ...(output === undefined || output === null ? [] : [{ role: 'assistant', ...answerOf(output) }]),
  ]
}

/** Calls of tools stand as these, anything else that was answered as it is. */
function answerOf(output: JsonValue): JsonObject {
  const calls = Array.isArray(output) ? calledIn(output) : []
  const isAllCalls = calls.length > 0 && calls.length === asList(output).length
  return isAllCalls && calls.every(({ function: called }) => isJsonObject(called))
    ? { content: null, tool_calls: calls }
    : { content: output }
}

function chatOf(prompt: JsonValue | undefined): JsonObject[] | null {
  if (!isText(prompt) || !prompt.trimStart().startsWith('[')) return null
  // A prompt may begin with a bracket and be plain text.
  const messages = treeIn(prompt)
  return Array.isArray(messages) && messages.every((message) => asText(asObject(message).role) !== null)
    ? (messages as JsonObject[])
    : null
}

function componentsOf(record: JsonObject): JsonObject[] {
  return asList(asObject(record.gradingResult).componentResults).map(asObject)
}

function failuresOf(record: JsonObject): FailurePatternInput[] {
  const error = asText(record.error)
  if (
    asFigure(record.failureReason) === PROVIDER_FAILED ||
    (error !== null && !isJsonObject(record.gradingResult))
  ) {
    const crash = crashFailure(error ?? 'The provider did not answer.', null)
    return [{ ...crash, failureType: 'provider_error' }]
  }
  const components = componentsOf(record)
  const asserts = asList(asObject(record.testCase).assert)
  const unmet = components.flatMap(({ pass, reason, assertion }, index) => {
    if (pass === true) return []
    // Some assertions of code are named in the test alone, which lists them in the order of the results.
    const { metric, type } = asObject(
      assertion ?? (asserts.length === components.length ? asserts[index] : null),
    )
    const name = asText(metric) ?? asText(type) ?? 'unknown'
    return [failure(`assert:${name}`, 'validation_error', asText(reason) ?? 'The assertion was not met.')]
  })
  if (unmet.length > 0) return unmet
  const reason = asText(asObject(record.gradingResult).reason) ?? error
  return [failure('assert', 'validation_error', reason ?? 'The file does not say what was not met.')]
}

function scenarioIdOf(test: string, { isNamed, suite }: Evaluation): string {
  return `promptfoo/${isNamed ? suite : UNNAMED_SUITE}/${test}`
}

function scenarioOf(externalId: string, record: JsonObject, evaluation: Evaluation): ImportedScenario {
  const { suite } = evaluation
  const testCase = asObject(record.testCase)
  const { description, id, name, vars, assert, tags, ...rest } = testCase
  const given = asText(description) ?? asText(id) ?? asText(name)
  const prompt = taskPromptOf(asObject(vars ?? record.vars), record)
  const told =
    given ??
    (prompt === null ? null : shorten(bounded(prompt, MAX_TEST_NAME_LENGTH), MAX_PROMPT_IN_NAME_LENGTH))
  const types = asList(assert).flatMap((assertion) => asText(asObject(assertion).type) ?? [])
  const ownTags = asList(tags).flatMap((tag) => asText(tag) ?? [])
  return {
    externalId,
    name: shortName(told ?? externalId.slice(scenarioIdOf('', evaluation).length)),
    taskPrompt: prompt,
    groundTruth: assert === undefined ? null : { assert },
    difficultyLevel: null,
    tags: [...new Set(['promptfoo', ...ownTags, ...types].map((tag) => shorten(tag, LENGTHS.tag.max)))].slice(
      0,
      MAX_TAGS,
    ),
    expectedTools: null,
    source: 'promptfoo',
    metadata: { ...rest, suite, name: name ?? null, vars: vars ?? record.vars ?? null },
  }
}

/** The prompt with the variables in their places; of a file that leaves it out the variables alone. */
function taskPromptOf(vars: JsonObject, record: JsonObject): string | null {
  const { raw } = asObject(record.prompt)
  const rendered = asText((chatOf(raw) ?? []).map(contentText).join('\n\n')) ?? asText(raw)
  if (rendered !== null) return rendered
  const parts = Object.entries(vars).flatMap(([key, value]) => {
    const text = isText(value) ? value.trim() : stringifyExactly(value)
    return text === '' ? [] : [[key, text] as const]
  })
  return parts.length === 1
    ? parts[0]![1]
    : asText(parts.map(([key, text]) => `${key}:\n${text}`).join('\n\n'))
}
