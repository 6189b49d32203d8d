import { asPlainNumber, isText } from './exactNumbers.ts'
import { type JsonObject, type JsonValue, storableJson } from './json.ts'
import { type InputPath, Refusal } from './refusal.ts'
import { cutText, isLongerThan, lengthOf } from './text.ts'
import { isUuid } from './uuid.ts'

/** How many characters a text has to have and may have, counted as PostgreSQL's `char_length` counts them. */
export interface Length {
  min: number
  max: number
}

/** How long texts may be. Where the database checks a column as well, it has the same limit. */
export const LENGTHS = {
  configurationName: { min: 3, max: 100 },
  scenarioName: { min: 1, max: 200 },
  simulationName: { min: 1, max: 200 },
  apiKeyName: { min: 1, max: 100 },
  alertRuleName: { min: 1, max: 100 },
  webhookUrl: { min: 1, max: 2_000 },
  /** What other systems call a thing: a model, a source, a sandbox, an error code, an app or call of Modal. */
  label: { min: 1, max: 200 },
  externalId: { min: 1, max: 500 },
  tag: { min: 1, max: 100 },
  toolName: { min: 1, max: 100 },
  errorType: { min: 1, max: 200 },
  failureType: { min: 1, max: 100 },
  scenarioKey: { min: 1, max: 100 },
  /** Hexadecimal digits of a hash. */
  signature: { min: 32, max: 32 },
  /** Of an error or a reason: more is cut. */
  message: { min: 1, max: 10_000 },
  description: { min: 10, max: 10_000 },
  /** What people write of a configuration, a simulation or an outcome. */
  prose: { min: 1, max: 10_000 },
  /** Who acts and with which program, for the audit log: more is cut. */
  actor: { min: 1, max: 500 },
  any: { min: 1, max: Number.POSITIVE_INFINITY },
} satisfies Record<string, Length>

/** How many bytes a text may have in UTF-8. */
export const BYTES = {
  /** A whole configuration or prompt. */
  document: 1_048_576,
  /** Custom data of a row, which filters may look into: what that takes no time limit ends within one row. */
  metadata: 1_048_576,
  /** What to change in a configuration. */
  change: 524_288,
}

/** Rows of one call. */
export const MAX_ROWS = 1_000
/** The largest `integer` of PostgreSQL. */
export const MAX_INTEGER = 2 ** 31 - 1
export const MAX_COST_USD = 999_999_999
/** Costs are kept to the trillionth of a dollar: a cached token costs less than a millionth. */
const COST_PLACES = 12
/** Tools, and failures, of one outcome. */
export const MAX_PARTS = 1_000
const MAX_CLOCK_LEAD_MS = 5 * 60_000
const EARLIEST_TIME_MS = Date.UTC(2000, 0, 1)
/** So far outside 0 to 1 a score is rounding, and is taken as the bound. */
const SCORE_SLACK = 1e-9
export const MAX_RETRY_COUNT = 1_000
export const MAX_TEMPERATURE = 2
export const MAX_TAGS = 20
export const MAX_ERROR_TYPES = 10

/** The refusal of one value: the message names field, value and limit. */
export function invalid(value: unknown, allowed: string, path: InputPath): Refusal {
  return new Refusal('INVALID_VALUE', `${nameOf(path)} is ${shown(value)}, but must be ${allowed}`, path)
}

/** `['toolUsage', 0, 'toolName']` → `toolUsage[0].toolName` */
function nameOf(path: InputPath): string {
  return path
    .map((step, index) => (typeof step === 'number' ? `[${step}]` : index === 0 ? step : `.${step}`))
    .join('')
}

function shown(given: unknown): string {
  const value = asPlainNumber(given)
  if (typeof value === 'string') {
    return isLongerThan(value, 60) ? `a string of ${lengthOf(value)} characters` : JSON.stringify(value)
  }
  if (Array.isArray(value)) return `a list of ${value.length}`
  return typeof value === 'object' && value !== null ? 'an object' : String(value)
}

/**
 * The value as PostgreSQL can store it: U+0000 and lone surrogates in texts and keys become U+FFFD, NaN and infinities
 * null. `notes` says what was replaced and how often.
 *
 * @throws Refusal TOO_LARGE, INVALID_VALUE: see storableJson.
 */
export function storableAt(value: string, path: InputPath, notes?: string[]): string
export function storableAt(value: JsonObject, path: InputPath, notes?: string[]): JsonObject
export function storableAt(value: unknown, path: InputPath, notes?: string[]): JsonValue
export function storableAt(value: unknown, path: InputPath, notes: string[] = []): JsonValue {
  try {
    const stored = storableJson(value, nameOf(path))
    notes.push(...stored.notes)
    return stored.value
  } catch (error) {
    throw error instanceof Refusal ? error.at(...path) : error
  }
}

/** Custom data as it is stored. @throws Refusal TOO_LARGE, INVALID_VALUE */
export function metadataAt(value: JsonObject, path: InputPath, notes?: string[]): JsonObject {
  const stored = storableAt(value, path, notes)
  checkBytes(JSON.stringify(stored), BYTES.metadata, path)
  return stored
}

/** A member of a closed list, e.g. a status. */
export function oneOf<Member extends string>(
  members: readonly Member[],
  value: unknown,
  path: InputPath,
): Member {
  const member = members.find((candidate) => candidate === value)
  if (member === undefined) throw invalid(value, `one of ${members.join(', ')}`, path)
  return member
}

export function optionalNumber(value: unknown, min: number, max: number, path: InputPath): number | null {
  return value == null ? null : number(value, min, max, path)
}

