import sql, { empty, join, type Sql } from 'sql-template-tag'
import { rowAt } from '../byTime.ts'
import { BESIDE, type Beside, column, identifier, integerLiteral } from '../catalogue.ts'
import type { Row } from './parts.ts'

/** Fields to be read of the table itself, so that what lies beside it is found. */
export function fieldsWithout({ field, by }: Beside, fields: readonly string[]): string[] {
  return [...new Set([...fields.filter((each) => each !== field), ...by])]
}

/** The numbered rows of a page in their order, the first `size` of them with what lies beside: all of it in one look. */
export function pageWithBeside({ field, from, by }: Beside, numbered: Sql, size: number): Sql {
  const arrays = by.map(
    (each) =>
      sql`(select array_agg(${column(each, 'page')}) from page where page.n <= ${integerLiteral(size)})`,
  )
  return sql`with page as materialized (${numbered})
      select page.*, ${column(field, 'beside')} from page
      left join ${identifier(from)}(${join(arrays, ', ')}) beside on ${column(by[0], 'beside')} = ${column(by[0], 'page')}
      order by page.n`
}

/** A table under an alias, behind FROM, with what lies beside its rows if that is read. `rows`: those of it that are meant. */
export function tableOf(table: string, { alias, fields }: Row, rows = identifier(table)): Sql {
  const beside = BESIDE[table]
  if (!beside || !fields.includes(beside.field)) return sql`${rows} ${identifier(alias)}`
  const { field, from, by } = beside
  const arrays = by.map((each) => sql`array[${column(each, 'c')}]`)
  return sql`(select c.*, ${column(field, 'beside')} from ${rows} c
      cross join lateral ${identifier(from)}(${join(arrays, ', ')}) beside) ${identifier(alias)}`
}

/** A table to be joined, behind JOIN, with the condition that these fields of its row have these values. */
export function rowOn(
  table: string,
  own: Row,
  values: readonly (readonly [field: string, value: Sql])[],
): Sql {
  const on = join(
    values.map(([field, value]) => sql`${own.column(field)} = ${value}`),
    ' and ',
  )
  const rows = own.inSteps ? rowAt(table, values) : undefined
  return sql`${rows ? sql`lateral ` : empty}${tableOf(table, own, rows)} on ${on}`
}
