import { storableText } from './json.ts'
import { type InputPath, Refusal } from './refusal.ts'
import { isUuid } from './uuid.ts'

/** The refusal of one value: the message names field, value and limit. */
export function invalid(value: unknown, allowed: string, path: InputPath): Refusal {
  return new Refusal('INVALID_VALUE', `${nameOf(path)} is ${shown(value)}, but must be ${allowed}`, path)
}

/** `['toolUsage', 0, 'toolName']` → `toolUsage[0].toolName` */
export function nameOf(path: InputPath): string {
  return path
    .map((step, index) => (typeof step === 'number' ? `[${step}]` : index === 0 ? step : `.${step}`))
    .join('')
}

function shown(value: unknown): string {
  if (typeof value === 'string') {
    return value.length <= 60 ? JSON.stringify(value) : `a text of ${value.length} characters`
  }
  if (Array.isArray(value)) return `a list of ${value.length}`
  return typeof value === 'object' && value !== null ? 'an object' : String(value)
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

/** An empty text is none. `maxLength` in UTF-16 units, which are never fewer than PostgreSQL's characters. */
export function optionalText(
  value: unknown,
  maxLength: number,
  path: InputPath,
  notes: string[],
): string | null {
  return value == null || value === '' ? null : text(value, maxLength, path, notes)
}

export function optionalUuid(value: unknown, path: InputPath): string | null {
  return value == null ? null : uuid(value, path)
}

export function number(value: unknown, min: number, max: number, path: InputPath): number {
  if (typeof value !== 'number' || !(value >= min && value <= max)) {
    throw invalid(value, `a number from ${min} to ${max}`, path)
  }
  return value
}

export function integer(value: unknown, min: number, max: number, path: InputPath): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) {
    throw invalid(value, `an integer from ${min} to ${max}`, path)
  }
  return value
}

export function text(value: unknown, maxLength: number, path: InputPath, notes: string[]): string {
  if (typeof value !== 'string' || value === '' || value.length > maxLength) {
    throw invalid(
      value,
      Number.isFinite(maxLength) ? `a text of 1 to ${maxLength} characters` : 'a text',
      path,
    )
  }
  const stored = storableText(value)
  if (stored !== value) notes.push(`U+0000 or lone surrogate replaced by U+FFFD in ${nameOf(path)}`)
  return stored
}

export function uuid(value: unknown, path: InputPath): string {
  if (!isUuid(value)) throw invalid(value, 'a UUID', path)
  return value.toLowerCase()
}
