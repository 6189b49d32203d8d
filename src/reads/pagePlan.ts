import { Refusal } from '../refusal.ts'
import { all, type Condition } from './condition.ts'
import type { Order } from './conditionSql.ts'
import { beyond, type Direction, decodeCursor, orderOf, type SortField } from './keyset.ts'

export const DEFAULT_PAGE_SIZE = 20
export const MAX_PAGE_SIZE = 500

export interface PageArgs {
  first?: number | null
  after?: string | null
  last?: number | null
  before?: string | null
  filter?: unknown
  orderBy?: { field: string; direction: Direction } | null
}

/** What a list can be ordered by, and how it is when nobody says. */
export interface Orders {
  orders: Record<string, SortField & { description: string }>
  defaultOrder: { field: string; direction: Direction }
}

/** How rows are ordered, and what tells them apart. */
export interface Sorting extends Orders {
  /** What identifies a row: the end of every order, so that no two rows share a place. */
  keys: readonly SortField[]
}

/** @throws Refusal BAD_USER_INPUT, LIMIT_EXCEEDED. */
export function checkPageSize(first: number | null | undefined, last: number | null | undefined): void {
  if (typeof first === 'number' && typeof last === 'number')
    throw new Refusal('BAD_USER_INPUT', 'Give first or last, not both.', ['last'])
  for (const [name, size] of [
    ['first', first],
    ['last', last],
  ] as const) {
    if (typeof size !== 'number') continue
    if (size < 0) throw new Refusal('BAD_USER_INPUT', `${name} is ${size}; it must be 0 or more.`, [name])
    if (size > MAX_PAGE_SIZE)
      throw new Refusal('LIMIT_EXCEEDED', `${name} is ${size}; a page has at most ${MAX_PAGE_SIZE} rows.`, [
        name,
      ])
  }
}

export interface PagePlan {
  sort: SortField[]
  /** The rows of the list. */
  filtered: Condition
  /** Those that the page may be cut from. */
  where: Condition
  order: Order[]
  size: number
  fromEnd: boolean
  args: PageArgs
}

/** @throws Refusal BAD_USER_INPUT, LIMIT_EXCEEDED, CURSOR_INVALID. */
export function planPage(source: Sorting, args: PageArgs, filtered: Condition): PagePlan {
  const { first, last, after, before } = args
  checkPageSize(first, last)
  const fromEnd = typeof last === 'number'
  const { field, direction } = args.orderBy ?? source.defaultOrder
  const { description: _, ...ordered } = source.orders[field]!
  const sort = [ordered, ...source.keys.filter((key) => key.field !== ordered.field)]
  const where = [filtered]
  if (typeof after === 'string')
    where.push(beyond(sort, direction, false, decodeCursor(sort, after, 'after')))
  if (typeof before === 'string')
    where.push(beyond(sort, direction, true, decodeCursor(sort, before, 'before')))
  return {
    sort,
    filtered,
    where: all(...where),
    order: orderOf(sort, direction, fromEnd),
    size: first ?? last ?? DEFAULT_PAGE_SIZE,
    fromEnd,
    args,
  }
}
