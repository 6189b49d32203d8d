import { afterAll, describe, expect, inject, it } from 'vitest'
import { callableTableFunctions, makeServiceLogin } from '../../src/db/admin/login.ts'
import { migrate } from '../../src/db/admin/migrator.ts'
import { Arc } from '../support/arc.ts'
import { cleanUp } from '../support/cleanUp.ts'
import { databaseContents, packOldChunks } from '../support/databaseContents.ts'
import { on, query } from '../support/emptyDatabase.ts'
import { hasPostgresServers, PostgresServer, ServerFolder } from '../support/postgresServer.ts'
import { seedTenant } from '../support/tenantRows.ts'

describe.skipIf(!hasPostgresServers)('an update of TimescaleDB', () => {
  if (!hasPostgresServers) return
  const folder = new ServerFolder()
  afterAll(() => folder.remove())

  it('leaves every row as it was, and Arc serves on', async ({ skip }) => {
    const server = await PostgresServer.create(folder, 'updated')
    cleanUp(async () => server.kill())
    const [older, newest] = await versions(server)
    if (newest === undefined) skip('POSTGRES_BIN has one version of TimescaleDB, or none')
    await query(server.url('postgres'), 'create database arc')
    const adminUrl = server.url('arc')
    await query(adminUrl, `create extension timescaledb version '${older}'`)
    await migrate(adminUrl)
    await makeServiceLogin(adminUrl, 'arc_service', 'secret')
    const arc = new Arc({ DATABASE_URL: server.url('arc', 'arc_service') })
    await arc.start()
    const { tenant } = await seedTenant(arc)
    const counted = '{ outcomes { totalCount nodes { outcomeId executionTime status trajectory } } }'
    const before = await tenant.data(counted)
    await arc.stop()
    const wanted = await databaseContents(adminUrl)

    // The first statement of its session: whatever else comes first would load the old library.
    await query(adminUrl, 'alter extension timescaledb update')
    expect(await versionOf(adminUrl)).toBe(newest)
    expect(await databaseContents(adminUrl)).toEqual(wanted)
    // The new version's functions are everybody's until the next `arc migrate`.
    expect(await on(adminUrl, callableTableFunctions)).not.toEqual([])
    expect((await migrate(adminUrl)).applied).toEqual([])
    expect(await on(adminUrl, callableTableFunctions)).toEqual([])
    const packed = await packOldChunks(adminUrl)

    await arc.start()
    cleanUp(() => arc.stop())
    expect(await tenant.data(counted)).toEqual(before)
    const { health } = await tenant.data('{ health { status engine } }')
    console.log(
      `TimescaleDB ${older} → ${newest}: engine ${health.engine}, ${packed} chunks packed after it.`,
    )
    expect(health.status).toBe('HEALTHY')
  }, 120_000)
})

it.skipIf(inject('serverUrl') === null)(
  'nothing of Arc depends on views that an update makes anew',
  async () => {
    const dependent = await query(
      inject('adminUrl'),
      `select pg_describe_object(d.classid, d.objid, 0) as what
    from pg_depend d
    join pg_class c on d.refclassid = 'pg_class'::regclass and c.oid = d.refobjid
    left join pg_rewrite r on d.classid = 'pg_rewrite'::regclass and r.oid = d.objid
    where c.relnamespace = to_regnamespace('timescaledb_information') and c.relkind = 'v'
      and d.classid in ('pg_proc'::regclass, 'pg_rewrite'::regclass) and r.ev_class is distinct from c.oid
      and not exists (
        select from pg_depend member
        where member.deptype = 'e' and member.objid = coalesce(r.ev_class, d.objid)
          and member.classid = case when r.oid is null then d.classid else 'pg_class'::regclass end)`,
    )
    expect(dependent).toEqual([])
  },
)

/** The oldest that can be made from nothing, and the newest. */
async function versions(server: PostgresServer): Promise<[older?: string, newest?: string]> {
  if (!(await server.offersTimescale())) return []
  const rows = await query<{ version: string }>(
    server.url('postgres'),
    `select version from pg_available_extension_versions where name = 'timescaledb' order by string_to_array(version, '.')::int[]`,
  )
  return rows.length > 1 ? [rows[0]!.version, rows.at(-1)!.version] : []
}

async function versionOf(url: string): Promise<string> {
  const [row] = await query<{ version: string }>(
    url,
    `select extversion as version from pg_extension where extname = 'timescaledb'`,
  )
  return row!.version
}
