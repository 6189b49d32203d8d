import sql, { join, type Sql } from 'sql-template-tag'

/**
 * What the text of a time, number or byte string means to PostgreSQL, in both directions. The host, the database and the
 * login have a word in each of these, and what Arc and its drivers read and write is right under these values only:
 * Prisma, for one, takes every time for UTC, whatever offset stands in it.
 *
 * They are set in each transaction, or once where a connection keeps its session (statementNames.ts): behind PgBouncer a
 * connection's settings are another's after the next COMMIT, and PGlite has one session for everybody.
 */
export const PINNED_SETTINGS: readonly (readonly [name: string, value: string])[] = [
  ['TimeZone', 'UTC'],
  ['DateStyle', 'ISO, MDY'],
  ['IntervalStyle', 'postgres'],
  ['extra_float_digits', '1'],
  ['bytea_output', 'hex'],
  ['lc_monetary', 'C'],
  ['lc_numeric', 'C'],
  ['lc_time', 'C'],
  ['standard_conforming_strings', 'on'],
  ['array_nulls', 'on'],
  ['transform_null_equals', 'off'],
  // pg_temp is named last, or PostgreSQL looks there first: a temporary table that somebody left on a pooled connection
  // would take the place of the real one.
  ['search_path', 'public, pg_temp'],
]

/** How long a setting holds. */
type Extent = 'of the transaction' | 'of the session'

const isLocal = (of: Extent) => (of === 'of the transaction' ? sql`true` : sql`false`)

/**
 * Memory for each sort of a reading transaction or session, as what a SELECT lists: with the 4 MB that PostgreSQL has by default a year
 * of sums is sorted on disk, which takes twice as long. A database that gives more keeps it.
 */
export function sortsInMemory(of: Extent = 'of the transaction'): Sql {
  return sql`set_config('work_mem', greatest(pg_size_bytes(current_setting('work_mem')) / 1024, 16384) || 'kB', ${isLocal(of)})`
}

/** Makes settings of the transaction, or of the session, as what a SELECT lists. */
export function settingsSql(
  settings: readonly (readonly [name: string, value: string])[],
  of: Extent = 'of the transaction',
): Sql {
  return join(
    settings.map(([name, value]) => sql`set_config(${name}, ${value}, ${isLocal(of)})`),
    ', ',
  )
}
