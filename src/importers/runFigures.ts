import type { ArcClient } from '../client/arcClient.ts'
import { SimulationFiguresDocument } from '../client/operations.ts'
import type { ImportedOutcome } from './format.ts'
import { unlessForbidden } from './unlessForbidden.ts'

/** What the simulation has come to, with all that is in Arc of it now. */
export interface RunFigures {
  graded: number
  passed: number
  /** Sum of the scores. */
  scores: number
  /** Null where nothing states any. */
  tokens: number | null
  costUsd: number | null
  toolCalls: number
}

/** Read back; to a key that only brings results in, what the file says of the records that are `there`. */
export async function figuresOf(
  client: ArcClient,
  simulationId: string,
  there: ImportedOutcome[],
): Promise<RunFigures> {
  const answer = await unlessForbidden(client.request(SimulationFiguresDocument, { simulationId }))
  if (answer?.simulation) {
    const { currentScore, scoredScenarios, totalTokens, totalCostUsd, passed, toolAnalytics } =
      answer.simulation
    return {
      graded: scoredScenarios,
      passed: passed.totalCount,
      scores: (currentScore ?? 0) * scoredScenarios,
      tokens: totalTokens,
      costUsd: totalCostUsd,
      toolCalls: toolAnalytics.nodes.reduce((total, { calls }) => total + calls, 0),
    }
  }
  const graded = there.filter(({ reliabilityScore }) => reliabilityScore != null)
  const tokens = there.flatMap(({ tokensUsed }) => tokensUsed ?? [])
  const costs = there.flatMap(({ costUsd }) => costUsd ?? [])
  return {
    graded: graded.length,
    // Not by the score: a promptfoo test passes with less than 1 when its threshold says so.
    passed: graded.filter(({ status }) => status === 'success').length,
    scores: sum(graded.map(({ reliabilityScore }) => reliabilityScore!)),
    tokens: tokens.length === 0 ? null : sum(tokens),
    costUsd: costs.length === 0 ? null : sum(costs),
    toolCalls: sum(there.flatMap(({ toolUsage }) => toolUsage?.map(({ callCount }) => callCount) ?? [])),
  }
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
