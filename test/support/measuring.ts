import { pino } from 'pino'
import { createPool } from '../../src/db/pool.ts'
import { inTenantTransaction } from '../../src/db/tenantTransaction.ts'
import { queryOwn } from '../../src/db/transaction.ts'
import { measure } from '../../src/evaluation/effects/measuring.ts'
import { type Measure, measureDiffs } from '../../src/jobs/measureDiffs.ts'
import { arcFor } from '../../src/viewer.ts'

const logger = pino({ level: 'silent' })

/** Runs the job that measures diffs until nothing is marked, as often at a time as asked. `also`: done before each. */
export async function measureMarked(
  connectionString: string,
  atATime = 1,
  also: Measure = async () => {},
): Promise<void> {
  const pool = createPool({ connectionString, max: 2 * atATime, logger })
  const job = measureDiffs(async (tenantId, diffId) => {
    await also(tenantId, diffId)
    await inTenantTransaction(pool, arcFor(tenantId), 'read write', (transaction) =>
      measure(transaction, diffId),
    )
  })
  const context = { query: queryOwn.bind(null, pool) as never, signal: new AbortController().signal, logger }
  try {
    await Promise.all(Array.from({ length: atATime }, () => job.run(context)))
  } finally {
    await pool.end()
  }
}
