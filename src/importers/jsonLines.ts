import type { JsonObject } from '../json.ts'
import type { RejectedRecord } from './format.ts'
import { type LenientJson, parseJson } from './lenientJson.ts'

/** A file of one JSON object a line, as the list of them. */
export interface JsonLines extends LenientJson {
  document: JsonObject[]
  /** Lines that are no JSON: the last one is cut off where its writer was ended. */
  rejected: RejectedRecord[]
}

/** Reads JSON Lines; null for a text whose first line is no object by itself, or is all that there is. */
export function parseJsonLines(text: string): JsonLines | null {
  const lines = text.split('\n')
  const first = lines.findIndex((line) => line.trim() !== '')
  if (first < 0 || !isObject(lines[first]!) || lines.slice(first + 1).every((line) => line.trim() === ''))
    return null
  const document: JsonObject[] = []
  const rejected: RejectedRecord[] = []
  let nonFinite = 0
  for (const [index, line] of lines.entries()) {
    if (line.trim() === '') continue
    try {
      const parsed = parseJson(line)
      nonFinite += parsed.nonFinite
      document.push(parsed.document as JsonObject)
    } catch (error) {
      rejected.push({ record: `line ${index + 1}`, reason: inItsLine((error as Error).message) })
    }
  }
  return { document, nonFinite, rejected }
}

/** What is wrong with a line, whose number is said beside: within itself it is always the first. */
export function inItsLine(message: string): string {
  return message.replace(' in line 1, column ', ' in column ')
}

function isObject(line: string): boolean {
  try {
    return line.trimStart().startsWith('{') && parseJson(line) !== null
  } catch {
    return false
  }
}
