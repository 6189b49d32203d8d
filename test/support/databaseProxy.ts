import { connect, createServer, type Server, type Socket } from 'node:net'
import pg from 'pg'
import { afterAll, inject } from 'vitest'
import { type Arc, useArc } from './arc.ts'
import { tieTogether } from './tiedSockets.ts'

interface Connection {
  client: Socket
  upstream: Socket
  /** It said LISTEN, and the database answered. */
  listens: boolean
  answersLost: boolean
  swallowed: boolean
}

/** A message on its way to the database, and what may become of it. */
interface Held {
  forward(): void
  /** It never arrives: the connection breaks. */
  cut(): void
  /** It arrives, and the connection breaks when the database has committed, before the answer is there. */
  loseAnswer(): void
}

/**
 * The way from a server to its database, with a network's accidents: connections that break, that are refused, that
 * hear nothing.
 */
export class DatabaseProxy {
  /** The database as seen through here. */
  readonly url: string
  readonly #server: Server
  readonly #adminUrl: string | null
  readonly #connections = new Set<Connection>()
  readonly #holds: { text: string; resolve: (held: Held) => void }[] = []
  #listenerUp: (() => void)[] = []
  #listenerRefused = false
  #listenerMuted = false

  /** On a real server `adminUrl` ends backends (pg_terminate_backend); on PGlite, which has none, it is null. */
  static async open(databaseUrl: string, adminUrl: string | null): Promise<DatabaseProxy> {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const url = new URL(databaseUrl)
    url.search = ''
    url.hostname = '127.0.0.1'
    url.port = String((server.address() as { port: number }).port)
    const proxy = new DatabaseProxy(server, url.toString(), adminUrl)
    proxy.leadTo(databaseUrl)
    return proxy
  }

  /** Where connections lead that are opened from now on. */
  leadTo(databaseUrl: string): void {
    const { host, port } = new pg.Client({ connectionString: databaseUrl })
    this.#server.removeAllListeners('connection')
    this.#server.on('connection', (client) =>
      this.#forward(
        client,
        connect(host.startsWith('/') ? { path: `${host}/.s.PGSQL.${port}` } : { host, port }),
      ),
    )
  }

  private constructor(server: Server, url: string, adminUrl: string | null) {
    this.#server = server
    this.url = url
    this.#adminUrl = adminUrl
  }

  /** Resolves when the server's LISTEN is in force. */
  async listenerUp(): Promise<void> {
    if (![...this.#connections].some(({ listens }) => listens)) {
      await new Promise<void>((resolve) => this.#listenerUp.push(resolve))
    }
  }

  killListener(): Promise<void> {
    return this.#kill([...this.#connections].filter(({ listens }) => listens))
  }

  killPool(): Promise<void> {
    return this.#kill([...this.#connections].filter(({ listens }) => !listens))
  }

  /** The next message with this text, before the database gets it. */
  hold(text: string): Promise<Held> {
    return new Promise((resolve) => this.#holds.push({ text, resolve }))
  }

  /** Whether the connection that LISTENs is cut off at its LISTEN. */
  refuseListener(refused: boolean): void {
    this.#listenerRefused = refused
  }

  /**
   * All connections are forgotten, as a firewall does it: what either side sends is lost, and no end hears of that. Those
   * that are opened later are as good as ever.
   */
  swallow(): void {
    for (const connection of this.#connections) {
      connection.swallowed = true
      connection.listens = false
    }
  }

  /** Whether what the database says to the connection that LISTENs is lost on the way. */
  muteListener(muted: boolean): void {
    this.#listenerMuted = muted
  }

  async close(): Promise<void> {
    for (const { client } of this.#connections) client.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #forward(client: Socket, upstream: Socket): void {
    const connection: Connection = { client, upstream, listens: false, answersLost: false, swallowed: false }
    this.#connections.add(connection)
    let saidListen = false
    /** What came behind a message that is held: answers come in the order of the statements. */
    let behind: Buffer[] | undefined
    const forward = (bytes: Buffer) => {
      for (const part of [bytes, ...(behind ?? [])]) upstream.write(part)
      behind = undefined
    }
    client.on('data', (bytes) => {
      if (connection.swallowed) return
      if (behind) {
        behind.push(bytes)
        return
      }
      if (bytes.includes('listen arc_events')) {
        if (this.#listenerRefused) return client.destroy()
        saidListen = true
      }
      const hold = this.#holds.findIndex(({ text }) => bytes.includes(text))
      if (hold < 0) return upstream.write(bytes)
      behind = []
      this.#holds.splice(hold, 1)[0]!.resolve({
        forward: () => forward(bytes),
        cut: () => client.destroy(),
        loseAnswer: () => {
          connection.answersLost = true
          forward(bytes)
        },
      })
    })
    upstream.on('data', (bytes) => {
      if (connection.swallowed) return
      if (connection.answersLost) return bytes.includes('COMMIT') ? client.destroy() : undefined
      if (connection.listens && this.#listenerMuted) return
      client.write(bytes)
      if (saidListen && !connection.listens) {
        connection.listens = true
        for (const resolve of this.#listenerUp.splice(0)) resolve()
      }
    })
    tieTogether(client, upstream, () => this.#connections.delete(connection))
  }

  /** Ends the backends of these connections, and of no other server's. */
  async #kill(connections: Connection[]): Promise<void> {
    const closed = connections.map(({ client }) => new Promise((resolve) => client.once('close', resolve)))
    if (this.#adminUrl === null) {
      for (const { client } of connections) client.destroy()
    } else {
      const admin = new pg.Client({ connectionString: this.#adminUrl })
      await admin.connect()
      await admin.query(
        'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and client_port = any ($1)',
        [connections.map(({ upstream }) => upstream.localPort)],
      )
      await admin.end()
    }
    await Promise.all(closed)
  }
}

/** A server that reaches its database through a proxy. To be awaited at the top of a file. */
export async function useArcBehindProxy(
  env: NodeJS.ProcessEnv = {},
): Promise<{ arc: Arc; proxy: DatabaseProxy }> {
  const proxy = await DatabaseProxy.open(
    inject('databaseUrl'),
    inject('serverUrl') === null ? null : inject('adminUrl'),
  )
  // Before useArc's own: hooks run last to first, and the server closes before its way to the database does.
  afterAll(() => proxy.close())
  return { proxy, arc: useArc({ ARC_JOBS: 'off', ...env, DATABASE_URL: proxy.url }) }
}
