import { headline } from '../../evaluation/failures/failurePattern.ts'
import type { FailurePatternInput } from '../../evaluation/outcomeInput.ts'
import { isLongerThan } from '../../text.ts'
import type { EmbeddedText } from './embeddedText.ts'
import { maskedWords, plainWords, withPlainNames } from './plainWords.ts'

export type EmbeddedFailure = Pick<FailurePatternInput, 'failureType' | 'failureCategory' | 'errorMessage'>

const MAX_MESSAGE = 1_000
/** Of a message that is little more than a quotation nothing would be left. */
const SHORT_MESSAGE = 60

/** Values in quotes: names of things that differ from run to run. Short ones that are no number or id are often what is missing, and stay. */
const QUOTED = /(["'`])(?:(?!\1)[^\n]){25,400}\1/g

/**
 * A failure: its type where the message does not say it, then what the message says first, of a traceback the exception at its end. Names
 * are words; ids, numbers, times, paths, addresses and long quotations are masked. Without the category, which is told from
 * the same words: to say it again makes unlike failures more alike (0032).
 */
export const failureText: EmbeddedText<EmbeddedFailure> = {
  kind: 'failure',
  version: 1,
  of({ failureType, failureCategory, errorMessage }) {
    const message = headline(errorMessage ?? '').trim()
    const quoted = isLongerThan(message, SHORT_MESSAGE) ? message.replace(QUOTED, '…') : message
    const words = withPlainNames(maskedWords(quoted, MAX_MESSAGE))
    if (words === '') return plainWords(failureType)
    const isSaid = failureType === failureCategory || message.includes(failureType)
    return isSaid ? words : `${plainWords(failureType)}: ${words}`
  },
}
