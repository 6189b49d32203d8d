import { beforeAll, describe, expect, it } from 'vitest'
import { ROLES } from '../../src/viewer.ts'
import { useArc } from '../support/arc.ts'
import { DENIED, type Run, sqlAs, sqlWith } from '../support/sqlAs.ts'
import { rowsOf, type SeededTenant, seedTenant, twinOf } from '../support/tenantRows.ts'

// No client of Arc sends SQL. These tests give one the service's connection all the same, with the role and the tenant
// that the server has set: what holds here holds whatever a resolver does.

const arc = useArc()

/** Whose rows are after. */
let owner: SeededTenant
/** What tells of the owner, as regular expressions: its texts, and to one who has not the same keys also its keys. */
let texts: string
let textsAndKeys: string

beforeAll(async () => {
  owner = await seedTenant(arc)
  texts = `${owner.marker}|${owner.tenant.tenantId}`
  const keys = JSON.stringify(await rowsOfOwner()).match(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g)
  textsAndKeys = [texts, ...new Set(keys)].join('|')
  await arc.sql('admin', (client) => client.query('analyze'))
})

/** Denied; a view that nothing can be written through; no table; no such column; a sequence. */
const REFUSALS = [DENIED, '55000', '42809', '42703', '0A000']

/** Whatever has rows, in each schema: tables, partitions, chunks, views, sequences, PostgreSQL's own. */
async function relations(where = 'true'): Promise<string[]> {
  return arc.sql('admin', async (client) => {
    const { rows } = await client.query<{ name: string }>(
      `select format('%I.%I', n.nspname, c.relname) as name
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relkind in ('r', 'p', 'v', 'm', 'S', 'f', 't') and n.nspname !~ '^pg_(temp|toast_temp)' and ${where}
      order by 1`,
    )
    return rows.map(({ name }) => name)
  })
}

/** What brings results in sees what they belong to, and nothing of what came of them. */
const SEEN_BY_INGEST = [
  'config_diffs',
  'config_versions',
  'configurations',
  'deletions',
  'run_heartbeats',
  'scenario_revisions',
  'scenarios',
  'simulation_events',
  'simulation_heartbeats',
  'simulations',
  'simulations_scenarios',
].map((table) => `public.${table}`)

const OURS_AND_EXTENSIONS = `n.nspname not in ('pg_catalog', 'pg_toast', 'information_schema')`

const rowsOfOwner = () => arc.sql('admin', (client) => rowsOf(client, owner.tenant.tenantId))

