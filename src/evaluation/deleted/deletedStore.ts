import sql, { type Sql } from 'sql-template-tag'
import type { TenantTransaction } from '../../db/tenantTransaction.ts'

export type DeletedKind = 'configuration' | 'scenario' | 'simulation'

/** What is deleted and not yet gone for good. */
export interface StoredDeletion {
  deletionId: string
  kind: DeletedKind
  /** The key of what is deleted. */
  key: string
  name: string
  /** Of a simulation: the configuration that it ran. */
  ofConfigId: string | null
  deletedAt: Date
  /** Whether it is being deleted for good. */
  final: boolean
}

/**
 * Keeps what is being deleted and who changes it or begins to refer to it apart, in one tenant, until the transaction ends:
 * whoever looks after this sees what the other has done. (Who waited for a row alone would not: PostgreSQL takes the policy's
 * answer from before it waited.) It comes before any row's lock. Ingestion looks by itself.
 */
export async function lockReferences(
  transaction: TenantTransaction,
  mode: 'shared' | 'exclusive',
): Promise<void> {
  const key = sql`hashtextextended('arc.deletions/' || current_user_id(), 0)`
  await transaction.query(
    mode === 'shared'
      ? sql`/* shareReferences */ select pg_advisory_xact_lock_shared(${key})`
      : sql`/* lockReferences */ select pg_advisory_xact_lock(${key})`,
  )
}

export async function findDeletion(
  transaction: TenantTransaction,
  deletionId: string,
): Promise<StoredDeletion | null> {
  const [found] = await findWhere(transaction, sql`deletion_id = ${deletionId}`)
  return found ?? null
}

/** Of a configuration, scenario or simulation with that key. */
export async function findDeletionOf(
  transaction: TenantTransaction,
  kind: DeletedKind,
  key: string,
): Promise<StoredDeletion | null> {
  const [found] = await findWhere(
    transaction,
    {
      configuration: sql`config_id = ${key}`,
      scenario: sql`scenario_id = ${key}`,
      simulation: sql`simulation_id = ${key}`,
    }[kind],
  )
  return found ?? null
}

/** Those of the scenarios that are deleted. */
export function findDeletedScenarios(
  transaction: TenantTransaction,
  scenarioIds: readonly string[],
): Promise<StoredDeletion[]> {
  return findWhere(transaction, sql`scenario_id = any (${scenarioIds}::text[])`)
}

async function findWhere(transaction: TenantTransaction, condition: Sql): Promise<StoredDeletion[]> {
  const rows = await transaction.query<{
    deletion_id: string
    kind: DeletedKind
    key: string
    name: string
    of_config_id: string | null
    deleted_at: Date
    final: boolean
  }>(sql`/* findDeletion */
    select deletion_id, kind, coalesce(simulation_id::text, config_id::text, scenario_id) as key, name, of_config_id, deleted_at,
      coalesce(purge_at <= now(), false) as final
    from deletions where ${condition}`)
  return rows.map((row) => ({
    deletionId: row.deletion_id,
    kind: row.kind,
    key: row.key,
    name: row.name,
    ofConfigId: row.of_config_id,
    deletedAt: row.deleted_at,
    final: row.final,
  }))
}
