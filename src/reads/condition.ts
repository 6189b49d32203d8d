/** The part of Prisma's `where` that filters are made of, and conditions that Prisma has no words for. */
export type Where = { [field: string]: unknown }

/** A condition on a column that Prisma has no words for. `bind` makes a parameter of a value. */
export class SqlCondition {
  readonly sql: (column: string, bind: (value: unknown) => string) => string

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
  return new SqlCondition((column, bind) => `${column} in (select public.${search}(${bind(words)}))`)
}

/** A text of the list has this in it, whatever the case, and is one of `among` when that is given. */
export function hasElement(contains: string, among?: readonly string[]): SqlCondition {
  return new SqlCondition((column, bind) => {
    const isAmong = among ? ` and element = any (${bind(among)})` : ''
    return `exists (select from unnest(${column}) element where element ilike ${bind(patternOf(contains))}${isAmong})`
  })
}

/** For LIKE: any text that has this in it. */
export function patternOf(contained: string): string {
  return `%${contained.replace(/[\\%_]/g, '\\$&')}%`
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

export function atJsonPath({
  path,
  exists,
  eq,
  in: list,
  contains,
  ...bounds
}: JsonPathCondition): SqlCondition {
  return new SqlCondition((column, bind) => {
    const at = bind(path)
    const value = `(${column} #> ${at}::text[])`
    const text = `(${column} #>> ${at}::text[])`
    const parts: string[] = []
    if (exists !== undefined) parts.push(`${value} is ${exists ? 'not ' : ''}null`)
    if (eq !== undefined) parts.push(`${value} = ${bind(eq)}::jsonb`)
    if (list !== undefined) parts.push(`${value} = any (${bind(list)}::jsonb[])`)
    if (contains !== undefined) {
      parts.push(`jsonb_typeof${value} = 'string' and ${text} ilike ${bind(patternOf(contains))}`)
    }
    for (const [bound, limit] of Object.entries(bounds)) {
      const operator = OPERATORS[bound as keyof typeof OPERATORS]
      // Not `and`: the cast must not be tried on a text.
      parts.push(
        `case jsonb_typeof${value} when 'number' then ${text}::numeric ${operator} ${bind(limit)}::numeric end`,
      )
    }
    // A place that is not there is null, and so is what it is compared with: neither true nor false.
    return parts.length === 0 ? `${value} is not null` : `(${parts.join(' and ')}) is true`
  })
}

const OPERATORS = { gte: '>=', gt: '>', lte: '<=', lt: '<' } as const
