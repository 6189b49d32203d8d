import { type Config, ConfigError } from '../config.ts'
import { migrate } from '../db/admin/migrator.ts'
import { readRetention, setDeletedDays, setRetentionDays } from '../db/admin/retention.ts'
import { startEmbeddedDatabase } from '../db/embedded/embedded.ts'

/** `arc retention`: shows or sets for how many days outcomes are kept, and what is deleted can be taken back. */
export async function retention(
  config: Config,
  wanted: string | undefined,
  wantedDeleted: string | undefined,
): Promise<void> {
  const days = wanted === undefined ? undefined : daysOf(wanted)
  const deletedDays = wantedDeleted === undefined ? undefined : daysOf(wantedDeleted)
  await withDatabase(config, async (url) => {
    if (days !== undefined) await setRetentionDays(url, days)
    if (deletedDays !== undefined) await setDeletedDays(url, deletedDays)
    const kept = await readRetention(url)
    console.log(
      kept.outcomesDays === null
        ? 'Outcomes are kept forever.'
        : `Outcomes are kept for ${kept.outcomesDays} days after their execution time. Older ones are deleted within a minute, or when a server starts, and daily.`,
    )
    console.log(
      kept.deletedDays === null
        ? 'What is deleted can be taken back until somebody deletes it for good.'
        : `What is deleted can be taken back for ${kept.deletedDays} days, then it is deleted for good.`,
    )
  })
}

function daysOf(text: string): number | null {
  if (text === 'off') return null
  const days = Number(text)
  if (!Number.isInteger(days) || days < 1 || days > 36_500) {
    throw new ConfigError(`The retention must be 1 to 36500 days or "off", not "${text}".`)
  }
  return days
}

async function withDatabase(config: Config, work: (url: string) => Promise<void>): Promise<void> {
  const url = config.databaseAdminUrl ?? config.databaseUrl
  if (url !== undefined) return work(url)
  const database = await startEmbeddedDatabase(config.dataDir)
  try {
    await migrate(database.connectionString)
    await work(database.connectionString)
  } finally {
    await database.close()
  }
}
