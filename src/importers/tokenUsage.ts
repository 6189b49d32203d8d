import type { OutcomeInput } from '../evaluation/outcomeInput.ts'
import { sumOrNull } from './recordReading.ts'

type Tokens = Pick<OutcomeInput, 'tokensUsed' | 'promptTokens' | 'completionTokens'>

const UNKNOWN: Tokens = { tokensUsed: null, promptTokens: null, completionTokens: null }

/**
 * The one rule for all formats: no call of a model takes 0 tokens. Where all of them are 0 although a model was called,
 * the source did not count, and they are not known.
 */
export function knownTokens(tokens: Tokens, wasCalled: boolean): Tokens {
  return wasCalled && Object.values(tokens).every((count) => !count) ? UNKNOWN : tokens
}

/**
 * The same with what they cost: 0 beside tokens that were used, or that nobody counted, means that the source had no price
 * for the model, and the cost is not known.
 */
export function knownUsage(
  given: Tokens,
  costUsd: number | null | undefined,
  wasCalled: boolean,
): Tokens & Pick<OutcomeInput, 'costUsd'> {
  const tokens = knownTokens(given, wasCalled)
  return { ...tokens, costUsd: costUsd === 0 && tokens.tokensUsed !== 0 ? null : (costUsd ?? null) }
}

/**
 * What a model wrote, its reasoning included. Some providers count that within the answer, others (Google) beside it, in
 * the total alone: then the total is more than prompt and answer by at least that. Where it is more by just what was read
 * from a cache or written to one, it is the cache that stands beside (Anthropic).
 */
export function withReasoning({
  prompt,
  completion,
  reasoning,
  total,
  cached = [],
}: {
  prompt: number | null
  completion: number | null
  reasoning: number | null
  total: number | null
  /** Read from caches, and written to them. */
  cached?: (number | null)[]
}): number | null {
  if (!reasoning) return completion
  const together = (completion ?? 0) + reasoning
  if (total === null) return reasoning > (completion ?? 0) ? together : completion
  const beyond = total - (prompt ?? 0) - (completion ?? 0)
  const isCache = beyond > 0 && [...cached, sumOrNull(cached)].includes(beyond)
  return beyond >= reasoning && !isCache ? together : completion
}
