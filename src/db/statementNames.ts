import { randomBytes } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type pg from 'pg'
import sql, { type Sql } from 'sql-template-tag'
import { PINNED_SETTINGS, settingsSql, sortsInMemory } from './pinnedSettings.ts'

/** Characters of texts whose names, or whose first coming, are remembered. */
const KNOWN_CHARACTERS = 10_000_000
/**
 * As much text a connection keeps prepared, and of one statement at most. A plan over a year of weekly chunks is up to a
 * thousand times its text.
 */
const KEPT_CHARACTERS = 100_000
const LONGEST_KEPT = 20_000

interface Session {
  /** Whether it is the connection's own, and its settings are made. */
  isKept: boolean
  names: Set<string>
  /** Of the texts that it has prepared. */
  characters: number
}

/**
 * Names by which connections prepare the statements that come again: PostgreSQL then neither parses nor plans them. What a
 * connection has prepared it keeps as long as it lives, so one that has much of it is replaced.
 */
export class StatementNames {
  /** Empty for a text that came once. */
  readonly #names = new LRUCache<string, string>({
    maxSize: KNOWN_CHARACTERS,
    sizeCalculation: (_, text) => text.length,
  })
  readonly #sessions = new WeakMap<pg.ClientBase, Session>()
  /** Should sessions ever be shared, a name never means what another process calls so. */
  readonly #prefix = `arc_${randomBytes(6).toString('hex')}`
  #given = 0

  /**
   * These names for a connection that keeps its session; its settings are made then. Undefined for others, and for one that
   * was not asked yet: what its URL leads to may have changed since the last one was opened.
   */
  for(client: pg.ClientBase): StatementNames | undefined {
    const known = this.#sessions.get(client)
    if (known) return known.isKept ? this : undefined
    const session: Session = { isKept: false, names: new Set(), characters: 0 }
    this.#sessions.set(client, session)
    pinSession(client).then(
      (isPinned) => {
        session.isKept = isPinned
      },
      () => this.#sessions.delete(client),
    )
    return undefined
  }

  /** The name under which the connection prepares the text; undefined for one that comes for the first time. */
  nameOn(client: pg.ClientBase, text: string): string | undefined {
    const session = this.#sessions.get(client)
    if (!session?.isKept || text.length > LONGEST_KEPT) return undefined
    const known = this.#names.get(text)
    if (known === undefined) {
      this.#names.set(text, '')
      return undefined
    }
    const name = known || this.#give(text)
    if (!session.names.has(name)) {
      session.names.add(name)
      session.characters += text.length
    }
    return name
  }

  /** Notes what a connection failed with: one that has lost what it prepared, or cannot use it any more, should go. */
  noteFailure(client: pg.ClientBase, { code }: { code?: unknown }): void {
    const session = this.#sessions.get(client)
    if (session && LOST_STATEMENT.has(code)) session.characters = Number.POSITIVE_INFINITY
  }

  /** Whether the connection should go: it has prepared much. */
  isFull(client: pg.ClientBase): boolean {
    return (this.#sessions.get(client)?.characters ?? 0) > KEPT_CHARACTERS
  }

  /** Never one that was another's: connections may have it still. */
  #give(text: string): string {
    this.#given++
    const name = `${this.#prefix}_${this.#given}`
    this.#names.set(text, name)
    return name
  }
}

/**
 * SQLSTATE invalid_sql_statement_name and duplicate_prepared_statement; feature_not_supported, as a cached plan must not change
 * its result type; division_by_zero, which is that of `ownSession`.
 */
const LOST_STATEMENT: ReadonlySet<unknown> = new Set(['26000', '42P05', '0A000', '22012'])

/** How the transactions of a session begin in which all only read, and see one state of the database each. */
const READS = [
  ['default_transaction_isolation', 'repeatable read'],
  ['default_transaction_read_only', 'on'],
] as const

/** Makes the settings of the connection's session, if that is its own. */
async function pinSession(client: pg.ClientBase): Promise<boolean> {
  const { rowCount } = await client.query(
    sql`/* pinSession */ select ${settingsSql([...PINNED_SETTINGS, ...READS], 'of the session')}, ${sortsInMemory('of the session')}
    where ${isOwnSession(client)}`,
  )
  return rowCount === 1
}

/** Selected with others, it fails in a session that is not the connection's own: behind a pooler each transaction may have another. */
export function ownSession(client: pg.ClientBase): Sql {
  return sql`1 / (${isOwnSession(client)})::int`
}

/** Whether it is the one that the connection was told of when it was opened. */
function isOwnSession(client: pg.ClientBase): Sql {
  const { processID } = client as unknown as { processID: number }
  return sql`pg_backend_pid() = ${processID}`
}

/**
 * Whether a statement that a connection prepared is there when it comes back: each has a session of the database to itself,
 * and keeps it. Behind a pooler it has another in each transaction, and the embedded database has one for all.
 */
export async function keepsSessions(pool: pg.Pool): Promise<boolean> {
  if (pool.options.max < 2) return false
  const clients = await Promise.all([pool.connect(), pool.connect()])
  try {
    const sessions = await Promise.all(
      clients.map(async (client) => {
        const { rows } = await client.query<{ pid: number }>(
          '/* keepsSessions */ select pg_backend_pid() as pid',
        )
        return { session: rows[0]!.pid, told: (client as unknown as { processID: number }).processID }
      }),
    )
    const isOneForAll = new Set(sessions.map(({ session }) => session)).size < sessions.length
    return !isOneForAll && sessions.every(({ session, told }) => session === told)
  } finally {
    for (const client of clients) client.release()
  }
}
