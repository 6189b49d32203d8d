import { randomUUID } from 'node:crypto'
import { describe, expect, it, vi } from 'vitest'
import { useArc } from '../support/arc.ts'
import { SOON } from '../support/soon.ts'
import { type Run, sqlAs } from '../support/sqlAs.ts'
import { seedTenant } from '../support/tenantRows.ts'

const arc = useArc()

const PARTS = ['store.outcome_keys', 'store.outcomes', 'failure_patterns']

/** How many rows there are of each part of outcomes, by simulation. Asked by whom no policy binds. */
async function partsOf(simulationIds: string[]): Promise<Record<string, number[]>> {
  return arc.sql('admin', async (client) => {
    const counts: Record<string, number[]> = Object.fromEntries(simulationIds.map((id) => [id, []]))
    for (const table of PARTS) {
      for (const simulationId of simulationIds) {
        const { rows } = await client.query(
          `select count(*)::int as rows from ${table} where simulation_id = $1`,
          [simulationId],
        )
        counts[simulationId]!.push(rows[0].rows)
      }
    }
    return counts
  })
}

async function simulationsWithOutcomes(tenantId: string): Promise<string[]> {
  return arc.sql('admin', async (client) => {
    const { rows } = await client.query(
      'select distinct simulation_id from store.outcomes where user_id = $1',
      [tenantId],
    )
    return rows.map(({ simulation_id }) => simulation_id)
  })
}

/** One outcome of scenario a. */
const ingest = (run: Run, simulationId: string, time: Date) =>
  run('select receipt from ingest_outcomes($1)', [
    JSON.stringify({
      simulation_ids: [simulationId],
      rows: [
        {
          idx: 0,
          outcome_id: randomUUID(),
          simulation_id: simulationId,
          scenario_id: 'a',
          repetition: 1,
          execution_time: time.toISOString(),
          status: 'success',
          retry_count: 0,
          trajectory: { start_time: time.toISOString(), status: 'success' },
          step_count: 0,
          tools: [],
          failures: [],
        },
      ],
    }),
  ])

const stored = { rows: [{ receipt: 'STORED' }] }

describe('a deleted simulation', () => {
  it('takes its outcomes with all their parts along, and nobody else’s', async () => {
    const [one, two] = [await seedTenant(arc), await seedTenant(arc)]
    const [gone, kept] = await simulationsWithOutcomes(one.tenant.tenantId)
    const [alsoGone, alsoKept] = await simulationsWithOutcomes(two.tenant.tenantId)
    const all = [gone!, kept!, alsoGone!, alsoKept!]
    const whole = [2, 2, 1]
    expect(await partsOf(all)).toEqual(Object.fromEntries(all.map((id) => [id, whole])))

    // Of two tenants in one statement, by a login that acts for none.
    await arc.sql('admin', async (client) => {
      await client.query('begin')
      await client.query('delete from simulations where simulation_id = any ($1)', [[gone, alsoGone]])
      const { rows } = await client.query(`select current_setting('app.user_id', true) as tenant`)
      expect(rows).toEqual([{ tenant: '' }])
      await client.query('commit')
    })

    expect(await partsOf(all)).toEqual({
      [gone!]: [0, 0, 0],
      [alsoGone!]: [0, 0, 0],
      [kept!]: whole,
      [alsoKept!]: whole,
    })
  })
})

describe('a simulation that is deleted while outcomes are stored', () => {
  it('waits for them, and takes them along; those that come later find none', async ({ skip }) => {
    if (arc.onPGlite) skip('PGlite has one connection')
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a'])
    let deleting: Promise<unknown> | undefined
    await sqlAs(arc, 'app_user', tenant, async (run) => {
      expect(await ingest(run, simulationId, new Date())).toMatchObject(stored)
      deleting = arc.sql('admin', async (client) => {
        await client.query('delete from simulations where simulation_id = $1', [simulationId])
      })
      await vi.waitFor(async () => {
        const { rows } = await arc.sql('admin', (client) =>
          client.query(
            `select from pg_stat_activity
            where wait_event_type = 'Lock' and query like 'delete from simulations%' and datname = current_database()`,
          ),
        )
        expect(rows).toHaveLength(1)
      }, SOON)
    })
    await deleting
    expect(await partsOf([simulationId])).toEqual({ [simulationId]: [0, 0, 0] })
    await sqlAs(arc, 'app_user', tenant, async (run) => {
      expect((await ingest(run, simulationId, new Date())).rows).toMatchObject([{ receipt: 'REJECTED' }])
    })
  })
})

