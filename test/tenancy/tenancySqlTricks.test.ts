import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { pino } from 'pino'
import sql from 'sql-template-tag'
import { beforeAll, describe, expect, it } from 'vitest'
import { createPool } from '../../src/db/pool.ts'
import { inTenantTransaction } from '../../src/db/tenantTransaction.ts'
import { ROLES } from '../../src/viewer.ts'
import { useArc } from '../support/arc.ts'
import { DENIED, type Run, sqlAs, viewerOf } from '../support/sqlAs.ts'
import { rowsOf, type SeededTenant, seedTenant, twinOf } from '../support/tenantRows.ts'

const arc = useArc()

let owner: SeededTenant
/** Has the same keys as the owner. */
let twin: SeededTenant
let keys: Record<'config_id' | 'version_id' | 'simulation_id' | 'outcome_id' | 'execution_time', string>

beforeAll(async () => {
  owner = await seedTenant(arc)
  twin = await twinOf(arc, owner)
  await arc.sql('admin', async (client) => {
    await client.query('analyze')
    const { rows } = await client.query(
      `select config_id, version_id, simulation_id, outcome_id, to_json(execution_time) #>> '{}' as execution_time
      from config_versions v join simulations s using (user_id) join store.outcomes o using (user_id, simulation_id)
      where user_id = $1 and s.status = 'running' and version_id = s.config_version_id limit 1`,
      [owner.tenant.tenantId],
    )
    keys = rows[0]
  })
})

const rowsOfOwner = () => arc.sql('admin', (client) => rowsOf(client, owner.tenant.tenantId))

const expectNothingOfOwner = (text: string) => {
  expect(text).not.toContain(owner.marker)
  expect(text).not.toContain(owner.tenant.tenantId)
}

async function expectAll(run: Run, code: string, statements: string[]): Promise<void> {
  for (const statement of statements) {
    const answer = await run(statement)
    expect(answer.code, `${statement}: ${answer.message}`).toBe(code)
  }
}

