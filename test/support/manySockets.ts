import { once } from 'node:events'
import { WebSocket } from 'ws'

const EVENTS =
  'subscription ($simulationId: UUID!) { simulationEvents(simulationId: $simulationId, afterSeq: 0) { seq } }'

/** Of those that are opened at a time: a backlog has an end. */
const AT_ONCE = 200

/** WebSockets that follow a simulation each, with as little around them as there can be. */
export class ManySockets {
  readonly #sockets: WebSocket[] = []
  /** How many have heard of the event with this number. */
  readonly #heard = new Map<number, number>()
  #waiting: { seq: number; count: number; resolve: () => void }[] = []
  /** Connections that the server ended. */
  lost = 0
  /** Events that came twice, or after a later one. */
  disordered = 0
  #isLeaving = false

  /** Resolves when each has its first event. */
  async open(url: string, token: string, simulationId: string, count: number): Promise<void> {
    for (let opened = 0; opened < count; opened += AT_ONCE) {
      const some = Math.min(AT_ONCE, count - opened)
      await Promise.all(Array.from({ length: some }, () => this.#openOne(url, token, simulationId)))
    }
  }

  get count(): number {
    return this.#sockets.length
  }

  /** Resolves when so many have heard of the event with this number. */
  heard(seq: number, count: number): Promise<void> {
    if ((this.#heard.get(seq) ?? 0) >= count) return Promise.resolve()
    return new Promise((resolve) => this.#waiting.push({ seq, count, resolve }))
  }

  /** Half of them say goodbye. */
  async leave(): Promise<void> {
    this.#isLeaving = true
    await Promise.all(
      this.#sockets.map((socket, index) => {
        const closed = once(socket, 'close')
        if (index % 2 === 0) socket.close()
        else socket.terminate()
        return closed
      }),
    )
  }

  async #openOne(url: string, token: string, simulationId: string): Promise<void> {
    const socket = new WebSocket(url.replace(/^http/, 'ws'), 'graphql-transport-ws', {
      perMessageDeflate: false,
    })
    this.#sockets.push(socket)
    let last = 0
    await new Promise<void>((resolve, reject) => {
      socket.on('error', reject)
      socket.on('close', (code, reason) => {
        if (this.#isLeaving) return
        this.lost += 1
        reject(new Error(`closed: ${code} ${reason}`))
      })
      socket.on('open', () =>
        socket.send(`{"type":"connection_init","payload":{"authorization":"Bearer ${token}"}}`),
      )
      socket.on('message', (data) => {
        const { type, payload } = JSON.parse(String(data))
        if (type === 'connection_ack') {
          const subscription = { query: EVENTS, variables: { simulationId } }
          socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: subscription }))
        } else if (type === 'next' && payload.data) {
          const { seq } = payload.data.simulationEvents
          if (seq <= last) this.disordered += 1
          last = seq
          this.#hear(seq)
          resolve()
        } else if (type !== 'complete' && type !== 'ping') reject(new Error(String(data)))
      })
    })
  }

  #hear(seq: number): void {
    const count = (this.#heard.get(seq) ?? 0) + 1
    this.#heard.set(seq, count)
    for (const waiting of this.#waiting) if (waiting.seq === seq && count >= waiting.count) waiting.resolve()
    this.#waiting = this.#waiting.filter((waiting) => waiting.seq !== seq || count < waiting.count)
  }
}
