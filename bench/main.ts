import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { signToken } from '../src/auth/tokens.ts'
import { readConfig } from '../src/config.ts'
import { type AnalyticsResult, fillYear, measureAnalytics, rollUp } from './analytics.ts'
import type { ArcAnswer, ArcStarted } from './arcServer.ts'
import type { BareStarted } from './bareServer.ts'
import { ChildServer } from './childProcess.ts'
import { DASHBOARDS } from './dashboards.ts'
import { createDatabase } from './database.ts'
import { type EmbeddingIngestResult, measureEmbeddingIngest } from './embeddingIngest.ts'
import { GraphQLConnections } from './graphqlConnections.ts'
import { type GroupingResult, measureGrouping } from './grouping.ts'
import { CLIENTS, IngestBench, type IngestResult } from './ingest.ts'
import { type LiveResult, measureLive, SUBSCRIBERS } from './live.ts'
import { fillKeys, laterPlaces, type ManyKeysResult, measureManyKeys } from './manyKeys.ts'
import type { Memory } from './memory.ts'
import {
  type CallersResult,
  latenciesOf,
  MOST_CALLERS,
  measureCallers,
  measureReads,
  READERS,
  type ReadResult,
} from './reads.ts'
import {
  type BenchResult,
  type MemoryAfter,
  printReport,
  type StartResult,
  type UnitProfile,
} from './report.ts'
import { measureRetrieval, type RetrievalResult } from './retrieval.ts'
import { seed } from './seed.ts'
import { measureSingles, SANDBOXES, type SinglesResult } from './singles.ts'
import { measureSoak, type SoakResult } from './soak.ts'
import { measureSockets, type SocketsResult } from './sockets.ts'
import { readStatements, resetStatements } from './statements.ts'
import { measureStorage, type StorageResult } from './storage.ts'
import { measureVectors, type VectorsResult } from './vectors.ts'
import { prepareTenant } from './workload.ts'

/** How much of everything: the embedded database is slower, and its figures are no target. */
const NATIVE = {
  simulations: 200,
  otherTenants: 3,
  readRounds: 3,
  readMs: 2_000,
  liveSeconds: 10,
  ingestRows: 12_000,
  singleRows: 10_000,
  storageRows: 40_000,
  lateRows: 3_200,
}
const EMBEDDED = {
  simulations: 50,
  otherTenants: 1,
  readRounds: 3,
  readMs: 2_000,
  liveSeconds: 5,
  ingestRows: 4_000,
  singleRows: 3_000,
  storageRows: 3_200,
  lateRows: 800,
}
const INGEST_ROUNDS = 5
/** What is looked for is smaller than what two runs differ by. */
const EMBEDDING_ROUNDS = 15
const SINGLE_ROUNDS = 3
const STORAGE_ROUNDS = 3
const PROFILED_LIVE_SECONDS = 3
const POOL_SIZE = '10'

const PARTS = ['reads', 'live', 'ingest', 'singles'] as const
/** They take their time, and are measured where they are asked for. */
const NAMED_PARTS = ['analytics', 'sockets', 'storage', 'keys', 'soak', 'retrieval', 'vectors'] as const
type Part = (typeof PARTS)[number] | (typeof NAMED_PARTS)[number]

const KEYS = Number(process.env.BENCH_KEYS ?? 10_000_000)

/** Of the tenant that has many, for questions over time. */
const OUTCOMES = Number(process.env.BENCH_OUTCOMES ?? 5_000_000)
const FEWER = 50
/** Smaller sizes show that a part works; figures for others are of the whole size. */
const SOCKETS = Number(process.env.BENCH_SOCKETS ?? 10_000)
const STORAGE_ROWS = process.env.BENCH_STORAGE_ROWS

const VECTORS = Number(process.env.BENCH_VECTORS ?? 50_000)

const SOAK_MINUTES = Number(process.env.BENCH_SOAK_MINUTES ?? 10)

/** What has to be undone at the end, the last first. */
const undo: (() => unknown)[] = []
let cleaning: Promise<void> | undefined

function cleanUp(): Promise<void> {
  cleaning ??= (async () => {
    for (const step of undo.reverse()) await step()
  })()
  return cleaning
}

