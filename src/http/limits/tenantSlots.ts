import { GraphQLError } from 'graphql'
import { LIMIT_SETTINGS, type Limits } from '../../config.ts'

/** Slots that each tenant has so many of; whoever takes one gives it back. */
export class TenantSlots {
  readonly #taken = new Map<string, number>()
  readonly #limit: 'subscriptionsPerTenant' | 'socketsPerTenant'
  readonly #max: number
  readonly #what: string

  constructor(limit: 'subscriptionsPerTenant' | 'socketsPerTenant', limits: Limits, what: string) {
    this.#limit = limit
    this.#max = limits[limit]
    this.#what = what
  }

  /** Takes one; when there is none left, the error that says so. */
  take(tenantId: string): GraphQLError | undefined {
    const taken = this.#taken.get(tenantId) ?? 0
    if (taken >= this.#max) {
      return new GraphQLError(
        `This tenant has ${taken} ${this.#what} open, the most it may have (${LIMIT_SETTINGS[this.#limit][0]}).`,
        { extensions: { code: 'LIMIT_EXCEEDED' } },
      )
    }
    this.#taken.set(tenantId, taken + 1)
    return undefined
  }

  giveBack(tenantId: string): void {
    const left = this.#taken.get(tenantId)! - 1
    if (left > 0) this.#taken.set(tenantId, left)
    else this.#taken.delete(tenantId)
  }
}
