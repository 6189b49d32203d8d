import type pg from 'pg'
import { inTenantTransaction } from '../db/tenantTransaction.ts'
import type { Viewer } from '../viewer.ts'

/** Writes to the tenant's audit log that an administrator acts as it. */
export async function noteActAs(pool: pg.Pool, viewer: Viewer): Promise<void> {
  await inTenantTransaction(pool, viewer, 'read write', (sql) =>
    sql.queryLast('/* noteActAs */ select audit_act_as()'),
  )
}
