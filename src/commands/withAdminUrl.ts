import type { Config } from '../config.ts'
import { migrate } from '../db/admin/migrator.ts'
import { startEmbeddedDatabase } from '../db/embedded/embedded.ts'

/** Works on the database of the configuration as its owner: the embedded one, migrated, when it names none. */
export async function withAdminUrl(config: Config, work: (url: string) => Promise<void>): Promise<void> {
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
