import { hash } from 'node:crypto'
import { isText } from '../../exactNumbers.ts'
import { cutText } from '../../text.ts'
import { LENGTHS } from '../../valueChecks.ts'
import type { ErrorCategory, FailurePatternInput, OutcomeInput, OutcomeStatus } from '../outcomeInput.ts'

/** How much of a message is searched for words that tell its kind: the rest is detail, and costs time. */
const CLASSIFIED_LENGTH = 2_000

/**
 * What tells the kind of a failure, first match wins. Timeouts stand first because they name what they happened
 * to ("tool timed out"); sandbox words stand last because a sandbox's name is in much of what goes wrong inside.
 */
const CATEGORY_PATTERNS: readonly (readonly [ErrorCategory, RegExp])[] = [
  [
    'timeout',
    /time[ds]?[ _-]?out|deadline[ _-]?exceeded|time[ _-]?limit|max(?:imum)?[ _-]?(?:number of )?(?:steps|turns|iterations)/i,
  ],
  [
    'model_error',
    /rate.?limit|too.?many.?requests|(?:http|status|code|error)[^\d\n]{0,12}429\b|insufficient.?quota|quota.?exceeded|context.?(?:length|window)|token.?limit|max.?tokens|content.?(?:filter|policy|management)|safety.?(?:filter|system|block)|moderation|refusal|refus(?:ed|es) to (?:answer|assist|comply|complete|continue|help|respond)|model refused|i can(?:no|['’])t (?:help|assist)|malformed|(?:invalid|unknown|unparsable|no such) (?:tool|function)|invalid.?(?:tool|function).?(?:call|arguments)|output.?pars|format.?error|no.?response.?from.?model/i,
  ],
  [
    'tool_error',
    /tool|function.?(?:call|error)|too.?many.?errors|command not found|non-?zero exit|exit (?:code|status) [1-9]/i,
  ],
  [
    'validation_error',
    /validat|invalid|schema|assert|bad.?request|mismatch|does not match|missing required|json.?decode|expected .{0,80}\b(?:got|but|found)\b/i,
  ],
  [
    'system_error',
    /out.?of.?memory|\boom|memory.?(?:error|limit)|no space left|disk (?:full|quota)|connection|connect.?error|econn|enotfound|epipe|network|\bdns\b|socket|\bssl\b|\btls\b|certificate|unavailable|internal.?server.?error|bad.?gateway|overloaded|(?:http|status|code|error)[^\d\n]{0,12}5\d\d\b|\b5\d\d (?:internal|bad|service|server)|infrastructure|authenticat|unauthori[sz]ed|permission denied|forbidden|api.?key/i,
  ],
  ['sandbox_error', /sandbox|container|docker|\bmodal\b|kubernetes|\bpod\b/i],
]

/**
 * What kind of fault ended a run. A given category wins, then the status `timeout`, then the error code by the
 * table above, because a code is chosen and a message is prose, then the message: of a Python traceback only the
 * exception at its end, since the frames name files such as `timeout.py`.
 */
export function classifyFailure(
  message: string | null | undefined,
  errorCode: string | null | undefined,
  status: OutcomeStatus,
  given?: ErrorCategory | null,
): ErrorCategory {
  if (given) return given
  if (status === 'timeout') return 'timeout'
  return (errorCode && categoryOf(errorCode)) || (message && categoryOf(headline(message))) || 'unknown'
}

function categoryOf(text: string): ErrorCategory | undefined {
  return CATEGORY_PATTERNS.find(([, pattern]) => pattern.test(text))?.[0]
}

/**
 * The start of what names the failure: of the text behind the last frame of a Python traceback, or before the
 * stack of a JavaScript error.
 */
export function headline(message: string): string {
  const lastFrame = message.lastIndexOf('\n  File "')
  if (lastFrame < 0) {
    const start = cutText(message, CLASSIFIED_LENGTH)
    const stack = start.search(/\n {1,8}at /)
    return stack < 0 ? start : start.slice(0, stack)
  }
  const end = message.slice(lastFrame + 1)
  const exception = end.search(/\n(?=\S)/)
  return cutText(exception < 0 ? message : end.slice(exception + 1), CLASSIFIED_LENGTH)
}

/** A qualified or bare class name before a colon or alone; a bare `Error` or `Exception` says nothing. */
const EXCEPTION_CLASS =
  /^(?:Uncaught )?(?:\w+\.)*([A-Z]\w+(?:Error|Exception|Failure|Fault|Timeout|Expired|Exceeded|Interrupt|Exit|Refused|Denied))(?=\s*(?::|\(|$))/

/**
 * What a failed run says went wrong, as one pattern: its type is the error code, else the exception class at the
 * front of the message, else the category. The text is `error`, or where there is none and the run did not
 * succeed, the trajectory's own `error`. No pattern where nothing is known, and none for a success without error.
 */
export function deriveFailurePatterns(
  outcome: Pick<OutcomeInput, 'status' | 'error' | 'errorCode' | 'errorCategory' | 'trajectory'>,
): FailurePatternInput[] {
  const { status, errorCode } = outcome
  const message = failureMessage(outcome)
  if (status === 'success' && !message) return []
  const category = classifyFailure(message, errorCode, status, outcome.errorCategory)
  if (!message && !errorCode && category === 'unknown') return []
  const exceptionClass = message ? EXCEPTION_CLASS.exec(headline(message))?.[1] : undefined
  return [
    {
      failureType: cutText(errorCode || exceptionClass || category, LENGTHS.failureType.max),
      failureCategory: category,
      errorMessage: message,
    },
  ]
}

/** The error text of an outcome: its `error`, else what a trajectory like `{error: "…"}` of a failed run says. */
export function failureMessage(
  outcome: Pick<OutcomeInput, 'status' | 'error' | 'trajectory'>,
): string | null {
  if (outcome.error) return outcome.error
  const { status, trajectory } = outcome
  if (status === 'success' || !trajectory || typeof trajectory !== 'object' || Array.isArray(trajectory)) {
    return null
  }
  return isText(trajectory.error) ? trajectory.error || null : null
}

/**
 * The parts of a message that differ between two occurrences of one failure, in the order in which they are
 * tried at each place. Every alternative starts where no word character stands before it or has a bounded
 * length, so that a long text costs linear time.
 *
 * Quoted text stays: it is often the very thing that fails (`KeyError: 'user_id'`), and ids in quotes are masked
 * as ids. A number behind `status`, `HTTP`, `code`, `errno` or `signal` stays for the same reason.
 */
const VARIABLE_PARTS: readonly (readonly [mask: string, source: string])[] = [
  ['url', String.raw`(?<![a-z0-9])[a-z][a-z0-9+.-]{1,20}:\/\/[^\s"'<>)\]]+`],
  ['email', String.raw`(?<![\w.+-])[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+`],
  [
    'time',
    String.raw`(?<!\d)\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?: ?(?:Z|UTC|[+-]\d\d:?\d\d))?)?(?!\d)` +
      String.raw`|(?<![\d:])\d\d:\d\d:\d\d(?:[.,]\d+)?(?![\d:])`,
  ],
  ['id', '(?<![a-z0-9])[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}(?![a-z0-9])'],
  [
    'ip',
    String.raw`(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?(?![\w.]*\w)` +
      String.raw`|(?<![\w:])(?=[0-9a-f:]{0,39}\d)(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{1,4}(?![\w:])`,
  ],
  ['address', '(?<![a-z0-9])0x[0-9a-f]+'],
  [
    'path',
    String.raw`(?<![\w.~/\\-])(?:[a-z]:[\\/]|\\\\|~?\/|\.{1,2}\/)[\w.@+-]+(?:[\\/]+[\w.@+-]+)*[\\/]*` +
      String.raw`|(?<![\w.\/-])(?:[\w-]+\/)+[\w-]+\.[a-z]\w{0,7}(?!\w)`,
  ],
  [
    'id',
    String.raw`(?<![a-z0-9])(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{8,}(?![a-z0-9])` +
      String.raw`|(?<![a-z0-9])(?=[a-z]*\d+[a-z]+\d)[a-z0-9]{8,}` +
      String.raw`|(?<=[a-z][_-])(?=[a-z]*\d)[a-z0-9]{16,}`,
  ],
  [
    '',
    String.raw`(?<![a-z])(?:https?(?:\/[\d.]{1,3})?|status|code|errno|signal)(?:[ _-]?code)?[ :=]{1,3}\d{1,5}(?![\w.])`,
  ],
  ['n', String.raw`(?:(?<![\w)\]])-)?\d+(?:[.,]\d+)*(?:e[+-]?\d+)?`],
]

const VARIABLE_PART = new RegExp(VARIABLE_PARTS.map(([, source]) => `(${source})`).join('|'), 'gi')

/** The text with one mark each for ids, numbers, times, paths and addresses, white space collapsed. */
export function maskVariableParts(text: string): string {
  return text
    .replace(VARIABLE_PART, (part, ...groups) => {
      const [mask] = VARIABLE_PARTS[groups.findIndex((group) => group !== undefined)]!
      return mask ? `<${mask}>` : part
    })
    .replace(/\s+/g, ' ')
    .trim()
}

/** Equal for two occurrences of one failure, whatever ids and numbers they carry: 32 hex digits of a SHA-256. */
export function failureSignature(failureType: string, message: string | null | undefined): string {
  return hash('sha256', `${failureType}\n${maskVariableParts(message ?? '')}`).slice(0, 32)
}
