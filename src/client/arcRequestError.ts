import type { ErrorCode } from './operations.ts'

/** One reason for which a request was declined. */
export interface ArcErrorDetail {
  message: string
  /** Null when it was not Arc that declined. */
  code: ErrorCode | null
  /** The field of the input at fault, from the outside in; empty when it is the request as a whole. */
  path: readonly (string | number)[]
}

/** An error as GraphQL over HTTP has it. */
export interface GraphQLAnswerError {
  message: string
  extensions?: { code?: ErrorCode; input?: (string | number)[]; requestId?: string } & Record<string, unknown>
}

/** Gateways answer so while the server behind them restarts, or when too much is asked of it. */
const PASSING_STATUSES: ReadonlySet<number> = new Set([429, 502, 503, 504])

const PASSING_CODES: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'UNAVAILABLE',
  'CONFLICT_RETRY',
  'RATE_LIMITED',
])

/**
 * A request that did not do what it was asked: the server declined, or gave no answer. Everything of the client throws
 * it, also for the errors in a mutation's payload. No message holds the token.
 */
export class ArcRequestError extends Error {
  override name = 'ArcRequestError'
  /** HTTP status; 0 when there was no answer. */
  readonly status: number
  readonly errors: readonly ArcErrorDetail[]
  /** Whether the same request may go well later: there was no answer, or the fault is one that passes. */
  readonly retryable: boolean
  /** Under which the server's log has a fault of its own. */
  readonly requestId: string | undefined
  /** How long the server wants to be left alone, in milliseconds (Retry-After). */
  readonly retryAfterMs: number | undefined

  constructor(
    message: string,
    more: {
      status?: number
      errors?: readonly ArcErrorDetail[]
      requestId?: string
      retryAfterMs?: number
      cause?: unknown
    } = {},
  ) {
    super(message, 'cause' in more ? { cause: more.cause } : {})
    this.status = more.status ?? 0
    this.errors = more.errors ?? []
    this.requestId = more.requestId
    this.retryAfterMs = more.retryAfterMs
    this.retryable =
      this.status === 0 ||
      PASSING_STATUSES.has(this.status) ||
      this.codes.some((code) => PASSING_CODES.has(code))
  }

  /** Why the server declined; empty when it gave no reason. */
  get codes(): ErrorCode[] {
    return this.errors.flatMap(({ code }) => code ?? [])
  }

  /** What a GraphQL answer with errors says. */
  static ofAnswer(
    errors: readonly GraphQLAnswerError[],
    more: { status: number; retryAfterMs?: number },
  ): ArcRequestError {
    return new ArcRequestError(errors.map(({ message }) => message).join('; '), {
      ...more,
      requestId: errors.find(({ extensions }) => extensions?.requestId)?.extensions?.requestId,
      errors: errors.map(({ message, extensions }) => ({
        message,
        code: extensions?.code ?? null,
        path: extensions?.input ?? [],
      })),
    })
  }
}
