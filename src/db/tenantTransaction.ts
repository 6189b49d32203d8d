import type pg from 'pg'
import type { Viewer } from '../auth/viewer.ts'

/** How stores reach the database: one statement, its rows. Each statement starts with its name in a comment. */
export interface Sql {
  query<Row extends object>(statement: string, values?: unknown[]): Promise<Row[]>
}

/** Longest time that one statement of a request may take. */
const STATEMENT_TIMEOUT_MS = 30_000

/**
 * The settings that make a transaction the viewer's own: role, tenant, actor, client. All are local to the transaction,
 * so that a pooled connection (and PGlite's only one) carries nothing over. `role` comes first: what follows is set as
 * the role that will use it.
 */
export function tenantSettings(
  viewer: Viewer,
  access: 'read only' | 'read write',
): [name: string, value: string][] {
  const settings: [string, string][] = [
    ['role', viewer.role],
    ['app.user_id', viewer.tenantId],
    ['app.actor_id', viewer.actorId],
    ['app.client_ip', viewer.clientIp ?? ''],
    ['app.user_agent', viewer.userAgent ?? ''],
    // Named last, or PostgreSQL looks there first: a temporary table that somebody left on a pooled connection would
    // take the place of the real one.
    ['search_path', 'public, pg_temp'],
    ['statement_timeout', String(STATEMENT_TIMEOUT_MS)],
  ]
  if (access === 'read only') settings.push(['transaction_read_only', 'on'])
  return settings
}

/** How often a transaction that lost against another one is tried in all. */
const ATTEMPTS = 3

/**
 * Runs `work` in one transaction of the viewer and returns its result after COMMIT. Whatever `work` throws rolls
 * everything back and is thrown on; only after a deadlock or a serialisation failure `work` runs again, so it must do
 * nothing outside the transaction.
 */
export async function inTenantTransaction<Result>(
  pool: pg.Pool,
  viewer: Viewer,
  access: 'read only' | 'read write',
  work: (sql: Sql) => Promise<Result>,
): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await runOnce(pool, viewer, access, work)
    } catch (error) {
      if (attempt === ATTEMPTS || !isLostRace(error)) throw error
    }
  }
}

async function runOnce<Result>(
  pool: pg.Pool,
  viewer: Viewer,
  access: 'read only' | 'read write',
  work: (sql: Sql) => Promise<Result>,
): Promise<Result> {
  const client = await pool.connect()
  let broken: Error | undefined
  try {
    const settings = tenantSettings(viewer, access)
      .map(
        ([name, value]) => `set_config(${client.escapeLiteral(name)}, ${client.escapeLiteral(value)}, true)`,
      )
      .join(', ')
    await client.query(`begin; select ${settings}`)
    const result = await work({
      query: async <Row extends object>(statement: string, values?: unknown[]) =>
        (await client.query<Row>(statement, values)).rows,
    })
    const { command } = await client.query('commit')
    // After a failed statement COMMIT is a ROLLBACK that reports no error.
    if (command !== 'COMMIT') throw new Error(`the transaction ended with ${command} instead of COMMIT`)
    return result
  } catch (error) {
    try {
      await client.query('rollback')
    } catch (rollbackError) {
      broken = rollbackError as Error
    }
    throw error
  } finally {
    client.release(broken)
  }
}

/** SQLSTATE serialization_failure and deadlock_detected. */
function isLostRace(error: unknown): boolean {
  const { code } = error as { code?: unknown }
  return code === '40001' || code === '40P01'
}
