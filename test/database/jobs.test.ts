import { spawn } from 'node:child_process'
import { once } from 'node:events'
import sql from 'sql-template-tag'
import { afterEach, describe, expect, inject, it, vi } from 'vitest'
import type { JobContext } from '../../src/jobs/job.ts'
import { cleanUp } from '../support/cleanUp.ts'
import { DatabaseProxy } from '../support/databaseProxy.ts'
import { asOwner, heldJob, letPass, newJob, rowOf, server } from '../support/jobs.ts'

const adminUrl = inject('adminUrl')
const databaseUrl = inject('databaseUrl')
const onPGlite = inject('serverUrl') === null

/** For what happens by itself, on a busy machine. */
const SOON = { timeout: 20_000 }

afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

describe('a job', () => {
  it('that is due runs on one of many servers, and again when it is due again', async () => {
    const name = await newJob()
    const held = heldJob(name)
    const servers = Array.from({ length: 5 }, () => server([held.job]))
    const look = () => Promise.all(servers.map(({ runner }) => runner.runDue()))

    const begins = held.nextRun()
    const looking = look()
    await begins
    expect(await rowOf(name)).toMatchObject({ runs: 1, taken: true, leased_for: 30 })
    held.runs[0]!.end()
    await looking
    expect(held.runs).toHaveLength(1)
    expect(await rowOf(name)).toEqual({
      runs: 1,
      failures: 0,
      last_error: null,
      taken: false,
      due_after: 3600,
      leased_for: null,
    })

    await letPass(name, '59 minutes')
    await look()
    expect(held.runs).toHaveLength(1)

    await letPass(name, '1 minute')
    const beginsAgain = held.nextRun()
    const lookingAgain = look()
    await beginsAgain
    held.runs[1]!.end()
    await lookingAgain
    expect(held.runs).toHaveLength(2)
    expect(await rowOf(name)).toMatchObject({ runs: 2, failures: 0, due_after: 3600 })
  })

  it('that is asked for while it runs, runs once more', async () => {
    const name = await newJob()
    const held = heldJob(name)
    const { runner } = server([held.job])
    const begins = held.nextRun()
    void runner.runDue()
    await begins
    await asOwner('update store.jobs set due_at = now() where name = $1', [name])
    const beginsAgain = held.nextRun()
    held.runs[0]!.end()
    await beginsAgain
    const ended = runner.runDue()
    held.runs[1]!.end()
    await ended
    expect(await rowOf(name)).toMatchObject({ runs: 2, due_after: 3600 })
  })

  it('runs although another one of the same server does not end', async () => {
    const stuck = heldJob(await newJob())
    const other = heldJob(await newJob())
    const { runner } = server([stuck.job, other.job])
    void runner.runDue()
    await vi.waitFor(() => expect([stuck.runs.length, other.runs.length]).toEqual([1, 1]), SOON)
    other.runs[0]!.end()
    await vi.waitFor(async () => expect(await rowOf(other.job.name)).toMatchObject({ taken: false }), SOON)
    await letPass(other.job.name, '1 hour')
    void runner.runDue()
    await vi.waitFor(() => expect([stuck.runs.length, other.runs.length]).toEqual([1, 2]), SOON)
    for (const { end } of [...stuck.runs, ...other.runs]) end()
  })

  it('tells whoever counts how long each run took, and whether it failed', async () => {
    const name = await newJob()
    const held = heldJob(name)
    const { runner, ended } = server([held.job])
    for (const error of [undefined, new Error('the weather')]) {
      const begins = held.nextRun()
      const looking = runner.runDue()
      await begins
      held.runs.at(-1)!.end(error)
      await looking
      await letPass(name, '1 hour')
    }
    expect(ended).toEqual([
      { job: name, durationMs: expect.any(Number), failed: false },
      { job: name, durationMs: expect.any(Number), failed: true },
    ])
    expect(runner.jobs).toEqual([name])
  })

  it('that fails waits longer each time, up to ten minutes, and says why', async () => {
    const name = await newJob()
    let works = false
    const run = async ({ query }: JobContext) => {
      if (!works) throw new Error('no such\0thing')
      await query(sql`select 1`)
    }
    const { runner, logged } = server([{ name, run }])
    const waits: number[] = []
    for (let failures = 1; failures <= 7; failures++) {
      await runner.runDue()
      const row = await rowOf(name)
      expect(row).toMatchObject({
        runs: failures,
        failures,
        last_error: 'no suchthing',
        taken: false,
      })
      waits.push(row.due_after)
      await letPass(name, '10 minutes')
    }
    expect(waits).toEqual([30, 60, 120, 240, 480, 600, 600])
    expect(logged).toHaveLength(7)
    expect(logged[1]).toMatchObject({
      level: 50,
      msg: 'a job failed and will be retried',
      job: name,
      err: { message: 'no such\0thing' },
    })
    expect(Math.round(logged[1]!.dueInMs! / 1000)).toBe(60)

    works = true
    await runner.runDue()
    expect(await rowOf(name)).toMatchObject({
      runs: 8,
      failures: 0,
      last_error: 'no suchthing',
      due_after: 3600,
    })
    expect(logged).toHaveLength(7)
  })

  it('whose server is killed is taken over when its lease is over', async () => {
    const name = await newJob()
    const dying = spawn(
      process.execPath,
      ['--import', 'tsx', 'test/support/endlessJob.ts', databaseUrl, name],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    await once(dying.stdout, 'data')
    dying.kill('SIGKILL')
    await once(dying, 'exit')

    const held = heldJob(name)
    const { runner, logged } = server([held.job])
    await runner.runDue()
    expect(held.runs).toHaveLength(0)

    await letPass(name, '30 seconds')
    const begins = held.nextRun()
    const ended = runner.runDue()
    await begins
    // A job that takes its servers down with it does so ever less often: this lease is longer.
    expect(await rowOf(name)).toMatchObject({
      runs: 2,
      failures: 1,
      last_error: 'The server that ran it went away, or lost the database.',
      leased_for: 60,
    })
    expect(logged.map(({ msg }) => msg)).toEqual(['taking over a job whose last run never ended'])
    held.runs[0]!.end()
    await ended
    expect(await rowOf(name)).toMatchObject({ runs: 2, failures: 0, taken: false, due_after: 3600 })
  })

  it('keeps its lease for as long as it runs', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    const name = await newJob()
    const held = heldJob(name)
    const [one, two] = [server([held.job]), server([held.job])]
    const begins = held.nextRun()
    const ended = one.runner.runDue()
    await begins
    for (let renewals = 0; renewals < 3; renewals++) {
      await letPass(name, '25 seconds')
      vi.advanceTimersByTime(10_000)
      await vi.waitFor(
        async () =>
          expect(
            await asOwner(
              `select from store.jobs where name = $1 and leased_until > now() + interval '20 seconds'`,
              [name],
            ),
          ).toHaveLength(1),
        SOON,
      )
    }
    await two.runner.runDue()
    expect(held.runs).toHaveLength(1)
    held.runs[0]!.end()
    await ended
    expect(await rowOf(name)).toMatchObject({ runs: 1, taken: false })
  })

  it('that lost its lease is told so, and changes nothing of what the other server wrote', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    const name = await newJob()
    const held = heldJob(name)
    const [one, two] = [server([held.job]), server([held.job])]
    const begins = held.nextRun()
    const endedHere = one.runner.runDue()
    await begins
    await letPass(name, '30 seconds')
    const beginsThere = held.nextRun()
    const endedThere = two.runner.runDue()
    await beginsThere

    const [here, there] = held.runs
    const stopped = once(here!.context.signal, 'abort')
    vi.advanceTimersByTime(10_000)
    await stopped
    expect(there!.context.signal.aborted).toBe(false)
    here!.end(new Error('too late'))
    await endedHere
    expect(await rowOf(name)).toMatchObject({ runs: 2, failures: 1, taken: true })
    there!.end()
    await endedThere
    expect(await rowOf(name)).toMatchObject({ runs: 2, failures: 0, taken: false })
  })

  it('whose connection breaks fails, and is tried again by the same server', async () => {
    const name = await newJob()
    const proxy = await DatabaseProxy.open(databaseUrl, onPGlite ? null : adminUrl)
    cleanUp(() => proxy.close())
    const ran: unknown[] = []
    const run = async ({ query }: JobContext) => {
      ran.push(await query(sql`select 42 as answer`))
    }
    const { runner, logged } = server([{ name, run }], proxy.url)
    const holding = proxy.hold('as answer')
    const ended = runner.runDue()
    ;(await holding).cut()
    await ended
    expect(await rowOf(name)).toMatchObject({ failures: 1, taken: false, due_after: 30 })
    await letPass(name, '30 seconds')
    await runner.runDue()
    expect(ran).toEqual([[{ answer: 42 }]])
    expect(logged.filter(({ job }) => job === name)).toHaveLength(1)
  })

  it('is not due for a server that cannot ask, until it can', async () => {
    const name = await newJob()
    const proxy = await DatabaseProxy.open(databaseUrl, onPGlite ? null : adminUrl)
    cleanUp(() => proxy.close())
    const held = heldJob(name)
    const { runner, logged } = server([held.job], proxy.url)
    const holding = proxy.hold('claimJobs')
    const looking = runner.runDue()
    ;(await holding).cut()
    await looking
    expect(logged.at(-1)!.msg).toBe('could not ask which jobs are due')
    const begins = held.nextRun()
    const ended = runner.runDue()
    await begins
    held.runs[0]!.end()
    await ended
    expect(await rowOf(name)).toMatchObject({ runs: 1, failures: 0 })
  })
})

