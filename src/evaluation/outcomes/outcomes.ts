import sql from 'sql-template-tag'
import { databaseNow } from '../../databaseTime.ts'
import type { TenantTransaction, Write } from '../../db/tenantTransaction.ts'
import { stringifyExactly } from '../../exactNumbers.ts'
import { type ErrorCode, type InputPath, Refusal } from '../../refusal.ts'
import { inSpan } from '../../spans.ts'
import { checkEach, checkRows } from '../../valueChecks.ts'
import type { OutcomeInput } from '../outcomeInput.ts'
import { type OutcomeRow, validateOutcome } from './outcomeValidation.ts'

/** What became of one row of a call. */
export interface Receipt<Status extends string> {
  index: number
  outcomeId: string | null
  status: Status | 'REJECTED'
  code: ErrorCode | null
  reason: string | null
  path: InputPath | null
  /** What was changed so that the row could be stored. */
  notes: readonly string[]
}

export interface OutcomeReceipt extends Receipt<'STORED' | 'DUPLICATE' | 'CONFLICT'> {
  /** The fields in which a CONFLICT differs from what is stored under its id. */
  differences: readonly string[]
}

/** An outcome with its place in the call, and what was changed in it so far. */
interface NumberedInput {
  index: number
  input: OutcomeInput
  notes: readonly string[]
}

/** A row that passed validation, with its place in the call. */
interface NumberedRow {
  index: number
  row: OutcomeRow
  notes: readonly string[]
}

/**
 * What has to be done for the rows of these places, first thing in the transaction that stores them; the rows that are refused
 * by it are not stored.
 */
type Prepare = (
  transaction: TenantTransaction,
  indexes: readonly number[],
) => Promise<ReadonlyMap<number, Refusal>>

/** What is stored already is a DUPLICATE. */
const REPEATABLE = { mayRepeat: true }

/** What the database says of a row that it rejects, in words. */
const REASONS: Record<
  string,
  { reason: (row: OutcomeRow, differences: readonly string[]) => string; path: InputPath }
> = {
  CONFLICT: {
    reason: (row, differences) =>
      `Another outcome is stored ${row.outcome_id === null ? 'for this attempt' : `under the id ${row.outcome_id}`}: it differs in ${differences.join(', ')}. amendOutcomes changes what is stored.`,
    path: ['outcomeId'],
  },
  SIMULATION_NOT_FOUND: {
    reason: (row) => `There is no simulation ${row.simulation_id}.`,
    path: ['simulationId'],
  },
  SIMULATION_ENDED: {
    reason: (row) => `The simulation ${row.simulation_id} has ended and accepts no more outcomes.`,
    path: ['simulationId'],
  },
  SCENARIO_NOT_FOUND: { reason: (row) => `There is no scenario "${row.scenario_id}".`, path: ['scenarioId'] },
  SCENARIO_DELETED: {
    reason: (row) =>
      `The scenario "${row.scenario_id}" is deleted, and the simulation does not run it: take that back first.`,
    path: ['scenarioId'],
  },
  SCENARIO_NOT_IN_SIMULATION: {
    reason: (row) => `The simulation does not run the scenario "${row.scenario_id}".`,
    path: ['scenarioId'],
  },
  REPETITION_OUT_OF_RANGE: {
    reason: (row) =>
      row.repetition === null
        ? `Each repetition of "${row.scenario_id}" has an outcome already.`
        : `repetition is ${row.repetition}, which is more than the simulation has.`,
    path: ['repetition'],
  },
  ATTEMPT_ALREADY_RECORDED: {
    reason: (row) =>
      `Another outcome is recorded for "${row.scenario_id}", repetition ${row.repetition ?? 1}, attempt ${row.retry_count + 1}: a later attempt has a higher retryCount.`,
    path: ['retryCount'],
  },
  RETRIES_EXCEEDED: {
    reason: (row) => `retryCount is ${row.retry_count}, which is more than the simulation’s maxRetries.`,
    path: ['retryCount'],
  },
  OUTCOME_ID_TAKEN: {
    reason: (row) => `The id ${row.outcome_id} belongs to an outcome of another simulation.`,
    path: ['outcomeId'],
  },
  TIME_IN_FUTURE: {
    reason: (row) => `executionTime ${row.execution_time} is more than five minutes in the future.`,
    path: ['executionTime'],
  },
}

/**
 * Stores outcomes in one transaction; one receipt a row, in the order of the rows. A bad row costs no other.
 *
 * @throws Refusal TOO_MANY_ROWS, INVALID_VALUE when there is none.
 */
export async function recordOutcomes(
  write: Write,
  inputs: readonly OutcomeInput[],
): Promise<OutcomeReceipt[]> {
  checkRows(inputs.length, ['outcomes'])
  return inOrder(
    await storeInTransaction(
      write,
      inputs.map((input, index) => ({ index, input, notes: [] })),
    ),
  )
}

