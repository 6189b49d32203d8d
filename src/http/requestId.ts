import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

/** Of a caller's own id: one line of a log, and no more of it. */
const WELL_FORMED = /^[\w.:-]{1,128}$/

/** W3C's: version, trace, span, flags. */
const TRACEPARENT = /^(?!ff)[\da-f]{2}-(?!0{32})([\da-f]{32})-[\da-f]{16}-[\da-f]{2}/

const ids = new WeakMap<IncomingMessage, string>()

/**
 * What the request is called in the log, in errors and in the header `X-Request-Id` of its answer: as its caller calls it
 * (`X-Request-Id`, or the trace of `traceparent`), if that is well-formed.
 */
export function requestIdOf(request: IncomingMessage): string {
  const known = ids.get(request)
  if (known !== undefined) return known
  const id = givenBy(request) ?? randomUUID()
  ids.set(request, id)
  return id
}

function givenBy({ headers }: IncomingMessage): string | undefined {
  const given = headers['x-request-id']
  if (typeof given === 'string' && WELL_FORMED.test(given)) return given
  const { traceparent } = headers
  return typeof traceparent === 'string' ? TRACEPARENT.exec(traceparent)?.[1] : undefined
}
