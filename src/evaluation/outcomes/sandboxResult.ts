import { isoTimeMs } from '../../calendar.ts'
import { asPlainNumber, isText, stringifyExactly } from '../../exactNumbers.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../json.ts'
import { type InputPath, Refusal } from '../../refusal.ts'
import { cutText } from '../../text.ts'
import {
  BYTES,
  checkBytes,
  invalid,
  LENGTHS,
  type Length,
  MAX_INTEGER,
  MAX_RETRY_COUNT,
  oneOf,
  optionalCost,
  optionalCutText,
  optionalInteger,
  optionalNumber,
  optionalScore,
  optionalText,
  optionalUuid,
} from '../../valueChecks.ts'
import { ERROR_CATEGORIES, type OutcomeInput, type OutcomeStatus } from '../outcomeInput.ts'
import { scenarioKey } from '../scenarios/scenarioKey.ts'

/** What a sandbox's result says about the scenario it ran: enough to create it when a prompt is given. */
export interface ResultScenario {
  /** The key under which the scenario is stored, derived from `externalId`. */
  scenarioId: string
  externalId: string
  name: string | null
  taskPrompt: string | null
}

/** The words for an outcome's status; case, spaces and hyphens make no difference. Any other word is an error. */
const STATUS_WORDS: readonly (readonly [OutcomeStatus, ...string[]])[] = [
  ['success', 'succeeded', 'completed', 'complete', 'passed', 'ok'],
  ['error', 'errored', 'failed', 'failure', 'exception'],
  ['timeout', 'timed_out', 'deadline_exceeded'],
  ['cancelled', 'canceled', 'aborted', 'skipped'],
]
const STATUS_BY_WORD = new Map(
  STATUS_WORDS.flatMap((words) => words.map((word) => [word, words[0]] as const)),
)

/**
 * A sandbox's own result as an outcome. The structure, every field also in camelCase:
 *
 *     scenario { id, name, task_prompt }, or scenario_id
 *     trajectory { status, execution_time_seconds,
 *                  token_usage { prompt_tokens, completion_tokens, total_tokens, total_cost }, … }
 *     reliability_score { overall_score, dimension_scores }, or a number
 *     outcome_id, repetition, retry_count, model, modal_call_id, sandbox_id, metrics,
 *     error, error_code, error_category, execution_time, start_time, end_time
 *
 * `status`, `execution_time_seconds` and `token_usage` may stand beside the trajectory too; without a status, an
 * error makes the outcome an error. The run ended at `execution_time`, else `end_time`, else `start_time` plus the
 * duration; a missing duration is `end_time` minus `start_time`. Times without a zone are UTC. `metrics` are
 * added to the dimension scores and win over equal names. The whole trajectory is kept as it is, not copied.
 *
 * `notes` says what was read otherwise than it was written.
 * @throws Refusal INVALID_VALUE for a value of the wrong type or out of range, with its path within the result.
 */
export function mapSandboxResult(result: unknown): {
  outcome: Omit<OutcomeInput, 'simulationId'>
  scenario: ResultScenario
  notes: string[]
} {
  if (!isJsonObject(result)) throw new Refusal('INVALID_VALUE', 'the result is not an object')
  const notes: string[] = []
  const top: Place[] = [{ fields: result, path: [] }]
  const trajectory = find(top, 'trajectory')
  const trajectoryOrTop = [...objectIn(trajectory), ...top]
  const label = (name: string) => textIn(find(top, name), LENGTHS.label, notes)
  const integer = (places: Place[], name: string, min: number, max: number) => {
    const { value, path } = find(places, name)
    return optionalInteger(value, min, max, path)
  }

  const scenario = scenarioIn(top, notes)
  const outcomeId = find(top, 'outcome_id')
  const usage = requiredObjectIn(find(trajectoryOrTop, 'token_usage'))
  const cost = find(usage, 'total_cost')
  const error = textIn(find(top, 'error'), LENGTHS.any, notes)
  const errorCode = label('error_code')
  const errorCategory = find(top, 'error_category')
  const hasError = error !== null || errorCode !== null || find(objectIn(trajectory), 'error').value !== null
  return {
    outcome: {
      scenarioId: scenario.scenarioId,
      outcomeId: optionalUuid(outcomeId.value, outcomeId.path),
      status: statusIn(find(trajectoryOrTop, 'status'), hasError, notes),
      repetition: integer(top, 'repetition', 1, MAX_INTEGER),
      retryCount: integer(top, 'retry_count', 0, MAX_RETRY_COUNT),
      ...timesIn(top, trajectoryOrTop),
      promptTokens: integer(usage, 'prompt_tokens', 0, MAX_INTEGER),
      completionTokens: integer(usage, 'completion_tokens', 0, MAX_INTEGER),
      tokensUsed: integer(usage, 'total_tokens', 0, MAX_INTEGER),
      costUsd: optionalCost(cost.value, cost.path),
      ...scoresIn(top),
      trajectory: trajectory.value,
      model: label('model'),
      modalCallId: label('modal_call_id'),
      sandboxId: label('sandbox_id'),
      error,
      errorCode,
      errorCategory:
        errorCategory.value === null
          ? null
          : oneOf(ERROR_CATEGORIES, errorCategory.value, errorCategory.path),
    },
    scenario,
    notes,
  }
}

