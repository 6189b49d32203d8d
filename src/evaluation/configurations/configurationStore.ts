import sql, { type Sql } from 'sql-template-tag'
import type { TenantTransaction } from '../../db/tenantTransaction.ts'
import { stringifyExactly } from '../../exactNumbers.ts'
import { lockReferences } from '../deleted/deletedStore.ts'
import type { ConfigChange } from './configDiff.ts'
import type { ConfigDocument } from './configDocument.ts'

export interface StoredVersion {
  versionId: string
  versionNumber: number
  configHash: string
  /** Withdrawn: nothing new may run it. */
  isDeleted: boolean
  rawYaml: string
  parsedConfig: ConfigDocument['parsedConfig']
}

/** The id of the new configuration, or null when an active one has the name. */
export async function insertConfiguration(
  transaction: TenantTransaction,
  configuration: {
    configId: string | null
    name: string
    description: string | null
    tags: readonly string[]
    modalAppId: string | null
    createdAt: Date | null
  },
): Promise<string | null> {
  const rows = await transaction.query<{ config_id: string }>(sql`/* insertConfiguration */
    insert into configurations (config_id, name, description, tags, modal_app_id, created_at)
    values (coalesce(${configuration.configId}, uuid_v7()), ${configuration.name}, ${configuration.description},
      ${configuration.tags}, ${configuration.modalAppId}, least(${configuration.createdAt}::timestamptz, now()))
    on conflict do nothing
    returning config_id`)
  return rows[0]?.config_id ?? null
}

/**
 * Locks the configuration, so that its versions get their numbers one after the other and nobody deletes it meanwhile. Null
 * when there is none.
 */
export async function lockConfiguration(
  transaction: TenantTransaction,
  configId: string,
): Promise<'active' | 'archived' | null> {
  await lockReferences(transaction, 'shared')
  const rows = await transaction.query<{ is_active: boolean }>(
    sql`/* lockConfiguration */ select is_active from configurations where config_id = ${configId} for no key update`,
  )
  const row = rows[0]
  return row ? (row.is_active ? 'active' : 'archived') : null
}

/** The newest version; `offered`: of those that are not withdrawn. */
export async function findLatestVersion(
  transaction: TenantTransaction,
  configId: string,
  offered = false,
): Promise<StoredVersion | null> {
  const rows = await transaction.query<{
    version_id: string
    version_number: number
    config_hash: string
    is_deleted: boolean
    raw_yaml: string
    parsed_config: StoredVersion['parsedConfig']
  }>(sql`/* findLatestVersion */
    select version_id, version_number, config_hash, is_deleted, raw_yaml, parsed_config
    from config_versions where config_id = ${configId} and not (is_deleted and ${offered})
    order by version_number desc limit 1`)
  const row = rows[0]
  return row
    ? {
        versionId: row.version_id,
        versionNumber: row.version_number,
        configHash: row.config_hash,
        isDeleted: row.is_deleted,
        rawYaml: row.raw_yaml,
        parsedConfig: row.parsed_config,
      }
    : null
}

/** Adds a version and makes it the latest one. */
export async function insertVersion(
  transaction: TenantTransaction,
  configId: string,
  versionNumber: number,
  rawYaml: string,
  document: ConfigDocument,
  generatedBy: string,
  createdAt: Date | null,
): Promise<string> {
  const rows = await transaction.query<{ version_id: string }>(sql`/* insertVersion */
    with version as (
      insert into config_versions (config_id, version_number, raw_yaml, parsed_config, config_hash, warnings, generated_by,
        created_at)
      values (${configId}, ${versionNumber}, ${rawYaml}, ${stringifyExactly(document.parsedConfig)}, ${document.configHash},
        ${document.warnings}, ${generatedBy}, least(${createdAt}::timestamptz, now()))
      returning version_id
    ), latest as (
      update configurations set latest_version_id = version.version_id from version where config_id = ${configId}
    )
    select version_id from version`)
  return rows[0]!.version_id
}

/** The YAML of one version of a configuration, or null. */
export async function findVersionYaml(
  transaction: TenantTransaction,
  configId: string,
  versionId: string,
): Promise<string | null> {
  const rows = await transaction.query<{ raw_yaml: string }>(sql`/* findVersionYaml */
    select raw_yaml from config_versions where config_id = ${configId} and version_id = ${versionId}`)
  return rows[0]?.raw_yaml ?? null
}

