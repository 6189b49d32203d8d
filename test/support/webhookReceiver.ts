import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'

interface Received {
  url: string
  headers: http.IncomingHttpHeaders
  body: string
  json: any
}

/** What a receiver answers, once; it takes what comes (204) when nothing else was said. */
interface Reply {
  status: number
  headers?: Record<string, string>
  body?: string
  /** Answers only then. */
  after?: Promise<unknown>
}

/** A real receiver of webhooks on this machine. */
export class WebhookReceiver {
  readonly received: Received[] = []
  readonly replies: Reply[] = []
  /** What it answers when no reply is left. */
  otherwise: Reply = { status: 204 }
  readonly #server = http.createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks).toString()
    const { status, headers, body: text, after } = this.replies.shift() ?? this.otherwise
    this.received.push({
      url: request.url!,
      headers: request.headers,
      body,
      json: JSON.parse(body || 'null'),
    })
    await after
    response.writeHead(status, headers).end(text)
  })

  async start(): Promise<void> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/hook`
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }
}
