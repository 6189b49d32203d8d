import { randomUUID } from 'node:crypto'
import type { Socket } from 'node:net'
import { CloseCode, MessageType, type Server, stringifyMessage } from 'graphql-ws'
import type { Logger } from 'pino'
import { WebSocket } from 'ws'
import type { Limits } from '../config.ts'
import { withExactNumbers, withoutMarks } from '../exactNumbers.ts'
import { cutBytes } from '../text.ts'
import { sizeWithin } from './limits/answerSize.ts'
import { outlineOf } from './limits/jsonOutline.ts'

/** WebSocket's own close code. */
export const MESSAGE_TOO_BIG = 1009

/** Of a close frame (RFC 6455, 5.5.1). */
export const MAX_REASON_BYTES = 123

/** So much may wait for a client that is read from: what it sends is answered into memory, until it takes its answers. */
const MAX_WAITING_BYTES = 1024 * 1024

/** Of a ping's payload, which is its sender's to have back. */
const MAX_ECHO_LENGTH = 1024

/**
 * Lets a WebSocket speak graphql-transport-ws. The adapter that comes with graphql-ws writes clients' faults to the
 * console, and closes with 4500 where the client sent what only servers send.
 *
 * Dead sockets end: those that do not answer a ping, and those that take nothing of what waits for them.
 *
 * @param connection what the WebSocket runs over.
 */
export function speak<Extra extends { messageBytes: number; messageValues: number }>(
  protocol: Server<Extra>,
  socket: WebSocket,
  connection: Socket,
  extra: Extra,
  { pongSeconds, writeSeconds }: Pick<Limits, 'pongSeconds' | 'writeSeconds'>,
  logger: Logger,
): void {
  /** Not to be guessed: a pong that was not asked for says nothing of whether anybody reads. */
  let awaitedPong: string | undefined
  socket.on('pong', (data) => {
    if (data.toString() === awaitedPong) awaitedPong = undefined
  })
  const heartbeat = setInterval(() => {
    // Its pong is not heard; whether it takes anything is watched.
    if (isFull) return
    if (awaitedPong !== undefined) {
      socket.terminate()
      return
    }
    awaitedPong = randomUUID()
    socket.ping(awaitedPong)
  }, pongSeconds * 1000)

  let isFull = false
  connection.on('timeout', () => socket.terminate())
  function regulate(): void {
    const wasFull = isFull
    isFull = socket.bufferedAmount > MAX_WAITING_BYTES
    if (isFull === wasFull) return
    awaitedPong = undefined
    connection.setTimeout(isFull ? writeSeconds * 1000 : 0)
    if (isFull) socket.pause()
    else socket.resume()
  }
  const send = (data: string) =>
    new Promise<void>((resolve) => {
      if (socket.readyState !== WebSocket.OPEN) {
        resolve()
        return
      }
      socket.send(withoutMarks(data), (error) => {
        // Who has left with answers pending misses nothing, and the socket says so itself.
        if (error) logger.debug({ err: error }, 'an answer found its WebSocket gone')
        regulate()
        resolve()
      })
      regulate()
    })

  // It closes itself, with the code that fits.
  socket.on('error', (error) => logger.debug({ err: error }, 'a WebSocket failed'))

  const closed = protocol.opened(
    {
      protocol: socket.protocol,
      send,
      close: (code, reason) => socket.close(code, reason && cutBytes(reason, MAX_REASON_BYTES)),
      onPing: (payload) =>
        send(
          stringifyMessage(
            payload && sizeWithin(MAX_ECHO_LENGTH, payload) !== undefined
              ? { type: MessageType.Pong, payload }
              : { type: MessageType.Pong },
          ),
        ),
      onMessage: (receive) =>
        socket.on('message', async (data: Buffer, isBinary) => {
          if (isBinary) {
            socket.close(CloseCode.BadRequest, 'Messages must be text.')
            return
          }
          // Read before anything is awaited, so it is of this message.
          const text = data.toString()
          extra.messageBytes = data.length
          extra.messageValues = outlineOf(text).values
          try {
            await receive(withExactNumbers(text))
          } catch (error) {
            if (/^Unexpected message of type/.test((error as Error).message)) {
              socket.close(CloseCode.BadRequest, 'Only servers may send this message.')
              return
            }
            logger.error({ err: error }, 'a message of a WebSocket failed')
            socket.close(CloseCode.InternalServerError, 'Internal server error')
          }
        }),
    },
    extra,
  )
  socket.once('close', (code, reason) => {
    clearInterval(heartbeat)
    closed(code, reason.toString()).catch((error: Error) =>
      logger.error({ err: error }, 'a WebSocket was not cleaned up'),
    )
  })
}