export function optionalInteger(value: unknown, min: number, max: number, path: InputPath): number | null {
  return value == null ? null : integer(value, min, max, path)
}

/** US dollars, rounded to the places that are stored. */
export function optionalCost(value: unknown, path: InputPath): number | null {
  const cost = optionalNumber(value, 0, MAX_COST_USD, path)
  return cost === null ? null : Number(cost.toFixed(COST_PLACES))
}

/** 0 to 1. Means and sums of floating-point numbers may lie beside the bounds by a rounding, and are taken as these. */
export function optionalScore(given: unknown, path: InputPath): number | null {
  const value = asPlainNumber(given)
  if (typeof value === 'number') {
    if (value < 0 && value >= -SCORE_SLACK) return 0
    if (value > 1 && value <= 1 + SCORE_SLACK) return 1
  }
  return optionalNumber(value, 0, 1, path)
}

/** An empty text is none. */
export function optionalText(
  value: unknown,
  length: Length,
  path: InputPath,
  notes?: string[],
): string | null {
  return value == null || value === '' ? null : text(value, length, path, notes)
}

/** A moment in the past; null when absent. The clock of whoever says it may be ahead by a little. */
export function optionalPastTime(value: unknown, now: Date, path: InputPath): Date | null {
  return value == null ? null : pastTime(value, now, path)
}

/** @throws Refusal TIME_IN_FUTURE, INVALID_VALUE */
export function pastTime(value: unknown, now: Date, path: InputPath): Date {
  if (!(value instanceof Date) || Number.isNaN(value.getTime())) throw invalid(value, 'a time', path)
  if (value.getTime() < EARLIEST_TIME_MS) {
    throw invalid(value.toISOString(), 'a time from 2000-01-01 on', path)
  }
  if (value.getTime() > now.getTime() + MAX_CLOCK_LEAD_MS) {
    const message = `${nameOf(path)} is ${value.toISOString()}, more than 5 minutes after ${now.toISOString()}`
    throw new Refusal('TIME_IN_FUTURE', message, path)
  }
  return value
}

/** A text of which as much is kept as there is room for; `notes` says when that is not all. */
export function optionalCutText(
  value: unknown,
  { max }: Length,
  path: InputPath,
  notes: string[],
): string | null {
  const full = optionalText(value, LENGTHS.any, path, notes)
  if (full === null || !isLongerThan(full, max)) return full
  notes.push(`${nameOf(path)} cut from ${lengthOf(full)} to ${max} characters`)
  return cutText(full, max)
}

export function optionalUuid(value: unknown, path: InputPath): string | null {
  return value == null ? null : uuid(value, path)
}

export function number(given: unknown, min: number, max: number, path: InputPath): number {
  const value = asPlainNumber(given)
  if (typeof value !== 'number' || !(value >= min && value <= max)) {
    throw invalid(value, `a number from ${min} to ${max}`, path)
  }
  return value
}

export function integer(given: unknown, min: number, max: number, path: InputPath): number {
  const value = asPlainNumber(given)
  if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) {
    throw invalid(value, `an integer from ${min} to ${max}`, path)
  }
  return value
}

/** A text that can be stored. */
export function text(value: unknown, { min, max }: Length, path: InputPath, notes?: string[]): string {
  if (!isText(value) || isLongerThan(value, max) || !isLongerThan(value, min - 1)) {
    throw invalid(value, Number.isFinite(max) ? `a string of ${min} to ${max} characters` : 'a string', path)
  }
  return storableAt(value, path, notes)
}

/** @throws Refusal TOO_LARGE */
export function checkBytes(value: string, max: number, path: InputPath): void {
  const bytes = Buffer.byteLength(value)
  if (bytes <= max) return
  throw new Refusal('TOO_LARGE', `${nameOf(path)} has ${bytes} bytes, but must have at most ${max}`, path)
}

/** A list of so many values within one row. */
export function list<Item>(value: readonly Item[], max: number, path: InputPath): readonly Item[] {
  if (!Array.isArray(value) || value.length > max) throw invalid(value, `a list of at most ${max}`, path)
  return value
}

/** Each once, in order. */
export function tagsAt(tags: readonly string[], path: InputPath): string[] {
  const checked = list(tags, MAX_TAGS, path).map((tag, index) =>
    text(tag.trim(), LENGTHS.tag, [...path, index]),
  )
  return [...new Set(checked)]
}

/** Looks at each row of a call: those that are taken and those that are refused, each with its place in the call. */
export function checkEach<Input, Row>(
  inputs: readonly Input[],
  check: (input: Input, index: number) => Row,
): { taken: { index: number; row: Row }[]; refused: { index: number; refusal: Refusal }[] } {
  const taken: { index: number; row: Row }[] = []
  const refused: { index: number; refusal: Refusal }[] = []
  inputs.forEach((input, index) => {
    try {
      taken.push({ index, row: check(input, index) })
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      refused.push({ index, refusal: error })
    }
  })
  return { taken, refused }
}

/** How many rows a call brings, or makes. @throws Refusal TOO_MANY_ROWS, INVALID_VALUE when there is none. */
export function checkRows(count: number, path: InputPath, max = MAX_ROWS): void {
  if (count === 0) throw invalid([], `a list of 1 to ${max}`, path)
  if (count <= max) return
  throw new Refusal(
    'TOO_MANY_ROWS',
    `${nameOf(path)} is a list of ${count}, but must be one of 1 to ${max}`,
    path,
  )
}

export function uuid(value: unknown, path: InputPath): string {
  if (!isUuid(value)) throw invalid(value, 'a UUID', path)
  return value.toLowerCase()
}
