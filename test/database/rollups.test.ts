import { randomUUID } from 'node:crypto'
import type pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { changeStorageSettings } from '../../src/db/admin/storageSettings.ts'
import { Arc, type Tenant } from '../support/arc.ts'
import { ENGINES, makeMigratedDatabase, on, query } from '../support/emptyDatabase.ts'
import { BEGIN, outcomesOf as outcomes, SCENARIOS, ROLL_UPS as TABLES } from '../support/plainSums.ts'

describe.each(ENGINES)('roll-ups on $dump', ({ extension }) => {
  let url: string
  let serviceUrl: string
  let arc: Arc
  let drop: () => Promise<unknown>

  beforeAll(async () => {
    ;({ url, serviceUrl, drop } = await makeMigratedDatabase(extension))
    // The job would sum before a test looks what is marked.
    await query(url, `update store.jobs set due_at = 'infinity' where name = 'refresh_rollups'`)
    arc = new Arc({ DATABASE_URL: serviceUrl })
    await arc.start()
  })
  afterAll(async () => {
    await arc.stop()
    await drop()
  })

  async function refresh(): Promise<number> {
    let hours = 0
    for (;;) {
      const [row] = await query<{ hours: number }>(serviceUrl, 'select refresh_rollups(50) as hours')
      hours += row!.hours
      if (row!.hours === 0) return hours
    }
  }

  const asTenant = <Result>(tenant: Tenant, work: (client: pg.Client) => Promise<Result>) =>
    on(url, async (client) => {
      await client.query('begin')
      await client.query(`select set_config('app.user_id', $1, true)`, [tenant.tenantId])
      const result = await work(client)
      await client.query('commit')
      return result
    })

  /** That what is kept is what the rows say. */
  const expectRight = (tenant: Tenant) =>
    asTenant(tenant, async (client) => {
      for (const [table, { kept, byHand }] of Object.entries(TABLES)) {
        const { rows } = await client.query(kept)
        const { rows: right } = await client.query(byHand, [tenant.tenantId])
        expect(rows, table).toEqual(right)
      }
    })

  it('are what the rows say: after attempts, amendments, deletions, and what is taken back', async () => {
    const tenant = arc.tenant()
    const [one, other] = [await tenant.simulation(SCENARIOS), await tenant.simulation(SCENARIOS)]
    const { receipts } = await tenant.record([...outcomes(one, 1), ...outcomes(other, 5)])
    await asTenant(tenant, async (client) => {
      const asOf = `select rollups_as_of('2026-09-01', '2026-09-03') < now() as is_behind,
        rollups_as_of('2026-09-05', '2026-09-06') < now() as elsewhere`
      expect((await client.query(asOf)).rows).toEqual([{ is_behind: true, elsewhere: false }])
    })
    expect(await refresh()).toBeGreaterThan(0)
    await expectRight(tenant)
    expect(await refresh()).toBe(0)

    await tenant.record(
      outcomes(one, 3, { retryCount: 1 }).map((outcome) => ({ ...outcome, status: 'SUCCESS' })),
    )
    await tenant.record(outcomes(other, 8, { retryCount: 2 }))
    await refresh()
    await expectRight(tenant)

    await tenant.data(
      `mutation ($amendments: [OutcomeAmendmentInput!]!) {
        amendOutcomes(input: { amendments: $amendments }) { receipts { status } errors { message } }
      }`,
      {
        amendments: [{ outcomeId: receipts[1].outcomeId, reliabilityScore: 0.123, costUsd: 7, model: 'two' }],
      },
    )
    await refresh()
    await expectRight(tenant)

    const { deleteSimulation } = await tenant.data(
      `mutation ($id: UUID!) {
        deleteSimulation(input: { simulationId: $id }) { deletion { deletionId } errors { message } }
      }`,
      { id: one },
    )
    const { deletionId } = deleteSimulation.deletion
    await refresh()
    await expectRight(tenant)
    await asTenant(tenant, async (client) => {
      const { rows } = await client.query('select distinct simulation_id from outcome_hours')
      expect(rows).toEqual([{ simulation_id: other }])
    })

    await tenant.data(
      `mutation ($id: UUID!) { undelete(input: { deletionId: $id }) { errors { message } } }`,
      { id: deletionId },
    )
    await refresh()
    await expectRight(tenant)
    await asTenant(tenant, (client) =>
      client.query('delete from simulations where simulation_id = $1', [other]),
    )
    await refresh()
    await expectRight(tenant)
  })

  it('keep what retention removes, once, whatever comes for the same hours later', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(SCENARIOS, { repetitions: 3 })
    await tenant.record(outcomes(simulationId, 1, { repetition: 1 }))
    await tenant.record(outcomes(simulationId, 1, { repetition: 2 }))
    await refresh()
    const totals = () =>
      asTenant(tenant, async (client) => {
        const { rows } = await client.query(
          `select (select sum(attempts)::int from outcome_hours) as hours, (select sum(attempts)::int from outcome_days) as days,
            (select sum(attempts)::int from scenario_days) as scenarios, (select sum(attempts)::int from tool_days) as tools,
            (select sum(attempts)::int from tenant_hours) as tenant_hours, (select sum(attempts)::int from tenant_days) as tenant_days,
            (select sum(attempts)::int from tenant_scenario_days) as tenant_scenarios,
            (select sum(runs)::int from metric_days where metric = 'speed') as metrics,
            (select sum(attempts)::int from outcome_days where expired) as expired`,
        )
        return rows[0]
      })
    const all = (sum: number, expired: number | null) => ({
      hours: sum,
      days: sum,
      scenarios: sum,
      tenant_hours: sum,
      tenant_days: sum,
      tenant_scenarios: sum,
      tools: sum,
      metrics: sum,
      expired,
    })
    expect(await totals()).toEqual(all(24, null))
    await query(
      url,
      `update store.outcomes set recorded_at = execution_time where user_id = '${tenant.tenantId}' and repetition = 1`,
    )
    await changeStorageSettings(url, { retentionDays: 20 })
    const expire = async () => {
      for (;;) {
        const [row] = await query<{ expired: string | null }>(
          serviceUrl,
          'select expire_outcomes() as expired',
        )
        if (row!.expired === null) return
      }
    }
    await expire()
    expect(await totals()).toEqual(all(24, 12))
    await tenant.record(outcomes(simulationId, 1, { repetition: 3 }))
    await refresh()
    expect(await totals()).toEqual(all(36, 12))
    await query(url, `update store.outcomes set recorded_at = execution_time`)
    await expire()
    expect(await totals()).toEqual(all(36, 36))
    await refresh()
    expect(await totals()).toEqual(all(36, 36))
    await expectRight(tenant)

    // What is left of it goes when the simulation goes.
    await asTenant(tenant, (client) =>
      client.query('delete from simulations where simulation_id = $1', [simulationId]),
    )
    await refresh()
    expect(await totals()).toMatchObject({
      hours: null,
      days: null,
      tenant_hours: null,
      tenant_days: null,
      tools: null,
      metrics: null,
    })
  })

  it('have all that writers store meanwhile, and nothing twice', async () => {
    const tenant = arc.tenant()
    const writers = 6
    const batches = 5
    const simulationIds = await Promise.all(
      Array.from({ length: writers }, () => tenant.simulation(SCENARIOS, { repetitions: batches })),
    )
    let writing = true
    const refreshing = (async () => {
      while (writing) await query(serviceUrl, 'select refresh_rollups(50)')
    })()
    await Promise.all(
      simulationIds.map(async (simulationId, writer) => {
        for (let batch = 1; batch <= batches; batch++)
          await tenant.record(outcomes(simulationId, writer, { repetition: batch, outcomeId: undefined }))
      }),
    )
    writing = false
    await refreshing
    await refresh()
    await asTenant(tenant, async (client) => {
      const { rows } = await client.query('select sum(attempts)::int as attempts from outcome_days')
      expect(rows).toEqual([{ attempts: writers * batches * SCENARIOS.length }])
    })
    await expectRight(tenant)
  })

  it('have percentiles that are at most 2.5 percent off, from one millisecond to a day', async () => {
    const tenant = arc.tenant()
    const durations = Array.from({ length: 400 }, (_, index) => Math.round(1.047 ** index) % 86_400_000)
    const simulationId = await tenant.simulation(['s0'], { repetitions: durations.length })
    await tenant.record(
      durations.map((executionTimeMs, index) => ({
        simulationId,
        scenarioId: 's0',
        repetition: index + 1,
        executionTime: new Date(BEGIN).toISOString(),
        status: 'SUCCESS',
        executionTimeMs,
      })),
    )
    await refresh()
    await asTenant(tenant, async (client) => {
      const shares = [0, 0.01, 0.25, 0.5, 0.9, 0.95, 0.99, 1]
      const { rows } = await client.query<{ share: number; kept: number; exact: number }>(
        `select share, duration_quantile((select sum(durations::vector) from outcome_days), share) as kept,
          (select percentile_disc(share) within group (order by execution_time_ms) from store.outcomes where user_id = $2)::float8 as exact
        from unnest($1::float8[]) share`,
        [shares, tenant.tenantId],
      )
      for (const { share, kept, exact } of rows)
        expect(Math.abs(kept - exact), `${share}: ${kept}, ${exact}`).toBeLessThanOrEqual(0.025 * exact)
    })
  })

  it('are of nobody else', async () => {
    const [tenant, stranger] = [arc.tenant(), arc.tenant()]
    const simulationId = await tenant.simulation(SCENARIOS)
    await tenant.record(outcomes(simulationId, 2))
    await refresh()
    for (const { tenantId, n } of [
      { tenantId: tenant.tenantId, n: 1 },
      { tenantId: stranger.tenantId, n: 0 },
      { tenantId: randomUUID(), n: 0 },
    ]) {
      await on(serviceUrl, async (client) => {
        await client.query('begin; set local role app_readonly')
        await client.query(`select set_config('app.user_id', $1, true)`, [tenantId])
        for (const table of Object.keys(TABLES)) {
          const { rows } = await client.query(`select count(distinct user_id)::int as n from ${table}`)
          expect(rows, table).toEqual([{ n }])
        }
        await client.query('rollback')
      })
    }
  })
})
