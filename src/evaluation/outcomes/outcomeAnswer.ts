import sql, { type Sql } from 'sql-template-tag'
import { tableOf } from '../../reads/answers/beside.ts'
import type { Member, Row, RowPart } from '../../reads/answers/parts.ts'
import { identifier } from '../../reads/catalogue.ts'
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
      const [outcome, key] = [identifier(own.alias), identifier(`${own.alias}_key`)]
      return sql`outcome_keys ${key} join ${tableOf('outcomes', own)}
        on ${outcome}.outcome_id = ${key}.outcome_id and ${outcome}.execution_time = ${key}.execution_time
        where ${key}.outcome_id = ${idOf(outer)}`
    },
    members,
    nullable: true,
  }
}
