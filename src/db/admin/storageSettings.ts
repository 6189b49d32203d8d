import { withClient } from './adminClient.ts'

/** What the database's owner decides about storage: one row. Days are null for ever. */
export interface StorageSettings {
  /** Outcomes, from when they ended or were recorded, whichever is later. */
  retentionDays: number | null
  /** What is deleted, until it is deleted for good. */
  deletedDays: number | null
  /** The steps of simulations that have ended. */
  eventDays: number | null
  auditDays: number | null
  /** Until outcomes are packed, where the full edition of TimescaleDB is. */
  packDays: number | null
  /** Of a chunk that is made from then on, where TimescaleDB is. */
  chunkDays: number
  /** Whether each tenant's outcomes are packed for themselves. */
  segmentByTenant: boolean
}

const COLUMNS: Readonly<Record<keyof StorageSettings, string>> = {
  retentionDays: 'retention_days',
  deletedDays: 'deleted_days',
  eventDays: 'event_days',
  auditDays: 'audit_days',
  packDays: 'pack_days',
  chunkDays: 'chunk_days',
  segmentByTenant: 'segment_by_tenant',
}

/**
 * Changes what is given and returns what holds then; servers follow within a minute. `adminUrl` is the login that migrates.
 *
 * @throws DatabaseError 23514 for what a column does not take.
 */
export async function changeStorageSettings(
  adminUrl: string,
  changed: Partial<StorageSettings>,
): Promise<StorageSettings> {
  const keys = Object.keys(COLUMNS) as (keyof StorageSettings)[]
  const given = keys.filter((key) => changed[key] !== undefined).map((key) => [COLUMNS[key], changed[key]])
  return withClient(adminUrl, async (client) => {
    // In a transaction, because PGlite's one session would keep the role for everybody.
    await client.query('begin; set local role arc_owner')
    if (given.length > 0) {
      await client.query(
        `/* changeSettings */ update store.settings s set
          retention_days = n.retention_days, deleted_days = n.deleted_days, event_days = n.event_days,
          audit_days = n.audit_days, pack_days = n.pack_days, chunk_days = n.chunk_days,
          segment_by_tenant = n.segment_by_tenant
        from jsonb_populate_record((select o from store.settings o), $1) n`,
        [JSON.stringify(Object.fromEntries(given))],
      )
    }
    const { rows } = await client.query(`/* readSettings */ select * from store.settings`)
    await client.query('commit')
    return Object.fromEntries(keys.map((key) => [key, rows[0][COLUMNS[key]]])) as unknown as StorageSettings
  })
}
