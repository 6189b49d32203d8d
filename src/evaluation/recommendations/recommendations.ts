import type { TenantTransaction } from '../../db/tenantTransaction.ts'
import { type ErrorCode, Refusal } from '../../refusal.ts'
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
import { findDiffTo, findLatestVersion, findVersionYaml } from '../configurations/configurationStore.ts'
import { createConfigVersion, lockActive } from '../configurations/configurations.ts'
import { lockReferences } from '../deleted/deletedStore.ts'
import type { RecommendationState } from './generatedStore.ts'
import {
  insertRecommendation,
  type LockedRecommendation,
  lockRecommendation,
  type RecommendationInput,
  SOURCE_TABLES,
  sourceExists,
  updateApplied,
  updateDismissed,
  updateFeedback,
} from './recommendationStore.ts'
import { withSuggestedChanges } from './suggestedChange.ts'

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
 * Applies a recommendation, by whoever asks, now: where it suggests a change that Arc can make, as a new version of its configuration, with its diff, else it is
 * only noted.
 *
 * @throws Refusal RECOMMENDATION_NOT_FOUND, RECOMMENDATION_APPLIED, RECOMMENDATION_DISMISSED, RECOMMENDATION_STALE where newer evidence says something
 *   else, or nothing, or the latest version no longer is what it was made for, and what `createConfigVersion` refuses.
 */
export async function applyRecommendation(
  transaction: TenantTransaction,
  recommendationId: string,
): Promise<void> {
  // Before any row's lock: a version may be made.
  await lockReferences(transaction, 'shared')
  const recommendation = await locked(transaction, recommendationId)
  if (recommendation.state !== 'open') throw notOpen(recommendationId, recommendation.state)
  await updateApplied(
    transaction,
    recommendationId,
    await madeOf(transaction, recommendationId, recommendation),
  )
}

async function madeOf(
  transaction: TenantTransaction,
  recommendationId: string,
  { configId, configVersionId, suggestedChanges, restoresVersionId }: LockedRecommendation,
): Promise<{ versionId: string; diffId: string } | null> {
  if (configId === null || (suggestedChanges === null && restoresVersionId === null)) return null
  await lockActive(transaction, configId)
  const latest = await findLatestVersion(transaction, configId, true)
  if (latest === null)
    throw new Refusal(
      'RECOMMENDATION_STALE',
      `The recommendation ${recommendationId} cannot be applied: all versions of its configuration are withdrawn.`,
      ['recommendationId'],
    )
  let yaml: string
  if (suggestedChanges !== null)
    yaml = withSuggestedChanges(latest.rawYaml, suggestedChanges, recommendationId)
  else {
    const [madeFor, earlier] = await Promise.all([
      findVersionYaml(transaction, configId, configVersionId!),
      findVersionYaml(transaction, configId, restoresVersionId!),
    ])
    if (latest.rawYaml !== madeFor)
      throw new Refusal(
        'RECOMMENDATION_STALE',
        `The recommendation ${recommendationId} cannot be applied: the latest version is ${latest.versionNumber}, of which it says nothing.`,
        ['recommendationId'],
      )
    yaml = earlier!
  }
  const { versionId } = await createConfigVersion(transaction, {
    configId,
    yaml,
    generatedBy: 'optimization',
    createdAt: null,
  })
  const diffId = await findDiffTo(transaction, versionId)
  return { versionId, diffId: diffId! }
}

/**
 * Dismisses a recommendation, for a reason: the same evidence makes it not again. The same reason again changes nothing.
 *
 * @throws Refusal INVALID_VALUE, RECOMMENDATION_NOT_FOUND, RECOMMENDATION_APPLIED, RECOMMENDATION_DISMISSED for another reason, RECOMMENDATION_STALE.
 */
export async function dismissRecommendation(
  transaction: TenantTransaction,
  recommendationId: string,
  given: string,
): Promise<void> {
  const reason = text(given.trim(), LENGTHS.prose, ['reason'])
  const { state, dismissalReason } = await locked(transaction, recommendationId)
  if (state === 'dismissed' && dismissalReason === reason) return
  if (state !== 'open') throw notOpen(recommendationId, state)
  await updateDismissed(transaction, recommendationId, reason)
}

/** Takes a dismissal back, whoever made it; the audit log keeps it. One that is not dismissed stays as it is. @throws Refusal RECOMMENDATION_NOT_FOUND. */
export async function withdrawDismissal(
  transaction: TenantTransaction,
  recommendationId: string,
): Promise<void> {
  const { state } = await locked(transaction, recommendationId)
  if (state === 'dismissed') await updateDismissed(transaction, recommendationId, null)
}

function notOpen(recommendationId: string, state: Exclude<RecommendationState, 'open'>): Refusal {
  const [code, why] = {
    applied: ['RECOMMENDATION_APPLIED', 'was already applied'],
    dismissed: [
      'RECOMMENDATION_DISMISSED',
      'is dismissed: take that back first (withdrawRecommendationDismissal)',
    ],
    superseded: ['RECOMMENDATION_STALE', 'is superseded: newer evidence has led to another one'],
    obsolete: ['RECOMMENDATION_STALE', 'is obsolete: what it rests on is not so any more'],
  }[state] as [ErrorCode, string]
  return new Refusal(code, `The recommendation ${recommendationId} ${why}.`, ['recommendationId'])
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
): Promise<LockedRecommendation> {
  const recommendation = await lockRecommendation(transaction, recommendationId)
  if (recommendation === null) {
    const message = `There is no recommendation ${recommendationId}.`
    throw new Refusal('RECOMMENDATION_NOT_FOUND', message, ['recommendationId'])
  }
  return recommendation
}
