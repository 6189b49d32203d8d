import { isJsonObject, type JsonObject, type JsonValue } from '../../json.ts'
import type { InputPath } from '../../refusal.ts'
import {
  integer,
  invalid,
  LENGTHS,
  list,
  MAX_ERROR_TYPES,
  MAX_INTEGER,
  MAX_PARTS,
  MAX_RETRY_COUNT,
  number,
  oneOf,
  optionalCost,
  optionalCutText,
  optionalInteger,
  optionalNumber,
  optionalScore,
  optionalText,
  optionalUuid,
  pastTime,
  storableAt,
  text,
  uuid,
} from '../../valueChecks.ts'
import {
  classifyFailure,
  deriveFailurePatterns,
  failureMessage,
  failureSignature,
} from '../failures/failurePattern.ts'
import {
  ERROR_CATEGORIES,
  type ErrorCategory,
  type FailurePatternInput,
  OUTCOME_STATUSES,
  type OutcomeInput,
  type OutcomeStatus,
  type ToolUsageInput,
} from '../outcomeInput.ts'
import { checkedScenarioKey } from '../scenarios/scenarioKey.ts'
import { deriveToolUsage, normaliseTrajectory, stepCountOf } from './trajectory.ts'

/** One outcome as the ingest function of the database takes it; times are ISO 8601 in UTC. */
export interface OutcomeRow extends OutcomeFigures {
  /** Null: derived from simulation, scenario, repetition and attempt. */
  outcome_id: string | null
  simulation_id: string
  scenario_id: string
  /** Null: the next free one. */
  repetition: number | null
  execution_time: string
  /** False when `execution_time` is the time of arrival. */
  time_given: boolean
  /** False when the trajectory's `start_time` follows from `execution_time`. */
  start_time_given: boolean
  status: OutcomeStatus
  reliability_score: number | null
  trajectory: JsonObject
  step_count: number
  metrics: JsonObject
  model: string | null
  modal_call_id: string | null
  sandbox_id: string | null
  error_code: string | null
  error_category: ErrorCategory | null
  retry_count: number
  tools: ToolUsageRow[]
  failures: FailurePatternRow[]
}

/** What a run took, null where it is unknown. */
export interface OutcomeFigures {
  execution_time_ms: number | null
  tokens_used: number | null
  prompt_tokens: number | null
  completion_tokens: number | null
  cost_usd: number | null
}

/** What is undefined is not sent: there are several of these for each outcome, and most have little to say. */
export interface ToolUsageRow {
  tool_name: string
  call_count: number
  avg_duration_ms: number | undefined
  success_rate: number
  tool_sequence: JsonValue | undefined
  total_cost_usd: number | undefined
  error_types: string[] | undefined
}

export interface FailurePatternRow {
  failure_type: string
  /** Null in an amendment: that of the stored outcome. */
  failure_category: ErrorCategory | null
  error_message: string | null
  recovery_attempted: boolean
  recovery_successful: boolean
  resolution_steps: string | null
  signature: string
}

/** A row that the database takes as it is, and what was changed in it, for the receipt. */
export interface ValidOutcome {
  row: OutcomeRow
  notes: string[]
}

/**
 * Checks one outcome and fills what can be derived: time of arrival (`now`), token total, error category, tool usage,
 * failure patterns, the trajectory's start time and status. Texts are made storable. The trajectory is
 * shared with the input, never copied deep.
 *
 * @throws Refusal INVALID_VALUE, TIME_IN_FUTURE or TOO_LARGE for the first fault found, with the field's path.
 */
