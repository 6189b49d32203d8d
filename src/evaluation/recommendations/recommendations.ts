import type { TenantTransaction } from '../../db/tenantTransaction.ts'
import { Refusal } from '../../refusal.ts'
import {
  BYTES,
  checkBytes,
  integer,
  LENGTHS,
  number,
  optionalText,
  storableAt,
  text,
} from '../../valueChecks.ts'
import {
  insertRecommendation,
  lockRecommendation,
  type RecommendationInput,
  SOURCE_TABLES,
  sourceExists,
  updateApplied,
  updateFeedback,
} from './recommendationStore.ts'

/**
 * Stores a recommendation and returns its key.
 *
 * @throws Refusal INVALID_VALUE, TOO_LARGE, SOURCE_NOT_FOUND.
 */
export async function createRecommendation(
  transaction: TenantTransaction,
  input: RecommendationInput,
): Promise<string> {
  const description = text(input.description.trim(), LENGTHS.description, ['description'])
  const confidence = number(input.confidence, 0, 1, ['confidence'])
  const suggestedYamlChanges = optionalText(input.suggestedYamlChanges, LENGTHS.any, ['suggestedYamlChanges'])
  checkBytes(suggestedYamlChanges ?? '', BYTES.change, ['suggestedYamlChanges'])
  const table = SOURCE_TABLES[input.sourceType]
  if (table && !(await sourceExists(transaction, table, input.sourceId))) {
    const message = `There is no ${input.sourceType.replace('_', ' ')} ${input.sourceId}.`
    throw new Refusal('SOURCE_NOT_FOUND', message, ['sourceId'])
  }
  return insertRecommendation(transaction, {
    ...input,
    description,
    confidence,
    suggestedYamlChanges,
    impactEstimate: input.impactEstimate && storableAt(input.impactEstimate, ['impactEstimate']),
  })
}

/**
 * Notes that a recommendation was applied, by whoever asks, now.
 *
 * @throws Refusal RECOMMENDATION_NOT_FOUND, RECOMMENDATION_APPLIED.
 */
export async function applyRecommendation(
  transaction: TenantTransaction,
  recommendationId: string,
): Promise<void> {
  const { applied } = await locked(transaction, recommendationId)
  if (applied) {
    const message = `The recommendation ${recommendationId} was already applied.`
    throw new Refusal('RECOMMENDATION_APPLIED', message, ['recommendationId'])
  }
  await updateApplied(transaction, recommendationId)
}

/** 1 (useless) to 5 (great); a later score takes the place. @throws Refusal INVALID_VALUE, RECOMMENDATION_NOT_FOUND. */
export async function giveFeedback(
  transaction: TenantTransaction,
  recommendationId: string,
  score: number,
): Promise<void> {
  integer(score, 1, 5, ['score'])
  await locked(transaction, recommendationId)
  await updateFeedback(transaction, recommendationId, score)
}

async function locked(
  transaction: TenantTransaction,
  recommendationId: string,
): Promise<{ applied: boolean }> {
  const recommendation = await lockRecommendation(transaction, recommendationId)
  if (recommendation === null) {
    const message = `There is no recommendation ${recommendationId}.`
    throw new Refusal('RECOMMENDATION_NOT_FOUND', message, ['recommendationId'])
  }
  return recommendation
}
