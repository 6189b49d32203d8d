-- Vectors of what things mean: of failures, of what agents did, of scenarios and of configuration versions. They are made after the commit,
-- by a job; what waits for one stands in a queue that the storing transaction fills.

/*
One vector of one thing by one model. What the subject is depends on the kind: of a failure its signature (equal signatures are one
failure), of a trajectory the outcome's id, of a scenario its key, of a configuration version its id. A subject goes with what it is of.
*/
create table store.embeddings (
  user_id uuid not null,
  kind text not null check (kind in ('failure', 'trajectory', 'scenario', 'config_version')),
  -- Who made it, with which model, of which version of the text. Only vectors of equal names may be compared.
  model text not null check (char_length(model) between 1 and 200),
  subject text collate "C" not null check (char_length(subject) between 1 and 100),
  -- Of length 1. Shorter ones of a model end in zeros.
  embedding halfvec(1536) not null,
  -- SHA-256 of the text that it was made of; null of a vector that its caller made.
  text_sha256 bytea check (octet_length(text_sha256) = 32),
  made_at timestamptz(3) not null default now(),
  primary key (user_id, kind, model, subject)
);
-- 3 KB, which TOAST would put elsewhere: every comparison would have to fetch it.
alter table store.embeddings alter column embedding set storage plain;
-- Equal texts have equal vectors.
create index embeddings_text on store.embeddings (text_sha256) where text_sha256 is not null;

create view public.embeddings as select * from store.embeddings where user_id = (select public.current_user_id());
grant select on public.embeddings to app_user, app_readonly, app_admin;

