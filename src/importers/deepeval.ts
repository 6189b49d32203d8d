import { basename } from 'node:path'
import type { FailurePatternInput, OutcomeInput } from '../evaluation/outcomeInput.ts'
import { errorType, usageByTool } from '../evaluation/outcomes/trajectory.ts'
import { isText } from '../exactNumbers.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../json.ts'
import { LENGTHS } from '../valueChecks.ts'
import type { ImportedOutcome, ImportedRun, ImportedScenario, ParsedFile, ResultFormat } from './format.ts'
import { madeOf } from './oneByOne.ts'
import {
  amountOf,
  asFigure,
  asList,
  asObject,
  asText,
  BrokenRecord,
  bounded,
  digest,
  figureIn,
  fromZeroToOne,
  givenAmount,
  identityOfRecords,
  Occurrences,
  picked,
  type RecordPlace,
  readRecords,
  repetitionsOf,
  scenariosAt,
  shortName,
  shown,
  sumOrNull,
} from './recordReading.ts'
import { crashFailure, failure, failureFields, statusOf } from './rewardChecks.ts'
import { modelOrUnknown, runConfiguration } from './runConfiguration.ts'
import { epochMs, spanMs, timeMsOf } from './sourceTimes.ts'
import { knownUsage } from './tokenUsage.ts'

const MAX_SUITE_LENGTH = 80
const DIGEST_LENGTH = 16

/** Those whose score says how bad an answer is, where threshold and verdict do not tell. */
const LOWER_IS_BETTER = /bias|toxicity|hallucination/i

/** What DeepEval calls tests that nobody named. */
const DEFAULT_NAME = /^(?:conversational_)?test_case_\d+$/

/**
 * A test run of DeepEval: `.latest_test_run.json`, where it is in `testRunData`, or `.latest_run_full.json` and
 * `test_run_*.json`, which hold nothing else. A test is graded by several metrics: its score is their mean, those that
 * measure what is bad turned round, and whether it passed is its own `success`. The file has no time of the run; a trace
 * has times, tokens and tools.
 */
export const deepEval: ResultFormat = {
  name: 'DeepEval',
  isReadOneByOne: true,
  shape: {
    'testRunData.testCases': 'list',
    'testRunData.testCases[].input': 'text',
    'testRunData.testCases[].metricsData': 'list',
  },
  detect: (document) => {
    const { testCases, conversationalTestCases } = testRunIn(document)
    return asList(testCases).some(isTest) || asList(conversationalTestCases).some(isTest)
  },
  parse: (document, path) => parseTestRun(testRunIn(document), path),
}

function isTest(test: JsonValue): boolean {
  const { metricsData, success, trace } = asObject(test)
  return Array.isArray(metricsData) || typeof success === 'boolean' || isJsonObject(trace)
}

/** What is left of a run that was sent to Confident AI. */
export function isTestRunLink(document: unknown): boolean {
  const { testRunLink, testRunData } = asObject(document)
  return isText(testRunLink) && testRunData === undefined
}

function testRunIn(document: unknown): JsonObject {
  const { testRunData } = asObject(document)
  return isJsonObject(testRunData) ? testRunData : asObject(document)
}

