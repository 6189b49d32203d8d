import { LIMIT_SETTINGS, type Limits } from '../../config.ts'
import { type ErrorCode, Refusal, type RefusalDetails } from '../../refusal.ts'

/** @throws Refusal for a value beyond its limit; it names both, and the setting. */
export function assertWithin(
  limits: Limits,
  limit: keyof Limits,
  value: number,
  subject: string,
  unit: string,
  { code = 'LIMIT_EXCEEDED', ...details }: RefusalDetails & { code?: ErrorCode } = {},
): void {
  if (value <= limits[limit]) return
  const shown = Number.isSafeInteger(value) ? value : 'far too many'
  throw new Refusal(
    code,
    `${subject} ${shown} ${unit}; at most ${limits[limit]} are allowed (${LIMIT_SETTINGS[limit][0]}).`,
    [],
    details,
  )
}
