import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type pg from 'pg'
import sql from 'sql-template-tag'
import { detectEngine, type Engine } from '../engine.ts'
import { PINNED_SETTINGS, settingsSql } from '../pinnedSettings.ts'
import { withClient } from './adminClient.ts'
import { revokeTableFunctions } from './login.ts'

export const MIGRATIONS_DIR = fileURLToPath(new URL('../../../migrations-raw', import.meta.url))

/** `0007_outcomes.plain.sql`: number, name, and the kind of engine that it is for when there is a variant for each. */
const FILE_NAME = /^(\d{4})_([a-z0-9_]+)(?:\.(plain|timescaledb))?\.sql$/

/** A first line like this leaves the file to the login itself: what only it may do (roles, extensions). */
const RUN_AS_LOGIN = '-- run as: login'

/** Any number, the same in every Arc: two migrators of one database wait for each other on it. */
const MIGRATION_LOCK = 4_172_026

/** Which of two files of one number a database takes. */
type Variant = 'plain' | 'timescaledb'

interface Migration {
  file: string
  sql: string
  sha256: string
}

export interface MigrationReport {
  engine: Engine
  /** Files applied by this call, in order. */
  applied: string[]
  /** Files that were there before. */
  alreadyApplied: number
}

/** The ledger and the files disagree, or the database lacks what Arc needs. Nothing was changed. */
export class MigrationError extends Error {
  override name = 'MigrationError'
}

/** Somebody has to run `arc migrate`, or is just running it. */
export class MigrationsMissing extends MigrationError {}

/**
 * Brings the database to the newest schema, in one transaction: it is all there or nothing is. A second process waits
 * for the first and then finds nothing to do.
 *
 * @throws MigrationError when an applied file was changed since or is missing, or a new one has an old number.
 */
export async function migrate(
  connectionString: string,
  directory = MIGRATIONS_DIR,
): Promise<MigrationReport> {
  return withClient(connectionString, async (client) => {
    await client.query('begin')
    try {
      await lockMigrations(client)
      await client.query(sql`select ${settingsSql(PINNED_SETTINGS)}`)
      const engine = await detectEngine(client)
      await client.query(`/* createLedger */
        create schema if not exists arc_migrations;
        create table if not exists arc_migrations.ledger (
          file text primary key,
          sha256 text not null,
          applied_at timestamptz not null default now()
        );
        grant usage on schema arc_migrations to public;
        grant select on arc_migrations.ledger to public`)
      const files = await readMigrations(directory)
      const { pending, alreadyApplied } = await compareWithLedger(client, files, engine)
      if (pending.length > 0 && (await isChangingEngine(client))) throw new MigrationError(UNFINISHED)
      for (const migration of pending) await apply(client, migration)
      await revokeTableFunctions(client)
      const { command } = await client.query('commit')
      if (command !== 'COMMIT') throw new MigrationError(`The migration ended with ${command}.`)
      return {
        engine,
        applied: pending.map(({ file }) => file),
        alreadyApplied,
      }
    } catch (error) {
      await client.query('rollback')
      throw error
    }
  })
}

/** The files that `migrate` would apply, without applying them. @throws MigrationError as `migrate` does. */
export async function missingMigrations(
  connectionString: string,
  { directory = MIGRATIONS_DIR, answerMs }: { directory?: string; answerMs?: number } = {},
): Promise<string[]> {
  const look = async (client: pg.Client) => {
    const { rows } = await client.query<{ there: boolean }>(
      `/* hasLedger */ select to_regclass('arc_migrations.ledger') is not null as there`,
    )
    const files = await readMigrations(directory)
    const engine = await detectEngine(client)
    if (!rows[0]!.there) return variantsFor(files, variantFor(engine)).map(({ file }) => file)
    const { pending } = await compareWithLedger(client, files, engine)
    return pending.map(({ file }) => file)
  }
  return withClient(connectionString, look, answerMs)
}

const UNFINISHED =
  'A change of engine is not finished, and a migration would change the tables that it copies: finish it with the version of Arc that began it ("arc migrate --engine"), or give it up ("arc migrate --no-engine").'

/** Whether `arc migrate --engine` has begun, and not ended. */
export async function isChangingEngine(client: pg.ClientBase): Promise<boolean> {
  const { rows } = await client.query<{ is_changing: boolean }>(
    `/* isChangingEngine */ select to_regnamespace('arc_engine') is not null as is_changing`,
  )
  return rows[0]!.is_changing
}

/** Waits until nobody else changes the schema, until the transaction ends. */
export async function lockMigrations(client: pg.ClientBase): Promise<void> {
  await client.query(`/* lockMigrations */ select pg_advisory_xact_lock(${MIGRATION_LOCK})`)
}

