import sql from 'sql-template-tag'
import type { TenantTransaction } from '../db/tenantTransaction.ts'
import type { TenantLog } from './tenantFeeds.ts'

/** One of the tenant's alerts fired or ended: by its number among all of these, 1 for the first, in the order of commits. */
export interface AlertStep {
  seq: number
  eventId: string
}

/** The number of the tenant's latest, 0 before the first. */
async function latestAlert(reads: Pick<TenantTransaction, 'query'>): Promise<number> {
  const [row] = await reads.query<{ latest: string | bigint }>(
    sql`/* latestAlert */ select latest from alert_counters`,
  )
  return Number(row?.latest ?? 0)
}

/** Those with numbers above `after`, in order, at most `limit`. Numbers of rules that were deleted are left out. */
async function readAlerts(
  reads: Pick<TenantTransaction, 'query'>,
  after: number,
  limit: number,
): Promise<AlertStep[]> {
  const rows = await reads.query<{ seq: string | bigint; event_id: string }>(sql`/* readAlerts */
    select seq, event_id from alert_events where seq > ${after} order by seq limit ${limit}::int`)
  return rows.map(({ seq, event_id: eventId }) => ({ seq: Number(seq), eventId }))
}

export const ALERTS: TenantLog<AlertStep> = { item: 'alert', latest: latestAlert, read: readAlerts }
