import { randomUUID } from 'node:crypto'
import type pg from 'pg'
import { pino } from 'pino'
import sql, { Sql } from 'sql-template-tag'
import { afterAll, describe, expect, it } from 'vitest'
import { createPool } from '../../src/db/pool.ts'
import { inTenantTransaction, type TenantTransaction } from '../../src/db/tenantTransaction.ts'
import { type Tenant, useArc } from '../support/arc.ts'
import { raise, viewerOf } from '../support/sqlAs.ts'

const arc = useArc()

const pool = createPool({ connectionString: arc.databaseUrl, max: 2, logger: pino({ level: 'silent' }) })
afterAll(() => pool.end())

const insert = (name: string) => sql`insert into configurations (name) values (${name})`

function write<Result>(
  tenant: Tenant,
  work: (transaction: TenantTransaction) => Promise<Result>,
): Promise<Result> {
  return inTenantTransaction(pool, viewerOf(tenant), 'read write', work)
}

/** Without values. */
const statement = (text: string) => new Sql([text], [])

const namesOf = (tenant: Tenant): Promise<string[]> =>
  write(tenant, async (transaction) => {
    const rows = await transaction.query<{ name: string }>(sql`select name from configurations order by name`)
    return rows.map(({ name }) => name)
  })

describe('the work of a transaction', () => {
  it.skipIf(arc.onPGlite)('is done again when it was the victim of a deadlock', async () => {
    const tenant = arc.tenant()
    await write(tenant, async (transaction) => {
      for (const name of ['one', 'two']) await transaction.query(insert(name))
    })
    let runs = 0
    let locked = 0
    let bothLocked = () => {}
    const haveBothLocked = new Promise<void>((resolve) => {
      bothLocked = resolve
    })
    /** Locks one and then the other; in the first run not before each of the two has its first. */
    const lock = (first: string, second: string) =>
      write(tenant, async (transaction) => {
        runs += 1
        const select = (name: string) => sql`select from configurations where name = ${name} for update`
        await transaction.query(insert(`of ${first}, then ${second}`))
        await transaction.query(select(first))
        if (++locked === 2) bothLocked()
        await haveBothLocked
        await transaction.query(select(second))
        return runs
      })
    await Promise.all([lock('one', 'two'), lock('two', 'one')])
    // PostgreSQL ends one of the two, and another time where that one is back before the other has both.
    expect(runs).toBeGreaterThanOrEqual(3)
    expect(await namesOf(tenant)).toEqual(['of one, then two', 'of two, then one', 'one', 'two'])
  })

  it.each(['40001', '40P01'])(
    'is done again after SQLSTATE %s, and what it did is there once',
    async (lost) => {
      const tenant = arc.tenant()
      let runs = 0
      const result = await write(tenant, async (transaction) => {
        runs += 1
        await transaction.query(insert('an agent'))
        if (runs < 3) await transaction.query(statement(raise(lost)))
        return `result of run ${runs}`
      })
      expect(result).toBe('result of run 3')
      expect(await namesOf(tenant)).toEqual(['an agent'])
    },
  )

  it('is given up after four times, and the error is the last one', async () => {
    const tenant = arc.tenant()
    let runs = 0
    const attempt = write(tenant, async (transaction) => {
      runs += 1
      await transaction.query(insert('an agent'))
      await transaction.query(statement(raise(runs < 4 ? '40001' : '40P01')))
    })
    await expect(attempt).rejects.toMatchObject({ code: '40P01' })
    expect(runs).toBe(4)
    expect(await namesOf(tenant)).toEqual([])
  })

  // What 40003 tells of may have been done; the others break the same rule again, or wait as long.
  it.each(['40002', '40003', '23505', '57014', '55P03'])(
    'is not done again after SQLSTATE %s',
    async (code) => {
      const tenant = arc.tenant()
      let runs = 0
      const attempt = write(tenant, async (transaction) => {
        runs += 1
        await transaction.query(insert('an agent'))
        await transaction.query(statement(raise(code)))
      })
      await expect(attempt).rejects.toMatchObject({ code })
      expect(runs).toBe(1)
      expect(await namesOf(tenant)).toEqual([])
    },
  )
})

