import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { pino } from 'pino'
import sql from 'sql-template-tag'
import { afterAll, describe, expect, inject, it } from 'vitest'
import { createPool } from '../../src/db/pool.ts'
import { ReadBudget } from '../../src/db/readBudget.ts'
import { StatementNames } from '../../src/db/statementNames.ts'
import { readTogether } from '../../src/db/tenantTransaction.ts'
import type { Viewer } from '../../src/viewer.ts'

const viewer: Viewer = {
  tenantId: randomUUID(),
  actorId: 'somebody',
  role: 'app_user',
  clientIp: undefined,
  userAgent: undefined,
  expiresAtMs: undefined,
}
const budget = () => new ReadBudget({ bytes: 1_000_000, memory: 1_000_000 }, () => {})
const ANSWER = sql`/* answer */ select concat(${'x'}::text, pg_backend_pid(), ' ', current_setting('TimeZone')) as answer`

// The embedded database has one session for all.
describe.skipIf(inject('serverUrl') === null)('a connection that prepares statements', () => {
  const pool = createPool({
    connectionString: inject('databaseUrl'),
    max: 1,
    logger: pino({ level: 'silent' }),
  })
  afterAll(() => pool.end())
  const names = new StatementNames()
  const read = async () => {
    const statement = { text: ANSWER.text, values: ANSWER.values, isGeneral: true }
    const [answer] = await readTogether(pool, viewer, budget(), [statement], names)
    const [session, zone] = String(answer).split(' ')
    return { session, zone }
  }
  const onIt = async (text: string) => {
    const client = await pool.connect()
    const { rows } = await client.query(text)
    client.release()
    return rows
  }

  it('has the settings of its session from the first statement on', async () => {
    const first = await read()
    expect(first.zone).toBe('UTC')
    for (let time = 0; time < 3; time++) expect(await read()).toEqual(first)
    expect(await onIt('select from pg_prepared_statements')).toHaveLength(2)
    expect(await onIt('show IntervalStyle')).toEqual([{ IntervalStyle: 'postgres' }])
  })

  it.each([
    ['1MB', '16MB'],
    ['64MB', '64MB'],
  ])('sorts in memory, where the database gives %s with %s', async (given, taken) => {
    const url = new URL(inject('databaseUrl'))
    url.searchParams.set('options', `-c work_mem=${given}`)
    const other = createPool({ connectionString: url.toString(), max: 1, logger: pino({ level: 'silent' }) })
    const memory = sql`/* memory */ select current_setting('work_mem')`
    const ownNames = new StatementNames()
    try {
      // In a transaction, then in a session that is kept.
      for (const known of [undefined, ownNames, ownNames]) {
        expect(await readTogether(other, viewer, budget(), [memory], known)).toEqual([taken])
      }
    } finally {
      await other.end()
    }
  })

  it('may take as long for all statements together as for one', async () => {
    const work = sql`/* work */ select count(*)::text from generate_series(1, 10000)`
    const left = sql`/* left */ select setting from pg_settings where name = 'statement_timeout'`
    for (const known of [undefined, names]) {
      const [all, , less, , least] = await readTogether(
        pool,
        viewer,
        budget(),
        [left, work, left, work, left],
        known,
      )
      expect(Number(all)).toBe(60_000)
      expect(Number(less)).toBeLessThan(Number(all))
      expect(Number(least)).toBeLessThan(Number(less))
    }
  })

  it('is replaced when it has lost what it prepared', async () => {
    const { session } = await read()
    await onIt('discard all')
    await expect(read()).rejects.toMatchObject({ code: '26000' })
    const next = await read()
    expect(next.zone).toBe('UTC')
    expect(next.session).not.toBe(session)
  })

  it('is replaced when it has come to another session, and nothing is read there', async () => {
    for (let time = 0; time < 3; time++) await read()
    const client = await pool.connect()
    // As if a pooler had lent it the one that it was told of.
    Object.assign(client, { processID: 1 })
    client.release()
    await expect(read()).rejects.toMatchObject({ code: '22012' })
    expect((await read()).zone).toBe('UTC')
  })

  it('that the database ends is nobody else’s any more', async () => {
    for (let time = 0; time < 3; time++) await read()
    const admin = new pg.Client({ connectionString: inject('adminUrl') })
    await admin.connect()
    try {
      const {
        rows: [lock],
      } = await admin.query('select pg_advisory_lock(pg_backend_pid()), pg_backend_pid() as key')
      const waiting = sql`/* waiting */ select pg_advisory_xact_lock(${lock.key}::int)::text`
      const ended = expect(readTogether(pool, viewer, budget(), [waiting], names)).rejects.toMatchObject({
        code: '57P01',
      })
      const next = read()
      let ends: unknown[] = []
      while (ends.length === 0) {
        const blocked = `select pg_terminate_backend(pid) from pg_stat_activity where pg_backend_pid() = any (pg_blocking_pids(pid))`
        ends = (await admin.query(blocked)).rows
      }
      await ended
      expect((await next).zone).toBe('UTC')
    } finally {
      await admin.end()
    }
  })
})
