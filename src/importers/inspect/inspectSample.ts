import type { FailurePatternInput, OutcomeInput } from '../../evaluation/outcomeInput.ts'
import { stringifyExactly } from '../../exactNumbers.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../json.ts'
import { shorten } from '../../text.ts'
import { MAX_RETRY_COUNT } from '../../valueChecks.ts'
import { type ToolCall, toolCallsOf, toolUsageOf } from '../chatMessages.ts'
import type { ImportedOutcome } from '../format.ts'
import {
  amountOf,
  asFigure,
  asList,
  asObject,
  asText,
  BrokenRecord,
  digest,
  givenAmount,
  objectOf,
  type RecordPlace,
  shown,
  sumOrNull,
} from '../recordReading.ts'
import { crashFailure, failure, failureFields, isPassed, type RunEnd, statusOf } from '../rewardChecks.ts'
import { modelOrUnknown } from '../runConfiguration.ts'
import { epochMs, spanMs, spanOf, timeMsOf } from '../sourceTimes.ts'
import { knownUsage, withReasoning } from '../tokenUsage.ts'
import { type LogScorer, type SampleScore, sampleScore } from './inspectScore.ts'

const MAX_SHOWN_ANSWER_LENGTH = 500

/** The limit that is a person: all others are of what a sample may use. */
const OPERATOR = 'operator'

/** What the log as a whole says that a sample depends on. */
export interface LogContext {
  task: string
  model: string | null
  /** `success`, `cancelled`, `error`, or `started` of a run that was cut off. */
  status: string | null
  scorer: LogScorer | null
  /** For samples that have no times: when the run ended, or began. */
  endedAtMs: number | null
}

/** One sample, its attachments in their places, as an outcome. */
export function sampleOutcome(
  sample: JsonObject,
  place: RecordPlace,
  scenarioExternalId: string,
  log: LogContext,
): ImportedOutcome {
  const { messages } = sample
  if (messages !== undefined && messages !== null && !Array.isArray(messages))
    throw new BrokenRecord(`messages is ${shown(messages)}, not a list`)
  const events = asList(sample.events).filter(isJsonObject)
  const { value: score, ...graded } = gradeOf(sample, log)
  const end = endOf(sample, score, log)
  const status = statusOf(end, score)
  const failures = status === 'success' ? [] : failuresOf(sample, { value: score, ...graded }, end)
  const ids = idsOf(sample, events)
  return {
    scenarioExternalId,
    repetition: place.trial + 1,
    // The log of a retry repeats the samples that went well, under the ids that they had.
    ...(ids.length === 0
      ? {}
      : { identity: digest(['inspect', log.task, log.model, place.taskId, place.trial, ...ids]) }),
    retryCount: Math.min(asList(sample.error_retries).length, MAX_RETRY_COUNT),
    status,
    executionTime: endTimeOf(sample, events, log),
    executionTimeMs: durationOf(sample, events),
    reliabilityScore: score,
    ...usageOf(objectOf(sample, 'model_usage')),
    model: modelOrUnknown(log.model),
    trajectory: { ...sample, status, messages: messages ?? [] },
    metrics: {
      scores: sample.scores ?? sample.score ?? null,
      working_time_seconds: givenAmount(sample, 'working_time'),
      limit: sample.limit ?? null,
      ...(isInvalid(sample) ? { invalidation: sample.invalidation! } : {}),
      message_count: asList(messages).length,
    },
    toolUsage: toolUsageOf(events.length > 0 ? eventCalls(events) : toolCallsOf(asList(messages)), hasFailed),
    ...failureFields(failures),
  }
}

/**
 * What tells one try of a sample from another, whatever log it stands in: its own id; in logs from before there were such,
 * the ids of its messages, else when its events were. A sample without any of these may be equal to that of another run.
 */
function idsOf({ uuid, messages }: JsonObject, events: JsonObject[]): JsonValue[] {
  const id = asText(uuid)
  if (id !== null) return [id]
  const ofMessages = asList(messages).flatMap((message) => asText(asObject(message).id) ?? [])
  return ofMessages.length > 0 ? ofMessages : timesOf(events)
}

/** What somebody has withdrawn is graded no more; what the scorer gave stays in the metrics. */
export function gradeOf(sample: JsonObject, log: LogContext): SampleScore {
  const score = sampleScore(sample, log.scorer)
  return isInvalid(sample) ? { ...score, value: null } : score
}

function isInvalid({ invalidation }: JsonObject): boolean {
  return invalidation !== undefined && invalidation !== null && invalidation !== false
}

