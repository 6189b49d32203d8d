import sql from 'sql-template-tag'
import type { TenantTransaction, Write } from '../../db/tenantTransaction.ts'
import { stringifyExactly } from '../../exactNumbers.ts'
import type { JsonObject, JsonValue } from '../../json.ts'
import { Refusal } from '../../refusal.ts'
import {
  checkEach,
  checkRows,
  invalid,
  LENGTHS,
  MAX_INTEGER,
  oneOf,
  optionalScore,
  optionalText,
  storableAt,
  uuid,
} from '../../valueChecks.ts'
import { classifyFailure, deriveFailurePatterns, failureMessage } from '../failures/failurePattern.ts'
import {
  ERROR_CATEGORIES,
  type ErrorCategory,
  type FailurePatternInput,
  OUTCOME_STATUSES,
  type OutcomeStatus,
  type ToolUsageInput,
} from '../outcomeInput.ts'
import { inOrder, type Receipt, rejection } from './outcomes.ts'
import {
  derivedTools,
  type FailurePatternRow,
  failureRow,
  figuresOf,
  givenFailures,
  givenTools,
  metricsOf,
  type OutcomeFigures,
  type ToolUsageRow,
} from './outcomeValidation.ts'
import { stepCountOf, trajectoryFields } from './trajectory.ts'

/**
 * What was found out about an outcome after it was recorded: what is absent stays as it is. Null takes a grade or an error
 * back; what a run took and did can be filled in, not taken back.
 */
export interface OutcomeAmendment {
  outcomeId: string
  status?: OutcomeStatus | null
  reliabilityScore?: number | null
  metrics?: JsonObject | null
  /** In place of those of the same names. */
  addMetrics?: JsonObject | null
  error?: string | null
  errorCode?: string | null
  errorCategory?: ErrorCategory | null
  failurePatterns?: FailurePatternInput[] | null
  toolUsage?: ToolUsageInput[] | null
  executionTimeMs?: number | null
  tokensUsed?: number | null
  promptTokens?: number | null
  completionTokens?: number | null
  costUsd?: number | null
  model?: string | null
  trajectory?: JsonValue
  /** The run goes on: an amendment whose trajectory has fewer steps than the stored one is an older copy of it. */
  trajectoryGrows?: boolean | null
}

export type AmendmentReceipt = Receipt<'AMENDED' | 'UNCHANGED'>

/** The columns that an amendment changes. */
interface AmendedColumns extends Partial<OutcomeFigures> {
  status?: OutcomeStatus
  reliability_score?: number | null
  metrics?: JsonObject
  added_metrics?: JsonObject
  model?: string
  error_code?: string | null
  error_category?: ErrorCategory | null
  /** Without what it lacks: start time and status follow from the outcome. */
  trajectory?: JsonObject
  step_count?: number
  tools?: ToolUsageRow[]
  failures?: FailurePatternRow[]
}

interface NumberedAmendment {
  index: number
  outcomeId: string
  set: AmendedColumns
  grows: boolean
  notes: string[]
}

/**
 * Changes stored outcomes in one transaction, of runs that go on or have ended: their runs, the simulation's counters, sums
 * and mean score follow. One receipt each, in the order of the call; a bad one costs no other.
 *
 * @throws Refusal TOO_MANY_ROWS, INVALID_VALUE when there is none.
 */
export async function amendOutcomes(
  write: Write,
  amendments: readonly OutcomeAmendment[],
): Promise<AmendmentReceipt[]> {
  checkRows(amendments.length, ['amendments'])
  const { taken, refused } = checkEach(
    amendments,
    (amendment, index): NumberedAmendment => ({ index, ...validateAmendment(amendment) }),
  )
  const receipts: AmendmentReceipt[] = refused.map(({ index, refusal }) =>
    rejection(index, refusal, amendments[index]!.outcomeId),
  )
  const rows = taken.map(({ row }) => row)
  if (rows.length > 0)
    receipts.push(...(await write((transaction) => amend(transaction, rows), { mayRepeat: true })))
  return inOrder(receipts)
}

async function amend(
  { queryLast }: TenantTransaction,
  rows: readonly NumberedAmendment[],
): Promise<AmendmentReceipt[]> {
  const byIndex = new Map(rows.map((row) => [row.index, row]))
  const lines = rows.map(({ index, outcomeId, set, grows }) => ({
    idx: index,
    outcome_id: outcomeId,
    set,
    grows,
  }))
  const verdicts = await queryLast<{
    idx: number
    outcome_id: string
    receipt: AmendmentReceipt['status']
    code: 'OUTCOME_NOT_FOUND' | 'INVALID_VALUE' | 'AMENDED_ALREADY' | null
  }>(
    sql`/* amendOutcomes */ select idx, outcome_id, receipt, code from amend_outcomes(${stringifyExactly(lines)})`,
  )
  return verdicts.map(({ idx, outcome_id, receipt, code }) => {
    const { outcomeId, notes } = byIndex.get(idx)!
    if (code !== null) {
      return rejection(idx, refusalOf(code, outcomeId), outcomeId)
    }
    return {
      index: idx,
      outcomeId: outcome_id,
      status: receipt,
      code: null,
      reason: null,
      path: null,
      notes: receipt === 'AMENDED' ? notes : [],
    }
  })
}

