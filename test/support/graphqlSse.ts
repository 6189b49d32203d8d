import type { Result } from './graphqlWs.ts'

/** The results of one operation over server-sent events. Its `return` hangs up, also while a result is awaited. */
export function resultsOverSse(
  url: string,
  token: string,
  query: string,
  variables: object = {},
  more: object = {},
): AsyncIterableIterator<Result> {
  const abort = new AbortController()
  const results = read(url, token, { query, variables, ...more }, abort.signal)
  return {
    next: () => results.next(),
    async return() {
      abort.abort()
      return { done: true, value: undefined }
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}

async function* read(
  url: string,
  token: string,
  body: object,
  signal: AbortSignal,
): AsyncGenerator<Result, void> {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'text/event-stream',
      authorization: `Bearer ${token}`,
    },
    body: JSON.stringify(body),
    signal,
  })
  const decoder = new TextDecoder()
  let text = ''
  for await (const piece of response.body as unknown as AsyncIterable<Uint8Array>) {
    text += decoder.decode(piece, { stream: true })
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const [, event, data] = /^event: (\w+)\ndata:(.*)$/s.exec(text.slice(0, end)) ?? []
      text = text.slice(end + 2)
      if (event === 'next') yield JSON.parse(data!)
      if (event === 'complete') return
    }
  }
  throw new Error('the stream broke off before it was complete')
}
