import sql from 'sql-template-tag'
import type { TenantTransaction } from '../../db/tenantTransaction.ts'
import type { SqlPart } from '../../reads/answers/parts.ts'
import type { ComputedRows, ParentKeys } from '../../reads/computedPages.ts'
import type { OperationReads } from '../../reads/operationReads.ts'
import { Refusal } from '../../refusal.ts'
import { LENGTHS, text } from '../../valueChecks.ts'

/** What a person wrote of a failure; it lies on one signature, and shows in the group that has that one. */
export interface FailureGroupNote {
  groupNoteId: string
  signature: string
  note: string
  resolutionSteps: string | null
  author: string | null
  createdAt: Date
  updatedAt: Date
}

interface Written {
  note: string
  resolutionSteps?: string | null | undefined
}

const FIELDS = [
  'groupNoteId',
  'signature',
  'note',
  'resolutionSteps',
  'author',
  'createdAt',
  'updatedAt',
] as const

const COLUMNS = sql`n.group_note_id, n.signature, n.note, n.resolution_steps, n.author, n.created_at, n.updated_at`

/** All that the tenant has, without parents. */
export function allGroupNotes(): ComputedRows {
  return {
    name: sql`failureGroupNotes`,
    fields: FIELDS,
    select: sql`select '' as parent, ${COLUMNS} from failure_group_notes n`,
  }
}

/** Those of the groups by meaning that have the failures with these signatures. */
export function groupNotesOf(signatures: ParentKeys): ComputedRows {
  return {
    name: sql`notesOfFailures`,
    fields: FIELDS,
    select: sql`
      select s.signature as parent, ${COLUMNS}
      from unnest(${signatures}::text[]) s(signature)
      join failure_group_notes n on n.signature in (select failures_of_group(s.signature))`,
  }
}

/** Of a pattern: its own steps, else the latest that somebody wrote of its group. */
export const KNOWN_RESOLUTION_STEPS: SqlPart = {
  is: 'sql',
  json: (row) => sql`to_json(coalesce(${row.column('resolutionSteps')}, (
    select n.resolution_steps from failure_group_notes n
    where n.resolution_steps is not null and n.signature in (select failures_of_group(${row.column('signature')}))
    order by n.created_at desc, n.group_note_id desc limit 1)))::text`,
  nullable: true,
}

/** The latest resolution steps that somebody wrote of the groups of these signatures. */
export async function resolutionStepsOf(
  reads: Pick<OperationReads, 'query'>,
  signatures: readonly string[],
): Promise<Map<string, string>> {
  const rows = await reads.query<{ signature: string; steps: string }>(sql`/* resolutionStepsOf */
    select distinct on (s.signature) s.signature, n.resolution_steps as steps
    from unnest(${signatures}::text[]) s(signature)
    join failure_group_notes n on n.signature in (select failures_of_group(s.signature))
    where n.resolution_steps is not null
    order by s.signature, n.created_at desc, n.group_note_id desc`)
  return new Map(rows.map(({ signature, steps }) => [signature, steps]))
}

/**
 * Writes a note, by whoever asks: of a group it lies on the signature that is nearest to all others, so that it stays with most of
 * them should the group part.
 *
 * @throws Refusal BAD_USER_INPUT, FAILURE_NOT_FOUND, INVALID_VALUE.
 */
export async function addGroupNote(
  transaction: TenantTransaction,
  of: { groupId?: string | null | undefined; signature?: string | null | undefined },
  written: Written,
): Promise<FailureGroupNote> {
  const isGroup = typeof of.groupId === 'string'
  const named = of.groupId ?? of.signature
  if (isGroup === (typeof of.signature === 'string') || typeof named !== 'string')
    throw new Refusal('BAD_USER_INPUT', 'Give either groupId or signature.', ['groupId'])
  const { note, resolutionSteps } = checked(written)
  const [row] = await transaction.query<FailureGroupNote>(sql`/* noteFailureGroup */
    insert into failure_group_notes as n (signature, note, resolution_steps)
    select f.signature, ${note}, ${resolutionSteps} from (
      select s.signature, m.centrality from failures_of_group(${named}) s(signature)
      left join failure_group_members m on m.signature = s.signature
      where exists (select from failure_patterns p where p.signature = s.signature) and (${isGroup} or s.signature = ${named})
      order by m.centrality desc nulls last, s.signature limit 1
    ) f
    returning ${RETURNED}`)
  if (row) return row
  const field = isGroup ? 'groupId' : 'signature'
  throw new Refusal('FAILURE_NOT_FOUND', `There is no failure with the ${field} ${JSON.stringify(named)}.`, [
    field,
  ])
}

/** Replaces what a note says; who wrote it and when stay, and the audit log keeps what it was. @throws Refusal NOTE_NOT_FOUND, INVALID_VALUE. */
export async function editGroupNote(
  transaction: TenantTransaction,
  groupNoteId: string,
  written: Written,
): Promise<FailureGroupNote> {
  const { note, resolutionSteps } = checked(written)
  const [row] = await transaction.query<FailureGroupNote>(sql`/* editFailureGroupNote */
    update failure_group_notes n set note = ${note}, resolution_steps = ${resolutionSteps} where n.group_note_id = ${groupNoteId}
    returning ${RETURNED}`)
  if (row) return row
  throw noNote(groupNoteId)
}

/** The audit log keeps what it was. @throws Refusal NOTE_NOT_FOUND. */
export async function deleteGroupNote(transaction: TenantTransaction, groupNoteId: string): Promise<void> {
  const rows = await transaction.query(
    sql`/* deleteFailureGroupNote */ delete from failure_group_notes where group_note_id = ${groupNoteId} returning group_note_id`,
  )
  if (rows.length === 0) throw noNote(groupNoteId)
}

const RETURNED = sql`n.group_note_id as "groupNoteId", n.signature, n.note, n.resolution_steps as "resolutionSteps", n.author,
  n.created_at as "createdAt", n.updated_at as "updatedAt"`

function checked({ note, resolutionSteps }: Written): { note: string; resolutionSteps: string | null } {
  const isGiven = typeof resolutionSteps === 'string' && resolutionSteps.trim() !== ''
  return {
    note: text(note.trim(), LENGTHS.prose, ['note']),
    resolutionSteps: isGiven ? text(resolutionSteps.trim(), LENGTHS.prose, ['resolutionSteps']) : null,
  }
}

function noNote(groupNoteId: string): Refusal {
  return new Refusal('NOTE_NOT_FOUND', `There is no note ${groupNoteId}.`, ['groupNoteId'])
}
