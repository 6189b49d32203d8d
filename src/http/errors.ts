import { GraphQLError, type SourceLocation } from 'graphql'
import { CloseCode } from 'graphql-ws'
import type { Logger } from 'pino'
import { ERROR_CODES, type ErrorCode, Refusal, type RefusalDetails } from '../refusal.ts'
import { cutBytes } from '../text.ts'
import { refusalOfDatabase } from './databaseErrors.ts'
import { placeOf } from './parseLocated.ts'
import { MAX_REASON_BYTES } from './socketProtocol.ts'

/** A request that HTTP has a status of its own for. */
export class RequestRefused extends Refusal {
  readonly status: number
  readonly headers: Record<string, string>

  constructor(status: number, code: ErrorCode, message: string, headers: Record<string, string> = {}) {
    super(code, message)
    this.status = status
    this.headers = headers
  }
}

/** What GraphQL itself says of a document: it may have several complaints, each with its place there. */
export class DocumentRefused extends Refusal {
  readonly complaints: readonly GraphQLError[]

  constructor(
    code: 'GRAPHQL_PARSE_FAILED' | 'GRAPHQL_VALIDATION_FAILED',
    complaints: readonly GraphQLError[],
  ) {
    super(code, complaints[0]!.message)
    this.complaints = complaints.map((complaint) =>
      graphqlError(new Refusal(code, complaint.message), complaint),
    )
  }
}

/** The errors of an answer, which are one but for what GraphQL says of a document. */
export function errorsOf(error: unknown): readonly unknown[] {
  return error instanceof DocumentRefused ? error.complaints : [error]
}

/** The error as a client may see it; one that is so already stays as it is. */
export function presentableError(error: unknown, requestId: string, logger: Logger): GraphQLError {
  if (error instanceof GraphQLError && !error.originalError && knownCode(error)) return error
  return graphqlError(refusalOf(error, requestId, logger), error)
}

/** Errors of one answer that are told: further ones mostly say the same of other rows. */
const MAX_ERRORS = 100

/** The errors of an answer; of those that are too many for it only the first, and how many there were. */
export function presentableErrors(
  errors: readonly unknown[],
  requestId: string,
  logger: Logger,
): GraphQLError[] {
  const told = errors.slice(0, MAX_ERRORS).map((error) => presentableError(error, requestId, logger))
  if (errors.length <= MAX_ERRORS) return told
  const { code } = told.at(-1)!.extensions
  const message = `An answer tells of ${MAX_ERRORS} errors; this one had ${errors.length}.`
  return [...told, graphqlError(new Refusal(code as ErrorCode, message))]
}

/** One of them for Yoga, which makes the status and the headers of its answer from it. */
export function presentableOverHttp(error: unknown, requestId: string, logger: Logger): GraphQLError {
  const refusal = refusalOf(error, requestId, logger)
  return graphqlError(refusal, error, { http: responseOf(refusal) })
}

/** A whole answer of HTTP, in the form that GraphQL's errors have. */
export function answerOf(error: unknown, requestId: string, logger: Logger) {
  const refusal = refusalOf(error, requestId, logger)
  const { status, headers } = responseOf(refusal)
  return {
    status,
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify({ errors: [graphqlError(refusal)] }),
  }
}

/** WebSocket's own close code; clients of graphql-transport-ws come back after it. */
const TRY_AGAIN_LATER = 1013

/** How a WebSocket is closed that may not stay open. */
export function closeOf({ code, message }: Refusal): { code: number; reason: string } {
  const isTheirs = code === 'UNAUTHENTICATED' || code === 'FORBIDDEN' || code === 'BAD_REQUEST'
  return {
    code: isTheirs ? CloseCode.Forbidden : TRY_AGAIN_LATER,
    reason: cutBytes(message, MAX_REASON_BYTES),
  }
}

