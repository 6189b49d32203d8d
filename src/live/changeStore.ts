import sql from 'sql-template-tag'
import type { TenantTransaction } from '../db/tenantTransaction.ts'
import { type EventRow, eventOf, type SimulationEvent } from './eventStore.ts'
import { noSuchNumber, type TenantLog } from './tenantFeeds.ts'

/** A step of one of the tenant's simulations, by its number among all of them: 1 for the first, in the order of commits. */
export interface Change {
  seq: number
  event: SimulationEvent
}

/** The number of the tenant's latest change, 0 before the first. */
export async function latestChange(reads: Pick<TenantTransaction, 'query'>): Promise<number> {
  const [row] = await reads.query<{ latest: string | bigint }>(
    sql`/* latestChange */ select latest from change_counters`,
  )
  return Number(row?.latest ?? 0)
}

/** The changes with numbers above `after`, in order, at most `limit`. Numbers of simulations that were deleted for good are left out. */
export async function readChanges(
  reads: Pick<TenantTransaction, 'query'>,
  after: number,
  limit: number,
): Promise<Change[]> {
  const rows = await reads.query<EventRow & { change: string | bigint }>(sql`/* readChanges */
    select change, simulation_id, seq, kind, status, total_scenarios, completed_scenarios, succeeded_scenarios,
      failed_scenarios, mean_score, total_tokens, total_cost_usd, created_at as at
    from simulation_events where change > ${after} order by change limit ${limit}::int`)
  return rows.map((row) => ({ seq: Number(row.change), event: eventOf(row) }))
}

export const CHANGES: TenantLog<Change> = { item: 'change', latest: latestChange, read: readChanges }

/** See noSuchNumber. */
export const noSuchChange = (after: number, latest: number) => noSuchNumber(CHANGES.item, after, latest)
