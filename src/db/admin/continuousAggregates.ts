import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type pg from 'pg'
import { detectEngine } from '../engine.ts'
import { codeOf } from '../unusable.ts'
import { withClient } from './adminClient.ts'
import { lockMigrations, MIGRATIONS_DIR, MigrationError, newestVariant } from './migrator.ts'

/** In the order in which one sums the other up. */
const AGGREGATES = ['outcome_hours_cagg', 'outcome_days_cagg', 'scenario_days_cagg']

/** TimescaleDB's own job is at it, or takes the locks in another order: then it is tried again. */
const ATTEMPTS = 60
const PAUSE_MS = 1_000

/**
 * Makes the continuous aggregates and the job that refreshes them, or refreshes those that are there.
 *
 * @throws MigrationError where the full edition of TimescaleDB is not, or the database is not at the newest schema.
 * @returns whether they were made
 */
export async function makeContinuousAggregates(adminUrl: string): Promise<boolean> {
  return withClient(adminUrl, async (client) => {
    const engine = await detectEngine(client)
    if (engine !== 'timescale')
      throw new MigrationError(
        `Continuous aggregates are of the full edition of TimescaleDB, and this database is on ${
          engine === 'apache' ? 'its Apache edition' : 'plain PostgreSQL'
        }. Arc's own roll-ups (outcome_hours, outcome_days, scenario_days) have the same sums on every engine.`,
      )
    if ((await newestVariant(client)) === 'plain')
      throw new MigrationError('Outcomes lie in partitions: run "arc migrate --engine" first.')
    await inTransaction(client, async () => {
      if (!(await areThere(client))) await client.query(await script('continuous_aggregates'))
    })
    // Where a job is missing it may never have been filled.
    const { rows } = await client.query<{ name: string }>(`/* jobs */
      select config ->> 'name' as name from timescaledb_information.jobs
      where proc_schema = 'store' and proc_name = 'refresh_continuous_aggregate'`)
    const isNew = rows.length < AGGREGATES.length
    for (const name of AGGREGATES) {
      const config = { name, whole: !rows.some((job) => job.name === name) }
      await again(async () => {
        await client.query('set role arc_owner')
        await client.query(
          `/* refresh */ call store.refresh_continuous_aggregate(null, '${JSON.stringify(config)}')`,
        )
      })
      await client.query('reset role')
      if (!config.whole) continue
      await inTransaction(client, async () => {
        await client.query(`/* addJob */ set local role arc_refresh;
          select public.add_job('store.refresh_continuous_aggregate', interval '1 minute', config => '${JSON.stringify({ name })}')`)
      })
    }
    return isNew
  })
}

/** Takes them away: sums of outcomes that have expired stay in Arc's roll-ups alone. @returns whether they were there */
export async function dropContinuousAggregates(adminUrl: string): Promise<boolean> {
  return withClient(adminUrl, (client) =>
    again(() =>
      inTransaction(client, async () => {
        const were = await areThere(client)
        if (were) await client.query(await script('no_continuous_aggregates'))
        return were
      }),
    ),
  )
}

async function again<Result>(work: () => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      if (attempt === ATTEMPTS || !/^(55P03|40P01)$/.test(codeOf(error))) throw error
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
    }
  }
}

async function areThere(client: pg.ClientBase): Promise<boolean> {
  const { rows } = await client.query<{ there: boolean }>(
    `/* areThere */ select to_regclass('store.outcome_hours_cagg') is not null as there`,
  )
  return rows[0]!.there
}

async function script(name: string): Promise<string> {
  return readFile(join(MIGRATIONS_DIR, `optional/${name}.sql`), 'utf8')
}

async function inTransaction<Result>(client: pg.Client, work: () => Promise<Result>): Promise<Result> {
  await client.query('begin; set local search_path = public, pg_temp')
  try {
    await lockMigrations(client)
    const result = await work()
    await client.query('commit')
    return result
  } catch (error) {
    await client.query('rollback')
    throw error
  }
}
