import type pg from 'pg'
import sql from 'sql-template-tag'
import { detectEngine, type Engine } from '../engine.ts'
import { PINNED_SETTINGS, settingsSql } from '../pinnedSettings.ts'
import { codeOf } from '../unusable.ts'
import { withClient } from './adminClient.ts'
import {
  bytesOf,
  CHUNK_DAYS,
  COPIES,
  type CopiedTable,
  carryOver,
  copiedRows,
  copyStep,
  differingCopies,
  makeCopies,
  partitionedTables,
  planSteps,
  writeAlong,
} from './copiedTables.ts'
import { revokeTableFunctions } from './login.ts'
import {
  becomeTimescale,
  isChangingEngine,
  lockMigrations,
  MigrationError,
  newestVariant,
} from './migrator.ts'

/** Where the tables of plain PostgreSQL lie from when the others take their place until they are dropped, in one transaction. */
const REPLACED = 'arc_plain'

/** So few changes are carried over while who writes waits. */
const LAST_CHANGES = 500

/** How often it is tried to have the tables alone, how long each time, and how long is between: whoever comes meanwhile waits behind it. */
const LOCK_ATTEMPTS = 30
const LOCK_MS = 2_000
const PAUSE_MS = 1_000

/** What it tells of as it goes on. */
export interface EngineChangeWatch {
  /** `bytes` is what the tables take now; `copied` of the rows were copied by a run before this one. */
  begins(plan: { rows: number; copied: number; bytes: number }): void
  /** Resolves when it may go on. */
  copied(rows: number, what: { table: string; upTo: string }): Promise<void> | void
  says(message: string): Promise<void> | void
}

/**
 * Turns a database that was made on plain PostgreSQL into one with TimescaleDB's hypertables, as if it had been made so. Servers go
 * on meanwhile; only at the end do all statements on outcomes wait, for seconds. It may be killed at any time, and goes on where it was.
 *
 * @throws MigrationError when the server has no TimescaleDB that this login can use, or the database is not at the newest schema.
 * @returns what the database is, and whether there was anything to do
 */
export async function changeEngine(
  adminUrl: string,
  watch: EngineChangeWatch,
): Promise<{ engine: Engine; changed: boolean }> {
  return withClient(adminUrl, async (client) => {
    if ((await newestVariant(client)) === 'timescaledb') {
      return { engine: await detectEngine(client), changed: false }
    }
    const tables = await partitionedTables(client)
    await checkReaders(client, tables)
    await haveExtension(client)
    if (!(await isChangingEngine(client))) await begin(client, tables, watch)
    await inOwnersTransaction(client, () => planSteps(client, tables))
    watch.begins({ ...(await copiedRows(client)), bytes: await bytesOf(client, tables) })
    for (;;) {
      const step = await inOwnersTransaction(client, () => copyStep(client, tables))
      if (step === undefined) break
      await watch.copied(step.rows, { table: `store.${step.name}`, upTo: step.last })
    }
    while ((await inOwnersTransaction(client, () => carryOver(client, tables))) > LAST_CHANGES);
    for (const { name } of tables) await client.query(`/* analyze */ analyze ${COPIES}.${name}`)
    await watch.says('waiting for the tables, to have what changes in them change the copies too')
    await alone(client, async () => {
      await client.query('set local role arc_owner')
      await writeAlong(client, tables)
    })
    await watch.says('comparing the copies with what is there')
    await compare(client, tables)
    await takeTheirPlace(client, tables, watch)
    return { engine: await detectEngine(client), changed: true }
  })
}

/** Forgets a change of engine that is not finished. What was copied is dropped. @returns whether there was one */
export async function giveUpEngineChange(adminUrl: string): Promise<boolean> {
  return withClient(adminUrl, async (client) => {
    if (!(await isChangingEngine(client))) {
      if ((await newestVariant(client)) === 'timescaledb')
        throw new MigrationError(
          'There is no way back from hypertables to plain PostgreSQL, but that of a backup from before: this database has them.',
        )
      return false
    }
    await alone(client, async () => {
      await client.query(`/* giveUp */ set local role arc_owner; drop schema ${COPIES} cascade`)
    })
    return true
  })
}

