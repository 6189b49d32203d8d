import { randomBytes } from 'node:crypto'
import pg from 'pg'
import type { TestProject } from 'vitest/node'
import { makeServiceLogin } from '../../src/db/admin/login.ts'
import { migrate } from '../../src/db/admin/migrator.ts'
import { startEmbeddedDatabase } from '../../src/db/embedded/embedded.ts'
import type { Engine } from '../../src/db/engine.ts'
import { FOREIGN_LOCALE, FOREIGN_SESSION_SQL, foreignDatabaseSql } from './foreignSettings.ts'
import { PgBouncer } from './pgBouncer.ts'

/** Of all that the server takes this is what the database of the tests refuses. */
export const REFUSED_MODEL = 'a model that the database refuses'

declare module 'vitest' {
  interface ProvidedContext {
    /** Migrated; a login as the service has it (on PGlite the only one there is). */
    databaseUrl: string
    /** The same database for its owner. */
    adminUrl: string
    /** The server that TEST_DATABASE_URL names, for tests that make databases of their own; null on PGlite. */
    serverUrl: string | null
    /** What that database is. */
    engine: Engine
    /** The database through PgBouncer, where TEST_PGBOUNCER asks for that: servers reach it so; null else. */
    poolerUrl: string | null
  }
}

/** One database for all test files of all projects: PGlite, or a new one on the server of TEST_DATABASE_URL. */
export default async function setup({ vitest }: TestProject) {
  if (vitest.getProvidedContext().databaseUrl) return
  const provide = vitest.provide.bind(vitest)
  const serverUrl = process.env.TEST_DATABASE_URL
  if (!serverUrl) {
    const database = await startEmbeddedDatabase()
    await migrate(database.connectionString)
    await refuseOneModel(database.connectionString)
    await query(database.connectionString, FOREIGN_SESSION_SQL)
    provide('databaseUrl', database.connectionString)
    provide('adminUrl', database.connectionString)
    provide('serverUrl', null)
    provide('engine', 'plain')
    provide('poolerUrl', null)
    console.log('Tests run on PGlite; TEST_DATABASE_URL names another server.')
    return () => database.close()
  }

  const run = randomBytes(4).toString('hex')
  const name = `arc_test_${run}`
  const login = `arc_test_service_${run}`
  const password = randomBytes(12).toString('hex')
  const server = new pg.Client({ connectionString: serverUrl })
  await server.connect()
  // Not from template1: some images put TimescaleDB into it.
  await server.query(`create database ${name} template template0 ${FOREIGN_LOCALE}`)
  await server.query(foreignDatabaseSql(name))
  const admin = new URL(serverUrl)
  admin.pathname = `/${name}`
  const adminUrl = admin.toString()
  await useTimescaleIfThere(adminUrl)
  const { engine } = await migrate(adminUrl)
  await refuseOneModel(adminUrl)
  await makeServiceLogin(adminUrl, login, password)
  const service = new URL(adminUrl)
  service.username = login
  service.password = password
  provide('databaseUrl', service.toString())
  provide('adminUrl', adminUrl)
  provide('serverUrl', serverUrl)
  provide('engine', engine)
  const pooler = process.env.TEST_PGBOUNCER ? await PgBouncer.start(service.toString(), 60) : undefined
  provide('poolerUrl', pooler?.url ?? null)
  console.log(
    `Tests run on ${server.host}:${server.port}, engine ${engine}${pooler ? ', servers through PgBouncer' : ''}.`,
  )
  return async () => {
    await pooler?.stop()
    await server.query(`drop database ${name} with (force)`)
    await server.query(`drop role ${login}`)
    await server.end()
  }
}

/** Validation lets nothing through that the database refuses: for tests of what happens should it ever. */
async function refuseOneModel(url: string): Promise<void> {
  await query(
    url,
    `alter table store.outcomes add constraint only_the_database_refuses check (model <> '${REFUSED_MODEL}')`,
  )
}

async function useTimescaleIfThere(url: string): Promise<void> {
  const { rowCount } = await query(url, `select from pg_available_extensions where name = 'timescaledb'`)
  if (rowCount && process.env.TEST_ENGINE !== 'plain') await query(url, 'create extension timescaledb')
}

async function query(url: string, statement: string): Promise<pg.QueryResult> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return await client.query(statement)
  } finally {
    await client.end()
  }
}