describe('a function', () => {
  it('of Arc can be called by those roles only that have a use for it', async () => {
    const { rows } = await arc.sql('admin', (client) =>
      client.query(
        `select role, array_agg(p.oid::regproc::text order by p.oid::regproc::text) as functions
        from unnest($1::text[]) as role, pg_proc p join pg_namespace n on n.oid = p.pronamespace
        where n.nspname !~ '^(pg_|information_schema)' and has_schema_privilege(role, n.oid, 'usage')
          and has_function_privilege(role, p.oid, 'execute')
          and not exists (select from pg_depend d where d.objid = p.oid and d.classid = 'pg_proc'::regclass and d.deptype = 'e')
        group by role order by role`,
        [ROLES],
      ),
    )
    const forAll = ['current_actor_id', 'current_user_id']
    expect(Object.fromEntries(rows.map(({ role, functions }) => [role, functions]))).toEqual({
      app_admin: [
        'amend_outcomes',
        'audit_act_as',
        ...forAll,
        'duration_quantile',
        'failure_label',
        'failures_of_group',
        'groups_failures',
        'heartbeat',
        'ingest_outcomes',
        'metric_values',
        'outcome_trajectories',
        'outcomes_next_to',
        'record_embeddings',
        'reopen_simulation',
        'rollups_as_of',
        'rows_by_time',
        'search_failure_patterns',
        'search_scenarios',
        'similar_subjects',
        'similarity_search',
        'time_of_uuid',
        'tool_usage_id',
        'uuid_v7',
      ],
      app_ingest: [
        'amend_outcomes',
        ...forAll,
        'heartbeat',
        'ingest_outcomes',
        'record_embeddings',
        'reopen_simulation',
        'rollups_as_of',
        'search_scenarios',
        'uuid_v7',
      ],
      app_readonly: [
        ...forAll,
        'duration_quantile',
        'failure_label',
        'failures_of_group',
        'groups_failures',
        'metric_values',
        'outcome_trajectories',
        'outcomes_next_to',
        'rollups_as_of',
        'rows_by_time',
        'search_failure_patterns',
        'search_scenarios',
        'similar_subjects',
        'similarity_search',
        'time_of_uuid',
        'tool_usage_id',
        'uuid_v7',
      ],
      app_user: [
        'alert_endpoint',
        'amend_outcomes',
        'authenticate_api_key',
        'claim_alert_deliveries',
        'claim_embeddings',
        'claim_jobs',
        'claim_recommendation_marks',
        ...forAll,
        'diffs_to_measure',
        'drop_old_embeddings',
        'duration_quantile',
        'embedding_states',
        'end_alert_delivery',
        'end_job',
        'end_long_sql',
        'end_recommendation_mark',
        'evaluate_alert_rules',
        'event_channel',
        'expire_logs',
        'expire_outcomes',
        'fail_silent_simulations',
        'failure_label',
        'failures_of_group',
        'groups_failures',
        'heartbeat',
        'hold_embeddings',
        'hypertable_states',
        'index_embeddings',
        'ingest_outcomes',
        'job_states',
        'keep_failure_groups',
        'least_group_mean',
        'link_failures',
        'linked_failures',
        'metric_values',
        'note_embedding_failure',
        'outcome_trajectories',
        'outcomes_next_to',
        'pack_outcomes',
        'prepare_outcome_storage',
        'purge_deleted',
        'queue_unembedded',
        'record_embeddings',
        'refresh_rollups',
        'renew_job',
        'reopen_simulation',
        'rollups_as_of',
        'rows_by_time',
        'search_failure_patterns',
        'search_scenarios',
        'search_unembedded',
        'similar_subjects',
        'similarity_search',
        'store_embeddings',
        'tenants_to_group',
        'time_of_uuid',
        'tool_usage_id',
        'use_embedding_models',
        'uuid_v7',
        'waiting_embeddings',
        'wake_embedding',
      ],
    })
  })

  it('with its owner’s rights has a fixed search path', async () => {
    const { rows } = await arc.sql('admin', (client) =>
      client.query(
        `select p.oid::regprocedure::text as function, proconfig from pg_proc p join pg_namespace n on n.oid = p.pronamespace
        where n.nspname in ('public', 'store') and prosecdef
          and not coalesce('search_path=pg_catalog, pg_temp' = any (proconfig), false)`,
      ),
    )
    expect(rows).toEqual([])
  })

  it('of an extension, called by an application role, has no rights but the caller’s and changes no table', async () => {
    const { rows: extensions } = await arc.sql('admin', (client) =>
      client.query(`select extname from pg_extension order by extname`),
    )
    // vector, btree_gin: types and operators on values that the caller has. timescaledb: what is left after migration 0001 either
    // computes on values or shows names, times and sizes of chunks, which are nobody's rows. Any other: look first.
    expect(['btree_gin', 'plpgsql', 'timescaledb', 'vector']).toEqual(
      expect.arrayContaining(extensions.map(({ extname }) => extname)),
    )
    const { rows } = await arc.sql('admin', (client) =>
      client.query(
        `select p.oid::regprocedure::text as function
        from pg_proc p join pg_depend d on d.objid = p.oid and d.classid = 'pg_proc'::regclass and d.deptype = 'e'
        join pg_extension e on e.oid = d.refobjid and e.extname <> 'plpgsql'
        where p.prorettype not in ('trigger'::regtype, 'event_trigger'::regtype)
          and exists (select from unnest($1::text[]) as role where has_function_privilege(role, p.oid, 'execute'))
          and (prosecdef or provolatile = 'v' and proargtypes::oid[] && array['regclass'::regtype, 'oid'::regtype]::oid[])`,
        [ROLES],
      ),
    )
    expect(rows).toEqual([])
  })

  it('of TimescaleDB drops no chunk for an application role', async ({ skip }) => {
    const { rows } = await arc.sql('admin', (client) =>
      client.query(
        `select i.inhrelid::oid::int as chunk, i.inhparent::oid::int as hypertable
        from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = 'store.outcomes'::regclass and c.relnamespace::regnamespace::text = '_timescaledb_internal'`,
      ),
    )
    if (rows.length === 0) skip('outcomes are no hypertable here')
    for (const role of ROLES) {
      await sqlAs(arc, role, twin.tenant, async (run) => {
        for (const { chunk, hypertable } of rows) {
          await expectAll(run, DENIED, [
            `select _timescaledb_functions.drop_chunk(${chunk}::regclass)`,
            `select drop_chunks(${hypertable}::regclass, older_than => now())`,
          ])
        }
      })
    }
  })

  it('that reads trajectories reads those of the tenant of the transaction only', async () => {
    const trajectories = 'select trajectory::text from outcome_trajectories($1, $2)'
    const values = [[keys.outcome_id], [keys.execution_time]]
    for (const role of ['app_user', 'app_readonly', 'app_admin'] as const) {
      await sqlAs(arc, role, owner.tenant, async (run) => {
        expect(await run(trajectories, values)).toMatchObject({ code: undefined, rows: [{}] })
      })
      // It has an outcome of that id and time.
      await sqlAs(arc, role, twin.tenant, async (run) => {
        const { rows } = await run(trajectories, values)
        expect(rows).toHaveLength(1)
        expectNothingOfOwner(JSON.stringify(rows))
      })
      await sqlAs(arc, role, arc.tenant(), async (run) => {
        expect((await run(trajectories, values)).rows).toEqual([])
        await run(`select set_config('app.user_id', '', true)`)
        expect((await run(trajectories, values)).rows).toEqual([])
      })
    }
  })

  it('that ingests writes for the tenant of the transaction only, whatever the batch says', async () => {
    const before = await rowsOfOwner()
    const row = {
      idx: 0,
      user_id: owner.tenant.tenantId,
      outcome_id: randomUUID(),
      simulation_id: keys.simulation_id,
      scenario_id: 'rebook',
      repetition: 1,
      execution_time: '2026-01-15T12:00:00Z',
      status: 'success',
      retry_count: 0,
      trajectory: { start_time: '2026-01-15T12:00:00Z', status: 'success' },
      step_count: 0,
      tools: [{ user_id: owner.tenant.tenantId, tool_name: 'x', call_count: 1, success_rate: 1 }],
      failures: [],
    }
    const ingest = 'select idx, receipt, code from ingest_outcomes($1)'
    const batch = (...rows: object[]) => [JSON.stringify({ simulation_ids: [keys.simulation_id], rows })]
    await sqlAs(arc, 'app_user', arc.tenant(), async (run) => {
      expect((await run(ingest, batch(row))).rows).toEqual([
        { idx: 0, receipt: 'REJECTED', code: 'SIMULATION_NOT_FOUND' },
      ])
      for (const nothing of [null, '{}', '[]', 'null', '{"rows": []}']) {
        expect((await run(ingest, [nothing])).rows).toEqual([])
      }
    })
    await sqlAs(arc, 'app_admin', twin.tenant, async (run) => {
      expect((await run(ingest, batch({ ...row, outcome_id: keys.outcome_id }))).rows).toEqual([
        { idx: 0, receipt: 'CONFLICT', code: 'CONFLICT' },
      ])
      expect((await run(ingest, batch(row))).rows).toEqual([{ idx: 0, receipt: 'STORED', code: null }])
      const { rows } = await run('select user_id from outcomes where outcome_id = $1', [row.outcome_id])
      expect(rows).toEqual([{ user_id: twin.tenant.tenantId }])
      await run(`select set_config('app.user_id', '', true)`)
      expect((await run(ingest, batch(row))).code).toBe(DENIED)
    })
    await sqlAs(arc, 'app_readonly', twin.tenant, (run) =>
      expectAll(run, DENIED, [`select ingest_outcomes('{}')`, 'select prepare_outcome_storage()']),
    )
    expect(await rowsOfOwner()).toEqual(before)
  })
})

