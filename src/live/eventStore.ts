import sql from 'sql-template-tag'
import type { TenantTransaction } from '../db/tenantTransaction.ts'
import type { SimulationStatus } from '../evaluation/simulations/simulationStore.ts'
import { Decimal } from '../reads/computedPages.ts'
import type { OperationReads } from '../reads/operationReads.ts'

type EventKind =
  | 'STARTED'
  | 'PROGRESS'
  | 'COMPLETED'
  | 'FAILED'
  | 'CANCELLED'
  | 'AMENDED'
  | 'DELETED'
  | 'RESTORED'

/** Where a simulation stands. */
export interface Progress {
  simulationId: string
  /** Number of the event that led here; 0 before the first. */
  seq: number
  status: SimulationStatus
  totalScenarios: number
  /** Ended: succeeded or failed. */
  completedScenarios: number
  succeededScenarios: number
  failedScenarios: number
  /** Mean of the scores so far; null while nothing is graded. */
  meanScore: number | null
  /** Null while none are known. */
  totalTokens: number | null
  totalCostUsd: Decimal | null
  at: Date
}

/** One step of a simulation, and where it stood after it. */
export interface SimulationEvent extends Progress {
  kind: EventKind
}

/** Whole numbers come as text from pg and as bigint through Prisma. */
export interface EventRow extends ProgressRow {
  kind: EventKind
}

interface ProgressRow {
  simulation_id: string
  seq: string | bigint
  status: SimulationStatus
  total_scenarios: number
  completed_scenarios: number
  succeeded_scenarios: number
  failed_scenarios: number
  mean_score: number | null
  total_tokens: string | bigint | null
  total_cost_usd: string | object | null
  at: Date
}

/** Null when this tenant has no such simulation. */
export async function readProgress(
  transaction: TenantTransaction,
  simulationId: string,
): Promise<Progress | null> {
  const rows = await transaction.query<ProgressRow>(sql`/* readProgress */
    select simulation_id, event_seq as seq, status, total_scenarios, completed_scenarios, succeeded_scenarios, failed_scenarios,
      mean_score, total_tokens, total_cost_usd,
      coalesce(completed_at, clock_timestamp()) as at
    from simulations where simulation_id = ${simulationId}`)
  return rows[0] ? progressOf(rows[0]) : null
}

/** The events with numbers above `afterSeq`, in order, at most `limit`. */
export async function readEvents(
  transaction: TenantTransaction,
  simulationId: string,
  afterSeq: number,
  limit: number,
): Promise<SimulationEvent[]> {
  const rows = await transaction.query<EventRow>(sql`/* readEvents */
    select simulation_id, seq, kind, status, total_scenarios, completed_scenarios, succeeded_scenarios, failed_scenarios, mean_score,
      total_tokens, total_cost_usd, created_at as at
    from simulation_events where simulation_id = ${simulationId} and seq > ${afterSeq} order by seq limit ${limit}`)
  return rows.map(eventOf)
}

/** Events of several simulations: of each those with numbers from `low` to `high`, in order. */
export async function readEventRanges(
  reads: Pick<OperationReads, 'query'>,
  ranges: readonly { simulationId: string; low: number; high: number }[],
): Promise<SimulationEvent[][]> {
  const rows = await reads.query<EventRow & { place: bigint }>(sql`/* readEventRanges */
    select wanted.place, e.simulation_id, e.seq, e.kind, e.status, e.total_scenarios, e.completed_scenarios,
      e.succeeded_scenarios, e.failed_scenarios, e.mean_score, e.total_tokens, e.total_cost_usd, e.created_at as at
    from unnest(
      ${ranges.map(({ simulationId }) => simulationId)}::uuid[],
      ${ranges.map(({ low }) => low)}::bigint[],
      ${ranges.map(({ high }) => high)}::bigint[]
    ) with ordinality as wanted(simulation_id, low, high, place)
    join simulation_events e on e.simulation_id = wanted.simulation_id and e.seq between wanted.low and wanted.high
    order by e.seq`)
  const events: SimulationEvent[][] = ranges.map(() => [])
  for (const row of rows) events[Number(row.place) - 1]!.push(eventOf(row))
  return events
}

export function eventOf(row: EventRow): SimulationEvent {
  return { ...progressOf(row), kind: row.kind }
}

function progressOf(row: ProgressRow): Progress {
  return {
    simulationId: row.simulation_id,
    seq: Number(row.seq),
    status: row.status,
    totalScenarios: row.total_scenarios,
    completedScenarios: row.completed_scenarios,
    succeededScenarios: row.succeeded_scenarios,
    failedScenarios: row.failed_scenarios,
    meanScore: row.mean_score,
    totalTokens: row.total_tokens === null ? null : Number(row.total_tokens),
    // Of a sum JavaScript's numbers may not have all digits.
    totalCostUsd: row.total_cost_usd === null ? null : new Decimal(String(row.total_cost_usd)),
    at: row.at,
  }
}
