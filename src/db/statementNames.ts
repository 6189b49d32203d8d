import { LRUCache } from 'lru-cache'
import type pg from 'pg'

/** Characters of texts whose names, or whose first coming, are remembered. */
const KNOWN_CHARACTERS = 10_000_000
/**
 * As much text a connection keeps prepared, and of one statement at most. A plan over a year of weekly chunks is up to a
 * thousand times its text.
 */
const KEPT_CHARACTERS = 100_000
const LONGEST_KEPT = 20_000

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
  readonly #prepared = new WeakMap<pg.ClientBase, { names: Set<string>; characters: number }>()
  #given = 0

  /** The name under which the connection prepares the text; undefined for one that comes for the first time. */
  nameOn(client: pg.ClientBase, text: string): string | undefined {
    if (text.length > LONGEST_KEPT) return undefined
    const known = this.#names.get(text)
    if (known === undefined) {
      this.#names.set(text, '')
      return undefined
    }
    const name = known || this.#give(text)
    const prepared = this.#prepared.get(client) ?? { names: new Set(), characters: 0 }
    this.#prepared.set(client, prepared)
    if (!prepared.names.has(name)) {
      prepared.names.add(name)
      prepared.characters += text.length
    }
    return name
  }

  /** Whether this is the first that is asked of the connection. */
  isNew(client: pg.ClientBase): boolean {
    if (this.#prepared.has(client)) return false
    this.#prepared.set(client, { names: new Set(), characters: 0 })
    return true
  }

  /** What was asked of it failed: it is new again. */
  forget(client: pg.ClientBase): void {
    this.#prepared.delete(client)
  }

  /** Whether the connection has prepared so much that it should go. */
  isFull(client: pg.ClientBase): boolean {
    return (this.#prepared.get(client)?.characters ?? 0) > KEPT_CHARACTERS
  }

  /** Never one that was another's: connections may have it still. */
  #give(text: string): string {
    this.#given++
    const name = `arc_${this.#given}`
    this.#names.set(text, name)
    return name
  }
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
