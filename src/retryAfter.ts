/** When a server asks to be tried again, in milliseconds: the header is a number of seconds, or a date (RFC 9110, 10.2.3). */
export function retryAfterMs(header: string | null | undefined): number | null {
  if (header == null) return null
  const ms = /^\s*\d+\s*$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - Date.now()
  return Number.isNaN(ms) ? null : Math.max(ms, 0)
}
