import sql, { type Sql } from 'sql-template-tag'
import type { TenantTransaction } from '../../db/tenantTransaction.ts'
import { stringifyExactly } from '../../exactNumbers.ts'
import type { JsonObject } from '../../json.ts'
import { identifier } from '../../reads/catalogue.ts'
import type { ChangeSummary } from '../configurations/configDiff.ts'
import type { RecommendationState } from './generatedStore.ts'

export type SourceType = 'simulation' | 'outcome' | 'config_diff' | 'pattern_analysis'

export interface RecommendationInput {
  sourceType: SourceType
  sourceId: string
  recommendationType: string
  description: string
  suggestedYamlChanges: string | null
  impactEstimate: JsonObject | null
  /** 0 to 1. */
  confidence: number
}

/** Where a source is looked up; an analysis of patterns is kept nowhere. */
export const SOURCE_TABLES: Record<SourceType, { table: string; key: string } | null> = {
  simulation: { table: 'simulations', key: 'simulation_id' },
  outcome: { table: 'outcome_keys', key: 'outcome_id' },
  config_diff: { table: 'config_diffs', key: 'diff_id' },
  pattern_analysis: null,
}

export async function sourceExists(
  transaction: TenantTransaction,
  { table, key }: { table: string; key: string },
  sourceId: string,
): Promise<boolean> {
  const rows = await transaction.query(
    sql`/* sourceExists */ select from ${identifier(table)} where ${identifier(key)} = ${sourceId}`,
  )
  return rows.length > 0
}

export async function insertRecommendation(
  transaction: TenantTransaction,
  recommendation: RecommendationInput,
): Promise<string> {
  const {
    sourceType,
    sourceId,
    recommendationType,
    description,
    suggestedYamlChanges,
    impactEstimate,
    confidence,
  } = recommendation
  const rows = await transaction.query<{ recommendation_id: string }>(sql`/* insertRecommendation */
    insert into recommendations
      (source_type, source_id, recommendation_type, description, suggested_yaml_changes, impact_estimate, confidence)
    values (${sourceType}, ${sourceId}, ${recommendationType}, ${description}, ${suggestedYamlChanges},
      ${impactEstimate && stringifyExactly(impactEstimate)}, ${confidence})
    returning recommendation_id`)
  return rows[0]!.recommendation_id
}

export interface LockedRecommendation {
  state: RecommendationState
  configId: string | null
  configVersionId: string | null
  suggestedChanges: ChangeSummary | null
  restoresVersionId: string | null
  dismissalReason: string | null
}

/** Locks it; null when there is none. */
export async function lockRecommendation(
  transaction: TenantTransaction,
  recommendationId: string,
): Promise<LockedRecommendation | null> {
  const rows = await transaction.query<LockedRecommendation>(sql`/* lockRecommendation */
    select state, config_id as "configId", config_version_id as "configVersionId", suggested_changes as "suggestedChanges",
      restores_version_id as "restoresVersionId", dismissal_reason as "dismissalReason"
    from recommendations where recommendation_id = ${recommendationId} for no key update`)
  return rows[0] ?? null
}

/** `made`: the version that it led to. */
export async function updateApplied(
  transaction: TenantTransaction,
  recommendationId: string,
  made: { versionId: string; diffId: string } | null,
): Promise<void> {
  await transaction.query(sql`/* updateApplied */ update recommendations
    set applied = true, applied_at = now(), applied_by = current_actor_id(), applied_version_id = ${made?.versionId ?? null},
      applied_diff_id = ${made?.diffId ?? null} where recommendation_id = ${recommendationId}`)
}

/** Takes the dismissal back where there is no reason. */
export async function updateDismissed(
  transaction: TenantTransaction,
  recommendationId: string,
  reason: string | null,
): Promise<void> {
  const ifSo = (value: Sql) => (reason === null ? sql`null` : value)
  await transaction.query(sql`/* updateDismissed */ update recommendations
    set dismissed_at = ${ifSo(sql`now()`)}, dismissed_by = ${ifSo(sql`current_actor_id()`)}, dismissal_reason = ${reason}
    where recommendation_id = ${recommendationId}`)
}

export async function updateFeedback(
  transaction: TenantTransaction,
  recommendationId: string,
  score: number,
): Promise<void> {
  await transaction.query(sql`/* updateFeedback */
    update recommendations set feedback_score = ${score} where recommendation_id = ${recommendationId}`)
}
