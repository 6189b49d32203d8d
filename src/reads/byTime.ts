import sql, { join, type Sql } from 'sql-template-tag'
import { type Column, column, identifier, textLiteral } from './catalogue.ts'
import type { Condition } from './condition.ts'
import { conditionSql, heldByFew } from './conditionSql.ts'

/**
 * Rows of tables that lie in parts, chunks or partitions, by their time. A plan for a statement on such a table opens all parts of
 * which it does not know that they are not meant: of 400 chunks that takes 50 ms, with 2,800 locks. So where there are many parts,
 * statements have such rows from a function, `rows_by_time`, which plans the parts of a stretch of time and no others.
 */
const TIMES: Readonly<Record<string, string>> = { outcomes: 'executionTime', tool_usage: 'executionTime' }

/** The field by whose time the rows of a table lie in parts. */
export function timeOf(table: string): string | undefined {
  return TIMES[table]
}

/** A value in a statement that becomes text: what this expression gives around it. */
class Evaluated {
  readonly sql: Sql

  constructor(expression: Sql) {
    this.sql = expression
  }
}

export function evaluated(expression: Sql): Sql {
  return sql`${new Evaluated(expression)}`
}

/** The statement as an expression of its text, in which its values are literals. */
function textOf({ strings, values }: Sql): Sql {
  if (values.length === 0) return textLiteral(strings.join(''))
  const template = strings.map((part) => part.replaceAll('%', '%%')).join('%L')
  const texts = values.map((value) => sql`${value instanceof Evaluated ? value.sql : value}::text`)
  return sql`format(${textLiteral(template)}, variadic array[${join(texts, ', ')}])`
}

/** Of which times rows are, so far as that is known, and of which scenario or version alone. */
export interface Stretch {
  first: Sql
  last: Sql
  /** Whether both of its ends are known. */
  isBounded: boolean
  scenario?: Sql
  version?: Sql
}

/** What holds for `c` where a statement reads one stretch of time after another. */
export function inStretch(table: string): Sql {
  const time = column(timeOf(table)!, 'c')
  return sql`${time} >= $1 and ${time} < $2`
}

/** What holds for simulations that have outcomes there. */
export function hasSomeInStretch(simulations: string): Sql {
  const [first, last] = [column('firstOutcomeAt', simulations), column('lastOutcomeAt', simulations)]
  return sql`${last} >= $1 and ${first} < $2`
}

/** How many rows such a statement is to give. */
export const WANTED = sql`$3`

/**
 * The rows of a statement, as something to stand behind FROM. `kind`: a table or type that has such rows. `most`: reads the newest
 * or the oldest stretch of time first, until there are so many; else all at once.
 */
export function rowsByTime(
  kind: string,
  statement: Sql,
  { first, last, scenario, version }: Stretch,
  most?: { rows: Sql; newest: boolean },
): Sql {
  const order = most ? sql`${most.rows}, ${most.newest ? sql`true` : sql`false`}` : sql`null, true`
  const of = scenario ? sql`, scenario => ${scenario}` : version ? sql`, version => ${version}::uuid` : sql``
  return sql`rows_by_time(null::${identifier(kind)}, ${textOf(statement)}, ${first}, ${last}, ${order}${of})`
}

/** The row of which these fields have these values, the time among them; undefined where rows do not lie in parts. */
export function rowAt(
  table: string,
  values: readonly (readonly [field: string, value: Sql])[],
): Sql | undefined {
  const time = values.find(([field]) => field === timeOf(table))
  if (!time) return undefined
  const keys = values.filter((value) => value !== time)
  const isIt = join(
    keys.map(([field, value]) => sql`${column(field, 'c')} = ${evaluated(value)}`),
    ' and ',
  )
  const [, at] = time
  const statement = sql`select c.* from ${identifier(table)} c where ${isIt} and ${inStretch(table)}`
  return rowsByTime(table, statement, { first: at, last: at, isBounded: true })
}

/** The times of rows that fulfil a condition, and are below `parent`, a row that holds them. */
export function stretchOf(table: string, where: Condition, parent?: { field: string; key: Sql }): Stretch {
  const bounds = { first: [] as Sql[], last: [] as Sql[] }
  const stretch: Pick<Stretch, 'scenario' | 'version'> = {}
  const held = heldByFew(where)
  const parts = conditionsOf(where)
  const ofSimulations = (isIt: Sql) => {
    // None, for those that have none.
    bounds.first.push(
      sql`(select coalesce(min(first_outcome_at), 'infinity') from simulations s where ${isIt})`,
    )
    bounds.last.push(
      sql`(select coalesce(max(last_outcome_at), '-infinity') from simulations s where ${isIt})`,
    )
  }
  for (const part of parts) {
    if (part.is !== 'compared' && part.is !== 'among') continue
    const { field } = part.column
    if (field === 'simulationId') ofSimulations(conditionSql(part, 's'))
    if (part.is !== 'compared') continue
    const value = sql`${part.value}`
    if (field === 'scenarioId' && part.by === '=') stretch.scenario = sql`${value}::text`
    if (field !== timeOf(table)) continue
    if (part.by !== '<' && part.by !== '<=') bounds.first.push(sql`${value}::timestamptz`)
    if (part.by !== '>' && part.by !== '>=') bounds.last.push(sql`${value}::timestamptz`)
  }
  for (const part of held ? conditionsOf(held.where) : [])
    if (isEqual(part, 'configVersionId')) stretch.version = sql`${part.value}`
  if (parent?.field === 'simulationId') ofSimulations(sql`s.simulation_id = ${parent.key}`)
  if (parent?.field === 'scenarioId') stretch.scenario = parent.key
  if (parent?.field === 'configVersionId') stretch.version = parent.key
  return {
    ...stretch,
    first: bounds.first.length > 0 ? sql`greatest(${join(bounds.first, ', ')})` : sql`'-infinity'`,
    last: bounds.last.length > 0 ? sql`least(${join(bounds.last, ', ')})` : sql`'infinity'`,
    isBounded: bounds.first.length > 0 && bounds.last.length > 0,
  }
}

function conditionsOf(where: Condition): readonly Condition[] {
  return where.is === 'all' ? where.of.flatMap(conditionsOf) : [where]
}

function isEqual(condition: Condition, field: Column['field']): condition is Condition & { is: 'compared' } {
  return condition.is === 'compared' && condition.by === '=' && condition.column.field === field
}
