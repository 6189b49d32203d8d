-- Rules of tenants: when a figure of theirs is beyond a threshold, or a simulation is stuck, they are told, once, and once more when
-- that is over. A job looks at each rule (evaluate_alert_rules); what it finds is an event of the tenant, which another job brings to
-- the rule's webhook (claim_alert_deliveries).

create table public.alert_rules (
  user_id uuid not null default public.current_user_id(),
  rule_id uuid not null default public.uuid_v7(),
  name text not null check (char_length(name) between 1 and 100),
  kind text not null check (kind in ('error_rate', 'cost_per_day', 'score_below', 'stuck_run')),
  -- What is watched; all that the tenant has where neither is given.
  config_id uuid,
  simulation_id uuid,
  -- A share, US dollars, a score or minutes.
  threshold double precision not null check (threshold between 0 and 1000000000),
  -- Where an alert of a rate or score ends; at the threshold where there is none.
  recovery_threshold double precision check (recovery_threshold between 0 and 1),
  -- Null of a simulation: all that it has.
  window_hours integer check (window_hours between 1 and 720),
  min_runs integer check (min_runs between 1 and 1000000),
  webhook_url text check (char_length(webhook_url) <= 2000 and webhook_url ~ '^https?://'),
  -- What signs deliveries. In the audit log neither.
  secret text not null check (secret ~ '^whsec_[A-Za-z0-9+/]{43}=$'),
  previous_secret text,
  -- Until then the secret before the present one signs as well.
  previous_secret_until timestamptz(3),
  secret_rotated_at timestamptz(3),
  enabled boolean not null default true,
  state text not null default 'unknown' check (state in ('unknown', 'ok', 'firing')),
  -- What was found at the last look, and how many runs it is of.
  value double precision,
  counted_runs bigint,
  evaluated_at timestamptz(3),
  due_at timestamptz not null default now(),
  tested_at timestamptz(3),
  created_by text default public.current_actor_id(),
  created_at timestamptz(3) not null default now(),
  updated_at timestamptz(3) not null default now(),
  primary key (user_id, rule_id),
  foreign key (user_id, config_id) references public.configurations on delete cascade,
  foreign key (user_id, simulation_id) references public.simulations on delete cascade,
  constraint watches_one_thing check (num_nonnulls(config_id, simulation_id) <= 1),
  constraint has_what_its_kind_needs check (
    case when kind in ('error_rate', 'score_below') then threshold <= 1 and min_runs is not null
      and (window_hours is not null or simulation_id is not null)
      else num_nonnulls(recovery_threshold, window_hours, min_runs) = 0 end),
  constraint updated_after_created check (updated_at >= created_at)
) with (fillfactor = 70);
create index alert_rules_created on public.alert_rules (user_id, created_at desc, rule_id desc);
create index alert_rules_config on public.alert_rules (user_id, config_id) where config_id is not null;
create index alert_rules_simulation on public.alert_rules (user_id, simulation_id) where simulation_id is not null;
create index alert_rules_due on public.alert_rules (due_at) where enabled;

create table public.alerts (
  user_id uuid not null,
  alert_id uuid not null default public.uuid_v7(),
  rule_id uuid not null,
  -- What it is about, where that is not all that the tenant has.
  config_id uuid,
  simulation_id uuid,
  threshold double precision not null,
  value double precision not null,
  counted_runs bigint,
  fired_at timestamptz(3) not null default now(),
  ended_at timestamptz(3),
  -- What was found then; null where nothing was known.
  end_value double precision,
  end_reason text check (end_reason in ('recovered', 'disabled', 'deleted')),
  primary key (user_id, alert_id),
  foreign key (user_id, rule_id) references public.alert_rules on delete cascade,
  foreign key (user_id, config_id) references public.configurations on delete cascade,
  foreign key (user_id, simulation_id) references public.simulations on delete cascade,
  constraint ended_for_a_reason check ((ended_at is null) = (end_reason is null)),
  constraint ended_after_fired check (ended_at >= fired_at)
);
create index alerts_fired on public.alerts (user_id, fired_at desc, alert_id desc);
create index alerts_rule on public.alerts (user_id, rule_id, fired_at desc, alert_id desc);
create index alerts_config on public.alerts (user_id, config_id) where config_id is not null;
create index alerts_simulation on public.alerts (user_id, simulation_id) where simulation_id is not null;
create index alerts_ended on public.alerts (ended_at);
-- One at a time of each rule and thing.
create unique index alerts_open on public.alerts (user_id, rule_id, simulation_id) nulls not distinct where ended_at is null;

