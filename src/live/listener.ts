import { randomUUID } from 'node:crypto'
import pg from 'pg'
import type { Logger } from 'pino'
import { settledTls } from '../db/tlsMode.ts'

const CHANNEL = 'arc_events'
const FIRST_RETRY_MS = 50
const LONGEST_RETRY_MS = 10_000
const HEARTBEAT_MS = 15_000
const ANSWER_MS = 5_000

export interface ListenerEvents {
  /** A simulation of some tenant has an event with this number: a hint, not the event. */
  onHint(simulationId: string, seq: number): void
  /** LISTEN is in force from now on; what happened before has to be read from the log. */
  onListening(): void
}

/**
 * The process's one connection that LISTENs. It is a direct one, is watched by a heartbeat, and comes back by itself
 * with exponential back-off.
 */
export class Listener {
  readonly #connectionString: string
  readonly #events: ListenerEvents
  readonly #logger: Logger
  readonly #patienceMs: number
  #client: pg.Client | undefined
  #retry: NodeJS.Timeout | undefined
  #heartbeat: NodeJS.Timeout | undefined
  #failures = 0
  #stopped = false
  #listening = false
  /** Those who wait to hear of themselves, by what they said. */
  readonly #awaited = new Map<string, () => void>()

  /** `patienceMs`: how long the database may be silent, where that is less than the heartbeat allows. */
  constructor(connectionString: string, events: ListenerEvents, logger: Logger, patienceMs: number) {
    this.#connectionString = connectionString
    this.#events = events
    this.#logger = logger
    this.#patienceMs = patienceMs
  }

  get listening(): boolean {
    return this.#listening
  }

  /**
   * How long a notification takes from here through the database's queue and back, in milliseconds. They come in the order of the
   * commits, so what was committed before it has been heard by then. Null where LISTEN is not in force, or nothing came.
   */
  async lagMs(): Promise<number | null> {
    const client = this.#client
    if (!client || !this.#listening) return null
    // No hint: it has no number.
    const word = `lag:${randomUUID()}`
    const begin = performance.now()
    let patience: NodeJS.Timeout | undefined
    try {
      return await new Promise<number | null>((resolve) => {
        const giveUp = () => resolve(null)
        patience = setTimeout(giveUp, Math.min(ANSWER_MS, this.#patienceMs))
        this.#awaited.set(word, () => resolve(performance.now() - begin))
        client.query('/* lag */ select pg_notify($1, $2)', [CHANNEL, word]).catch(giveUp)
      })
    } finally {
      clearTimeout(patience)
      this.#awaited.delete(word)
    }
  }

  /** Resolves when LISTEN is in force for the first time, or when the first try failed and the next one is scheduled. */
  async start(): Promise<void> {
    await this.#connect()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#retry)
    clearInterval(this.#heartbeat)
    const client = this.#client
    this.#client = undefined
    this.#listening = false
    client?.removeAllListeners('end')
    await client?.end().catch(() => {})
  }

  async #connect(): Promise<void> {
    // Where that fails, so does the connection: one way to try again is enough.
    const connectionString = await settledTls(this.#connectionString).catch(() => this.#connectionString)
    if (this.#stopped) return
    const client = new pg.Client({
      connectionString,
      application_name: 'arc listen',
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
      connectionTimeoutMillis: 10_000,
      query_timeout: Math.min(ANSWER_MS, this.#patienceMs),
    })
    this.#client = client
    client.on('error', (error) => this.#lost(client, error))
    client.on('end', () => this.#lost(client))
    client.on('notification', ({ payload }) => this.#hint(payload ?? ''))
    try {
      await client.connect()
      if (await isPooled(client)) {
        await this.stop()
        this.#logger.warn(
          'DATABASE_URL leads through a pooler such as PgBouncer, where LISTEN hears nothing: live events are polled. Set DATABASE_DIRECT_URL to the database itself.',
        )
        return
      }
      await client.query(`listen ${CHANNEL}`)
    } catch (error) {
      this.#lost(client, error as Error)
      return
    }
    if (this.#client !== client) return
    this.#failures = 0
    this.#listening = true
    this.#heartbeat = setInterval(() => void this.#beat(client), Math.min(HEARTBEAT_MS, this.#patienceMs))
    this.#events.onListening()
  }

  #hint(payload: string): void {
    this.#awaited.get(payload)?.()
    const colon = payload.lastIndexOf(':')
    const seq = Number(payload.slice(colon + 1))
    // Any role may NOTIFY: what is no hint is nothing.
    if (colon > 0 && Number.isSafeInteger(seq)) this.#events.onHint(payload.slice(0, colon), seq)
  }

  /** A connection that a firewall dropped looks open for ever: only an answer shows that it is. */
  async #beat(client: pg.Client): Promise<void> {
    try {
      await client.query('select 1')
    } catch (error) {
      this.#lost(client, error as Error)
    }
  }

  #lost(client: pg.Client, error?: Error): void {
    if (this.#client !== client || this.#stopped) return
    this.#client = undefined
    this.#listening = false
    clearInterval(this.#heartbeat)
    // pg waits for a dead peer's goodbye: don't.
    ;(client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy()
    const longest = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** this.#failures)
    this.#failures += 1
    const delay = longest / 2 + (Math.random() * longest) / 2
    this.#logger.warn(
      { reason: error?.message, retryInMs: Math.round(delay) },
      'the LISTEN connection was lost',
    )
    this.#retry = setTimeout(() => void this.#connect(), delay)
  }
}

/**
 * Whether the backend is another one than the connection was promised. A pooler in transaction mode would leave LISTEN on a
 * connection that it lends to the next one, and throw the notifications away.
 */
async function isPooled(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query<{ pid: number }>('/* ownBackend */ select pg_backend_pid() as pid')
  return rows[0]!.pid !== (client as unknown as { processID: number }).processID
}
