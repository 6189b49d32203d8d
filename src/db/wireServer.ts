import { createServer, type Server, type Socket } from 'node:net'

/** Whatever executes one frontend message of PostgreSQL's protocol 3.0 and answers with the backend's bytes. */
export type ExecuteMessage = (message: Uint8Array) => Promise<Uint8Array>

const SSL_REQUEST = 80_877_103
const GSSENC_REQUEST = 80_877_104
const CANCEL_REQUEST = 80_877_102

const READY_FOR_QUERY = 'Z'.charCodeAt(0)
const NOTIFICATION = 'A'.charCodeAt(0)
const IDLE = 'I'.charCodeAt(0)

const ROLLBACK = simpleQuery('rollback')
const SYNC = Uint8Array.from([0x53, 0, 0, 0, 4])

/**
 * Puts many clients on one backend. PGlite is a single session, so a client has it alone from its first message until
 * the backend reports that it is idle and outside a transaction: messages of two clients in between each other would
 * bind one tenant's parameters to another's statement. Notifications, which the one backend sends to whoever is
 * talking, go to every client that has said LISTEN.
 */
export class WireServer {
  readonly #server: Server
  readonly #execute: ExecuteMessage
  readonly #sessions = new Set<Session>()
  readonly #waiting: Session[] = []
  #owner: Session | undefined

  constructor(execute: ExecuteMessage) {
    this.#execute = execute
    this.#server = createServer((socket) => this.#open(socket))
  }

  /** Listens on a Unix socket (`path`) or on a TCP port of the loopback interface. Returns the port, 0 for a path. */
  async listen(where: { path: string } | { port: number }): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen('path' in where ? where : { host: '127.0.0.1', port: where.port }, resolve)
    })
    const address = this.#server.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  }

  /** Lets the statement that is running end, then closes all connections. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    for (const session of this.#sessions) session.socket.end()
    const lastResort = setTimeout(() => {
      for (const session of this.#sessions) session.socket.destroy()
    }, 2_000)
    await closed
    clearTimeout(lastResort)
  }

  #open(socket: Socket): void {
    socket.setNoDelay(true)
    const session = new Session(socket)
    this.#sessions.add(session)
    socket.on('data', (data) => {
      session.receive(data)
      this.#request(session)
    })
    // 'close' follows, and cleans up.
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      this.#sessions.delete(session)
      session.closed = true
      this.#request(session)
    })
  }

  /** Queues the session for the backend, once, if it has something for it. */
  #request(session: Session): void {
    const mine = this.#owner === session
    if (session.pumping || session.queued || (!session.hasMessage() && !(session.closed && mine))) return
    if (mine) {
      void this.#pump(session)
    } else if (this.#owner === undefined) {
      this.#owner = session
      void this.#pump(session)
    } else {
      session.queued = true
      this.#waiting.push(session)
    }
  }

  async #pump(session: Session): Promise<void> {
    session.pumping = true
    try {
      for (;;) {
        if (session.closed) {
          if (!session.idle) await this.#send(undefined, SYNC, ROLLBACK)
          this.#release()
          return
        }
        const message = session.nextMessage()
        if (!message) {
          if (session.idle) this.#release()
          return
        }
        session.idle = false
        await this.#send(session, message)
        if (session.idle && this.#waiting.length > 0) {
          this.#release()
          session.pumping = false
          this.#request(session)
          return
        }
      }
    } catch (error) {
      // The backend itself failed. This client hears of it; the others go on.
      session.socket.end(fatal(error as Error))
      session.closed = true
      session.idle = true
      this.#release()
    } finally {
      session.pumping = false
    }
    // Data that came between the last look and the end of pumping.
    this.#request(session)
  }

  #release(): void {
    const next = this.#waiting.shift()
    this.#owner = next
    if (next) {
      next.queued = false
      void this.#pump(next)
    }
  }

  async #send(session: Session | undefined, ...messages: Uint8Array[]): Promise<void> {
    for (const message of messages) {
      const { frames, notifications, status } = splitNotifications(await this.#execute(message))
      if (session) {
        if (status !== undefined) session.idle = status === IDLE
        if (frames.length > 0 && session.socket.writable) session.socket.write(frames)
      }
      for (const notification of notifications) {
        for (const other of this.#sessions) {
          if (other.listens && other.socket.writable) other.socket.write(notification)
        }
      }
    }
  }
}

