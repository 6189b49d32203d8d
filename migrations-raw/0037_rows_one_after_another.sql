-- The rows of a batch are judged as if they came one after the other: behind a row count those only that are stored.

/*
Rows of which nothing is known before their batch, by what identifies them in it, each with its verdict if it came alone: which
are stored, and behind which of those the others come. The second of an id is that outcome again; so is the second of an attempt
if it has no id of its own, and else it is another outcome of an attempt that has one. What is not stored stands in nobody's way.
*/
create function store.one_after_another(
  places integer[], ids integer[], attempts integer[], named boolean[], verdicts text[])
  returns table (idx integer, first_idx integer, verdict text)
  language plpgsql immutable rows 100 set search_path = pg_catalog, pg_temp as $$
declare
  by_id integer[] := '{}';
  by_attempt integer[] := '{}';
begin
  for place in 1 .. coalesce(cardinality(places), 0) loop
    idx := places[place];
    first_idx := coalesce(by_id[ids[place]], case when not named[place] then by_attempt[attempts[place]] end);
    if first_idx is not null then
      verdict := 'DUPLICATE';
    elsif verdicts[place] <> 'STORED' then
      verdict := verdicts[place];
    elsif by_attempt[attempts[place]] is not null then
      verdict := 'ATTEMPT_ALREADY_RECORDED';
    else
      verdict := 'STORED';
      by_id[ids[place]] := idx;
      by_attempt[attempts[place]] := idx;
    end if;
    return next;
  end loop;
end $$;

-- Rows of simulations that have more repetitions, and name none, come behind all others: they are attempts at what is free then.
call store.mend('public.ingest_outcomes(jsonb)', $part$
  tenant constant uuid := public.current_user_id();
begin$part$, $mended$
  tenant constant uuid := public.current_user_id();
  lines jsonb;
  told uuid[] := '{}';
begin$mended$);
call store.mend('public.ingest_outcomes(jsonb)', $part$
  if not (batch ->> 'numbered')::boolean and exists (
    select from public.simulations s
    where s.user_id = (select tenant) and s.repetitions > 1
      and s.simulation_id in (select jsonb_array_elements_text(batch -> 'simulation_ids')::uuid))
  then
    batch := store.with_repetitions(tenant, batch);
  end if;$part$, $mended$
  if not (batch ->> 'numbered')::boolean and exists (
    select from public.simulations s
    where s.user_id = (select tenant) and s.repetitions > 1
      and s.simulation_id in (select jsonb_array_elements_text(batch -> 'simulation_ids')::uuid))
  then
    with repeated as materialized (
      select s.simulation_id
      from public.simulations s
      where s.user_id = (select tenant) and s.repetitions > 1
        and s.simulation_id in (select jsonb_array_elements_text(batch -> 'simulation_ids')::uuid)
    ), line as (
      select l, l ->> 'repetition' is null and ((l ->> 'simulation_id')::uuid in (select simulation_id from repeated)) as is_free
      from jsonb_array_elements(batch -> 'rows') l
    )
    select jsonb_agg(l) filter (where not is_free), batch || jsonb_build_object('rows', jsonb_agg(l) filter (where is_free))
      into lines, batch
      from line;
    if lines is not null then
      for idx, outcome_id, receipt, code, differences in
        select * from public.ingest_outcomes(batch || jsonb_build_object('numbered', true, 'rows', lines))
      loop
        return next;
        if receipt in ('STORED', 'DUPLICATE') then
          told := told || outcome_id;
        end if;
      end loop;
    end if;
    if batch ->> 'rows' is null then
      return;
    end if;
    batch := store.with_repetitions(tenant, batch || jsonb_build_object('told', told));
  end if;$mended$);

-- A row without an id is the last attempt of its run under whatever id that has.
call store.mend('public.ingest_outcomes(jsonb)', $part$
        store.derived_outcome_id(x.simulation_id, x.scenario_id, coalesce(x.repetition, 1), x.retry_count)) as outcome_id,
$part$, $mended$
        store.derived_outcome_id(x.simulation_id, x.scenario_id, coalesce(x.repetition, 1), x.retry_count)) as outcome_id,
      x.outcome_id is not null as named,
$mended$);
call store.mend('public.ingest_outcomes(jsonb)', $part$
    select i.idx, i.outcome_id, i.simulation_id, i.scenario_id, i.repetition, i.retry_count,
      s.event_seq + 1$part$, $mended$
    select i.idx, same.outcome_id, i.named, i.simulation_id, i.scenario_id, i.repetition, i.retry_count,
      s.event_seq + 1$mended$);
