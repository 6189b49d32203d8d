import { basename } from 'node:path'
import type { FailurePatternInput, OutcomeInput } from '../evaluation/outcomeInput.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../json.ts'
import { MAX_RETRY_COUNT } from '../valueChecks.ts'
import { toolCallsOf, toolUsageOf } from './chatMessages.ts'
import type { ImportedOutcome, ImportedRun, ImportedScenario, ParsedFile, ResultFormat } from './format.ts'
import { chatMessagesOf, hasFailed } from './openhandsHistory.ts'
import {
  amountOf,
  asFigure,
  asList,
  asObject,
  asText,
  BrokenRecord,
  digest,
  domainOrUnknown,
  figureIn,
  objectOf,
  onOtherScale,
  readRecords,
  scoreOf,
  shortName,
  shown,
  sumOrNull,
  taskIdText,
  toTheSecond,
} from './recordReading.ts'
import {
  crashFailure,
  failureFields,
  isPassed,
  type RunEnd,
  statusOf,
  unexplainedFailures,
} from './rewardChecks.ts'
import { modelOrUnknown, runConfiguration } from './runConfiguration.ts'
import { epochMs, spanOf, timeOf } from './sourceTimes.ts'
import { knownUsage } from './tokenUsage.ts'
import { sweScenario, sweScenarioId } from './trajectoryFile.ts'

/** Where the benchmarks put their verdict in `test_result`, in the order of preference. */
const VERDICTS = ['resolved', 'score', 'reward', 'success', 'correct', 'is_correct', 'passed', 'result']

/** Errors that are limits: of iterations, of cost, of time, of the model's context. */
const LIMIT =
  /maximum (?:iteration|budget)|max(?:imum)?_?iterations|budget|time[d_ ]*out|context ?(?:window|length)/i

/** An error of somebody who ended the run: it begins so. */
const CANCELLED = /^\W*(?:\w+\.)*(?:cancel|KeyboardInterrupt|user interrupt)/i

/** Files with what was tried on the way to `output.jsonl`, which lies beside them when the run has ended. */
const ATTEMPTS_FILE = /(?:\.critic_attempt_\d+|_errors)\.jsonl(?:\.gz)?$/

/** An instance of SWE-bench and its relatives: `owner__repository-number`. */
const SWE_INSTANCE = /^.+?__.+-\w+$/

/**
 * Output of the benchmarks of OpenHands: `output.jsonl`, one instance a line, with its whole history. What was run stands
 * in every line, or in `metadata.json` beside. Instances of SWE-bench are ungraded until its report comes.
 */
export const openHands: ResultFormat = {
  name: 'OpenHands',
  isReadOneByOne: true,
  shape: { '[].instance_id': 'text', '[].test_result': 'object', '[].history': 'list' },
  detect: (document) => {
    const rows = asList(document)
    return rows.length > 0 && rows.some(isOutput)
  },
  gather: async (document, beside) => {
    const metadata = await beside.json('metadata.json', isEvalMetadata)
    return { format: openHands, document: { metadata, rows: document } }
  },
  parse: (document, path) => {
    const { metadata, rows } = Array.isArray(document)
      ? { metadata: null, rows: document }
      : asObject(document)
    if (!Array.isArray(rows))
      throw new Error('This is not an output of OpenHands: it is not a list of instances.')
    return parseRows(rows, asObject(metadata), path)
  },
}

export function isEvalMetadata(document: unknown): boolean {
  const { max_iterations, eval_output_dir, llm, llm_config } = asObject(document)
  return (
    max_iterations !== undefined &&
    eval_output_dir !== undefined &&
    (isJsonObject(llm) || isJsonObject(llm_config))
  )
}

function isOutput(row: JsonValue): boolean {
  const { instance_id, test_result, ...rest } = asObject(row)
  return (
    taskIdText(instance_id) !== null &&
    isJsonObject(test_result) &&
    ['history', 'instruction', 'metrics', 'metadata'].some((key) => key in rest)
  )
}

