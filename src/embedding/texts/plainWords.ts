import { maskVariableParts } from '../../evaluation/failures/failurePattern.ts'
import { cutText } from '../../text.ts'

/** `getUserDetails`, `get_user_details` and `get-user-details` as words: models read names that are grown together letter by letter. */
export function plainWords(name: string): string {
  return name
    .replace(/[_\-./:]+/g, ' ')
    .replace(/(\p{Ll}|\d)(?=\p{Lu})/gu, '$1 ')
    .replace(/(\p{Lu})(?=\p{Lu}\p{Ll})/gu, '$1 ')
    .replace(/\s+/g, ' ')
    .trim()
    .toLowerCase()
}

/** Names in the text as words; what is no name stays as it is. */
export function withPlainNames(text: string): string {
  return text.replace(/[\p{L}\p{N}_]+/gu, (word) => (/_|\p{Ll}\p{Lu}/u.test(word) ? plainWords(word) : word))
}

/** Of the marks that stand for ids, numbers and the like only the kind of thing is a word. */
const MARK = /<(url|email|time|id|ip|address|path|n)>/g
const MARKS: Readonly<Record<string, string>> = { n: '', id: 'id', time: 'time' }

/** The start of a text with a word for each id, path, time or address, and without numbers. */
export function maskedWords(text: string, maxLength: number): string {
  // Masks are shorter than most of what they stand for.
  return cutText(
    maskVariableParts(cutText(text, 4 * maxLength))
      .replace(MARK, (_, kind: string) => MARKS[kind] ?? kind)
      .replace(/\s+/g, ' ')
      .trim(),
    maxLength,
  )
}
