import sql, { empty, type Sql } from 'sql-template-tag'
import type { ComputedRows, ParentKeys } from '../../reads/computedPages.ts'
import type { Condition } from '../../reads/condition.ts'
import { normalQuantile } from '../../statistics/distributions.ts'
import { attemptsOfSimulation } from './pairedValues.ts'

/**
 * How much the runs of one scenario agree, as `flakinessOf` has it of one version: a test holds the two together. Runs of several versions are told apart where they might
 * disagree, as a scenario that a version mended is not flaky.
 */
export interface ScenarioFlakiness {
  scenarioId: string
  stability: 'flaky' | 'stable_pass' | 'stable_fail' | 'unknown'
  /** Runs that ended and are known to have passed or failed, each by its last attempt. */
  repetitions: number
  simulations: number
  succeeded: number
  passRate: number
  passRateLower: number
  passRateUpper: number
  disagreement: number | null
  entropyBits: number
}

/** Which runs are looked at: those of a simulation, of the latest ones of a version that have outcomes, or of the latest ones (of a version) in which the scenario ended. */
export type FlakinessOf =
  | { of: 'simulation' }
  | { of: 'configVersion'; simulations: number }
  | { of: 'scenario'; simulations: number; configVersionId: string | null }

/**
 * Of the runs `o` of one scenario and version. Where one of them is graded, one that ended well without a grade did not pass yet: beside a grade it would make the scenario look
 * flaky.
 */
const ofKnown = (count: (known: Sql) => Sql): Sql => sql`case when bool_or(o.reliability_score is not null)
  then ${count(sql`(o.status <> 'success' or o.reliability_score is not null)`)} else ${count(sql`true`)} end`

/** One row for each scenario of the parents' runs. `stableFrom`: so many equal repetitions are called stable. */
export function scenarioFlakiness(
  of: FlakinessOf,
  stableFrom: number,
  parents: ParentKeys,
  where: Condition,
): ComputedRows {
  const z = sql`${normalQuantile(0.975)}::double precision`
  const rounded = (value: Sql) => sql`round((${value})::numeric, 12)::double precision`
  const bits = (p: Sql) =>
    sql`case when ${p} > 0 then -${p} * ln(${p}) / ln(2.0::double precision) else 0 end`
  // Wilson's score interval.
  const middle = sql`v.p + ${z} * ${z} / (2 * r.n)`
  const half = sql`${z} * sqrt(v.p * (1 - v.p) / r.n + ${z} * ${z} / (4.0 * r.n * r.n))`
  const scale = sql`(1 + ${z} * ${z} / r.n)`
  return {
    name: sql`scenarioFlakiness`,
    fields: [
      'scenarioId',
      'stability',
      'repetitions',
      'simulations',
      'succeeded',
      'passRate',
      'passRateLower',
      'passRateUpper',
      'disagreement',
      'entropyBits',
    ] satisfies (keyof ScenarioFlakiness)[],
    select: sql`
      select g.parent, r.scenario_id, r.n as repetitions, r.simulations, r.c as succeeded,
        case when r.disagreeing > 0 then 'flaky'
          when r.n < ${stableFrom}::int or (r.c > 0 and r.c < r.n) then 'unknown'
          when r.c > 0 then 'stable_pass' else 'stable_fail' end as stability,
        ${rounded(sql`v.p`)} as pass_rate,
        case when r.c = 0 then 0 else ${rounded(sql`greatest(0, (${middle} - ${half}) / ${scale})`)} end as pass_rate_lower,
        case when r.c = r.n then 1 else ${rounded(sql`least(1, (${middle} + ${half}) / ${scale})`)} end as pass_rate_upper,
        ${rounded(sql`r.disagreeing / nullif(r.pairs, 0)`)} as disagreement,
        ${rounded(sql`${bits(sql`v.p`)} + ${bits(sql`(1 - v.p)`)}`)} as entropy_bits
      from (select distinct each as parent from unnest(${parents}::text[]) each) g
      cross join lateral (
        select v.scenario_id, sum(v.n)::int as n, sum(v.simulations)::int as simulations, sum(v.c)::int as c,
          sum(2.0 * v.c * (v.n - v.c)) as disagreeing, sum(v.n::numeric * (v.n - 1)) as pairs
        from (
          select o.scenario_id, ${ofKnown((known) => sql`count(*) filter (where ${known})`)}::int as n,
            ${ofKnown((known) => sql`count(distinct o.simulation_id) filter (where ${known})`)}::int as simulations,
            ${ofKnown((known) => sql`count(*) filter (where o.status = 'success' and ${known})`)}::int as c
          from (${simulationsOf(of)}) s
          cross join lateral ${attemptsOfSimulation(
            sql`s.simulation_id`,
            sql`s.first_outcome_at`,
            sql`s.last_outcome_at`,
            where,
            of.of === 'scenario' ? sql`g.parent` : undefined,
          )} o
          where not o.superseded
          group by o.scenario_id, s.config_version_id
        ) v
        group by v.scenario_id
      ) r
      cross join lateral (select r.c::double precision / r.n as p) v`,
  }
}

function simulationsOf(of: FlakinessOf): Sql {
  const columns = sql`simulation_id, config_version_id, first_outcome_at, last_outcome_at`
  if (of.of === 'simulation')
    return sql`select ${columns} from simulations where simulation_id = g.parent::uuid`
  if (of.of === 'scenario')
    return sql`select ${columns} from simulations m
      where exists (
        select from simulations_scenarios p
        where p.scenario_id = g.parent and p.simulation_id = m.simulation_id and p.outcome_id is not null
      )${of.configVersionId === null ? empty : sql` and m.config_version_id = ${of.configVersionId}::uuid`}
      order by m.created_at desc, m.simulation_id desc limit ${of.simulations}::int`
  return sql`select ${columns} from simulations
    where config_version_id = g.parent::uuid and first_outcome_at is not null
    order by created_at desc, simulation_id desc limit ${of.simulations}::int`
}
