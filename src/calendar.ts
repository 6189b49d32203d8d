const FIRST_TIME = Date.parse('0001-01-01T00:00:00Z')
const LAST_TIME = Date.parse('9999-12-31T23:59:59.999Z')

/** Whether JavaScript, PostgreSQL, and text with four digits for the year all know the time. */
export function isInCalendar(time: Date): boolean {
  return time.getTime() >= FIRST_TIME && time.getTime() <= LAST_TIME
}

const ISO_TIME = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d)?)(\.\d+)?(Z|[+-]\d\d:?\d\d)?$/i

/**
 * An ISO time in milliseconds since 1970, its microseconds as a fraction; null when it is none. A time without a zone is
 * read as UTC, wherever this process runs: `datetime.isoformat()` of Python writes none.
 */
export function isoTimeMs(text: string): number | null {
  const [, day, time, fraction, zone = 'Z'] = ISO_TIME.exec(text) ?? []
  // JavaScript takes the 30th of February for the second of March.
  if (day === undefined || new Date(`${day}T00:00Z`).getUTCDate() !== Number(day.slice(-2))) return null
  const whole = Date.parse(`${day}T${time}${zone}`)
  return Number.isNaN(whole) ? null : whole + Number(fraction ?? 0) * 1000
}
