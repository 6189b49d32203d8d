import sql, { empty, type Sql } from 'sql-template-tag'
import type { TenantTransaction } from '../../db/tenantTransaction.ts'
import { parseExactly } from '../../exactNumbers.ts'
import type { JsonObject } from '../../json.ts'
import type { Source } from '../../reads/answers/parts.ts'
import type { ChangeEffect, ImpactPrediction, MeasuredDiff } from './changeEffects.ts'
import type { ChangeKey } from './changeKeys.ts'
import { METRICS, type MetricDelta } from './deltas.ts'

/** Measured diffs that a prediction or an effect follows from, the latest ones. */
const MOST_MEASURED = 2_000

/** How many of the latest runs of each version are looked at for a pair. */
const LATEST_RUNS = 10

/** A transaction, or what an operation of GraphQL reads by. */
type Reading = Pick<TenantTransaction, 'query'>

/** Whether nobody else measures this, a diff or the tenant's effects, until the transaction ends. */
export async function lockMeasuring({ query }: TenantTransaction, what: string): Promise<boolean> {
  const [row] = await query<{ locked: boolean }>(sql`/* lockMeasuring */
    select pg_try_advisory_xact_lock(hashtextextended('arc.measure_diffs/' || current_user_id() || '/' || ${what}::text, 0)) as locked`)
  return row!.locked
}

/** The marks of a diff, or of the tenant's effects: what is seen marked, later statements see whole. */
export async function marksOf({ query }: TenantTransaction, diffId: string | null): Promise<string[]> {
  const rows = await query<{ mark_id: string }>(sql`/* marksOf */
    select mark_id::text from stale_diffs where ${diffId === null ? sql`diff_id is null` : sql`diff_id = ${diffId}`}`)
  return rows.map(({ mark_id }) => mark_id)
}

export async function deleteMarks({ query }: TenantTransaction, marks: readonly string[]): Promise<void> {
  await query(sql`/* deleteMarks */ delete from stale_diffs where mark_id = any (${marks}::bigint[])`)
}

export async function markDiff({ query }: TenantTransaction, diffId: string): Promise<void> {
  await query(sql`/* markDiff */ insert into stale_diffs (diff_id) values (${diffId})`)
}

/** Has the tenant's effects found anew, once. */
export async function markEffects({ query }: TenantTransaction): Promise<void> {
  await query(sql`/* markEffects */
    insert into stale_diffs (diff_id) select null where not exists (select from stale_diffs where diff_id is null)`)
}

export interface DiffToMeasure {
  createdAt: Date
  versionBefore: string
  versionAfter: string
  isPredicted: boolean
  /** Null where they are not known yet. */
  changes: ChangeKey[] | null
}

export async function findDiff({ query }: Reading, diffId: string): Promise<DiffToMeasure | null> {
  const [row] = await query<{
    created_at: Date
    version_before: string
    version_after: string
    is_predicted: boolean
    changes: ChangeKey[] | null
  }>(sql`/* findDiff */
    select d.created_at, d.version_before, d.version_after, d.impact_prediction is not null as is_predicted, (
      select json_agg(json_build_object('path', c.path, 'op', c.op, 'direction', c.direction,
        'valueBefore', c.value_before, 'valueAfter', c.value_after) order by c.path)
      from diff_changes c where c.diff_id = d.diff_id) as changes
    from config_diffs d where d.diff_id = ${diffId}`)
  return row
    ? {
        createdAt: row.created_at,
        versionBefore: row.version_before,
        versionAfter: row.version_after,
        isPredicted: row.is_predicted,
        changes: row.changes,
      }
    : null
}

export async function findTrees(
  reads: Reading,
  versions: readonly string[],
): Promise<Map<string, JsonObject>> {
  const rows = await reads.query<{ version_id: string; parsed_config: JsonObject }>(sql`/* findTrees */
    select version_id, parsed_config from config_versions where version_id = any (${versions}::uuid[])`)
  return new Map(rows.map(({ version_id, parsed_config }) => [version_id, parsed_config]))
}

