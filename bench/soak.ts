import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { DASHBOARDS } from './dashboards.ts'
import { mean } from './figures.ts'
import { GraphQLConnections } from './graphqlConnections.ts'
import { Subscriber } from './live.ts'
import type { Memory } from './memory.ts'
import {
  completeSimulation,
  outcomesOf,
  prepareTenant,
  record,
  recordBody,
  SCENARIOS,
  startSimulation,
} from './workload.ts'

export const VISITORS = 4
const BATCH = 25
const SAMPLE_MS = 30_000
/** Until caches, pools and compiled code are what they will be. */
const WARM_UP_MS = 60_000

export interface SoakResult {
  visits: number
  samples: readonly (Memory & { second: number })[]
}

interface Settings {
  url: string
  tokenOf: (tenantId: string) => Promise<string>
  memory: () => Promise<Memory>
}

/** What Arc keeps of those who come, are busy and leave for good: each visit is by a tenant that was never there. */
export async function measureSoak({ url, tokenOf, memory }: Settings, minutes: number): Promise<SoakResult> {
  const begun = performance.now()
  const until = begun + minutes * 60_000
  let visits = 0
  const visitors = Array.from({ length: VISITORS }, async () => {
    while (performance.now() < until) {
      const tenantId = randomUUID()
      await visit(url, tenantId, await tokenOf(tenantId), ++visits)
    }
  })
  const samples: SoakResult['samples'][number][] = []
  const sampling = async () => {
    for (let at = begun + WARM_UP_MS; at <= until; at += SAMPLE_MS) {
      await delay(at - performance.now())
      const sample = { second: Math.round((performance.now() - begun) / 1_000), ...(await memory()) }
      samples.push(sample)
      console.log(
        `  ${String(sample.second).padStart(5)} s  ${visits} visits, heap ${sample.heapMb.toFixed(1)} MB, outside of it ${sample.externalMb.toFixed(1)} MB, resident ${sample.residentMb.toFixed(0)} MB`,
      )
    }
  }
  await Promise.all([...visitors, sampling()])
  return { visits, samples }
}

async function visit(url: string, tenantId: string, token: string, number: number): Promise<void> {
  const arc = new GraphQLConnections(url, token, 2)
  let subscriber: Subscriber | undefined
  try {
    const [versionId] = await prepareTenant(arc)
    const simulationId = await startSimulation(arc, versionId!, 1, `visit ${number} of ${tenantId}`)
    subscriber = new Subscriber(url.replace(/^http/, 'ws'), token, 'simulationEvents', simulationId)
    await subscriber.first
    const outcomes = outcomesOf(simulationId, number, 0, SCENARIOS, Date.now() - SCENARIOS * 1_000)
    for (let from = 0; from < SCENARIOS; from += BATCH) {
      const rows = outcomes.slice(from, from + BATCH)
      await record(arc, recordBody(rows), rows.length)
    }
    for (const { query, variables } of DASHBOARDS) {
      // Documents that were never seen, too.
      await arc.ask(`# visit ${number}\n${query}`, variables(simulationId))
    }
    await completeSimulation(arc, simulationId)
  } finally {
    subscriber?.close()
    arc.close()
  }
}

/** Of a figure: its mean over the first third of the samples and over the last. */
export function thirds({ samples }: SoakResult, figure: keyof Memory): { first: number; last: number } {
  const third = Math.max(1, Math.floor(samples.length / 3))
  const of = (part: SoakResult['samples']) => mean(part.map((sample) => sample[figure]))
  return { first: of(samples.slice(0, third)), last: of(samples.slice(-third)) }
}
