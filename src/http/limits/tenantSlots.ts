import { LIMIT_SETTINGS, type Limits } from '../../config.ts'
import { Refusal } from '../../refusal.ts'

/** Slots that each tenant has so many of. */
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

  /**
   * Takes one, and returns what gives it back, however often that is called.
   *
   * @throws Refusal LIMIT_EXCEEDED when there is none left.
   */
  take(tenantId: string): () => void {
    const taken = this.#taken.get(tenantId) ?? 0
    if (taken >= this.#max) {
      throw new Refusal(
        'LIMIT_EXCEEDED',
        `This tenant has ${taken} ${this.#what} open, the most that are allowed (${LIMIT_SETTINGS[this.#limit][0]}).`,
      )
    }
    this.#taken.set(tenantId, taken + 1)
    let isHeld = true
    return () => {
      if (isHeld) this.#giveBack(tenantId)
      isHeld = false
    }
  }

  #giveBack(tenantId: string): void {
    const left = this.#taken.get(tenantId)! - 1
    if (left > 0) this.#taken.set(tenantId, left)
    else this.#taken.delete(tenantId)
  }
}
