import { column, RELATIONS } from './catalogue.ts'
import { HeldByFew, isSqlCondition, patternOf, type Where } from './condition.ts'

export interface Order {
  field: string
  direction: 'asc' | 'desc'
  /** Said for fields that may be null only. */
  nulls?: 'first' | 'last'
}

/** Whether something in it can only be asked in SQL. */
export function needsSql(where: Where): boolean {
  return Object.entries(where).some(([field, condition]) =>
    field === 'AND' || field === 'OR'
      ? [condition as Where | Where[]].flat().some(needsSql)
      : isSqlCondition(condition) || condition instanceof HeldByFew,
  )
}

export function orderSql({ field, direction, nulls }: Order): string {
  return `c.${column(field)} ${direction}${nulls ? ` nulls ${nulls}` : ''}`
}

export function conditionSql(where: Where, alias: string, values: unknown[]): string {
  const conditions = Object.entries(where).flatMap(([field, condition]) => {
    if (condition === undefined) return []
    if (field === 'AND') return [joined(condition as Where | Where[], ' and ', 'true', alias, values)]
    if (field === 'OR') return [joined(condition as Where[], ' or ', 'false', alias, values)]
    const relation = RELATIONS[field]
    if (relation) {
      const { is } = condition as { is: Where } | HeldByFew
      const inner = `${alias}_${field}`
      const on = relation.on.map(([ours, theirs]) => `${inner}.${theirs} = ${alias}.${ours}`).join(' and ')
      return [
        `exists (select from ${relation.table} ${inner} where ${on} and ${conditionSql(is, inner, values)})`,
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
  return `(${list.map((condition) => conditionSql(condition, alias, values)).join(by)})`
}

function fieldSql(name: string, condition: unknown, values: unknown[]): string {
  const bind = (value: unknown) => {
    // Untyped on purpose: PostgreSQL takes the column's type, which a string alone doesn't tell (uuid or text).
    values.push(value)
    return `$${values.length}`
  }
  if (isSqlCondition(condition)) return condition.sql(name, bind)
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
      case 'contains':
        return [`${name} ${mode === 'insensitive' ? 'ilike' : 'like'} ${bind(patternOf(String(value)))}`]
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