describe('a session', () => {
  it('gets no other role and no other rights', async ({ skip }) => {
    if (arc.onPGlite) skip('PGlite’s one session belongs to the superuser')
    for (const role of ROLES) {
      await sqlAs(arc, role, twin.tenant, async (run) => {
        await expectAll(run, DENIED, [
          'set role arc_owner',
          'set role postgres',
          'set session authorization postgres',
          `grant arc_owner to ${role}`,
        ])
        // The login itself, between two transactions or after RESET ROLE, is bound by the same policies.
        await run('reset role')
        for (const table of ['configurations', 'outcomes', 'audit_log']) {
          expectNothingOfOwner(JSON.stringify((await run(`select t::text from ${table} t`)).rows))
        }
        await expectAll(run, DENIED, ['select from store.outcomes', 'create table public.mine ()'])
      })
    }
  })

  it('gets around no policy by settings or by changing what guards the rows', async () => {
    for (const role of ROLES) {
      await sqlAs(arc, role, twin.tenant, async (run) => {
        await expectAll(run, DENIED, [
          'set session_replication_role = replica',
          'alter table public.configurations disable row level security',
          'alter table public.configurations no force row level security',
          'drop policy tenant on public.configurations',
          'create policy everybody on public.configurations using (true)',
          'alter view public.outcomes set (security_invoker = true)',
          'create or replace view public.outcomes as select * from store.outcomes',
          'create view public.all_outcomes as select 1',
          'create function public.current_user_id() returns uuid language sql return null::uuid',
          'create schema mine',
          'create trigger spy after insert on public.configurations execute function pg_catalog.suppress_redundant_updates_trigger()',
          'create rule spy as on insert to public.configurations do nothing',
          'alter function public.current_user_id() volatile',
          `copy (select 1) to '/tmp/arc'`,
          `copy (select 1) to program 'cat'`,
          `select pg_read_file('PG_VERSION')`,
          `select lo_import('PG_VERSION')`,
        ])
        await run('set local row_security = off')
        await expectAll(run, DENIED, ['select from public.configurations', 'select from public.audit_log'])
      })
    }
  })

  it('sees whichever tenant app.user_id names: who can send SQL can choose, so no client ever sends any', async () => {
    await sqlAs(arc, 'app_readonly', twin.tenant, async (run) => {
      const names = async () => (await run('select distinct simulation_name as name from simulations')).rows
      expect(JSON.stringify(await names())).toContain(twin.marker)
      await run(`select set_config('app.user_id', $1, true)`, [owner.tenant.tenantId])
      expect(JSON.stringify(await names())).toContain(owner.marker)
    })
  })

  it('leaves nothing to the next transaction of its connection', async () => {
    // The owner's, because no other login may leave a temporary table.
    const pool = createPool({
      connectionString: arc.adminUrl,
      max: 1,
      logger: pino({ level: 'silent' }),
    })
    const names = sql`select name from api_keys`
    const run = (who: SeededTenant) =>
      inTenantTransaction(pool, viewerOf(who.tenant), 'read write', (transaction) => transaction.query(names))
    try {
      expect(await run(owner)).toEqual([{ name: owner.marker }])
      const { rows } = await pool.query(
        `select current_setting('app.user_id', true) as tenant, current_setting('app.actor_id', true) as actor,
          current_setting('role') as role`,
      )
      expect(rows).toEqual([{ tenant: '', actor: '', role: 'none' }])
      // A temporary table outlives its transaction, and would be found before the real one.
      await pool.query(
        `create temp table api_keys as select name from public.api_keys where user_id = '${owner.tenant.tenantId}';
        grant select on pg_temp.api_keys to app_user;
        set session search_path = pg_temp, public`,
      )
      expect(await run(twin)).toEqual([{ name: twin.marker }])
      expect(await run({ ...twin, tenant: arc.tenant() })).toEqual([])
    } finally {
      await pool.query('drop table if exists pg_temp.api_keys; reset search_path')
      await pool.end()
    }
  })
})

