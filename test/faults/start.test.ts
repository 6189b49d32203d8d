import { connect, createServer } from 'node:net'
import pg from 'pg'
import { pino } from 'pino'
import { describe, expect, inject, it, vi } from 'vitest'
import { readConfig } from '../../src/config.ts'
import { migrate } from '../../src/db/admin/migrator.ts'
import { startServer } from '../../src/server.ts'
import { Arc, JWT_SECRET } from '../support/arc.ts'
import { cleanUp } from '../support/cleanUp.ts'
import { DatabaseProxy } from '../support/databaseProxy.ts'
import { emptyDatabase } from '../support/emptyDatabase.ts'
import { SOON } from '../support/soon.ts'
import { tieTogether } from '../support/tiedSockets.ts'

const WAITING = 'waiting for the database (ARC_START_SECONDS)'

/** Where nothing listens until somebody does. */
async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** The database, reached through this port from now on. */
async function openDatabaseAt(port: number): Promise<void> {
  const { host, port: databasePort } = new pg.Client({ connectionString: inject('databaseUrl') })
  const server = createServer((client) => {
    const upstream = connect({ host, port: databasePort })
    client.pipe(upstream)
    upstream.pipe(client)
    tieTogether(client, upstream, () => {})
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  cleanUp(async () => server.close())
}

describe.skipIf(inject('serverUrl') === null)('a server that starts before its database', () => {
  const logged: { msg: string; reason: string }[] = []
  const logger = pino({ level: 'warn' }, { write: (line: string) => logged.push(JSON.parse(line)) })
  const start = async (DATABASE_URL: string, seconds: number, more: NodeJS.ProcessEnv = {}) => {
    logged.length = 0
    const port = await freePort()
    const config = readConfig({
      PORT: String(port),
      DATABASE_URL,
      ARC_JWT_SECRET: JWT_SECRET,
      ARC_START_SECONDS: String(seconds),
      ...more,
    })
    const started = startServer(config, logger)
    started.catch(() => {})
    const statusOf = async (path: string) => (await fetch(`http://127.0.0.1:${port}${path}`)).status
    await vi.waitFor(async () => expect(await statusOf('/health')).toBe(200), SOON)
    return { started, statusOf }
  }

  it('says that it is alive and not ready, and serves when the database is there', async () => {
    const databasePort = await freePort()
    const url = new URL(inject('databaseUrl'))
    url.host = `127.0.0.1:${databasePort}`
    const { started, statusOf } = await start(url.toString(), 60)
    expect(await statusOf('/ready')).toBe(503)
    expect(await statusOf('/graphql')).toBe(503)
    await vi.waitFor(() => expect(logged.map(({ msg }) => msg)).toContain(WAITING), SOON)
    expect(logged[0]!.reason).toContain('ECONNREFUSED')
    await openDatabaseAt(databasePort)
    const server = await started
    try {
      expect([await statusOf('/ready'), await statusOf('/graphql')]).toEqual([200, 401])
    } finally {
      await server.close()
    }
  })

  it('gives up after its time', async () => {
    const { started } = await start(`postgresql://nobody@127.0.0.1:${await freePort()}/nothing`, 1)
    await expect(started).rejects.toThrow('Nothing listens at')
  })

  it('waits for migrations as well', async () => {
    const url = await emptyDatabase()
    const { started, statusOf } = await start(url, 60)
    await vi.waitFor(() => expect(logged[0]?.reason).toContain('Run "arc migrate" first'), SOON)
    expect(await statusOf('/ready')).toBe(503)
    await migrate(url)
    // It has looked again: this login is its owner's, which no server takes.
    await expect(started).rejects.toThrow('SUPERUSER')
  })

  it.each(['hasLedger', 'checkLogin'])(
    'looks again when the database lets it in and is silent (%s)',
    async (statement) => {
      const proxy = await DatabaseProxy.open(inject('databaseUrl'), inject('adminUrl'))
      cleanUp(() => proxy.close())
      const silent = proxy.hold(statement)
      const { started } = await start(proxy.url, 60, { ARC_DATABASE_SECONDS: '1', ARC_JOBS: 'off' })
      const { cut } = await silent
      await vi.waitFor(() => expect(logged.map(({ msg }) => msg)).toContain(WAITING), SOON)
      const server = await started
      cut()
      await server.close()
    },
  )

  it('does not wait for what does not come by itself', async () => {
    const url = new URL(inject('databaseUrl'))
    url.username = 'a login that nobody has'
    const config = readConfig({ PORT: '0', DATABASE_URL: url.toString(), ARC_JWT_SECRET: JWT_SECRET })
    const began = performance.now()
    await expect(startServer(config, logger)).rejects.toThrow(url.pathname)
    expect(performance.now() - began).toBeLessThan(30_000)
  })
})

describe('a server that stops', () => {
  it('breaks off what does not end in its time', async () => {
    const proxy = await DatabaseProxy.open(
      inject('databaseUrl'),
      inject('serverUrl') === null ? null : inject('adminUrl'),
    )
    cleanUp(() => proxy.close())
    const stopping = new Arc({ DATABASE_URL: proxy.url, ARC_STOP_SECONDS: '1', ARC_JOBS: 'off' })
    await stopping.start()
    const tenant = stopping.tenant()
    const holding = proxy.hold('upsertScenarios')
    const asked = tenant.scenarios('a').then(
      () => 'answered',
      () => 'broken off',
    )
    await holding
    await stopping.stop()
    expect(await asked).toBe('broken off')
    // Nobody was told that it is stored, and it is not.
    const { rowCount } = await stopping.sql('admin', (client) =>
      client.query('select from scenarios where user_id = $1', [tenant.tenantId]),
    )
    expect(rowCount).toBe(0)
  })
})