function scenarioIn(top: Place[], notes: string[]): ResultScenario {
  const scenario = objectIn(find(top, 'scenario'))
  const id = scenario.length > 0 ? find(scenario, 'id') : find(top, 'scenario_id')
  const text = Number.isInteger(asPlainNumber(id.value)) ? stringifyExactly(id.value) : id.value
  const externalId = optionalText(text, LENGTHS.externalId, id.path, notes)
  if (externalId === null) throw new Refusal('INVALID_VALUE', 'the result names no scenario', id.path)
  const name = find(scenario, 'name')
  const prompt = find(scenario, 'task_prompt')
  const taskPrompt = textIn(prompt, LENGTHS.any, notes)
  if (taskPrompt !== null) checkBytes(taskPrompt, BYTES.document, prompt.path)
  return {
    scenarioId: scenarioKey(externalId),
    externalId,
    name: optionalCutText(name.value, LENGTHS.scenarioName, name.path, notes),
    taskPrompt,
  }
}

function statusIn(found: Found, hasError: boolean, notes: string[]): OutcomeStatus {
  if (found.value === null && hasError) return 'error'
  if (!isText(found.value)) throw invalid(found.value, 'a word for how the run ended', found.path)
  const status = STATUS_BY_WORD.get(
    found.value
      .trim()
      .toLowerCase()
      .replace(/[\s-]+/g, '_'),
  )
  if (status) return status
  notes.push(`unknown status ${JSON.stringify(cutText(found.value, 60))} read as error`)
  return 'error'
}

function timesIn(
  top: Place[],
  trajectoryOrTop: Place[],
): Pick<OutcomeInput, 'executionTime' | 'executionTimeMs'> {
  const startTime = timeIn(find(top, 'start_time'))
  const endTime = timeIn(find(top, 'end_time'))
  const duration = find(trajectoryOrTop, 'execution_time_seconds')
  const seconds = optionalNumber(duration.value, 0, MAX_INTEGER / 1000, duration.path)
  let executionTimeMs = seconds === null ? null : Math.round(seconds * 1000)
  if (executionTimeMs === null && startTime && endTime && endTime >= startTime) {
    executionTimeMs = endTime.getTime() - startTime.getTime()
  }
  const executionTime =
    timeIn(find(top, 'execution_time')) ??
    endTime ??
    (startTime && executionTimeMs !== null ? new Date(startTime.getTime() + executionTimeMs) : null)
  return { executionTime, executionTimeMs }
}

function scoresIn(top: Place[]): Pick<OutcomeInput, 'reliabilityScore' | 'metrics'> {
  const given = find(top, 'reliability_score')
  const isNumber = typeof asPlainNumber(given.value) === 'number'
  const parts = isNumber ? [] : requiredObjectIn(given)
  const score = isNumber ? given : find(parts, 'overall_score')
  const metrics = [
    ...requiredObjectIn(find(parts, 'dimension_scores')),
    ...requiredObjectIn(find(top, 'metrics')),
  ]
  return {
    reliabilityScore: optionalScore(score.value, score.path),
    metrics:
      metrics.length === 0
        ? null
        : Object.fromEntries(metrics.flatMap(({ fields }) => Object.entries(fields))),
  }
}

/** An object of the result and how it is reached. Functions take a list of them: none, one, or several to try. */
interface Place {
  fields: JsonObject
  path: InputPath
}

/** A value of the result, null when absent, and where it stands or should stand. */
interface Found {
  value: JsonValue
  path: InputPath
}

/** Filled on first use of each name: a regular expression per look-up doubled the time that a row takes here. */
const CAMEL_NAMES = new Map<string, string>()

/** The first place's field of that name, in snake_case or camelCase. */
function find(places: readonly Place[], name: string): Found {
  let camelName = CAMEL_NAMES.get(name)
  if (camelName === undefined) {
    camelName = name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
    CAMEL_NAMES.set(name, camelName)
  }
  for (const { fields, path } of places) {
    const spelling = fields[name] == null ? camelName : name
    const value = fields[spelling] ?? null
    if (value !== null) return { value, path: [...path, spelling] }
  }
  return { value: null, path: [...(places[0]?.path ?? []), name] }
}

function objectIn({ value, path }: Found): Place[] {
  return isJsonObject(value) ? [{ fields: value, path }] : []
}

function requiredObjectIn(found: Found): Place[] {
  if (found.value !== null && !isJsonObject(found.value)) throw invalid(found.value, 'an object', found.path)
  return objectIn(found)
}

function textIn({ value, path }: Found, length: Length, notes: string[]): string | null {
  return optionalText(value, length, path, notes)
}

function timeIn({ value, path }: Found): Date | null {
  if (value === null) return null
  const ms = typeof value === 'string' ? isoTimeMs(value) : null
  if (ms === null) throw invalid(value, 'an ISO 8601 date and time', path)
  return new Date(ms)
}
