import type pg from 'pg'
import sql from 'sql-template-tag'
import { queryOwn } from '../db/transaction.ts'
import type { Job } from './job.ts'

const prepare = sql`/* prepareStorage */ select prepare_outcome_storage()`

/** Creates the partitions that are needed soon. Must be done before the first outcome arrives. */
export async function prepareOutcomeStorage(pool: pg.Pool): Promise<void> {
  await queryOwn(pool, prepare)
}

/** How many outcomes are deleted for good in one transaction. */
const PURGE_STEP = 10_000

/** How many entries of each log are. */
const EXPIRE_STEP = 10_000

/** How many hours are summed in one transaction: the embedded database does nothing else meanwhile. */
const REFRESH_STEP = 20

/**
 * Maintains the tables: partitions for what will arrive, old chunks packed, indexes of those with many vectors, no rows that are older than the retention or deleted
 * for long enough.
 */
export const STORAGE_UPKEEP: readonly Job[] = [
  {
    name: 'prepare_outcome_storage',
    async run({ query }) {
      await query(prepare)
    },
  },
  {
    name: 'expire_outcomes',
    async run({ query, logger, signal }) {
      let expired: string | null
      do {
        const [row]: { expired: string | null }[] = await query(
          sql`/* expire */ select expire_outcomes() as expired`,
        )
        expired = row!.expired
        if (expired !== null) logger.info({ outcomes: Number(expired) }, 'outcomes expired')
      } while (expired !== null && !signal.aborted)
    },
  },
  {
    name: 'expire_logs',
    async run({ query, logger, signal }) {
      let expired: number
      do {
        const [row] = await query<{ expired: string }>(
          sql`/* expireLogs */ select expire_logs(${EXPIRE_STEP}) as expired`,
        )
        expired = Number(row!.expired)
        if (expired > 0) logger.info({ entries: expired }, 'entries of logs expired')
      } while (expired > 0 && !signal.aborted)
    },
  },
  {
    name: 'refresh_rollups',
    async run({ query, signal }) {
      let hours: number
      do {
        const [row] = await query<{ hours: number }>(
          sql`/* refreshRollups */ select refresh_rollups(${REFRESH_STEP}) as hours`,
        )
        hours = row!.hours
      } while (hours === REFRESH_STEP && !signal.aborted)
    },
  },
  {
    name: 'pack_outcomes',
    async run({ query, logger, signal }) {
      let packed: string | null
      do {
        const [row]: { packed: string | null }[] = await query(
          sql`/* pack */ select pack_outcomes() as packed`,
        )
        packed = row!.packed
        if (packed !== null) logger.info({ chunk: packed }, 'packed a chunk')
      } while (packed !== null && !signal.aborted)
    },
  },
  {
    name: 'index_embeddings',
    async run({ query, logger, signal }) {
      let step: string | null
      do {
        const [row]: { step: string | null }[] = await query(
          sql`/* indexEmbeddings */ select index_embeddings() as step`,
        )
        step = row!.step
        if (step !== null) logger.info({ index: step }, 'an index of embeddings')
      } while (step !== null && !signal.aborted)
    },
  },
  {
    name: 'purge_deleted',
    async run({ query, logger, signal }) {
      let place: object | null = null
      do {
        const [row]: { place: object | null; purged: number; outcomes: number }[] = await query(
          sql`/* purge */ select place, purged, outcomes from purge_deleted(${PURGE_STEP}, ${place})`,
        )
        const { purged, outcomes } = row!
        if (purged > 0 || outcomes > 0) logger.info({ purged, outcomes }, 'deleted for good')
        place = row!.place
      } while (place !== null && !signal.aborted)
    },
  },
]