-- The tenant's alerts in the order in which they fired and ended, which is that of the commits: the number is taken under a lock, as
-- that of changes is. An event is its own delivery, so that there is none without the other.
create table store.alert_counters (
  user_id uuid primary key,
  latest bigint not null check (latest > 0)
) with (fillfactor = 50);
create table public.alert_events (
  user_id uuid not null,
  -- What receivers know it by.
  event_id uuid not null default public.uuid_v7(),
  seq bigint not null check (seq > 0),
  alert_id uuid not null,
  rule_id uuid not null,
  kind text not null check (kind in ('fired', 'ended')),
  value double precision,
  created_at timestamptz(3) not null default now(),
  -- Null where the rule had no webhook.
  delivery_status text check (delivery_status in ('pending', 'delivered', 'failed')),
  attempts integer not null default 0 check (attempts >= 0),
  attempted_at timestamptz(3),
  -- Of the last attempt.
  status_code integer check (status_code between 100 and 999),
  error text check (char_length(error) <= 500),
  -- Null while one of the rule before it is pending.
  next_attempt_at timestamptz(3),
  delivered_at timestamptz(3),
  -- Who delivers it at the moment, until next_attempt_at.
  claim uuid,
  primary key (user_id, event_id),
  unique (user_id, seq),
  foreign key (user_id, alert_id) references public.alerts on delete cascade,
  constraint delivered_has_time check ((delivery_status is not distinct from 'delivered') = (delivered_at is not null)),
  constraint only_pending_is_due check (delivery_status is not distinct from 'pending' or num_nonnulls(next_attempt_at, claim) = 0)
) with (fillfactor = 70);
create index alert_events_alert on public.alert_events (user_id, alert_id, seq);
create index alert_events_pending on public.alert_events (user_id, rule_id, seq) where delivery_status = 'pending';
create index alert_events_due on public.alert_events (next_attempt_at) where delivery_status = 'pending';

do $$
declare
  name text;
begin
  foreach name in array array['public.alert_rules', 'public.alerts', 'public.alert_events', 'store.alert_counters'] loop
    execute format('alter table %s enable row level security', name);
    execute format('alter table %s force row level security', name);
    execute format(
      'create policy tenant on %s using (user_id = (select public.current_user_id())) with check (user_id = (select public.current_user_id()))',
      name);
  end loop;
  -- What is deleted is seen by nobody, but that something fired stays a step that was.
  foreach name in array array['alert_rules', 'alerts'] loop
    execute format($policy$
      create policy not_deleted on public.%1$I as restrictive for select to app_user, app_readonly, app_admin
      using ((simulation_id is null or not exists (
          select from public.deletions d where d.user_id = %1$I.user_id and d.simulation_id = %1$I.simulation_id))
        and (config_id is null or not exists (
          select from public.deletions d where d.user_id = %1$I.user_id and d.config_id = %1$I.config_id)))$policy$, name);
  end loop;
end $$;
-- The jobs look at all tenants. At a rule they then look as its tenant; of deliveries they note no more than how they went.
create policy owner_looks on public.alert_rules for select to arc_owner using (true);
create policy owner_looks on public.alerts for select to arc_owner using (true);
create policy owner_expires on public.alerts for delete to arc_owner using (true);
create policy owner_looks on public.alert_events for select to arc_owner using (true);
create policy owner_delivers on public.alert_events for update to arc_owner using (true) with check (true);

grant select (user_id, rule_id, name, kind, config_id, simulation_id, threshold, recovery_threshold, window_hours, min_runs,
    webhook_url, secret_rotated_at, enabled, state, value, counted_runs, evaluated_at, tested_at, created_by, created_at, updated_at)
  on public.alert_rules to app_user, app_readonly, app_admin;
-- The latest number, also where its rule has been deleted.
create view public.alert_counters as
  select user_id, latest from store.alert_counters where user_id = (select public.current_user_id());
