import pg from 'pg'
import type { Logger } from 'pino'
import { Refusal } from '../refusal.ts'
import { keepExactNumbers } from './exactJson.ts'
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
  /** How long the database may take to answer a statement; for ever when not given. */
  answerMs?: number | undefined
  logger: Logger
}

/** Before a firewall forgets a connection at rest, and so that one which was forgotten is found out. */
const KEEP_ALIVE_MS = 10_000

/** A new connection follows changes of DNS, of a load balancer and of the login's settings. */
const LIFETIME_SECONDS = 3_600

/** When to come back after a queue was full. */
const RETRY_AFTER_SECONDS = 2

/** Connections of the process. Times come as Date, bigint and numeric as text: each store parses its own rows. */
export function createPool({
  connectionString,
  max,
  min = 0,
  maxWaiting = Number.POSITIVE_INFINITY,
  waitMs = 30_000,
  answerMs,
  logger,
}: PoolSettings): pg.Pool {
  const pool = new BoundedPool(
    {
      connectionString,
      max,
      min: Math.min(min, max),
      connectionTimeoutMillis: waitMs,
      maxLifetimeSeconds: LIFETIME_SECONDS,
      keepAlive: true,
      keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
      // pg hangs up on a statement that was not answered in time, so that nobody gets its connection after it.
      query_timeout: answerMs,
      application_name: 'arc',
      onConnect: refuseStandby,
      Client: TracedClient,
      // Statements leave without waiting for the answer to the one before.
      pipeline: true,
    },
    maxWaiting,
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
 * While a primary is replaced its address may lead to a standby: that answers for as long as the connection lives, with
 * rows of the past.
 *
 * @throws what PostgreSQL says of what only a primary does
 */
async function refuseStandby(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query<{ standby: boolean }>(
    '/* refuseStandby */ select pg_is_in_recovery() as standby',
  )
  if (rows[0]!.standby) throw Object.assign(new Error('the address leads to a standby'), { code: '25006' })
}

/** A pool in whose queue no more than so many wait. */
class BoundedPool extends pg.Pool {
  readonly #maxWaiting: number

  constructor(config: pg.PoolConfig, maxWaiting: number) {
    super(config)
    this.#maxWaiting = maxWaiting
  }

  /** @throws Refusal UNAVAILABLE when the queue is full. */
  override connect(): Promise<pg.PoolClient>
  override connect(callback: ConnectCallback): void
  override connect(callback?: ConnectCallback): Promise<pg.PoolClient> | undefined {
    if (this.waitingCount < this.#maxWaiting) {
      if (callback === undefined) return super.connect()
      super.connect(callback)
      return
    }
    const full = new Refusal(
      'UNAVAILABLE',
      `${this.waitingCount} operations wait for a database connection, the most that may (ARC_MAX_WAITING): nothing was done; try again.`,
      [],
      { retryAfterSeconds: RETRY_AFTER_SECONDS },
    )
    if (callback === undefined) return Promise.reject(full)
    callback(full, undefined, () => {})
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
