import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'
import { vi } from 'vitest'
import { SOON } from './soon.ts'

export interface ReceivedSpan {
  name: string
  kind: number
  traceId: string
  spanId: string
  parentSpanId: string | undefined
  attributes: Record<string, string | number>
  links: { spanId: string }[]
  failed: boolean
  service: string
}

/** What takes spans as a collector does: OTLP over HTTP, as JSON. */
export class OtlpReceiver {
  readonly spans: ReceivedSpan[] = []
  readonly paths = new Set<string>()
  readonly #server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks)
    this.paths.add(request.url!)
    this.#take((request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body).toString())
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
  })

  async open(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  /** The first span that is so, once it has come. */
  async span(is: (span: ReceivedSpan) => boolean): Promise<ReceivedSpan> {
    return vi.waitFor(() => {
      const found = this.spans.find(is)
      if (!found) throw new Error(`no such span among ${this.spans.map(({ name }) => name).join(', ')}`)
      return found
    }, SOON)
  }

  childrenOf({ spanId }: ReceivedSpan): ReceivedSpan[] {
    return this.spans.filter(({ parentSpanId }) => parentSpanId === spanId)
  }

  #take(text: string): void {
    for (const { resource, scopeSpans } of JSON.parse(text).resourceSpans) {
      const service = valuesOf(resource.attributes)['service.name'] as string
      for (const { spans } of scopeSpans) {
        for (const span of spans) {
          this.spans.push({
            ...span,
            parentSpanId: span.parentSpanId || undefined,
            attributes: valuesOf(span.attributes),
            links: span.links ?? [],
            failed: span.status?.code === 2,
            service,
          })
        }
      }
    }
  }
}

function valuesOf(attributes: { key: string; value: Record<string, string | number> }[]) {
  return Object.fromEntries(
    attributes.map(({ key, value }) => {
      const [text] = Object.values(value)
      return [key, 'intValue' in value ? Number(text) : text!]
    }),
  )
}