/** The valid ones of the outcomes in one transaction, behind what `prepare` does; receipts for all, in any order. */
export function storeInTransaction(
  write: Write,
  inputs: readonly NumberedInput[],
  prepare?: Prepare,
): Promise<OutcomeReceipt[]> {
  return inSpan('ingest outcomes', { attributes: { 'arc.outcomes': inputs.length } }, async (note) => {
    const receipts = await checkAndStore(write, inputs, prepare)
    note({ 'arc.outcomes.stored': receipts.filter(({ status }) => status === 'STORED').length })
    return receipts
  })
}

async function checkAndStore(
  write: Write,
  inputs: readonly NumberedInput[],
  prepare?: Prepare,
): Promise<OutcomeReceipt[]> {
  const now = databaseNow()
  const { taken, refused } = checkEach(inputs, ({ index, input, notes }): NumberedRow => {
    const valid = validateOutcome(input, now)
    return { index, row: valid.row, notes: [...notes, ...valid.notes] }
  })
  const rows = taken.map(({ row }) => row)
  const rejected = refused.map(({ index: place, refusal }) => {
    const { index, input } = inputs[place]!
    return rejection(index, refusal, input.outcomeId)
  })
  if (rows.length === 0 && !prepare) return rejected
  return [...rejected, ...(await storeRows(write, rows, prepare))]
}

export function rejection(index: number, refusal: Refusal, outcomeId: string | null = null) {
  return {
    index,
    outcomeId,
    status: 'REJECTED' as const,
    code: refusal.code,
    reason: refusal.message,
    path: refusal.inputPath,
    differences: [],
    notes: [],
  }
}

export function inOrder<Each extends { index: number }>(receipts: Each[]): Each[] {
  return receipts.sort((a, b) => a.index - b.index)
}

/**
 * Validation lets nothing through that the database refuses. Should it ever: the halves are tried again, down to the
 * row at fault, so that the others are stored all the same.
 */
async function storeRows(
  write: Write,
  rows: readonly NumberedRow[],
  prepare?: Prepare,
): Promise<OutcomeReceipt[]> {
  try {
    return await write(async (transaction) => {
      const refused = await prepare?.(
        transaction,
        rows.map(({ index }) => index),
      )
      const receipts = [...(refused ?? [])].map(([index, refusal]) => rejection(index, refusal))
      return [
        ...receipts,
        ...(await ingest(
          transaction,
          rows.filter(({ index }) => !refused?.has(index)),
        )),
      ]
    }, REPEATABLE)
  } catch (error) {
    if (!isDataError(error) || rows.length === 0) throw error
    if (rows.length === 1) {
      const [{ index, row }] = rows as [NumberedRow]
      const refusal = new Refusal('INVALID_VALUE', 'The database does not accept this row.')
      return [rejection(index, refusal, row.outcome_id)]
    }
    const middle = rows.length >> 1
    return [
      ...(await storeRows(write, rows.slice(0, middle), prepare)),
      ...(await storeRows(write, rows.slice(middle), prepare)),
    ]
  }
}

/** One call of the database's ingest function, last thing in the caller's transaction. */
async function ingest(
  { queryLast }: TenantTransaction,
  rows: readonly NumberedRow[],
): Promise<OutcomeReceipt[]> {
  if (rows.length === 0) return []
  const byIndex = new Map(rows.map((numbered) => [numbered.index, numbered]))
  const batch = {
    simulation_ids: [...new Set(rows.map(({ row }) => row.simulation_id))],
    numbered: rows.every(({ row }) => row.repetition !== null),
    rows: rows.map(({ index, row }) => ({ idx: index, ...row })),
  }
  const verdicts = await queryLast<{
    idx: number
    outcome_id: string
    receipt: OutcomeReceipt['status']
    code: ErrorCode | null
    differences: string[] | null
  }>(
    sql`/* ingestOutcomes */ select idx, outcome_id, receipt, code, differences from ingest_outcomes(${stringifyExactly(batch)})`,
  )
  return verdicts.map(({ idx, outcome_id, receipt, code, differences: columns }) => {
    const { row, notes } = byIndex.get(idx)!
    const differences = (columns ?? []).map(fieldOf)
    const why = code === null ? undefined : REASONS[code]
    return {
      index: idx,
      outcomeId: outcome_id,
      status: receipt,
      code,
      reason: why?.reason(row, differences) ?? code,
      path: why?.path ?? null,
      differences,
      notes: receipt === 'STORED' ? notes : [],
    }
  })
}

/** The input's name for a column: `tool_usage` is `toolUsage`. */
function fieldOf(column: string): string {
  return column.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase())
}

/** SQLSTATE classes 22 (data exception) and 23 (integrity constraint), and a tree too deep for the server's stack. */
function isDataError(error: unknown): boolean {
  const code = (error as { code?: unknown }).code
  return typeof code === 'string' && /^(22|23|54001)/.test(code)
}
