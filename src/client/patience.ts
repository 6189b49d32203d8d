import { setTimeout as delay } from 'node:timers/promises'
import type { TypedDocumentNode } from '@graphql-typed-document-node/core'
import { type ArcClient, ArcRequestError } from './arcClient.ts'
import type { ErrorCode } from './operations.ts'

/** How long to wait before the second and the third attempt. */
const PAUSES_MS = [1_000, 2_000]

/** Gateways answer so while the server behind them restarts. */
const GATEWAY_STATUSES = [502, 503, 504]

/**
 * The data of one operation, asked for up to three times: again when no answer came, the server could not reach its
 * database, another transaction got in the way, or there were too many requests. Only for operations that may be repeated.
 *
 * @throws ArcRequestError, the last one; AbortError once `stopping` has come.
 */
export async function askPatiently<Result, Variables extends Record<string, unknown>>(
  client: ArcClient,
  document: TypedDocumentNode<Result, Variables>,
  variables: Variables,
  stopping?: AbortSignal,
): Promise<Result> {
  stopping?.throwIfAborted()
  for (const pauseMs of PAUSES_MS) {
    try {
      return await client.request(document, variables)
    } catch (error) {
      if (!isPassing(error)) throw error
      await delay(pauseMs, undefined, { signal: stopping })
    }
  }
  return client.request(document, variables)
}

/** The codes of what the server refused; empty when it was never asked. */
export function codesOf(error: unknown): ErrorCode[] {
  if (!(error instanceof ArcRequestError)) return []
  return error.errors.flatMap(({ extensions }) => (extensions?.code as ErrorCode | undefined) ?? [])
}

/**
 * The payload of a mutation that did what it was asked.
 *
 * @throws ArcRequestError when it has errors, with their codes.
 */
export function accepted<Payload extends { errors: { code: ErrorCode; message: string }[] }>(
  payload: Payload,
): Payload {
  if (payload.errors.length === 0) return payload
  const errors = payload.errors.map(({ code, message }) => ({ message, extensions: { code } }))
  throw new ArcRequestError(errors.map(({ message }) => message).join(' '), 200, errors)
}

function isPassing(error: unknown): boolean {
  if (!(error instanceof ArcRequestError)) return false
  if (error.status === 0) return true
  return error.errors.length === 0
    ? GATEWAY_STATUSES.includes(error.status)
    : codesOf(error).some((code) => ['UNAVAILABLE', 'CONFLICT_RETRY', 'RATE_LIMITED'].includes(code))
}
