import sql, { empty, join, type Sql } from 'sql-template-tag'
import { identifier } from './catalogue.ts'

/** The part of Prisma's `where` that filters are made of, and conditions that Prisma has no words for. */
export type Where = { [field: string]: unknown }

/** A condition on a column that Prisma has no words for. */
export class SqlCondition {
  readonly sql: (column: Sql) => Sql

  constructor(sql: SqlCondition['sql']) {
    this.sql = sql
  }
}

export function isSqlCondition(condition: unknown): condition is SqlCondition {
  return condition instanceof SqlCondition
}

/**
 * A condition on what the listed rows hang on, of which few fulfil it, each with rows that an index has in order: a page is
 * read of each. In the list's own order everything would be read that comes before the first row that fits.
 */
export class HeldByFew {
  readonly is: Where

  constructor(is: Where) {
    this.is = is
  }
}

/** The key is among those that a search finds. The function filters by tenant itself: migration 0018 says why. */
export function foundBy(search: 'search_scenarios' | 'search_failure_patterns', words: string): SqlCondition {
  return new SqlCondition((column) => sql`${column} in (select ${identifier(`public.${search}`)}(${words}))`)
}

/** A text of the list has this in it, whatever the case, and is one of `among` when that is given. */
export function hasElement(contains: string, among?: readonly string[]): SqlCondition {
  return new SqlCondition((column) => {
    const isAmong = among ? sql` and element = any (${among})` : empty
    return sql`exists (select from unnest(${column}) element where element ilike ${`%${likeText(contains)}%`}${isAmong})`
  })
}

/** The text has this in it, whatever the case. For texts of any length. */
export function hasText(contains: string): SqlCondition {
  return new SqlCondition((column) => containsSql(column, contains))
}

/**
 * As a regular expression that is a plain text (`***=`): LIKE begins again at each character, so that a text of 1 MB and one
 * of 1,000 characters take seconds together, which nothing interrupts.
 */
function containsSql(text: Sql, contained: string): Sql {
  return sql`${text} ~* ${`***=${contained}`}`
}

/** A text that means itself in a pattern of LIKE. Prisma, which makes one of `contains`, leaves that to its caller. */
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
export function atJsonPaths(conditions: readonly JsonPathCondition[]): SqlCondition {
  return new SqlCondition((column) => {
    const parts = join(conditions.map(jsonPathSql), ' and ')
    return sql`exists (select from (select ${column} || '{}'::jsonb as tree offset 0) unpacked where ${parts})`
  })
}

function jsonPathSql({ path, exists, eq, in: list, contains, ...bounds }: JsonPathCondition): Sql {
  const value = sql`(tree #> ${path}::text[])`
  const text = sql`(tree #>> ${path}::text[])`
  const parts: Sql[] = []
  if (exists !== undefined) parts.push(exists ? sql`${value} is not null` : sql`${value} is null`)
  if (eq !== undefined) parts.push(sql`${value} = ${eq}::jsonb`)
  if (list !== undefined) parts.push(sql`${value} = any (${list}::jsonb[])`)
  if (contains !== undefined) {
    parts.push(sql`jsonb_typeof${value} = 'string' and ${containsSql(text, contains)}`)
  }
  for (const [bound, limit] of Object.entries(bounds)) {
    const operator = OPERATORS[bound as keyof typeof OPERATORS]
    // Not `and`: the cast must not be tried on a text.
    parts.push(
      sql`case jsonb_typeof${value} when 'number' then ${text}::numeric ${operator} ${limit}::numeric end`,
    )
  }
  // A place that is not there is null, and so is what it is compared with: neither true nor false.
  return parts.length === 0 ? sql`${value} is not null` : sql`(${join(parts, ' and ')}) is true`
}

const OPERATORS = { gte: sql`>=`, gt: sql`>`, lte: sql`<=`, lt: sql`<` }