/** @throws MigrationError with what somebody has to do. */
async function haveExtension(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ available: string | null; schema: string | null; embedded: boolean }>(
    `/* findTimescale */
    select (select default_version from pg_available_extensions where name = 'timescaledb') as available,
      (select extnamespace::regnamespace::text from pg_extension where extname = 'timescaledb') as schema,
      version() ~ 'emcc|emscripten' as embedded`,
  )
  const { available, schema, embedded } = rows[0]!
  if (embedded) throw new MigrationError('The embedded database has no TimescaleDB: use a PostgreSQL server.')
  if (schema !== null && schema !== 'public')
    throw new MigrationError(
      `TimescaleDB is in schema ${schema}, and Arc looks for it in public: "drop extension timescaledb", then run this again.`,
    )
  if (schema !== null) return
  if (available === null)
    throw new MigrationError(
      'This server has no TimescaleDB. Install its package for this version of PostgreSQL, add timescaledb to shared_preload_libraries and restart PostgreSQL; a managed service that does not offer it cannot be changed.',
    )
  try {
    await client.query('begin')
    await client.query('/* createTimescale */ create extension timescaledb schema public')
    // Before anybody else sees them.
    await revokeTableFunctions(client)
    await client.query('commit')
  } catch (error) {
    const { message } = error as Error
    // It ends the connection.
    if (/shared_preload_libraries|must be preloaded/.test(message))
      throw new MigrationError(
        'TimescaleDB is installed but not loaded: add timescaledb to shared_preload_libraries, restart PostgreSQL, then run this again.',
        { cause: error },
      )
    await client.query('rollback')
    if (codeOf(error) === '42501')
      throw new MigrationError(
        'This login may not create the extension: have a superuser do it ("create extension timescaledb schema public" in this database), then run this again.',
        { cause: error },
      )
    throw error
  }
}

/** @throws MigrationError with what would go on reading the partitions. */
async function checkReaders(client: pg.Client, tables: CopiedTable[]): Promise<void> {
  const { rows } = await client.query<{ what: string }>(
    `/* whatCannotFollow */
    select distinct pg_describe_object('pg_class'::regclass, c.oid, 0) as what
    from unnest($1::text[]) name
    join pg_depend d on d.refclassid = 'pg_class'::regclass and d.refobjid = format('store.%I', name)::regclass
    join pg_rewrite r on d.classid = 'pg_rewrite'::regclass and r.oid = d.objid
    join pg_class c on c.oid = r.ev_class and c.relkind = 'm'`,
    [tables.map(({ name }) => name)],
  )
  if (rows.length > 0)
    throw new MigrationError(
      `Drop what cannot be given another table, and make it again afterwards: ${rows.map(({ what }) => what).join(', ')}.`,
    )
}

async function begin(client: pg.Client, tables: CopiedTable[], watch: EngineChangeWatch): Promise<void> {
  await watch.says('waiting for the tables, to note from now on what changes in them')
  await alone(client, async () => {
    if (await isChangingEngine(client)) return
    await client.query(
      `/* makePlace */ create schema ${COPIES} authorization arc_owner; set local role arc_owner`,
    )
    await makeCopies(client, tables)
  })
}

async function compare(client: pg.Client, tables: CopiedTable[]): Promise<void> {
  const differing = await inOwnersTransaction(client, () => differingCopies(client, tables))
  if (differing.length > 0)
    throw new MigrationError(
      `What was copied of ${differing.join(', ')} differs from what is there. Nothing was changed; run "arc migrate --no-engine", then begin again, and please report it.`,
    )
}

/** The hypertables become what the tables were, all of it or nothing. */
async function takeTheirPlace(
  client: pg.Client,
  tables: CopiedTable[],
  watch: EngineChangeWatch,
): Promise<void> {
  await watch.says('waiting for the tables, to put the hypertables in their place')
  await alone(client, async () => {
    // Whoever makes partitions.
    await client.query(`select pg_advisory_xact_lock(hashtext('arc.outcome_partitions'))`)
    const names = tables.map(({ name }) => `store.${name}`)
    await client.query(
      `/* keepOut */ set local role arc_owner; lock table ${names.join(', ')} in access exclusive mode`,
    )
    const dependents = await dependentsOf(client, names)
    await client.query(
      `reset role; create schema ${REPLACED} authorization arc_owner; set local role arc_owner`,
    )
    for (const { name } of tables) {
      await client.query(`/* takePlace */
        alter table store.${name} set schema ${REPLACED}; alter table ${COPIES}.${name} set schema store`)
    }
    for (const { owner, statement } of dependents) {
      await client.query(`set local role ${client.escapeIdentifier(owner)}; ${statement}`)
    }
    await becomeTimescale(client)
    await dropReplaced(client, tables)
    await client.query(
      `/* prepareStorage */ update store.settings set chunk_days = ${CHUNK_DAYS}; select public.prepare_outcome_storage()`,
    )
  })
}

