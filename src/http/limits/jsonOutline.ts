import { mayBeInexact } from '../../exactNumbers.ts'

/** What the text of a JSON object is made of, found without building anything from it. */
export interface JsonOutline {
  /** What is in brackets or behind a comma: about what it takes in memory once it is read. */
  values: number
  /** Characters of the longest key, at any depth. */
  longestKey: number
  /** Whether one of the numbers may be another in JavaScript. */
  hasLongNumber: boolean
  /** Where the values of the object's own fields stand in the text; of equal names the last. */
  fields: Map<string, readonly [start: number, end: number]>
}

const QUOTE = 0x22
const COMMA = 0x2c
const COLON = 0x3a
const BACKSLASH = 0x5c
const ZERO = 0x30
const NINE = 0x39

/** One pass over the text. What is no JSON has an outline as well; reading it tells. */
export function outlineOf(text: string): JsonOutline {
  const fields: JsonOutline['fields'] = new Map()
  let values = 0
  let longestKey = 0
  let hasLongNumber = false
  let depth = 0
  let lastText: readonly [start: number, end: number] | undefined
  let field: { name: string; start: number } | undefined
  const endField = (end: number) => {
    if (field) fields.set(field.name, [field.start, end])
    field = undefined
  }
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) {
      const end = endOfText(text, at)
      lastText = [at, end + 1]
      at = end
    } else if (isDigit(code)) {
      const end = endOfNumber(text, at)
      hasLongNumber ||= mayBeInexact(text.slice(at, end))
      at = end - 1
    } else if (isOpening(code)) {
      values += 1
      depth += 1
    } else if (isClosing(code)) {
      if (depth === 1) endField(at)
      depth -= 1
    } else if (code === COMMA) {
      values += 1
      if (depth === 1) endField(at)
    } else if (code === COLON && lastText) {
      const [start, end] = [lastText[0] + 1, lastText[1] - 1]
      if (depth === 1) field = { name: text.slice(start, end), start: at + 1 }
      if (end - start > longestKey) longestKey = Math.max(longestKey, unescapedLength(text.slice(start, end)))
    }
  }
  return { values, longestKey, hasLongNumber, fields }
}

function isDigit(code: number): boolean {
  return code >= ZERO && code <= NINE
}

/** Behind the digits and the fraction and exponent that follow. */
function endOfNumber(text: string, start: number): number {
  let at = start + 1
  for (let code = text.charCodeAt(at); isDigit(code) || isInNumber(code); code = text.charCodeAt(at)) at++
  return at
}

/** `+`, `-`, `.`, `E` and `e`. */
function isInNumber(code: number): boolean {
  return code === 0x2b || code === 0x2d || code === 0x2e || code === 0x45 || code === 0x65
}

/** `[` and `{`, `]` and `}` differ in one bit. */
function isOpening(code: number): boolean {
  return (code & ~0x20) === 0x5b
}

function isClosing(code: number): boolean {
  return (code & ~0x20) === 0x5d
}

/** Once it is read: `\\u00e9` is one character. */
function unescapedLength(written: string): number {
  return written.includes('\\') ? written.replace(/\\(?:u.{4}|.)/gs, '_').length : written.length
}

/** The quote that ends the text which begins at `start`. */
function endOfText(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); at >= 0; at = text.indexOf('"', at + 1)) {
    let slashes = 0
    while (text.charCodeAt(at - 1 - slashes) === BACKSLASH) slashes++
    if (slashes % 2 === 0) return at
  }
  return text.length
}
