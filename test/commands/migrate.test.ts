import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { describe, expect, inject, it } from 'vitest'
import { migrate } from '../../src/db/admin/migrator.ts'
import { databaseContents } from '../support/databaseContents.ts'
import { emptyDatabase, query } from '../support/emptyDatabase.ts'

const ARC = ['--import', import.meta.resolve('tsx'), resolve('src/main.ts'), 'migrate']

/** The command as somebody types it, killed with the line that fulfils a condition: what it printed, and how it ended. */
async function arcMigrate(
  url: string,
  options: string[],
  isLast: (line: string, count: number) => boolean = () => false,
) {
  const { DATABASE_URL: _, ...env } = process.env
  const command = spawn(process.execPath, [...ARC, ...options], { env: { ...env, DATABASE_ADMIN_URL: url } })
  const ended = once(command, 'exit')
  const complained = text(command.stderr)
  const lines: string[] = []
  for await (const line of createInterface(command.stdout)) {
    lines.push(line)
    if (isLast(line, lines.length)) command.kill('SIGKILL')
  }
  const [code, signal] = await ended
  return { lines, complained: await complained, code, signal }
}

describe.skipIf(inject('engine') === 'plain')('arc migrate --engine', () => {
  it('goes on where it was killed, and loses nothing', async () => {
    const url = await emptyDatabase()
    await migrate(url)
    await query(url, 'select prepare_outcome_storage()')
    const rows = 60_000
    await query(
      url,
      `with made as (
        select uuid_v7(at) as outcome_id, at from generate_series(1, ${rows}) n
        cross join lateral (select date_trunc('milliseconds', now() - n * interval '30 minutes') as at) t
      ), went as (
        insert into store.trajectories select '00000000-0000-4000-8000-000000000001', outcome_id, at,
          jsonb_build_object('start_time', null, 'status', null, 'n', outcome_id) from made
      )
      insert into store.outcomes (user_id, outcome_id, simulation_id, config_version_id, scenario_id, execution_time, status, event_seq)
      select '00000000-0000-4000-8000-000000000001', outcome_id, gen_random_uuid(), gen_random_uuid(), 's0', at, 'success', 1 from made`,
    )
    const ofOutcomes = async () =>
      (await databaseContents(url)).filter(({ table }) => /^store\.(outcomes|trajectories)$/.test(table))
    const wanted = await ofOutcomes()
    expect(wanted).toMatchObject([{ rows }, { rows }])

    const isCopied = (line: string) => line.startsWith('copied ')
    const ends = [
      isCopied,
      isCopied,
      (line: string) => /outcomes up to infinity/.test(line),
      (line: string) => line.startsWith('comparing'),
      (line: string) => line.includes('to put the hypertables'),
    ]
    const copied: string[] = []
    for (const isLast of ends) {
      const { lines, signal } = await arcMigrate(url, ['--engine'], isLast)
      expect(signal).toBe('SIGKILL')
      copied.push(...lines.filter(isCopied))
      await query(
        url,
        'insert into store.trajectories select gen_random_uuid(), gen_random_uuid(), now(), trajectory from store.trajectories limit 1',
      )
    }
    const more = await ofOutcomes()
    expect(more).toMatchObject([{ rows }, { rows: rows + ends.length }])
    // Which run has the last word is its own: the one that was killed may have replaced them already.
    const { lines, complained, code } = await arcMigrate(url, ['--engine'])
    expect({ complained, code }).toEqual({ complained: '', code: 0 })
    expect(lines.at(-1)).toMatch(/hypertables/)
    expect(await ofOutcomes()).toEqual(more)
    expect(new Set(copied).size).toBe(copied.length)
    expect(
      await query(url, 'select hypertable_name as name from timescaledb_information.hypertables order by 1'),
    ).toEqual([{ name: 'outcomes' }, { name: 'trajectories' }])
    expect((await arcMigrate(url, ['--engine'])).lines.at(-1)).toBe(
      `nothing to do: outcomes lie in hypertables already; engine: ${inject('engine')}`,
    )
  }, 120_000)
})
