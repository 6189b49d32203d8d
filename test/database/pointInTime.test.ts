import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { makeServiceLogin } from '../../src/db/admin/login.ts'
import { migrate } from '../../src/db/admin/migrator.ts'
import { Arc } from '../support/arc.ts'
import { cleanUp } from '../support/cleanUp.ts'
import { databaseContents, packOldChunks } from '../support/databaseContents.ts'
import { query } from '../support/emptyDatabase.ts'
import { hasPostgresServers, PostgresServer, ServerFolder } from '../support/postgresServer.ts'
import { SOON } from '../support/soon.ts'

const DAY_MS = 24 * 3_600_000

describe.skipIf(!hasPostgresServers)('a base backup and the archive of its WAL', () => {
  if (!hasPostgresServers) return
  const folder = new ServerFolder()
  afterAll(() => folder.remove())

  it('bring back a moment between two writes, with all that was stored until then and nothing later', async () => {
    const archive = folder.make('archive')
    const server = await PostgresServer.create(
      folder,
      'primary',
      `archive_mode = on
archive_command = 'test ! -f ${archive}/%f && cp %p ${archive}/%f'`,
    )
    cleanUp(async () => server.kill())
    const adminUrl = await server.database('arc')
    await migrate(adminUrl)
    await makeServiceLogin(adminUrl, 'arc_service', 'secret')
    const arc = new Arc({ DATABASE_URL: server.url('arc', 'arc_service') })
    await arc.start()
    cleanUp(() => arc.stop())
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a'], { repetitions: 400 })
    let repetition = 0
    /** A hundred outcomes of the last two months. */
    const record = async () => {
      const { storedCount } = await tenant.record(
        Array.from({ length: 100 }, (_, index) => ({
          simulationId,
          scenarioId: 'a',
          repetition: ++repetition,
          status: index % 10 ? 'SUCCESS' : 'ERROR',
          executionTime: new Date(Date.now() - (index % 60) * DAY_MS).toISOString(),
          trajectory: { start_time: '2026-01-01T00:00:00Z', status: 'completed', steps: [index, repetition] },
        })),
      )
      expect(storedCount).toBe(100)
    }

    await record()
    const packedBefore = await packOldChunks(adminUrl)
    server.baseBackup(join(folder.path, 'backup'), '-X', 'none', '--no-manifest')
    // What comes after the backup, packed again too, is in the archive only.
    await record()
    await packOldChunks(adminUrl)
    await record()
    const wanted = await databaseContents(adminUrl)
    const [{ moment }] = (await query<{ moment: string }>(
      adminUrl,
      'select clock_timestamp()::text as moment',
    )) as [{ moment: string }]
    await record()
    await query(adminUrl, 'truncate simulations cascade')

    // The last segment is archived when it is full, or told to be.
    const [{ last }] = (await query<{ last: string }>(
      adminUrl,
      'select pg_walfile_name(pg_switch_wal()) as last',
    )) as [{ last: string }]
    await vi.waitFor(() => expect(readdirSync(archive)).toContain(last), SOON)
    await arc.stop()
    server.kill()

    const restored = await PostgresServer.of(join(folder.path, 'backup'))
    cleanUp(async () => restored.kill())
    mkdirSync(join(restored.data, 'pg_wal', 'archive_status'), { recursive: true })
    restored.set(`restore_command = 'cp ${archive}/%f %p'
recovery_target_time = '${moment}'
recovery_target_action = promote
archive_mode = off`)
    restored.write('recovery.signal', '')
    restored.start()
    const restoredUrl = restored.url('arc')
    await vi.waitFor(
      async () =>
        expect(await query(restoredUrl, 'select pg_is_in_recovery() as standby')).toEqual([
          { standby: false },
        ]),
      SOON,
    )
    expect(await databaseContents(restoredUrl)).toEqual(wanted)

    const again = new Arc({ DATABASE_URL: restored.url('arc', 'arc_service') })
    await again.start()
    cleanUp(() => again.stop())
    const token = await tenant.token()
    const ask = (text: string) => again.post({ query: text }, token)
    const counted = `{ outcomes { totalCount } simulation(simulationId: "${simulationId}") { failedScenarios } }`
    expect((await ask(counted)).data).toEqual({
      outcomes: { totalCount: 300 },
      simulation: { failedScenarios: 30 },
    })
    const resent = (at: number) =>
      ask(`mutation { recordOutcomes(input: { outcomes: [{ simulationId: "${simulationId}", scenarioId: "a",
        repetition: ${at}, status: SUCCESS }] }) { receipts { status } } }`)
    expect((await resent(400)).data.recordOutcomes.receipts).toEqual([{ status: 'STORED' }])
    console.log(
      `Restored to ${moment}: 300 of 400 outcomes, ${packedBefore} chunks packed before the backup, ${wanted.length} tables equal.`,
    )
  }, 240_000)
})
