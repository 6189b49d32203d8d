import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { type Tenant, useArc } from '../support/arc.ts'
import {
  errorFigures,
  failureFigures,
  performanceFigures,
  rounded,
  runFigures,
  simulationFigures,
  systemFigures,
  toolFigures,
} from '../support/modelFigures.ts'
import { type Of, type Operation, operation, SCENARIOS, TIMES } from '../support/resultOperations.ts'
import {
  inOrder,
  MAX_TOKENS,
  type ModelOutcome,
  type ModelSimulation,
  ResultsModel,
} from '../support/resultsModel.ts'

// Everything is asked for at once.
const arc = useArc({ ARC_MAX_COST: '1000000000' })

/** Sequences, and operations of each. */
const SEQUENCES = Number(process.env.ARC_TEST_SEQUENCES ?? 25)
const OPERATIONS = 16

/** A tenant, and what it should be answered. */
class Sequence {
  readonly model = new ResultsModel()
  readonly #tenant: Tenant
  readonly #versions: { versionId: string; configId: string; model: string }[] = []
  readonly #sent: Partial<ModelOutcome>[] = []
  /** By the key of what was deleted. */
  readonly #deletions = new Map<string, string>()

  constructor(tenant: Tenant) {
    this.#tenant = tenant
  }

  readonly #newIds = Array.from({ length: 4 }, () => randomUUID())

  async begin(): Promise<void> {
    for (const model of ['one', 'other']) {
      const yaml = `model: ${model}\ntemperature: 0.5\n`
      this.#versions.push({ ...(await this.#tenant.configVersion(`agent ${model}`, yaml)), model })
    }
    await this.#tenant.scenarios(...SCENARIOS)
  }

  async do(operation: Operation): Promise<void> {
    if (operation.kind !== 'start' && this.model.simulations.size === 0) return
    switch (operation.kind) {
      case 'start':
        return this.#start(operation)
      case 'record':
        return this.#record(operation)
      case 'amend':
        return this.#amend(operation)
      case 'extend':
        return this.#extend(operation)
      case 'end':
        return this.#end(operation)
      case 'delete':
        return this.#delete(operation)
      case 'deleteConfiguration':
        return this.#deleteConfiguration(operation)
      case 'deleteScenario':
        return this.#deleteScenario(operation)
      case 'note':
        return this.#note(operation)
    }
  }

