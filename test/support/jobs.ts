import { randomBytes } from 'node:crypto'
import type pg from 'pg'
import { pino } from 'pino'
import { inject } from 'vitest'
import { createPool } from '../../src/db/pool.ts'
import type { Job, JobContext } from '../../src/jobs/job.ts'
import { JobRunner } from '../../src/jobs/jobRunner.ts'
import { cleanUp } from './cleanUp.ts'
import { on } from './emptyDatabase.ts'

const adminUrl = inject('adminUrl')
const databaseUrl = inject('databaseUrl')

/** As the tables' owner. */
export async function asOwner<Row extends pg.QueryResultRow>(
  statement: string,
  values: unknown[] = [],
): Promise<Row[]> {
  return on(adminUrl, async (client) => (await client.query<Row>(statement, values)).rows)
}

/** The row of a job that no other test has. */
export async function newJob(every = '1 hour'): Promise<string> {
  const name = `test_${randomBytes(4).toString('hex')}`
  await asOwner('insert into store.jobs (name, every) values ($1, $2)', [name, every])
  cleanUp(() => asOwner('delete from store.jobs where name = $1', [name]))
  return name
}

/** For the job's row so much time goes by. */
export async function letPass(name: string, time: string): Promise<void> {
  await asOwner(
    'update store.jobs set due_at = due_at - $2::interval, leased_until = leased_until - $2::interval where name = $1',
    [name, time],
  )
}

/** What an operator sees; the lease counts from the run's begin, when it is due again from its end, in seconds. */
export async function rowOf(name: string) {
  const [row] = await asOwner(
    `select runs, failures, last_error, lease is not null as taken,
      extract(epoch from leased_until - started_at)::float8 as leased_for,
      extract(epoch from due_at - ended_at)::float8 as due_after
    from store.jobs where name = $1`,
    [name],
  )
  return row!
}

interface Server {
  runner: JobRunner
  pool: pg.Pool
  /** As a server closes. */
  stop(): Promise<void>
  /** What was heard of its runs. */
  ended: { job: string; durationMs: number; failed: boolean }[]
  logged: { level: number; msg: string; job?: string; err?: { message: string }; dueInMs?: number }[]
}

/** What of a server runs jobs. */
export function server(jobs: Job[], connectionString = databaseUrl): Server {
  const logged: Server['logged'] = []
  const logger = pino({ level: 'warn' }, { write: (line: string) => logged.push(JSON.parse(line)) })
  const pool = createPool({ connectionString, max: 5, logger })
  const ended: Server['ended'] = []
  const runner = new JobRunner(pool, jobs, logger, (job, durationMs, failed) =>
    ended.push({ job, durationMs, failed }),
  )
  const stop = async () => {
    if (pool.ended) return
    await runner.close()
    await pool.end()
  }
  cleanUp(stop)
  return { runner, pool, stop, ended, logged }
}

/** A job that runs until it is told to end. */
export function heldJob(name: string) {
  const runs: { context: JobContext; end: (error?: Error) => void }[] = []
  let began = () => {}
  const job: Job = {
    name,
    run: (context) =>
      new Promise((resolve, reject) => {
        runs.push({ context, end: (error) => (error ? reject(error) : resolve()) })
        began()
      }),
  }
  const nextRun = () =>
    new Promise<void>((resolve) => {
      began = resolve
    })
  return { job, runs, nextRun }
}
