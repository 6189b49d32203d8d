import { randomUUID } from 'node:crypto'
import { expect } from 'vitest'
import type { Arc, Tenant } from './arc.ts'

const SCENARIOS = ['a', 'b', 'c', 'd']
const REPETITIONS = 12

/** A tenant's rows for lists: several in each, with ties and gaps in what they are ordered by. */
export class ManyRows {
  readonly tenant: Tenant
  readonly #arc: Arc
  #configId = ''
  #versionId = ''
  #simulationId = ''
  #recorded = 0
  #made = 0
  /** What recommendations follow from. */
  #sources: [type: string, id: string][] = []

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
    const { outcomes, configDiffs } = await this.tenant.data(
      '{ outcomes(first: 1) { nodes { outcomeId } } configDiffs(first: 1) { nodes { diffId } } }',
    )
    this.#sources = [
      ['SIMULATION', this.#simulationId],
      ['OUTCOME', outcomes.nodes[0].outcomeId],
      ['CONFIG_DIFF', configDiffs.nodes[0].diffId],
    ]
    for (let more = 0; more < 4; more++) await this.#recommend()
    await this.#complete(await this.#start(versionId), 0.5)
    await this.#complete(await this.#start(versionId), 0.5)
    for (const name of ['a', 'b', 'c']) await this.#plannedEarlier(await this.tenant.simulation([name]))
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
  }

  /** More simulations of the version, with as many outcomes each. */
  async simulations(count: number, outcomes: number): Promise<void> {
    for (let more = 0; more < count; more++) {
      this.#recorded = 0
      await this.#record(await this.#start(this.#versionId, { repetitions: REPETITIONS }), outcomes)
    }
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

  #version(more: string): Promise<unknown> {
    const yaml = `model: m\n${more}# ${this.#made++}\n`
    return this.#mutate('createConfigVersion', 'created', { configId: this.#configId, yaml })
  }

  async #recommend(): Promise<void> {
    for (const [sourceType, sourceId] of this.#sources) {
      await this.#mutate('createRecommendation', 'errors { message }', {
        sourceType,
        sourceId,
        recommendationType: 'CONFIG_CHANGE',
        description: 'Lower the temperature.',
        confidence: this.#made++ % 2,
      })
    }
  }

  #key(): Promise<unknown> {
    return this.#mutate('createApiKey', 'secret', { name: `key ${this.#made++ % 2}`, scope: 'READ' })
  }

  #revise(): Promise<unknown> {
    return this.#mutate('upsertScenarios', 'receipts { status }', {
      scenarios: [{ scenarioId: 'a', taskPrompt: `Do it, take ${this.#made++}.` }],
    })
  }

  async #record(
    simulationId: string,
    count: number,
    {
      executionTime,
      toolNames = ['search', 'book', 'pay', 'refund'],
      failureTypes = ['one', 'two', 'three', 'four'],
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
        toolUsage: toolNames.map((toolName, index) => ({
          toolName,
          callCount: 1 + (index % 2),
          successRate: 1,
        })),
        failurePatterns: failed
          ? failureTypes.map((failureType) => ({ failureType, failureCategory: 'TOOL_ERROR' }))
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