async function bench(parts: readonly Part[]): Promise<BenchResult> {
  const serverUrl = process.env.BENCH_DATABASE_URL
  const size = serverUrl ? NATIVE : EMBEDDED
  const database = serverUrl ? await createDatabase(serverUrl) : undefined
  if (database) undo.push(() => database.drop())
  const dataDir = mkdtempSync(join(tmpdir(), 'arc-bench-'))
  undo.push(() => rmSync(dataDir, { recursive: true, force: true }))

  const env = {
    PORT: '0',
    ARC_JWT_SECRET: randomBytes(32).toString('hex'),
    ARC_LOG_LEVEL: 'warn',
    // Where all is asked at once, all is slow, and to say so costs more than the work.
    ARC_SLOW_OPERATION_MS: '0',
    ARC_POOL_SIZE: POOL_SIZE,
    ARC_DATA_DIR: dataDir,
    DATABASE_URL: database?.serviceUrl ?? '',
    // Measured for itself, beside ingestion.
    ARC_EMBEDDINGS: 'none',
  }
  const config = readConfig(env)
  say('Arc starts')
  const arc = await ChildServer.start<ArcStarted>(new URL('./arcServer.ts', import.meta.url), env)
  undo.push(() => arc.stop())
  const { url, databaseUrl } = arc.started
  const adminUrl = database?.adminUrl ?? databaseUrl
  const admin = new pg.Client({ connectionString: adminUrl })
  await admin.connect()
  undo.push(() => admin.end())

  const tokenOf = (tenantId: string) =>
    signToken(config.auth, { tenantId, actorId: 'bench', role: 'app_user', lifetimeSeconds: 3_600 })
  const connect = async (tenantId: string, connections: number) => {
    const made = new GraphQLConnections(url, await tokenOf(tenantId), connections)
    undo.push(() => made.close())
    return made
  }
  const profiles: UnitProfile[] = []
  const memory: MemoryAfter[] = []
  const noteMemory = async (part: string) => {
    memory.push({ part, ...(await arc.ask<Memory>('memory')) })
  }
  await noteMemory('start')
  /** Runs `work`, which returns how many units it did, with the profiler on. */
  const profiled = async (name: string, unit: string, work: () => Promise<number>) => {
    const counted = await resetStatements(admin)
    await arc.ask<ArcAnswer>('profile start')
    const units = await work()
    const profile = (await arc.ask<ArcAnswer>('profile stop'))!
    profiles.push({
      work: name,
      unit,
      units,
      profile,
      database: counted ? await readStatements(admin) : null,
    })
  }

  /** One hand-written statement for each answer, of this tenant's rows. */
  const startBare = async (tenantId: string) => {
    const server = await ChildServer.start<BareStarted>(new URL('./bareServer.ts', import.meta.url), {
      ...env,
      // Whoever reads the tables past the views and policies is their owner.
      DATABASE_URL: adminUrl,
      BENCH_TENANT_ID: tenantId,
    })
    undo.push(() => server.stop())
    return (name: string) => {
      const made = new GraphQLConnections(`${server.started.url}/${name}`, '', MOST_CALLERS)
      undo.push(() => made.close())
      return made
    }
  }

  let reads: ReadResult[] = []
  const callers: CallersResult[] = []
  let starting: StartResult | undefined
  if (parts.includes('reads')) {
    say('The data for reads is made')
    const reader = randomUUID()
    const readers = await connect(reader, MOST_CALLERS)
    const { simulationIds } = await seed(readers, admin, reader, size.simulations, size.otherTenants)
    const bare = await startBare(reader)
    // The embedded database is one process's.
    const started = database && (await startOrdinary(env, await tokenOf(reader)))
    starting = started?.starting
    say('Reads')
    const asked = {
      arc: readers,
      bare,
      simulationIds,
      durationMs: size.readMs,
    }
    reads = await measureReads({ ...asked, ordinary: started?.connections, rounds: size.readRounds })
    for (const dashboard of ['failed-outcomes', 'object-by-key'])
      callers.push(await measureCallers(dashboard, asked))
    if (starting) starting.afterReads = await arc.ask<Memory>('memory')
    for (const { query, description, variables } of DASHBOARDS) {
      await profiled(description, 'request', async () => {
        const body = JSON.stringify({ query, variables: variables(simulationIds.at(-1)!) })
        const latencies = await latenciesOf(readers, [body], size.readMs)
        return latencies.length
      })
    }
  }

  if (parts.includes('reads')) await noteMemory('reads')

  let live: LiveResult[] = []
  if (parts.includes('live')) {
    say('Live')
    const watcher = randomUUID()
    const watched = await connect(watcher, 1)
    const [configVersionId] = await prepareTenant(watched)
    const watching = {
      arc: watched,
      webSocketUrl: url.replace(/^http/, 'ws'),
      token: await tokenOf(watcher),
      configVersionId: configVersionId!,
    }
    live = [
      await measureLive('simulationProgress', watching, size.liveSeconds),
      await measureLive('simulationEvents', watching, size.liveSeconds),
    ]
    await profiled(`simulationEvents to ${SUBSCRIBERS} subscribers`, 'delivery', async () => {
      const { delivered } = await measureLive('simulationEvents', watching, PROFILED_LIVE_SECONDS)
      return delivered
    })
  }

  if (parts.includes('live')) await noteMemory('live')

  let ingest: IngestResult | undefined
  if (parts.includes('ingest')) {
    say('Ingest')
    const recorder = randomUUID()
    const rows = size.ingestRows
    const ingestion = await IngestBench.open({
      arc: await connect(recorder, CLIENTS),
      adminUrl,
      tenantId: recorder,
      rows,
    })
    undo.push(() => ingestion.close())
    ingest = await ingestion.measure(INGEST_ROUNDS)
    await profiled('recordOutcomes into 4 simulations', 'row', async () => {
      await ingestion.recordRows(CLIENTS)
      return rows
    })
  }

  if (parts.includes('ingest')) await noteMemory('ingest')

  let embedding: EmbeddingIngestResult | undefined
  // The embedded database is one process's.
  if (parts.includes('ingest') && database) {
    say('Ingest beside embeddings')
    const server = await ChildServer.start<ArcStarted>(new URL('./arcServer.ts', import.meta.url), {
      ...env,
      ARC_EMBEDDINGS: 'minilm',
    })
    const tenantId = randomUUID()
    const sender = new GraphQLConnections(server.started.url, await tokenOf(tenantId), CLIENTS)
    const ingestion = await IngestBench.open({ arc: sender, adminUrl, tenantId, rows: size.ingestRows })
    embedding = await measureEmbeddingIngest(ingestion, admin, EMBEDDING_ROUNDS)
    memory.push({ part: 'ingest beside embeddings', ...(await server.ask<Memory>('memory')) })
    await ingestion.close()
    sender.close()
    await server.stop()
  }

  let singles: SinglesResult | undefined
  if (parts.includes('singles')) {
    say(`${SANDBOXES} sandboxes at once`)
    const recorder = await connect(randomUUID(), SANDBOXES)
    singles = await measureSingles({ arc: recorder, rows: size.singleRows }, SINGLE_ROUNDS)
    await noteMemory('singles')
  }

  let sockets: SocketsResult | undefined
  if (parts.includes('sockets')) {
    say(`${SOCKETS.toLocaleString('en')} sockets`)
    const server = await ChildServer.start<{ url: string }>(new URL('./bareSockets.ts', import.meta.url), env)
    undo.push(() => server.stop())
    const newTenant = async () => {
      const tenantId = randomUUID()
      return { arc: await connect(tenantId, 1), token: await tokenOf(tenantId) }
    }
    sockets = await measureSockets({
      url: url.replace(/^http/, 'ws'),
      sockets: SOCKETS,
      newTenant,
      memory: () => arc.ask<Memory>('memory'),
      bare: server,
    })
    await noteMemory('sockets')
  }

  let storage: StorageResult | undefined
  if (parts.includes('storage')) {
    const rows = STORAGE_ROWS ? Number(STORAGE_ROWS) : size.storageRows
    say(`Storage of ${rows.toLocaleString('en')} outcomes`)
    const asked = { adminUrl, serviceUrl: databaseUrl, rows, lateRows: size.lateRows }
    storage = await measureStorage({ arc: await connect(randomUUID(), CLIENTS), ...asked }, STORAGE_ROUNDS)
    await noteMemory('storage')
  }

  let keys: ManyKeysResult | undefined
  if (parts.includes('keys')) {
    const owner = randomUUID()
    say(`${KEYS.toLocaleString('en')} outcomes are made`)
    await fillKeys(admin, owner, KEYS, (made) => say(`  ${made.toLocaleString('en')}`))
    say('Pages of them')
    const asked = { arc: await connect(owner, MOST_CALLERS), bare: await startBare(owner) }
    const places = await laterPlaces(admin, owner)
    const queries = await measureManyKeys(asked, places, { rounds: size.readRounds, durationMs: size.readMs })
    keys = { outcomes: KEYS, queries }
  }

  let analytics: AnalyticsResult | undefined
  if (parts.includes('analytics')) {
    const [few, many] = await Promise.all(
      [OUTCOMES / FEWER, OUTCOMES].map(async (outcomes) => {
        const tenantId = randomUUID()
        return { tenantId, outcomes, arc: await connect(tenantId, 1) }
      }),
    )
    for (const filled of [few!, many!]) {
      say(`A year with ${filled.outcomes.toLocaleString('en')} outcomes is made`)
      await fillYear(filled.arc, admin, filled)
    }
    say('They are summed up')
    const rollUpSeconds = await rollUp(admin)
    say('Questions over time')
    analytics = await measureAnalytics(admin, few!, many!, rollUpSeconds)
    await noteMemory('questions over time')
  }

  let soak: SoakResult | undefined
  if (parts.includes('soak')) {
    say(`Soak, ${SOAK_MINUTES} minutes`)
    soak = await measureSoak({ url, tokenOf, memory: () => arc.ask<Memory>('memory') }, SOAK_MINUTES)
  }

  let retrieval: RetrievalResult | undefined
  let grouping: GroupingResult | undefined
  if (parts.includes('retrieval')) {
    say('Similar failures')
    retrieval = await measureRetrieval()
    grouping = await measureGrouping()
  }

  let vectors: VectorsResult | undefined
  if (parts.includes('vectors')) {
    say('Similar failures among few and many')
    const settings = { admin, connect: (tenantId: string) => connect(tenantId, 1), most: VECTORS }
    vectors = await measureVectors({ ...settings, onStep: (step) => say(`  ${step}`) })
    await noteMemory('vectors')
  }

  return {
    database: database?.description ?? 'PGlite (embedded)',
    embedded: database === undefined,
    node: process.versions.node,
    processors: availableParallelism(),
    ingest,
    embedding,
    reads,
    callers,
    starting,
    live,
    singles,
    sockets,
    storage,
    keys,
    analytics,
    soak,
    retrieval,
    vectors,
    grouping,
    memory,
    profiles,
  }
}

