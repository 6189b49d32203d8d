import sql, { empty, type Sql } from 'sql-template-tag'
import { Prisma } from '../db/generated/client.ts'
import { column, selected } from './catalogue.ts'
import type { Condition } from './condition.ts'
import { conditionSql, type Order, orderSql } from './conditionSql.ts'
import type { OperationReads } from './operationReads.ts'

/** A sum of `numeric`, with all its digits. */
export type Decimal = Prisma.Decimal
export const { Decimal } = Prisma

/** Rows that are not stored but computed from others, e.g. sums. */
export interface ComputedRows {
  /** What logs and plans call the statement. */
  name: Sql
  /** The rows' fields; each is the column of its name in snake_case. */
  fields: readonly string[]
  /**
   * A SELECT of these columns, and of each row's parent as the text `parent`; `''` where rows have none. A number that is
   * summed up has to be the same each time, whatever the order that rows are read in: pages are cut by comparing it, so
   * floating-point numbers are summed as `numeric`.
   */
  select: Sql
}

/** The keys of parents, in any form that `= any (…)` takes: the values, or an expression of an array. */
export type ParentKeys = readonly string[] | Sql

interface ComputedPagesQuery {
  where: Condition
  order: readonly Order[]
  limit: number
}

/** One page for each parent, in one statement, in order. All rows are computed: a page saves their way, not their making. */
export async function readComputedPages(
  reads: Pick<OperationReads, 'query'>,
  rows: ComputedRows,
  query: ComputedPagesQuery,
  parents: readonly string[],
): Promise<Map<string, Record<string, unknown>[]>> {
  const found = await reads.query<{ parent: string; place: bigint } & Record<string, unknown>>(
    computedPagesSql(rows, query),
  )
  const pages = new Map<string, Record<string, unknown>[]>(parents.map((parent) => [parent, []]))
  for (const { parent, place: _, ...row } of found) pages.get(parent)!.push(row)
  return pages
}

export function computedPagesSql(rows: ComputedRows, { where, order, limit }: ComputedPagesQuery): Sql {
  return sql`/* ${rows.name} */
    select * from (
      select c.parent, row_number() over (partition by c.parent order by ${orderSql(order)}) as place, ${selected(rows.fields)}
      from (${rows.select}) c where ${conditionSql(where, 'c')}
    ) page
    where place <= ${limit}::int
    order by place`
}

/** All rows of the parents, each with its `parent`, in one statement, in the order of a field. */
export async function readComputedRows<Row extends { parent: string }>(
  reads: Pick<OperationReads, 'query'>,
  rows: ComputedRows,
  order?: string,
): Promise<Row[]> {
  const inOrder = order === undefined ? empty : sql` order by ${column(order, 'c')}`
  return reads.query<Row>(sql`/* ${rows.name} */
    select c.parent, ${selected(rows.fields)} from (${rows.select}) c${inOrder}`)
}

/** How many rows each parent has, in one statement. */
export async function countComputedRows(
  reads: Pick<OperationReads, 'query'>,
  rows: ComputedRows,
  where: Condition,
): Promise<Map<string, number>> {
  const counts = await reads.query<{ parent: string; rows: number }>(sql`/* count ${rows.name} */
    select c.parent, count(*)::int as rows from (${rows.select}) c where ${conditionSql(where, 'c')} group by c.parent`)
  return new Map(counts.map(({ parent, rows: count }) => [parent, count]))
}
