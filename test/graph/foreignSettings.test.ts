import { pino } from 'pino'
import sql from 'sql-template-tag'
import { describe, expect, it } from 'vitest'
import { PINNED_SETTINGS } from '../../src/db/pinnedSettings.ts'
import { createPool } from '../../src/db/pool.ts'
import { inTenantTransaction } from '../../src/db/tenantTransaction.ts'
import { queryOwn } from '../../src/db/transaction.ts'
import { useArc } from '../support/arc.ts'
import { viewerOf } from '../support/sqlAs.ts'
import { summedUp } from '../support/tenantRows.ts'

const arc = useArc()

/** Every ten minutes through the hour that Berlin has twice, on the night of 26 October 2025. */
const BEGIN = Date.parse('2025-10-25T23:00:00Z')
const TIMES = Array.from({ length: 30 }, (_, index) => new Date(BEGIN + index * 600_000).toISOString())

describe('on a database in Berlin, with formats of its own', () => {
  it('the database is one', async () => {
    const { rows } = await arc.sql('service', (client) =>
      client.query(
        `select current_setting('TimeZone') as zone, timestamptz '2025-10-25 23:00Z'::text as time`,
      ),
    )
    expect(rows).toEqual([{ zone: 'Europe/Berlin', time: '26/10/2025 01:00:00 CEST' }])
  })

  it('times come back as they were sent, pages end, and filters find what they name', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a'], { repetitions: TIMES.length })
    const { receipts } = await tenant.record(
      TIMES.map((executionTime, index) => ({
        simulationId,
        scenarioId: 'a',
        repetition: index + 1,
        executionTime,
        executionTimeMs: 60_000,
        status: 'SUCCESS',
        costUsd: 0.1,
        reliabilityScore: 0.5,
      })),
    )
    expect(receipts.map(({ status }) => status)).toEqual(TIMES.map(() => 'STORED'))

    const read: string[] = []
    for (let after: string | null = null, pages = 0; pages < TIMES.length; pages++) {
      const { outcomes, simulation } = await tenant.data(
        `query ($id: UUID!, $after: String) {
          outcomes(first: 4, after: $after, orderBy: { field: EXECUTION_TIME, direction: DESC }) { ...Page }
          simulation(simulationId: $id) {
            outcomes(first: 4, after: $after, orderBy: { field: EXECUTION_TIME, direction: DESC }) { ...Page }
          }
        }
        fragment Page on OutcomeConnection {
          nodes { executionTime } pageInfo { endCursor hasNextPage }
        }`,
        { id: simulationId, after },
      )
      expect(simulation.outcomes).toEqual(outcomes)
      read.push(...outcomes.nodes.map((node: { executionTime: string }) => node.executionTime))
      after = outcomes.pageInfo.endCursor
      if (!outcomes.pageInfo.hasNextPage) break
    }
    expect(read).toEqual(TIMES.toReversed())

    await summedUp(arc, tenant)
    const { late, simulation } = await tenant.data(
      `query ($id: UUID!) {
        late: outcomes(filter: { executionTime: { gte: "2025-10-26T01:00:00Z" } }) { totalCount }
        simulation(simulationId: $id) {
          performance(grain: HOUR) { buckets { bucket runs costUsd meanScore meanMs } }
          runs(first: 1) { nodes { startedAt completedAt } }
        }
      }`,
      { id: simulationId },
    )
    expect(late.totalCount).toBe(18)
    expect(simulation.performance.buckets).toEqual(
      [-1, 0, 1, 2, 3].map((hour) => ({
        bucket: new Date(Date.parse('2025-10-26T00:00:00Z') + hour * 3_600_000).toISOString(),
        runs: 6,
        costUsd: 0.6,
        meanScore: 0.5,
        meanMs: 60_000,
      })),
    )
    expect(simulation.runs.nodes).toEqual([
      { startedAt: '2025-10-25T22:59:00.000Z', completedAt: '2025-10-25T23:00:00.000Z' },
    ])
  })

  it('a simulation that starts now started now, and took as long as it took', async () => {
    const tenant = arc.tenant()
    const before = Date.now()
    const simulationId = await tenant.simulation(['a'])
    await tenant.record([{ simulationId, scenarioId: 'a', status: 'SUCCESS' }])
    const { completeSimulation } = await tenant.data(
      `mutation ($id: UUID!) {
        completeSimulation(input: { simulationId: $id }) { simulation { startedAt completedAt runtimeMs } }
      }`,
      { id: simulationId },
    )
    const { startedAt, completedAt, runtimeMs } = completeSimulation.simulation
    const [started, completed] = [Date.parse(startedAt), Date.parse(completedAt)]
    // The database's clock is that of another process, and may be that of another machine.
    expect(Math.abs(started - before)).toBeLessThan(600_000)
    expect(runtimeMs).toBe(completed - started)
    expect(runtimeMs).toBeGreaterThan(0)
  })

  it('every transaction has the settings that its answers depend on', async () => {
    const pool = createPool({ connectionString: arc.databaseUrl, max: 1, logger: pino({ level: 'silent' }) })
    const wanted = Object.fromEntries(PINNED_SETTINGS)
    const settings = sql`select json_object_agg(name, current_setting(name)) as found
      from unnest(${PINNED_SETTINGS.map(([name]) => name)}::text[]) as name`
    try {
      for (const [{ found }] of [
        await queryOwn<{ found: object }>(pool, settings),
        await inTenantTransaction(pool, viewerOf(arc.tenant()), 'read only', ({ query }) =>
          query<{ found: object }>(settings),
        ),
      ] as [{ found: object }][])
        expect(found).toEqual(wanted)
    } finally {
      await pool.end()
    }
  })

  it('every function of the owner has them, whoever calls it', async () => {
    const { rows } = await arc.sql('admin', (client) =>
      client.query<{ name: string; settings: string[] }>(`
        select p.oid::regprocedure::text as name, p.proconfig as settings from pg_proc p
        where p.prosecdef and p.pronamespace in ('public'::regnamespace, 'store'::regnamespace)
          and not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')`),
    )
    const pinned = PINNED_SETTINGS.filter(([name]) => name !== 'search_path').map(
      ([name, value]) => `${name}=${value}`,
    )
    expect(rows.length).toBeGreaterThan(10)
    // A migration that creates or replaces one ends with: call store.pin_settings();
    for (const { name, settings } of rows)
      expect({ name, settings }).toEqual({ name, settings: expect.arrayContaining(pinned) })
  })
})
