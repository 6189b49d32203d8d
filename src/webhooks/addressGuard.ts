import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'

type Address = ipaddr.IPv4 | ipaddr.IPv6
type Network = ReturnType<typeof ipaddr.parseCIDR>

/** Where a webhook must not lead. */
export class AddressRefused extends Error {
  override name = 'AddressRefused'
}

/**
 * Which addresses tenants may have requests sent to: those of the internet. What only this network reaches (loopback, private,
 * link-local and with it the metadata of clouds, and all that IPv6 wraps around such) needs the operator's word.
 */
export class AddressGuard {
  readonly #names = new Set<string>()
  readonly #networks: Network[] = []

  /**
   * `allowed`: host names, addresses and networks (10.0.0.0/8) that may be private.
   *
   * @throws Error for what is none of them.
   */
  constructor(allowed: readonly string[] = []) {
    for (const entry of allowed) {
      if (entry.includes('/')) this.#networks.push(ipaddr.parseCIDR(entry))
      else if (isIP(entry)) {
        const address = addressOf(entry)
        this.#networks.push([address, address.kind() === 'ipv4' ? 32 : 128] as Network)
      } else if (/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(entry)) this.#names.add(entry.toLowerCase())
      else throw new Error(`"${entry}" is no host name, address or network`)
    }
  }

  /** Whether a connection may go to this address, which was found under that name (or is the host itself). */
  allows(host: string, address: string): boolean {
    if (this.#names.has(host.toLowerCase())) return true
    const parsed = addressOf(address)
    if (parsed.range() === 'unicast') return true
    return this.#networks.some((network) => network[0].kind() === parsed.kind() && parsed.match(network))
  }

  /** @throws AddressRefused for a host that is such an address itself; names are looked up only when something is sent. */
  checkHost(hostname: string): void {
    const host = bareHost(hostname)
    if (isIP(host) && !this.allows(host, host)) throw new AddressRefused(refusalOf(host))
  }
}

/** As URLs write it, IPv6 is in brackets. */
export function bareHost(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, '$1')
}

export function refusalOf(host: string): string {
  return `${host} is or leads to an address that is not on the public internet`
}

/** An IPv4 address that IPv6 writes (::ffff:10.0.0.1) is that address. */
function addressOf(text: string): Address {
  // A zone names an interface of this machine.
  return ipaddr.process(text.split('%')[0]!)
}
