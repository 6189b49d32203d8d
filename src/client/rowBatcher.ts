import { stringifyExactly } from '../exactNumbers.ts'
import { ArcRequestError } from './arcRequestError.ts'
import type { CallOptions } from './connection.ts'
import type { ErrorCode } from './operations.ts'

/** When a batch is sent, and how much is kept until it is. */
export interface BatchLimits extends CallOptions {
  /** Rows in one call, at most 1,000; 200 when not given. */
  maxRows?: number
  /** Bytes of JSON in one call; 4,000,000 when not given. A row that is larger goes alone. */
  maxBytes?: number
  /** How long a row waits for others, in milliseconds; 20 when not given. */
  maxWaitMs?: number
  /** Calls at the same time; 2 when not given. */
  callsInFlight?: number
  /** Bytes of JSON that are taken in without an answer; 32,000,000 when not given. Further rows wait outside. */
  maxPendingBytes?: number
}

/** What became of a row, as far as every kind of row has it. */
export interface Receipt {
  index: number
  status: string
  code: ErrorCode | null
  reason: string | null
}

/** One kind of rows: how they are sent, and what must stay in order. */
export interface RowKind<Row, RowReceipt extends Receipt> {
  /** One call with the JSON texts of its rows; its receipts are in their order. */
  send(rows: string[], options: CallOptions): Promise<RowReceipt[]>
  /** Rows with equal keys reach the server in the order in which they were recorded. */
  orderKey(row: Row): string
  /** The receipt of a row that is at fault for a call that was refused as a whole. */
  rejected(code: ErrorCode, reason: string): RowReceipt
}

interface Recorded<Row, RowReceipt> {
  row: Row
  answer: Answer<RowReceipt>
}

interface Gathered<RowReceipt> {
  json: string
  bytes: number
  key: string
  answer: Answer<RowReceipt>
}

interface Answer<RowReceipt> {
  resolve: (receipt: RowReceipt) => void
  reject: (error: unknown) => void
}

/** Codes of a call that was refused for one of its rows, or for their number or size. */
const ABOUT_THE_ROWS: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'BAD_USER_INPUT',
  'LIMIT_EXCEEDED',
  'TOO_LARGE',
  'TOO_MANY_ROWS',
])

const CONTENT_TOO_LARGE = 413

/**
 * Gathers rows that come one by one into calls: by number, bytes and time. Each `record` is answered with its own row's
 * receipt when the server has stored it. A call that the server refuses for its rows is halved, down to the row at
 * fault, so that no row fails for its neighbour.
 */
export class RowBatcher<Row, RowReceipt extends Receipt> {
  readonly #kind: RowKind<Row, RowReceipt>
  readonly #limits: Required<Omit<BatchLimits, keyof CallOptions>>
  readonly #signal: AbortSignal | undefined
  readonly #timeoutMs: number | undefined
  /** Recorded, but there is no room yet. */
  #outside: Recorded<Row, RowReceipt>[] = []
  /** Written as JSON, not sent yet. */
  #gathered: Gathered<RowReceipt>[] = []
  #gatheredBytes = 0
  /** Of what is gathered and what is on its way. */
  #pendingBytes = 0
  #recorded = 0
  #callsInFlight = 0
  readonly #keysInFlight = new Set<string>()
  readonly #unanswered = new Set<Promise<unknown>>()
  #whenReady: (() => void)[] = []
  #timer: ReturnType<typeof setTimeout> | undefined
  #isDue = false
  #flushes = 0
  #isClosed = false

