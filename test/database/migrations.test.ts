import { execFile } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { appendFile, cp, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { pino } from 'pino'
import { describe, expect, inject, it } from 'vitest'
import { MigrationError, migrate, missingMigrations } from '../../src/db/admin/migrator.ts'
import { listSqlLogins, makeSqlLogin, revokeSqlLogin } from '../../src/db/admin/sqlLogins.ts'
import { detectEngine } from '../../src/db/engine.ts'
import { startServer } from '../../src/server.ts'
import { Arc } from '../support/arc.ts'
import { cleanUp } from '../support/cleanUp.ts'
import { ENGINES, emptyDatabase, on, query } from '../support/emptyDatabase.ts'
import { dumpSchema } from '../support/schemaDump.ts'

const MIGRATIONS = join(import.meta.dirname, '../../migrations-raw')
const serverUrl = inject('serverUrl')

/** Of PostgreSQL, as PGlite and the committed dumps have it. */
const DUMPED_VERSION = 17

async function majorVersion(): Promise<number> {
  const [row] = await query<{ version: number }>(
    inject('adminUrl'),
    `select current_setting('server_version_num')::int / 10000 as version`,
  )
  return row!.version
}

/** A copy of the migrations that a test may change. */
async function copyOfMigrations(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'arc-migrations-'))
  cleanUp(() => rm(directory, { recursive: true }))
  await cp(MIGRATIONS, directory, { recursive: true })
  return directory
}

describe.each(ENGINES)('on $dump', ({ dump, extension }) => {
  it('an empty database gets the schema that is committed (vitest -u rewrites it)', async () => {
    const url = await emptyDatabase(extension)
    const variant = extension ?? 'plain'
    const files = (await readdir(MIGRATIONS))
      .filter(
        (file) =>
          file.endsWith('.sql') &&
          (!/\.(plain|timescaledb)\.sql$/.test(file) || file.endsWith(`.${variant}.sql`)),
      )
      .sort()
    expect(await missingMigrations(url)).toEqual(files)
    const engine = await on(url, detectEngine)
    expect(await migrate(url)).toEqual({ engine, applied: files, alreadyApplied: 0 })
    // Other versions write the same view in other words.
    if ((await majorVersion()) === DUMPED_VERSION) {
      await expect(await on(url, dumpSchema)).toMatchFileSnapshot(`schema/${dump}.txt`)
    }

    expect(await missingMigrations(url)).toEqual([])
    expect(await migrate(url)).toEqual({ engine, applied: [], alreadyApplied: files.length })
    const ledger = await query<{ file: string; sha256: string }>(
      url,
      'select file, sha256 from arc_migrations.ledger order by file',
    )
    expect(ledger.map(({ file }) => file)).toEqual(files)
    for (const { sha256 } of ledger) expect(sha256).toMatch(/^[0-9a-f]{64}$/)
  })

  it('what disagrees with the ledger is refused, and then nothing is changed', async () => {
    const url = await emptyDatabase(extension)
    const directory = await copyOfMigrations()
    await migrate(url, directory)
    const before = await on(url, dumpSchema)
    const refuses = async (message: string) => {
      for (const act of [() => migrate(url, directory), () => missingMigrations(url, { directory })]) {
        await expect(act()).rejects.toThrow(MigrationError)
        await expect(act()).rejects.toThrow(message)
      }
    }

    await writeFile(join(directory, '0003_also.sql'), 'create table late ()')
    await refuses('0003_also.sql comes before')
    await rm(join(directory, '0003_also.sql'))

    await writeFile(join(directory, 'notes.sql'), '')
    await refuses('notes.sql is not a migration’s name'.replace('’', "'"))
    await rm(join(directory, 'notes.sql'))

    await appendFile(join(directory, '0002_tenant.sql'), '\n-- one comment more\n')
    await refuses('0002_tenant.sql was changed')
    await rm(join(directory, '0002_tenant.sql'))
    await refuses('0002_tenant.sql was applied')

    expect(await on(url, dumpSchema)).toBe(before)
  })

  it('a file that fails leaves nothing of itself nor of those that came with it', async () => {
    const url = await emptyDatabase(extension)
    const directory = await copyOfMigrations()
    await writeFile(join(directory, '9001_good.sql'), 'create table good (id integer)')
    await writeFile(join(directory, '9002_bad.sql'), 'create table bad (id integer);\nselect no_such_thing()')
    await expect(migrate(url, directory)).rejects.toThrow(
      // In the server's language.
      /9002_bad\.sql: .*no_such_thing\(\)/,
    )
    expect(await query(url, `select from pg_namespace where nspname in ('arc_migrations', 'store')`)).toEqual(
      [],
    )

    await rm(join(directory, '9002_bad.sql'))
    const { applied } = await migrate(url, directory)
    expect(applied.at(-1)).toBe('9001_good.sql')
    expect(await query(url, `select tableowner from pg_tables where tablename = 'good'`)).toEqual([
      { tableowner: 'arc_owner' },
    ])
  })

  it('two processes at once apply each file once', async () => {
    const url = await emptyDatabase(extension)
    const run = () =>
      promisify(execFile)(process.execPath, ['--import', 'tsx', 'src/main.ts', 'migrate'], {
        cwd: join(MIGRATIONS, '..'),
        env: { ...process.env, DATABASE_ADMIN_URL: url },
      })
    const outputs = (await Promise.all([run(), run()])).map(({ stdout }) => stdout)
    const files = await query<{ file: string }>(url, 'select file from arc_migrations.ledger')
    expect(
      outputs.map((text) => /(\d+) applied, (\d+) already/.exec(text)!.slice(1).map(Number)).sort(),
    ).toEqual([
      [0, files.length],
      [files.length, 0],
    ])
  })

  it('a database stays with the variants that it began with', async () => {
    const url = await emptyDatabase(extension)
    const directory = await copyOfMigrations()
    await migrate(url, directory)
    await writeFile(join(directory, '9001_next.plain.sql'), 'create table next_plain ()')
    await writeFile(join(directory, '9001_next.timescaledb.sql'), 'create table next_timescaledb ()')
    // The other engine's mark, as if the extension had come or gone meanwhile.
    if (ENGINES.length > 1 && extension === undefined) await query(url, 'create extension timescaledb')
    const next = `9001_next.${extension ?? 'plain'}.sql`
    expect(await missingMigrations(url, { directory })).toEqual([next])
    expect((await migrate(url, directory)).applied).toEqual([next])
  })
})

