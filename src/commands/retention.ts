import { type Config, ConfigError } from '../config.ts'
import { changeStorageSettings, type StorageSettings } from '../db/admin/storageSettings.ts'
import { withAdminUrl } from './withAdminUrl.ts'

/** As the command line gives them: a number of days or "off". */
export interface RetentionOptions {
  deleted?: string
  events?: string
  audit?: string
}

/** `arc retention`: shows or sets for how many days outcomes and logs are kept, and what is deleted can be taken back. */
export async function retention(
  config: Config,
  days: string | undefined,
  { deleted, events, audit }: RetentionOptions,
): Promise<void> {
  const changed: Partial<StorageSettings> = {
    ...(days !== undefined && { retentionDays: daysOf(days) }),
    ...(deleted !== undefined && { deletedDays: daysOf(deleted) }),
    ...(events !== undefined && { eventDays: daysOf(events) }),
    ...(audit !== undefined && { auditDays: daysOf(audit) }),
  }
  await withAdminUrl(config, async (url) => {
    const kept = await changeStorageSettings(url, changed)
    console.log(
      kept.retentionDays === null
        ? 'Outcomes are kept forever.'
        : `Outcomes are kept for ${kept.retentionDays} days after they ended or, if later, were recorded. Older ones are deleted within a minute, or when a server starts, and daily; their sums stay.`,
    )
    console.log(
      kept.deletedDays === null
        ? 'What is deleted can be taken back until somebody deletes it for good.'
        : `What is deleted can be taken back for ${kept.deletedDays} days, then it is deleted for good.`,
    )
    console.log(
      kept.eventDays === null
        ? 'Events are kept as long as their simulation, alerts that have ended as long as their rule.'
        : `Events of simulations that have ended are kept for ${kept.eventDays} days, the last one of each as long as the simulation; so are alerts that have ended.`,
    )
    console.log(
      kept.auditDays === null
        ? 'The audit log is kept forever.'
        : `The audit log is kept for ${kept.auditDays} days.`,
    )
  })
}

export function daysOf(text: string): number | null {
  if (text === 'off') return null
  const days = Number(text)
  if (!Number.isInteger(days) || days < 1 || days > 36_500) {
    throw new ConfigError(`A number of days must be 1 to 36500 or "off", not "${text}".`)
  }
  return days
}
