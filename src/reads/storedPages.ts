import sql, { type Sql } from 'sql-template-tag'
import { evaluated, hasSomeInStretch, inStretch, rowsByTime, stretchOf, timeOf, WANTED } from './byTime.ts'
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
    parentPagesSql(query, parents, reads.inSteps),
  )
  const pages = new Map<string, Record<string, unknown>[]>(parents.map((parent) => [parent, []]))
  for (const { parent, ...key } of found) pages.get(parent)!.push(key)
  return pages
}

/** The rows of each page come together and in order; the pages in any order. */
export function parentPagesSql(query: ParentPagesQuery, parents: readonly string[], inSteps = false): Sql {
  const { keys, limit } = query
  const page = rowsOfPage(query, sql`p.parent`, { fields: keys, as: selected }, sql`${limit}::int`, inSteps)
  return sql`/* parentPages ${identifier(query.table)} */
    select p.parent, page.*
    from unnest(${parents}::${identifier(query.parentType)}[]) as p(parent)
    cross join lateral (${page}) page`
}

/** The fields that are selected of rows, and how they are named. */
interface Selection {
  fields: readonly string[]
  as: (fields: readonly string[]) => Sql
}

/**
 * A page as a SELECT: of the rows whose parent has the key, or of the tenant's where none is given. `inSteps`: rows that lie in
 * parts are read from one stretch of time after another, see byTime.ts.
 */
export function rowsOfPage(
  query: Parentless & Partial<Parentage>,
  parentKey: Sql | undefined,
  { fields, as }: Selection,
  limit: Sql,
  inSteps = false,
): Sql {
  // Of what simulations hold, however many these are: only those that have some of that time are looked at.
  const isOfSimulations = (query.through?.[0] ?? heldByFew(query.where)?.relation) === 'simulation'
  const steps = inSteps || isOfSimulations ? pageInSteps(query, parentKey, limit) : undefined
  if (steps) return sql`select ${as(fields)} from ${steps} c order by ${orderSql(query.order)} limit ${limit}`
  const condition = (where: Condition) => conditionSql(where, 'c')
  const page = parentKey
    ? underParent(query as Parentage & Parentless, parentKey, { fields, condition, limit })
    : ofTenant(query, { fields, condition, limit })
  return pageFrom(page, as(fields), query.order, limit)
}

function pageFrom(
  { from, where }: { from: Sql; where: Sql },
  selected: Sql,
  order: readonly Order[],
  limit: Sql,
): Sql {
  return sql`select ${selected}
    from ${from}
    where ${where}
    order by ${orderSql(order)}
    limit ${limit}`
}

/** Whole rows of a page; undefined where all that there is would have to be read at once. */
function pageInSteps(
  query: Parentless & Partial<Parentage>,
  parentKey: Sql | undefined,
  limit: Sql,
): Sql | undefined {
  const { table, where, order, parentField } = query
  const time = timeOf(table)
  if (time === undefined) return undefined
  const stretch = stretchOf(table, where, parentKey && { field: parentField!, key: parentKey })
  const [first] = order as readonly [Order]
  const inOrder = first.field === time
  if (!inOrder && !stretch.isBounded) return undefined
  const wanted = inOrder ? WANTED : limit
  const parts = {
    fields: undefined,
    condition: (rows: Condition) => sql`${conditionSql(rows, 'c')} and ${inStretch(table)}`,
    limit: wanted,
    inTime: true,
  }
  const page = parentKey
    ? underParent(query as Parentage & Parentless, evaluated(parentKey), parts)
    : ofTenant(query, parts)
  const statement = pageFrom(page, sql`c.*`, order, wanted)
  return rowsByTime(
    table,
    statement,
    stretch,
    inOrder ? { rows: limit, newest: first.direction === 'desc' } : undefined,
  )
}

/** What the SELECTs of a page have in common. `fields`: undefined for whole rows. */
interface PageParts {
  fields: readonly string[] | undefined
  condition(rows: Condition): Sql
  limit: Sql
  /** Whether the rows of one stretch of time are meant. */
  inTime?: boolean
}

