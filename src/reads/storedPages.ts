import sql, { type Sql } from 'sql-template-tag'
import { column, columns, identifier, joinedOn, RELATIONS, type RelationName, selected } from './catalogue.ts'
import type { Condition } from './condition.ts'
import { conditionSql, heldByFew, type Order, orderSql } from './conditionSql.ts'
import type { OperationReads } from './operationReads.ts'

/** One page for each of many parents. */
export interface ParentPagesQuery {
  /** Table or view of the rows. */
  table: string
  /** The field that holds the parent's key, and that key's SQL type. */
  parentField: string
  /** The relations that lead to the row that holds the key, one from the other, where the row itself does not. */
  through?: readonly RelationName[]
  parentType: 'uuid' | 'text'
  /** The fields that identify a row. */
  keys: readonly string[]
  where: Condition
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
  const found = await reads.query<{ parent: string } & Record<string, unknown>>(
    parentPagesSql(query, parents),
  )
  const pages = new Map<string, Record<string, unknown>[]>(parents.map((parent) => [parent, []]))
  for (const { parent, ...key } of found) pages.get(parent)!.push(key)
  return pages
}

/** The rows of each page come together and in order; the pages in any order. */
export function parentPagesSql(query: ParentPagesQuery, parents: readonly string[]): Sql {
  const { keys, limit } = query
  return sql`/* parentPages ${identifier(query.table)} */
    select p.parent, page.*
    from unnest(${parents}::${identifier(query.parentType)}[]) as p(parent)
    cross join lateral (${rowsOfPage(query, sql`p.parent`, { fields: keys, as: selected }, sql`${limit}::int`)}) page`
}

/** The fields that are selected of rows, and how they are named. */
interface Selection {
  fields: readonly string[]
  as: (fields: readonly string[]) => Sql
}

/** A page as a SELECT: of the rows whose parent has the key, or of the tenant's where none is given. */
export function rowsOfPage(
  query: Parentless & Partial<Parentage>,
  parentKey: Sql | undefined,
  { fields, as }: Selection,
  limit: Sql,
): Sql {
  const { from, where } = parentKey
    ? underParent(query as Parentage & Parentless, parentKey, fields, limit)
    : ofTenant(query, fields, limit)
  return sql`select ${as(fields)}
    from ${from}
    where ${where}
    order by ${orderSql(query.order)}
    limit ${limit}`
}

function underParent(
  query: Parentage & Parentless,
  parentKey: Sql,
  fields: readonly string[],
  limit: Sql,
): { from: Sql; where: Sql } {
  const condition = conditionSql(query.where, 'c')
  const { holder, holders, on, from } = wayToParent(query)
  const ofParent = sql`${column(query.parentField, holder)} = ${parentKey}`
  if (!holders) return { from, where: sql`${ofParent} and ${condition}` }
  return { from: pageOfEach(query, holders, sql`${on} and ${condition}`, fields, limit), where: ofParent }
}

function ofTenant(query: Parentless, fields: readonly string[], limit: Sql): { from: Sql; where: Sql } {
  const held = heldByFew(query.where)
  const condition = conditionSql(held ? held.rest : query.where, 'c')
  if (!held) return { from: sql`${identifier(query.table)} c`, where: condition }
  const { holder, holders, on } = wayToParent({ table: query.table, through: [held.relation] })
  return {
    from: pageOfEach(query, holders!, sql`${on} and ${condition}`, fields, limit),
    where: conditionSql(held.where, holder),
  }
}

/** A page `c` of the rows of each holder, read from its index; joined, all rows of all holders may be read. */
function pageOfEach(
  { table, order }: Parentless,
  holders: Sql,
  condition: Sql,
  fields: readonly string[],
  limit: Sql,
): Sql {
  const selected = columns([...new Set([...fields, ...order.map(({ field }) => field)])])
  return sql`${holders} cross join lateral (
          select ${selected} from ${identifier(table)} c where ${condition} order by ${orderSql(order)} limit ${limit}
        ) c`
}

