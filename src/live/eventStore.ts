import type { Sql } from '../db/tenantTransaction.ts'
import type { SimulationStatus } from '../evaluation/simulationStore.ts'

type EventKind = 'STARTED' | 'PROGRESS' | 'COMPLETED' | 'FAILED' | 'CANCELLED'

/** Where a simulation stands. */
export interface Progress {
  simulationId: string
  /** Number of the event that led here; 0 before the first. */
  seq: number
  status: SimulationStatus
  totalScenarios: number
  completedScenarios: number
  failedScenarios: number
  /** Mean of the scores so far; null while nothing is graded. */
  meanScore: number | null
  totalTokens: number
  totalCostUsd: number
  at: Date
}

/** One step of a simulation, and where it stood after it. */
export interface SimulationEvent extends Progress {
  kind: EventKind
}

interface ProgressRow {
  simulation_id: string
  seq: string
  status: SimulationStatus
  total_scenarios: number
  completed_scenarios: number
  failed_scenarios: number
  mean_score: number | null
  total_tokens: string
  total_cost_usd: string
  at: Date
}

/** Null when this tenant has no such simulation. */
export async function readProgress(sql: Sql, simulationId: string): Promise<Progress | null> {
  const rows = await sql.query<ProgressRow>(
    `/* readProgress */
    select simulation_id, event_seq as seq, status, total_scenarios, completed_scenarios, failed_scenarios,
      score_sum / nullif(scored_scenarios, 0) as mean_score, total_tokens, total_cost_usd,
      coalesce(completed_at, clock_timestamp()) as at
    from simulations where simulation_id = $1`,
    [simulationId],
  )
  return rows[0] ? progressOf(rows[0]) : null
}

/** The events with numbers above `afterSeq`, in order, at most `limit`. */
export async function readEvents(
  sql: Sql,
  simulationId: string,
  afterSeq: number,
  limit: number,
): Promise<SimulationEvent[]> {
  const rows = await sql.query<ProgressRow & { kind: EventKind }>(
    `/* readEvents */
    select simulation_id, seq, kind, status, total_scenarios, completed_scenarios, failed_scenarios, mean_score,
      total_tokens, total_cost_usd, created_at as at
    from simulation_events where simulation_id = $1 and seq > $2 order by seq limit $3`,
    [simulationId, afterSeq, limit],
  )
  return rows.map((row) => ({ ...progressOf(row), kind: row.kind }))
}

function progressOf(row: ProgressRow): Progress {
  return {
    simulationId: row.simulation_id,
    seq: Number(row.seq),
    status: row.status,
    totalScenarios: row.total_scenarios,
    completedScenarios: row.completed_scenarios,
    failedScenarios: row.failed_scenarios,
    meanScore: row.mean_score,
    totalTokens: Number(row.total_tokens),
    totalCostUsd: Number(row.total_cost_usd),
    at: row.at,
  }
}
