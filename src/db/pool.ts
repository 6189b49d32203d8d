import pg from 'pg'
import type { Logger } from 'pino'
import { breakOffBeyondBudgets } from './readBudget.ts'

export interface PoolSettings {
  connectionString: string
  max: number
  logger: Logger
}

/** The process's connections. Times come as Date, bigint and numeric as text: each store parses its own rows. */
export function createPool({ connectionString, max, logger }: PoolSettings): pg.Pool {
  const pool = new pg.Pool({
    connectionString,
    max,
    connectionTimeoutMillis: 30_000,
    application_name: 'arc',
    // Statements leave without waiting for the answer to the one before.
    pipeline: true,
  })
  // Without a listener on the pool and on every client, one killed backend ends the process.
  // Only its words are logged: the error carries the whole client.
  pool.on('error', ({ message }) => logger.warn({ reason: message }, 'an idle database connection was lost'))
  pool.on('connect', (client) => {
    client.on('error', ({ message }) => logger.warn({ reason: message }, 'a database connection was lost'))
  })
  breakOffBeyondBudgets(pool)
  return pool
}
