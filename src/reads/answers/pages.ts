import sql, { empty, join, type Sql } from 'sql-template-tag'
import { rowAt } from '../byTime.ts'
import { BESIDE, columnName, columns, identifier, integerLiteral, type RelationName } from '../catalogue.ts'
import type { ComputedRows } from '../computedPages.ts'
import { all, type Condition } from '../condition.ts'
import { conditionSql, orderSql, plansAlike } from '../conditionSql.ts'
import type { PagePlan } from '../pagePlan.ts'
import { countSql, rowsOfPage } from '../storedPages.ts'
import { tableOf } from './beside.ts'
import type { Member, PageMember, PagePart, Row, RowPart } from './parts.ts'

/** How listed rows hang on the row that the list stands under. */
export interface Parentage {
  /** That row's field, which is its key. */
  key: string
  /** The rows' field that holds it. */
  field: string
  /** The relations that lead to the row that holds it, where the listed row itself does not. */
  through?: readonly RelationName[]
  /** A SELECT of the rows, where they lie in that row. */
  rows?: (parent: Row) => Sql
}

// Limits stand in the text: of one that it does not know PostgreSQL takes a tenth of all rows to be read.

/** A page of stored rows: of the row that it stands under, or of all that the tenant has. */
export function storedPage(
  table: string,
  parent: Parentage | undefined,
  plan: PagePlan,
  members: readonly PageMember[],
): PagePart {
  if (parent?.rows) return pageOf(parent.rows, plan, members)
  const { where, filtered, order } = plan
  const query = { table, ...(parent && { parentField: parent.field, through: parent.through ?? [] }) }
  const keyOf = (outer: Row) => (parent ? outer.column(parent.key) : undefined)
  return {
    ...shape(plan, members),
    beside: BESIDE[table],
    rows: (outer, fields, limit) =>
      rowsOfPage(
        { ...query, where, order },
        keyOf(outer),
        { fields, as: columns },
        integerLiteral(limit),
        outer.inSteps,
      ),
    count: (outer) => countSql({ ...query, where: filtered }, keyOf(outer), outer.inSteps),
  }
}

/**
 * A page of computed rows. `rowsOf`: by an expression of an array with the one parent's key; undefined when there is none. `allOf`:
 * all of them, where those of the page are computed otherwise.
 */
export function computedPage(
  rowsOf: (parents: Sql | undefined) => ComputedRows,
  key: string | undefined,
  plan: PagePlan,
  members: readonly PageMember[],
  allOf = rowsOf,
): PagePart {
  const of = (rows: typeof rowsOf) => (outer: Row) =>
    rows(key === undefined ? undefined : onlyOne(outer.column(key))).select
  // A filter may be on what they are computed from.
  return { ...pageOf(of(rowsOf), plan, members, of(allOf)), isGeneral: !plan.args.filter }
}

/** A page of the rows of a SELECT. */
function pageOf(
  select: (outer: Row) => Sql,
  plan: PagePlan,
  members: readonly PageMember[],
  selectAll = select,
): PagePart {
  const { where, filtered, order } = plan
  return {
    ...shape(plan, members),
    rows: (outer, fields, limit) => sql`select ${columns(fields)} from (${select(outer)}) c
      where ${conditionSql(where, 'c')} order by ${orderSql(order)} limit ${integerLiteral(limit)}`,
    count: (outer) =>
      sql`select count(*)::int from (${selectAll(outer)}) c where ${conditionSql(filtered, 'c')}`,
  }
}

function shape({ sort, size, fromEnd, filtered, args }: PagePlan, members: readonly PageMember[]) {
  const isCut = typeof (fromEnd ? args.before : args.after) === 'string'
  const isGeneral = plansAlike(filtered)
  return { is: 'page' as const, isGeneral, sort, size, fromEnd, isCut, members }
}

/** Of the one parent that has this key. */
export function onlyOne(key: Sql): Sql {
  return sql`array[${key}]`
}

/** A column of the row as JSON, whatever it holds; null where that is null. */
export function jsonText(row: Row, field: string): Sql {
  return sql`to_json(${row.column(field)})::text`
}

/** Behind FROM: computed rows under an alias, in the order of a field. */
export function computedFrom(own: Row, { select }: ComputedRows, order?: string): Sql {
  const inOrder = order === undefined ? empty : sql` order by ${identifier(columnName(order))}`
  return sql`(${select}${inOrder}) ${identifier(own.alias)}`
}

/** The one row of this table that fulfils the condition. */
export function rowWith(table: string, condition: Condition, members: readonly Member[]): RowPart {
  return {
    is: 'row',
    from: (own) => sql`${tableOf(table, own)} where ${own.fulfils(condition)}`,
    members,
    nullable: true,
  }
}

/**
 * The row of this table whose fields [theirs] have the values of those of the row that this stands under [ours]; none
 * unless that row is as in `when`.
 */
export function relatedRow(
  table: string,
  on: readonly (readonly [ours: string, theirs: string])[],
  members: readonly Member[],
  nullable: boolean,
  when: Condition = all(),
): RowPart {
  return {
    is: 'row',
    from: (own, outer) => {
      const values = on.map(([ours, theirs]) => [theirs, outer.column(ours)] as const)
      const rows = outer.inSteps ? rowAt(table, values) : undefined
      const isIt = values.map(([field, value]) => sql`${own.column(field)} = ${value}`)
      return sql`${tableOf(table, own, rows)} where ${join(isIt, ' and ')} and ${outer.fulfils(when)}`
    },
    members,
    nullable,
  }
}
