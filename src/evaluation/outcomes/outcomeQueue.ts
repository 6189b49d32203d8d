import type { Write } from '../../db/tenantTransaction.ts'
import { stringifyExactly } from '../../exactNumbers.ts'
import { Refusal } from '../../refusal.ts'
import { inSpan, type SpanLink, spanNow } from '../../spans.ts'
import { MAX_ROWS } from '../../valueChecks.ts'
import type { Viewer } from '../../viewer.ts'
import type { OutcomeInput } from '../outcomeInput.ts'
import { type OutcomeReceipt, recordOutcomes } from './outcomes.ts'

interface Waiting {
  input: OutcomeInput
  bytes: number
  /** What it is part of, where that is traced. */
  link: SpanLink | undefined
  resolve: (receipt: OutcomeReceipt) => void
  reject: (error: unknown) => void
}

/** Of the requests that a batch is made of: what the database takes while it stores one is many times that. */
const MAX_BATCH_BYTES = 4 * 1024 * 1024

/** How long the first outcome of a lane waits for others. */
const GATHER_MS = 2

/** When to come back after the queue was full. */
const RETRY_AFTER_SECONDS = 2

/** How many outcomes may wait: of all tenants together, and of each. */
interface QueueBounds {
  all: number
  ofTenant: number
}

function full(what: string): Refusal {
  return new Refusal(
    'UNAVAILABLE',
    `${what} to be stored, the most that may (ARC_MAX_WAITING): this one was not; try again.`,
    [],
    { retryAfterSeconds: RETRY_AFTER_SECONDS },
  )
}

/** `bytes`: of the requests that bring what is written. */
type WriteAs = (viewer: Viewer, bytes: number) => Write

/**
 * Those that wait, equal ones together if they name no run. Two of one batch would be two results of their scenario, and of two
 * calls they are one that was sent again.
 */
function equalOnes(batch: readonly Waiting[]): [Waiting, ...Waiting[]][] {
  const alike = grouped(batch, ({ input }) => (namesRun(input) ? input : outlineOf(input)))
  return alike.flatMap((some) =>
    some.length === 1 ? [some] : grouped(some, ({ input }) => stringifyExactly(input)),
  )
}

function namesRun({ outcomeId, repetition }: OutcomeInput): boolean {
  return typeof outcomeId === 'string' || typeof repetition === 'number'
}

/** What most results differ in: whole ones may be large. */
function outlineOf({ trajectory, metrics, toolUsage, failurePatterns, ...outline }: OutcomeInput): string {
  return stringifyExactly(outline)
}

function grouped<Item>(items: readonly Item[], keyOf: (item: Item) => unknown): [Item, ...Item[]][] {
  const groups = new Map<unknown, [Item, ...Item[]]>()
  for (const item of items) {
    const key = keyOf(item)
    const group = groups.get(key)
    if (group) group.push(item)
    else groups.set(key, [item])
  }
  return [...groups.values()]
}

/** What is said of an outcome that came again. */
function again(receipt: OutcomeReceipt): OutcomeReceipt {
  return receipt.status === 'STORED' ? { ...receipt, status: 'DUPLICATE', notes: [] } : receipt
}

/**
 * Gathers outcomes that arrive one by one into batches. Thousands of sandboxes that each report one outcome would
 * queue on their simulation's row lock and pay for a commit each; here a batch is in flight and what arrives
 * meanwhile is the next one. Lanes are per actor, because a transaction has one.
 */
export class OutcomeQueue {
  readonly #writeAs: WriteAs
  readonly #max: QueueBounds
  readonly #lanes = new Map<string, Waiting[]>()
  /** Outcomes in all lanes and batches, and those of each tenant. */
  #waiting = 0
  readonly #waitingOf = new Map<string, number>()

  constructor(writeAs: WriteAs, max: QueueBounds) {
    this.#writeAs = writeAs
    this.#max = max
  }

  /** How many outcomes wait for their batch, or for its end. */
  get waiting(): number {
    return this.#waiting
  }

  /**
   * Answers after the commit that holds the outcome. `bytes`: of the request that brought it.
   *
   * @throws Refusal UNAVAILABLE when too many wait.
   */
  async record(viewer: Viewer, input: OutcomeInput, bytes: number): Promise<OutcomeReceipt> {
    const { tenantId } = viewer
    const ofTenant = this.#waitingOf.get(tenantId) ?? 0
    if (this.#waiting >= this.#max.all) throw full(`${this.#waiting} outcomes wait`)
    if (ofTenant >= this.#max.ofTenant) throw full(`${ofTenant} outcomes of the tenant wait`)
    this.#waiting += 1
    this.#waitingOf.set(tenantId, ofTenant + 1)
    try {
      return await this.#queue(viewer, input, bytes)
    } finally {
      this.#waiting -= 1
      const left = this.#waitingOf.get(tenantId)! - 1
      if (left > 0) this.#waitingOf.set(tenantId, left)
      else this.#waitingOf.delete(tenantId)
    }
  }

  #queue(viewer: Viewer, input: OutcomeInput, bytes: number): Promise<OutcomeReceipt> {
    const key = [viewer.tenantId, viewer.role, viewer.actorId, viewer.clientIp, viewer.userAgent].join('\n')
    let lane = this.#lanes.get(key)
    if (!lane) {
      lane = []
      this.#lanes.set(key, lane)
      void this.#drain(key, lane, viewer)
    }
    const waiting = lane
    return new Promise((resolve, reject) => waiting.push({ input, bytes, link: spanNow(), resolve, reject }))
  }

  async #drain(key: string, lane: Waiting[], viewer: Viewer): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, GATHER_MS))
    while (lane.length > 0) {
      const batch = lane.splice(0, sizeOfBatch(lane))
      const bytes = batch.reduce((sum, waiting) => sum + waiting.bytes, 0)
      const outcomes = equalOnes(batch)
      try {
        const receipts = await inSpan(
          'batch of single outcomes',
          { links: batch.flatMap(({ link }) => link ?? []), attributes: { 'arc.outcomes': batch.length } },
          () =>
            recordOutcomes(
              this.#writeAs(viewer, bytes),
              outcomes.map(([{ input }]) => input),
            ),
        )
        for (const [index, [first, ...others]] of outcomes.entries()) {
          first.resolve(receipts[index]!)
          for (const { resolve } of others) resolve(again(receipts[index]!))
        }
      } catch (error) {
        for (const { reject } of batch) reject(error)
      }
    }
    this.#lanes.delete(key)
  }
}

/** How many of the first that wait are one batch. */
function sizeOfBatch(lane: readonly Waiting[]): number {
  let bytes = 0
  for (const [index, waiting] of lane.entries()) {
    bytes += waiting.bytes
    if (index === MAX_ROWS || (index > 0 && bytes > MAX_BATCH_BYTES)) return index
  }
  return lane.length
}
