import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Logger } from 'pino'
import { untilWelcome } from './requestHead.ts'
import { refuseMalformed } from './socketAnswer.ts'

/**
 * A request that trickles in holds its connection no longer; what has begun to be read has the body's own limit. A
 * connection at rest outlives those of load balancers and clients, most of which let go after a minute: the other way
 * round their next request meets the end of it.
 */
const HTTP_TIMEOUTS = { headersTimeout: 15_000, requestTimeout: 300_000, keepAliveTimeout: 75_000 }

/** Connections that wait to be accepted. Node's 511 are too few for a thousand sandboxes; the kernel may allow fewer. */
const BACKLOG = 4_096

/** Where Arc is reached by HTTP: open before there is a database to answer from, so that it can say so. */
export class Door {
  /** For WebSockets. */
  readonly server: Server
  #answer: RequestListener

  /** Takes the port and answers so, until `admit`. @throws what Node says of a port that it cannot have */
  static async open(
    { port, host }: { port: number; host: string },
    answer: RequestListener,
    logger: Logger,
  ): Promise<Door> {
    const door = new Door(answer, logger)
    await new Promise<void>((resolve, reject) => {
      door.server.once('error', reject)
      door.server.listen({ port, host, backlog: BACKLOG }, resolve)
    })
    return door
  }

  private constructor(answer: RequestListener, logger: Logger) {
    this.#answer = answer
    const answerNow: RequestListener = (request, response) => this.#answer(request, response)
    // What Node refuses by itself it refuses without a body.
    this.server = createServer({ ...HTTP_TIMEOUTS, requireHostHeader: false }, answerNow)
    this.server.on('checkContinue', (request, response) => {
      untilWelcome(response)
      answerNow(request, response)
    })
    this.server.on('checkExpectation', answerNow)
    this.server.on('clientError', (error, socket) => refuseMalformed(error, socket, logger))
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port
  }

  /** From now on requests are answered so. */
  admit(answer: RequestListener): void {
    this.#answer = answer
  }

  /** Takes no more connections, lets what runs end, and breaks off what has not after so long. */
  async close(patienceMs: number): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve))
    // A connection whose request is still running becomes idle later, and would be kept alive for its next one.
    const idle = setInterval(() => this.server.closeIdleConnections(), 20)
    const lastResort = setTimeout(() => this.server.closeAllConnections(), patienceMs)
    await closed
    clearInterval(idle)
    clearTimeout(lastResort)
  }
}