export function validateOutcome(input: OutcomeInput, now: Date): ValidOutcome {
  const notes: string[] = []
  const simulationId = uuid(input.simulationId, ['simulationId'])
  const scenarioId = checkedScenarioKey(input.scenarioId, ['scenarioId'])
  const status = oneOf(OUTCOME_STATUSES, input.status, ['status'])
  const executionTime = pastTime(input.executionTime ?? now, now, ['executionTime'])
  const figures = figuresOf(input)

  const givenTrajectory = storableAt(input.trajectory, ['trajectory'], notes)
  const trajectory = normaliseTrajectory(
    givenTrajectory,
    status,
    new Date(executionTime.getTime() - (figures.execution_time_ms ?? 0)),
  )

  const errorCode = optionalText(input.errorCode, LENGTHS.label, ['errorCode'], notes)
  const error = failureMessage({
    status,
    error: optionalText(input.error, LENGTHS.any, ['error'], notes),
    trajectory: givenTrajectory,
  })
  const givenCategory =
    input.errorCategory == null ? null : oneOf(ERROR_CATEGORIES, input.errorCategory, ['errorCategory'])
  const errorCategory =
    givenCategory ?? (status === 'success' ? null : classifyFailure(error, errorCode, status))

  return {
    row: {
      outcome_id: optionalUuid(input.outcomeId, ['outcomeId']),
      simulation_id: simulationId,
      scenario_id: scenarioId,
      repetition: optionalInteger(input.repetition, 1, MAX_INTEGER, ['repetition']),
      execution_time: executionTime.toISOString(),
      time_given: input.executionTime != null,
      start_time_given: isJsonObject(givenTrajectory) && givenTrajectory.start_time != null,
      status,
      reliability_score: optionalScore(input.reliabilityScore, ['reliabilityScore']),
      ...figures,
      trajectory,
      step_count: stepCountOf(trajectory),
      metrics: metricsOf(input.metrics, ['metrics'], notes),
      model: optionalText(input.model, LENGTHS.label, ['model'], notes),
      modal_call_id: optionalText(input.modalCallId, LENGTHS.label, ['modalCallId'], notes),
      sandbox_id: optionalText(input.sandboxId, LENGTHS.label, ['sandboxId'], notes),
      error_code: errorCode,
      error_category: errorCategory,
      retry_count: optionalInteger(input.retryCount, 0, MAX_RETRY_COUNT, ['retryCount']) ?? 0,
      tools: input.toolUsage ? givenTools(input.toolUsage, notes) : derivedTools(givenTrajectory, notes),
      failures: input.failurePatterns
        ? givenFailures(
            input.failurePatterns,
            { status, error, errorCode, errorCategory: givenCategory },
            notes,
          )
        : deriveFailurePatterns({ status, error, errorCode, errorCategory, trajectory: givenTrajectory }).map(
            (pattern) => failureRow(pattern, ['error'], ['error'], notes),
          ),
    },
    notes,
  }
}

/** @throws Refusal INVALID_VALUE */
export function metricsOf(
  given: JsonObject | null | undefined,
  path: InputPath,
  notes: string[],
): JsonObject {
  const metrics: JsonValue = storableAt(given ?? {}, path, notes)
  if (!isJsonObject(metrics)) throw invalid(metrics, 'an object', path)
  return metrics
}

/** @throws Refusal INVALID_VALUE */
export function figuresOf(
  input: Pick<
    OutcomeInput,
    'executionTimeMs' | 'tokensUsed' | 'promptTokens' | 'completionTokens' | 'costUsd'
  >,
): OutcomeFigures {
  const promptTokens = optionalInteger(input.promptTokens, 0, MAX_INTEGER, ['promptTokens'])
  const completionTokens = optionalInteger(input.completionTokens, 0, MAX_INTEGER, ['completionTokens'])
  const tokensUsed = input.tokensUsed ?? sumOf(promptTokens, completionTokens)
  return {
    execution_time_ms: roundedMs(input.executionTimeMs),
    tokens_used: optionalInteger(tokensUsed, 0, MAX_INTEGER, ['tokensUsed']),
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    cost_usd: optionalCost(input.costUsd, ['costUsd']),
  }
}

function roundedMs(value: unknown): number | null {
  const milliseconds = optionalNumber(value, 0, MAX_INTEGER, ['executionTimeMs'])
  return milliseconds === null ? null : Math.round(milliseconds)
}

function sumOf(prompt: number | null, completion: number | null): number | null {
  return prompt === null || completion === null ? null : prompt + completion
}

export function derivedTools(trajectory: JsonValue, notes: string[]): ToolUsageRow[] {
  const usage = deriveToolUsage(trajectory)
  if (usage.length > MAX_PARTS) {
    notes.push(`only the first ${MAX_PARTS} of the trajectory's ${usage.length} tools are counted`)
    usage.length = MAX_PARTS
  }
  return usage.map(toolRow)
}

