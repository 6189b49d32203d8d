import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { makeServiceLogin } from '../src/db/admin/login.ts'
import { migrate } from '../src/db/admin/migrator.ts'

export interface BenchDatabase {
  /** As the server logs in. */
  serviceUrl: string
  /** As a superuser logs in: floors, copies of the seed, statistics. */
  adminUrl: string
  /** E.g. `PostgreSQL 17.2, engine apache`. */
  description: string
  drop(): Promise<void>
}

/** A migrated database of its own on a server, with a login as the service has it. `serverUrl` has to be a superuser's. */
export async function createDatabase(serverUrl: string): Promise<BenchDatabase> {
  const run = randomBytes(4).toString('hex')
  const name = `arc_bench_${run}`
  const login = `arc_bench_service_${run}`
  const password = randomBytes(12).toString('hex')
  const server = new pg.Client({ connectionString: serverUrl })
  await server.connect()
  await server.query(`create database ${name}`)
  const drop = async () => {
    await server.query(`drop database ${name} with (force)`)
    await server.query(`drop role if exists ${login}`)
    await server.end()
  }
  try {
    const admin = new URL(serverUrl)
    admin.pathname = `/${name}`
    const adminUrl = admin.toString()
    await makeExtensions(adminUrl, name)
    const { engine } = await migrate(adminUrl)
    await makeServiceLogin(adminUrl, login, password)
    const service = new URL(adminUrl)
    service.username = login
    service.password = password
    const { rows } = await server.query<{ version: string }>(
      `select current_setting('server_version') as version`,
    )
    return {
      serviceUrl: service.toString(),
      adminUrl,
      description: `PostgreSQL ${rows[0]!.version.split(' ')[0]}, engine ${engine}`,
      drop,
    }
  } catch (error) {
    await drop()
    throw error
  }
}

/** TimescaleDB decides what the tables are made of, so it comes before the migrations; statistics are for the profile. */
async function makeExtensions(adminUrl: string, database: string): Promise<void> {
  await withClient(adminUrl, async (client) => {
    const { rows } = await client.query<{ name: string }>(
      `select name from pg_available_extensions where name in ('timescaledb', 'pg_stat_statements')`,
    )
    const available = rows.map(({ name }) => name)
    if (available.includes('timescaledb') && process.env.BENCH_ENGINE !== 'plain') {
      await client.query('create extension timescaledb')
    }
    if (available.includes('pg_stat_statements')) {
      await client.query('create extension pg_stat_statements')
      // Fails quietly into "no statistics" where the library is not loaded: see statementTimes.
      await client.query(`alter database ${database} set pg_stat_statements.track_planning = on`)
    }
  })
}

async function withClient<Result>(
  connectionString: string,
  work: (client: pg.Client) => Promise<Result>,
): Promise<Result> {
  const client = new pg.Client({ connectionString })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}
