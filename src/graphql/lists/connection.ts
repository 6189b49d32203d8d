import type { InputRef, ObjectRef } from '@pothos/core'
import { MAX_CURSOR_LENGTH } from '../../reads/keyset.ts'
import { DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE, type Orders } from '../../reads/pagePlan.ts'
import { builder } from '../builder/builder.ts'
import type { InputBounds } from '../builder/inputBounds.ts'

export interface Connection<Row = Record<string, unknown>> {
  edges: { cursor: string; node: Row }[]
  pageInfo: {
    hasNextPage: boolean
    hasPreviousPage: boolean
    startCursor: string | null
    endCursor: string | null
  }
  totalCount: () => Promise<number> | number
}

const OrderDirection = builder.enumType('OrderDirection', {
  description: 'The direction of an order. Missing values come last either way.',
  values: {
    ASC: { value: 'asc', description: 'Smallest or earliest first.' },
    DESC: { value: 'desc', description: 'Largest or latest first.' },
  } as const,
})

const PageInfo = builder.objectRef<Connection['pageInfo']>('PageInfo').implement({
  description: 'The position of a page in its connection.',
  fields: (t) => ({
    hasNextPage: t.exposeBoolean('hasNextPage', {
      description: 'Whether rows follow. Exact when paging forward; with `last`, whether `before` was given.',
    }),
    hasPreviousPage: t.exposeBoolean('hasPreviousPage', {
      description:
        'Whether rows come before. Exact when paging backward; with `first`, whether `after` was given.',
    }),
    startCursor: t.exposeString('startCursor', {
      nullable: true,
      description: 'The cursor of the first row; null on an empty page.',
    }),
    endCursor: t.exposeString('endCursor', {
      nullable: true,
      description: 'The cursor of the last row; null on an empty page.',
    }),
  }),
})

/** What counting the rows costs is in rows that are read. */
export function defineConnection<Row>(
  name: string,
  type: ObjectRef<typeof builder.$inferSchemaTypes, Row>,
  countCost: number,
) {
  const Edge = builder.objectRef<Connection<Row>['edges'][number]>(`${name}Edge`).implement({
    description: `One ${name} in a list.`,
    fields: (t) => ({
      cursor: t.exposeString('cursor', {
        description: 'Its position in the list, for `after` and `before`.',
      }),
      node: t.expose('node', { type, description: `The ${name} itself.` }),
    }),
  })
  return builder.objectRef<Connection<Row>>(`${name}Connection`).implement({
    description: `A page of ${name} objects.`,
    fields: (t) => ({
      edges: t.field({
        type: [Edge],
        description: 'The rows with their cursors.',
        resolve: ({ edges }) => edges,
      }),
      nodes: t.field({
        type: [type],
        description: 'The rows without cursors.',
        resolve: ({ edges }) => edges.map(({ node }) => node),
      }),
      pageInfo: t.field({
        type: PageInfo,
        description: 'Paging information.',
        resolve: ({ pageInfo }) => pageInfo,
      }),
      totalCount: t.int({
        extensions: { cost: countCost },
        description: 'Number of rows on all pages. Counted only when requested.',
        resolve: ({ totalCount }) => totalCount(),
      }),
    }),
  })
}

const CURSOR = { bounds: { characters: MAX_CURSOR_LENGTH } satisfies InputBounds }

/** Which page of a list. */
export const pageArgs = builder.args((t) => ({
  first: t.int({
    description: `Number of rows from the start, at most ${MAX_PAGE_SIZE}; ${DEFAULT_PAGE_SIZE} if neither first nor last is given.`,
  }),
  after: t.string({ extensions: CURSOR, description: 'Only rows after this cursor.' }),
  last: t.int({ description: `Number of rows from the end, at most ${MAX_PAGE_SIZE}.` }),
  before: t.string({ extensions: CURSOR, description: 'Only rows before this cursor.' }),
}))

/** Which page of which rows, and in which order. */
export function defineListArgs(name: string, { orders, defaultOrder }: Orders, filter: InputRef<object>) {
  const OrderField = builder.enumType(`${name}OrderField`, {
    description: `What lists of ${name} objects can be ordered by.`,
    values: Object.fromEntries(
      Object.entries(orders).map(([field, { description }]) => [field, { value: field, description }]),
    ),
  })
  const OrderBy = builder.inputType(`${name}Order`, {
    description: `The order of a list of ${name} objects.`,
    fields: (t) => ({
      field: t.field({ type: OrderField, required: true, description: 'The field to order by.' }),
      direction: t.field({
        type: OrderDirection,
        required: true,
        defaultValue: 'asc',
        description: 'The direction.',
      }),
    }),
  })
  return {
    ...pageArgs,
    ...builder.args((t) => ({
      filter: t.field({ type: filter, description: 'Only rows that match all conditions.' }),
      orderBy: t.field({
        type: OrderBy,
        description: `The order; ${defaultOrder.field} ${defaultOrder.direction.toUpperCase()} by default.`,
      }),
    })),
  }
}
