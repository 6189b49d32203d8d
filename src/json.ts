import { isExactNumber, writtenNumber, zerosOf } from './exactNumbers.ts'
import { FreeNames } from './freeNames.ts'
import { Refusal } from './refusal.ts'
import { isLongerThan, isStorable, lengthOf, storableText } from './text.ts'

export type JsonValue = string | number | boolean | null | JsonValue[] | { [key: string]: JsonValue }
export type JsonObject = { [key: string]: JsonValue }

/** Lists and objects inside one another. Recursive readers of the stored tree rely on it. */
export const MAX_DEPTH = 200

/**
 * Characters of a key. V8 tells texts of more than 16,383 characters apart by their length alone: to read a tree with
 * many longer keys of one length takes time by the square of their number.
 */
export const MAX_KEY_LENGTH = 10_000

/** Whether a value read from JSON is an object, no list and not null. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Zeros of one number, which jsonb has no exponent for; JavaScript's own have 324 at most. */
const MAX_ZEROS = 400
/**
 * Characters of one number: with the zeros of its exponent fewer than the 16,383 decimals that PostgreSQL has. A number that
 * it has not would cost the other rows of the call.
 */
const MAX_NUMBER_LENGTH = 15_000
/** Of all numbers of a tree. */
const MAX_ALL_ZEROS = 4_194_304

interface Walk {
  /** Keys and indexes from the root; only the first `depth` entries are those of the current value. */
  path: (string | number)[]
  nuls: number
  loneSurrogates: number
  nonFinite: number
  /** Numbers with more zeros than jsonb should have to write. */
  far: number
  /** Numbers of more characters than jsonb may take. */
  long: number
  zeros: number
}

/**
 * Makes a JSON tree storable as jsonb: U+0000 and lone surrogates in strings and keys become U+FFFD, NaN and
 * infinities become null, and a number whose exponent adds more than 400 zeros, as `1e1000` does, or that has more than
 * 15,000 characters becomes the text that it is written as. Copies only what leads to a change; a tree without one is returned itself.
 *
 * `notes` says what was replaced and how often, for the receipt; `name` is what they call the tree. Two keys
 * that would become one stay two.
 *
 * @throws Refusal TOO_LARGE for a tree nested deeper than 200 or with a key of more than 10,000 characters, or with so many such
 * numbers that they would come to 4 MiB of zeros, INVALID_VALUE for what JSON does not know
 * (a bigint, a function); the path leads from the root of the tree.
 */
export function storableJson(value: unknown, name = 'value'): { value: JsonValue; notes: string[] } {
  const walk: Walk = { path: [], nuls: 0, loneSurrogates: 0, nonFinite: 0, far: 0, long: 0, zeros: 0 }
  const stored = cleanValue(value ?? null, walk, 0) as JsonValue
  const notes: string[] = []
  if (walk.nuls > 0) notes.push(`U+0000 replaced by U+FFFD in ${name} (${places(walk.nuls)})`)
  if (walk.loneSurrogates > 0) {
    notes.push(`lone surrogate replaced by U+FFFD in ${name} (${places(walk.loneSurrogates)})`)
  }
  if (walk.nonFinite > 0)
    notes.push(`non-finite number replaced by null in ${name} (${places(walk.nonFinite)})`)
  if (walk.far > 0)
    notes.push(`number with an exponent beyond ±${MAX_ZEROS} stored as text in ${name} (${places(walk.far)})`)
  if (walk.long > 0)
    notes.push(
      `number of more than ${MAX_NUMBER_LENGTH} characters stored as text in ${name} (${places(walk.long)})`,
    )
  return { value: stored, notes }
}

function places(count: number): string {
  return count === 1 ? '1 place' : `${count} places`
}

function cleanValue(value: unknown, walk: Walk, depth: number): unknown {
  switch (typeof value) {
    case 'string':
      return isExactNumber(value) ? cleanNumber(value, walk, depth) : cleanText(value, walk)
    case 'number':
      if (Number.isFinite(value)) return cleanNumber(value, walk, depth)
      walk.nonFinite++
      return null
    case 'boolean':
    case 'undefined':
      return value
    case 'object':
      if (value === null) return null
      if (depth === MAX_DEPTH) {
        throw new Refusal('TOO_LARGE', `nested deeper than ${MAX_DEPTH} levels`, walk.path.slice(0, depth))
      }
      return Array.isArray(value)
        ? cleanList(value, walk, depth)
        : cleanObject(value as Record<string, unknown>, walk, depth)
    default:
      throw new Refusal('INVALID_VALUE', `a ${typeof value} is not a JSON value`, walk.path.slice(0, depth))
  }
}

function cleanNumber(value: number | string, walk: Walk, depth: number): number | string {
  const zeros = zerosOf(value)
  if (typeof value === 'string') {
    const written = writtenNumber(value)
    const [isFar, isLong] = [zeros > MAX_ZEROS, written.length > MAX_NUMBER_LENGTH]
    if (isFar) walk.far++
    else if (isLong) walk.long++
    if (isFar || isLong) return written
  }
  walk.zeros += zeros
  if (walk.zeros > MAX_ALL_ZEROS) {
    const message = `numbers with exponents that come to more than ${MAX_ALL_ZEROS} zeros`
    throw new Refusal('TOO_LARGE', message, walk.path.slice(0, depth))
  }
  return value
}

function cleanText(text: string, walk: Walk): string {
  if (isStorable(text)) return text
  return storableText(text, (unit) => {
    if (unit === '\0') walk.nuls++
    else walk.loneSurrogates++
  })
}

function cleanList(list: unknown[], walk: Walk, depth: number): unknown[] {
  let copy: unknown[] | undefined
  for (let index = 0; index < list.length; index++) {
    walk.path[depth] = index
    const stored = cleanValue(list[index], walk, depth + 1)
    if (stored !== list[index]) {
      copy ??= list.slice()
      copy[index] = stored
    }
  }
  return copy ?? list
}

function cleanObject(object: Record<string, unknown>, walk: Walk, depth: number): Record<string, unknown> {
  let copy: Record<string, unknown> | undefined
  let keyChanged = false
  for (const key of Object.keys(object)) {
    if (isLongerThan(key, MAX_KEY_LENGTH)) {
      const message = `a key has ${lengthOf(key)} characters, but must have at most ${MAX_KEY_LENGTH}`
      throw new Refusal('TOO_LARGE', message, walk.path.slice(0, depth))
    }
    walk.path[depth] = key
    const stored = cleanValue(object[key], walk, depth + 1)
    if (stored !== object[key]) {
      copy ??= { ...object }
      copy[key] = stored
    }
    if (cleanText(key, walk) !== key) keyChanged = true
  }
  return keyChanged ? withStorableKeys(copy ?? object) : (copy ?? object)
}

function withStorableKeys(object: Record<string, unknown>): Record<string, unknown> {
  const names = new FreeNames((name) => Object.hasOwn(object, name))
  return Object.fromEntries(
    Object.entries(object).map(([key, value]) => {
      const stored = storableText(key)
      return [stored === key ? key : names.take(stored), value]
    }),
  )
}
