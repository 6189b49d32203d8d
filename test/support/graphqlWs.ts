import { type Client, createClient } from 'graphql-ws'
import { WebSocket } from 'ws'

export interface Result {
  data?: any
  errors?: { message: string; extensions: { code: string; http?: unknown } }[]
}

/** One connection of graphql-transport-ws, opened at once, never opened again. */
export class GraphQLSocket {
  /** How it ended. */
  readonly closed: Promise<{ code: number; reason: string }>
  readonly #client: Client

  constructor(url: string, connectionParams: object, headers: Record<string, string> = {}) {
    let onClosed: (event: { code: number; reason: string }) => void = () => {}
    this.closed = new Promise((resolve) => {
      onClosed = resolve
    })
    this.#client = createClient({
      url,
      connectionParams: { ...connectionParams },
      webSocketImpl: class extends WebSocket {
        constructor(address: string, protocols: string) {
          super(address, protocols, { headers })
        }
      },
      lazy: false,
      retryAttempts: 0,
      // Every test looks at `closed` instead.
      onNonLazyError: () => {},
      on: { closed: (event) => onClosed(event as { code: number; reason: string }) },
    })
  }

  /** The results of one operation; errors that refuse it as a whole are a result, too. */
  results(query: string, variables: object = {}, more: object = {}): AsyncIterableIterator<Result> {
    const results = this.#client.iterate({
      ...more,
      query,
      variables: { ...variables },
    }) as AsyncIterableIterator<Result>
    return {
      next: () =>
        results.next().catch((error) => {
          if (!Array.isArray(error)) throw error
          return { done: false, value: { errors: error } }
        }),
      return: () => results.return!(),
      [Symbol.asyncIterator]() {
        return this
      },
    }
  }

  close(): Promise<unknown> {
    void this.#client.dispose()
    return this.closed
  }
}
