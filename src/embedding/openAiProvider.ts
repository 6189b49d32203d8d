import { setTimeout as sleep } from 'node:timers/promises'
import { retryAfterMs } from '../retryAfter.ts'
import { cutText } from '../text.ts'
import {
  BLANK_TEXT,
  type Embedded,
  EmbeddingError,
  type EmbeddingProvider,
  isBlank,
  UnembeddableText,
  unitVector,
} from './embeddingProvider.ts'
import { faultOfLength, reasonIn, vectorsOf } from './openAiAnswer.ts'

export interface OpenAiSettings {
  /** Up to and with `/embeddings`. */
  url: string
  model: string
  key: string | undefined
  /** What the model is asked to shorten its vectors to; not said when undefined. */
  dimensions: number | undefined
}

/** OpenAI takes 2,048; who takes fewer refuses, and is sent fewer from then on. */
const TEXTS_PER_REQUEST = 128
/** A third of OpenAI's 300,000 tokens, for languages with a token a character. */
const CHARACTERS_PER_REQUEST = 100_000
/** 8,192 tokens are what OpenAI's models take of a text; English has four characters a token, JSON and code three. */
const CHARACTERS_PER_TEXT = 24_000

const TIMEOUT_MS = 60_000
const ATTEMPTS = 5
const FIRST_PAUSE_MS = 500
const LONGEST_PAUSE_MS = 20_000
/** Who wants to be left alone for longer is left to the caller, who has other things to do. */
const LONGEST_RETRY_AFTER_MS = 60_000

/** Bytes of an answer: 4,096 numbers in decimals for each text, and what is around them. */
const answerBytes = (texts: number) => 1_000_000 + texts * 4_096 * 25

/** Besides 5xx. */
const PASSING: ReadonlySet<number> = new Set([408, 409, 425, 429])
/** What a request is refused with for what is in it: a text that is too long, or too many of them. TEI has 413 and 422. */
const OF_THE_TEXTS: ReadonlySet<number> = new Set([400, 413, 422])

/** The only one of OpenAI's whose vectors are too long; it shortens them when asked. */
const LONG_MODEL = /(?:^|\/)text-embedding-3-large$/

/** The request was refused for its texts, or for what all requests say. */
class RefusedRequest extends Error {}

/** Any endpoint that speaks OpenAI's `/v1/embeddings`: OpenAI, Ollama, vLLM, TEI … */
export class OpenAiProvider implements EmbeddingProvider {
  readonly model: string
  readonly limits = { textsPerRequest: TEXTS_PER_REQUEST, charactersPerText: CHARACTERS_PER_TEXT }
  readonly #settings: OpenAiSettings
  readonly #timeoutMs: number
  readonly #firstPauseMs: number
  readonly #closed = new AbortController()
  #dimensions: number | null = null
  #textsPerRequest = TEXTS_PER_REQUEST
  #format: 'base64' | 'float' = 'base64'

  constructor(settings: OpenAiSettings, { timeoutMs = TIMEOUT_MS, firstPauseMs = FIRST_PAUSE_MS } = {}) {
    const dimensions = settings.dimensions ?? (LONG_MODEL.test(settings.model) ? 1536 : undefined)
    this.#settings = { ...settings, dimensions }
    this.#timeoutMs = timeoutMs
    this.#firstPauseMs = firstPauseMs
    this.model = `openai:${settings.model}${dimensions === undefined ? '' : `@${dimensions}`}`
  }

  get dimensions(): number | null {
    return this.#settings.dimensions ?? this.#dimensions
  }

  async embed(texts: readonly string[], signal?: AbortSignal): Promise<Embedded[]> {
    const either = signal ? AbortSignal.any([signal, this.#closed.signal]) : this.#closed.signal
    const embedded: Embedded[] = texts.map(() => new UnembeddableText(BLANK_TEXT))
    const wanted = [...texts.keys()].filter((position) => !isBlank(texts[position]!))
    const call = { signal: either, isSettled: false }
    for (let next = 0; next < wanted.length; ) {
      const batch: string[] = []
      let characters = 0
      while (next + batch.length < wanted.length && batch.length < this.#textsPerRequest) {
        const text = cutText(texts[wanted[next + batch.length]!]!, CHARACTERS_PER_TEXT)
        characters += text.length
        if (batch.length > 0 && characters > CHARACTERS_PER_REQUEST) break
        batch.push(text)
      }
      const made = await this.#embedBatch(batch, call)
      made.forEach((result, at) => {
        embedded[wanted[next + at]!] = result
      })
      next += batch.length
    }
    return embedded
  }

  async close(): Promise<void> {
    this.#closed.abort(new EmbeddingError('The server stops.', { isPassing: true }))
  }

  /** Halves what is refused until the text is found that it is refused for. */
  async #embedBatch(batch: string[], call: Call): Promise<Embedded[]> {
    try {
      return await this.#ask(batch, call.signal)
    } catch (error) {
      if (!(error instanceof RefusedRequest)) throw error
      if (!call.isSettled) await this.#checkSettings(call.signal)
      call.isSettled = true
      if (batch.length === 1) return [new UnembeddableText(error.message)]
    }
    const half = Math.ceil(batch.length / 2)
    const made = [
      ...(await this.#embedBatch(batch.slice(0, half), call)),
      ...(await this.#embedBatch(batch.slice(half), call)),
    ]
    // No text was at fault, so they were too many.
    if (!made.some((result) => result instanceof UnembeddableText))
      this.#textsPerRequest = Math.min(this.#textsPerRequest, half)
    return made
  }

  /** Whether a refusal is meant for texts: what refuses a plain one refuses the model's name, the dimensions, or everything. */
  async #checkSettings(signal: AbortSignal): Promise<void> {
    try {
      await this.#ask(['a text'], signal)
    } catch (error) {
      if (!(error instanceof RefusedRequest)) throw error
      throw this.#fault(`refuses every text: ${error.message}`)
    }
  }

  async #ask(texts: string[], signal: AbortSignal): Promise<Float32Array[]> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#request(texts, signal)
      } catch (error) {
        if (!(error instanceof EmbeddingError) || !error.isPassing || attempt === ATTEMPTS) throw error
        if ((error.retryAfterMs ?? 0) > LONGEST_RETRY_AFTER_MS) throw error
        const pauseMs = Math.min(this.#firstPauseMs * 2 ** (attempt - 1), LONGEST_PAUSE_MS)
        // Up to a quarter longer, so that servers which were refused together do not come back together.
        await sleep((error.retryAfterMs ?? pauseMs) * (1 + Math.random() / 4), undefined, { signal }).catch(
          () => signal.throwIfAborted(),
        )
      }
    }
  }

