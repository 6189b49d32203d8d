import { queryFromInfo } from '@pothos/plugin-prisma'
import DataLoader from 'dataloader'
import type { GraphQLResolveInfo } from 'graphql'
import { databaseNow } from '../../databaseTime.ts'
import type PrismaTypes from '../../db/generated/pothos.ts'
import type { Parentage } from '../../reads/answers/pages.ts'
import { all, type Condition } from '../../reads/condition.ts'
import { encodeCursor, type SortField } from '../../reads/keyset.ts'
import { type PageArgs, type PagePlan, planPage, type Sorting } from '../../reads/pagePlan.ts'
import { countByParent, countRows, readPage, readParentPages } from '../../reads/storedPages.ts'
import type { Context } from '../builder/context.ts'
import type { Connection } from './connection.ts'
import { sharedByField } from './fieldLoader.ts'
import { conditionOf, type FilterFields, type FilterValues } from './filters.ts'
import { checkRanges } from './ranges.ts'

export type Row = Record<string, unknown>

/** How the rows of one type are read: the one declaration behind its root connection and its nested ones. */
export interface PageSource extends Sorting {
  keys: readonly [SortField, ...SortField[]]
  model: keyof PrismaTypes
  /** Table or view of the rows. */
  table: string
  filters: FilterFields
}

/** How rows hang on their parent. */
export interface ParentLink<Key extends string = string> extends Parentage {
  key: Key
  type: 'uuid' | 'text'
}

/** Which rows are asked for. @throws Refusal BAD_USER_INPUT. */
export function filteredBy(
  { filters }: PageSource,
  { filter }: PageArgs,
  now: () => Date,
  always: Condition = all(),
): Condition {
  if (filter) checkRanges(filter)
  return all(always, conditionOf(filters, filter as FilterValues | null | undefined, now))
}

/** `rows` holds one row more than the page when there is more. */
export function connectionOf(
  { sort, size, fromEnd, args }: PagePlan,
  rows: Row[],
  totalCount: () => Promise<number>,
): Connection {
  const page = rows.slice(0, size)
  if (fromEnd) page.reverse()
  // Cursors are made when they are asked for.
  const edges = page.map((node) => ({
    node,
    get cursor() {
      return encodeCursor(sort, node)
    },
  }))
  return {
    edges,
    pageInfo: {
      hasNextPage: fromEnd ? typeof args.before === 'string' : rows.length > size,
      hasPreviousPage: fromEnd ? rows.length > size : typeof args.after === 'string',
      get startCursor() {
        return edges[0]?.cursor ?? null
      },
      get endCursor() {
        return edges.at(-1)?.cursor ?? null
      },
    },
    totalCount,
  }
}

interface Delegate {
  findUnique(args: object): Promise<Row | null>
  findMany(args: object): Promise<Row[]>
}

function delegateOf(model: string, context: Context): Delegate {
  const name = model[0]!.toLowerCase() + model.slice(1)
  return (context.reads.client as unknown as Record<string, Delegate>)[name]!
}

/** The row with this key; null when the tenant has none. */
export function readByKey(
  { model, keys: [{ field }] }: PageSource,
  key: string,
  context: Context,
  info: GraphQLResolveInfo,
): Promise<Row | null> {
  const selection = queryFromInfo({ context, info })
  return delegateOf(model, context).findUnique({ ...selection, where: { [field]: key } })
}

/**
 * The row at this place, for a field that many rows of a list have; undefined when there is none. It is read once, however many
 * of them show it: Prisma would make a copy for each, of metadata of a megabyte five hundred.
 */
export function readShared(
  source: { model: keyof PrismaTypes; keys: readonly SortField[] },
  place: Row,
  context: Context,
  info: GraphQLResolveInfo,
): Promise<Row | undefined> {
  const keys = Object.fromEntries(Object.keys(place).map((field) => [field, true]))
  const selection = () => queryFromInfo({ context, info, select: keys })
  const { loader, first } = sharedByField(context, info, () => {
    const selected = selection()
    return new DataLoader<Row, Row | undefined, string>(
      (places) => rowsAt(source, places, selected, context),
      { cacheKeyFn: (wanted) => JSON.stringify(Object.values(wanted)) },
    )
  })
  // Pothos notes for each place in the answer what its rows hold: without this note it would read them again.
  if (!first) selection()
  return loader.load(place)
}

