import { request } from 'node:http'
import { WebSocket } from 'ws'

const EVENTS = `subscription ($simulationId: UUID!, $afterSeq: SafeInt!) {
  simulationEvents(simulationId: $simulationId, afterSeq: $afterSeq) { seq simulation { metadata } }
}`

/** What is asked of whom. */
interface Asked {
  url: string
  token: string
  simulationId: string
}

/** Someone who follows a simulation, reads one event, and then takes nothing more of what comes until `resume`. */
export class SlowSubscriber {
  /** Of the events that it has read. */
  readonly seqs: number[] = []
  /** It has read one. */
  readonly subscribed: Promise<void>
  /** From its socket, which it leaves alone until then. */
  resume = () => {}
  #heard = () => {}

  constructor(over: 'WebSocket' | 'server-sent events', asked: Asked) {
    this.subscribed = new Promise((resolve) => {
      this.#heard = resolve
    })
    if (over === 'WebSocket') this.#overWebSocket(asked)
    else this.#overSse(asked)
  }

  #overWebSocket({ url, token, simulationId }: Asked): void {
    const socket = new WebSocket(url.replace(/^http/, 'ws'), 'graphql-transport-ws')
    const send = (message: object) => socket.send(JSON.stringify(message))
    socket.on('open', () => send({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } }))
    socket.on('message', (data) => {
      const message = JSON.parse(String(data))
      if (message.type === 'connection_ack')
        send({
          id: '1',
          type: 'subscribe',
          payload: { query: EVENTS, variables: { simulationId, afterSeq: 0 } },
        })
      else if (message.type === 'next') this.#read(message.payload, () => socket.pause())
    })
    socket.on('error', () => {})
    this.resume = () => socket.resume()
  }

  #overSse({ url, token, simulationId }: Asked): void {
    const headers = {
      'content-type': 'application/json',
      accept: 'text/event-stream',
      authorization: `Bearer ${token}`,
    }
    const sent = request(url, { method: 'POST', headers, agent: false }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (piece: string) => {
        text += piece
        const events = text.split('\n\n')
        text = events.pop()!
        for (const event of events) {
          const [, payload] = /^event: next\ndata:(.*)$/s.exec(event) ?? []
          if (payload !== undefined) this.#read(JSON.parse(payload), () => response.pause())
        }
      })
      response.on('error', () => {})
      this.resume = () => response.resume()
    })
    sent.on('error', () => {})
    sent.end(JSON.stringify({ query: EVENTS, variables: { simulationId, afterSeq: 0 } }))
  }

  #read(
    { data, errors }: { data?: { simulationEvents: { seq: number } }; errors?: object },
    pause: () => void,
  ) {
    if (errors || !data) throw new Error(JSON.stringify(errors))
    this.seqs.push(data.simulationEvents.seq)
    if (this.seqs.length === 1) {
      pause()
      this.#heard()
    }
  }
}