grant select on public.alerts, public.alert_events, public.alert_counters to app_user, app_readonly, app_admin;
grant insert (name, kind, config_id, simulation_id, threshold, recovery_threshold, window_hours, min_runs, webhook_url, secret, enabled),
  update (name, threshold, recovery_threshold, window_hours, min_runs, webhook_url, secret, enabled, tested_at), delete
  on public.alert_rules to app_user, app_admin;

call store.mend('store.audit()', $part$'secret_hash', 'search']$part$, $mended$'secret_hash', 'search', 'secret', 'previous_secret']$mended$);
create trigger audit after insert or delete on public.alert_rules for each row execute function store.audit();
create trigger audit_step after update on public.alert_rules
  for each row when (
    (old.name, old.threshold, old.recovery_threshold, old.window_hours, old.min_runs, old.webhook_url, old.enabled, old.secret_rotated_at)
    is distinct from
    (new.name, new.threshold, new.recovery_threshold, new.window_hours, new.min_runs, new.webhook_url, new.enabled, new.secret_rotated_at))
  execute function store.audit();

/* An event of the tenant; the caller holds the rule's row, so that those of a rule come one after the other. */
create function store.tell_alert(tenant uuid, rule uuid, alert uuid, what text, found_value double precision) returns void
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  number bigint;
begin
  insert into store.alert_counters as c (user_id, latest) values (tenant, 1)
    on conflict (user_id) do update set latest = c.latest + 1
    returning latest into number;
  insert into public.alert_events (user_id, seq, alert_id, rule_id, kind, value, delivery_status, next_attempt_at)
    select tenant, number, alert, rule, what, found_value,
      case when r.webhook_url is not null then 'pending' end,
      case when r.webhook_url is not null and not exists (
          select from public.alert_events e where e.user_id = tenant and e.rule_id = rule and e.delivery_status = 'pending')
        then now() end
    from public.alert_rules r where r.user_id = tenant and r.rule_id = rule;
  -- A hint as those of simulations are: it names no tenant, and no simulation.
  perform pg_notify((select event_channel from store.settings), '00000000-0000-0000-0000-000000000000:' || number);
end $$;

/* Ends those of a rule's open alerts that are given, or all; returns how many those were. */
create function store.end_alerts(tenant uuid, rule uuid, given uuid[], reason text, found_value double precision) returns integer
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  alert uuid;
  ended integer := 0;
begin
  for alert in
    update public.alerts a set ended_at = greatest(now(), a.fired_at), end_reason = reason, end_value = found_value
      where a.user_id = tenant and a.rule_id = rule and a.ended_at is null and (given is null or a.alert_id = any (given))
      returning a.alert_id
  loop
    perform store.tell_alert(tenant, rule, alert, 'ended', found_value);
    ended := ended + 1;
  end loop;
  return ended;
end $$;

/* What is changed of a rule holds at once. */
create function store.change_alert_rule() returns trigger
  language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if new.secret is distinct from old.secret then
    new.previous_secret := old.secret;
    new.previous_secret_until := now() + interval '1 day';
    new.secret_rotated_at := now();
  end if;
  if not new.enabled then
    new.state := 'unknown';
    new.value := null;
    new.counted_runs := null;
  end if;
  new.due_at := now();
  new.updated_at := greatest(now(), old.created_at);
  return new;
end $$;
create trigger change before update of name, threshold, recovery_threshold, window_hours, min_runs, webhook_url, secret, enabled
  on public.alert_rules for each row execute function store.change_alert_rule();
create function store.disable_alert_rule() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform store.end_alerts(new.user_id, new.rule_id, null, 'disabled', null);
  return null;
end $$;
create trigger disable after update of enabled on public.alert_rules
  for each row when (old.enabled and not new.enabled) execute function store.disable_alert_rule();

/*
What a rule's kind asks of the tenant's sums, and of how many runs that is; null where nothing is known. Up to two days are counted
from a whole hour on, more from a whole day.
*/
create function store.alert_figure(rule public.alert_rules, out figure double precision, out runs bigint)
  language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
  first constant timestamptz := case
    when rule.kind = 'cost_per_day' then store.day_of(now())
    when rule.window_hours is null then '-infinity'
    when rule.window_hours <= 48 or rule.simulation_id is not null then store.hour_of(now() - make_interval(hours => rule.window_hours))
    else store.day_of(now() - make_interval(hours => rule.window_hours)) end;
  by_day constant boolean := rule.kind = 'cost_per_day' or rule.window_hours > 48;
  sums record;
