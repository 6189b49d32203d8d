/** What the database's clock showed when it was read last, and when that was by this process's steady clock. */
let seen: { ms: number; at: number } | undefined

/** `ms`: what the database's clock shows at this moment, in milliseconds since 1970. */
export function noteDatabaseTime(ms: number): void {
  seen = { ms, at: performance.now() }
}

/**
 * Now, as the database's clock has it: read with each new connection, carried on by this process's steady clock. Several
 * servers have one database: what comes in through one whose own clock is hours off lies among the others' all the same, and
 * is not refused for being in the future. This machine's own time until there is a connection.
 */
export function databaseNow(): Date {
  return seen ? new Date(Math.round(seen.ms + performance.now() - seen.at)) : new Date()
}
