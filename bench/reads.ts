import { deepStrictEqual } from 'node:assert'
import { DASHBOARDS } from './dashboards.ts'
import { quantile } from './figures.ts'
import type { GraphQLConnections } from './graphqlConnections.ts'

export const READERS = 16
export const WARM_UP_MS = 500

export interface Speed {
  requestsPerSecond: number
  p50Ms: number
  p95Ms: number
}

export interface ReadResult {
  name: string
  description: string
  answerBytes: number
  /** One figure a round, in alternation. */
  arc: Speed[]
  bare: Speed[]
  /** Arc without compiled reads; empty where there is no second server. */
  ordinary: Speed[]
}

/** How one query goes with more or fewer clients. */
export interface CallersResult {
  description: string
  /** One measurement for each number of clients. */
  clients: { count: number; arc: Speed; bare: Speed }[]
}

/** So many clients ask at once. */
const CALLERS = [1, 10, 100]
export const MOST_CALLERS = 100

interface Settings {
  arc: GraphQLConnections
  ordinary: GraphQLConnections | undefined
  /** The bare server's connections, by dashboard. */
  bare: (dashboard: string) => GraphQLConnections
  simulationIds: readonly string[]
  rounds: number
  /** Of one measurement. */
  durationMs: number
}

/**
 * Requests a second of each dashboard query with 16 clients that ask again at once, beside a bare server that runs one
 * hand-written SQL statement on the tables for the same answer.
 *
 * @throws when the answers differ.
 */
export async function measureReads({
  arc,
  ordinary,
  bare,
  simulationIds,
  rounds,
  durationMs,
}: Settings): Promise<ReadResult[]> {
  const results: ReadResult[] = []
  for (const { name, description, query, variables } of DASHBOARDS) {
    const asked = simulationIds.map((simulationId) => variables(simulationId))
    const arcBodies = asked.map((values) => JSON.stringify({ query, variables: values }))
    const bareBodies = asked.map((values) => JSON.stringify({ values: Object.values(values) }))
    const bareServer = bare(name)
    let answerBytes = 0
    for (const index of [0, asked.length >> 1, asked.length - 1]) {
      const answer = await arc.post(arcBodies[index]!)
      // Arc says beside the data what it cost.
      const { extensions: _, ...said } = JSON.parse(answer)
      deepStrictEqual(
        said,
        JSON.parse(await bareServer.post(bareBodies[index]!)),
        `answers to ${name} differ`,
      )
      answerBytes = answer.length
    }
    const result: ReadResult = { name, description, answerBytes, arc: [], bare: [], ordinary: [] }
    await speedOf(arc, arcBodies, WARM_UP_MS)
    await speedOf(bareServer, bareBodies, WARM_UP_MS)
    if (ordinary) await speedOf(ordinary, arcBodies, WARM_UP_MS)
    for (let round = 0; round < rounds; round++) {
      result.arc.push(await speedOf(arc, arcBodies, durationMs))
      result.bare.push(await speedOf(bareServer, bareBodies, durationMs))
      if (ordinary) result.ordinary.push(await speedOf(ordinary, arcBodies, durationMs))
    }
    results.push(result)
  }
  return results
}

/** The same query with 1, 10 and 100 clients. */
export async function measureCallers(
  dashboard: string,
  { arc, bare, simulationIds, durationMs }: Omit<Settings, 'ordinary' | 'rounds'>,
): Promise<CallersResult> {
  const { description, query, variables } = DASHBOARDS.find(({ name }) => name === dashboard)!
  const asked = simulationIds.map((simulationId) => variables(simulationId))
  const arcBodies = asked.map((values) => JSON.stringify({ query, variables: values }))
  const bareBodies = asked.map((values) => JSON.stringify({ values: Object.values(values) }))
  const bareServer = bare(dashboard)
  const clients: CallersResult['clients'] = []
  for (const count of CALLERS) {
    await speedOf(arc, arcBodies, WARM_UP_MS, count)
    const ofArc = await speedOf(arc, arcBodies, durationMs, count)
    await speedOf(bareServer, bareBodies, WARM_UP_MS, count)
    clients.push({ count, arc: ofArc, bare: await speedOf(bareServer, bareBodies, durationMs, count) })
  }
  return { description, clients }
}

export async function speedOf(
  server: GraphQLConnections,
  bodies: readonly string[],
  durationMs: number,
  readers = READERS,
): Promise<Speed> {
  const start = performance.now()
  const latencies = await latenciesOf(server, bodies, durationMs, readers)
  return {
    requestsPerSecond: (latencies.length * 1_000) / (performance.now() - start),
    p50Ms: quantile(latencies, 0.5),
    p95Ms: quantile(latencies, 0.95),
  }
}

/** All readers ask together for that long; milliseconds of each request. */
export async function latenciesOf(
  server: GraphQLConnections,
  bodies: readonly string[],
  durationMs: number,
  readers = READERS,
): Promise<number[]> {
  const end = performance.now() + durationMs
  const latencies: number[] = []
  let next = 0
  await Promise.all(
    Array.from({ length: readers }, async () => {
      for (let sent = performance.now(); sent < end; ) {
        const answer = await server.post(bodies[next++ % bodies.length]!)
        if (!/^\{"data" ?:/.test(answer)) throw new Error(`an answer without data: ${answer.slice(0, 200)}`)
        const now = performance.now()
        latencies.push(now - sent)
        sent = now
      }
    }),
  )
  return latencies
}
