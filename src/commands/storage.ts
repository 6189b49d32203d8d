import { type Config, ConfigError } from '../config.ts'
import { changeStorageSettings, type StorageSettings } from '../db/admin/storageSettings.ts'
import { daysOf } from './retention.ts'
import { withAdminUrl } from './withAdminUrl.ts'

/** As the command line gives them. */
export interface StorageOptions {
  packAfter?: string
  chunkDays?: string
  segmentByTenant?: string
}

/** `arc storage`: shows or sets how TimescaleDB lays outcomes out. */
export async function storage(
  config: Config,
  { packAfter, chunkDays, segmentByTenant }: StorageOptions,
): Promise<void> {
  const changed: Partial<StorageSettings> = {
    ...(packAfter !== undefined && { packDays: daysOf(packAfter) }),
    ...(chunkDays !== undefined && { chunkDays: chunkDaysOf(chunkDays) }),
    ...(segmentByTenant !== undefined && { segmentByTenant: switchOf(segmentByTenant) }),
  }
  await withAdminUrl(config, async (url) => {
    const settings = await changeStorageSettings(url, changed)
    console.log(`A new chunk holds ${settings.chunkDays === 1 ? 'a day' : `${settings.chunkDays} days`}.`)
    console.log(
      settings.packDays === null
        ? 'Chunks are not packed.'
        : `Chunks are packed when all in them is older than ${settings.packDays} days, with the full edition of TimescaleDB.`,
    )
    console.log(
      settings.segmentByTenant
        ? 'Each tenant’s outcomes are packed for themselves.'
        : 'Outcomes of all tenants are packed together, ordered by tenant.',
    )
  })
}

function chunkDaysOf(text: string): number {
  const days = Number(text)
  if (!Number.isInteger(days) || days < 1 || days > 31)
    throw new ConfigError(`A chunk holds 1 to 31 days, not "${text}".`)
  return days
}

function switchOf(text: string): boolean {
  if (text !== 'on' && text !== 'off') throw new ConfigError(`It is "on" or "off", not "${text}".`)
  return text === 'on'
}
