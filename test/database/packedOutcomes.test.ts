import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { changeStorageSettings } from '../../src/db/admin/storageSettings.ts'
import { Arc, type Tenant } from '../support/arc.ts'
import { makeMigratedDatabase, on, query } from '../support/emptyDatabase.ts'

const DAY_MS = 24 * 3_600_000
const NOW_MS = Date.now()
const SCENARIOS = Array.from({ length: 40 }, (_, index) => `s${index}`)

/** All that is to be read of outcomes, in each of the ways that statements read them. */
const READS = `query ($simulationId: UUID!, $outcomeId: UUID!) {
  outcomes(first: 100) { totalCount nodes { ...all } }
  failed: outcomes(filter: { status: { eq: ERROR } }) { nodes { outcomeId } }
  late: outcomes(last: 7, orderBy: { field: COST_USD, direction: ASC }) { nodes { outcomeId costUsd } }
  outcome(outcomeId: $outcomeId) { ...all trajectorySteps(first: 2) { totalCount nodes { index content } } }
  simulation(simulationId: $simulationId) {
    outcomes(first: 20) { totalCount nodes { ...all } }
    runs(first: 50) { nodes { scenarioId attempts outcome { outcomeId status } } }
  }
  scenario(scenarioId: "s3") { outcomes { nodes { outcomeId trajectory } } }
  toolAnalytics { nodes { toolName calls } }
  failurePatterns { nodes { errorMessage outcome { outcomeId } } }
}
fragment all on Outcome {
  outcomeId scenarioId repetition executionTime status reliabilityScore executionTimeMs tokensUsed costUsd model metrics stepCount
  superseded trajectory toolUsage { nodes { toolName callCount } } failurePatterns { nodes { errorMessage } }
}`

/** One outcome for each scenario, some weeks old. */
async function record(tenant: Tenant, simulationId: string, more: object = {}) {
  const { receipts } = await tenant.record(
    SCENARIOS.map((scenarioId, index) => ({
      simulationId,
      scenarioId,
      executionTime: new Date(NOW_MS - 20 * DAY_MS - index * DAY_MS).toISOString(),
      status: index % 4 === 0 ? 'ERROR' : 'SUCCESS',
      error: index % 4 === 0 ? `it broke ${index}` : undefined,
      reliabilityScore: index / 40,
      costUsd: index / 1000,
      trajectory: { messages: [`did ${scenarioId}`, { index }] },
      toolUsage: [{ toolName: 'search', callCount: 1 + index, successRate: 1 }],
      ...more,
    })),
  )
  return receipts
}

const hasFullEdition = inject('engine') === 'timescale'
if (!hasFullEdition)
  console.log('Packed outcomes: not tried, this server has no full edition of TimescaleDB.')