/** Whether there is such a configuration. @throws SQLSTATE 23505 when another active one has the name. */
export async function updateActive(
  transaction: TenantTransaction,
  configId: string,
  isActive: boolean,
): Promise<boolean> {
  const rows = await transaction.query(sql`/* updateActive */
    update configurations set is_active = ${isActive} where config_id = ${configId} returning config_id`)
  return rows.length > 0
}

/** What may be said of a configuration at any time. */
export interface DescribedColumns {
  name: string
  description: string | null
  tags: string[]
  modal_app_id: string | null
}

/** Sets the columns that are given. Whether there is such a configuration. @throws SQLSTATE 23505 as `updateActive`. */
export async function updateDescription(
  transaction: TenantTransaction,
  configId: string,
  set: Partial<DescribedColumns>,
): Promise<boolean> {
  const rows = await transaction.query(sql`/* describeConfiguration */
    update configurations c set (name, description, tags, modal_app_id) = (
      select name, description, tags, modal_app_id from jsonb_populate_record(c, ${stringifyExactly(set)}::jsonb))
    where config_id = ${configId}
    returning config_id`)
  return rows.length > 0
}

/**
 * Withdraws a version, or takes that back; the configuration's latest version is the newest that is not withdrawn. The
 * configuration must be locked. Whether it has such a version.
 */
export async function updateWithdrawn(
  transaction: TenantTransaction,
  configId: string,
  versionId: string,
  withdrawn: boolean,
): Promise<boolean> {
  const rows = await transaction.query(sql`/* withdrawVersion */
    update config_versions set is_deleted = ${withdrawn} where config_id = ${configId} and version_id = ${versionId}
    returning version_id`)
  await transaction.query(sql`/* latestVersion */
    update configurations c set latest_version_id = (
      select version_id from config_versions v where v.config_id = c.config_id and not v.is_deleted
      order by version_number desc limit 1)
    where config_id = ${configId}`)
  return rows.length > 0
}

/** The configuration of a version; null when there is none. */
export async function findConfigurationOf(
  transaction: TenantTransaction,
  versionId: string,
): Promise<string | null> {
  const rows = await transaction.query<{ config_id: string }>(sql`/* findConfigurationOf */
    select config_id from config_versions where version_id = ${versionId}`)
  return rows[0]?.config_id ?? null
}

type ApprovalStatus = 'pending' | 'approved' | 'rejected'

export interface DiffDecision {
  status: ApprovalStatus
  comment: string | null
}

/** Locks the diff and says where it stands; null when there is none. */
export async function lockDiff(transaction: TenantTransaction, diffId: string): Promise<DiffDecision | null> {
  const rows = await transaction.query<{ approval_status: ApprovalStatus; decision_comment: string | null }>(
    sql`/* lockDiff */ select approval_status, decision_comment from config_diffs where diff_id = ${diffId} for no key update`,
  )
  const [row] = rows
  return row ? { status: row.approval_status, comment: row.decision_comment } : null
}

export async function updateDecision(
  transaction: TenantTransaction,
  diffId: string,
  { status, comment }: DiffDecision,
): Promise<void> {
  const ifIt = (is: ApprovalStatus, value: Sql) => (status === is ? value : sql`null`)
  await transaction.query(sql`/* updateDecision */ update config_diffs set approval_status = ${status}, decision_comment = ${comment},
    approved_by = ${ifIt('approved', sql`current_actor_id()`)}, approved_at = ${ifIt('approved', sql`now()`)},
    rejected_by = ${ifIt('rejected', sql`current_actor_id()`)}, rejected_at = ${ifIt('rejected', sql`now()`)}
    where diff_id = ${diffId}`)
}

export async function insertDiff(
  transaction: TenantTransaction,
  diff: {
    configId: string
    versionBefore: string
    versionAfter: string
    diffYaml: string
    changes: ConfigChange[]
  },
): Promise<string> {
  const rows = await transaction.query<{ diff_id: string }>(sql`/* insertDiff */
    insert into config_diffs (config_id, version_before, version_after, diff_yaml, change_summary)
    values (${diff.configId}, ${diff.versionBefore}, ${diff.versionAfter}, ${diff.diffYaml}, ${stringifyExactly(diff.changes)})
    returning diff_id`)
  return rows[0]!.diff_id
}

/** The diff that was stored with a version; null where it has none, as the first has not. */
export async function findDiffTo(transaction: TenantTransaction, versionId: string): Promise<string | null> {
  const rows = await transaction.query<{ diff_id: string }>(sql`/* findDiffTo */
    select diff_id from config_diffs where version_after = ${versionId}`)
  return rows[0]?.diff_id ?? null
}
