import { randomUUID } from 'node:crypto'
import { type IncomingMessage, maxHeaderSize, type Server, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { ExecutionArgs, GraphQLError } from 'graphql'
import { CloseCode, handleProtocols, makeServer, type SubscribePayload } from 'graphql-ws'
import { WebSocket, WebSocketServer } from 'ws'
import { onExpiry } from '../auth/expiry.ts'
import { LIMIT_SETTINGS } from '../config.ts'
import { Refusal } from '../refusal.ts'
import { isLongerThan } from '../text.ts'
import type { Viewer } from '../viewer.ts'
import { closeOf, errorsOf, presentableError, RequestRefused } from './errors.ts'
import { codeOf } from './execution.ts'
import type { Holding } from './limits/tenantSlots.ts'
import { isAllowedOrigin } from './origins.ts'
import { normaliseHead } from './requestHead.ts'
import { GRAPHQL_PATH } from './routes.ts'
import { refuseOnSocket } from './socketAnswer.ts'
import { MESSAGE_TOO_BIG, speak } from './socketProtocol.ts'
import type { HttpParts } from './yoga.ts'

/** Bytes of a message until the token is known: it has as much room in the head of a request. */
const MAX_FIRST_BYTES = maxHeaderSize

/** Of an operation, in characters: each of its answers repeats it. */
const MAX_ID_LENGTH = 1_000

/** How long clients may take to answer the goodbye once the server closes. */
const LAST_RESORT_MS = 2_000

interface SocketState extends Record<PropertyKey, unknown> {
  socket: FirstMeasured
  request: IncomingMessage
  /** Of the message that is being looked at. */
  messageBytes: number
  messageValues: number
  viewer?: Viewer
  leave?: () => void
  /**
   * What gives back the share that an operation has of requests and answers on the way. By what it was asked with: an id may
   * be used again before the operation that had it has ended.
   */
  held: Map<SubscribePayload, readonly Holding[]>
  stopWatchingExpiry?: () => void
}

/**
 * GraphQL over WebSocket (graphql-transport-ws). The token comes in connectionParams, or in the upgrade request's
 * header where a client can set one; the socket is closed when it ends. `close` closes all sockets.
 */
export function serveWebSocket(
  server: Server,
  parts: HttpParts,
): { readonly count: number; close(): Promise<void> } {
  const { admission, execute, share, subscribe, exposure, watch, logger } = parts
  const { limits } = exposure
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: Math.min(MAX_FIRST_BYTES, limits.frameBytes),
    handleProtocols,
    WebSocket: FirstMeasured,
  })
  const protocol = makeServer<Record<string, unknown> | undefined, SocketState>({
    onConnect: async ({ connectionParams, extra }) => {
      const { socket, request } = extra
      try {
        const viewer = await admission.admitSocket(request, connectionParams ?? {})
        // A client that left while its token was looked at would leave its slot and the timer behind.
        if (socket.readyState !== WebSocket.OPEN) return false
        extra.leave = share.sockets.take(viewer.tenantId)
        extra.viewer = viewer
        socket.takeUpTo(limits.frameBytes)
        extra.stopWatchingExpiry = onExpiry(viewer, (reason) =>
          close(socket, new Refusal('UNAUTHENTICATED', reason)),
        )
        return true
      } catch (error) {
        if (!(error instanceof Refusal)) throw error
        watch.refused(error.code, randomUUID())
        close(socket, error)
        return false
      }
    },
    onClose: ({ extra }) => {
      extra.stopWatchingExpiry?.()
      extra.leave?.()
      for (const payload of extra.held.keys()) giveBack(extra, payload)
    },
    // The last message of the operation has been handed to the network, or was not wanted any more.
    onComplete: ({ extra }, _id, payload) => giveBack(extra, payload),
    onSubscribe: async ({ extra, subscriptions }, id, payload) => {
      const running = Object.keys(subscriptions).length
      const { viewer, socket } = extra
      if (isLongerThan(id, MAX_ID_LENGTH)) {
        const tooLong = new Refusal('BAD_REQUEST', `An id may have at most ${MAX_ID_LENGTH} characters.`)
        socket.close(CloseCode.BadRequest, tooLong.message)
        return [presentableError(tooLong, randomUUID(), logger)]
      }
      // A key that was revoked gets nothing more, whatever its socket was let in with.
      if (viewer!.stillHolds && !(await viewer!.stillHolds(true).catch(() => true))) {
        const revoked = new Refusal('UNAUTHENTICATED', 'The API key was revoked.')
        close(socket, revoked)
        return [presentableError(revoked, randomUUID(), logger)]
      }
      return prepare(parts, extra, running, payload)
    },
    execute,
    subscribe,
  })

  const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (request.headers.upgrade?.toLowerCase() !== 'websocket') {
      onceAnswered(socket, () => {
        goOnWithout(request, socket, head)
        server.emit('connection', socket)
      })
      return
    }
    try {
      normaliseHead(request)
      if (request.url!.split('?', 1)[0] !== GRAPHQL_PATH)
        throw new RequestRefused(404, 'BAD_REQUEST', `WebSockets are at ${GRAPHQL_PATH}.`)
      // A page of another origin may open a WebSocket anywhere: a browser says where it comes from, other programs don't.
      if (!isAllowedOrigin(request, exposure.corsOrigins))
        throw new RequestRefused(403, 'FORBIDDEN', 'Pages of this origin may not open WebSockets here.')
    } catch (error) {
      refuseOnSocket(socket, error, logger)
      return
    }
    sockets.handleUpgrade(request, socket, head, (webSocket) =>
      speak(
        protocol,
        webSocket,
        socket as Socket,
        { socket: webSocket, request, messageBytes: 0, messageValues: 0, held: new Map() },
        limits,
        logger,
      ),
    )
  }
  server.on('upgrade', onUpgrade)
  sockets.on('wsClientError', ({ message }, socket) =>
    refuseOnSocket(socket, new RequestRefused(400, 'BAD_REQUEST', `${message}.`), logger),
  )

  return {
    get count() {
      return sockets.clients.size
    },
    close: async () => {
      server.off('upgrade', onUpgrade)
      const lastResort = setTimeout(() => {
        for (const socket of sockets.clients) socket.terminate()
      }, LAST_RESORT_MS)
      for (const socket of sockets.clients) socket.close(1001, 'Going away')
      await new Promise((resolve) => sockets.close(resolve))
      clearTimeout(lastResort)
    },
  }
}

