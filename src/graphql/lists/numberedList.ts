import type { ObjectRef } from '@pothos/core'
import { decodeCursor, encodeCursor, type SortField } from '../../reads/keyset.ts'
import { checkPageSize, DEFAULT_PAGE_SIZE } from '../../reads/pagePlan.ts'
import { Refusal } from '../../refusal.ts'
import type { builder } from '../builder/builder.ts'
import { type Connection, defineConnection } from './connection.ts'

/** The order of all of them. */
export const NUMBER: readonly SortField[] = [{ field: 'number', kind: 'integer' }]

/** Some rows of a list whose rows are numbered without a gap. */
interface NumberedPage<Row> {
  rows: Row[]
  firstNumber: number
  /** Null when the list is empty. */
  lastNumber: number | null
  totalCount: number
}

/** Which rows, by their numbers. */
export interface NumberedRange {
  after: number | null
  before: number | null
  first: number | null
  last: number | null
}

/** Makes the connection of parts of a whole: they have one order, and are not told apart by filters. */
export function defineNumberedList<Row extends object>(
  name: string,
  type: ObjectRef<typeof builder.$inferSchemaTypes, Row>,
  numberOf: (row: Row) => number,
) {
  const edgeOf = (node: Row) => ({
    node,
    get cursor() {
      return encodeCursor(NUMBER, { number: numberOf(node) })
    },
  })
  return {
    type: defineConnection<Row>(name, type, 0),
    connectionOf({ rows, firstNumber, lastNumber, totalCount }: NumberedPage<Row>): Connection<Row> {
      const edges = rows.map(edgeOf)
      const [first, last] = [edges[0], edges.at(-1)]
      return {
        edges,
        pageInfo: {
          hasPreviousPage: first !== undefined && numberOf(first.node) > firstNumber,
          hasNextPage: last !== undefined && numberOf(last.node) < lastNumber!,
          startCursor: first?.cursor ?? null,
          endCursor: last?.cursor ?? null,
        },
        totalCount: () => totalCount,
      }
    },
  }
}

/** @throws Refusal BAD_USER_INPUT, LIMIT_EXCEEDED, CURSOR_INVALID. */
export function numberedRange({
  first,
  after,
  last,
  before,
}: {
  first?: number | null
  after?: string | null
  last?: number | null
  before?: string | null
}): NumberedRange {
  checkPageSize(first, last)
  return {
    after: typeof after === 'string' ? numberAt(after, 'after') : null,
    before: typeof before === 'string' ? numberAt(before, 'before') : null,
    first: first ?? (typeof last === 'number' ? null : DEFAULT_PAGE_SIZE),
    last: last ?? null,
  }
}

function numberAt(cursor: string, argument: 'after' | 'before'): number {
  const [number] = decodeCursor(NUMBER, cursor, argument) as [number]
  // Only what encodeCursor made: from it on there is room to count.
  if (number >= 0 && number < 2 ** 31 - 1) return number
  throw new Refusal('CURSOR_INVALID', 'This cursor does not belong to this connection.', [argument])
}
