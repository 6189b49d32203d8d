import type pg from 'pg'
import sql, { type Sql } from 'sql-template-tag'
import { PINNED_SETTINGS, settingsSql } from './pinnedSettings.ts'
import type { StatementNames } from './statementNames.ts'

/** `isGeneral`: one plan is good for it whatever its values, so that it may be prepared. */
export type Statement = Pick<Sql, 'text' | 'values'> & { isGeneral?: boolean }

/** How stores reach the database: a statement of the transaction, its rows. Each starts with its name in a comment. */
export interface Transaction {
  query<Row extends object>(statement: Statement): Promise<Row[]>
  /**
   * The same for the last statement of a transaction. COMMIT leaves right behind it, so that locks are not held while
   * this process is busy with something else; nothing can be asked after it.
   */
  queryLast<Row extends object>(statement: Statement): Promise<Row[]>
}

/** Gives a connection back to its pool, which ends one that broke: pg itself may learn of that only in a moment. */
export function giveBack(client: pg.PoolClient, names?: StatementNames): void {
  client.release((client as unknown as pg.Client).connection.stream.destroyed || names?.isFull(client))
}

/** `begin` and the settings that are made right behind it. */
export interface Beginning {
  begin: string
  settings: Sql
  /** How long the database may take to answer a statement, where that is not what its pool allows. */
  answerMs?: number
  /** Called when COMMIT leaves: from then on nobody knows what a lost connection has done. */
  onCommit?: () => void
}

/** What Arc does of itself begins so: it is told apart from what is asked. */
export const OWN_BEGIN = 'start transaction'

/** A transaction of Arc itself, for no tenant. */
const OWN: Beginning = { begin: OWN_BEGIN, settings: settingsSql(PINNED_SETTINGS) }

/** One statement that Arc asks for itself and not for a tenant: its rows. */
export async function queryOwn<Row extends object>(pool: pg.Pool, statement: Sql): Promise<Row[]> {
  const client = await pool.connect()
  try {
    return await inTransaction(client, OWN, ({ queryLast }) => queryLast<Row>(statement))
  } finally {
    giveBack(client)
  }
}

/** The same for work that takes long, on a connection that its caller gives back. */
export function queryOwnFor<Row extends object>(
  answerMs: number,
  client: pg.ClientBase,
  statement: Sql,
): Promise<Row[]> {
  return inTransaction(client, { ...OWN, answerMs }, ({ queryLast }) => queryLast<Row>(statement))
}

/**
 * Runs `work` in one transaction and returns its result after COMMIT. Whatever `work` throws rolls everything back and
 * is thrown on. The connection is the caller's to give back.
 */
export async function inTransaction<Result>(
  client: pg.ClientBase,
  { begin, settings, answerMs, onCommit }: Beginning,
  work: (transaction: Transaction) => Promise<Result>,
): Promise<Result> {
  let committed: Promise<pg.QueryResult> | undefined
  const commit = () => {
    onCommit?.()
    // It leaves with the last statement, and is answered after that.
    committed = client.query({
      text: 'commit',
      ...(answerMs && { query_timeout: answerMs }),
    } as pg.QueryConfig)
    committed.catch(() => {})
    return committed
  }
  try {
    // All of these leave at once, in one packet with what `work` asks for right away. Where the settings fail the
    // transaction is spoilt, and with it what follows.
    sendTogether(client)
    const begun = [client.query(begin), client.query(queryOf(sql`select ${settings}`))]
    for (const step of begun) step.catch(() => {})
    let failure: unknown
    const query = <Row extends object>(statement: Statement): Promise<Row[]> => {
      if (committed) throw new Error('a statement came after the last one of its transaction')
      const answered = client.query<Row>({
        ...queryOf(statement),
        ...(answerMs && { query_timeout: answerMs }),
      })
      const rows = Promise.all([answered, ...begun]).then(
        ([answer]) => answer.rows,
        // What is asked behind a statement that failed hears only that the transaction is spoilt.
        (error) => {
          failure ??= error
          throw failure
        },
      )
      // A store may ask for the next before it awaits this one: where that fails first, nobody hears of this any more.
      rows.catch(() => {})
      return rows
    }
    const result = await work({
      query,
      queryLast: (statement) => {
        const rows = query<never>(statement)
        commit()
        return rows
      },
    })
    await Promise.all(begun)
    const { command } = await (committed ?? commit())
    // After a failed statement COMMIT is a ROLLBACK that reports no error.
    if (command !== 'COMMIT') throw new Error(`the transaction ended with ${command} instead of COMMIT`)
    return result
  } catch (error) {
    await (committed ?? client.query('rollback')).catch(() => {})
    throw error
  }
}

/** What is written to the connection until this turn of the event loop is over goes out as one. */
function sendTogether(client: pg.ClientBase): void {
  const { stream } = (client as unknown as pg.Client).connection
  stream.cork()
  process.nextTick(() => stream.uncork())
}

/** What pg takes of a statement. */
function queryOf({ text, values }: Statement): { text: string; values: unknown[] } {
  return { text, values }
}
