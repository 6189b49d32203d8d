import type { Gauge, Registry } from 'prom-client'
import type { Pools } from '../db/pools.ts'
import type { Health, HealthProbe } from './health.ts'
import { ServerFigures } from './serverFigures.ts'
import type { StatementFigures } from './statementFigures.ts'

/** What takes turns at something. */
interface Turns {
  readonly running: number
  readonly waiting: number
}

/** Where figures are looked up when somebody asks for them. */
interface FigureSources {
  pools: Pools
  turns: Readonly<Record<'reading' | 'writing' | 'events', Turns>>
  /** What is open: WebSockets, subscriptions, simulations that somebody watches. */
  open: Readonly<Record<'sockets' | 'subscriptions' | 'watched', () => number>>
  health: Pick<HealthProbe, 'check'>
  statements: StatementFigures
}

/** The server's figures in Prometheus' format. */
export interface Prometheus {
  figures: ServerFigures
  /** Once the parts are there that know more. */
  lookAt(sources: FigureSources): void
  contentType: string
  text(): Promise<string>
}

/** Loaded only where figures are asked for. */
export async function createPrometheus(): Promise<Prometheus> {
  const client = await import('prom-client')
  const registry = new client.Registry()
  client.collectDefaultMetrics({ register: registry })
  const figures = new ServerFigures(client, registry)
  let collect = async () => {}
  return {
    figures,
    lookAt: (sources) => {
      collect = collectFrom(client, registry, sources)
    },
    contentType: registry.contentType,
    text: async () => {
      await collect()
      return registry.metrics()
    },
  }
}

const EMBEDDED_KINDS = ['failure', 'trajectory', 'scenario', 'config_version']

