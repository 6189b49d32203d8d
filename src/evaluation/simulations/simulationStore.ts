import sql, { empty, type Sql } from 'sql-template-tag'
import type { TenantTransaction } from '../../db/tenantTransaction.ts'
import { stringifyExactly } from '../../exactNumbers.ts'
import type { JsonObject } from '../../json.ts'
import { lockReferences } from '../deleted/deletedStore.ts'

export type SimulationStatus = 'pending' | 'running' | 'completed' | 'failed' | 'cancelled'

export interface NewSimulation {
  simulationId: string | null
  configVersionId: string
  scenarioIds: readonly string[]
  repetitions: number
  name: string | null
  description: string | null
  tags: readonly string[]
  running: boolean
  /** When it was planned and begun, where that is known to be earlier than now. */
  createdAt: Date | null
  startedAt: Date | null
  modalAppId: string | null
  modalEnvironment: string | null
  sandboxInstances: number | null
  timeoutMs: number | null
  maxRetries: number | null
  priority: number | null
  metadata: JsonObject | null
  failWhenSilent: boolean
}

export interface SimulationState {
  simulationId: string
  status: SimulationStatus
  configVersionId: string
  scenarioSet: string[]
  repetitions: number
  createdAt: Date
  startedAt: Date | null
  /** It failed because nothing was heard of its runner, which the next sign of life takes back. */
  runnerLost: boolean
  /** What the suite's result is, or would be now. */
  result: SuiteResult
}

/** Whether a version can be run; null when there is none. */
export async function findRunnable(
  transaction: TenantTransaction,
  versionId: string,
): Promise<'archived' | 'withdrawn' | 'runnable' | null> {
  const rows = await transaction.query<{ is_active: boolean; is_deleted: boolean }>(sql`/* findRunnable */
    select c.is_active, v.is_deleted from config_versions v join configurations c using (config_id)
    where v.version_id = ${versionId}`)
  const row = rows[0]
  if (!row) return null
  if (row.is_deleted) return 'withdrawn'
  return row.is_active ? 'runnable' : 'archived'
}

/** Those of the ids that the tenant has no scenario for. */
export async function missingScenarios(
  transaction: TenantTransaction,
  scenarioIds: readonly string[],
): Promise<string[]> {
  const rows = await transaction.query<{ scenario_id: string }>(sql`/* missingScenarios */
    select wanted.scenario_id from unnest(${scenarioIds}::text[]) as wanted(scenario_id)
    where not exists (select from scenarios s where s.scenario_id = wanted.scenario_id)`)
  return rows.map(({ scenario_id }) => scenario_id)
}

/** The id of the new simulation with one run for each scenario and repetition; null when its id is taken. */
export async function insertSimulation(
  transaction: TenantTransaction,
  simulation: NewSimulation,
): Promise<string | null> {
  const rows = await transaction.query<{ simulation_id: string }>(sql`/* insertSimulation */
    with planned as (
      select ${simulation.scenarioIds}::text[] as scenario_set, ${simulation.repetitions}::int as repetitions,
        ${simulation.running}::boolean as running
    ), simulation as (
      insert into simulations (simulation_id, config_version_id, scenario_set, repetitions, simulation_name, description,
        tags, status, created_at, started_at, modal_app_id, modal_environment, sandbox_instances, timeout_ms, max_retries,
        priority, metadata, total_scenarios, fail_when_silent)
      select coalesce(${simulation.simulationId}, uuid_v7()), ${simulation.configVersionId}, scenario_set, repetitions,
        ${simulation.name}, ${simulation.description}, ${simulation.tags}::text[],
        case when running then 'running' else 'pending' end,
        least(${simulation.createdAt}::timestamptz, ${simulation.startedAt}::timestamptz, now()),
        case when running then least(coalesce(${simulation.startedAt}::timestamptz, ${simulation.createdAt}), now()) end,
        ${simulation.modalAppId}, coalesce(${simulation.modalEnvironment}, 'production'),
        coalesce(${simulation.sandboxInstances}, 1), coalesce(${simulation.timeoutMs}, 300000),
        coalesce(${simulation.maxRetries}, 3), coalesce(${simulation.priority}, 5),
        coalesce(${simulation.metadata && stringifyExactly(simulation.metadata)}::jsonb, '{}'),
        cardinality(scenario_set) * repetitions, ${simulation.failWhenSilent}
      from planned
      on conflict do nothing
      returning simulation_id
    ), runs as (
      insert into simulations_scenarios (simulation_id, scenario_id, repetition, execution_order)
      select simulation_id, scenario_id, repetition, place
      from simulation, planned, unnest(scenario_set) with ordinality as wanted(scenario_id, place),
        generate_series(1, repetitions) as repetition
    )
    select simulation_id from simulation`)
  return rows[0]?.simulation_id ?? null
}

/** The simulation, locked against other steps and its deletion until the transaction ends. */
export async function lockSimulation(
  transaction: TenantTransaction,
  simulationId: string,
): Promise<SimulationState | null> {
  await lockReferences(transaction, 'shared')
  return readState(transaction, simulationId, sql`for no key update`)
}

/** The simulation as it was committed last. */
export function findSimulation(
  transaction: TenantTransaction,
  simulationId: string,
): Promise<SimulationState | null> {
  return readState(transaction, simulationId, empty)
}