begin
  -- The views leave out what is deleted. A query for each case: one for all would be planned for none.
  if rule.simulation_id is not null then
    select sum(h.runs - h.cancelled) as ended, sum(h.errors + h.timeouts) as failed, sum(h.scored) as scored, sum(h.score_sum) as score,
        sum(h.cost_usd) as cost into sums
      from public.outcome_hours h where h.simulation_id = rule.simulation_id and h.bucket >= first;
  elsif rule.config_id is not null and by_day then
    select sum(d.runs - d.cancelled) as ended, sum(d.errors + d.timeouts) as failed, sum(d.scored) as scored, sum(d.score_sum) as score,
        sum(d.cost_usd) as cost into sums
      from public.outcome_days d
      where d.bucket >= first and d.config_version_id in (
        select v.version_id from public.config_versions v where v.user_id = rule.user_id and v.config_id = rule.config_id);
  elsif rule.config_id is not null then
    select sum(h.runs - h.cancelled) as ended, sum(h.errors + h.timeouts) as failed, sum(h.scored) as scored, sum(h.score_sum) as score,
        sum(h.cost_usd) as cost into sums
      from public.outcome_hours h
      where h.bucket >= first and h.config_version_id in (
        select v.version_id from public.config_versions v where v.user_id = rule.user_id and v.config_id = rule.config_id);
  elsif by_day then
    select sum(d.runs - d.cancelled) as ended, sum(d.errors + d.timeouts) as failed, sum(d.scored) as scored, sum(d.score_sum) as score,
        sum(d.cost_usd) as cost into sums
      from public.outcome_days d where d.bucket >= first;
  else
    select sum(h.runs - h.cancelled) as ended, sum(h.errors + h.timeouts) as failed, sum(h.scored) as scored, sum(h.score_sum) as score,
        sum(h.cost_usd) as cost into sums
      from public.outcome_hours h where h.bucket >= first;
  end if;
  case rule.kind
    when 'error_rate' then
      runs := coalesce(sums.ended, 0);
      figure := case when runs >= rule.min_runs then sums.failed / nullif(sums.ended, 0) end;
    when 'score_below' then
      runs := coalesce(sums.scored, 0);
      figure := case when runs >= rule.min_runs then sums.score / nullif(sums.scored, 0) end;
    else
      runs := coalesce(sums.ended, 0);
      figure := sums.cost;
  end case;
end $$;

-- Few, and each until somebody ends it.
create index simulations_lost on public.simulations (user_id, completed_at) where runner_lost;

/*
For how many minutes no outcome was stored of each simulation that a rule watches and that has not ended, or was failed because its
runner is taken for gone. While no server heard anything nobody is silent.
*/
create function store.silent_minutes(rule public.alert_rules) returns table (simulation_id uuid, minutes double precision)
  language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
  hearing constant timestamptz := (select hearing_since from store.settings);
begin
  return query
    select s.simulation_id, (extract(epoch from now() - greatest(hearing, (
        select e.created_at from public.simulation_events e
        -- The last event of one that is taken for gone tells that.
        where e.user_id = s.user_id and e.simulation_id = s.simulation_id and e.seq = s.event_seq - s.runner_lost::integer))) / 60)::double precision
    from (
      select r.* from public.simulations r where r.user_id = rule.user_id and r.status = 'running'
        -- Of what was brought from elsewhere nobody says that it goes on.
        and (r.fail_when_silent or rule.simulation_id is not null)
      union all
      select l.* from public.simulations l where l.user_id = rule.user_id and l.runner_lost and l.completed_at >= rule.created_at
    ) s
    where (rule.simulation_id is null or s.simulation_id = rule.simulation_id)
      and (rule.config_id is null or s.config_version_id in (
        select v.version_id from public.config_versions v where v.user_id = rule.user_id and v.config_id = rule.config_id));
end $$;

/* Looks at one rule as its tenant; the caller holds its row. */
create function store.evaluate_alert_rule(rule public.alert_rules, out fired integer, out ended integer)
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  -- How many alerts of a rule may be open.
  most constant integer := 100;
  begun constant timestamptz := clock_timestamp();
  figure double precision;
  runs bigint;
  is_known boolean := true;
  open uuid[];
  silent record;
  alert uuid;
