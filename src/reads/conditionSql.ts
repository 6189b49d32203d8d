import sql, { empty, join, type Sql } from 'sql-template-tag'
import { closedValue, column, columnName, identifier, joinedOn, RELATIONS } from './catalogue.ts'
import { type HeldByFew, isSqlCondition, type Where } from './condition.ts'

export interface Order {
  field: string
  direction: 'asc' | 'desc'
  /** Said for fields that may be null only. */
  nulls?: 'first' | 'last'
}

const DIRECTIONS = { asc: sql`asc`, desc: sql`desc` }
const NULLS = { first: sql` nulls first`, last: sql` nulls last` }

/** What stands behind ORDER BY, for rows `c`. */
export function orderSql(order: readonly Order[]): Sql {
  return join(
    order.map(
      ({ field, direction, nulls }) =>
        sql`${column(field, 'c')} ${DIRECTIONS[direction]}${nulls ? NULLS[nulls] : empty}`,
    ),
    ', ',
  )
}

export function conditionSql(where: Where, alias: string): Sql {
  const conditions = Object.entries(where).flatMap(([field, condition]) => {
    if (condition === undefined) return []
    if (field === 'AND') return [joined(condition as Where | Where[], ' and ', sql`true`, alias)]
    if (field === 'OR') return [joined(condition as Where[], ' or ', sql`false`, alias)]
    const relation = RELATIONS[field]
    if (relation) {
      const { is } = condition as { is: Where } | HeldByFew
      const inner = `${alias}_${columnName(field)}`
      const rows = sql`${identifier(relation.table)} ${identifier(inner)}`
      const on = joinedOn(relation, alias, inner)
      return [sql`exists (select from ${rows} where ${on} and ${conditionSql(is, inner)})`]
    }
    return [fieldSql(field, alias, condition)]
  })
  return conditions.length === 0 ? sql`true` : join(conditions, ' and ')
}

function joined(conditions: Where | Where[], by: ' and ' | ' or ', none: Sql, alias: string): Sql {
  const list = [conditions].flat().map((condition) => conditionSql(condition, alias))
  return list.length === 0 ? none : join(list, by, '(', ')')
}

/**
 * Whether one plan is good for all values: those that stand in the statement, and equal ids, of which each has an index and no
 * value is much more common than others. For other values that it does not know PostgreSQL may choose a way that reads
 * everything.
 */
export function plansAlike(where: Where): boolean {
  return Object.entries(where).every(([field, condition]) => {
    if (field === 'AND' || field === 'OR') return [condition as Where | Where[]].flat().every(plansAlike)
    if (RELATIONS[field]) return plansAlike((condition as { is: Where }).is)
    if (isSqlCondition(condition) || condition instanceof Date) return false
    if (condition === null || typeof condition !== 'object') return isKnown(field, condition)
    return Object.entries(condition).every(
      ([operator, value]) =>
        (operator === 'equals' && field.endsWith('Id')) ||
        (['equals', 'not', 'in'].includes(operator) && [value].flat().every((each) => isKnown(field, each))),
    )
  })
}

function isKnown(field: string, value: unknown): boolean {
  return value === null || value === undefined || closedValue(field, value) !== undefined
}

/** Values are untyped on purpose: PostgreSQL takes the column's type, which a string alone doesn't tell (uuid or text). */
function fieldSql(field: string, alias: string, condition: unknown): Sql {
  const name = column(field, alias)
  if (isSqlCondition(condition)) return condition.sql(name)
  if (condition === null) return sql`${name} is null`
  const valueSql = (value: unknown) => closedValue(field, value) ?? sql`${value}`
  if (typeof condition !== 'object' || condition instanceof Date) return sql`${name} = ${valueSql(condition)}`
  const { mode, ...operators } = condition as Record<string, unknown>
  const parts = Object.entries(operators).flatMap(([operator, value]) => {
    if (value === undefined) return []
    switch (operator) {
      case 'equals':
        return [value === null ? sql`${name} is null` : sql`${name} = ${valueSql(value)}`]
      case 'not':
        return [value === null ? sql`${name} is not null` : sql`${name} is distinct from ${valueSql(value)}`]
      case 'in':
        return [amongSql(field, name, value as readonly unknown[])]
      case 'lt':
        return [sql`${name} < ${value}`]
      case 'lte':
        return [sql`${name} <= ${value}`]
      case 'gt':
        return [sql`${name} > ${value}`]
      case 'gte':
        return [sql`${name} >= ${value}`]
      case 'contains':
        return [sql`${name} ${mode === 'insensitive' ? sql`ilike` : sql`like`} ${`%${value}%`}`]
      case 'hasSome':
        return [sql`${name} && ${value}`]
      case 'hasEvery':
        return [sql`${name} @> ${value}`]
      default:
        throw new Error(`the filter operator ${operator} has no SQL`)
    }
  })
  return parts.length === 0 ? sql`true` : join(parts, ' and ', '(', ')')
}

function amongSql(field: string, name: Sql, values: readonly unknown[]): Sql {
  const closed = [...new Set(values)].map((value) => closedValue(field, value))
  if (closed.length > 0 && closed.every((value) => value !== undefined))
    return sql`${name} in (${join(closed, ', ')})`
  return sql`${name} = any (${values})`
}
