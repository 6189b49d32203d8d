import type {
  ErrorCategory,
  FailurePatternInput,
  OutcomeInput,
  OutcomeStatus,
} from '../../evaluation/outcomeInput.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../json.ts'
import { shorten } from '../../text.ts'
import { MAX_RETRY_COUNT } from '../../valueChecks.ts'
import { epochMs, type ToolCall, toolCallsOf, toolUsageOf } from '../chatMessages.ts'
import type { ImportedOutcome } from '../format.ts'
import {
  amountOf,
  asList,
  asObject,
  asText,
  BrokenRecord,
  objectOf,
  type RecordPlace,
  shown,
  sumOrNull,
} from '../recordReading.ts'
import { crashFailure, failure, failureFields, isPassed } from '../rewardChecks.ts'
import { modelOrUnknown } from '../runConfiguration.ts'
import { type SampleScore, sampleScore } from './inspectScore.ts'

const MAX_SHOWN_ANSWER_LENGTH = 500

/** What the log as a whole says that a sample depends on. */
export interface LogContext {
  task: string
  model: string | null
  /** `success`, `cancelled`, `error`, or `started` of a run that was cut off. */
  status: string | null
  /** The log's own error: what ended the run. */
  error: JsonObject
  /** For samples that have no times: when the run ended, or began. */
  endedAtMs: number | null
}

/** Limits that are times; the others count what the agent used. */
const TIME_LIMITS = ['time', 'working']

/** One sample, its attachments in their places, as an outcome. */
export function sampleOutcome(sample: JsonObject, place: RecordPlace, log: LogContext): ImportedOutcome {
  const { messages } = sample
  if (messages !== undefined && messages !== null && !Array.isArray(messages))
    throw new BrokenRecord(`messages is ${shown(messages)}, not a list`)
  const events = asList(sample.events).filter(isJsonObject)
  const score = sampleScore(sample)
  const status = statusOf(sample, score, log)
  const failures = status === 'success' ? [] : failuresOf(sample, score, status, log)
  return {
    scenarioExternalId: sampleScenarioId(log.task, place.taskId),
    repetition: place.trial + 1,
    retryCount: Math.min(asList(sample.error_retries).length, MAX_RETRY_COUNT),
    status,
    executionTime: endOf(sample, events, log),
    executionTimeMs: durationOf(sample, events),
    reliabilityScore: score.value,
    ...usageOf(objectOf(sample, 'model_usage')),
    model: modelOrUnknown(log.model),
    trajectory: { ...sample, status, messages: messages ?? [] },
    metrics: {
      scores: sample.scores ?? sample.score ?? null,
      working_time_seconds: amountOf(sample, 'working_time'),
      limit: sample.limit ?? null,
      message_count: asList(messages).length,
    },
    toolUsage: toolUsageOf(events.length > 0 ? eventCalls(events) : toolCallsOf(asList(messages)), hasFailed),
    ...failureFields(failures),
  }
}

/** The source's own name of a sample: equal in all runs of the task. */
export function sampleScenarioId(task: string, sampleId: string): string {
  return `inspect/${task}/${sampleId}`
}

/** A sample that was graded before its run was cancelled or failed is as good as any other. */
function statusOf(sample: JsonObject, score: SampleScore, log: LogContext): OutcomeStatus {
  const error = errorTextOf(sample.error)
  const limit = limitOf(sample)
  if (error !== null) return log.status === 'cancelled' && /^Cancelled/i.test(error) ? 'cancelled' : 'error'
  if (isPassed(score.value)) return 'success'
  if (limit?.type === 'operator') return 'cancelled'
  if (limit && TIME_LIMITS.includes(limit.type)) return 'timeout'
  return score.value === null && log.status === 'cancelled' ? 'cancelled' : 'error'
}

function failuresOf(
  sample: JsonObject,
  score: SampleScore,
  status: OutcomeStatus,
  log: LogContext,
): FailurePatternInput[] {
  const error = errorTextOf(sample.error)
  const limit = limitOf(sample)
  const crash = error === null ? [] : [crashFailure(error, asText(asObject(sample.error).traceback))]
  const end = limit ? [failure(`limit:${limit.type}`, limitCategory(limit.type), limitText(limit))] : []
  const ended = [...crash, ...end]
  if (score.value === null && ended.length === 0) return [ungraded(score, status, log)]
  return score.value === null || isPassed(score.value) ? ended : [...ended, scoreFailure(sample, score)]
}

