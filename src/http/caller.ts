import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import type { Caller } from '../auth/authenticator.ts'
import { Refusal } from '../refusal.ts'

/**
 * Who is calling, as far as the request tells: the same on every transport. `connectionParams` are those of a WebSocket,
 * whose clients can't set headers in a browser; names are taken in any case, as those of headers are. `proxyHops` proxies
 * stand in front, and each has added the address that it saw to X-Forwarded-For.
 *
 * @throws Refusal BAD_REQUEST
 */
export function callerOf(
  { headers, socket }: IncomingMessage,
  proxyHops: number,
  connectionParams: Record<string, unknown> = {},
): Caller {
  const given = (name: string) => {
    const param = Object.entries(connectionParams).find(([key]) => key.toLowerCase() === name)
    const value = param ? param[1] : headers[name]
    if (value === undefined || typeof value === 'string') return value
    // Left out, it would be as if it had not been meant.
    throw new Refusal('BAD_REQUEST', `${name} must be a string.`)
  }
  return {
    authorization: given('authorization'),
    actAs: given('x-arc-act-as'),
    clientIp: forwardedFor(headers['x-forwarded-for'], proxyHops) ?? socket.remoteAddress,
    userAgent: headers['user-agent'],
  }
}

/** What the outermost of our proxies saw. Everything before that is what a client says of itself. */
function forwardedFor(header: string | string[] | undefined, proxyHops: number): string | undefined {
  if (proxyHops === 0 || header === undefined) return undefined
  const address = String(header).split(',').at(-proxyHops)?.trim()
  return address && isIP(address) ? address : undefined
}
