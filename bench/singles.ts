import { quantile } from './figures.ts'
import type { GraphQLConnections } from './graphqlConnections.ts'
import { BATCH, CLIENTS } from './ingest.ts'
import {
  outcomesOf,
  prepareTenant,
  record,
  recordBody,
  recordOne,
  recordOneBody,
  SCENARIOS,
  startSimulation,
} from './workload.ts'

/** Sandboxes that record at the same time, each on a connection of its own. */
export const SANDBOXES = 1_000

/** Rows a second, one figure a round, the two ways in alternation. */
export interface SinglesResult {
  rows: number
  /** recordOutcome: each sandbox sends its next when it has the answer to the one before. */
  singles: number[]
  /** What a sandbox waits for its answer, of all rounds. */
  p50Ms: number
  p99Ms: number
  /** recordOutcomes of as many rows, as the ingest bench sends them. */
  batches: number[]
}

interface Settings {
  /** With as many connections as there are sandboxes. */
  arc: GraphQLConnections
  /** In each run; a multiple of sandboxes, of batch and of scenarios. */
  rows: number
}

export async function measureSingles({ arc, rows }: Settings, rounds: number): Promise<SinglesResult> {
  const [versionId] = await prepareTenant(arc)
  const result: SinglesResult = { rows, singles: [], p50Ms: 0, p99Ms: 0, batches: [] }
  const latencies: number[] = []
  let runs = 0
  const newRows = async () => {
    const simulationId = await startSimulation(arc, versionId!, rows / SCENARIOS, `singles ${++runs}`)
    return outcomesOf(simulationId, runs, 0, rows, Date.now() - rows * 1_000)
  }
  const perSecond = async (senders: number, bodies: Buffer[], send: (body: Buffer) => Promise<void>) => {
    const start = performance.now()
    await Promise.all(
      Array.from({ length: senders }, async (_, sender) => {
        for (let at = sender; at < bodies.length; at += senders) await send(bodies[at]!)
      }),
    )
    return (rows * 1_000) / (performance.now() - start)
  }
  // The first is of connections that are opened and of code that is cold.
  for (let round = 0; round <= rounds; round++) {
    const singles = (await newRows()).map(recordOneBody)
    const single = await perSecond(SANDBOXES, singles, async (body) => {
      const sent = performance.now()
      await recordOne(arc, body)
      if (round > 0) latencies.push(performance.now() - sent)
    })
    const outcomes = await newRows()
    const batches = Array.from({ length: rows / BATCH }, (_, batch) =>
      recordBody(outcomes.slice(batch * BATCH, (batch + 1) * BATCH)),
    )
    const batch = await perSecond(CLIENTS, batches, (body) => record(arc, body, BATCH))
    if (round === 0) continue
    result.singles.push(single)
    result.batches.push(batch)
  }
  return { ...result, p50Ms: quantile(latencies, 0.5), p99Ms: quantile(latencies, 0.99) }
}
