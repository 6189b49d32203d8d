import { randomUUID } from 'node:crypto'
import { expect } from 'vitest'
import type { Tenant } from './arc.ts'
import { type Of, type Operation, SCENARIOS } from './resultOperations.ts'
import { MAX_TOKENS, type ModelOutcome, type ModelSimulation, ResultsModel } from './resultsModel.ts'

const TRAJECTORY = { status: 'done', start_time: '2026-01-01T00:00:00Z' }

/** A tenant, and what it should be answered. */
export class ResultSequence {
  readonly model = new ResultsModel()
  readonly tenant: Tenant
  readonly versions: { versionId: string; configId: string; model: string }[] = []
  readonly #sent: Partial<ModelOutcome>[] = []
  /** By the key of what was deleted. */
  readonly #deletions = new Map<string, string>()

  constructor(tenant: Tenant) {
    this.tenant = tenant
  }

  readonly #newIds = Array.from({ length: 4 }, () => randomUUID())

  async begin(): Promise<void> {
    for (const model of ['one', 'other']) {
      const yaml = `model: ${model}\ntemperature: 0.5\n`
      this.versions.push({ ...(await this.tenant.configVersion(`agent ${model}`, yaml)), model })
    }
    await this.tenant.scenarios(...SCENARIOS)
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
    const { versionId, configId } = this.versions[version]!
    const input = { ...asked, configVersionId: versionId, createdAt, start }
    const { startSimulation } = await this.tenant.data(
      `mutation ($input: StartSimulationInput!) {
        startSimulation(input: $input) { simulation { simulationId } errors { code message path } }
      }`,
      { input },
    )
    const isGone = asked.scenarioIds.some((id) => this.model.deletedScenarios.has(id))
    const refusals = this.#deletions.has(configId)
      ? ['CONFIG_VERSION_NOT_FOUND']
      : isGone
        ? ['SCENARIO_NOT_FOUND']
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
    // tokensUsed follows, and the model is the version's where it is not told.
    const call = () =>
      this.tenant.record(
        sent.map(({ tokensUsed, model, ...input }) => ({
          ...input,
          model: model === this.#modelOf(input.simulationId!) ? undefined : model,
          trajectory: TRAJECTORY,
        })),
      )
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
    const { simulationId } = this.#picked(simulation)
    const outcomeId = id === null ? undefined : this.#knownOrNew(id)
    return {
      ...one,
      repetition: repetition ?? undefined,
      outcomeId,
      simulationId,
      model: model ?? this.#modelOf(simulationId),
      errorCategory: one.status === 'SUCCESS' ? null : 'TOOL_ERROR',
      tokensUsed: promptTokens === null || completionTokens === null ? null : promptTokens + completionTokens,
    }
  }

  #modelOf(simulationId: string): string {
    const { versionId } = this.model.simulations.get(simulationId)!
    return this.versions.find((version) => version.versionId === versionId)!.model
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
          this.model.codeOfStranger(row.scenarioId!),
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
    const { outcomes } = await this.tenant.data(
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
    const { amendOutcomes } = await this.tenant.data(
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
      // The total of two halves, of which the other is given.
      const both = promptTokens !== undefined && completionTokens !== undefined && tokensUsed === undefined
      const verdict = this.model.amend(both ? { ...set, tokensUsed: promptTokens! + completionTokens! } : set)
      // What is rejected may come again.
      if (verdict.status !== 'REJECTED') seen.add(set.outcomeId)
      return verdict
    })
    expect(
      amendOutcomes.receipts.map(({ status, code }: any) => ({ status, code })),
      JSON.stringify(sets),
    ).toEqual(expected)
  }

  async #extend({ simulation: number, scenarioIds, repetitions }: Of<'extend'>): Promise<void> {
    const simulation = this.#picked(number)
    const { extendSimulation } = await this.tenant.data(
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
    const data = await this.tenant.data(
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
    const { configId } = this.versions.find((version) => version.versionId === versionId)!
    const isHeld = deleted !== null && this.#deletions.has(configId)
    const refusals = await this.#deleteOrTakeBack(simulationId, 'Simulation', 'simulationId')
    expect(refusals).toEqual(isHeld ? ['CONFIGURATION_DELETED'] : [])
    if (isHeld) return
    simulation.deleted = deleted ? null : 'alone'
    if (deleted) this.#takeBackScenariosOf([simulation])
  }

  async #deleteConfiguration({ version }: Of<'deleteConfiguration'>): Promise<void> {
    const { versionId, configId } = this.versions[version]!
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
    const { done } = await this.tenant.data(
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
    const { addOutcomeNote } = await this.tenant.data(
      `mutation ($input: AddOutcomeNoteInput!) { addOutcomeNote(input: $input) { errors { code } } }`,
      { input: { outcomeId, text } },
    )
    const isGone = this.model.simulations.get(simulationId)!.deleted !== null
    expect(addOutcomeNote.errors).toEqual(isGone ? [{ code: 'OUTCOME_NOT_FOUND' }] : [])
    if (!isGone) notes.set(outcomeId, [...(notes.get(outcomeId) ?? []), text])
  }

  /** Takes back what is deleted, and has a model of what is there then, as it is told: its figures are to agree with it. */
  async learn(): Promise<void> {
    const { deletions } = await this.tenant.data(
      '{ deletions(first: 100) { nodes { deletionId kind withDeletionId } } }',
    )
    const order = ['CONFIGURATION', 'SIMULATION', 'SCENARIO']
    const alone = deletions.nodes
      .filter(({ withDeletionId }: any) => withDeletionId === null)
      .sort((a: any, b: any) => order.indexOf(a.kind) - order.indexOf(b.kind))
    // A scenario comes back with a simulation that runs it.
    for (const { deletionId } of alone)
      await this.tenant.data(
        'mutation ($deletionId: UUID!) { undelete(input: { deletionId: $deletionId }) { errors { code } } }',
        { deletionId },
      )
    this.#deletions.clear()
    this.model.deletedScenarios.clear()
    const { simulations, outcomes } = await this.tenant.data(
      `{ simulations(first: 100) { nodes {
          simulationId configVersion { versionId } scenarioSet repetitions maxRetries status createdAt
        } }
        outcomes(first: 500) { nodes {
          outcomeId simulationId scenarioId repetition retryCount status executionTime reliabilityScore executionTimeMs
          promptTokens completionTokens tokensUsed costUsd errorCategory model notes(first: 100) { nodes { text } }
          toolUsage(first: 20) { nodes { toolName callCount successRate avgDurationMs totalCostUsd errorTypes } }
          failurePatterns(first: 20) { nodes { failureType failureCategory errorMessage } }
        } } }`,
    )
    this.model.simulations.clear()
    for (const { configVersion, scenarioSet, ...simulation } of simulations.nodes)
      this.model.simulations.set(simulation.simulationId, {
        ...simulation,
        ...configVersion,
        scenarioIds: scenarioSet,
        result: {},
        deleted: null,
      })
    this.model.outcomes.clear()
    this.model.notes.clear()
    for (const { notes, toolUsage, failurePatterns, ...outcome } of outcomes.nodes) {
      this.model.outcomes.set(outcome.outcomeId, {
        ...outcome,
        toolUsage: toolUsage.nodes,
        failurePatterns: failurePatterns.nodes,
      })
      this.model.notes.set(
        outcome.outcomeId,
        notes.nodes.map(({ text }: any) => text),
      )
    }
  }

  /** The versions of configurations that are not deleted. */
  seenVersions() {
    return this.versions.filter(({ configId }) => !this.#deletions.has(configId))
  }
}
