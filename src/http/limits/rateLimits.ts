import { BlockList, isIPv6 } from 'node:net'
import { type ExposureConfig, LIMIT_SETTINGS, type Limits } from '../../config.ts'
import { Refusal } from '../../refusal.ts'
import type { Viewer } from '../../viewer.ts'
import { TokenBuckets } from './tokenBuckets.ts'

/** How often a key may ask, and how often an address may bring a token that is not accepted. */
export class RateLimits {
  readonly #requests: TokenBuckets
  readonly #failedLogins: TokenBuckets
  readonly #proxyHops: number

  constructor({ limits, proxyHops }: Pick<ExposureConfig, 'limits' | 'proxyHops'>) {
    this.#requests = new TokenBuckets(limits.requestsPerMinute)
    this.#failedLogins = new TokenBuckets(limits.failedLoginsPerMinute)
    this.#proxyHops = proxyHops
  }

  /**
   * Counts one request.
   *
   * @throws Refusal RATE_LIMITED when the key has used up its requests.
   */
  countRequest({ tenantId, actorId }: Viewer): void {
    const wait = this.#requests.take(`${tenantId} ${actorId}`)
    if (wait !== undefined)
      throw rateLimited('requestsPerMinute', `${this.#requests.perMinute} requests with this key`, wait)
  }

  /**
   * Looks at a token, and counts one that is not accepted.
   *
   * @throws Refusal RATE_LIMITED for an address with too many of them, before anything is looked at.
   */
  async login(clientIp: string | undefined, look: () => Promise<Viewer>): Promise<Viewer> {
    const address = countedAddress(clientIp, this.#proxyHops)
    if (address === undefined) return look()
    const wait = this.#failedLogins.wait(address)
    if (wait !== undefined)
      throw rateLimited(
        'failedLoginsPerMinute',
        `${this.#failedLogins.perMinute} tokens from this address were rejected`,
        wait,
      )
    try {
      return await look()
    } catch (error) {
      if (error instanceof Refusal && error.code === 'UNAUTHENTICATED') this.#failedLogins.take(address)
      throw error
    }
  }
}

function rateLimited(limit: keyof Limits, count: string, retryAfterSeconds: number): Refusal {
  return new Refusal(
    'RATE_LIMITED',
    `More than ${count} within a minute (${LIMIT_SETTINGS[limit][0]}). Retry in ${retryAfterSeconds} s.`,
    [],
    { retryAfterSeconds },
  )
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
function countedAddress(clientIp: string | undefined, proxyHops: number): string | undefined {
  if (clientIp === undefined) return undefined
  const address = clientIp.replace(/^::ffff:(?=\d+\.)/, '')
  const family = isIPv6(address) ? 'ipv6' : 'ipv4'
  if (proxyHops === 0 && PRIVATE.check(address, family)) return undefined
  return family === 'ipv6' ? address.split(':').slice(0, 4).join(':') : address
}
