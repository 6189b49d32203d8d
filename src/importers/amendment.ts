import type { OutcomeAmendmentInput, OutcomeInput } from '../client/operations.ts'
import { stepCountOf, trajectoryFields } from '../evaluation/outcomes/trajectory.ts'
import type { JsonObject, JsonValue } from '../json.ts'
import { gradersMetrics } from './grading.ts'
import { asObject } from './recordReading.ts'

/** How a run ended and whether it was good: what a later grade says anew, all of it at once, its metrics as well. */
const VERDICT = ['status', 'reliabilityScore', 'errorCode', 'errorCategory', 'failurePatterns'] as const

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

/** What is stored of an outcome, as far as an amendment depends on it. */
export interface AmendableOutcome {
  metrics: JsonObject
  stepCount: number
}

/**
 * What the file says of an outcome that is stored with other content, by the fields that differ; null where it has
 * nothing to say: a file without the grade that Arc has is the older one, unless it withdraws the grade, and so is one
 * with a grade that has been withdrawn, or with fewer steps and no other grade. What graders added to the `stored` metrics is theirs and stays; to metrics that
 * cannot be seen (null) the file's are added.
 *
 * A trajectory takes the place of one with fewer steps, or with as many and another grade: graders write into it. Of a run that grows in its place, Arc itself leaves what is older.
 */
export function amendmentOf(
  { outcomeId, ...input }: OutcomeInput,
  differences: readonly string[],
  stored: AmendableOutcome | null,
  growsInPlace = false,
): OutcomeAmendmentInput | null {
  const differs = new Set(differences)
  const isWithdrawn = isWithdrawnBy(asObject(input.metrics))
  const storedMetrics = stored?.metrics ?? {}
  if (!isWithdrawn && isWithdrawnBy(storedMetrics)) return null
  if (!isWithdrawn && input.reliabilityScore == null && differs.has('reliabilityScore')) return null
  const steps = differs.has('trajectory') ? stepsOf(input) : 0
  const storedSteps = stored?.stepCount ?? 0
  const isGradedAnew = differs.has('status') || differs.has('reliabilityScore')
  if (!isWithdrawn && !isGradedAnew && steps > 0 && steps < storedSteps) return null
  const metrics = asObject(input.metrics)
  const verdict = [...VERDICT, 'metrics'].some((field) => differs.has(field))
    ? [
        ...VERDICT.map((field) => [field, input[field] ?? null] as const),
        stored
          ? (['metrics', { ...gradersMetrics(storedMetrics), ...metrics }] as const)
          : (['addMetrics', metrics] as const),
      ]
    : []
  const figures = FIGURES.filter((field) => differs.has(field) && input[field] != null).map(
    (field) => [field, input[field]] as const,
  )
  const isMore =
    growsInPlace || (stored !== null && (steps > storedSteps || (isGradedAnew && steps === storedSteps)))
  const actions =
    differs.has('trajectory') && isMore
      ? [['trajectory', input.trajectory] as const, ['trajectoryGrows', growsInPlace] as const]
      : []
  const changes = [...verdict, ...figures, ...actions]
  return changes.length === 0 ? null : { outcomeId: outcomeId!, ...Object.fromEntries(changes) }
}

function stepsOf({ trajectory = null }: Omit<OutcomeInput, 'outcomeId'>): number {
  return stepCountOf(trajectoryFields(trajectory as JsonValue))
}

function isWithdrawnBy({ invalidation }: JsonObject): boolean {
  return invalidation !== undefined && invalidation !== null
}

/** Those of the differences that the amendment leaves. */
export function leftBy(amendment: OutcomeAmendmentInput | null, differences: readonly string[]): string[] {
  const said = Object.keys(amendment ?? {}).map((field) => (field === 'addMetrics' ? 'metrics' : field))
  return differences.filter((field) => !said.includes(field))
}
