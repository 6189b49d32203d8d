import type { Logger } from 'pino'
import type { Sql } from 'sql-template-tag'

/**
 * Work that Arc does regularly, on one server at a time. Its row in store.jobs says how often; a migration adds it.
 *
 * A run may be repeated after a failure, and two runs overlap when a server cannot renew its lease. A job has to
 * withstand both.
 */
export interface Job {
  readonly name: string
  /** Throws when it fails. Then it is tried again, after a wait that grows with each failure. */
  run(context: JobContext): Promise<void>
}

export interface JobContext {
  /** One statement, its rows. Each takes a connection of its own, so nothing of the session remains for the next one. */
  query<Row extends object>(statement: Sql): Promise<Row[]>
  /**
   * Aborted when the server closes, or when another server has taken over the job. A run with several steps then stops
   * after the current one, and leaves the rest to the next run.
   */
  signal: AbortSignal
  logger: Logger
}