-- What was meant for this and never filled.
alter table public.failure_patterns drop column error_embedding, drop column embedding_model;
alter table public.scenarios drop column scenario_embedding, drop column embedding_model;
alter table public.config_versions drop column embedding, drop column embedding_model;
call store.mend('store.audit()', $part$array['embedding', 'scenario_embedding', 'secret_hash'$part$, $mended$array['secret_hash'$mended$);

-- What the model refuses, or what says nothing: it would have no vector at a second attempt either.
create table store.unembeddable (
  user_id uuid not null,
  kind text not null,
  subject text collate "C" not null,
  model text not null,
  reason text not null,
  tried_at timestamptz(3) not null default now(),
  primary key (user_id, kind, subject, model)
);

/*
What waits for its vector. Rows are only added: who stores never waits for who stores the same, and what changes while it is embedded
stands there once more. Whoever works them off takes all of one subject.
*/
create table store.embedding_queue (
  user_id uuid not null,
  kind text not null,
  subject text collate "C" not null,
  -- In which order a tenant's are made: what is asked for soonest first.
  rank smallint not null generated always as (case kind when 'failure' then 1 when 'trajectory' then 3 else 2 end) stored,
  -- Of the thing itself: the newest comes first.
  subject_at timestamptz not null,
  queued_at timestamptz not null default clock_timestamp(),
  -- To be made although there is one.
  anew boolean not null default false,
  -- Who makes it at the moment, until when.
  claim uuid,
  claimed_until timestamptz
) with (fillfactor = 70);
create index embedding_queue_next on store.embedding_queue (user_id, rank, subject_at desc);
create index embedding_queue_subject on store.embedding_queue (user_id, kind, subject);

-- By kind the names of the vectors that are made. Null until a server that makes some was started: until then nothing is queued.
alter table store.settings add column embedding_models jsonb;

-- What became of the work.
create table store.embedding_work (
  only_row boolean primary key default true check (only_row),
  -- Up to where it was looked for what has no vector yet; null where that is done.
  place jsonb,
  searched_at timestamptz,
  -- Whether there may be vectors of other models of Arc's.
  has_old boolean not null default false,
  -- Until then an endpoint wants to be left alone.
  paused_until timestamptz,
  made bigint not null default 0,
  failed bigint not null default 0,
  last_error text,
  last_error_at timestamptz
);
insert into store.embedding_work default values;
insert into store.jobs (name, every) values ('embed', interval '30 seconds');

create or replace function store.refuse_tenants() returns void
  language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if current_setting('role') <> 'none' then
    raise insufficient_privilege using message = 'this is for the server itself';
  end if;
end $$;

-- Acting for no tenant, the search for what has no vector sees the versions of all.
create policy owner_embeds on public.config_versions for select to arc_owner
  using ((select public.current_user_id()) is null);

/* Whether the subject has its vector, or can have none. */
create function store.is_embedded(tenant uuid, what text, name text, model_name text) returns boolean
  language sql stable set search_path = pg_catalog, pg_temp
  return exists (select from store.embeddings e
      where e.user_id = tenant and e.kind = what and e.model = model_name and e.subject = name)
    or exists (select from store.unembeddable u
      where u.user_id = tenant and u.kind = what and u.model = model_name and u.subject = name);

/* Queues failures by their signatures where they have no vector and stand nowhere in the queue. */
create function store.queue_failures(tenant uuid, signatures text[], at timestamptz) returns void
  language sql set search_path = pg_catalog, pg_temp
  begin atomic
    insert into store.embedding_queue (user_id, kind, subject, subject_at)
      select tenant, 'failure', f.signature, at
      from (select distinct unnest(signatures) as signature) f, store.settings s
      where s.embedding_models is not null
        and not store.is_embedded(tenant, 'failure', f.signature, s.embedding_models ->> 'failure')
        and not exists (select from store.embedding_queue q
          where q.user_id = tenant and q.kind = 'failure' and q.subject = f.signature);
  end;

/* The vectors of these subjects go, and their places in the queue. */
create function store.forget_embeddings(tenant uuid, what text, subjects text[]) returns void
  language plpgsql set search_path = pg_catalog, pg_temp
  -- Statistics may be old, or as in the embedded database never made.
  set enable_seqscan = off as $$
declare
  model_name text := '';
begin
  delete from store.embedding_queue q where q.user_id = tenant and q.kind = what and q.subject = any (subjects);
  delete from store.unembeddable u where u.user_id = tenant and u.kind = what and u.subject = any (subjects);
  -- One look for each model that the tenant has.
  loop
    select e.model into model_name from store.embeddings e
      where e.user_id = tenant and e.kind = what and e.model > model_name order by e.model limit 1;
    exit when not found;
    delete from store.embeddings e
      where e.user_id = tenant and e.kind = what and e.model = model_name and e.subject = any (subjects);
  end loop;
end $$;

call store.mend('public.ingest_outcomes(jsonb)', $part$
    from fresh f join input i using (idx),
      jsonb_to_recordset(i.failures) as p(failure_type text, failure_category text, error_message text, signature text,
        recovery_attempted boolean, recovery_successful boolean, resolution_steps text)
  ),$part$, $mended$
    from fresh f join input i using (idx),
      jsonb_to_recordset(i.failures) as p(failure_type text, failure_category text, error_message text, signature text,
        recovery_attempted boolean, recovery_successful boolean, resolution_steps text)
    returning signature
  ),
  to_embed as (
    insert into store.embedding_queue (user_id, kind, subject, subject_at)
    select tenant, 'trajectory', f.outcome_id::text, i.execution_time
    from fresh f join input i using (idx)
    where (select s.embedding_models is not null from store.settings s)
      and not f.superseded and (i.step_count > 0 or i.trajectory ? 'text')
    union all
    select tenant, 'failure', w.signature, now()
    from (select distinct signature from went_wrong) w
    cross join lateral (select s.embedding_models ->> 'failure' as model from store.settings s where s.embedding_models is not null limit 1) made
    where not store.is_embedded((select tenant), 'failure', w.signature, made.model)
      and not exists (select from store.embedding_queue q
        where q.user_id = (select tenant) and q.kind = 'failure' and q.subject = w.signature)
  ),$mended$);

/* What has changed of an outcome is embedded again. */
create function store.queue_amended(tenant uuid, id uuid, at timestamptz, was_superseded boolean) returns void
  language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  perform from store.settings s where s.embedding_models is not null;
  if not found then
    return;
  end if;
  if not was_superseded then
    insert into store.embedding_queue (user_id, kind, subject, subject_at) values (tenant, 'trajectory', id::text, at);
  end if;
  perform store.queue_failures(tenant,
    array(select p.signature from public.failure_patterns p where p.user_id = tenant and p.outcome_id = id), now());
end $$;
call store.mend('public.amend_outcomes(jsonb)', $part$
    if not before.superseded then
      update public.simulations_scenarios run set status = after.status$part$, $mended$
    if differences && array['trajectory', 'status', 'failure_patterns'] then
      perform store.queue_amended(tenant, before.outcome_id, before.execution_time, before.superseded);
    end if;
    if not before.superseded then
      update public.simulations_scenarios run set status = after.status$mended$);

-- Only last attempts have a vector.
call store.mend('store.supersede_outcome()', $part$
    insert into store.stale_hours (user_id, bucket) values (old.user_id, store.hour_of(at));$part$, $mended$
    insert into store.stale_hours (user_id, bucket) values (old.user_id, store.hour_of(at));
    perform store.forget_embeddings(old.user_id, 'trajectory', array[old.outcome_id::text]);$mended$);
