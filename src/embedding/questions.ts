import { EmbeddingError } from './embeddingProvider.ts'
import type { EmbeddedKind, Embeddings } from './embeddings.ts'

/** Whoever asks waits no longer for a vector: then things are found by their words. */
const PATIENCE_MS = 10_000

/** As PostgreSQL reads it, or why there is none. */
type Answered =
  | { vector: string; because: null }
  | { vector: null; because: 'no_provider' | 'provider_failed' | 'not_embeddable' }

/** The vectors of the texts of one operation, each made once. */
export class Questions {
  readonly #embeddings: Embeddings
  readonly #asked = new Map<string, Promise<Answered>>()

  constructor(embeddings: Embeddings) {
    this.#embeddings = embeddings
  }

  /** The name of the vectors of this kind that the server makes; null where it makes none. */
  modelOf(kind: EmbeddedKind): string | null {
    return this.#embeddings.models?.[kind] ?? null
  }

  vectorOf(kind: EmbeddedKind, text: string): Promise<Answered> {
    const key = `${kind} ${text}`
    const asked = this.#asked.get(key) ?? this.#ask(kind, text)
    this.#asked.set(key, asked)
    return asked
  }

  async #ask(kind: EmbeddedKind, text: string): Promise<Answered> {
    if (!this.#embeddings.models) return { vector: null, because: 'no_provider' }
    const signal = AbortSignal.timeout(PATIENCE_MS)
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
