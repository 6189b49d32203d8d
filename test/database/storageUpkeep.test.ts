import { afterAll, afterEach, beforeAll, describe, expect, inject, it, vi } from 'vitest'
import { migrate } from '../../src/db/admin/migrator.ts'
import { changeStorageSettings } from '../../src/db/admin/storageSettings.ts'
import { STORAGE_UPKEEP } from '../../src/jobs/storageUpkeep.ts'
import { Arc } from '../support/arc.ts'
import { cleanUp } from '../support/cleanUp.ts'
import { ENGINES, makeEmptyDatabase, query, serviceUrlOf } from '../support/emptyDatabase.ts'

afterEach(() => {
  vi.useRealTimers()
})

interface JobRow {
  name: string
  runs: number
  failures: number
  due: boolean
  taken: boolean
}

/** Those of simulations, alerts and recommendations are told of in test/graph. */
function jobsOf(url: string): Promise<JobRow[]> {
  return query<JobRow>(
    url,
    // Those run every few seconds.
    `select name, runs, failures, due_at <= now() as due, lease is not null as taken from store.jobs
    where name not in ('refresh_rollups', 'fail_silent_simulations', 'evaluate_alert_rules', 'deliver_alerts', 'recommend', 'measure_diffs',
      'index_embeddings', 'group_failures') order by name`,
  )
}

const ended = (runs: { expire: number; others: number }) => [
  { name: 'expire_logs', runs: runs.others, failures: 0, due: false, taken: false },
  { name: 'expire_outcomes', runs: runs.expire, failures: 0, due: false, taken: false },
  { name: 'pack_outcomes', runs: runs.others, failures: 0, due: false, taken: false },
  { name: 'prepare_outcome_storage', runs: runs.others, failures: 0, due: false, taken: false },
  { name: 'purge_deleted', runs: runs.others, failures: 0, due: false, taken: false },
]

/** The partitions of months. */
function parts(url: string): Promise<{ name: string }[]> {
  return query<{ name: string }>(
    url,
    `select relname as name from pg_inherits join pg_class c on c.oid = inhrelid
    where inhparent = 'store.outcomes'::regclass and relname ~ '\\d{4}_\\d\\d$' order by 1`,
  )
}

describe.each(ENGINES)('the upkeep of the storage on $dump', ({ extension }) => {
  let url: string
  let drop: () => Promise<unknown>

  beforeAll(async () => {
    ;({ url, drop } = await makeEmptyDatabase(extension))
    await migrate(url)
  })
  afterAll(() => drop())

  async function server(): Promise<Arc> {
    const arc = new Arc({ DATABASE_URL: await serviceUrlOf(url) })
    cleanUp(() => arc.stop())
    return arc
  }

  it('is done at the first start, when it is due, and as soon as the retention changes', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const names = (await jobsOf(url)).map(({ name }) => name)
    expect(STORAGE_UPKEEP.map(({ name }) => name).sort()).toEqual(
      [...names, 'index_embeddings', 'refresh_rollups'].sort(),
    )
    await (await server()).start()
    const sees = (rows: JobRow[]) =>
      vi.waitFor(async () => expect(await jobsOf(url)).toEqual(rows), { timeout: 20_000 })
    await sees(ended({ expire: 1, others: 1 }))

    await query(url, `update store.jobs set due_at = due_at - interval '1 day'`)
    // Some job is due every few seconds; nobody may have waited for a connection as long as it may.
    await vi.advanceTimersByTimeAsync(10_000)
    await sees(ended({ expire: 2, others: 2 }))

    await changeStorageSettings(url, { retentionDays: 30 })
    await vi.advanceTimersByTimeAsync(10_000)
    await sees(ended({ expire: 3, others: 2 }))
    await changeStorageSettings(url, { retentionDays: 30 })
    expect(await jobsOf(url)).toEqual(ended({ expire: 3, others: 2 }))
  })

  it('makes no part for each time that one key brings', async () => {
    await changeStorageSettings(url, { retentionDays: null })
    const arc = await server()
    await arc.start()
    const tenant = arc.tenant()
    const scenarioIds = Array.from({ length: 100 }, (_, index) => `weeks_${index}`)
    const simulationId = await tenant.simulation(scenarioIds)
    const count = () =>
      query(
        url,
        `select count(*)::int as parts from pg_inherits where inhparent = 'store.outcomes'::regclass`,
      )
    const before = await count()
    const { storedCount } = await tenant.record(
      scenarioIds.map((scenarioId, index) => ({
        simulationId,
        scenarioId,
        status: 'SUCCESS',
        executionTime: new Date(Date.UTC(2001, 0, 1 + 84 * index)).toISOString(),
      })),
    )
    expect(storedCount).toBe(100)
    expect(await count()).toEqual(before)
    expect(await query(url, `select count(*)::int as rows from store.outcomes`)).toEqual([{ rows: 100 }])
    if (!extension) return
    const [{ made }] = (await query(url, 'select prepare_outcome_storage() as made')) as [{ made: number }]
    expect(made).toBe(0)
    const intervals = () =>
      query(url, 'select time_interval::text as width from timescaledb_information.dimensions')
    // Weeks where they are packed; else there would be a chunk to plan for each.
    const width = inject('engine') === 'timescale' ? '7 days' : '28 days'
    expect(await intervals()).toEqual([{ width }, { width }])
    await query(url, 'update store.settings set chunk_days = 1; select prepare_outcome_storage()')
    expect(await intervals()).toEqual([{ width: '1 day' }, { width: '1 day' }])
  })

  it.runIf(extension)('fills the gaps between the weeks that an older database has', async () => {
    const { url: older, drop: dropOlder } = await makeEmptyDatabase(extension)
    cleanUp(dropOlder)
    await migrate(older)
    const weeks = `from timescaledb_information.chunks where hypertable_name = 'outcomes'`
    await query(
      older,
      `insert into store.outcomes (user_id, outcome_id, simulation_id, config_version_id, scenario_id, execution_time, status, event_seq)
      select gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'a', time, 'success', 0
      from unnest('{2003-05-01, 2003-05-20, 2019-01-01}'::timestamptz[]) time`,
    )
    expect(await query(older, `select count(*)::int as chunks ${weeks}`)).toEqual([{ chunks: 3 }])
    // Before the first, between them, and behind the last up to the week of two years ago, which is the fifth; and one of the
    // trajectories, beside the same week.
    expect(await query(older, 'select prepare_outcome_storage() as made')).toEqual([{ made: 5 }])
    expect(await query(older, `select count(*)::int as chunks ${weeks}`)).toEqual([{ chunks: 8 }])
    expect(await query(older, `select count(*)::int as rows from store.outcomes`)).toEqual([{ rows: 3 }])
    expect(
      await query(
        older,
        `select count(*)::int as gaps from (
          select range_start > lag(range_end) over (order by range_start) as gap ${weeks}
        ) c where gap`,
      ),
    ).toEqual([{ gaps: 0 }])
  })

  it('has prepared for what comes before a server serves, or it does not serve', async ({ skip }) => {
    if (extension) skip('TimescaleDB makes chunks as rows come')
    // Another server does it daily; that is no matter.
    await query(url, `update store.jobs set due_at = now() + interval '1 day'`)
    const made = await parts(url)
    expect(made).toHaveLength(3)
    await query(url, `drop table store.${made[2]!.name}`)
    await (await server()).start()
    expect(await parts(url)).toEqual(made)

    await query(url, 'alter function prepare_outcome_storage() rename to prepared_nothing')
    await expect((await server()).start()).rejects.toThrow('prepare_outcome_storage')
  })
})