call store.mend('store.delete_outcomes_of_keys()', $part$
    delete from public.failure_patterns p$part$, $mended$
    perform store.forget_embeddings(part.user_id, 'trajectory', part.ids::text[]);
    delete from public.failure_patterns p$mended$);

/* With the last failure of a signature goes the signature's vector. */
create function store.forget_failures() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp set enable_seqscan = off as $$
declare
  gone record;
begin
  for gone in
    select d.user_id, array_agg(d.signature) as signatures
    from (select distinct user_id, signature from deleted) d
    where not exists (select from public.failure_patterns p where p.user_id = d.user_id and p.signature = d.signature)
    group by d.user_id
  loop
    perform store.forget_embeddings(gone.user_id, 'failure', gone.signatures);
  end loop;
  return null;
end $$;
create trigger forget_embeddings after delete on public.failure_patterns referencing old table as deleted
  for each statement execute function store.forget_failures();

create function store.forget_scenarios() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  gone record;
begin
  for gone in select d.user_id, array_agg(d.scenario_id) as ids from deleted d group by d.user_id loop
    perform store.forget_embeddings(gone.user_id, 'scenario', gone.ids);
  end loop;
  return null;
end $$;
create trigger forget_embeddings after delete on public.scenarios referencing old table as deleted
  for each statement execute function store.forget_scenarios();

create function store.forget_config_versions() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  gone record;
begin
  for gone in select d.user_id, array_agg(d.version_id::text) as ids from deleted d group by d.user_id loop
    perform store.forget_embeddings(gone.user_id, 'config_version', gone.ids);
  end loop;
  return null;
end $$;
create trigger forget_embeddings after delete on public.config_versions referencing old table as deleted
  for each statement execute function store.forget_config_versions();

/* Says that there is something to embed where nothing else says that something was stored. A hint of no simulation. */
create function store.hint_of_embedding() returns void
  language sql set search_path = pg_catalog, pg_temp
  begin atomic
    select pg_notify(s.event_channel, '00000000-0000-0000-0000-000000000001:0') from store.settings s;
  end;

create function store.queue_new_scenarios() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  insert into store.embedding_queue (user_id, kind, subject, subject_at)
    select n.user_id, 'scenario', n.scenario_id, n.updated_at
    from inserted n, store.settings s where s.embedding_models is not null;
  if found then
    perform store.hint_of_embedding();
  end if;
  return null;
end $$;
create trigger queue_embeddings after insert on public.scenarios referencing new table as inserted
  for each statement execute function store.queue_new_scenarios();

create function store.queue_changed_scenarios() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  insert into store.embedding_queue (user_id, kind, subject, subject_at)
    select n.user_id, 'scenario', n.scenario_id, n.updated_at
    from changed n join before b using (user_id, scenario_id), store.settings s
    where s.embedding_models is not null
      and (n.name, n.task_prompt, n.ground_truth, n.expected_tools)
        is distinct from (b.name, b.task_prompt, b.ground_truth, b.expected_tools);
  if found then
    perform store.hint_of_embedding();
  end if;
  return null;
end $$;
create trigger queue_changed_embeddings after update on public.scenarios referencing old table as before new table as changed
  for each statement execute function store.queue_changed_scenarios();

create function store.queue_config_versions() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  insert into store.embedding_queue (user_id, kind, subject, subject_at)
    select n.user_id, 'config_version', n.version_id::text, n.created_at
    from inserted n, store.settings s where s.embedding_models is not null;
  if found then
    perform store.hint_of_embedding();
  end if;
  return null;
end $$;
create trigger queue_embeddings after insert on public.config_versions referencing new table as inserted
  for each statement execute function store.queue_config_versions();

/*
From now on vectors of these names are made, and what has none yet is looked for. Answers whether they were others before. Called
by each server when it starts: the last one says which.
*/
create function public.use_embedding_models(models jsonb) returns boolean
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform store.refuse_tenants();
  update store.settings set embedding_models = models where embedding_models is distinct from models;
  if not found then
    return false;
  end if;
  update store.embedding_work set place = '{}', searched_at = null, has_old = true, paused_until = null;
  update store.jobs set due_at = now(), failures = 0 where name = 'embed';
  return true;
end $$;

/*
Looks at up to `most` subjects from a place on, queues those without a vector, and answers the place behind them; null at the end. The
place starts as '{}', or with which kinds and which tenant, and whether to make all anew.
*/
create function store.find_unembedded(most integer, inout place jsonb, out queued integer)
  language plpgsql security definer set search_path = pg_catalog, pg_temp set enable_seqscan = off as $$
