import type pg from 'pg'
import sql from 'sql-template-tag'
import type { Viewer } from '../viewer.ts'
import { isLostRace, withPatience } from './passingFault.ts'
import { PINNED_SETTINGS, settingsSql, sortsInMemory } from './pinnedSettings.ts'
import { type ArcPool, STATEMENT_MS } from './pool.ts'
import type { Pools } from './pools.ts'
import { countRowsFor, type ReadBudget } from './readBudget.ts'
import { type Answer, readInOnePacket } from './readPacket.ts'
import { ownSession, type StatementNames } from './statementNames.ts'
import {
  type Beginning,
  giveBack,
  inTransaction,
  OWN_BEGIN,
  type Statement,
  type Transaction,
} from './transaction.ts'

export type TenantTransaction = Transaction
export type { Answer, Statement }

/** Runs `work` in one read-write transaction of the viewer; its result comes after COMMIT. */
export type Write = <Result>(
  work: (transaction: TenantTransaction) => Promise<Result>,
  options?: WriteOptions,
) => Promise<Result>

export interface WriteOptions {
  /** Done again it finds what it has done, and changes nothing: so it may be, where nobody knows whether it was committed. */
  mayRepeat?: boolean
}

/** Between statements that leave at once. */
function restOfTime(timeoutMs: number): Statement {
  const { text, values } = sql`/* restOfTime */ select set_config(
    'statement_timeout',
    greatest(1, floor(${timeoutMs}::int - 1000 * extract(epoch from clock_timestamp() - transaction_timestamp())))::text,
    true
  )`
  return { text, values, isGeneral: true }
}

/**
 * The settings that make a transaction the viewer's own: role, tenant, actor, client. All are local to the transaction,
 * so that a pooled connection (and PGlite's only one) carries nothing over. `role` comes first: what follows is set as
 * the role that will use it.
 */
export function tenantSettings(
  viewer: Viewer,
  access: 'read only' | 'read write',
  timeoutMs = STATEMENT_MS,
): (readonly [name: string, value: string])[] {
  return [...viewersSettings(viewer, access, timeoutMs), ...PINNED_SETTINGS]
}

/** Those that are another viewer's in the next transaction. */
function viewersSettings(
  viewer: Viewer,
  access: 'read only' | 'read write',
  timeoutMs: number,
): (readonly [name: string, value: string])[] {
  const settings: (readonly [string, string])[] = [
    ['role', viewer.role],
    ['app.user_id', viewer.tenantId],
    ['app.actor_id', viewer.actorId],
    ['app.client_ip', viewer.clientIp ?? ''],
    ['app.user_agent', viewer.userAgent ?? ''],
    ['app.api_key_id', viewer.apiKeyId ?? ''],
    ['statement_timeout', String(timeoutMs)],
  ]
  if (access === 'read only') settings.push(['transaction_read_only', 'on'])
  return settings
}

/**
 * Runs `work` in one transaction of the viewer and returns its result after COMMIT. Whatever `work` throws rolls
 * everything back and is thrown on; but after a deadlock, a serialisation failure or a connection that was lost before COMMIT left
 * `work` runs again, so it must do nothing outside the transaction.
 */
export function inTenantTransaction<Result>(
  pool: ArcPool,
  viewer: Viewer,
  access: 'read only' | 'read write',
  work: (transaction: TenantTransaction) => Promise<Result>,
  { mayRepeat = access === 'read only' }: WriteOptions = {},
): Promise<Result> {
  const settings = settingsSql(tenantSettings(viewer, access, pool.statementMs))
  let commitLeft = false
  const onCommit = () => {
    commitLeft = true
  }
  return withPatience(
    pool,
    () => {
      commitLeft = false
      return runOnce(pool, { begin: viewer.isArc ? OWN_BEGIN : 'begin', settings, onCommit }, work)
    },
    (error) => mayRepeat || !commitLeft || isLostRace(error),
  )
}

