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
}

export interface DatabaseHealth {
  engine: Engine
  serverVersion: string
  extensions: { name: string; version: string }[]
  /** TimescaleDB's tables in chunks of time; none on plain PostgreSQL. */
  hypertables: { name: string; chunks: number }[]
  /** Partitions or chunks that hold outcomes. */
  outcomeParts: number
  /** What Arc runs regularly. */
  jobs: JobState[]
  responseTimeMs: number
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
}

/** A monitor wants to know soon, whatever the pool's patience is. */
const PATIENCE_MS = 5_000

/** Looks at the database as a monitor would, on connections that no request takes. */
export class HealthProbe {
  readonly #pools: Pools
  readonly #logger: Logger
  /** Monitors may ask as often as they like: there is one look at a time. */
  readonly #look: () => Promise<DatabaseHealth>
  readonly #ping: () => Promise<unknown>

  constructor(pools: Pools, logger: Logger) {
    this.#pools = pools
    this.#logger = logger
    this.#look = shared(() => lookAt(pools.own))
    this.#ping = shared(() => inTime(pools.own.query('/* ping */ select')))
  }

  /** Whether the database answers. */
  async isReady(): Promise<boolean> {
    return this.#orNothing(this.#ping()).then((answer) => answer !== null)
  }

  async check(): Promise<Health> {
    const database = await this.#orNothing(this.#look())
    const { reading, writing, own } = this.#pools
    const pools = [reading, writing, own]
    const sum = (figure: (pool: pg.Pool) => number) => pools.reduce((so, pool) => so + figure(pool), 0)
    const total = sum(({ totalCount }) => totalCount)
    const idle = sum(({ idleCount }) => idleCount)
    return {
      database,
      pool: {
        capacity: sum(({ options }) => options.max),
        total,
        idle,
        inUse: total - idle,
        waiting: sum(({ waitingCount }) => waitingCount),
      },
    }
  }

  async #orNothing<Answer>(asking: Promise<Answer>): Promise<Answer | null> {
    try {
      return await asking
    } catch (error) {
      this.#logger.warn({ reason: (error as Error).message }, 'the database does not answer a health check')
      return null
    }
  }
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
      }>(`/* health */
        select current_setting('server_version') as server_version,
          (select coalesce(json_agg(json_build_object('name', extname, 'version', extversion) order by extname), '[]') from pg_extension) as extensions,
          (select count(*)::int from pg_inherits i join pg_class c on c.oid = i.inhparent
            join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'store' and c.relname = 'outcomes') as outcome_parts`)
      const { server_version, extensions, outcome_parts } = rows[0]!
      const jobs = await queryOwn<JobState>(
        pool,
        sql`/* jobStates */
        select name, running, due_at as "dueAt", started_at as "startedAt", ended_at as "endedAt", runs, failures,
          last_error_at as "lastErrorAt"
        from job_states()`,
      )
      return {
        engine,
        serverVersion: server_version,
        extensions,
        hypertables: engine === 'plain' ? [] : await hypertables(pool),
        outcomeParts: outcome_parts,
        jobs,
        responseTimeMs: performance.now() - begin,
      }
    })(),
  )
}

async function hypertables(pool: pg.Pool): Promise<DatabaseHealth['hypertables']> {
  const { rows } = await pool.query<DatabaseHealth['hypertables'][number]>(`/* hypertables */
    select hypertable_schema || '.' || hypertable_name as name, num_chunks::int as chunks
    from timescaledb_information.hypertables order by 1`)
  return rows
}
