import { Refusal } from '../../refusal.ts'

/** When to come back after too many waited. */
const RETRY_AFTER_SECONDS = 2

interface Lane {
  running: number
  waiting: (() => void)[]
}

/** So much work of each tenant at a time; what is more waits, in the order in which it came. */
export class TenantTurns {
  readonly #atOnce: number
  readonly #maxWaiting: number
  readonly #lanes = new Map<string, Lane>()
  #running = 0
  #waiting = 0

  constructor(atOnce: number, maxWaiting = Number.POSITIVE_INFINITY) {
    this.#atOnce = atOnce
    this.#maxWaiting = maxWaiting
  }

  /** How much of it goes on, of all tenants. */
  get running(): number {
    return this.#running
  }

  get waiting(): number {
    return this.#waiting
  }

  /** @throws Refusal UNAVAILABLE when too many of the tenant wait. */
  async inTurn<Result>(tenantId: string, work: () => Promise<Result>): Promise<Result> {
    const lane = this.#lanes.get(tenantId) ?? { running: 0, waiting: [] }
    this.#lanes.set(tenantId, lane)
    if (lane.waiting.length >= this.#maxWaiting) {
      throw new Refusal(
        'UNAVAILABLE',
        `${lane.waiting.length} operations of the tenant wait for a database connection, the most that may (ARC_MAX_WAITING): nothing was done; try again.`,
        [],
        { retryAfterSeconds: RETRY_AFTER_SECONDS },
      )
    }
    if (lane.running < this.#atOnce) lane.running += 1
    // Whoever ends hands its turn over, so nobody else can take it in between.
    else {
      this.#waiting += 1
      await new Promise<void>((resolve) => lane.waiting.push(resolve))
      this.#waiting -= 1
    }
    this.#running += 1
    try {
      return await work()
    } finally {
      this.#running -= 1
      const next = lane.waiting.shift()
      if (next) next()
      else {
        lane.running -= 1
        if (lane.running === 0) this.#lanes.delete(tenantId)
      }
    }
  }
}