declare
  asking constant text := coalesce(current_setting('app.user_id', true), '');
  models constant jsonb := (select s.embedding_models from store.settings s);
  kinds constant text[] := array['failure', 'scenario', 'config_version', 'trajectory'];
  only_tenant constant uuid := place ->> 'tenant';
  make_anew constant boolean := coalesce((place ->> 'anew')::boolean, false);
  kind_at integer := coalesce((place ->> 'at')::integer, 1);
  after_tenant uuid := coalesce(place ->> 'user', only_tenant::text, '00000000-0000-0000-0000-000000000000');
  after_subject text := coalesce(place ->> 'subject', '');
  this_kind constant text := kinds[kind_at];
  tenants uuid[];
  subjects text[];
  times timestamptz[];
begin
  queued := 0;
  if models is null or this_kind is null then
    place := null;
    return;
  end if;
  perform set_config('app.user_id', '', true);
  if place -> 'kinds' is not null and not place -> 'kinds' ? this_kind then
    null;
  elsif this_kind = 'failure' then
    -- From one signature to the next, past all failures that have it.
    with recursive step as (
      (select p.user_id, p.signature, p.execution_time from public.failure_patterns p
        where (p.user_id, p.signature) > (after_tenant, after_subject)
        order by p.user_id, p.signature, p.pattern_id limit 1)
      union all
      select n.* from step s cross join lateral (
        select p.user_id, p.signature, p.execution_time from public.failure_patterns p
        where (p.user_id, p.signature) > (s.user_id, s.signature)
        order by p.user_id, p.signature, p.pattern_id limit 1) n
    ), found_now as (select * from step limit most)
    select array_agg(user_id), array_agg(signature), array_agg(execution_time) into tenants, subjects, times from found_now;
  elsif this_kind = 'scenario' then
    select array_agg(user_id), array_agg(scenario_id), array_agg(updated_at) into tenants, subjects, times
      from (select * from public.scenarios c where (c.user_id, c.scenario_id) > (after_tenant, after_subject)
        order by c.user_id, c.scenario_id limit most) c;
  elsif this_kind = 'config_version' then
    select array_agg(user_id), array_agg(version_id::text), array_agg(created_at) into tenants, subjects, times
      from (select * from public.config_versions v
        where (v.user_id, v.version_id)
          > (after_tenant, coalesce(nullif(after_subject, ''), '00000000-0000-0000-0000-000000000000')::uuid)
        order by v.user_id, v.version_id limit most) v;
  else
    -- Row-level security binds the tables' owner as well: one tenant after the other. Who has outcomes has scenarios.
    loop
      if after_subject = '' and only_tenant is null then
        select c.user_id into after_tenant from public.scenarios c where c.user_id > after_tenant order by c.user_id limit 1;
        exit when not found;
      end if;
      perform set_config('app.user_id', after_tenant::text, true);
      select array_agg(k.user_id), array_agg(k.outcome_id::text), array_agg(k.execution_time) into tenants, subjects, times
        from (select * from store.outcome_keys k
          where k.user_id = after_tenant and not k.superseded
            and k.outcome_id > coalesce(nullif(after_subject, ''), '00000000-0000-0000-0000-000000000000')::uuid
          order by k.outcome_id limit most) k;
      perform set_config('app.user_id', '', true);
      exit when subjects is not null or only_tenant is not null;
      after_subject := '';
    end loop;
  end if;
  if only_tenant is not null then
    select array_agg(t), array_agg(s), array_agg(at) into tenants, subjects, times
      from unnest(tenants, subjects, times) x(t, s, at) where t = only_tenant;
  end if;
  if subjects is null then
    place := (place - 'user' - 'subject') || jsonb_build_object('at', kind_at + 1);
  else
    insert into store.embedding_queue (user_id, kind, subject, subject_at, anew)
      select t, this_kind, s, at, make_anew
      from unnest(tenants, subjects, times) x(t, s, at)
      where (make_anew or not store.is_embedded(t, this_kind, s, models ->> this_kind))
        and not exists (select from store.embedding_queue q
          where q.user_id = t and q.kind = this_kind and q.subject = s and q.anew >= make_anew);
    get diagnostics queued = row_count;
    place := place || jsonb_build_object(
      'at', kind_at, 'user', tenants[cardinality(tenants)], 'subject', subjects[cardinality(subjects)]);
  end if;
  perform set_config('app.user_id', asking, true);
end $$;

