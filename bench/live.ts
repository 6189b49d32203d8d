import { setTimeout as delay } from 'node:timers/promises'
import { type Client, createClient } from 'graphql-ws'
import WebSocket from 'ws'
import { quantile } from './figures.ts'
import type { GraphQLConnections } from './graphqlConnections.ts'
import { completeSimulation, outcomesOf, record, recordBody, SCENARIOS, startSimulation } from './workload.ts'

export const SUBSCRIBERS = 200
const BATCH = 10
const BATCHES_PER_SECOND = 20
/** Longest wait for what is on its way when the last batch is answered. */
const PATIENCE_MS = 15_000

interface Latency {
  p50Ms: number
  p95Ms: number
  p99Ms: number
  maxMs: number
}

export interface LiveResult {
  subscription: 'simulationProgress' | 'simulationEvents'
  events: number
  batchesPerSecond: number
  delivered: number
  /** From the event's own time, which the database gives it just before the commit. */
  sinceWritten: Latency
  /** From sending a batch to the subscriber's hearing of it: storing it is in there. */
  sinceSent: Latency
  /** From the answer that a batch is stored: below 0 where subscribers hear of it first. */
  sinceAnswered: Latency
  /** Subscribers that did not hear of the end; for events also each event that one did not get. */
  lost: number
  /** Events that a subscriber got twice or out of order. */
  disordered: number
  /** States that a subscriber did not see because a newer one was there: progress may. */
  skipped: number
}

interface Settings {
  arc: GraphQLConnections
  webSocketUrl: string
  token: string
  configVersionId: string
}

/** Subscribers, each with a socket of its own, while batches come in at a steady pace. */
export async function measureLive(
  subscription: LiveResult['subscription'],
  { arc, webSocketUrl, token, configVersionId }: Settings,
  seconds: number,
): Promise<LiveResult> {
  const batches = seconds * BATCHES_PER_SECOND
  const repetitions = Math.ceil((batches * BATCH) / SCENARIOS)
  const simulationId = await startSimulation(arc, configVersionId, repetitions, subscription)
  const subscribers = Array.from(
    { length: SUBSCRIBERS },
    () => new Subscriber(webSocketUrl, token, subscription, simulationId),
  )
  try {
    await Promise.all(subscribers.map(({ first }) => first))
    const { sentAt, answeredAt, batchesPerSecond } = await sendBatches(arc, simulationId, batches)
    await Promise.race([
      Promise.all(subscribers.map(({ ended }) => ended)),
      delay(PATIENCE_MS, undefined, { ref: false }),
    ])
    return {
      subscription,
      events: sentAt.size,
      batchesPerSecond,
      ...judge(subscription, subscribers, sentAt, answeredAt),
    }
  } finally {
    for (const subscriber of subscribers) subscriber.close()
  }
}

/** One batch after the other, so that each has the event after the last one's: 1 is the start. */
async function sendBatches(arc: GraphQLConnections, simulationId: string, batches: number) {
  const outcomes = outcomesOf(simulationId, 1, 0, batches * BATCH, Date.now() - batches * BATCH * 1_000)
  const sentAt = new Map<number, number>()
  const answeredAt = new Map<number, number>()
  const step = async (seq: number, work: () => Promise<unknown>) => {
    sentAt.set(seq, performance.now())
    await work()
    answeredAt.set(seq, performance.now())
  }
  const start = performance.now()
  for (let batch = 0; batch < batches; batch++) {
    const body = recordBody(outcomes.slice(batch * BATCH, (batch + 1) * BATCH))
    await delay(start + (batch * 1_000) / BATCHES_PER_SECOND - performance.now())
    await step(batch + 2, () => record(arc, body, BATCH))
  }
  const batchesPerSecond = (batches * 1_000) / (performance.now() - start)
  await step(batches + 2, () => completeSimulation(arc, simulationId))
  return { sentAt, answeredAt, batchesPerSecond }
}

function judge(
  subscription: LiveResult['subscription'],
  subscribers: readonly Subscriber[],
  sentAt: ReadonlyMap<number, number>,
  answeredAt: ReadonlyMap<number, number>,
) {
  const last = Math.max(...sentAt.keys())
  const sinceWritten: number[] = []
  const sinceSent: number[] = []
  const sinceAnswered: number[] = []
  let lost = 0
  let disordered = 0
  let skipped = 0
  for (const { received } of subscribers) {
    let before = 0
    const seen = new Set<number>()
    for (const { seq, at, writtenAt } of received) {
      if (seq <= before) disordered += 1
      before = seq
      seen.add(seq)
      if (!sentAt.has(seq)) continue
      sinceWritten.push(at - writtenAt)
      sinceSent.push(at - sentAt.get(seq)!)
      sinceAnswered.push(at - answeredAt.get(seq)!)
    }
    const missing = last - seen.size
    if (subscription === 'simulationEvents') lost += missing
    else {
      skipped += missing
      if (!seen.has(last)) lost += 1
    }
  }
  return {
    delivered: sinceSent.length,
    sinceWritten: latencyOf(sinceWritten),
    sinceSent: latencyOf(sinceSent),
    sinceAnswered: latencyOf(sinceAnswered),
    lost,
    disordered,
    skipped,
  }
}

function latencyOf(values: readonly number[]): Latency {
  return {
    p50Ms: quantile(values, 0.5),
    p95Ms: quantile(values, 0.95),
    p99Ms: quantile(values, 0.99),
    maxMs: quantile(values, 1),
  }
}

/** One client on one socket with one subscription. */
export class Subscriber {
  /** Times as performance.now() tells them. */
  readonly received: { seq: number; at: number; writtenAt: number }[] = []
  /** Its first state is here: it is subscribed. */
  readonly first: Promise<void>
  /** The server has ended the subscription. */
  readonly ended: Promise<void>
  readonly #client: Client

  constructor(url: string, token: string, subscription: LiveResult['subscription'], simulationId: string) {
    this.#client = createClient({
      url,
      webSocketImpl: WebSocket,
      connectionParams: { authorization: `Bearer ${token}` },
      retryAttempts: 0,
    })
    let heard = () => {}
    let failed: (reason: unknown) => void = () => {}
    this.first = new Promise((resolve, reject) => {
      heard = resolve
      failed = reject
    })
    this.ended = new Promise((resolve) => {
      this.#client.subscribe<Record<string, { seq: number; at: string }>>(
        {
          query: `subscription ($simulationId: UUID!) {
            ${subscription}(simulationId: $simulationId) {
              seq at status completedScenarios failedScenarios totalScenarios currentScore totalCostUsd
            }
          }`,
          variables: { simulationId },
        },
        {
          next: ({ data, errors }) => {
            const at = performance.now()
            if (errors) failed(new Error(JSON.stringify(errors)))
            if (data) {
              const { seq, at: written } = data[subscription]!
              this.received.push({ seq, at, writtenAt: Date.parse(written) - performance.timeOrigin })
            }
            heard()
          },
          error: failed,
          complete: resolve,
        },
      )
    })
  }

  close(): void {
    void this.#client.dispose()
  }
}
