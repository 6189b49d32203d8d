import type pg from 'pg'
import { CLIENTS, type IngestBench } from './ingest.ts'

/** Rows a second of `recordOutcomes`, one figure a round: without embeddings and while they are made, in alternation. */
export interface EmbeddingIngestResult {
  without: number[]
  beside: number[]
  /** What was made in the seconds of the runs beside. */
  made: number
  seconds: number
  /** What waited at the end. */
  waiting: number
}

const PATIENCE_MS = 60_000

/** Of one server, which has the embedded model: what it makes is switched off and on between runs, as the database says it. */
export async function measureEmbeddingIngest(
  ingestion: IngestBench,
  admin: pg.Client,
  rounds: number,
): Promise<EmbeddingIngestResult> {
  const { rows } = await admin.query('select embedding_models from store.settings')
  const models = rows[0].embedding_models
  const result: EmbeddingIngestResult = { without: [], beside: [], made: 0, seconds: 0, waiting: 0 }
  const set = (value: object | null) =>
    admin.query('update store.settings set embedding_models = $1', [value])
  const isAtWork = async () =>
    (await admin.query('select from store.embedding_queue where claimed_until > clock_timestamp() limit 1'))
      .rowCount === 1
  const made = async () => Number((await admin.query('select made from store.embedding_work')).rows[0].made)
  // The first run fills the queue, and starts the thread.
  await ingestion.recordRows(CLIENTS)
  for (let round = 0; round < rounds; round++) {
    await set(null)
    await until(async () => !(await isAtWork()))
    result.without.push(await ingestion.recordRows(CLIENTS))
    await set(models)
    await admin.query(`update store.jobs set due_at = now() where name = 'embed'`)
    await until(isAtWork)
    const [before, begin] = [await made(), performance.now()]
    result.beside.push(await ingestion.recordRows(CLIENTS))
    result.made += (await made()) - before
    result.seconds += (performance.now() - begin) / 1_000
  }
  result.waiting = Number((await admin.query('select count(*) from store.embedding_queue')).rows[0].count)
  await set(null)
  return result
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  const late = performance.now() + PATIENCE_MS
  while (!(await isSo())) {
    if (performance.now() > late) throw new Error('The job that makes embeddings does not do as it should.')
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
