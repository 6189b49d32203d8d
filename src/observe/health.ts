import type pg from 'pg'
import type { Logger } from 'pino'
import sql from 'sql-template-tag'
import { detectEngine, type Engine } from '../db/engine.ts'
import type { Pools } from '../db/pools.ts'
import { queryOwn } from '../db/transaction.ts'

export interface Health {
  /** Null while the database does not answer. */
  database: DatabaseHealth | null
  pool: PoolFigures
  listener: ListenerHealth
  backlog: Backlog
  embeddings: EmbeddingSource
  /** What is wrong although the server answers, in a sentence each. */
  problems: string[]
}

export interface DatabaseHealth {
  engine: Engine
  serverVersion: string
  extensions: { name: string; version: string }[]
  /** TimescaleDB's tables in chunks of time; none on plain PostgreSQL. */
  hypertables: HypertableState[]
  /** Partitions or chunks that hold outcomes. */
  outcomeParts: number
  /** How full the queue of notifications is, 0 to 1: it fills while some session of the server LISTENs and does not read. */
  notificationQueueShare: number
  /** What Arc runs regularly. */
  jobs: JobState[]
  embeddings: EmbeddingState
  responseTimeMs: number
}

/** How far embeddings are, of all tenants. */
export interface EmbeddingState {
  /** What waits for its vector, by kind: only kinds of which something does. */
  backlog: { readonly [kind: string]: number | undefined }
  oldestQueuedAt: Date | null
  /** Whether it is still looked for what has no vector and waits nowhere: new models, or a new server. */
  searching: boolean
  made: number
  /** Attempts that failed for all that was asked. */
  failed: number
  lastFailedAt: Date | null
  pausedUntil: Date | null
  /** Things that have no vector, and would have none at a second attempt. */
  unembeddable: number
}

/** What this server embeds with: `minilm`, `openai`; null where it makes no embeddings. */
export interface EmbeddingSource {
  provider: string | null
  model: string | null
}

/** `bytesBefore`, `bytesAfter`: of its compressed chunks; null where there are none. */
export interface HypertableState {
  name: string
  chunks: number
  compressedChunks: number
  bytesBefore: number | null
  bytesAfter: number | null
}

/** `lagMs`: how far it is behind what the database has committed; null where it is down, or did not hear in time. */
interface ListenerHealth {
  listening: boolean
  lagMs: number | null
}

/** What was accepted and waits: operations for their turn or a connection, outcomes for their batch. */
export interface Backlog {
  operations: number
  outcomes: number
}

/** Connections: how many there may be, are open, are idle and are taken, and how many operations wait for one. */
export interface PoolFigures {
  capacity: number
  total: number
  idle: number
  inUse: number
  waiting: number
}

interface JobState {
  name: string
  running: boolean
  dueAt: Date
  startedAt: Date | null
  endedAt: Date | null
  runs: number
  /** In a row. */
  failures: number
  lastErrorAt: Date | null
  /** By the database's clock: since when it should have run. */
  lateMs: number
}

/** A monitor wants to know soon, whatever the pool's patience is. */
const PATIENCE_MS = 5_000

/** So many failures in a row are no accident: the fourth try comes some three minutes after the first. */
const TOO_MANY_FAILURES = 3

/** A job that is late by more than this has no server that runs it. */
const TOO_LATE_MS = 600_000

/** From then on commits that notify will soon fail. */
const TOO_FULL = 0.5

/** What the probe is told by the parts of the server. */
interface Parts {
  pools: Pools
  listener: { readonly listening: boolean; lagMs(): Promise<number | null> }
  backlog(): Backlog
  embeddings: EmbeddingSource
  /** Of the jobs that this server runs: what else stands in the table is another version's. */
  jobs: readonly string[]
  logger: Logger
}

/** Looks at the database as a monitor would, on connections that no request takes. */
export class HealthProbe {
  readonly #parts: Parts
  /** Monitors may ask as often as they like: there is one look at a time. */
  readonly #look: () => Promise<DatabaseHealth>
  readonly #ping: () => Promise<unknown>
  readonly #lag: () => Promise<number | null>
  #isClosing = false

  constructor(parts: Parts) {
    this.#parts = parts
    const { pools, listener } = parts
    this.#look = shared(() => lookAt(pools.own))
    this.#ping = shared(() => inTime(pools.own.query('/* ping */ select')))
    this.#lag = shared(() => listener.lagMs())
  }

  /** From now on the server is not ready, as it is about to close. */
  close(): void {
    this.#isClosing = true
  }

  get isClosing(): boolean {
    return this.#isClosing
  }

