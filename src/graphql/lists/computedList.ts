import type { InputRef, ObjectRef } from '@pothos/core'
import DataLoader from 'dataloader'
import type { GraphQLResolveInfo } from 'graphql'
import { computedPage } from '../../reads/answers/pages.ts'
import {
  type ComputedRows,
  countComputedRows,
  type ParentKeys,
  readComputedPages,
} from '../../reads/computedPages.ts'
import type { Where } from '../../reads/condition.ts'
import { type PageArgs, type PagePlan, planPage, type Sorting } from '../../reads/pagePlan.ts'
import type { Context } from '../builder/context.ts'
import type { PlannedField } from '../builder/fieldRead.ts'
import { type Connection, defineConnection, defineListArgs } from './connection.ts'
import { sharedByField } from './fieldLoader.ts'
import { connectionOf, type Row } from './pageReading.ts'
import { checkRanges } from './ranges.ts'

/** How rows are listed that are computed from others. */
interface ComputedSource<Filter> extends Sorting {
  // biome-ignore lint/suspicious/noExplicitAny: the row's shape is its type's business
  type: ObjectRef<any, any, any>
  /** What computing them costs, in rows that are read; as much again for counting them. */
  cost: number
  filter: InputRef<Filter>
  /** Which of the computed rows; what they are computed from is chosen by `rowsOf`. */
  where(filter: Filter | undefined): Where
}

/** Computes the rows of these parents. */
type RowsOf<Filter> = (parents: ParentKeys, filter: Filter | undefined, now: () => Date) => ComputedRows

/** Rows without a parent have this one in their SQL. */
const NO_PARENT = ''

/** Makes the types of a connection of computed rows, and the fields that list them. */
export function defineComputedList<Filter>(name: string, source: ComputedSource<Filter>) {
  const options = {
    type: defineConnection<Row>(name, source.type, source.cost),
    args: defineListArgs(name, source, source.filter),
  }
  function filterOf({ filter }: PageArgs): Filter | undefined {
    if (filter) checkRanges(filter)
    return (filter ?? undefined) as Filter | undefined
  }
  /** The same page in the statement of an answer. `key`: the parent's field, where rows have a parent. */
  function readInStatement(
    rowsOf: RowsOf<Filter>,
    key: string | undefined,
    { args, page, now }: PlannedField<PageArgs>,
  ) {
    const filter = filterOf(args)
    const plan = planPage(source, args, source.where(filter))
    return computedPage((parents) => rowsOf(parents ?? [NO_PARENT], filter, now), key, plan, page())
  }
  const extensionsOf = (rowsOf: RowsOf<Filter>, key?: string) => ({
    page: true,
    cost: source.cost,
    read: (field: PlannedField<PageArgs>) => readInStatement(rowsOf, key, field),
  })
  async function read(
    rowsOf: RowsOf<Filter>,
    parent: string,
    args: PageArgs,
    context: Context,
    info: GraphQLResolveInfo,
  ): Promise<Connection<Row>> {
    const { loader } = sharedByField(context, info, () => {
      const filter = filterOf(args)
      return loaderOf(context, planPage(source, args, source.where(filter)), (parents) =>
        rowsOf(parents, filter, () => new Date()),
      )
    })
    const { page, pages, counts } = loader
    return connectionOf(page, await pages.load(parent), () => counts.load(parent))
  }
  return {
    /** For a field with arguments of its own: what the others are made of. */
    options,
    readInStatement,
    read,
    /** A field of Query: rows of all that the tenant has. */
    root: (description: string, rowsOf: RowsOf<Filter>) => ({
      ...options,
      description,
      extensions: extensionsOf(rowsOf),
      resolve: (_: unknown, args: PageArgs, context: Context, info: GraphQLResolveInfo) =>
        read(rowsOf, NO_PARENT, args, context, info),
    }),
    /** A field of another type: rows of what the parent has. All parents of a list are read together. */
    under: <Key extends string>(key: Key, description: string, rowsOf: RowsOf<Filter>) => ({
      ...options,
      description,
      extensions: extensionsOf(rowsOf, key),
      resolve: (row: { [key in Key]: string }, args: PageArgs, context: Context, info: GraphQLResolveInfo) =>
        read(rowsOf, row[key], args, context, info),
    }),
  }
}

function loaderOf(
  { reads }: Context,
  page: PagePlan,
  rowsOf: (parents: readonly string[]) => ComputedRows,
): { page: PagePlan; pages: DataLoader<string, Row[]>; counts: DataLoader<string, number> } {
  const { where, filtered, order, size } = page
  return {
    page,
    pages: new DataLoader(async (parents) => {
      const pages = await readComputedPages(
        reads,
        rowsOf(parents),
        { where, order, limit: size + 1 },
        parents,
      )
      return parents.map((parent) => pages.get(parent)!)
    }),
    counts: new DataLoader(async (parents) => {
      const counts = await countComputedRows(reads, rowsOf(parents), filtered)
      return parents.map((parent) => counts.get(parent) ?? 0)
    }),
  }
}
