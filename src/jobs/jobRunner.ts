import type pg from 'pg'
import type { Logger } from 'pino'
import type { Job } from './job.ts'
import { JobRun, type OnJobEnd } from './jobRun.ts'
import { claimJobs } from './jobStore.ts'

/** A job may have been made due by hand, or its server may be gone. */
const MAX_IDLE_MS = 30_000

/** Another server is claiming the job at this moment: its lease will be visible shortly. */
const MIN_IDLE_MS = 100

/** Together with the other waits when a server closes, below the ten seconds that containers get to stop. */
const CLOSE_MS = 5_000

/**
 * Runs the jobs that are due, each on one server at a time, and otherwise sleeps until the next one is. Its timers do
 * not keep the process alive, and it holds no database session.
 */
export class JobRunner {
  readonly #pool: pg.Pool
  readonly #jobs: ReadonlyMap<string, Job>
  readonly #logger: Logger
  readonly #onEnd: OnJobEnd
  readonly #runs = new Map<string, JobRun>()
  #looking: Promise<void> = Promise.resolve()
  #timer: NodeJS.Timeout | undefined
  #closing = false

  constructor(pool: pg.Pool, jobs: readonly Job[], logger: Logger, onEnd: OnJobEnd = () => {}) {
    this.#pool = pool
    this.#jobs = new Map(jobs.map((job) => [job.name, job]))
    this.#logger = logger
    this.#onEnd = onEnd
  }

  /** The names of the jobs that it runs. */
  get jobs(): readonly string[] {
    return [...this.#jobs.keys()]
  }

  /** Starts what is due, and from then on looks by itself. Resolves when no job is running on this server. */
  async runDue(): Promise<void> {
    // One look after the other: each asks for the jobs that are not running at that time.
    this.#looking = this.#looking.then(() => this.#look())
    await this.#allEnded()
  }

  /** Gives the running jobs five seconds to end. */
  async close(): Promise<void> {
    this.#closing = true
    clearTimeout(this.#timer)
    for (const run of this.#runs.values()) run.stop()
    let bound: NodeJS.Timeout | undefined
    const tooLate = new Promise<void>((resolve) => {
      bound = setTimeout(resolve, CLOSE_MS)
    })
    await Promise.race([this.#allEnded(), tooLate])
    clearTimeout(bound)
    for (const run of this.#runs.values()) run.abandon()
  }

  async #look(): Promise<void> {
    if (this.#closing || this.#jobs.size === 0) return
    clearTimeout(this.#timer)
    let idleMs = MAX_IDLE_MS
    try {
      const free = [...this.#jobs.keys()].filter((name) => !this.#runs.has(name))
      const { claims, waitMs } = await claimJobs(this.#pool, free)
      idleMs = Math.min(Math.max(waitMs, MIN_IDLE_MS), MAX_IDLE_MS)
      for (const claim of claims) {
        const run = new JobRun(
          this.#pool,
          this.#jobs.get(claim.job)!,
          claim,
          this.#logger.child({ job: claim.job }),
          this.#onEnd,
        )
        this.#runs.set(claim.job, run)
        if (this.#closing) run.stop()
        run.ended.then(() => {
          this.#runs.delete(claim.job)
          return this.runDue()
        })
      }
    } catch (error) {
      this.#logger.warn({ reason: (error as Error).message }, 'could not ask which jobs are due')
    }
    if (!this.#closing) this.#timer = setTimeout(() => this.runDue(), idleMs).unref()
  }

  async #allEnded(): Promise<void> {
    await this.#looking
    await Promise.all([...this.#runs.values()].map(({ ended }) => ended))
  }
}