describe.skipIf(!hasFullEdition)('packed outcomes', () => {
  let url: string
  let arc: Arc
  let drop: () => Promise<unknown>

  beforeAll(async () => {
    const database = await makeMigratedDatabase('timescaledb')
    ;({ url, drop } = database)
    // What one statement may unpack: here as little beside what there is as a hundred thousand are beside millions.
    await query(
      url,
      `do $$ begin
        execute format('alter database %I set timescaledb.max_tuples_decompressed_per_dml_transaction = 3000', current_database());
      end $$`,
    )
    arc = new Arc({ DATABASE_URL: database.serviceUrl })
    await arc.start()
  })
  afterAll(async () => {
    await arc.stop()
    await drop()
  })

  /** As the job does it. */
  const pack = () =>
    arc.sql('service', async () => {
      const packed: string[] = []
      for (;;) {
        const [row] = await query<{ packed: string | null }>(
          arc.config.databaseUrl!,
          'select pack_outcomes() as packed',
        )
        if (row!.packed === null) return packed
        packed.push(row!.packed)
      }
    })

  const chunks = () =>
    query<{ name: string; rows: number; packed: boolean; late: boolean }>(
      url,
      `select hypertable_name as name, is_compressed as packed,
        _timescaledb_functions.chunk_status_text(format('%I.%I', chunk_schema, chunk_name)::regclass) && array['PARTIAL'] as late
      from timescaledb_information.chunks where range_end < now() - interval '7 days' order by range_end, 1`,
    )

  it('are read as they were, and are packed again when late ones came', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(SCENARIOS, { repetitions: 2 })
    const [first] = await record(tenant, simulationId, { repetition: 1 })
    const variables = { simulationId, outcomeId: first.outcomeId }
    const before = await tenant.data(READS, variables)
    expect(before.outcomes.nodes).toHaveLength(40)
    expect(before.scenario.outcomes.nodes[0].trajectory.messages).toEqual(['did s3', { index: 3 }])

    expect(await pack()).not.toEqual([])
    expect((await chunks()).every(({ packed, late }) => packed && !late)).toBe(true)
    expect(await tenant.data(READS, variables)).toEqual(before)
    expect(await pack()).toEqual([])

    expect((await record(tenant, simulationId, { repetition: 1 })).map(({ status }) => status)).toEqual(
      SCENARIOS.map(() => 'DUPLICATE'),
    )
    await record(tenant, simulationId, { repetition: 2 })
    expect((await chunks()).some(({ late }) => late)).toBe(true)
    const more = await tenant.data(READS, variables)
    expect(more.outcomes.totalCount).toBe(80)
    expect(await pack()).not.toEqual([])
    expect((await chunks()).every(({ packed, late }) => packed && !late)).toBe(true)
    expect(await tenant.data(READS, variables)).toEqual(more)
  })

  it('are amended, and superseded by later attempts', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(SCENARIOS)
    const receipts = await record(tenant, simulationId)
    await pack()
    const { amendOutcomes } = await tenant.data(
      `mutation ($outcomeId: UUID!) {
        amendOutcomes(input: { amendments: [{
          outcomeId: $outcomeId, reliabilityScore: 0.25, toolUsage: [{ toolName: "book", callCount: 2, successRate: 1 }]
        }] }) { receipts { status } errors { message } }
      }`,
      { outcomeId: receipts[1].outcomeId },
    )
    expect(amendOutcomes).toEqual({ receipts: [{ status: 'AMENDED' }], errors: [] })
    await record(tenant, simulationId, { retryCount: 1, status: 'SUCCESS', error: undefined })
    const { outcome } = await tenant.data(
      `query ($outcomeId: UUID!) {
        outcome(outcomeId: $outcomeId) { reliabilityScore superseded toolUsage { nodes { toolName } } trajectory }
      }`,
      { outcomeId: receipts[1].outcomeId },
    )
    expect(outcome).toMatchObject({
      reliabilityScore: 0.25,
      superseded: true,
      toolUsage: { nodes: [{ toolName: 'book' }] },
      trajectory: { messages: ['did s1', { index: 1 }] },
    })
  })

  it('go with their simulation, however many others lie beside them', async () => {
    const tenant = arc.tenant()
    const [simulationId, other] = [await tenant.simulation(SCENARIOS), await tenant.simulation(SCENARIOS)]
    await record(tenant, simulationId)
    await record(tenant, other)
    await on(url, (client) =>
      client.query(
        `with made as (
          select uuid_v7(at) as outcome_id, at from generate_series(1, 20000) n
          cross join lateral (select date_trunc('milliseconds', now() - interval '20 days' - n * interval '2 minutes') as at) t
        ), went as (
          insert into store.trajectories select $1, outcome_id, at, '{"start_time": null, "status": null}' from made
        )
        insert into store.outcomes (user_id, outcome_id, simulation_id, config_version_id, scenario_id, execution_time, status, event_seq)
        select $1, outcome_id, gen_random_uuid(), gen_random_uuid(), 's0', at, 'success', 1 from made`,
        [tenant.tenantId],
      ),
    )
    await pack()
    const counts = () =>
      query<{ outcomes: number; trajectories: number }>(
        url,
        `select (select count(*)::int from store.outcomes where user_id = '${tenant.tenantId}') as outcomes,
          (select count(*)::int from store.trajectories where user_id = '${tenant.tenantId}') as trajectories`,
      )
    expect(await counts()).toEqual([{ outcomes: 20_080, trajectories: 20_080 }])
    await on(url, async (client) => {
      await client.query(`begin; select set_config('app.user_id', '${tenant.tenantId}', true)`)
      await client.query('delete from simulations where simulation_id = $1', [simulationId])
      await client.query('commit')
    })
    expect(await counts()).toEqual([{ outcomes: 20_040, trajectories: 20_040 }])
    const { simulation } = await tenant.data(
      'query ($id: UUID!) { simulation(simulationId: $id) { outcomes { totalCount } } }',
      { id: other },
    )
    expect(simulation.outcomes.totalCount).toBe(40)
  })

  it('are packed by tenant or, for thousands of small ones, over all of them', async () => {
    const segments = () =>
      query(
        url,
        'select segmentby from timescaledb_information.hypertable_columnstore_settings order by hypertable::text',
      )
    expect(await segments()).toEqual([{ segmentby: 'user_id' }, { segmentby: 'user_id' }])
    await query(url, 'update store.settings set segment_by_tenant = false')
    await pack()
    expect(await segments()).toEqual([{ segmentby: '' }, { segmentby: '' }])
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(SCENARIOS)
    const [first] = await record(tenant, simulationId)
    const before = await tenant.data(READS, { simulationId, outcomeId: first.outcomeId })
    await pack()
    expect(await tenant.data(READS, { simulationId, outcomeId: first.outcomeId })).toEqual(before)
    await query(url, 'update store.settings set segment_by_tenant = true')
  })

  it('become one chunk where twelve weeks of them are over, and are read, added to and deleted as before', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(SCENARIOS, { repetitions: 3 })
    // Forty weeks: three spans of twelve at least.
    const weekly = (repetition: number) =>
      record(tenant, simulationId, { repetition }).then(() =>
        tenant.record(
          SCENARIOS.map((scenarioId, index) => ({
            simulationId,
            scenarioId,
            repetition: 3,
            executionTime: new Date(NOW_MS - 20 * DAY_MS - index * 7 * DAY_MS).toISOString(),
            status: 'SUCCESS',
            trajectory: { messages: [`did ${scenarioId}`] },
          })),
        ),
      )
    const { receipts } = await weekly(1)
    const variables = { simulationId, outcomeId: receipts[1].outcomeId }
    const before = await tenant.data(READS, variables)
    const chunksOf = async () => (await chunks()).filter(({ name }) => name === 'outcomes').length
    const many = await chunksOf()
    expect(await pack()).not.toEqual([])
    expect(await pack()).toEqual([])
    const few = await chunksOf()
    expect(few).toBeLessThanOrEqual(many - 2 * 11)
    expect((await chunks()).every(({ packed, late }) => packed && !late)).toBe(true)
    expect(await tenant.data(READS, variables)).toEqual(before)

    // Late rows come to the merged chunk, which is packed again.
    await record(tenant, simulationId, { repetition: 2 })
    expect(await chunksOf()).toBe(few)
    const more = await tenant.data(READS, variables)
    expect(more.outcomes.totalCount).toBe(before.outcomes.totalCount + 40)
    await pack()
    expect((await chunks()).every(({ packed, late }) => packed && !late)).toBe(true)
    expect(await tenant.data(READS, variables)).toEqual(more)

    await on(url, async (client) => {
      await client.query(`begin; select set_config('app.user_id', '${tenant.tenantId}', true)`)
      await client.query('delete from simulations where simulation_id = $1', [simulationId])
      await client.query('commit')
    })
    expect(
      await query(
        url,
        `select (select count(*)::int from store.outcomes where user_id = '${tenant.tenantId}') as outcomes,
          (select count(*)::int from store.trajectories where user_id = '${tenant.tenantId}') as trajectories`,
      ),
    ).toEqual([{ outcomes: 0, trajectories: 0 }])
  })

  it('go when they are too old, without being unpacked but where others lie beside them', async () => {
    const old = `execution_time < now() - interval '31 days'`
    // What was recorded lately stays as long, whenever it happened.
    await query(
      url,
      `set timescaledb.max_tuples_decompressed_per_dml_transaction = 0;
      update store.outcomes set recorded_at = execution_time where ${old} and scenario_id <> 's39'`,
    )
    await pack()
    await changeStorageSettings(url, { retentionDays: 30 })
    let expired = 0
    for (;;) {
      const [row] = await query<{ expired: string | null }>(
        arc.config.databaseUrl!,
        'select expire_outcomes() as expired',
      )
      if (row!.expired === null) break
      expired += Number(row!.expired)
    }
    expect(expired).toBeGreaterThan(0)
    const left = await query<{ scenario_id: string; trajectories: number }>(
      url,
      `select scenario_id, count(t.outcome_id)::int as trajectories
      from store.outcomes o left join store.trajectories t using (user_id, outcome_id, execution_time)
      where o.${old} group by 1`,
    )
    expect(left.map(({ scenario_id }) => scenario_id)).toEqual(['s39'])
    expect(left[0]!.trajectories).toBeGreaterThan(0)
  })
})
