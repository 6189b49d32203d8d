import sql, { type Sql } from 'sql-template-tag'
import type { Prisma, PrismaClient } from '../db/generated/client.ts'
import { settingsSql, sortsInMemory } from '../db/pinnedSettings.ts'
import type { Pools } from '../db/pools.ts'
import { countRowsFor, ReadBudget, type ReadLimits } from '../db/readBudget.ts'
import type { Answer, Statement } from '../db/tenantTransaction.ts'
import { readTogether, tenantSettings } from '../db/tenantTransaction.ts'
import { Refusal } from '../refusal.ts'
import type { Viewer } from '../viewer.ts'
import { MISSING } from './answers/answerSql.ts'
import { type QuestionVectors, withLateValues } from './lateValues.ts'

type Transaction = Prisma.TransactionClient

type ReadingPools = Pick<Pools, 'reading' | 'names' | 'replica' | 'parts'>

/** Prisma on the primary, and on the replica where there is one. */
export interface Readers {
  primary: PrismaClient
  replica?: PrismaClient | undefined
}

/** The protocol counts a statement's values in 16 bits, and what has more breaks the connection. */
const MAX_VALUES = 65_535

/** What the operations of a tenant share. */
export interface ReadersShare {
  /** Waits until the tenant may have one more connection, and does the work that takes one. */
  inTurn<Result>(work: () => Promise<Result>): Promise<Result>
  /** For the memory that one operation's rows take, until it is over. */
  holdRows(): { take(bytes: number): void; giveBack(): void }
}

interface OpenTransaction {
  client: Promise<Transaction>
  end(): Promise<void>
}

/**
 * All reads of one GraphQL operation: one read-only transaction of the viewer, opened by the first read, so that an
 * operation sees one state of the database and pays for one connection. A read after a write opens another, so that the
 * payload shows what the write did.
 *
 * An error may end an operation, or a mutation's field, while other fields of it still read: they must neither lose the
 * transaction under their hands nor open one that nobody ends.
 */
export class OperationReads {
  /** Prisma as resolvers and Pothos use it; each call waits for the transaction. */
  readonly client: Transaction
  readonly #prisma: Readers
  readonly #pools: ReadingPools
  readonly #viewer: Viewer
  readonly #limits: ReadLimits
  readonly #share: ReadersShare
  readonly #vectors: QuestionVectors
  readonly #budget: ReadBudget
  readonly #giveBackRows: () => void
  readonly #running = new Set<Promise<unknown>>()
  /** Rows that were asked for by their key and a selection, of the open transaction's state. */
  readonly #unique = new Map<string, Promise<unknown>>()
  #open: OpenTransaction | undefined
  #pause: Promise<unknown> | undefined
  #ended = false
  #onReplica = false
  /** What spoilt the transaction. */
  #fault: unknown

  /** `limits`: for all that the operation reads taken together. */
  constructor(
    prisma: Readers,
    pools: ReadingPools,
    viewer: Viewer,
    limits: ReadLimits,
    share: ReadersShare,
    vectors: QuestionVectors,
  ) {
    this.#prisma = prisma
    this.#pools = pools
    this.#viewer = viewer
    this.#limits = limits
    this.#share = share
    this.#vectors = vectors
    const { take, giveBack } = share.holdRows()
    this.#budget = new ReadBudget(limits, take)
    this.#giveBackRows = giveBack
    this.client = this.#deferred()
  }

  /**
   * Reads from the replica, if that shows the tenant all that it has written. For an operation that writes nothing, before its
   * first read. False where the primary has to answer.
   */
  fromReplica(): boolean {
    this.#onReplica = this.#pools.replica?.isFreshFor(this.#viewer.tenantId) ?? false
    return this.#onReplica
  }

  /** Whether what lies in parts is read from one stretch of time after another: see byTime.ts. */
  get inSteps(): boolean {
    return this.#pools.parts?.areMany ?? false
  }