function underParent(
  query: Parentage & Parentless,
  parentKey: Sql,
  parts: PageParts,
): { from: Sql; where: Sql } {
  const condition = parts.condition(query.where)
  const { holder, holders, on, from } = wayToParent(query)
  const ofParent = sql`${column(query.parentField, holder)} = ${parentKey}`
  if (!holders) return { from, where: sql`${ofParent} and ${condition}` }
  return pageOfEach(query, holders, sql`${on} and ${condition}`, ofParent, parts, query.through![0]!)
}

function ofTenant(query: Parentless, parts: PageParts): { from: Sql; where: Sql } {
  const held = heldByFew(query.where)
  const condition = parts.condition(held ? held.rest : query.where)
  if (!held) return { from: sql`${identifier(query.table)} c`, where: condition }
  const { holder, holders, on } = wayToParent({ table: query.table, through: [held.relation] })
  return pageOfEach(
    query,
    holders!,
    sql`${on} and ${condition}`,
    conditionSql(held.where, holder),
    parts,
    held.relation,
  )
}

/** A page `c` of the rows of each holder, read from its index; joined, all rows of all holders may be read. */
function pageOfEach(
  { table, order }: Parentless,
  holders: Sql,
  condition: Sql,
  isHolder: Sql,
  { fields, limit, inTime }: PageParts,
  relation: RelationName,
): { from: Sql; where: Sql } {
  const selected = fields ? columns([...new Set([...fields, ...order.map(({ field }) => field)])]) : sql`c.*`
  return {
    from: sql`${holders} cross join lateral (
          select ${selected} from ${identifier(table)} c where ${condition} order by ${orderSql(order)} limit ${limit}
        ) c`,
    where: inTime && relation === 'simulation' ? sql`${isHolder} and ${hasSomeInStretch('t0')}` : isHolder,
  }
}

/** How many rows each parent has, in one statement. */
export async function countByParent(
  reads: OperationReads,
  query: Omit<ParentPagesQuery, 'keys' | 'order' | 'limit'>,
  parents: readonly string[],
): Promise<Map<string, number>> {
  if (reads.inSteps && isOfSimulation(query)) {
    const rows = await reads.query<{
      parent: string
      rows: number
    }>(sql`/* countByParent ${identifier(query.table)} */
      select p.parent::text as parent, (${countSql(query, sql`p.parent`, true)}) as rows
      from unnest(${parents}::${identifier(query.parentType)}[]) as p(parent)`)
    return new Map(rows.map(({ parent, rows: count }) => [parent, count]))
  }
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
  return reads.query(pageSql(query, reads.inSteps))
}

export function pageSql({ keys, limit, ...query }: PageQuery, inSteps = false): Sql {
  const page = rowsOfPage(query, undefined, { fields: keys, as: selected }, sql`${limit}::int`, inSteps)
  return sql`/* page ${identifier(query.table)} */ ${page}`
}

/** How many rows there are, of the parent with the key or of the tenant, as a SELECT. */
export function countSql(
  query: Pick<ParentPagesQuery, 'table' | 'where'> & Partial<Parentage>,
  parentKey: Sql | undefined,
  inSteps = false,
): Sql {
  const condition = conditionSql(query.where, 'c')
  if (inSteps && parentKey && isOfSimulation(query)) {
    const { table, where, parentField } = query
    const ofParent = sql`${column(parentField!, 'c')} = ${evaluated(parentKey)}`
    const counted = sql`select count(*) from ${identifier(table)} c where ${ofParent} and ${condition} and ${inStretch(table)}`
    const stretch = stretchOf(table, where, { field: parentField!, key: parentKey })
    return sql`select counted::int from ${rowsByTime('bigint', counted, stretch)} counted`
  }
  if (!parentKey) return sql`select count(*)::int from ${identifier(query.table)} c where ${condition}`
  const { from, key } = parentOf(query as Parentage)
  return sql`select count(*)::int from ${from} where ${key} = ${parentKey} and ${condition}`
}

/** Rows that lie in parts, those of one simulation: it knows in which. */
function isOfSimulation({
  table,
  parentField,
  through = [],
}: Pick<ParentPagesQuery, 'table'> & Partial<Parentage>): boolean {
  return timeOf(table) !== undefined && parentField === 'simulationId' && through.length === 0
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
