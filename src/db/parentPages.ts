import type { OperationReads } from './operationReads.ts'

/** The part of Prisma's `where` that filters are made of. */
export type Where = { [field: string]: unknown }

export interface Order {
  field: string
  direction: 'asc' | 'desc'
  /** Said for fields that may be null only. */
  nulls?: 'first' | 'last'
}

/** One page for each of many parents. */
export interface ParentPagesQuery {
  /** Table or view of the rows. */
  table: string
  /** The row's field that holds the parent's key, and that key's SQL type. */
  parentField: string
  parentType: 'uuid' | 'text'
  /** The fields that identify a row. */
  keys: readonly string[]
  where: Where
  order: readonly Order[]
  limit: number
}

/** Tables that filters reach over a to-one relation, and the columns that join them: [ours, theirs]. */
const RELATIONS: Record<string, { table: string; on: readonly (readonly [string, string])[] }> = {
  scenario: { table: 'scenarios', on: [['scenario_id', 'scenario_id']] },
  simulation: { table: 'simulations', on: [['simulation_id', 'simulation_id']] },
  configVersion: { table: 'config_versions', on: [['config_version_id', 'version_id']] },
  outcome: {
    table: 'outcomes',
    on: [
      ['outcome_id', 'outcome_id'],
      ['execution_time', 'execution_time'],
    ],
  },
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
      from ${query.table} c
      where c.${column(query.parentField)} = p.parent and ${condition}
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
  query: Pick<ParentPagesQuery, 'table' | 'parentField' | 'parentType' | 'where'>,
  parents: readonly string[],
): Promise<Map<string, number>> {
  const values: unknown[] = [parents]
  const statement = `/* countByParent ${query.table} */
    select c.${column(query.parentField)} as parent, count(*)::int as rows
    from ${query.table} c
    where c.${column(query.parentField)} = any ($1::${query.parentType}[]) and ${whereSql(query.where, 'c', values)}
    group by 1`
  const rows = await reads.query<{ parent: string; rows: number }>(statement, values)
  return new Map(rows.map(({ parent, rows: count }) => [parent, count]))
}

/** camelCase field → snake_case column, as everywhere in schema.prisma. */
function column(field: string): string {
  return field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

function orderSql({ field, direction, nulls }: Order): string {
  return `c.${column(field)} ${direction}${nulls ? ` nulls ${nulls}` : ''}`
}

function whereSql(where: Where, alias: string, values: unknown[]): string {
  const conditions = Object.entries(where).flatMap(([field, condition]) => {
    if (condition === undefined) return []
    if (field === 'AND') return [joined(condition as Where | Where[], ' and ', 'true', alias, values)]
    if (field === 'OR') return [joined(condition as Where[], ' or ', 'false', alias, values)]
    const relation = RELATIONS[field]
    if (relation) {
      const { is } = condition as { is: Where }
      const inner = `${alias}_${field}`
      const on = relation.on.map(([ours, theirs]) => `${inner}.${theirs} = ${alias}.${ours}`).join(' and ')
      return [
        `exists (select from ${relation.table} ${inner} where ${on} and ${whereSql(is, inner, values)})`,
      ]
    }
    return [fieldSql(`${alias}.${column(field)}`, condition, values)]
  })
  return conditions.length === 0 ? 'true' : conditions.join(' and ')
}

function joined(
  conditions: Where | Where[],
  by: string,
  empty: string,
  alias: string,
  values: unknown[],
): string {
  const list = Array.isArray(conditions) ? conditions : [conditions]
  if (list.length === 0) return empty
  return `(${list.map((condition) => whereSql(condition, alias, values)).join(by)})`
}

function fieldSql(name: string, condition: unknown, values: unknown[]): string {
  const bind = (value: unknown) => {
    // Untyped on purpose: PostgreSQL takes the column's type, which a string alone doesn't tell (uuid or text).
    values.push(value)
    return `$${values.length}`
  }
  if (condition === null) return `${name} is null`
  if (typeof condition !== 'object' || condition instanceof Date) return `${name} = ${bind(condition)}`
  const { mode, ...operators } = condition as Record<string, unknown>
  const parts = Object.entries(operators).flatMap(([operator, value]) => {
    if (value === undefined) return []
    switch (operator) {
      case 'equals':
        return [value === null ? `${name} is null` : `${name} = ${bind(value)}`]
      case 'not':
        return [value === null ? `${name} is not null` : `${name} is distinct from ${bind(value)}`]
      case 'in':
        return [`${name} = any (${bind(value)})`]
      case 'lt':
        return [`${name} < ${bind(value)}`]
      case 'lte':
        return [`${name} <= ${bind(value)}`]
      case 'gt':
        return [`${name} > ${bind(value)}`]
      case 'gte':
        return [`${name} >= ${bind(value)}`]
      case 'contains': {
        const pattern = `%${String(value).replace(/[\\%_]/g, '\\$&')}%`
        return [`${name} ${mode === 'insensitive' ? 'ilike' : 'like'} ${bind(pattern)}`]
      }
      case 'hasSome':
        return [`${name} && ${bind(value)}`]
      case 'hasEvery':
        return [`${name} @> ${bind(value)}`]
      default:
        throw new Error(`the filter operator ${operator} has no SQL`)
    }
  })
  return parts.length === 0 ? 'true' : `(${parts.join(' and ')})`
}
