import { appendFile, cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type pg from 'pg'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import {
  dropContinuousAggregates,
  makeContinuousAggregates,
} from '../../src/db/admin/continuousAggregates.ts'
import { makeServiceLogin } from '../../src/db/admin/login.ts'
import { migrate } from '../../src/db/admin/migrator.ts'
import { changeStorageSettings } from '../../src/db/admin/storageSettings.ts'
import { Arc, type Tenant } from '../support/arc.ts'
import { cleanUp } from '../support/cleanUp.ts'
import { ENGINES, emptyDatabase, makeMigratedDatabase, on, query } from '../support/emptyDatabase.ts'
import { BEGIN, outcomesOf, ROLL_UPS, SCENARIOS } from '../support/plainSums.ts'
import { hasPostgresServers, PostgresServer, run, ServerFolder } from '../support/postgresServer.ts'
import { dumpSchema } from '../support/schemaDump.ts'
import { Analyst } from '../support/sqlLogin.ts'

const MIGRATIONS = join(import.meta.dirname, '../../migrations-raw')
const KEYS: Record<string, string> = {
  outcome_hours: 'user_id, bucket, config_version_id, simulation_id, model',
  outcome_days: 'user_id, bucket, config_version_id, model',
  scenario_days: 'user_id, bucket, config_version_id, scenario_id',
}
const SUMS =
  `attempts, runs, succeeded, errors, timeouts, cancelled, scored, score_sum, score_squares, tokens, prompt_tokens,
  completion_tokens, cost_usd, timed, duration_ms`.split(/,\s+/)

const hasFullEdition = inject('engine') === 'timescale'
if (!hasFullEdition)
  console.log('Continuous aggregates: not tried, this server has no full edition of TimescaleDB.')

it.skipIf(hasFullEdition).each(ENGINES)(
  'on $dump continuous aggregates are refused',
  async ({ extension }) => {
    const url = await emptyDatabase(extension)
    await migrate(url)
    await expect(makeContinuousAggregates(url)).rejects.toThrow(
      /full edition of TimescaleDB, and this database is on (plain PostgreSQL|its Apache edition)\. Arc's own roll-ups/,
    )
    expect(await dropContinuousAggregates(url)).toBe(false)
  },
)

const asTenant = <Result>(url: string, { tenantId }: Tenant, work: (client: pg.Client) => Promise<Result>) =>
  on(url, async (client) => {
    await client.query(`begin; select set_config('app.user_id', '${tenantId}', true)`)
    const result = await work(client)
    await client.query('commit')
    return result
  })

const purge = (url: string, tenant: Tenant, simulationId: string) =>
  asTenant(url, tenant, (client) =>
    client.query('delete from simulations where simulation_id = $1', [simulationId]),
  )

/** As the jobs do it, until there is nothing left. */
async function work(url: string, call: string): Promise<void> {
  for (;;) {
    const [row] = await query<{ done: unknown }>(url, `select ${call} as done`)
    if (row!.done === null || row!.done === 0) return
  }
}

/** Both refreshed: that they are equal in every column, and to plain sums over the rows if those are all there. */
async function expectEqual(url: string, tenant: Tenant, rows: 'are all there' | 'have expired') {
  await work(url, 'refresh_rollups(1000)')
  expect(await makeContinuousAggregates(url)).toBe(false)
  await asTenant(url, tenant, async (client) => {
    for (const [table, keys] of Object.entries(KEYS)) {
      const columns = SUMS.map((sum) => `trim_scale(sum(${sum}))::text as ${sum}`)
      const sums = (from: string) =>
        `select ${keys}, ${columns}, sum(durations::vector)::sparsevec::text as durations from ${from} group by ${keys} order by ${keys}`
      const kept = await client.query(sums(`${table}_cagg`))
      expect(kept.rows, table).toEqual((await client.query(sums(table))).rows)
      if (rows === 'have expired') continue
      const { kept: statement, byHand } = ROLL_UPS[table]!
      const own = await client.query(
        statement.replace(`from ${table} where not expired`, `from ${table}_cagg`),
      )
      expect(own.rows, table).toEqual((await client.query(byHand, [tenant.tenantId])).rows)
    }
  })
}

const attemptsOf = (url: string, tenant: Tenant) =>
  asTenant(url, tenant, async (client) => {
    const { rows } = await client.query(
      `select (select sum(attempts)::int from outcome_hours_cagg) as hours, (select sum(attempts)::int from outcome_days_cagg) as days,
        (select sum(attempts)::int from scenario_days_cagg) as scenarios`,
    )
    return rows[0]
  })

describe.skipIf(!hasFullEdition)('continuous aggregates', () => {
  let url: string
  let arc: Arc
  let drop: () => Promise<unknown>
  let schema: string

  beforeAll(async () => {
    const database = await makeMigratedDatabase('timescaledb')
    ;({ url, drop } = database)
    await query(url, `update store.jobs set due_at = 'infinity'`)
    schema = await on(url, dumpSchema)
    expect(await makeContinuousAggregates(url)).toBe(true)
    // It would refresh before a test looks.
    await query(
      url,
      `select alter_job(job_id, scheduled => false) from timescaledb_information.jobs where proc_schema = 'store'`,
    )
    // A server starts with them there, and finds that nobody's rights grew.
    arc = new Arc({ DATABASE_URL: database.serviceUrl })
    await arc.start()
  })
  afterAll(async () => {
    await arc.stop()
    await dropContinuousAggregates(url)
    await drop()
  })

  it('are equal to the roll-ups: after late rows, attempts, amendments, deletion, packing', async () => {
    const tenant = arc.tenant()
    const [one, other] = [
      await tenant.simulation(SCENARIOS),
      await tenant.simulation(SCENARIOS, { repetitions: 2 }),
    ]
    const { receipts } = await tenant.record([...outcomesOf(one, 1), ...outcomesOf(other, 5)])
    await expectEqual(url, tenant, 'are all there')
    expect(await attemptsOf(url, tenant)).toEqual({ hours: 24, days: 24, scenarios: 24 })

    await work(url, 'pack_outcomes()')
    await tenant.record(outcomesOf(other, 8, { repetition: 2 }))
    await tenant.record(outcomesOf(one, 3, { retryCount: 1, status: 'SUCCESS' }))
    await tenant.data(
      `mutation ($amendments: [OutcomeAmendmentInput!]!) {
        amendOutcomes(input: { amendments: $amendments }) { receipts { status } errors { message } }
      }`,
      {
        amendments: [
          { outcomeId: receipts[13].outcomeId, reliabilityScore: 0.123, costUsd: 7, model: 'two' },
        ],
      },
    )
    await expectEqual(url, tenant, 'are all there')
    await work(url, 'pack_outcomes()')
    await expectEqual(url, tenant, 'are all there')
    await asTenant(url, tenant, async (client) => {
      const { rows } = await client.query('select * from daily_simulation_stats order by day')
      const { rows: right } = await client.query(
        `select user_id, date_trunc('day', execution_time, 'UTC') as day, count(distinct simulation_id) as simulations_run,
          count(*) filter (where not superseded) as total_scenarios, avg(reliability_score) filter (where not superseded) as avg_reliability,
          sum(cost_usd) as total_cost
        from outcomes group by 1, 2 order by 2`,
      )
      expect(right).toHaveLength(2)
      for (const [index, row] of right.entries())
        expect(rows[index]).toEqual({ ...row, avg_reliability: expect.closeTo(row.avg_reliability, 12) })
    })

    // Hidden at once, back at once, gone for good.
    const { deleteSimulation } = await tenant.data(
      `mutation ($id: UUID!) { deleteSimulation(input: { simulationId: $id }) { deletion { deletionId } errors { message } } }`,
      { id: one },
    )
    expect(await attemptsOf(url, tenant)).toEqual({ hours: 24, days: 24, scenarios: 24 })
    await expectEqual(url, tenant, 'are all there')
    await tenant.data(
      `mutation ($id: UUID!) { undelete(input: { deletionId: $id }) { errors { message } } }`,
      {
        id: deleteSimulation.deletion.deletionId,
      },
    )
    expect(await attemptsOf(url, tenant)).toEqual({ hours: 48, days: 48, scenarios: 48 })
    await purge(url, tenant, other)
    expect(await attemptsOf(url, tenant)).toEqual({ hours: 24, days: 24, scenarios: 24 })
    await expectEqual(url, tenant, 'are all there')
  })

  it('are of nobody else, and themselves nobody’s to read', async () => {
    const [tenant, stranger] = [arc.tenant(), arc.tenant()]
    await tenant.record(outcomesOf(await tenant.simulation(SCENARIOS), 2))
    await makeContinuousAggregates(url)
    const analyst = await Analyst.of(tenant, url)
    cleanUp(() => analyst.revoke())
    const stats = 'select sum(total_scenarios)::int as n from analytics.daily_simulation_stats'
    expect((await analyst.say(stats))[0]!.rows).toEqual([{ n: 12 }])
    await on(arc.config.databaseUrl!, async (client) => {
      for (const { tenantId, n } of [
        { tenantId: tenant.tenantId, n: 12 },
        { tenantId: stranger.tenantId, n: null },
      ]) {
        for (const [view, sum] of [
          ['outcome_hours_cagg', 'attempts'],
          ['outcome_days_cagg', 'attempts'],
          ['scenario_days_cagg', 'attempts'],
          ['daily_simulation_stats', 'total_scenarios'],
        ]) {
          await client.query(
            `begin; set local role app_readonly; select set_config('app.user_id', '${tenantId}', true)`,
          )
          const { rows } = await client.query(`select sum(${sum})::int as n from ${view}`)
          expect(rows, view).toEqual([{ n }])
          await client.query('rollback')
        }
      }
    })
    const owned = await query<{ name: string }>(
      url,
      `select format('%I.%I', view_schema, view_name) as name from timescaledb_information.continuous_aggregates
      union all select format('%I.%I', materialization_hypertable_schema, materialization_hypertable_name)
        from timescaledb_information.continuous_aggregates`,
    )
    expect(owned).toHaveLength(6)
    for (const role of ['app_user', 'app_readonly', 'app_admin', 'app_ingest', 'app_analyst'])
      for (const { name } of owned) {
        const rights = `select has_table_privilege('${role}', '${name}', 'select, insert, update, delete') as has`
        expect(await query(url, rights), `${role} ${name}`).toEqual([{ has: false }])
      }
    // The role that TimescaleDB's jobs run as is nobody's way in.
    const asRefresh = new URL(url)
    asRefresh.username = 'arc_refresh'
    await expect(query(asRefresh.toString(), 'select')).rejects.toMatchObject({ code: '53300' })
  })

  it('leave room for later migrations', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'arc-migrations-'))
    cleanUp(() => rm(directory, { recursive: true }))
    await cp(MIGRATIONS, directory, { recursive: true })
    await appendFile(
      join(directory, '9001_next.sql'),
      `alter table store.outcomes add column next text default 'later';
      alter table store.outcomes add constraint next_is_short check (char_length(next) < 100);
      create index outcomes_next on store.outcomes (user_id, next);
      create or replace view public.outcomes with (check_option = cascaded) as ${await definition()};
      update store.outcomes set step_count = step_count + 1;
      drop index store.outcomes_next;
      alter table store.outcomes drop column next`,
    )
    expect((await migrate(url, directory)).applied).toEqual(['9001_next.sql'])
    await query(url, `delete from arc_migrations.ledger where file = '9001_next.sql'`)
    expect((await migrate(url)).applied).toEqual([])
    const tenant = arc.tenant()
    await tenant.record(outcomesOf(await tenant.simulation(SCENARIOS), 2))
    await expectEqual(url, tenant, 'are all there')
  })

  it('keep what retention removes, as the roll-ups do', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(SCENARIOS, { repetitions: 4 })
    for (const repetition of [1, 2]) await tenant.record(outcomesOf(simulationId, 1, { repetition }))
    await expectEqual(url, tenant, 'are all there')
    // Of two in each chunk one goes, by rows; then the other, by whole chunks.
    const old = (repetition: number) =>
      query(
        url,
        `set timescaledb.max_tuples_decompressed_per_dml_transaction = 0; update store.outcomes set recorded_at = execution_time
        where user_id = '${tenant.tenantId}' and repetition = ${repetition}`,
      )
    await old(1)
    await makeContinuousAggregates(url)
    await changeStorageSettings(url, { retentionDays: 20 })
    await work(url, 'expire_outcomes()')
    expect(await attemptsOf(url, tenant)).toEqual({ hours: 24, days: 24, scenarios: 24 })
    await expectEqual(url, tenant, 'have expired')
    await query(
      url,
      `set timescaledb.max_tuples_decompressed_per_dml_transaction = 0; update store.outcomes set recorded_at = execution_time`,
    )
    await work(url, 'expire_outcomes()')
    expect(await query(url, 'select count(*)::int as n from store.outcomes')).toEqual([{ n: 0 }])
    await expectEqual(url, tenant, 'have expired')
    expect(await attemptsOf(url, tenant)).toEqual({ hours: 24, days: 24, scenarios: 24 })

    // What comes after the days that have expired is seen; on those days the roll-ups alone follow.
    await tenant.record(
      outcomesOf(simulationId, 1, {
        repetition: 3,
        executionTime: new Date(BEGIN + 5 * 24 * 3_600_000).toISOString(),
      }),
    )
    await expectEqual(url, tenant, 'have expired')
    expect(await attemptsOf(url, tenant)).toEqual({ hours: 36, days: 36, scenarios: 36 })
    await tenant.record(outcomesOf(simulationId, 1, { repetition: 4 }))
    await makeContinuousAggregates(url)
    expect(await attemptsOf(url, tenant)).toEqual({ hours: 36, days: 36, scenarios: 36 })
    await changeStorageSettings(url, { retentionDays: null })
  })

  it('go without a trace', async () => {
    expect(await dropContinuousAggregates(url)).toBe(true)
    expect(await dropContinuousAggregates(url)).toBe(false)
    expect(await on(url, dumpSchema)).toBe(schema)
    expect(await query(url, 'select from timescaledb_information.continuous_aggregates')).toEqual([])
    expect(await query(url, `select from timescaledb_information.jobs where proc_schema = 'store'`)).toEqual(
      [],
    )
  })

  const definition = async () => {
    const [row] = await query<{ sql: string }>(
      url,
      `select trim(trailing ';' from pg_get_viewdef('public.outcomes')) as sql`,
    )
    return row!.sql
  }
})

