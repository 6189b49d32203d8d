import type { TenantTransaction } from '../db/tenantTransaction.ts'
import { Refusal } from '../refusal.ts'
import type { Viewer } from '../viewer.ts'
import { Topic } from './topic.ts'

/** What is numbered over all that a tenant has, from 1, in the order of commits. */
export interface TenantLog<Item extends { seq: number }> {
  /** What one of them is called. */
  item: string
  /** The number of the latest, 0 before the first. */
  latest(reads: TenantTransaction): Promise<number>
  /** Those with numbers above `after`, in order, at most `limit`. */
  read(reads: TenantTransaction, after: number, limit: number): Promise<Item[]>
}

/** Runs `work` in one transaction of the viewer that only reads. */
export type ReadAs = <Result>(
  viewer: Viewer,
  work: (transaction: TenantTransaction) => Promise<Result>,
) => Promise<Result>

/** Hints name no tenant: what a tenant's feed reads, it reads for many of them. */
const GATHER_MS = 100

/** The topics of one log that somebody here follows, one for each tenant. */
export class TenantFeeds<Item extends { seq: number }> {
  readonly #log: TenantLog<Item>
  readonly #readAs: ReadAs
  readonly #feeds = new Map<string, { opening: Promise<Topic<{ seq: number }, Item>>; subscribers: number }>()
  #timer: NodeJS.Timeout | undefined

  constructor(log: TenantLog<Item>, readAs: ReadAs) {
    this.#log = log
    this.#readAs = readAs
  }

  /** @throws Refusal INVALID_VALUE for a number that is yet to come. */
  async join(viewer: Viewer, after: number | null): Promise<Joined<Item>> {
    const { tenantId } = viewer
    const known = this.#feeds.get(tenantId)
    const feed = known ?? { opening: this.#open(viewer), subscribers: 0 }
    this.#feeds.set(tenantId, feed)
    feed.subscribers += 1
    const leave = () => {
      feed.subscribers -= 1
      if (feed.subscribers === 0) this.#feeds.delete(tenantId)
    }
    try {
      const topic = await feed.opening
      if (known) await topic.refresh()
      const { latest } = topic
      if (after !== null && after > latest.seq) throw noSuchNumber(this.#log.item, after, latest.seq)
      return { topic, from: after ?? latest.seq, leave }
    } catch (error) {
      leave()
      throw error
    }
  }

  /** Something may be new; `refresh` reads a topic, in a moment, for all hints until then. */
  hint(refresh: (topic: { refresh(): Promise<void> }) => void): void {
    if (this.#feeds.size === 0) return
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.refresh(refresh)
    }, GATHER_MS)
  }

  refresh(refresh: (topic: { refresh(): Promise<void> }) => void): void {
    // The one who opened the topic is told of the error.
    for (const { opening } of this.#feeds.values()) void opening.then(refresh, () => {})
  }

  stop(): void {
    clearTimeout(this.#timer)
  }

  async #open(viewer: Viewer): Promise<Topic<{ seq: number }, Item>> {
    const read = <Result>(work: (transaction: TenantTransaction) => Promise<Result>) =>
      this.#readAs({ ...viewer, role: 'app_readonly' }, work)
    const seq = await read(this.#log.latest)
    return new Topic((after, limit) => read((transaction) => this.#log.read(transaction, after, limit)), {
      seq,
    })
  }
}

/** A subscriber's topic, the number after which it begins, and the way to give its place back. */
interface Joined<Item extends { seq: number }> {
  topic: Topic<{ seq: number }, Item>
  from: number
  leave: () => void
}

/** Whoever asks for what comes after a number that is yet to come has it from another database, or from before a restore. */
export function noSuchNumber(item: string, after: number, latest: number): Refusal {
  return new Refusal(
    'INVALID_VALUE',
    `afterSeq is ${after}, but the latest ${item} has the number ${latest}.`,
    ['afterSeq'],
  )
}