/** @throws MigrationError when something that is not Arc's would go on reading them. */
async function dropReplaced(client: pg.ClientBase, tables: CopiedTable[]): Promise<void> {
  try {
    await client.query(`/* dropReplaced */ set local role arc_owner;
      drop table ${tables.map(({ name }) => `${REPLACED}.${name}`).join(', ')};
      drop schema ${REPLACED}; drop schema ${COPIES} cascade`)
  } catch (error) {
    if (codeOf(error) !== '2BP01') throw error
    throw new MigrationError(
      `Nothing was replaced, because something depends on the tables that is not Arc's: drop it, run this again, and make it anew. ${(error as pg.DatabaseError).detail}`,
      { cause: error },
    )
  }
}

/**
 * What refers to the tables by more than their name, as statements that make it anew with whatever has that name then: views, which
 * keep their rights and all that refers to them, and triggers.
 */
async function dependentsOf(
  client: pg.ClientBase,
  names: string[],
): Promise<{ owner: string; statement: string }[]> {
  // Names in definitions are whole ones then.
  await client.query(`set local search_path = pg_catalog, pg_temp`)
  const { rows } = await client.query<{ owner: string; statement: string }>(
    `/* dependents */
    select pg_get_userbyid(c.relowner) as owner, format('create or replace view %s %s as %s', c.oid::regclass,
      'with (' || array_to_string(c.reloptions, ', ') || ')', pg_get_viewdef(c.oid)) as statement
    from pg_class c where c.relkind = 'v' and c.oid in (
      select r.ev_class from pg_rewrite r join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid
      where d.refclassid = 'pg_class'::regclass and d.refobjid = any ($1::regclass[]))
    union all
    select pg_get_userbyid(c.relowner), pg_get_triggerdef(t.oid)
    from pg_trigger t join pg_class c on c.oid = t.tgrelid
    where t.tgrelid = any ($1::regclass[]) and not t.tgisinternal and t.tgname <> 'note_change'`,
    [names],
  )
  return rows
}

/** As the tables' owner, one after the other with other runs, also with what one that was killed still does, and seeing one state. */
async function inOwnersTransaction<Result>(client: pg.Client, work: () => Promise<Result>): Promise<Result> {
  try {
    // The lock comes first: the state is that of the first statement that reads.
    const mode = `isolation level repeatable read; set local role arc_owner; lock table ${COPIES}.steps in exclusive mode`
    return await inTransaction(client, mode, work)
  } catch (error) {
    if (!/^(42P01|3F000)$/.test(codeOf(error))) throw error
    throw new MigrationError(
      'Somebody else has finished or given up the change of engine meanwhile: run this again to see.',
      { cause: error },
    )
  }
}

/** A transaction that needs tables for itself, and waits for them in small pieces. */
async function alone(client: pg.Client, work: () => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await inTransaction(
        client,
        `isolation level read committed; set local lock_timeout = ${LOCK_MS}`,
        async () => {
          await lockMigrations(client)
          await work()
        },
      )
    } catch (error) {
      if (!/^(55P03|40P01)$/.test(codeOf(error))) throw error
      if (attempt === LOCK_ATTEMPTS)
        throw new MigrationError(
          'The tables were in use all the time: end the transactions that are open for long (pg_stat_activity), then run this again. It goes on where it was.',
          { cause: error },
        )
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
    }
  }
}

async function inTransaction<Result>(
  client: pg.Client,
  mode: string,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    await client.query(`begin ${mode}`)
    await client.query(sql`select ${settingsSql(PINNED_SETTINGS)}`)
    const result = await work()
    await client.query('commit')
    return result
  } catch (error) {
    await client.query('rollback')
    throw error
  }
}
