import type { GraphQLResolveInfo } from 'graphql'
import type { Where } from '../../reads/condition.ts'
import type { PageArgs } from '../../reads/pagePlan.ts'
import type { Context } from '../context.ts'
import { registerKeys } from '../globalId.ts'
import { defineConnection, defineListArgs } from './connection.ts'
import { type PageSource, type ParentLink, type Row, readRoot, readUnder } from './pageReading.ts'

/** What counting all rows of a list costs, in rows that are read. */
const COUNT_COST = 10

/** Makes the types of a connection of stored rows, and the fields that list them. */
export function defineStoredList<Filter>(name: string, source: PageSource<Filter>) {
  registerKeys(name, source.model, source.keys)
  const options = {
    type: defineConnection<Row>(name, source.type, COUNT_COST),
    extensions: { page: true },
    args: defineListArgs(name, source, source.filter),
  }
  return {
    /** A field of Query: all rows of the tenant, or those that `always` holds for. */
    root: (description: string, always?: Where) => ({
      ...options,
      description,
      resolve: (_: unknown, args: PageArgs, context: Context, info: GraphQLResolveInfo) =>
        readRoot(source, always, args, context, info),
    }),
    /** A field of another type: the rows that hold the parent's key. All parents of a list are read together. */
    under: <const Key extends string>(parent: ParentLink<Key>, description: string) => ({
      ...options,
      description,
      resolve: (row: { [key in Key]: string }, args: PageArgs, context: Context, info: GraphQLResolveInfo) =>
        readUnder(source, parent, row[parent.key], args, context, info),
    }),
  }
}
