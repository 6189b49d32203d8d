import { BlockList, isIPv6 } from 'node:net'
import type { Authenticate, Caller } from '../auth/authenticator.ts'
import { type ExposureConfig, LIMIT_SETTINGS } from '../config.ts'
import { Refusal } from '../refusal.ts'
import type { Viewer } from '../viewer.ts'
import { TokenBuckets } from './limits/tokenBuckets.ts'

/** Who may come in, and how often. */
export interface Admission {
  /** @throws Refusal UNAUTHENTICATED, UNAVAILABLE, or RATE_LIMITED for an address with too many tokens that are not accepted. */
  authenticate: Authenticate
  /** Counts one request. @throws Refusal RATE_LIMITED when the key has used up its requests. */
  count(viewer: Viewer): void
}

export function createAdmission(
  authenticate: Authenticate,
  { limits, proxyHops }: ExposureConfig,
): Admission {
  const failures = new TokenBuckets(limits.failedLoginsPerMinute)
  const requests = new TokenBuckets(limits.requestsPerMinute)

  return {
    async authenticate(caller) {
      const address = placeOf(caller, proxyHops)
      const wait = address === undefined ? undefined : failures.wait(address)
      if (wait !== undefined)
        throw rateLimited(
          `More than ${failures.perMinute} tokens of this address were not accepted within a minute (${LIMIT_SETTINGS.failedLoginsPerMinute[0]}).`,
          wait,
        )
      try {
        return await authenticate(caller)
      } catch (error) {
        if (address !== undefined && error instanceof Refusal && error.code === 'UNAUTHENTICATED')
          failures.take(address)
        throw error
      }
    },
    count({ tenantId, actorId }) {
      const wait = requests.take(`${tenantId} ${actorId}`)
      if (wait !== undefined)
        throw rateLimited(
          `More than ${requests.perMinute} requests of this key within a minute (${LIMIT_SETTINGS.requestsPerMinute[0]}).`,
          wait,
        )
    },
  }
}

/** Too many at once; the same is taken again after a while. */
function rateLimited(message: string, retryAfterSeconds: number): Refusal {
  return new Refusal('RATE_LIMITED', `${message} Come back in ${retryAfterSeconds} s.`, [], {
    retryAfterSeconds,
  })
}

const PRIVATE = new BlockList()
for (const [net, prefix] of [
  ['127.0.0.0', 8],
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
] as const)
  PRIVATE.addSubnet(net, prefix, 'ipv4')
PRIVATE.addSubnet('fc00::', 7, 'ipv6')
PRIVATE.addAddress('::1', 'ipv6')

/**
 * Where failures are counted; IPv6 by its /64, which is one customer. Nowhere for a private address when no proxy is
 * declared: it may be that of a proxy, and everybody behind it would be locked out.
 */
function placeOf({ clientIp }: Caller, proxyHops: number): string | undefined {
  if (clientIp === undefined) return undefined
  const address = clientIp.replace(/^::ffff:(?=\d+\.)/, '')
  const family = isIPv6(address) ? 'ipv6' : 'ipv4'
  if (proxyHops === 0 && PRIVATE.check(address, family)) return undefined
  return family === 'ipv6' ? address.split(':').slice(0, 4).join(':') : address
}
