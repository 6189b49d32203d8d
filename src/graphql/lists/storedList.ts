import type { GraphQLResolveInfo } from 'graphql'
import type { Where } from '../../reads/condition.ts'
import type { Context } from '../context.ts'
import { registerKeys } from '../globalId.ts'
import { defineConnection, defineListArgs } from './connection.ts'
import { type PageSource, type ParentLink, type Row, readRoot, readUnder } from './pageReading.ts'

/** What counting all rows of a list costs, in rows that are read. */
const COUNT_COST = 10

/** A field's options; what they hold is between Pothos and this file, and naming it would make types refer to themselves. */
type FieldOptions = never

/** The fields that list the rows of one type. */
export interface StoredList {
  /** A field of Query: all rows of the tenant, or those that `always` holds for. */
  root(description: string, always?: Where): FieldOptions
  /** A field of another type: the rows that hold the parent's key. All parents of a list are read together. */
  under(parent: ParentLink, description: string): FieldOptions
}

/** Makes the types of a connection of stored rows, and the fields that list them. */
export function defineStoredList<Filter>(name: string, source: PageSource<Filter>): StoredList {
  registerKeys(name, source.model, source.keys)
  const options = {
    type: defineConnection<Row>(name, source.type, COUNT_COST),
    extensions: { page: true },
    args: defineListArgs(name, source, source.filter),
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