/** Sets all that is looked up. What the database knows is missing while it does not answer: a figure of the past would lie. */
function collectFrom(
  { Counter, Gauge }: typeof import('prom-client'),
  registry: Registry,
  sources: FigureSources,
): () => Promise<void> {
  const registers = [registry]
  const gauge = <Label extends string>(name: string, help: string, ...labelNames: Label[]): Gauge<Label> =>
    new Gauge({ name: `arc_${name}`, help, labelNames, registers })
  /** Of what is counted elsewhere, and only said here. */
  const counter = (name: string, help: string, ...labelNames: string[]) =>
    new Counter({ name: `arc_${name}_total`, help, labelNames, registers })

  const capacity = gauge('pool_capacity', 'Connections that a pool may have.', 'pool')
  const connections = gauge('pool_connections', 'Open connections to the database.', 'pool', 'state')
  const poolWaiting = gauge('pool_waiting', 'Requests that wait for a connection of the pool.', 'pool')
  const turns = gauge(
    'turns',
    'Work that has its turn, or waits for its tenant’s: reading and writing take a connection each.',
    'use',
    'state',
  )
  const open = {
    sockets: gauge('sockets', 'Open WebSockets.'),
    subscriptions: gauge('subscriptions', 'Open subscriptions, on WebSockets and event streams.'),
    watched: gauge('simulations_watched', 'Simulations that somebody here watches.'),
  }
  const outcomesWaiting = gauge('outcomes_waiting', 'Outcomes that wait for their batch.')
  const listening = gauge('listener_up', 'Whether the LISTEN connection is up.')
  const lag = gauge('listener_lag_seconds', 'How long a notification takes to this server.')
  const up = gauge('database_up', 'Whether the database answers.')
  const response = gauge(
    'database_response_seconds',
    'How long the database took to answer the health check.',
  )
  const notifications = gauge(
    'notification_queue_ratio',
    'How full the database’s queue of notifications is, 0 to 1.',
  )
  const chunks = gauge('hypertable_chunks', 'Chunks of a hypertable.', 'hypertable')
  const compressed = gauge('hypertable_compressed_chunks', 'Those that are compressed.', 'hypertable')
  const bytesBefore = gauge('hypertable_before_compression_bytes', 'What they took before.', 'hypertable')
  const bytesAfter = gauge('hypertable_after_compression_bytes', 'What they take now.', 'hypertable')
  const jobRuns = counter('job_runs', 'Runs of a job that have begun, on all servers.', 'job')
  const jobFailures = gauge('job_failures', 'Runs of a job that failed in a row.', 'job')
  const jobEnd = gauge('job_last_end_timestamp_seconds', 'When a run last ended, well or not.', 'job')
  const jobDue = gauge('job_due_timestamp_seconds', 'When a job runs next, or should have run.', 'job')
  const calls = counter('statement_calls', 'Calls of a statement, from pg_stat_statements.', 'statement')
  const seconds = counter('statement_seconds', 'Seconds that the database spent on it.', 'statement')
  const rows = counter('statement_rows', 'Rows that it gave or changed.', 'statement')
  const embeddingBacklog = gauge('embedding_backlog', 'What waits for its embedding, of all tenants.', 'kind')
  const embeddingAge = gauge('embedding_oldest_seconds', 'For how long the first of it has waited.')
  const embeddingsMade = counter('embeddings_made', 'Embeddings made, on all servers.')
  const embeddingsFailed = counter(
    'embedding_failures',
    'Attempts that failed for all that they were to embed, on all servers.',
  )
  const unembeddable = gauge('unembeddable', 'Things that have no embedding for good.')
  const ofEmbeddings = [embeddingAge, embeddingsMade, embeddingsFailed, unembeddable]
  const ofTables = [chunks, compressed, bytesBefore, bytesAfter]
  const ofJobs = [jobRuns, jobFailures, jobEnd, jobDue]

  function collectProcess({ pools, turns: lanes, open: opened }: FigureSources): void {
    for (const pool of ['reading', 'writing', 'own'] as const) {
      const { options, totalCount, idleCount, waitingCount } = pools[pool]
      capacity.set({ pool }, options.max)
      connections.set({ pool, state: 'idle' }, idleCount)
      connections.set({ pool, state: 'used' }, totalCount - idleCount)
      poolWaiting.set({ pool }, waitingCount)
    }
    for (const [use, { running, waiting }] of Object.entries(lanes)) {
      turns.set({ use, state: 'running' }, running)
      turns.set({ use, state: 'waiting' }, waiting)
    }
    for (const [what, of] of Object.entries(open)) of.set(opened[what as keyof typeof open]())
  }

  function collectHealth({ database, listener, backlog }: Health): void {
    listening.set(listener.listening ? 1 : 0)
    outcomesWaiting.set(backlog.outcomes)
    up.set(database ? 1 : 0)
    setOrNothing(lag, listener.lagMs === null ? null : listener.lagMs / 1000)
    setOrNothing(response, database && database.responseTimeMs / 1000)
    setOrNothing(notifications, database?.notificationQueueShare ?? null)
    for (const figure of [...ofTables, ...ofJobs]) figure.reset()
    embeddingBacklog.reset()
    for (const figure of ofEmbeddings) figure.remove()
    if (database === null) return
    for (const table of database.hypertables) {
      const { name: hypertable } = table
      chunks.set({ hypertable }, table.chunks)
      compressed.set({ hypertable }, table.compressedChunks)
      if (table.bytesBefore !== null) bytesBefore.set({ hypertable }, table.bytesBefore)
      if (table.bytesAfter !== null) bytesAfter.set({ hypertable }, table.bytesAfter)
    }
    const { embeddings } = database
    for (const kind of EMBEDDED_KINDS) embeddingBacklog.set({ kind }, embeddings.backlog[kind] ?? 0)
    const { oldestQueuedAt: oldest } = embeddings
    embeddingAge.set(oldest ? Math.max(0, (Date.now() - oldest.getTime()) / 1000) : 0)
    embeddingsMade.inc(embeddings.made)
    embeddingsFailed.inc(embeddings.failed)
    unembeddable.set(embeddings.unembeddable)
    for (const { name: job, runs, failures, endedAt, dueAt } of database.jobs) {
      jobRuns.inc({ job }, runs)
      jobFailures.set({ job }, failures)
      if (endedAt) jobEnd.set({ job }, endedAt.getTime() / 1000)
      jobDue.set({ job }, dueAt.getTime() / 1000)
    }
  }

  return async () => {
    collectProcess(sources)
    collectHealth(await sources.health.check())
    for (const figure of [calls, seconds, rows]) figure.reset()
    for (const { statement, ...spent } of await sources.statements.top()) {
      calls.inc({ statement }, spent.calls)
      seconds.inc({ statement }, spent.seconds)
      rows.inc({ statement }, spent.rows)
    }
  }
}

/** Zero is a figure, and no figure is none. */
function setOrNothing(gauge: Gauge, value: number | null): void {
  if (value === null) gauge.remove()
  else gauge.set(value)
}