/** A second server, without compiled reads; how long it took until it answered, and what it took in memory. */
async function startOrdinary(env: Record<string, string>, token: string) {
  const begin = performance.now()
  const server = await ChildServer.start<ArcStarted>(new URL('./arcServer.ts', import.meta.url), {
    ...env,
    ARC_COMPILED_READS: 'off',
  })
  undo.push(() => server.stop())
  const connections = new GraphQLConnections(server.started.url, token, READERS)
  undo.push(() => connections.close())
  await connections.ask('{ viewer { role } }', {})
  const startMs = performance.now() - begin
  const starting: StartResult = { startMs, atRest: await server.ask<Memory>('memory'), afterReads: undefined }
  return { connections, starting }
}

/** The parts named on the command line; those that do not take their time when none is. */
function chosenParts(): readonly Part[] {
  const names = process.argv.slice(2)
  const known: readonly string[] = [...PARTS, ...NAMED_PARTS]
  const unknown = names.find((name) => !known.includes(name))
  if (unknown !== undefined) {
    console.error(`There is no part "${unknown}": the parts are ${known.join(', ')}.`)
    process.exit(2)
  }
  return names.length > 0 ? (names as Part[]) : PARTS
}

function say(what: string): void {
  console.log(`${(performance.now() / 1_000).toFixed(1).padStart(6)} s  ${what}`)
}

const parts = chosenParts()
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    void cleanUp().finally(() => process.exit(1))
  })
}
try {
  const result = await bench(parts)
  printReport(result)
  if (process.env.BENCH_JSON)
    writeFileSync(process.env.BENCH_JSON, `${JSON.stringify(result, undefined, 2)}\n`)
} finally {
  await cleanUp()
}
