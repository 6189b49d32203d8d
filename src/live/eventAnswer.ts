import sql, { join, type Sql } from 'sql-template-tag'
import type { ListPart, Member, PageMember, PagePart, Row, RowPart, SqlPart } from '../reads/answers/parts.ts'
import { columns, identifier } from '../reads/catalogue.ts'
import type { SortField } from '../reads/keyset.ts'
import { MAX_PAGE_SIZE } from '../reads/pagePlan.ts'

// Events in the statement of an answer.

/** The rows of events, by the names that they have in eventStore.ts. */
function eventRows(alias: string): Sql {
  return sql`(
    select simulation_id, seq, seq as number, change, kind, status, total_scenarios, completed_scenarios, succeeded_scenarios,
      failed_scenarios, mean_score, total_tokens, total_cost_usd, created_at as at
    from simulation_events
  ) ${identifier(alias)}`
}

/** Which events, by their numbers. */
interface EventRange {
  after: number | null
  before: number | null
  first: number | null
  last: number | null
}

/** A page of a simulation's events, which are numbered from 1 without a gap. */
export function eventsPage(
  { after, before, first, last }: EventRange,
  sort: readonly SortField[],
  members: readonly PageMember[],
): PagePart {
  const from = (after ?? 0) + 1
  const total = (outer: Row) => outer.column('eventSeq')
  return {
    is: 'page',
    isGeneral: true,
    numberedFrom: 1,
    rows: (outer, fields) => {
      const ends = [...(before === null ? [] : [before - 1]), ...(first === null ? [] : [from + first - 1])]
      const high = sql`least(${join([total(outer), ...ends.map((end) => sql`${end}`)], ', ')})`
      const low = last === null ? sql`${from}` : sql`greatest(${from}, ${high} - ${last} + 1)`
      return sql`select ${columns(fields)} from ${eventRows('c')}
        where c.simulation_id = ${outer.column('simulationId')} and c.seq between ${low} and ${high} order by c.seq`
    },
    count: (outer) => sql`select ${total(outer)}`,
    sort,
    size: MAX_PAGE_SIZE,
    fromEnd: false,
    isCut: false,
    members,
  }
}

const LATEST = sql`coalesce((select latest from change_counters), 0)`

/** The same as latestChange. */
export const LATEST_CHANGE: SqlPart = { is: 'sql', json: () => sql`${LATEST}::text`, nullable: false }

/** The same as readChanges; what comes after a number that is yet to come is left to it. */
export function changesList(after: number, limit: number, members: readonly Member[]): ListPart {
  return {
    is: 'list',
    from: (own) => sql`(
      select change as seq from simulation_events where change > ${after} order by change limit ${limit}::int
    ) ${identifier(own.alias)}`,
    members,
    unless: sql`${after} > ${LATEST}`,
  }
}

/** The step of such a row. */
export function eventOfChange(members: readonly Member[]): RowPart {
  return {
    is: 'row',
    from: (own, outer) => sql`${eventRows(own.alias)} where ${own.column('change')} = ${outer.column('seq')}`,
    members,
    nullable: false,
  }
}
