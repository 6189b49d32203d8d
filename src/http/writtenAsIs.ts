import type { ExecutionResult } from 'graphql'
import type { Answer } from '../db/tenantTransaction.ts'
import { resultJson } from './answerData.ts'

/**
 * The result with what makes a text of it, where Yoga looks for that. Of itself it makes its own copy of each error, which
 * does not know its place and looks for it in the document. JSON has no functions, so others do not see it.
 */
export function writtenAsIs<Result extends ExecutionResult>(result: Result): Result {
  return Object.assign(result, {
    stringify: ({ extensions }: ExecutionResult) => jsonOf({ ...result, extensions }).join(''),
  })
}

/** The JSON of a result, in pieces. */
export function jsonOf(result: ExecutionResult): readonly Answer[] {
  return resultJson({ ...result, errors: result.errors?.map(withoutHttp) })
}

/** What HTTP says of an error is in the head of the answer. */
function withoutHttp(error: { toJSON(): { extensions?: object } }): object {
  const { extensions, ...shown } = error.toJSON()
  const { http: _, ...told } = (extensions ?? {}) as { http?: unknown }
  return { ...shown, extensions: told }
}
