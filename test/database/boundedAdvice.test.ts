import pg from 'pg'
import sql, { type Sql } from 'sql-template-tag'
import { beforeAll, describe, expect, it } from 'vitest'
import { type TenantTransaction, tenantSettings } from '../../src/db/tenantTransaction.ts'
import { predictionSource } from '../../src/evaluation/effects/effectStore.ts'
import { measure } from '../../src/evaluation/effects/measuring.ts'
import { generateRecommendations } from '../../src/evaluation/recommendations/generation.ts'
import { readSource } from '../../src/reads/sources.ts'
import type { Tenant } from '../support/arc.ts'
import { ENGINES, on } from '../support/emptyDatabase.ts'
import { type Past, useHistory } from '../support/history.ts'
import { viewerOf } from '../support/sqlAs.ts'

// What a step of the jobs costs that measure diffs and look for recommendations must not follow from how many versions, diffs and
// simulations a tenant has had: only the regression over all measured diffs, of which it takes the latest.

/** 400 chunks of a day, or 24 partitions of a month. */
const shapeOf = (extension?: string) => ({ simulations: 400, repetitions: 1, days: extension ? 400 : 730 })

/** Of one configuration, from each to the next a diff. */
const VERSIONS = 5_000
/** Of the last but one. */
const SIMULATIONS = 3_000

/** Seven a chunk, of a few stretches of time in one transaction. */
const MOST_LOCKS = 450
/** With what is deleted, that conditions make a hash of. */
const MOST_ROWS = 4_000
/** 2,000 diffs of five metrics and two changes, each beside its diff. */
const MOST_MEASURED_ROWS = 25_000

/** Versions with a completed simulation each, but for one with many; diffs that were measured and are marked twice to be measured anew. */
async function fillVersions(admin: pg.Client, tenantId: string): Promise<Latest> {
  await admin.query('begin')
  await admin.query('set local session_replication_role = replica')
  await admin.query(`select set_config('app.user_id', $1, true)`, [tenantId])
  await admin.query(`insert into configurations (name) values ('long lived')`)
  await admin.query(
    `insert into config_versions (config_id, version_number, raw_yaml, parsed_config, config_hash, created_at)
    select config_id, n, 'model: m' || n, jsonb_build_object('model', 'm' || n, 'temperature', null), repeat('0', 64),
      now() - interval '400 days' * (1 - n / ${VERSIONS}.0)
    from configurations, generate_series(1, ${VERSIONS}) n where name = 'long lived' and user_id = $1`,
    [tenantId],
  )
  await admin.query(
    `create temp table versions on commit drop as
    select v.* from config_versions v join configurations c using (user_id, config_id) where c.name = 'long lived' and v.user_id = $1`,
    [tenantId],
  )
  await admin.query(
    `update configurations c set latest_version_id = v.version_id from versions v where c.config_id = v.config_id and v.version_number = ${VERSIONS}`,
  )
  await admin.query(
    `insert into simulations (config_version_id, scenario_set, simulation_name, status, total_scenarios, created_at, started_at, completed_at,
      first_outcome_at, last_outcome_at)
    select v.version_id, s.keys, 'of ' || v.version_number, 'completed', 20, at, at, at + interval '1 hour', at, at + interval '1 hour'
    from versions v
    cross join lateral generate_series(1, case v.version_number when ${VERSIONS - 1} then ${SIMULATIONS} else 1 end) n
    cross join (select array_agg('s' || n) as keys from generate_series(1, 20) n) s
    cross join lateral (select v.created_at + n * interval '1 second' as at) t`,
  )
  await admin.query(
    `insert into config_diffs (config_id, version_before, version_after, diff_yaml, created_at)
    select b.config_id, b.version_id, a.version_id, '', a.created_at
    from versions b join versions a on a.version_number = b.version_number + 1`,
  )
  await admin.query(
    `create temp table diffs on commit drop as
    select d.*, a.version_number, b.simulation_id as baseline_id, c.simulation_id as candidate_id
    from config_diffs d join versions a on a.version_id = d.version_after
    cross join lateral (select simulation_id from simulations where config_version_id = d.version_before limit 1) b
    cross join lateral (select simulation_id from simulations where config_version_id = d.version_after limit 1) c`,
  )
  await admin.query(
    `insert into diff_changes (diff_id, path, op, direction)
    select d.diff_id, '/p' || (d.version_number * k) % 40, 'replace', 'increase' from diffs d, generate_series(1, 2) k
    on conflict do nothing`,
  )
  await admin.query(
    `insert into diff_effects (diff_id, metric, baseline_id, candidate_id, run_pairs, completed_at, scenarios, revised_scenarios, baseline_mean,
      candidate_mean, difference, lower, upper, p_value, verdict, effect, variance)
    select d.diff_id, m, d.baseline_id, d.candidate_id, 1, d.created_at, 20, 0, 0.5, 0.6, 0.1, 0, 0.2, 0.5, 'INSUFFICIENT_DATA',
      sin(d.version_number), 0.01
    from diffs d, unnest(array['success', 'score', 'cost', 'tokens', 'duration']) m
    where d.version_number < ${VERSIONS}`,
  )
  await admin.query('insert into stale_diffs (diff_id) select diff_id from diffs, generate_series(1, 2)')
  const { rows } = await admin.query(
    `select d.diff_id as "diffId", d.version_after as "versionId", d.version_before as "leftId" from diffs d where d.version_number = ${VERSIONS}`,
  )
  await admin.query('commit')
  await admin.query('analyze')
  return rows[0]
}

