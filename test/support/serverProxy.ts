import { connect, createServer, type Server, type Socket } from 'node:net'
import { tieTogether } from './tiedSockets.ts'

type Fate = (request: { client: Socket; upstream: Socket; bytes: Buffer }) => void

/** The way from a client to its server, with a network's accidents. Requests are told apart by a text in them. */
export class ServerProxy {
  /** GraphQL as seen through here. */
  readonly url: string
  /** Where the server is: another one may take its place. */
  upstream: string
  readonly #server: Server
  readonly #connections = new Set<{ client: Socket; upstream: Socket }>()
  readonly #fates: { text: string; fate: Fate; met: () => void }[] = []
  readonly #seen: Buffer[] = []
  #muted = false

  static async open(upstream: string): Promise<ServerProxy> {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return new ServerProxy(server, upstream)
  }

  private constructor(server: Server, upstream: string) {
    this.#server = server
    this.upstream = upstream
    this.url = `http://127.0.0.1:${(server.address() as { port: number }).port}/graphql`
    server.on('connection', (client) => this.#forward(client))
  }

  /** How many requests with this text came. */
  count(text: string): number {
    return this.#seen.filter((bytes) => bytes.includes(text)).length
  }

  /** The next request with this text never arrives: the connection breaks. */
  cut(text: string): Promise<void> {
    return this.#next(text, ({ client }) => client.destroy())
  }

  /** The next request with this text arrives, and the connection breaks before its answer does. */
  loseAnswer(text: string): Promise<void> {
    return this.#next(text, ({ client, upstream, bytes }) => {
      upstream.removeAllListeners('data')
      upstream.once('data', () => client.destroy())
      upstream.write(bytes)
    })
  }

  /** The next request with this text is answered here, as a gateway does it. */
  answer(text: string, status: string, ...headers: string[]): Promise<void> {
    return this.#next(text, ({ client }) => {
      client.end(
        [`HTTP/1.1 ${status}`, 'Connection: close', 'Content-Length: 0', ...headers, '', ''].join('\r\n'),
      )
    })
  }

  /** Every connection breaks. */
  cutAll(): void {
    for (const { client } of this.#connections) client.destroy()
  }

  /** Whether what the servers say is lost on the way, and no connection breaks for it. */
  mute(muted: boolean): void {
    this.#muted = muted
  }

  async close(): Promise<void> {
    this.cutAll()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #next(text: string, fate: Fate): Promise<void> {
    return new Promise((met) => this.#fates.push({ text, fate, met }))
  }

  #forward(client: Socket): void {
    const { hostname, port } = new URL(this.upstream)
    const upstream = connect(Number(port), hostname)
    const connection = { client, upstream }
    this.#connections.add(connection)
    client.on('data', (bytes) => {
      this.#seen.push(bytes)
      const index = this.#fates.findIndex(({ text }) => bytes.includes(text))
      if (index < 0) return upstream.write(bytes)
      const { fate, met } = this.#fates.splice(index, 1)[0]!
      fate({ client, upstream, bytes })
      met()
    })
    let muted = false
    upstream.on('data', (bytes) => {
      // A connection that was muted once stays so: what was lost cannot be made up for.
      muted ||= this.#muted
      if (!muted) client.write(bytes)
    })
    tieTogether(client, upstream, () => this.#connections.delete(connection))
  }
}
