import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ExecutionResult, GraphQLError } from 'graphql'
import type { Answer } from '../db/tenantTransaction.ts'
import { encodingFor, pack } from './compression.ts'
import { jsonTypeFor } from './requestHead.ts'
import { jsonOf } from './writtenAsIs.ts'

/**
 * Sends a result as GraphQL over HTTP has it: for those who know application/json only, what GraphQL itself says of a document
 * has status 200. Errors bring the status and headers that they have over HTTP (presentableOverHttp).
 */
export async function sendResult(
  request: IncomingMessage,
  response: ServerResponse,
  result: ExecutionResult,
): Promise<void> {
  const type = jsonTypeFor(request)!
  const { status, headers } = headOf(result.errors ?? [], type === 'application/json')
  const json = joined(jsonOf(result))
  const length = lengthOf(json)
  const encoding = encodingFor(request, length)
  const body = encoding ? [await pack(encoding, json)] : json
  response.writeHead(status, {
    ...headers,
    'content-type': `${type}; charset=utf-8`,
    vary: varying(response),
    ...(encoding && { 'content-encoding': encoding }),
    'content-length': encoding ? lengthOf(body) : length,
  })
  // As they are: to put long ones together would be a copy of the whole answer.
  const last = body.length - 1
  if (last > 0) response.cork()
  for (const [index, piece] of body.entries()) index === last ? response.end(piece) : response.write(piece)
  if (last > 0) response.uncork()
}

/** Pieces of which none is bytes are one text. */
function joined(pieces: readonly Answer[]): readonly Answer[] {
  return pieces.every((piece) => typeof piece === 'string') ? [pieces.join('')] : pieces
}

/** In bytes. */
function lengthOf(pieces: readonly Answer[]): number {
  return pieces.reduce((length, piece) => length + Buffer.byteLength(piece), 0)
}

/** What the answer depends on besides the request itself, for caches: with what was said before. */
function varying(response: ServerResponse): string {
  return [response.getHeader('vary'), 'Accept, Accept-Encoding'].filter(Boolean).join(', ')
}

interface OverHttp {
  status?: number
  headers?: Record<string, string>
  spec?: boolean
}

function headOf(
  errors: readonly GraphQLError[],
  isPlainJson: boolean,
): { status: number; headers: Record<string, string> } {
  const told = errors.map(({ extensions }) => (extensions.http ?? {}) as OverHttp)
  const statuses = told.map(({ status = 200, spec = false }) => (spec && isPlainJson ? 200 : status))
  return {
    status: Math.max(200, ...statuses),
    headers: Object.assign({}, ...told.map(({ headers }) => headers)),
  }
}