describe.skipIf(arc.onPGlite)('while somebody has the row of a simulation', () => {
  async function whileLocked(tenant: Tenant, simulationId: string, work: () => Promise<void>): Promise<void> {
    await arc.sql('admin', async (client) => {
      await client.query('begin')
      await client.query(
        'select from simulations where user_id = $1 and simulation_id = $2 for no key update',
        [tenant.tenantId, simulationId],
      )
      await work()
      await client.query('rollback')
    })
  }

  it('startSimulation with its id does not wait for it: who extends it waits for what that has locked', async () => {
    const tenant = arc.tenant()
    const { versionId } = await tenant.configVersion()
    const scenarioIds = await tenant.scenarios('a')
    const simulationId = randomUUID()
    const start = () =>
      tenant.data(
        `mutation ($input: StartSimulationInput!) {
          startSimulation(input: $input) { simulation { simulationId } errors { message } }
        }`,
        { input: { simulationId, configVersionId: versionId, scenarioIds } },
      )
    const answer = await start()
    await whileLocked(tenant, simulationId, async () => {
      expect(await start()).toEqual(answer)
    })
  })

  it('deleteConfiguration, which waits for it, has nothing that the tenant’s other simulations need', async () => {
    const tenant = arc.tenant()
    const { configId, versionId } = await tenant.configVersion()
    await tenant.scenarios('a')
    const { first, last } = await tenant.data(
      `mutation ($input: StartSimulationInput!) {
        first: startSimulation(input: $input) { simulation { simulationId } errors { message } }
        last: startSimulation(input: $input) { simulation { simulationId } errors { message } }
      }`,
      { input: { configVersionId: versionId, scenarioIds: ['a'] } },
    )
    for (const { simulation } of [first, last]) {
      const other = await tenant.simulation(['a'])
      let deleting: Promise<any> | undefined
      await whileLocked(tenant, simulation.simulationId, async () => {
        deleting = tenant.data(
          'mutation ($id: UUID!) { deleteConfiguration(input: { configId: $id }) { deletion { deletionId } errors { code } } }',
          { id: configId },
        )
        await expect.poll(() => arc.sql('admin', waitingForLocks)).toBe(1)
        const { storedCount } = await tenant.record([
          { simulationId: other, scenarioId: 'a', status: 'SUCCESS' },
        ])
        expect(storedCount).toBe(1)
      })
      const { deleteConfiguration } = await deleting!
      expect(deleteConfiguration.errors).toEqual([])
      await tenant.data(
        'mutation ($id: UUID!) { undelete(input: { deletionId: $id }) { errors { code } } }',
        {
          id: deleteConfiguration.deletion.deletionId,
        },
      )
    }
  })
})

async function waitingForLocks(client: pg.Client): Promise<number> {
  const { rows } = await client.query(
    `select count(*)::int as waiting from pg_stat_activity
     where datname = current_database() and wait_event_type = 'Lock' and application_name = 'arc'`,
  )
  return rows[0].waiting
}

describe('a mutation that loses against another', () => {
  /** The first ingestions raise these in the database. */
  async function record(tenant: Tenant, simulationId: string, sqlStates: string[]) {
    let answer: any
    const raised = [...sqlStates]
    const statements = await arc.statementsDuring(
      async () => {
        answer = await tenant.ask(
          `mutation ($outcomes: [OutcomeInput!]!) {
            recordOutcomes(input: { outcomes: $outcomes }) { receipts { status } errors { code } }
          }`,
          { outcomes: [{ simulationId, scenarioId: 'a', status: 'SUCCESS', tokensUsed: 5 }] },
        )
      },
      (statement) => {
        const sqlState = statement.includes('ingestOutcomes') ? raised.shift() : undefined
        return sqlState && raise(sqlState)
      },
    )
    const attempts = statements.filter((statement) => statement.includes('ingestOutcomes')).length
    const { simulation } = await tenant.data(
      'query ($id: UUID!) { simulation(simulationId: $id) { totalTokens eventSeq outcomes { totalCount } } }',
      { id: simulationId },
    )
    return { ...answer, attempts, simulation }
  }

  it('is answered as if nothing had been, and is stored once', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a'])
    const { data, errors, attempts, simulation } = await record(tenant, simulationId, ['40P01', '40001'])
    expect({ data, errors, attempts, simulation }).toEqual({
      data: { recordOutcomes: { receipts: [{ status: 'STORED' }], errors: [] } },
      errors: undefined,
      attempts: 3,
      simulation: { totalTokens: 5, eventSeq: 2, outcomes: { totalCount: 1 } },
    })
  })

  it('is told after four times that it may send the same again', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a'])
    const { data, errors, attempts, simulation } = await record(tenant, simulationId, Array(4).fill('40P01'))
    expect({ data, errors, attempts, simulation }).toMatchObject({
      data: null,
      errors: [
        {
          message: 'Another transaction interfered. Nothing was stored; send the same request again.',
          path: ['recordOutcomes'],
          extensions: { code: 'CONFLICT_RETRY', requestId: expect.any(String) },
        },
      ],
      attempts: 4,
      simulation: { totalTokens: null, eventSeq: 1, outcomes: { totalCount: 0 } },
    })
    expect((await record(tenant, simulationId, [])).data.recordOutcomes.receipts).toEqual([
      { status: 'STORED' },
    ])
  })
})

it.skipIf(arc.onPGlite)(
  'an id that another simulation takes at the same moment is no duplicate',
  async () => {
    const tenant = arc.tenant()
    const [simulationId, other] = [await tenant.simulation(['a']), await tenant.simulation(['a'])]
    const outcomeId = randomUUID()
    await arc.sql('admin', async (client) => {
      await client.query('begin')
      await client.query(
        `insert into store.outcome_keys (user_id, outcome_id, simulation_id, execution_time) values ($1, $2, $3, now())`,
        [tenant.tenantId, outcomeId, other],
      )
      const recorded = tenant.record([{ simulationId, scenarioId: 'a', status: 'SUCCESS', outcomeId }])
      await expect
        .poll(async () => {
          const { rows } = await client.query(
            `select from pg_stat_activity where pg_backend_pid() = any (pg_blocking_pids(pid))`,
          )
          return rows.length
        })
        .toBe(1)
      await client.query('commit')
      expect((await recorded).receipts).toMatchObject([{ status: 'REJECTED', code: 'OUTCOME_ID_TAKEN' }])
    })
  },
)
