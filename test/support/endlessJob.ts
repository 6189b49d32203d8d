import { pino } from 'pino'
import { createPool } from '../../src/db/pool.ts'
import { JobRunner } from '../../src/jobs/jobRunner.ts'

// A server that is killed in the middle of a job: `endlessJob.ts DATABASE_URL JOB`. It says when the job runs.

const [, , connectionString, name] = process.argv
const logger = pino({ level: 'silent' })
const run = () =>
  new Promise<void>(() => {
    console.log('running')
    setInterval(() => {}, 1_000)
  })
const pool = createPool({ connectionString: connectionString!, max: 2, logger })
void new JobRunner(pool, [{ name: name!, run }], logger).runDue()
