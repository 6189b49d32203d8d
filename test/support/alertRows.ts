import type pg from 'pg'

interface AlertRows {
  tenantId: string
  count: number
  /** What names of rules and errors of deliveries are made of. */
  texts?: readonly string[]
}

/**
 * Rules of a tenant with an alert each that fired and, of every other, ended: of all kinds and states, some of one simulation or
 * configuration of the tenant. Nobody looks at them, and nothing is left to deliver: servers of other tests would.
 */
export async function insertAlerts(
  client: pg.Client,
  { tenantId, count, texts = ['mine', 'yours'] }: AlertRows,
): Promise<void> {
  await client.query(
    `with watched as (
      select s.simulation_id, v.config_id, row_number() over (order by s.status <> 'running', s.created_at, s.simulation_id) - 1 as place, count(*) over () as all_of_them
      from simulations s join config_versions v on v.user_id = s.user_id and v.version_id = s.config_version_id
      where s.user_id = $1 and not exists (
        select from deletions d where d.user_id = s.user_id and (d.simulation_id = s.simulation_id or d.config_id = v.config_id))
      limit 50
    ), numbered as (
      select n, case when n % 3 = 0 then w.config_id end as config_id, case when n % 3 = 1 then w.simulation_id end as simulation_id,
        ($3::text[])[1 + n % cardinality($3::text[])] as text, uuid_v7() as rule_id, uuid_v7() as alert_id,
        now() - make_interval(hours => n / 2) as at
      from generate_series(0, $2::int - 1) n left join watched w on w.place = n / 12 % greatest(w.all_of_them, 1)
    ), rules as (
      insert into alert_rules (user_id, rule_id, name, kind, config_id, simulation_id, threshold, recovery_threshold, window_hours,
        min_runs, webhook_url, secret, secret_rotated_at, enabled, state, value, counted_runs, evaluated_at, due_at, tested_at, created_by,
        created_at, updated_at)
      select $1, rule_id, left('rule ' || text, 100),
        (array['error_rate', 'cost_per_day', 'score_below', 'stuck_run'])[1 + n % 4], config_id, simulation_id,
        case n % 2 when 0 then 0.5 else 2 end, case n % 8 when 0 then 0.1 end, case n % 2 when 0 then 1 + n % 100 end,
        case n % 2 when 0 then 1 + n % 5 end, case when n % 5 > 0 then 'http://192.0.2.1/' || n end,
        'whsec_' || repeat('A', 43) || '=', case n % 4 when 1 then at end, n % 7 > 0, (array['unknown', 'ok', 'firing'])[1 + n % 3],
        case when n % 3 > 0 then 0.1 + 0.2 end, case n % 2 when 0 then n end, case when n % 3 > 0 then at end, '2099-01-01',
        case n % 4 when 2 then at end, case when n % 6 > 0 then left(text, 100) end, at, at
      from numbered
    ), fired as (
      insert into alerts (user_id, alert_id, rule_id, config_id, simulation_id, threshold, value, counted_runs, fired_at, ended_at,
        end_value, end_reason)
      -- Some rules have several.
      select $1, alert_id, case n % 2 when 0 then first_value(rule_id) over (partition by n / 12 order by n) else rule_id end, config_id,
        simulation_id, 0.5, 0.1 + n, case n % 2 when 0 then n end, at,
        case n % 2 when 0 then at + interval '1 hour' end, case n % 4 when 0 then 0.3 end,
        case n % 2 when 0 then (array['recovered', 'disabled', 'deleted'])[1 + n / 2 % 3] end
      from numbered
    ), counted as (
      insert into store.alert_counters as c (user_id, latest) values ($1, 2 * $2::int)
      on conflict (user_id) do update set latest = c.latest + 2 * $2::int returning latest
    )
    insert into alert_events (user_id, seq, alert_id, rule_id, kind, value, created_at, delivery_status, attempts, attempted_at,
      status_code, error, next_attempt_at, delivered_at)
    select $1, c.latest - 2 * $2::int + 2 * n + 1 + e, alert_id, rule_id, (array['fired', 'ended'])[1 + e],
      case when n % 4 > 0 then 0.1 + n end, at + make_interval(hours => e), s.status, n % 4,
      case when n % 4 > 0 then at end, case n % 3 when 0 then null when 1 then 204 else 500 end,
      case when n % 3 <> 1 then left('no: ' || text, 500) end, case s.status when 'pending' then timestamptz '2099-01-01' end,
      case s.status when 'delivered' then at end
    from numbered, counted c, generate_series(0, 1) e,
      lateral (select (array['delivered', 'pending', 'failed', null])[1 + n % 4] as status) s
    where e = 0 or n % 2 = 0`,
    [tenantId, count, texts],
  )
}
