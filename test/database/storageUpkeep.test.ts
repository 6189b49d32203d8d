import { afterEach, describe, expect, it, vi } from 'vitest'
import { migrate } from '../../src/db/admin/migrator.ts'
import { setRetentionDays } from '../../src/db/admin/retention.ts'
import { STORAGE_UPKEEP } from '../../src/jobs/storageUpkeep.ts'
import { Arc } from '../support/arc.ts'
import { cleanUp, ENGINES, emptyDatabase, query, serviceUrlOf } from '../support/emptyDatabase.ts'

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

function jobsOf(url: string): Promise<JobRow[]> {
  return query<JobRow>(
    url,
    `select name, runs, failures, due_at <= now() as due, lease is not null as taken from store.jobs order by name`,
  )
}

const ended = (runs: { expire: number; prepare: number }) => [
  { name: 'expire_outcomes', runs: runs.expire, failures: 0, due: false, taken: false },
  { name: 'prepare_outcome_storage', runs: runs.prepare, failures: 0, due: false, taken: false },
]

/** How many months have a partition. */
async function parts(url: string): Promise<number> {
  const [row] = await query<{ parts: number }>(
    url,
    `select count(*)::int as parts from pg_inherits join pg_class c on c.oid = inhrelid
    where inhparent = 'store.outcomes'::regclass and relname ~ '\\d{4}_\\d\\d$'`,
  )
  return row!.parts
}

describe.each(ENGINES)('the upkeep of the storage on $dump', ({ extension }) => {
  async function start(): Promise<{ arc: Arc; url: string }> {
    const url = await emptyDatabase(extension)
    await migrate(url)
    const arc = new Arc({ DATABASE_URL: await serviceUrlOf(url) })
    return { arc, url }
  }

  it('has prepared for what comes before a server serves, or it does not serve', async ({ skip }) => {
    if (extension) skip('TimescaleDB makes chunks as rows come')
    const { arc, url } = await start()
    // Another server does it daily; that is no matter.
    await query(url, `update store.jobs set due_at = now() + interval '1 day'`)
    expect(await parts(url)).toBe(0)
    await arc.start()
    cleanUp.push(() => arc.stop())
    expect(await parts(url)).toBe(3)

    await query(url, 'alter function prepare_outcome_storage() rename to prepared_nothing')
    await expect(new Arc({ DATABASE_URL: arc.config.databaseUrl }).start()).rejects.toThrow(
      'prepare_outcome_storage',
    )
  })

  it('is done at the first start, when it is due, and as soon as the retention changes', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const { arc, url } = await start()
    const names = (await jobsOf(url)).map(({ name }) => name)
    expect(STORAGE_UPKEEP.map(({ name }) => name).sort()).toEqual(names)
    await arc.start()
    cleanUp.push(() => arc.stop())
    const sees = (rows: JobRow[]) =>
      vi.waitFor(async () => expect(await jobsOf(url)).toEqual(rows), { timeout: 20_000 })
    await sees(ended({ expire: 1, prepare: 1 }))

    await query(url, `update store.jobs set due_at = due_at - interval '1 day'`)
    await vi.advanceTimersByTimeAsync(30_000)
    await sees(ended({ expire: 2, prepare: 2 }))

    await setRetentionDays(url, 30)
    await vi.advanceTimersByTimeAsync(30_000)
    await sees(ended({ expire: 3, prepare: 2 }))
    await setRetentionDays(url, 30)
    expect(await jobsOf(url)).toEqual(ended({ expire: 3, prepare: 2 }))
  })
})
