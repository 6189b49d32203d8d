import { createParser } from 'eventsource-parser'
import { stringifyExactly } from '../exactNumbers.ts'
import { type ArcErrorDetail, ArcRequestError, type GraphQLAnswerError } from './arcRequestError.ts'
import { Deadline } from './deadline.ts'
import { withRetries } from './retry.ts'
import { type Token, TokenSource } from './token.ts'
import { mayMutate, type TypedDocument, textOf } from './typedDocument.ts'

/** How one call is made. */
export interface CallOptions {
  /** Ends the call; it then throws the signal's reason. */
  signal?: AbortSignal
  /** How long one attempt may take, in milliseconds; the client's `timeoutMs` when not given. */
  timeoutMs?: number
}

export interface RequestOptions extends CallOptions {
  /** Whether the operation may be sent again when no answer came. Queries may, mutations not unless this says so. */
  mayRepeat?: boolean
}

export interface ConnectionOptions {
  /** Where GraphQL is, e.g. `https://arc.example.com/graphql`. */
  url: string
  token: Token
  /** Further headers of each request, e.g. `x-arc-act-as`. */
  headers?: Record<string, string>
  /** How long one attempt of a call may take, in milliseconds; 90,000 when not given. */
  timeoutMs?: number
  /**
   * How long a subscription may bring nothing, not even the server's sign of life every 12 seconds, before its
   * connection counts as lost, in milliseconds; 30,000 when not given.
   */
  silenceMs?: number
  /**
   * How long a call is tried again while a server that was there before does not answer or says that it cannot, in
   * milliseconds; 120,000 when not given. A server that was never there, and with 0 any, is tried three times.
   */
  patienceMs?: number
}

interface MutationPayload {
  errors: ArcErrorDetail[]
}

interface Answer {
  data?: unknown
  errors?: GraphQLAnswerError[]
}

/** The way to one server: HTTP, the token, attempts. Everything that the client asks goes through here. */
export class Connection {
  readonly url: string
  readonly #tokens: TokenSource
  readonly #headers: Record<string, string>
  readonly #timeoutMs: number
  readonly #silenceMs: number
  readonly #patienceMs: number
  /** It has answered: what it does not answer now is a restart or an outage, and no wrong address. */
  #wasThere = false

  constructor({
    url,
    token,
    headers = {},
    timeoutMs = 90_000,
    silenceMs = 30_000,
    patienceMs = 120_000,
  }: ConnectionOptions) {
    // Not `new URL(url).username`: a page's own server may be named by a path.
    if (/^[a-z]+:\/\/[^/]*@/i.test(url)) throw new TypeError('The URL must not contain a user or a password.')
    this.url = url
    this.#tokens = new TokenSource(token)
    this.#headers = headers
    this.#timeoutMs = timeoutMs
    this.#silenceMs = silenceMs
    this.#patienceMs = patienceMs
  }

  /** The data of one operation. @throws ArcRequestError; the signal's reason. */
  request<Result, Variables>(
    document: TypedDocument<Result, Variables>,
    variables: Variables,
    options: RequestOptions = {},
  ): Promise<Result> {
    return this.#requestWith(document, stringifyExactly(variables ?? {}), options)
  }

