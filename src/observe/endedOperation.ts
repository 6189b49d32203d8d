import type { ErrorCode } from '../refusal.ts'
import type { Viewer } from '../viewer.ts'

/** A subscription is counted when it opens or is refused, and each of its events when it is answered. */
type OperationKind = 'query' | 'mutation' | 'subscription' | 'event'

/** What something came to: OK, or the code of the first error. */
export type OutcomeCode = ErrorCode | 'OK'

export interface EndedOperation {
  viewer: Viewer
  requestId: string
  kind: OperationKind
  /** As its client calls it, which may be anything. */
  name: string | undefined
  code: OutcomeCode
  durationMs: number
  /** Of its answer, before compression. */
  answerBytes: number
}
