import type { Sql } from '../../db/tenantTransaction.ts'
import type { JsonObject } from '../../json.ts'

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
  sql: Sql,
  { table, key }: { table: string; key: string },
  sourceId: string,
): Promise<boolean> {
  const rows = await sql.query(`/* sourceExists */ select from ${table} where ${key} = $1`, [sourceId])
  return rows.length > 0
}

export async function insertRecommendation(sql: Sql, recommendation: RecommendationInput): Promise<string> {
  const rows = await sql.query<{ recommendation_id: string }>(
    `/* insertRecommendation */
    insert into recommendations
      (source_type, source_id, recommendation_type, description, suggested_yaml_changes, impact_estimate, confidence)
    values ($1, $2, $3, $4, $5, $6, $7)
    returning recommendation_id`,
    [
      recommendation.sourceType,
      recommendation.sourceId,
      recommendation.recommendationType,
      recommendation.description,
      recommendation.suggestedYamlChanges,
      recommendation.impactEstimate && JSON.stringify(recommendation.impactEstimate),
      recommendation.confidence,
    ],
  )
  return rows[0]!.recommendation_id
}

/** Locks it; null when there is none. */
export async function lockRecommendation(
  sql: Sql,
  recommendationId: string,
): Promise<{ applied: boolean } | null> {
  const rows = await sql.query<{ applied: boolean }>(
    `/* lockRecommendation */ select applied from recommendations where recommendation_id = $1 for no key update`,
    [recommendationId],
  )
  return rows[0] ?? null
}

export async function updateApplied(sql: Sql, recommendationId: string): Promise<void> {
  await sql.query(
    `/* updateApplied */ update recommendations
    set applied = true, applied_at = now(), applied_by = current_actor_id() where recommendation_id = $1`,
    [recommendationId],
  )
}

export async function updateFeedback(sql: Sql, recommendationId: string, score: number): Promise<void> {
  await sql.query(
    `/* updateFeedback */ update recommendations set feedback_score = $2 where recommendation_id = $1`,
    [recommendationId, score],
  )
}
