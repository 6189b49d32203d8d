import { describe, expect, it, vi } from 'vitest'
import { Arc, useArc } from '../support/arc.ts'
import { DatabaseProxy } from '../support/databaseProxy.ts'
import { holdTimers } from '../support/heldTimers.ts'

const arc = useArc()

describe('health', () => {
  it('tells what the database is', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a'])
    await tenant.record([{ simulationId, scenarioId: 'a', status: 'SUCCESS' }])
    const { health } = await tenant.data(
      `{ health {
        status engine serverVersion extensions { name version } hypertables { name chunks } outcomeParts listening
        responseTimeMs
      } }`,
    )
    const { rows } = await arc.sql('admin', (client) =>
      client.query('select extname as name, extversion as version from pg_extension order by 1'),
    )
    expect(health).toMatchObject({ status: 'HEALTHY', listening: true, extensions: rows })
    expect(health.serverVersion).toMatch(/^1[5-9]/)
    expect(health.outcomeParts).toBeGreaterThan(0)
    expect(health.responseTimeMs).toBeGreaterThan(0)
    const onTimescale = rows.some(({ name }) => name === 'timescaledb')
    const { rows: settings } = await arc.sql('admin', (client) =>
      client.query(`select current_setting('timescaledb.license', true) as license`),
    )
    expect(health.engine).toBe(
      onTimescale ? (settings[0].license === 'timescale' ? 'TIMESCALE' : 'APACHE') : 'PLAIN',
    )
    expect(health.hypertables).toEqual(
      onTimescale ? [{ name: 'store.outcomes', chunks: health.outcomeParts }] : [],
    )
  })

  it('tells how the jobs are', async () => {
    const tenant = arc.tenant()
    const jobs = async () => {
      const { health } = await tenant.data(
        '{ health { jobs { name isRunning dueAt startedAt endedAt runs failures lastErrorAt } } }',
      )
      return health.jobs.filter(({ name }: { name: string }) => !name.startsWith('test_'))
    }
    await vi.waitFor(
      async () => {
        for (const job of await jobs())
          expect(job).toMatchObject({ isRunning: false, endedAt: expect.any(String) })
      },
      { timeout: 20_000 },
    )
    const [expiry, silence, preparation] = await jobs()
    expect(expiry).toMatchObject({ name: 'expire_outcomes', failures: 0, lastErrorAt: null })
    expect(silence.name).toBe('fail_silent_simulations')
    expect(preparation.name).toBe('prepare_outcome_storage')
    expect(expiry.runs).toBeGreaterThan(0)
    expect(Date.parse(expiry.endedAt)).toBeGreaterThanOrEqual(Date.parse(expiry.startedAt))
    expect(Date.parse(expiry.dueAt) - Date.parse(expiry.endedAt)).toBe(24 * 3_600_000)
  })
})

describe('DATABASE_DIRECT_URL', () => {
  it('is where LISTEN goes, and nothing else', async () => {
    const elsewhere = new Arc({ DATABASE_DIRECT_URL: 'postgresql://nobody@127.0.0.1:1/nothing' })
    await elsewhere.start()
    try {
      const tenant = elsewhere.tenant()
      await tenant.simulation(['a'])
      expect(await tenant.data('{ health { status listening } }')).toEqual({
        health: { status: 'DEGRADED', listening: false },
      })
    } finally {
      await elsewhere.stop()
    }
  })
})

describe('while the database is away', () => {
  it('the server lives, is not ready, and says so in its health', async () => {
    const proxy = await DatabaseProxy.open(arc.databaseUrl, null)
    const cutOff = new Arc({ DATABASE_URL: proxy.url })
    await cutOff.start()
    try {
      const tenant = cutOff.tenant()
      const get = async (path: string) => {
        const response = await fetch(new URL(path, cutOff.url))
        const { headers, status } = response
        return { status, retryAfter: headers.get('retry-after'), body: await response.json() }
      }
      expect(await get('/ready')).toEqual({ status: 200, retryAfter: null, body: { status: 'ready' } })
      await proxy.close()
      expect(await get('/ready')).toEqual({
        status: 503,
        retryAfter: '2',
        body: { errors: [{ message: 'The database does not answer.', extensions: { code: 'UNAVAILABLE' } }] },
      })
      expect(await get('/health')).toEqual({ status: 200, retryAfter: null, body: { status: 'ok' } })
      const { health } = await tenant.data(
        `{ health {
          status listening engine serverVersion extensions { name } hypertables { name } outcomeParts jobs { name }
          responseTimeMs poolStats { capacity inUse waiting }
        } }`,
      )
      expect(health).toEqual({
        status: 'UNAVAILABLE',
        listening: false,
        engine: null,
        serverVersion: null,
        extensions: null,
        hypertables: null,
        outcomeParts: null,
        jobs: null,
        responseTimeMs: null,
        poolStats: { capacity: 14, inUse: 0, waiting: 0 },
      })
      const { status, headers } = await tenant.ask('{ scenarios { totalCount } }')
      expect([status, headers.get('retry-after')]).toEqual([503, '2'])
    } finally {
      await cutOff.stop()
    }
  })

  it('a check is over after five seconds, however long the database takes', async () => {
    const proxy = await DatabaseProxy.open(arc.databaseUrl, null)
    const slow = new Arc({ DATABASE_URL: proxy.url })
    await slow.start()
    const timers = holdTimers('health.ts')
    try {
      const holding = proxy.hold('/* ping */')
      const asking = fetch(new URL('/ready', slow.url))
      const held = await holding
      const patience = await timers.next()
      expect(patience.ms).toBe(5_000)
      patience.fire()
      expect((await asking).status).toBe(503)
      held.forward()
    } finally {
      await slow.stop()
      await proxy.close()
    }
  })
})