export async function insertChanges(
  { query }: TenantTransaction,
  diffId: string,
  changes: readonly ChangeKey[],
): Promise<void> {
  await query(sql`/* insertChanges */
    insert into diff_changes (diff_id, path, op, direction, value_before, value_after)
    select ${diffId}::uuid, c.path, c.op, c.direction, c."valueBefore", c."valueAfter"
    from jsonb_to_recordset(${JSON.stringify(changes)}::jsonb)
      as c(path text, op text, direction text, "valueBefore" text, "valueAfter" text)`)
}

export interface PairToMeasure {
  baselineId: string
  candidateId: string
  completedAt: Date
  runPairs: number
}

/**
 * The runs by which a diff is measured: the latest that completed of the version after, and of the version before; of the same scenarios, else of some that
 * are the same. Of each version the ten latest are looked at. Null when there are none.
 */
export async function findPair(
  { query }: Reading,
  { versionBefore, versionAfter }: Pick<DiffToMeasure, 'versionBefore' | 'versionAfter'>,
): Promise<PairToMeasure | null> {
  const [row] = await query<{
    baseline_id: string
    candidate_id: string
    completed_at: Date
    run_pairs: string
  }>(sql`/* findPair */
    with latest as (
      select r.*, v.runs, (
        select md5(string_agg(each, chr(31) order by each collate "C")) from unnest(r.scenario_set) each
      ) as scenarios
      from (
        select s.config_version_id as version_id, count(*) as runs from simulations s
        where s.config_version_id in (${versionBefore}, ${versionAfter}) and s.status = 'completed' and s.first_outcome_at is not null
        group by 1
      ) v
      cross join lateral (
        select s.simulation_id, s.config_version_id, s.completed_at, s.scenario_set
        from simulations s
        where s.config_version_id = v.version_id and s.status = 'completed' and s.first_outcome_at is not null
        order by s.completed_at desc, s.simulation_id desc limit ${LATEST_RUNS}
      ) r
    )
    select b.simulation_id as baseline_id, c.simulation_id as candidate_id, greatest(b.completed_at, c.completed_at) as completed_at,
      b.runs * c.runs as run_pairs
    from latest b cross join latest c
    where b.config_version_id = ${versionBefore} and c.config_version_id = ${versionAfter}
      and (b.scenarios = c.scenarios or b.scenario_set && c.scenario_set)
    order by b.scenarios = c.scenarios desc, c.completed_at desc, c.simulation_id desc, b.completed_at desc, b.simulation_id desc
    limit 1`)
  return row
    ? {
        baselineId: row.baseline_id,
        candidateId: row.candidate_id,
        completedAt: row.completed_at,
        runPairs: Number(row.run_pairs),
      }
    : null
}

export interface MeasuredPair {
  pair: PairToMeasure
  deltas: readonly MetricDelta[]
  /** That both have, and that were left out as they were asked otherwise. */
  revisedScenarios: number
}

/** What was measured of a diff, in the place of what was measured before; of no pair nothing is left. */
export async function replaceDeltas(
  { query }: TenantTransaction,
  diffId: string,
  measured: MeasuredPair | null,
): Promise<void> {
  await query(sql`/* deleteDeltas */ delete from diff_effects where diff_id = ${diffId}`)
  if (measured === null) return
  const { pair, deltas, revisedScenarios } = measured
  await query(sql`/* insertDeltas */
    insert into diff_effects (diff_id, baseline_id, candidate_id, run_pairs, completed_at, revised_scenarios, metric, scenarios,
      baseline_mean, candidate_mean, difference, lower, upper, p_value, verdict, effect, variance)
    select ${diffId}::uuid, ${pair.baselineId}::uuid, ${pair.candidateId}::uuid, ${pair.runPairs}, ${pair.completedAt}::timestamptz,
      ${revisedScenarios}, m.metric, m.scenarios, m."baselineMean", m."candidateMean", m.difference, m.lower, m.upper, m."pValue",
      m.verdict, m.effect, m.variance
    from jsonb_to_recordset(${JSON.stringify(deltas)}::jsonb) as m(metric text, scenarios integer, "baselineMean" double precision,
      "candidateMean" double precision, difference double precision, lower double precision, upper double precision,
      "pValue" double precision, verdict text, effect double precision, variance double precision)`)
}

