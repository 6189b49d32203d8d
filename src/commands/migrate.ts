import { SingleBar } from 'cli-progress'
import { type Config, ConfigError } from '../config.ts'
import { dropContinuousAggregates, makeContinuousAggregates } from '../db/admin/continuousAggregates.ts'
import { changeEngine, giveUpEngineChange } from '../db/admin/engineChange.ts'
import { makeServiceLogin } from '../db/admin/login.ts'
import { migrate } from '../db/admin/migrator.ts'

export interface MigrateOptions {
  /** Of a login for the service. */
  login?: string
  /** True: hypertables in the place of partitions. False: a change to them that is not finished is given up. */
  engine?: boolean
  /** True: TimescaleDB's continuous aggregates are made, or refreshed. False: they are taken away. */
  continuousAggregates?: boolean
}

/** `arc migrate`: says what it did. */
export async function runMigrations(
  config: Config,
  { login, engine, continuousAggregates }: MigrateOptions,
): Promise<void> {
  const url = config.databaseAdminUrl ?? config.databaseUrl
  if (url === undefined) {
    throw new ConfigError(
      'Set DATABASE_ADMIN_URL (or DATABASE_URL). The embedded database migrates itself when it starts.',
    )
  }
  if (engine === false) {
    const wasChanging = await giveUpEngineChange(url)
    console.log(
      wasChanging
        ? 'the change of engine is given up: what was copied is dropped'
        : 'no change of engine is under way',
    )
  }
  const migrated = await migrate(url)
  for (const file of migrated.applied) console.log(`applied  ${file}`)
  console.log(
    `${migrated.applied.length} applied, ${migrated.alreadyApplied} already there; engine: ${migrated.engine}`,
  )
  if (engine) await toHypertables(url)
  if (continuousAggregates) {
    const made = await makeContinuousAggregates(url)
    console.log(
      made
        ? 'continuous aggregates are made, and refreshed every minute where TimescaleDB’s jobs run'
        : 'continuous aggregates are refreshed',
    )
  }
  if (continuousAggregates === false) {
    const were = await dropContinuousAggregates(url)
    console.log(were ? 'continuous aggregates are taken away' : 'there are no continuous aggregates')
  }
  if (login !== undefined) {
    const password = process.env.ARC_SERVICE_PASSWORD
    if (!password)
      throw new ConfigError('Set ARC_SERVICE_PASSWORD: it becomes the password of the new login.')
    await makeServiceLogin(url, login, password)
    console.log(`login "${login}" can serve: set DATABASE_URL to it`)
  }
}

const counted = new Intl.NumberFormat('en-US')

async function toHypertables(url: string): Promise<void> {
  const bar = process.stderr.isTTY
    ? new SingleBar({
        stream: process.stderr,
        format: '{table} {bar} {value}/{total} rows, {eta_formatted} left',
        clearOnComplete: true,
        hideCursor: true,
      })
    : undefined
  const progress = { rows: 0, copied: 0 }
  try {
    const { engine, changed } = await changeEngine(url, {
      begins({ rows, copied, bytes }) {
        Object.assign(progress, { rows, copied })
        console.log(`${counted.format(rows)} rows to copy, ${counted.format(copied)} of them copied before.`)
        console.log(
          `Until the end the disk needs another ${counted.format(Math.ceil(bytes / 1e6))} MB or so, and as much for WAL where it is archived or replicated. ` +
            'Servers may go on; at the end all that reads or writes outcomes waits for some seconds. It may be stopped, and goes on where it was.',
        )
        bar?.start(rows, copied, { table: '' })
      },
      copied(rows, { table, upTo }) {
        progress.copied += rows
        if (bar) bar.increment(rows, { table })
        else
          console.log(
            `copied  ${table} up to ${upTo}: ${counted.format(progress.copied)} of ${counted.format(progress.rows)} rows`,
          )
      },
      says(message) {
        bar?.stop()
        console.log(message)
      },
    })
    console.log(
      changed
        ? `outcomes lie in hypertables now; engine: ${engine}. Back up the database: older backups are of the partitions.`
        : `nothing to do: outcomes lie in hypertables already; engine: ${engine}`,
    )
  } finally {
    bar?.stop()
  }
}