  #requestWith<Result>(
    document: TypedDocument<Result, never>,
    variables: string,
    { signal, timeoutMs = this.#timeoutMs, mayRepeat }: RequestOptions = {},
  ): Promise<Result> {
    const text = textOf(document)
    const body = bodyOf(text, variables)
    const attempt = async () => {
      const deadline = new Deadline(timeoutMs, signal, `No answer from ${this.url} within ${timeoutMs} ms`)
      try {
        const { response } = await this.#post(body, 'application/graphql-response+json', deadline.signal)
        return this.#dataOf(response, await this.#heard(response.text(), deadline.signal)) as Result
      } finally {
        deadline.end()
      }
    }
    return withRetries(attempt, {
      mayRepeat: mayRepeat ?? !mayMutate(text),
      signal,
      patienceMs: () => (this.#wasThere ? this.#patienceMs : 0),
    })
  }

  /**
   * The payload of a mutation that may be repeated without doing anything twice.
   *
   * @throws ArcRequestError, also for the payload's errors; the signal's reason.
   */
  async change<Payload extends MutationPayload, Input>(
    document: TypedDocument<{ [field: string]: Payload }, { input: Input }>,
    input: Input,
    options?: CallOptions,
  ): Promise<Payload> {
    return this.changeWith(document, stringifyExactly({ input }), options)
  }

  /** The same with variables that are JSON text already. */
  async changeWith<Payload extends MutationPayload>(
    document: TypedDocument<{ [field: string]: Payload }, never>,
    variables: string,
    options?: CallOptions,
  ): Promise<Payload> {
    const data = await this.#requestWith(document, variables, { ...options, mayRepeat: true })
    const [payload] = Object.values(data)
    const { errors } = payload!
    if (errors.length === 0) return payload!
    throw new ArcRequestError(errors.map(({ message }) => message).join(' '), { status: 200, errors })
  }

  /**
   * The answers of one subscription, until the server says that there are no more (server-sent events). `onOpen` hears
   * when the server has accepted it, and with which token.
   *
   * @throws ArcRequestError when the connection is lost, or nothing comes for too long; the signal's reason.
   */
  async *answers(
    document: TypedDocument<unknown, never>,
    variables: unknown,
    signal: AbortSignal,
    onOpen: (token: string) => void,
  ): AsyncGenerator<Answer, void> {
    const silent = `${this.url} sent nothing for ${this.#silenceMs} ms`
    const silence = new Deadline(this.#silenceMs, signal, silent)
    try {
      const body = bodyOf(textOf(document), stringifyExactly(variables ?? {}))
      const { response, token } = await this.#post(body, 'text/event-stream', silence.signal)
      if (!response.headers.get('content-type')?.startsWith('text/event-stream')) {
        this.#dataOf(response, await this.#heard(response.text(), silence.signal))
        throw new ArcRequestError(`${this.url} answers a subscription with something other than events`, {
          status: response.status,
        })
      }
      this.#wasThere = true
      onOpen(token)
      const events: { event?: string | undefined; data: string }[] = []
      const parser = createParser({ onEvent: (event) => events.push(event) })
      const decoder = new TextDecoder()
      const reader = response.body!.getReader()
      for (;;) {
        silence.restart()
        const { done, value } = await this.#heard(reader.read(), silence.signal)
        // Not while whoever listens takes its time over an event.
        silence.stop()
        if (done) throw new ArcRequestError(`${this.url} aborted the subscription`)
        parser.feed(decoder.decode(value, { stream: true }))
        for (const { event, data } of events.splice(0)) {
          if (event === 'complete') return
          if (event === 'next') yield JSON.parse(data) as Answer
        }
      }
    } finally {
      silence.end()
    }
  }

  /** Whether a new token may do what this one, which the server refused, may not. */
  renewToken(refused: string): Promise<boolean> {
    return this.#tokens.renew(refused)
  }

  async #post(
    body: string,
    accept: string,
    signal: AbortSignal,
  ): Promise<{ response: Response; token: string }> {
    for (let renewed = false; ; renewed = true) {
      const token = await this.#tokens.current()
      const headers = {
        ...this.#headers,
        'content-type': 'application/json',
        accept,
        authorization: `Bearer ${token}`,
      }
      const asked = fetch(this.url, { method: 'POST', headers, body, signal })
      const response = await this.#heard(asked, signal)
      if (response.status !== 401 || renewed || !(await this.#tokens.renew(token))) return { response, token }
      await response.body?.cancel()
    }
  }

  /** What the network does is told as such; what a signal does, as that signal has it. */
  async #heard<Value>(awaited: Promise<Value>, signal: AbortSignal): Promise<Value> {
    try {
      return await awaited
    } catch (cause) {
      if (signal.aborted) throw signal.reason
      throw new ArcRequestError(`No answer from ${this.url}`, { cause })
    }
  }

  #dataOf({ status, headers }: Response, text: string): unknown {
    const { data, errors } = parsed(text)
    const retryAfterMs = retryAfter(headers.get('retry-after'))
    // A gateway says nothing of GraphQL's.
    this.#wasThere ||= data !== undefined || errors !== undefined
    if (errors && errors.length > 0) throw ArcRequestError.ofAnswer(errors, { status, retryAfterMs })
    if (data !== undefined && data !== null) return data
    throw new ArcRequestError(
      `${this.url} answered with status ${status} and no data: is it a GraphQL endpoint?`,
      {
        status,
        retryAfterMs,
      },
    )
  }
}

function bodyOf(text: string, variables: string): string {
  return `{"query":${JSON.stringify(text)},"variables":${variables}}`
}

function parsed(text: string): Answer {
  try {
    return JSON.parse(text) ?? {}
  } catch {
    return {}
  }
}

/** The header is a number of seconds, or a date (RFC 9110, 10.2.3). */
function retryAfter(header: string | null): number | undefined {
  if (header === null) return undefined
  const ms = /^\d+$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - Date.now()
  return Number.isNaN(ms) ? undefined : Math.max(0, ms)
}
