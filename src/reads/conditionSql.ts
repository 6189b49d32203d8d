import sql, { empty, join, type Sql } from 'sql-template-tag'
import {
  type Column,
  closedValue,
  column,
  columnName,
  identifier,
  joinedOn,
  RELATIONS,
  type RelationName,
} from './catalogue.ts'
import { all, type Comparison, type Condition, likeText, type Value } from './condition.ts'

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

const COMPARISONS: Readonly<Record<Comparison, Sql>> = {
  '=': sql`=`,
  '<': sql`<`,
  '<=': sql`<=`,
  '>': sql`>`,
  '>=': sql`>=`,
}

/**
 * The condition on rows of this alias; it stands beside others joined by `and`. Values are untyped on purpose: PostgreSQL
 * takes the column's type, which a string alone doesn't tell (uuid or text).
 */
export function conditionSql(condition: Condition, alias: string): Sql {
  switch (condition.is) {
    case 'all':
      return joined(condition.of, ' and ', sql`true`, alias)
    case 'any':
      return joined(condition.of, ' or ', sql`false`, alias)
    case 'related': {
      const relation = RELATIONS[condition.relation]
      const inner = `${alias}_${columnName(condition.relation)}`
      const rows = sql`${identifier(relation.table)} ${identifier(inner)}`
      const on = joinedOn(relation, alias, inner)
      return sql`exists (select from ${rows} where ${on} and ${conditionSql(condition.where, inner)})`
    }
    case 'compared': {
      const { by, value } = condition
      return sql`${column(condition.column.field, alias)} ${COMPARISONS[by]} ${valueSql(condition.column, value)}`
    }
    case 'beyond': {
      // As one comparison of rows, which an index in that order begins at: of `or` PostgreSQL expects so little that it plans a
      // page behind a cursor each time, for twice as long as it reads.
      const { columns, by, values } = condition
      const names = columns.map(({ field }) => column(field, alias))
      const places = columns.map((each, index) => valueSql(each, values[index]!))
      return sql`(${join(names, ', ')}) ${COMPARISONS[by]} (${join(places, ', ')})`
    }
    case 'among':
      return amongSql(condition.column, column(condition.column.field, alias), condition.values)
    case 'missing':
      return sql`${column(condition.column.field, alias)} is ${condition.isMissing ? empty : sql`not `}null`
    case 'contains':
      return sql`${column(condition.column.field, alias)} ilike ${`%${likeText(condition.text)}%`}`
    case 'lists':
      return sql`${column(condition.column.field, alias)} ${condition.which === 'some' ? sql`&&` : sql`@>`} ${condition.texts}`
    case 'written':
      return condition.sql(column(condition.column.field, alias))
  }
}

function joined(conditions: readonly Condition[], by: ' and ' | ' or ', none: Sql, alias: string): Sql {
  const parts = conditions.map((condition) => conditionSql(condition, alias))
  return parts.length === 0 ? none : join(parts, by, '(', ')')
}

function valueSql(column: Column, value: Value): Sql {
  return closedValue(column, value) ?? sql`${value}`
}

function amongSql(of: Column, name: Sql, values: readonly Value[]): Sql {
  const closed = [...new Set(values)].map((value) => closedValue(of, value))
  if (closed.length > 0 && closed.every((value) => value !== undefined))
    return sql`${name} in (${join(closed, ', ')})`
  return sql`${name} = any (${values})`
}

/**
 * Whether one plan is good for all values: those that stand in the statement, and equal ids, of which each has an index and no
 * value is much more common than others. For other values that it does not know PostgreSQL may choose a way that reads
 * everything.
 */
export function plansAlike(condition: Condition): boolean {
  switch (condition.is) {
    case 'all':
    case 'any':
      return condition.of.every(plansAlike)
    case 'related':
      return plansAlike(condition.where)
    case 'missing':
      return true
    case 'compared':
      return (
        closedValue(condition.column, condition.value) !== undefined ||
        (condition.by === '=' && condition.column.field.endsWith('Id'))
      )
    case 'beyond':
      return true
    case 'among':
      return condition.values.every((value) => closedValue(condition.column, value) !== undefined)
    default:
      return false
  }
}

/** The fields of the row itself that a condition looks at. */
export function fieldsOf(condition: Condition): readonly string[] {
  switch (condition.is) {
    case 'all':
    case 'any':
      return condition.of.flatMap(fieldsOf)
    case 'related':
      return RELATIONS[condition.relation].on.map(([ours]) => ours)
    case 'beyond':
      return condition.columns.map(({ field }) => field)
    default:
      return [condition.column.field]
  }
}

/** The condition that all rows are held by few others, if it is one of these, and what else they have to fulfil. */
export function heldByFew(
  condition: Condition,
): { relation: RelationName; where: Condition; rest: Condition } | undefined {
  if (condition.is === 'related' && condition.holdsFew)
    return { relation: condition.relation, where: condition.where, rest: all() }
  if (condition.is !== 'all') return undefined
  for (const [index, part] of condition.of.entries()) {
    const held = heldByFew(part)
    if (held) return { ...held, rest: all(...condition.of.with(index, held.rest)) }
  }
  return undefined
}