describe.skipIf(!hasFullEdition || !hasPostgresServers)(
  'continuous aggregates on a server of its own',
  () => {
    if (!hasFullEdition || !hasPostgresServers) return
    const folder = new ServerFolder()
    afterAll(() => folder.remove())

    it('are refreshed by TimescaleDB’s job, and are the same in another database after pg_dump and pg_restore', async () => {
      const server = await PostgresServer.create(folder, 'aggregates')
      cleanUp(async () => server.kill())
      const url = await server.database('arc')
      await migrate(url)
      await makeServiceLogin(url, 'arc_service', 'secret')
      const arc = new Arc({ DATABASE_URL: server.url('arc', 'arc_service') })
      await arc.start()
      cleanUp(() => arc.stop())
      await makeContinuousAggregates(url)
      const tenant = arc.tenant()
      await tenant.record(outcomesOf(await tenant.simulation(SCENARIOS), 2))
      const due = (of: string) =>
        query(
          of,
          `select alter_job(job_id, next_start => now()) from timescaledb_information.jobs where proc_name = 'refresh_continuous_aggregate'`,
        )
      await due(url)
      const all = { hours: 12, days: 12, scenarios: 12 }
      await expect
        .poll(
          async () => {
            await due(url)
            return attemptsOf(url, tenant)
          },
          { timeout: 60_000, interval: 2_000 },
        )
        .toEqual(all)

      const dump = join(folder.path, 'arc.dump')
      run('pg_dump', ['-d', url, '-Fc', '-f', dump])
      const again = await server.database('again')
      await query(again, 'select timescaledb_pre_restore()')
      run('pg_restore', ['-d', again, '--exit-on-error', dump])
      await query(again, 'select timescaledb_post_restore()')
      await query(
        again,
        'revoke all on database again from public; grant connect on database again to arc_service, arc_refresh',
      )
      expect(await attemptsOf(again, tenant)).toEqual(all)
      const arcAgain = new Arc({ DATABASE_URL: server.url('again', 'arc_service') })
      await arcAgain.start()
      cleanUp(() => arcAgain.stop())
      const { data } = await arcAgain.post(
        { query: 'mutation { upsertScenarios(input: { scenarios: [] }) { errors { message } } }' },
        await tenant.token(),
      )
      expect(data).toBeDefined()
      await query(again, `update store.outcomes set cost_usd = 9`)
      await work(again, 'refresh_rollups(1000)')
      expect(await makeContinuousAggregates(again)).toBe(false)
      const cost = 'select sum(total_cost)::int as cost from daily_simulation_stats'
      expect(await asTenant(again, tenant, async (client) => (await client.query(cost)).rows)).toEqual([
        { cost: 108 },
      ])
      expect(await dropContinuousAggregates(again)).toBe(true)
      expect(await attemptsOf(url, tenant)).toEqual(all)
    }, 120_000)
  },
)
