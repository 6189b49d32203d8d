import { join } from 'node:path'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { makeServiceLogin } from '../../src/db/admin/login.ts'
import { migrate } from '../../src/db/admin/migrator.ts'
import { Arc, type Tenant } from '../support/arc.ts'
import { cleanUp } from '../support/cleanUp.ts'
import { DatabaseProxy } from '../support/databaseProxy.ts'
import { query } from '../support/emptyDatabase.ts'
import { hasPgBouncer, PgBouncer } from '../support/pgBouncer.ts'
import { hasPostgresServers, PostgresServer, ServerFolder } from '../support/postgresServer.ts'
import { SOON } from '../support/soon.ts'

const TEST_MS = 240_000

/** How PostgreSQL is told to wait for its standby before it answers a commit. */
type Waiting = 'on' | 'remote_apply' | 'not at all'

describe.skipIf(!hasPostgresServers)('a primary that dies', () => {
  if (!hasPostgresServers) return
  const folder = new ServerFolder()
  afterAll(() => folder.remove())
  let pairs = 0

  /** Two servers, the second a streaming standby of the first, and the database of an Arc on them. */
  async function pair(waiting: Waiting): Promise<{ primary: PostgresServer; standby: PostgresServer }> {
    const name = `pair${++pairs}`
    const primary = await PostgresServer.create(folder, name)
    cleanUp(async () => primary.kill())
    const adminUrl = await primary.database('arc')
    await migrate(adminUrl)
    await makeServiceLogin(adminUrl, 'arc_service', 'secret')
    primary.baseBackup(join(folder.path, `${name}-standby`), '-R', '--no-manifest')
    const standby = await PostgresServer.of(join(folder.path, `${name}-standby`))
    standby.start()
    cleanUp(async () => standby.kill())
    if (waiting !== 'not at all') {
      await query(primary.url('postgres'), `alter system set synchronous_standby_names = '*'`)
      await query(primary.url('postgres'), `alter system set synchronous_commit = '${waiting}'`)
      await query(primary.url('postgres'), 'select pg_reload_conf()')
    }
    const state = waiting === 'not at all' ? 'async' : 'sync'
    await vi.waitFor(
      async () =>
        expect(
          await query(primary.url('postgres'), 'select state, sync_state from pg_stat_replication'),
        ).toEqual([{ state: 'streaming', sync_state: state }]),
      SOON,
    )
    return { primary, standby }
  }

  /** Arc on an address that leads to the primary, and what makes it lead to the standby. */
  async function arcOn(
    primary: PostgresServer,
    standby: PostgresServer,
    by: 'an address that moves' | 'PgBouncer',
  ) {
    const to = (server: PostgresServer) => server.url('arc', 'arc_service')
    const address = await DatabaseProxy.open(to(primary), primary.url('arc'))
    cleanUp(() => address.close())
    const bouncer = by === 'PgBouncer' ? await PgBouncer.start(to(primary), 10) : undefined
    cleanUp(async () => bouncer?.stop())
    const arc = new Arc({
      DATABASE_URL: bouncer?.url ?? address.url,
      DATABASE_DIRECT_URL: address.url,
      // Jobs commit too, and would wait for the standby.
      ARC_JOBS: 'off',
    })
    await arc.start()
    cleanUp(() => arc.stop())
    const moveTo = (server: PostgresServer) => {
      address.leadTo(to(server))
      bouncer?.leadTo(to(server))
    }
    return { arc, fail: () => failOver(primary, standby, moveTo) }
  }

  function failOver(
    primary: PostgresServer,
    standby: PostgresServer,
    moveTo: (to: PostgresServer) => void,
  ): void {
    primary.kill()
    // Arc comes to a standby for a while: it asks nothing there.
    moveTo(standby)
    standby.promote()
  }

  const outcomes = (simulationId: string, first: number, count: number) =>
    Array.from({ length: count }, (_, index) => ({
      simulationId,
      scenarioId: 'a',
      repetition: first + index,
      status: 'SUCCESS',
    }))

  /** Sends a batch until it is answered for, as our client does. */
  async function recordUntilDone(
    tenant: Tenant,
    simulationId: string,
    first: number,
    count: number,
  ): Promise<void> {
    await vi.waitFor(async () => {
      const { data, errors } = await tenant.ask(
        'mutation ($outcomes: [OutcomeInput!]!) { recordOutcomes(input: { outcomes: $outcomes }) { receipts { status } errors { code } } }',
        { outcomes: outcomes(simulationId, first, count) },
      )
      expect(errors).toBeUndefined()
      for (const { status } of data.recordOutcomes.receipts) expect(['STORED', 'DUPLICATE']).toContain(status)
    }, SOON)
  }

  it.each<[waiting: Waiting, by: 'an address that moves' | 'PgBouncer']>([
    ['on', 'an address that moves'],
    ...(hasPgBouncer() ? [['remote_apply', 'PgBouncer'] as [Waiting, 'PgBouncer']] : []),
  ])(
    'with synchronous_commit = %s, behind %s, costs no outcome that was answered for, and doubles none',
    async (waiting, by) => {
      const { primary, standby } = await pair(waiting)
      const { arc, fail } = await arcOn(primary, standby, by)
      const tenant = arc.tenant()
      const simulationId = await tenant.simulation(['a'], { repetitions: 1_000 })
      let next = 1
      let failed = false
      const work = async () => {
        while (next <= 1_000) {
          const first = next
          next += 10
          if (next > 400 && !failed) {
            failed = true
            fail()
          }
          await recordUntilDone(tenant, simulationId, first, 10)
        }
      }
      await Promise.all([work(), work(), work(), work()])

      const { simulation } = await tenant.data(
        `{ simulation(simulationId: "${simulationId}") { completedScenarios outcomes { totalCount } } }`,
      )
      expect(simulation).toEqual({ completedScenarios: 1_000, outcomes: { totalCount: 1_000 } })
      await vi.waitFor(
        async () =>
          expect(await tenant.data('{ health { listening } }')).toEqual({ health: { listening: true } }),
        SOON,
      )
    },
    TEST_MS,
  )

  it(
    'keeps nothing that had not left for the standby, where commits do not wait for it',
    async () => {
      const { primary, standby } = await pair('not at all')
      const { arc, fail } = await arcOn(primary, standby, 'an address that moves')
      const tenant = arc.tenant()
      const simulationId = await tenant.simulation(['a'], { repetitions: 100 })
      await recordUntilDone(tenant, simulationId, 1, 50)
      await caughtUp(primary)
      await stopSending(primary)
      expect((await tenant.record(outcomes(simulationId, 51, 50))).storedCount).toBe(50)
      fail()
      const counted = '{ outcomes { totalCount } }'
      const count = await vi.waitFor(() => tenant.data(counted), SOON)
      expect(count).toEqual({ outcomes: { totalCount: 50 } })
    },
    TEST_MS,
  )

  it(
    'has answered for nothing that had not left for the standby, where commits wait for it',
    async () => {
      const { primary, standby } = await pair('on')
      const { arc, fail } = await arcOn(primary, standby, 'an address that moves')
      const tenant = arc.tenant()
      const simulationId = await tenant.simulation(['a'], { repetitions: 100 })
      await recordUntilDone(tenant, simulationId, 1, 50)
      await stopSending(primary)
      const answer = tenant.ask(
        'mutation ($outcomes: [OutcomeInput!]!) { recordOutcomes(input: { outcomes: $outcomes }) { receipts { status } } }',
        { outcomes: outcomes(simulationId, 51, 50) },
      )
      await vi.waitFor(
        async () =>
          expect(
            await query(primary.url('postgres'), `select from pg_stat_activity where wait_event = 'SyncRep'`),
          ).toHaveLength(1),
        SOON,
      )
      fail()
      // It is done again where the standby is there in time.
      const { errors } = await answer
      if (errors) expect(errors[0]!.extensions.code).toBe('UNAVAILABLE')
      await recordUntilDone(tenant, simulationId, 51, 50)
      expect(await tenant.data('{ outcomes { totalCount } }')).toEqual({ outcomes: { totalCount: 100 } })
    },
    TEST_MS,
  )
})

async function caughtUp(primary: PostgresServer): Promise<void> {
  await vi.waitFor(
    async () =>
      expect(
        await query(
          primary.url('postgres'),
          'select replay_lsn = pg_current_wal_lsn() as caught_up from pg_stat_replication',
        ),
      ).toEqual([{ caught_up: true }]),
    SOON,
  )
}

/** The network to the standby stands still: what was not sent until now never is. */
async function stopSending(primary: PostgresServer): Promise<void> {
  const senders = await query<{ pid: number }>(primary.url('postgres'), 'select pid from pg_stat_replication')
  for (const { pid } of senders) process.kill(pid, 'SIGSTOP')
}