/** One client: cuts its bytes into messages and knows whether it is between transactions. */
class Session {
  readonly socket: Socket
  /** The backend said that no transaction of this client is open and that it waits for a query. */
  idle = true
  listens = false
  closed = false
  queued = false
  pumping = false
  #started = false
  #pending: Buffer = Buffer.alloc(0)
  readonly #messages: Uint8Array[] = []

  constructor(socket: Socket) {
    this.socket = socket
  }

  hasMessage(): boolean {
    return this.#messages.length > 0
  }

  nextMessage(): Uint8Array | undefined {
    return this.#messages.shift()
  }

  receive(data: Buffer): void {
    this.#pending = this.#pending.length === 0 ? data : Buffer.concat([this.#pending, data])
    for (;;) {
      const typed = this.#started ? 1 : 0
      if (this.#pending.length < typed + 4) return
      const length = typed + this.#pending.readInt32BE(typed)
      if (this.#pending.length < length) return
      const message = Uint8Array.from(this.#pending.subarray(0, length))
      this.#pending = this.#pending.subarray(length)
      if (this.#started) this.#take(message)
      else this.#start(message)
    }
  }

  #start(message: Uint8Array): void {
    const code = Buffer.from(message).readInt32BE(4)
    if (code === SSL_REQUEST || code === GSSENC_REQUEST) {
      this.socket.write('N')
    } else if (code === CANCEL_REQUEST) {
      this.socket.end()
    } else {
      this.#started = true
      this.#messages.push(message)
    }
  }

  #take(message: Uint8Array): void {
    const type = String.fromCharCode(message[0]!)
    if (type === 'X') {
      // Terminate ends this client only: the backend serves the others.
      this.socket.end()
      return
    }
    if (type === 'Q' && /^\s*listen\s/i.test(Buffer.from(message.subarray(5, 64)).toString('latin1')))
      this.listens = true
    this.#messages.push(message)
  }
}

/** Separates the NotificationResponse frames from an answer, and finds the status of its last ReadyForQuery. */
function splitNotifications(answer: Uint8Array) {
  const bytes = Buffer.from(answer.buffer, answer.byteOffset, answer.byteLength)
  const notifications: Buffer[] = []
  const rest: Buffer[] = []
  let status: number | undefined
  let from = 0
  let at = 0
  while (at + 5 <= bytes.length) {
    const end = at + 1 + bytes.readInt32BE(at + 1)
    if (bytes[at] === NOTIFICATION) {
      if (at > from) rest.push(bytes.subarray(from, at))
      notifications.push(Buffer.from(bytes.subarray(at, end)))
      from = end
    } else if (bytes[at] === READY_FOR_QUERY) {
      status = bytes[at + 5]
    }
    at = end
  }
  if (from < bytes.length) rest.push(bytes.subarray(from))
  return { frames: rest.length === 1 ? rest[0]! : Buffer.concat(rest), notifications, status }
}

function simpleQuery(text: string): Uint8Array {
  const body = Buffer.from(`${text}\0`, 'utf8')
  const message = Buffer.alloc(5 + body.length)
  message.write('Q', 0, 'latin1')
  message.writeInt32BE(4 + body.length, 1)
  body.copy(message, 5)
  return message
}

function fatal(error: Error): Buffer {
  const body = Buffer.from(`SFATAL\0VFATAL\0CXX000\0M${error.message}\0\0`, 'utf8')
  const message = Buffer.alloc(5 + body.length)
  message.write('E', 0, 'latin1')
  message.writeInt32BE(4 + body.length, 1)
  body.copy(message, 5)
  return message
}
