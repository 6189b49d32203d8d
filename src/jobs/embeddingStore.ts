import type pg from 'pg'
import sql, { type Sql } from 'sql-template-tag'
import { queryOwn } from '../db/transaction.ts'
import type { EmbeddedKind } from '../embedding/embeddings.ts'
import type { JsonValue } from '../json.ts'

/** One statement of the server itself, its rows. */
export type OwnQuery = <Row extends object>(statement: Sql) => Promise<Row[]>

export function ownQueryOn(pool: pg.Pool): OwnQuery {
  return (statement) => queryOwn(pool, statement)
}

/** The names of the vectors that are made, by kind. */
export type EmbeddingModels = Readonly<Record<EmbeddedKind, string>>

/** What waits for a vector. */
export interface Subject {
  tenant: string
  kind: EmbeddedKind
  subject: string
}

export interface Claimed extends Subject {
  /** To be made although there is one. */
  anew: boolean
  /** What is to be said of it, as its text takes it; null where it is gone. */
  thing: JsonValue
}

/** Which subjects somebody wants; all where nothing is said. */
export interface Wanted {
  kinds?: readonly EmbeddedKind[] | undefined
  tenant?: string | undefined
}

/** What became of a subject: a vector, a reason why there is none, or that it is gone; with the text's hash alone, what is known of that is looked for. */
export interface Result extends Subject {
  sha256?: string
  vector?: string
  reason?: string
  gone?: boolean
}

export const NOBODY = '00000000-0000-0000-0000-000000000000'

/** Says what this server makes from now on; true where that was something else before. */
export async function useEmbeddingModels(query: OwnQuery, models: EmbeddingModels): Promise<boolean> {
  const [row] = await query<{ changed: boolean }>(
    sql`/* useEmbeddingModels */ select use_embedding_models(${JSON.stringify(models)}) as changed`,
  )
  return row!.changed
}

/** Takes subjects that wait; none where other models are made by now, or the endpoint wants to be left alone. */
export function claimEmbeddings(
  query: OwnQuery,
  claim: { models: EmbeddingModels; most: number; after: string; held: string } & Wanted,
): Promise<Claimed[]> {
  const { models, most, after, held, kinds = null, tenant = null } = claim
  return query<Claimed>(sql`/* claimEmbeddings */ select tenant, kind, subject, anew, thing
    from claim_embeddings(${JSON.stringify(models)}, ${most}, ${after}, ${held}, ${kinds}, ${tenant})`)
}

/** Holds what was taken for longer, or lets go of it. */
export async function holdEmbeddings(
  query: OwnQuery,
  taken: readonly Subject[],
  held: string,
  longer: boolean,
): Promise<void> {
  const subjects = taken.map(({ tenant, kind, subject }) => ({ tenant, kind, subject }))
  await query(
    sql`/* holdEmbeddings */ select hold_embeddings(${JSON.stringify(subjects)}, ${held}, ${longer})`,
  )
}

/** Stores what became of what was taken, and answers of what nothing is known yet. */
export function storeEmbeddings(
  query: OwnQuery,
  { held, models, results }: { held: string; models: EmbeddingModels; results: readonly Result[] },
): Promise<Subject[]> {
  return query<Subject>(sql`/* storeEmbeddings */ select tenant, kind, subject
    from store_embeddings(${held}, ${JSON.stringify(models)}, ${JSON.stringify(results)})`)
}

export async function noteEmbeddingFailure(
  query: OwnQuery,
  message: string,
  pauseMs: number | null,
): Promise<void> {
  await query(
    sql`/* noteEmbeddingFailure */ select note_embedding_failure(${message.replaceAll('\0', '')}, ${pauseMs})`,
  )
}

/** Looks on for what has no vector, and queues it; false at the end. */
export async function searchUnembedded(
  query: OwnQuery,
  models: EmbeddingModels,
  most: number,
): Promise<boolean> {
  const [row] = await query<{ more: boolean }>(
    sql`/* searchUnembedded */ select search_unembedded(${JSON.stringify(models)}, ${most}) as more`,
  )
  return row!.more
}

/** The same for whoever asks, from a place on; the place is null at the end. */
export async function queueUnembedded(
  query: OwnQuery,
  place: object,
  most: number,
): Promise<{ place: object | null; queued: number }> {
  const [row] = await query<{ place: object | null; queued: number }>(
    sql`/* queueUnembedded */ select place, queued from queue_unembedded(${most}, ${JSON.stringify(place)})`,
  )
  return row!
}

/** Lets vectors of earlier models go where those of today are complete; false where none are left to go. */
export async function dropOldEmbeddings(query: OwnQuery, most: number): Promise<boolean> {
  const [row] = await query<{ more: boolean }>(
    sql`/* dropOldEmbeddings */ select drop_old_embeddings(${most}) as more`,
  )
  return row!.more
}

/** Makes the job due where something waits; false where nothing does. */
export async function wakeEmbedding(query: OwnQuery): Promise<boolean> {
  const [row] = await query<{ waits: boolean }>(sql`/* wakeEmbedding */ select wake_embedding() as waits`)
  return row!.waits
}

/** What the servers of this database make, as the last one that started said; null where none has. */
export async function modelsInUse(query: OwnQuery): Promise<EmbeddingModels | null> {
  const [row] = await query<{ models: EmbeddingModels | null }>(
    sql`/* embeddingModels */ select models from embedding_states()`,
  )
  return row!.models
}

/** How many things wait. */
export async function waitingEmbeddings(query: OwnQuery, { kinds, tenant }: Wanted): Promise<number> {
  const [row] = await query<{ waiting: string }>(
    sql`/* waitingEmbeddings */ select waiting_embeddings(${kinds ?? null}, ${tenant ?? null}) as waiting`,
  )
  return Number(row!.waiting)
}
