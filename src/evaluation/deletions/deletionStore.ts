import sql from 'sql-template-tag'
import type { TenantTransaction } from '../../db/tenantTransaction.ts'
import type { StoredDeletion } from '../deleted/deletedStore.ts'

/** The id of the deletion; null when there is no such simulation. */
export async function insertSimulationDeletion(
  transaction: TenantTransaction,
  simulationId: string,
): Promise<string | null> {
  const [row] = await transaction.query<{ deletion_id: string }>(sql`/* deleteSimulation */
    insert into deletions (simulation_id, name, of_config_id)
    select s.simulation_id, coalesce(s.simulation_name, s.simulation_id::text), v.config_id
    from simulations s join config_versions v on v.version_id = s.config_version_id
    where s.simulation_id = ${simulationId}
    returning deletion_id`)
  return row?.deletion_id ?? null
}

/** How many simulations run the scenario. */
export async function countSimulationsOf(
  transaction: TenantTransaction,
  scenarioId: string,
): Promise<number> {
  const [row] = await transaction.query<{ simulations: number }>(sql`/* countSimulationsOf */
    select count(distinct simulation_id)::int as simulations from simulations_scenarios where scenario_id = ${scenarioId}`)
  return row!.simulations
}

/** The id of the deletion; null when there is no such scenario. */
export async function insertScenarioDeletion(
  transaction: TenantTransaction,
  scenarioId: string,
): Promise<string | null> {
  const [row] = await transaction.query<{ deletion_id: string }>(sql`/* deleteScenario */
    insert into deletions (scenario_id, name) select scenario_id, name from scenarios where scenario_id = ${scenarioId}
    returning deletion_id`)
  return row?.deletion_id ?? null
}

/**
 * Deletes a configuration, and with it its simulations that are not deleted yet. It is archived meanwhile, so that its name
 * is free. Null when there is none.
 */
export async function insertConfigurationDeletion(
  transaction: TenantTransaction,
  configId: string,
): Promise<string | null> {
  // All of them before the first has its step, and in the order of ingestion: steps take the tenant's counter of changes,
  // for which others wait that hold such a row.
  await transaction.query(sql`/* lockSimulationsOf */
    select from simulations s
    where s.config_version_id in (select v.version_id from config_versions v where v.config_id = ${configId})
    order by s.simulation_id for no key update`)
  const [row] = await transaction.query<{ deletion_id: string }>(sql`/* deleteConfiguration */
    with archived as (
      update configurations c set is_active = false
      from configurations before
      where c.config_id = ${configId} and before.config_id = c.config_id
      returning c.config_id, c.name, before.is_active
    ), deletion as (
      insert into deletions (config_id, name, was_active) select config_id, name, is_active from archived
      returning deletion_id
    ), simulations as (
      insert into deletions (simulation_id, name, of_config_id, with_deletion_id)
      select s.simulation_id, coalesce(s.simulation_name, s.simulation_id::text), v.config_id, d.deletion_id
      from deletion d cross join config_versions v join simulations s on s.config_version_id = v.version_id
      where v.config_id = ${configId}
    )
    select deletion_id from deletion`)
  return row?.deletion_id ?? null
}

/**
 * What is deleted is there again, and the simulations that went with it. Answers whether it is a configuration that was
 * active.
 */
export async function removeDeletion(transaction: TenantTransaction, deletionId: string): Promise<boolean> {
  const rows = await transaction.query<{ simulation_id: string }>(sql`/* undelete */
    select simulation_id from deletions
    where (deletion_id = ${deletionId} or with_deletion_id = ${deletionId}) and simulation_id is not null
      and coalesce(purge_at > now(), true)`)
  // Not those that are being deleted for good, of which a part may be gone.
  await transaction.query(sql`/* undelete */
    delete from deletions where with_deletion_id = ${deletionId} and coalesce(purge_at > now(), true)`)
  const [gone] = await transaction.query<{ was_active: boolean | null }>(
    sql`/* undelete */ delete from deletions where deletion_id = ${deletionId} returning was_active`,
  )
  const simulationIds = rows.map(({ simulation_id }) => simulation_id)
  // A scenario may have been deleted while nothing else ran it.
  await transaction.query(sql`/* undeleteScenarios */
    delete from deletions d where d.scenario_id in (
      select r.scenario_id from simulations_scenarios r where r.simulation_id = any (${simulationIds}::uuid[]))`)
  return gone!.was_active ?? false
}

/** With a configuration go its simulations, those that were deleted before as well. */
export async function purgeSoon(
  transaction: TenantTransaction,
  { deletionId, kind, key }: StoredDeletion,
): Promise<void> {
  await transaction.query(sql`/* purgeSoon */
    update deletions set purge_at = least(purge_at, now())
    where deletion_id = ${deletionId} or of_config_id = ${kind === 'configuration' ? key : null}`)
}
