import type { IncomingMessage } from 'node:http'
import type { Caller } from '../auth/authenticator.ts'

/**
 * Who is calling, as far as the request tells: the same on every transport. `connectionParams` are those of a WebSocket,
 * whose clients can't set headers in a browser; names are taken in any case, as those of headers are.
 */
export function callerOf(
  { headers, socket }: IncomingMessage,
  connectionParams: Record<string, unknown> = {},
): Caller {
  const given = (name: string) => {
    const [, value] = Object.entries(connectionParams).find(([key]) => key.toLowerCase() === name) ?? []
    const header = headers[name]
    return typeof value === 'string' ? value : typeof header === 'string' ? header : undefined
  }
  return {
    authorization: given('authorization'),
    actAs: given('x-arc-act-as'),
    clientIp: socket.remoteAddress,
    userAgent: headers['user-agent'],
  }
}
