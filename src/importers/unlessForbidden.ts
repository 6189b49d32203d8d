import { ArcRequestError } from '../client/arcRequestError.ts'

/** The answer; null to a token that may not read it. */
export function unlessForbidden<Answer>(answer: Promise<Answer>): Promise<Answer | null> {
  return answer.catch((error: unknown) => {
    if (error instanceof ArcRequestError && error.codes.includes('FORBIDDEN')) return null
    throw error
  })
}