function refusalOf(
  code: 'OUTCOME_NOT_FOUND' | 'INVALID_VALUE' | 'AMENDED_ALREADY',
  outcomeId: string,
): Refusal {
  switch (code) {
    case 'OUTCOME_NOT_FOUND':
      return new Refusal(code, `There is no outcome ${outcomeId}.`, ['outcomeId'])
    case 'INVALID_VALUE':
      return new Refusal(code, `promptTokens and completionTokens come to more than ${MAX_INTEGER}.`, [
        'tokensUsed',
      ])
    case 'AMENDED_ALREADY':
      return invalid(outcomeId, 'amended once in a call', ['outcomeId'])
  }
}

function validateAmendment(amendment: OutcomeAmendment): Omit<NumberedAmendment, 'index'> {
  const notes: string[] = []
  const outcomeId = uuid(amendment.outcomeId, ['outcomeId'])
  const set: AmendedColumns = withoutNulls(figuresOf(amendment))
  if (amendment.status != null) set.status = oneOf(OUTCOME_STATUSES, amendment.status, ['status'])
  if (amendment.reliabilityScore !== undefined) {
    set.reliability_score = optionalScore(amendment.reliabilityScore, ['reliabilityScore'])
  }
  if (amendment.metrics !== undefined) set.metrics = metricsOf(amendment.metrics, ['metrics'], notes)
  if (amendment.addMetrics != null) set.added_metrics = metricsOf(amendment.addMetrics, ['addMetrics'], notes)
  const model = optionalText(amendment.model, LENGTHS.label, ['model'], notes)
  if (model !== null) set.model = model
  const trajectory = storableAt(amendment.trajectory, ['trajectory'], notes)
  if (trajectory !== null) Object.assign(set, actionsOf(trajectory, notes))
  if (amendment.toolUsage != null) set.tools = givenTools(amendment.toolUsage, notes)
  Object.assign(set, errorOf({ ...amendment, trajectory }, set.status, notes))
  if (Object.keys(set).length === 0) {
    throw new Refusal('INVALID_VALUE', 'The amendment says nothing of the outcome but its id.', ['outcomeId'])
  }
  const grows = amendment.trajectoryGrows ?? false
  if (grows && trajectory === null) {
    throw new Refusal('INVALID_VALUE', 'trajectoryGrows is of a trajectory, and none is given.', [
      'trajectoryGrows',
    ])
  }
  return { outcomeId, set, grows, notes }
}

/** What the agent did: the tools of a trajectory that tells of none stay those that are stored. */
function actionsOf(trajectory: JsonValue, notes: string[]): AmendedColumns {
  const { start_time, status, ...fields } = trajectoryFields(trajectory)
  const tools = derivedTools(trajectory, notes)
  return {
    trajectory: {
      ...fields,
      ...(start_time == null ? {} : { start_time }),
      ...(status == null ? {} : { status }),
    },
    step_count: stepCountOf(fields),
    ...(tools.length === 0 ? {} : { tools }),
  }
}

/**
 * A status that is given says what the error is from now on: none of a success, that which is given of any other. Without a
 * status, an error that is given is the failure from now on, and null takes it back.
 */
function errorOf(
  amendment: OutcomeAmendment,
  status: OutcomeStatus | undefined,
  notes: string[],
): AmendedColumns {
  const { errorCategory, failurePatterns } = amendment
  const errorCode = optionalText(amendment.errorCode, LENGTHS.label, ['errorCode'], notes)
  const given = optionalText(amendment.error, LENGTHS.any, ['error'], notes)
  const error =
    status === undefined ? given : failureMessage({ status, error: given, trajectory: amendment.trajectory })
  const category = errorCategory == null ? null : oneOf(ERROR_CATEGORIES, errorCategory, ['errorCategory'])
  const set: AmendedColumns = {}
  if (amendment.errorCode !== undefined || status !== undefined) set.error_code = errorCode
  if (errorCategory !== undefined) set.error_category = category
  else if (status === 'success') set.error_category = null
  else if (status !== undefined) set.error_category = classifyFailure(error, errorCode, status)
  if (failurePatterns != null) {
    const outcome = { status: status ?? 'error', error, errorCode, errorCategory: category }
    set.failures = givenFailures(failurePatterns, outcome, notes).map((row, index) =>
      status === undefined && category === null && failurePatterns[index]!.failureCategory == null
        ? { ...row, failure_category: null }
        : row,
    )
  } else if (status === undefined && amendment.error === null) {
    set.failures = []
  } else if (status !== undefined || error !== null) {
    const outcome = {
      status: status ?? 'error',
      error,
      errorCode,
      errorCategory: set.error_category ?? null,
      trajectory: null,
    }
    set.failures = deriveFailurePatterns(outcome).map((pattern) =>
      failureRow(pattern, ['error'], ['error'], notes),
    )
  }
  return set
}

function withoutNulls(figures: OutcomeFigures): Partial<OutcomeFigures> {
  return Object.fromEntries(Object.entries(figures).filter(([, value]) => value !== null))
}
