const FIRST_TIME = Date.parse('0001-01-01T00:00:00Z')
const LAST_TIME = Date.parse('9999-12-31T23:59:59.999Z')

/** Whether JavaScript, PostgreSQL, and text with four digits for the year all know the time. */
export function isInCalendar(time: Date): boolean {
  return time.getTime() >= FIRST_TIME && time.getTime() <= LAST_TIME
}

/** ISO 8601 in its long and its short form, also with the underscore that names of files have. */
const ISO_TIME =
  /^(\d{4})(-?)(\d\d)\2(\d\d)[T _](\d\d)(:?)(\d\d)(?:\6(\d\d)(?:[.,](\d+))?)?\s*(?:(Z|UTC)|([+-]\d\d):?(\d\d)?)?$/i

/**
 * An ISO time in milliseconds since 1970, its microseconds as a fraction; null when it is none. A time without a zone is
 * read as UTC, wherever this process runs: `datetime.isoformat()` of Python writes none.
 */
export function isoTimeMs(text: string): number | null {
  const parts = ISO_TIME.exec(text)
  if (!parts) return null
  const [, year, , month, day, hour, , minute, second = '00', fraction = '0', , zone, zoneMinutes = '00'] =
    parts
  const date = `${year}-${month}-${day}`
  // JavaScript takes the 30th of February for the second of March.
  if (new Date(`${date}T00:00Z`).getUTCDate() !== Number(day)) return null
  const offset = zone === undefined ? 'Z' : `${zone}:${zoneMinutes}`
  const wholeSeconds = Date.parse(`${date}T${hour}:${minute}:${second}${offset}`)
  return Number.isNaN(wholeSeconds) ? null : wholeSeconds + Number(`0.${fraction}`) * 1000
}