describe('a server', () => {
  it.each([
    { every: '20 seconds', looksAfterMs: 20_000 },
    { every: '1 hour', looksAfterMs: 30_000 },
  ])('looks by itself $looksAfterMs ms after a job of every $every', async ({ every, looksAfterMs }) => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const name = await newJob(every)
    const { runner, pool } = server([{ name, run: async () => {} }])
    await runner.runDue()
    // A server looks again when a job has ended.
    await runner.runDue()
    const connections = vi.spyOn(pool, 'connect')
    const looks = () => connections.mock.calls.length
    await letPass(name, every)
    await vi.advanceTimersByTimeAsync(looksAfterMs / 2)
    expect(looks()).toBe(0)
    await vi.advanceTimersByTimeAsync(looksAfterMs / 2)
    expect(looks()).toBe(1)
    await runner.runDue()
    expect(await rowOf(name)).toMatchObject({ runs: 2 })
  })

  it('is kept alive by no timer of its jobs', async () => {
    const held = heldJob(await newJob())
    const { runner, pool } = server([held.job])
    await pool.query(sql`select 1`)
    const timeout = vi.spyOn(globalThis, 'setTimeout')
    const interval = vi.spyOn(globalThis, 'setInterval')
    const begins = held.nextRun()
    const ended = runner.runDue()
    await begins
    const timers = timeout.mock.calls.map(([, ms], call) => [ms, timeout.mock.results[call]!.value.hasRef()])
    expect(timers).toContainEqual([30_000, false])
    // Other than that the pool hangs idle connections up after ten seconds.
    expect(timers.filter(([ms, hasRef]) => ms !== 10_000 && hasRef)).toEqual([])
    expect(interval.mock.results.map(({ value }) => value.hasRef())).toEqual([false])
    held.runs[0]!.end()
    await ended
  })

  it('that closes lets its jobs end, tells them to, and begins none', async () => {
    const [name, other] = [await newJob(), await newJob()]
    const held = heldJob(name)
    const { runner } = server([held.job])
    const begins = held.nextRun()
    void runner.runDue()
    await begins
    let closed = false
    const closing = runner.close().then(() => {
      closed = true
    })
    const { context, end } = held.runs[0]!
    expect(context.signal.aborted).toBe(true)
    expect(await context.query(sql`select 1 as one`)).toEqual([{ one: 1 }])
    expect(closed).toBe(false)
    end()
    await closing
    expect(await rowOf(name)).toMatchObject({ runs: 1, failures: 0, taken: false })

    await letPass(name, '1 hour')
    await runner.runDue()
    expect(await rowOf(name)).toMatchObject({ runs: 1 })
    expect(await rowOf(other)).toMatchObject({ runs: 0 })
  })

  it('that closes gives a job up which does not end, and another one takes it over', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const name = await newJob()
    let reached = () => {}
    const inTheMiddle = new Promise<void>((resolve) => {
      reached = resolve
    })
    // PGlite has one session, which nothing but its own end gets out of a statement.
    const statement = onPGlite ? sql`select 1` : sql`select pg_sleep(600)`
    let failed: Promise<unknown> | undefined
    const run = async ({ query }: JobContext) => {
      const asked = query(statement)
      failed = asked.then(() => query(sql`select 2`)).catch((error: Error) => error.message)
      reached()
      await new Promise(() => {})
    }
    const { runner, stop, logged } = server([{ name, run }])
    void runner.runDue()
    await inTheMiddle
    if (!onPGlite) {
      await vi.waitFor(
        async () =>
          expect(
            await asOwner('select from pg_stat_activity where query = $1', [statement.text]),
          ).toHaveLength(1),
        SOON,
      )
    }
    const closing = stop()
    await vi.advanceTimersByTimeAsync(4_000)
    expect(logged).toEqual([])
    await vi.advanceTimersByTimeAsync(1_000)
    await closing
    expect(logged[0]!.msg).toBe(
      'a job did not end in time while the server closed: another server will take it over',
    )
    if (!onPGlite) {
      expect(await failed).toBe('the run was abandoned')
      await asOwner('select pg_terminate_backend(pid) from pg_stat_activity where query = $1', [
        statement.text,
      ])
    }

    expect(await rowOf(name)).toMatchObject({ taken: true, leased_for: 30 })
    vi.useRealTimers()
    const held = heldJob(name)
    const other = server([held.job])
    await letPass(name, '30 seconds')
    const begins = held.nextRun()
    const ended = other.runner.runDue()
    await begins
    held.runs[0]!.end()
    await ended
  })
})
