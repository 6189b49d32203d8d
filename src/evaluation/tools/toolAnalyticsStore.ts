import sql from 'sql-template-tag'
import type { ListPart, Member } from '../../reads/answers/parts.ts'
import { identifier } from '../../reads/catalogue.ts'
import type { ComputedRows, Decimal, ParentKeys } from '../../reads/computedPages.ts'
import type { Condition } from '../../reads/condition.ts'
import { conditionSql } from '../../reads/conditionSql.ts'
import { attemptsFrom, type RunsOf } from '../rollups/runsOf.ts'

/** How a tool was used over many runs: the calls of all attempts, as all were made and paid for. */
export interface ToolAnalytics {
  toolName: string
  calls: bigint
  attempts: bigint
  /** Those whose last attempt called it. */
  runs: bigint
  successRate: number
  meanDurationMs: number | null
  p95DurationMs: number | null
  totalCostUsd: Decimal | null
  commonErrors: { message: string; attempts: number; runs: number }[]
}

/** Of each tool, those that are told. */
const COMMON_ERRORS = 5

/**
 * The tools that were called, for each parent. Means are weighted by calls. An attempt keeps the mean duration of its
 * calls, not each of them: p95 is the mean of the attempt in which the 95th of 100 calls, from fast to slow, was made.
 *
 * `runsOf` null: over all runs, without parents.
 */
export function toolAnalytics(runsOf: RunsOf | null, parents: ParentKeys, where: Condition): ComputedRows {
  const { from, key, ofParents, isLast } = attemptsFrom('tool_usage', runsOf, parents)
  return {
    name: sql`toolAnalytics`,
    fields: [
      'toolName',
      'calls',
      'attempts',
      'runs',
      'successRate',
      'meanDurationMs',
      'p95DurationMs',
      'totalCostUsd',
      'commonErrors',
    ] satisfies (keyof ToolAnalytics)[],
    select: sql`
      with used as materialized (
        select ${key}::text as parent, c.tool_name, c.call_count, c.avg_duration_ms, c.success_rate,
          c.total_cost_usd, c.error_types, ${isLast} as is_last
        from ${from}
        where ${ofParents} and ${conditionSql(where, 'c')}
      ),
      tools as (
        select parent, tool_name, sum(call_count) as calls, count(*) as attempts,
          count(*) filter (where is_last) as runs,
          (sum(success_rate::numeric * call_count) / sum(call_count))::double precision as success_rate,
          (sum(avg_duration_ms::numeric * call_count) / sum(call_count) filter (where avg_duration_ms is not null))
            ::double precision as mean_duration_ms,
          sum(total_cost_usd) as total_cost_usd
        from used group by parent, tool_name
      ),
      timed as (
        select parent, tool_name, avg_duration_ms,
          sum(call_count) over (partition by parent, tool_name order by avg_duration_ms) as up_to,
          sum(call_count) over (partition by parent, tool_name) as calls
        from used where avg_duration_ms is not null
      ),
      slow as (
        select parent, tool_name, min(avg_duration_ms) as p95_duration_ms
        from timed where up_to >= 0.95 * calls group by parent, tool_name
      ),
      errors as (
        select parent, tool_name, message, count(*) as attempts, count(*) filter (where is_last) as runs,
          row_number() over (partition by parent, tool_name order by count(*) desc, message) as place
        from used cross join lateral (select distinct message from unnest(error_types) as message) as named
        group by parent, tool_name, message
      ),
      common as (
        select parent, tool_name, jsonb_agg(
            jsonb_build_object('message', message, 'attempts', attempts, 'runs', runs) order by place) as common_errors
        from errors where place <= ${COMMON_ERRORS} group by parent, tool_name
      )
      select t.*, s.p95_duration_ms, coalesce(c.common_errors, '[]') as common_errors
      from tools t
      left join slow s using (parent, tool_name)
      left join common c using (parent, tool_name)`,
  }
}

/** The errors of such a row, one by one. */
export function commonErrors(members: readonly Member[]): ListPart {
  return {
    is: 'list',
    from: (own, outer) =>
      sql`jsonb_to_recordset(${outer.column('commonErrors')}) as ${identifier(own.alias)}(message text, attempts int, runs int)`,
    members,
  }
}
