import { join } from 'node:path'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { makeServiceLogin } from '../../src/db/admin/login.ts'
import { migrate } from '../../src/db/admin/migrator.ts'
import { Arc, type Tenant } from '../support/arc.ts'
import { query } from '../support/emptyDatabase.ts'
import { hasPostgresServers, PostgresServer, ServerFolder } from '../support/postgresServer.ts'
import { watchStatements } from '../support/recordedStatements.ts'
import { SOON } from '../support/soon.ts'

const SCENARIOS = '{ scenarios { nodes { scenarioId } } }'

describe.skipIf(!hasPostgresServers)('a replica', async () => {
  if (!hasPostgresServers) return
  const folder = new ServerFolder()
  afterAll(() => folder.remove())
  const primary = await PostgresServer.create(folder, 'primary')
  afterAll(() => primary.kill())
  const adminUrl = await primary.database('arc')
  await migrate(adminUrl)
  await makeServiceLogin(adminUrl, 'arc_service', 'secret')
  primary.baseBackup(join(folder.path, 'standby'), '-R', '--no-manifest')
  const standby = await PostgresServer.of(join(folder.path, 'standby'))
  standby.start()
  afterAll(() => standby.kill())
  const arc = new Arc({
    DATABASE_URL: primary.url('arc', 'arc_service'),
    DATABASE_REPLICA_URL: standby.url('arc', 'arc_service'),
    ARC_REPLICA_LAG_SECONDS: '3',
  })
  await arc.start()
  afterAll(() => arc.stop())

  /** What an operation answers, and by which servers. */
  async function asked(tenant: Tenant, operation: string, variables = {}) {
    const ports = new Set<number>()
    let data: any
    await watchStatements(
      async () => {
        data = await tenant.data(operation, variables)
      },
      (client) => {
        ports.add(client.port)
        return undefined
      },
    )
    return { data, servers: [...ports].map((port) => (port === standby.port ? 'replica' : 'primary')) }
  }

  const isAskedAt = (server: 'replica' | 'primary', tenant: Tenant) =>
    vi.waitFor(async () => expect((await asked(tenant, SCENARIOS)).servers).toEqual([server]), SOON)

  const idsIn = ({ data }: { data: any }) =>
    data.scenarios.nodes.map(({ scenarioId }: { scenarioId: string }) => scenarioId)

  it('answers queries, of resolvers too, and nothing else', async () => {
    const tenant = arc.tenant()
    await isAskedAt('replica', tenant)
    const mixed = '{ viewer { tenantId } scenarios { nodes { scenarioId } } apiKeys { totalCount } }'
    expect((await asked(tenant, mixed)).servers).toEqual(['replica'])
    const simulationId = await tenant.simulation(['a'])
    await isAskedAt('replica', tenant)
    const cancelled = await asked(
      tenant,
      `mutation ($id: UUID!) {
        cancelSimulation(input: { simulationId: $id }) { simulation { status runs { totalCount } } }
      }`,
      { id: simulationId },
    )
    expect(cancelled.servers).toEqual(['primary'])
    expect(cancelled.data.cancelSimulation.simulation.status).toBe('CANCELLED')
  })

  it('answers nobody who wrote what it does not have yet', async () => {
    const [writer, other] = [arc.tenant(), arc.tenant()]
    await isAskedAt('replica', writer)
    await query(standby.url('arc'), 'select pg_wal_replay_pause()')
    try {
      await writer.scenarios('a')
      const read = await asked(writer, SCENARIOS)
      expect([read.servers, idsIn(read)]).toEqual([['primary'], ['a']])
      expect((await asked(other, SCENARIOS)).servers).toEqual(['replica'])
      // Three seconds behind it is nobody's any more.
      await isAskedAt('primary', other)
    } finally {
      await query(standby.url('arc'), 'select pg_wal_replay_resume()')
    }
    await isAskedAt('replica', writer)
    expect(idsIn(await asked(writer, SCENARIOS))).toEqual(['a'])
  })

  it('that goes away costs nobody an answer', async () => {
    const tenant = arc.tenant()
    await tenant.scenarios('a')
    await isAskedAt('replica', tenant)
    standby.stop()
    for (let time = 0; time < 10; time++) expect(idsIn(await asked(tenant, SCENARIOS))).toEqual(['a'])
    standby.start()
    await isAskedAt('replica', tenant)
  })
})
