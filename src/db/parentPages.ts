import type { OperationReads } from './operationReads.ts'
import { column, type Order, orderSql, RELATIONS, type Where, whereSql } from './whereSql.ts'

/** One page for each of many parents. */
export interface ParentPagesQuery {
  /** Table or view of the rows. */
  table: string
  /** The field that holds the parent's key, and that key's SQL type. */
  parentField: string
  /** The relations that lead to the row that holds the key, one from the other, where the row itself does not. */
  through?: readonly string[]
  parentType: 'uuid' | 'text'
  /** The fields that identify a row. */
  keys: readonly string[]
  where: Where
  order: readonly Order[]
  limit: number
}

/**
 * The keys of one page of rows for each parent, in one statement, in order. Prisma would fetch all rows of all parents
 * and cut afterwards; a lateral join reads `limit` rows of each from the index.
 */
export async function readParentPages(
  reads: OperationReads,
  query: ParentPagesQuery,
  parents: readonly string[],
): Promise<Map<string, Record<string, unknown>[]>> {
  const values: unknown[] = [parents]
  const condition = whereSql(query.where, 'c', values)
  const keys = query.keys.map((key) => `c.${column(key)} as "${key}"`).join(', ')
  values.push(query.limit)
  const statement = `/* parentPages ${query.table} */
    select p.parent, page.*
    from unnest($1::${query.parentType}[]) as p(parent)
    cross join lateral (
      select ${keys}
      from ${parentOf(query).from}
      where ${parentOf(query).key} = p.parent and ${condition}
      order by ${query.order.map(orderSql).join(', ')}
      limit $${values.length}::int
    ) page`
  const rows = await reads.query<{ parent: string } & Record<string, unknown>>(statement, values)
  const pages = new Map<string, Record<string, unknown>[]>(parents.map((parent) => [parent, []]))
  for (const { parent, ...key } of rows) pages.get(parent)!.push(key)
  return pages
}

/** How many rows each parent has, in one statement. */
export async function countByParent(
  reads: OperationReads,
  query: Omit<ParentPagesQuery, 'keys' | 'order' | 'limit'>,
  parents: readonly string[],
): Promise<Map<string, number>> {
  const values: unknown[] = [parents]
  const statement = `/* countByParent ${query.table} */
    select ${parentOf(query).key} as parent, count(*)::int as rows
    from ${parentOf(query).from}
    where ${parentOf(query).key} = any ($1::${query.parentType}[]) and ${whereSql(query.where, 'c', values)}
    group by 1`
  const rows = await reads.query<{ parent: string; rows: number }>(statement, values)
  return new Map(rows.map(({ parent, rows: count }) => [parent, count]))
}

/** The keys of one page of the tenant's rows, for what Prisma cannot ask. */
export async function readPage(
  reads: OperationReads,
  query: Pick<ParentPagesQuery, 'table' | 'keys' | 'where' | 'order' | 'limit'>,
): Promise<Record<string, unknown>[]> {
  const values: unknown[] = []
  const condition = whereSql(query.where, 'c', values)
  values.push(query.limit)
  return reads.query(
    `/* page ${query.table} */
    select ${query.keys.map((key) => `c.${column(key)} as "${key}"`).join(', ')}
    from ${query.table} c
    where ${condition}
    order by ${query.order.map(orderSql).join(', ')}
    limit $${values.length}::int`,
    values,
  )
}

/** How many of the tenant's rows there are. */
export async function countRows(
  reads: OperationReads,
  { table, where }: Pick<ParentPagesQuery, 'table' | 'where'>,
): Promise<number> {
  const values: unknown[] = []
  const statement = `/* count ${table} */ select count(*)::int as rows from ${table} c where ${whereSql(where, 'c', values)}`
  const rows = await reads.query<{ rows: number }>(statement, values)
  return rows[0]!.rows
}

/** Where rows come from, and which of its columns is the parent's key. */
export function parentOf({
  table,
  parentField,
  through = [],
}: Pick<ParentPagesQuery, 'table' | 'parentField' | 'through'>): {
  from: string
  key: string
} {
  let from = `${table} c`
  let holder = 'c'
  for (const [index, name] of through.entries()) {
    const relation = RELATIONS[name]!
    const next = `t${index}`
    const on = relation.on.map(([ours, theirs]) => `${next}.${theirs} = ${holder}.${ours}`).join(' and ')
    from += ` join ${relation.table} ${next} on ${on}`
    holder = next
  }
  return { from, key: `${holder}.${column(parentField)}` }
}
