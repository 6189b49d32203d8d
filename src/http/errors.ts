import { GraphQLError } from 'graphql'
import type { Logger } from 'pino'
import { ERROR_CODES, type ErrorCode, Refusal } from '../refusal.ts'
import { RateLimited } from './admission.ts'

/** A request that HTTP itself has a status for. */
export class RequestRefused extends Refusal {
  readonly status: number
  readonly headers: Record<string, string>

  constructor(status: number, code: ErrorCode, message: string, headers: Record<string, string> = {}) {
    super(code, message)
    this.status = status
    this.headers = headers
  }
}

/** What the client hears: refusals and GraphQL's own complaints as they are, anything else only as a request id. */
export function presentableError(error: unknown, requestId: string, logger: Logger): GraphQLError {
  const original = error instanceof GraphQLError ? (error.originalError ?? error) : error
  if (original instanceof Refusal) {
    const retryAfterSeconds = original instanceof RateLimited ? original.retryAfterSeconds : undefined
    return withCode(error, original.message, original.code, { input: original.inputPath, retryAfterSeconds })
  }
  if (original instanceof GraphQLError) return withDefaultCode(error as GraphQLError)
  if (isUnavailable(original)) {
    logger.warn({ err: original, requestId }, 'the database did not answer')
    return withCode(
      error,
      'The database cannot be reached or did not answer in time; try again. What broke off in its commit may have been stored.',
      'UNAVAILABLE',
      { requestId },
    )
  }
  if (isLostRace(original)) {
    return withCode(
      error,
      'Another transaction got in the way. Nothing was stored; send the same request again.',
      'CONFLICT_RETRY',
      { requestId },
    )
  }
  if (codesOf(original).includes('42501')) {
    return withCode(error, 'The role of this token may not do this.', 'FORBIDDEN', {})
  }
  const mistake = mistakeOf(original)
  if (mistake) {
    logger.warn({ err: original, requestId }, 'the database refused a value')
    return withCode(error, mistake, 'INVALID_VALUE', { requestId })
  }
  logger.error({ err: original, requestId }, 'a request failed')
  return withCode(
    error,
    `Unexpected error. The server's log has it under ${requestId}.`,
    'INTERNAL_SERVER_ERROR',
    { requestId },
  )
}

function withCode(
  error: unknown,
  message: string,
  code: ErrorCode,
  more: { input?: Refusal['inputPath']; requestId?: string; retryAfterSeconds?: number | undefined },
): GraphQLError {
  const { input, requestId, retryAfterSeconds } = more
  return new GraphQLError(message, {
    ...(error instanceof GraphQLError ? { nodes: error.nodes, path: error.path } : {}),
    extensions: {
      code,
      ...(input && input.length > 0 ? { input } : {}),
      ...(requestId ? { requestId } : {}),
      ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
    },
  })
}

/** graphql-js says what is wrong with a document or a variable, but not in a code; Yoga has some of its own. */
function withDefaultCode(error: GraphQLError): GraphQLError {
  if (Object.hasOwn(ERROR_CODES, String(error.extensions.code))) return error
  const code: ErrorCode = error.path || /^Variable "/.test(error.message) ? 'BAD_USER_INPUT' : 'BAD_REQUEST'
  return new GraphQLError(error.message, {
    nodes: error.nodes,
    source: error.source,
    positions: error.positions,
    path: error.path,
    extensions: { ...error.extensions, code },
  })
}

/** Connection errors of Node and pg, PostgreSQL's classes 08 and 57, statement timeout, and Prisma's words for them. */
function isUnavailable(error: unknown): boolean {
  const unavailable = /^(08|57|53300|ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|P1001|P1002|P1008|P1017|P2024|P2028)/
  if (codesOf(error).some((code) => unavailable.test(code))) return true
  const { message } = error as { message?: unknown }
  return (
    typeof message === 'string' &&
    /Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error/i.test(
      message,
    )
  )
}

/** SQLSTATE serialization_failure and deadlock_detected, and Prisma's word for them. */
function isLostRace(error: unknown): boolean {
  return codesOf(error).some((code) => ['40001', '40P01', 'P2034'].includes(code))
}

/**
 * Values that passed every check and that the database would not take: what it said names tables and constraints, so it
 * is said again in words that name none. By SQLSTATE, and by Prisma's codes for the same.
 */
const MISTAKES: readonly [codes: RegExp, message: string][] = [
  [/^(22003|P2020|P2033)$/, 'A number is outside of what can be stored or compared.'],
  [/^(22007|22008)$/, 'A time is outside of what can be stored or compared.'],
  [/^(22021|22P05)$/, 'A text has U+0000 or half of a surrogate pair in it.'],
  [/^(22001|22023|22P02|2201B|P2000|P2006|P2007)$/, 'A value does not have the form that its field needs.'],
  [/^(23503|P2003)$/, 'Something that the request refers to does not exist.'],
  [/^(23505|P2002)$/, 'There is another row with the same key.'],
  [/^(23514|P2004|P2039)$/, 'A value is outside of what its field allows.'],
  [/^(54...|P2029)$/, 'The request is larger or deeper than the database takes.'],
]

function mistakeOf(error: unknown): string | undefined {
  const codes = codesOf(error)
  return MISTAKES.find(([mistake]) => codes.some((code) => mistake.test(code)))?.[1]
}

/** What Node, pg and Prisma call the error; Prisma keeps PostgreSQL's own code, if it has no word for it, far inside. */
function codesOf(error: unknown): string[] {
  const { code, meta } = error as {
    code?: unknown
    meta?: { code?: unknown; driverAdapterError?: { cause?: { originalCode?: unknown } } }
  }
  const codes = [code, meta?.code, meta?.driverAdapterError?.cause?.originalCode]
  return codes.filter((value) => typeof value === 'string')
}