interface Latest {
  diffId: string
  versionId: string
  /** The one before, of which there are many simulations. */
  leftId: string
}

interface Cost {
  statement: string
  rows: number
  locks: number
}

/** What each statement of `work` costs in one transaction, of the tenant or the server itself, that is rolled back. */
async function costsOf(
  past: Past,
  tenant: Tenant | null,
  work: (transaction: TenantTransaction) => Promise<unknown>,
): Promise<Cost[]> {
  const client = new pg.Client({ connectionString: past.serviceUrl })
  await client.connect()
  const soFar = async () => {
    const { rows } = await client.query(
      `select (select count(*)::int from pg_locks where pid = pg_backend_pid() and locktype = 'relation') as locks,
        (select coalesce(sum(seq_tup_read + coalesce(idx_tup_fetch, 0)), 0)::int from pg_stat_xact_user_tables) as rows`,
    )
    return rows[0] as { locks: number; rows: number }
  }
  const costs: Cost[] = []
  try {
    await client.query('begin')
    for (const [name, value] of tenant ? tenantSettings(viewerOf(tenant), 'read write') : [])
      await client.query('select set_config($1, $2, true)', [name, value])
    const transaction = {
      query: async <Row extends object>(statement: Sql) => {
        const before = await soFar()
        const { rows } = await client.query(statement.text, statement.values)
        const after = await soFar()
        costs.push({
          statement: /\/\* (\w+) \*\//.exec(statement.text)![1]!,
          rows: after.rows - before.rows,
          locks: after.locks,
        })
        return rows as Row[]
      },
    }
    await work(transaction as TenantTransaction)
    await client.query('rollback')
  } finally {
    await client.end()
  }
  return costs
}

describe.each(ENGINES)('a step of what Arc advises, on $dump', ({ extension }) => {
  const past = useHistory(extension, {
    shape: shapeOf(extension),
    env: { ARC_JOBS: 'off' },
    ...(extension && { chunkDays: 1 }),
  })
  let latest: Latest
  beforeAll(async () => {
    latest = await on(past.adminUrl, (admin) => fillVersions(admin, past.tenant.tenantId))
  }, 120_000)

  const most = (costs: readonly Cost[], besides: readonly string[] = []) => {
    for (const cost of costs) {
      expect(cost.locks, cost.statement).toBeLessThanOrEqual(MOST_LOCKS)
      if (!besides.includes(cost.statement)) expect(cost.rows, cost.statement).toBeLessThanOrEqual(MOST_ROWS)
    }
    return new Map(costs.map(({ statement, rows }) => [statement, rows]))
  }

  it('finds what is marked without holding each mark against all others', async () => {
    const [cost] = await costsOf(past, null, ({ query: ask }) =>
      ask(sql`/* diffsToMeasure */ select * from diffs_to_measure(0, 100)`),
    )
    // Half of them have a later one, and are looked at once to see that.
    expect(cost!.rows).toBeLessThanOrEqual(4 * 2 * VERSIONS)
  })

  it('measures a diff by its marks, the latest runs of its versions and the latest diffs that were measured', async () => {
    const rows = most(
      await costsOf(past, past.tenant, (transaction) => measure(transaction, latest.diffId)),
      ['findMeasured', 'findPair'],
    )
    expect(rows.get('findMeasured')).toBeLessThanOrEqual(MOST_MEASURED_ROWS)
    // It says of how many pairs.
    expect(rows.get('findPair')).toBeLessThanOrEqual(SIMULATIONS + MOST_ROWS)
  })

  it('finds what changes do by the latest diffs that were measured', async () => {
    const rows = most(
      await costsOf(past, past.tenant, async (transaction) => {
        await transaction.query(sql`/* mark */ insert into stale_diffs (diff_id) values (null)`)
        await measure(transaction, null)
      }),
      ['findMeasured'],
    )
    expect(rows.get('findMeasured')).toBeLessThanOrEqual(MOST_MEASURED_ROWS)
    most(
      await costsOf(past, past.tenant, (transaction) =>
        readSource(
          { query: (statement) => transaction.query(statement) as Promise<never> },
          predictionSource(latest.versionId),
        ),
      ),
      ['source'],
    )
  })

  it.each(['latest', 'left'])(
    'looks for recommendations by a few versions, for one that is %s',
    async (which) => {
      const versionId = which === 'latest' ? latest.versionId : latest.leftId
      const costs = await costsOf(past, past.tenant, (transaction) =>
        generateRecommendations((work) => work(transaction), { versionId, becauseOf: versionId }, null),
      )
      expect(costs.map(({ statement }) => statement)).toContain('pairedValues')
      most(costs)
    },
  )
})
