/** Numbers of every vector that is stored: the columns are `halfvec(1536)`. */
export const EMBEDDING_WIDTH = 1536

interface EmbeddingLimits {
  /** Texts of one request to the model. `embed` takes any number, and makes as many requests as they need. */
  textsPerRequest: number
  /** Characters of one text: of a longer one so many from its start are embedded. */
  charactersPerText: number
}

/** What makes vectors of texts. */
export interface EmbeddingProvider {
  /**
   * Who makes the vectors, with which model and in which way, e.g. `openai:text-embedding-3-large@1536`: stored with each row, since
   * only vectors of equal names may be compared.
   */
  readonly model: string
  /** Numbers that the model gives, before zeros fill them up; null while it has not been asked. */
  readonly dimensions: number | null
  readonly limits: EmbeddingLimits
  /**
   * One vector for each text, in their order: 1536 numbers of length 1. A text that the model does not take is an
   * UnembeddableText in its place, and costs the others nothing.
   *
   * @throws EmbeddingError where no text could have been embedded; the signal's reason once it is aborted.
   */
  embed(texts: readonly string[], signal?: AbortSignal): Promise<Embedded[]>
  /** What is asked after it, and what has no answer yet, is an EmbeddingError. */
  close(): Promise<void>
}

export type Embedded = Float32Array | UnembeddableText

/** Why a text has no vector: it would have none at a second attempt either. */
export class UnembeddableText {
  readonly reason: string

  constructor(reason: string) {
    this.reason = reason
  }
}

/** Why nothing can be embedded, in words for whoever runs the server; never with the key. */
export class EmbeddingError extends Error {
  override name = 'EmbeddingError'
  /** Whether a later attempt may go better with nothing changed. */
  readonly isPassing: boolean
  /** When the endpoint asks to be tried again, in milliseconds; null where it does not say. */
  readonly retryAfterMs: number | null

  constructor(
    message: string,
    {
      isPassing,
      retryAfterMs = null,
      cause,
    }: { isPassing: boolean; retryAfterMs?: number | null; cause?: unknown },
  ) {
    super(message, { cause })
    this.isPassing = isPassing
    this.retryAfterMs = retryAfterMs
  }
}

/** White space says nothing, and some endpoints refuse a whole request for an empty text. */
export function isBlank(text: string): boolean {
  return text.trim() === ''
}

export const BLANK_TEXT = 'There is nothing in it but white space.'

/**
 * The vector with length 1, filled up to 1536 with zeros: they change no distance between vectors of one model. Null for one
 * without a length, which has no direction.
 */
export function unitVector(values: ArrayLike<number>): Float32Array | null {
  let squares = 0
  for (let at = 0; at < values.length; at++) squares += values[at]! ** 2
  const length = Math.sqrt(squares)
  if (!Number.isFinite(length) || length === 0) return null
  const vector = new Float32Array(EMBEDDING_WIDTH)
  for (let at = 0; at < values.length; at++) vector[at] = values[at]! / length
  return vector
}

/** As pgvector reads it: half a float has three digits. */
export function halfvecText(vector: Float32Array): string {
  return `[${Array.from(vector, (value) => Number(value.toPrecision(6))).join(',')}]`
}