/* The same from where it stands, for all tenants; answers whether there may be more. A day later it begins again. */
create function public.search_unembedded(models jsonb, most integer) returns boolean
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  work store.embedding_work;
begin
  perform store.refuse_tenants();
  select w.* into work from store.embedding_work w for update skip locked;
  if work is null or work.paused_until > now() or work.place is null and work.searched_at > now() - interval '1 day'
    or (select s.embedding_models is distinct from models from store.settings s)
  then
    return false;
  end if;
  select f.place into work.place from store.find_unembedded(most, coalesce(work.place, '{}')) f;
  update store.embedding_work set place = work.place, searched_at = case when work.place is null then now() else searched_at end;
  return work.place is not null;
end $$;
/* The same for whoever asks for some, with a place of his own. */
create function public.queue_unembedded(most integer, inout place jsonb, out queued integer)
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform store.refuse_tenants();
  select f.place, f.queued into place, queued from store.find_unembedded(most, place) f;
end $$;

/*
Takes up to `most` subjects that wait, of up to 32 tenants behind `after` an equal share, each tenant's in the order of their rank, and what
is to be said of each: `thing` is null where it is gone. Nothing where other models are made, or an endpoint wants to be left alone. What was
taken is free again after five minutes; trajectories come as many as are 2 MB as they lie, and one at least.
*/
create function public.claim_embeddings(models jsonb, most integer, after uuid, held uuid, only_kinds text[], only_tenant uuid)
  returns table (tenant uuid, kind text, subject text, anew boolean, thing jsonb)
  language plpgsql security definer set search_path = pg_catalog, pg_temp set enable_seqscan = off as $$
#variable_conflict use_column
declare
  asking constant text := coalesce(current_setting('app.user_id', true), '');
  tenants uuid[] := '{}';
  next_tenant uuid := after;
  has_turned boolean := after = '00000000-0000-0000-0000-000000000000';
  room integer;
  taken jsonb;
  bytes bigint := 0;
  size bigint;
  row record;
  key store.outcome_keys;
  outcome store.whole_outcomes;
begin
  perform store.refuse_tenants();
  perform from store.settings s, store.embedding_work w
    where s.embedding_models = models and coalesce(w.paused_until <= clock_timestamp(), true);
  if not found then
    return;
  end if;
  if only_tenant is not null then
    tenants := array[only_tenant];
  end if;
  while only_tenant is null and cardinality(tenants) < least(32, most) loop
    select q.user_id into next_tenant from store.embedding_queue q
      where q.user_id > next_tenant and (q.claimed_until is null or q.claimed_until < clock_timestamp())
        and (only_kinds is null or q.kind = any (only_kinds))
      order by q.user_id limit 1;
    if not found then
      exit when has_turned;
      has_turned := true;
      next_tenant := '00000000-0000-0000-0000-000000000000';
      continue;
    end if;
    exit when next_tenant = any (tenants);
    tenants := tenants || next_tenant;
  end loop;

  foreach next_tenant in array tenants loop
    room := most / cardinality(tenants);
    perform set_config('app.user_id', next_tenant::text, true);
    for at in 1..3 loop
      exit when room = 0;
      with held_now as (
        update store.embedding_queue q set claim = held, claimed_until = clock_timestamp() + interval '5 minutes'
          where q.ctid = any (array(
            select w.ctid from store.embedding_queue w
            where w.user_id = next_tenant and w.rank = at and (w.claimed_until is null or w.claimed_until < clock_timestamp())
              and (only_kinds is null or w.kind = any (only_kinds))
            order by w.subject_at desc limit room for update skip locked))
          returning q.kind, q.subject, q.anew, q.subject_at
      )
      select jsonb_agg(t), room - coalesce(sum(t.rows), 0) into taken, room from (
        select h.kind, h.subject, bool_or(h.anew) as anew, count(*) as rows from held_now h
        group by h.kind, h.subject order by max(h.subject_at) desc) t;
      for row in select * from jsonb_to_recordset(taken) as t(kind text, subject text, anew boolean) loop
        tenant := next_tenant;
        kind := row.kind;
        subject := row.subject;
        anew := row.anew;
        thing := null;
        if kind = 'failure' then
          select jsonb_build_object('failureType', p.failure_type, 'failureCategory', p.failure_category, 'errorMessage', p.error_message)
            into thing from public.failure_patterns p
            where p.user_id = next_tenant and p.signature = row.subject order by p.pattern_id limit 1;
        elsif kind = 'scenario' then
          select jsonb_build_object('name', c.name, 'taskPrompt', c.task_prompt, 'groundTruth', c.ground_truth,
              'expectedTools', c.expected_tools)
            into thing from public.scenarios c where c.user_id = next_tenant and c.scenario_id = row.subject;
        elsif kind = 'config_version' then
          select jsonb_build_object('parsedConfig', v.parsed_config, 'model', v.model, 'temperature', v.temperature)
            into thing from public.config_versions v where v.user_id = next_tenant and v.version_id = row.subject::uuid;
        else
          select k.* into key from store.outcome_keys k where k.user_id = next_tenant and k.outcome_id = row.subject::uuid;
          outcome := store.outcome_at(next_tenant, key.outcome_id, key.execution_time);
          if outcome.outcome_id is not null and not outcome.superseded then
            size := pg_column_size(outcome.trajectory);
            if bytes > 0 and bytes + size > 2000000 then
              update store.embedding_queue q set claim = null, claimed_until = null
                where q.user_id = next_tenant and q.kind = 'trajectory' and q.subject = row.subject and q.claim = held;
              continue;
            end if;
            bytes := bytes + size;
            thing := jsonb_build_object('trajectory', outcome.trajectory, 'status', outcome.status,
              'hasWords', outcome.step_count > 0 or outcome.trajectory ? 'text',
              'error', (select p.error_message from public.failure_patterns p
                where p.user_id = next_tenant and p.outcome_id = outcome.outcome_id order by p.pattern_id limit 1),
              'taskPrompt', (select left(c.task_prompt, 2000) from public.scenarios c
                where c.user_id = next_tenant and c.scenario_id = outcome.scenario_id));
          end if;
        end if;
        return next;
      end loop;
    end loop;
  end loop;
  perform set_config('app.user_id', asking, true);