/** What the operation asks of a node, and what its cursor and its place in the page need. */
function selectionOf(
  source: PageSource,
  sort: readonly SortField[],
  context: Context,
  info: GraphQLResolveInfo,
) {
  const select = Object.fromEntries([...sort, ...source.keys].map(({ field }) => [field, true]))
  return queryFromInfo({ context, info, select, paths: [['edges', 'node'], ['nodes']] })
}

export async function readRoot(
  source: PageSource,
  always: Condition | undefined,
  args: PageArgs,
  context: Context,
  info: GraphQLResolveInfo,
): Promise<Connection> {
  const page = planPage(source, args, filteredBy(source, args, databaseNow, always))
  const selection = selectionOf(source, page.sort, context, info)
  const { where, order, size } = page
  const { table } = source
  const keys = source.keys.map(({ field }) => field)
  const places = await readPage(context.reads, { table, keys, where, order, limit: size + 1 })
  const rows = await rowsAt(source, places, selection, context)
  return connectionOf(page, rows, () => countRows(context.reads, { table, where: page.filtered }))
}

type ParentLoader = { pages: DataLoader<string, Row[]>; counts: DataLoader<string, number>; page: PagePlan }

export async function readUnder(
  source: PageSource,
  parent: ParentLink,
  key: string,
  args: PageArgs,
  context: Context,
  info: GraphQLResolveInfo,
): Promise<Connection> {
  const { loader, first } = sharedByField(context, info, () =>
    parentLoader(
      source,
      parent,
      planPage(source, args, filteredBy(source, args, databaseNow)),
      context,
      info,
    ),
  )
  // Pothos notes for each place in the answer what its rows hold: without this note it would read them again.
  if (!first) selectionOf(source, loader.page.sort, context, info)
  const { pages, counts, page } = loader
  return connectionOf(page, await pages.load(key), () => counts.load(key))
}

function parentLoader(
  source: PageSource,
  parent: ParentLink,
  page: PagePlan,
  context: Context,
  info: GraphQLResolveInfo,
): ParentLoader {
  const { table, keys: sortKeys } = source
  const query = { table, parentField: parent.field, parentType: parent.type, through: parent.through }
  const keys = sortKeys.map(({ field }) => field)
  const selection = selectionOf(source, page.sort, context, info)
  return {
    page,
    pages: new DataLoader(async (parents) => {
      const places = await readParentPages(
        context.reads,
        { ...query, keys, where: page.where, order: page.order, limit: page.size + 1 },
        parents,
      )
      const rows = await rowsAt(source, [...places.values()].flat(), selection, context)
      let at = 0
      return parents.map((key) => {
        const { length } = places.get(key)!
        at += length
        return rows.slice(at - length, at)
      })
    }),
    counts: new DataLoader(async (parents) => {
      const counts = await countByParent(context.reads, { ...query, where: page.filtered }, parents)
      return parents.map((key) => counts.get(key) ?? 0)
    }),
  }
}

/** The rows at these places, in the same order. */
async function rowsAt(
  source: { model: keyof PrismaTypes; keys: readonly SortField[] },
  places: readonly Row[],
  selection: object,
  context: Context,
): Promise<Row[]> {
  if (places.length === 0) return []
  const rows = await delegateOf(source.model, context).findMany({
    ...selection,
    where: among(source.keys, places),
  })
  const identity = (row: Row) =>
    source.keys
      .map(({ field }) => {
        const value = row[field]
        return value instanceof Date ? value.toISOString() : String(value)
      })
      .join(' ')
  const byIdentity = new Map(rows.map((row) => [identity(row), row]))
  return places.map((place) => byIdentity.get(identity(place))!)
}

/**
 * Finds at least the wanted rows by the values of each key. Times become a range, which partitions and chunks are
 * chosen by.
 */
function among(keys: readonly SortField[], wanted: readonly Row[]): Record<string, object> {
  return Object.fromEntries(
    keys.map(({ field, kind }) => {
      const values = wanted.map((row) => row[field])
      if (kind !== 'time') return [field, { in: [...new Set(values)] }]
      const times = values.map((value) => (value as Date).getTime())
      return [field, { gte: new Date(Math.min(...times)), lte: new Date(Math.max(...times)) }]
    }),
  )
}
