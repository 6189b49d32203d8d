import type { Answer } from '../db/tenantTransaction.ts'
import { parseExactly, stringifyExactly } from '../exactNumbers.ts'

/** The data of an answer as its JSON, in pieces as they came from the database. */
export class AnswerData {
  /** A result's data may be of any shape. */
  readonly [field: string]: unknown
  readonly pieces: readonly Answer[]
  /** The JSON of its fields, where it was made of these. */
  readonly members: ReadonlyMap<string, Answer> | undefined

  constructor(made: string | ReadonlyMap<string, Answer>) {
    this.members = typeof made === 'string' ? undefined : made
    this.pieces = typeof made === 'string' ? [made] : piecesOf(made)
  }

  get text(): string {
    return this.pieces.join('')
  }

  /** For whoever makes a text of what is around it by other means. */
  toJSON(): unknown {
    return parseExactly(this.text)
  }
}

function piecesOf(members: ReadonlyMap<string, Answer>): Answer[] {
  const pieces: Answer[] = ['{']
  for (const [key, json] of members) pieces.push(`${pieces.length > 1 ? ',' : ''}"${key}":`, json)
  pieces.push('}')
  return pieces
}

interface Result {
  data?: unknown
  errors?: unknown
  extensions?: unknown
}

/** The JSON of a result, of which only the data may be JSON already, in pieces. */
export function resultJson(result: Result): readonly Answer[] {
  const { data, errors, extensions } = result
  if (!(data instanceof AnswerData)) return [stringifyExactly(result)]
  return [
    errors === undefined ? '{"data":' : `{"errors":${stringifyExactly(errors)},"data":`,
    ...data.pieces,
    extensions === undefined ? '}' : `,"extensions":${stringifyExactly(extensions)}}`,
  ]
}