async function readState(
  transaction: TenantTransaction,
  simulationId: string,
  lock: Sql,
): Promise<SimulationState | null> {
  const rows = await transaction.query<{
    simulation_id: string
    status: SimulationStatus
    config_version_id: string
    scenario_set: string[]
    repetitions: number
    created_at: Date
    started_at: Date | null
    runner_lost: boolean
    overall_score: number | null
    total_cost_usd: string | null
    execution_time_ms: string | null
  }>(sql`/* readSimulation */
    select simulation_id, status, config_version_id, scenario_set, repetitions, created_at, started_at,
      runner_lost, overall_score, total_cost_usd, execution_time_ms
    from simulations where simulation_id = ${simulationId} ${lock}`)
  const row = rows[0]
  return row
    ? {
        simulationId: row.simulation_id,
        status: row.status,
        configVersionId: row.config_version_id,
        scenarioSet: row.scenario_set,
        repetitions: row.repetitions,
        createdAt: row.created_at,
        startedAt: row.started_at,
        runnerLost: row.runner_lost,
        result: {
          overallScore: row.overall_score,
          totalCostUsd: numberOrNull(row.total_cost_usd),
          executionTimeMs: numberOrNull(row.execution_time_ms),
        },
      }
    : null
}

/** What may be said of a simulation at any time. */
export interface DescribedColumns {
  simulation_name: string | null
  description: string | null
  tags: string[]
  priority: number
  metadata: JsonObject
}

/** Sets the columns that are given. Whether there is such a simulation. */
export async function updateDescription(
  transaction: TenantTransaction,
  simulationId: string,
  set: Partial<DescribedColumns>,
): Promise<boolean> {
  const rows = await transaction.query(sql`/* describeSimulation */
    update simulations s set (simulation_name, description, tags, priority, metadata) = (
      select simulation_name, description, tags, priority, metadata
      from jsonb_populate_record(s, ${stringifyExactly(set)}::jsonb))
    where simulation_id = ${simulationId}
    returning simulation_id`)
  return rows.length > 0
}

/** What a simulation that runs already turns out to have besides. */
export interface Growth {
  /** Of scenarios that it does not have. */
  scenarioIds: readonly string[]
  /** Null for as many as it has. */
  repetitions: number | null
  /** Replaces what is stored; null leaves it. */
  metadata: JsonObject | null
}

/** Takes up one that has completed, or whose runner seemed to be gone; false where a caller gave its result, or it ended otherwise. The simulation must be locked. */
export async function reopenSimulation(
  transaction: TenantTransaction,
  simulationId: string,
): Promise<boolean> {
  const rows = await transaction.query<{ reopened: boolean }>(
    sql`/* reopenSimulation */ select reopen_simulation(${simulationId}) as reopened`,
  )
  return rows[0]!.reopened
}

/** Adds scenarios and repetitions, with their runs. The simulation must be locked. */
export async function growSimulation(
  transaction: TenantTransaction,
  { simulationId, scenarioSet, repetitions: before }: SimulationState,
  { scenarioIds, repetitions, metadata }: Growth,
): Promise<void> {
  const places = scenarioSet.length
  await transaction.query(sql`/* growSimulation */
    with simulation as (
      update simulations
      set scenario_set = scenario_set || ${scenarioIds}::text[],
        repetitions = ${repetitions ?? before},
        total_scenarios = ${(places + scenarioIds.length) * (repetitions ?? before)},
        metadata = coalesce(${metadata && stringifyExactly(metadata)}::jsonb, metadata)
      where simulation_id = ${simulationId}
      returning simulation_id, scenario_set, repetitions
    )
    insert into simulations_scenarios (simulation_id, scenario_id, repetition, execution_order)
    select simulation_id, scenario_id, repetition, place
    from simulation, unnest(scenario_set) with ordinality as wanted(scenario_id, place),
      generate_series(1, repetitions) as repetition
    where place > ${places} or repetition > ${before}`)
}

function numberOrNull(text: string | null): number | null {
  return text === null ? null : Number(text)
}

export interface SuiteResult {
  overallScore: number | null
  totalCostUsd: number | null
  executionTimeMs: number | null
}

/**
 * What the caller gives of the suite's result takes the place of what was summed up from the outcomes, and stays when they
 * are amended. `completedAt` null: now.
 */
export async function finishSimulation(
  transaction: TenantTransaction,
  simulationId: string,
  status: 'completed' | 'failed' | 'cancelled',
  result: SuiteResult,
  errorMessage: string | null,
  completedAt: Date | null,
): Promise<void> {
  const given = [
    result.overallScore !== null && 'overall_score',
    result.totalCostUsd !== null && 'total_cost_usd',
    result.executionTimeMs !== null && 'execution_time_ms',
  ].filter((column) => column !== false)
  await transaction.query(sql`/* finishSimulation */
    update simulations
    set status = ${status},
      started_at = case when ${status} = 'completed'
        then coalesce(started_at, greatest(least(${completedAt}::timestamptz, now()), created_at)) else started_at end,
      completed_at = greatest(least(${completedAt}::timestamptz, now()), started_at, created_at),
      -- The mean of what a run got through before it broke off is no result.
      overall_score = case when ${status} = 'completed' then coalesce(${result.overallScore}, mean_score) end,
      total_cost_usd = coalesce(${result.totalCostUsd}, total_cost_usd),
      execution_time_ms = coalesce(${result.executionTimeMs}, execution_time_ms),
      result_given = ${given}::text[],
      error_message = ${errorMessage}
    where simulation_id = ${simulationId}`)
}
