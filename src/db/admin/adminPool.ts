import type pg from 'pg'
import type { Logger } from 'pino'
import { createPool } from '../pool.ts'
import { settledTls } from '../tlsMode.ts'
import { explained } from '../unusable.ts'

/** Connections for a command that works beside servers and as they do. @throws DatabaseUnusable among others. */
export async function withPool<Result>(
  connectionString: string,
  logger: Logger,
  work: (pool: pg.Pool) => Promise<Result>,
): Promise<Result> {
  try {
    const pool = createPool({ connectionString: await settledTls(connectionString), max: 4, logger })
    try {
      return await work(pool)
    } finally {
      await pool.end()
    }
  } catch (error) {
    throw explained(error, connectionString)
  }
}
