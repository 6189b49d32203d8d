import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, inject, it, vi } from 'vitest'
import { migrate } from '../../src/db/admin/migrator.ts'
import { changeStorageSettings } from '../../src/db/admin/storageSettings.ts'
import { Arc, type Tenant } from '../support/arc.ts'
import { cleanUp } from '../support/cleanUp.ts'
import { ENGINES, emptyDatabase, on, query, serviceUrlOf } from '../support/emptyDatabase.ts'
import { SOON } from '../support/soon.ts'

const DAY_MS = 24 * 3_600_000

function daysAgo(days: number): string {
  return new Date(Date.now() - days * DAY_MS).toISOString()
}

/** One outcome for each scenario `d<days>`, that many days old. */
async function record(tenant: Tenant, simulationId: string, days: number[]) {
  const { receipts } = await tenant.record(
    days.map((age) => ({
      simulationId,
      scenarioId: `d${age}`,
      executionTime: daysAgo(age),
      status: 'ERROR',
      error: 'boom',
      toolUsage: [{ toolName: 'search', callCount: 1, successRate: 1 }],
    })),
  )
  return receipts.map(({ status, code, path }) => (status === 'REJECTED' ? [code, path] : status))
}

describe.each(ENGINES)('retention on $dump', ({ extension }) => {
  it('deletes what became older for every tenant but for its sums, and keeps what was recorded lately', async () => {
    const url = await emptyDatabase(extension)
    await migrate(url)
    const inParts = `select count(*)::int as parts from pg_inherits where inhparent = 'store.outcomes'::regclass`
    if (!extension) {
      await query(
        url,
        `select store.ensure_outcome_partitions((now() - interval '5 months')::date, now()::date)`,
      )
    }
    const arc = new Arc({ DATABASE_URL: await serviceUrlOf(url) })
    await arc.start()
    cleanUp(() => arc.stop())
    const tenants = [arc.tenant(), arc.tenant()]
    const simulationIds: string[] = []
    await changeStorageSettings(url, { retentionDays: null })
    for (const tenant of tenants) {
      const simulationId = await tenant.simulation(['d0', 'd20', 'd40', 'd41', 'd120', 'd4000'])
      simulationIds.push(simulationId)
      expect(await record(tenant, simulationId, [0, 20, 40, 120, 4000])).toEqual(Array(5).fill('STORED'))
    }
    const [{ parts: partsBefore }] = (await query(url, inParts)) as [{ parts: number }]

    await expect(changeStorageSettings(url, { retentionDays: 0 })).rejects.toMatchObject({ code: '23514' })
    await query(url, 'update store.outcomes set recorded_at = execution_time')
    await changeStorageSettings(url, { retentionDays: 30 })
    expect(await record(tenants[0]!, simulationIds[0]!, [41])).toEqual(['STORED'])

    // A server deletes when it starts.
    await arc.stop()
    await arc.start()
    await vi.waitFor(async () => {
      const [left] = await query<{ rows: number }>(
        url,
        'select count(*)::int as rows from store.outcome_keys',
      )
      expect(left!.rows).toBe(5)
    }, SOON)
    await arc.stop()
    await on(url, async (client) => {
      for (const table of [
        'store.outcomes',
        'store.trajectories',
        'store.outcome_keys',
        'failure_patterns',
      ]) {
        const { rows } = await client.query(
          `select user_id, count(*)::int as rows, min(execution_time) > now() - interval '30 days' as young
          from ${table} group by 1`,
        )
        const [first, second] = tenants.map(({ tenantId }) => tenantId)
        expect(rows, table).toHaveLength(2)
        // The one of 41 days was recorded a moment ago.
        expect(rows, table).toContainEqual({ user_id: first, rows: 3, young: false })
        expect(rows, table).toContainEqual({ user_id: second, rows: 2, young: true })
      }
      await client.query('begin; set local role arc_owner; select refresh_rollups(1000); commit')
      const { rows: sums } = await client.query(
        `select user_id, sum(attempts)::int as attempts, sum(attempts) filter (where expired)::int as expired
        from store.outcome_days group by 1 order by 2`,
      )
      expect(sums.map(({ attempts, expired }) => [attempts, expired])).toEqual([
        [5, 3],
        [6, 3],
      ])
    })
    const [{ parts }] = (await query(url, inParts)) as [{ parts: number }]
    expect(parts).toBeLessThan(partsBefore)

    await arc.start()
    for (const [index, tenant] of tenants.entries()) {
      const { simulation } = await tenant.data(
        `query ($simulationId: UUID!) {
          simulation(simulationId: $simulationId) {
            failedScenarios
            outcomes { totalCount }
            runs { nodes { scenarioId status outcome { status } } }
          }
        }`,
        { simulationId: simulationIds[index] },
      )
      const gone = index === 0 ? ['d40', 'd120', 'd4000'] : ['d40', 'd120', 'd4000', 'd41']
      expect(simulation.failedScenarios).toBe(index === 0 ? 6 : 5)
      expect(simulation.outcomes.totalCount).toBe(index === 0 ? 3 : 2)
      for (const { scenarioId, outcome } of simulation.runs.nodes) {
        expect(outcome, scenarioId).toEqual(gone.includes(scenarioId) ? null : { status: 'ERROR' })
      }
    }
  })
})

