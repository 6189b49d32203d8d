import type pg from 'pg'
import sql from 'sql-template-tag'
import type { Viewer } from '../viewer.ts'
import { PINNED_SETTINGS, settingsSql } from './pinnedSettings.ts'
import { countRowsFor, type ReadBudget } from './readBudget.ts'
import { ownSession, type StatementNames } from './statementNames.ts'
import { type Beginning, giveBack, inTransaction, type Statement, type Transaction } from './transaction.ts'

export type TenantTransaction = Transaction
export type { Statement }

/** Runs `work` in one read-write transaction of the viewer; its result comes after COMMIT. */
export type Write = <Result>(work: (transaction: TenantTransaction) => Promise<Result>) => Promise<Result>

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
): (readonly [name: string, value: string])[] {
  return [...viewersSettings(viewer, access), ...PINNED_SETTINGS]
}

/** Those that are another viewer's in the next transaction. */
function viewersSettings(
  viewer: Viewer,
  access: 'read only' | 'read write',
): (readonly [name: string, value: string])[] {
  const settings: (readonly [string, string])[] = [
    ['role', viewer.role],
    ['app.user_id', viewer.tenantId],
    ['app.actor_id', viewer.actorId],
    ['app.client_ip', viewer.clientIp ?? ''],
    ['app.user_agent', viewer.userAgent ?? ''],
    ['app.api_key_id', viewer.apiKeyId ?? ''],
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
  work: (transaction: TenantTransaction) => Promise<Result>,
): Promise<Result> {
  const beginning = { begin: 'begin', settings: settingsSql(tenantSettings(viewer, access)) }
  for (let attempt = 1; ; attempt++) {
    try {
      return await runOnce(pool, beginning, work)
    } catch (error) {
      if (attempt === ATTEMPTS || !isLostRace(error)) throw error
    }
  }
}

/**
 * Reads texts, all in one state of the database, with one way there and back. `budget`: for the bytes that come back;
 * `names`: for what the connection may prepare.
 */
export async function readTogether<Row extends object>(
  pool: pg.Pool,
  viewer: Viewer,
  budget: ReadBudget,
  statements: readonly Statement[],
  names: StatementNames | undefined,
): Promise<Row[][]> {
  const last = statements.length - 1
  const read = async (claim: string) => {
    const client = await pool.connect()
    const kept = names?.for(client)
    // A connection that keeps its session keeps its pinned settings as well.
    const settings = kept
      ? sql`${settingsSql(viewersSettings(viewer, 'read only'))}, ${ownSession(client)}`
      : settingsSql(tenantSettings(viewer, 'read only'))
    try {
      return await inTransaction(
        client,
        {
          begin: statements.length === 1 ? 'begin' : 'begin isolation level repeatable read',
          settings: sql`${settings}, ${claim}`,
          names: kept,
        },
        ({ query, queryLast }) =>
          Promise.all(
            statements.map((statement, index) =>
              index === last ? queryLast<Row>(statement) : query<Row>(statement),
            ),
          ),
      )
    } catch (error) {
      names?.noteFailure(client, error as { code?: unknown })
      throw error
    } finally {
      giveBack(client, names)
    }
  }
  return countRowsFor(budget, read, false)
}

async function runOnce<Result>(
  pool: pg.Pool,
  beginning: Beginning,
  work: (transaction: TenantTransaction) => Promise<Result>,
): Promise<Result> {
  const client = await pool.connect()
  try {
    return await inTransaction(client, beginning, work)
  } finally {
    giveBack(client)
  }
}

/** SQLSTATE serialization_failure and deadlock_detected. */
function isLostRace(error: unknown): boolean {
  const { code } = error as { code?: unknown }
  return code === '40001' || code === '40P01'
}

/**
 * Lets the tenant's transactions that count `what` go on one after the other: whoever looks after this sees what those
 * before it have made. Of themselves a hundred at a time would each count none.
 */
export async function lockCount({ query }: TenantTransaction, what: 'open runs' | 'API keys'): Promise<void> {
  await query(sql`/* lockCount */
    select pg_advisory_xact_lock(hashtextextended('arc.' || ${what}::text || '/' || current_user_id(), 0))`)
}
