import { pino } from 'pino'
import { inject } from 'vitest'
import { createPool } from '../../src/db/pool.ts'
import { inTenantTransaction } from '../../src/db/tenantTransaction.ts'
import { queryOwn } from '../../src/db/transaction.ts'
import { measure } from '../../src/evaluation/effects/measuring.ts'
import { type Measure, measureDiffs } from '../../src/jobs/measureDiffs.ts'

const logger = pino({ level: 'silent' })

/** Runs the job that measures diffs until nothing is marked, as often at a time as asked. `also`: done before each. */
export async function measureMarked(
  connectionString = inject('databaseUrl'),
  atATime = 1,
  also: Measure = async () => {},
): Promise<void> {
  const pool = createPool({ connectionString, max: 2 * atATime, logger })
  const job = measureDiffs(async (tenantId, diffId) => {
    await also(tenantId, diffId)
    const viewer = {
      tenantId,
      actorId: 'arc',
      role: 'app_user' as const,
      expiresAtMs: undefined,
      clientIp: undefined,
      userAgent: undefined,
    }
    await inTenantTransaction(pool, viewer, 'read write', (transaction) => measure(transaction, diffId))
  })
  const context = { query: queryOwn.bind(null, pool) as never, signal: new AbortController().signal, logger }
  try {
    await Promise.all(Array.from({ length: atATime }, () => job.run(context)))
  } finally {
    await pool.end()
  }
}