end $$;

/* What was taken stays taken for five more minutes, or is free at once. */
create function public.hold_embeddings(taken jsonb, held uuid, longer boolean) returns void
  language plpgsql security definer set search_path = pg_catalog, pg_temp set enable_seqscan = off as $$
begin
  perform store.refuse_tenants();
  update store.embedding_queue q set
      claim = case when longer then held end,
      claimed_until = case when longer then clock_timestamp() + interval '5 minutes' end
    from jsonb_to_recordset(taken) as t(tenant uuid, kind text, subject text)
    where q.user_id = t.tenant and q.kind = t.kind and q.subject = t.subject and q.claim = held;
end $$;

/*
Stores what became of what was taken, each with `vector`, with `reason` why there is none, with `gone`, or with the SHA-256 of its text alone:
then the vector of an equal text is taken where the tenant has one. What is done leaves the queue; answers what is not. What was
deleted meanwhile, or is no longer held, is not stored.
*/
create function public.store_embeddings(held uuid, models jsonb, results jsonb)
  returns table (tenant uuid, kind text, subject text)
  language plpgsql security definer set search_path = pg_catalog, pg_temp set enable_seqscan = off as $$
#variable_conflict use_column
declare
  result record;
  vector public.halfvec;
  made_now integer := 0;
begin
  perform store.refuse_tenants();
  for result in
    select * from jsonb_to_recordset(results) as r(tenant uuid, kind text, subject text, sha256 text, vector text, reason text, gone boolean)
    order by r.tenant, r.kind, r.subject
  loop
    vector := result.vector::public.halfvec;
    if vector is null and result.reason is null and result.gone is not true then
      select e.embedding into vector from store.embeddings e
        where e.text_sha256 = decode(result.sha256, 'hex') and e.user_id = result.tenant and e.kind = result.kind
          and e.model = models ->> result.kind
        limit 1;
      if not found then
        tenant := result.tenant;
        kind := result.kind;
        subject := result.subject;
        return next;
        continue;
      end if;
    end if;
    delete from store.embedding_queue q
      where q.user_id = result.tenant and q.kind = result.kind and q.subject = result.subject and q.claim = held;
    continue when not found;
    if vector is not null then
      insert into store.embeddings as e (user_id, kind, model, subject, embedding, text_sha256)
        values (result.tenant, result.kind, models ->> result.kind, result.subject, vector, decode(result.sha256, 'hex'))
        on conflict (user_id, kind, model, subject) do update
          set embedding = excluded.embedding, text_sha256 = excluded.text_sha256, made_at = excluded.made_at
          where e.text_sha256 is distinct from excluded.text_sha256 or result.vector is not null;
      made_now := made_now + 1;
      delete from store.unembeddable u
        where u.user_id = result.tenant and u.kind = result.kind and u.subject = result.subject;
    elsif result.reason is not null then
      insert into store.unembeddable as u (user_id, kind, subject, model, reason)
        values (result.tenant, result.kind, result.subject, models ->> result.kind, left(result.reason, 500))
        on conflict (user_id, kind, subject, model) do update set reason = excluded.reason, tried_at = excluded.tried_at;
      -- What it says no longer has the meaning that it had.
      delete from store.embeddings e
        where e.user_id = result.tenant and e.kind = result.kind and e.model = models ->> result.kind and e.subject = result.subject;
    end if;
  end loop;
  update store.embedding_work w set made = w.made + made_now where made_now > 0;
