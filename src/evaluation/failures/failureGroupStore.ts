import sql, { empty, join, type Sql } from 'sql-template-tag'
import { onlyOne } from '../../reads/answers/pages.ts'
import type { SqlPart } from '../../reads/answers/parts.ts'
import type { ComputedRows, ParentKeys } from '../../reads/computedPages.ts'
import type { Condition } from '../../reads/condition.ts'
import { conditionSql } from '../../reads/conditionSql.ts'
import type { ErrorCategory } from '../outcomeInput.ts'
import { attemptsFrom, type RunsOf } from '../rollups/runsOf.ts'

/** What failures are told apart by. */
export type GroupedBy = 'signature' | 'meaning'

/** Of some failures: in any attempt, but for the runs. */
interface Occurrences {
  failures: number
  attempts: number
  /** Each by its last attempt: where a later attempt went without the failure, the run does not count. */
  runs: number
  firstTime: Date
  lastTime: Date
}

/** Failure patterns that are the same failure. */
export interface FailureGroup extends Occurrences {
  /** The signature, or one that all of the group have. */
  groupId: string
  groupedBy: GroupedBy
  label: string
  /** The most common of them. */
  signature: string
  failureType: string
  failureCategory: ErrorCategory
  signatures: number
  simulations: number
  /** The runs, of all runs that failed. */
  share: number | null
  /** The latest of them. */
  patternId: string
  /** The latest of those with the signature that is nearest to all others. */
  typicalId: string
  /** The key of what hangs on it: the key of what the groups belong to, and its own. */
  within: string
}

export interface GroupSignature extends Occurrences {
  signature: string
  label: string
  /** The mean cosine to the other signatures of the group, −1 to 1; null where it was not compared. */
  centrality: number | null
  patternId: string
}

export interface GroupVersion extends Occurrences {
  versionId: string
  versionNumber: number
}

export interface GroupConfiguration extends Occurrences {
  configId: string
  versions: number
  firstVersionId: string
  lastVersionId: string
  newSinceVersionId: string | null
  goneSinceVersionId: string | null
}

export interface GroupScenario extends Occurrences {
  scenarioId: string
}

/** Of the last days, and as many before. */
export interface FailureTrend {
  days: number
  failures: number
  previousFailures: number
  runs: number
  previousRuns: number
}

/** What is known of a group before and since a version of a configuration. */
export type Since = 'NEW' | 'GONE' | 'STAYS' | 'UNKNOWN' | 'ABSENT'

/** Groups that are asked for: those that are NEW or GONE since a version. */
export interface AskedSince {
  newSince?: string | null | undefined
  goneSince?: string | null | undefined
}

/** A run that came to an end of its own: one that was cut off may have stopped before it could fail. */
const ENDED = sql`r.status in ('success', 'error')`

const OCCURRENCES = ['failures', 'attempts', 'runs', 'firstTime', 'lastTime'] as const

function occurrences(isLast: Sql): Sql {
  return sql`count(*)::int as failures, count(distinct c.outcome_id)::int as attempts,
    count(distinct c.outcome_id) filter (where ${isLast})::int as runs,
    min(c.execution_time) as first_time, max(c.execution_time) as last_time`
}

// A pattern's id is a UUIDv7 of its time; uuid has no max() before PostgreSQL 18.
const LATEST = sql`max(c.pattern_id::text collate "C")::uuid as pattern_id`

/** A line for people, of the first pattern with the signature. */
const labelOf = (signature: Sql) => sql`(
  select failure_label(f.failure_type, f.error_message) from failure_patterns f
  where f.signature = ${signature} order by f.pattern_id limit 1)`

const OF_OUTCOME = sql`join outcomes o on o.outcome_id = c.outcome_id and o.execution_time = c.execution_time`

/** Groups of failures, of one question, and what hangs on them, each as a SELECT. */
export class FailureGroupRows {
  readonly #runsOf: RunsOf | null
  readonly #by: GroupedBy
  readonly #where: Condition

  /** `runsOf` null: of all runs, without parents. `where`: which patterns are grouped. */
  constructor(runsOf: RunsOf | null, by: GroupedBy, where: Condition) {
    this.#runsOf = runsOf
    this.#by = by
    this.#where = where
  }

