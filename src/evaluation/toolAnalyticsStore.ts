import type { OperationReads } from '../db/operationReads.ts'
import { parentOf } from '../db/parentPages.ts'
import { type Where, whereSql } from '../db/whereSql.ts'

/** How a tool was used over many runs. */
export interface ToolAnalytics {
  toolName: string
  calls: bigint
  runs: bigint
  successRate: number
  meanDurationMs: number | null
  p95DurationMs: number | null
  totalCostUsd: number | null
  commonErrors: { message: string; runs: number }[]
}

/** What the runs belong to, e.g. a simulation; the field may be that of a relation. */
export interface RunsOf {
  field: string
  type: 'uuid' | 'text'
  through?: string
}

/** Of each tool, those that are told. */
const COMMON_ERRORS = 5

/**
 * The tools that were called most, for each parent, in one statement. Means are weighted by calls. A run keeps the mean
 * duration of its calls, not each of them: p95 is the mean of the run in which the 95th of 100 calls, from fast to slow,
 * was made.
 *
 * `parents` null: over all rows, under the key ''.
 */
export async function readToolAnalytics(
  reads: Pick<OperationReads, 'query'>,
  runsOf: RunsOf | null,
  parents: readonly string[] | null,
  where: Where,
  limit: number,
): Promise<Map<string, ToolAnalytics[]>> {
  const values: unknown[] = [limit]
  const { from, key } = runsOf
    ? parentOf({ table: 'tool_usage', parentField: runsOf.field, through: runsOf.through })
    : { from: 'tool_usage c', key: `''::text` }
  let ofParents = 'true'
  if (runsOf) {
    values.push(parents)
    ofParents = `${key} = any ($2::${runsOf.type}[])`
  }
  const condition = whereSql(where, 'c', values)
  const rows = await reads.query<ToolAnalytics & { parent: string }>(
    `/* toolAnalytics */
    with used as materialized (
      select ${key} as parent, c.tool_name, c.call_count, c.avg_duration_ms, c.success_rate, c.total_cost_usd, c.error_types
      from ${from}
      where ${ofParents} and ${condition}
    ),
    tools as (
      select parent, tool_name, sum(call_count) as calls, count(*) as runs,
        sum(success_rate * call_count) / sum(call_count) as success_rate,
        sum(avg_duration_ms * call_count) / sum(call_count) filter (where avg_duration_ms is not null) as mean_ms,
        sum(total_cost_usd)::double precision as cost_usd,
        row_number() over (partition by parent order by sum(call_count) desc, tool_name) as place
      from used group by parent, tool_name
    ),
    timed as (
      select parent, tool_name, avg_duration_ms,
        sum(call_count) over (partition by parent, tool_name order by avg_duration_ms) as up_to,
        sum(call_count) over (partition by parent, tool_name) as calls
      from used where avg_duration_ms is not null
    ),
    slow as (
      select parent, tool_name, min(avg_duration_ms) as p95_ms
      from timed where up_to >= 0.95 * calls group by parent, tool_name
    ),
    errors as (
      select parent, tool_name, message, count(*) as runs,
        row_number() over (partition by parent, tool_name order by count(*) desc, message) as place
      from used, unnest(error_types) as message group by parent, tool_name, message
    ),
    common as (
      select parent, tool_name, jsonb_agg(jsonb_build_object('message', message, 'runs', runs) order by place) as errors
      from errors where place <= ${COMMON_ERRORS} group by parent, tool_name
    )
    select t.parent::text, t.tool_name as "toolName", t.calls, t.runs, t.success_rate as "successRate",
      t.mean_ms as "meanDurationMs", s.p95_ms as "p95DurationMs", t.cost_usd as "totalCostUsd",
      coalesce(c.errors, '[]') as "commonErrors"
    from tools t
    left join slow s using (parent, tool_name)
    left join common c using (parent, tool_name)
    where t.place <= $1::int
    order by t.place`,
    values,
  )
  const byParent = new Map<string, ToolAnalytics[]>((parents ?? ['']).map((parent) => [parent, []]))
  for (const { parent, ...tool } of rows) byParent.get(parent)!.push(tool)
  return byParent
}
