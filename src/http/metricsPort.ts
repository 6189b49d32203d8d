import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Logger } from 'pino'
import type { Prometheus } from '../observe/prometheus.ts'

const METRICS_PATH = '/metrics'

/**
 * Answers `/metrics` for Prometheus, on a port of its own: what is not there cannot be public by accident, and a token would
 * be one more secret to hand round. Whoever reaches the port may read it; it names no tenant and no row.
 */
export async function serveMetrics(
  { port, host }: { port: number; host: string },
  { contentType, text }: Pick<Prometheus, 'contentType' | 'text'>,
  logger: Logger,
): Promise<{ url: string; close(): Promise<void> }> {
  async function answer({ method, url }: IncomingMessage, response: ServerResponse): Promise<void> {
    if (url?.split('?', 1)[0] !== METRICS_PATH) {
      response.writeHead(404).end()
      return
    }
    if (method !== 'GET') {
      response.writeHead(405, { allow: 'GET' }).end()
      return
    }
    const body = await text()
    response.writeHead(200, { 'content-type': contentType }).end(body)
  }
  const server = createServer((request, response) => {
    answer(request, response).catch((error: Error) => {
      logger.error({ err: error }, 'the metrics could not be made')
      response.writeHead(500).end()
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ port, host }, resolve)
  })
  const { port: taken } = server.address() as AddressInfo
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${taken}${METRICS_PATH}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
