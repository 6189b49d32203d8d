const HOUR_MS = 3_600_000
export const SCENARIOS = Array.from({ length: 12 }, (_, index) => `s${index}`)

/** When the first of them ended. */
export const BEGIN = Date.UTC(2026, 8, 1, 22)

/** One for each scenario, with whatever sums are of, over some hours around midnight. */
export function outcomesOf(simulationId: string, seed: number, more: object = {}) {
  return SCENARIOS.map((scenarioId, index) => ({
    simulationId,
    scenarioId,
    executionTime: new Date(BEGIN + ((index * 7 + seed) % 11) * 0.4 * HOUR_MS).toISOString(),
    status: (['SUCCESS', 'SUCCESS', 'ERROR', 'TIMEOUT', 'CANCELLED'] as const)[(index + seed) % 5],
    reliabilityScore: index % 3 === 0 ? undefined : ((index * 37 + seed) % 100) / 100,
    executionTimeMs: index % 4 === 3 ? undefined : (index * 7_919 + seed * 131) % 90_000,
    tokensUsed: index % 5 === 4 ? undefined : index * 100,
    costUsd: index % 2 === 0 ? 0.001 * index : undefined,
    model: index % 2 === 0 ? 'one' : undefined,
    metrics: { speed: index / 8, met: index % 2 === 0, grades: { style: index }, name: 'x', list: [1] },
    toolUsage: [{ toolName: index % 2 ? 'search' : 'book', callCount: 1 + index, successRate: 0.5 }],
    ...more,
  }))
}

/** The same sums, each in one plain aggregate over the rows, with what only their sums are left of. */
const BY_HAND = `with seen as (
    select o.*, coalesce(o.model, '') as named from store.outcomes o
    where user_id = $1 and not exists (select from deletions d where d.user_id = o.user_id and d.simulation_id = o.simulation_id)
  )`
const SUMS = `count(*)::text as attempts, (count(*) filter (where not superseded))::text as runs,
    (count(*) filter (where not superseded and status = 'success'))::text as succeeded,
    (count(*) filter (where not superseded and status = 'error'))::text as errors,
    (count(*) filter (where not superseded and status = 'timeout'))::text as timeouts,
    (count(*) filter (where not superseded and status = 'cancelled'))::text as cancelled,
    (count(reliability_score) filter (where not superseded))::text as scored,
    trim_scale(sum(reliability_score::numeric) filter (where not superseded))::text as score_sum,
    trim_scale(sum(reliability_score::numeric ^ 2) filter (where not superseded))::text as score_squares,
    sum(tokens_used)::text as tokens, sum(prompt_tokens)::text as prompt_tokens, sum(completion_tokens)::text as completion_tokens,
    trim_scale(sum(cost_usd))::text as cost_usd, (count(execution_time_ms) filter (where not superseded))::text as timed,
    (sum(execution_time_ms) filter (where not superseded))::text as duration_ms`
const COLUMNS = `attempts::text, runs::text, succeeded::text, errors::text, timeouts::text, cancelled::text, scored::text,
    trim_scale(score_sum)::text as score_sum, trim_scale(score_squares)::text as score_squares, tokens::text,
    prompt_tokens::text, completion_tokens::text, trim_scale(cost_usd)::text as cost_usd, timed::text, duration_ms::text`

/** What is kept, and the same from the rows; by table. */
export const ROLL_UPS: Record<string, { kept: string; byHand: string }> = {
  outcome_hours: {
    kept: `select bucket, config_version_id, simulation_id, model, ${COLUMNS} from outcome_hours where not expired order by 1, 2, 3, 4`,
    byHand: `${BY_HAND} select date_trunc('hour', execution_time, 'UTC') as bucket, config_version_id, simulation_id, named as model, ${SUMS}
      from seen group by 1, 2, 3, 4 order by 1, 2, 3, 4`,
  },
  outcome_days: {
    kept: `select bucket, config_version_id, model, ${COLUMNS} from outcome_days where not expired order by 1, 2, 3`,
    byHand: `${BY_HAND} select date_trunc('day', execution_time, 'UTC') as bucket, config_version_id, named as model, ${SUMS}
      from seen group by 1, 2, 3 order by 1, 2, 3`,
  },
  scenario_days: {
    kept: `select bucket, config_version_id, scenario_id, ${COLUMNS} from scenario_days where not expired order by 1, 2, 3`,
    byHand: `${BY_HAND} select date_trunc('day', execution_time, 'UTC') as bucket, config_version_id, scenario_id, ${SUMS}
      from seen group by 1, 2, 3 order by 1, 2, 3`,
  },
  tenant_hours: {
    kept: `select bucket, ${COLUMNS} from tenant_hours where not expired order by 1`,
    byHand: `${BY_HAND} select date_trunc('hour', execution_time, 'UTC') as bucket, ${SUMS} from seen group by 1 order by 1`,
  },
  tenant_days: {
    kept: `select bucket, ${COLUMNS} from tenant_days where not expired order by 1`,
    byHand: `${BY_HAND} select date_trunc('day', execution_time, 'UTC') as bucket, ${SUMS} from seen group by 1 order by 1`,
  },
  tenant_scenario_days: {
    kept: `select bucket, scenario_id, ${COLUMNS} from tenant_scenario_days where not expired order by 1, 2`,
    byHand: `${BY_HAND} select date_trunc('day', execution_time, 'UTC') as bucket, scenario_id, ${SUMS}
      from seen group by 1, 2 order by 1, 2`,
  },
  metric_days: {
    kept: `select bucket, simulation_id, metric, runs::int, trim_scale(total)::text as total from metric_days where not expired order by 1, 2, 3`,
    byHand: `${BY_HAND} select date_trunc('day', execution_time, 'UTC') as bucket, simulation_id, metric, count(*)::int as runs,
        trim_scale(sum(value))::text as total
      from seen cross join lateral (values ('speed', (metrics ->> 'speed')::numeric), ('met', (metrics ->> 'met')::boolean::int),
        ('grades.style', (metrics #>> '{grades,style}')::numeric)) m(metric, value)
      where not superseded and value is not null group by 1, 2, 3 order by 1, 2, 3`,
  },
  tool_days: {
    kept: `select bucket, simulation_id, tool_name, attempts::int, runs::int, calls::int, trim_scale(cost_usd)::text as cost_usd
      from tool_days where not expired order by 1, 2, 3`,
    byHand: `${BY_HAND} select date_trunc('day', execution_time, 'UTC') as bucket, simulation_id, tool_name::text as tool_name,
        count(*)::int as attempts, (count(*) filter (where not superseded))::int as runs, sum(call_count)::int as calls,
        trim_scale(sum(total_cost_usd::numeric))::text as cost_usd
      from seen cross join lateral unnest(used_tools) t group by 1, 2, 3 order by 1, 2, 3`,
  },
}