function parseRows(rows: JsonValue[], beside: JsonObject, path: string): ParsedFile {
  const stated = rows.map((row) => asObject(row).metadata).find(isJsonObject)
  const metadata = stated ?? beside
  const llm = llmOf(metadata)
  const model = modelOrUnknown(
    modelOf(metadata) ?? rows.flatMap((row) => modelUsed(asObject(row)) ?? [])[0] ?? null,
  )
  const agent = asText(metadata.agent_class) ?? asText(metadata.agent_type)
  const dataset = asText(metadata.dataset)
  const { eval_output_dir = null, start_time = null, details: _details, ...settings } = metadata
  const runName = [eval_output_dir, start_time, model, agent, dataset]
  const scenarios = new Map<string, ImportedScenario>()
  const { outcomes, rejected } = readRecords(
    rows,
    (record, { taskId }) => {
      const scenario = scenarioOf(taskId, record, dataset)
      const outcome = outcomeOf(record, scenario.externalId, model, runName)
      if (!scenarios.has(scenario.externalId)) scenarios.set(scenario.externalId, scenario)
      return outcome
    },
    {
      placeOf: (record) => {
        const taskId = taskIdText(record.instance_id)
        if (taskId === null) throw new BrokenRecord(`instance_id is ${shown(record.instance_id)}`)
        return { taskId, trial: 0, run: String(attemptOf(record)) }
      },
      labelOf: ({ instance_id }) => (instance_id === undefined ? [] : [shown(instance_id)]),
    },
  )
  if (outcomes.length === 0) return { runs: [], rejected }
  const { llm: _llm, llm_config: _config, ...others } = settings
  const started = asText(start_time)
  const isOfAttempts = ATTEMPTS_FILE.test(path)
  const ends = outcomes.flatMap(({ executionTime }) => executionTime?.getTime() ?? [])
  const run: ImportedRun = {
    identity: digest(
      Object.keys(metadata).length > 0
        ? ['openhands', ...runName]
        : ['openhands', ...outcomes.map(({ identity }) => identity ?? null).sort()],
    ),
    knownByRecords: Object.keys(metadata).length === 0,
    isOpenEnded: true,
    name: shortName('OpenHands', agent, model, dataset, toTheSecond(started)),
    configuration: runConfiguration(['OpenHands', agent, model], model, llm.temperature, {
      agent: others,
      llm,
    }),
    state: isOfAttempts ? 'unfinished' : 'finished',
    startedAt: timeOf(metadata, 'start_time'),
    completedAt: ends.length === 0 ? null : new Date(ends.reduce((a, b) => Math.max(a, b))),
    repetitions: 1,
    scenarios: [...scenarios.values()],
    outcomes,
    metadata: { format: 'OpenHands', source_file: basename(path), dataset, eval_output_dir, start_time },
  }
  const notes = isOfAttempts
    ? [
        'the file holds attempts of a run whose results are in output.jsonl: the run ends with that; --complete ends the simulation',
      ]
    : []
  return { runs: [run], rejected, notes }
}

function llmOf({ llm_config, llm }: JsonObject): JsonObject {
  return asObject(llm_config ?? llm)
}

/** The model that the settings of a run name. */
export function modelOf(metadata: JsonObject): string | null {
  return asText(llmOf(metadata).model)
}

function modelUsed({ metrics }: JsonObject): string | null {
  const { model_name, token_usages, costs } = asObject(metrics)
  const used = [...asList(token_usages), ...asList(costs)].map((entry) => asObject(entry).model)
  return asText(model_name) ?? used.flatMap((name) => asText(name) ?? [])[0] ?? null
}

/** Counted from 1. */
function attemptOf({ attempt: given }: JsonObject): number {
  const attempt = figureIn(given)
  return attempt !== null && Number.isInteger(attempt) && attempt > 0 ? attempt : 1
}

function outcomeOf(
  record: JsonObject,
  scenarioExternalId: string,
  model: string,
  runName: JsonValue[],
): ImportedOutcome {
  const { history: _history, instance: _instance, metadata: _metadata, ...rest } = record
  if (record.history !== undefined && record.history !== null && !Array.isArray(record.history))
    throw new BrokenRecord(`history is ${shown(record.history)}, not a list`)
  const messages = chatMessagesOf(asList(record.history))
  const result = objectOf(record, 'test_result')
  const verdict = verdictOf(record, result)
  const score = typeof verdict === 'boolean' ? Number(verdict) : scoreOf(verdict, 'the verdict')
  const error = asText(record.error)
  const end = endOf(error)
  const status = statusOf(end, score)
  const times = messages.flatMap(({ timestamp }) => epochMs(timestamp) ?? [])
  const [start, last] = [times[0], times.at(-1)]
  const { instance_id = null, instruction = null } = record
  return {
    scenarioExternalId,
    repetition: 1,
    retryCount: Math.min(attemptOf(record) - 1, MAX_RETRY_COUNT),
    // A grade comes into the result later; of what has no history the patch tells one from another.
    identity: digest([
      'openhands',
      runName,
      instance_id,
      attemptOf(record),
      instruction,
      start ?? result.git_patch ?? null,
    ]),
    status,
    executionTime: last === undefined ? null : new Date(last),
    executionTimeMs: spanOf(times),
    reliabilityScore: score,
    ...usageOf(objectOf(record, 'metrics'), result),
    model,
    trajectory: {
      ...(start === undefined ? {} : { start_time: new Date(start).toISOString() }),
      status,
      ...rest,
      messages,
    },
    metrics: {
      ...(typeof verdict === 'boolean' ? {} : onOtherScale('score', verdict)),
      test_result: withoutPatch(result),
      has_patch: asText(result.git_patch) !== null,
      message_count: messages.length,
    },
    toolUsage: toolUsageOf(toolCallsOf(messages), hasFailed),
    ...failureFields(status === 'success' ? [] : failuresOf(error, end, score), error),
  }
}