  async #start({ version, createdAt, kind: _, start, ...asked }: Of<'start'>): Promise<void> {
    const { versionId, configId } = this.#versions[version]!
    const input = { ...asked, configVersionId: versionId, createdAt, start }
    const { startSimulation } = await this.#tenant.data(
      `mutation ($input: StartSimulationInput!) {
        startSimulation(input: $input) { simulation { simulationId } errors { code message path } }
      }`,
      { input },
    )
    const isGone = asked.scenarioIds.some((id) => this.model.deletedScenarios.has(id))
    const refusals = this.#deletions.has(configId)
      ? ['CONFIGURATION_DELETED']
      : isGone
        ? ['SCENARIO_DELETED']
        : []
    expect(startSimulation.errors.map(({ code }: any) => code)).toEqual(refusals)
    if (refusals.length > 0) return
    const { simulationId } = startSimulation.simulation
    this.model.simulations.set(simulationId, {
      ...asked,
      simulationId,
      versionId,
      createdAt,
      scenarioIds: [...asked.scenarioIds],
      status: start ? 'RUNNING' : 'PENDING',
      result: {},
      deleted: null,
    })
  }

  #picked(number: number) {
    const all = [...this.model.simulations.values()]
    return all[number % all.length]!
  }

  async #record({ rows, twice }: Of<'record'>): Promise<void> {
    const sent = rows.map((one) => this.#rowOf(one))
    this.#sent.push(...sent)
    // tokensUsed follows.
    const call = () =>
      this.#tenant.record(sent.map(({ tokensUsed, ...input }) => ({ ...input, trajectory: TRAJECTORY })))
    const answers = await Promise.all(twice ? [call(), call()] : [call()])
    // Whichever came first: it is the one that stored something.
    answers.sort((a, b) => b.storedCount - a.storedCount)
    for (const { receipts, errors } of answers) {
      expect(errors).toEqual([])
      await this.#judge(sent, receipts)
    }
  }

  #rowOf({ simulation, id, again, ...one }: Of<'record'>['rows'][number]): Partial<ModelOutcome> {
    if (again !== null && this.#sent.length > 0) return this.#sent[again % this.#sent.length]!
    const { promptTokens, completionTokens, repetition, model } = one
    const { simulationId, versionId } = this.#picked(simulation)
    const outcomeId = id === null ? undefined : this.#knownOrNew(id)
    return {
      ...one,
      repetition: repetition ?? undefined,
      outcomeId,
      simulationId,
      model: model ?? this.#versions.find((version) => version.versionId === versionId)!.model,
      errorCategory: one.status === 'SUCCESS' ? null : 'TOOL_ERROR',
      tokensUsed: promptTokens === null || completionTokens === null ? null : promptTokens + completionTokens,
    }
  }

  #knownOrNew(id: number): string {
    // Of some that are new now and again, so that they come more than once in a call.
    if (id % 3 === 0) return this.#newIds[id % this.#newIds.length]!
    const ids = [...this.model.outcomes.keys()]
    return id % 3 === 1 && ids.length > 0 ? ids[id % ids.length]! : randomUUID()
  }

  async #judge(sent: readonly Partial<ModelOutcome>[], receipts: any[]): Promise<void> {
    this.model.beginCall()
    const wholeOf = (row: Partial<ModelOutcome>, repetition: number) => {
      const whole = { ...row, repetition } as ModelOutcome
      return { ...whole, outcomeId: row.outcomeId ?? this.model.idOf(whole) }
    }
    const isFree = ({ simulationId, repetition }: Partial<ModelOutcome>) =>
      repetition === undefined && (this.model.simulations.get(simulationId!)?.repetitions ?? 1) > 1
    const judged = sent.map((row, index) => ({ row, receipt: receipts[index] }))
    // Repetitions that a row of the call names are not taken by others.
    for (const { row, receipt } of judged.filter(({ row }) => !isFree(row))) {
      const whole = wholeOf(row, row.repetition ?? 1)
      const { status, code, outcomeId } = receipt
      expect({ row: whole, status, code }).toEqual({ row: whole, ...this.model.record(whole) })
      expect(outcomeId).toBe(whole.outcomeId)
    }
    const repetitions = await this.#repetitionsOf(judged.map(({ receipt }) => receipt.outcomeId))
    const refused: ModelOutcome[] = []
    for (const { row, receipt } of judged.filter(({ row }) => isFree(row))) {
      const { status, code, outcomeId } = receipt
      const simulation = this.model.simulations.get(row.simulationId!)!
      if (status === 'STORED' || status === 'DUPLICATE' || status === 'CONFLICT') {
        const whole = wholeOf(row, repetitions.get(outcomeId)!)
        expect(this.model.record({ ...whole, outcomeId })).toEqual({ status, code })
      } else if (code === 'REPETITION_OUT_OF_RANGE' && simulation.scenarioIds.includes(row.scenarioId!)) {
        for (let repetition = 1; repetition <= simulation.repetitions; repetition++)
          refused.push(wholeOf(row, repetition))
      } else {
        expect([
          row.scenarioId === 'nowhere' ? 'SCENARIO_NOT_FOUND' : 'SCENARIO_NOT_IN_SIMULATION',
          'SIMULATION_ENDED',
          'SIMULATION_NOT_FOUND',
          'RETRIES_EXCEEDED',
          'OUTCOME_ID_TAKEN',
        ]).toContain(code)
        if (code.startsWith('SCENARIO')) expect(simulation.scenarioIds).not.toContain(row.scenarioId)
        if (code === 'OUTCOME_ID_TAKEN')
          expect(this.model.outcomes.get(row.outcomeId!)?.simulationId).not.toBe(row.simulationId)
        if (code === 'RETRIES_EXCEEDED') expect(row.retryCount).toBeGreaterThan(simulation.maxRetries)
        if (code === 'SIMULATION_NOT_FOUND') expect(simulation.deleted).not.toBeNull()
        if (code === 'SIMULATION_ENDED')
          expect(['COMPLETED', 'FAILED', 'CANCELLED']).toContain(simulation.status)
      }
    }
    // None was free.
    for (const row of refused) expect(this.model.attemptOf(row), JSON.stringify(row)).toBeDefined()
  }

  async #repetitionsOf(outcomeIds: (string | null)[]): Promise<Map<string, number>> {
    const { outcomes } = await this.#tenant.data(
      `query ($ids: [UUID!]!) {
        outcomes(first: 100, filter: { outcomeId: { in: $ids } }) { nodes { outcomeId repetition } }
      }`,
      { ids: outcomeIds.filter((id) => id !== null) },
    )
    return new Map(outcomes.nodes.map(({ outcomeId, repetition }: any) => [outcomeId, repetition]))
  }

  async #amend({ amendments }: Of<'amend'>): Promise<void> {
    const ids = [...this.model.outcomes.keys()]
    if (ids.length === 0) return
    const seen = new Set<string>()
    const sets = amendments.map(({ outcome, failurePatterns, status, ...set }) => ({
      outcomeId: ids[outcome % ids.length]!,
      ...Object.fromEntries(Object.entries(set).filter(([, value]) => value !== undefined)),
      ...(status === undefined
        ? {}
        : { status, failurePatterns, errorCategory: status === 'SUCCESS' ? null : 'TIMEOUT' }),
    }))
    const { amendOutcomes } = await this.#tenant.data(
      `mutation ($amendments: [OutcomeAmendmentInput!]!) {
        amendOutcomes(input: { amendments: $amendments }) {
          receipts { outcomeId status code path } errors { code message path }
        }
      }`,
      { amendments: sets },
    )
    expect(amendOutcomes.errors).toEqual([])
    const expected = sets.map((set) => {
      if (seen.has(set.outcomeId) || Object.keys(set).length === 1)
        return { status: 'REJECTED', code: 'INVALID_VALUE' }
      const { promptTokens, completionTokens, tokensUsed } = set as Partial<ModelOutcome>
      if (tokensUsed === undefined && (promptTokens ?? 0) + (completionTokens ?? 0) > MAX_TOKENS) {
        return { status: 'REJECTED', code: 'INVALID_VALUE' }
      }
      seen.add(set.outcomeId)
      // The total of two halves, of which the other is given.
      const both = promptTokens !== undefined && completionTokens !== undefined && tokensUsed === undefined
      return this.model.amend(both ? { ...set, tokensUsed: promptTokens! + completionTokens! } : set)
    })
    expect(
      amendOutcomes.receipts.map(({ status, code }: any) => ({ status, code })),
      JSON.stringify(sets),
    ).toEqual(expected)
  }

  async #extend({ simulation: number, scenarioIds, repetitions }: Of<'extend'>): Promise<void> {
    const simulation = this.#picked(number)
    const { extendSimulation } = await this.#tenant.data(
      `mutation ($input: ExtendSimulationInput!) {
        extendSimulation(input: $input) { errors { code message path } }
      }`,
      { input: { simulationId: simulation.simulationId, scenarioIds, repetitions } },
    )
    const added = scenarioIds.filter((id) => !simulation.scenarioIds.includes(id))
    if (added.some((id) => this.model.deletedScenarios.has(id))) {
      expect(extendSimulation.errors).toHaveLength(1)
      return
    }
    if (this.#refusal(simulation.simulationId, extendSimulation.errors)) return
    simulation.scenarioIds.push(...scenarioIds.filter((id) => !simulation.scenarioIds.includes(id)))
    simulation.repetitions = Math.max(simulation.repetitions, repetitions)
  }

  /** Whether a simulation that has ended or is deleted refuses to go on, as it must. */
  #refusal(simulationId: string, errors: { code: string }[]): boolean {
    const { status, deleted } = this.model.simulations.get(simulationId)!
    const expected = deleted
      ? ['SIMULATION_NOT_FOUND']
      : status === 'PENDING' || status === 'RUNNING'
        ? []
        : ['SIMULATION_ENDED']
    expect(errors.map(({ code }) => code)).toEqual(expected)
    return expected.length > 0
  }

  async #end({ simulation: number, how, result }: Of<'end'>): Promise<void> {
    const simulation = this.#picked(number)
    const { simulationId } = simulation
    const input =
      how === 'complete'
        ? { simulationId, result }
        : how === 'fail'
          ? { simulationId, errorMessage: 'gone' }
          : { simulationId }
    const status = { complete: 'COMPLETED', fail: 'FAILED', cancel: 'CANCELLED' }[how]
    // The same end again may be the same.
    if (simulation.status === status) return
    const name = `${how}Simulation`
    const data = await this.#tenant.data(
      `mutation ($input: ${how[0]!.toUpperCase()}${how.slice(1)}SimulationInput!) {
        ${name}(input: $input) { errors { code message path } }
      }`,
      { input },
    )
    if (this.#refusal(simulationId, data[name].errors)) return
    simulation.status = status
    if (how === 'complete') simulation.result = result
  }

  async #delete({ simulation: number }: Of<'delete'>): Promise<void> {
    const simulation = this.#picked(number)
    const { simulationId, versionId, deleted } = simulation
    if (deleted === 'with its configuration') return
    const { configId } = this.#versions.find((version) => version.versionId === versionId)!
    const isHeld = deleted !== null && this.#deletions.has(configId)
    const refusals = await this.#deleteOrTakeBack(simulationId, 'Simulation', 'simulationId')
    expect(refusals).toEqual(isHeld ? ['CONFIGURATION_DELETED'] : [])
    if (isHeld) return
    simulation.deleted = deleted ? null : 'alone'
    if (deleted) this.#takeBackScenariosOf([simulation])
  }

  async #deleteConfiguration({ version }: Of<'deleteConfiguration'>): Promise<void> {
    const { versionId, configId } = this.#versions[version]!
    const wasDeleted = this.#deletions.has(configId)
    expect(await this.#deleteOrTakeBack(configId, 'Configuration', 'configId')).toEqual([])
    const [before, after] = wasDeleted
      ? (['with its configuration', null] as const)
      : ([null, 'with its configuration'] as const)
    const own = [...this.model.simulations.values()].filter(
      (simulation) => simulation.versionId === versionId && simulation.deleted === before,
    )
    for (const simulation of own) simulation.deleted = after
    if (wasDeleted) this.#takeBackScenariosOf(own)
  }

  async #deleteScenario({ scenarioId }: Of<'deleteScenario'>): Promise<void> {
    const { deletedScenarios } = this.model
    const wasDeleted = deletedScenarios.has(scenarioId)
    const isRun = this.model.seenSimulations().some(({ scenarioIds }) => scenarioIds.includes(scenarioId))
    const refusals = await this.#deleteOrTakeBack(scenarioId, 'Scenario', 'scenarioId')
    expect(refusals).toEqual(!wasDeleted && isRun ? ['SCENARIO_IN_USE'] : [])
    if (wasDeleted) deletedScenarios.delete(scenarioId)
    else if (!isRun) deletedScenarios.add(scenarioId)
  }

  #takeBackScenariosOf(simulations: ModelSimulation[]): void {
    for (const { scenarioIds } of simulations)
      for (const id of scenarioIds) {
        this.model.deletedScenarios.delete(id)
        this.#deletions.delete(id)
      }
  }

  /** Deletes it, or takes that back. */
  async #deleteOrTakeBack(key: string, type: string, field: string): Promise<string[]> {
    const deletionId = this.#deletions.get(key)
    const { done } = await this.#tenant.data(
      deletionId
        ? `mutation ($input: UndeleteInput!) { done: undelete(input: $input) { errors { code message } } }`
        : `mutation ($input: Delete${type}Input!) {
            done: delete${type}(input: $input) { deletion { deletionId } errors { code message } }
          }`,
      { input: deletionId ? { deletionId } : { [field]: key } },
    )
    if (done.errors.length === 0) {
      if (deletionId) this.#deletions.delete(key)
      else this.#deletions.set(key, done.deletion.deletionId)
    }
    return done.errors.map(({ code }: any) => code)
  }

  async #note({ outcome: number, text }: Of<'note'>): Promise<void> {
    const { notes, outcomes } = this.model
    const outcome = [...outcomes.values()][number % Math.max(outcomes.size, 1)]
    if (!outcome) return
    const { outcomeId, simulationId } = outcome
    const { addOutcomeNote } = await this.#tenant.data(
      `mutation ($input: AddOutcomeNoteInput!) { addOutcomeNote(input: $input) { errors { code } } }`,
      { input: { outcomeId, text } },
    )
    const isGone = this.model.simulations.get(simulationId)!.deleted !== null
    expect(addOutcomeNote.errors).toEqual(isGone ? [{ code: 'OUTCOME_NOT_FOUND' }] : [])
    if (!isGone) notes.set(outcomeId, [...(notes.get(outcomeId) ?? []), text])
  }

  async check(): Promise<void> {
    await this.#checkRows()
    await this.#checkSimulations()
    await this.#checkAggregates()
    await this.#checkChanges()
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
    const written = this.model
      .seen()
      .flatMap(({ outcomeId }) =>
        (this.model.notes.get(outcomeId) ?? []).map((text) => `${outcomeId} ${text}`),
      )
    expect(notes.sort()).toEqual(written.sort())
    const answered = outcomes.nodes.map(({ toolUsage, failurePatterns, notes: _, ...outcome }: any) =>
      inOrder({ ...outcome, toolUsage: toolUsage.nodes, failurePatterns: failurePatterns.nodes }),
    )
    const expected = this.model
      .seen()
      .map((outcome) => inOrder({ ...outcome, superseded: this.model.isSuperseded(outcome) } as ModelOutcome))
    expect(sorted(answered)).toEqual(sorted(expected))
  }

  async #checkSimulations(): Promise<void> {
    const { simulations } = await this.#tenant.data(
      `query ($from: DateTime!, $to: DateTime!) { simulations(first: 100) { nodes {
        simulationId status totalScenarios completedScenarios succeededScenarios failedScenarios scoredScenarios
        currentScore overallScore rankingScore totalTokens totalCostUsd executionTimeMs eventSeq
        runs(first: 100) { nodes { scenarioId repetition status attempts reliabilityScore outcomeId startedAt completedAt } }
        hours: performance(grain: HOUR, first: 100) { nodes { ${PERFORMANCE} } }
        days: performance(grain: DAY, first: 100) { nodes { ${PERFORMANCE} } }
        someHours: performance(grain: HOUR, first: 100, filter: { bucket: { gte: $from, lt: $to } }) { nodes { ${PERFORMANCE} } }
        someDays: performance(grain: DAY, first: 100, filter: { bucket: { gte: $from, lt: $to } }) { nodes { ${PERFORMANCE} } }
        events(first: 500) { nodes { seq status totalScenarios completedScenarios succeededScenarios failedScenarios totalCostUsd totalTokens currentScore } }
        outcomes(first: 500) { nodes { eventSeq } }
        toolAnalytics(first: 100, orderBy: { field: TOOL_NAME }) { nodes { ${TOOL_FIGURES} } }
        failureGroups(first: 100) { nodes { ${FAILURE_FIGURES} } }
      } } }`,
      { from: FROM, to: TO },
    )
    const seen = this.model.seenSimulations()
    expect(simulations.nodes).toHaveLength(seen.length)
    for (const {
      simulationId,
      eventSeq,
      runs,
      hours,
      days,
      someHours,
      someDays,
      events,
      outcomes,
      toolAnalytics,
      failureGroups,
      ...figures
    } of simulations.nodes) {
      const simulation = this.model.simulations.get(simulationId)!
      const expected = simulationFigures(this.model, simulation)
      expect(near(figures)).toEqual(near(expected))
      expect(sorted(runs.nodes)).toEqual(sorted(runFigures(this.model, simulation)))
      expect(near(hours.nodes)).toEqual(near(performanceFigures(this.model, simulationId, 'HOUR')))
      expect(near(days.nodes)).toEqual(near(performanceFigures(this.model, simulationId, 'DAY')))
      const some = [FROM, TO] as const
      expect(near(someHours.nodes)).toEqual(near(performanceFigures(this.model, simulationId, 'HOUR', some)))
      expect(near(someDays.nodes)).toEqual(near(performanceFigures(this.model, simulationId, 'DAY', some)))
      const own = (outcome: ModelOutcome) => outcome.simulationId === simulationId
      expect(near(toolAnalytics.nodes)).toEqual(near(toolFigures(this.model, own)))
      expect(sorted(failureGroups.nodes)).toEqual(sorted(failureFigures(this.model, own)))
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
    const { model } = this
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
    const other = this.#versions[1]!.versionId
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
      this.#versions
        .filter(({ configId }) => !this.#deletions.has(configId))
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
    for (const simulationId of this.model.simulations.keys()) {
      const own = read.filter(({ event }) => event.simulationId === simulationId)
      expect(own.map(({ event }) => event.seq)).toEqual(own.map((_, index) => index + 1))
    }
  }
}

