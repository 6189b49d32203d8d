import { headline } from '../../evaluation/failures/failurePattern.ts'
import type { FailurePatternInput } from '../../evaluation/outcomeInput.ts'
import type { EmbeddedText } from './embeddedText.ts'
import { maskedWords, plainWords, withPlainNames } from './plainWords.ts'

export type EmbeddedFailure = Pick<FailurePatternInput, 'failureType' | 'failureCategory' | 'errorMessage'>

const MAX_MESSAGE = 1_000

/**
 * What is quoted and is no single word: values and whole sentences of others. Single words stay: they are often the very thing that is
 * missing, and are masked as ids where they are ids.
 */
const QUOTED = /(?<![\p{L}\p{N}])(?:"[^"\n]{0,400}"|'[^'\n]{0,400}'|`[^`\n]{0,400}`)(?![\p{L}\p{N}])/gu
const SINGLE_WORD = /^.[^\s]{0,40}.$/
/** Of a message that is little more than a quotation nothing would be left. */
const FEW_WORDS = 3

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
    const words = withPlainNames(maskedWords(withoutQuotations(message), MAX_MESSAGE))
    if (words === '') return plainWords(failureType)
    const isSaid = failureType === failureCategory || message.includes(failureType)
    return isSaid ? words : `${plainWords(failureType)}: ${words}`
  },
}

function withoutQuotations(message: string): string {
  const left = message.replace(QUOTED, (quoted) => (SINGLE_WORD.test(quoted) ? quoted : '…'))
  return (left.match(/\p{L}{2,}/gu) ?? []).length < FEW_WORDS ? message : left
}
