import sql, { type Sql } from 'sql-template-tag'
import type { ComputedRows, ParentKeys } from '../../reads/computedPages.ts'
import type { Condition } from '../../reads/condition.ts'
import { conditionSql } from '../../reads/conditionSql.ts'
import type { ChangeEffect, PredictedDelta, PredictionBasis } from './changeEffects.ts'
import type { ChangeKey } from './changeKeys.ts'
import type { MetricDelta } from './deltas.ts'

/** Runs of the version before and of the version after a diff. */
export interface DiffRunPair {
  /** Both keys, as one text. */
  pair: string
  baselineId: string
  candidateId: string
  baselineCompletedAt: Date
  candidateCompletedAt: Date
  sameScenarios: boolean
  sharedScenarios: number
  isMeasured: boolean
}

/** By which runs a diff was measured. */
export interface ImpactActual {
  baselineId: string
  candidateId: string
  runPairs: bigint
  revisedScenarios: number
  completedAt: Date
  measuredAt: Date
}

export type ActualDelta = Omit<MetricDelta, 'effect' | 'variance'> & {
  /** The candidate's mean by the baseline's, less one; null where that is zero. */
  relativeDifference: number | null
}

/** What was predicted, and what was measured since in the same measure. */
export type ComparedPrediction = PredictedDelta & { actual: number | null; isWithin: boolean | null }

export interface Calibration {
  /** Of month and metric. */
  key: string
  month: Date
  metric: string
  predictions: bigint
  measured: bigint
  covered: bigint
  coverage: number | null
  meanError: number | null
  meanAbsoluteError: number | null
}

export type StoredEffect = ChangeEffect & { effectKey: string; fittedAt: Date }

/** How many of the latest runs of each version are paired. */
const LATEST_RUNS = 10

const KEY_FIELDS = ['path', 'op', 'direction', 'valueBefore', 'valueAfter'] satisfies (keyof ChangeKey)[]

/** As METRICS (deltas.ts) has them. */
const placeOf = (metric: Sql) =>
  sql`array_position(array['success', 'score', 'cost', 'tokens', 'duration'], ${metric})`

/** What was measured, in the measure that is predicted: the difference, or of cost, tokens and duration the relative one. */
const SHOWN_ACTUAL = sql`case when e.metric in ('cost', 'tokens', 'duration') then exp(e.effect) - 1 else e.effect end`

/** The runs of versions that completed, each with each: the ten latest of both. Of diffs. */
export function diffRunPairs(diffs: ParentKeys): ComputedRows {
  const latest = (version: Sql) => sql`(
    select s.simulation_id, s.completed_at, s.scenario_set from simulations s
    where s.config_version_id = ${version} and s.status = 'completed' and s.first_outcome_at is not null
    order by s.completed_at desc, s.simulation_id desc limit ${LATEST_RUNS})`
  return {
    name: sql`diffRunPairs`,
    fields: [
      'pair',
      'baselineId',
      'candidateId',
      'baselineCompletedAt',
      'candidateCompletedAt',
      'sameScenarios',
      'sharedScenarios',
      'isMeasured',
    ] satisfies (keyof DiffRunPair)[],
    select: sql`
      select d.diff_id::text as parent, concat(b.simulation_id, '/', c.simulation_id) as pair, b.simulation_id as baseline_id,
        c.simulation_id as candidate_id, b.completed_at as baseline_completed_at, c.completed_at as candidate_completed_at,
        h.scenarios = cardinality(b.scenario_set) and h.scenarios = cardinality(c.scenario_set) as same_scenarios,
        h.scenarios as shared_scenarios, coalesce(m.is_measured, false) as is_measured
      from config_diffs d
      cross join lateral ${latest(sql`d.version_before`)} b
      cross join lateral ${latest(sql`d.version_after`)} c
      cross join lateral (
        select case when b.scenario_set = c.scenario_set then cardinality(b.scenario_set)
          else (select count(*)::int from unnest(b.scenario_set) one join unnest(c.scenario_set) other on other = one) end as scenarios
      ) h
      -- As a join: of a subquery whose value nobody asks for PostgreSQL checks no rights.
      left join lateral (
        select true as is_measured from diff_effects e
        where e.diff_id = d.diff_id and e.baseline_id = b.simulation_id and e.candidate_id = c.simulation_id limit 1
      ) m on true
      where d.diff_id = any (${diffs}::uuid[]) and h.scenarios > 0`,
  }
}

export function changedPathsOf(diffs: ParentKeys): ComputedRows {
  return {
    name: sql`changedPaths`,
    fields: KEY_FIELDS,
    select: sql`
      select c.diff_id::text as parent, c.path, c.op, c.direction, c.value_before, c.value_after
      from diff_changes c where c.diff_id = any (${diffs}::uuid[])`,
  }
}

/** One for each of the diffs that were measured. */
export function impactActuals(diffs: ParentKeys): ComputedRows {
  return {
    name: sql`impactActuals`,
    fields: [
      'baselineId',
      'candidateId',
      'runPairs',
      'revisedScenarios',
      'completedAt',
      'measuredAt',
    ] satisfies (keyof ImpactActual)[],
    select: sql`
      select distinct e.diff_id::text as parent, e.baseline_id, e.candidate_id, e.run_pairs, e.revised_scenarios, e.completed_at, e.measured_at
      from diff_effects e where e.diff_id = any (${diffs}::uuid[])`,
  }
}

