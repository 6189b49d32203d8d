import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { callableTableFunctions, makeServiceLogin } from '../../src/db/admin/login.ts'
import { migrate } from '../../src/db/admin/migrator.ts'
import { Arc } from '../support/arc.ts'
import { cleanUp } from '../support/cleanUp.ts'
import { databaseContents, packOldChunks } from '../support/databaseContents.ts'
import { on, query } from '../support/emptyDatabase.ts'
import { hasPostgresServers, PostgresServer, run, ServerFolder } from '../support/postgresServer.ts'
import { seedTenant } from '../support/tenantRows.ts'

const DAY_MS = 24 * 3_600_000
const PACKED = `select hypertable_name, count(*)::int as chunks from timescaledb_information.chunks where is_compressed group by 1 order by 1`

describe.skipIf(!hasPostgresServers)('pg_dump', () => {
  if (!hasPostgresServers) return
  const folder = new ServerFolder()
  afterAll(() => folder.remove())

  async function server(name: string): Promise<PostgresServer> {
    const made = await PostgresServer.create(folder, name)
    cleanUp(async () => made.kill())
    return made
  }

  it('and pg_dumpall bring roles, rights and every row to another server, packed chunks too', async () => {
    const source = await server('source')
    const sourceUrl = await source.database('arc')
    await migrate(sourceUrl)
    await makeServiceLogin(sourceUrl, 'arc_service', 'secret')
    const arc = new Arc({ DATABASE_URL: source.url('arc', 'arc_service') })
    await arc.start()
    cleanUp(() => arc.stop())
    const { tenant } = await seedTenant(arc)
    const simulationId = await tenant.simulation(['a'], { repetitions: 200 })
    const { storedCount } = await tenant.record(
      Array.from({ length: 200 }, (_, index) => ({
        simulationId,
        scenarioId: 'a',
        repetition: index + 1,
        status: 'SUCCESS',
        executionTime: new Date(Date.now() - (index % 60) * DAY_MS).toISOString(),
      })),
    )
    expect(storedCount).toBe(200)
    const counted = '{ outcomes { totalCount } configVersions { totalCount } auditLog { totalCount } }'
    const answer = await tenant.data(counted)
    await arc.stop()
    await packOldChunks(sourceUrl)
    const packed = (await source.offersTimescale()) && (await query(sourceUrl, PACKED))
    const wanted = await databaseContents(sourceUrl)

    const [globals, dump, list] = ['globals.sql', 'arc.dump', 'database.list'].map((name) =>
      join(folder.path, name),
    ) as [string, string, string]
    run('pg_dumpall', ['-d', source.url('postgres'), '--globals-only', '-f', globals])
    run('pg_dump', ['-d', sourceUrl, '-Fc', '-f', dump])

    const target = await server('target')
    // The superuser is there already: the rest goes through.
    run('psql', ['-q', '-d', target.url('postgres'), '-f', globals])
    // Who may connect and make temporary tables is said of the database, which only --create restores.
    const ofTheDatabase = run('pg_restore', ['-l', '--create', dump])
      .split('\n')
      .filter((line) => / (ACL - )?DATABASE /.test(line))
    writeFileSync(list, ofTheDatabase.join('\n'))
    run('pg_restore', ['-d', target.url('postgres'), '--create', '-L', list, '--exit-on-error', dump])
    const targetUrl = target.url('arc')
    const timescale = await target.offersTimescale()
    if (timescale) await query(targetUrl, 'create extension timescaledb; select timescaledb_pre_restore()')
    run('pg_restore', ['-d', targetUrl, '--exit-on-error', dump])
    if (timescale) await query(targetUrl, 'select timescaledb_post_restore()')
    expect(await databaseContents(targetUrl)).toEqual(wanted)
    if (timescale) {
      expect(await query(targetUrl, PACKED)).toEqual(packed)
      // The extension's own rights, which a migration narrowed, come with the dump as well.
      expect(await on(targetUrl, callableTableFunctions)).toEqual([])
    }

    const again = new Arc({ DATABASE_URL: target.url('arc', 'arc_service') })
    await again.start()
    cleanUp(() => again.stop())
    const { data } = await again.post({ query: counted }, await tenant.token())
    expect(data).toEqual(answer)
    console.log(
      `Dumped and restored: ${wanted.length} tables equal, packed chunks: ${JSON.stringify(packed)}.`,
    )
  }, 240_000)
})
