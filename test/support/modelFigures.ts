import type { ModelOutcome, ModelSimulation, ResultsModel } from './resultsModel.ts'

/** Sums in whole units of a place that the smallest number ends before: what is added up is decimal. */
const PLACES = 350

function exact(value: number): bigint {
  const [digits = '0', power = '0'] = String(value).split('e')
  const [whole = '0', fraction = ''] = digits.split('.')
  return BigInt(whole + fraction) * 10n ** BigInt(PLACES + Number(power) - fraction.length)
}

function inUnits(sum: bigint): number {
  const digits = sum.toString().padStart(PLACES + 1, '0')
  return Number(`${digits.slice(0, -PLACES)}.${digits.slice(-PLACES)}`)
}

const known = (values: readonly (number | null)[]) => values.filter((value) => value !== null)

/** Null when nothing is known. */
export function sum(values: readonly (number | null)[]): number | null {
  const terms = known(values)
  return terms.length === 0 ? null : inUnits(terms.reduce((total, value) => total + exact(value), 0n))
}

export function mean(values: readonly (number | null)[]): number | null {
  const total = sum(values)
  return total === null ? null : rounded(total / known(values).length)
}

export const rounded = (value: number) => Number(value.toFixed(9))

export function groupedBy<Row>(rows: readonly Row[], key: (row: Row) => string): Map<string, Row[]> {
  const groups = new Map<string, Row[]>()
  for (const row of rows) groups.set(key(row), [...(groups.get(key(row)) ?? []), row])
  return groups
}

/** What figures of attempts are made of. */
export type Results = Pick<ResultsModel, 'seen' | 'isSuperseded'>

export const hourOf = (time: string) => `${time.slice(0, 13)}:00:00.000Z`
const earlier = (time: string, ms: number) => new Date(Date.parse(time) - ms).toISOString()
const monthOf = (time: string) => `${time.slice(0, 7)}-01T00:00:00.000Z`
const dayOf = (time: string) => `${time.slice(0, 10)}T00:00:00.000Z`

/** As they add up: a sum may have more digits than a number has. */
function costsOf(model: ResultsModel, { simulationId, result }: ModelSimulation): (number | null)[] {
  if (result.totalCostUsd !== undefined) return [result.totalCostUsd]
  const attempts = [...model.outcomes.values()].filter((o) => o.simulationId === simulationId)
  return attempts.map(({ costUsd }) => costUsd)
}

/** What a simulation should say of itself. */
export function simulationFigures(model: ResultsModel, simulation: ModelSimulation) {
  const attempts = [...model.outcomes.values()].filter((o) => o.simulationId === simulation.simulationId)
  const runs = attempts.filter((attempt) => !model.isSuperseded(attempt))
  const { result, status } = simulation
  const scores = runs.map(({ reliabilityScore }) => reliabilityScore)
  const totalScenarios = simulation.scenarioIds.length * simulation.repetitions
  const overallScore = status === 'COMPLETED' ? (result.overallScore ?? mean(scores)) : null
  return {
    status,
    totalScenarios,
    completedScenarios: runs.length,
    succeededScenarios: runs.filter((run) => run.status === 'SUCCESS').length,
    failedScenarios: runs.filter((run) => run.status !== 'SUCCESS').length,
    scoredScenarios: known(scores).length,
    currentScore: mean(scores),
    overallScore,
    rankingScore: runs.length === totalScenarios ? overallScore : null,
    totalTokens: sum(attempts.map(({ tokensUsed }) => tokensUsed)),
    totalCostUsd: sum(costsOf(model, simulation)),
    executionTimeMs: result.executionTimeMs ?? sum(attempts.map(({ executionTimeMs }) => executionTimeMs)),
  }
}

/** The runs of a simulation, those that wait included. */
export function runFigures(model: ResultsModel, simulation: ModelSimulation) {
  const { simulationId, scenarioIds, repetitions } = simulation
  const isOpen = simulation.status === 'PENDING' || simulation.status === 'RUNNING'
  return scenarioIds.flatMap((scenarioId) =>
    Array.from({ length: repetitions }, (_, index) => {
      const attempts = [...model.outcomes.values()].filter(
        (o) => o.simulationId === simulationId && o.scenarioId === scenarioId && o.repetition === index + 1,
      )
      const last = attempts.find((attempt) => !model.isSuperseded(attempt))
      return {
        scenarioId,
        repetition: index + 1,
        status: last?.status ?? (isOpen ? 'PENDING' : 'CANCELLED'),
        attempts: last ? last.retryCount + 1 : 0,
        reliabilityScore: last?.reliabilityScore ?? null,
        outcomeId: last?.outcomeId ?? null,
        completedAt: last?.executionTime ?? null,
        startedAt: last ? earlier(last.executionTime, last.executionTimeMs ?? 0) : null,
      }
    }),
  )
}

