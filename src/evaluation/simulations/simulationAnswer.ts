import sql from 'sql-template-tag'
import type { SqlPart } from '../../reads/answers/parts.ts'

/** Share of the runs that ended, 0 to 100. */
export const COMPLETION_PERCENT: SqlPart = {
  is: 'sql',
  json: (row) =>
    sql`((100 * ${row.column('completedScenarios')})::double precision / ${row.column('totalScenarios')})::text`,
  nullable: false,
}

/** Milliseconds from start to end, or to this time while it runs. */
export function runtimeMs(now: Date): SqlPart {
  return {
    is: 'sql',
    json: (row) => {
      const start = row.column('startedAt')
      const end = sql`coalesce(${row.column('completedAt')}, greatest(${now}::timestamptz, ${start}))`
      return sql`round(extract(epoch from ${end} - ${start}) * 1000)::bigint::text`
    },
    nullable: true,
  }
}
