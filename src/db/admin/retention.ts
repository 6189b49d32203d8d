import { withClient } from './adminClient.ts'

/** For how many days outcomes are kept; null for ever. `adminUrl` is the login that migrates. */
export async function readRetentionDays(adminUrl: string): Promise<number | null> {
  const [row] = await asOwner<{ retention_days: number | null }>(
    adminUrl,
    '/* readRetention */ select retention_days from store.settings',
  )
  return row!.retention_days
}

/** What is older already is deleted by the next upkeep of a server. */
export async function setRetentionDays(adminUrl: string, days: number | null): Promise<void> {
  await asOwner(adminUrl, '/* setRetention */ update store.settings set retention_days = $1', [days])
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
