import type { Logger } from 'pino'
import type { ArcPool } from './pool.ts'
import { keepsSessions, StatementNames } from './statementNames.ts'

/** How often the servers are compared. */
const LOOK_MS = 250

/** How long one look may take before the replica counts as away. */
const PATIENCE_MS = 2_000

/** For how many looks it is remembered how far the primary was. */
const KEPT_LOOKS = 400

/** How far the primary was at a time of this process's clock, in bytes of its log. */
interface Look {
  at: number
  position: bigint
}

/**
 * A standby that queries may go to. What it shows is older than the primary by some milliseconds, or by minutes where it lags, so
 * it is compared again and again how far both are: that tells up to which moment it has everything. A tenant that wrote after
 * this moment, through this process, is answered by the primary, and so is everybody while the replica is away or too far behind.
 */
export class Replica {
  readonly pool: ArcPool
  names: StatementNames | undefined
  readonly #primary: ArcPool
  readonly #mostLagMs: number
  readonly #logger: Logger
  readonly #looks: Look[] = []
  /** When each tenant's latest write was committed: those that the replica may lack. */
  readonly #writtenAt = new Map<string, number>()
  /** What was committed before, the replica has. */
  #hasAllUntil = Number.NEGATIVE_INFINITY
  #timer: NodeJS.Timeout | undefined
  #stopped = false
  #looking: Promise<void> = Promise.resolve()
  #isUsable = false

  /** `mostLagMs`: how far behind it may be for those who did not write. */
  constructor(pool: ArcPool, primary: ArcPool, mostLagMs: number, logger: Logger) {
    this.pool = pool
    this.#primary = primary
    this.#mostLagMs = mostLagMs
    this.#logger = logger
  }

  /** Looks once, and from then on by itself. A replica that is away is no reason not to start. */
  async start(): Promise<void> {
    await this.#look()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#timer)
    await this.#looking
    await this.pool.end()
  }

  /** Whether it shows the tenant all that it has written through this process, and is not too far behind for others. */
  isFreshFor(tenantId: string): boolean {
    if (!this.#isUsable || performance.now() - this.#hasAllUntil > this.#mostLagMs) return false
    const writtenAt = this.#writtenAt.get(tenantId)
    return writtenAt === undefined || writtenAt < this.#hasAllUntil
  }

  /** Said when a commit of the tenant was answered, or may have happened. */
  noteWrite(tenantId: string): void {
    this.#writtenAt.set(tenantId, performance.now())
  }

  /** Until the next look: it did not answer somebody. */
  leaveOut(): void {
    this.#isUsable = false
  }

  async #look(): Promise<void> {
    this.#looking = this.#compare().catch((error: Error) => this.#setUsable(false, error.message))
    await this.#looking
    if (!this.#stopped) this.#timer = setTimeout(() => void this.#look(), LOOK_MS).unref()
  }

  async #compare(): Promise<void> {
    // Before the question: what was committed until here lies before the answer.
    const at = performance.now()
    const position = await positionOf(this.#primary, 'pg_current_wal_insert_lsn()')
    this.#looks.push({ at, position })
    if (this.#looks.length > KEPT_LOOKS) this.#looks.shift()
    const replayed = await positionOf(this.pool, 'pg_last_wal_replay_lsn()')
    const reached = this.#looks.findLast((look) => look.position <= replayed)
    if (reached) {
      this.#hasAllUntil = reached.at
      for (const [tenantId, writtenAt] of this.#writtenAt)
        if (writtenAt < reached.at) this.#writtenAt.delete(tenantId)
    }
    if (!this.names && (await keepsSessions(this.pool))) this.names = new StatementNames()
    const lagMs = performance.now() - this.#hasAllUntil
    this.#setUsable(lagMs <= this.#mostLagMs, 'it is too far behind')
  }

  #setUsable(isUsable: boolean, reason: string): void {
    if (isUsable && !this.#isUsable) this.#logger.info('queries go to the replica')
    if (!isUsable && this.#isUsable) this.#logger.warn({ reason }, 'queries go to the primary')
    this.#isUsable = isUsable
  }
}

/** In bytes; of a server that is no standby the last replayed position is null, and so it is no replica. */
async function positionOf(
  pool: ArcPool,
  position: 'pg_current_wal_insert_lsn()' | 'pg_last_wal_replay_lsn()',
): Promise<bigint> {
  const { rows } = await pool.query<{ bytes: string | null }>({
    text: `/* replicaPosition */ select (${position} - '0/0')::text as bytes`,
    query_timeout: PATIENCE_MS,
  } as never)
  const bytes = rows[0]!.bytes
  if (bytes === null) throw new Error('DATABASE_REPLICA_URL leads to no standby')
  return BigInt(bytes)
}
