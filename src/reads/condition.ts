import sql, { empty, join, type Sql } from 'sql-template-tag'
import { type Column, identifier, type RelationName } from './catalogue.ts'

/** A value that a column is compared with. */
export type Value = string | number | bigint | boolean | Date

/** What rows have to be: a tree of conditions, which conditionSql.ts writes. */
export type Condition = Joined | Compared | Beyond | Among | Missing | Contains | Lists | Related | Written

/** All of them hold, or one of them; of none `all` holds for every row and `any` for none. */
interface Joined {
  is: 'all' | 'any'
  of: readonly Condition[]
}

export type Comparison = '=' | '<' | '<=' | '>' | '>='

interface Compared {
  is: 'compared'
  column: Column
  by: Comparison
  value: Value
}

/** The row stands before or behind a place in the order of these columns, none of which may be missing. */
interface Beyond {
  is: 'beyond'
  columns: readonly Column[]
  by: '<' | '>'
  values: readonly Value[]
}

/** The value is one of these. */
interface Among {
  is: 'among'
  column: Column
  values: readonly Value[]
}

interface Missing {
  is: 'missing'
  column: Column
  isMissing: boolean
}

/** The text has this in it, whatever the case. For texts of a bounded length: see `hasText`. */
interface Contains {
  is: 'contains'
  column: Column
  text: string
}

/** The list has one of the texts, or every one. */
interface Lists {
  is: 'lists'
  column: Column
  which: 'some' | 'every'
  texts: readonly string[]
}

/** What the row belongs to is so. */
interface Related {
  is: 'related'
  relation: RelationName
  where: Condition
  /**
   * Few fulfil it, each with rows that an index has in order: a page is read of each. In the list's own order everything
   * would be read that comes before the first row that fits.
   */
  holdsFew: boolean
}

/** In words of its own. */
interface Written {
  is: 'written'
  column: Column
  sql(column: Sql): Sql
}

/** All of them hold. Those on what a row belongs to are asked together, as it is looked up once. */
export function all(...conditions: readonly Condition[]): Condition {
  const related = new Map<string, Related>()
  const others: Condition[] = []
  for (const condition of conditions.flatMap((each) => (each.is === 'all' ? each.of : [each]))) {
    if (condition.is !== 'related') others.push(condition)
    else related.set(condition.relation, together(related.get(condition.relation), condition))
  }
  const [only, ...more] = [...others, ...related.values()]
  return only && more.length === 0 ? only : { is: 'all', of: only ? [only, ...more] : [] }
}

function together(one: Related | undefined, other: Related): Related {
  if (!one) return other
  return { ...one, where: all(one.where, other.where), holdsFew: one.holdsFew || other.holdsFew }
}

export function any(...conditions: readonly Condition[]): Condition {
  return { is: 'any', of: conditions }
}

export function compared(column: Column, by: Comparison, value: Value): Condition {
  return { is: 'compared', column, by, value }
}

export function equal(column: Column, value: Value): Condition {
  return compared(column, '=', value)
}

export function beyondPlace(columns: readonly Column[], by: '<' | '>', values: readonly Value[]): Condition {
  return columns.length === 0 ? any() : { is: 'beyond', columns, by, values }
}

export function among(column: Column, values: readonly Value[]): Condition {
  return { is: 'among', column, values }
}

export function missing(column: Column, isMissing = true): Condition {
  return { is: 'missing', column, isMissing }
}

export function contains(column: Column, text: string): Condition {
  return { is: 'contains', column, text }
}

export function lists(column: Column, which: 'some' | 'every', texts: readonly string[]): Condition {
  return { is: 'lists', column, which, texts }
}

export function related(relation: RelationName, where: Condition, holdsFew = false): Condition {
  return { is: 'related', relation, where, holdsFew }
}

/** The key is among those that a search finds. The function filters by tenant itself: migration 0018 says why. */
export function foundBy(
  key: Column,
  search: 'search_scenarios' | 'search_failure_patterns',
  words: string,
): Condition {
  return written(key, (column) => sql`${column} in (select ${identifier(`public.${search}`)}(${words}))`)
}

