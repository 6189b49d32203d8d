import { afterAll, expect, inject, it } from 'vitest'
import { Arc } from '../support/arc.ts'
import { DatabaseProxy } from '../support/databaseProxy.ts'

/** A database that says of itself what the table has: PostgreSQL looks into this schema first. */
const FAKE = `
  create schema failover;
  create table failover.state as select false as is_standby;
  create function failover.pg_is_in_recovery() returns boolean language sql as 'select is_standby from failover.state';
  grant usage on schema failover to public;
  grant select on failover.state to public;`

const proxy = await DatabaseProxy.open(
  inject('databaseUrl'),
  inject('serverUrl') === null ? null : inject('adminUrl'),
)
afterAll(() => proxy.close())
const url = new URL(proxy.url)
url.searchParams.set('options', '-c search_path=failover,pg_catalog,public')
const arc = new Arc({ DATABASE_URL: url.toString() })
const admin = (text: string) => arc.sql('admin', (client) => client.query(text))

it.skipIf(arc.onPGlite)('while its address leads to a standby nothing is asked there', async () => {
  await admin(FAKE)
  await arc.start()
  try {
    const tenant = arc.tenant()
    await tenant.scenarios('a')
    const everything = () =>
      Promise.all([
        tenant.ask('{ scenarios { totalCount } }'),
        tenant.ask('{ scenarios { totalCount } viewer { tenantId } }'),
        tenant.ask(
          'mutation { upsertScenarios(input: { scenarios: [{ scenarioId: "a", taskPrompt: "Do it." }] }) { errors { code } } }',
        ),
      ])
    await admin('update failover.state set is_standby = true')
    await proxy.killPool()
    for (const { status, errors } of await everything())
      expect([status, errors?.[0]?.extensions.code]).toEqual([503, 'UNAVAILABLE'])
    await admin('update failover.state set is_standby = false')
    for (const { errors } of await everything()) expect(errors).toBeUndefined()
  } finally {
    await arc.stop()
    await admin('drop schema failover cascade')
  }
})
