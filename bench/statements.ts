import type pg from 'pg'

/** What the database itself did, by pg_stat_statements. */
export interface StatementTimes {
  calls: number
  planMs: number
  executionMs: number
}

/** False where the server doesn't keep statistics (no library loaded, PGlite). */
export async function resetStatements(admin: pg.Client): Promise<boolean> {
  try {
    await admin.query(
      'select pg_stat_statements_reset(0, (select oid from pg_database where datname = current_database()), 0)',
    )
    return true
  } catch {
    return false
  }
}

/** Since the last reset, in this database; setting up and ending transactions counts as statements. */
export async function readStatements(admin: pg.Client): Promise<StatementTimes> {
  const { rows } = await admin.query<{ calls: number; plan_ms: number; execution_ms: number }>(
    `/* bench readStatements */
    select coalesce(sum(calls), 0)::float8 as calls, coalesce(sum(total_plan_time), 0) as plan_ms,
      coalesce(sum(total_exec_time), 0) as execution_ms
    from pg_stat_statements
    where dbid = (select oid from pg_database where datname = current_database())
      and query not like '%pg_stat_statements%'`,
  )
  const { calls, plan_ms, execution_ms } = rows[0]!
  return { calls, planMs: plan_ms, executionMs: execution_ms }
}