/** Within an hour and a day each. */
const [FROM, TO] = ['2026-01-15T23:30:00.000Z', '2026-03-29T00:30:00.000Z']
const TRAJECTORY = { status: 'done', start_time: '2026-01-01T00:00:00Z' }
const TOOL = 'toolName callCount successRate avgDurationMs totalCostUsd errorTypes'
const FAILURE = 'failureType failureCategory errorMessage'
const PERFORMANCE = 'bucket attempts outcomes succeeded failed scored meanScore tokens costUsd p50Ms p95Ms'
const ERRORS = 'day scenarioId runs failed errorRate'
const TOOL_FIGURES =
  'toolName calls attempts runs successRate meanDurationMs p95DurationMs totalCostUsd commonErrors { message attempts runs }'
const FAILURE_FIGURES =
  'failureType latest { errorMessage executionTime } failures attempts runs simulations firstTime lastTime'

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

it('every counter and every aggregate is what the plain rows come to, whatever was done in whatever order', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(operation, { minLength: OPERATIONS / 2, maxLength: OPERATIONS, size: 'max' }),
      async (operations) => {
        const sequence = new Sequence(arc.tenant())
        await sequence.begin()
        for (const operation of operations) {
          await sequence.do(operation)
          await sequence.check()
        }
      },
    ),
    { numRuns: SEQUENCES, endOnFailure: true },
  )
}, 600_000)
