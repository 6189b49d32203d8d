import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface EmbeddingRequest {
  authorization: string | undefined
  path: string
  body: { model: string; input: string[]; encoding_format?: string; dimensions?: number }
}

/** What the endpoint does with a request; the vectors of `embeddingOf` when it gives nothing. */
export type Answer = { status?: number; body: string; headers?: Record<string, string> }
export type Behaviour = (request: EmbeddingRequest, count: number) => Answer | 'hang up' | 'silence'

/** An HTTP server that speaks `/v1/embeddings` as the behaviour has it; it keeps what it was asked. */
export class EmbeddingEndpoint {
  readonly requests: EmbeddingRequest[] = []
  readonly url: string
  readonly #close: () => Promise<void>

  private constructor(port: number, close: () => Promise<void>) {
    this.url = `http://127.0.0.1:${port}/v1/embeddings`
    this.#close = close
  }

  static async start(behaviour: Behaviour): Promise<EmbeddingEndpoint> {
    let endpoint: EmbeddingEndpoint | undefined
    const server = createServer(async (request, response) => {
      const asked = {
        authorization: request.headers.authorization,
        path: request.url!,
        body: JSON.parse(await textOf(request)),
      }
      endpoint!.requests.push(asked)
      respond(response, behaviour(asked, endpoint!.requests.length))
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    endpoint = new EmbeddingEndpoint((server.address() as AddressInfo).port, async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    })
    return endpoint
  }

  close(): Promise<void> {
    return this.#close()
  }
}

function respond(response: ServerResponse, answer: ReturnType<Behaviour>): void {
  if (answer === 'hang up') response.destroy()
  else if (answer !== 'silence')
    response
      .writeHead(answer.status ?? 200, { 'content-type': 'application/json', ...answer.headers })
      .end(answer.body)
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request) text += chunk
  return text
}

/** A vector that says which text it is of. */
export function embeddingOf(text: string, dimensions: number): number[] {
  return Array.from({ length: dimensions }, (_, at) => (at === 0 ? text.length : at % 3))
}

export function answerOf(vectors: readonly unknown[], indexes?: readonly unknown[]): Answer {
  const data = vectors.map((embedding, at) => ({
    object: 'embedding',
    index: indexes ? indexes[at] : at,
    embedding,
  }))
  return {
    body: JSON.stringify({ object: 'list', data, model: 'm', usage: { prompt_tokens: 1, total_tokens: 1 } }),
  }
}

export function base64Of(vector: readonly number[]): string {
  return Buffer.from(Float32Array.from(vector).buffer).toString('base64')
}
