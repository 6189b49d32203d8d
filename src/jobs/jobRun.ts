import type pg from 'pg'
import type { Logger } from 'pino'
import { inSpan } from '../spans.ts'
import type { Job } from './job.ts'
import { JobConnections } from './jobConnections.ts'
import { type Claim, endJob, renewJob } from './jobStore.ts'

/** A lease lasts 30 seconds (store.job_patience), so two renewals may fail before it is lost. */
const RENEW_MS = 10_000

/** Hears how each run on this server ended. */
export type OnJobEnd = (job: string, durationMs: number, failed: boolean) => void

/** One run of a job on this server. */
export class JobRun {
  /** Resolves when the run has ended or was abandoned. Never rejects: errors go to the log and to the job's row. */
  readonly ended: Promise<void>
  readonly #pool: pg.Pool
  readonly #claim: Claim
  readonly #logger: Logger
  readonly #connections: JobConnections
  readonly #stop = new AbortController()
  readonly #onEnd: OnJobEnd
  #abandon = () => {}

  constructor(pool: pg.Pool, job: Job, claim: Claim, logger: Logger, onEnd: OnJobEnd) {
    this.#pool = pool
    this.#claim = claim
    this.#logger = logger
    this.#onEnd = onEnd
    this.#connections = new JobConnections(pool)
    if (claim.wasLost) logger.warn('taking over a job whose last run never ended')
    const abandoned = new Promise<void>((resolve) => {
      this.#abandon = resolve
    })
    this.ended = Promise.race([this.#run(job), abandoned])
  }

  /** Asks the run to stop after its current step. */
  stop(): void {
    this.#stop.abort()
  }

  /** Stops waiting for the run. Another server can take over the job when the lease has run out. */
  abandon(): void {
    this.#logger.warn('a job did not end in time while the server closed: another server will take it over')
    this.#connections.cut()
    this.#abandon()
  }

  async #run(job: Job): Promise<void> {
    const begin = performance.now()
    const renewal = setInterval(() => this.#renew(), RENEW_MS).unref()
    let failure: Error | undefined
    try {
      await inSpan(`job ${job.name}`, { links: [] }, () =>
        job.run({
          query: (statement) => this.#connections.query(statement),
          signal: this.#stop.signal,
          logger: this.#logger,
        }),
      )
    } catch (error) {
      failure = error instanceof Error ? error : new Error(String(error))
    } finally {
      clearInterval(renewal)
    }
    const durationMs = performance.now() - begin
    this.#onEnd(job.name, durationMs, failure !== undefined)
    try {
      const dueInMs = await endJob(this.#pool, this.#claim, failure ? failure.message : null)
      const ran = { ms: Math.round(durationMs), dueInMs }
      if (failure) this.#logger.error({ ...ran, err: failure }, 'a job failed and will be retried')
      else if (dueInMs === null) this.#logger.warn(ran, 'a job ended, but another server had taken it over')
      else this.#logger.debug(ran, 'a job ended')
    } catch (error) {
      this.#logger.warn(
        { err: error, failure },
        'a job ended, but that could not be stored: it will run again',
      )
    }
  }

  #renew(): void {
    renewJob(this.#pool, this.#claim).then(
      (held) => {
        if (!held) this.stop()
      },
      ({ message }: Error) => this.#logger.warn({ reason: message }, 'could not renew the lease of a job'),
    )
  }
}