begin
  fired := 0;
  ended := 0;
  if exists (select from public.deletions d where d.user_id = rule.user_id
    and (d.simulation_id = rule.simulation_id or d.config_id = rule.config_id))
  then
    ended := store.end_alerts(rule.user_id, rule.rule_id, null, 'deleted', null);
    is_known := false;
  elsif rule.kind = 'stuck_run' then
    select coalesce(array_agg(m.simulation_id), '{}'), max(m.minutes) into open, figure from store.silent_minutes(rule) m
      where m.minutes >= rule.threshold;
    select store.end_alerts(rule.user_id, rule.rule_id, array_agg(a.alert_id), 'recovered', null) into ended
      from public.alerts a
      where a.user_id = rule.user_id and a.rule_id = rule.rule_id and a.ended_at is null and a.simulation_id <> all (open)
      having count(*) > 0;
    ended := coalesce(ended, 0);
    for silent in
      select m.simulation_id, m.minutes from store.silent_minutes(rule) m
      where m.minutes >= rule.threshold and not exists (
        select from public.alerts a where a.user_id = rule.user_id and a.rule_id = rule.rule_id and a.ended_at is null
          and a.simulation_id = m.simulation_id)
      order by m.minutes desc
      limit most - (select count(*) from public.alerts a where a.user_id = rule.user_id and a.rule_id = rule.rule_id and a.ended_at is null)
    loop
      insert into public.alerts (user_id, rule_id, config_id, simulation_id, threshold, value)
        values (rule.user_id, rule.rule_id, rule.config_id, silent.simulation_id, rule.threshold, silent.minutes)
        returning alert_id into alert;
      perform store.tell_alert(rule.user_id, rule.rule_id, alert, 'fired', silent.minutes);
      fired := fired + 1;
    end loop;
  else
    select f.figure, f.runs into figure, runs from store.alert_figure(rule) f;
    is_known := figure is not null;
    -- What a day has cost is over with the day; all else ends only by what is known.
    if rule.kind = 'cost_per_day' then
      select array_agg(a.alert_id) into open from public.alerts a
        where a.user_id = rule.user_id and a.rule_id = rule.rule_id and a.ended_at is null
          and (a.fired_at < store.day_of(now()) or figure <= rule.threshold);
    else
      select array_agg(a.alert_id) into open from public.alerts a
        where a.user_id = rule.user_id and a.rule_id = rule.rule_id and a.ended_at is null
          and case rule.kind when 'error_rate' then figure <= coalesce(rule.recovery_threshold, rule.threshold)
            else figure >= coalesce(rule.recovery_threshold, rule.threshold) end;
    end if;
    if open is not null then
      ended := store.end_alerts(rule.user_id, rule.rule_id, open, 'recovered', figure);
    end if;
    if (case rule.kind when 'score_below' then figure < rule.threshold else figure > rule.threshold end) then
      insert into public.alerts (user_id, rule_id, config_id, simulation_id, threshold, value, counted_runs)
        values (rule.user_id, rule.rule_id, rule.config_id, rule.simulation_id, rule.threshold, figure, runs)
        on conflict (user_id, rule_id, simulation_id) where ended_at is null do nothing
        returning alert_id into alert;
      if found then
        perform store.tell_alert(rule.user_id, rule.rule_id, alert, 'fired', figure);
        fired := 1;
      end if;
    end if;
  end if;
  update public.alert_rules r set
      state = case
        when exists (select from public.alerts a where a.user_id = rule.user_id and a.rule_id = rule.rule_id and a.ended_at is null) then 'firing'
        when is_known then 'ok' else 'unknown' end,
      value = figure,
      counted_runs = runs,
      evaluated_at = clock_timestamp(),
      -- What takes long is looked at less often, so that no rule has more than a hundredth of the time.
      due_at = now() + greatest(interval '30 seconds', least(100 * (clock_timestamp() - begun), interval '1 hour'))
    where r.user_id = rule.user_id and r.rule_id = rule.rule_id;
end $$;

/*
The job's step: looks at up to `most` rules of any tenants that are due, those first that have waited longest. What somebody changes
at the moment is left to the next step, so that several servers may do it at a time. Whoever calls it decides nothing.
*/
create function public.evaluate_alert_rules(most integer, out evaluated integer, out fired integer, out ended integer)
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  asking constant text := coalesce(current_setting('app.user_id', true), '');
  tenants uuid[];
  rules uuid[];
  rule public.alert_rules;
  found_alerts record;