export function givenTools(usage: ToolUsageInput[], notes: string[]): ToolUsageRow[] {
  list(usage, MAX_PARTS, ['toolUsage'])
  const names = new Set<string>()
  return usage.map((tool, index) => {
    const path = ['toolUsage', index]
    const toolName = text(tool.toolName, LENGTHS.toolName, [...path, 'toolName'], notes)
    if (names.has(toolName)) {
      throw invalid(toolName, 'named once per outcome', [...path, 'toolName'])
    }
    names.add(toolName)
    return toolRow({
      toolName,
      callCount: integer(tool.callCount, 1, MAX_INTEGER, [...path, 'callCount']),
      avgDurationMs: optionalNumber(tool.avgDurationMs, 0, MAX_INTEGER, [...path, 'avgDurationMs']),
      successRate: number(tool.successRate, 0, 1, [...path, 'successRate']),
      toolSequence: storableAt(tool.toolSequence, [...path, 'toolSequence'], notes),
      totalCostUsd: optionalCost(tool.totalCostUsd, [...path, 'totalCostUsd']),
      errorTypes: errorTypes(tool.errorTypes ?? [], [...path, 'errorTypes'], notes),
    })
  })
}

function toolRow(tool: ToolUsageInput): ToolUsageRow {
  return {
    tool_name: tool.toolName,
    call_count: tool.callCount,
    avg_duration_ms: tool.avgDurationMs ?? undefined,
    success_rate: tool.successRate,
    tool_sequence: tool.toolSequence ?? undefined,
    total_cost_usd: tool.totalCostUsd ?? undefined,
    error_types: tool.errorTypes?.length ? tool.errorTypes : undefined,
  }
}

function errorTypes(types: string[], path: InputPath, notes: string[]): string[] {
  return list(types, MAX_ERROR_TYPES, path).map((type, index) =>
    text(type, LENGTHS.errorType, [...path, index], notes),
  )
}

/** What each pattern's category is when none is given follows from the outcome. */
export function givenFailures(
  patterns: FailurePatternInput[],
  outcome: {
    status: OutcomeStatus
    error: string | null
    errorCode: string | null
    errorCategory: ErrorCategory | null
  },
  notes: string[],
): FailurePatternRow[] {
  list(patterns, MAX_PARTS, ['failurePatterns'])
  const { status, error, errorCode, errorCategory } = outcome
  if (error !== null && !patterns.some((pattern) => pattern.errorMessage)) {
    notes.push(
      'error is not stored: it would be the message of a derived failure pattern, but failurePatterns is given',
    )
  }
  return patterns.map((pattern, index) => {
    const path = ['failurePatterns', index]
    const failureCategory =
      pattern.failureCategory ??
      errorCategory ??
      classifyFailure(pattern.errorMessage ?? error, errorCode ?? pattern.failureType, status)
    return failureRow({ ...pattern, failureCategory }, path, [...path, 'errorMessage'], notes)
  })
}

export function failureRow(
  pattern: FailurePatternInput,
  path: InputPath,
  messagePath: InputPath,
  notes: string[],
): FailurePatternRow {
  const failureType = text(pattern.failureType, LENGTHS.failureType, [...path, 'failureType'], notes)
  const errorMessage = optionalCutText(pattern.errorMessage, LENGTHS.message, messagePath, notes)
  const recoveryAttempted = pattern.recoveryAttempted ?? false
  const recoverySuccessful = pattern.recoverySuccessful ?? false
  if (recoverySuccessful && !recoveryAttempted) {
    throw invalid(true, 'false when recoveryAttempted is', [...path, 'recoverySuccessful'])
  }
  return {
    failure_type: failureType,
    failure_category: oneOf(ERROR_CATEGORIES, pattern.failureCategory, [...path, 'failureCategory']),
    error_message: errorMessage,
    recovery_attempted: recoveryAttempted,
    recovery_successful: recoverySuccessful,
    resolution_steps: optionalCutText(
      pattern.resolutionSteps,
      LENGTHS.message,
      [...path, 'resolutionSteps'],
      notes,
    ),
    signature: failureSignature(failureType, errorMessage),
  }
}
