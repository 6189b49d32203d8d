import { afterAll, describe, expect, it } from 'vitest'
import { makeServiceLogin } from '../../src/db/admin/login.ts'
import { migrate } from '../../src/db/admin/migrator.ts'
import { Arc } from '../support/arc.ts'
import { cleanUp } from '../support/cleanUp.ts'
import { query } from '../support/emptyDatabase.ts'
import { hasPostgresServers, PostgresServer, ServerFolder } from '../support/postgresServer.ts'
import { hasOpenSsl, selfSigned } from '../support/tlsInFront.ts'

const canRun = hasPostgresServers && hasOpenSsl

/** As clouds set theirs up: TLS only, passwords by SCRAM, and no superuser for whoever rents it. */
describe.skipIf(!canRun)('a server where nobody is superuser', () => {
  if (!canRun) return
  const folder = new ServerFolder()
  afterAll(() => folder.remove())

  it('is migrated by a login with CREATEROLE that owns the database, and serves over TLS alone', async () => {
    const certificate = selfSigned()
    cleanUp(async () => certificate.remove())
    const server = await PostgresServer.create(folder, 'managed')
    cleanUp(async () => server.kill())
    // What the cloud does.
    await query(
      server.url('postgres'),
      `create role renter login createrole createdb password 'secret of the renter'`,
    )
    await query(server.url('postgres'), 'create database arc owner renter')
    if (await server.offersTimescale()) await query(server.url('arc'), 'create extension timescaledb')
    await query(server.url('arc'), 'create extension vector')
    server.write('server.key', certificate.key)
    server.write('server.crt', certificate.cert)
    server.write('pg_hba.conf', 'hostssl all all 127.0.0.1/32 scram-sha-256\n')
    server.set('ssl = on')
    server.stop()
    server.start()

    const url = (login: string, password: string, mode: string) => {
      const by = new URL(server.url('arc', login))
      by.hostname = 'localhost'
      by.password = encodeURIComponent(password)
      by.search = new URLSearchParams({ sslmode: mode, sslrootcert: certificate.file }).toString()
      return by.toString()
    }
    const adminUrl = url('renter', 'secret of the renter', 'verify-full')
    await migrate(adminUrl)
    await makeServiceLogin(adminUrl, 'arc_service', 'secret of the service')
    const serve = async (password: string, mode: string) => {
      const arc = new Arc({ DATABASE_URL: url('arc_service', password, mode) })
      await arc.start()
      cleanUp(() => arc.stop())
      return arc
    }
    await expect(serve('secret of the service', 'disable')).rejects.toThrow('does not let this login in')
    await expect(serve('wrong', 'verify-full')).rejects.toThrow('does not accept the password')

    const arc = await serve('secret of the service', 'verify-full')
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a'])
    expect((await tenant.record([{ simulationId, scenarioId: 'a', status: 'SUCCESS' }])).storedCount).toBe(1)
    expect(
      await query(
        url('arc_service', 'secret of the service', 'verify-full'),
        `select distinct s.ssl, s.version from pg_stat_ssl s join pg_stat_activity using (pid) where usename = current_user`,
      ),
    ).toEqual([{ ssl: true, version: 'TLSv1.3' }])
  }, 120_000)
})
