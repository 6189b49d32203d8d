import sql, { type Sql } from 'sql-template-tag'
import type { TenantTransaction } from '../../db/tenantTransaction.ts'
import type { SqlPart } from '../../reads/answers/parts.ts'
import type { OperationReads } from '../../reads/operationReads.ts'
import type { ErrorCode } from '../../refusal.ts'

/** One run of a simulation. */
export interface RunKey {
  simulationId: string
  scenarioId: string
  repetition: number
}

/** Says that a simulation goes on, and one run of it where there is one: why it cannot, or null. */
export async function beat(
  { queryLast }: TenantTransaction,
  simulationId: string,
  run: RunKey | null,
): Promise<ErrorCode | null> {
  const [row] = await queryLast<{ refused: ErrorCode | null }>(sql`/* heartbeat */
    select heartbeat(${simulationId}, ${run?.scenarioId ?? null}, ${run?.repetition ?? null}) as refused`)
  return row!.refused
}

/** When each of the simulations was heard of last, in any of its runs. */
export async function heartbeatsOf(
  reads: Pick<OperationReads, 'query'>,
  simulationIds: readonly string[],
): Promise<Map<string, Date>> {
  const rows = await reads.query<{ simulation_id: string; beat_at: Date }>(sql`/* heartbeats */
    select simulation_id, beat_at from simulation_heartbeats where simulation_id = any (${simulationIds}::uuid[])`)
  return new Map(rows.map(({ simulation_id, beat_at }) => [simulation_id, beat_at]))
}

/** The same of single runs, in their order; null for those that were never heard of. */
export async function heartbeatsOfRuns(
  reads: Pick<OperationReads, 'query'>,
  runs: readonly RunKey[],
): Promise<(Date | null)[]> {
  const rows = await reads.query<{ place: number; beat_at: Date }>(sql`/* runHeartbeats */
    select place::int, beat_at
    from unnest(${runs.map(({ simulationId }) => simulationId)}::uuid[], ${runs.map(({ scenarioId }) => scenarioId)}::text[],
      ${runs.map(({ repetition }) => repetition)}::int[]) with ordinality as run(simulation_id, scenario_id, repetition, place)
    join run_heartbeats using (simulation_id, scenario_id, repetition)`)
  const times = new Map(rows.map(({ place, beat_at }) => [place, beat_at]))
  return runs.map((_, index) => times.get(index + 1) ?? null)
}

// The session's zone is UTC.
const IN_JSON = sql`'"' || to_char(h.beat_at, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') || '"'`

/** As heartbeatsOf has it, of the row. */
export const LAST_HEARTBEAT: SqlPart = lastBeat(
  (row) => sql`from simulation_heartbeats h where h.simulation_id = ${row.column('simulationId')}`,
)

/** As heartbeatsOfRuns has it, of the row. */
export const LAST_HEARTBEAT_OF_RUN: SqlPart = lastBeat(
  (row) => sql`from run_heartbeats h where h.simulation_id = ${row.column('simulationId')}
    and h.scenario_id = ${row.column('scenarioId')} and h.repetition = ${row.column('repetition')}`,
)

function lastBeat(from: (row: Parameters<SqlPart['json']>[0]) => Sql): SqlPart {
  return { is: 'sql', json: (row) => sql`(select ${IN_JSON} ${from(row)})`, nullable: true }
}
