import { expect } from 'vitest'
import type { Arc, Tenant } from './arc.ts'
import {
  errorFigures,
  failureFigures,
  performanceFigures,
  rounded,
  runFigures,
  simulationFigures,
  systemFigures,
  toolFigures,
} from './modelFigures.ts'
import { TIMES } from './resultOperations.ts'
import type { ResultSequence } from './resultSequence.ts'
import { inOrder, type ModelOutcome, type ResultsModel } from './resultsModel.ts'
import { summedUp } from './tenantRows.ts'

/** Holds every figure that a tenant is told of its results against what its plain rows come to. */
export class FigureChecks {
  readonly #sequence: ResultSequence
  readonly #tenant: Tenant
  readonly #arc: Arc
  #turn = 0

  constructor(arc: Arc, sequence: ResultSequence) {
    this.#arc = arc
    this.#sequence = sequence
    this.#tenant = sequence.tenant
  }

  get #model(): ResultsModel {
    return this.#sequence.model
  }

  async check(): Promise<void> {
    await summedUp(this.#arc, this.#tenant)
    await this.#checkRows()
    await this.#checkSimulations()
    await this.#checkAggregates()
    await this.#checkChanges()
    await this.#checkFilters()
    await this.#checkOrder()
  }

  /** One list in one order, another each time: in small pages, from both ends, it has each row once. */
  async #checkOrder(): Promise<void> {
    const turn = this.#turn++
    const { list, field, value, size } = ORDERS[turn % ORDERS.length]!
    const direction = Math.floor(turn / ORDERS.length) % 2 === 0 ? 'ASC' : 'DESC'
    const { key, type, rowsOf } = LISTS[list]
    const expected = rowsOf(this.#model)
    for (const [ask, from, edge, more] of [
      ['first', 'after', 'endCursor', 'hasNextPage'],
      ['last', 'before', 'startCursor', 'hasPreviousPage'],
    ] as const) {
      const pages: any[][] = []
      for (let cursor = null, isMore = true; isMore; ) {
        expect(pages.length).toBeLessThanOrEqual(expected.length)
        const data = await this.#tenant.data(
          `query ($cursor: String, $orderBy: ${type}Order) {
            list: ${list}(${ask}: ${size}, ${from}: $cursor, orderBy: $orderBy) {
              totalCount nodes { ${key} ${value} } pageInfo { ${edge} ${more} }
            }
          }`,
          { cursor, orderBy: { field, direction } },
        )
        expect(data.list.totalCount).toBe(expected.length)
        pages.push(data.list.nodes)
        cursor = data.list.pageInfo[edge]
        isMore = data.list.pageInfo[more]
      }
      const rows = (ask === 'first' ? pages : pages.toReversed()).flat()
      expect(rows.map((row) => row[key]).sort()).toEqual(expected.map((row: any) => row[key]).sort())
      const values = rows.map((row) => row[value])
      const known = values.filter((each) => each !== null)
      expect(values.slice(known.length)).toEqual(values.filter((each) => each === null))
      const ascending = known.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0))
      expect(known).toEqual(direction === 'ASC' ? ascending : ascending.toReversed())
    }
  }

  /** As simulations and outcomes are found by what they come to. */
  async #checkFilters(): Promise<void> {
    const figures = this.#model.seenSimulations().map((simulation) => ({
      simulationId: simulation.simulationId,
      ...simulationFigures(this.#model, simulation),
    }))
    for (const field of ['totalCostUsd', 'totalTokens', 'executionTimeMs', 'overallScore'] as const) {
      const values = figures.map((each) => each[field])
      const value = known(values)[this.#turn % Math.max(known(values).length, 1)] ?? 1
      // A sum of costs may have more digits than a number of JavaScript, and a mean has more than the model’s.
      const bound = Number.isInteger(value) ? value : value + 0.001
      const { equal, more, less, none } = await this.#tenant.data(
        `query ($bound: Float!) {
          equal: simulations(filter: { ${field}: { eq: $bound } }) { totalCount }
          more: simulations(filter: { ${field}: { gt: $bound } }) { totalCount }
          less: simulations(filter: { ${field}: { lt: $bound } }) { totalCount }
          none: simulations(filter: { ${field}: { isNull: true } }) { totalCount }
        }`,
        { bound },
      )
      const count = (picked: (value: number) => boolean) => known(values).filter(picked).length
      expect([field, bound, equal, more, less, none].map((each) => each.totalCount ?? each)).toEqual([
        field,
        bound,
        count((value) => value === bound),
        count((value) => value > bound),
        count((value) => value < bound),
        values.length - known(values).length,
      ])
    }
  }

  async #checkRows(): Promise<void> {
    const { outcomes } = await this.#tenant.data(
      `{ outcomes(first: 500) { nodes {
        outcomeId simulationId scenarioId repetition retryCount superseded status executionTime reliabilityScore
        executionTimeMs promptTokens completionTokens tokensUsed costUsd errorCategory model
        notes(first: 20) { nodes { text } }
        toolUsage(first: 20) { nodes { ${TOOL} } } failurePatterns(first: 20) { nodes { ${FAILURE} } }
      } } }`,
    )
    const notes = outcomes.nodes.flatMap(({ outcomeId, notes }: any) =>
      notes.nodes.map(({ text }: any) => `${outcomeId} ${text}`),
    )
    const written = this.#model
      .seen()
      .flatMap(({ outcomeId }) =>
        (this.#model.notes.get(outcomeId) ?? []).map((text) => `${outcomeId} ${text}`),
      )
    expect(notes.sort()).toEqual(written.sort())
    const answered = outcomes.nodes.map(({ toolUsage, failurePatterns, notes: _, ...outcome }: any) =>
      inOrder({ ...outcome, toolUsage: toolUsage.nodes, failurePatterns: failurePatterns.nodes }),
    )
    const expected = this.#model
      .seen()
      .map((outcome) =>
        inOrder({ ...outcome, superseded: this.#model.isSuperseded(outcome) } as ModelOutcome),
      )
    expect(sorted(answered)).toEqual(sorted(expected))
  }

  async #checkSimulations(): Promise<void> {
    const { simulations } = await this.#tenant.data(
      `query ($from: DateTime!, $to: DateTime!) { simulations(first: 100) { nodes {
        simulationId status totalScenarios completedScenarios succeededScenarios failedScenarios scoredScenarios
        currentScore overallScore rankingScore totalTokens totalCostUsd executionTimeMs eventSeq
        runs(first: 100) { nodes { scenarioId repetition status attempts reliabilityScore outcomeId startedAt completedAt } }
        hours: performance(grain: HOUR) { ${PERFORMANCE} }
        days: performance(grain: DAY) { ${PERFORMANCE} }
        someDays: performance(grain: DAY, range: { from: $from, to: $to }) { ${PERFORMANCE} }
        events(first: 500) { nodes { seq status totalScenarios completedScenarios succeededScenarios failedScenarios totalCostUsd totalTokens currentScore } }
        outcomes(first: 500) { nodes { eventSeq } }
        toolAnalytics(first: 100, orderBy: { field: TOOL_NAME }) { nodes { ${TOOL_FIGURES} } }
        failureGroups(first: 100) { nodes { ${FAILURE_FIGURES} } }
      } } }`,
      { from: FROM, to: TO },
    )
    const seen = this.#model.seenSimulations()
    expect(simulations.nodes).toHaveLength(seen.length)
    for (const {
      simulationId,
      eventSeq,
      runs,
      hours,
      days,
      someDays,
      events,
      outcomes,
      toolAnalytics,
      failureGroups,
      ...figures
    } of simulations.nodes) {
      const simulation = this.#model.simulations.get(simulationId)!
      const expected = simulationFigures(this.#model, simulation)
      expect(near(figures)).toEqual(near(expected))
      expect(sorted(runs.nodes)).toEqual(sorted(runFigures(this.#model, simulation)))
      expect(near(inUse(hours))).toEqual(
        near(performanceFigures(this.#model, simulationId, 'HOUR', [hours.from ?? '9', '9'])),
      )
      expect(near(inUse(days))).toEqual(near(performanceFigures(this.#model, simulationId, 'DAY')))
      const some = [FROM, TO] as const
      expect(near(inUse(someDays))).toEqual(near(performanceFigures(this.#model, simulationId, 'DAY', some)))
      const own = (outcome: ModelOutcome) => outcome.simulationId === simulationId
      expect(near(toolAnalytics.nodes)).toEqual(near(toolFigures(this.#model, own)))
      expect(sorted(failureGroups.nodes)).toEqual(sorted(failureFigures(this.#model, own)))
      expect(events.nodes.map(({ seq }: any) => seq)).toEqual(
        Array.from({ length: eventSeq }, (_, index) => index + 1),
      )
      for (const outcome of outcomes.nodes) expect(outcome.eventSeq).toBeLessThanOrEqual(eventSeq)
      if (eventSeq > 0) {
        const { seq: _, ...last } = events.nodes.at(-1)
        expect(near(figures)).toMatchObject(near(last))
      }
    }
  }

  async #checkAggregates(): Promise<void> {
    const from = TIMES[3]!
    const answered = await this.#tenant.data(
      `query ($from: DateTime!, $to: DateTime!, $first: DateTime!, $second: DateTime!) {
        systemPerformance(first: 100, filter: { createdAt: { gte: "2026-01-01T00:00:00Z" } }, orderBy: { field: HOUR }) {
          nodes { hour simulations completed failed meanExecutionTimeMs totalCostUsd meanScore }
        }
        errors: errorRates(first: 100, filter: { executionTime: { gte: "2026-01-01T00:00:00Z" }, runs: { gte: 1 } }) { nodes { ${ERRORS} } }
        lateErrors: errorRates(first: 100, filter: { executionTime: { gte: $from }, runs: { gte: 1 } }) { nodes { ${ERRORS} } }
        tools: toolAnalytics(first: 100, orderBy: { field: TOOL_NAME }) { nodes { ${TOOL_FIGURES} } }
        lastTools: toolAnalytics(first: 100, filter: { superseded: false }, orderBy: { field: TOOL_NAME }) { nodes { ${TOOL_FIGURES} } }
        lateTools: toolAnalytics(first: 100, filter: { executionTime: { lt: $from } }, orderBy: { field: TOOL_NAME }) { nodes { ${TOOL_FIGURES} } }
        toolsOfA: toolAnalytics(first: 100, filter: { scenarioId: { eq: "a" } }, orderBy: { field: TOOL_NAME }) { nodes { ${TOOL_FIGURES} } }
        failures: failureGroups(first: 100) { nodes { ${FAILURE_FIGURES} } }
        replacedFailures: failureGroups(first: 100, filter: { superseded: true }) { nodes { ${FAILURE_FIGURES} } }
        configVersions(first: 10) { nodes {
          versionId
          toolAnalytics(first: 100, orderBy: { field: TOOL_NAME }) { nodes { ${TOOL_FIGURES} } }
          failureGroups(first: 100) { nodes { ${FAILURE_FIGURES} } }
        } }
        someErrors: errorRates(first: 100, filter: { executionTime: { gte: $from, lt: $to }, runs: { gte: 1 } }) { nodes { ${ERRORS} } }
        someHours: systemPerformance(first: 100, filter: { createdAt: { gt: $first, lte: $second } }, orderBy: { field: HOUR }) {
          nodes { hour simulations completed failed meanExecutionTimeMs totalCostUsd meanScore }
        }
        someTools: toolAnalytics(first: 100, filter: { executionTime: { gte: $from, lt: $to }, scenarioId: { in: ["a", "b"] } }, orderBy: { field: TOOL_NAME }) { nodes { ${TOOL_FIGURES} } }
        modelOne: outcomes(filter: { model: { eq: "one" } }) { totalCount }
        runsOfOther: simulations(filter: { model: { contains: "THE" } }) { totalCount }
        scenario(scenarioId: "b") {
          toolAnalytics(first: 100, orderBy: { field: TOOL_NAME }) { nodes { ${TOOL_FIGURES} } }
          failureGroups(first: 100) { nodes { ${FAILURE_FIGURES} } }
        }
      }`,
      { from, to: TIMES[5], first: TIMES[0], second: TIMES[1] },
    )
    const model = this.#model
    const isIn = (time: string) => time >= from && time < TIMES[5]!
    expect(sorted(near(answered.someErrors.nodes))).toEqual(
      sorted(errorFigures(model, ({ executionTime }) => isIn(executionTime))),
    )
    expect(near(answered.someHours.nodes)).toEqual(
      near(systemFigures(model, ({ createdAt }) => createdAt > TIMES[0]! && createdAt <= TIMES[1]!)),
    )
    expect(answered.modelOne.totalCount).toBe(
      model.seen().filter((outcome) => outcome.model === 'one').length,
    )
    const other = this.#sequence.versions[1]!.versionId
    expect(answered.runsOfOther.totalCount).toBe(
      model.seenSimulations().filter(({ versionId }) => versionId === other).length,
    )
    const tools = (list: any, picked: (outcome: ModelOutcome) => boolean) =>
      expect(near(list.nodes)).toEqual(near(toolFigures(model, picked)))
    const failures = (list: any, picked: (outcome: ModelOutcome) => boolean) =>
      expect(sorted(list.nodes)).toEqual(sorted(failureFigures(model, picked)))
    expect(near(answered.systemPerformance.nodes)).toEqual(near(systemFigures(model)))
    expect(sorted(near(answered.errors.nodes))).toEqual(sorted(errorFigures(model, () => true)))
    expect(sorted(near(answered.lateErrors.nodes))).toEqual(
      sorted(errorFigures(model, ({ executionTime }) => executionTime >= from)),
    )
    tools(answered.tools, () => true)
    tools(answered.lastTools, (outcome) => !model.isSuperseded(outcome))
    tools(answered.lateTools, ({ executionTime }) => executionTime < from)
    tools(answered.someTools, ({ executionTime, scenarioId }) => isIn(executionTime) && scenarioId !== 'c')
    tools(answered.toolsOfA, ({ scenarioId }) => scenarioId === 'a')
    failures(answered.failures, () => true)
    failures(answered.replacedFailures, (outcome) => model.isSuperseded(outcome))
    for (const { versionId, toolAnalytics, failureGroups } of answered.configVersions.nodes) {
      const ofVersion = ({ simulationId }: ModelOutcome) =>
        model.simulations.get(simulationId)!.versionId === versionId
      tools(toolAnalytics, ofVersion)
      failures(failureGroups, ofVersion)
    }
    expect(answered.configVersions.nodes.map(({ versionId }: any) => versionId).sort()).toEqual(
      this.#sequence
        .seenVersions()
        .map(({ versionId }) => versionId)
        .sort(),
    )
    expect(answered.scenario === null).toBe(model.deletedScenarios.has('b'))
    if (!answered.scenario) return
    tools(answered.scenario.toolAnalytics, ({ scenarioId }) => scenarioId === 'b')
    failures(answered.scenario.failureGroups, ({ scenarioId }) => scenarioId === 'b')
  }

  async #checkChanges(): Promise<void> {
    const read: { seq: number; event: { simulationId: string; seq: number } }[] = []
    for (;;) {
      const { changes } = await this.#tenant.data(
        `query ($afterSeq: SafeInt!) { changes(afterSeq: $afterSeq, first: 7) { seq event { simulationId seq } } }`,
        { afterSeq: read.at(-1)?.seq ?? 0 },
      )
      if (changes.length === 0) break
      read.push(...changes)
    }
    const { latestChange } = await this.#tenant.data('{ latestChange }')
    expect(read.map(({ seq }) => seq)).toEqual(Array.from({ length: latestChange }, (_, index) => index + 1))
    for (const simulationId of this.#model.simulations.keys()) {
      const own = read.filter(({ event }) => event.simulationId === simulationId)
      expect(own.map(({ event }) => event.seq)).toEqual(own.map((_, index) => index + 1))
    }
  }
}

/** Within an hour and a day each. */
const [FROM, TO] = ['2026-01-15T23:30:00.000Z', '2026-03-29T00:30:00.000Z']
const TOOL = 'toolName callCount successRate avgDurationMs totalCostUsd errorTypes'
const FAILURE = 'failureType failureCategory errorMessage'
const PERFORMANCE =
  'from buckets { bucket attempts runs succeeded failed scored meanScore tokens costUsd meanMs }'

const inUse = ({ buckets }: any) => buckets.filter(({ attempts }: any) => attempts > 0)
const ERRORS = 'day scenarioId runs failed errorRate'
const TOOL_FIGURES =
  'toolName calls attempts runs successRate meanDurationMs p95DurationMs totalCostUsd commonErrors { message attempts runs }'
const FAILURE_FIGURES =
  'failureType latest { errorMessage executionTime } failures attempts runs simulations firstTime lastTime'

const LISTS = {
  simulations: {
    key: 'simulationId',
    type: 'Simulation',
    rowsOf: (model: ResultsModel) => model.seenSimulations(),
  },
  outcomes: { key: 'outcomeId', type: 'Outcome', rowsOf: (model: ResultsModel) => model.seen() },
  toolAnalytics: {
    key: 'toolName',
    type: 'ToolAnalytics',
    rowsOf: (model: ResultsModel) => toolFigures(model, () => true),
  },
}

const ORDERS = [
  { list: 'toolAnalytics', field: 'TOTAL_COST_USD', value: 'totalCostUsd', size: 1 },
  { list: 'toolAnalytics', field: 'SUCCESS_RATE', value: 'successRate', size: 1 },
  { list: 'toolAnalytics', field: 'MEAN_DURATION_MS', value: 'meanDurationMs', size: 1 },
  { list: 'toolAnalytics', field: 'RUNS', value: 'runs', size: 1 },
  { list: 'simulations', field: 'TOTAL_COST_USD', value: 'totalCostUsd', size: 1 },
  { list: 'outcomes', field: 'COST_USD', value: 'costUsd', size: 3 },
  { list: 'simulations', field: 'OVERALL_SCORE', value: 'rankingScore', size: 1 },
  { list: 'outcomes', field: 'RELIABILITY_SCORE', value: 'reliabilityScore', size: 3 },
  { list: 'simulations', field: 'TOTAL_TOKENS', value: 'totalTokens', size: 1 },
  { list: 'outcomes', field: 'TOKENS_USED', value: 'tokensUsed', size: 3 },
  { list: 'simulations', field: 'STARTED_AT', value: 'startedAt', size: 2 },
  { list: 'outcomes', field: 'EXECUTION_TIME', value: 'executionTime', size: 4 },
  { list: 'outcomes', field: 'EXECUTION_TIME_MS', value: 'executionTimeMs', size: 4 },
] as const

const known = (values: readonly (number | null)[]) => values.filter((value) => value !== null)

const sorted = (rows: unknown[]) =>
  rows.map((row) => JSON.stringify(isPlain(row) ? Object.entries(row).sort() : row)).sort()

const isPlain = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Means without the digits in which two ways of division differ. Amounts are exact. */
function near<Value>(value: Value): Value {
  return JSON.parse(
    JSON.stringify(value, (name, part) =>
      typeof part === 'number' && /^(mean|current|overall|ranking|p50|p95|success|errorRate)/.test(name)
        ? rounded(part)
        : part,
    ),
  )
}
