import sql, { type Sql } from 'sql-template-tag'
import type { JsonValue } from '../../json.ts'
import type { PageMember, PagePart, Row, SqlPart } from '../../reads/answers/parts.ts'
import type { SortField } from '../../reads/keyset.ts'
import type { OperationReads } from '../../reads/operationReads.ts'
import { MAX_PAGE_SIZE } from '../../reads/pagePlan.ts'
import { LIST_FIELDS } from './trajectory.ts'

/** What an outcome is found by; the time chooses the partition. */
export interface OutcomeKey {
  outcomeId: string
  executionTime: Date
}

/** Which steps, by their index from 0. */
export interface StepRange {
  after: number | null
  before: number | null
  first: number | null
  last: number | null
}

interface Steps {
  /** How many steps the list has; 0 when there is no list. */
  total: number
  /** Index of the first one here. */
  from: number
  steps: JsonValue[]
}

type Reads = Pick<OperationReads, 'query'>

/**
 * A page of the steps of each trajectory, cut out in the database: of megabytes only the page travels. Steps are the
 * list at `path`; without a path the first of LIST_FIELDS that is a list.
 */
export async function readSteps(
  reads: Reads,
  keys: readonly OutcomeKey[],
  path: readonly string[] | null,
  range: StepRange,
): Promise<Steps[]> {
  const rows = await reads.query<{
    place: bigint
    total: number
    from: number
    steps: JsonValue[]
  }>(sql`/* trajectorySteps */
    select found.place, list.total, page.low as "from",
      coalesce((
        select jsonb_agg(list.steps -> at order by at) from generate_series(page.low, page.high) as at
      ), '[]') as steps
    from ${trajectoriesOf(keys)}
    cross join lateral (${listSql(sql`found.trajectory`, path)}) list
    ${pageSql(range)}`)
  return inOrder(keys, rows)
}

/**
 * Whole trajectories; null when they take more than `maxBytes` where they are stored, so that not even the database
 * reads what would not fit into memory.
 */
export async function readTrajectories(
  reads: Reads,
  keys: readonly OutcomeKey[],
  maxBytes: number,
): Promise<JsonValue[] | null> {
  const rows = await reads.query<{
    place: bigint
    bytes: number
    trajectory: JsonValue
  }>(sql`/* trajectories */
    with found as materialized (select * from ${trajectoriesOf(keys)}),
    total as materialized (
      select coalesce(sum(pg_column_size(trajectory)), 0)::double precision as bytes from found
    )
    select found.place, total.bytes,
      case when total.bytes <= ${maxBytes}::double precision then found.trajectory end as trajectory
    from found cross join total`)
  if (rows.some(({ bytes }) => bytes > maxBytes)) return null
  return inOrder(keys, rows).map(({ trajectory }) => trajectory)
}

/** One part of each trajectory; undefined where there is none. */
export async function readParts(
  reads: Reads,
  keys: readonly OutcomeKey[],
  path: readonly string[],
): Promise<(JsonValue | undefined)[]> {
  const part = sql`found.trajectory #> ${path}::text[]`
  const rows = await reads.query<{
    place: bigint
    part: JsonValue
    is_there: boolean
  }>(sql`/* trajectoryPart */
    select found.place, ${part} as part, ${part} is not null as is_there
    from ${trajectoriesOf(keys)}`)
  return inOrder(keys, rows).map(({ part, is_there }) => (is_there ? part : undefined))
}

/** The trajectories as rows `found`, with the place of their key from 1. */
function trajectoriesOf(keys: readonly OutcomeKey[]): Sql {
  const ids = keys.map(({ outcomeId }) => outcomeId)
  const times = keys.map(({ executionTime }) => executionTime)
  return sql`(
      select key.place, beside.trajectory
      from unnest(${ids}::uuid[]) with ordinality as key(outcome_id, place)
      join outcome_trajectories(${ids}::uuid[], ${times}::timestamptz[]) beside on beside.outcome_id = key.outcome_id
    ) found`
}

/** By the place of their key; each key was read from the same state of the database, so its row is there. */
function inOrder<Row extends { place: bigint }>(keys: readonly unknown[], rows: Row[]): Row[] {
  const byPlace = new Map(rows.map((row) => [Number(row.place), row]))
  return keys.map((_, index) => byPlace.get(index + 1)!)
}

/**
 * The list at the path, or the first of LIST_FIELDS that is one, and how long it is. `||` and `offset 0`, so that a trajectory is
 * unpacked once and not for each look into it.
 */
function listSql(trajectory: Sql, path: readonly string[] | null): Sql {
  const list = path
    ? sql`unpacked.whole #> ${path}::text[]`
    : sql`(select unpacked.whole -> name from unnest(${LIST_FIELDS}::text[]) with ordinality as field(name, place)
        where jsonb_typeof(unpacked.whole -> name) = 'array' order by place limit 1)`
  return sql`select steps, case when jsonb_typeof(steps) = 'array' then jsonb_array_length(steps) else 0 end as total
    from (select ${list} as steps from (select ${trajectory} || '{}' as whole offset 0) unpacked offset 0) found`
}

/** The first and last index of a page of `list`, as `page`. */
function pageSql({ after, before, first, last }: StepRange): Sql {
  return sql`cross join lateral (
      select greatest(${after ?? -1}::int + 1, 0) as low, least(${before}::int, list.total) - 1 as high
    ) within
    cross join lateral (
      select greatest(within.low, within.high - ${last}::int + 1) as low,
        case when ${first}::int is null then within.high else least(within.high, within.low + ${first}::int - 1) end as high
    ) page`
}

/** The same page in the statement of an answer. */
export function stepsPage(
  path: readonly string[] | null,
  range: StepRange,
  sort: readonly SortField[],
  members: readonly PageMember[],
): PagePart {
  const listOf = (outer: Row) => listSql(outer.column('trajectory'), path)
  return {
    is: 'page',
    isGeneral: true,
    numberedFrom: 0,
    rows: (outer) => sql`select at as number, at as index, list.steps -> at as content
      from (${listOf(outer)}) list ${pageSql(range)}
      cross join lateral generate_series(page.low, page.high) as at order by at`,
    count: (outer) =>
      path
        ? sql`select total from (${listOf(outer)}) list`
        : sql`select ${outer.column('stepCount')} as total`,
    sort,
    size: MAX_PAGE_SIZE,
    fromEnd: false,
    isCut: false,
    isHuge: path !== null || members.some(({ shows }) => shows !== 'totalCount' && shows !== 'literal'),
    members,
  }
}

/** One part of a trajectory; the same as readParts. */
export function trajectoryPart(path: readonly string[]): SqlPart {
  return {
    is: 'sql',
    json: (row) => sql`(${row.column('trajectory')} #> ${path}::text[])::text`,
    nullable: true,
    isHuge: true,
  }
}
