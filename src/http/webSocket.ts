import { randomUUID } from 'node:crypto'
import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import type { ExecutionArgs, GraphQLError } from 'graphql'
import { handleProtocols, makeServer, type SubscribePayload } from 'graphql-ws'
import { WebSocket, WebSocketServer } from 'ws'
import { onExpiry } from '../auth/expiry.ts'
import { LIMIT_SETTINGS } from '../config.ts'
import { Refusal } from '../refusal.ts'
import type { Viewer } from '../viewer.ts'
import { closeOf, errorsOf, presentableError } from './errors.ts'
import { executeOperation } from './execution.ts'
import { isAllowedOrigin } from './origins.ts'
import { GRAPHQL_PATH } from './routes.ts'
import { MESSAGE_TOO_BIG, speak } from './socketProtocol.ts'
import type { HttpParts } from './yoga.ts'

/** How long clients may take to answer the goodbye once the server closes. */
const LAST_RESORT_MS = 2_000

interface SocketState extends Record<PropertyKey, unknown> {
  socket: WebSocket
  request: IncomingMessage
  /** Of the message that is being looked at. */
  messageBytes: number
  viewer?: Viewer
  leave?: () => void
  stopWatchingExpiry?: () => void
}

/**
 * GraphQL over WebSocket (graphql-transport-ws). The token comes in connectionParams, or in the upgrade request's
 * header where a client can set one; the socket is closed when it ends. Returns what closes all sockets.
 */
export function serveWebSocket(server: Server, parts: HttpParts): () => Promise<void> {
  const { admission, subscribe, exposure, logger } = parts
  const { limits } = exposure
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: limits.frameBytes,
    handleProtocols,
    WebSocket: sayingLimit(limits.frameBytes),
  })
  const protocol = makeServer<Record<string, unknown> | undefined, SocketState>({
    onConnect: async ({ connectionParams, extra }) => {
      const { socket, request } = extra
      try {
        const viewer = await admission.admitSocket(request, connectionParams ?? {})
        // A client that left while its token was looked at would leave its slot and the timer behind.
        if (socket.readyState !== WebSocket.OPEN) return false
        extra.leave = admission.sockets.take(viewer.tenantId)
        extra.viewer = viewer
        extra.stopWatchingExpiry = onExpiry(viewer, (reason) =>
          close(socket, new Refusal('UNAUTHENTICATED', reason)),
        )
        return true
      } catch (error) {
        if (!(error instanceof Refusal)) throw error
        close(socket, error)
        return false
      }
    },
    onClose: ({ extra }) => {
      extra.stopWatchingExpiry?.()
      extra.leave?.()
    },
    onSubscribe: async ({ extra, subscriptions }, _id, payload) => {
      const running = Object.keys(subscriptions).length
      const { viewer, socket } = extra
      // A key that was revoked gets nothing more, whatever its socket was let in with.
      if (viewer!.stillHolds && !(await viewer!.stillHolds(true).catch(() => true))) {
        const revoked = new Refusal('UNAUTHENTICATED', 'The API key was revoked.')
        close(socket, revoked)
        return [presentableError(revoked, randomUUID(), logger)]
      }
      return prepare(parts, extra, running, payload)
    },
    execute: executeOperation,
    subscribe,
  })

  const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const refusal =
      request.url?.split('?', 1)[0] !== GRAPHQL_PATH
        ? '404 Not Found'
        : // A page of another origin may open a WebSocket anywhere: a browser says where it comes from, other programs don't.
          isAllowedOrigin(request, exposure.corsOrigins)
          ? undefined
          : '403 Forbidden'
    if (refusal) {
      // Node leaves the socket to us, its errors too: who hangs up before the answer must not end the process.
      socket.on('error', () => socket.destroy())
      socket.end(`HTTP/1.1 ${refusal}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
      return
    }
    sockets.handleUpgrade(request, socket, head, (webSocket) =>
      speak(protocol, webSocket, { socket: webSocket, request, messageBytes: 0 }, limits.pongSeconds, logger),
    )
  }
  server.on('upgrade', onUpgrade)

  return async () => {
    server.off('upgrade', onUpgrade)
    const lastResort = setTimeout(() => {
      for (const socket of sockets.clients) socket.terminate()
    }, LAST_RESORT_MS)
    for (const socket of sockets.clients) socket.close(1001, 'Going away')
    await new Promise((resolve) => sockets.close(resolve))
    clearTimeout(lastResort)
  }
}

/** What is wrong goes back to the one operation; thrown, it would close the socket for all of them. */
function prepare(
  { schema, admission, checkOperation, contextFor, exposure, logger }: HttpParts,
  { viewer, messageBytes }: SocketState,
  running: number,
  payload: SubscribePayload,
): ExecutionArgs | GraphQLError[] {
  const requestId = randomUUID()
  const { operationsPerSocket } = exposure.limits
  try {
    if (running > operationsPerSocket)
      throw new Refusal(
        'LIMIT_EXCEEDED',
        `${operationsPerSocket} operations run on this WebSocket, the most that are allowed (${LIMIT_SETTINGS.operationsPerSocket[0]}).`,
      )
    admission.count(viewer!)
    const checked = checkOperation(payload, messageBytes)
    return {
      schema,
      document: checked.document,
      operationName: checked.operationName,
      variableValues: checked.variableValues,
      contextValue: contextFor(viewer!, requestId, checked.cost),
      hideSuggestions: !exposure.suggestions,
    }
  } catch (error) {
    return errorsOf(error).map((one) => presentableError(one, requestId, logger))
  }
}

function close(socket: WebSocket, refusal: Refusal): void {
  const { code, reason } = closeOf(refusal)
  socket.close(code, reason)
}

/** A WebSocket that says why it closes when a message is too big: of itself it sends only the code. */
function sayingLimit(bytes: number): typeof WebSocket {
  return class extends WebSocket {
    override close(code?: number, reason?: string | Buffer): void {
      super.close(
        code,
        code === MESSAGE_TOO_BIG
          ? `A message may have at most ${bytes} bytes (${LIMIT_SETTINGS.frameBytes[0]}).`
          : reason,
      )
    }
  }
}
