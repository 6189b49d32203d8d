import pg from 'pg'
import { type Message, Parser } from 'pg-protocol/dist/parser.js'

const DATA_ROW = 0x44
/** Shorter ones are made into texts as fast as they are copied. */
const LEAST_BYTES = 128 * 1024
/** Before a row's first field: how many there are, and how long it is. */
const HEAD_BYTES = 6

/** Connections whose rows go on as they came. */
const takingRaw = new WeakSet<pg.Connection>()

/** Long values of rows with one field come as bytes from now on, or as texts again. */
export function takeRawRows(connection: pg.Connection, isRaw: boolean): void {
  if (isRaw) takingRaw.add(connection)
  else takingRaw.delete(connection)
}

/**
 * A client that can leave an answer's bytes as they are: of 400 KB to make a text, and bytes of that again, takes a millisecond,
 * which is more than all else that is done with them.
 */
export class RawRowsClient extends pg.Client {
  constructor(config?: string | pg.ClientConfig) {
    super(config)
    const { connection } = this as unknown as { connection: Listening }
    connection.attachListeners = (stream) => {
      const parser = new RawRowsParser(connection)
      stream.on('data', (chunk: Buffer) =>
        parser.parse(chunk, (message) => {
          if (connection._emitMessage) connection.emit('message', message)
          connection.emit(message.name === 'error' ? 'errorMessage' : message.name, message)
        }),
      )
    }
  }
}

/** What pg's connection has that its types do not. */
interface Listening extends pg.Connection {
  attachListeners(stream: pg.Connection['stream']): void
  _emitMessage: boolean
}

class RawRowsParser extends Parser {
  readonly #connection: pg.Connection

  constructor(connection: pg.Connection) {
    super()
    this.#connection = connection
  }

  override handlePacket(offset: number, code: number, length: number, bytes: Buffer): Message {
    if (code !== DATA_ROW || length < LEAST_BYTES || !takingRaw.has(this.#connection))
      return super.handlePacket(offset, code, length, bytes)
    const isOne = bytes.readInt16BE(offset) === 1
    const size = bytes.readInt32BE(offset + 2)
    if (!isOne || size < 0) return super.handlePacket(offset, code, length, bytes)
    // A copy: what it lies in is used again for what comes next.
    const value = Buffer.from(bytes.subarray(offset + HEAD_BYTES, offset + HEAD_BYTES + size))
    return { name: 'dataRow', length, fields: [value], fieldCount: 1 } as Message
  }
}
