import sql, { type Sql } from 'sql-template-tag'
import { rowOn } from '../../reads/answers/beside.ts'
import type { Member, Row, RowPart } from '../../reads/answers/parts.ts'
import { column, identifier } from '../../reads/catalogue.ts'
import { all, type Condition } from '../../reads/condition.ts'

/** The outcome with this id. */
export function outcomeAt(outcomeId: string, members: readonly Member[]): RowPart {
  return outcomeWith(() => sql`${outcomeId}`, members)
}

/** The outcome whose id the row's field has; none unless the row is as in `when`. */
export function outcomeOf(field: string, members: readonly Member[], when: Condition = all()): RowPart {
  return outcomeWith((outer) => sql`${outer.column(field)} and ${outer.fulfils(when)}`, members)
}

/** By its id alone: the key table tells the time, so that one partition is read and not all. */
function outcomeWith(idOf: (outer: Row) => Sql, members: readonly Member[]): RowPart {
  return {
    is: 'row',
    from: (own, outer) => {
      const key = `${own.alias}_key`
      const on = ['outcomeId', 'executionTime'].map((field) => [field, column(field, key)] as const)
      return sql`outcome_keys ${identifier(key)} join ${rowOn('outcomes', own, on)}
        where ${column('outcomeId', key)} = ${idOf(outer)}`
    },
    members,
    nullable: true,
  }
}
