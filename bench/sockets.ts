import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import WebSocket from 'ws'
import type { ChildServer } from './childProcess.ts'
import { quantile } from './figures.ts'
import type { GraphQLConnections } from './graphqlConnections.ts'
import type { Memory } from './memory.ts'
import { outcomesOf, prepareTenant, record, recordBody, startSimulation } from './workload.ts'

/** As many as a tenant may have (ARC_MAX_SOCKETS_PER_TENANT). */
const SOCKETS_PER_TENANT = 1_000
/** Of those that are opened at a time: a backlog has an end. */
const AT_ONCE = 200
const EVENTS = 10
/** Longest wait for what is on its way. */
const PATIENCE_MS = 60_000

const SUBSCRIPTION =
  'subscription ($simulationId: UUID!) { simulationEvents(simulationId: $simulationId, afterSeq: 0) { seq } }'

/** Of so many sockets, each of which hears of so many events. */
export interface SocketFigures {
  opensPerSecond: number
  /** From sending what makes the event to a socket's hearing of it. */
  p50Ms: number
  p99Ms: number
  lost: number
  before: Memory
  open: Memory
  /** When all have left. */
  after: Memory
}

export interface SocketsResult {
  sockets: number
  events: number
  arc: SocketFigures
  /** The same library with nothing around it. */
  bare: SocketFigures
}

interface Settings {
  url: string
  sockets: number
  /** A tenant's own way to Arc, and its token. */
  newTenant: () => Promise<{ arc: GraphQLConnections; token: string }>
  memory: () => Promise<Memory>
  bare: ChildServer<{ url: string }>
}

export async function measureSockets(settings: Settings): Promise<SocketsResult> {
  const { sockets, bare, memory } = settings
  const ofBare = await measure(
    [{ url: bare.started.url, count: sockets, first: ['{}'] }],
    (seq) => bare.ask(String(seq)),
    () => bare.ask<Memory>('memory'),
  )
  const groups: Group[] = []
  const simulations: { arc: GraphQLConnections; simulationId: string }[] = []
  for (let left = sockets; left > 0; left -= SOCKETS_PER_TENANT) {
    const { arc, token } = await settings.newTenant()
    const [versionId] = await prepareTenant(arc)
    const simulationId = await startSimulation(arc, versionId!, 1, 'sockets')
    simulations.push({ arc, simulationId })
    groups.push({
      url: settings.url,
      count: Math.min(left, SOCKETS_PER_TENANT),
      first: [
        JSON.stringify({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } }),
        JSON.stringify({
          id: '1',
          type: 'subscribe',
          payload: { query: SUBSCRIPTION, variables: { simulationId } },
        }),
      ],
    })
  }
  const ofArc = await measure(
    groups,
    (seq) =>
      Promise.all(
        simulations.map(({ arc, simulationId }) =>
          record(arc, recordBody(outcomesOf(simulationId, 1, seq - 2, seq - 1, Date.now() - 60_000)), 1),
        ),
      ),
    memory,
  )
  return { sockets, events: EVENTS, arc: ofArc, bare: ofBare }
}

/** So many sockets of one tenant; `first`: what each says, the second when the first was answered. */
interface Group {
  url: string
  count: number
  first: string[]
}

async function measure(
  groups: readonly Group[],
  happen: (seq: number) => Promise<unknown>,
  memory: () => Promise<Memory>,
): Promise<SocketFigures> {
  const before = await memory()
  const latencies: number[] = []
  const heard = new Map<number, number>()
  const sentAt = new Map<number, number>()
  const count = groups.reduce((sum, group) => sum + group.count, 0)
  let all = () => {}
  const onEvent = (seq: number) => {
    const sent = sentAt.get(seq)
    if (sent === undefined) return
    latencies.push(performance.now() - sent)
    heard.set(seq, (heard.get(seq) ?? 0) + 1)
    if (heard.get(seq) === count) all()
  }
  const begun = performance.now()
  const sockets: WebSocket[] = []
  for (const group of groups) {
    for (let opened = 0; opened < group.count; opened += AT_ONCE) {
      const some = Array.from({ length: Math.min(AT_ONCE, group.count - opened) }, () => group)
      sockets.push(...(await Promise.all(some.map((one) => openSocket(one, onEvent)))))
    }
  }
  const opensPerSecond = (count * 1_000) / (performance.now() - begun)
  for (let seq = 2; seq < EVENTS + 2; seq++) {
    const allHeard = new Promise<void>((resolve) => {
      all = resolve
    })
    sentAt.set(seq, performance.now())
    await happen(seq)
    await Promise.race([allHeard, delay(PATIENCE_MS, undefined, { ref: false })])
  }
  const open = await memory()
  await Promise.all(
    sockets.map((socket) => {
      const closed = once(socket, 'close')
      socket.close()
      return closed
    }),
  )
  return {
    opensPerSecond,
    p50Ms: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
    lost: EVENTS * count - latencies.length,
    before,
    open,
    after: await memory(),
  }
}

/** Resolves when its first event is here. */
function openSocket({ url, first }: Group, onEvent: (seq: number) => void): Promise<WebSocket> {
  const socket = new WebSocket(url, 'graphql-transport-ws', { perMessageDeflate: false })
  const said = first.values()
  return new Promise((resolve, reject) => {
    const sayNext = () => {
      const { value } = said.next()
      if (value !== undefined) socket.send(value)
    }
    socket.on('open', sayNext)
    socket.on('error', (error: NodeJS.ErrnoException) =>
      reject(error.code === 'EMFILE' ? new Error('so many sockets need a larger "ulimit -n"') : error),
    )
    socket.on('close', (code, reason) => reject(new Error(`a socket was closed: ${code} ${reason}`)))
    socket.on('message', (data) => {
      const text = String(data)
      const [, seq] = /"seq":(\d+)/.exec(text) ?? []
      if (seq === undefined) {
        if (text.includes('"connection_ack"')) sayNext()
        else if (/"(error|complete)"|"errors"/.test(text)) reject(new Error(text))
        return
      }
      resolve(socket)
      onEvent(Number(seq))
    })
  })
}
