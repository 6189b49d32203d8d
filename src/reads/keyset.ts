import { isInCalendar } from '../calendar.ts'
import { Refusal } from '../refusal.ts'
import { isUuid } from '../uuid.ts'
import type { Column, ColumnKind } from './catalogue.ts'
import { all, any, beyondPlace, type Condition, compared, equal, missing, type Value } from './condition.ts'
import type { Order } from './conditionSql.ts'

/** How the value of a column that rows are ordered by travels in a cursor. */
export type SortKind = Extract<
  ColumnKind,
  'uuid' | 'time' | 'text' | 'number' | 'integer' | 'bigint' | 'decimal'
>

export interface SortField extends Column {
  kind: SortKind
}

/** The longest of ours: 200 characters that JSON writes as \\u0001, in base64. It bounds what decoding can cost. */
export const MAX_CURSOR_LENGTH = 2_048

export type Direction = 'asc' | 'desc'

type Row = Record<string, unknown>

/** A field's value from its text. Each throws for text that no row's value becomes. */
export const DECODE: Record<SortKind, (value: string) => Value> = {
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

export function isSortKind(kind: ColumnKind): kind is SortKind {
  return kind in DECODE
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
const ENCODE: Record<SortKind, (value: never) => string> = {
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
): (Value | null)[] {
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
  values: readonly (Value | null)[],
): Condition {
  const by = (direction === 'asc') !== fromEnd ? '>' : '<'
  const [first, ...keys] = sort as [SortField, ...SortField[]]
  const [value, ...places] = values as [Value | null, ...Value[]]
  const keysBeyond = beyondPlace(keys, by, places)
  if (value === null) {
    const amongNulls = all(missing(first), keysBeyond)
    return fromEnd ? any(missing(first, false), amongNulls) : amongNulls
  }
  if (!first.nullable) return all(compared(first, `${by}=`, value), beyondPlace(sort, by, [value, ...places]))
  const beyondValue = [compared(first, by, value), all(equal(first, value), keysBeyond)]
  return any(...beyondValue, ...(fromEnd ? [] : [missing(first)]))
}

function opposite(direction: Direction): Direction {
  return direction === 'asc' ? 'desc' : 'asc'
}
