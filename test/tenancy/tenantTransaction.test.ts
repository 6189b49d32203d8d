import { pino } from 'pino'
import sql from 'sql-template-tag'
import { afterAll, describe, expect, it } from 'vitest'
import { createPool } from '../../src/db/pool.ts'
import { inTenantTransaction, type TenantTransaction } from '../../src/db/tenantTransaction.ts'
import { type Tenant, useArc } from '../support/arc.ts'
import { viewerOf } from '../support/sqlAs.ts'

const arc = useArc()

const pool = createPool({ connectionString: arc.databaseUrl, max: 1, logger: pino({ level: 'silent' }) })
afterAll(() => pool.end())

const insert = (name: string) => sql`insert into configurations (name) values (${name}) returning name`

function write<Result>(
  tenant: Tenant,
  work: (transaction: TenantTransaction) => Promise<Result>,
): Promise<Result> {
  return inTenantTransaction(pool, viewerOf(tenant), 'read write', work)
}

async function namesOf(tenant: Tenant): Promise<string[]> {
  const rows = await write(tenant, (transaction) =>
    transaction.query<{ name: string }>(sql`select name from configurations order by name`),
  )
  return rows.map(({ name }) => name)
}

describe('a transaction of a tenant', () => {
  it('is committed with its last statement, and nothing comes after that', async () => {
    const tenant = arc.tenant()
    const rows = await write(tenant, async (transaction) => {
      await transaction.query(insert('first agent'))
      return transaction.queryLast(insert('last agent'))
    })
    expect(rows).toEqual([{ name: 'last agent' }])
    expect(await namesOf(tenant)).toEqual(['first agent', 'last agent'])

    await expect(
      write(tenant, async (transaction) => {
        await transaction.queryLast(insert('committed agent'))
        await transaction.query(insert('late agent'))
      }),
    ).rejects.toThrow('a statement came after the last one of its transaction')
    expect(await namesOf(tenant)).toEqual(['committed agent', 'first agent', 'last agent'])
  })

  it('keeps nothing when a statement fails, the last one or one whose error is swallowed', async () => {
    const tenant = arc.tenant()
    await expect(
      write(tenant, async (transaction) => {
        await transaction.query(insert('first agent'))
        return transaction.queryLast(insert(''))
      }),
    ).rejects.toMatchObject({ code: '23514' })
    await expect(
      write(tenant, async (transaction) => {
        await transaction.query(insert('first agent'))
        await transaction.query(insert('')).catch(() => {})
      }),
    ).rejects.toThrow('the transaction ended with ROLLBACK instead of COMMIT')
    expect(await namesOf(tenant)).toEqual([])
  })

  it('does nothing as somebody else when its settings fail', async () => {
    const tenant = arc.tenant()
    const nobody = { ...viewerOf(tenant), role: 'no_such_role' as 'app_user' }
    const attempt = inTenantTransaction(pool, nobody, 'read write', (transaction) =>
      transaction.queryLast(insert('agent of nobody')),
    )
    await expect(attempt).rejects.toMatchObject({ code: '22023' })
    const actor = inTenantTransaction(
      pool,
      { ...viewerOf(tenant), actorId: 'nul \0 actor' },
      'read write',
      (transaction) => transaction.query(insert('agent of a nul')),
    )
    await expect(actor).rejects.toMatchObject({ code: '22021' })
    const { rows } = await arc.sql('admin', (client) =>
      client.query(`select name from configurations where name like 'agent of %'`),
    )
    expect(rows).toEqual([])
  })
})
