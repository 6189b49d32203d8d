import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest'
import { makeSqlLogin } from '../../src/db/admin/sqlLogins.ts'
import { Arc } from '../support/arc.ts'
import { ENGINES, makeMigratedDatabase, query } from '../support/emptyDatabase.ts'
import { REFUSED_SQL } from '../support/refusedSql.ts'
import { SOON } from '../support/soon.ts'
import { DENIED } from '../support/sqlAs.ts'
import { Analyst, sayOn } from '../support/sqlLogin.ts'
import { rowsOf, type SeededTenant, seedTenant, twinOf } from '../support/tenantRows.ts'

// People with SQL of their own say what they like. Here one says all that another tenant's rows might be got out with: the twin
// has rows under the same keys, so only the tenant tells them apart, and the owner's texts have a marker that nobody else has.

// PGlite has one session, a superuser's, and no logins.
describe.skipIf(inject('serverUrl') === null).each(ENGINES)('a login for SQL on $dump', ({ extension }) => {
  let arc: Arc
  let adminUrl: string
  let drop: () => Promise<unknown>
  let owner: SeededTenant
  let twin: SeededTenant
  let analyst: Analyst
  let hasColumnstore = false

  beforeAll(async () => {
    const database = await makeMigratedDatabase(extension)
    adminUrl = database.url
    arc = new Arc({ DATABASE_URL: database.serviceUrl })
    // Not the database of the other tests: what the first login takes from everybody, they have to keep.
    Object.assign(arc, { adminUrl, databaseUrl: database.serviceUrl })
    await arc.start()
    owner = await seedTenant(arc)
    twin = await twinOf(arc, owner)
    // Two more, so that what each has is rare among all and still in the statistics.
    await seedTenant(arc)
    await arc.sql('admin', async (client) => {
      const { rows } = await client.query(
        `select current_setting('timescaledb.license', true) = 'timescale' as full`,
      )
      hasColumnstore = rows[0].full === true
      if (hasColumnstore)
        await client.query(`set role arc_owner;
          alter table store.outcomes set (timescaledb.enable_columnstore, timescaledb.segmentby = 'user_id',
            timescaledb.orderby = 'execution_time desc, outcome_id desc');
          reset role;
          select compress_chunk(c) from show_chunks('store.outcomes') c`)
      await client.query('analyze')
    })
    analyst = await Analyst.of(twin.tenant, adminUrl)
    drop = async () => {
      await analyst.revoke()
      await arc.stop()
      await database.drop()
    }
  }, 120_000)
  afterAll(() => drop?.())

  const secrets = () => `${owner.marker}|${owner.tenant.tenantId}`
  const expectNothingOfOwner = (text: string, context = '') =>
    expect(text, context).not.toMatch(new RegExp(secrets()))

  /** The views, with the columns of each. */
  async function views(): Promise<{ view: string; columns: { name: string; type: string }[] }[]> {
    return query(
      adminUrl,
      `select format('analytics.%I', c.relname) as view,
        json_agg(json_build_object('name', quote_ident(attname), 'type', atttypid::regtype) order by attnum) as columns
      from pg_class c join pg_attribute a on attrelid = c.oid and attnum > 0 and not attisdropped
      where c.relnamespace = 'analytics'::regnamespace and c.relkind = 'v' group by 1 order by 1`,
    )
  }

  describe('reads', () => {
    it('the rows of its tenant that are not deleted, and no other', async () => {
      const rowsByTable = await arc.sql('admin', (client) => rowsOf(client, twin.tenant.tenantId))
      const deletions = rowsByTable['public.deletions']!.map((row) => JSON.parse(row))
      const isDeleted = (row: Record<string, unknown>) =>
        deletions.some((deletion) =>
          ['config_id', 'scenario_id', 'simulation_id'].some(
            (key) => deletion[key] !== null && row[key] === deletion[key],
          ),
        )
      for (const [view, table] of [
        ['outcomes', 'store.outcomes'],
        ['trajectories', 'store.outcomes'],
        ['failure_patterns', 'public.failure_patterns'],
        ['simulations', 'public.simulations'],
        ['simulations_scenarios', 'public.simulations_scenarios'],
        ['scenarios', 'public.scenarios'],
        ['configurations', 'public.configurations'],
        ['config_versions', 'public.config_versions'],
      ] as const) {
        const kept = rowsByTable[table]!.map((row) => JSON.parse(row)).filter((row) => !isDeleted(row))
        expect(kept.length, view).toBeGreaterThan(0)
        const { rows, said } = await analyst.answer(`select v::text as row from ${view} v`)
        expect(rows, `${view}: ${said}`).toHaveLength(kept.length)
        expectNothingOfOwner(JSON.stringify(rows), view)
        if (view !== 'simulations_scenarios') expect(JSON.stringify(rows), view).toContain(twin.marker)
      }
      const { rows } = await analyst.answer(`select tool_name, call_count from tool_usage`)
      expect(rows).toHaveLength(4)
      expect(rows[0]).toEqual({ tool_name: `search ${twin.marker}`, call_count: 2 })
    })

    it('nothing of another tenant in any relation of any schema, chunks and statistics too', async () => {
      const relations = await query<{ name: string }>(
        adminUrl,
        `select format('%I.%I', n.nspname, c.relname) as name
        from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where c.relkind in ('r', 'p', 'v', 'm', 'S', 'f', 't') and n.nspname !~ '^pg_(temp|toast_temp)' order by 1`,
      )
      expect(relations.length).toBeGreaterThan(150)
      const client = await analyst.connect()
      let readable = 0
      for (const { name } of relations) {
        try {
          const { rows } = await client.query(
            `select row(t.*)::text as found from ${name} t where row(t.*)::text ~ $1`,
            [secrets()],
          )
          readable += 1
          expect(rows, name).toEqual([])
        } catch (error) {
          expect((error as { code?: string }).code, `${name}: ${error}`).toBe(DENIED)
          expectNothingOfOwner(String(error))
        }
      }
      expect(readable).toBeGreaterThan(100)
      await client.end()
    }, 120_000)

    it('by no right anything else than the views, the ledger of migrations, and what TimescaleDB shows everybody', async () => {
      const { rows } = await analyst.answer(
        `select format('%I.%I', n.nspname, c.relname) as name
        from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname !~ '^(pg_|_?timescaledb_|information_schema)' and c.relkind in ('r', 'p', 'v', 'm', 'f')
          and has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select') and n.nspname <> 'analytics'`,
      )
      expect(rows).toEqual([{ name: 'arc_migrations.ledger' }])
    })
  })

  describe('a view', () => {
    it('is a barrier that filters by the login, has no column of the tenant, and the owner that is bound', async () => {
      const unlike = await query<{ view: string }>(
        adminUrl,
        `select relname::text as view from pg_class c
        where relnamespace = 'analytics'::regnamespace and not (
          relkind = 'v' and relowner = 'arc_analytics'::regrole and coalesce('security_barrier=true' = any (reloptions), false)
          and has_table_privilege('app_analyst', c.oid, 'select')
          and not exists (select from pg_attribute where attrelid = c.oid and attname = 'user_id')
          -- Each table that it reads by itself, through the login; what it reads of this schema does that.
          and (pg_get_viewdef(c.oid) ~ 'user_id = \\(+ ?SELECT l.user_id\\s+FROM store.sql_logins l\\s+WHERE \\(?l.login = SESSION_USER\\)'
            or not exists (select from pg_depend d join pg_rewrite r on r.oid = d.objid join pg_class o on o.oid = d.refobjid
              where r.ev_class = c.oid and d.refclassid = 'pg_class'::regclass and o.relnamespace <> 'analytics'::regnamespace)))`,
      )
      expect(unlike).toEqual([])
    })

    it('that forgets to filter an ordinary table shows nothing of others all the same', async () => {
      await query(
        adminUrl,
        `set role arc_analytics; create view analytics.forgotten as select * from public.simulations; grant select on analytics.forgotten to app_analyst`,
      )
      try {
        const { rows } = await analyst.answer(
          `set app.user_id = '${owner.tenant.tenantId}'`,
          'select f::text as row from forgotten f',
        )
        expect(rows.length).toBeGreaterThan(0)
        expectNothingOfOwner(JSON.stringify(rows))
      } finally {
        await query(adminUrl, 'drop view analytics.forgotten')
      }
    })

    it('lets the planner’s estimates tell nothing of the texts of others', async () => {
      const estimates = async (url: string, statement: string) =>
        JSON.stringify(await query(url, statement)).replace(/'[^']*'/g, '…')
      // They are in the statistics: whoever reads the table itself is told how many have one.
      const plan = (model: string) =>
        estimates(adminUrl, `explain select from public.config_versions where model = '${model}'`)
      expect(await plan(owner.marker)).not.toBe(await plan('nobody’s model'))

      const client = await analyst.connect()
      /** What is asked of tables, behind the barriers. */
      const scans = ({ Plans = [], ...node }: any): string[] => [
        ...(node['Relation Name'] === undefined ? [] : [JSON.stringify(node)]),
        ...Plans.flatMap(scans),
      ]
      // Of these everybody knows all the words that there are.
      const CLOSED = ['difficulty_level', 'error_category', 'failure_category', 'generated_by', 'status']
      let hidden = 0
      for (const { view, columns } of await views()) {
        for (const { name } of columns.filter(
          ({ name, type }) => type === 'text' && !CLOSED.includes(name),
        )) {
          for (const condition of ['= $', '< $', '>= $', '^@ $', 'like $', 'in ($, $)']) {
            const plans: string[] = []
            for (const text of [
              owner.marker,
              `agent ${owner.marker}`,
              `search ${owner.marker}`,
              '!!!!',
              'zzzz',
            ]) {
              const asked = `select from ${view} where ${name} ${condition.replaceAll('$', `'${text}'`)}`
              const { rows } = await client.query(`explain (format json) ${asked}`)
              const plan = rows[0]['QUERY PLAN'][0].Plan
              for (const scan of scans(plan).filter((scan) => scan.includes(`'${text}'`)))
                expect(scan, asked).toContain(`|| ''::text)`)
              plans.push(JSON.stringify(plan, (key, value) => (/Filter|Cond$/.test(key) ? '…' : value)))
            }
            hidden += 1
            expect(new Set(plans).size, `${view}: ${name} ${condition}`).toBe(1)
          }
        }
      }
      expect(hidden).toBeGreaterThan(150)
      await client.end()
    }, 60_000)

    it.runIf(extension)('reads chunks that are packed', ({ skip }) => {
      if (!hasColumnstore) skip('this edition of TimescaleDB has no columnstore: try one that has')
      return arc.sql('admin', async (client) => {
        const { rows } = await client.query(
          `select bool_and(is_compressed) as all from timescaledb_information.chunks where hypertable_name = 'outcomes'`,
        )
        expect(rows).toEqual([{ all: true }])
      })
    })
  })

  describe('whoever says', () => {
    const SEEN = 'select o::text as row from outcomes o union all select s::text from simulations s'

    it.each([
      [
        'another tenant in the settings',
        (id: string) => [`set app.user_id = '${id}'`, `set app.actor_id = 'owner'`],
      ],
      [
        'it for one transaction',
        (id: string) => ['begin', `select set_config('app.user_id', '${id}', true)`],
      ],
      [
        'it for each login',
        (id: string) => [`alter role current_user set app.user_id = '${id}'`, `set app.user_id = '${id}'`],
      ],
      ['that policies are off', () => ['set row_security = off']],
      [
        'other plans',
        () => ['set enable_indexscan = off', 'set enable_bitmapscan = off', 'set enable_indexonlyscan = off'],
      ],
      ['another path', () => ['set search_path = pg_temp, store, public, analytics']],
      [
        'that it writes',
        () => ['set default_transaction_read_only = off', 'set transaction_read_only = off'],
      ],
      [
        'who it was',
        () => [
          'set role none',
          'reset session authorization',
          'reset all',
          'discard all',
          'set search_path = analytics',
        ],
      ],
      ['it prepares', () => [`prepare p as ${SEEN}`, 'execute p', `set app.user_id = ''`]],
    ])('%s sees the same', async (_, statements) => {
      const { rows, code, said } = await analyst.answer(...statements(owner.tenant.tenantId), SEEN)
      // PostgreSQL refuses to read past policies rather than leaving them out.
      if (code !== undefined) expect(code, said).toBe(DENIED)
      else expect(JSON.stringify(rows)).toContain(twin.marker)
      expectNothingOfOwner(JSON.stringify(rows))
    })

    it('what raises an error or a notice with a value has one of its own', async () => {
      const said: string[] = []
      const client = await analyst.connect()
      await client.query(
        'set enable_indexscan = off; set enable_bitmapscan = off; set max_parallel_workers_per_gather = 0',
      )
      const hear = async (statement: string) => {
        const [answer] = await sayOn(client, statement)
        said.push(`${answer!.said} ${JSON.stringify(answer!.rows)}`)
      }
      for (const { view, columns } of await views()) {
        for (const { name, type } of columns) {
          for (const condition of [
            `(${name}::text)::integer = 0`,
            `('{' || ${name}::text)::jsonb is null`,
            `('(' || ${name}::text) ~ ('(' || ${name}::text)`,
            `(xpath(${name}::text, '<a/>'))[1] is null`,
            `1 / (length(${name}::text) - length(${name}::text)) = 1`,
            `not pg_input_is_valid(${name}::text, 'no type')`,
            `query_to_xml('select ' || ${name}::text, true, true, '') is null`,
            `set_config('app.seen', coalesce(current_setting('app.seen', true), '') || ${name}::text, false) is null`,
          ])
            await hear(`select count(*) from ${view} where ${condition}`)
          await hear(
            `select ${name}::text, count(*) from ${view} group by 1 having (${name}::text)::date is null`,
          )
          if (type === 'text')
            await hear(`select generate_series(1, length(${name}))::text from ${view} order by ${name}::uuid`)
        }
        await hear(`explain (analyze, verbose, buffers) select * from ${view}`)
        await hear(`select ts_stat('select to_tsvector(v::text) from ${view} v')::text`)
        await hear(
          `do $$ declare r record; begin for r in select v::text as t from ${view} v loop raise notice '%', r.t; end loop; end $$`,
        )
        await hear(
          `begin; declare c scroll cursor with hold for select v::text from ${view} v; commit; fetch all from c; close c`,
        )
        await hear(`select query_to_xml('select * from ${view}', true, true, '')::text`)
      }
      await hear(`select current_setting('app.seen', true)`)
      await client.end()
      expect(said.join('\n')).toContain(twin.marker)
      expectNothingOfOwner(said.join('\n'))
    }, 120_000)

    it('COPY has the same rows', async () => {
      const client = await analyst.connect()
      const copied: Buffer[] = []
      const { connection } = client as unknown as { connection: NodeJS.EventEmitter }
      connection.on('copyData', ({ chunk }: { chunk: Buffer }) => copied.push(chunk))
      await client.query('copy (select * from outcomes) to stdout')
      await client.query('copy (select * from configurations) to stdout')
      await client.end()
      expect(Buffer.concat(copied).toString()).toContain(twin.marker)
      expectNothingOfOwner(Buffer.concat(copied).toString())
    })
  })

  describe('is refused', () => {
    /** Chunks, partitions, and the tables that packed chunks lie in. */
    const parts = () =>
      query<{ name: string }>(
        adminUrl,
        `select format('%I.%I', n.nspname, c.relname) as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where c.relkind = 'r' and (n.nspname = '_timescaledb_internal' and c.relname ~ '_chunk$' or n.nspname = 'store')`,
      )

    it('whatever reads or locks what lies behind the views, by any name', async () => {
      const names = (await parts()).map(({ name }) => name)
      expect(names.length).toBeGreaterThan(3)
      for (const name of [
        ...names,
        'public.simulations',
        'public.outcomes',
        'public.audit_log',
        'public.api_keys',
      ]) {
        for (const statement of [
          `select from ${name}`,
          `select count(*) from only ${name}`,
          `copy ${name} to stdout`,
          `begin; lock table ${name} in access share mode`,
          `explain select from ${name}`,
          `create statistics s on ctid, xmin from ${name}`,
        ])
          expect(
            (await analyst.answer('set default_transaction_read_only = off', statement)).code,
            statement,
          ).toBeOneOf([
            DENIED,
            // No statistics on a view or on system columns, whoever asks.
            '0A000',
            '42809',
          ])
      }
    })

    it.each(REFUSED_SQL)('%s', async (statement) => {
      const { code, said, rows } = await analyst.answer('set default_transaction_read_only = off', statement)
      expect(rows).toEqual([])
      // No right; or it is no such thing here, or nothing that is written through.
      expect(code, said).toBeOneOf([DENIED, '55000', '42809', '42883', '0A000', '58P01', '25006'])
      expectNothingOfOwner(said)
    })

    it.runIf(extension)('what of TimescaleDB changes tables, or runs without a connection', async () => {
      const [chunk] = (await parts()).map(({ name }) => name)
      for (const statement of [
        `select add_job('pg_sleep', '1 s')`,
        'call run_job(1)',
        'select delete_job(1)',
        'select alter_job(1, scheduled => false)',
        `select drop_chunks('store.outcomes', older_than => now())`,
        `select _timescaledb_functions.drop_chunk('${chunk}')`,
        `select compress_chunk('${chunk}')`,
        `select decompress_chunk('${chunk}')`,
        `select set_chunk_time_interval('store.outcomes', interval '1 s')`,
        `select create_hypertable('store.outcomes', 'recorded_at')`,
        `select add_retention_policy('store.outcomes', interval '1 s')`,
        `select hypertable_size('store.outcomes')`,
        'select _timescaledb_functions.stop_background_workers()',
        'select timescaledb_pre_restore()',
      ])
        expect(
          (await analyst.answer('set default_transaction_read_only = off', statement)).code,
          statement,
        ).toBe(DENIED)
    })

    it('whatever runs with more rights than its own', async () => {
      const { rows } = await analyst.answer(
        `select p.oid::regprocedure::text as function from pg_proc p join pg_namespace n on n.oid = p.pronamespace
        where p.prosecdef and has_schema_privilege(n.oid, 'usage') and has_function_privilege(p.oid, 'execute')`,
      )
      expect(rows).toEqual([])
    })
  })

  it('hears of no simulation, and sees no text of a session that is not its own', async () => {
    const client = await analyst.connect()
    const heard: string[] = []
    client.on('notification', ({ payload }) => heard.push(payload!))
    await client.query('listen arc_events')
    await client.query('listen "*"')
    await owner.tenant.simulation(['refund'])
    await client.query(`notify arc_events, 'the last'`)
    await vi.waitFor(() => expect(heard).toContain('the last'), SOON)
    expect(heard).toEqual(['the last'])
    const { rows } = await client.query(
      `select query from pg_stat_activity where usename <> current_user and query <> '<insufficient privilege>' and query <> ''`,
    )
    expect(rows).toEqual([])
    await client.end()
  })

  it('has so many connections, and so long for a transaction whatever it sets', async () => {
    const hasty = await Analyst.of(twin.tenant, adminUrl, { statementSeconds: 1, connections: 2 })
    const [first, second] = [await hasty.connect(), await hasty.connect()]
    await expect(hasty.connect()).rejects.toMatchObject({ code: '53300' })
    await expect(first.query('select pg_sleep(60)')).rejects.toMatchObject({ code: '57014' })
    await second.query('set statement_timeout = 0; set idle_in_transaction_session_timeout = 0')
    const cut = expect(second.query('select pg_sleep(60)')).rejects.toMatchObject({ code: '57P01' })
    // As the job does it.
    await vi.waitFor(
      async () =>
        expect(
          await arc.sql('service', async (client) => (await client.query('select end_long_sql() as n')).rows),
        ).toEqual([{ n: 1 }]),
      { timeout: 20_000, interval: 250 },
    )
    await cut
    await hasty.revoke()
  }, 40_000)

  it('that is revoked is out at once, and the tenant’s audit log tells who had one', async () => {
    const gone = await Analyst.of(owner.tenant, adminUrl)
    const client = await gone.connect()
    expect((await client.query('select from simulations')).rowCount).toBeGreaterThan(0)
    const ended = new Promise((resolve) => client.once('end', resolve))
    await gone.revoke()
    await ended
    await expect(gone.connect()).rejects.toThrow()
    const { auditLog } = await owner.tenant.data(
      `{ auditLog(filter: { tableName: { eq: "sql_logins" } }) { nodes { operation actorId newData oldData } } }`,
    )
    expect(auditLog.nodes).toEqual([
      expect.objectContaining({ operation: 'DELETE', actorId: 'a test', newData: null }),
      expect.objectContaining({
        operation: 'INSERT',
        actorId: 'a test',
        newData: expect.objectContaining({ login: gone.login, statement_seconds: 60 }),
      }),
    ])
  })

  it('that Arc does not know, or knows no longer, sees nothing', async () => {
    const stranger = await Analyst.of(arc.tenant(), adminUrl)
    await query(adminUrl, `delete from store.sql_logins where login = '${stranger.login}'`)
    for (const { view } of await views())
      expect((await stranger.answer(`select * from ${view}`)).rows, view).toEqual([])
    await query(
      adminUrl,
      `insert into store.sql_logins (login, user_id, statement_seconds) values ('${stranger.login}', '${randomUUID()}', 60)`,
    )
    await stranger.revoke()
  })

  it('of one tenant does not become another’s, and no role that is there becomes one', async () => {
    const make = (login: string) =>
      makeSqlLogin(adminUrl, 'a test', { tenantId: owner.tenant.tenantId, login })
    await expect(make(analyst.login)).rejects.toThrow('another tenant')
    await expect(make('arc_owner')).rejects.toThrow('There is a role "arc_owner" already')
  })
})
