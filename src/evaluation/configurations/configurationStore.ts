import type { Sql } from '../../db/tenantTransaction.ts'
import type { ConfigChange } from './configDiff.ts'
import type { ConfigDocument } from './configDocument.ts'

export interface StoredVersion {
  versionId: string
  versionNumber: number
  configHash: string
  rawYaml: string
  parsedConfig: ConfigDocument['parsedConfig']
}

/** The id of the new configuration, or null when an active one has the name. */
export async function insertConfiguration(
  sql: Sql,
  configuration: { configId: string | null; name: string; modalAppId: string | null },
): Promise<string | null> {
  const rows = await sql.query<{ config_id: string }>(
    `/* insertConfiguration */
    insert into configurations (config_id, name, modal_app_id) values (coalesce($1, uuid_v7()), $2, $3)
    on conflict do nothing
    returning config_id`,
    [configuration.configId, configuration.name, configuration.modalAppId],
  )
  return rows[0]?.config_id ?? null
}

/** Locks the configuration, so that its versions get their numbers one after the other. False when there is none. */
export async function lockConfiguration(sql: Sql, configId: string): Promise<boolean> {
  const rows = await sql.query(
    `/* lockConfiguration */ select from configurations where config_id = $1 for no key update`,
    [configId],
  )
  return rows.length > 0
}

export async function findLatestVersion(sql: Sql, configId: string): Promise<StoredVersion | null> {
  const rows = await sql.query<{
    version_id: string
    version_number: number
    config_hash: string
    raw_yaml: string
    parsed_config: StoredVersion['parsedConfig']
  }>(
    `/* findLatestVersion */
    select version_id, version_number, config_hash, raw_yaml, parsed_config
    from config_versions where config_id = $1 order by version_number desc limit 1`,
    [configId],
  )
  const row = rows[0]
  return row
    ? {
        versionId: row.version_id,
        versionNumber: row.version_number,
        configHash: row.config_hash,
        rawYaml: row.raw_yaml,
        parsedConfig: row.parsed_config,
      }
    : null
}

/** Adds a version and makes it the latest one. */
export async function insertVersion(
  sql: Sql,
  configId: string,
  versionNumber: number,
  rawYaml: string,
  document: ConfigDocument,
  generatedBy: string,
): Promise<string> {
  const rows = await sql.query<{ version_id: string }>(
    `/* insertVersion */
    with version as (
      insert into config_versions (config_id, version_number, raw_yaml, parsed_config, config_hash, warnings, generated_by)
      values ($1, $2, $3, $4, $5, $6, $7)
      returning version_id
    ), latest as (
      update configurations set latest_version_id = version.version_id from version where config_id = $1
    )
    select version_id from version`,
    [
      configId,
      versionNumber,
      rawYaml,
      JSON.stringify(document.parsedConfig),
      document.configHash,
      document.warnings,
      generatedBy,
    ],
  )
  return rows[0]!.version_id
}

/** The YAML of one version of a configuration, or null. */
export async function findVersionYaml(sql: Sql, configId: string, versionId: string): Promise<string | null> {
  const rows = await sql.query<{ raw_yaml: string }>(
    `/* findVersionYaml */ select raw_yaml from config_versions where config_id = $1 and version_id = $2`,
    [configId, versionId],
  )
  return rows[0]?.raw_yaml ?? null
}

/** Whether there is such a configuration. @throws SQLSTATE 23505 when another active one has the name. */
export async function updateActive(sql: Sql, configId: string, isActive: boolean): Promise<boolean> {
  const rows = await sql.query(
    `/* updateActive */ update configurations set is_active = $2 where config_id = $1 returning config_id`,
    [configId, isActive],
  )
  return rows.length > 0
}

export type ApprovalStatus = 'pending' | 'approved' | 'rejected'

/** Locks the diff and says where it stands; null when there is none. */
export async function lockDiff(sql: Sql, diffId: string): Promise<ApprovalStatus | null> {
  const rows = await sql.query<{ approval_status: ApprovalStatus }>(
    `/* lockDiff */ select approval_status from config_diffs where diff_id = $1 for no key update`,
    [diffId],
  )
  return rows[0]?.approval_status ?? null
}

export async function updateApproval(sql: Sql, diffId: string, status: ApprovalStatus): Promise<void> {
  await sql.query(
    `/* updateApproval */ update config_diffs
    set approval_status = $2, approved_by = current_actor_id(), approved_at = now() where diff_id = $1`,
    [diffId, status],
  )
}

export async function insertDiff(
  sql: Sql,
  diff: {
    configId: string
    versionBefore: string
    versionAfter: string
    diffYaml: string
    changes: ConfigChange[]
  },
): Promise<void> {
  await sql.query(
    `/* insertDiff */
    insert into config_diffs (config_id, version_before, version_after, diff_yaml, change_summary) values ($1, $2, $3, $4, $5)`,
    [diff.configId, diff.versionBefore, diff.versionAfter, diff.diffYaml, JSON.stringify(diff.changes)],
  )
}
