import sql, { type Sql } from 'sql-template-tag'
import type { ComputedRows, ParentKeys } from '../../reads/computedPages.ts'
import type { Condition } from '../../reads/condition.ts'
import { normalQuantile } from '../../statistics/distributions.ts'
import { attemptsOfSimulation } from './pairedValues.ts'

/** How much the runs of one scenario agree, as `flakinessOf` has it: a test holds the two together. */
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

/** Which runs are looked at: those of a simulation, or of the latest ones of a version that have outcomes. */
export type FlakinessOf = { of: 'simulation' } | { of: 'configVersion'; simulations: number }

/**
 * Of the runs `o` of one scenario. Where one of them is graded, one that ended well without a grade did not pass yet: beside a grade it would make the scenario look
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
        case when r.c > 0 and r.c < r.n then 'flaky'
          when r.n < ${stableFrom}::int then 'unknown'
          when r.c > 0 then 'stable_pass' else 'stable_fail' end as stability,
        ${rounded(sql`v.p`)} as pass_rate,
        case when r.c = 0 then 0 else ${rounded(sql`greatest(0, (${middle} - ${half}) / ${scale})`)} end as pass_rate_lower,
        case when r.c = r.n then 1 else ${rounded(sql`least(1, (${middle} + ${half}) / ${scale})`)} end as pass_rate_upper,
        ${rounded(sql`2.0 * r.c * (r.n - r.c) / nullif(r.n::numeric * (r.n - 1), 0)`)} as disagreement,
        ${rounded(sql`${bits(sql`v.p`)} + ${bits(sql`(1 - v.p)`)}`)} as entropy_bits
      from (select distinct each as parent from unnest(${parents}::text[]) each) g
      cross join lateral (
        select o.scenario_id, ${ofKnown((known) => sql`count(*) filter (where ${known})`)}::int as n,
          ${ofKnown((known) => sql`count(distinct o.simulation_id) filter (where ${known})`)}::int as simulations,
          ${ofKnown((known) => sql`count(*) filter (where o.status = 'success' and ${known})`)}::int as c
        from (${simulationsOf(of)}) s
        cross join lateral ${attemptsOfSimulation(sql`s.simulation_id`, sql`s.first_outcome_at`, sql`s.last_outcome_at`, where)} o
        where not o.superseded
        group by o.scenario_id
      ) r
      cross join lateral (select r.c::double precision / r.n as p) v`,
  }
}

function simulationsOf(of: FlakinessOf): Sql {
  const columns = sql`simulation_id, first_outcome_at, last_outcome_at`
  if (of.of === 'simulation')
    return sql`select ${columns} from simulations where simulation_id = g.parent::uuid`
  return sql`select ${columns} from simulations
    where config_version_id = g.parent::uuid and first_outcome_at is not null
    order by created_at desc, simulation_id desc limit ${of.simulations}::int`
}