/**
 * When all requests before this one have their answers: what is read from a connection anew knows nothing of them, and its
 * own answers would wait for ever behind theirs.
 */
function onceAnswered(socket: Duplex, goOn: () => void): void {
  const { _httpMessage: answer } = socket as { _httpMessage?: ServerResponse | null }
  if (!answer) {
    goOn()
    return
  }
  // Meanwhile its errors are nobody's.
  const end = () => socket.destroy()
  socket.on('error', end)
  answer.once('finish', () => {
    socket.off('error', end)
    if (!socket.destroyed) onceAnswered(socket, goOn)
  })
}

/** Hop by hop, and of no use once nothing is upgraded. */
const OF_UPGRADES = new Set(['upgrade', 'connection', 'http2-settings'])

/**
 * A client may offer protocols that this server does not speak, and then goes on in HTTP/1.1 (RFC 9110, 7.8): Java's does so
 * with each first request, for HTTP/2. Node has taken its parser from the socket, so the request is put back without the
 * offer.
 */
function goOnWithout(
  { method, url, rawHeaders, headers }: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): void {
  const lines = [`${method} ${url} HTTP/1.1`]
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]!
    if (!OF_UPGRADES.has(name.toLowerCase())) lines.push(`${name}: ${rawHeaders[at + 1]}`)
  }
  if (/\bclose\b/i.test(headers.connection ?? '')) lines.push('Connection: close')
  socket.unshift(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), head]))
}

/** What is wrong goes back to the one operation; thrown, it would close the socket for all of them. */
function prepare(
  { schema, admission, share, checkOperation, contextFor, exposure, watch, logger }: HttpParts,
  state: SocketState,
  running: number,
  payload: SubscribePayload,
): ExecutionArgs | GraphQLError[] {
  const requestId = randomUUID()
  const { operationsPerSocket } = exposure.limits
  const { viewer, messageBytes, messageValues } = state
  const { tenantId } = viewer!
  const request = share.bodies.hold(tenantId)
  const values = share.bodyValues.hold(tenantId)
  const tokens = share.tokens.hold(tenantId)
  const answer = share.answers.hold(tenantId)
  try {
    if (running > operationsPerSocket)
      throw new Refusal(
        'LIMIT_EXCEEDED',
        `${operationsPerSocket} operations run on this WebSocket, the most that are allowed (${LIMIT_SETTINGS.operationsPerSocket[0]}).`,
      )
    admission.count(viewer!)
    state.held.set(payload, [request, values, tokens, answer])
    request.take(messageBytes)
    values.take(messageValues)
    const checked = checkOperation(payload, messageBytes)
    tokens.take(checked.tokens)
    return {
      schema,
      document: checked.document,
      operationName: checked.operationName,
      variableValues: checked.variableValues,
      contextValue: contextFor(viewer!, requestId, checked.cost, messageBytes, answer.take),
      hideSuggestions: !exposure.suggestions,
    }
  } catch (error) {
    giveBack(state, payload)
    const errors = errorsOf(error).map((one) => presentableError(one, requestId, logger))
    watch.refused(codeOf({ errors }), requestId)
    return errors
  }
}

function giveBack({ held }: SocketState, payload: SubscribePayload): void {
  for (const holding of held.get(payload) ?? []) holding.giveBack()
  held.delete(payload)
}

function close(socket: WebSocket, refusal: Refusal): void {
  const { code, reason } = closeOf(refusal)
  socket.close(code, reason)
}

/** What ws keeps to itself: how long a message may be is set for all WebSockets of a server. */
interface WithReceiver {
  _receiver: { _maxPayload: number }
}

/** A WebSocket that takes short messages at first, and says so when one is too long: of itself it sends only the code. */
class FirstMeasured extends WebSocket {
  #setting: string | undefined

  get #receiver() {
    return (this as unknown as WithReceiver)._receiver
  }

  /** From now on. */
  takeUpTo(frameBytes: number): void {
    this.#receiver._maxPayload = frameBytes
    this.#setting = LIMIT_SETTINGS.frameBytes[0]
  }

  override close(code?: number, reason?: string | Buffer): void {
    if (code !== MESSAGE_TOO_BIG) {
      super.close(code, reason)
      return
    }
    const until = this.#setting ?? 'until its token is known'
    super.close(code, `A message may have at most ${this.#receiver._maxPayload} bytes (${until}).`)
  }
}
