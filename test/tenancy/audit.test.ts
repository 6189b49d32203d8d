import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { ROLES } from '../../src/viewer.ts'
import { type Tenant, useArc } from '../support/arc.ts'
import { DENIED, sqlAs, sqlWith } from '../support/sqlAs.ts'
import { rowsOf, seedTenant, tenantTables } from '../support/tenantRows.ts'

const arc = useArc()

interface Entry {
  table_name: string
  operation: string
  actor_id: string | null
  old_data: Record<string, unknown> | null
  new_data: Record<string, unknown> | null
  ip_address: string | null
  user_agent: string | null
  timestamp: Date
}

/** A tenant's log as the tenant itself reads it: in order, but for what was written within one millisecond. */
async function logOf(tenant: Tenant): Promise<Entry[]> {
  let entries: Entry[] = []
  await sqlAs(arc, 'app_readonly', tenant, async (run) => {
    const { rows } = await run(
      'select *, host(ip_address) as ip_address from audit_log order by timestamp, log_id',
    )
    entries = rows as unknown as Entry[]
  })
  return entries
}

const summary = ({ table_name, operation }: Entry) => `${operation} ${table_name}`

/** What happens by itself, many times a run, is in the tables already. */
const NOT_AUDITED = [
  'store.alert_counters',
  'store.change_counters',
  'public.alert_events',
  'public.alerts',
  'public.audit_log',
  'public.change_effects',
  'public.diff_changes',
  'public.diff_effects',
  'public.failure_patterns',
  'public.recommendation_evidence',
  'public.scenario_revisions',
  'public.simulation_events',
  'public.simulations_scenarios',
  'store.outcome_keys',
  'store.embeddings',
  'store.metric_days',
  'store.outcome_days',
  'store.outcome_hours',
  'store.outcomes',
  'store.scenario_days',
  'store.tenant_days',
  'store.tenant_hours',
  'store.tenant_scenario_days',
  'store.tool_days',
  'store.trajectories',
  'store.unembeddable',
  'store.run_heartbeats',
  'store.simulation_heartbeats',
]

/** By the clock that the log goes by. */
const databaseTime = () =>
  arc.sql('admin', async (client) => {
    const { rows } = await client.query<{ now: number }>(
      'select extract(epoch from clock_timestamp()::timestamptz(3))::float8 * 1000 as now',
    )
    return rows[0]!.now
  })