/** A sample that was graded before its run was cancelled or failed is as good as any other. */
function endOf(sample: JsonObject, score: number | null, log: LogContext): RunEnd {
  const error = errorTextOf(sample.error)
  if (error !== null) return log.status === 'cancelled' && /^Cancelled/i.test(error) ? 'cancelled' : 'error'
  if (isInvalid(sample)) return 'cancelled'
  const limit = limitOf(sample)
  if (limit) return limit.type === OPERATOR ? 'cancelled' : 'timeout'
  return score === null && log.status === 'cancelled' ? 'cancelled' : 'finished'
}

function failuresOf(sample: JsonObject, score: SampleScore, end: RunEnd): FailurePatternInput[] {
  const error = errorTextOf(sample.error)
  const limit = limitOf(sample)
  const ended = [
    ...(error === null ? [] : [crashFailure(error, asText(asObject(sample.error).traceback))]),
    ...(isInvalid(sample) ? [failure('invalidated', 'unknown', invalidationText(sample.invalidation))] : []),
    ...(limit ? [limitFailure(limit)] : []),
  ]
  if (ended.length === 0 && end === 'cancelled')
    return [failure('cancelled', 'unknown', 'The run was cancelled before this sample was graded.')]
  return score.value === null || isPassed(score.value) ? ended : [...ended, scoreFailure(sample, score)]
}

function scoreFailure({ target }: JsonObject, { value, scorer, given }: SampleScore): FailurePatternInput {
  const { answer, explanation } = given
  const parts = [
    `${scorer ?? 'The scorer'} gave ${stringifyExactly(given.value)}, which is ${value}.`,
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
  return shorten(stringifyExactly(value), MAX_SHOWN_ANSWER_LENGTH)
}

function invalidationText(invalidation: JsonValue | undefined): string {
  const { author, reason } = asObject(invalidation)
  const [by, why] = [asText(author), asText(reason)]
  return `The sample was invalidated${by === null ? '' : ` by ${by}`}${why === null ? '.' : `: ${why}`}`
}

export function errorTextOf(error: JsonValue | undefined): string | null {
  return asText(isJsonObject(error) ? (error.message ?? error.type) : error)
}

function limitOf({ limit }: JsonObject): { type: string; limit: JsonValue } | null {
  const type = asText(isJsonObject(limit) ? limit.type : limit)
  return type === null ? null : { type, limit: asObject(limit).limit ?? null }
}

function limitFailure({ type, limit }: { type: string; limit: JsonValue }): FailurePatternInput {
  const bound = limit === null ? '' : ` of ${brief(limit)}`
  return failure(
    `limit:${type}`,
    type === OPERATOR ? 'unknown' : 'timeout',
    `The sample was ended by its ${type} limit${bound}.`,
  )
}

function durationOf(sample: JsonObject, events: JsonObject[]): number | null {
  const seconds = amountOf(sample, 'total_time')
  if (seconds !== null) return Math.round(seconds * 1000)
  return spanMs(timeMsOf(sample, 'started_at'), timeMsOf(sample, 'completed_at')) ?? spanOf(timesOf(events))
}

function endTimeOf(sample: JsonObject, events: JsonObject[], log: LogContext): Date | null {
  const ms = timeMsOf(sample, 'completed_at') ?? timesOf(events).at(-1) ?? log.endedAtMs
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
  const outputs = models.map(completionTokensOf)
  const totals = models.map((model, index) => totalOf(model) ?? sumOrNull([inputs[index]!, outputs[index]!]))
  const [input, output, total] = [sumOrNull(inputs), sumOrNull(outputs), sumOrNull(totals)]
  return knownUsage(
    {
      tokensUsed: total,
      promptTokens: total === null || output === null ? input : Math.max(0, total - output),
      completionTokens: output,
    },
    sumOrNull(models.map((model) => amountOf(model, 'total_cost'))),
    models.length > 0,
  )
}

function completionTokensOf(model: JsonObject): number | null {
  return withReasoning({
    prompt: amountOf(model, 'input_tokens'),
    completion: amountOf(model, 'output_tokens'),
    reasoning: amountOf(model, 'reasoning_tokens'),
    total: totalOf(model),
    cached: [model.input_tokens_cache_read, model.input_tokens_cache_write].map(asFigure),
  })
}

/** Null for 0 as well, which stands there where a provider states none. */
function totalOf(model: JsonObject): number | null {
  return amountOf(model, 'total_tokens') || null
}

/** A log may be written without its events; then the messages are all that tells of calls. */
function eventCalls(events: JsonObject[]): ToolCall[] {
  return events.flatMap(({ event, ...call }) => {
    const name = asText(call.function)
    if (event !== 'tool' || name === null) return []
    const seconds = asFigure(call.working_time)
    return [
      {
        name,
        byUser: false,
        arguments: call.arguments ?? null,
        calledAtMs: epochMs(call.timestamp),
        durationMs: seconds === null ? null : seconds * 1000,
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