/** The signature is one of the group by meaning that has this one. */
export function inGroupOf(signature: Column, one: string): Condition {
  return written(signature, (column) => sql`${column} in (select public.failures_of_group(${one}))`)
}

/** A text of the list has this in it, whatever the case, and is one of `values` when these are given. */
export function hasElement(list: Column, text: string, values?: readonly string[]): Condition {
  return written(list, (column) => {
    const isAmong = values ? sql` and element = any (${values})` : empty
    return sql`exists (select from unnest(${column}) element where element ilike ${`%${likeText(text)}%`}${isAmong})`
  })
}

/** The text has this in it, whatever the case. For texts of any length. */
export function hasText(text: Column, contained: string): Condition {
  return written(text, (column) => containsSql(column, contained))
}

/** The time is that of one of these UUIDv7. In SQL, as a statement may be made before its ids are known. */
export function atTimeOf(time: Column, uuids: readonly string[]): Condition {
  const [only, ...more] = uuids
  return written(time, (column) =>
    only !== undefined && more.length === 0
      ? sql`${column} = public.time_of_uuid(${only})`
      : sql`${column} = any (array(select public.time_of_uuid(id) from unnest(${uuids}::uuid[]) id))`,
  )
}

function written(column: Column, write: Written['sql']): Condition {
  return { is: 'written', column, sql: write }
}

/**
 * As a regular expression that is a plain text (`***=`): LIKE begins again at each character, so that a text of 1 MB and one
 * of 1,000 characters take seconds together, which nothing interrupts.
 */
function containsSql(text: Sql, contained: string): Sql {
  return sql`${text} ~* ${`***=${contained}`}`
}

/** A text that means itself in a pattern of LIKE. */
export function likeText(text: string): string {
  return text.replace(/[\\%_]/g, '\\$&')
}

/** What one place of a JSON tree has to be; all that is given has to hold. */
export interface JsonPathCondition {
  /** Keys, and indexes of lists from 0, from the outside in. */
  path: readonly string[]
  exists?: boolean
  /** As JSON text. */
  eq?: string
  in?: readonly string[]
  /** Of texts, whatever the case. */
  contains?: string
  /** Of numbers. */
  gte?: number
  gt?: number
  lte?: number
  lt?: number
}

/**
 * All conditions on one tree. It is unpacked once a row (`||` returns a copy that is, `offset 0` keeps the planner from
 * putting the expression back into each condition): for each of them again, a row of 10 MB would take 10 MB each, and no
 * time limit ends what is done to one row.
 */
export function atJsonPaths(tree: Column, conditions: readonly JsonPathCondition[]): Condition {
  return written(tree, (column) => {
    const parts = join(conditions.map(jsonPathSql), ' and ')
    return sql`exists (select from (select ${column} || '{}'::jsonb as tree offset 0) unpacked where ${parts})`
  })
}

function jsonPathSql({ path, exists, eq, in: list, contains, gte, gt, lte, lt }: JsonPathCondition): Sql {
  const value = sql`(tree #> ${path}::text[])`
  const text = sql`(tree #>> ${path}::text[])`
  const parts: Sql[] = []
  if (exists !== undefined) parts.push(exists ? sql`${value} is not null` : sql`${value} is null`)
  if (eq !== undefined) parts.push(sql`${value} = ${eq}::jsonb`)
  if (list !== undefined) parts.push(sql`${value} = any (${list}::jsonb[])`)
  if (contains !== undefined) {
    parts.push(sql`jsonb_typeof${value} = 'string' and ${containsSql(text, contains)}`)
  }
  for (const [operator, limit] of [
    [sql`>=`, gte],
    [sql`>`, gt],
    [sql`<=`, lte],
    [sql`<`, lt],
  ] as const) {
    // Not `and`: the cast must not be tried on a text.
    if (limit !== undefined)
      parts.push(
        sql`case jsonb_typeof${value} when 'number' then ${text}::numeric ${operator} ${limit}::numeric end`,
      )
  }
  // A place that is not there is null, and so is what it is compared with: neither true nor false.
  return parts.length === 0 ? sql`${value} is not null` : sql`(${join(parts, ' and ')}) is true`
}
