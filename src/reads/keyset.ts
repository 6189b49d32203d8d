import { isInCalendar } from '../calendar.ts'
import { Refusal } from '../refusal.ts'
import { isUuid } from '../uuid.ts'
import type { Where } from './condition.ts'
import type { Order } from './conditionSql.ts'

/** How a field's value travels in a cursor. */
type FieldKind = 'uuid' | 'time' | 'text' | 'number' | 'integer' | 'bigint' | 'decimal'

export interface SortField {
  field: string
  kind: FieldKind
  nullable?: boolean
}

/** The longest of ours: 200 characters that JSON writes as \\u0001, in base64. It bounds what decoding can cost. */
export const MAX_CURSOR_LENGTH = 2_048

export type Direction = 'asc' | 'desc'

type Row = Record<string, unknown>

/** A field's value from its text. Each throws for text that no row's value becomes. */
export const DECODE: Record<FieldKind, (value: string) => unknown> = {
  uuid: (value) => {
    if (!isUuid(value)) throw new Error('no UUID')
    return value.toLowerCase()
  },
  text: (value) => {
    if (value.includes('\0')) throw new Error('no text of a row')
    return value
  },
  // As text: JavaScript's numbers have fewer digits.
  decimal: (value) => {
    if (!DECIMAL.test(value)) throw new Error('no decimal')
    return value
  },
  number: finite,
  integer: (value) => Number(integer(value, 32)),
  bigint: (value) => integer(value, 64),
  time: (value) => {
    const time = new Date(value)
    if (!isInCalendar(time)) throw new Error('no time of a row')
    return time
  },
}

/** No column holds more; a large exponent would be that many digits in the database. */
const DECIMAL = /^-?\d{1,40}(\.\d{1,40})?([eE][+-]?\d{1,2})?$/

function finite(value: string): number {
  const number = Number(value)
  if (value === '' || !Number.isFinite(number)) throw new Error('no number')
  return number
}

/** 64 bits have at most 19 digits; to read more of them takes time by the square of their number. */
const INTEGER = /^-?\d{1,20}$/

function integer(value: string, bits: number): bigint {
  if (!INTEGER.test(value)) throw new Error('no integer')
  const number = BigInt(value)
  if (BigInt.asIntN(bits, number) !== number) throw new Error('no integer of a row')
  return number
}

/** The text of a value, as PostgreSQL writes it: a place has one cursor, whoever makes it. */
const ENCODE: Record<FieldKind, (value: never) => string> = {
  uuid: String,
  text: String,
  integer: String,
  bigint: String,
  decimal: (value: Decimal) => value.toFixed(),
  number: floatText,
  time: (value: Date) => value.toISOString(),
}

interface Decimal {
  toFixed(): string
}

/** With an exponent where JavaScript has none yet, and the other way round; the digits are the same. */
function floatText(value: number): string {
  const [digits, exponent] = value.toExponential().split('e') as [string, string]
  const size = Math.abs(Number(exponent))
  if (Number(exponent) >= -4 && Number(exponent) < 15) return String(value)
  return `${digits}e${exponent[0]}${String(size).padStart(2, '0')}`
}

/** A row's place in an order: the values that it is sorted by. Opaque for clients. */
export function encodeCursor(sort: readonly SortField[], row: Row): string {
  const values = sort.map(({ field, kind }) => {
    const value = row[field]
    return value === null || value === undefined ? null : ENCODE[kind](value as never)
  })
  return Buffer.from(JSON.stringify([sort[0]!.field, ...values])).toString('base64url')
}

/** @throws Refusal CURSOR_INVALID for text that `encodeCursor` did not make for this order. */
export function decodeCursor(
  sort: readonly SortField[],
  cursor: string,
  argument: 'after' | 'before',
): unknown[] {
  try {
    if (cursor.length > MAX_CURSOR_LENGTH) throw new Error('longer than any')
    const [field, ...values] = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')) as (
      | string
      | null
    )[]
    if (field !== sort[0]!.field || values.length !== sort.length) throw new Error('another order')
    return sort.map(({ kind, nullable }, index) => {
      const value = values[index]
      if (value === null && nullable) return null
      if (typeof value !== 'string') throw new Error('no value')
      return DECODE[kind](value)
    })
  } catch {
    throw new Refusal(
      'CURSOR_INVALID',
      'This cursor does not belong to this connection and order: start again without it.',
      [argument],
    )
  }
}

/** The order of a page. Nulls stand at the end seen from the front, so at the front seen from the end. */
export function orderOf(sort: readonly SortField[], direction: Direction, fromEnd: boolean): Order[] {
  const actual = fromEnd ? opposite(direction) : direction
  return sort.map(({ field, nullable }) => ({
    field,
    direction: actual,
    ...(nullable ? { nulls: fromEnd ? ('first' as const) : ('last' as const) } : {}),
  }))
}

/** The rows that come after `values` in the order, as a condition that an index on the order can answer. */
export function beyond(
  sort: readonly SortField[],
  direction: Direction,
  fromEnd: boolean,
  values: unknown[],
): Where {
  const operator = (direction === 'asc') !== fromEnd ? 'gt' : 'lt'
  const [first, ...keys] = sort
  const keysBeyond = lexicographic(keys, operator, values.slice(1))
  const value = values[0]
  if (first!.nullable) {
    if (value === null) {
      const amongNulls = { AND: [{ [first!.field]: null }, keysBeyond] }
      return fromEnd ? { OR: [{ [first!.field]: { not: null } }, amongNulls] } : amongNulls
    }
    const beyondValue = [
      { [first!.field]: { [operator]: value } },
      { AND: [{ [first!.field]: { equals: value } }, keysBeyond] },
    ]
    return { OR: fromEnd ? beyondValue : [...beyondValue, { [first!.field]: null }] }
  }
  return { AND: [{ [first!.field]: { [`${operator}e`]: value } }, lexicographic(sort, operator, values)] }
}

function lexicographic(sort: readonly SortField[], operator: 'gt' | 'lt', values: unknown[]): Where {
  return {
    OR: sort.map((_, index) => ({
      AND: sort.slice(0, index + 1).map(({ field }, at) => ({
        [field]: at === index ? { [operator]: values[at] } : { equals: values[at] },
      })),
    })),
  }
}

function opposite(direction: Direction): Direction {
  return direction === 'asc' ? 'desc' : 'asc'
}