/** What the client hears: refusals and GraphQL's own complaints as they are, anything else only as a request id. */
function refusalOf(error: unknown, requestId: string, logger: Logger): Refusal {
  const original = error instanceof GraphQLError ? (error.originalError ?? error) : error
  if (original instanceof Refusal) return original
  if (original instanceof GraphQLError) {
    const { message, path } = error as GraphQLError
    // graphql-js says what is wrong with a variable, but not in a code; Yoga has some codes of its own.
    const isInput = path !== undefined || /^Variable "/.test(message)
    const { retryAfterSeconds } = (error as GraphQLError).extensions as RefusalDetails
    return new Refusal(
      knownCode(error as GraphQLError) ?? (isInput ? 'BAD_USER_INPUT' : 'BAD_REQUEST'),
      message,
      [],
      retryAfterSeconds === undefined ? {} : { retryAfterSeconds },
    )
  }
  const refusal = refusalOfDatabase(original, requestId, logger)
  if (refusal) return refusal
  logger.error({ err: original, requestId }, 'a request failed')
  return new Refusal(
    'INTERNAL_SERVER_ERROR',
    `Unexpected error. The server's log has it under ${requestId}.`,
    [],
    { requestId },
  )
}

function knownCode({ extensions }: GraphQLError): ErrorCode | undefined {
  const code = String(extensions.code)
  return Object.hasOwn(ERROR_CODES, code) ? (code as ErrorCode) : undefined
}

/** An error knows several places when its field stands in the document several times. */
const MAX_LOCATIONS = 10

/** The refusal at the place of the error that it is of, with what GraphQL says there besides. */
function graphqlError(
  { code, message, inputPath, details }: Refusal,
  error?: unknown,
  more: object = {},
): GraphQLError {
  const at = error instanceof GraphQLError ? error : undefined
  const isGraphQLs = at && (at.originalError ?? at) instanceof GraphQLError
  return new ShownError(message, at, {
    ...(isGraphQLs ? at.extensions : {}),
    code,
    ...(inputPath.length > 0 ? { input: inputPath } : {}),
    ...details,
    ...more,
  })
}

/**
 * An error that knows its place without its document: of itself each GraphQLError walks through the whole text for it,
 * and so does each copy. See parseLocated.
 */
class ShownError extends GraphQLError {
  override readonly locations: readonly SourceLocation[] | undefined

  constructor(message: string, at: GraphQLError | undefined, extensions: Record<string, unknown>) {
    super(message, { path: at?.path, extensions })
    this.locations = at?.nodes?.slice(0, MAX_LOCATIONS).map(placeOf) ?? at?.locations
  }
}

interface HttpResponse {
  status: number
  headers?: Record<string, string>
  /** 200 instead for clients of GraphQL that accept only application/json. */
  spec?: true
}

const RESPONSES: Partial<Record<ErrorCode, HttpResponse>> = {
  UNAUTHENTICATED: { status: 401, headers: { 'www-authenticate': 'Bearer' } },
  FORBIDDEN: { status: 403 },
  TOO_LARGE: { status: 413 },
  RATE_LIMITED: { status: 429 },
  INTERNAL_SERVER_ERROR: { status: 500 },
  UNAVAILABLE: { status: 503 },
  PERSISTED_QUERY_NOT_FOUND: { status: 400, spec: true },
  PERSISTED_QUERY_ONLY: { status: 400, spec: true },
  GRAPHQL_PARSE_FAILED: { status: 400, spec: true },
  GRAPHQL_VALIDATION_FAILED: { status: 400, spec: true },
  BAD_USER_INPUT: { status: 400, spec: true },
  LIMIT_EXCEEDED: { status: 400, spec: true },
}

/** What HTTP says of a refusal that is all there is of an answer. */
function responseOf(refusal: Refusal): HttpResponse {
  if (refusal instanceof RequestRefused) return { status: refusal.status, headers: refusal.headers }
  const response = RESPONSES[refusal.code] ?? { status: 400 }
  const { retryAfterSeconds } = refusal.details
  return retryAfterSeconds === undefined
    ? response
    : { ...response, headers: { 'retry-after': String(retryAfterSeconds) } }
}
