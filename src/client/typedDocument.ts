/**
 * The text of an operation, with the types of its result and its variables. What codegen's `documentMode: 'string'`
 * makes is one, and so is any string: its result is `unknown` then.
 */
export interface TypedDocument<Result, Variables> {
  toString(): string
  /** A parsed document (TypedDocumentNode) is not text. */
  readonly kind?: never
  /** Never there: it only carries the types. */
  readonly __apiType?: (variables: Variables) => Result
}

/** The text to send. @throws TypeError for a parsed document. */
export function textOf(document: TypedDocument<unknown, never>): string {
  const text = document.toString()
  if (typeof text !== 'string' || text.startsWith('[object ')) {
    throw new TypeError(
      'The document must be text: a string, or what codegen generates with documentMode "string". Use `print` of graphql for a parsed one.',
    )
  }
  return text
}

/** Whether the text may be more than a query: a field of that name makes no difference but that nothing is repeated. */
export function mayMutate(text: string): boolean {
  return /\bmutation\b/.test(text)
}