/** The latest diffs that were measured with an error that is known; `before`: on runs that were complete by then. */
export async function findMeasured(reads: Reading, before: Date | null): Promise<MeasuredDiff[]> {
  const rows = await reads.query<StoredMeasured>(sql`/* findMeasured */ ${measuredSql(before)}`)
  return rows.map(measuredOf)
}

interface StoredMeasured {
  run_pairs: string
  changes: ChangeKey[]
  effects: MeasuredDiff['effects']
}

const measuredOf = ({ run_pairs, changes, effects }: StoredMeasured): MeasuredDiff => ({
  runPairs: Number(run_pairs),
  changes,
  effects,
})

function measuredSql(before: Date | null): Sql {
  return sql`select e.run_pairs, e.effects, (
      select json_agg(json_build_object('path', c.path, 'op', c.op, 'direction', c.direction,
        'valueBefore', c.value_before, 'valueAfter', c.value_after) order by c.path)
      from diff_changes c where c.diff_id = e.diff_id) as changes
    from (
      select diff_id, completed_at, max(run_pairs) as run_pairs,
        json_object_agg(metric, json_build_object('effect', effect, 'variance', variance)) as effects
      from (
        -- Those of a diff are of one pair of runs, and as many as there are metrics: the rest is not read.
        select * from diff_effects
        where effect is not null and variance is not null ${before === null ? empty : sql`and completed_at <= ${before}`}
        order by completed_at desc, diff_id limit ${MOST_MEASURED * METRICS.length}
      ) m
      group by diff_id, completed_at
      order by completed_at desc, diff_id
      limit ${MOST_MEASURED}
    ) e
    where exists (select from diff_changes c where c.diff_id = e.diff_id)
    order by e.completed_at, e.diff_id`
}

/** What a version is predicted of: the tree of the one before it, and the diffs that were measured. */
export function predictionSource(versionBefore: string): Source {
  return {
    text: () => sql`(select json_build_object('before', v.parsed_config, 'measured', (select json_agg(m) from (${measuredSql(null)}) m))::text
      from config_versions v where v.version_id = ${versionBefore})`,
    reads: 4,
    huge: 1,
  }
}

/** Null when there is no such version. */
export function predictedOf(read: string): { before: JsonObject; measured: MeasuredDiff[] } | null {
  if (read === '') return null
  const { before, measured } = parseExactly(read) as { before: JsonObject; measured: StoredMeasured[] | null }
  return { before, measured: (measured ?? []).map(measuredOf) }
}

/** Keeps what was predicted; a prediction that is there already stays. */
export async function keepPrediction(
  { query }: TenantTransaction,
  diffId: string,
  prediction: ImpactPrediction,
): Promise<void> {
  await query(sql`/* keepPrediction */
    update config_diffs set impact_prediction = jsonb_build_object('predictedAt', date_trunc('milliseconds', now()))
      || ${JSON.stringify(prediction)}::jsonb
    where diff_id = ${diffId} and impact_prediction is null`)
}

/** The tenant's effects, in the place of those that there were. */
export async function replaceEffects(
  { query }: TenantTransaction,
  effects: readonly ChangeEffect[],
): Promise<void> {
  await query(sql`/* deleteEffects */ delete from change_effects`)
  await query(sql`/* insertEffects */
    insert into change_effects (path, op, direction, value_before, value_after, metric, only_diffs, only_run_pairs, only_effect, only_lower,
      only_upper, diffs, run_pairs, effect, lower, upper)
    select e.path, e.op, e.direction, e."valueBefore", e."valueAfter", e.metric, e."onlyDiffs", e."onlyRunPairs", e."onlyEffect",
      e."onlyLower", e."onlyUpper", e.diffs, e."runPairs", e.effect, e.lower, e.upper
    from jsonb_to_recordset(${JSON.stringify(effects)}::jsonb) as e(path text, op text, direction text, "valueBefore" text,
      "valueAfter" text, metric text, "onlyDiffs" integer, "onlyRunPairs" bigint, "onlyEffect" double precision,
      "onlyLower" double precision, "onlyUpper" double precision, diffs integer, "runPairs" bigint, effect double precision,
      lower double precision, upper double precision)`)
}
