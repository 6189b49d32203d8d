import type { Viewer } from '../auth/viewer.ts'
import { Prisma, type PrismaClient } from './generated/client.ts'
import { tenantSettings } from './tenantTransaction.ts'

type Transaction = Prisma.TransactionClient

/** How long a read may wait for a connection, and how long an operation may hold it. */
const MAX_WAIT_MS = 15_000
const TIMEOUT_MS = 60_000

interface OpenTransaction {
  client: Promise<Transaction>
  end(): Promise<void>
}

/**
 * All reads of one GraphQL operation: one read-only transaction of the viewer, opened by the first read, so that an
 * operation sees one state of the database and pays for one connection. `close` ends it; a read after that opens
 * another (a mutation closes before each write, so that its payload shows what the write did).
 */
export class OperationReads {
  /** Prisma as resolvers and Pothos use it; each call waits for the transaction. */
  readonly client: Transaction
  readonly #prisma: PrismaClient
  readonly #viewer: Viewer
  #open: OpenTransaction | undefined

  constructor(prisma: PrismaClient, viewer: Viewer) {
    this.#prisma = prisma
    this.#viewer = viewer
    this.client = this.#deferred()
  }

  /** Rows of a hand-written statement, in the same transaction. Parameters are $1, $2 … */
  async query<Row>(statement: string, values: unknown[]): Promise<Row[]> {
    const transaction = await this.#transaction()
    return transaction.$queryRawUnsafe<Row[]>(statement, ...values)
  }

  /** The same viewer's reads for another operation: the next event of a subscription. */
  forNextEvent(): OperationReads {
    return new OperationReads(this.#prisma, this.#viewer)
  }

  async close(): Promise<void> {
    const open = this.#open
    this.#open = undefined
    await open?.end()
  }

  #transaction(): Promise<Transaction> {
    this.#open ??= this.#begin()
    return this.#open.client
  }

  #begin(): OpenTransaction {
    let finish = () => {}
    const finished = new Promise<void>((resolve) => {
      finish = resolve
    })
    let ended: Promise<unknown> = Promise.resolve()
    const client = new Promise<Transaction>((resolve, reject) => {
      ended = this.#prisma
        .$transaction(
          async (transaction) => {
            const settings = tenantSettings(this.#viewer, 'read only').map(
              ([name, value]) => Prisma.sql`set_config(${name}, ${value}, true)`,
            )
            await transaction.$queryRaw(Prisma.sql`select ${Prisma.join(settings)}`)
            resolve(transaction)
            await finished
          },
          { isolationLevel: 'RepeatableRead', maxWait: MAX_WAIT_MS, timeout: TIMEOUT_MS },
        )
        // Nothing was written: an error at the end loses nothing, and the reads have reported their own.
        .catch(reject)
    })
    client.catch(() => {})
    return {
      client,
      end: async () => {
        finish()
        await ended
      },
    }
  }

  /**
   * A stand-in for the transaction's client that can be handed out before there is a transaction:
   * `client.outcome.findMany(args)` opens it first.
   */
  #deferred(): Transaction {
    const delegates = new Map<string | symbol, object>()
    return new Proxy({} as Transaction, {
      // Pothos looks whether a model is there before it takes it.
      has: () => true,
      get: (_, model) => {
        let delegate = delegates.get(model)
        if (!delegate) {
          delegate = new Proxy({}, { get: (_, method) => (args: unknown) => this.#call(model, method, args) })
          delegates.set(model, delegate)
        }
        return delegate
      },
    })
  }

  async #call(model: string | symbol, method: string | symbol, args: unknown): Promise<unknown> {
    const transaction = (await this.#transaction()) as unknown as Record<
      string | symbol,
      Record<string | symbol, (args: unknown) => Promise<unknown>>
    >
    return transaction[model]![method]!(args)
  }
}
