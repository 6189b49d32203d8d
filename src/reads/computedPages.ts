import { column } from './catalogue.ts'
import type { Where } from './condition.ts'
import { conditionSql, type Order, orderSql } from './conditionSql.ts'
import type { OperationReads } from './operationReads.ts'

/** Rows that are not stored but computed from others, e.g. sums. */
export interface ComputedRows {
  /** What logs and plans call the statement. */
  name: string
  /** The rows' fields; each is the column of its name in snake_case. */
  fields: readonly string[]
  /**
   * A SELECT of these columns, and of each row's parent as the text `parent`; `''` where rows have none. Pushes its
   * parameters onto `values`. A number that is summed up has to be the same each time, whatever the order that rows are read in:
   * pages are cut by comparing it, so floating-point numbers are summed as `numeric`.
   */
  sql(values: unknown[]): string
}

/** One page for each parent, in one statement, in order. All rows are computed: a page saves their way, not their making. */
export async function readComputedPages(
  reads: Pick<OperationReads, 'query'>,
  rows: ComputedRows,
  { where, order, limit }: { where: Where; order: readonly Order[]; limit: number },
  parents: readonly string[],
): Promise<Map<string, Record<string, unknown>[]>> {
  const values: unknown[] = []
  const from = `from (${rows.sql(values)}) c`
  const condition = conditionSql(where, 'c', values)
  values.push(limit)
  const fields = rows.fields.map((field) => `c.${column(field)} as "${field}"`).join(', ')
  const found = await reads.query<{ parent: string; place: bigint } & Record<string, unknown>>(
    `/* ${rows.name} */
    select * from (
      select c.parent, row_number() over (partition by c.parent order by ${order.map(orderSql).join(', ')}) as place, ${fields}
      ${from} where ${condition}
    ) page
    where place <= $${values.length}::int
    order by place`,
    values,
  )
  const pages = new Map<string, Record<string, unknown>[]>(parents.map((parent) => [parent, []]))
  for (const { parent, place: _, ...row } of found) pages.get(parent)!.push(row)
  return pages
}

/** How many rows each parent has, in one statement. */
export async function countComputedRows(
  reads: Pick<OperationReads, 'query'>,
  rows: ComputedRows,
  where: Where,
): Promise<Map<string, number>> {
  const values: unknown[] = []
  const from = `from (${rows.sql(values)}) c`
  const counts = await reads.query<{ parent: string; rows: number }>(
    `/* count ${rows.name} */
    select c.parent, count(*)::int as rows ${from} where ${conditionSql(where, 'c', values)} group by c.parent`,
    values,
  )
  return new Map(counts.map(({ parent, rows: count }) => [parent, count]))
}