end $$;

/* Notes an attempt that failed for all that was asked, and for how long an endpoint wants to be left alone. */
create function public.note_embedding_failure(error text, pause_ms double precision) returns void
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform store.refuse_tenants();
  update store.embedding_work w set failed = w.failed + 1, last_error = left(error, 2000), last_error_at = now(),
    paused_until = now() + make_interval(secs => pause_ms / 1000);
end $$;

/*
Once all that there was when the models changed has a vector of the new one, those of the old ones go, up to `most` at a time. Answers
whether there may be more. Vectors that callers gave stay: their models are not Arc's.
*/
create function public.drop_old_embeddings(most integer) returns boolean
  language plpgsql security definer set search_path = pg_catalog, pg_temp set enable_seqscan = off as $$
declare
  models constant jsonb := (select s.embedding_models from store.settings s);
  work store.embedding_work;
  at record;
  dropped integer;
  waits boolean := false;
begin
  perform store.refuse_tenants();
  select w.* into work from store.embedding_work w where w.has_old and w.place is null and w.searched_at is not null
    for update skip locked;
  if not found then
    return false;
  end if;
  select '00000000-0000-0000-0000-000000000000'::uuid as user_id, '' as kind, '' as model into at;
  loop
    select e.user_id, e.kind, e.model into at from store.embeddings e
      where (e.user_id, e.kind, e.model) > (at.user_id, at.kind, at.model)
      order by e.user_id, e.kind, e.model limit 1;
    exit when not found;
    continue when at.model = models ->> at.kind or not store.is_own_embedding_model(at.model);
    if exists (select from store.embedding_queue q
      where q.user_id = at.user_id and q.kind = at.kind and q.queued_at <= work.searched_at)
    then
      waits := true;
      continue;
    end if;
    delete from store.embeddings e where e.ctid = any (array(
      select o.ctid from store.embeddings o
      where o.user_id = at.user_id and o.kind = at.kind and o.model = at.model limit most));
    get diagnostics dropped = row_count;
    if dropped > 0 then
      return true;
    end if;
  end loop;
  if not waits then
    delete from store.unembeddable u where u.model <> models ->> u.kind;
    update store.embedding_work set has_old = false;
  end if;
  return false;
end $$;

/* Whether a name is one of those that Arc's own models have. */
create function store.is_own_embedding_model(name text) returns boolean
  language sql immutable set search_path = pg_catalog, pg_temp
  return name ~ '^(minilm|openai):';

/* Makes the job due where something waits, and answers whether it does. */
create function public.wake_embedding() returns boolean
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if not exists (select from store.embedding_queue q where q.claimed_until is null or q.claimed_until < clock_timestamp()) then
    return false;
  end if;
  update store.jobs j set due_at = now()
    where j.name = 'embed' and j.failures = 0 and j.due_at > now() and j.lease is null
      or j.name = 'embed' and j.lease is not null and j.due_at <= j.started_at;
  return true;
end $$;

/* What a monitor wants to know of embeddings, of all tenants. */
create function public.embedding_states() returns table (
    models jsonb, searching boolean, made bigint, failed bigint, unembeddable bigint, last_error text, last_error_at timestamptz,
    paused_until timestamptz, backlog jsonb, oldest_queued_at timestamptz)
  language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
  -- What an endpoint says may repeat what it was sent.
  perform store.refuse_tenants();
  return query
    select s.embedding_models, w.place is not null, w.made, w.failed, (select count(*) from store.unembeddable), w.last_error,
        w.last_error_at, case when w.paused_until > now() then w.paused_until end, coalesce(q.backlog, '{}'), q.oldest
      from store.settings s, store.embedding_work w,
        (select jsonb_object_agg(b.kind, b.waiting) as backlog, min(b.oldest) as oldest
          from (select kind, count(*) as waiting, min(queued_at) as oldest from store.embedding_queue group by kind) b) q;
end $$;

/* How many things wait, each once. */
create function public.waiting_embeddings(only_kinds text[], only_tenant uuid) returns bigint
  language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform store.refuse_tenants();
  return (
    select count(distinct (q.user_id, q.kind, q.subject)) from store.embedding_queue q
    where (only_kinds is null or q.kind = any (only_kinds)) and (only_tenant is null or q.user_id = only_tenant));
end $$;

/*
Stores vectors that a caller made, of length 1 as text, and answers for each what became of it. A failure is given by its signature or by
one of its patterns.
*/
create function public.record_embeddings(model_name text, given jsonb)
  returns table (idx integer, subject text, receipt text)
  language plpgsql security definer set search_path = pg_catalog, pg_temp set enable_seqscan = off as $$
