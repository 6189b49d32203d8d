import pg from 'pg'
import { prepareValue } from 'pg/lib/utils.js'
import { takeRawRows } from './rawRows.ts'

/** JSON as text, or as the bytes of that. */
export type Answer = string | Buffer

/** `name`: under which the connection prepares it. */
export interface PacketStatement {
  name: string | undefined
  text: string
  values: readonly unknown[]
}

/**
 * Reads with statements that leave as one packet and are one transaction without BEGIN and COMMIT: PostgreSQL begins it with
 * the first and ends it at the Sync behind the last. The first column of the last row of each: as text, or
 * as its bytes where it is long.
 *
 * @throws what the database says of the first that fails; nothing behind it is carried out.
 */
export function readInOnePacket(
  client: pg.ClientBase,
  statements: readonly PacketStatement[],
): Promise<(Answer | null | undefined)[]> {
  return new Promise((resolve, reject) => {
    const packet: ReadPacket = new ReadPacket(statements, (error) =>
      error ? reject(error) : resolve(packet.texts),
    )
    client.query(packet)
  })
}

type DoneCallback = (error: Error | null | undefined) => void

/** What pg knows of a connection's prepared statements: their texts by their names. */
type KnownNames = pg.Connection & { parsedStatements: Record<string, string> }

/** One query for pg, without what it does for each statement: a Sync, the description of columns, rows as objects. */
class ReadPacket extends pg.Query {
  readonly texts: (Answer | null | undefined)[]
  /** pg puts its own around it, for what is not answered in time. */
  callback: DoneCallback
  readonly statements: (PacketStatement & { values: (string | Buffer | null)[] })[]
  #at = 0
  #stopListening = () => {}

  constructor(statements: readonly PacketStatement[], callback: DoneCallback) {
    super('')
    // Here, as what cannot be sent would leave half a packet in the connection.
    this.statements = statements.map((statement) => ({
      ...statement,
      values: statement.values.map(prepareValue),
    }))
    this.callback = callback
    this.texts = statements.map(() => undefined)
  }

  override submit = (connection: pg.Connection): void => {
    const { parsedStatements } = connection as KnownNames
    const unparsed: PacketStatement[] = []
    takeRawRows(connection, true)
    connection.stream.cork()
    for (const { name = '', text, values } of this.statements) {
      const isKnown =
        name !== '' && (parsedStatements[name] !== undefined || unparsed.some((one) => one.name === name))
      if (!isKnown) {
        unparsed.push({ name, text, values })
        connection.parse({ name, text, types: [] }, true)
      }
      connection.bind({ statement: name, values }, true)
      connection.execute({}, true)
    }
    connection.sync()
    connection.stream.uncork()
    this.#noteParsed(connection as KnownNames, unparsed)
  }

  /** Only what was parsed is there the next time: behind a statement that fails nothing is. */
  #noteParsed(connection: KnownNames, unparsed: PacketStatement[]): void {
    if (!unparsed.some(({ name }) => name)) return
    const note = () => {
      const { name, text } = unparsed.shift()!
      if (name) connection.parsedStatements[name] = text
    }
    connection.on('parseComplete', note)
    this.#stopListening = () => connection.off('parseComplete', note)
  }

  handleDataRow({ fields }: { fields: (Answer | null)[] }): void {
    this.texts[this.#at] = fields[0]
  }

  handleCommandComplete(): void {
    this.#at++
  }

  handleReadyForQuery(connection: pg.Connection): void {
    this.#end(connection)
    this.callback(null)
  }

  handleError(error: Error, connection: pg.Connection): void {
    this.#end(connection)
    this.callback(error)
  }

  #end(connection: pg.Connection): void {
    this.#stopListening()
    takeRawRows(connection, false)
  }
}
