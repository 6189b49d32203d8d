import { appendFile, cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, inject, it } from 'vitest'
import { changeEngine, type EngineChangeWatch, giveUpEngineChange } from '../../src/db/admin/engineChange.ts'
import { callableTableFunctions, makeServiceLogin } from '../../src/db/admin/login.ts'
import { migrate } from '../../src/db/admin/migrator.ts'
import { changeStorageSettings } from '../../src/db/admin/storageSettings.ts'
import { Arc, type Tenant } from '../support/arc.ts'
import { cleanUp } from '../support/cleanUp.ts'
import { databaseContents } from '../support/databaseContents.ts'
import { emptyDatabase, on, query, serviceUrlOf } from '../support/emptyDatabase.ts'
import { engineDifference } from '../support/engineDifference.ts'
import { hasPostgresServers, PostgresServer, ServerFolder } from '../support/postgresServer.ts'
import { dumpSchema } from '../support/schemaDump.ts'
import { seedTenant } from '../support/tenantRows.ts'

const MIGRATIONS = join(import.meta.dirname, '../../migrations-raw')
const DAY_MS = 24 * 3_600_000
const SCENARIOS = Array.from({ length: 40 }, (_, index) => `s${index}`)
/** Not where the tests are to run without it: they would be the same again. */
const hasTimescale = inject('engine') !== 'plain'

/** Of PostgreSQL, which writes definitions in words of its version. */
const WRITTEN_VERSION = 17

const silent: EngineChangeWatch = { begins() {}, copied() {}, says() {} }

/** What every table holds, but for those that tell of the engine, and values of sequences. */
async function contents(url: string) {
  const tables = (await databaseContents(url)).filter(
    ({ table }) => !['arc_migrations.ledger', 'store.settings'].includes(table),
  )
  const sequences = await query(
    url,
    `select schemaname, sequencename, last_value from pg_sequences where schemaname in ('public', 'store') order by 1, 2`,
  )
  return { tables, sequences }
}

/** What others may do with the extension's functions. */
const extensionRights = (url: string) =>
  query(
    url,
    `select p.oid::regprocedure::text as routine, array(select x::text from unnest(p.proacl) x order by 1) as rights
    from pg_proc p join pg_depend d on d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e'
    join pg_extension e on e.oid = d.refobjid and e.extname = 'timescaledb' order by 1`,
  )

/** A database with the schema of plain PostgreSQL, and partitions for now. */
async function plainDatabase(): Promise<string> {
  const url = await emptyDatabase()
  await migrate(url)
  await query(url, 'select prepare_outcome_storage()')
  return url
}

/** Outcomes of nobody's simulation, one every so many minutes up to now. */
const fill = (url: string, rows: number, minutes: number) =>
  query(
    url,
    `with made as (
      select uuid_v7(at) as outcome_id, at from generate_series(1, ${rows}) n
      cross join lateral (select date_trunc('milliseconds', now() - n * interval '${minutes} minutes') as at) t
    ), went as (
      insert into store.trajectories select '00000000-0000-4000-8000-000000000001', outcome_id, at,
        jsonb_build_object('start_time', null, 'status', null, 'n', outcome_id) from made
    )
    insert into store.outcomes (user_id, outcome_id, simulation_id, config_version_id, scenario_id, execution_time, status, event_seq)
    select '00000000-0000-4000-8000-000000000001', outcome_id, gen_random_uuid(), gen_random_uuid(), 's0', at, 'success', 1 from made`,
  )

