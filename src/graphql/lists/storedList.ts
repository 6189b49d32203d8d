import type { ObjectRef } from '@pothos/core'
import { type GraphQLResolveInfo, responsePathAsArray } from 'graphql'
import type PrismaTypes from '../../db/generated/pothos.ts'
import { rowWith, storedPage } from '../../reads/answers/pages.ts'
import { TABLES } from '../../reads/catalogue.ts'
import { type Condition, equal } from '../../reads/condition.ts'
import { DECODE } from '../../reads/keyset.ts'
import { type PageArgs, planPage } from '../../reads/pagePlan.ts'
import { builder } from '../builder/builder.ts'
import type { Context } from '../builder/context.ts'
import type { PlannedField, ReadInStatement } from '../builder/fieldRead.ts'
import { registerKeys } from '../builder/globalId.ts'
import type { Columns } from './columns.ts'
import { defineConnection, defineListArgs } from './connection.ts'
import { defineFilter, type FilterFields } from './filters.ts'
import {
  filteredBy,
  type PageSource,
  type ParentLink,
  type Row,
  readByKey,
  readRoot,
  readShared,
  readUnder,
} from './pageReading.ts'

/** What counting all rows of a list costs, in rows that are read. */
const COUNT_COST = 10

/** What is said of stored rows that are listed. */
interface StoredList<Stored> {
  model: keyof PrismaTypes
  type: ObjectRef<typeof builder.$inferSchemaTypes, Row>
  columns: Columns<Stored>
  /** The columns that tell rows apart. */
  keys: readonly [keyof Stored & string, ...(keyof Stored & string)[]]
  defaultOrder: [by: keyof Stored & string, direction: 'asc' | 'desc']
  /** What the filter says of itself. */
  filter: string
  /** Its fields on other things than the rows' own columns. */
  filters?: FilterFields
}

/** Makes the types of a connection of stored rows, and the fields that list them or show one of them. */
export function defineStoredList<Stored>(
  name: string,
  { model, type, columns, keys, defaultOrder, filter, filters }: StoredList<Stored>,
) {
  const [first, ...others] = keys
  const source: PageSource = {
    model,
    table: TABLES[model]!,
    keys: [columns.sorted(first), ...others.map((field) => columns.sorted(field))],
    orders: columns.orders,
    defaultOrder: columns.orderBy(...defaultOrder),
    filters: { ...columns.filters, ...filters },
  }
  registerKeys(name, model, source.keys)
  const filterType = defineFilter(`${name}Filter`, filter, source.filters)
  const options = {
    type: defineConnection<Row>(name, type, COUNT_COST),
    args: defineListArgs(name, source, filterType),
  }
  const inStatement = (parent?: ParentLink, always?: Condition) => ({
    page: true,
    read: ({ args, page, now }: PlannedField<PageArgs>) =>
      storedPage(source.table, parent, planPage(source, args, filteredBy(source, args, now, always)), page()),
  })
  const [key] = source.keys
  const one = { type, nullable: true as const }
  /** A field of what has the key of a row to show. Only where one field is the key. */
  const shownBy = <Parent>(keyOf: (parent: Parent) => string | null, description: string) => ({
    ...one,
    description,
    extensions: { showsRow: true },
    resolve: (parent: Parent, _: unknown, context: Context, info: GraphQLResolveInfo) => {
      const shown = keyOf(parent)
      if (shown === null) return null
      // As rows have it: a mutation may have been given it in capitals.
      const place = { [key.field]: DECODE[key.kind](shown) }
      if (!context.rowsLater) return readShared(source, place, context, info)
      context.rowsLater({
        type: name,
        key: shown,
        path: responsePathAsArray(info.path),
        nodes: info.fieldNodes,
      })
      return {}
    },
  })
  return {
    /** For other lists of what the rows are of: what they can be filtered by. */
    filter: { type: filterType, fields: source.filters },
    /** A field of Query: all rows of the tenant, or those that `always` holds for. */
    root: (description: string, always?: Condition) => ({
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
        byKey: true,
        read: ({ args, members }) => rowWith(source.table, equal(key, args[key.field]), members()),
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
    inPayload: <Result>(keyOf: (result: Result) => string | null, description: string) =>
      shownBy(
        ({ result }: { result: Result | null }) => (result === null ? null : keyOf(result)),
        description,
      ),
    shownBy,
  }
}
