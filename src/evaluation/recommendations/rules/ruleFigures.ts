import sql, { type Sql } from 'sql-template-tag'
import type { TenantTransaction } from '../../../db/tenantTransaction.ts'
import type { ClusterSums } from '../../../statistics/clusteredShare.ts'
import { attemptsOfSimulation } from '../../comparison/pairedValues.ts'
import { SHOWN } from '../evidence.ts'

type Reads = Pick<TenantTransaction, 'query'>

/** Behind FROM: simulations `s` with all their attempts `o`, each read where its outcomes lie in time. */
function attemptsIn(simulationIds: readonly string[]): Sql {
  return sql`(select * from simulations where simulation_id = any (${simulationIds}::uuid[])) s
    cross join lateral ${attemptsOfSimulation(sql`s.simulation_id`, sql`s.first_outcome_at`, sql`s.last_outcome_at`)} o`
}

/** Sums over scenarios `c` of which each has so many events `c.events`, and `c.counted` of them. */
const CLUSTER_SUMS = sql`count(*)::int as clusters, coalesce(sum(c.events), 0)::double precision as events,
  coalesce(sum(c.counted), 0)::double precision as counted, coalesce(sum(c.events * c.events), 0)::double precision as squares,
  coalesce(sum(c.events * c.counted), 0)::double precision as products,
  coalesce(sum(c.counted * c.counted), 0)::double precision as "countedSquares"`

interface Example {
  outcomeId: string
  simulationId: string
}

/** How often calls of a tool failed under one version; calls of all attempts, as all were made. */
export interface ToolFigures extends ClusterSums {
  versionId: string
  toolName: string
  /** Runs that used it, by their last attempt: without a failed call, and with one; and how many of them succeeded. */
  cleanRuns: number
  cleanSucceeded: number
  failingRuns: number
  failingSucceeded: number
  /** The most common error of its calls. */
  error: string | null
  /** Attempts with the most failed calls. */
  examples: Example[]
}

export function readToolFigures(reads: Reads, simulationIds: readonly string[]): Promise<ToolFigures[]> {
  return reads.query<ToolFigures>(sql`/* toolFigures */
    with used as materialized (
      select s.config_version_id, o.outcome_id, o.simulation_id, o.scenario_id, o.execution_time, o.superseded,
        o.status = 'success' as succeeded, t.tool_name, t.call_count::numeric as calls,
        round(t.call_count * (1 - t.success_rate::numeric), 6) as failed, t.error_types
      from ${attemptsIn(simulationIds)}
      cross join lateral unnest(o.used_tools) as t(tool_name, call_count, avg_duration_ms, success_rate, tool_sequence,
        total_cost_usd, error_types)
    ), summed as (
      select c.config_version_id, c.tool_name, ${CLUSTER_SUMS}
      from (
        select config_version_id, tool_name, scenario_id, sum(calls) as events, sum(failed) as counted from used group by 1, 2, 3
      ) c group by 1, 2
    ), of_runs as (
      select config_version_id, tool_name, count(*) filter (where failed = 0)::int as clean,
        count(*) filter (where failed = 0 and succeeded)::int as clean_succeeded, count(*) filter (where failed > 0)::int as failing,
        count(*) filter (where failed > 0 and succeeded)::int as failing_succeeded
      from used where not superseded group by 1, 2
    )
    select m.config_version_id as "versionId", m.tool_name as "toolName", m.clusters, m.events, m.counted, m.squares, m.products,
      m."countedSquares", coalesce(r.clean, 0) as "cleanRuns", coalesce(r.clean_succeeded, 0) as "cleanSucceeded",
      coalesce(r.failing, 0) as "failingRuns", coalesce(r.failing_succeeded, 0) as "failingSucceeded", (
        select e.message from used u cross join lateral unnest(u.error_types) e(message)
        where u.config_version_id = m.config_version_id and u.tool_name = m.tool_name
        group by e.message order by count(*) desc, e.message limit 1
      ) as error, coalesce((
        select json_agg(x) from (
          select u.outcome_id as "outcomeId", u.simulation_id as "simulationId" from used u
          where u.config_version_id = m.config_version_id and u.tool_name = m.tool_name and u.failed > 0
          order by u.failed desc, u.execution_time desc, u.outcome_id limit 3) x
      ), '[]') as examples
    from summed m left join of_runs r on r.config_version_id = m.config_version_id and r.tool_name = m.tool_name
    order by m.tool_name`)
}

/** How runs ended and how long they took, each by its last attempt; those that were cancelled are left out. `events`: runs, `counted`: those that timed out. */
export interface TimeoutFigures extends ClusterSums {
  succeeded: number
  /** Of those that timed out and whose duration is known: how many, and the 10th, 50th and 90th percentile in milliseconds. */
  timedTimeouts: number
  timeoutMs: [p10: number, p50: number, p90: number] | null
  /** Of those that succeeded: how many, and the 50th and 95th percentile and the longest. */
  timedSuccesses: number
  successMs: [p50: number, p95: number, longest: number] | null
  /** Of all that ended, timeouts among them. */
  medianMs: number | null
  examples: Example[]
}

