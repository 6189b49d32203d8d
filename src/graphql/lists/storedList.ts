import type { GraphQLResolveInfo } from 'graphql'
import { rowWith, storedPage } from '../../reads/answers/pages.ts'
import type { Where } from '../../reads/condition.ts'
import { type PageArgs, planPage } from '../../reads/pagePlan.ts'
import { builder } from '../builder/builder.ts'
import type { Context } from '../builder/context.ts'
import type { PlannedField, ReadInStatement } from '../builder/fieldRead.ts'
import { registerKeys } from '../builder/globalId.ts'
import { defineConnection, defineListArgs } from './connection.ts'
import {
  filteredBy,
  type PageSource,
  type ParentLink,
  type Row,
  readByKey,
  readRoot,
  readUnder,
} from './pageReading.ts'

/** What counting all rows of a list costs, in rows that are read. */
const COUNT_COST = 10

/** Makes the types of a connection of stored rows, and the fields that list them or show one of them. */
export function defineStoredList<Filter>(name: string, source: PageSource<Filter>) {
  registerKeys(name, source.model, source.keys)
  const options = {
    type: defineConnection<Row>(name, source.type, COUNT_COST),
    args: defineListArgs(name, source, source.filter),
  }
  const inStatement = (parent?: ParentLink, always?: Where) => ({
    page: true,
    read: ({ args, page }: PlannedField<PageArgs>) =>
      storedPage(source.table, parent, planPage(source, args, filteredBy(source, args, always)), page()),
  })
  const [key] = source.keys
  const one = { type: source.type, nullable: true as const }
  return {
    /** A field of Query: all rows of the tenant, or those that `always` holds for. */
    root: (description: string, always?: Where) => ({
      ...options,
      description,
      extensions: inStatement(undefined, always),
      resolve: (_: unknown, args: PageArgs, context: Context, info: GraphQLResolveInfo) =>
        readRoot(source, always, args, context, info),
    }),
    /** A field of another type: the rows that hold the parent's key. All parents of a list are read together. */
    under: <const Key extends string>(parent: ParentLink<Key>, description: string) => ({
      ...options,
      description,
      extensions: inStatement(parent),
      resolve: (row: { [key in Key]: string }, args: PageArgs, context: Context, info: GraphQLResolveInfo) =>
        readUnder(source, parent, row[parent.key], args, context, info),
    }),
    /** A field of Query: the row with the key that is asked for. Only where one field is the key. */
    byKey: (description: string) => ({
      ...one,
      description,
      extensions: {
        read: ({ args, members }) => rowWith(source.table, { [key.field]: args[key.field] }, members()),
      } satisfies ReadInStatement,
      args: builder.args((t) => ({
        [key.field]: t.field({
          type: key.kind === 'uuid' ? 'UUID' : 'String',
          required: true,
          description: 'Its key.',
        }),
      })),
      resolve: (_: unknown, args: Record<string, string>, context: Context, info: GraphQLResolveInfo) =>
        readByKey(source, args[key.field]!, context, info),
    }),
    /** A field of a mutation's payload: the row whose key is in the result. Only where one field is the key. */
    inPayload: <Result>(keyOf: (result: Result) => string | null, description: string) => ({
      ...one,
      description,
      resolve: (
        { result }: { result: Result | null },
        _: unknown,
        context: Context,
        info: GraphQLResolveInfo,
      ) => {
        const shown = result === null ? null : keyOf(result)
        return shown === null ? null : readByKey(source, shown, context, info)
      },
    }),
  }
}
