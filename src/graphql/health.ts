import type {
  Backlog,
  DatabaseHealth,
  EmbeddingSource,
  EmbeddingState,
  Health,
  HypertableState,
  PoolFigures,
} from '../observe/health.ts'
import { builder } from './builder/builder.ts'

const Engine = builder.enumType('DatabaseEngine', {
  description: 'What kind of PostgreSQL Arc runs on.',
  values: {
    PLAIN: {
      value: 'plain',
      description: 'PostgreSQL, or the embedded database: outcomes in monthly partitions.',
    },
    APACHE: {
      value: 'apache',
      description: 'TimescaleDB without its licensed features: outcomes in a hypertable.',
    },
    TIMESCALE: { value: 'timescale', description: 'The full TimescaleDB.' },
  } as const,
})

const Extension = builder.objectRef<DatabaseHealth['extensions'][number]>('DatabaseExtension').implement({
  description: 'An extension of the database.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'Its name.' }),
    version: t.exposeString('version', { description: 'Its version.' }),
  }),
})

const Hypertable = builder.objectRef<HypertableState>('Hypertable').implement({
  description: 'A table that TimescaleDB splits into chunks by time.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'Its schema and name.' }),
    chunks: t.exposeInt('chunks', { description: 'How many chunks it has.' }),
    compressedChunks: t.exposeInt('compressedChunks', {
      description: 'How many of them are compressed; none without the full edition of TimescaleDB.',
    }),
    compressedShare: t.float({
      nullable: true,
      description: 'The share of its chunks that are compressed, 0 to 1; null while it has none.',
      resolve: ({ chunks, compressedChunks }) => (chunks === 0 ? null : compressedChunks / chunks),
    }),
    bytesBeforeCompression: t.expose('bytesBefore', {
      type: 'SafeInt',
      nullable: true,
      description:
        'What its compressed chunks took before, with indexes, in bytes; null while none is compressed.',
    }),
    bytesAfterCompression: t.expose('bytesAfter', {
      type: 'SafeInt',
      nullable: true,
      description: 'What they take now, with indexes, in bytes; null while none is compressed.',
    }),
  }),
})

const BacklogType = builder.objectRef<Backlog>('Backlog').implement({
  description: 'What this server has accepted and not begun.',
  fields: (t) => ({
    operations: t.exposeInt('operations', {
      description: 'Operations that wait for their tenant’s turn or for a connection.',
    }),
    outcomes: t.exposeInt('outcomes', {
      description: 'Single outcomes that wait for their batch to be stored.',
    }),
  }),
})

const PoolStats = builder.objectRef<PoolFigures>('PoolStats').implement({
  description: 'The server’s database connections.',
  fields: (t) => ({
    capacity: t.exposeInt('capacity', {
      description: 'How many connections there may be: the server opens them as they are needed.',
    }),
    total: t.exposeInt('total', { description: 'Open connections.' }),
    inUse: t.exposeInt('inUse', { description: 'Open connections that are in use.' }),
    idle: t.exposeInt('idle', { description: 'Idle connections.' }),
    waiting: t.exposeInt('waiting', { description: 'Requests waiting for one.' }),
  }),
})

const BackgroundJob = builder.objectRef<DatabaseHealth['jobs'][number]>('BackgroundJob').implement({
  description: 'A job that Arc runs regularly, on one server at a time.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'Its name.' }),
    isRunning: t.exposeBoolean('running', { description: 'Whether a server is running it now.' }),
    dueAt: t.expose('dueAt', { type: 'DateTime', description: 'When it runs next, or should have run.' }),
    startedAt: t.expose('startedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When its last run began; null before the first one.',
    }),
    endedAt: t.expose('endedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When a run last ended, whether it succeeded or failed; null before the first one ended.',
    }),
    runs: t.exposeInt('runs', { description: 'How many runs have begun.' }),
    failures: t.exposeInt('failures', {
      description:
        'How many runs have failed in a row. Each makes the next attempt wait longer, up to ten minutes.',
    }),
    lastErrorAt: t.expose('lastErrorAt', {
      type: 'DateTime',
      nullable: true,
      description:
        'When a run last failed; null when none has. The reason is in the server’s log and in the table store.jobs.',
    }),
  }),
})

