import type { ObjectRef } from '@pothos/core'
import { Refusal } from '../refusal.ts'
import { builder } from './builder.ts'
import { decodeCursor, encodeCursor, type SortField } from './cursor.ts'
import { checkPageSize, DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE } from './pageReading.ts'
import { PageInfo } from './pages.ts'

const ORDER: SortField[] = [{ field: 'number', kind: 'integer' }]

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

export const numberedArgs = builder.args((t) => ({
  first: t.int({
    description: `How many rows from the front, at most ${MAX_PAGE_SIZE}; ${DEFAULT_PAGE_SIZE} when neither first nor last is given.`,
  }),
  after: t.string({ description: 'Only rows behind this cursor.' }),
  last: t.int({ description: `How many rows from the end, at most ${MAX_PAGE_SIZE}.` }),
  before: t.string({ description: 'Only rows in front of this cursor.' }),
}))

/** The connection of parts of a whole: they have one order, and are not told apart by filters. */
export function numberedConnection<Row extends object>(
  name: string,
  type: ObjectRef<typeof builder.$inferSchemaTypes, Row>,
  numberOf: (row: Row) => number,
) {
  const cursorOf = (row: Row) => encodeCursor(ORDER, { number: numberOf(row) })
  const Edge = builder.objectRef<Row>(`${name}Edge`).implement({
    description: `One ${name} of a list.`,
    fields: (t) => ({
      cursor: t.string({
        description: 'Its place in the list, for `after` and `before`.',
        resolve: cursorOf,
      }),
      node: t.field({ type, description: `The ${name} itself.`, resolve: (row) => row as never }),
    }),
  })
  return builder.objectRef<NumberedPage<Row>>(`${name}Connection`).implement({
    description: `A page of ${name} objects.`,
    fields: (t) => ({
      edges: t.field({
        type: [Edge],
        description: 'The rows with their cursors.',
        resolve: ({ rows }) => rows,
      }),
      nodes: t.field({
        type: [type],
        description: 'The rows without cursors.',
        resolve: ({ rows }) => rows as never,
      }),
      pageInfo: t.field({
        type: PageInfo,
        description: 'Where the page stands.',
        resolve: ({ rows, firstNumber, lastNumber }) => {
          const [first, last] = [rows[0], rows.at(-1)]
          return {
            hasPreviousPage: first !== undefined && numberOf(first) > firstNumber,
            hasNextPage: last !== undefined && numberOf(last) < lastNumber!,
            startCursor: first ? cursorOf(first) : null,
            endCursor: last ? cursorOf(last) : null,
          }
        },
      }),
      totalCount: t.exposeInt('totalCount', { description: 'How many rows the list has in all.' }),
    }),
  })
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
  const [number] = decodeCursor(ORDER, cursor, argument) as [number]
  // Only what encodeCursor made: from it on there is room to count.
  if (number >= 0 && number < 2 ** 31 - 1) return number
  throw new Refusal('CURSOR_INVALID', 'This cursor was not made by this connection.', [argument])
}
