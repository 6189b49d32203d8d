import type { Limits } from '../../config.ts'
import type { Pools } from '../../db/pools.ts'
import { TenantSlots } from './tenantSlots.ts'
import { TenantTurns } from './tenantTurns.ts'

/** The database takes some twenty times as many bytes while it stores a batch: of larger ones a tenant has one at a time. */
const LARGE_WRITE = 4 * 1024 * 1024

/**
 * What one tenant may have of this process at a time, so that it cannot take what others need. All that bounds tenants
 * against each other is here; docs/exposure.md has it as a list.
 */
export class TenantShare {
  /** What stays open takes one of these as long as it does. */
  readonly sockets: TenantSlots
  readonly subscriptions: TenantSlots
  /** Bytes of requests, from their arrival to their answer. */
  readonly bodies: TenantSlots
  /** Values in them: a list of empty objects takes ten times as much in memory as on the way. */
  readonly bodyValues: TenantSlots
  /** Tokens of documents, until the operation has ended: as a tree each takes hundreds of bytes. */
  readonly tokens: TenantSlots
  /** Bytes of answers, until the client has them. */
  readonly answers: TenantSlots
  /** Bytes of memory that rows take, while the operations that read them run. */
  readonly rows: TenantSlots
  /** Connections to the database: the others of a pool are left for other tenants, whatever this one waits for. */
  readonly readers: TenantTurns
  readonly writers: TenantTurns
  readonly #largeWrites = new TenantTurns(1)
  /** Events of subscriptions that are made into answers. */
  readonly events: TenantTurns
  /** Long ones that are handed to a subscriber. */
  readonly longEvents = new TenantTurns(1)
  /** Outcomes that wait for their batch. */
  readonly waitingOutcomes: number

  /** `maxWaiting`: operations of one tenant that may wait for each of its turns. */
  constructor(limits: Limits, { reading, writing }: Pick<Pools, 'reading' | 'writing'>, maxWaiting: number) {
    this.sockets = new TenantSlots('socketsPerTenant', limits, 'WebSockets open')
    this.subscriptions = new TenantSlots('subscriptionsPerTenant', limits, 'subscriptions open')
    this.bodies = new TenantSlots('bodyBytesPerTenant', limits, 'bytes of requests on the way', true)
    this.bodyValues = new TenantSlots('bodyValuesPerTenant', limits, 'values in requests on the way', true)
    this.tokens = new TenantSlots('tokensPerTenant', limits, 'tokens in documents that run', true)
    this.answers = new TenantSlots('answerBytesPerTenant', limits, 'bytes of answers on the way', true)
    this.rows = new TenantSlots('rowBytesPerTenant', limits, 'bytes of rows in memory', true)
    const partOf = (all: number) => Math.max(1, Math.floor((all * limits.poolPercentPerTenant) / 100))
    this.readers = new TenantTurns(partOf(reading.options.max), maxWaiting)
    this.writers = new TenantTurns(partOf(writing.options.max), maxWaiting)
    this.waitingOutcomes = partOf(maxWaiting)
    this.events = new TenantTurns(limits.eventsPerTenant)
  }

  /** Work that writes what requests of so many bytes brought. */
  inWritersTurn<Result>(tenantId: string, bytes: number, work: () => Promise<Result>): Promise<Result> {
    const write = () => this.writers.inTurn(tenantId, work)
    return bytes > LARGE_WRITE ? this.#largeWrites.inTurn(tenantId, write) : write()
  }
}