/** How many rows each parent has, in one statement. */
export async function countByParent(
  reads: OperationReads,
  query: Omit<ParentPagesQuery, 'keys' | 'order' | 'limit'>,
  parents: readonly string[],
): Promise<Map<string, number>> {
  const { from, key } = parentOf(query)
  const rows = await reads.query<{
    parent: string
    rows: number
  }>(sql`/* countByParent ${identifier(query.table)} */
    select ${key} as parent, count(*)::int as rows
    from ${from}
    where ${key} = any (${parents}::${identifier(query.parentType)}[]) and ${conditionSql(query.where, 'c')}
    group by 1`)
  return new Map(rows.map(({ parent, rows: count }) => [parent, count]))
}

/** The part of a page that has nothing to do with parents. */
type Parentless = Pick<ParentPagesQuery, 'table' | 'where' | 'order'>
type PageQuery = Parentless & Pick<ParentPagesQuery, 'keys' | 'limit'>

/** The keys of one page of the tenant's rows. */
export async function readPage(reads: OperationReads, query: PageQuery): Promise<Record<string, unknown>[]> {
  return reads.query(pageSql(query))
}

export function pageSql({ keys, limit, ...query }: PageQuery): Sql {
  return sql`/* page ${identifier(query.table)} */ ${rowsOfPage(query, undefined, { fields: keys, as: selected }, sql`${limit}::int`)}`
}

/** How many rows there are, of the parent with the key or of the tenant, as a SELECT. */
export function countSql(
  query: Pick<ParentPagesQuery, 'table' | 'where'> & Partial<Parentage>,
  parentKey: Sql | undefined,
): Sql {
  const condition = conditionSql(query.where, 'c')
  if (!parentKey) return sql`select count(*)::int from ${identifier(query.table)} c where ${condition}`
  const { from, key } = parentOf(query as Parentage)
  return sql`select count(*)::int from ${from} where ${key} = ${parentKey} and ${condition}`
}

/** How many of the tenant's rows there are. */
export async function countRows(
  reads: OperationReads,
  { table, where }: Pick<ParentPagesQuery, 'table' | 'where'>,
): Promise<number> {
  const name = identifier(table)
  const rows = await reads.query<{ rows: number }>(
    sql`/* count ${name} */ select count(*)::int as rows from ${name} c where ${conditionSql(where, 'c')}`,
  )
  return rows[0]!.rows
}

type Parentage = Pick<ParentPagesQuery, 'table' | 'parentField' | 'through'>

/** Where rows come from, and which of its columns is the parent's key. */
export function parentOf(query: Parentage): { from: Sql; key: Sql } {
  const { from, holder } = wayToParent(query)
  return { from, key: column(query.parentField, holder) }
}

/** The rows `c` joined to what holds the parent's key; `holders` without the rows, where each may have many: see `on`. */
function wayToParent({ table, through = [] }: Pick<Parentage, 'table' | 'through'>) {
  const [first, ...others] = through.map((name, index) => {
    const relation = RELATIONS[name]
    const alias = `t${index}`
    return {
      rows: sql`${identifier(relation.table)} ${identifier(alias)}`,
      on: joinedOn(relation, index === 0 ? 'c' : `t${index - 1}`, alias),
      holdsMany: relation.holdsMany,
    }
  })
  const listed = sql`${identifier(table)} c`
  if (!first) return { from: listed, holder: 'c', on: sql`true`, holders: null }
  const withOthers = (from: Sql) =>
    others.reduce((left, { rows, on }) => sql`${left} join ${rows} on ${on}`, from)
  return {
    from: withOthers(sql`${listed} join ${first.rows} on ${first.on}`),
    holder: `t${others.length}`,
    on: first.on,
    holders: first.holdsMany ? withOthers(first.rows) : null,
  }
}