call store.mend('public.ingest_outcomes(jsonb)', $part$
      select r.scenario_id, r.status, r.reliability_score, r.attempts, r.missed_attempts
      from$part$, $mended$
      select r.scenario_id, r.status, r.reliability_score, r.attempts, r.missed_attempts, r.outcome_id
      from$mended$);
call store.mend('public.ingest_outcomes(jsonb)', $part$
    ) run on true
    left join lateral (
      select k.outcome_id, k.simulation_id, k.execution_time
      from store.outcome_keys k
      where k.user_id = (select tenant) and k.outcome_id = i.outcome_id$part$, $mended$
    ) run on true
    cross join lateral (
      select case when not i.named and i.retry_count = run.attempts - 1 then run.outcome_id else i.outcome_id end as outcome_id
      -- A value, and no expression that might tell of rows that a policy hides: it would come behind the policy, and the index
      -- find all that the tenant has.
      offset 0
    ) same
    left join lateral (
      select k.outcome_id, k.simulation_id, k.execution_time
      from store.outcome_keys k
      where k.user_id = (select tenant) and k.outcome_id = same.outcome_id$mended$);
call store.mend('public.ingest_outcomes(jsonb)', $part$
    select j.idx, store.row_differences(tenant, j.known_time, j.model, to_jsonb(i)) as differences$part$, $mended$
    select j.idx, store.row_differences(tenant, j.known_time, j.model,
      to_jsonb(i) || jsonb_build_object('outcome_id', j.outcome_id)) as differences$mended$);

call store.mend('public.ingest_outcomes(jsonb)', $part$
  -- Behind others of the batch, of which only those count that would be stored: first of their id, then of their attempt.
  identified as (
    select a.*, min(a.idx) over (partition by a.outcome_id, a.verdict) as first_idx from alone a
  ),
  judged as materialized (
    select i.idx, i.outcome_id, i.simulation_id, i.scenario_id, i.repetition, i.retry_count, i.event_seq, i.model,
      i.status_before, i.score_before, i.attempts_before, i.missed_attempts, i.known_time, i.first_idx,
      case
        when i.verdict <> 'STORED' then i.verdict
        when i.idx > i.first_idx then 'DUPLICATE'
        when i.idx > min(i.idx) over (
            partition by i.simulation_id, i.scenario_id, i.repetition, i.retry_count, i.verdict, i.idx = i.first_idx)
          then 'ATTEMPT_ALREADY_RECORDED'
        else i.verdict
      end as verdict
    from identified i
  ),$part$, $mended$
  -- By the first rows that have their id and their attempt.
  identified as (
    select a.idx, a.named, a.verdict, min(a.idx) over (partition by a.outcome_id) as id,
      min(a.idx) over (partition by a.simulation_id, a.scenario_id, a.repetition, a.retry_count) as attempt
    from alone a
    where a.verdict not in ('DUPLICATE', 'OUTCOME_ID_TAKEN', 'SIMULATION_NOT_FOUND')
    order by a.idx
  ),
  ordered as materialized (
    select o.idx, o.first_idx, o.verdict
    from (
      select array_agg(i.idx) as places, array_agg(i.id) as ids, array_agg(i.attempt) as attempts, array_agg(i.named) as named,
        array_agg(i.verdict) as verdicts
      from identified i
    ) i
    cross join lateral store.one_after_another(i.places, i.ids, i.attempts, i.named, i.verdicts) o
  ),
  judged as materialized (
    select a.idx, a.outcome_id, a.simulation_id, a.scenario_id, a.repetition, a.retry_count, a.event_seq, a.model,
      a.status_before, a.score_before, a.attempts_before, a.missed_attempts, a.known_time, o.first_idx,
      coalesce(o.verdict, a.verdict) as verdict
    from alone a left join ordered o using (idx)
  ),$mended$);
call store.mend('public.ingest_outcomes(jsonb)', $part$
  select a.idx, a.outcome_id,
    case$part$, $mended$
  select a.idx, coalesce(first.outcome_id, a.outcome_id),
    case$mended$);
call store.mend('public.ingest_outcomes(jsonb)', $part$
    select j.idx, j.outcome_id, j.first_idx, d.differences,$part$, $mended$
    select j.idx, j.outcome_id, j.simulation_id, j.first_idx, d.differences,$mended$);
