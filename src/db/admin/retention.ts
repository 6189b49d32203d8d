import { withClient } from './adminClient.ts'

/** For how many days outcomes are kept, and what is deleted can be taken back; null for ever. */
export interface Retention {
  outcomesDays: number | null
  deletedDays: number | null
}

/** `adminUrl` is the login that migrates. */
export async function readRetention(adminUrl: string): Promise<Retention> {
  const [row] = await asOwner<{ retention_days: number | null; deleted_days: number | null }>(
    adminUrl,
    '/* readRetention */ select retention_days, deleted_days from store.settings',
  )
  return { outcomesDays: row!.retention_days, deletedDays: row!.deleted_days }
}

/** What is older already is deleted by the next upkeep of a server. */
export async function setRetentionDays(adminUrl: string, days: number | null): Promise<void> {
  await asOwner(adminUrl, '/* setRetention */ update store.settings set retention_days = $1', [days])
}

/** Counts for what is deleted from now on. */
export async function setDeletedDays(adminUrl: string, days: number | null): Promise<void> {
  await asOwner(adminUrl, '/* setDeletedDays */ update store.settings set deleted_days = $1', [days])
}

/** In a transaction, because PGlite's one session would keep the role for everybody. */
function asOwner<Row extends object>(
  adminUrl: string,
  statement: string,
  values: unknown[] = [],
): Promise<Row[]> {
  return withClient(adminUrl, async (client) => {
    await client.query('begin; set local role arc_owner')
    const { rows } = await client.query<Row>(statement, values)
    await client.query('commit')
    return rows
  })
}