function scoreFailure({ target }: JsonObject, { value, scorer, given }: SampleScore): FailurePatternInput {
  const { answer, explanation } = given
  const parts = [
    `${scorer ?? 'The scorer'} gave ${JSON.stringify(given.value)}, which is ${value}.`,
    answer === undefined || answer === null ? null : `Answer: ${brief(answer)}.`,
    target === undefined || target === '' ? null : `Target: ${brief(target)}.`,
    // Many scorers repeat the answer as their explanation.
    explanation === answer ? null : asText(explanation),
  ]
  return failure(
    `score:${scorer ?? 'score'}`,
    'validation_error',
    parts.filter((part) => part !== null).join(' '),
  )
}

function brief(value: JsonValue): string {
  return shorten(JSON.stringify(value), MAX_SHOWN_ANSWER_LENGTH)
}

function ungraded(
  { scorer, given }: SampleScore,
  status: OutcomeStatus,
  log: LogContext,
): FailurePatternInput {
  const ending = errorTextOf(log.error)
  const run =
    status === 'cancelled' || log.status === 'cancelled'
      ? ' The run was cancelled.'
      : ending === null
        ? ''
        : ` The run ended in an error: ${ending}`
  return given.value === undefined || given.value === null
    ? failure('ungraded', 'unknown', `The log holds no score for this sample.${run}`)
    : failure(
        'ungraded',
        'unknown',
        `${scorer ?? 'The scorer'} gave ${brief(given.value)}, which is not a score from 0 to 1.${run}`,
      )
}

function errorTextOf(error: JsonValue | undefined): string | null {
  return asText(isJsonObject(error) ? (error.message ?? error.type) : error)
}

function limitOf({ limit }: JsonObject): { type: string; limit: JsonValue } | null {
  const type = asText(isJsonObject(limit) ? limit.type : limit)
  return type === null ? null : { type, limit: asObject(limit).limit ?? null }
}

function limitCategory(type: string): ErrorCategory {
  if (TIME_LIMITS.includes(type)) return 'timeout'
  return type === 'context' || type === 'token' ? 'model_error' : 'unknown'
}

function limitText({ type, limit }: { type: string; limit: JsonValue }): string {
  return `The sample was ended by its ${type} limit${limit === null ? '' : ` of ${brief(limit)}`}.`
}

function durationOf(sample: JsonObject, events: JsonObject[]): number | null {
  const seconds = amountOf(sample, 'total_time')
  if (seconds !== null) return Math.round(seconds * 1000)
  const times = timesOf(events)
  return times.length === 0 ? null : Math.round(Math.max(0, times.at(-1)! - times[0]!))
}

function endOf(sample: JsonObject, events: JsonObject[], log: LogContext): Date | null {
  const ms = epochMs(sample.completed_at) ?? timesOf(events).at(-1) ?? log.endedAtMs
  return ms === null ? null : new Date(ms)
}

function timesOf(events: JsonObject[]): number[] {
  return events.flatMap(({ timestamp }) => epochMs(timestamp) ?? [])
}

/** Of all models that the sample called. Providers differ in whether cached input counts as input: totals do not. */
function usageOf(
  usage: JsonObject,
): Pick<OutcomeInput, 'tokensUsed' | 'promptTokens' | 'completionTokens' | 'costUsd'> {
  const models = Object.values(usage).filter(isJsonObject)
  const inputs = models.map((model) => amountOf(model, 'input_tokens'))
  const outputs = models.map((model) => amountOf(model, 'output_tokens'))
  const totals = models.map(
    (model, index) => amountOf(model, 'total_tokens') ?? sumOrNull([inputs[index]!, outputs[index]!]),
  )
  const [input, output, total] = [sumOrNull(inputs), sumOrNull(outputs), sumOrNull(totals)]
  return {
    tokensUsed: total,
    promptTokens: total === null || output === null ? input : Math.max(0, total - output),
    completionTokens: output,
    costUsd: sumOrNull(models.map((model) => amountOf(model, 'total_cost'))),
  }
}

/** A log may be written without its events; then the messages are all that tells of calls. */
function eventCalls(events: JsonObject[]): ToolCall[] {
  return events.flatMap(({ event, ...call }) => {
    const name = asText(call.function)
    if (event !== 'tool' || name === null) return []
    return [
      {
        name,
        byUser: false,
        arguments: call.arguments ?? null,
        calledAtMs: epochMs(call.timestamp),
        durationMs: typeof call.working_time === 'number' ? call.working_time * 1000 : null,
        result: { ...call, timestamp: call.completed ?? null, content: toolError(call.error) },
      },
    ]
  })
}

function hasFailed({ error, failed }: JsonObject): boolean {
  return (error !== undefined && error !== null) || failed === true
}

function toolError(error: JsonValue | undefined): string {
  if (!isJsonObject(error)) return asText(error) ?? ''
  return [error.type, error.message].flatMap((part) => asText(part) ?? []).join(': ') || 'error'
}
