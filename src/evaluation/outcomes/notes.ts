import sql from 'sql-template-tag'
import type { TenantTransaction } from '../../db/tenantTransaction.ts'
import { Refusal } from '../../refusal.ts'
import { LENGTHS, text } from '../../valueChecks.ts'

/** Writes a note under an outcome, by whoever asks; answers its key. @throws Refusal OUTCOME_NOT_FOUND, INVALID_VALUE. */
export async function addNote(
  transaction: TenantTransaction,
  outcomeId: string,
  written: string,
): Promise<string> {
  const [row] = await transaction.query<{ note_id: string }>(sql`/* addNote */
    insert into outcome_notes (outcome_id, simulation_id, text)
    select outcome_id, simulation_id, ${checkedNote(written)} from outcome_keys where outcome_id = ${outcomeId}
    returning note_id`)
  if (row) return row.note_id
  throw new Refusal('OUTCOME_NOT_FOUND', `There is no outcome ${outcomeId}.`, ['outcomeId'])
}

/** Replaces a note's text; who wrote it and when stay, and the audit log keeps what it was. @throws Refusal NOTE_NOT_FOUND, INVALID_VALUE. */
export async function editNote(
  transaction: TenantTransaction,
  noteId: string,
  written: string,
): Promise<void> {
  const rows = await transaction.query(sql`/* editNote */
    update outcome_notes set text = ${checkedNote(written)} where note_id = ${noteId} returning note_id`)
  if (rows.length === 0) throw noNote(noteId)
}

/** The audit log keeps what it was. @throws Refusal NOTE_NOT_FOUND. */
export async function deleteNote(transaction: TenantTransaction, noteId: string): Promise<void> {
  const rows = await transaction.query(
    sql`/* deleteNote */ delete from outcome_notes where note_id = ${noteId} returning note_id`,
  )
  if (rows.length === 0) throw noNote(noteId)
}

function checkedNote(written: string): string {
  return text(written.trim(), LENGTHS.prose, ['text'])
}

function noNote(noteId: string): Refusal {
  return new Refusal('NOTE_NOT_FOUND', `There is no note ${noteId}.`, ['noteId'])
}