  /** Why no requests should be sent here; undefined where they should. */
  async whyNotReady(): Promise<string | undefined> {
    if (this.#isClosing) return 'The server is closing.'
    const answer = await this.#orNothing(this.#ping())
    return answer === null ? 'The database does not answer.' : undefined
  }

  async check(): Promise<Health> {
    const { pools, listener, backlog, jobs, embeddings } = this.#parts
    const [database, lagMs] = await Promise.all([this.#orNothing(this.#look()), this.#lag()])
    const { listening } = listener
    return {
      database,
      pool: figuresOf(pools),
      listener: { listening, lagMs },
      backlog: backlog(),
      embeddings,
      problems: [
        ...(listening
          ? []
          : ['The LISTEN connection is down: live events are polled, and come up to five seconds late.']),
        ...(database ? problemsOf(database, jobs) : []),
      ],
    }
  }

  async #orNothing<Answer>(asking: Promise<Answer>): Promise<Answer | null> {
    try {
      return await asking
    } catch (error) {
      this.#parts.logger.warn(
        { reason: (error as Error).message },
        'the database does not answer a health check',
      )
      return null
    }
  }
}

function figuresOf({ reading, writing, own }: Pools): PoolFigures {
  const pools = [reading, writing, own]
  const sum = (figure: (pool: pg.Pool) => number) => pools.reduce((so, pool) => so + figure(pool), 0)
  const total = sum(({ totalCount }) => totalCount)
  const idle = sum(({ idleCount }) => idleCount)
  return {
    capacity: sum(({ options }) => options.max),
    total,
    idle,
    inUse: total - idle,
    waiting: sum(({ waitingCount }) => waitingCount),
  }
}

/** Jobs of TimescaleDB or of anybody else are not looked at: one of those fails in an unused database. */
function problemsOf({ jobs, notificationQueueShare }: DatabaseHealth, own: readonly string[]): string[] {
  const problems: string[] = []
  for (const { name, running, failures, dueAt, lateMs } of jobs) {
    if (!own.includes(name)) continue
    if (failures >= TOO_MANY_FAILURES)
      problems.push(`The job ${name} failed ${failures} times in a row: the server's log says why.`)
    else if (!running && lateMs > TOO_LATE_MS)
      problems.push(`The job ${name} should have run at ${dueAt.toISOString()}, and no server has begun.`)
  }
  if (notificationQueueShare > TOO_FULL)
    problems.push('The queue of notifications is more than half full: a session LISTENs and does not read.')
  return problems
}

/** Whoever comes while one is running gets its result. */
function shared<Result>(work: () => Promise<Result>): () => Promise<Result> {
  let running: Promise<Result> | undefined
  return () => {
    running ??= work().finally(() => {
      running = undefined
    })
    return running
  }
}

async function inTime<Answer>(answer: Promise<Answer>): Promise<Answer> {
  answer.catch(() => {})
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer in ${PATIENCE_MS} ms`)), PATIENCE_MS)
  })
  try {
    return await Promise.race([answer, late])
  } finally {
    clearTimeout(timer)
  }
}

function lookAt(pool: pg.Pool): Promise<DatabaseHealth> {
  return inTime(
    (async () => {
      const begin = performance.now()
      const engine = await detectEngine(pool as never)
      const { rows } = await pool.query<{
        server_version: string
        extensions: DatabaseHealth['extensions']
        outcome_parts: number
        notification_queue_share: number
      }>(`/* health */
        select current_setting('server_version') as server_version,
          (select coalesce(json_agg(json_build_object('name', extname, 'version', extversion) order by extname), '[]') from pg_extension) as extensions,
          (select count(*)::int from pg_inherits i join pg_class c on c.oid = i.inhparent
            join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'store' and c.relname = 'outcomes') as outcome_parts,
          pg_notification_queue_usage() as notification_queue_share`)
      const { server_version, extensions, outcome_parts, notification_queue_share } = rows[0]!
      const jobs = await queryOwn<JobState>(
        pool,
        sql`/* jobStates */
        select name, running, due_at as "dueAt", started_at as "startedAt", ended_at as "endedAt", runs, failures,
          last_error_at as "lastErrorAt", greatest(0, 1000 * extract(epoch from now() - due_at))::float8 as "lateMs"
        from job_states()`,
      )
      const [embeddings] = await queryOwn<EmbeddingState>(
        pool,
        sql`/* embeddingStates */
        select backlog, oldest_queued_at as "oldestQueuedAt", searching, made::float8 as made, failed::float8 as failed,
          last_error_at as "lastFailedAt", paused_until as "pausedUntil", unembeddable::float8 as unembeddable
        from embedding_states()`,
      )
      return {
        engine,
        serverVersion: server_version,
        extensions,
        hypertables: await queryOwn<HypertableState>(
          pool,
          sql`/* hypertableStates */
          select name, chunks, compressed_chunks as "compressedChunks", bytes_before::float8 as "bytesBefore",
            bytes_after::float8 as "bytesAfter"
          from hypertable_states()`,
        ),
        outcomeParts: outcome_parts,
        notificationQueueShare: notification_queue_share,
        jobs,
        embeddings: embeddings!,
        responseTimeMs: performance.now() - begin,
      }
    })(),
  )
}
