import { isJsonObject, type JsonObject, type JsonValue } from '../../json.ts'
import { asObject } from '../recordReading.ts'

/** What the scorers of a sample said: 0 to 1, null when nothing of it can be read as such, and by which scorer. */
export interface SampleScore {
  value: number | null
  scorer: string | null
  /** As the log has it: value, answer, explanation. Empty when there is none. */
  given: JsonObject
}

/** Inspect's letters for correct, partially correct, incorrect, no answer, and the words that its metrics take too. */
const NUMBER_BY_WORD = new Map([
  ['c', 1],
  ['p', 0.5],
  ['i', 0],
  ['n', 0],
  ['yes', 1],
  ['true', 1],
  ['no', 0],
  ['false', 0],
])

/** The score of the first scorer; logs of version 1 hold a single one, in `score`. */
export function sampleScore({ scores, score }: JsonObject): SampleScore {
  const [first] = Object.entries(asObject(scores))
  const [scorer, entry] = first ?? [null, score ?? null]
  const given = isJsonObject(entry) ? entry : entry === null ? {} : { value: entry }
  return { value: numberOf(given.value), scorer, given }
}

/** Of a scorer that gives several values by name, the first that is a score; all stay in the outcome's metrics. */
function numberOf(value: JsonValue | undefined): number | null {
  if (typeof value === 'number') return value >= 0 && value <= 1 ? value : null
  if (typeof value === 'boolean') return value ? 1 : 0
  if (typeof value === 'string') {
    const text = value.trim().toLowerCase()
    return NUMBER_BY_WORD.get(text) ?? (text === '' ? null : numberOf(Number(text)))
  }
  if (!isJsonObject(value)) return null
  for (const part of Object.values(value)) {
    const number = isJsonObject(part) ? null : numberOf(part)
    if (number !== null) return number
  }
  return null
}