begin
  evaluated := 0;
  fired := 0;
  ended := 0;
  select array_agg(d.user_id), array_agg(d.rule_id) into tenants, rules
    from (select r.user_id, r.rule_id from public.alert_rules r where r.enabled and r.due_at <= now() order by r.due_at limit most) d;
  for place in 1 .. coalesce(cardinality(tenants), 0) loop
    -- Row-level security binds the tables' owner as well.
    perform set_config('app.user_id', tenants[place]::text, true);
    select r.* into rule from public.alert_rules r
      where r.user_id = tenants[place] and r.rule_id = rules[place] and r.enabled and r.due_at <= now()
      for no key update skip locked;
    continue when not found;
    select e.fired, e.ended into found_alerts from store.evaluate_alert_rule(rule) e;
    evaluated := evaluated + 1;
    fired := fired + found_alerts.fired;
    ended := ended + found_alerts.ended;
  end loop;
  perform set_config('app.user_id', asking, true);
end $$;

/* No transaction of a tenant, which has a role, gets what follows. */
create function store.refuse_tenants() returns void
  language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if current_setting('role') <> 'none' then
    raise insufficient_privilege using message = 'secrets of webhooks are for the server itself';
  end if;
end $$;

/* What signs the deliveries of a rule: the secret, and the one before it while that holds. */
create function store.alert_secrets(rule public.alert_rules) returns text[]
  language sql stable set search_path = pg_catalog, pg_temp
  return array_remove(array[rule.secret, case when rule.previous_secret_until > now() then rule.previous_secret end], null);

/* Where a rule's deliveries go, and what signs them. For the server itself. */
create function public.alert_endpoint(tenant uuid, rule uuid, out url text, out secrets text[])
  language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform store.refuse_tenants();
  select r.webhook_url, store.alert_secrets(r) into url, secrets
    from public.alert_rules r where r.user_id = tenant and r.rule_id = rule;
end $$;

/*
Takes up to `most` events that are to be delivered now, `most_of_tenant` of each tenant at a time, for a minute: nobody else gets them
meanwhile. For the server itself.
*/
create function public.claim_alert_deliveries(most integer, most_of_tenant integer)
  returns table (tenant_id uuid, event_id uuid, held uuid, seq bigint, kind text, value double precision, created_at timestamptz,
    alert_id uuid, fired_at timestamptz, ended_at timestamptz, end_reason text, fired_value double precision, threshold double precision,
    counted_runs bigint, config_id uuid, simulation_id uuid, rule_id uuid, rule_name text, rule_kind text, url text, secrets text[])
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform store.refuse_tenants();
  return query
    with due as (
      select e.user_id, e.event_id, e.next_attempt_at, row_number() over (partition by e.user_id order by e.next_attempt_at) as nth
      from public.alert_events e where e.delivery_status = 'pending' and e.next_attempt_at <= now()
    ), busy as (
      select e.user_id, count(*) as events from public.alert_events e
      where e.delivery_status = 'pending' and e.next_attempt_at > now() and e.claim is not null group by e.user_id
    ), picked as (
      select d.user_id, d.event_id from due d left join busy b on b.user_id = d.user_id
      where d.nth + coalesce(b.events, 0) <= most_of_tenant order by d.next_attempt_at limit most
    ), locked as (
      select e.user_id, e.event_id from public.alert_events e join picked p on p.user_id = e.user_id and p.event_id = e.event_id
      where e.delivery_status = 'pending' and e.next_attempt_at <= now()
      for update of e skip locked
    ), claimed as (
      update public.alert_events e set claim = gen_random_uuid(), next_attempt_at = now() + interval '1 minute',
          attempts = e.attempts + 1, attempted_at = now()
        from locked l where e.user_id = l.user_id and e.event_id = l.event_id
        returning e.*
    )
    select c.user_id, c.event_id, c.claim, c.seq, c.kind, c.value, c.created_at, a.alert_id, a.fired_at, a.ended_at, a.end_reason,
      a.value, a.threshold, a.counted_runs, a.config_id, a.simulation_id, r.rule_id, r.name, r.kind, r.webhook_url, store.alert_secrets(r)
    from claimed c
    join public.alerts a on a.user_id = c.user_id and a.alert_id = c.alert_id
    join public.alert_rules r on r.user_id = c.user_id and r.rule_id = c.rule_id;
