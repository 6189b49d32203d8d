const FIRST_TIME = Date.parse('0001-01-01T00:00:00Z')
const LAST_TIME = Date.parse('9999-12-31T23:59:59.999Z')

/** Whether JavaScript, PostgreSQL, and text with four digits for the year all know the time. */
export function isInCalendar(time: Date): boolean {
  return time.getTime() >= FIRST_TIME && time.getTime() <= LAST_TIME
}