  get #members(): Sql {
    return this.#by === 'meaning'
      ? sql`left join failure_group_members m on m.signature = c.signature`
      : sql`left join (select null::text as signature, null::text as group_key, null::int as centrality where false) m on true`
  }

  get #group(): Sql {
    return this.#by === 'meaning' ? sql`coalesce(m.group_key, c.signature)` : sql`c.signature`
  }

  groups(parents: ParentKeys, { newSince, goneSince }: AskedSince = {}): ComputedRows {
    const { from, key, ofParents, isLast } = attemptsFrom('failure_patterns', this.#runsOf, parents)
    const since = (version: string | null | undefined, state: Since) =>
      version
        ? sql`join (${this.#since(version)}) ${state === 'NEW' ? sql`n` : sql`l`}
            on ${state === 'NEW' ? sql`n` : sql`l`}.parent = g.group_id and ${state === 'NEW' ? sql`n` : sql`l`}.state = ${state}`
        : empty
    return {
      name: sql`failureGroups`,
      fields: [
        ...OCCURRENCES,
        'groupId',
        'groupedBy',
        'label',
        'signature',
        'failureType',
        'failureCategory',
        'signatures',
        'simulations',
        'share',
        'patternId',
        'typicalId',
        'within',
      ] satisfies (keyof FailureGroup)[],
      select: sql`
        with c as materialized (
          select ${key}::text as parent, ${this.#group} as group_id, m.signature is not null as is_compared, m.centrality,
            ${isLast} as is_last, c.pattern_id, c.outcome_id, c.simulation_id, c.execution_time, c.signature, c.failure_type, c.failure_category
          from ${from} ${this.#members} where ${ofParents} and ${conditionSql(this.#where, 'c')}
        )
        select g.*, concat(g.parent, '/', g.group_id) as within, ${labelOf(sql`g.signature`)} as label,
          round(g.runs::numeric / nullif(failed.runs, 0), 12)::double precision as share
        from (
          select c.parent, c.group_id, case when bool_or(c.is_compared) then 'meaning' else 'signature' end as grouped_by,
            mode() within group (order by c.signature) as signature,
            mode() within group (order by c.failure_type) as failure_type,
            mode() within group (order by c.failure_category) as failure_category,
            count(distinct c.signature)::int as signatures, count(distinct c.simulation_id)::int as simulations,
            ${occurrences(sql`c.is_last`)}, ${LATEST},
            (array_agg(c.pattern_id order by c.centrality desc nulls last, c.pattern_id desc))[1] as typical_id
          from c group by 1, 2
        ) g
        left join (select c.parent, count(distinct c.outcome_id) filter (where c.is_last) as runs from c group by 1) failed
          on failed.parent = g.parent
        ${since(newSince, 'NEW')} ${since(goneSince, 'GONE')}`,
    }
  }

  signatures(groups: ParentKeys): ComputedRows {
    return this.#ofGroups(groups, {
      name: sql`groupSignatures`,
      fields: [
        'signature',
        'label',
        'centrality',
        'patternId',
        ...OCCURRENCES,
      ] satisfies (keyof GroupSignature)[],
      more: sql`left join failure_group_members m on m.signature = c.signature`,
      keys: [sql`c.signature`],
      sums: [LATEST, sql`round(max(m.centrality)::numeric / 10000, 4)::double precision as centrality`],
      shown: sql`${labelOf(sql`g.signature`)} as label`,
    })
  }

  versions(groups: ParentKeys): ComputedRows {
    return this.#ofGroups(groups, {
      name: sql`groupVersions`,
      fields: ['versionId', 'versionNumber', ...OCCURRENCES] satisfies (keyof GroupVersion)[],
      more: sql`join simulations run on run.simulation_id = c.simulation_id join config_versions v on v.version_id = run.config_version_id`,
      keys: [sql`v.version_id`, sql`v.version_number`],
    })
  }

  scenarios(groups: ParentKeys): ComputedRows {
    return this.#ofGroups(groups, {
      name: sql`groupScenarios`,
      fields: ['scenarioId', ...OCCURRENCES] satisfies (keyof GroupScenario)[],
      more: OF_OUTCOME,
      keys: [sql`o.scenario_id`],
    })
  }

  /** What is new and what is gone is told by all that the tenant has, not by the filter. */
  configurations(groups: ParentKeys): ComputedRows {
    const versionAt = (number: Sql) =>
      sql`(select v.version_id from config_versions v where v.config_id = g.config_id and v.version_number = ${number})`
    return this.#ofGroups(groups, {
      name: sql`groupConfigurations`,
      fields: [
        'configId',
        'versions',
        'firstVersionId',
        'lastVersionId',
        'newSinceVersionId',
        'goneSinceVersionId',
        ...OCCURRENCES,
      ] satisfies (keyof GroupConfiguration)[],
      more: sql`join simulations run on run.simulation_id = c.simulation_id join config_versions v on v.version_id = run.config_version_id`,
      keys: [sql`v.config_id`],
      sums: [sql`count(distinct v.version_id)::int as versions`],
      shown: sql`${versionAt(sql`h.first`)} as first_version_id, ${versionAt(sql`h.last`)} as last_version_id,
        ${versionAt(sql`h.new_since`)} as new_since_version_id, ${versionAt(sql`h.gone_since`)} as gone_since_version_id`,
      beside: sql`cross join lateral (
        select min(occurs.first) as first, max(occurs.last) as last,
          case when bool_or(ran.before) then min(occurs.first) end as new_since,
          case when bool_and(ran.again is not null) then max(ran.again) end as gone_since
        from (
          select o.scenario_id, min(min(v.version_number)) over () as first, max(max(v.version_number)) over () as last
          from failure_patterns c ${OF_OUTCOME}
          join simulations run on run.simulation_id = c.simulation_id
          join config_versions v on v.version_id = run.config_version_id
          where c.signature in (${this.#signaturesOf(sql`g.parent`)}) and v.config_id = g.config_id
          group by 1
        ) occurs
        cross join lateral (
          select coalesce(bool_or(v.version_number < occurs.first), false) as before,
            min(v.version_number) filter (where v.version_number > occurs.last) as again
          from simulations_scenarios r
          join simulations run on run.simulation_id = r.simulation_id
          join config_versions v on v.version_id = run.config_version_id
          where r.scenario_id = occurs.scenario_id and v.config_id = g.config_id and ${ENDED}
        ) ran
      ) h`,
    })
  }

  /** Of the `days` before `now`, and as many before those. */
  trend(groups: ParentKeys, days: number, now: Date): ComputedRows {
    const since = new Date(now.getTime() - days * 86_400_000)
    const before = new Date(since.getTime() - days * 86_400_000)
    const { from, asked, isLast } = this.#from(groups)
    const isRecent = sql`c.execution_time >= ${since}::timestamptz`
    const isPrevious = sql`c.execution_time >= ${before}::timestamptz and c.execution_time < ${since}::timestamptz`
    return {
      name: sql`failureTrend`,
      fields: [
        'days',
        'failures',
        'previousFailures',
        'runs',
        'previousRuns',
      ] satisfies (keyof FailureTrend)[],
      // Each group has a row, whatever happened lately.
      select: sql`
        select k.within as parent, ${days}::int as days,
          count(*) filter (where ${isRecent})::int as failures, count(*) filter (where ${isPrevious})::int as previous_failures,
          count(distinct c.outcome_id) filter (where ${isLast} and ${isRecent})::int as runs,
          count(distinct c.outcome_id) filter (where ${isLast} and ${isPrevious})::int as previous_runs
        from ${from} ${asked} where ${conditionSql(this.#where, 'c')} group by 1`,
    }
  }

  /** What is known of these groups, or of all, before and since a version; of those that its configuration has. */
  since(groups: ParentKeys, version: string): ComputedRows {
    return { name: sql`failuresSince`, fields: ['state'], select: this.#since(version, groups) }
  }

  /** The same of the group that it stands under. */
  sinceOf(version: string): SqlPart {
    return {
      is: 'sql',
      json: (row) => sql`concat('"', coalesce(
        (select g.state from (${this.#since(version, onlyOne(row.column('groupId')))}) g), 'ABSENT'), '"')`,
      nullable: false,
    }
  }

  #since(version: string, groups?: ParentKeys): Sql {
    const asked = sql`(select config_id, version_number as number from config_versions where version_id = ${version}::uuid) asked
      join config_versions v on v.config_id = asked.config_id
      join simulations run on run.config_version_id = v.version_id`
    const split = sql`bool_or(v.version_number < asked.number) as before, bool_or(v.version_number >= asked.number) as since`
    return sql`
      select occurs.group_id as parent, case
          when bool_or(occurs.before) and bool_or(occurs.since) then 'STAYS'
          when bool_or(occurs.since) then case when bool_or(coalesce(ran.before, false)) then 'NEW' else 'UNKNOWN' end
          when bool_and(coalesce(ran.since, false)) then 'GONE' else 'UNKNOWN' end as state
      from (
        select ${this.#group} as group_id, o.scenario_id, ${split}
        from ${asked} join failure_patterns c on c.simulation_id = run.simulation_id ${OF_OUTCOME} ${this.#members}
        where ${groups ? sql`${this.#group} = any (${groups}::text[])` : sql`true`}
        group by 1, 2
      ) occurs
      left join (
        select r.scenario_id, ${split}
        from ${asked} join simulations_scenarios r on r.simulation_id = run.simulation_id
        where ${ENDED} group by 1
      ) ran on ran.scenario_id = occurs.scenario_id
      group by 1`
  }

  /** A SELECT of the signatures of the group with this key. */
  #signaturesOf(within: Sql): Sql {
    const groupId = sql`substr(${within}, strpos(${within}, '/') + 1)`
    return this.#by === 'meaning' ? sql`select failures_of_group(${groupId})` : sql`select ${groupId}`
  }

  #from(groups: ParentKeys): { from: Sql; asked: Sql; isLast: Sql } {
    const { from, key, isLast } = attemptsFrom('failure_patterns', this.#runsOf, [])
    return {
      from,
      asked: sql`join (
        select k.within, split_part(k.within, '/', 1) as parent, s.signature
        from unnest(${groups}::text[]) k(within) cross join lateral (${this.#signaturesOf(sql`k.within`)}) s(signature)
      ) k on k.signature = c.signature and k.parent = ${key}::text`,
      isLast,
    }
  }

  #ofGroups(
    groups: ParentKeys,
    { name, fields, more, keys, sums = [], shown, beside = empty }: RowsOfGroups,
  ): ComputedRows {
    const { from, asked, isLast } = this.#from(groups)
    const groupBy = join([sql`k.within`, ...keys], ', ')
    return {
      name,
      fields,
      select: sql`
        select g.*${shown ? sql`, ${shown}` : empty} from (
          select k.within as parent, ${join([...keys, occurrences(isLast), ...sums], ', ')}
          from ${from} ${asked} ${more} where ${conditionSql(this.#where, 'c')}
          group by ${groupBy}
        ) g ${beside}`,
    }
  }
}

interface RowsOfGroups {
  name: Sql
  fields: readonly string[]
  /** What is joined to the patterns `c`. */
  more: Sql
  /** What tells rows of a group apart. */
  keys: readonly Sql[]
  sums?: readonly Sql[]
  /** Of the sums `g` and what stands beside them. */
  shown?: Sql
  beside?: Sql
}

/** How a tenant's failures are grouped by meaning. */
export interface FailureGrouping {
  model: string | null
  groupedAt: Date | null
  signatures: number
  grouped: number
  pending: boolean
  state: 'GROUPED' | 'NOT_YET' | 'NO_VECTORS' | 'NOT_CALIBRATED'
}

export function failureGrouping(): ComputedRows {
  return {
    name: sql`failureGrouping`,
    fields: [
      'model',
      'groupedAt',
      'signatures',
      'grouped',
      'pending',
      'state',
    ] satisfies (keyof FailureGrouping)[],
    select: sql`
      select '' as parent, g.model, g.grouped_at, f.signatures, f.grouped, waits.pending,
        case when g.model is not null then 'GROUPED'
          when not exists (select from embeddings e where e.kind = 'failure') then 'NO_VECTORS'
          when exists (
            select from (select distinct e.model from embeddings e where e.kind = 'failure') e where groups_failures(e.model)) then 'NOT_YET'
          else 'NOT_CALIBRATED' end as state
      from (
        select count(distinct c.signature)::int as signatures, count(distinct m.signature)::int as grouped
        from failure_patterns c left join failure_group_members m on m.signature = c.signature
      ) f
      cross join (select exists (select from stale_failures) as pending) waits
      left join failure_groupings g on true`,
  }
}
