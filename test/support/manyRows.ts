import { randomUUID } from 'node:crypto'
import { expect } from 'vitest'
import { insertAlerts } from './alertRows.ts'
import type { Arc, Tenant } from './arc.ts'
import { at, giveVectors, groupNow } from './failureVectors.ts'
import { insertMade } from './madeRows.ts'
import { summedUp } from './tenantRows.ts'

const SCENARIOS = ['a', 'b', 'c', 'd']
const REPETITIONS = 12
const FAILURE_TYPES = ['One', 'Two', 'Three', 'Four']
/** Families whose versions both have a completed simulation. */
const COMPARED = 3

/** What a recommendation follows from. */
type Source = [type: string, id: string]

/** A tenant's rows for lists: several in each, with ties and gaps in what they are ordered by. */
export class ManyRows {
  readonly tenant: Tenant
  readonly #arc: Arc
  #configId = ''
  #versionId = ''
  #simulationId = ''
  #recorded = 0
  #made = 0
  #sources: Source[] = []

  constructor(arc: Arc) {
    this.#arc = arc
    this.tenant = arc.tenant()
  }

  async fill(): Promise<void> {
    const { configId, versionId } = await this.tenant.configVersion('agent', 'model: m\ntemperature: 0\n')
    this.#configId = configId
    this.#versionId = versionId
    await this.tenant.scenarios(...SCENARIOS)
    this.#simulationId = await this.#start(versionId, { repetitions: REPETITIONS })
    for (let more = 0; more < 4; more++) {
      await this.#version(more % 2 === 0 ? '' : 'temperature: 0.5\n')
      await this.#start(versionId, { priority: 1 + (more % 2) })
      await this.tenant.configVersion(`agent ${more}`)
      await this.#key()
      await this.#revise()
    }
    await this.#record(this.#simulationId, 10)
    this.#sources = await this.#sourcesOf(configId, this.#simulationId)
    for (let more = 0; more < 3; more++) {
      await this.#note(0)
      await this.#delete()
    }
    await this.#note(1)
    for (let more = 0; more < 4; more++) await this.#recommend()
    await this.#complete(await this.#start(versionId), 0.5)
    await this.#complete(await this.#start(versionId), 0.5)
    for (const name of ['a', 'b', 'c']) await this.#plannedEarlier(await this.tenant.simulation([name]))
    for (const scenarioId of SCENARIOS) await this.#revise(scenarioId)
    await this.#fail()
    for (let more = 0; more < 3; more++) await this.#noteFailure()
    await summedUp(this.#arc, this.tenant)
    await this.#alert(24)
    await this.#ruled(24)
  }

  /** Something new in every list, beside rows of `node` that keep their places: also sums of an hour, a day, a tool or a failure. */
  async arrive(node: string): Promise<void> {
    const simulationId = await this.#start(this.#versionId)
    await this.#plannedEarlier(simulationId)
    const news = {
      executionTime: new Date(Date.UTC(2026, 3, 1 + this.#made++)).toISOString(),
      toolNames: [`tool that arrived ${this.#made++}`],
      failureTypes: [`failure that arrived ${this.#made++}`],
    }
    // A simulation's figures, when its runs ended, and when a configuration last changed: lists are ordered by these.
    if (!['Simulation', 'SimulationScenario', 'SystemPerformance'].includes(node))
      await this.#record(this.#simulationId, 1, news)
    if (node !== 'Configuration') await this.#version('temperature: 1\n')
    const { storedCount } = await this.tenant.record([
      { simulationId, scenarioId: 'b', status: 'SUCCESS', executionTime: news.executionTime },
    ])
    expect(storedCount).toBe(1)
    await this.tenant.configVersion(`agent that arrived ${this.#made++}`)
    await this.tenant.scenarios(`arrived_${this.#made++}`)
    if (node !== 'Scenario') await this.#revise()
    await this.#key()
    await this.#recommend()
    await this.#note(0)
    await this.#noteFailure()
    await this.#delete()
    await summedUp(this.#arc, this.tenant)
    await this.#alert(1)
    await this.#ruled(1)
  }

  /**
   * More configurations, each with a diff and a simulation of its own with as many outcomes, and what was recommended
   * because of them: no two have a row in common.
   */
  async families(count: number, outcomes: number): Promise<void> {
    for (let more = 0; more < count; more++) {
      const { configId, versionId } = await this.tenant.configVersion(`family ${more}`)
      const after = await this.#version('temperature: 1\n', configId)
      const simulationId = await this.#start(versionId, { repetitions: REPETITIONS })
      this.#recorded = 0
      await this.#record(simulationId, outcomes)
      await this.#recommend(await this.#sourcesOf(configId, simulationId))
      if (more < COMPARED) await this.#compare(simulationId, after)
    }
  }

  async #sourcesOf(configId: string, simulationId: string): Promise<Source[]> {
    const { simulation, configuration } = await this.tenant.data(
      `query ($configId: UUID!, $simulationId: UUID!) {
        simulation(simulationId: $simulationId) { outcomes(first: 1) { nodes { outcomeId } } }
        configuration(configId: $configId) { diffs(first: 1) { nodes { diffId } } }
      }`,
      { configId, simulationId },
    )
    return [
      ['SIMULATION', simulationId],
      ['OUTCOME', simulation.outcomes.nodes[0].outcomeId],
      ['CONFIG_DIFF', configuration.diffs.nodes[0].diffId],
    ]
  }

  #start(configVersionId: string, more: object = {}): Promise<string> {
    return this.#mutate('startSimulation', 'simulation { simulationId }', {
      configVersionId,
      scenarioIds: SCENARIOS,
      ...more,
    }).then(({ simulation }) => simulation.simulationId)
  }

