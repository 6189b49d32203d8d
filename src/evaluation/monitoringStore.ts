import type { OperationReads } from '../db/operationReads.ts'
import { type Where, whereSql } from '../db/whereSql.ts'

type Reads = Pick<OperationReads, 'query'>

/** The simulations that were planned in one hour. */
export interface HourOfSimulations {
  hour: Date
  simulations: number
  completed: number
  failed: number
  meanExecutionTimeMs: number
  totalCostUsd: number
  meanScore: number | null
}

/** About six weeks. */
const MAX_HOURS = 1_000

/** In order; at most the latest thousand. */
export function readSystemPerformance(reads: Reads, createdAt: object): Promise<HourOfSimulations[]> {
  const values: unknown[] = []
  return reads.query(
    `/* systemPerformance */
    select * from (
    select date_trunc('hour', c.created_at, 'UTC') as hour, count(*)::int as simulations,
      count(*) filter (where c.status = 'completed')::int as completed,
      count(*) filter (where c.status = 'failed')::int as failed,
      avg(c.execution_time_ms)::double precision as "meanExecutionTimeMs",
      sum(c.total_cost_usd)::double precision as "totalCostUsd", avg(c.overall_score) as "meanScore"
    from simulations c
    where ${whereSql({ createdAt }, 'c', values)}
    group by 1 order by 1 desc limit ${MAX_HOURS}) latest order by hour`,
    values,
  )
}

/** The runs of one scenario that ended on one day. */
export interface ErrorRate {
  day: Date
  scenarioId: string
  runs: number
  failed: number
  errorRate: number
}

export function readErrorRates(
  reads: Reads,
  executionTime: object,
  minRuns: number,
  limit: number,
): Promise<ErrorRate[]> {
  const values: unknown[] = [minRuns, limit]
  return reads.query(
    `/* errorRates */
    select date_trunc('day', c.execution_time, 'UTC') as day, c.scenario_id as "scenarioId", count(*)::int as runs,
      count(*) filter (where c.status <> 'success')::int as failed,
      avg((c.status <> 'success')::int)::double precision as "errorRate"
    from outcomes c
    where ${whereSql({ executionTime }, 'c', values)}
    group by 1, 2
    having count(*) >= $1::int
    order by 1 desc, 5 desc, 2
    limit $2::int`,
    values,
  )
}

/** What ended in one hour or day of a simulation. */
export interface PerformanceBucket {
  bucket: Date
  outcomes: number
  succeeded: number
  failed: number
  meanScore: number | null
  tokens: bigint | null
  costUsd: number | null
  p50Ms: number | null
  p95Ms: number | null
}

/** The buckets of each simulation, in order. */
export async function readPerformance(
  reads: Reads,
  simulationIds: readonly string[],
  grain: 'hour' | 'day',
  where: Where,
): Promise<Map<string, PerformanceBucket[]>> {
  const values: unknown[] = [simulationIds]
  const rows = await reads.query<PerformanceBucket & { simulation_id: string }>(
    `/* performance */
    select c.simulation_id, c.bucket, c.outcomes::int, c.succeeded::int, c.failed::int,
      c.score_sum / nullif(c.scored, 0) as "meanScore", c.tokens::bigint, c.cost_usd::double precision as "costUsd",
      c.p50_ms as "p50Ms", c.p95_ms as "p95Ms"
    from ${grain === 'hour' ? 'outcome_hourly' : 'outcome_daily'} c
    where c.simulation_id = any ($1::uuid[]) and ${whereSql(where, 'c', values)}
    order by c.bucket`,
    values,
  )
  const bySimulation = new Map<string, PerformanceBucket[]>(simulationIds.map((id) => [id, []]))
  for (const { simulation_id, ...bucket } of rows) bySimulation.get(simulation_id)!.push(bucket)
  return bySimulation
}