/** Writes as the viewer; from then on its tenant is not answered by a replica that lacks what was written. */
export async function writeAs<Result>(
  { writing, replica }: Pick<Pools, 'writing' | 'replica'>,
  viewer: Viewer,
  work: (transaction: TenantTransaction) => Promise<Result>,
  options?: WriteOptions,
): Promise<Result> {
  try {
    return await inTenantTransaction(writing, viewer, 'read write', work, options)
  } finally {
    // Also where it failed: what broke during its commit may have been stored.
    replica?.noteWrite(viewer.tenantId)
  }
}

/**
 * Reads one value with each statement, all in one state of the database, with one way there and back. `budget`: for the
 * bytes that come back; `names`: for what the connection may prepare.
 */
export async function readTogether(
  pool: ArcPool,
  viewer: Viewer,
  budget: ReadBudget,
  statements: readonly Statement[],
  names: StatementNames | undefined,
): Promise<(Answer | null)[]> {
  const timeoutMs = pool.statementMs
  const rest = restOfTime(timeoutMs)
  const timed = statements.flatMap((statement, at) => (at === 0 ? [statement] : [rest, statement]))
  const read = async (claim: string) => {
    const client = await pool.connect()
    try {
      return names?.for(client)
        ? await readInSession(client, viewer, timeoutMs, claim, timed, names)
        : await readInTransaction(client, viewer, timeoutMs, claim, timed)
    } finally {
      giveBack(client, names)
    }
  }
  const answers = await countRowsFor(budget, read, false)
  return answers.filter((_, at) => at % 2 === 0)
}

/** On a connection that keeps its session: its pinned settings are made, and how its transactions begin. */
async function readInSession(
  client: pg.PoolClient,
  viewer: Viewer,
  timeoutMs: number,
  claim: string,
  statements: readonly Statement[],
  names: StatementNames,
): Promise<(Answer | null)[]> {
  const settings = settingsSql(viewersSettings(viewer, 'read only', timeoutMs))
  const beginning = sql`select ${settings}, ${ownSession(client)}, ${claim}`
  const packet = [{ text: beginning.text, values: beginning.values, isGeneral: true }, ...statements]
  try {
    const [, ...texts] = await readInOnePacket(
      client,
      packet.map(({ text, values, isGeneral }) => ({
        name: isGeneral ? names.nameOn(client, text) : undefined,
        text,
        values,
      })),
    )
    return texts.map((text) => text ?? null)
  } catch (error) {
    names.noteFailure(client, error as { code?: unknown })
    // Of a session that the database ends it says so first: whoever had the connection next would be cut off.
    await client.query('').catch(() => {})
    throw error
  }
}

function readInTransaction(
  client: pg.PoolClient,
  viewer: Viewer,
  timeoutMs: number,
  claim: string,
  statements: readonly Statement[],
): Promise<(Answer | null)[]> {
  const last = statements.length - 1
  return inTransaction(
    client,
    {
      begin: last === 0 ? 'begin' : 'begin isolation level repeatable read',
      settings: sql`${settingsSql(tenantSettings(viewer, 'read only', timeoutMs))}, ${sortsInMemory()}, ${claim}`,
    },
    ({ query, queryLast }) =>
      Promise.all(
        statements.map(async (statement, index) => {
          const [row] = await (index === last ? queryLast<object>(statement) : query<object>(statement))
          return Object.values(row!)[0] as string | null
        }),
      ),
  )
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

/**
 * Lets the tenant's transactions that count `what` go on one after the other: whoever looks after this sees what those
 * before it have made. Of themselves a hundred at a time would each count none.
 */
export async function lockCount(
  { query }: TenantTransaction,
  what: 'open runs' | 'API keys' | 'alert rules',
): Promise<void> {
  await query(sql`/* lockCount */
    select pg_advisory_xact_lock(hashtextextended('arc.' || ${what}::text || '/' || current_user_id(), 0))`)
}
