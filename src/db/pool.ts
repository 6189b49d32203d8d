import pg from 'pg'
import type { Logger } from 'pino'
import { noteDatabaseTime } from '../databaseTime.ts'
import { Refusal } from '../refusal.ts'
import { keepExactNumbers } from './exactJson.ts'
import type { Outage } from './passingFault.ts'
import { breakOffBeyondBudgets } from './readBudget.ts'
import { TracedClient } from './tracedClient.ts'

export interface PoolSettings {
  connectionString: string
  max: number
  /** How many stay open at rest. */
  min?: number
  /** How many may wait for a connection at a time, and for how long each. */
  maxWaiting?: number
  waitMs?: number
  /** How old a connection may become: a new one follows changes of DNS, of a load balancer and of the login's settings. */
  recycleMs?: number
  /** After how long at rest a connection is asked whether it is alive before it is handed out. */
  validateMs?: number
  /** How long a statement of a request may take. */
  statementMs?: number
  /** How long the database may take to answer a statement; for ever when not given. */
  answerMs?: number | undefined
  /** Whether its connections may lead to a standby. */
  isReplica?: boolean
  logger: Logger
}

/** Before a firewall forgets a connection at rest, and so that one which was forgotten is found out. */
const KEEP_ALIVE_MS = 10_000

/** When to come back after a queue was full. */
const RETRY_AFTER_SECONDS = 2

/** How long a statement of a request may take, where nothing else is set. */
export const STATEMENT_MS = 60_000

/** How long a connection may take to say that it is alive. A new one takes less. */
const VALIDATION_MS = 2_000

/** Connections of the process. Times come as Date, bigint and numeric as text: each store parses its own rows. */
export function createPool({
  connectionString,
  max,
  min = 0,
  maxWaiting = Number.POSITIVE_INFINITY,
  waitMs = 30_000,
  recycleMs = 3_600_000,
  validateMs = 30_000,
  statementMs = STATEMENT_MS,
  answerMs,
  isReplica = false,
  logger,
}: PoolSettings): ArcPool {
  const pool = new ArcPool(
    {
      connectionString,
      max,
      min: Math.min(min, max),
      connectionTimeoutMillis: waitMs,
      maxLifetimeSeconds: recycleMs / 1000,
      keepAlive: true,
      keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
      // pg hangs up on a statement that was not answered in time, so that nobody gets its connection after it.
      query_timeout: answerMs,
      application_name: 'arc',
      ...(!isReplica && { onConnect: refuseStandby }),
      Client: TracedClient,
      // Statements leave without waiting for the answer to the one before.
      pipeline: true,
    },
    { maxWaiting, validateMs, statementMs: answerMs ? Math.min(statementMs, partOf(answerMs)) : statementMs },
  )
  // Without a listener on the pool and on every client, one killed backend ends the process.
  // Only its words are logged: the error carries the whole client.
  pool.on('error', ({ message }) => logger.warn({ reason: message }, 'an idle database connection was lost'))
  pool.on('connect', (client) => {
    client.on('error', ({ message }) => logger.warn({ reason: message }, 'a database connection was lost'))
  })
  // The budget comes last, as each of them puts itself before those that were there.
  keepExactNumbers(pool)
  breakOffBeyondBudgets(pool)
  return pool
}

/**
 * What is left of the pool's patience for one statement. What the pool hangs up on PostgreSQL goes on with, to the end of all
 * that it was sent and beyond its tenant's share of connections: so it must have ended it before.
 */
function partOf(answerMs: number): number {
  return Math.floor((answerMs * 6) / 7)
}

/**
 * While a primary is replaced its address may lead to a standby: that answers for as long as the connection lives, with
 * rows of the past.
 *
 * @throws what PostgreSQL says of what only a primary does
 */
async function refuseStandby(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query<{ standby: boolean; now_ms: string }>(
    // A number: how a time looks is a setting of the session's.
    `/* refuseStandby */ select pg_is_in_recovery() as standby,
      (extract(epoch from clock_timestamp()) * 1000)::bigint as now_ms`,
  )
  const { standby, now_ms } = rows[0]!
  if (standby) throw Object.assign(new Error('the address leads to a standby'), { code: '25006' })
  noteDatabaseTime(Number(now_ms))
}

