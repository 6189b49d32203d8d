import { ArcClient, type ArcClientOptions } from '../../src/client/arcClient.ts'
import type { OutcomeInput, StartSimulationInput } from '../../src/client/operations.ts'
import type { OutcomeReceipt } from '../../src/client/rowKinds.ts'
import { CAREFUL_AGENT as AGENT, SCENARIOS } from '../../src/sample/sampleData.ts'
import { sampleOutcome } from '../../src/sample/sampleOutcome.ts'

/** Of each scenario; more are never sent. */
const REPETITIONS = 1_000

/** After so many further outcomes all are read again. */
const READ_EVERY = 200

/** Sandboxes that record their outcome by itself, one after another. */
const SANDBOXES = 4

const BATCH = { maxRows: 10, callsInFlight: 1, maxPendingBytes: 100_000 }

/** What a client sees of an accident, and what is in the database afterwards. */
export interface Seen {
  acknowledged: number
  /** Acknowledged, and not there in the end. */
  lost: number
  /** Runs that are there more often than once. */
  doubled: number
  events: number
  /** Of the numbers from 1 to the last. */
  eventsMissed: number
  /** That came twice, or after a later one. */
  eventsOutOfOrder: number
  /** Times that all outcomes were read, page by page. */
  readings: number
  /** Rows that such a reading left out, though they were acknowledged before it began, or showed twice. */
  misread: number
  /** Why calls of the client failed; each call once. */
  failures: string[]
  longestDelayMs: number
}

interface StoredOutcome {
  outcomeId: string
  executionTime: string
}

/**
 * A client with Arc's own library, as an evaluation has it: sandboxes that record their outcomes one by one, a batcher that
 * gathers them, someone who follows the events, and someone who reads all pages again and again. It goes on until `end`.
 */
