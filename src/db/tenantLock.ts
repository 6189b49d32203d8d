import sql from 'sql-template-tag'
import type { TenantTransaction } from './tenantTransaction.ts'

/**
 * Lets the tenant's transactions that count `what` go on one after the other: whoever looks after this sees what those
 * before it have made. Of themselves a hundred at a time would each count none.
 */
export async function lockCount(
  transaction: TenantTransaction,
  what: 'open runs' | 'API keys',
): Promise<void> {
  await transaction.query(sql`/* lockCount */
    select pg_advisory_xact_lock(hashtextextended('arc.' || ${what}::text || '/' || current_user_id(), 0))`)
}
