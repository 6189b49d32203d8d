import type pg from 'pg'
import { beforeAll, describe, expect, it } from 'vitest'
import { useArc } from '../support/arc.ts'
import { constraintRules, type RuleKeys } from '../support/constraintRules.ts'
import { seedTenant } from '../support/tenantRows.ts'

// Whoever writes, GraphQL or not: what the tables themselves refuse. Everything is tried as the database's owner.

const arc = useArc()

let keys: RuleKeys

beforeAll(async () => {
  const { tenant } = await seedTenant(arc)
  const { rows } = await arc.sql('admin', (client) =>
    client.query(
      `select user_id, v.config_id, v.version_id, other.version_id as other_version_id, simulation_id, outcome_id, secret_hash,
        rule_id, alert_id, diff_id, recommendation_id
      from simulations s join store.outcomes using (user_id, simulation_id) join api_keys using (user_id)
      join (select user_id, simulation_id, rule_id, alert_id from alerts) alert using (user_id, simulation_id)
      join (select user_id, min(recommendation_id::text)::uuid as recommendation_id from recommendations group by 1) advice using (user_id)
      join config_versions v using (user_id) join config_versions other using (user_id, config_id)
      join (select user_id, diff_id, version_before as version_id from config_diffs) d using (user_id)
      where user_id = $1 and s.status = 'running' and v.version_id = s.config_version_id and d.version_id = v.version_id and other.version_id <> v.version_id
      limit 1`,
      [tenant.tenantId],
    ),
  )
  keys = rows[0]
})

/** A transaction that is not kept. */
async function undone(work: (client: pg.Client) => Promise<void>): Promise<void> {
  await arc.sql('admin', async (client) => {
    await client.query('begin; set constraints all immediate')
    // Triggers write as the tables' owner, whom the policies bind.
    await client.query(`select set_config('app.user_id', $1, true)`, [keys.user_id])
    await work(client)
    await client.query('rollback')
  })
}

/** Runs a statement and undoes it; what refused it (constraint, or SQLSTATE and message), null when nothing did. */
async function refusalOf(client: pg.Client, statement: string, values: unknown[]): Promise<string | null> {
  await client.query('savepoint attempt')
  try {
    await client.query(statement, values)
    return null
  } catch (error) {
    const { constraint, code, message } = error as pg.DatabaseError
    return constraint ?? `${code} ${message}`
  } finally {
    await client.query('rollback to attempt')
  }
}

function insert(client: pg.Client, table: string, row: Record<string, unknown>): Promise<string | null> {
  const columns = Object.keys(row)
  return refusalOf(
    client,
    `insert into ${table} (${columns}) values (${columns.map((_, index) => `$${index + 1}`)})`,
    Object.values(row),
  )
}

const TABLES = Object.keys(constraintRules({} as RuleKeys))

describe('a row', () => {
  it.each(TABLES)('of %s is taken or refused by the rules of its table', async (table) => {
    const { row, takes = [], refuses } = constraintRules(keys)[table]!
    await undone(async (client) => {
      for (const change of [{}, ...takes]) {
        expect(await insert(client, table, { ...row, ...change }), JSON.stringify(change)).toBeNull()
      }
      for (const [constraint, changes] of Object.entries(refuses)) {
        for (const change of changes) {
          // A chunk's constraints have the hypertable's names behind a number.
          expect(
            await insert(client, table, { ...row, ...change }),
            `${constraint} ${JSON.stringify(change).slice(0, 200)}`,
          ).toMatch(new RegExp(`(^|_)${constraint}$`))
        }
      }
    })
  })

  // The rows of the settings and of the embeddings' work are one each; that of the settings has its test with the retention; logins for SQL are made by a command that checks the same.
  it('is refused in these tests by every check and foreign key that there is', async () => {
    const tried = Object.values(constraintRules(keys)).flatMap(({ refuses }) => Object.keys(refuses))
    const { rows } = await arc.sql('admin', (client) =>
      client.query(
        `select conname from pg_constraint left join pg_class c on c.oid = conrelid
        where connamespace::regnamespace::text in ('public', 'store') and contype in ('c', 'f')
          and relispartition is not true and coalesce(relname, '') not in ('settings', 'sql_logins', 'embedding_work')`,
      ),
    )
    expect(rows.map(({ conname }) => conname).filter((name) => !tried.includes(name))).toEqual([])
  })
})