end $$;

/*
Says how a claimed delivery went: `outcome` is delivered, retry or failed. Retries follow after 10 seconds, then four times as long
each, four hours at most, or when the receiver says, until a day after the event; then it has failed. Answers what it is then; null when
somebody else has taken it over, and nothing was changed.
*/
create function public.end_alert_delivery(tenant uuid, event uuid, held uuid, outcome text, status integer, reason text, retry_seconds integer)
  returns text
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  patience constant interval := interval '1 day';
  asking constant text := coalesce(current_setting('app.user_id', true), '');
  delivered public.alert_events;
  next_at timestamptz;
  became text;
begin
  perform store.refuse_tenants();
  -- Row-level security binds the tables' owner as well.
  perform set_config('app.user_id', tenant::text, true);
  -- Before the event: who tells of the next one asks whether this one is pending, and holds the rule.
  perform from public.alert_rules r
    where r.user_id = tenant and r.rule_id = (select e.rule_id from public.alert_events e where e.user_id = tenant and e.event_id = event)
    for no key update;
  select e.* into delivered from public.alert_events e
    where e.user_id = tenant and e.event_id = event and e.claim = held and e.delivery_status = 'pending' for no key update;
  if found then
    if outcome = 'retry' then
      -- A tenth more or less, so that those that failed together do not come together.
      next_at := now() + greatest(
        make_interval(secs => coalesce(retry_seconds, 0)),
        least(interval '10 seconds' * 4 ^ least(delivered.attempts - 1, 10), interval '4 hours') * (0.9 + 0.2 * random()));
    end if;
    became := case when outcome = 'delivered' then outcome
      when outcome = 'retry' and next_at < delivered.created_at + patience then 'pending' else 'failed' end;
    update public.alert_events e set delivery_status = became, claim = null, status_code = status, error = left(reason, 500),
        next_attempt_at = case became when 'pending' then next_at end,
        delivered_at = case became when 'delivered' then greatest(now(), delivered.created_at) end
      where e.user_id = tenant and e.event_id = event;
    if became <> 'pending' then
      update public.alert_events e set next_attempt_at = now()
        where e.user_id = tenant and e.delivery_status = 'pending' and e.next_attempt_at is null and e.event_id = (
          select n.event_id from public.alert_events n
          where n.user_id = tenant and n.rule_id = delivered.rule_id and n.delivery_status = 'pending' order by n.seq limit 1);
    end if;
  end if;
  perform set_config('app.user_id', asking, true);
  return became;
end $$;

insert into store.jobs (name, every) values
  ('evaluate_alert_rules', interval '10 seconds'),
  ('deliver_alerts', interval '5 seconds');

-- Alerts that have ended are kept as long as the steps of simulations that have.
call store.mend('public.expire_logs(integer)', $part$
  return expired + deleted;$part$, $mended$
  expired := expired + deleted;
  delete from public.alerts a where a.ctid = any (array(
    select o.ctid from public.alerts o where o.ended_at < now() - make_interval(days => kept.event_days) limit most));
  get diagnostics deleted = row_count;
  return expired + deleted;$mended$);

revoke execute on function
  store.tell_alert(uuid, uuid, uuid, text, double precision), store.end_alerts(uuid, uuid, uuid[], text, double precision),
  store.change_alert_rule(), store.disable_alert_rule(), store.alert_figure(public.alert_rules), store.silent_minutes(public.alert_rules),
  store.evaluate_alert_rule(public.alert_rules), store.refuse_tenants(), store.alert_secrets(public.alert_rules),
  public.evaluate_alert_rules(integer), public.alert_endpoint(uuid, uuid), public.claim_alert_deliveries(integer, integer),
  public.end_alert_delivery(uuid, uuid, uuid, text, integer, text, integer)
  from public;
grant execute on function
  public.evaluate_alert_rules(integer), public.alert_endpoint(uuid, uuid), public.claim_alert_deliveries(integer, integer),
  public.end_alert_delivery(uuid, uuid, uuid, text, integer, text, integer)
  to app_user;

call store.pin_settings();
