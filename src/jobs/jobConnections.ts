import type pg from 'pg'

/** A run's way to the database, which can be broken off when nobody waits for the run any longer. */
export class JobConnections {
  readonly #pool: pg.Pool
  readonly #taken = new Set<pg.PoolClient>()
  #brokenOff = false

  constructor(pool: pg.Pool) {
    this.#pool = pool
  }

  async query<Row extends object>(statement: string, values?: unknown[]): Promise<Row[]> {
    if (this.#brokenOff) throw new Error('the run was given up')
    const client = await this.#pool.connect()
    this.#taken.add(client)
    try {
      if (this.#brokenOff) throw new Error('the run was given up')
      return (await client.query<Row>(statement, values)).rows
    } finally {
      this.#taken.delete(client)
      client.release()
    }
  }

  /** Hangs up: without this the pool would wait for the statements that are running. The database may still end them. */
  breakOff(): void {
    this.#brokenOff = true
    for (const client of this.#taken) (client as unknown as pg.Client).connection.stream.destroy()
  }
}