/** Of the buckets that the range touches and in which something ended. */
export function performanceFigures(
  model: Results,
  simulationId: string,
  grain: 'HOUR' | 'DAY' | 'MONTH',
  [from, to]: readonly [string, string] = ['0', '9'],
) {
  const bucketOf = { HOUR: hourOf, DAY: dayOf, MONTH: monthOf }[grain]
  const own = model.seen().filter((o) => o.simulationId === simulationId)
  return [...groupedBy(own, ({ executionTime }) => bucketOf(executionTime))]
    .filter(([bucket]) => bucket >= (from === '0' ? from : bucketOf(from)) && bucket < to)
    .sort()
    .map(([bucket, attempts]) => {
      const runs = attempts.filter((attempt) => !model.isSuperseded(attempt))
      const times = runs.map(({ executionTimeMs }) => executionTimeMs)
      return {
        bucket,
        attempts: attempts.length,
        runs: runs.length,
        succeeded: runs.filter(({ status }) => status === 'SUCCESS').length,
        failed: runs.filter(({ status }) => status !== 'SUCCESS').length,
        scored: known(runs.map(({ reliabilityScore }) => reliabilityScore)).length,
        meanScore: mean(runs.map(({ reliabilityScore }) => reliabilityScore)),
        tokens: sum(attempts.map(({ tokensUsed }) => tokensUsed)),
        costUsd: sum(attempts.map(({ costUsd }) => costUsd)),
        meanMs: mean(times),
      }
    })
}

export function systemFigures(
  model: ResultsModel,
  picked: (simulation: ModelSimulation) => boolean = () => true,
) {
  const seen = model.seenSimulations().filter(picked)
  return [...groupedBy(seen, ({ createdAt }) => hourOf(createdAt))].sort().map(([hour, simulations]) => {
    const figures = simulations.map((simulation) => simulationFigures(model, simulation))
    return {
      hour,
      simulations: simulations.length,
      completed: simulations.filter(({ status }) => status === 'COMPLETED').length,
      failed: simulations.filter(({ status }) => status === 'FAILED').length,
      meanExecutionTimeMs: mean(figures.map(({ executionTimeMs }) => executionTimeMs)),
      totalCostUsd: sum(simulations.flatMap((simulation) => costsOf(model, simulation))),
      meanScore: mean(figures.map(({ overallScore }) => overallScore)),
    }
  })
}

export function errorFigures(model: Results, picked: (outcome: ModelOutcome) => boolean) {
  const runs = model.seen().filter((outcome) => picked(outcome) && !model.isSuperseded(outcome))
  return [...groupedBy(runs, ({ executionTime, scenarioId }) => `${dayOf(executionTime)} ${scenarioId}`)]
    .sort()
    .map(([key, group]) => {
      const failed = group.filter(({ status }) => status !== 'SUCCESS').length
      const [day, scenarioId] = key.split(' ')
      return { day, scenarioId, runs: group.length, failed, errorRate: rounded(failed / group.length) }
    })
}

const COMMON_ERRORS = 5

export function toolFigures(model: Results, picked: (outcome: ModelOutcome) => boolean) {
  const used = model
    .seen()
    .filter(picked)
    .flatMap((outcome) =>
      outcome.toolUsage.map((tool) => ({ ...tool, isLast: !model.isSuperseded(outcome) })),
    )
  return [...groupedBy(used, ({ toolName }) => toolName)].sort().map(([toolName, uses]) => {
    const calls = uses.reduce((total, { callCount }) => total + callCount, 0)
    const timed = uses
      .filter(({ avgDurationMs }) => avgDurationMs !== null)
      .sort((a, b) => a.avgDurationMs! - b.avgDurationMs!)
    const timedCalls = timed.reduce((total, { callCount }) => total + callCount, 0)
    const slow = timed.find(
      (_, index) =>
        timed.slice(0, index + 1).reduce((total, { callCount }) => total + callCount, 0) * 100 >=
        timedCalls * 95,
    )
    const errors = groupedBy(
      uses.flatMap(({ errorTypes, isLast }) => errorTypes.map((message) => ({ message, isLast }))),
      ({ message }) => message,
    )
    const weighted = (values: number[]) => values.reduce((total, value) => total + value, 0)
    return {
      toolName,
      calls,
      attempts: uses.length,
      runs: uses.filter(({ isLast }) => isLast).length,
      successRate: rounded(weighted(uses.map((use) => use.successRate * use.callCount)) / calls),
      meanDurationMs:
        timedCalls === 0
          ? null
          : rounded(weighted(timed.map((use) => use.avgDurationMs! * use.callCount)) / timedCalls),
      p95DurationMs: slow?.avgDurationMs ?? null,
      totalCostUsd: sum(uses.map(({ totalCostUsd }) => totalCostUsd)),
      commonErrors: [...errors]
        .map(([message, of]) => ({
          message,
          attempts: of.length,
          runs: of.filter(({ isLast }) => isLast).length,
        }))
        .sort((a, b) => b.attempts - a.attempts || (a.message < b.message ? -1 : 1))
        .slice(0, COMMON_ERRORS),
    }
  })
}

export function failureFigures(model: Results, picked: (outcome: ModelOutcome) => boolean) {
  const failures = model
    .seen()
    .filter(picked)
    .flatMap((outcome) => outcome.failurePatterns.map((failure) => ({ ...failure, outcome })))
  // No message of the model has a part that varies.
  return [...groupedBy(failures, ({ failureType, errorMessage }) => `${failureType}\n${errorMessage ?? ''}`)]
    .map(([, group]) => {
      const attempts = [...new Set(group.map(({ outcome }) => outcome))]
      const times = group.map(({ outcome }) => outcome.executionTime).sort()
      return {
        failureType: group[0]!.failureType,
        latest: { errorMessage: group[0]!.errorMessage, executionTime: times.at(-1) },
        failures: group.length,
        attempts: attempts.length,
        runs: attempts.filter((outcome) => !model.isSuperseded(outcome)).length,
        simulations: new Set(attempts.map(({ simulationId }) => simulationId)).size,
        firstTime: times[0],
        lastTime: times.at(-1),
      }
    })
    .sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
}