function parseTestRun(testRun: JsonObject, path: string): ParsedFile {
  const [cases, conversations] = [asList(testRun.testCases), asList(testRun.conversationalTestCases)]
  const tests = madeOf([cases, conversations], cases.length + conversations.length, (index) =>
    index < cases.length ? cases[index]! : conversations[index - cases.length]!,
  )
  const suite = bounded(
    asText(testRun.testFile) ?? asText(testRun.datasetAlias) ?? asText(testRun.identifier) ?? 'test run',
    MAX_SUITE_LENGTH,
  )
  const model = modelOrUnknown(modelOf(testRun, tests))
  const trials = new Map<string, number>()
  const occurrences = new Occurrences()
  const describedAt = new Map<string, number>()
  const { outcomes, rejected } = readRecords(
    tests,
    (record, place, index) => {
      const outcome = occurrences.of(outcomeOf(record, place, suite, model))
      if (!describedAt.has(outcome.scenarioExternalId)) describedAt.set(outcome.scenarioExternalId, index)
      return outcome
    },
    {
      placeOf: (record) => {
        const taskId = taskOf(record)
        const trial = trials.get(taskId) ?? 0
        trials.set(taskId, trial + 1)
        return { taskId, trial }
      },
      labelOf: ({ name }) => (asText(name) === null ? [] : [shown(name)]),
    },
  )
  if (outcomes.length === 0) return { runs: [], rejected }
  const starts = tests.flatMap((test) => epochMs(asObject(asObject(test).trace).startTime) ?? [])
  const ends = outcomes.flatMap(({ executionTime }) => executionTime?.getTime() ?? [])
  const hyperparameters = asObject(testRun.hyperparameters)
  // 0 while it goes on.
  const runDuration = asFigure(testRun.runDuration) || null
  const run: ImportedRun = {
    identity: digest([
      'deepeval',
      identityOfRecords(outcomes.map(({ identity }) => identity ?? '')),
      testRun.identifier ?? null,
      runDuration,
    ]),
    knownByRecords: true,
    isOpenEnded: true,
    toldApartBy: ['identifier', 'runDuration'],
    name: shortName('DeepEval', suite, model, asText(testRun.identifier)),
    configuration: runConfiguration(['DeepEval', suite, model], model, hyperparameters.temperature, {
      hyperparameters,
      prompts: testRun.prompts ?? null,
    }),
    startedAt: starts.length === 0 ? null : new Date(starts.reduce((a, b) => Math.min(a, b))),
    completedAt: ends.length === 0 ? null : new Date(ends.reduce((a, b) => Math.max(a, b))),
    repetitions: repetitionsOf(outcomes),
    scenarios: scenariosAt(tests, describedAt, (id, record) => scenarioOf(id, record, suite)),
    outcomes,
    metadata: {
      format: 'DeepEval',
      source_file: basename(path),
      ...picked(testRun, ['testFile', 'identifier', 'datasetAlias', 'datasetId', 'evaluationCost']),
      runDuration,
    },
  }
  return { runs: [run], rejected }
}

/** The model that was tested, not the one that graded: as the hyperparameters or the traces have it. */
function modelOf({ hyperparameters }: JsonObject, tests: JsonValue[]): string | null {
  for (const [key, value] of Object.entries(asObject(hyperparameters))) {
    if (/^(?:llm[ _-]?)?model(?:[ _-]?name)?$|^llm$/i.test(key) && asText(value) !== null)
      return asText(value)
  }
  for (const test of tests) {
    const spans = asList(asObject(asObject(test).trace).llmSpans).map(asObject)
    const [model] = spans.flatMap((span) => asText(span.model) ?? [])
    if (model !== undefined) return model
  }
  return null
}

/** A test is what it asks: names are given by position. */
function taskOf(record: JsonObject): string {
  const { input, expectedOutput, scenario, expectedOutcome, turns } = record
  const asked = scenario ?? firstOfUser(turns)
  if (input === undefined && asked === null) throw new BrokenRecord('it has neither an input nor turns')
  return digest([input ?? asked, expectedOutput ?? expectedOutcome ?? null]).slice(0, DIGEST_LENGTH)
}

function firstOfUser(turns: JsonValue | undefined): JsonValue {
  const turn = asList(turns)
    .map(asObject)
    .find(({ role }) => role === 'user')
  return turn?.content ?? null
}

