import sql, { type Sql } from 'sql-template-tag'
import type { TenantTransaction } from '../../db/tenantTransaction.ts'
import type { ComparedSimulation } from '../comparison/pairedValues.ts'
import { Scope, type ScopeSimulation, type ScopeVersion } from './scope.ts'

type Reads = Pick<TenantTransaction, 'query'>

/** Of one version, the newest first. More of them say little about what it does now, and each run is read. */
const MOST_SIMULATIONS = 20
const MOST_RUNS = 20_000
/** Besides the version itself. */
const MOST_VERSIONS = 6

interface VersionRow {
  config_id: string
  is_latest: boolean
  version_id: string
  version_number: number
  raw_yaml: string
  simulations: ScopeSimulation[] | null
}

/** Around the version of this key; null when there is none. */
export async function findScope(reads: Reads, versionId: string): Promise<Scope | null> {
  const rows = await reads.query<VersionRow>(sql`/* recommendationScope */
    select v.config_id, coalesce(v.version_id = c.latest_version_id, false) as is_latest, v.version_id, v.version_number, v.raw_yaml,
      s.simulations
    from config_versions given
    join configurations c on c.config_id = given.config_id
    cross join lateral (
      (select g.*, true as is_given from config_versions g where g.version_id = given.version_id)
      union all
      (select o.*, false from config_versions o
        where o.config_id = given.config_id and o.version_id <> given.version_id and not o.is_deleted and exists (${oneOf(sql`o.version_id`)})
        order by o.version_number desc limit ${MOST_VERSIONS})
    ) v
    cross join lateral (${simulationsOf(sql`v.version_id`)}) s
    where given.version_id = ${versionId} and (v.is_given or s.simulations is not null)
    order by v.is_given desc, v.version_number desc`)
  const [given, ...others] = rows
  if (!given) return null
  return new Scope({
    configId: given.config_id,
    isLatest: given.is_latest,
    version: versionOf(given),
    others: others.map(versionOf),
  })
}

/** The completed simulations of versions, as a scope has them. */
export async function findVersions(reads: Reads, versionIds: readonly string[]): Promise<ScopeVersion[]> {
  const rows = await reads.query<VersionRow>(sql`/* recommendationVersions */
    select v.config_id, false as is_latest, v.version_id, v.version_number, v.raw_yaml, s.simulations
    from config_versions v cross join lateral (${simulationsOf(sql`v.version_id`)}) s
    where v.version_id = any (${versionIds}::uuid[])`)
  return rows.map(versionOf)
}

function oneOf(version: Sql): Sql {
  return sql`select from simulations a where a.config_version_id = ${version} and a.status = 'completed' and a.first_outcome_at is not null`
}

function simulationsOf(version: Sql): Sql {
  return sql`
      select json_agg(json_build_object('simulationId', n.simulation_id, 'name', n.simulation_name, 'timeoutMs', n.timeout_ms,
        'repetitions', n.repetitions) order by n.created_at desc, n.simulation_id desc) as simulations
      from (
        select a.*, sum(a.total_scenarios) over (order by a.created_at desc, a.simulation_id desc) as up_to
        from simulations a
        where a.config_version_id = ${version} and a.status = 'completed' and a.first_outcome_at is not null
        order by a.created_at desc, a.simulation_id desc limit ${MOST_SIMULATIONS}
      ) n
      where n.up_to <= ${MOST_RUNS}`
}

function versionOf({ version_id, version_number, raw_yaml, simulations }: VersionRow): ScopeVersion {
  return {
    versionId: version_id,
    versionNumber: version_number,
    rawYaml: raw_yaml,
    simulations: simulations ?? [],
  }
}

/** The version that a simulation ran; null when there is no such simulation. */
export async function findVersionOfSimulation(reads: Reads, simulationId: string): Promise<string | null> {
  const [row] = await reads.query<Pick<ComparedSimulation, 'configVersionId'>>(sql`/* versionOfSimulation */
    select config_version_id as "configVersionId" from simulations where simulation_id = ${simulationId}`)
  return row?.configVersionId ?? null
}

/** The latest version of a configuration, null when it has none; undefined when there is no such configuration. */
export async function findLatestVersionId(
  reads: Reads,
  configId: string,
): Promise<string | null | undefined> {
  const [row] = await reads.query<{ latest_version_id: string | null }>(sql`/* latestVersionOf */
    select latest_version_id from configurations where config_id = ${configId}`)
  return row?.latest_version_id
}
