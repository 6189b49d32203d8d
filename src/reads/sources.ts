import sql from 'sql-template-tag'
import { Row, type Source } from './answers/parts.ts'
import type { OperationReads } from './operationReads.ts'

/** The text of a source by itself, for resolvers; '' where it has none. */
export async function readSource(reads: Pick<OperationReads, 'query'>, source: Source): Promise<string> {
  let rows = 0
  const text = source.text(() => new Row(`r${++rows}`, false))
  const [row] = await reads.query<{ text: string | null }>(sql`/* source */ select ${text} as text`)
  return row!.text ?? ''
}
