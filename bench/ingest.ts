import pg from 'pg'
import { copiesOf, copyOutcomes } from './copy.ts'
import type { GraphQLConnections } from './graphqlConnections.ts'
import {
  outcomesOf,
  prepareTenant,
  record,
  recordBody,
  SCENARIOS,
  type SentOutcome,
  startSimulation,
} from './workload.ts'

export const CLIENTS = 4
export const BATCH = 200

/** Rows a second, one figure a round, the ways in alternation. */
export interface IngestResult {
  rows: number
  trajectoryBytes: number
  /** recordOutcomes, each client into a simulation of its own; all clients into one. */
  apart: number[]
  together: number[]
  /** COPY of the same rows over one connection; over as many as there are clients. */
  copyOne: number[]
  copyEach: number[]
}

interface Settings {
  arc: GraphQLConnections
  adminUrl: string
  tenantId: string
  /** In each run; a multiple of clients × batch and of clients × scenarios. */
  rows: number
}

/**
 * What Arc stores a second over HTTP, and what COPY stores of the same rows in the same table: its indexes, checks and
 * partitions are there in both, but not what Arc does beside (keys, tools, failures, counters, events, receipts).
 */
export class IngestBench {
  readonly #settings: Settings
  readonly #admins: readonly pg.Client[]
  readonly #versionId: string
  #runs = 0

  private constructor(settings: Settings, admins: readonly pg.Client[], versionId: string) {
    this.#settings = settings
    this.#admins = admins
    this.#versionId = versionId
  }

  static async open(settings: Settings): Promise<IngestBench> {
    const [versionId] = await prepareTenant(settings.arc)
    const admins = await Promise.all(
      Array.from({ length: CLIENTS }, async () => {
        const client = new pg.Client({ connectionString: settings.adminUrl })
        await client.connect()
        return client
      }),
    )
    return new IngestBench(settings, admins, versionId!)
  }

  async close(): Promise<void> {
    for (const admin of this.#admins) await admin.end()
  }

  async measure(rounds: number): Promise<IngestResult> {
    const { rows } = this.#settings
    const result: IngestResult = {
      rows,
      trajectoryBytes: meanBytes(outcomesOf('', 1, 0, 1_000, Date.now())),
      apart: [],
      together: [],
      copyOne: [],
      copyEach: [],
    }
    // A server that has just started compiles as it goes.
    await this.recordRows(CLIENTS)
    await this.copyRows(1)
    for (let round = 0; round < rounds; round++) {
      result.apart.push(await this.recordRows(CLIENTS))
      result.copyOne.push(await this.copyRows(1))
      result.together.push(await this.recordRows(1))
      result.copyEach.push(await this.copyRows(CLIENTS))
    }
    return result
  }

  /** recordOutcomes from all clients at once, into so many new simulations; rows a second. */
  async recordRows(simulations: number): Promise<number> {
    const bodies = (await this.#newRows(simulations)).map((own) => batchesOf(own).map(recordBody))
    return this.#perSecond(() =>
      Promise.all(
        bodies.map(async (own) => {
          for (const body of own) await record(this.#settings.arc, body, BATCH)
        }),
      ),
    )
  }

  /** COPY of as many rows of new simulations, over so many connections; rows a second. */
  async copyRows(connections: number): Promise<number> {
    const { rows, tenantId } = this.#settings
    const parts = await this.#newRows(CLIENTS)
    const streams = connections === 1 ? [parts.flat()] : parts
    const copies = streams.map((own) => copiesOf(tenantId, this.#versionId, own))
    return this.#perSecond(async () => {
      const copied = await Promise.all(copies.map((own, stream) => copyOutcomes(this.#admins[stream]!, own)))
      const sum = copied.reduce((a, b) => a + b)
      if (sum !== rows) throw new Error(`COPY stored ${sum} of ${rows} rows`)
    })
  }

  /** The same number of rows for each client, of one new simulation for all or of one for each. */
  async #newRows(simulations: number): Promise<SentOutcome[][]> {
    const { arc, rows } = this.#settings
    this.#runs += 1
    const seed = this.#runs
    const each = rows / CLIENTS
    const ids: string[] = []
    for (let number = 0; number < simulations; number++) {
      const name = `ingest ${seed}.${number}`
      ids.push(await startSimulation(arc, this.#versionId, rows / simulations / SCENARIOS, name))
    }
    const firstTimeMs = Date.now() - rows * 1_000
    return Array.from({ length: CLIENTS }, (_, client) =>
      simulations === 1
        ? outcomesOf(ids[0]!, seed, client * each, (client + 1) * each, firstTimeMs)
        : outcomesOf(ids[client]!, seed * CLIENTS + client, 0, each, firstTimeMs),
    )
  }

  async #perSecond(work: () => Promise<unknown>): Promise<number> {
    // What earlier runs left to be written is none of this one's.
    await this.#admins[0]!.query('checkpoint')
    const start = performance.now()
    await work()
    return (this.#settings.rows * 1_000) / (performance.now() - start)
  }
}

function batchesOf(outcomes: readonly SentOutcome[]): SentOutcome[][] {
  return Array.from({ length: outcomes.length / BATCH }, (_, batch) =>
    outcomes.slice(batch * BATCH, (batch + 1) * BATCH),
  )
}

function meanBytes(outcomes: readonly SentOutcome[]): number {
  const bytes = outcomes.reduce((sum, { trajectory }) => sum + JSON.stringify(trajectory).length, 0)
  return bytes / outcomes.length
}
