import { EmbeddingError } from './embeddingProvider.ts'
import type { EmbeddedKind, Embeddings } from './embeddings.ts'

/** Whoever asks waits no longer for a vector: then things are found by their words. */
const PATIENCE_MS = 10_000

/** Texts of one operation that the model has at a time: with a hundred of them one operation would take every other one's turns. */
const AT_A_TIME = 4

/** As PostgreSQL reads it, or why there is none. */
type Answered =
  | { vector: string; because: null }
  | { vector: null; because: 'no_provider' | 'provider_failed' | 'not_embeddable' }

/** The vectors of the texts of one operation, each made once. */
export class Questions {
  readonly #embeddings: Embeddings
  readonly #asked = new Map<string, Promise<Answered>>()
  /** Each has what is asked in it, one after the other. */
  readonly #lanes: Promise<unknown>[] = Array.from({ length: AT_A_TIME }, () => Promise.resolve())

  constructor(embeddings: Embeddings) {
    this.#embeddings = embeddings
  }

  /** The name of the vectors of this kind that the server makes; null where it makes none. */
  modelOf(kind: EmbeddedKind): string | null {
    return this.#embeddings.models?.[kind] ?? null
  }

  vectorOf(kind: EmbeddedKind, text: string): Promise<Answered> {
    const key = `${kind} ${text}`
    const known = this.#asked.get(key)
    if (known) return known
    const lane = this.#asked.size % AT_A_TIME
    const signal = AbortSignal.timeout(PATIENCE_MS)
    const asked = this.#lanes[lane]!.then(() => this.#ask(kind, text, signal))
    this.#lanes[lane] = asked
    this.#asked.set(key, asked)
    return asked
  }

  async #ask(kind: EmbeddedKind, text: string, signal: AbortSignal): Promise<Answered> {
    if (!this.#embeddings.models) return { vector: null, because: 'no_provider' }
    try {
      const { vector } = await this.#embeddings.embedQuery(kind, text, signal)
      return { vector: `[${vector.join(',')}]`, because: null }
    } catch (error) {
      if (error instanceof EmbeddingError)
        return { vector: null, because: error.isAboutText ? 'not_embeddable' : 'provider_failed' }
      if (signal.aborted) return { vector: null, because: 'provider_failed' }
      throw error
    }
  }
}
