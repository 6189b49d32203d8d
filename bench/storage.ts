import { randomUUID } from 'node:crypto'
import pg from 'pg'
import type { GraphQLConnections } from './graphqlConnections.ts'
import { BATCH, CLIENTS } from './ingest.ts'
import { outcomesOf, prepareTenant, record, recordBody, SCENARIOS, startSimulation } from './workload.ts'

const WEEK_MS = 7 * 24 * 3_600_000
/** Over so many weeks the outcomes lie, the latest of them as long ago: all of them may be packed. */
const WEEKS = 4
const TABLES = ['outcomes', 'trajectories'] as const

export interface StorageResult {
  rows: number
  /** Bytes with indexes and TOAST, as they came and packed; packed is undefined without the full edition. */
  sizes: { table: (typeof TABLES)[number]; rawBytes: number; packedBytes: number | undefined }[]
  /** Rows a second of late outcomes: into chunks that are not packed, and into packed ones. */
  lateUnpacked: number[]
  latePacked: number[]
}

interface Settings {
  arc: GraphQLConnections
  adminUrl: string
  serviceUrl: string
  /** A multiple of weeks × clients × batch. */
  rows: number
  /** Rows of each run of late ones; a multiple of clients × batch. */
  lateRows: number
}

/**
 * What old outcomes take, as they came and packed by Arc's own job; and late ones into their time. Packing is the full edition's:
 * elsewhere the sizes are those of what came, and late rows are only measured into that.
 */
export async function measureStorage(settings: Settings, rounds: number): Promise<StorageResult> {
  const { arc, adminUrl, serviceUrl, rows, lateRows } = settings
  const [versionId] = await prepareTenant(arc)
  const admin = new pg.Client({ connectionString: adminUrl })
  const service = new pg.Client({ connectionString: serviceUrl })
  await Promise.all([admin.connect(), service.connect()])
  const firstTimeMs = Date.now() - 2 * WEEKS * WEEK_MS
  let runs = 0
  /** Rows a second of so many outcomes, by turns into each of the weeks. */
  const store = async (count: number) => {
    const bodies: Buffer[] = []
    const each = count / WEEKS
    for (let week = 0; week < WEEKS; week++) {
      const simulationId = await startSimulation(
        arc,
        versionId!,
        Math.ceil(each / SCENARIOS),
        `storage ${++runs} ${randomUUID()}`,
      )
      const outcomes = outcomesOf(simulationId, runs, 0, each, firstTimeMs + week * WEEK_MS)
      for (let from = 0; from < each; from += BATCH)
        bodies.push(recordBody(outcomes.slice(from, from + BATCH)))
    }
    await admin.query('checkpoint')
    const start = performance.now()
    await Promise.all(
      Array.from({ length: CLIENTS }, async (_, client) => {
        for (let at = client; at < bodies.length; at += CLIENTS) await record(arc, bodies[at]!, BATCH)
      }),
    )
    return (count * 1_000) / (performance.now() - start)
  }
  const sizeOf = async (table: string): Promise<number> => {
    const { rows: found } = await admin.query<{ bytes: string }>(
      `select coalesce(sum(pg_total_relation_size(c.oid)), 0)::text as bytes from pg_class c
      where c.relkind = 'r' and c.oid in (select relid from pg_partition_tree($1::regclass))
        or c.relnamespace = to_regnamespace('_timescaledb_internal') and c.relkind = 'r' and c.relname ~ (
          select '^(compress)?_hyper_(' || string_agg(id::text, '|') || ')_' from (${
            (await hasTimescale(admin))
              ? `select unnest(array[id, compressed_hypertable_id]) as id from _timescaledb_catalog.hypertable
                where schema_name = 'store' and table_name = $2`
              : `select null::int as id where $2 <> ''`
          }) ids where id is not null
        )`,
      [`store.${table}`, table],
    )
    return Number(found[0]!.bytes)
  }
  try {
    const lateUnpacked: number[] = []
    const latePacked: number[] = []
    // What other parts left, as it will lie when what comes is packed.
    await packAll(service)
    const others = await Promise.all(TABLES.map(sizeOf))
    const sizesNow = async () =>
      (await Promise.all(TABLES.map(sizeOf))).map((bytes, at) => bytes - others[at]!)
    await store(rows)
    for (let round = 0; round < rounds; round++) lateUnpacked.push(await store(lateRows))
    const raw = await sizesNow()
    const isPacked = await packAll(service)
    const packed = isPacked ? await sizesNow() : []
    if (isPacked) {
      for (let round = 0; round < rounds; round++) {
        latePacked.push(await store(lateRows))
        await packAll(service)
      }
    }
    const sizes = TABLES.map((table, at) => ({ table, rawBytes: raw[at]!, packedBytes: packed[at] }))
    return { rows: rows + rounds * lateRows, sizes, lateUnpacked, latePacked }
  } finally {
    await Promise.all([admin.end(), service.end()])
  }
}

async function hasTimescale(admin: pg.Client): Promise<boolean> {
  const { rowCount } = await admin.query(`select from pg_extension where extname = 'timescaledb'`)
  return rowCount === 1
}

/** Whether anything was packed. One chunk a call, as the job does it. */
async function packAll(service: pg.Client): Promise<boolean> {
  for (let packed = 0; ; packed++) {
    const { rows } = await service.query<{ packed: string | null }>('select pack_outcomes() as packed')
    if (rows[0]!.packed === null) return packed > 0
  }
}
