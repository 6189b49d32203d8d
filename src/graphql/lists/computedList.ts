import type { ObjectRef } from '@pothos/core'
import DataLoader from 'dataloader'
import type { GraphQLResolveInfo } from 'graphql'
import { databaseNow } from '../../databaseTime.ts'
import { computedPage } from '../../reads/answers/pages.ts'
import {
  type ComputedRows,
  countComputedRows,
  type ParentKeys,
  readComputedPages,
} from '../../reads/computedPages.ts'
import type { Condition } from '../../reads/condition.ts'
import { type PageArgs, type PagePlan, planPage, type Sorting } from '../../reads/pagePlan.ts'
import type { Context } from '../builder/context.ts'
import type { PlannedField } from '../builder/fieldRead.ts'
import type { Columns } from './columns.ts'
import { type Connection, defineConnection, defineListArgs } from './connection.ts'
import { sharedByField } from './fieldLoader.ts'
import { conditionOf, defineFilter, type FilterFields, type FilterValues } from './filters.ts'
import { connectionOf, type Row } from './pageReading.ts'
import { checkRanges } from './ranges.ts'

/** What is said of computed rows that are listed. */
interface ComputedList<Computed> {
  // biome-ignore lint/suspicious/noExplicitAny: the row's shape is its type's business
  type: ObjectRef<any, any, any>
  /** What computing them costs, in rows that are read; as much again for counting them. */
  cost: number
  columns: Columns<Computed>
  /** The columns that tell rows of one parent apart. */
  keys: readonly (keyof Computed & string)[]
  defaultOrder: [by: keyof Computed & string, direction: 'asc' | 'desc']
  /** What the filter says of itself. */
  filter: string
  /** Its fields on what rows are computed from. */
  of?: FilterFields
  /** Its fields on the rows themselves that are not as their columns say. */
  filters?: FilterFields
}

/** Computes the rows of these parents, of what fulfils the condition. */
type RowsOf = (parents: ParentKeys, of: Condition) => ComputedRows

/** Rows without a parent have this one in their SQL. */
const NO_PARENT = ''

/** Makes the types of a connection of computed rows, and the fields that list them. */
export function defineComputedList<Computed>(
  name: string,
  { type, cost, columns, keys, defaultOrder, filter, of = {}, filters }: ComputedList<Computed>,
) {
  const source: Sorting = {
    keys: keys.map((field) => columns.sorted(field)),
    orders: columns.orders,
    defaultOrder: columns.orderBy(...defaultOrder),
  }
  const ofRows = { ...columns.filters, ...filters }
  const options = {
    type: defineConnection<Row>(name, type, cost),
    args: defineListArgs(name, source, defineFilter(`${name}Filter`, filter, { ...of, ...ofRows })),
  }
  function plan(args: PageArgs, now: () => Date): { page: PagePlan; of: Condition } {
    const given = args.filter as FilterValues | null | undefined
    if (given) checkRanges(given)
    return { page: planPage(source, args, conditionOf(ofRows, given, now)), of: conditionOf(of, given, now) }
  }
  /**
   * The same page in the statement of an answer. `key`: the parent's field, where rows have a parent. `told`: what fields of the rows are
   * told, by what was asked of those that are summed up.
   */
  function readInStatement(
    rowsOf: RowsOf,
    key: string | undefined,
    { args, page, now }: PlannedField<PageArgs>,
    told?: (of: Condition) => unknown,
  ) {
    const planned = plan(args, now)
    return computedPage(
      (parents) => rowsOf(parents ?? [NO_PARENT], planned.of),
      key,
      planned.page,
      page(told?.(planned.of)),
    )
  }
  const extensionsOf = (rowsOf: RowsOf, key?: string) => ({
    page: true,
    cost,
    read: (field: PlannedField<PageArgs>) => readInStatement(rowsOf, key, field),
  })
  async function read(
    rowsOf: RowsOf,
    parent: string,
    args: PageArgs,
    context: Context,
    info: GraphQLResolveInfo,
    told?: (of: Condition) => object,
  ): Promise<Connection<Row>> {
    const { loader } = sharedByField(context, info, () => {
      const planned = plan(args, databaseNow)
      return {
        ...loaderOf(context, planned.page, (parents) => rowsOf(parents, planned.of)),
        told: told?.(planned.of),
      }
    })
    const { page, pages, counts } = loader
    const rows = await pages.load(parent)
    const shown = loader.told ? rows.map((row) => ({ ...row, ...loader.told })) : rows
    return connectionOf(page, shown, () => counts.load(parent))
  }
  return {
    /** For a field with arguments of its own: what the others are made of. */
    options,
    readInStatement,
    read,
    /** A field of Query: rows of all that the tenant has. */
    root: (description: string, rowsOf: RowsOf) => ({
      ...options,
      description,
      extensions: extensionsOf(rowsOf),
      resolve: (_: unknown, args: PageArgs, context: Context, info: GraphQLResolveInfo) =>
        read(rowsOf, NO_PARENT, args, context, info),
    }),
    /** A field of another type: rows of what the parent has. All parents of a list are read together. */
    under: <Key extends string>(key: Key, description: string, rowsOf: RowsOf) => ({
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
