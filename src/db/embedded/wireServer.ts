import { createServer, type Server, type Socket } from 'node:net'

/** Whatever executes one frontend message of PostgreSQL's protocol 3.0 and answers with the backend's bytes. */
export type ExecuteMessage = (message: Uint8Array) => Promise<Uint8Array>

const SSL_REQUEST = 80_877_103
const GSSENC_REQUEST = 80_877_104
const CANCEL_REQUEST = 80_877_102

const READY_FOR_QUERY = 'Z'.charCodeAt(0)
const NOTIFICATION = 'A'.charCodeAt(0)
const QUERY = 'Q'.charCodeAt(0)
const COPY_IN = 'G'.charCodeAt(0)
const COPY_DONE = 'c'.charCodeAt(0)
const COPY_FAIL = 'f'.charCodeAt(0)
const IDLE = 'I'.charCodeAt(0)

const ROLLBACK = simpleQuery('rollback')
const SYNC = Uint8Array.from([0x53, 0, 0, 0, 4])

/** "Send the rows", as text; no client asks how many columns there are. */
const COPY_IN_RESPONSE = Uint8Array.from([COPY_IN, 0, 0, 0, 7, 0, 0, 0])

/** How long clients may take to hang up once the server closes. */
const LAST_RESORT_MS = 2_000

/**
 * Puts many clients on one backend. PGlite is a single session, so a client has it alone from its first message until
 * the backend reports that it is idle and outside a transaction: messages of two clients in between each other would
 * bind one tenant's parameters to another's statement. Notifications, which the one backend sends to whoever is
 * talking, go to every client that listens on their channel.
 */
export class WireServer {
  readonly #server: Server
  readonly #execute: ExecuteMessage
  readonly #sessions = new Set<Session>()
  /** Clients with something for the backend, each once, in the order of their turns. */
  readonly #waiting: Session[] = []
  #serving: Promise<void> | undefined

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

  /** Lets the statement that is running end, rolls open transactions back and closes all connections. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    for (const session of this.#sessions) session.socket.end()
    const lastResort = setTimeout(() => {
      for (const session of this.#sessions) session.socket.destroy()
    }, LAST_RESORT_MS)
    await closed
    clearTimeout(lastResort)
    await this.#serving
  }

  #open(socket: Socket): void {
    socket.setNoDelay(true)
    const session = new Session(socket)
    this.#sessions.add(session)
    socket.on('data', (data) => {
      session.receive(data)
      if (session.hasMessage()) this.#queue(session)
    })
    // 'close' follows, and cleans up.
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      this.#sessions.delete(session)
      session.leave()
    })
  }

  #queue(session: Session): void {
    if (session.queued) return
    session.queued = true
    this.#waiting.push(session)
    this.#serving ??= this.#serve()
  }

  async #serve(): Promise<void> {
    for (let session = this.#waiting.shift(); session; session = this.#waiting.shift()) {
      await this.#serveTurn(session)
      session.queued = false
      if (session.hasMessage()) this.#queue(session)
    }
    this.#serving = undefined
  }

  /** The backend is the session's own until no transaction of it is open and another waits, or it has no more to say. */
  async #serveTurn(session: Session): Promise<void> {
    let idle = true
    try {
      do {
        let message = await session.nextMessage()
        if (message && isCopyIn(message)) message = await this.#wholeCopy(session, message)
        if (!message) {
          if (!idle) await this.#reset()
          return
        }
        const { frames, status } = await this.#send(message)
        idle = status === IDLE
        if (frames.length > 0 && session.socket.writable) session.socket.write(frames)
      } while (!idle || (session.hasMessage() && this.#waiting.length === 0))
    } catch (error) {
      // The backend itself failed. This client hears of it; the next one must not find its transaction.
      session.socket.end(fatal(error as Error))
      session.leave()
      await this.#reset().catch(() => {})
    }
  }

  /**
   * COPY … FROM STDIN with all of its rows: PGlite executes whole messages, and one that waits for rows that are still
   * to come ends the backend, for all clients. Undefined when the client is gone before the end of its rows.
   */
  async #wholeCopy(session: Session, statement: Buffer): Promise<Buffer | undefined> {
    if (session.socket.writable) session.socket.write(COPY_IN_RESPONSE)
    const messages = [statement]
    for (let type: number | undefined; type !== COPY_DONE && type !== COPY_FAIL; ) {
      const message = await session.nextMessage()
      if (!message) return undefined
      messages.push(message)
      type = message[0]
    }
    return Buffer.concat(messages)
  }