export class Load {
  readonly client: ArcClient
  readonly simulationId: string
  /** All that is there in the end. */
  stored: StoredOutcome[] = []
  readonly #options: ArcClientOptions
  readonly #acknowledged = new Set<string>()
  readonly #failures: string[] = []
  readonly #seqs: number[] = []
  #waiting: { until: number; resolve: () => void; reject: (reason: Error) => void }[] = []
  #sent = 0
  #longestDelayMs = 0
  #readings = 0
  #misread = 0
  #isEnding = false
  #end = () => {}
  readonly #ended = new Promise<void>((resolve) => {
    this.#end = resolve
  })
  readonly #work: Promise<unknown>[]
  readonly #followed: Promise<void>

  static async begin(
    options: ArcClientOptions,
    simulation: Partial<StartSimulationInput> = {},
  ): Promise<Load> {
    const client = new ArcClient(options)
    const { versionId: configVersionId } = await client.ensureConfigVersion(AGENT)
    await client.upsertScenarios(SCENARIOS.map(({ scenarioId, taskPrompt }) => ({ scenarioId, taskPrompt })))
    const { simulationId } = await client.startSimulation({
      configVersionId,
      scenarioIds: SCENARIOS.map(({ scenarioId }) => scenarioId),
      repetitions: REPETITIONS,
      ...simulation,
    })
    return new Load(client, options, simulationId)
  }

  private constructor(client: ArcClient, options: ArcClientOptions, simulationId: string) {
    this.client = client
    this.#options = options
    this.simulationId = simulationId
    this.#followed = this.#follow()
    this.#work = [
      this.#recordInBatches(),
      ...Array.from({ length: SANDBOXES }, () => this.#recordOneByOne()),
      this.#readAgainAndAgain(),
    ]
  }

  /** An outcome that was not sent before, as a sandbox would report it. */
  outcome(more: Partial<OutcomeInput> = {}): OutcomeInput {
    const number = this.#sent++
    const { scenarioId } = SCENARIOS[number % SCENARIOS.length]!
    const repetition = Math.floor(number / SCENARIOS.length) + 1
    return {
      ...sampleOutcome({ simulationId: this.simulationId, scenarioId, repetition, agent: AGENT }),
      ...more,
    }
  }

  /** Resolves when so many more are acknowledged. @throws when a call of the client fails before that. */
  more(count: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ until: this.#acknowledged.size + count, resolve, reject })
    })
  }

  /** So many sandboxes that record one outcome each, at the same time, on connections of their own. */
  async burst(sandboxes: number): Promise<void> {
    const outcomes = Array.from({ length: sandboxes }, () => this.outcome())
    await Promise.all(
      outcomes.map((outcome) => this.#note(new ArcClient(this.#options).recordOutcome(outcome))),
    )
  }

  /** Ends the simulation, hears its last event, and looks at what is there. */
  async end(): Promise<Seen> {
    this.#isEnding = true
    this.#end()
    await Promise.all(this.#work)
    await this.client.completeSimulation(this.simulationId)
    await this.#followed
    const runs = new Set<string>()
    let doubled = 0
    for await (const { outcomeId, scenarioId, repetition, executionTime } of this.#all()) {
      const run = `${scenarioId}/${repetition}`
      if (runs.has(run)) doubled += 1
      runs.add(run)
      this.stored.push({ outcomeId, executionTime })
    }
    const { succeededScenarios, failedScenarios } = await this.client.getSimulationStatus(this.simulationId)
    if (succeededScenarios + failedScenarios !== runs.size)
      throw new Error(`${succeededScenarios} + ${failedScenarios} runs are counted, ${runs.size} are there`)
    const there = new Set(this.stored.map(({ outcomeId }) => outcomeId))
    const last = Math.max(...this.#seqs)
    return {
      acknowledged: this.#acknowledged.size,
      lost: [...this.#acknowledged].filter((outcomeId) => !there.has(outcomeId)).length,
      doubled,
      events: last,
      eventsMissed: last - new Set(this.#seqs).size,
      eventsOutOfOrder: this.#seqs.filter((seq, at) => at > 0 && seq <= this.#seqs[at - 1]!).length,
      readings: this.#readings,
      misread: this.#misread,
      failures: this.#failures,
      longestDelayMs: this.#longestDelayMs,
    }
  }

  /** How far the time of an outcome is from now at most. */
  hoursOff(): number {
    return Math.max(
      ...this.stored.map(({ executionTime }) => Math.abs(Date.now() - Date.parse(executionTime)) / 3_600_000),
    )
  }

  #all() {
    return this.client.getScenarioOutcomes(this.simulationId, { pageSize: 500 })
  }

  async #recordInBatches(): Promise<void> {
    const batcher = this.client.outcomeBatcher(BATCH)
    while (this.#goesOn) {
      await batcher.ready()
      void this.#note(batcher.record(this.outcome()))
    }
    await batcher.close()
  }

  async #recordOneByOne(): Promise<void> {
    while (this.#goesOn) await this.#note(this.client.recordOutcome(this.outcome()))
  }

  get #goesOn(): boolean {
    return !this.#isEnding && this.#sent < SCENARIOS.length * REPETITIONS
  }

  async #note(call: Promise<OutcomeReceipt>): Promise<void> {
    const begun = performance.now()
    try {
      const { outcomeId, status, reason } = await call
      if (status === 'REJECTED') throw new Error(`rejected: ${reason}`)
      this.#acknowledged.add(outcomeId!)
    } catch (error) {
      this.#fail(error as Error)
    }
    this.#longestDelayMs = Math.max(this.#longestDelayMs, performance.now() - begun)
    for (const { until, resolve } of this.#waiting) if (this.#acknowledged.size >= until) resolve()
    this.#waiting = this.#waiting.filter(({ until }) => this.#acknowledged.size < until)
  }

  async #follow(): Promise<void> {
    try {
      for await (const { seq } of this.client.simulationEvents(this.simulationId)) this.#seqs.push(seq)
    } catch (error) {
      this.#fail(error as Error)
    }
  }

  async #readAgainAndAgain(): Promise<void> {
    try {
      while (!this.#isEnding) {
        const before = [...this.#acknowledged]
        const shown = new Set<string>()
        for await (const { outcomeId } of this.#all()) {
          if (shown.has(outcomeId)) this.#misread += 1
          shown.add(outcomeId)
        }
        this.#misread += before.filter((outcomeId) => !shown.has(outcomeId)).length
        this.#readings += 1
        // A dashboard, not a second load.
        await Promise.race([this.more(READ_EVERY), this.#ended])
      }
    } catch (error) {
      this.#fail(error as Error)
    }
  }

  #fail(error: Error): void {
    this.#failures.push(error.message)
    for (const { reject } of this.#waiting.splice(0)) reject(error)
  }
}
