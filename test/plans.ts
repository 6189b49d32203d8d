import pg from 'pg'
import { tenantSettings } from '../src/db/tenantTransaction.ts'
import type { Arc, Tenant } from './arc.ts'
import { viewerOf } from './sqlAs.ts'

/** A node of a plan as EXPLAIN (ANALYZE, FORMAT JSON) has it. */
export interface PlanNode {
  'Node Type': string
  'Actual Rows': number
  'Actual Loops': number
  'Rows Removed by Filter'?: number
  'Rows Removed by Index Recheck'?: number
  Plans?: PlanNode[]
}

export async function plansDuring(arc: Arc, url: string, tenant: Tenant, work: () => Promise<unknown>) {
  const asked: { text: string; values: unknown[] }[] = []
  const { query } = pg.Client.prototype
  pg.Client.prototype.query = function (this: pg.Client, ...args: unknown[]) {
    const [first, second] = args as [string | { text: string; values?: unknown[] }, unknown[] | undefined]
    asked.push(typeof first === 'string' ? { text: first, values: second ?? [] } : { text: first.text, values: first.values ?? [] })
    return (query as (...args: unknown[]) => unknown).apply(this, args)
  } as never
  try { await work() } finally { pg.Client.prototype.query = query }
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const plans = []
  try {
    await client.query('begin')
    for (const [n, v] of tenantSettings(viewerOf(tenant), 'read only')) await client.query('select set_config($1,$2,true)', [n, v])
    for (const { text, values } of asked) {
      if (/^(begin|commit|rollback|select set_config|BEGIN|COMMIT|SET)/i.test(text.trim()) || /^select set_config/i.test(text)) continue
      const { rows } = await client.query(`explain (analyze, verbose, format json) ${text}`, values)
      const [r] = rows[0]['QUERY PLAN']
      const t = process.env.PLAN ? (await client.query(`explain (analyze, verbose) ${text}`, values)).rows.map((r) => r['QUERY PLAN']).join('\n') : ''
      plans.push({ statement: text, values, plan: r.Plan as PlanNode, planMs: r['Planning Time'], executionMs: r['Execution Time'], text: t })
    }
    await client.query('rollback')
  } finally { await client.end() }
  return plans
}

export function rowsRead(node: PlanNode): number {
  const own = /Scan$/.test(node['Node Type']) && !node.Plans?.length
    ? node['Actual Loops'] * (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0) + (node['Rows Removed by Index Recheck'] ?? 0)) : 0
  return own + (node.Plans ?? []).reduce((sum, part) => sum + rowsRead(part), 0)
}
