import { LIMIT_SETTINGS, type Limits } from '../../config.ts'
import { Refusal } from '../../refusal.ts'

type SlotLimit =
  | 'subscriptionsPerTenant'
  | 'socketsPerTenant'
  | 'bodyBytesPerTenant'
  | 'bodyValuesPerTenant'
  | 'tokensPerTenant'
  | 'answerBytesPerTenant'
  | 'rowBytesPerTenant'

/** What somebody has taken, bit by bit. */
export interface Holding {
  /** @throws Refusal LIMIT_EXCEEDED or RATE_LIMITED when there is not so much left. */
  take(amount: number): void
  /** All of it, however often it is called; nothing is taken afterwards. */
  giveBack(): void
}

/** So much of something for each tenant; who finds too little left is refused. */
export class TenantSlots {
  readonly #taken = new Map<string, number>()
  readonly #max: number
  readonly #refusal: (taken: number) => Refusal

  /** What passes by itself is taken again in a second: then the refusal is of the rate, and says so. */
  constructor(limit: SlotLimit, limits: Limits, what: string, passes = false) {
    this.#max = limits[limit]
    this.#refusal = (taken) =>
      new Refusal(
        passes ? 'RATE_LIMITED' : 'LIMIT_EXCEEDED',
        `This tenant has ${taken} ${what}; ${this.#max} are allowed (${LIMIT_SETTINGS[limit][0]}).`,
        [],
        passes ? { retryAfterSeconds: 1 } : {},
      )
  }

  /** Of all tenants. */
  get taken(): number {
    let sum = 0
    for (const taken of this.#taken.values()) sum += taken
    return sum
  }

  hold(tenantId: string): Holding {
    let held = 0
    let isOver = false
    return {
      take: (amount) => {
        if (isOver) return
        const taken = this.#taken.get(tenantId) ?? 0
        if (taken + amount > this.#max) throw this.#refusal(taken)
        this.#taken.set(tenantId, taken + amount)
        held += amount
      },
      giveBack: () => {
        isOver = true
        const left = (this.#taken.get(tenantId) ?? 0) - held
        held = 0
        if (left > 0) this.#taken.set(tenantId, left)
        else this.#taken.delete(tenantId)
      },
    }
  }

  /**
   * Takes one, and returns what gives it back, however often that is called.
   *
   * @throws Refusal LIMIT_EXCEEDED or RATE_LIMITED when there is none left.
   */
  take(tenantId: string): () => void {
    const holding = this.hold(tenantId)
    holding.take(1)
    return holding.giveBack
  }
}
