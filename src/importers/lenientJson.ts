import { withExactNumbers } from '../exactNumbers.ts'
import { type JsonValue, MAX_DEPTH } from '../json.ts'
import { UnreadableFile } from './format.ts'
import { jsonFault, placeOf, type TextPlace } from './jsonFault.ts'

/** A parsed document, whose numbers keep their digits, and how many of its numbers have names. */
export interface LenientJson {
  document: JsonValue
  /** NaN and infinities, which Python writes and JSON does not know. */
  nonFinite: number
}

/** What marks a text as one of those numbers on its way through the parser; no text of a file begins so. */
const MARK = '\0number:'

/**
 * Parses JSON as Python writes it. NaN and infinities are these numbers: as a figure they are unknown, and
 * `namedNumbers` writes them where they are to be kept. `place`: where an offset is in the file, if the text is not all of it.
 *
 * @throws UnreadableFile
 */
export function parseJson(
  text: string,
  place = (offset: number): TextPlace => placeOf(text, offset),
): LenientJson {
  const exact = withExactNumbers(text)
  try {
    return { document: JSON.parse(exact), nonFinite: 0 }
  } catch {
    const { json, nonFinite } = withMarkedNumbers(exact)
    try {
      return { document: JSON.parse(json, markedNumber), nonFinite }
    } catch (error) {
      throw new UnreadableFile(`It is not JSON: ${faultIn(text, error as Error, place)}`, { cause: error })
    }
  }
}

/**
 * The value with the names of its NaN and infinities (`"NaN"`, `"-Infinity"`), which JSON can hold. What is nested
 * deeper than the server takes is left as it is.
 */
export function namedNumbers(value: JsonValue, depth = 0): JsonValue {
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value)
  if (typeof value !== 'object' || value === null || depth > MAX_DEPTH) return value
  if (Array.isArray(value)) return value.map((item) => namedNumbers(item, depth + 1))
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, namedNumbers(item, depth + 1)]))
}

/** The text with a marked text for every NaN, Infinity and -Infinity that stands outside of a string. */
function withMarkedNumbers(text: string): { json: string; nonFinite: number } {
  const parts: string[] = []
  let nonFinite = 0
  let copied = 0
  for (const { index, 0: name } of outsideStrings(text, /NaN|-?Infinity/g)) {
    parts.push(text.slice(copied, index), JSON.stringify(`${MARK}${name}`))
    copied = index + name.length
    nonFinite++
  }
  return { json: parts.join('') + text.slice(copied), nonFinite }
}

/** The places where the pattern is found in the JSON text, but not within its strings. */
function* outsideStrings(text: string, pattern: RegExp): Generator<RegExpExecArray> {
  let at = 0
  let inString = false
  for (const found of text.matchAll(pattern)) {
    for (; at < found.index; at++) {
      if (inString && text[at] === '\\') at++
      else if (text[at] === '"') inString = !inString
    }
    if (!inString) yield found
  }
}

function markedNumber(_key: string, value: unknown): unknown {
  return typeof value === 'string' && value.startsWith(MARK) ? Number(value.slice(MARK.length)) : value
}

/** What is wrong with the text, and where. */
function faultIn(text: string, { message }: Error, place: (offset: number) => TextPlace): string {
  if (text.trim() === '') return 'the file is empty.'
  const fault = jsonFault(text)
  // It is JSON and too much for the parser.
  if (!fault) return `${message.replace(/\s+/g, ' ')}.`
  const { line, column } = place(fault.offset)
  return `${fault.message}, in line ${line}, column ${column}.`
}
