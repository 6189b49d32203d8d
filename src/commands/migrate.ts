import { type Config, ConfigError } from '../config.ts'
import { makeServiceLogin } from '../db/admin/login.ts'
import { migrate } from '../db/admin/migrator.ts'

/** `arc migrate`: says what it did. */
export async function runMigrations(config: Config, login: string | undefined): Promise<void> {
  const url = config.databaseAdminUrl ?? config.databaseUrl
  if (url === undefined) {
    throw new ConfigError(
      'Set DATABASE_ADMIN_URL (or DATABASE_URL). The embedded database migrates itself when it starts.',
    )
  }
  const { engine, applied, alreadyApplied } = await migrate(url)
  for (const file of applied) console.log(`applied  ${file}`)
  console.log(`${applied.length} applied, ${alreadyApplied} already there; engine: ${engine}`)
  if (login !== undefined) {
    const password = process.env.ARC_SERVICE_PASSWORD
    if (!password)
      throw new ConfigError('Set ARC_SERVICE_PASSWORD: it becomes the password of the new login.')
    await makeServiceLogin(url, login, password)
    console.log(`login "${login}" can serve: set DATABASE_URL to it`)
  }
}