interface Bounds {
  maxWaiting: number
  validateMs: number
  statementMs: number
}

/** A pool in whose queue no more than so many wait, and that hands out what is alive. */
export class ArcPool extends pg.Pool {
  /** How long a statement of a request may take. */
  readonly statementMs: number
  outage: Outage | undefined
  readonly #maxWaiting: number
  readonly #validateMs: number
  readonly #taken = new Set<pg.PoolClient>()
  /** Since when each connection has been at rest. */
  readonly #restingSince = new WeakMap<pg.PoolClient, number>()

  constructor(config: pg.PoolConfig, { maxWaiting, validateMs, statementMs }: Bounds) {
    super(config)
    this.statementMs = statementMs
    this.#maxWaiting = maxWaiting
    this.#validateMs = validateMs
    this.on('acquire', (client) => this.#taken.add(client))
    this.on('remove', (client) => this.#taken.delete(client))
    this.on('release', (_, client) => {
      this.#taken.delete(client)
      this.#restingSince.set(client, performance.now())
    })
  }

  /** Breaks off what is still asked. The database may complete it. */
  cut(): void {
    for (const client of this.#taken) streamOf(client).destroy(new Error('the server stops'))
  }

  /** @throws Refusal UNAVAILABLE when the queue is full. */
  override connect(): Promise<pg.PoolClient>
  override connect(callback: ConnectCallback): void
  override connect(callback?: ConnectCallback): Promise<pg.PoolClient> | undefined {
    const connected = this.#connectAlive()
    if (callback === undefined) return connected
    connected.then(
      (client) => callback(undefined, client, (release) => client.release(release as boolean | Error)),
      (error) => callback(error, undefined, () => {}),
    )
  }

  async #connectAlive(): Promise<pg.PoolClient> {
    for (;;) {
      if (this.waitingCount >= this.#maxWaiting) throw this.#full()
      const client = await super.connect()
      if (await this.#isAlive(client)) return client
      client.release(true)
    }
  }

  #full(): Refusal {
    return new Refusal(
      'UNAVAILABLE',
      `${this.waitingCount} operations wait for a database connection, the most that may (ARC_MAX_WAITING): nothing was done; try again.`,
      [],
      { retryAfterSeconds: RETRY_AFTER_SECONDS },
    )
  }

  /**
   * One that was used a moment ago is taken to be: a round trip for each would cost more than to repeat what fails. What lay
   * for long may have been forgotten by a firewall in between, which nobody hears of.
   */
  async #isAlive(client: pg.PoolClient): Promise<boolean> {
    const since = this.#restingSince.get(client)
    if (since === undefined || performance.now() - since < this.#validateMs) return true
    try {
      await client.query({ text: '/* validate */ select', query_timeout: VALIDATION_MS } as pg.QueryConfig)
      return true
    } catch {
      return false
    }
  }
}

type ConnectCallback = (
  error: Error | undefined,
  client: pg.PoolClient | undefined,
  release: (release?: unknown) => void,
) => void

/**
 * Where one connection gets no answer the others have often lost their way too, a firewall's table for example: those
 * that are idle are ended with it, so that not each of them costs somebody the same wait.
 */
export function dropIdleWithUnanswered(pools: readonly pg.Pool[]): void {
  const idle = new Set<pg.PoolClient>()
  const dropIdle = () => {
    for (const client of idle)
      streamOf(client).destroy(new Error('another connection to the database got no answer'))
  }
  for (const pool of pools) {
    pool.on('acquire', (client) => idle.delete(client))
    pool.on('remove', (client) => idle.delete(client))
    pool.on('release', (_, client) => idle.add(client))
    pool.on('connect', (client) => {
      const stream = streamOf(client)
      stream.once('close', (hadError: boolean) => {
        // Neither an error nor a goodbye: pg itself hung up.
        if (!hadError && !stream.readableEnded) dropIdle()
      })
    })
  }
}

function streamOf(client: pg.PoolClient) {
  return (client as unknown as pg.Client).connection.stream
}
