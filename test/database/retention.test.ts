import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, inject, it } from 'vitest'
import { migrate } from '../../src/db/admin/migrator.ts'
import { setRetentionDays } from '../../src/db/admin/retention.ts'
import { Arc, type Tenant } from '../support/arc.ts'
import { cleanUp, ENGINES, emptyDatabase, on, query, serviceUrlOf } from '../support/emptyDatabase.ts'

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
  it('lets nothing older in, deletes what became older for every tenant, and keeps the rest', async () => {
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
    cleanUp.push(() => arc.stop())
    const tenants = [arc.tenant(), arc.tenant()]
    const simulationIds: string[] = []
    for (const tenant of tenants) {
      const simulationId = await tenant.simulation(['d0', 'd20', 'd40', 'd41', 'd120', 'd4000'])
      simulationIds.push(simulationId)
      expect(await record(tenant, simulationId, [0, 20, 40, 120, 4000])).toEqual(Array(5).fill('STORED'))
    }
    const [{ parts: partsBefore }] = (await query(url, inParts)) as [{ parts: number }]

    await expect(setRetentionDays(url, 0)).rejects.toMatchObject({ code: '23514' })
    await setRetentionDays(url, 30)
    expect(await record(tenants[0]!, simulationIds[0]!, [41])).toEqual([
      ['TIME_BEFORE_RETENTION', ['executionTime']],
    ])

    // A server deletes when it starts.
    await arc.stop()
    await arc.start()
    await arc.stop()
    await on(url, async (client) => {
      for (const table of ['store.outcomes', 'store.outcome_keys', 'failure_patterns']) {
        const { rows } = await client.query(
          `select user_id, count(*)::int as rows, min(execution_time) > now() - interval '30 days' as young
          from ${table} group by 1`,
        )
        expect(rows, table).toHaveLength(2)
        expect(rows, table).toEqual(rows.map(({ user_id }) => ({ user_id, rows: 2, young: true })))
      }
    })
    const [{ parts }] = (await query(url, inParts)) as [{ parts: number }]
    expect(parts).toBeLessThan(partsBefore)

    await setRetentionDays(url, null)
    await arc.start()
    expect(await record(tenants[0]!, simulationIds[0]!, [41])).toEqual(['STORED'])
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
  it('shows and sets how long outcomes are kept, and what is deleted can be taken back', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'arc-retention-'))
    cleanUp.push(() => rm(dataDir, { recursive: true }))
    const { DATABASE_URL: _, DATABASE_ADMIN_URL: __, ...inherited } = process.env
    const retention = (...args: string[]) =>
      promisify(execFile)(process.execPath, ['--import', 'tsx', 'src/main.ts', 'retention', ...args], {
        env: { ...inherited, ARC_DATA_DIR: dataDir },
      })
    const atFirst = (await retention()).stdout
    expect(atFirst).toContain('kept forever')
    expect(atFirst).toContain('taken back for 30 days')
    expect((await retention('90')).stdout).toContain('kept for 90 days')
    const set = (await retention('--deleted', '7')).stdout
    expect(set).toContain('kept for 90 days')
    expect(set).toContain('taken back for 7 days')
    const off = (await retention('off', '--deleted', 'off')).stdout
    expect(off).toContain('kept forever')
    expect(off).toContain('until somebody deletes it for good')
    await expect(retention('0')).rejects.toMatchObject({
      stderr: expect.stringContaining('must be 1 to 36500 days or "off", not "0"'),
    })
    await expect(retention('--deleted', 'soon')).rejects.toMatchObject({
      stderr: expect.stringContaining('must be 1 to 36500 days or "off", not "soon"'),
    })
  })
})
