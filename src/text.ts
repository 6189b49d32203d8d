/** U+0000 and surrogates without their other half: PostgreSQL takes neither in text nor in jsonb. */
const UNSTORABLE = /\0|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g

const REPLACEMENT = '\ufffd'

export function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0')
}

/** Where in the text the first of what cannot be stored stands; -1 when there is none of it. */
export function indexOfUnstorable(text: string): number {
  return isStorable(text) ? -1 : text.search(UNSTORABLE)
}

/**
 * The same text when it can be stored, else with U+FFFD for every U+0000 and every lone surrogate. `onReplaced` hears of
 * each of them.
 */
export function storableText(text: string, onReplaced?: (unit: string) => void): string {
  if (isStorable(text)) return text
  return text.replace(UNSTORABLE, (unit) => {
    onReplaced?.(unit)
    return REPLACEMENT
  })
}

/** How many characters the text has, as PostgreSQL's `char_length` counts them: code points, not UTF-16 units. */
export function lengthOf(text: string): number {
  let length = 0
  for (let at = 0; at < text.length; at = nextCharacter(text, at)) length++
  return length
}

/** Whether the text has more than so many characters; a long one is not counted to its end. */
export function isLongerThan(text: string, maxLength: number): boolean {
  return text.length > maxLength && endOf(text, maxLength) < text.length
}

/** The first `maxLength` characters of the text. */
export function cutText(text: string, maxLength: number): string {
  return text.length <= maxLength ? text : text.slice(0, endOf(text, maxLength))
}

/** As many characters from the start of the text as `maxBytes` of UTF-8 hold. */
export function cutBytes(text: string, maxBytes: number): string {
  // What is left of a character at the end waits for the rest of it.
  return new TextDecoder().decode(new TextEncoder().encode(text).subarray(0, maxBytes), { stream: true })
}

/** The last `maxLength` characters of the text. */
export function cutStart(text: string, maxLength: number): string {
  return text.length <= maxLength ? text : text.slice(endOf(text, lengthOf(text) - maxLength))
}

/** The text in at most `maxLength` characters; where it was cut, the last of them says so. */
export function shorten(text: string, maxLength: number): string {
  return isLongerThan(text, maxLength) ? `${cutText(text, maxLength - 1)}…` : text
}

/** Behind the first `count` characters. */
function endOf(text: string, count: number): number {
  let end = 0
  for (let passed = 0; passed < count && end < text.length; passed++) end = nextCharacter(text, end)
  return end
}

function nextCharacter(text: string, at: number): number {
  return at + (text.codePointAt(at)! > 0xffff ? 2 : 1)
}