export async function readTimeoutFigures(
  reads: Reads,
  simulationIds: readonly string[],
): Promise<TimeoutFigures> {
  const [row] = await reads.query<TimeoutFigures>(sql`/* timeoutFigures */
    with runs as materialized (
      select o.scenario_id, o.status, o.execution_time_ms as ms, o.outcome_id, o.simulation_id
      from ${attemptsIn(simulationIds)} where not o.superseded and o.status <> 'cancelled'
    )
    select m.*, d.*, coalesce((
        select json_agg(x) from (
          select r.outcome_id as "outcomeId", r.simulation_id as "simulationId" from runs r where r.status = 'timeout'
          order by r.ms desc nulls last, r.outcome_id limit 3) x
      ), '[]') as examples
    from (
      select ${CLUSTER_SUMS}
      from (select scenario_id, count(*) as events, count(*) filter (where status = 'timeout') as counted from runs group by 1) c
    ) m, (
      select count(*) filter (where status = 'success')::int as succeeded,
        count(ms) filter (where status = 'timeout')::int as "timedTimeouts",
        percentile_disc(array[0.1, 0.5, 0.9]) within group (order by ms) filter (where status = 'timeout') as "timeoutMs",
        count(ms) filter (where status = 'success')::int as "timedSuccesses",
        percentile_disc(array[0.5, 0.95, 1]) within group (order by ms) filter (where status = 'success') as "successMs",
        percentile_disc(0.5) within group (order by ms) as "medianMs"
      from runs
    ) d`)
  return row!
}

/** Scenarios that have something in common, some of which the version ran and some it did not. */
export interface Neighbourhood {
  /** What they have in common: `tag:airline`, or `source:tau-bench` with its difficulty. */
  key: string
  ran: number
  /** Of those that ran: at least half of the runs of which failed. */
  failing: number
  /** Of all others that ran. */
  othersRan: number
  othersFailing: number
  uncovered: number
  /** The first of them by key. */
  uncoveredIds: string[]
  failingIds: string[]
  /** The most common failure of those that fail; null where none is stored. */
  signature: string | null
  failureType: string | null
}

/**
 * What makes scenarios neighbours, as rows of `key`: the one place where that is said. Nearness of meaning would be further keys here, as that of the cluster that a
 * scenario's embedding is in.
 */
const NEIGHBOUR_KEYS = (scenario: Sql) => sql`(
  select 'tag:' || t as key from unnest(${scenario}.tags) t
  union
  select 'source:' || ${scenario}.source || ', ' || ${scenario}.difficulty_level where ${scenario}.source is not null)`

/** Of more neighbourhoods nothing is known. */
const MOST_NEIGHBOURHOODS = 1_000
/** Those with most failing scenarios: each that is looked at makes the others' intervals wider. */
export const MOST_LOOKED_AT = 20

/**
 * Neighbourhoods of scenarios that ran: first those that have active scenarios which did not, in either part those with most failing scenarios first. The most common
 * failure is known of the first of them.
 */
export function readNeighbourhoods(reads: Reads, simulationIds: readonly string[]): Promise<Neighbourhood[]> {
  return reads.query<Neighbourhood>(sql`/* neighbourhoods */
    with runs as materialized (
      select o.scenario_id, o.outcome_id, o.status <> 'success' as failed
      from ${attemptsIn(simulationIds)} where not o.superseded and o.status <> 'cancelled'
    ), ran as materialized (
      select r.scenario_id, 2 * count(*) filter (where r.failed) >= count(*) as fails from runs r group by 1
    ), all_ran as (
      select count(*)::int as ran, count(*) filter (where fails)::int as failing from ran
    ), covered as (
      select k.key, count(*)::int as ran, count(*) filter (where r.fails)::int as failing,
        (array_agg(r.scenario_id order by r.scenario_id) filter (where r.fails))[1:${SHOWN}] as failing_ids
      from ran r join scenarios c on c.scenario_id = r.scenario_id cross join lateral ${NEIGHBOUR_KEYS(sql`c`)} k
      group by 1
    ), uncovered as (
      select k.key, count(*)::int as uncovered, (array_agg(c.scenario_id order by c.scenario_id))[1:${SHOWN}] as ids
      from scenarios c cross join lateral ${NEIGHBOUR_KEYS(sql`c`)} k
      where c.is_active and not exists (select from ran r where r.scenario_id = c.scenario_id)
        and k.key in (select key from covered)
      group by 1
    )
    select c.key, c.ran, c.failing, a.ran - c.ran as "othersRan", a.failing - c.failing as "othersFailing", c.uncovered,
      coalesce(c.uncovered_ids, '{}') as "uncoveredIds", coalesce(c.failing_ids, '{}') as "failingIds", f.signature,
      f.failure_type as "failureType"
    from (
      select c.*, coalesce(u.uncovered, 0) as uncovered, u.ids as uncovered_ids,
        row_number() over (order by u.key is null, c.failing desc, c.key) as place
      from covered c left join uncovered u on u.key = c.key
      order by place limit ${MOST_NEIGHBOURHOODS}
    ) c cross join all_ran a
    left join lateral (
      select p.signature, min(p.failure_type) as failure_type
      from runs r join failure_patterns p on p.outcome_id = r.outcome_id
      where c.uncovered > 0 and c.place <= ${MOST_LOOKED_AT} and r.failed and r.scenario_id = any (c.failing_ids)
      group by 1 order by count(distinct r.scenario_id) desc, 1 limit 1
    ) f on true
    order by c.place`)
}