// No application role can make one (flatViews.test.ts); the tables' policies hold even if there were one.
describe('a function that spies', () => {
  const name = `spy_${randomBytes(4).toString('hex')}`

  /** What the spy was shown while `statements` ran for the texts of each table that the role may read. */
  async function seenBySpy(statements: (relation: string, columns: string[]) => string[]): Promise<string> {
    const relations = await arc.sql('admin', async (client) => {
      await client.query(
        `create function public.${name}(text, text) returns boolean language plpgsql cost 0.0000001
          as $$ begin raise notice 'saw %', $1; return true; end $$;
        create operator public.=== (leftarg = text, rightarg = text, function = public.${name}, restrict = eqsel)`,
      )
      const { rows } = await client.query<{ name: string; columns: string[] }>(
        `select format('%I.%I', n.nspname, c.relname) as name, array_agg(quote_ident(attname)::text) as columns
        from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on attrelid = c.oid
        where n.nspname = 'public' and c.relkind in ('r', 'p') and attnum > 0 and not attisdropped
          and atttypid = 'text'::regtype and has_column_privilege('app_user', c.oid, attnum, 'select')
        group by 1`,
      )
      return rows
    })
    const seen: string[] = []
    try {
      await sqlAs(arc, 'app_user', twin.tenant, async (run, client) => {
        client.on('notice', ({ message }) => seen.push(message ?? ''))
        for (const { name, columns } of relations) {
          for (const statement of statements(name, columns)) {
            const { code, message } = await run(statement)
            expect(code, `${statement}: ${message}`).toBeUndefined()
          }
        }
      })
    } finally {
      await arc.sql('admin', (client) =>
        client.query(`drop operator public.=== (text, text); drop function public.${name}(text, text)`),
      )
    }
    return seen.join('\n')
  }

  it('in a condition is shown no row of another tenant, however cheap it says it is', async () => {
    const seen = await seenBySpy((relation, columns) => [
      // An index on the tenant would choose the rows before any condition is looked at.
      'set local enable_indexscan = off; set local enable_bitmapscan = off; set local enable_indexonlyscan = off',
      ...columns.map((column) => `select from ${relation} t where public.${name}(t.${column}, '')`),
    ])
    expect(seen).toContain(twin.marker)
    expectNothingOfOwner(seen)
  })

  it('as an operator is shown no statistics by the planner', async () => {
    const seen = await seenBySpy((relation, columns) =>
      columns.map((column) => `explain select from ${relation} t where t.${column} operator(public.===) 'x'`),
    )
    expectNothingOfOwner(seen)
  })

  it('sees nothing in plans, and COPY has the same rows as SELECT', async () => {
    await sqlAs(arc, 'app_user', twin.tenant, async (run, client) => {
      for (const relation of ['simulations', 'outcomes', 'outcome_hours', 'failure_patterns']) {
        const plan = await run(`explain (analyze, verbose, buffers) table ${relation}`)
        expect(plan.code).toBeUndefined()
        expectNothingOfOwner(JSON.stringify(plan.rows))
      }
      const copied: Buffer[] = []
      const { connection } = client as unknown as { connection: NodeJS.EventEmitter }
      connection.on('copyData', ({ chunk }: { chunk: Buffer }) => copied.push(chunk))
      expect((await run('copy simulations to stdout')).code).toBeUndefined()
      expect((await run('copy (table outcomes) to stdout')).code).toBeUndefined()
      const text = Buffer.concat(copied).toString()
      expect(text).toContain(twin.marker)
      expectNothingOfOwner(text)
    })
  })
})

