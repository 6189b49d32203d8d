import { describe, expect, it, vi } from 'vitest'
import { migrate } from '../../src/db/admin/migrator.ts'
import { EVALUATE_ALERT_RULES } from '../../src/jobs/alerts.ts'
import { FAIL_SILENT_SIMULATIONS } from '../../src/jobs/silentSimulations.ts'
import { STORAGE_UPKEEP } from '../../src/jobs/storageUpkeep.ts'
import { Arc, useArc } from '../support/arc.ts'
import { cleanUp } from '../support/cleanUp.ts'
import { DatabaseProxy } from '../support/databaseProxy.ts'
import { emptyDatabase, makeMigratedDatabase, query, serviceUrlOf } from '../support/emptyDatabase.ts'
import { holdTimers } from '../support/heldTimers.ts'
import { SOON } from '../support/soon.ts'

const arc = useArc()

describe('health', () => {
  it('tells what the database is', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a'])
    await tenant.record([{ simulationId, scenarioId: 'a', status: 'SUCCESS' }])
    const { health } = await tenant.data(
      `{ health {
        status engine serverVersion extensions { name version } hypertables {
          name chunks compressedChunks compressedShare bytesBeforeCompression bytesAfterCompression
        } outcomeParts listening
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
    expect(health.hypertables).toMatchObject(
      onTimescale
        ? ['store.outcomes', 'store.trajectories'].map((name) => ({ name, chunks: health.outcomeParts }))
        : [],
    )
    // The full edition may have packed some by now.
    if (health.engine !== 'TIMESCALE')
      for (const table of health.hypertables)
        expect(table).toMatchObject({
          compressedChunks: 0,
          compressedShare: 0,
          bytesBeforeCompression: null,
          bytesAfterCompression: null,
        })
  })

  it('tells how the jobs are', async () => {
    const tenant = arc.tenant()
    const jobs = async () => {
      const { health } = await tenant.data(
        '{ health { jobs { name isRunning dueAt startedAt endedAt runs failures lastErrorAt } } }',
      )
      // Other tests have jobs of their own, and servers that embed.
      return health.jobs.filter(({ name }: { name: string }) => !/^test_|^embed$/.test(name))
    }
    await vi.waitFor(
      async () => {
        // These run every few seconds.
        for (const job of await jobs())
          if (
            ![
              'deliver_alerts',
              'evaluate_alert_rules',
              'group_failures',
              'measure_diffs',
              'recommend',
              'refresh_rollups',
            ].includes(job.name)
          )
            expect(job).toMatchObject({ isRunning: false, endedAt: expect.any(String) })
      },
      { timeout: 20_000 },
    )
    const all = await jobs()
    expect(all.map(({ name }: { name: string }) => name)).toEqual(
      [
        ...STORAGE_UPKEEP,
        FAIL_SILENT_SIMULATIONS,
        EVALUATE_ALERT_RULES,
        { name: 'deliver_alerts' },
        { name: 'measure_diffs' },
        { name: 'recommend' },
        { name: 'group_failures' },
      ]
        .map(({ name }) => name)
        .sort(),
    )
    const expiry = all.find(({ name }: { name: string }) => name === 'expire_outcomes')
    // Another test may have cut the connection of an earlier run.
    expect(expiry).toMatchObject({ failures: 0 })
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
    const cutOff = new Arc({ DATABASE_URL: proxy.url, ARC_JOBS: 'off' })
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
    const slow = new Arc({ DATABASE_URL: proxy.url, ARC_JOBS: 'off' })
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

describe('the listener', () => {
  it('tells how far it is behind', async () => {
    const { health } = await arc
      .tenant()
      .data(
        '{ health { listening listenerLagMs notificationQueueShare problems backlog { operations outcomes } } }',
      )
    expect(health).toEqual({
      listening: true,
      listenerLagMs: expect.any(Number),
      notificationQueueShare: expect.any(Number),
      problems: [],
      backlog: { operations: 0, outcomes: 0 },
    })
    expect(health.listenerLagMs).toBeGreaterThan(0)
  })
})

it('jobs are a problem when they fail three times in a row, or no server runs them; those of others are none', async () => {
  // Of its own: what is wrong here is wrong in every server's health.
  const { url, serviceUrl, drop } = await makeMigratedDatabase()
  cleanUp(drop)
  const alone = new Arc({ DATABASE_URL: serviceUrl })
  await alone.start()
  try {
    const tenant = alone.tenant()
    const healthWhile = async (name: string, change: string) => {
      await query(url, `update store.jobs set ${change} where name = '${name}'`)
      const { health } = await tenant.data('{ health { status problems } }')
      await query(url, `update store.jobs set failures = 0, due_at = now() + interval '1 day'`)
      return health
    }
    const fine = { status: 'HEALTHY', problems: [] }
    await query(url, `insert into store.jobs (name, every) values ('of_a_later_version', interval '1 hour')`)
    expect(await healthWhile('purge_deleted', 'failures = 2')).toEqual(fine)
    expect(await healthWhile('purge_deleted', 'failures = 3')).toEqual({
      status: 'DEGRADED',
      problems: ["The job purge_deleted failed 3 times in a row: the server's log says why."],
    })
    expect(await healthWhile('purge_deleted', `due_at = now() - interval '9 minutes'`)).toEqual(fine)
    expect(await healthWhile('purge_deleted', `due_at = '2001-02-03 04:05:06Z'`)).toEqual({
      status: 'DEGRADED',
      problems: [
        'The job purge_deleted should have run at 2001-02-03T04:05:06.000Z, and no server has begun.',
      ],
    })
    expect(
      await healthWhile('of_a_later_version', `failures = 9, due_at = now() - interval '1 day'`),
    ).toEqual(fine)
  } finally {
    await alone.stop()
  }
}, 60_000)

describe('a server that is told to stop', () => {
  it('is not ready from then on, and serves on until its load balancers know', async () => {
    const leaving = new Arc({ ARC_DRAIN_SECONDS: '600' })
    await leaving.start()
    const timers = holdTimers('server.ts')
    const tenant = leaving.tenant()
    const get = async (path: string) => (await fetch(new URL(path, leaving.url))).status
    expect(await get('/ready')).toBe(200)
    const stopped = leaving.stop()
    const drain = await timers.next()
    expect(drain.ms).toBe(600_000)
    const ready = await fetch(new URL('/ready', leaving.url))
    expect([ready.status, ready.headers.get('retry-after'), await ready.json()]).toEqual([
      503,
      '2',
      { errors: [{ message: 'The server is closing.', extensions: { code: 'UNAVAILABLE' } }] },
    ])
    expect(await get('/health')).toBe(200)
    const answer = await tenant.ask('{ scenarios { totalCount } }')
    expect(answer.data).toEqual({ scenarios: { totalCount: 0 } })
    // Whoever has a connection here opens the next one elsewhere.
    expect(answer.headers.get('connection')).toBe('close')
    drain.fire()
    await stopped
    await expect(get('/health')).rejects.toThrow()
  })
})

const { rows: editions } = await arc.sql('admin', (client) =>
  client.query(`select current_setting('timescaledb.license', true) = 'timescale' as full`),
)
const isFull = editions[0].full === true
if (!isFull)
  console.log('Chunks are compressed by the full edition of TimescaleDB only: their figures are not tested.')

it.skipIf(!isFull)('compressed chunks are counted, with what they took before and take now', async () => {
  const url = await emptyDatabase('timescaledb')
  await migrate(url)
  const full = new Arc({ DATABASE_URL: await serviceUrlOf(url) })
  await full.start()
  try {
    const tenant = full.tenant()
    const simulationId = await tenant.simulation(['a'], { repetitions: 200 })
    await tenant.record(
      Array.from({ length: 200 }, (_, index) => ({
        simulationId,
        scenarioId: 'a',
        repetition: index + 1,
        status: 'SUCCESS',
        trajectory: { steps: ['the same in each'] },
      })),
    )
    const [chunk] = await query<{ chunk: string }>(
      url,
      `select tableoid::regclass::text as chunk from store.outcomes limit 1`,
    )
    await query(
      url,
      `alter table store.outcomes set (timescaledb.compress, timescaledb.compress_segmentby = 'user_id');
      select compress_chunk('${chunk!.chunk}')`,
    )
    // Arc itself packs old ones meanwhile.
    const outcomes = await vi.waitFor(async () => {
      const { health } = await tenant.data(
        '{ health { engine hypertables { name chunks compressedChunks compressedShare bytesBeforeCompression bytesAfterCompression } } }',
      )
      expect(health.engine).toBe('TIMESCALE')
      const [table] = health.hypertables.filter(({ name }: { name: string }) => name === 'store.outcomes')
      const [counted] = await query<{ chunks: number; compressed: number }>(
        url,
        `select count(*)::int as chunks, count(*) filter (where is_compressed)::int as compressed
        from timescaledb_information.chunks where hypertable_name = 'outcomes'`,
      )
      expect([table.chunks, table.compressedChunks]).toEqual([counted!.chunks, counted!.compressed])
      return table
    }, SOON)
    expect(outcomes.compressedChunks).toBeGreaterThan(0)
    expect(outcomes.compressedShare).toBeCloseTo(outcomes.compressedChunks / outcomes.chunks, 6)
    expect(outcomes.bytesAfterCompression).toBeGreaterThan(0)
    expect(outcomes.bytesBeforeCompression).toBeGreaterThan(outcomes.bytesAfterCompression)
  } finally {
    await full.stop()
  }
})