  /** Ends whatever a client that is gone has left open. */
  async #reset(): Promise<void> {
    await this.#send(SYNC)
    await this.#send(ROLLBACK)
  }

  async #send(message: Uint8Array): Promise<{ frames: Buffer; status: number | undefined }> {
    const { frames, notifications, status } = splitNotifications(await this.#execute(message))
    for (const { channel, frame } of notifications) {
      for (const { channels, socket } of this.#sessions) {
        if (channels.has(channel) && socket.writable) socket.write(frame)
      }
    }
    return { frames, status }
  }
}

/** One client: cuts its bytes into messages, and knows what it listens to. */
class Session {
  readonly socket: Socket
  readonly channels = new Set<string>()
  /** It waits for its turn, or has it. */
  queued = false
  #left = false
  #started = false
  #pieces: Buffer[] = []
  #pending = 0
  readonly #messages: Buffer[] = []
  #wake = () => {}

  constructor(socket: Socket) {
    this.socket = socket
  }

  hasMessage(): boolean {
    return this.#messages.length > 0
  }

  /** The client's next message, as soon as there is one; undefined when the client is gone. */
  async nextMessage(): Promise<Buffer | undefined> {
    while (!this.#left) {
      const message = this.#messages.shift()
      if (message) return message
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    return undefined
  }

  leave(): void {
    this.#left = true
    this.#messages.length = 0
    this.#wake()
  }

  receive(data: Buffer): void {
    if (this.#left) return
    this.#pieces.push(data)
    this.#pending += data.length
    for (let message = this.#cut(); message; message = this.#cut()) {
      if (this.#started) this.#take(message)
      else this.#start(message)
    }
    this.#wake()
  }

  /** Takes the first message off what has arrived, once it is whole. */
  #cut(): Buffer | undefined {
    // The first message has no type, and a code behind its length.
    const [lengthAt, shortest] = this.#started ? [1, 5] : [0, 8]
    if (this.#pending < shortest) return undefined
    if (this.#pieces[0]!.length < shortest) this.#pieces = [Buffer.concat(this.#pieces)]
    const length = lengthAt + this.#pieces[0]!.readInt32BE(lengthAt)
    if (length < shortest) {
      this.socket.destroy()
      return undefined
    }
    if (this.#pending < length) return undefined
    const bytes = this.#pieces.length === 1 ? this.#pieces[0]! : Buffer.concat(this.#pieces)
    this.#pending -= length
    this.#pieces = this.#pending > 0 ? [bytes.subarray(length)] : []
    return bytes.subarray(0, length)
  }

  #start(message: Buffer): void {
    const code = message.readInt32BE(4)
    if (code === SSL_REQUEST || code === GSSENC_REQUEST) {
      this.socket.write('N')
    } else if (code === CANCEL_REQUEST) {
      this.socket.end()
    } else {
      this.#started = true
      this.#messages.push(message)
    }
  }

  #take(message: Buffer): void {
    const type = String.fromCharCode(message[0]!)
    if (type === 'X') {
      // Terminate ends this client only: the backend serves the others.
      this.socket.end()
      return
    }
    const channel = type === 'Q' && LISTEN.exec(message.toString('latin1', 5, 256))?.[1]
    if (channel) this.channels.add(channel.toLowerCase())
    this.#messages.push(message)
  }
}

/** LISTEN as a statement of its own, with a plain name: all that Arc and its tests say. */
const LISTEN = /^\s*listen\s+([a-z_][a-z0-9_]*)\s*;?\s*\0/i

/** As a statement of its own, white space and comments before it. */
const COPY_FROM_STDIN = /^(?:\s|--[^\n]*\n|\/\*(?:[^*]|\*(?!\/))*\*\/)*copy\s[^;]*\sfrom\s+stdin\b/i

function isCopyIn(message: Buffer): boolean {
  return message[0] === QUERY && COPY_FROM_STDIN.test(message.toString('latin1', 5, 4096))
}

/**
 * Separates the NotificationResponse frames from an answer, and finds the status of its last ReadyForQuery. A
 * CopyInResponse is left out: its client has had it.
 */
function splitNotifications(answer: Uint8Array) {
  const bytes = Buffer.from(answer.buffer, answer.byteOffset, answer.byteLength)
  const notifications: { channel: string; frame: Buffer }[] = []
  const rest: Buffer[] = []
  let status: number | undefined
  let from = 0
  let at = 0
  while (at + 5 <= bytes.length) {
    const end = at + 1 + bytes.readInt32BE(at + 1)
    if (bytes[at] === NOTIFICATION) {
      if (at > from) rest.push(bytes.subarray(from, at))
      // Type, length and process id, each of fixed width, then the channel.
      const channel = bytes.toString('utf8', at + 9, bytes.indexOf(0, at + 9))
      notifications.push({ channel, frame: bytes.subarray(at, end) })
      from = end
    } else if (bytes[at] === COPY_IN) {
      if (at > from) rest.push(bytes.subarray(from, at))
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