describe('a key', () => {
  const rows = (
    id: (name: keyof typeof keys) => string,
  ): [table: string, columns: string, values: string][] => [
    ['simulations', 'config_version_id, scenario_set, total_scenarios', `'${id('version_id')}', '{a}', 1`],
    [
      'simulations_scenarios',
      'simulation_id, scenario_id, execution_order',
      `'${id('simulation_id')}', 'refund', 1`,
    ],
    [
      'config_versions',
      'config_id, version_number, raw_yaml, parsed_config, config_hash',
      `'${id('config_id')}', 9, 'x', '{"model": "x", "temperature": null}', repeat('0', 64)`,
    ],
    [
      'config_diffs',
      'config_id, version_before, version_after, diff_yaml',
      `'${id('config_id')}', '${id('version_id')}', '${randomUUID()}', 'x'`,
    ],
    ['configurations', 'name, latest_version_id', `'a name', '${id('version_id')}'`],
  ]

  it('of another tenant can’t be pointed at, and looks like one that nobody has', async () => {
    const nobodys = randomUUID()
    await sqlAs(arc, 'app_user', arc.tenant(), async (run) => {
      await run('set constraints all immediate')
      const others = rows(() => nobodys)
      for (const [index, [table, columns, values]] of rows((name) => keys[name]).entries()) {
        const theirs = await run(`insert into ${table} (${columns}) values (${values})`)
        const none = await run(`insert into ${table} (${columns}) values (${others[index]![2]})`)
        expect(theirs.code, table).toBe('23503')
        expect(theirs, table).toEqual(none)
      }
    })
  })

  it('of another tenant, taken for its row, is refused before it is looked up', async () => {
    await sqlAs(arc, 'app_user', arc.tenant(), async (run) => {
      const insert = (configId: string, more: string) =>
        run(`insert into configurations (user_id, config_id, name) values ($1, $2, 'a name') ${more}`, [
          owner.tenant.tenantId,
          configId,
        ])
      for (const more of [
        '',
        'on conflict do nothing',
        'on conflict (user_id, config_id) do update set name = excluded.name',
      ]) {
        const theirs = await insert(keys.config_id, more)
        expect(theirs.code, more).toBe(DENIED)
        expect(theirs, more).toEqual(await insert(randomUUID(), more))
      }
    })
  })
})

it('a notification names a simulation and a number, and nothing of a tenant', async () => {
  await arc.sql('service', async (client) => {
    const { rows } = await client.query<{ channel: string }>('select event_channel() as channel')
    await client.query(`listen ${rows[0]!.channel}`)
    const payloads: string[] = []
    client.on('notification', ({ payload }) => payloads.push(payload!))
    const simulationId = await owner.tenant.simulation(['refund'])
    // Other tests' come on the same channel.
    while (!payloads.includes(`${simulationId}:1`)) await once(client, 'notification')
    // So do those by which servers measure how late they hear.
    const uuid = '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}'
    for (const payload of payloads) expect(payload).toMatch(new RegExp(`^(${uuid}:\\d+|lag:${uuid})$`))
  })
})
