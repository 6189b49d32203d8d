import sql from 'sql-template-tag'
import type { ComputedRows, Decimal } from '../../reads/computedPages.ts'
import type { Condition } from '../../reads/condition.ts'
import { conditionSql } from '../../reads/conditionSql.ts'

/** The simulations that were planned in one hour. */
export interface HourOfSimulations {
  hour: Date
  simulations: number
  completed: number
  failed: number
  /** Means and sums are over what is known; null when nothing is. */
  meanExecutionTimeMs: number | null
  totalCostUsd: Decimal | null
  meanScore: number | null
}

export function hoursOfSimulations(where: Condition): ComputedRows {
  return {
    name: sql`systemPerformance`,
    fields: [
      'hour',
      'simulations',
      'completed',
      'failed',
      'meanExecutionTimeMs',
      'totalCostUsd',
      'meanScore',
    ] satisfies (keyof HourOfSimulations)[],
    select: sql`
      select '' as parent, date_trunc('hour', s.created_at, 'UTC') as hour, count(*)::int as simulations,
        count(*) filter (where s.status = 'completed')::int as completed,
        count(*) filter (where s.status = 'failed')::int as failed,
        avg(s.execution_time_ms)::double precision as mean_execution_time_ms,
        sum(s.total_cost_usd) as total_cost_usd,
        round(avg(s.overall_score::numeric), 12)::double precision as mean_score
      from simulations s
      where ${conditionSql(where, 's')}
      group by 2`,
  }
}

/** The runs of one scenario that ended on one day, each counted once, by its last attempt. */
export interface ErrorRate {
  day: Date
  scenarioId: string
  runs: number
  failed: number
  errorRate: number
}

export function errorRates(where: Condition): ComputedRows {
  return {
    name: sql`errorRates`,
    fields: ['day', 'scenarioId', 'runs', 'failed', 'errorRate'] satisfies (keyof ErrorRate)[],
    select: sql`
      select '' as parent, date_trunc('day', o.execution_time, 'UTC') as day, o.scenario_id, count(*)::int as runs,
        count(*) filter (where o.status <> 'success')::int as failed,
        round(avg((o.status <> 'success')::int), 12)::double precision as error_rate
      from outcomes o
      where not o.superseded and ${conditionSql(where, 'o')}
      group by 2, 3`,
  }
}