export function actualDeltas(diffs: ParentKeys): ComputedRows {
  return {
    name: sql`actualDeltas`,
    fields: [
      'metric',
      'scenarios',
      'baselineMean',
      'candidateMean',
      'difference',
      'lower',
      'upper',
      'relativeDifference',
      'pValue',
      'verdict',
    ] satisfies (keyof ActualDelta)[],
    select: sql`
      select e.diff_id::text as parent, ${placeOf(sql`e.metric`)} as place, e.metric, e.scenarios, e.baseline_mean, e.candidate_mean,
        e.difference, e.lower, e.upper, e.difference / nullif(e.baseline_mean, 0) as relative_difference, e.p_value, e.verdict
      from diff_effects e where e.diff_id = any (${diffs}::uuid[])`,
  }
}

/** One for each of the diffs of which something was predicted, or said why nothing was. */
export function impactPredictions(diffs: ParentKeys): ComputedRows {
  return {
    name: sql`impactPredictions`,
    fields: ['predictedAt'],
    select: sql`
      select d.diff_id::text as parent, (d.impact_prediction ->> 'predictedAt')::timestamptz(3) as predicted_at
      from config_diffs d where d.diff_id = any (${diffs}::uuid[]) and d.impact_prediction is not null`,
  }
}

export function predictedDeltas(diffs: ParentKeys): ComputedRows {
  return {
    name: sql`predictedDeltas`,
    fields: [
      'metric',
      'expected',
      'lower',
      'upper',
      'diffs',
      'reason',
      'actual',
      'isWithin',
    ] satisfies (keyof ComparedPrediction)[],
    select: sql`
      select p.*, ${placeOf(sql`p.metric`)} as place, p.actual between p.lower and p.upper as is_within from (
        select d.diff_id::text as parent, m.metric, m.expected, m.lower, m.upper, m.diffs, m.reason, ${SHOWN_ACTUAL} as actual
        from config_diffs d
        cross join jsonb_to_recordset(d.impact_prediction -> 'metrics')
          as m(metric text, expected double precision, lower double precision, upper double precision, diffs integer, reason text)
        left join diff_effects e on e.diff_id = d.diff_id and e.metric = m.metric
        where d.diff_id = any (${diffs}::uuid[])
      ) p`,
  }
}

export function predictionBasis(diffs: ParentKeys): ComputedRows {
  return {
    name: sql`predictionBasis`,
    fields: [...KEY_FIELDS, 'diffs', 'onlyDiffs'] satisfies (keyof PredictionBasis)[],
    select: sql`
      select d.diff_id::text as parent, b.path, b.op, b.direction, b."valueBefore" as value_before, b."valueAfter" as value_after, b.diffs,
        b."onlyDiffs" as only_diffs
      from config_diffs d
      cross join jsonb_to_recordset(d.impact_prediction -> 'basis') as b(path text, op text, direction text, "valueBefore" text,
        "valueAfter" text, diffs integer, "onlyDiffs" integer)
      where d.diff_id = any (${diffs}::uuid[])`,
  }
}

/** What each change does in each metric, over all diffs of the tenant. */
export function storedEffects(): ComputedRows {
  return {
    name: sql`changeEffects`,
    fields: [
      'effectKey',
      ...KEY_FIELDS,
      'metric',
      'onlyDiffs',
      'onlyRunPairs',
      'onlyEffect',
      'onlyLower',
      'onlyUpper',
      'diffs',
      'runPairs',
      'effect',
      'lower',
      'upper',
      'fittedAt',
    ] satisfies (keyof StoredEffect)[],
    select: sql`select '' as parent, e.* from change_effects e`,
  }
}

/** How predictions that fulfil the condition compare with what was measured, by the month in which they were made (UTC). */
export function calibration(where: Condition): ComputedRows {
  const mean = (value: Sql) =>
    sql`round(avg((${value})::numeric) filter (where p.actual is not null), 12)::double precision`
  return {
    name: sql`predictionCalibration`,
    fields: [
      'key',
      'month',
      'metric',
      'predictions',
      'measured',
      'covered',
      'coverage',
      'meanError',
      'meanAbsoluteError',
    ] satisfies (keyof Calibration)[],
    select: sql`
      select '' as parent, concat(extract(epoch from date_trunc('month', p.predicted_at, 'UTC'))::bigint, p.metric) as key,
        date_trunc('month', p.predicted_at, 'UTC')::timestamptz(3) as month, p.metric, count(*) as predictions,
        count(p.actual) as measured, count(*) filter (where p.is_within) as covered,
        round(count(*) filter (where p.is_within)::numeric / nullif(count(p.actual), 0), 12)::double precision as coverage,
        ${mean(sql`p.actual - p.expected`)} as mean_error, ${mean(sql`abs(p.actual - p.expected)`)} as mean_absolute_error
      from (
        select q.*, q.actual between q.lower and q.upper as is_within from (
          select d.config_id, (d.impact_prediction ->> 'predictedAt')::timestamptz(3) as predicted_at, m.metric, m.expected, m.lower, m.upper,
            ${SHOWN_ACTUAL} as actual
          from config_diffs d
          cross join jsonb_to_recordset(d.impact_prediction -> 'metrics')
            as m(metric text, expected double precision, lower double precision, upper double precision)
          left join diff_effects e on e.diff_id = d.diff_id and e.metric = m.metric
          where m.expected is not null
        ) q
      ) p
      where ${conditionSql(where, 'p')}
      group by 2, 3, 4`,
  }
}