/** @throws MigrationError for a database that is not at the newest schema. @returns which variants it has */
export async function newestVariant(client: pg.ClientBase, directory = MIGRATIONS_DIR): Promise<Variant> {
  const { pending, variant } = await compareWithLedger(
    client,
    await readMigrations(directory),
    await detectEngine(client),
  )
  if (pending.length > 0)
    throw new MigrationError(`This database lacks ${pending[0]!.file}: run "arc migrate" first.`)
  return variant
}

/**
 * Turns what the variants for plain PostgreSQL made, but for the tables of outcomes, into what those for TimescaleDB would have made,
 * and says so in the ledger. In the caller's transaction.
 */
export async function becomeTimescale(client: pg.ClientBase, directory = MIGRATIONS_DIR): Promise<void> {
  const script = await readFile(join(directory, 'engines/timescaledb.sql'), 'utf8')
  await client.query(`set local role arc_owner; set local search_path = public, pg_temp; ${script}`)
  await client.query('reset role')
  await client.query(`/* forgetVariants */ delete from arc_migrations.ledger where file like '%.plain.sql'`)
  const files = await readMigrations(directory)
  for (const { file, sha256 } of files.filter((migration) => variantOf(migration) === 'timescaledb')) {
    await record(client, file, sha256)
  }
}

async function apply(client: pg.Client, { file, sql, sha256 }: Migration): Promise<void> {
  const role = sql.startsWith(RUN_AS_LOGIN) ? 'none' : 'arc_owner'
  try {
    await client.query(`set local role ${role}; set local search_path = public, pg_temp; ${sql}`)
  } catch (error) {
    throw new MigrationError(`${file}: ${(error as Error).message}`, { cause: error })
  }
  await client.query('reset role')
  await record(client, file, sha256)
}

async function record(client: pg.ClientBase, file: string, sha256: string): Promise<void> {
  await client.query(
    `/* recordMigration */ insert into arc_migrations.ledger (file, sha256) values ($1, $2)`,
    [file, sha256],
  )
}

async function compareWithLedger(
  client: pg.ClientBase,
  files: Migration[],
  engine: Engine,
): Promise<{ pending: Migration[]; alreadyApplied: number; variant: Variant }> {
  const { rows } = await client.query<{ file: string; sha256: string }>(
    `/* readLedger */ select file, sha256 from arc_migrations.ledger order by file collate "C"`,
  )
  const byFile = new Map(files.map((migration) => [migration.file, migration]))
  for (const { file, sha256 } of rows) {
    const known = byFile.get(file)
    if (!known) {
      throw new MigrationError(
        `${file} was applied to this database, but this version of Arc does not have it: a newer Arc migrated it.`,
      )
    }
    if (known.sha256 !== sha256) {
      throw new MigrationError(
        `${file} was changed after it was applied to this database: migrations never change, add a new one.`,
      )
    }
  }
  const applied = new Set(rows.map(({ file }) => file))
  // A database stays with the variant that it began with, also when TimescaleDB comes or goes later.
  const startedAs = rows.map(variantOf).find((variant) => variant !== undefined)
  const variant = startedAs ?? variantFor(engine)
  const pending = variantsFor(files, variant).filter(({ file }) => !applied.has(file))
  const latest = rows.at(-1)?.file
  if (latest !== undefined && pending[0] !== undefined && pending[0].file < latest) {
    throw new MigrationError(
      `${pending[0].file} comes before ${latest}, which this database has: a new migration gets the next number.`,
    )
  }
  return { pending, alreadyApplied: applied.size, variant }
}

function variantFor(engine: Engine): Variant {
  return engine === 'plain' ? 'plain' : 'timescaledb'
}

function variantOf({ file }: { file: string }): Variant | undefined {
  return FILE_NAME.exec(file)![3] as Variant | undefined
}

function variantsFor(files: Migration[], variant: Variant): Migration[] {
  return files.filter((migration) => [undefined, variant].includes(variantOf(migration)))
}

async function readMigrations(directory: string): Promise<Migration[]> {
  const files = (await readdir(directory)).filter((file) => file.endsWith('.sql')).sort()
  return Promise.all(
    files.map(async (file) => {
      if (!FILE_NAME.test(file))
        throw new MigrationError(`${file} is not a migration's name: NNNN_what.sql or NNNN_what.engine.sql`)
      const sql = await readFile(join(directory, file), 'utf8')
      return { file, sql, sha256: createHash('sha256').update(sql).digest('hex') }
    }),
  )
}
