import { column, RELATIONS } from './catalogue.ts'
import { HeldByFew, type Where } from './condition.ts'
import { conditionSql, type Order, orderSql } from './conditionSql.ts'
import type { OperationReads } from './operationReads.ts'

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
  const condition = conditionSql(query.where, 'c', values)
  const keys = query.keys.map((key) => `c.${column(key)} as "${key}"`).join(', ')
  const limit = `$${values.push(query.limit)}::int`
  const { holder, holders, on, from } = wayToParent(query)
  const order = query.order.map(orderSql).join(', ')
  const rows = holders
    ? { from: pageOfEach(query, holders, `${on} and ${condition}`, limit), condition: 'true' }
    : { from, condition }
  const statement = `/* parentPages ${query.table} */
    select p.parent, page.*
    from unnest($1::${query.parentType}[]) as p(parent)
    cross join lateral (
      select ${keys}
      from ${rows.from}
      where ${holder}.${column(query.parentField)} = p.parent and ${rows.condition}
      order by ${order}
      limit ${limit}
    ) page`
  const found = await reads.query<{ parent: string } & Record<string, unknown>>(statement, values)
  const pages = new Map<string, Record<string, unknown>[]>(parents.map((parent) => [parent, []]))
  for (const { parent, ...key } of found) pages.get(parent)!.push(key)
  return pages
}

/** A page `c` of the rows of each holder, read from its index; joined, all rows of all holders may be read. */
function pageOfEach(
  { table, keys, order }: Pick<ParentPagesQuery, 'table' | 'keys' | 'order'>,
  holders: string,
  condition: string,
  limit: string,
): string {
  const columns = new Set([...keys, ...order.map(({ field }) => field)].map(column))
  const selected = [...columns].map((name) => `c.${name}`).join(', ')
  return `${holders} cross join lateral (
          select ${selected} from ${table} c where ${condition} order by ${order.map(orderSql).join(', ')} limit ${limit}
        ) c`
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
    where ${parentOf(query).key} = any ($1::${query.parentType}[]) and ${conditionSql(query.where, 'c', values)}
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
  const limit = `$${values.push(query.limit)}::int`
  const held = heldByFew(query.where)
  const condition = conditionSql(held ? held.rest : query.where, 'c', values)
  let rows = { from: `${query.table} c`, condition }
  if (held) {
    const { holder, holders, on } = wayToParent({ table: query.table, through: [held.relation] })
    rows = {
      from: pageOfEach(query, holders!, `${on} and ${condition}`, limit),
      condition: conditionSql(held.is, holder, values),
    }
  }
  return reads.query(
    `/* page ${query.table} */
    select ${query.keys.map((key) => `c.${column(key)} as "${key}"`).join(', ')}
    from ${rows.from}
    where ${rows.condition}
    order by ${query.order.map(orderSql).join(', ')}
    limit ${limit}`,
    values,
  )
}

/** The condition that all rows are held by few others, and what else they have to fulfil. */
function heldByFew(where: Where): { relation: string; is: Where; rest: Where } | undefined {
  for (const [field, condition] of Object.entries(where)) {
    const { [field]: _, ...others } = where
    if (condition instanceof HeldByFew) return { relation: field, is: condition.is, rest: others }
    if (field !== 'AND') continue
    const parts = [condition as Where | Where[]].flat()
    for (const [index, part] of parts.entries()) {
      const held = heldByFew(part)
      if (held) return { ...held, rest: { ...others, AND: parts.with(index, held.rest) } }
    }
  }
  return undefined
}

/** How many of the tenant's rows there are. */
export async function countRows(
  reads: OperationReads,
  { table, where }: Pick<ParentPagesQuery, 'table' | 'where'>,
): Promise<number> {
  const values: unknown[] = []
  const statement = `/* count ${table} */ select count(*)::int as rows from ${table} c where ${conditionSql(where, 'c', values)}`
  const rows = await reads.query<{ rows: number }>(statement, values)
  return rows[0]!.rows
}

type Parentage = Pick<ParentPagesQuery, 'table' | 'parentField' | 'through'>

/** Where rows come from, and which of its columns is the parent's key. */
export function parentOf(query: Parentage): { from: string; key: string } {
  const { from, holder } = wayToParent(query)
  return { from, key: `${holder}.${column(query.parentField)}` }
}

/** The rows `c` joined to what holds the parent's key; `holders` without the rows, where each may have many: see `on`. */
function wayToParent({ table, through = [] }: Pick<Parentage, 'table' | 'through'>) {
  let holder = 'c'
  let first = ''
  let on = ''
  let others = ''
  for (const [index, name] of through.entries()) {
    const relation = RELATIONS[name]!
    const next = `t${index}`
    const condition = relation.on
      .map(([ours, theirs]) => `${next}.${theirs} = ${holder}.${ours}`)
      .join(' and ')
    if (index === 0) {
      first = `${relation.table} ${next}`
      on = condition
    } else others += ` join ${relation.table} ${next} on ${condition}`
    holder = next
  }
  const from = first === '' ? `${table} c` : `${table} c join ${first} on ${on}${others}`
  const holdMany = through[0] !== undefined && RELATIONS[through[0]]!.holdsMany
  return { from, holder, on, holders: holdMany ? first + others : null }
}
