import { lookup } from 'node:dns'
import http from 'node:http'
import https from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import { retryAfterMs } from '../retryAfter.ts'
import { cutText, storableText } from '../text.ts'
import { type AddressGuard, AddressRefused, bareHost, refusalOf } from './addressGuard.ts'
import { signedHeaders } from './webhookSecret.ts'

/** What a receiver gets. */
export interface WebhookMessage {
  url: string
  /** Each signs it. */
  secrets: readonly string[]
  /** The same for each attempt: by it a receiver knows what it has already. */
  id: string
  /** JSON. */
  body: string
}

/** How an attempt went; `retry` where a later one may go better. */
export interface WebhookResult {
  outcome: 'delivered' | 'retry' | 'failed'
  /** Of the receiver's answer; null where there was none. */
  statusCode: number | null
  /** Why it was not delivered, in words; null where it was. */
  error: string | null
  /** When the receiver asks to be tried again, in seconds. */
  retryAfterSeconds: number | null
  durationMs: number
}

const TIMEOUT_MS = 10_000

/** Of an answer no more is read, and of that no more is kept than tells what is wrong. */
const MAX_ANSWER_BYTES = 16 * 1024
const SHOWN_CHARACTERS = 200

const MAX_RETRY_AFTER_SECONDS = 86_400

/** Besides 5xx. */
const PASSING: ReadonlySet<number> = new Set([408, 425, 429])

/** Sends messages to receivers that tenants name: to the internet only, unless the guard knows better. */
export class WebhookSender {
  readonly guard: AddressGuard
  readonly #lookup: typeof lookup
  readonly #timeoutMs: number

  constructor(guard: AddressGuard, { resolve = lookup, timeoutMs = TIMEOUT_MS } = {}) {
    this.guard = guard
    this.#lookup = resolve
    this.#timeoutMs = timeoutMs
  }

  /** One attempt, of ten seconds at most. Never rejects. */
  async send(message: WebhookMessage): Promise<WebhookResult> {
    const begin = performance.now()
    const result = await this.#attempt(message).catch((error: Error) => this.#failure(error))
    return { ...result, durationMs: performance.now() - begin }
  }

  async #attempt(message: WebhookMessage): Promise<Omit<WebhookResult, 'durationMs'>> {
    const { statusCode, retryAfter, text } = await this.#post(message)
    if (statusCode >= 200 && statusCode < 300)
      return { outcome: 'delivered', statusCode, error: null, retryAfterSeconds: null }
    const isPassing = statusCode >= 500 || PASSING.has(statusCode)
    const shown = cutText(storableText(text).replace(/\s+/g, ' ').trim(), SHOWN_CHARACTERS)
    const what =
      statusCode >= 300 && statusCode < 400
        ? 'The receiver redirects, which is not followed.'
        : `The receiver answered ${statusCode}${shown ? `: ${shown}` : '.'}`
    return {
      outcome: isPassing ? 'retry' : 'failed',
      statusCode,
      error: what,
      retryAfterSeconds: isPassing ? secondsOf(retryAfter) : null,
    }
  }

  #failure(error: Error & { code?: string }): Omit<WebhookResult, 'durationMs'> {
    const unanswered = { statusCode: null, retryAfterSeconds: null }
    if (error instanceof AddressRefused)
      return { ...unanswered, outcome: 'failed', error: `${error.message}.` }
    const reason =
      error.name === 'TimeoutError'
        ? `There was no answer within ${this.#timeoutMs / 1000} seconds.`
        : // Its words may have addresses of this network.
          `The receiver cannot be reached (${error.code ?? error.name}).`
    return { ...unanswered, outcome: 'retry', error: reason }
  }

  #post({ url, secrets, id, body }: WebhookMessage) {
    return new Promise<{ statusCode: number; retryAfter: string | undefined; text: string }>(
      (resolve, reject) => {
        const target = new URL(url)
        const host = bareHost(target.hostname)
        // An address is looked up by nobody.
        if (isIP(host)) this.guard.checkHost(host)
        const timeout = AbortSignal.timeout(this.#timeoutMs)
        const request = (target.protocol === 'https:' ? https : http).request(target, {
          method: 'POST',
          // Of its own: a connection that was kept would lead to where a name led then.
          agent: false,
          lookup: this.#guarded(host),
          signal: timeout,
          headers: {
            'content-type': 'application/json',
            'content-length': Buffer.byteLength(body),
            'user-agent': 'arc-eval',
            ...signedHeaders(secrets, id, Math.floor(Date.now() / 1000), body),
          },
        })
        request.on('error', (error) => reject(timeout.aborted ? timeout.reason : error))
        request.on('response', (response) => {
          const chunks: Buffer[] = []
          let bytes = 0
          const done = () => {
            const { statusCode = 0, headers } = response
            const text = Buffer.concat(chunks).subarray(0, MAX_ANSWER_BYTES).toString('utf8')
            resolve({ statusCode, retryAfter: headers['retry-after'], text })
            request.destroy()
          }
          response.on('data', (chunk: Buffer) => {
            chunks.push(chunk)
            bytes += chunk.length
            if (bytes >= MAX_ANSWER_BYTES) done()
          })
          response.on('end', done)
          response.on('error', (error) => reject(timeout.aborted ? timeout.reason : error))
        })
        request.end(body)
      },
    )
  }

  /** Looks a name up once, and has the connection go to what was found and may be reached: a second look could find another. */
  #guarded(host: string): LookupFunction {
    return (name, options, callback) => {
      this.#lookup(name, { ...options, all: true }, (error, found) => {
        if (error) {
          callback(error, '')
          return
        }
        const allowed = found.filter(({ address }) => this.guard.allows(host, address))
        const [first] = allowed
        if (!first) callback(new AddressRefused(refusalOf(host)), '')
        else if (options.all) callback(null, allowed)
        else callback(null, first.address, first.family)
      })
    }
  }
}

function secondsOf(retryAfter: string | undefined): number | null {
  const ms = retryAfterMs(retryAfter)
  return ms === null ? null : Math.min(Math.ceil(ms / 1_000), MAX_RETRY_AFTER_SECONDS)
}
