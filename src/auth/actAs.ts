import sql from 'sql-template-tag'
import type { ArcPool } from '../db/pool.ts'
import { inTenantTransaction } from '../db/tenantTransaction.ts'
import type { Viewer } from '../viewer.ts'

/** Writes to the tenant's audit log that an administrator acts as it. */
export async function noteActAs(pool: ArcPool, viewer: Viewer): Promise<void> {
  await inTenantTransaction(pool, viewer, 'read write', (transaction) =>
    transaction.queryLast(sql`/* noteActAs */ select audit_act_as()`),
  )
}