function endOf(error: string | null): RunEnd {
  if (error === null) return 'finished'
  if (LIMIT.test(error)) return 'timeout'
  return CANCELLED.test(error) ? 'cancelled' : 'error'
}

/**
 * The benchmark's own verdict, or that of a report that was put in afterwards; undefined where there is none yet. A patch
 * whose evaluation failed or took too long is not graded, as in a report of SWE-bench, which counts both as errors.
 */
function verdictOf({ report }: JsonObject, result: JsonObject): JsonValue | undefined {
  for (const place of [asObject(report), asObject(result.report), result, asObject(result.eval_result)]) {
    const isBroken = place.error_eval === true || place.test_timeout === true
    if (isBroken && place.resolved !== true) return undefined
    for (const key of VERDICTS) {
      const value = Object.hasOwn(place, key) ? place[key] : undefined
      if (typeof value === 'boolean' || asFigure(value) !== null) return value
    }
  }
  const { result: reached, total } = asObject(result.final_score)
  const [points, most] = [figureIn(reached), figureIn(total)]
  return points !== null && most !== null && most > 0 ? points / most : undefined
}

function withoutPatch({ git_patch: _patch, ...result }: JsonObject): JsonObject {
  return result
}

/** As the conversation counted it, else as Harbor did, where that ran the agent. */
function usageOf(
  metrics: JsonObject,
  result: JsonObject,
): Pick<OutcomeInput, 'promptTokens' | 'completionTokens' | 'tokensUsed' | 'costUsd'> {
  const totals = { ...objectOf(result, 'final_metrics'), ...metrics }
  const usages = isJsonObject(metrics.accumulated_token_usage)
    ? [metrics.accumulated_token_usage]
    : asList(metrics.token_usages).map(asObject)
  const sum = (key: string) => sumOrNull(usages.map((usage) => usage[key]))
  const promptTokens = sum('prompt_tokens') || amountOf(totals, 'total_prompt_tokens')
  const completionTokens = sum('completion_tokens') || amountOf(totals, 'total_completion_tokens')
  const tokensUsed = sumOrNull([promptTokens, completionTokens])
  const costUsd = amountOf(metrics, 'accumulated_cost') || amountOf(totals, 'total_cost_usd')
  return knownUsage({ promptTokens, completionTokens, tokensUsed }, costUsd, true)
}

function failuresOf(error: string | null, end: RunEnd, score: number | null): FailurePatternInput[] {
  if (error === null) return isPassed(score) ? [] : unexplainedFailures(score)
  const crash = crashFailure(error, null)
  const named = /^(\w+(?:Error|Exception))\b/.exec(error)?.[1]
  return [
    {
      ...crash,
      failureType: named ?? (end === 'timeout' ? 'limit' : crash.failureType),
      ...(end === 'timeout' ? { failureCategory: 'timeout' as const } : {}),
    },
  ]
}

/** An instance of SWE-bench is the same for every agent, one of any other benchmark is this one's. */
export function openHandsScenarioId(instanceId: string, dataset: string | null): string {
  return SWE_INSTANCE.test(instanceId)
    ? sweScenarioId(instanceId)
    : `openhands/${domainOrUnknown(dataset)}/${instanceId}`
}

function scenarioOf(instanceId: string, record: JsonObject, dataset: string | null): ImportedScenario {
  const problem = asText(asObject(record.instance).problem_statement) ?? asText(record.instruction)
  if (SWE_INSTANCE.test(instanceId)) return sweScenario(instanceId, problem)
  const benchmark = domainOrUnknown(dataset)
  return {
    externalId: openHandsScenarioId(instanceId, dataset),
    name: shortName(dataset, instanceId),
    taskPrompt: problem,
    groundTruth: null,
    difficultyLevel: null,
    tags: ['openhands', benchmark],
    expectedTools: null,
    source: 'openhands',
    metadata: { instance_id: instanceId, dataset },
  }
}
