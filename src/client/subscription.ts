import { ArcRequestError } from './arcRequestError.ts'
import type { Connection } from './connection.ts'
import { backOffMs, pause } from './retry.ts'
import type { TypedDocument } from './typedDocument.ts'

export interface SubscribeOptions<Result, Variables> {
  /** Ends the subscription; its iterator then throws the signal's reason. */
  signal?: AbortSignal
  /**
   * The variables with which it goes on after a lost connection, from the last result that came. Without this a lost
   * connection ends it with an error: to begin again could leave out results, or bring some twice.
   */
  resume?: (last: Result) => Variables
}

/** What is tried when it never opened is tried as often as a request. */
const FIRST_ATTEMPTS = 3
const LONGEST_PAUSE_MS = 30_000
/** A server that was there is waited for: a restart takes seconds, an outage of a database minutes. Not by the clock, which may be set. */
const PATIENCE_MS = 10 * 60_000

/**
 * The results of a subscription. A lost connection, a server that restarts and a token that ends are made up for where
 * `resume` says how to go on: after 1 s, then after twice as long each time, for ten minutes.
 *
 * `pick` makes of a result what is wanted of it; null is left out. The iterator throws ArcRequestError, or the signal's
 * reason.
 */
export function subscription<Result, Variables, Item>(
  connection: Connection,
  document: TypedDocument<Result, Variables>,
  variables: Variables,
  { signal, resume }: SubscribeOptions<Result, Variables>,
  pick: (result: Result) => Item | null,
): AsyncIterableIterator<Item> {
  const left = new AbortController()
  const leave = () => left.abort(signal!.reason)
  if (signal?.aborted) leave()
  else signal?.addEventListener('abort', leave, { once: true })
  const results = resumed(connection, document, variables, resume, pick, left.signal)
  const end = () => signal?.removeEventListener('abort', leave)
  return {
    async next() {
      try {
        const result = await results.next()
        if (result.done) end()
        return result
      } catch (error) {
        end()
        // Whoever returned while a result was awaited hears that there is none.
        if (left.signal.aborted && !signal?.aborted) return { done: true, value: undefined }
        throw error
      }
    },
    // A generator's own return waits for the result that is awaited.
    async return() {
      end()
      left.abort()
      void results.return().catch(() => {})
      return { done: true, value: undefined }
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}

async function* resumed<Result, Variables, Item>(
  connection: Connection,
  document: TypedDocument<Result, Variables>,
  variables: Variables,
  resume: SubscribeOptions<Result, Variables>['resume'],
  pick: (result: Result) => Item | null,
  signal: AbortSignal,
): AsyncGenerator<Item, void> {
  let asked = variables
  let failures = 0
  /** When the last connection was lost that the server had accepted. */
  let lostAt: number | undefined
  for (;;) {
    let opened: { token: string; at: number } | undefined
    try {
      const onOpen = (token: string) => {
        opened = { token, at: performance.now() }
      }
      for await (const { data, errors } of connection.answers(document, asked, signal, onOpen)) {
        if (errors && errors.length > 0) throw ArcRequestError.ofAnswer(errors, { status: 200 })
        failures = 0
        asked = resume?.(data as Result) ?? asked
        const item = pick(data as Result)
        if (item !== null) yield item
      }
      return
    } catch (error) {
      if (!(error instanceof ArcRequestError)) throw error
      if (opened) {
        lostAt = performance.now()
        if (lostAt - opened.at > LONGEST_PAUSE_MS) failures = 0
      }
      failures += 1
      const isWorthIt =
        lostAt === undefined ? failures < FIRST_ATTEMPTS : performance.now() - lostAt < PATIENCE_MS
      if (!isWorthIt || (lostAt !== undefined && !resume)) throw error
      const tokenEnded = opened !== undefined && error.codes.includes('UNAUTHENTICATED')
      if (tokenEnded ? !(await connection.renewToken(opened!.token)) : !error.retryable) throw error
      if (tokenEnded && failures === 1) continue
      await pause(Math.min(error.retryAfterMs ?? backOffMs(failures), LONGEST_PAUSE_MS), signal)
    }
  }
}
