import type { Logger } from 'pino'
import { codesOf, isLostRace } from '../db/passingFault.ts'
import { Refusal } from '../refusal.ts'

/**
 * What a client hears of an error of the database: it names no table and no constraint. Undefined for an error that is
 * none, or a fault of ours.
 */
export function refusalOfDatabase(error: unknown, requestId: string, logger: Logger): Refusal | undefined {
  if (isDiskFull(error)) {
    logger.error({ err: error, requestId }, 'the database has no room on its disk')
    return new Refusal(
      'UNAVAILABLE',
      'The database has no room on its disk. Nothing was stored; send the same request again when there is room.',
      [],
      { requestId, retryAfterSeconds: RETRY_AFTER_SECONDS },
    )
  }
  if (isUnavailable(error)) {
    logger.warn({ err: error, requestId }, 'the database did not answer')
    return new Refusal(
      'UNAVAILABLE',
      'The database cannot be reached or did not answer in time; try again. What failed during its commit may have been stored.',
      [],
      { requestId, retryAfterSeconds: RETRY_AFTER_SECONDS },
    )
  }
  if (isLostRace(error)) {
    return new Refusal(
      'CONFLICT_RETRY',
      'Another transaction interfered. Nothing was stored; send the same request again.',
      [],
      { requestId },
    )
  }
  if (isForbidden(error)) {
    return new Refusal('FORBIDDEN', 'The role of this token may not do this.')
  }
  const mistake = mistakeOf(error)
  if (mistake) {
    logger.warn({ err: error, requestId }, 'the database refused a value')
    return new Refusal('INVALID_VALUE', mistake, [], { requestId })
  }
  return undefined
}

/** When to come back: a connection that was lost is replaced at once, a database that is down is not. */
const RETRY_AFTER_SECONDS = 2

/**
 * Connection errors of Node and pg, PostgreSQL's classes 08, 53 (out of memory or locks) and 57 (statement timeout among them),
 * the other timeouts that a database may have set (of transactions, of locks), one that only reads, and Prisma's words for them.
 */
export function isUnavailable(error: unknown): boolean {
  const unavailable =
    /^(08|25006|25P0[34]|53|55P03|57|ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|P1001|P1002|P1008|P1017|P2024|P2028)/
  if (codesOf(error).some((code) => unavailable.test(code))) return true
  const { message } = error as { message?: unknown }
  return (
    typeof message === 'string' &&
    /Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|Query read timeout|got no answer/i.test(
      message,
    )
  )
}

/** SQLSTATE disk_full. */
function isDiskFull(error: unknown): boolean {
  return codesOf(error).includes('53100')
}

/** SQLSTATE insufficient_privilege. */
export function isForbidden(error: unknown): boolean {
  return codesOf(error).includes('42501')
}

/** PostgreSQL's class 54: a text that became too long, among others. */
export function isBeyondLimits(error: unknown): boolean {
  return codesOf(error).some((code) => code.startsWith('54'))
}

/**
 * Values that passed every check and that the database would not take: what it said names tables and constraints, so it
 * is said again in words that name none. By SQLSTATE, and by Prisma's codes for the same.
 */
const MISTAKES: readonly [codes: RegExp, message: string][] = [
  [/^(22003|P2020|P2033)$/, 'A number is outside the range that can be stored or compared.'],
  [/^(22007|22008)$/, 'A time is outside the range that can be stored or compared.'],
  [/^(22021|22P05)$/, 'A string contains U+0000 or half a surrogate pair.'],
  [
    /^(22001|22023|22P02|2201B|P2000|P2006|P2007)$/,
    'A value does not have the form that its field requires.',
  ],
  [/^(23503|P2003)$/, 'Something that the request refers to does not exist.'],
  [/^(23505|P2002)$/, 'Another row has the same key.'],
  [/^(23514|P2004|P2039)$/, 'A value is outside what its field allows.'],
  [/^(54...|P2029)$/, 'The request is larger or deeper than the database accepts.'],
]

function mistakeOf(error: unknown): string | undefined {
  const codes = codesOf(error)
  return MISTAKES.find(([mistake]) => codes.some((code) => mistake.test(code)))?.[1]
}