  /** In an hour of its own. Simulations are planned now: nobody but the database's owner makes it another time. */
  async #plannedEarlier(simulationId: string): Promise<void> {
    const at = new Date(Date.UTC(2026, 1, 1, this.#made++))
    const moved = await this.#arc.sql('admin', (client) =>
      client.query('update simulations set created_at = $2 where simulation_id = $1', [simulationId, at]),
    )
    expect(moved.rowCount).toBe(1)
  }

  #complete(simulationId: string, overallScore: number): Promise<unknown> {
    return this.#mutate('completeSimulation', 'created', { simulationId, result: { overallScore } })
  }

  /** A further simulation, of the version behind that of this one: what lies between them is measured. */
  async #compare(simulationId: string, versionAfter: string): Promise<void> {
    const simulationAfter = await this.#start(versionAfter, { repetitions: REPETITIONS })
    this.#recorded = 0
    await this.#record(simulationAfter, 20)
    for (const each of [simulationId, simulationAfter]) await this.#complete(each, 0.5)
  }

  async #version(more: string, configId = this.#configId): Promise<string> {
    const yaml = `model: m\n${more}# ${this.#made++}\n`
    const made = await this.#mutate('createConfigVersion', 'version { versionId }', { configId, yaml })
    return made.version.versionId
  }

  async #recommend(sources = this.#sources): Promise<void> {
    for (const [sourceType, sourceId] of sources) {
      await this.#mutate('createRecommendation', 'errors { message }', {
        sourceType,
        sourceId,
        recommendationType: 'CONFIG_CHANGE',
        description: 'Lower the temperature.',
        confidence: this.#made++ % 2,
      })
    }
  }

  /** Under one of the outcomes. */
  async #note(of: number): Promise<void> {
    const { simulation } = await this.tenant.data(
      `query ($simulationId: UUID!) { simulation(simulationId: $simulationId) { outcomes(last: 2) { nodes { outcomeId } } } }`,
      { simulationId: this.#simulationId },
    )
    const { outcomeId } = simulation.outcomes.nodes[of]
    await this.#mutate('addOutcomeNote', 'note { noteId }', {
      outcomeId,
      text: `Seen ${this.#made++} times.`,
    })
  }

  /** One failure in other words, in several scenarios of several configurations. */
  async #fail(): Promise<void> {
    for (const [index, scenarioId] of SCENARIOS.entries()) {
      const { configId, versionId } = await this.tenant.configVersion(`agent that fails ${index}`)
      for (const configVersionId of [versionId, await this.#version('', configId)]) {
        const { storedCount } = await this.tenant.record([
          {
            simulationId: await this.#start(configVersionId),
            scenarioId,
            status: 'ERROR',
            executionTime: '2026-03-02T00:00:00Z',
            failurePatterns: FAILURE_TYPES.map((failureType) => ({
              failureType,
              failureCategory: 'TOOL_ERROR',
              errorMessage: 'No such flight.',
            })),
          },
        ])
        expect(storedCount).toBe(1)
      }
    }
    const { failureGroups } = await this.tenant.data('{ failureGroups(first: 100) { nodes { signature } } }')
    const vectors = failureGroups.nodes.map(({ signature }: { signature: string }) => [signature, at(0)])
    await giveVectors(this.#arc, this.tenant, Object.fromEntries(vectors))
    await groupNow(this.#arc)
  }

  /** On the group that `#fail` makes. */
  async #noteFailure(): Promise<void> {
    const { failureGroups } = await this.tenant.data(
      '{ failureGroups(by: MEANING, first: 1) { nodes { groupId } } }',
    )
    const { groupId } = failureGroups.nodes[0]
    await this.#mutate('noteFailureGroup', 'note { groupNoteId }', {
      groupId,
      note: `Seen ${this.#made++} times.`,
      resolutionSteps: this.#made % 2 === 0 ? null : 'Ask for another flight.',
    })
  }

  #alert(count: number): Promise<void> {
    return this.#arc.sql('admin', (client) => insertAlerts(client, { tenantId: this.tenant.tenantId, count }))
  }

  /** Recommendations as rules make them. */
  #ruled(count: number): Promise<void> {
    return this.#arc.sql('admin', (client) => insertMade(client, { tenantId: this.tenant.tenantId, count }))
  }

  async #delete(): Promise<void> {
    const simulationId = await this.#start(this.#versionId)
    await this.#mutate('deleteSimulation', 'deletion { deletionId }', { simulationId })
  }

  #key(): Promise<unknown> {
    return this.#mutate('createApiKey', 'secret', { name: `key ${this.#made++ % 2}`, scope: 'READ' })
  }

  /** Their prompts are alike: each has similar ones. */
  #revise(scenarioId = 'a'): Promise<unknown> {
    return this.#mutate('upsertScenarios', 'receipts { status }', {
      scenarios: [{ scenarioId, taskPrompt: `Book a flight, take ${this.#made++}.` }],
    })
  }

  async #record(
    simulationId: string,
    count: number,
    {
      executionTime,
      toolNames = ['search', 'book', 'pay', 'refund'],
      failureTypes = FAILURE_TYPES,
    }: { executionTime?: string; toolNames?: string[]; failureTypes?: string[] } = {},
  ): Promise<void> {
    const outcomes = Array.from({ length: count }, () => {
      const run = this.#recorded++
      const failed = run % 3 === 0
      return {
        simulationId,
        scenarioId: SCENARIOS[run % 2 === 0 ? 0 : 1 + (run % 3)],
        repetition: 1 + Math.floor(run / 2),
        outcomeId: randomUUID(),
        status: failed ? 'ERROR' : 'SUCCESS',
        executionTime: executionTime ?? `2026-03-0${1 + (run % 3)}T00:00:00Z`,
        reliabilityScore: run % 4 === 0 ? null : (run % 3) / 2,
        executionTimeMs: run % 5 === 0 ? null : 100 * (run % 2),
        tokensUsed: run % 2 === 0 ? null : 7,
        costUsd: run % 3 === 1 ? null : 0.25,
        metrics: { quality: (run % 3) / 2, judge: { tone: run % 4, fits: run % 2 === 0 } },
        trajectory: { messages: ['a step'] },
        toolUsage: toolNames.map((toolName, index) => ({
          toolName,
          callCount: 1 + (index % 2),
          successRate: failed ? 0 : 1,
          errorTypes: failed ? ['an error'] : [],
        })),
        failurePatterns: failed
          ? failureTypes.map((failureType) => ({
              failureType,
              failureCategory: 'TOOL_ERROR',
              errorMessage: 'No such flight.',
            }))
          : [],
      }
    })
    const { receipts, storedCount } = await this.tenant.record(outcomes)
    expect(receipts.filter(({ status }) => status !== 'STORED')).toEqual([])
    expect(storedCount).toBe(count)
  }

  async #mutate(mutation: string, selection: string, input: object): Promise<any> {
    const data = await this.tenant.data(
      `mutation ($input: ${mutation[0]!.toUpperCase()}${mutation.slice(1)}Input!) {
        payload: ${mutation}(input: $input) { declined: errors { message } ${selection} }
      }`,
      { input },
    )
    expect(data.payload.declined).toEqual([])
    return data.payload
  }
}
