import { derivedUuid } from '../../src/uuid.ts'

/** How an outcome was sent, or amended, as the model keeps it. */
export interface ModelOutcome {
  outcomeId: string
  simulationId: string
  scenarioId: string
  repetition: number
  retryCount: number
  status: string
  executionTime: string
  reliabilityScore: number | null
  executionTimeMs: number | null
  promptTokens: number | null
  completionTokens: number | null
  tokensUsed: number | null
  costUsd: number | null
  errorCategory: string | null
  model: string
  toolUsage: ModelTool[]
  failurePatterns: ModelFailure[]
}

interface ModelTool {
  toolName: string
  callCount: number
  successRate: number
  avgDurationMs: number | null
  totalCostUsd: number | null
  errorTypes: string[]
}

interface ModelFailure {
  failureType: string
  failureCategory: string
  errorMessage: string | null
}

export interface ModelSimulation {
  simulationId: string
  versionId: string
  createdAt: string
  scenarioIds: string[]
  repetitions: number
  maxRetries: number
  status: string
  /** What the caller who completed it gave. */
  result: { overallScore?: number; totalCostUsd?: number; executionTimeMs?: number }
  /** What was deleted: it, or its configuration. */
  deleted: 'alone' | 'with its configuration' | null
}

export const MAX_TOKENS = 2 ** 31 - 1

export type Verdict = { status: string; code: string | null }

/**
 * What Arc should have, kept by rules that are written here once more and row by row: no statement is shared, and no
 * order of a batch's rows makes a difference but that the first of two equals is the one that is stored.
 */
export class ResultsModel {
  readonly simulations = new Map<string, ModelSimulation>()
  readonly outcomes = new Map<string, ModelOutcome>()
  readonly deletedScenarios = new Set<string>()
  /** Texts, by outcome. */
  readonly notes = new Map<string, string[]>()
  /** What was stored before the call that is judged: superseded or not. */
  #before = new Map<string, boolean>()

  /** The outcomes that anybody sees. */
  seen(): ModelOutcome[] {
    return [...this.outcomes.values()].filter(
      ({ simulationId }) => this.simulations.get(simulationId)!.deleted === null,
    )
  }

  seenSimulations(): ModelSimulation[] {
    return [...this.simulations.values()].filter(({ deleted }) => deleted === null)
  }

  beginCall(): void {
    this.#before = new Map(
      [...this.outcomes].map(([outcomeId, outcome]) => [outcomeId, this.isSuperseded(outcome)]),
    )
  }

  /** The id of a row that has none: that of its attempt, where that was the last of its run or came in the same call. */
  idOf(row: Pick<ModelOutcome, 'simulationId' | 'scenarioId' | 'repetition' | 'retryCount'>): string {
    const attempt = this.attemptOf(row)
    return attempt && !this.#before.get(attempt.outcomeId) ? attempt.outcomeId : idOfAttempt(row)
  }

  isSuperseded({ outcomeId, simulationId, scenarioId, repetition, retryCount }: ModelOutcome): boolean {
    return [...this.outcomes.values()].some(
      (other) =>
        other.outcomeId !== outcomeId &&
        other.simulationId === simulationId &&
        other.scenarioId === scenarioId &&
        other.repetition === repetition &&
        other.retryCount > retryCount,
    )
  }

  /** A row that names its repetition. */
  record(row: ModelOutcome): Verdict {
    const simulation = this.simulations.get(row.simulationId)
    if (!simulation || simulation.deleted !== null) return rejected('SIMULATION_NOT_FOUND')
    const known = this.outcomes.get(row.outcomeId)
    if (known) {
      if (known.simulationId !== row.simulationId) return rejected('OUTCOME_ID_TAKEN')
      return isEqual(known, row)
        ? { status: 'DUPLICATE', code: null }
        : { status: 'CONFLICT', code: 'CONFLICT' }
    }
    if (simulation.status !== 'PENDING' && simulation.status !== 'RUNNING')
      return rejected('SIMULATION_ENDED')
    if (!simulation.scenarioIds.includes(row.scenarioId)) return rejected(this.codeOfStranger(row.scenarioId))
    if (row.repetition > simulation.repetitions) return rejected('REPETITION_OUT_OF_RANGE')
    if (row.retryCount > simulation.maxRetries) return rejected('RETRIES_EXCEEDED')
    if (this.attemptOf(row)) return rejected('ATTEMPT_ALREADY_RECORDED')
    this.outcomes.set(row.outcomeId, row)
    simulation.status = 'RUNNING'
    return { status: 'STORED', code: null }
  }

  amend({ outcomeId, ...set }: Partial<ModelOutcome> & { outcomeId: string }): Verdict {
    const before = this.outcomes.get(outcomeId)
    if (!before || this.simulations.get(before.simulationId)!.deleted !== null)
      return rejected('OUTCOME_NOT_FOUND')
    const after = { ...before, ...set }
    if (set.promptTokens !== undefined || set.completionTokens !== undefined) {
      const isSum = before.tokensUsed === null || before.tokensUsed === sumOf(before)
      if (set.tokensUsed === undefined && isSum) after.tokensUsed = sumOf(after) ?? before.tokensUsed
      if ((after.tokensUsed ?? 0) > MAX_TOKENS) return rejected('INVALID_VALUE')
    }
    if (isEqual(before, after)) return { status: 'UNCHANGED', code: null }
    this.outcomes.set(outcomeId, after)
    return { status: 'AMENDED', code: null }
  }

  codeOfStranger(scenarioId: string): string {
    if (scenarioId === 'nowhere') return 'SCENARIO_NOT_FOUND'
    return this.deletedScenarios.has(scenarioId) ? 'SCENARIO_DELETED' : 'SCENARIO_NOT_IN_SIMULATION'
  }

  attemptOf(row: Pick<ModelOutcome, 'simulationId' | 'scenarioId' | 'repetition' | 'retryCount'>) {
    return [...this.outcomes.values()].find(
      (other) =>
        other.simulationId === row.simulationId &&
        other.scenarioId === row.scenarioId &&
        other.repetition === row.repetition &&
        other.retryCount === row.retryCount,
    )
  }
}

const rejected = (code: string): Verdict => ({ status: 'REJECTED', code })

function sumOf({ promptTokens, completionTokens }: ModelOutcome): number | null {
  return promptTokens === null || completionTokens === null ? null : promptTokens + completionTokens
}

function isEqual(one: ModelOutcome, other: ModelOutcome): boolean {
  return JSON.stringify(inOrder(one)) === JSON.stringify(inOrder(other))
}

/** With tools and failures in an order of their own. */
export function inOrder(outcome: ModelOutcome): unknown {
  const sorted = (parts: object[]) => parts.map((part) => JSON.stringify(Object.entries(part).sort())).sort()
  const { toolUsage, failurePatterns, ...rest } = outcome
  return Object.entries({
    ...rest,
    toolUsage: sorted(toolUsage),
    failurePatterns: sorted(failurePatterns),
  }).sort(([a], [b]) => (a < b ? -1 : 1))
}

/** The id of an attempt for which nobody chose one. */
function idOfAttempt(
  row: Pick<ModelOutcome, 'simulationId' | 'scenarioId' | 'repetition' | 'retryCount'>,
): string {
  const { simulationId, scenarioId, repetition, retryCount } = row
  const digest = derivedUuid([simulationId, scenarioId, repetition, retryCount].join('/'))
  return simulationId.slice(0, 13) + digest.slice(13)
}
