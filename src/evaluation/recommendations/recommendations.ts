import type { Sql } from '../../db/tenantTransaction.ts'
import { type JsonObject, storableJson, storableText } from '../../json.ts'
import { Refusal } from '../../refusal.ts'
import {
  insertRecommendation,
  lockRecommendation,
  type RecommendationInput,
  SOURCE_TABLES,
  sourceExists,
  updateApplied,
  updateFeedback,
} from './recommendationStore.ts'

const MIN_DESCRIPTION_LENGTH = 10
const MAX_DESCRIPTION_LENGTH = 10_000
/** Of a change, not of a whole configuration. */
const MAX_YAML_BYTES = 524_288

/**
 * Stores a recommendation and returns its key.
 *
 * @throws Refusal INVALID_VALUE, TOO_LARGE, SOURCE_NOT_FOUND.
 */
export async function createRecommendation(sql: Sql, input: RecommendationInput): Promise<string> {
  const description = storableText(input.description.trim())
  const length = [...description].length
  if (length < MIN_DESCRIPTION_LENGTH || length > MAX_DESCRIPTION_LENGTH) {
    throw new Refusal(
      'INVALID_VALUE',
      `description has ${length} characters; it has to have ${MIN_DESCRIPTION_LENGTH} to ${MAX_DESCRIPTION_LENGTH}.`,
      ['description'],
    )
  }
  if (!(input.confidence >= 0 && input.confidence <= 1)) {
    const message = `confidence is ${input.confidence}; it has to be 0 to 1.`
    throw new Refusal('INVALID_VALUE', message, ['confidence'])
  }
  const yaml = input.suggestedYamlChanges === null ? null : storableText(input.suggestedYamlChanges)
  if (yaml !== null && Buffer.byteLength(yaml) > MAX_YAML_BYTES) {
    throw new Refusal('TOO_LARGE', 'suggestedYamlChanges is larger than 512 KiB.', ['suggestedYamlChanges'])
  }
  const table = SOURCE_TABLES[input.sourceType]
  if (table && !(await sourceExists(sql, table, input.sourceId))) {
    const message = `There is no ${input.sourceType.replace('_', ' ')} ${input.sourceId}.`
    throw new Refusal('SOURCE_NOT_FOUND', message, ['sourceId'])
  }
  return insertRecommendation(sql, {
    ...input,
    description,
    suggestedYamlChanges: yaml,
    impactEstimate: input.impactEstimate && storableEstimate(input.impactEstimate),
  })
}

/**
 * Notes that a recommendation was applied, by whoever asks, now.
 *
 * @throws Refusal RECOMMENDATION_NOT_FOUND, RECOMMENDATION_APPLIED.
 */
export async function applyRecommendation(sql: Sql, recommendationId: string): Promise<void> {
  const { applied } = await locked(sql, recommendationId)
  if (applied) {
    const message = `The recommendation ${recommendationId} was applied before.`
    throw new Refusal('RECOMMENDATION_APPLIED', message, ['recommendationId'])
  }
  await updateApplied(sql, recommendationId)
}

/** 1 (useless) to 5 (great); a later score takes the place. @throws Refusal INVALID_VALUE, RECOMMENDATION_NOT_FOUND. */
export async function giveFeedback(sql: Sql, recommendationId: string, score: number): Promise<void> {
  if (!Number.isInteger(score) || score < 1 || score > 5) {
    throw new Refusal('INVALID_VALUE', `score is ${score}; it has to be 1 to 5.`, ['score'])
  }
  await locked(sql, recommendationId)
  await updateFeedback(sql, recommendationId, score)
}

async function locked(sql: Sql, recommendationId: string): Promise<{ applied: boolean }> {
  const recommendation = await lockRecommendation(sql, recommendationId)
  if (recommendation === null) {
    const message = `There is no recommendation ${recommendationId}.`
    throw new Refusal('RECOMMENDATION_NOT_FOUND', message, ['recommendationId'])
  }
  return recommendation
}

function storableEstimate(estimate: JsonObject): JsonObject {
  try {
    return storableJson(estimate).value as JsonObject
  } catch (error) {
    throw error instanceof Refusal ? error.at('impactEstimate') : error
  }
}
