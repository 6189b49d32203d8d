import type pg from 'pg'

/** What a run has to show when it renews its lease or gives the job back. */
export interface Claim {
  job: string
  lease: string
  /** The run before was never given back: its server went away, or lost the database. */
  wasLost: boolean
}

/** Takes those jobs that are due and free; of the others, how long to wait until one may be. */
export async function claimJobs(
  pool: pg.Pool,
  known: string[],
): Promise<{ claims: Claim[]; waitMs: number }> {
  const { rows } = await pool.query<{
    job: string
    lease: string | null
    was_lost: boolean
    wait_ms: number
  }>('/* claimJobs */ select job, lease, was_lost, wait_ms from claim_jobs($1)', [known])
  const claims: Claim[] = []
  let waitMs = Number.POSITIVE_INFINITY
  for (const { job, lease, was_lost, wait_ms } of rows) {
    if (lease === null) waitMs = Math.min(waitMs, wait_ms)
    else claims.push({ job, lease, wasLost: was_lost })
  }
  return { claims, waitMs }
}

/** False when another server has the job. */
export async function renewJob(pool: pg.Pool, { job, lease }: Claim): Promise<boolean> {
  const { rows } = await pool.query<{ held: boolean }>('/* renewJob */ select renew_job($1, $2) as held', [
    job,
    lease,
  ])
  return rows[0]!.held
}

/** Gives the job back. In how many milliseconds it is due again; null when another server has it. */
export async function endJob(
  pool: pg.Pool,
  { job, lease }: Claim,
  error: string | null,
): Promise<number | null> {
  const { rows } = await pool.query<{ due_in_ms: number | null }>(
    '/* endJob */ select end_job($1, $2, $3) as due_in_ms',
    // The one character that PostgreSQL's texts cannot hold.
    [job, lease, error?.replaceAll('\0', '') ?? null],
  )
  return rows[0]!.due_in_ms
}
