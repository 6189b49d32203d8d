/** What makes vectors of questions. */
export interface QuestionVectors {
  /** The name of the vectors of this kind that the server makes; null where it makes none. */
  modelOf(kind: string): string | null
  /** Asked twice for the same text, it is the same. */
  vectorOf(kind: string, text: string): Promise<QuestionVector>
}

/** As PostgreSQL reads it, or why there is none. */
type QuestionVector =
  | { vector: string; because: null }
  | { vector: null; because: 'no_provider' | 'provider_failed' | 'not_embeddable' }

/** A value of a statement that is not there yet when the statement is made, and may be another one each time it is asked. */
export class LateValue {
  readonly of: (vectors: QuestionVectors) => unknown

  constructor(of: (vectors: QuestionVectors) => unknown) {
    this.of = of
  }
}

/** The statement with all its values. */
export async function withLateValues<Asked extends { values: readonly unknown[] }>(
  statement: Asked,
  vectors: QuestionVectors,
): Promise<Asked> {
  const { text, values, isGeneral } = statement as Asked & { text: string; isGeneral?: boolean }
  if (!values.some((value) => value instanceof LateValue)) return statement
  const known = await Promise.all(
    values.map((value) => (value instanceof LateValue ? value.of(vectors) : value)),
  )
  return { text, values: known, ...(isGeneral !== undefined && { isGeneral }) } as unknown as Asked
}