function outcomeOf(record: JsonObject, place: RecordPlace, suite: string, model: string): ImportedOutcome {
  const metrics = asList(record.metricsData).map(asObject)
  const score = scoreOf(metrics)
  const trace = asObject(record.trace)
  const hasFailed = trace.status === 'ERRORED'
  // The test itself says whether it passed, by the thresholds of its metrics.
  const isUnmet = score !== null && record.success === false
  const status = hasFailed
    ? 'error'
    : isUnmet
      ? 'error'
      : statusOf('finished', record.success === true ? 1 : null)
  const failures = [...(hasFailed ? [traceFailure(trace)] : []), ...(isUnmet ? metrics.flatMap(unmet) : [])]
  const [started, ended] = [timeMsOf(trace, 'startTime'), timeMsOf(trace, 'endTime')]
  const seconds = amountOf(record, 'completionTime')
  const { input, actualOutput, turns, order } = record
  return {
    scenarioExternalId: externalIdOf(suite, place.taskId),
    repetition: place.trial + 1,
    takesFreeRepetition: true,
    identity: digest([
      'deepeval',
      suite,
      place.taskId,
      input ?? null,
      actualOutput ?? turns ?? null,
      trace.uuid ?? null,
    ]),
    status,
    executionTime: ended === null ? null : new Date(ended),
    executionTimeMs: seconds !== null ? Math.round(seconds * 1000) : spanMs(started, ended),
    reliabilityScore: score,
    ...usageOf(record, trace),
    model,
    trajectory: {
      ...(isText(trace.startTime) ? { start_time: trace.startTime } : {}),
      ...record,
      status,
      messages: messagesOf(record),
    },
    metrics: {
      scores: Object.fromEntries(
        metrics.map(({ name, score: value }) => [asText(name) ?? 'metric', value ?? null]),
      ),
      metrics_met: { met: metrics.filter(({ success }) => success === true).length, total: metrics.length },
      evaluation_cost_usd: givenAmount(record, 'evaluationCost'),
      order: order ?? null,
    },
    toolUsage: toolUsageOf(record, trace),
    ...failureFields(status === 'success' ? [] : failures),
  }
}

/** The mean of the metrics that gave a score from 0 to 1; those that are flaky decide nothing unless there is no other. */
function scoreOf(metrics: JsonObject[]): number | null {
  const decisive = metrics.filter(({ flaky }) => flaky !== true)
  const goodness = (decisive.length > 0 ? decisive : metrics).flatMap((metric) => goodnessOf(metric) ?? [])
  return goodness.length === 0 ? null : goodness.reduce((sum, value) => sum + value, 0) / goodness.length
}

function goodnessOf({ name, success, ...given }: JsonObject): number | null {
  const [score, threshold] = [figureIn(given.score), figureIn(given.threshold)]
  const good = score === null ? null : fromZeroToOne(score)
  if (score === null || good === null) return null
  const isTold = threshold !== null && typeof success === 'boolean' && score !== threshold
  const isBad = isTold ? success !== score > threshold : LOWER_IS_BETTER.test(asText(name) ?? '')
  return isBad ? 1 - good : good
}

function unmet({ name, score, threshold, success, reason, error }: JsonObject): FailurePatternInput[] {
  if (success === true) return []
  const metric = asText(name) ?? 'metric'
  if (asText(error) !== null)
    return [failure(`metric:${metric}`, 'system_error', `${metric} failed: ${asText(error)}`)]
  const figures = `${metric} gave ${shown(score)}, with a threshold of ${shown(threshold)}.`
  return [
    failure(`metric:${metric}`, 'validation_error', [figures, asText(reason)].filter(Boolean).join(' ')),
  ]
}

function spansOf(trace: JsonObject): JsonObject[] {
  return ['baseSpans', 'agentSpans', 'llmSpans', 'retrieverSpans', 'toolSpans'].flatMap((key) =>
    asList(trace[key]).map(asObject),
  )
}

function traceFailure(trace: JsonObject): FailurePatternInput {
  const error = spansOf(trace).flatMap((span) => asText(span.error) ?? [])[0]
  return crashFailure(error ?? 'The trace ended in an error.', null)
}

