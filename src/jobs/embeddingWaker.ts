import type { Logger } from 'pino'
import { type OwnQuery, wakeEmbedding } from './embeddingStore.ts'

/** What is stored meanwhile is taken along. */
const GATHER_MS = 1_000

/** Has what was stored embedded soon after: otherwise the job looks every half a minute. */
export class EmbeddingWaker {
  readonly #query: OwnQuery
  readonly #runDue: () => unknown
  readonly #logger: Logger
  #timer: NodeJS.Timeout | undefined
  #isClosed = false

  constructor(query: OwnQuery, runDue: () => unknown, logger: Logger) {
    this.#query = query
    this.#runDue = runDue
    this.#logger = logger
  }

  /** Something was stored, on whichever server. */
  hear(): void {
    if (this.#isClosed) return
    this.#timer ??= setTimeout(() => void this.#wake(), GATHER_MS).unref()
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
  }

  async #wake(): Promise<void> {
    this.#timer = undefined
    try {
      if (await wakeEmbedding(this.#query)) this.#runDue()
    } catch (error) {
      this.#logger.warn(
        { reason: (error as Error).message },
        'could not ask whether something is to be embedded',
      )
    }
  }
}
