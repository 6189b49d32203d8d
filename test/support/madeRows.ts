import type pg from 'pg'
import { expect, vi } from 'vitest'
import { SOON } from './soon.ts'

interface MadeRows {
  tenantId: string
  count: number
  /** What their texts are made of. */
  texts?: readonly string[]
}

/**
 * Recommendations as rules make them, of a tenant that has simulations: of all rules and states, with evidence of all kinds that there is something for.
 * Nobody looks at them any more because of what was: rules would find them to be no longer so.
 */
export async function insertMade(
  client: pg.Client,
  { tenantId, count, texts = ['mine', 'yours'] }: MadeRows,
): Promise<void> {
  await vi.waitFor(async () => {
    await client.query('delete from store.recommendation_marks where user_id = $1 and claim is null', [
      tenantId,
    ])
    const { rows } = await client.query('select from store.recommendation_marks where user_id = $1', [
      tenantId,
    ])
    expect(rows).toEqual([])
  }, SOON)
  await client.query(
    `with watched as (
      select s.simulation_id, v.config_id, v.version_id, s.scenario_set[1] as scenario_id, (
          select k.outcome_id from store.outcome_keys k where k.user_id = s.user_id and k.simulation_id = s.simulation_id limit 1
        ) as outcome_id, d.diff_id, d.version_after,
        row_number() over (order by s.status <> 'running', s.created_at, s.simulation_id) - 1 as place, count(*) over () as all_of_them
      from simulations s join config_versions v on v.user_id = s.user_id and v.version_id = s.config_version_id
      left join config_diffs d on d.user_id = s.user_id and d.version_before = v.version_id
      where s.user_id = $1 and not exists (
        select from deletions e where e.user_id = s.user_id and (e.simulation_id = s.simulation_id or e.config_id = v.config_id))
    ), numbered as (
      select n, w.*, ($3::text[])[1 + n % cardinality($3::text[])] as text, uuid_v7() as id,
        now() - make_interval(hours => n / 2) as at
      from generate_series(0, $2::int - 1) n join watched w on w.place = n % w.all_of_them
    ), impacts as (
      select n, jsonb_build_object('metric', 'SUCCESS_RATE', 'before', 0.5, 'after', 0.5 + 0.1 * (n % 3), 'change', 0.1 * (n % 3), 'lower', null,
        'upper', 0.3, 'level', 0.95, 'n', n, 'of', 'RUNS') as impact from numbered
    ), made as (
      insert into recommendations (user_id, recommendation_id, source_type, source_id, recommendation_type, description, suggested_yaml_changes,
        impact_estimate, confidence, applied, applied_at, applied_by, created_at, rule, config_id, config_version_id, subject, fingerprint,
        facts, basis, suggested_changes, restores_version_id, worded_by, dismissed_at, dismissed_by, dismissal_reason, superseded_by_id,
        obsolete_at, obsolete_reason, applied_version_id, applied_diff_id, impact_actual, measured_at, measured_simulation_id)
      select $1, id, 'simulation', simulation_id,
        (array['config_change', 'scenario_addition', 'tool_optimization', 'performance_tuning', 'evaluation_change'])[1 + n % 5],
        'What is recommended: ' || text, case when n % 3 > 0 then left('--- a/' || text, 1000) end, case when n % 4 > 0 then impact end,
        0.5 + (n % 5) * 0.1, s.state = 'applied', case s.state when 'applied' then at end, case s.state when 'applied' then left(text, 100) end, at,
        (array['failing_tool', 'timeout_limit', 'uncovered_scenarios', 'cheaper_model', 'version_rollback', 'flaky_scenarios'])[1 + n % 6],
        config_id, version_id, text || ' ' || n, encode(sha256(convert_to(id::text, 'UTF8')), 'hex'),
        jsonb_build_object('n', n, 'share', 0.1 + 0.2, 'about', text), '{"figure": {"n": 1, "estimate": 0, "lower": 0, "upper": 0}, "suggests": []}',
        case n % 3 when 1 then jsonb_build_array(jsonb_build_object('path', '/' || left(text, 50), 'op', 'replace', 'before', n, 'after', text)) end,
        case n % 3 when 2 then version_id end, case n % 4 when 1 then left('model ' || text, 100) end,
        case s.state when 'dismissed' then at end, case s.state when 'dismissed' then left(text, 100) end,
        case s.state when 'dismissed' then left('no: ' || text, 1000) end,
        case s.state when 'superseded' then lag(id) over (order by n) end,
        case s.state when 'obsolete' then at end, case s.state when 'obsolete' then left('not so: ' || text, 1000) end,
        case s.state when 'applied' then version_after end, case s.state when 'applied' then diff_id end,
        case s.state when 'applied' then impact end, case s.state when 'applied' then at end,
        case s.state when 'applied' then simulation_id end
      from numbered join impacts using (n),
        lateral (select (array['open', 'applied', 'dismissed', 'superseded', 'obsolete'])[1 + n % 5] as state) s
    )
    insert into recommendation_evidence (user_id, recommendation_id, place, summary, simulation_id, outcome_id, scenario_id, config_version_id,
      config_diff_id, signature, tool_name)
    select $1, id, row_number() over (partition by id order by e.place), left(e.place || ': ' || text, 1000), e.simulation_id, e.outcome_id,
      e.scenario_id, e.version_id, e.diff_id, e.signature, e.tool_name
    from numbered, lateral (values
      (1, numbered.simulation_id, null::uuid, null::text, null::uuid, null::uuid, null::text, null::text),
      (2, case when numbered.outcome_id is not null then numbered.simulation_id end, numbered.outcome_id, null, null, null, null, null),
      (3, null, null, numbered.scenario_id, null, null, null, null),
      (4, null, null, null, numbered.version_id, null, null, null),
      (5, null, null, null, null, numbered.diff_id, null, null),
      (6, null, null, null, null, null, md5(text), null),
      (7, null, null, null, null, null, null, left('tool ' || text, 100))
    ) e (place, simulation_id, outcome_id, scenario_id, version_id, diff_id, signature, tool_name)
    where num_nonnulls(e.simulation_id, e.scenario_id, e.version_id, e.diff_id, e.signature, e.tool_name) > 0`,
    [tenantId, count, texts],
  )
}
