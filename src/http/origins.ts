import type { IncomingMessage, ServerResponse } from 'node:http'

/** Whether a page of this origin may call: the server's own pages, and those of the configuration. */
export function isAllowedOrigin(request: IncomingMessage, corsOrigins: readonly string[]): boolean {
  const { origin, host } = request.headers
  if (origin === undefined || corsOrigins.includes(origin)) return true
  return URL.canParse(origin) && new URL(origin).host === host
}

/**
 * Says to browsers which pages of other origins may read the answers: none unless the configuration names them. Answers
 * the question that a browser asks beforehand, and is true then. No cookies are taken, so none are allowed.
 */
export function answerPreflight(
  request: IncomingMessage,
  response: ServerResponse,
  corsOrigins: readonly string[],
  methods: readonly string[],
): boolean {
  const { origin } = request.headers
  if (corsOrigins.length > 0) response.setHeader('vary', 'Origin')
  if (origin === undefined || !corsOrigins.includes(origin)) return false
  response.setHeader('access-control-allow-origin', origin)
  response.setHeader('access-control-expose-headers', 'Retry-After, WWW-Authenticate, X-Request-Id')
  if (request.method !== 'OPTIONS' || !request.headers['access-control-request-method']) return false
  response
    .writeHead(204, {
      'access-control-allow-methods': methods.join(', '),
      'access-control-allow-headers':
        'Authorization, Content-Type, Content-Encoding, X-Arc-Act-As, X-Request-Id, Traceparent, Tracestate',
      'access-control-max-age': '7200',
    })
    .end()
  return true
}