describe('a simulation', () => {
  const STATUSES = ['pending', 'running', 'completed', 'failed', 'cancelled']
  const ENDED = STATUSES.slice(2)

  it('goes only forward, and out of no end state', async () => {
    await undone(async (client) => {
      for (const from of STATUSES) {
        await client.query('savepoint from_here')
        const { rows } = await client.query(
          `insert into simulations (user_id, config_version_id, scenario_set, total_scenarios, status, started_at, completed_at)
          values ($1, $2, '{refund}', 1, $3, case when $3 <> 'pending' then now() end, case when $4 then now() end)
          returning simulation_id`,
          [keys.user_id, keys.version_id, from, ENDED.includes(from)],
        )
        for (const to of STATUSES) {
          const refusal = await refusalOf(
            client,
            `update simulations set status = $2, started_at = coalesce(started_at, created_at),
              completed_at = case when $3 then now() end
            where simulation_id = $1`,
            [rows[0].simulation_id, to, ENDED.includes(to)],
          )
          const allowed = from === to || (!ENDED.includes(from) && to !== 'pending')
          expect(refusal, `${from} to ${to}`).toBe(
            allowed ? null : `23001 a simulation cannot go from ${from} to ${to}`,
          )
        }
        await client.query('rollback to from_here')
      }
    })
  })
})

describe('a configuration', () => {
  it('has a name that no other active one of the tenant has', async () => {
    await undone(async (client) => {
      const named = { user_id: keys.user_id, name: 'the same' }
      await client.query('insert into configurations (user_id, name) values ($1, $2)', Object.values(named))
      expect(await insert(client, 'configurations', named)).toBe('configurations_name')
      expect(await insert(client, 'configurations', { ...named, is_active: false })).toBeNull()
      expect(await insert(client, 'configurations', { ...named, user_id: crypto.randomUUID() })).toBeNull()
      await client.query(
        'update configurations set is_active = false where user_id = $1 and name = $2',
        Object.values(named),
      )
      expect(await insert(client, 'configurations', named)).toBeNull()
    })
  })

  it('has versions that never change, but for being marked as deleted', async () => {
    await undone(async (client) => {
      const { rows: columns } = await client.query<{ name: string }>(
        `select attname as name from pg_attribute
        where attrelid = 'config_versions'::regclass and attnum > 0 and attgenerated = '' and not attisdropped
          and attname not in ('is_deleted', 'warnings', 'generated_by')`,
      )
      expect(columns.map(({ name }) => name)).toContain('raw_yaml')
      for (const { name } of columns) {
        expect(
          await refusalOf(client, `update config_versions set ${name} = ${name} where version_id = $1`, [
            keys.version_id,
          ]),
          name,
        ).toBe('23001 a configuration version never changes')
      }
      expect(
        await refusalOf(client, 'update config_versions set is_deleted = true where version_id = $1', [
          keys.version_id,
        ]),
      ).toBeNull()
    })
  })

  it('and a scenario say when they were changed last, whatever the writer says', async () => {
    await undone(async (client) => {
      for (const table of ['configurations', 'scenarios']) {
        const { rows } = await client.query(
          `update ${table} set updated_at = '2999-01-01', name = 'changed ' || name where user_id = $1
          returning updated_at between created_at and clock_timestamp() + interval '1 s' and updated_at > created_at as now`,
          [keys.user_id],
        )
        expect(rows[0], table).toEqual({ now: true })
      }
    })
  })
})