  /** Rows of a hand-written statement, in the same transaction. @throws Refusal LIMIT_EXCEEDED for too many values. */
  async query<Row>(asked: Pick<Sql, 'text' | 'values'>): Promise<Row[]> {
    const statement = await withLateValues(asked, this.#vectors)
    const { length } = statement.values
    if (length > MAX_VALUES) {
      const message = `The filter comes to ${length} values for the database; ${MAX_VALUES} is the limit.`
      throw new Refusal('LIMIT_EXCEEDED', message, ['filter'])
    }
    return this.#read(statement.values, (transaction) => rowsOf<Row>(transaction, statement))
  }

  /**
   * The JSON that each of these selects, all of one state of the database; null where a value is missing that has to
   * be there. `alone`: nothing else is read for the operation, so that they need no transaction that stays open.
   *
   * @throws Refusal BAD_USER_INPUT for values that no column can hold, TOO_LARGE or RATE_LIMITED for what passes the budget.
   */
  async answers(asked: readonly Statement[], alone: boolean): Promise<(Answer | null)[]> {
    // Before a connection is taken: a model may be asked for them.
    const statements = await Promise.all(asked.map((each) => withLateValues(each, this.#vectors)))
    const answers = alone ? await this.#readTogether(statements) : await this.#readBeside(statements)
    return answers.map((answer) => (answer === null || answer.includes(MISSING) ? null : answer))
  }

  async #readBeside(statements: readonly Statement[]): Promise<(string | null)[]> {
    try {
      const answers = await Promise.all(
        statements.map((statement) => this.query<{ answer: string }>(statement)),
      )
      return answers.map(([row]) => row!.answer)
    } catch (error) {
      // Whoever answers in their place begins anew.
      await this.#close()
      throw error
    }
  }

  async #readTogether(statements: readonly Statement[]): Promise<(Answer | null)[]> {
    for (const { values } of statements) refuseUnstorable(values)
    const { reading, names, replica } = this.#pools
    const source = this.#onReplica && replica ? replica : { pool: reading, names }
    try {
      const answers = await this.#share.inTurn(() =>
        readTogether(source.pool, this.#viewer, this.#budget, statements, source.names),
      )
      this.#refuseBeyondBudget()
      return answers
    } catch (error) {
      throw this.#budget.refusal ?? error
    }
  }

  /** Runs what needs a connection of its own: meanwhile no read holds one, nor an old snapshot. */
  async pausedFor<Result>(work: () => Promise<Result>): Promise<Result> {
    while (this.#pause) await this.#pause
    const result = this.#close().then(work)
    this.#pause = result.catch(() => {})
    try {
      return await result
    } finally {
      this.#pause = undefined
    }
  }

  /** After what runs by now nothing is read any more. */
  async end(): Promise<void> {
    this.#ended = true
    await this.#pause
    await this.#close()
    this.#giveBackRows()
  }

  /** The same viewer's reads for another operation: the next event of a subscription. */
  forNextEvent(): OperationReads {
    return new OperationReads(
      this.#prisma,
      this.#pools,
      this.#viewer,
      this.#limits,
      this.#share,
      this.#vectors,
    )
  }

  /** @throws Refusal BAD_USER_INPUT for values that no column can hold, TOO_LARGE or RATE_LIMITED for what passes the budget. */
  async #read<Result>(
    values: unknown,
    statement: (transaction: Transaction) => Promise<Result>,
  ): Promise<Result> {
    refuseUnstorable(values)
    while (this.#pause) await this.#pause
    if (this.#ended) throw new Error('the operation is over')
    this.#refuseBeyondBudget()
    const result = this.#transaction().then(statement)
    this.#running.add(result)
    try {
      const rows = await result
      // The last of its rows may be the one too many.
      this.#refuseBeyondBudget()
      // Of a transaction that another statement has spoilt Prisma may say nothing at all.
      if (rows === undefined) throw new Error('the database gave no answer')
      return rows
    } catch (error) {
      this.#refuseBeyondBudget()
      // What failed first is why: the others were told only that the transaction is spoilt.
      if (isOfSpoiltTransaction(error)) await Promise.allSettled(this.#running)
      else this.#fault ??= error
      throw this.#fault ?? error
    } finally {
      this.#running.delete(result)
    }
  }

  /** How many bytes of rows may still be read. */
  get bytesLeft(): number {
    return this.#budget.bytesLeft
  }

  tooLarge(): Refusal {
    return this.#budget.tooManyBytes()
  }

  #refuseBeyondBudget(): void {
    if (this.#budget.refusal) throw this.#budget.refusal
  }

  async #close(): Promise<void> {
    // Who waits for one read may start the next: the transaction is closed when all have come to their end.
    while (this.#running.size > 0) await Promise.allSettled(this.#running)
    const open = this.#open
    this.#open = undefined
    this.#unique.clear()
    await open?.end()
  }

  #client(): PrismaClient {
    const { primary, replica } = this.#prisma
    return this.#onReplica && replica ? replica : primary
  }

  #transaction(): Promise<Transaction> {
    this.#open ??= this.#begin()
    return this.#open.client
  }

  #begin(): OpenTransaction {
    this.#fault = undefined
    let finish = () => {}
    const finished = new Promise<void>((resolve) => {
      finish = resolve
    })
    let ended: Promise<unknown> = Promise.resolve()
    const client = new Promise<Transaction>((resolve, reject) => {
      const read = async (transaction: Transaction) => {
        const { statementMs } = this.#pools.reading
        const settings = settingsSql(tenantSettings(this.#viewer, 'read only', statementMs))
        await countRowsFor(this.#budget, (claim) =>
          rowsOf(transaction, sql`select ${settings}, ${sortsInMemory()}, ${claim}`),
        )
        resolve(transaction)
        await finished
      }
      ended = this.#share
        .inTurn(() => this.#client().$transaction(read, { isolationLevel: 'RepeatableRead' }))
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

  #call(model: string | symbol, method: string | symbol, args: unknown): Promise<unknown> {
    if (method !== 'findUnique') return this.#ask(model, method, args)
    // Prisma would read such a row once for all who ask for it, and make a copy for each: of metadata of a megabyte a hundred.
    const key = `${String(model)} ${textOf(args)}`
    const known = this.#unique.get(key) ?? this.#ask(model, method, args)
    this.#unique.set(key, known)
    return known
  }

  #ask(model: string | symbol, method: string | symbol, args: unknown): Promise<unknown> {
    return this.#read(args, (transaction) => {
      const delegates = transaction as unknown as Record<
        string | symbol,
        Record<string | symbol, (args: unknown) => Promise<unknown>>
      >
      return delegates[model]![method]!(args)
    })
  }
}

function rowsOf<Row>(
  transaction: Transaction,
  { text, values }: Pick<Sql, 'text' | 'values'>,
): Promise<Row[]> {
  // Of a number of 17 digits Prisma may lose the last one.
  const written = values.map((value) => (typeof value === 'number' ? String(value) : value))
  return transaction.$queryRawUnsafe<Row[]>(text, ...written)
}

/** SQLSTATE in_failed_sql_transaction, wherever Prisma keeps it, or no answer. */
function isOfSpoiltTransaction(error: unknown): boolean {
  const { message = '' } = error as { message?: string }
  return /25P02|current transaction is aborted|the database gave no answer/.test(message)
}

/** Of what Prisma is given. */
function textOf(args: unknown): string {
  return JSON.stringify(args, (_, value) => (typeof value === 'bigint' ? String(value) : value))
}

function refuseUnstorable(value: unknown): void {
  if (typeof value === 'string' && value.includes('\0'))
    throw new Refusal(
      'BAD_USER_INPUT',
      'A given string contains U+0000, which no string in the database can contain.',
    )
  // GraphQL reads a literal like 1e400 as Infinity.
  if (value === Number.POSITIVE_INFINITY || value === Number.NEGATIVE_INFINITY)
    throw new Refusal('BAD_USER_INPUT', 'A given number is beyond ±1.8e308.')
  if (value !== null && typeof value === 'object')
    for (const part of Object.values(value)) refuseUnstorable(part)
}
