import pg from 'pg'
import { tenantSettings } from '../../src/db/tenantTransaction.ts'
import type { Tenant } from './arc.ts'
import { recordStatements } from './recordedStatements.ts'
import { viewerOf } from './sqlAs.ts'

/** A node of a plan as EXPLAIN (ANALYZE, FORMAT JSON) has it; what is left out is not looked at. */
interface PlanNode {
  'Shared Hit Blocks': number
  'Shared Read Blocks': number
  'Node Type': string
  'Relation Name'?: string
  'Function Name'?: string
  'Parent Relationship'?: string
  'Actual Rows': number
  'Actual Loops': number
  'Rows Removed by Filter'?: number
  'Rows Removed by Index Recheck'?: number
  Plans?: PlanNode[]
}

/**
 * How many rows of tables each statement looks at that the server reads with while `work` runs, executed once more as the
 * tenant: those that a scan returns and those that it throws away. But for what is deleted: where many rows come, a condition
 * makes a hash of that, which grows with the deletions and with nothing else.
 */
export async function rowsReadDuring(
  databaseUrl: string,
  tenant: Tenant,
  work: () => Promise<unknown>,
): Promise<{ statement: string; rows: number }[]> {
  const plans = await plansDuring(databaseUrl, tenant, work)
  return plans.map(({ statement, plan }) => ({ statement, rows: rowsRead(plan) }))
}

/** How many blocks of 8 KB, one read twice counted twice. */
export async function blocksReadDuring(
  databaseUrl: string,
  tenant: Tenant,
  work: () => Promise<unknown>,
): Promise<number> {
  const plans = await plansDuring(databaseUrl, tenant, work)
  return plans.reduce((sum, { plan }) => sum + plan['Shared Hit Blocks'] + plan['Shared Read Blocks'], 0)
}

/** How often each statement calls a function behind its FROM. */
export async function callsDuring(
  databaseUrl: string,
  tenant: Tenant,
  work: () => Promise<unknown>,
  name: string,
): Promise<number[]> {
  const plans = await plansDuring(databaseUrl, tenant, work)
  const calls = (node: PlanNode): number =>
    (node['Function Name'] === name ? node['Actual Loops'] : 0) +
    (node.Plans ?? []).reduce((sum, part) => sum + calls(part), 0)
  return plans.map(({ plan }) => calls(plan))
}

/** What a statement costs that is planned anew, with all that it calls. */
export interface StatementCost {
  statement: string
  /** Locks of tables, chunks or partitions, and their indexes: one for each that is planned. */
  locks: number
  /** Rows of outcomes that are looked at, and of what else lies in chunks or partitions. */
  rows: number
  /** Planning and execution, in milliseconds; the least of two. */
  ms: number
}

/** What each statement costs that the server reads with while `work` runs, executed once more as the tenant. */
export async function costsDuring(
  databaseUrl: string,
  tenant: Tenant,
  work: () => Promise<unknown>,
): Promise<StatementCost[]> {
  const statements = (await recordStatements(work)).filter(isRead)
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    const costs = []
    for (const { text, values } of statements) {
      const cost = {
        statement: text,
        locks: 0,
        rows: 0,
        ms: Number.POSITIVE_INFINITY,
      }
      // What the session knows of a table it looks up once.
      for (let run = 0; run < 2; run++) {
        await client.query('begin')
        for (const [name, value] of tenantSettings(viewerOf(tenant), 'read only'))
          await client.query('select set_config($1, $2, true)', [name, value])
        const before = await soFar(client)
        const { rows: plans } = await client.query(
          `explain (analyze, summary, timing off, format json) ${text}`,
          values,
        )
        const [times] = plans[0]['QUERY PLAN']
        const { locks, rows } = await soFar(client)
        await client.query('rollback')
        Object.assign(cost, {
          locks,
          rows: rows - before.rows,
          ms: Math.min(cost.ms, times['Planning Time'] + times['Execution Time']),
        })
      }
      costs.push(cost)
    }
    return costs
  } finally {
    await client.end()
  }
}

/** The session's locks, and the rows that it has looked at, of which some are of earlier transactions. */
async function soFar(client: pg.Client): Promise<{ locks: number; rows: number }> {
  const { rows } = await client.query(
    `select
      (select count(*)::int from pg_locks where pid = pg_backend_pid() and locktype = 'relation') as locks,
      (select coalesce(sum(seq_tup_read + coalesce(idx_tup_fetch, 0)), 0)::int from pg_stat_xact_user_tables
        where schemaname like '\\_timescaledb%' or relname ~ '^(outcomes|trajectories)_') as rows`,
  )
  return rows[0]
}

function isRead({ text }: { text: string }): boolean {
  return /^(\/\*|select|with)/i.test(text.trim()) && !/set_config|\b(insert|update)\b/i.test(text)
}

async function plansDuring(
  databaseUrl: string,
  tenant: Tenant,
  work: () => Promise<unknown>,
): Promise<{ statement: string; plan: PlanNode }[]> {
  const statements = await recordStatements(work)
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    await client.query('begin')
    for (const [name, value] of tenantSettings(viewerOf(tenant), 'read only'))
      await client.query('select set_config($1, $2, true)', [name, value])
    const plans = []
    for (const { text, values } of statements.filter(isRead)) {
      const { rows } = await client.query(
        `explain (analyze, buffers, timing off, format json) ${text}`,
        values,
      )
      plans.push({ statement: text, plan: rows[0]['QUERY PLAN'][0].Plan })
    }
    await client.query('rollback')
    return plans
  } finally {
    await client.end()
  }
}

/** The same of a plan that somebody has. */
export function rowsRead(node: PlanNode): number {
  if (node['Parent Relationship'] === 'SubPlan' && node['Relation Name'] === 'deletions') return 0
  const looked =
    node['Relation Name'] === undefined
      ? 0
      : node['Actual Rows'] +
        (node['Rows Removed by Filter'] ?? 0) +
        (node['Rows Removed by Index Recheck'] ?? 0)
  return node['Actual Loops'] * looked + (node.Plans ?? []).reduce((sum, part) => sum + rowsRead(part), 0)
}
