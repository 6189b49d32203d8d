import { shorten } from './text.ts'

/**
 * Every reason for which Arc declines what it was asked: the one source of the GraphQL enum `ErrorCode`
 * (in payload errors, in receipts and in `extensions.code`).
 */
export const ERROR_CODES = {
  UNAUTHENTICATED: 'The request has no valid token.',
  FORBIDDEN: 'The token is valid, but its role may not do this.',
  BAD_REQUEST:
    'The request is not a GraphQL request: malformed JSON, an unknown operation, a wrong content type.',
  GRAPHQL_PARSE_FAILED: 'The document is not GraphQL.',
  GRAPHQL_VALIDATION_FAILED: 'The document does not match the schema.',
  BAD_USER_INPUT: 'A variable or argument has the wrong type or form.',
  INVALID_VALUE: 'A value is outside what its field allows.',
  TOO_MANY_ROWS: 'More rows in one call than allowed.',
  TOO_LARGE: 'A string, document or tree is larger than allowed.',
  YAML_INVALID: 'The configuration is not valid YAML, or not a mapping.',
  MODEL_MISSING: 'The configuration names no model.',
  NAME_TAKEN: 'Another active configuration of this tenant has the name.',
  CONFIGURATION_NOT_FOUND: 'This tenant has no such configuration.',
  CONFIG_DIFF_NOT_FOUND: 'This tenant has no such diff.',
  CONFIG_DIFF_DECIDED: 'The diff was already decided the other way.',
  CONFIG_VERSION_NOT_FOUND: 'This tenant has no such configuration version.',
  CONFIG_VERSION_WITHDRAWN: 'The version was withdrawn: nothing new may run it.',
  API_KEY_NOT_FOUND: 'This tenant has no such API key.',
  ALERT_RULE_NOT_FOUND: 'This tenant has no such alert rule.',
  RECOMMENDATION_NOT_FOUND: 'This tenant has no such recommendation.',
  RECOMMENDATION_APPLIED: 'The recommendation was already applied.',
  RECOMMENDATION_DISMISSED: 'The recommendation is dismissed.',
  RECOMMENDATION_STALE:
    'The recommendation is out of date: newer evidence says something else, or the latest version no longer is what it was made for.',
  SOURCE_NOT_FOUND: 'This tenant has nothing of that kind under that key.',
  SCENARIO_NOT_FOUND: 'This tenant has no such scenario.',
  SCENARIO_NOT_IN_SIMULATION: 'The simulation does not run this scenario.',
  SIMULATION_NOT_FOUND: 'This tenant has no such simulation.',
  SIMULATION_ID_TAKEN: 'The tenant has another simulation under this id.',
  SIMULATION_ENDED: 'The simulation is completed, failed or cancelled and accepts nothing more.',
  REPETITION_OUT_OF_RANGE: 'The repetition is not between 1 and the repetitions of the simulation.',
  ATTEMPT_ALREADY_RECORDED:
    'Another outcome was recorded for this scenario, repetition and attempt: send a higher retryCount to replace it.',
  RETRIES_EXCEEDED: 'The attempt is beyond the retries that the simulation allows.',
  OUTCOME_NOT_FOUND: 'This tenant has no such outcome.',
  CONFLICT: 'An outcome with this id is stored, and differs from what was sent: see `differences`.',
  CONFIGURATION_ARCHIVED: 'The configuration is archived: restore it first.',
  CONFIGURATION_DELETED: 'The configuration is deleted: take that back first with `undelete`.',
  SCENARIO_DELETED: 'The scenario is deleted: take that back first with `undelete`.',
  SIMULATION_DELETED: 'The simulation is deleted: take that back first with `undelete`.',
  SCENARIO_IN_USE: 'Simulations run the scenario, so that it cannot be deleted.',
  DELETION_NOT_FOUND: 'This tenant has no such deletion.',
  DELETION_FINAL: 'What was deleted is being deleted for good.',
  FAILURE_NOT_FOUND: 'This tenant has no such failure.',
  NOTE_NOT_FOUND: 'This tenant has no such note.',
  OUTCOME_ID_TAKEN: 'The outcome id belongs to an outcome of another simulation.',
  TIME_IN_FUTURE: 'The time is more than five minutes ahead of the database clock.',
  CURSOR_INVALID: 'The cursor does not belong to this connection and order.',
  LIMIT_EXCEEDED: 'The request exceeds a limit of this server; the message names it.',
  RATE_LIMITED:
    'Too many requests in a short time; the message and the header Retry-After state when to retry.',
  PERSISTED_QUERY_NOT_FOUND: 'The server has no trusted document with this hash.',
  PERSISTED_QUERY_ONLY: 'The server runs trusted documents only: send the hash of one.',
  CONFLICT_RETRY: 'Another transaction interfered and nothing was stored: send the same request again.',
  UNAVAILABLE:
    'The database or the identity provider cannot be reached or did not answer in time: try again. What failed during its commit may have been stored.',
  INTERNAL_SERVER_ERROR: 'A server error. The log has all of it under the request id.',
} as const

export type ErrorCode = keyof typeof ERROR_CODES

/** In characters. A message may name what the caller sent, which may be a whole request. */
const MAX_MESSAGE_LENGTH = 1_000

/** Where in the input the fault lies: field names and list indexes from the argument inwards. */
export type InputPath = readonly (string | number)[]

/** What a program may want to know besides the code. */
export interface RefusalDetails {
  /** The server's log has more under it. */
  requestId?: string
  /** How long it is until the same is taken again. */
  retryAfterSeconds?: number
  /** What the operation was reckoned to cost, and what one may cost. */
  cost?: { requested: number; limit: number }
}

/**
 * An expected failure: something that the caller can mend. Thrown inside a transaction it rolls the
 * transaction back; the GraphQL layer turns it into an entry of the payload's `errors`.
 */
export class Refusal extends Error {
  readonly code: ErrorCode
  /** Not `path`: graphql-js takes an error with a list of that name for one of its own, which knows its field. */
  readonly inputPath: InputPath
  readonly details: RefusalDetails

  constructor(code: ErrorCode, message: string, inputPath: InputPath = [], details: RefusalDetails = {}) {
    super(shorten(message, MAX_MESSAGE_LENGTH))
    this.name = 'Refusal'
    this.code = code
    this.inputPath = inputPath
    this.details = details
  }

  /** The same refusal seen from further out: `prefix` goes before its path. */
  at(...prefix: InputPath): Refusal {
    return new Refusal(this.code, this.message, [...prefix, ...this.inputPath], this.details)
  }
}
