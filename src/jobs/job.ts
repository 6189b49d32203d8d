import type { Logger } from 'pino'

/**
 * Work that Arc does by itself, again and again, one server at a time. How often is said by its row in store.jobs, which
 * comes with a migration.
 *
 * A run may be repeated and, where a server could not renew its lease, two may overlap: each has to bear both.
 */
export interface Job {
  readonly name: string
  /** Throws when it fails: it is tried again, later each time. */
  run(context: JobContext): Promise<void>
}

export interface JobContext {
  /** One statement, its rows, on a connection that is taken for it alone: nothing of the session remains for the next. */
  query<Row extends object>(statement: string, values?: unknown[]): Promise<Row[]>
  /**
   * Aborted when the server closes or another one has taken the job over: a run of several steps ends after the one that
   * it is in. What is left is the next run's.
   */
  signal: AbortSignal
  logger: Logger
}
