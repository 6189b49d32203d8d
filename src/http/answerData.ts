import { parseExactly, stringifyExactly } from '../exactNumbers.ts'

/** The data of an answer as the text of its JSON, as it came from the database. */
export class AnswerData {
  /** A result's data may be of any shape. */
  readonly [field: string]: unknown
  readonly text: string
  /** The texts of its fields, where it was made of these. */
  readonly members: ReadonlyMap<string, string> | undefined

  constructor(made: string | ReadonlyMap<string, string>) {
    this.members = typeof made === 'string' ? undefined : made
    this.text =
      typeof made === 'string' ? made : `{${[...made].map(([key, text]) => `"${key}":${text}`).join(',')}}`
  }

  /** For whoever makes a text of what is around it by other means. */
  toJSON(): unknown {
    return parseExactly(this.text)
  }
}

/** The text of a result, of which only the data may be text already. */
export function resultText(result: { data?: unknown; errors?: unknown; extensions?: unknown }): string {
  const { data, errors, extensions } = result
  if (!(data instanceof AnswerData)) return stringifyExactly(result)
  const parts = [
    ...(errors === undefined ? [] : [`"errors":${stringifyExactly(errors)}`]),
    `"data":${data.text}`,
    ...(extensions === undefined ? [] : [`"extensions":${stringifyExactly(extensions)}`]),
  ]
  return `{${parts.join(',')}}`
}
