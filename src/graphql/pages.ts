import type { GraphQLResolveInfo } from 'graphql'
import type { Where } from '../db/whereSql.ts'
import { builder } from './builder.ts'
import type { Context } from './context.ts'
import { registerKeys } from './globalId.ts'
import {
  type Connection,
  DEFAULT_PAGE_SIZE,
  MAX_PAGE_SIZE,
  type PageSource,
  type ParentLink,
  type Row,
  readRoot,
  readUnder,
} from './pageReading.ts'

/** What counting all rows of a list costs, in rows that are read. */
const COUNT_COST = 10

const OrderDirection = builder.enumType('OrderDirection', {
  description: 'Which way a list is ordered. Missing values come last either way.',
  values: {
    ASC: { value: 'asc', description: 'Smallest or earliest first.' },
    DESC: { value: 'desc', description: 'Largest or latest first.' },
  } as const,
})

export const PageInfo = builder.objectRef<Connection['pageInfo']>('PageInfo').implement({
  description: 'Where a page stands in its connection.',
  fields: (t) => ({
    hasNextPage: t.exposeBoolean('hasNextPage', {
      description:
        'Whether rows follow. Known when paging forward; with `last` it says whether `before` was given.',
    }),
    hasPreviousPage: t.exposeBoolean('hasPreviousPage', {
      description:
        'Whether rows come before. Known when paging backward; with `first` it says whether `after` was given.',
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

/** A field's options; what they hold is between Pothos and this file, and naming it would make types refer to themselves. */
type FieldOptions = never

/** The fields that list the rows of one type. */
export interface Pages {
  /** A field of Query: all rows of the tenant, or those that `always` holds for. */
  root(description: string, always?: Where): FieldOptions
  /** A field of another type: the rows that hold the parent's key. All parents of a list are read together. */
  under(parent: ParentLink, description: string): FieldOptions
}

/** Makes the types of a connection, and the fields that list its rows. */
export function definePages<Filter>(name: string, source: PageSource<Filter>): Pages {
  registerKeys(name, source.model, source.keys)
  const Edge = builder.objectRef<Connection['edges'][number]>(`${name}Edge`).implement({
    description: `One ${name} of a list.`,
    fields: (t) => ({
      cursor: t.exposeString('cursor', { description: 'Its place in the list, for `after` and `before`.' }),
      node: t.field({
        type: source.type,
        description: `The ${name} itself.`,
        resolve: ({ node }) => node as never,
      }),
    }),
  })
  const ConnectionType = builder.objectRef<Connection>(`${name}Connection`).implement({
    description: `A page of ${name} objects.`,
    fields: (t) => ({
      edges: t.field({
        type: [Edge],
        description: 'The rows with their cursors.',
        resolve: ({ edges }) => edges,
      }),
      nodes: t.field({
        type: [source.type],
        description: 'The rows without cursors.',
        resolve: ({ edges }) => edges.map(({ node }) => node),
      }),
      pageInfo: t.field({
        type: PageInfo,
        description: 'Where the page stands.',
        resolve: ({ pageInfo }) => pageInfo,
      }),
      totalCount: t.int({
        extensions: { cost: COUNT_COST },
        description: 'How many rows the filter finds in all. Counted only when asked for.',
        resolve: ({ totalCount }) => totalCount(),
      }),
    }),
  })
  const OrderField = builder.enumType(`${name}OrderField`, {
    description: `What a list of ${name} objects can be ordered by.`,
    values: Object.fromEntries(
      Object.entries(source.orders).map(([field, { description }]) => [field, { value: field, description }]),
    ),
  })
  const OrderBy = builder.inputType(`${name}Order`, {
    description: `How a list of ${name} objects is ordered.`,
    fields: (t) => ({
      field: t.field({ type: OrderField, required: true, description: 'What to order by.' }),
      direction: t.field({
        type: OrderDirection,
        required: true,
        defaultValue: 'asc',
        description: 'Which way.',
      }),
    }),
  })

  const options = {
    type: ConnectionType,
    extensions: { page: true },
    args: builder.args((t) => ({
      first: t.int({
        description: `How many rows from the front, at most ${MAX_PAGE_SIZE}; ${DEFAULT_PAGE_SIZE} when neither first nor last is given.`,
      }),
      after: t.string({ description: 'Only rows behind this cursor.' }),
      last: t.int({ description: `How many rows from the end, at most ${MAX_PAGE_SIZE}.` }),
      before: t.string({ description: 'Only rows in front of this cursor.' }),
      filter: t.field({
        type: source.filter as never,
        description: 'Which rows; all conditions have to hold.',
      }),
      orderBy: t.field({
        type: OrderBy as never,
        description: `The order: ${source.defaultOrder.field} ${source.defaultOrder.direction.toUpperCase()} when not given.`,
      }),
    })),
  }

  return {
    root: (description, always) =>
      ({
        ...options,
        description,
        resolve: (_: unknown, args: object, context: Context, info: GraphQLResolveInfo) =>
          readRoot(source, always, args, context, info),
      }) as never,
    under: (parent, description) =>
      ({
        ...options,
        description,
        resolve: (row: object, args: object, context: Context, info: GraphQLResolveInfo) =>
          readUnder(source, parent, (row as Row)[parent.key] as string, args, context, info),
      }) as never,
  }
}
