import pg from 'pg'
import type { PacketStatement } from '../../src/db/readPacket.ts'

export interface RecordedStatement {
  text: string
  values: unknown[]
}

/**
 * The statements that reach the database while `work` runs: of this process, so of this test's server. All that is
 * asked for somebody is in a transaction of his, which opens with BEGIN, or is a packet; what Arc does by itself is in none, or opens with
 * START TRANSACTION, comes when it comes, and is left out: the heartbeat of LISTEN, jobs. What `instead` answers is sent in a statement's place.
 */
export async function recordStatements(
  work: () => Promise<unknown>,
  instead: (statement: string) => string | undefined = () => undefined,
): Promise<RecordedStatement[]> {
  const recorded: RecordedStatement[] = []
  await watchStatements(work, (_, statement) => {
    recorded.push(statement)
    return instead(statement.text)
  })
  return recorded
}

/** Statements that are a transaction of their own: see src/db/readPacket.ts. */
function isPacket(query: unknown): query is { statements: PacketStatement[] } {
  return typeof query === 'object' && query !== null && 'statements' in query
}

/** The same as they come, each with its connection. */
export async function watchStatements(
  work: () => Promise<unknown>,
  onStatement: (client: pg.Client, statement: RecordedStatement) => string | undefined,
): Promise<void> {
  const { query } = pg.Client.prototype
  const inTransaction = new Set<pg.Client>()
  pg.Client.prototype.query = function (this: pg.Client, ...args: unknown[]) {
    const send = query as (...args: unknown[]) => unknown
    const [first, second] = args
    if (isPacket(first)) {
      const { statements } = first
      for (const [index, { text, values }] of statements.entries()) {
        const instead = onStatement(this, { text, values: [...values] })
        if (instead !== undefined) statements[index] = { name: undefined, text: instead, values: [] }
      }
      return send.apply(this, args)
    }
    const { text = '', values } =
      typeof first === 'string' ? { text: first, values: second } : (first as Partial<RecordedStatement>)
    if (/^begin/i.test(text)) inTransaction.add(this)
    else if (!inTransaction.has(this)) return send.apply(this, args)
    if (/^(commit|rollback)/i.test(text)) inTransaction.delete(this)
    const instead = onStatement(this, { text, values: Array.isArray(values) ? values : [] })
    return send.apply(this, instead === undefined ? args : [instead])
  } as never
  try {
    await work()
  } finally {
    pg.Client.prototype.query = query
  }
}
