import type pg from 'pg'
import type { Logger } from 'pino'
import type { Job } from './job.ts'
import { JobConnections } from './jobConnections.ts'
import { type Claim, endJob, renewJob } from './jobStore.ts'

/** A lease holds for 30 seconds (store.job_patience): two renewals may fail before it is lost. */
const RENEW_MS = 10_000

/** One run of a job, by this server. */
export class JobRun {
  /** Settles when the job was given back, or given up. Never rejects: what went wrong is in the log and in the job's row. */
  readonly ended: Promise<void>
  readonly #pool: pg.Pool
  readonly #claim: Claim
  readonly #logger: Logger
  readonly #connections: JobConnections
  readonly #stop = new AbortController()
  #giveUp = () => {}

  constructor(pool: pg.Pool, job: Job, claim: Claim, logger: Logger) {
    this.#pool = pool
    this.#claim = claim
    this.#logger = logger
    this.#connections = new JobConnections(pool)
    if (claim.wasLost) logger.warn('a job is taken over from a run that was never given back')
    const givenUp = new Promise<void>((resolve) => {
      this.#giveUp = resolve
    })
    this.ended = Promise.race([this.#run(job), givenUp])
  }

  /** Asks it to end after the step that it is in. */
  stop(): void {
    this.#stop.abort()
  }

  /** Waits no longer. The job stays taken until its lease is over. */
  giveUp(): void {
    this.#logger.warn('a job did not end before the server did, and is left to another one')
    this.#connections.breakOff()
    this.#giveUp()
  }

  async #run(job: Job): Promise<void> {
    const begin = performance.now()
    const renewal = setInterval(() => this.#renew(), RENEW_MS).unref()
    let failure: Error | undefined
    try {
      await job.run({
        query: (statement, values) => this.#connections.query(statement, values),
        signal: this.#stop.signal,
        logger: this.#logger,
      })
    } catch (error) {
      failure = error instanceof Error ? error : new Error(String(error))
    } finally {
      clearInterval(renewal)
    }
    try {
      const dueInMs = await endJob(this.#pool, this.#claim, failure ? failure.message : null)
      const ran = { ms: Math.round(performance.now() - begin), dueInMs }
      if (failure) this.#logger.error({ ...ran, err: failure }, 'a job failed and will be tried again')
      else if (dueInMs === null) this.#logger.warn(ran, 'a job ended after another server had taken it over')
      else this.#logger.debug(ran, 'a job ended')
    } catch (error) {
      this.#logger.warn({ err: error, failure }, 'a job ended and could not be given back')
    }
  }

  #renew(): void {
    renewJob(this.#pool, this.#claim).then(
      (held) => {
        if (!held) this.stop()
      },
      ({ message }: Error) => this.#logger.warn({ reason: message }, "a job's lease could not be renewed"),
    )
  }
}