describe('the audit log', () => {
  it('says who did what when, from where and with what', async () => {
    const tenant = arc.tenant()
    const before = await databaseTime()
    const { data } = await arc.post(
      {
        query: `mutation { createConfiguration(input: {name: "audited", yaml: "model: x"}) {
          configuration { configId } version { versionId } errors { message }
        } }`,
      },
      await tenant.token('app_admin'),
      { 'user-agent': 'auditor/1.0' },
    )
    const { configuration, version } = data.createConfiguration
    const after = await databaseTime()
    const entries = await logOf(tenant)
    expect(entries.map(summary).sort()).toEqual([
      'INSERT config_versions',
      'INSERT configurations',
      'UPDATE configurations',
    ])
    for (const entry of entries) {
      expect(entry).toMatchObject({
        actor_id: 'actor of app_admin',
        ip_address: '127.0.0.1',
        user_agent: 'auditor/1.0',
      })
      expect(entry.timestamp.getTime()).toBeGreaterThanOrEqual(before)
      expect(entry.timestamp.getTime()).toBeLessThanOrEqual(after)
    }
    const [versioned, made, updated] = entries.sort((a, b) => (summary(a) < summary(b) ? -1 : 1))
    expect(made).toMatchObject({ old_data: null, new_data: { name: 'audited', latest_version_id: null } })
    expect(versioned!.new_data).toMatchObject({ version_id: version.versionId, model: 'x' })
    expect(updated).toMatchObject({
      old_data: { config_id: configuration.configId, latest_version_id: null },
      new_data: { config_id: configuration.configId, latest_version_id: version.versionId },
    })
  })

  it('has each change of each table that people change', async () => {
    const { tenant } = await seedTenant(arc)
    const tables = (await arc.sql('admin', tenantTables)).filter((table) => !NOT_AUDITED.includes(table))
    const before = await logOf(tenant)
    const changes: Record<string, string> = {
      'public.alert_rules': `name = 'other'`,
      'public.api_keys': 'revoked_at = now()',
      'public.config_diffs': `approval_status = 'approved', approved_at = now()`,
      'public.config_versions': 'is_deleted = true',
      'public.configurations': 'is_active = false',
      'public.deletions': `name = 'other'`,
      'public.failure_group_notes': `note = 'other'`,
      'public.outcome_notes': `text = 'other'`,
      'public.recommendations': 'feedback_score = 3',
      'public.scenarios': 'is_active = false',
      'public.simulations': `metadata = '{"changed": true}'`,
    }
    expect(Object.keys(changes)).toEqual(tables)
    for (const table of tables) {
      // Recorded as the table's owner sees it: the actor may be unknown.
      await arc.sql('admin', async (client) => {
        await client.query('begin')
        await client.query(`select set_config('app.user_id', $1, true)`, [tenant.tenantId])
        const { rowCount } = await client.query(`update ${table} set ${changes[table]} where user_id = $1`, [
          tenant.tenantId,
        ])
        await client.query('commit')
        const entries = (
          await client.query(
            `select operation, actor_id, old_data <> new_data as changed from audit_log
            where user_id = $1 and operation = 'UPDATE' and 'public.' || table_name = $2 and actor_id is null`,
            [tenant.tenantId, table],
          )
        ).rows
        expect(entries, table).toEqual(
          Array(rowCount!).fill({ operation: 'UPDATE', actor_id: null, changed: true }),
        )
      })
    }
    const inserted = before
      .filter(({ operation }) => operation === 'INSERT')
      .map(({ table_name }) => `public.${table_name}`)
    expect([...new Set(inserted)].sort()).toEqual(tables)

    // A deletion takes what hangs on it along: all of it is written, and with the texts that are gone now.
    await arc.sql('admin', async (client) => {
      await client.query('begin')
      await client.query(`select set_config('app.user_id', $1, true)`, [tenant.tenantId])
      for (const table of [
        'alert_rules',
        'failure_group_notes',
        'simulations',
        'configurations',
        'scenarios',
        'recommendations',
        'api_keys',
      ])
        await client.query(`delete from ${table} where user_id = $1`, [tenant.tenantId])
      await client.query('commit')
    })
    const deleted = (await logOf(tenant)).filter(({ operation }) => operation === 'DELETE')
    expect([...new Set(deleted.map(({ table_name }) => `public.${table_name}`))].sort()).toEqual(tables)
    expect(deleted.find(({ table_name }) => table_name === 'config_versions')?.old_data).toMatchObject({
      raw_yaml: expect.stringContaining('model'),
    })
  })

  it('takes no note of what changes nothing, nor of counting', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a', 'b'], { start: false })
    const known = (await logOf(tenant)).length
    const news = async () => (await logOf(tenant)).slice(known).map(summary)

    await tenant.scenarios('a', 'b')
    await sqlAs(arc, 'app_user', tenant, async (run) => {
      await run('update config_versions set is_deleted = is_deleted')
    })
    expect(await news()).toEqual([])
    await tenant.record([
      { simulationId, scenarioId: 'a', status: 'SUCCESS', reliabilityScore: 1, costUsd: 1 },
    ])
    expect(await news()).toEqual(['UPDATE simulations'])
    await tenant.record([{ simulationId, scenarioId: 'b', status: 'ERROR', reliabilityScore: 0, costUsd: 1 }])
    expect(await news()).toEqual(['UPDATE simulations'])
    await tenant.data(
      `mutation { completeSimulation(input: {simulationId: "${simulationId}"}) { errors { message } } }`,
    )
    expect(await news()).toEqual(['UPDATE simulations', 'UPDATE simulations'])
    const steps = (await logOf(tenant)).slice(known)
    expect(steps.map(({ old_data, new_data }) => [old_data?.status, new_data?.status])).toEqual([
      ['pending', 'running'],
      ['running', 'completed'],
    ])
  })

  it('is read by its tenant and changed by no role', async () => {
    const { tenant } = await seedTenant(arc)
    const before = await arc.sql('admin', (client) => rowsOf(client, tenant.tenantId))
    for (const role of ROLES) {
      await sqlAs(arc, role, tenant, async (run) => {
        const read = await run('select from audit_log')
        if (role === 'app_ingest') expect(read.code).toBe(DENIED)
        else expect(read.rows.length).toBeGreaterThan(0)
        for (const statement of [
          `insert into audit_log (user_id, table_name, operation) values (current_user_id(), 'x', 'INSERT')`,
          `update audit_log set actor_id = 'somebody else'`,
          'delete from audit_log',
          'truncate audit_log',
          'alter table configurations disable trigger audit',
          'drop trigger audit on configurations',
        ]) {
          expect((await run(statement)).code, `${role}: ${statement}`).toBe(DENIED)
        }
      })
    }
    expect(await arc.sql('admin', (client) => rowsOf(client, tenant.tenantId))).toEqual(before)
  })

  it('takes whatever address and program a caller has', async () => {
    const tenant = arc.tenant()
    for (const [clientIp, noted] of [
      ['::ffff:10.0.0.1', '::ffff:10.0.0.1'],
      ['fe80::1%eth0', 'fe80::1'],
      ['', null],
    ] as const) {
      const name = `agent ${randomUUID()}`
      await sqlWith(
        arc,
        [
          ['role', 'app_user'],
          ['app.user_id', tenant.tenantId],
          ['app.client_ip', clientIp],
          ['app.user_agent', clientIp && 'ünïcode / 1'],
        ],
        async (run) => {
          const { code, message } = await run('insert into configurations (name) values ($1)', [name])
          expect(code, message).toBeUndefined()
        },
      )
      const entry = (await logOf(tenant)).at(-1)!
      expect(entry).toMatchObject({
        new_data: { name },
        ip_address: noted,
        user_agent: noted && 'ünïcode / 1',
        actor_id: null,
      })
    }
  })
})

