import { randomUUID } from 'node:crypto'
import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import {
  type ExecutionArgs,
  GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  parse,
  validate,
} from 'graphql'
import { CloseCode, type SubscribePayload } from 'graphql-ws'
import { useServer } from 'graphql-ws/use/ws'
import { WebSocket, WebSocketServer } from 'ws'
import { onExpiry } from '../auth/expiry.ts'
import type { Viewer } from '../auth/viewer.ts'
import { Refusal } from '../refusal.ts'
import { callerOf } from './caller.ts'
import { executeOperation, subscribeOperation } from './execution.ts'
import { GRAPHQL_PATH, type HttpParts } from './yoga.ts'

const MAX_FRAME_BYTES = 32 * 1024 * 1024

/** WebSocket's own close code; clients of graphql-transport-ws come back after it. */
const TRY_AGAIN_LATER = 1013

/** How long clients may take to answer the goodbye once the server closes. */
const LAST_RESORT_MS = 2_000

interface SocketState {
  socket: WebSocket
  request: IncomingMessage
  viewer?: Viewer
  stopWatchingExpiry?: () => void
}

/**
 * GraphQL over WebSocket (graphql-transport-ws). The token comes in connectionParams, or in the upgrade request's
 * header where a client can set one; the socket is closed when it ends. Returns what closes all sockets.
 */
export function serveWebSocket(
  server: Server,
  { schema, authenticate, contextFor }: HttpParts,
): () => Promise<void> {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_FRAME_BYTES })
  const disposable = useServer<
    Record<string, unknown> | undefined,
    SocketState & Record<PropertyKey, unknown>
  >(
    {
      // What went wrong inside is for the log, not for the client.
      isProd: true,
      onConnect: async ({ connectionParams, extra }) => {
        try {
          const viewer = await authenticate(callerOf(extra.request, connectionParams))
          extra.viewer = viewer
          // A client that left while its token was looked at would leave the timer behind.
          if (extra.socket.readyState === WebSocket.OPEN) {
            extra.stopWatchingExpiry = onExpiry(viewer, (reason) =>
              extra.socket.close(CloseCode.Forbidden, reason),
            )
          }
          return true
        } catch (error) {
          if (!(error instanceof Refusal)) throw error
          extra.socket.close(
            error.code === 'UNAVAILABLE' ? TRY_AGAIN_LATER : CloseCode.Forbidden,
            error.message.slice(0, 120),
          )
          return false
        }
      },
      onClose: ({ extra }) => extra.stopWatchingExpiry?.(),
      onSubscribe: ({ extra }, _id, payload) => {
        const prepared = prepare(schema, payload)
        if (Array.isArray(prepared)) return prepared
        return { ...prepared, contextValue: contextFor(extra.viewer!, randomUUID()) }
      },
      execute: executeOperation,
      subscribe: subscribeOperation,
    },
    sockets,
  )

  const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const refusal = refusalOf(request)
    if (refusal) {
      // Node leaves the socket to us, its errors too: who hangs up before the answer must not end the process.
      socket.on('error', () => socket.destroy())
      socket.end(`HTTP/1.1 ${refusal}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
      return
    }
    sockets.handleUpgrade(request, socket, head, (webSocket) =>
      sockets.emit('connection', webSocket, request),
    )
  }
  server.on('upgrade', onUpgrade)

  return async () => {
    server.off('upgrade', onUpgrade)
    const lastResort = setTimeout(() => {
      for (const socket of sockets.clients) socket.terminate()
    }, LAST_RESORT_MS)
    await disposable.dispose()
    clearTimeout(lastResort)
  }
}

/** A page of another origin may open a WebSocket anywhere: a browser says where it comes from, other programs don't. */
function refusalOf({ url, headers }: IncomingMessage): string | undefined {
  if (url?.split('?', 1)[0] !== GRAPHQL_PATH) return '404 Not Found'
  if (headers.origin === undefined) return undefined
  try {
    return new URL(headers.origin).host === headers.host ? undefined : '403 Forbidden'
  } catch {
    return '403 Forbidden'
  }
}

/** Errors in the document go back to the one operation; thrown, they would close the socket for all of them. */
function prepare(
  schema: GraphQLSchema,
  { query, operationName, variables }: SubscribePayload,
): ExecutionArgs | GraphQLError[] {
  let document: ExecutionArgs['document']
  try {
    document = parse(query)
  } catch (error) {
    return [coded(error as GraphQLError, 'GRAPHQL_PARSE_FAILED')]
  }
  const errors = validate(schema, document)
  if (errors.length > 0) return errors.map((error) => coded(error, 'GRAPHQL_VALIDATION_FAILED'))
  if (!getOperationAST(document, operationName)) {
    return [new GraphQLError('The document has no such operation.', { extensions: { code: 'BAD_REQUEST' } })]
  }
  return { schema, document, operationName, variableValues: variables }
}

function coded(error: GraphQLError, code: string): GraphQLError {
  return new GraphQLError(error.message, {
    nodes: error.nodes,
    source: error.source,
    positions: error.positions,
    extensions: { code },
  })
}