  constructor(kind: RowKind<Row, RowReceipt>, { signal, timeoutMs, ...limits }: BatchLimits = {}) {
    this.#kind = kind
    this.#signal = signal
    this.#timeoutMs = timeoutMs
    this.#limits = {
      maxRows: limits.maxRows ?? 200,
      maxBytes: limits.maxBytes ?? 4_000_000,
      maxWaitMs: limits.maxWaitMs ?? 20,
      callsInFlight: limits.callsInFlight ?? 2,
      maxPendingBytes: limits.maxPendingBytes ?? 32_000_000,
    }
    for (const [name, value] of Object.entries(this.#limits)) {
      const least = name === 'maxWaitMs' ? 0 : 1
      if (!(value >= least)) throw new RangeError(`${name} is ${value}; it must be ${least} or more.`)
    }
    signal?.addEventListener('abort', this.#giveUp, { once: true })
  }

  /**
   * Sends the row with others; answers with its receipt when it is stored: `index` counts what was recorded here. Once as much is pending as the limits allow,
   * a row waits for room: await `ready()` before you make the next one, and memory stays bounded.
   *
   * @throws ArcRequestError when its call failed as a whole; sending the row again stores it once.
   */
  record(row: Row): Promise<RowReceipt> {
    if (this.#isClosed) return Promise.reject(new Error('The batcher is closed.'))
    if (this.#signal?.aborted) return Promise.reject(this.#signal.reason)
    const index = this.#recorded++
    const answer = new Promise<RowReceipt>((resolve, reject) => {
      this.#outside.push({
        row,
        answer: { resolve: (receipt) => resolve({ ...receipt, index }), reject },
      })
    })
    const forget = () => this.#unanswered.delete(answer)
    this.#unanswered.add(answer)
    answer.then(forget, forget)
    this.#takeIn()
    return answer
  }

  /** Resolves when there is room for another row. */
  ready(): Promise<void> {
    return this.#hasRoom ? Promise.resolve() : new Promise((resolve) => this.#whenReady.push(resolve))
  }

  /** Sends what was recorded so far without waiting for more; resolves when all of it is answered, well or not. */
  async flush(): Promise<void> {
    this.#flushes += 1
    try {
      this.#dispatch()
      await Promise.allSettled(this.#unanswered)
    } finally {
      this.#flushes -= 1
    }
  }

  /** The same, and takes no more. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.flush()
    this.#signal?.removeEventListener('abort', this.#giveUp)
  }

  get #hasRoom(): boolean {
    return this.#outside.length === 0 && this.#pendingBytes < this.#limits.maxPendingBytes
  }

  #takeIn(): void {
    let taken = 0
    for (const { row, answer } of this.#outside) {
      if (this.#pendingBytes >= this.#limits.maxPendingBytes) break
      taken += 1
      let json: string
      try {
        json = stringifyExactly(row)
      } catch (error) {
        const reason =
          error instanceof RangeError
            ? 'It is nested too deeply.'
            : `It cannot be written as JSON: ${(error as Error).message}`
        answer.resolve(this.#kind.rejected('BAD_USER_INPUT', reason))
        continue
      }
      const bytes = new TextEncoder().encode(json).byteLength
      this.#pendingBytes += bytes
      this.#gatheredBytes += bytes
      this.#gathered.push({ json, bytes, key: this.#kind.orderKey(row), answer })
    }
    this.#outside.splice(0, taken)
    if (this.#hasRoom) for (const resolve of this.#whenReady.splice(0)) resolve()
    this.#dispatch()
  }

  #dispatch(): void {
    while (this.#callsInFlight < this.#limits.callsInFlight && this.#isTime()) {
      const batch = this.#takeBatch()
      if (batch.length === 0) break
      void this.#call(batch)
    }
    if (this.#gathered.length === 0) {
      clearTimeout(this.#timer)
      this.#timer = undefined
      this.#isDue = false
    } else if (!this.#isDue) {
      this.#timer ??= setTimeout(() => {
        this.#isDue = true
        this.#dispatch()
      }, this.#limits.maxWaitMs)
    }
  }

  #isTime(): boolean {
    const { maxRows, maxBytes } = this.#limits
    if (this.#isDue || this.#flushes > 0 || this.#outside.length > 0) return true
    return this.#gathered.length >= maxRows || this.#gatheredBytes >= maxBytes
  }

  /** The first rows, without those that have to wait for one of their key. */
  #takeBatch(): Gathered<RowReceipt>[] {
    const { maxRows, maxBytes } = this.#limits
    const batch: Gathered<RowReceipt>[] = []
    const left: Gathered<RowReceipt>[] = []
    let bytes = 0
    let isFull = false
    for (const row of this.#gathered) {
      isFull ||= batch.length === maxRows || (batch.length > 0 && bytes + row.bytes > maxBytes)
      if (isFull || this.#keysInFlight.has(row.key)) left.push(row)
      else {
        batch.push(row)
        bytes += row.bytes
      }
    }
    this.#gathered = left
    this.#gatheredBytes -= bytes
    return batch
  }

  async #call(batch: Gathered<RowReceipt>[]): Promise<void> {
    this.#callsInFlight += 1
    for (const { key } of batch) this.#keysInFlight.add(key)
    await this.#store(batch)
    this.#callsInFlight -= 1
    for (const { key } of batch) this.#keysInFlight.delete(key)
    for (const { bytes } of batch) this.#pendingBytes -= bytes
    this.#takeIn()
  }

  async #store(rows: Gathered<RowReceipt>[]): Promise<void> {
    try {
      const receipts = await this.#kind.send(
        rows.map(({ json }) => json),
        { signal: this.#signal, timeoutMs: this.#timeoutMs },
      )
      for (const [index, { answer }] of rows.entries()) answer.resolve(receipts[index]!)
    } catch (error) {
      const code = codeAboutTheRows(error)
      if (code === undefined) {
        for (const { answer } of rows) answer.reject(error)
      } else if (rows.length === 1) {
        rows[0]!.answer.resolve(this.#kind.rejected(code, (error as ArcRequestError).message))
      } else {
        const middle = rows.length >> 1
        await this.#store(rows.slice(0, middle))
        await this.#store(rows.slice(middle))
      }
    }
  }

  readonly #giveUp = (): void => {
    const waiting = [...this.#outside.splice(0), ...this.#gathered.splice(0)]
    for (const { answer } of waiting) answer.reject(this.#signal!.reason)
    this.#pendingBytes -= this.#gatheredBytes
    this.#gatheredBytes = 0
    for (const resolve of this.#whenReady.splice(0)) resolve()
    this.#dispatch()
  }
}

function codeAboutTheRows(error: unknown): ErrorCode | undefined {
  if (!(error instanceof ArcRequestError)) return undefined
  if (error.status === CONTENT_TOO_LARGE) return 'TOO_LARGE'
  return error.codes.find((code) => ABOUT_THE_ROWS.has(code))
}

/**
 * All the rows, and their receipts in their order.
 *
 * @throws ArcRequestError of the first call that failed as a whole; no other is begun then.
 */
export async function recordAll<Row, RowReceipt extends Receipt>(
  kind: RowKind<Row, RowReceipt>,
  rows: readonly Row[],
  { signal, ...limits }: BatchLimits = {},
): Promise<RowReceipt[]> {
  const failed = new AbortController()
  const abort = () => failed.abort(signal!.reason)
  if (signal?.aborted) abort()
  else signal?.addEventListener('abort', abort, { once: true })
  const batcher = new RowBatcher(kind, { ...limits, signal: failed.signal })
  try {
    const answers = Promise.all(rows.map((row) => batcher.record(row)))
    void batcher.close()
    return await answers
  } catch (error) {
    failed.abort(error)
    throw error
  } finally {
    signal?.removeEventListener('abort', abort)
  }
}