const EmbeddingBacklog = builder.objectRef<EmbeddingState['backlog']>('EmbeddingBacklog').implement({
  description: 'What waits for its embedding, of all tenants.',
  fields: (t) => ({
    failures: t.int({
      description: 'Failures, by signature.',
      resolve: ({ failure = 0 }) => failure,
    }),
    scenarios: t.int({ description: 'Scenarios.', resolve: ({ scenario = 0 }) => scenario }),
    configVersions: t.int({
      description: 'Configuration versions.',
      resolve: ({ config_version: versions = 0 }) => versions,
    }),
    trajectories: t.int({ description: 'Trajectories.', resolve: ({ trajectory = 0 }) => trajectory }),
  }),
})

/** What the server embeds with, and what is known of it in the database; null while that does not answer. */
interface EmbeddingHealth {
  source: EmbeddingSource
  state: EmbeddingState | null
}

/** What of embeddings only the database knows. */
const ofState =
  <Value>(pick: (state: EmbeddingState) => Value) =>
  ({ state }: EmbeddingHealth): Value | null =>
    state === null ? null : pick(state)

const EmbeddingHealthType = builder.objectRef<EmbeddingHealth>('EmbeddingHealth').implement({
  description:
    'How far embeddings are, of all tenants. All but `provider` and `model` is null while the database does not answer.',
  fields: (t) => ({
    provider: t.string({
      nullable: true,
      description: 'Who makes them for this server: `minilm`, `openai`; null where it makes none.',
      resolve: ({ source }) => source.provider,
    }),
    model: t.string({
      nullable: true,
      description: 'With which model this server makes them; null where it makes none.',
      resolve: ({ source }) => source.model,
    }),
    backlog: t.field({
      type: EmbeddingBacklog,
      nullable: true,
      description: 'What waits for its embedding.',
      resolve: ofState(({ backlog }) => backlog),
    }),
    oldestQueuedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'Since when the first of it waits; null when nothing does.',
      resolve: ofState(({ oldestQueuedAt }) => oldestQueuedAt),
    }),
    isSearching: t.boolean({
      nullable: true,
      description:
        'Whether what is stored is still looked through for what has no embedding of today’s model: then more may come to wait.',
      resolve: ofState(({ searching }) => searching),
    }),
    made: t.field({
      type: 'SafeInt',
      nullable: true,
      description: 'How many have been made, on all servers.',
      resolve: ofState(({ made }) => made),
    }),
    failed: t.field({
      type: 'SafeInt',
      nullable: true,
      description: 'How many attempts failed for all that they were to embed: what waits goes on waiting.',
      resolve: ofState(({ failed }) => failed),
    }),
    lastFailedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description:
        'When an attempt last failed; null when none has. The reason is in the server’s log and in the table store.embedding_work.',
      resolve: ofState(({ lastFailedAt }) => lastFailedAt),
    }),
    pausedUntil: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'Until when the endpoint wants to be left alone; null when it does not.',
      resolve: ofState(({ pausedUntil }) => pausedUntil),
    }),
    unembeddable: t.field({
      type: 'SafeInt',
      nullable: true,
      description: 'How many things have none for good: the model refuses them, or they say nothing.',
      resolve: ofState(({ unembeddable }) => unembeddable),
    }),
  }),
})

const HealthStatus = builder.enumType('HealthStatus', {
  description: 'The server’s status.',
  values: {
    HEALTHY: { value: 'healthy', description: 'Everything works.' },
    DEGRADED: {
      value: 'degraded',
      description: 'Queries and mutations work, and something else does not: see `problems`.',
    },
    UNAVAILABLE: {
      value: 'unavailable',
      description: 'The database does not answer. What is known of it only by asking it is null.',
    },
  } as const,
})