it('the server does not start on a database that lacks migrations', async () => {
  const url = await emptyDatabase()
  const { config } = new Arc()
  const start = () => startServer({ ...config, databaseUrl: url }, pino({ level: 'silent' }))
  await expect(start()).rejects.toThrow(/lacks \d+ migrations \(from 0001_roles\.sql\)/)
  await migrate(url)
  await query(url, `update arc_migrations.ledger set sha256 = 'another' where file = '0002_tenant.sql'`)
  await expect(start()).rejects.toThrow('0002_tenant.sql was changed')
})

describe('pgvector', () => {
  it('that is too old is refused', async () => {
    const url = await emptyDatabase()
    await query(url, 'create extension vector')
    await query(url, `update pg_extension set extversion = '0.6.12' where extname = 'vector'`)
    await expect(migrate(url)).rejects.toThrow('Arc needs pgvector 0.7 or newer; this database has 0.6.12')
  })
})

describe.skipIf(serverUrl === null)('a login that is no superuser', () => {
  it('migrates a database that it owns, and makes logins for SQL, if it may act as the owners', async ({
    skip,
  }) => {
    if ((await majorVersion()) < 16) skip('before PostgreSQL 16 who may create roles may act as any')
    const url = new URL(await emptyDatabase())
    await migrate(url.toString())
    const other = new URL(await emptyDatabase())
    const login = `arc_migrator_${randomBytes(4).toString('hex')}`
    const database = other.pathname.slice(1)
    await query(other.toString(), 'create extension vector')
    await query(
      other.toString(),
      `create role ${login} login createrole password 'secret'; alter database ${database} owner to ${login}`,
    )
    cleanUp(() => query(serverUrl!, `drop role ${login}`))
    cleanUp(() => query(serverUrl!, `drop database ${database} with (force)`))
    other.username = login
    other.password = 'secret'
    await expect(migrate(other.toString())).rejects.toThrow('arc_owner')
    await query(
      url.toString(),
      `grant arc_owner, arc_analytics to ${login}; grant app_analyst to ${login} with admin option`,
    )
    expect((await migrate(other.toString())).applied).toHaveLength(
      (await query(url.toString(), 'select from arc_migrations.ledger')).length,
    )
    const tenantId = randomUUID()
    const analyst = `arc_test_sql_${randomBytes(4).toString('hex')}`
    const terms = { tenantId, login: analyst, password: 'secret', connections: 3 }
    const { isNew, openDoors } = await makeSqlLogin(other.toString(), 'a test', terms)
    expect(isNew).toBe(true)
    // What is a superuser's to take back it is told.
    expect(openDoors).toEqual([expect.stringContaining('call store.revoke_public_powers()')])
    expect(await listSqlLogins(other.toString(), tenantId)).toMatchObject([
      { login: analyst, tenantId, statementSeconds: 60, connections: 3 },
    ])
    const session = new URL(other)
    session.username = analyst
    expect(await query(session.toString(), 'select * from v_active_simulations')).toEqual([])
    await revokeSqlLogin(other.toString(), 'a test', analyst)
    expect(await query(url.toString(), `select from pg_roles where rolname = '${analyst}'`)).toEqual([])
  })
})