describe('the secret of an API key', () => {
  it('is neither readable nor in the log, and bulky columns are not either', async () => {
    const { tenant } = await seedTenant(arc)
    for (const role of ROLES) {
      await sqlAs(arc, role, tenant, async (run) => {
        for (const statement of [
          'select secret_hash from api_keys',
          'select * from api_keys',
          'select api_keys::text from api_keys',
          `select from api_keys where secret_hash = '\\x00'`,
          'select to_jsonb(k) from api_keys k',
        ]) {
          expect((await run(statement)).code, `${role}: ${statement}`).toBe(DENIED)
        }
        expect((await run('select name from api_keys')).rows).toHaveLength(role === 'app_ingest' ? 0 : 1)
      })
    }
    const entries = await logOf(tenant)
    expect(entries.map(summary)).toContain('INSERT api_keys')
    for (const entry of entries) {
      for (const column of [
        'secret_hash',
        'secret',
        'previous_secret',
        'raw_yaml',
        'parsed_config',
        'diff_yaml',
      ]) {
        expect(entry.new_data, summary(entry)).not.toHaveProperty(column)
      }
    }
  })
})

it('what is large and stays as it is is not written again with each change of its row', async () => {
  const tenant = arc.tenant()
  const upsert = (scenario: object) =>
    tenant.data(
      `mutation ($scenario: ScenarioInput!) { upsertScenarios(input: { scenarios: [$scenario] }) { errors { code } } }`,
      { scenario: { scenarioId: 'a', ...scenario } },
    )
  const [first, second] = ['x'.repeat(100_000), 'y'.repeat(100_000)]
  await upsert({ taskPrompt: 'Do it.', groundTruth: first })
  const simulationId = await tenant.simulation(Array.from({ length: 500 }, (_, index) => `planned_${index}`))
  for (const [isActive, groundTruth] of [
    [false, first],
    [true, second],
  ])
    await upsert({ isActive, groundTruth })
  await tenant.data(
    `mutation ($input: ExtendSimulationInput!) { extendSimulation(input: $input) { errors { code } } }`,
    { input: { simulationId, scenarioIds: ['a'] } },
  )
  const changesOf = async (table: string) =>
    (
      await tenant.data(
        `query ($table: String!) {
          auditLog(filter: { tableName: { eq: $table }, operation: { eq: UPDATE } }, orderBy: { field: TIMESTAMP, direction: ASC }) {
            nodes { oldData newData }
          }
        }`,
        { table },
      )
    ).auditLog.nodes
  const [flipped, changed] = await changesOf('scenarios')
  expect(flipped).toMatchObject({ oldData: { is_active: true }, newData: { is_active: false } })
  expect(JSON.stringify(flipped).length).toBeLessThan(5_000)
  expect(changed).toMatchObject({
    oldData: { is_active: false, ground_truth: first },
    newData: { is_active: true, ground_truth: second },
  })
  const [grown] = (await changesOf('simulations')).slice(-1)
  expect(grown).toMatchObject({ oldData: { total_scenarios: 500 }, newData: { total_scenarios: 501 } })
  expect(JSON.stringify(grown).length).toBeLessThan(5_000)
})
