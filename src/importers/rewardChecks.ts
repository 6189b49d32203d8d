import type {
  ErrorCategory,
  FailurePatternInput,
  OutcomeInput,
  OutcomeStatus,
} from '../evaluation/outcomeInput.ts'
import { stringifyExactly } from '../exactNumbers.ts'
import type { JsonObject, JsonValue } from '../json.ts'
import { cutStart, lengthOf, shorten } from '../text.ts'
import { LENGTHS } from '../valueChecks.ts'

/**
 * One thing that a benchmark expected of a run. `decisive`: the reward depends on it; the others were only
 * observed, such as the calls of a reference solution where any way to the right database state is accepted.
 */
export interface RewardCheck {
  kind: 'db' | 'action' | 'env' | 'nl' | 'communicate'
  /** What exactly was checked, when there are several of a kind: the name of a tool or an assertion. */
  subject?: string
  met: boolean
  decisive: boolean
  /** What was expected, as a sentence for the case that it was not met. */
  unmetMessage: string
}

/** A reward this close to 1 is 1: the benchmarks' own tolerance for sums of floating-point parts. */
const REWARD_TOLERANCE = 1e-6

const MAX_CRASH_TEXT_LENGTH = 2_000

/** Whether the reward counts as passed; an absent one does not. */
export function isPassed(reward: number | null): boolean {
  return reward !== null && reward >= 1 - REWARD_TOLERANCE
}

/** How a run ended, whatever its grade: by itself, at a limit, in a fault, or by somebody's hand. */
export type RunEnd = 'finished' | Exclude<OutcomeStatus, 'success'>

/**
 * The one rule for all formats. A run that ended by itself is a success unless it was graded and did not pass: without
 * a grade nobody says that it failed. One that passed is a success although a limit or a person then ended it; a fault
 * stays a fault.
 */
export function statusOf(end: RunEnd, score: number | null): OutcomeStatus {
  if (end === 'error') return 'error'
  if (isPassed(score)) return 'success'
  return end === 'finished' ? (score === null ? 'success' : 'error') : end
}

/** A provider's own limits are a fault of the call. */
const PROVIDER_LIMIT = /rate|quota/i
const LIMIT = /time_?d?_?out|exceed|budget|max_?(?:steps?|turns?|tokens?|iterations?|messages?|cost|time)/i
const CANCELLED = /cancel|interrupt|aborted/i

/** How a run ended, by a word that its format does not define: later versions and forks have more of them. */
export function endByWord(word: string): Exclude<RunEnd, 'finished'> {
  if (LIMIT.test(word) && !PROVIDER_LIMIT.test(word)) return 'timeout'
  return CANCELLED.test(word) ? 'cancelled' : 'error'
}

/** What kind of fault such an end is. */
export function categoryByWord(word: string): ErrorCategory {
  return endByWord(word) === 'timeout' ? 'timeout' : 'unknown'
}

/** Per kind of check how many were met, for an outcome's metrics; kinds without checks are left out. */
export function checkCounts(checks: RewardCheck[]): JsonObject {
  const counts: { [kind: string]: { met: number; total: number } } = {}
  for (const { kind, met } of checks) {
    counts[kind] ??= { met: 0, total: 0 }
    counts[kind].total += 1
    if (met) counts[kind].met += 1
  }
  return counts
}

/** The unmet checks as failures, those that cost the reward first. */
export function checkFailures(checks: RewardCheck[]): FailurePatternInput[] {
  const unmet = checks.filter((check) => !check.met)
  const decisiveFirst = [
    ...unmet.filter((check) => check.decisive),
    ...unmet.filter((check) => !check.decisive),
  ]
  return decisiveFirst.map(({ kind, subject, decisive, unmetMessage }) =>
    failure(
      subject === undefined ? `${kind}_check` : `${kind}_check:${subject}`,
      'validation_error',
      decisive ? unmetMessage : `${unmetMessage} (Observed only: the reward does not depend on it.)`,
    ),
  )
}

/** What to say about a grade for which the file gives no reason; nothing about a run without one. */
export function unexplainedFailures(reward: number | null): FailurePatternInput[] {
  if (reward === null) return []
  const message = `The reward is ${reward}; the file does not say what was missing.`
  return [failure('reward', 'validation_error', message)]
}

/**
 * The failure of a run that ended in an exception: its type is the exception's class where the Python traceback
 * names one. Of a long traceback the end is kept, where the exception stands.
 */
export function crashFailure(error: string, traceback: string | null): FailurePatternInput {
  const text = shorten(error, MAX_CRASH_TEXT_LENGTH)
  const exception = traceback === null ? null : exceptionClass(traceback)
  const message =
    traceback === null ? text : `${text}\n\n${cutStart(traceback, LENGTHS.message.max - lengthOf(text) - 2)}`
  return failure(exception ?? 'crash', crashCategory(`${exception ?? ''} ${text}`), message)
}

/** An outcome's failures, and the first of them as its error; `error` where the file has an own text for it. */
export function failureFields(
  failures: FailurePatternInput[],
  error: string | null = null,
): Pick<OutcomeInput, 'error' | 'errorCode' | 'errorCategory' | 'failurePatterns'> {
  const [first] = failures
  return {
    error: error ?? first?.errorMessage ?? null,
    errorCode: first?.failureType ?? null,
    errorCategory: first?.failureCategory ?? null,
    failurePatterns: failures,
  }
}

/** A failure within the lengths that Arc stores. */
export function failure(type: string, category: ErrorCategory, message: string): FailurePatternInput {
  return {
    failureType: shorten(type, LENGTHS.failureType.max),
    failureCategory: category,
    errorMessage: shorten(message, LENGTHS.message.max),
  }
}

/** A call as it is written in messages: `name({"argument":1})`. */
export function callText(name: string, callArguments: JsonValue | undefined): string {
  return `${name}(${stringifyExactly(callArguments ?? {})})`
}

function exceptionClass(traceback: string): string | null {
  // Frames are indented, the exception is not; its message may run over further lines, so it is the first one
  // after the last frame.
  const afterFrames = traceback.slice(traceback.lastIndexOf('\n  File ') + 1)
  const exceptionLine = afterFrames.split('\n').find((line) => /^\S/.test(line)) ?? ''
  return /^(?:\w+\.)*(\w+)(?::|$)/.exec(exceptionLine)?.[1] ?? null
}

function crashCategory(text: string): ErrorCategory {
  if (/time(d )?[- ]?out/i.test(text)) return 'timeout'
  if (
    /rate ?limit|context ?(length|window)|content ?(filter|policy)|badrequest|api ?error|litellm|openai|anthropic/i.test(
      text,
    )
  )
    return 'model_error'
  return 'system_error'
}
