import type pg from 'pg'
import type { Job } from './job.ts'

const PREPARE = '/* prepareStorage */ select prepare_outcome_storage()'

/** Partitions for what comes: has to have been done before the first outcome does. */
export async function prepareOutcomeStorage(pool: pg.Pool): Promise<void> {
  await pool.query(PREPARE)
}

/** Keeps up where outcomes are: partitions for what comes, no rows that are older than the retention. */
export const STORAGE_UPKEEP: readonly Job[] = [
  {
    name: 'prepare_outcome_storage',
    async run({ query }) {
      await query(PREPARE)
    },
  },
  {
    name: 'expire_outcomes',
    async run({ query, logger }) {
      const [row] = await query<{ expired: string }>('/* expire */ select expire_outcomes() as expired')
      if (row!.expired !== '0') logger.info({ outcomes: Number(row!.expired) }, 'outcomes expired')
    },
  },
]