// It brings an embedded database of its own, whatever database the tests run on.
describe.skipIf(inject('serverUrl') !== null)('arc retention', () => {
  it('shows and sets how long outcomes and logs are kept, and what is deleted can be taken back', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'arc-retention-'))
    cleanUp(() => rm(dataDir, { recursive: true }))
    const { DATABASE_URL: _, DATABASE_ADMIN_URL: __, ...inherited } = process.env
    const retention = (...args: string[]) =>
      promisify(execFile)(process.execPath, ['--import', 'tsx', 'src/main.ts', 'retention', ...args], {
        env: { ...inherited, ARC_DATA_DIR: dataDir },
      })
    const atFirst = (await retention()).stdout
    expect(atFirst).toContain('kept for 365 days')
    expect(atFirst).toContain('taken back for 30 days')
    expect(atFirst).toContain('Events are kept as long as their simulation')
    expect((await retention('90')).stdout).toContain('kept for 90 days')
    const set = (await retention('--deleted', '7')).stdout
    expect(set).toContain('kept for 90 days')
    expect(set).toContain('taken back for 7 days')
    const logs = (await retention('--events', '60', '--audit', '700')).stdout
    expect(logs).toContain('Events of simulations that have ended are kept for 60 days')
    expect(logs).toContain('audit log is kept for 700 days')
    const off = (await retention('off', '--deleted', 'off')).stdout
    expect(off).toContain('kept forever')
    expect(off).toContain('until somebody deletes it for good')
    await expect(retention('0')).rejects.toMatchObject({
      stderr: expect.stringContaining('must be 1 to 36500 or "off", not "0"'),
    })
    await expect(retention('--deleted', 'soon')).rejects.toMatchObject({
      stderr: expect.stringContaining('must be 1 to 36500 or "off", not "soon"'),
    })
  }, 90_000)

  it('has beside it how TimescaleDB lays outcomes out', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'arc-storage-'))
    cleanUp(() => rm(dataDir, { recursive: true }))
    const { DATABASE_URL: _, DATABASE_ADMIN_URL: __, ...inherited } = process.env
    const storage = (...args: string[]) =>
      promisify(execFile)(process.execPath, ['--import', 'tsx', 'src/main.ts', 'storage', ...args], {
        env: { ...inherited, ARC_DATA_DIR: dataDir },
      })
    const set = (await storage('--chunk-days', '1', '--pack-after', 'off', '--segment-by-tenant', 'off'))
      .stdout
    expect(set).toContain('A new chunk holds a day.')
    expect(set).toContain('Chunks are not packed.')
    expect(set).toContain('packed together')
    expect((await storage()).stdout).toBe(set)
    await expect(storage('--chunk-days', '40')).rejects.toMatchObject({
      stderr: expect.stringContaining('1 to 31 days, not "40"'),
    })
    await expect(storage('--segment-by-tenant', 'maybe')).rejects.toMatchObject({
      stderr: expect.stringContaining('"on" or "off", not "maybe"'),
    })
  })
})
