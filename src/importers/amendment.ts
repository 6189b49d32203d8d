import type { OutcomeAmendmentInput, OutcomeInput } from '../client/operations.ts'
import type { JsonObject } from '../json.ts'
import { gradersMetrics } from './grading.ts'
import { asObject } from './recordReading.ts'

/** How a run ended and whether it was good: what a later grade says anew, all of it at once. */
const VERDICT = [
  'status',
  'reliabilityScore',
  'metrics',
  'errorCode',
  'errorCategory',
  'failurePatterns',
] as const

/**
 * What a run took: a file that does not say it takes nothing back. Not the model: that is the configuration's, and some
 * formats have it in nothing but the file's name.
 */
const FIGURES = [
  'toolUsage',
  'executionTimeMs',
  'tokensUsed',
  'promptTokens',
  'completionTokens',
  'costUsd',
] as const

/**
 * What the file says of an outcome that is stored with other content, by the fields that differ; null where it has
 * nothing to say: a file without the grade that Arc has is the older one, unless it withdraws the grade, and so is one
 * with a grade that has been withdrawn. What graders added to the `stored` metrics is theirs and stays; metrics that
 * cannot be seen (null) are not replaced for their own sake.
 */
export function amendmentOf(
  input: OutcomeInput,
  outcomeId: string,
  differences: readonly string[],
  stored: JsonObject | null,
): OutcomeAmendmentInput | null {
  const differs = new Set(differences)
  const isWithdrawn = isWithdrawnBy(asObject(input.metrics))
  if (!isWithdrawn && isWithdrawnBy(stored ?? {})) return null
  if (!isWithdrawn && input.reliabilityScore == null && differs.has('reliabilityScore')) return null
  const said = { ...input, metrics: { ...gradersMetrics(stored ?? {}), ...asObject(input.metrics) } }
  const verdict = VERDICT.some((field) => differs.has(field) && (stored !== null || field !== 'metrics'))
    ? VERDICT.map((field) => [field, said[field] ?? null] as const)
    : []
  const figures = FIGURES.filter((field) => differs.has(field) && input[field] != null).map(
    (field) => [field, input[field]] as const,
  )
  const changes = [...verdict, ...figures]
  return changes.length === 0 ? null : { outcomeId, ...Object.fromEntries(changes) }
}

function isWithdrawnBy({ invalidation }: JsonObject): boolean {
  return invalidation !== undefined && invalidation !== null
}

/** Those of the differences that the amendment leaves. */
export function leftBy(amendment: OutcomeAmendmentInput | null, differences: readonly string[]): string[] {
  return differences.filter((field) => amendment === null || !(field in amendment))
}
