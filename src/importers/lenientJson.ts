import type { JsonValue } from '../json.ts'
import { UnreadableFile } from './format.ts'

/** A parsed document, and how many NaN and infinities, which Python writes and JSON does not know, became null. */
export interface LenientJson {
  document: JsonValue
  nonFinite: number
}

/** Parses JSON as Python writes it. @throws UnreadableFile */
export function parseJson(text: string): LenientJson {
  try {
    return { document: JSON.parse(text), nonFinite: 0 }
  } catch {
    const { json, nonFinite } = withoutNonFinite(text)
    try {
      return { document: JSON.parse(json), nonFinite }
    } catch (error) {
      throw new UnreadableFile(`It is not JSON: ${faultIn(json, error as Error)}`, { cause: error })
    }
  }
}

/** The text with null for every NaN, Infinity and -Infinity that stands outside of a string. */
function withoutNonFinite(text: string): { json: string; nonFinite: number } {
  const parts: string[] = []
  let nonFinite = 0
  let copied = 0
  let at = 0
  let inString = false
  for (const found of text.matchAll(/NaN|-?Infinity/g)) {
    for (; at < found.index; at++) {
      if (inString && text[at] === '\\') at++
      else if (text[at] === '"') inString = !inString
    }
    if (inString) continue
    parts.push(text.slice(copied, found.index), 'null')
    copied = at = found.index + found[0].length
    nonFinite++
  }
  return { json: parts.join('') + text.slice(copied), nonFinite }
}

/** What the parser says, with the line where it says a position. */
function faultIn(json: string, { message }: Error): string {
  if (json.trim() === '') return 'the file is empty.'
  const position = /^(.*?)(?: in JSON)? at position (\d+)/s.exec(message)
  // Some messages quote the file, line breaks and all.
  if (!position) return `${message.replace(/\s+/g, ' ')}.`
  const line = json.slice(0, Number(position[2])).split('\n').length
  return `${position[1]}, in line ${line}.`
}