call store.mend('public.ingest_outcomes(jsonb)', $part$
  join answered first on first.idx = a.first_idx
  cross join lateral (
    select case when$part$, $mended$
  left join answered first on first.idx = a.first_idx
  cross join lateral (
    select case when a.simulation_id <> first.simulation_id then 'OUTCOME_ID_TAKEN' when$mended$);

/*
The batch, of whose rows none names a repetition, with one for each: that of the equal outcome which is stored already, and was
not told of another row (`told` has those of rows that came before), so that a repeated call stores once, whether a later attempt
followed or not; else the first that does not have this attempt yet: of a
run that waits for it, or whose attempt before it comes in the same batch; else of one that has none, because many send only
the last of theirs; else of one that went on without it; else of any. A row that will not be stored takes none from the others.

What is stored is read once for the batch, and found by its hash: to compare each row with each repetition of its scenario
took 30 seconds for 200 rows.
*/
create or replace function store.with_repetitions(tenant uuid, batch jsonb) returns jsonb
  language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  line jsonb;
  lines jsonb[] := '{}';
  run text;
  retry integer;
  chosen integer;
  simulation record;
  content text;
  equal jsonb;
  own_id text;
  is_known boolean;
  oldest constant timestamptz := coalesce(store.retention_start(), '-infinity');
  -- Attempts of the batch, as keys, and the repetitions of those with an id of their own.
  taken jsonb := '{}';
  named jsonb := '{}';
  told jsonb := batch -> 'told';
  -- How many of the stored attempts that hold the same were looked at.
  tried jsonb := '{}';
  -- Of each scenario's runs the first repetition that may be free.
  free jsonb := '{}';
  -- Stored attempts by what they hold, each with its repetition.
  stored jsonb := (
    with wanted as materialized (
      select distinct (l ->> 'simulation_id')::uuid as simulation_id, l ->> 'scenario_id' as scenario_id,
        (l ->> 'retry_count')::integer as retry, (l ->> 'time_given')::boolean as time_given,
        (l ->> 'start_time_given')::boolean as start_time_given
      from jsonb_array_elements(batch -> 'rows') l
      where l ->> 'outcome_id' is null
    ), attempts as (
      select r.repetition, k.outcome_id, k.execution_time,
        concat_ws('/', w.simulation_id, w.scenario_id, w.retry, w.time_given, w.start_time_given,
          store.outcome_hash(o, store.tools_of(tenant, k.outcome_id), store.failures_of(tenant, k.outcome_id),
            w.time_given, w.start_time_given)) as held
      from wanted w
      cross join lateral (
        select a.repetition, a.attempts, a.outcome_id from public.simulations_scenarios a
        where a.user_id = tenant and a.simulation_id = w.simulation_id and a.scenario_id = w.scenario_id
          and a.attempts > w.retry
        offset 0
      ) r
      cross join lateral (
        select c.outcome_id, c.execution_time from store.outcome_keys c
        where c.user_id = tenant and c.outcome_id = case when r.attempts = w.retry + 1 then r.outcome_id
          else store.derived_outcome_id(w.simulation_id, w.scenario_id, r.repetition, w.retry) end
        limit 1
      ) k
      cross join lateral store.outcome_at(tenant, k.outcome_id, k.execution_time) o
      where o.outcome_id is not null
    )
    select coalesce(jsonb_object_agg(a.held, a.found), '{}')
    from (
      select held, jsonb_agg(jsonb_build_object('repetition', repetition, 'outcome_id', outcome_id, 'time', execution_time)
        order by repetition) as found
      from attempts group by held
    ) a);
begin
  for line in select jsonb_array_elements(batch -> 'rows') loop
    run := concat_ws('/', line ->> 'simulation_id', line ->> 'scenario_id');
    retry := line ->> 'retry_count';
    own_id := line ->> 'outcome_id';
    select s.repetitions, s.max_retries, s.status in ('pending', 'running') as is_open, v.model into simulation
      from public.simulations s
      join public.config_versions v on v.user_id = tenant and v.version_id = s.config_version_id
      where s.user_id = tenant and s.simulation_id = (line ->> 'simulation_id')::uuid;
    chosen := null;
    is_known := false;
    if own_id is not null then
      select o.repetition into chosen
        from store.outcome_keys k
        left join lateral store.outcome_at(tenant, k.outcome_id, k.execution_time) o
          on k.simulation_id = (line ->> 'simulation_id')::uuid
        where k.user_id = tenant and k.outcome_id = own_id::uuid;
      is_known := found or named ? own_id;
      if is_known then
        chosen := coalesce(chosen, (named ->> own_id)::integer, 1);
        told := told || to_jsonb(own_id);
      end if;
    elsif stored <> '{}' then
      content := concat_ws('/', run, retry, (line ->> 'time_given')::boolean, (line ->> 'start_time_given')::boolean,
        store.outcome_hash(store.outcome_in(simulation.model, line), line -> 'tools', line -> 'failures',
          (line ->> 'time_given')::boolean, (line ->> 'start_time_given')::boolean));
      while chosen is null loop
        equal := stored -> content -> coalesce((tried ->> content)::integer, 0);
        exit when equal is null;
        tried := tried || jsonb_build_object(content, coalesce((tried ->> content)::integer, 0) + 1);
        if not told ? (equal ->> 'outcome_id') and store.row_differences(tenant, (equal ->> 'time')::timestamptz, simulation.model,
          line || jsonb_build_object('repetition', equal -> 'repetition', 'outcome_id', equal -> 'outcome_id')) is null
        then
          chosen := equal ->> 'repetition';
          is_known := true;
          line := line || jsonb_build_object('outcome_id', equal -> 'outcome_id');
        end if;
      end loop;
    end if;
    if chosen is null and retry = 0 then
      -- The most frequent by far: the index has it without a look at all repetitions.
      select r.repetition into chosen
        from public.simulations_scenarios r
        where r.user_id = tenant and r.simulation_id = (line ->> 'simulation_id')::uuid
          and r.scenario_id = line ->> 'scenario_id' and r.attempts = 0
          and r.repetition >= coalesce((free ->> run)::integer, 1)
          and not taken ? concat_ws('/', run, r.repetition, 0)
        order by r.repetition
        limit 1;
      free := free || jsonb_build_object(run, coalesce(chosen, 1000000));
    end if;
    if chosen is null then
      select r.repetition into chosen
        from public.simulations_scenarios r
        cross join lateral (
          select case
            when r.attempts = retry or r.attempts < retry and taken ? concat_ws('/', run, r.repetition, retry - 1) then 1
            when r.attempts = 0 then 2
            when retry = any (r.missed_attempts) then 3
            when r.attempts < retry then 4
          end as preference
        ) p
        where r.user_id = tenant and r.simulation_id = (line ->> 'simulation_id')::uuid
          and r.scenario_id = line ->> 'scenario_id' and p.preference is not null
          and not taken ? concat_ws('/', run, r.repetition, retry)
        order by p.preference, r.repetition
        limit 1;
    end if;
    if chosen is not null and not is_known and simulation.is_open and retry <= simulation.max_retries
      and (line ->> 'execution_time')::timestamptz between oldest and clock_timestamp() + interval '5 minutes'
    then
      taken := taken || jsonb_build_object(concat_ws('/', run, chosen, retry), true);
      if own_id is not null then
        named := named || jsonb_build_object(own_id, chosen);
      end if;
    end if;
    -- One more than there are: the row is rejected for that.
    line := line || jsonb_build_object('repetition', coalesce(chosen, simulation.repetitions + 1));
    lines := lines || line;
  end loop;
  return batch || jsonb_build_object('rows', to_jsonb(lines));
end $$;

-- A run began as long before its end as it took, also where that is found out later.
call store.mend('public.amend_outcomes(jsonb)', $part$
      update public.simulations_scenarios run set status = after.status, reliability_score = after.reliability_score
        where$part$, $mended$
      update public.simulations_scenarios run set status = after.status, reliability_score = after.reliability_score,
          started_at = before.execution_time - make_interval(secs => coalesce(after.execution_time_ms, 0) / 1000.0)
        where$mended$);

-- One amendment of each outcome is taken, and one that is rejected is none.
call store.mend('public.amend_outcomes(jsonb)', $part$
  effects jsonb[] := '{}';$part$, $mended$
  effects jsonb[] := '{}';
  taken uuid[] := '{}';$mended$);
call store.mend('public.amend_outcomes(jsonb)', $part$
    before := store.outcome_at(tenant, line.outcome_id, line.execution_time);$part$, $mended$
    if line.outcome_id = any (taken) then
      return query select line.idx, line.outcome_id, 'REJECTED', 'AMENDED_ALREADY';
      continue;
    end if;
    before := store.outcome_at(tenant, line.outcome_id, line.execution_time);$mended$);
call store.mend('public.amend_outcomes(jsonb)', $part$
    tools := store.tools_of(tenant, line.outcome_id);$part$, $mended$
    taken := taken || line.outcome_id;
    tools := store.tools_of(tenant, line.outcome_id);$mended$);

-- A scenario that is deleted is why a simulation does not run it.
call store.mend('public.ingest_outcomes(jsonb)', $part$
            when exists (select from public.scenarios c$part$, $mended$
            when exists (select from public.deletions d where d.user_id = (select tenant) and d.scenario_id = i.scenario_id)
              then 'SCENARIO_DELETED'
            when exists (select from public.scenarios c$mended$);

-- Where the tables were small when a session planned, both indexes that begin with the tenant seemed as good: with this one each
-- row of a batch was compared with all outcomes of the tenant. Deleting a simulation for good needs it, and nobody else.
drop index store.outcome_keys_simulation;
create index outcome_keys_simulation on store.outcome_keys (simulation_id);

call store.pin_settings();
