import { GraphQLError } from 'graphql'
import type { Logger } from 'pino'
import { ERROR_CODES, type ErrorCode, Refusal } from '../refusal.ts'

/** What the client hears: refusals and GraphQL's own complaints as they are, anything else only as a request id. */
export function presentableError(error: unknown, requestId: string, logger: Logger): GraphQLError {
  const original = error instanceof GraphQLError ? (error.originalError ?? error) : error
  if (original instanceof Refusal)
    return withCode(error, original.message, original.code, { input: original.inputPath })
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
  more: { input?: Refusal['inputPath']; requestId?: string },
): GraphQLError {
  const { input, requestId } = more
  return new GraphQLError(message, {
    ...(error instanceof GraphQLError ? { nodes: error.nodes, path: error.path } : {}),
    extensions: {
      code,
      ...(input && input.length > 0 ? { input } : {}),
      ...(requestId ? { requestId } : {}),
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

/** What Node, pg and Prisma call the error; Prisma keeps PostgreSQL's own code, if it has no word for it, far inside. */
function codesOf(error: unknown): string[] {
  const { code, meta } = error as {
    code?: unknown
    meta?: { code?: unknown; driverAdapterError?: { cause?: { originalCode?: unknown } } }
  }
  const codes = [code, meta?.code, meta?.driverAdapterError?.cause?.originalCode]
  return codes.filter((value) => typeof value === 'string')
}