/** What only the database knows. */
const ofDatabase =
  <Value>(pick: (database: DatabaseHealth) => Value) =>
  ({ database }: Health): Value | null =>
    database === null ? null : pick(database)

const HealthType = builder.objectRef<Health>('Health').implement({
  description: 'The health of the server and its database.',
  fields: (t) => ({
    status: t.field({
      type: HealthStatus,
      description: 'The server’s status.',
      resolve: ({ database, problems }) => {
        if (database === null) return 'unavailable'
        return problems.length === 0 ? 'healthy' : 'degraded'
      },
    }),
    problems: t.stringList({
      description:
        'What does not work although the server answers, in a sentence each: the LISTEN connection is down, a job of Arc’s failed three times in a row or is not run by any server, the queue of notifications fills up.',
      resolve: ({ problems }) => problems,
    }),
    engine: t.field({
      type: Engine,
      nullable: true,
      description: 'What kind of PostgreSQL it is; null while it does not answer.',
      resolve: ofDatabase(({ engine }) => engine),
    }),
    serverVersion: t.string({
      nullable: true,
      description: 'The version of PostgreSQL; null while it does not answer.',
      resolve: ofDatabase(({ serverVersion }) => serverVersion),
    }),
    extensions: t.field({
      type: [Extension],
      nullable: true,
      description: 'The extensions of the database; null while it does not answer.',
      resolve: ofDatabase(({ extensions }) => extensions),
    }),
    hypertables: t.field({
      type: [Hypertable],
      nullable: true,
      description:
        'TimescaleDB’s hypertables; none on plain PostgreSQL, null while the database does not answer.',
      resolve: ofDatabase(({ hypertables }) => hypertables),
    }),
    outcomeParts: t.int({
      nullable: true,
      description: 'Number of partitions or chunks with outcomes; null while the database does not answer.',
      resolve: ofDatabase(({ outcomeParts }) => outcomeParts),
    }),
    poolStats: t.field({
      type: PoolStats,
      description: 'The server’s database connections.',
      resolve: ({ pool }) => pool,
    }),
    jobs: t.field({
      type: [BackgroundJob],
      nullable: true,
      description: 'The jobs that Arc runs regularly on this database; null while it does not answer.',
      resolve: ofDatabase(({ jobs }) => jobs),
    }),
    embeddings: t.field({
      type: EmbeddingHealthType,
      description: 'How far embeddings are, of all tenants.',
      resolve: ({ embeddings, database }) => ({ source: embeddings, state: database?.embeddings ?? null }),
    }),
    listening: t.boolean({
      description: 'Whether the LISTEN connection is up.',
      resolve: ({ listener }) => listener.listening,
    }),
    listenerLagMs: t.float({
      nullable: true,
      description:
        'How far this server is behind the event log, in milliseconds: what was committed before has been heard by then. Null while the LISTEN connection is down.',
      resolve: ({ listener }) => listener.lagMs,
    }),
    notificationQueueShare: t.float({
      nullable: true,
      description:
        'How full the database’s queue of notifications is, 0 to 1; null while the database does not answer.',
      resolve: ofDatabase((database) => database.notificationQueueShare),
    }),
    backlog: t.field({
      type: BacklogType,
      description: 'What this server has accepted and not begun.',
      resolve: ({ backlog }) => backlog,
    }),
    responseTimeMs: t.float({
      nullable: true,
      description: 'How long the database took to answer, in milliseconds; null while it does not answer.',
      resolve: ofDatabase(({ responseTimeMs }) => responseTimeMs),
    }),
  }),
})

builder.queryField('health', (t) =>
  t.field({
    type: HealthType,
    description: 'The health of the server and its database: an answer also while the database gives none.',
    resolve: (_, __, { reads, services }) => reads.pausedFor(() => services.health.check()),
  }),
)