describe('a relation', () => {
  it('has a row of the owner in every table that tenants have', async () => {
    const counts = Object.entries(await rowsOfOwner()).map(([table, rows]) => [table, rows.length > 0])
    expect(counts).toEqual(counts.map(([table]) => [table, true]))
  })

  it('of any schema, read by any role, shows nothing of another tenant', async () => {
    // PostgreSQL's statistics hold values of rows: they are there to be found.
    const { rowCount } = await arc.sql('admin', (client) =>
      client.query(`select from pg_catalog.pg_stats t where t::text ~ $1`, [texts]),
    )
    expect(rowCount).toBeGreaterThan(0)
    for (const role of ROLES) {
      // What PostgreSQL itself has, it has for every role alike.
      const read = await relations(role === 'app_user' ? 'true' : OURS_AND_EXTENSIONS)
      const stranger = arc.tenant()
      const twin = (await twinOf(arc, owner)).tenant
      for (const [tenant, secrets] of [
        [stranger, textsAndKeys],
        [twin, texts],
      ] as const) {
        await sqlAs(arc, role, tenant, async (run, client) => {
          for (const relation of read) {
            const { rows, code, message } = await run(
              `select row(t.*)::text as found from ${relation} t where row(t.*)::text ~ $1`,
              [secrets],
            )
            // Lets go of its lock: with all of them in hand it would stand in the way of whoever adds a partition.
            await client.query('rollback to attempt')
            expect(rows, `${role} on ${relation}`).toEqual([])
            if (code !== undefined) expect(code, `${role} on ${relation}: ${message}`).toBe(DENIED)
          }
        })
      }
    }
  }, 120_000)

  it('shows a tenant all of its own rows that are not deleted, and no row without a tenant', async () => {
    // Nobody but a trigger has to do with the counters, and but a job with what cannot be embedded; a function gives the trajectories of
    // outcomes.
    const unseen = ['store.change_counters', 'store.trajectories', 'store.unembeddable']
    const rowsByTable = Object.entries(await rowsOfOwner()).filter(([table]) => !unseen.includes(table))
    const views = rowsByTable.map(([table]) => table.replace('store.', 'public.'))
    const counts = async (run: Run) => {
      const numbers: unknown[] = []
      for (const view of views)
        numbers.push((await run(`select count(user_id)::int as n from ${view}`)).rows[0]?.n)
      return numbers
    }
    const deletions = (await rowsOfOwner())['public.deletions']!.map((row) => JSON.parse(row))
    // The steps of a simulation stay, and what was deleted is told of.
    const isDeleted = (table: string, row: string) =>
      !['public.deletions', 'public.simulation_events', 'public.audit_log'].includes(table) &&
      deletions.some((deletion) =>
        ['config_id', 'scenario_id', 'simulation_id'].some(
          (key) => deletion[key] !== null && JSON.parse(row)[key] === deletion[key],
        ),
      )
    for (const role of ROLES) {
      const seen = (n: number, view: string) =>
        // Of the keys it sees its own, and it has none here.
        role !== 'app_ingest' || SEEN_BY_INGEST.includes(view)
          ? n
          : view === 'public.api_keys'
            ? 0
            : undefined
      await sqlAs(arc, role, owner.tenant, async (run) => {
        expect(await counts(run)).toEqual(
          rowsByTable.map(([table, rows], at) =>
            seen(rows.filter((row) => !isDeleted(table, row)).length, views[at]!),
          ),
        )
      })
      const unset: [string, string][] = [['role', role]]
      for (const settings of [unset, [...unset, ['app.user_id', ''] as [string, string]]]) {
        await sqlWith(arc, settings, async (run) => {
          expect(await counts(run)).toEqual(views.map((view) => seen(0, view)))
          expect((await run(`insert into public.configurations (name) values ('nobody''s')`)).code).toBe(
            DENIED,
          )
        })
      }
      await sqlWith(arc, [...unset, ['app.user_id', 'garbage']], async (run) => {
        expect((await run('select from public.simulations')).code).toBe('22P02')
      })
    }
  })

  it('of Arc or of an extension, written by any role, changes no row of another tenant', async () => {
    const before = await rowsOfOwner()
    for (const role of ROLES) {
      const { tenant } = await twinOf(arc, owner)
      const all = await writableColumns(role)
      await sqlAs(arc, role, tenant, async (run) => {
        for (const { relation, columns } of all) {
          for (const [statement, values] of writesOf(relation, columns, before[relation]?.[0])) {
            const { rows, code, message } = await run(statement, values)
            const context = `${role}: ${statement}: ${message}`
            if (code !== undefined) expect(REFUSALS, context).toContain(code)
            expect([tenant.tenantId, undefined], context).toContain(rows[0]?.user_id)
            expect(new Set(rows.map((row) => row.user_id)).size, context).toBeLessThanOrEqual(1)
          }
        }
      })
      expect(await rowsOfOwner()).toEqual(before)
    }
  }, 120_000)

  type Column = { name: string; updatable: boolean }

  async function writableColumns(role: string): Promise<{ relation: string; columns: Column[] }[]> {
    return arc.sql('admin', async (client) => {
      const { rows } = await client.query(
        `select format('%I.%I', n.nspname, c.relname) as relation,
          json_agg(json_build_object('name', quote_ident(attname),
            'updatable', has_column_privilege($1, c.oid, attnum, 'update')) order by attnum) as columns
        from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on attrelid = c.oid
        where c.relkind in ('r', 'p', 'v', 'm', 'f') and ${OURS_AND_EXTENSIONS}
          and attnum > 0 and not attisdropped and attgenerated = ''
        group by 1 order by 1`,
        [role],
      )
      return rows
    })
  }

  /** Every way to write it: with the owner's row where it has one, all rows, each column, the tenant itself. */
  function writesOf(
    relation: string,
    columns: Column[],
    ownersRow: string | undefined,
  ): [statement: string, values?: unknown[]][] {
    const names = columns.map(({ name }) => name).join(', ')
    return [
      ownersRow === undefined
        ? [`insert into ${relation} default values`]
        : [
            `insert into ${relation} (${names}) select ${names} from jsonb_populate_record(null::${relation}, $1)`,
            [ownersRow],
          ],
      [`delete from ${relation}`],
      [`truncate ${relation} cascade`],
      [`select from ${relation} for update`],
      [`update ${relation} set user_id = '${owner.tenant.tenantId}'`],
      ...columns.map(({ name, updatable }): [string] => [
        `update ${relation} set ${name} = ${name} ${updatable ? 'returning user_id' : ''}`,
      ]),
    ]
  }
})

describe('a table', () => {
  it('that tenants have rows in is guarded, and refers with the tenant to others', async () => {
    const { rows: unguarded } = await arc.sql('admin', (client) =>
      client.query(
        `select c.oid::regclass::text as table
        from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = 'public' and c.relkind in ('r', 'p') and not (relrowsecurity and relforcerowsecurity)
        union all
        select conname::text from pg_constraint
        where contype = 'f' and connamespace::regnamespace::text in ('public', 'store')
          and conkey[1] <> (select attnum from pg_attribute where attrelid = conrelid and attname = 'user_id')
        union all
        select c.oid::regclass::text
        from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = 'public' and c.relkind = 'v'
          and not coalesce('security_invoker=true' = any (reloptions), false)
          -- Not a barrier, which no order and no LIMIT passes: see flatViews.test.ts.
          and (pg_get_viewdef(c.oid) !~ 'WHERE \\(+(\\w+\\.)?user_id = \\( SELECT current_user_id\\(\\) AS current_user_id\\)\\)( AND |;)'
            or coalesce('security_barrier=true' = any (reloptions), false))`,
      ),
    )
    expect(unguarded).toEqual([])
  })

  it('has no unique constraint over more than one tenant, but for hashes of secrets and names of logins', async () => {
    const { rows: unique } = await arc.sql('admin', (client) =>
      client.query(
        `select indexrelid::regclass::text as index
        from pg_index i join pg_class c on c.oid = indrelid join pg_namespace n on n.oid = c.relnamespace
        where n.nspname in ('public', 'store') and indisunique
          and indkey[0] <> (select attnum from pg_attribute where attrelid = indrelid and attname = 'user_id')`,
      ),
    )
    expect(unique).toEqual([{ index: 'api_keys_secret_hash_key' }, { index: 'store.sql_logins_pkey' }])
  })
})
