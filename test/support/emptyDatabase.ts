import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { inject } from 'vitest'
import { makeServiceLogin } from '../../src/db/admin/login.ts'
import { migrate } from '../../src/db/admin/migrator.ts'
import { startEmbeddedDatabase } from '../../src/db/embedded/embedded.ts'
import { cleanUp } from './cleanUp.ts'

const serverUrl = inject('serverUrl')

export async function on<Result>(url: string, work: (client: pg.Client) => Promise<Result>): Promise<Result> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

export async function query<Row extends pg.QueryResultRow>(url: string, statement: string): Promise<Row[]> {
  return on(url, async (client) => (await client.query<Row>(statement)).rows)
}

/** An empty database that goes away after the test: in this process, or on the server of TEST_DATABASE_URL. */
export async function emptyDatabase(extension?: 'timescaledb'): Promise<string> {
  const { url, drop } = await makeEmptyDatabase(extension)
  cleanUp(drop)
  return url
}

/** The same for as long as its user needs it. */
export async function makeEmptyDatabase(
  extension?: 'timescaledb',
): Promise<{ url: string; drop: () => Promise<unknown> }> {
  if (serverUrl === null) {
    const database = await startEmbeddedDatabase()
    return { url: database.connectionString, drop: () => database.close() }
  }
  const name = `arc_migrations_${randomBytes(4).toString('hex')}`
  await query(serverUrl, `create database ${name} template template0`)
  const url = new URL(serverUrl)
  url.pathname = `/${name}`
  if (extension) await query(url.toString(), `create extension ${extension}`)
  return {
    url: url.toString(),
    drop: () => query(serverUrl, `drop database if exists ${name} with (force)`),
  }
}

/** As the service logs in to this database. */
export async function serviceUrlOf(adminUrl: string): Promise<string> {
  const { url, drop } = await makeLogin(adminUrl)
  cleanUp(drop)
  return url
}

async function makeLogin(adminUrl: string): Promise<{ url: string; drop: () => Promise<unknown> }> {
  if (serverUrl === null) return { url: adminUrl, drop: async () => {} }
  const login = `arc_test_login_${randomBytes(4).toString('hex')}`
  await makeServiceLogin(adminUrl, login, 'secret')
  const url = new URL(adminUrl)
  url.username = login
  url.password = 'secret'
  return {
    url: url.toString(),
    drop: () => query(adminUrl, `drop owned by ${login}; drop role ${login}`),
  }
}

/** A migrated database and the service's login to it, for as long as their user needs them. */
export async function makeMigratedDatabase(
  extension?: 'timescaledb',
): Promise<{ url: string; serviceUrl: string; drop: () => Promise<unknown> }> {
  const { url, drop } = await makeEmptyDatabase(extension)
  await migrate(url)
  const login = await makeLogin(url)
  return {
    url,
    serviceUrl: login.url,
    drop: async () => {
      await login.drop()
      await drop()
    },
  }
}

const timescale =
  serverUrl !== null &&
  (await query(serverUrl, `select from pg_available_extensions where name = 'timescaledb'`)).length > 0

/** The engines that are at hand here, and which committed dump is theirs. */
export const ENGINES = [
  { dump: 'plain', extension: undefined },
  ...(timescale ? [{ dump: 'apache', extension: 'timescaledb' as const }] : []),
]