#variable_conflict use_column
declare
  asking constant uuid := public.current_user_id();
  row record;
  vector public.halfvec;
  known public.halfvec;
begin
  if asking is null then
    raise insufficient_privilege using message = 'no tenant is set for this transaction';
  elsif store.is_own_embedding_model(model_name) then
    raise check_violation using message = 'names like this are those of Arc''s own models';
  end if;
  for row in
    select * from jsonb_to_recordset(given)
      as g(idx integer, kind text, subject text, pattern_id uuid, vector text) order by g.kind, g.subject, g.pattern_id, g.idx
  loop
    idx := row.idx;
    subject := null;
    -- Locked, so that it does not go while its vector comes. What is deleted is there for nobody.
    if row.kind = 'failure' then
      select p.signature into subject from public.failure_patterns p
        where p.user_id = asking and (p.signature = row.subject or p.pattern_id = row.pattern_id)
          and not exists (select from public.deletions d where d.user_id = asking and d.simulation_id = p.simulation_id)
        order by p.pattern_id limit 1 for key share of p;
    elsif row.kind = 'trajectory' then
      select k.outcome_id::text into subject from store.outcome_keys k
        where k.user_id = asking and k.outcome_id = row.subject::uuid
          and not exists (select from public.deletions d where d.user_id = asking and d.simulation_id = k.simulation_id)
        for key share of k;
    elsif row.kind = 'scenario' then
      select c.scenario_id into subject from public.scenarios c
        where c.user_id = asking and c.scenario_id = row.subject
          and not exists (select from public.deletions d where d.user_id = asking and d.scenario_id = c.scenario_id)
        for key share of c;
    else
      select v.version_id::text into subject from public.config_versions v
        where v.user_id = asking and v.version_id = row.subject::uuid
          and not exists (select from public.deletions d where d.user_id = asking and d.config_id = v.config_id)
        for key share of v;
    end if;
    vector := row.vector::public.halfvec;
    if subject is null then
      receipt := 'NOT_FOUND';
      return next;
      continue;
    end if;
    known := null;
    select e.embedding into known from store.embeddings e
      where e.user_id = asking and e.kind = row.kind and e.model = model_name and e.subject = subject
      for update;
    receipt := case when known is null then 'STORED' when known operator(public.=) vector then 'UNCHANGED' else 'REPLACED' end;
    if receipt <> 'UNCHANGED' then
      insert into store.embeddings (user_id, kind, model, subject, embedding)
        values (asking, row.kind, model_name, subject, vector)
        on conflict (user_id, kind, model, subject) do update set embedding = excluded.embedding, made_at = excluded.made_at;
    end if;
    return next;
  end loop;
end $$;

revoke execute on function
  store.is_embedded(uuid, text, text, text), store.queue_failures(uuid, text[], timestamptz),
  store.forget_embeddings(uuid, text, text[]), store.queue_amended(uuid, uuid, timestamptz, boolean), store.forget_failures(),
  store.forget_scenarios(), store.forget_config_versions(), store.hint_of_embedding(), store.queue_new_scenarios(),
  store.queue_changed_scenarios(), store.queue_config_versions(), store.find_unembedded(integer, jsonb),
  store.is_own_embedding_model(text), public.use_embedding_models(jsonb), public.search_unembedded(jsonb, integer),
  public.queue_unembedded(integer, jsonb), public.claim_embeddings(jsonb, integer, uuid, uuid, text[], uuid),
  public.hold_embeddings(jsonb, uuid, boolean), public.store_embeddings(uuid, jsonb, jsonb),
  public.note_embedding_failure(text, double precision), public.drop_old_embeddings(integer), public.wake_embedding(),
  public.embedding_states(), public.waiting_embeddings(text[], uuid), public.record_embeddings(text, jsonb)
  from public;
grant execute on function
  public.use_embedding_models(jsonb), public.search_unembedded(jsonb, integer), public.queue_unembedded(integer, jsonb),
  public.claim_embeddings(jsonb, integer, uuid, uuid, text[], uuid), public.hold_embeddings(jsonb, uuid, boolean),
  public.store_embeddings(uuid, jsonb, jsonb), public.note_embedding_failure(text, double precision),
  public.drop_old_embeddings(integer), public.wake_embedding(), public.embedding_states(),
  public.waiting_embeddings(text[], uuid)
  to app_user;
grant execute on function public.record_embeddings(text, jsonb) to app_user, app_admin, app_ingest;

call store.pin_settings();