describe.skipIf(!hasTimescale)('a change of engine', () => {
  it('has a script of what differs, for functions that are there today', async ({ skip }) => {
    const [plain, timescale] = [await emptyDatabase(), await emptyDatabase('timescaledb')]
    await migrate(plain)
    await migrate(timescale)
    const [{ version }] = (await query<{ version: number }>(
      plain,
      `select current_setting('server_version_num')::int / 10000 as version`,
    )) as [{ version: number }]
    if (version !== WRITTEN_VERSION) skip('written by another version of PostgreSQL')
    const script = await on(plain, (before) => on(timescale, (after) => engineDifference(before, after)))
    await expect(script).toMatchFileSnapshot(join(MIGRATIONS, 'engines/timescaledb.sql'))
  })

  it('leaves a database as if it had been made so, and loses nothing that servers do meanwhile', async () => {
    const url = await plainDatabase()
    // One that expires as a whole.
    const longAgo = `(now() - interval '4000 days')::date`
    await query(url, `select store.ensure_outcome_partitions(${longAgo} - 1, ${longAgo})`)
    const arc = new Arc({ DATABASE_URL: await serviceUrlOf(url), ARC_JOBS: 'off' })
    await arc.start()
    cleanUp(() => arc.stop())
    const { tenant } = await seedTenant(arc)
    const purge = (owner: Tenant, simulationId: string) =>
      on(url, async (client) => {
        await client.query(`begin; select set_config('app.user_id', '${owner.tenantId}', true)`)
        await client.query('delete from simulations where simulation_id = $1', [simulationId])
        await client.query('commit')
      })
    const [one, other, third] = [
      await tenant.simulation(SCENARIOS, { repetitions: 3 }),
      await tenant.simulation(SCENARIOS),
      await tenant.simulation(SCENARIOS),
    ]
    // Of this month, of those before, of the history, in partitions and in the default one.
    const first = await record(tenant, one, [0, 30, 400, 4_000], { repetition: 1 })
    await record(tenant, other, [0, 3], {})
    await record(tenant, third, [0, 2_000], {})
    await query(
      url,
      `update store.outcomes set recorded_at = execution_time where user_id = '${tenant.tenantId}'`,
    )
    const reads = '{ outcomes(first: 100) { totalCount nodes { outcomeId status trajectory superseded } } }'

    // Each time it has copied something, and once before it looks for the last changes.
    const meanwhile: (() => Promise<unknown>)[] = [
      () => record(tenant, one, [0, 500, 5_000], { repetition: 2 }),
      () =>
        record(tenant, one, [0, 30], { repetition: 1, retryCount: 1, status: 'SUCCESS', error: undefined }),
      () => amend(tenant, first[1].outcomeId),
      () => purge(tenant, other),
      () => expire(url),
      async () => {
        await record(tenant, one, [1, 6_000], { repetition: 3 })
        await amend(tenant, first[3].outcomeId)
        await tenant.simulation(SCENARIOS)
        await purge(tenant, third)
      },
    ]
    let wanted: Awaited<ReturnType<typeof contents>>
    let steps = 0
    let answer: unknown
    const { engine, changed } = await changeEngine(url, {
      begins: ({ rows, copied, bytes }) => {
        expect({ rows, copied }).toEqual({ rows: 2 * 124, copied: 0 })
        expect(bytes).toBeGreaterThan(100_000)
      },
      async copied() {
        steps++
        if (meanwhile.length > 3) await meanwhile.shift()!()
      },
      async says(message) {
        // Not carried over yet when the copies begin to follow; and while they do.
        if (message.includes('change the copies')) await meanwhile.shift()!()
        if (message.startsWith('comparing')) await meanwhile.shift()!()
        if (!message.includes('put the hypertables')) return
        await meanwhile.shift()!()
        answer = await tenant.data(reads)
        wanted = await contents(url)
      },
    })
    expect({ engine, changed, meanwhile }).toEqual({ engine: inject('engine'), changed: true, meanwhile: [] })
    expect(steps).toBe(4)
    expect(await contents(url)).toEqual(wanted!)
    expect(await tenant.data(reads)).toEqual(answer)
    // Servers go on, with what they have prepared.
    const [receipt] = await record(tenant, one, [0], { retryCount: 2, repetition: 1 })
    expect(receipt.status).toBe('STORED')
    expect((await amend(tenant, first[2].outcomeId)).status).toBe('AMENDED')
    await expire(url)

    const fresh = await emptyDatabase('timescaledb')
    await migrate(fresh)
    await query(fresh, 'select prepare_outcome_storage()')
    expect(await on(url, dumpSchema)).toBe(await on(fresh, dumpSchema))
    expect(await extensionRights(url)).toEqual(await extensionRights(fresh))
    expect(await on(url, callableTableFunctions)).toEqual([])
    const ofJobs = 'select name, every from store.jobs order by 1'
    expect(await query(url, ofJobs)).toEqual(await query(fresh, ofJobs))
    const inLedger = 'select file, sha256 from arc_migrations.ledger order by 1'
    expect(await query(url, inLedger)).toEqual(await query(fresh, inLedger))
    expect(await migrate(url)).toMatchObject({ engine, applied: [] })
    // The history is one chunk here too, or two where one was cut off.
    const old = `select count(*)::int as n from timescaledb_information.chunks where hypertable_name = 'outcomes'
      and range_end <= now() - interval '2 years'`
    expect(await query(url, old)).toEqual(await query(fresh, old))
    expect(await changeEngine(url, silent)).toEqual({ engine, changed: false })
    await expect(giveUpEngineChange(url)).rejects.toThrow('no way back')
  }, 120_000)

  it('takes all that writers store meanwhile, and refuses them nothing', async () => {
    const url = await plainDatabase()
    await fill(url, 30_000, 30)
    const arc = new Arc({ DATABASE_URL: await serviceUrlOf(url) })
    await arc.start()
    cleanUp(() => arc.stop())
    const tenant = arc.tenant()
    let isOver = false
    const writers = [1, 2, 3].map(async () => {
      const simulationId = await tenant.simulation(SCENARIOS, { repetitions: 1_000 })
      const statuses: string[] = []
      for (let repetition = 1; !isOver; repetition++) {
        const receipts = await record(tenant, simulationId, [0, 40, 800], { repetition })
        statuses.push(...receipts.map(({ status }) => status))
        await amend(tenant, receipts[7].outcomeId)
      }
      return statuses
    })
    expect(await changeEngine(url, silent).finally(() => (isOver = true))).toMatchObject({ changed: true })
    const statuses = (await Promise.all(writers)).flat()
    expect(new Set(statuses)).toEqual(new Set(['STORED']))
    const [counts] = await query<{ outcomes: number; amended: number }>(
      url,
      `select count(*)::int as outcomes, (count(*) filter (where trajectory ->> 'messages' = '["amended"]'))::int as amended
      from store.whole_outcomes where user_id = '${tenant.tenantId}'`,
    )
    expect(counts).toEqual({ outcomes: statuses.length, amended: statuses.length / SCENARIOS.length })
    console.log(`Stored while the engine changed: ${statuses.length} outcomes of 3 writers.`)
  }, 120_000)

  it('may be given up, and nothing but the extension is there more than before', async () => {
    const url = await plainDatabase()
    await fill(url, 100, 600)
    const [schema, rows] = [await on(url, dumpSchema), await contents(url)]
    const stopped = { ...silent, copied: () => Promise.reject(new Error('stopped')) }
    await expect(changeEngine(url, stopped)).rejects.toThrow('stopped')

    const directory = await mkdtemp(join(tmpdir(), 'arc-migrations-'))
    cleanUp(() => rm(directory, { recursive: true }))
    await cp(MIGRATIONS, directory, { recursive: true })
    await appendFile(join(directory, '9001_next.sql'), 'alter table store.outcomes add column next text')
    await expect(migrate(url, directory)).rejects.toThrow('arc migrate --no-engine')

    expect(await giveUpEngineChange(url)).toBe(true)
    expect(await giveUpEngineChange(url)).toBe(false)
    expect((await on(url, dumpSchema)).replace('timescaledb\n\n', '').replace(/\n# Hypertables\n$/, '')).toBe(
      schema,
    )
    expect(await contents(url)).toEqual(rows)
    expect((await migrate(url, directory)).applied).toEqual(['9001_next.sql'])
  })

  it('compares before it replaces anything', async () => {
    const url = await plainDatabase()
    await fill(url, 50, 600)
    const damage = () => query(url, 'delete from arc_engine.trajectories')
    await expect(
      changeEngine(url, {
        ...silent,
        async copied(_, { table }) {
          if (table === 'store.trajectories') await damage()
        },
      }),
    ).rejects.toThrow('store.trajectories differs')
    expect(await query(url, 'select count(*)::int as n from store.trajectories')).toEqual([{ n: 50 }])
  })

  it.each([
    {
      what: 'a materialized view over outcomes',
      made: 'create materialized view public.mine as select count(*) from store.outcomes',
      message: 'materialized view mine',
    },
    {
      what: 'the extension in another schema',
      made: 'create schema elsewhere; create extension timescaledb schema elsewhere',
      message: 'TimescaleDB is in schema elsewhere',
    },
    {
      what: 'a migration that is missing',
      made: `delete from arc_migrations.ledger where file >= '0052'`,
      message: 'This database lacks 0052_heartbeats.sql: run "arc migrate" first',
    },
  ])('is refused for $what', async ({ made, message }) => {
    const url = await plainDatabase()
    await query(url, made)
    const schema = await on(url, dumpSchema)
    await expect(changeEngine(url, silent)).rejects.toThrow(message)
    expect((await on(url, dumpSchema)).replace('timescaledb\n\n', '').replace(/\n# Hypertables\n$/, '')).toBe(
      schema.replace('timescaledb\n\n', '').replace(/\n# Hypertables\n$/, ''),
    )
  })
})

it.runIf(inject('serverUrl') === null)('has no other engine on the embedded database', async () => {
  await expect(changeEngine(inject('adminUrl'), silent)).rejects.toThrow(
    'The embedded database has no TimescaleDB',
  )
})

describe.skipIf(!hasPostgresServers || !hasTimescale)('a server of its own', () => {
  if (!hasPostgresServers || !hasTimescale) return
  const folder = new ServerFolder()
  afterAll(() => folder.remove())

  it('is told to load the library that it has', async () => {
    const server = await PostgresServer.create(folder, 'unloaded')
    cleanUp(async () => server.kill())
    server.set(`shared_preload_libraries = ''`)
    server.stop()
    server.start()
    await query(server.url('postgres'), 'create database arc')
    await migrate(server.url('arc'))
    await expect(changeEngine(server.url('arc'), silent)).rejects.toThrow(
      'add timescaledb to shared_preload_libraries',
    )
  })

  it('goes from the Apache edition to the full one by its licence alone, and packs', async ({ skip }) => {
    const server = await PostgresServer.create(folder, 'licence', `timescaledb.license = 'apache'`)
    cleanUp(async () => server.kill())
    const url = await server.database('arc')
    await migrate(url)
    await makeServiceLogin(url, 'arc_service', 'secret')
    const arc = new Arc({ DATABASE_URL: server.url('arc', 'arc_service') })
    await arc.start()
    const { tenant } = await seedTenant(arc)
    expect((await tenant.data('{ health { engine } }')).health.engine).toBe('APACHE')
    expect(await query(url, 'select pack_outcomes() as chunk')).toEqual([{ chunk: null }])
    await arc.stop()
    const wanted = await contents(url)

    server.set(`timescaledb.license = 'timescale'`)
    server.stop()
    server.start()
    const packed = await query(url, 'select pack_outcomes() as chunk').catch((error: Error) => {
      if (/could not access file|not supported|license/.test(error.message))
        skip('POSTGRES_BIN has the Apache edition only')
      throw error
    })
    expect(packed).toEqual([{ chunk: expect.stringMatching(/_hyper_/) }])
    expect(await contents(url)).toEqual(wanted)
    expect(await changeEngine(url, silent)).toEqual({ engine: 'timescale', changed: false })
    await arc.start()
    cleanUp(() => arc.stop())
    expect((await tenant.data('{ health { engine } }')).health.engine).toBe('TIMESCALE')
  }, 120_000)
})

/** One outcome for each scenario, so many days ago. */
async function record(tenant: Tenant, simulationId: string, days: number[], more: object): Promise<any[]> {
  const { receipts } = await tenant.record(
    SCENARIOS.map((scenarioId, index) => ({
      simulationId,
      scenarioId,
      executionTime: new Date(
        Date.now() - days[index % days.length]! * DAY_MS - index * 60_000,
      ).toISOString(),
      status: index % 4 === 0 ? 'ERROR' : 'SUCCESS',
      error: index % 4 === 0 ? `it broke ${index}` : undefined,
      trajectory: { messages: [`did ${scenarioId}`, { index }] },
      toolUsage: [{ toolName: 'search', callCount: 1 + index, successRate: 1 }],
      ...more,
    })),
  )
  return receipts
}

async function amend(tenant: Tenant, outcomeId: string): Promise<{ status: string }> {
  const { amendOutcomes } = await tenant.data(
    `mutation ($outcomeId: UUID!) {
      amendOutcomes(input: { amendments: [{ outcomeId: $outcomeId, reliabilityScore: 0.25, trajectory: { messages: ["amended"] } }] }) {
        receipts { status } errors { message }
      }
    }`,
    { outcomeId },
  )
  expect(amendOutcomes.errors).toEqual([])
  return amendOutcomes.receipts[0]
}

/** What is older than eight years goes, as the job does it. */
async function expire(url: string): Promise<void> {
  await changeStorageSettings(url, { retentionDays: 3_000 })
  for (;;) {
    const [row] = await query<{ expired: string | null }>(url, 'select expire_outcomes() as expired')
    if (row!.expired === null) return
  }
}