describe('the first outcome of a week', () => {
  it('waits for no other batch that is being stored, though it makes a chunk', async ({ skip }) => {
    if (arc.onPGlite) skip('PGlite has one connection')
    const tenant = arc.tenant()
    const other = arc.tenant()
    const [one, two] = [await tenant.simulation(['a', 'b']), await other.simulation(['a'])]
    const thisWeek = new Date()
    const { storedCount } = await tenant.record([
      { simulationId: one, scenarioId: 'b', status: 'SUCCESS', executionTime: thisWeek.toISOString() },
    ])
    expect(storedCount).toBe(1)
    // Nothing else in the tests is of that time: the week has no chunk yet, and is too young for that of the history.
    const unusedWeek = new Date(Date.now() - 600 * 86_400_000)
    await sqlAs(arc, 'app_user', tenant, async (first) => {
      expect(await ingest(first, one, thisWeek)).toMatchObject(stored)
      // Of one tenant they would wait for the number of their change.
      await sqlAs(arc, 'app_user', other, async (second) => {
        await second(`set local lock_timeout = '5s'`)
        expect(await ingest(second, two, unusedWeek)).toMatchObject(stored)
      })
    })
  })
})

describe.each([
  ['toolUsage', 'ToolUsage'],
  ['failurePatterns', 'FailurePattern'],
])('%s', (field, type) => {
  it('is ordered and filtered by the time of the run, whenever it was stored', async () => {
    const tenant = arc.tenant()
    const scenarioIds = ['a', 'b', 'c', 'd']
    const simulationId = await tenant.simulation(scenarioIds)
    const times = [
      '2025-03-02T00:00:00.001Z',
      '2024-02-29T23:59:59.999Z',
      '2025-03-02T00:00:00.000Z',
      '2001-01-01T00:00:00.000Z',
    ]
    const { storedCount } = await tenant.record(
      times.map((executionTime, index) => ({
        simulationId,
        scenarioId: scenarioIds[index],
        executionTime,
        status: 'ERROR',
        error: 'boom',
        toolUsage: [{ toolName: 'search', callCount: 1, successRate: 1 }],
      })),
    )
    expect(storedCount).toBe(4)
    const listed = async (filter: object, direction = 'ASC') => {
      const { page, simulation } = await tenant.data(
        `query ($simulationId: UUID!, $filter: ${type}Filter, $direction: OrderDirection!) {
          page: ${field}(filter: $filter, orderBy: { field: EXECUTION_TIME, direction: $direction }) {
            nodes { executionTime }
          }
          simulation(simulationId: $simulationId) {
            ${field}(filter: $filter, orderBy: { field: EXECUTION_TIME, direction: $direction }) {
              nodes { executionTime }
            }
          }
        }`,
        { simulationId, filter, direction },
      )
      expect(simulation[field]).toEqual(page)
      return page.nodes.map(({ executionTime }: { executionTime: string }) => executionTime)
    }
    const inOrder = [...times].sort()
    expect(await listed({})).toEqual(inOrder)
    expect(await listed({}, 'DESC')).toEqual([...inOrder].reverse())
    for (const [executionTime, expected] of [
      [{ gte: times[2] }, inOrder.slice(2)],
      [{ gt: times[2] }, inOrder.slice(3)],
      [{ lte: times[2] }, inOrder.slice(0, 3)],
      [{ lt: times[2] }, inOrder.slice(0, 2)],
      [{ gte: times[1], lt: times[0] }, inOrder.slice(1, 3)],
      [{ gt: times[0] }, []],
      [{}, inOrder],
    ] as const) {
      expect(await listed({ executionTime })).toEqual(expected)
    }
  })
})
