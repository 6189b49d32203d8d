import sql, { join, type Sql } from 'sql-template-tag'
import { rowOn } from '../../reads/answers/beside.ts'
import type { Member, Row, RowPart, Source } from '../../reads/answers/parts.ts'
import { column, identifier } from '../../reads/catalogue.ts'
import type { ComputedRows } from '../../reads/computedPages.ts'
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
  return { is: 'row', from: (own, outer) => outcomeFrom(own, idOf(outer)), members, nullable: true }
}

/** Behind FROM, with the condition that follows; `own` knows what is read of it. */
function outcomeFrom(own: Row, outcomeId: Sql): Sql {
  const key = `${own.alias}_key`
  const on = ['outcomeId', 'executionTime'].map((field) => [field, column(field, key)] as const)
  return sql`outcome_keys ${identifier(key)} join ${rowOn('outcomes', own, on)}
    where ${column('outcomeId', key)} = ${outcomeId}`
}

/** The pair of two outcomes as a row; none unless both are there. */
export function comparedOutcomes(baselineId: string, candidateId: string): ComputedRows {
  return {
    name: sql`comparedOutcomes`,
    fields: ['baselineId', 'candidateId'],
    select: sql`select b.outcome_id as baseline_id, c.outcome_id as candidate_id from outcome_keys b cross join outcome_keys c
      where b.outcome_id = ${baselineId} and c.outcome_id = ${candidateId}`,
  }
}

/** The trajectories of two outcomes, as a list. */
export function trajectoriesSource(outcomeIds: readonly [baseline: string, candidate: string]): Source {
  return {
    text: (row) => {
      const trajectories = outcomeIds.map((outcomeId) => {
        const own = row()
        const trajectory = own.column('trajectory')
        return sql`(select ${trajectory} from ${outcomeFrom(own, sql`${outcomeId}`)})`
      })
      return sql`json_build_array(${join(trajectories, ', ')})::text`
    },
    reads: 4,
    huge: 2,
  }
}