function usageOf(
  record: JsonObject,
  trace: JsonObject,
): Pick<OutcomeInput, 'promptTokens' | 'completionTokens' | 'tokensUsed' | 'costUsd'> {
  const spans = asList(trace.llmSpans).map(asObject)
  const promptTokens = sumOrNull(spans.map(({ inputTokenCount }) => inputTokenCount))
  const completionTokens = sumOrNull(spans.map(({ outputTokenCount }) => outputTokenCount))
  const costs = spans.map((span) => costOf(span))
  return knownUsage(
    { promptTokens, completionTokens, tokensUsed: sumOrNull([promptTokens, completionTokens]) },
    amountOf(record, 'tokenCost') ?? sumOrNull(costs),
    spans.length > 0,
  )
}

function costOf({
  inputTokenCount,
  outputTokenCount,
  costPerInputToken,
  costPerOutputToken,
}: JsonObject): number | null {
  const part = (given: JsonValue | undefined, each: JsonValue | undefined) => {
    const [count, price] = [figureIn(given), figureIn(each)]
    return count === null || price === null ? null : count * price
  }
  return sumOrNull([part(inputTokenCount, costPerInputToken), part(outputTokenCount, costPerOutputToken)])
}

/** A trace knows more of the calls than the test case does. */
function toolUsageOf(record: JsonObject, trace: JsonObject): OutcomeInput['toolUsage'] {
  const spans = asList(trace.toolSpans).map(asObject)
  if (spans.length > 0) {
    return usageByTool(
      spans.map((span) => {
        const [started, ended] = [epochMs(span.startTime), epochMs(span.endTime)]
        return {
          tool: toolName(span),
          durationMs: started === null || ended === null || ended < started ? null : ended - started,
          errorType: span.status === 'ERRORED' ? errorType(asText(span.error) ?? '') : null,
        }
      }),
    )
  }
  const called = [record, ...asList(record.turns).map(asObject)].flatMap(({ toolsCalled }) =>
    asList(toolsCalled).map(asObject),
  )
  return usageByTool(called.map((call) => ({ tool: toolName(call), durationMs: null, errorType: null })))
}

function toolName({ name }: JsonObject): string {
  return bounded(asText(name) ?? 'unknown', LENGTHS.toolName.max)
}

function messagesOf({ input, actualOutput, toolsCalled, turns }: JsonObject): JsonObject[] {
  if (Array.isArray(turns)) {
    return turns.map(asObject).map(({ role, content, toolsCalled: calls }) => ({
      role: role ?? 'user',
      content: content ?? '',
      ...callsOf(calls),
    }))
  }
  return [
    { role: 'user', content: input ?? '' },
    ...(actualOutput === undefined
      ? []
      : [{ role: 'assistant', content: actualOutput, ...callsOf(toolsCalled) }]),
  ]
}

function callsOf(toolsCalled: JsonValue | undefined): JsonObject {
  const calls = asList(toolsCalled).map(asObject)
  if (calls.length === 0) return {}
  return {
    tool_calls: calls.map(({ name, inputParameters, input_parameters, output }) => ({
      function: { name: name ?? null, arguments: inputParameters ?? input_parameters ?? {} },
      ...(output === undefined ? {} : { output }),
    })),
  }
}

function externalIdOf(suite: string, taskId: string): string {
  return `deepeval/${suite}/${taskId}`
}

function scenarioOf(externalId: string, record: JsonObject, suite: string): ImportedScenario {
  const { name, input, scenario, turns, expectedOutput, expectedOutcome, expectedTools } = record
  const given = asText(name)
  const prompt = asText(input) ?? asText(scenario) ?? asText(firstOfUser(turns))
  const expected = expectedOutput ?? expectedOutcome
  return {
    externalId,
    name: shortName(given !== null && !DEFAULT_NAME.test(given) ? given : (prompt ?? given ?? externalId)),
    taskPrompt: prompt,
    groundTruth: expected === undefined ? null : { expected_output: expected },
    difficultyLevel: null,
    tags: ['deepeval'],
    expectedTools: Array.isArray(expectedTools)
      ? [...new Set(expectedTools.flatMap((tool) => asText(asObject(tool).name) ?? []))]
      : null,
    source: 'DeepEval',
    metadata: { suite, ...picked(record, ['name', 'context', 'tags', 'metadata']) },
  }
}