  async #request(texts: string[], signal: AbortSignal): Promise<Float32Array[]> {
    const { url, model, key, dimensions } = this.#settings
    const format = this.#format
    const timeout = AbortSignal.timeout(this.#timeoutMs)
    let response: Response
    let answer: string
    try {
      response = await fetch(url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'user-agent': 'arc-eval',
          ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
        },
        // Undefined is not written: some refuse what they do not know.
        body: JSON.stringify({ model, input: texts, encoding_format: format, dimensions }),
        // What led elsewhere would take the key there.
        redirect: 'manual',
        signal: AbortSignal.any([timeout, signal]),
      })
      answer = await this.#read(response, answerBytes(texts.length))
    } catch (cause) {
      if (signal.aborted) throw signal.reason
      if (cause instanceof EmbeddingError) throw cause
      const why = timeout.aborted ? `within ${this.#timeoutMs / 1_000} s` : `(${networkFault(cause)})`
      throw this.#fault(`did not answer ${why}`, { isPassing: true })
    }
    if (response.ok) return this.#vectorsOf(answer, texts.length)
    const reason = this.#told(answer)
    const { status } = response
    if (OF_THE_TEXTS.has(status)) {
      if (format === 'base64' && /encoding.?format|base64/i.test(reason)) {
        this.#format = 'float'
        return this.#request(texts, signal)
      }
      throw new RefusedRequest(`${reason} (status ${status})`)
    }
    throw this.#fault(`${STATUSES[status] ?? 'could not do it'}: ${reason} (status ${status})`, {
      isPassing: PASSING.has(status) || status >= 500,
      retryAfterMs: retryAfterMs(response.headers.get('retry-after')),
    })
  }

  async #read(response: Response, maxBytes: number): Promise<string> {
    const chunks: Uint8Array[] = []
    let bytes = 0
    const reader = response.body?.getReader()
    for (let part = await reader?.read(); part && !part.done; part = await reader!.read()) {
      bytes += part.value.length
      if (bytes > maxBytes) {
        void reader!.cancel()
        throw this.#fault(`answered with more than ${maxBytes} bytes`)
      }
      chunks.push(part.value)
    }
    return Buffer.concat(chunks).toString('utf8')
  }

  #vectorsOf(answer: string, count: number): Float32Array[] {
    let made: ArrayLike<number>[]
    try {
      made = vectorsOf(answer, count)
    } catch (error) {
      throw this.#fault((error as Error).message)
    }
    const { length } = made[0]!
    const fault = faultOfLength(length, this.#settings.dimensions, this.#dimensions)
    if (fault !== null) throw this.#fault(fault)
    this.#dimensions = length
    return made.map((values) => {
      const vector = unitVector(values)
      if (!vector) throw this.#fault('answered with a vector of zeros')
      return vector
    })
  }

  /** Without the key, should the endpoint repeat it. */
  #told(answer: string): string {
    const { key } = this.#settings
    return reasonIn(key === undefined ? answer : answer.replaceAll(key, '<key>'))
  }

  #fault(what: string, options: { isPassing: boolean; retryAfterMs?: number | null } = { isPassing: false }) {
    return new EmbeddingError(
      `The endpoint for embeddings (${new URL(this.#settings.url).host}) ${what}.`,
      options,
    )
  }
}

interface Call {
  signal: AbortSignal
  /** Whether what all requests of the call say is known to be accepted. */
  isSettled: boolean
}

const STATUSES: Partial<Record<number, string>> = {
  301: 'is somewhere else',
  302: 'is somewhere else',
  307: 'is somewhere else',
  308: 'is somewhere else',
  401: 'does not accept ARC_EMBEDDINGS_KEY',
  403: 'does not allow it with ARC_EMBEDDINGS_KEY',
  404: 'has no such path or no such model (ARC_EMBEDDINGS, ARC_EMBEDDINGS_MODEL)',
  405: 'has no such path (ARC_EMBEDDINGS)',
  429: 'takes no more requests now',
}

/** undici has the reason in `cause`, sometimes in several of one. */
function networkFault(error: unknown): string {
  const { cause } = error as { cause?: Error & { code?: string } }
  return cause?.code ?? cause?.message ?? (error as Error).message
}
