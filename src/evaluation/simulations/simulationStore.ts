import type { Sql } from '../../db/tenantTransaction.ts'
import type { JsonObject } from '../../json.ts'

export type SimulationStatus = 'pending' | 'running' | 'completed' | 'failed' | 'cancelled'

export interface NewSimulation {
  simulationId: string | null
  configVersionId: string
  scenarioIds: readonly string[]
  repetitions: number
  name: string | null
  running: boolean
  modalAppId: string | null
  modalEnvironment: string | null
  sandboxInstances: number | null
  timeoutMs: number | null
  maxRetries: number | null
  priority: number | null
  metadata: JsonObject | null
}

export interface SimulationState {
  simulationId: string
  status: SimulationStatus
  configVersionId: string
  scenarioSet: string[]
  repetitions: number
  /** What the suite's result is, or would be now. */
  result: SuiteResult
}

export async function configVersionExists(sql: Sql, versionId: string): Promise<boolean> {
  const rows = await sql.query(
    `/* configVersionExists */ select from config_versions where version_id = $1 and not is_deleted`,
    [versionId],
  )
  return rows.length > 0
}

/** Those of the ids that the tenant has no scenario for. */
export async function missingScenarios(sql: Sql, scenarioIds: readonly string[]): Promise<string[]> {
  const rows = await sql.query<{ scenario_id: string }>(
    `/* missingScenarios */
    select wanted.scenario_id from unnest($1::text[]) as wanted(scenario_id)
    where not exists (select from scenarios s where s.scenario_id = wanted.scenario_id)`,
    [scenarioIds],
  )
  return rows.map(({ scenario_id }) => scenario_id)
}

/** The id of the new simulation with one run for each scenario and repetition; null when its id is taken. */
export async function insertSimulation(sql: Sql, simulation: NewSimulation): Promise<string | null> {
  const rows = await sql.query<{ simulation_id: string }>(
    `/* insertSimulation */
    with simulation as (
      insert into simulations (simulation_id, config_version_id, scenario_set, repetitions, simulation_name, status,
        started_at, modal_app_id, modal_environment, sandbox_instances, timeout_ms, max_retries, priority, metadata,
        total_scenarios)
      values (coalesce($1, uuid_v7()), $2, $3, $4, $5, case when $6 then 'running' else 'pending' end,
        case when $6 then now() end, $7, coalesce($8, 'production'), coalesce($9, 1), coalesce($10, 300000),
        coalesce($11, 3), coalesce($12, 5), coalesce($13::jsonb, '{}'), cardinality($3::text[]) * $4)
      on conflict do nothing
      returning simulation_id
    ), runs as (
      insert into simulations_scenarios (simulation_id, scenario_id, repetition, execution_order)
      select simulation_id, scenario_id, repetition, place
      from simulation, unnest($3::text[]) with ordinality as wanted(scenario_id, place), generate_series(1, $4) as repetition
    )
    select simulation_id from simulation`,
    [
      simulation.simulationId,
      simulation.configVersionId,
      simulation.scenarioIds,
      simulation.repetitions,
      simulation.name,
      simulation.running,
      simulation.modalAppId,
      simulation.modalEnvironment,
      simulation.sandboxInstances,
      simulation.timeoutMs,
      simulation.maxRetries,
      simulation.priority,
      simulation.metadata === null ? null : JSON.stringify(simulation.metadata),
    ],
  )
  return rows[0]?.simulation_id ?? null
}

/** The simulation, locked against other steps until the transaction ends. */
export async function lockSimulation(sql: Sql, simulationId: string): Promise<SimulationState | null> {
  const rows = await sql.query<{
    simulation_id: string
    status: SimulationStatus
    config_version_id: string
    scenario_set: string[]
    repetitions: number
    result: SuiteResult
  }>(
    `/* lockSimulation */
    select simulation_id, status, config_version_id, scenario_set, repetitions,
      jsonb_build_object('overallScore', overall_score, 'totalCostUsd', total_cost_usd, 'executionTimeMs', execution_time_ms)
        as result
    from simulations where simulation_id = $1 for no key update`,
    [simulationId],
  )
  const row = rows[0]
  return row
    ? {
        simulationId: row.simulation_id,
        status: row.status,
        configVersionId: row.config_version_id,
        scenarioSet: row.scenario_set,
        repetitions: row.repetitions,
        result: row.result,
      }
    : null
}

/** Adds scenarios to a simulation that runs already, with their runs. */
export async function addScenarios(
  sql: Sql,
  simulationId: string,
  scenarioIds: readonly string[],
): Promise<void> {
  await sql.query(
    `/* addScenarios */
    with simulation as (
      update simulations
      set scenario_set = scenario_set || $2::text[],
        total_scenarios = (cardinality(scenario_set) + cardinality($2::text[])) * repetitions
      where simulation_id = $1
      returning simulation_id, repetitions, cardinality(scenario_set) - cardinality($2::text[]) as before
    )
    insert into simulations_scenarios (simulation_id, scenario_id, repetition, execution_order)
    select simulation_id, scenario_id, repetition, before + place
    from simulation, unnest($2::text[]) with ordinality as wanted(scenario_id, place), generate_series(1, repetitions) as repetition`,
    [simulationId, scenarioIds],
  )
}

export interface SuiteResult {
  overallScore: number | null
  totalCostUsd: number | null
  executionTimeMs: number | null
}

/** What the caller gives of the suite's result takes the place of what was summed up from the outcomes. */
export async function finishSimulation(
  sql: Sql,
  simulationId: string,
  status: 'completed' | 'failed' | 'cancelled',
  result: SuiteResult,
  errorMessage: string | null,
): Promise<void> {
  await sql.query(
    `/* finishSimulation */
    update simulations
    set status = $2,
      started_at = case when $2 = 'completed' then coalesce(started_at, greatest(now(), created_at)) else started_at end,
      completed_at = greatest(now(), started_at, created_at),
      overall_score = coalesce($3, score_sum / nullif(scored_scenarios, 0)),
      total_cost_usd = coalesce($4, total_cost_usd),
      execution_time_ms = coalesce($5, execution_time_ms),
      error_message = $6
    where simulation_id = $1`,
    [simulationId, status, result.overallScore, result.totalCostUsd, result.executionTimeMs, errorMessage],
  )
}
