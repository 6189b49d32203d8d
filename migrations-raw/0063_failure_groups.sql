-- Failures of one meaning: which signatures belong together, found by a job from their vectors, and what people write of them.

-- From how similar vectors of a model on failures are alike: no number is right for two models. Failures with vectors of others are
-- grouped by signature only.
create table store.failure_grouping_models (
  model text primary key check (char_length(model) between 1 and 200),
  -- Of two failures: the cosine below which they count as not alike at all.
  least_similarity double precision not null check (least_similarity > 0 and least_similarity <= 1),
  -- Of two groups: the mean of all their pairs below which they are not joined.
  least_mean double precision not null check (least_mean > 0 and least_mean <= 1)
);
insert into store.failure_grouping_models values ('minilm:all-MiniLM-L6-v2#1 failure#1', 0.4, 0.25);

-- Failures (signatures) with a vector. A pair that is alike is told by one of the two, or by both.
create table store.failure_nodes (
  user_id uuid not null,
  model text not null,
  signature text collate "C" not null,
  -- What others' links call it. A new vector makes a new number, so that links to the old one lead nowhere.
  node bigint not null generated always as identity,
  -- The latest mark of its signature when it was made.
  mark bigint not null,
  -- The check that failed or the kind that somebody named, see store.check_of: failures of different ones are not the same, however alike their words.
  check_name text not null,
  -- Null until it was compared.
  links bigint[],
  -- Cosines × 10,000.
  similarities smallint[],
  -- Whether it was compared with all others, not only with those that groups are made of.
  linked_to_all boolean not null default false,
  -- A signature of its group, the same for all members.
  group_key text collate "C",
  -- The mean of its similarities × 10,000 to the other members.
  centrality integer,
  primary key (user_id, model, signature)
);
create index failure_nodes_group on store.failure_nodes (user_id, model, group_key);

-- Which model a tenant's groups were made by. What another one finds is shown once all of it was grouped.
create table store.failure_groupings (
  user_id uuid primary key,
  model text not null,
  grouped_at timestamptz(3) not null
);

-- What changed among the vectors of failures since they were grouped.
create table store.stale_failures (
  user_id uuid not null,
  mark bigint not null generated always as identity,
  signature text collate "C" not null,
  primary key (user_id, mark)
);
create index stale_failures_signature on store.stale_failures (user_id, signature, mark);

create function store.mark_failure() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if tg_op <> 'INSERT' then
    insert into store.stale_failures (user_id, signature) values (old.user_id, old.subject);
  end if;
  if tg_op <> 'DELETE' then
    insert into store.stale_failures (user_id, signature) values (new.user_id, new.subject);
  end if;
  return null;
end $$;
create trigger mark_failure_inserted after insert on store.embeddings
  for each row when (new.kind = 'failure') execute function store.mark_failure();
create trigger mark_failure_deleted after delete on store.embeddings
  for each row when (old.kind = 'failure') execute function store.mark_failure();
create trigger mark_failure_updated after update on store.embeddings
  -- By the operator's schema: a dump is restored without one in search_path.
  for each row when (old.kind = 'failure' and (old.embedding operator(public.<>) new.embedding
    or (old.model, old.subject, old.user_id) is distinct from (new.model, new.subject, new.user_id))) execute function store.mark_failure();
insert into store.stale_failures (user_id, signature)
  select distinct user_id, subject from store.embeddings where kind = 'failure';

create view public.failure_group_members as
  select n.user_id, n.signature, n.group_key, n.centrality
  from store.failure_nodes n
  join store.failure_groupings g on g.user_id = n.user_id and g.model = n.model
  where n.user_id = (select public.current_user_id()) and n.group_key is not null;
create view public.failure_groupings as
  select g.user_id, g.model, g.grouped_at from store.failure_groupings g where g.user_id = (select public.current_user_id());
create view public.stale_failures as
  select s.user_id, s.signature from store.stale_failures s where s.user_id = (select public.current_user_id());
grant select on public.failure_group_members, public.failure_groupings, public.stale_failures
  to app_user, app_readonly, app_admin;

/*
The check or kind that a failure's type names, e.g. `assert:regex`, `nl_check` or `wrong_end_state`: somebody told these failures apart. Empty of
exceptions' classes, and of what failures without a name are called.
*/
create function store.check_of(failure_type text) returns text
  language sql immutable set search_path = pg_catalog, pg_temp
  return case
    when failure_type in ('timeout', 'tool_error', 'model_error', 'validation_error', 'system_error', 'sandbox_error', 'unknown',
      'error', 'exception', 'failure') then ''
    when failure_type ~ '^\w+:[^:]|_check$|^[a-z][a-z0-9]*([._-][a-z0-9]+)*$' then failure_type
    else '' end;

/*
A failure in a line for people: its type where the message does not say it, and what the message says first, of a traceback the
exception at its end. Addresses, ids and numbers are left out.
*/
create function public.failure_label(failure_type text, error_message text) returns text
  language sql immutable parallel safe set search_path = pg_catalog, pg_temp as $$
  with said as (
    select case when m.message like '%' || E'\n  File "%' then coalesce(substring(m.message from '\n(\S[^\n]*)\s*$'), m.message)
      else m.message end as message
    from (select btrim(left(error_message, 10000), E' \t\r\n') as message) m
  ), masked as (
    select regexp_replace(regexp_replace(regexp_replace(regexp_replace(regexp_replace(
      left(split_part(s.message, E'\n', 1), 600),
      '\m[a-zA-Z][a-zA-Z0-9+.-]*://[^\s"''<>)\]]+', '…', 'g'),
      '\m[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\M', '…', 'g'),
      '\m(?=[A-Za-z]*\d)[A-Za-z0-9]{6,}\M', '…', 'g'),
      '\m\d+(?:[.,:]\d+)*\M', '…', 'g'),
      '\s+', ' ', 'g') as message
    from said s
  )
  select left(case when coalesce(m.message, '') = '' then failure_type
    when strpos(m.message, failure_type) > 0 then m.message
    else failure_type || ': ' || m.message end, 200)
  from masked m
$$;

/* Signatures of the group by meaning that has this one; without a group the signature itself. */
create function public.failures_of_group(of_signature text) returns setof text
  language sql stable set search_path = pg_catalog, pg_temp as $$
  select of_signature
  union
  select m.signature from public.failure_group_members own
  join public.failure_group_members m on m.group_key = own.group_key
  where own.signature = of_signature
$$;

/* Tenants with failures that changed since they were grouped, those first that have waited longest. */
create function public.tenants_to_group(most integer) returns setof uuid
  language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform store.refuse_tenants();
  return query select s.user_id from store.stale_failures s group by s.user_id order by min(s.mark) limit most;
end $$;

/*
A step of grouping a tenant's failures: takes away those without a vector, and compares up to `most` that were not compared yet.
Answers the model whose vectors are compared, of those that have a threshold the one with most of them, null when there is none;
how many were compared; and what was marked before: all of that is in what is read when a later step compares none.
*/
create function public.link_failures(tenant uuid, most integer, core integer, out model_name text, out linked integer, out marks bigint[])
  -- Joined by hash: a plan that a connection keeps may be of a time when there was nothing, and reads everything for each pair.
  language plpgsql security definer set search_path = pg_catalog, pg_temp set enable_nestloop = off as $$
declare
  asking constant text := coalesce(current_setting('app.user_id', true), '');
  least_linked double precision;
  last_of_core text;
begin
  perform store.refuse_tenants();
  linked := 0;
  marks := array(select s.mark from store.stale_failures s where s.user_id = tenant order by s.mark);
  -- Of equally many the one that was made last: it is to follow the other.
  select e.model into model_name
    from store.embeddings e join store.failure_grouping_models g on g.model = e.model
    where e.user_id = tenant and e.kind = 'failure'
    group by e.model order by count(*) desc, max(e.made_at) desc, e.model limit 1;
  if model_name is null then
    return;
  end if;
  select g.least_similarity into least_linked from store.failure_grouping_models g where g.model = model_name;

  -- Row-level security binds the tables' owner as well.
  perform set_config('app.user_id', tenant::text, true);
  delete from store.failure_nodes n where n.user_id = tenant and n.model = model_name and (
    not exists (select from store.embeddings e
      where e.user_id = tenant and e.kind = 'failure' and e.model = model_name and e.subject = n.signature)
    or exists (select from store.stale_failures s where s.user_id = tenant and s.signature = n.signature and s.mark > n.mark));
  insert into store.failure_nodes (user_id, model, signature, mark, check_name)
    select tenant, model_name, e.subject,
      coalesce((select max(s.mark) from store.stale_failures s where s.user_id = tenant and s.signature = e.subject), 0),
      store.check_of(p.failure_type)
    from store.embeddings e
    -- The type is part of the signature.
    cross join lateral (
      select f.failure_type from public.failure_patterns f where f.user_id = tenant and f.signature = e.subject limit 1
    ) p
    where e.user_id = tenant and e.kind = 'failure' and e.model = model_name
      and not exists (select from store.failure_nodes n
        where n.user_id = tenant and n.model = model_name and n.signature = e.subject)
    order by e.subject
    on conflict do nothing;

  select n.signature into last_of_core from store.failure_nodes n
    where n.user_id = tenant and n.model = model_name order by n.signature offset core - 1 limit 1;
  with picked as materialized (
    select n.signature, n.node, n.check_name, coalesce(n.signature <= last_of_core, true) as is_core, e.embedding
    from store.failure_nodes n
    join store.embeddings e on e.user_id = tenant and e.kind = 'failure' and e.model = model_name and e.subject = n.signature
    where n.user_id = tenant and n.model = model_name
      and (n.links is null or (not n.linked_to_all and coalesce(n.signature <= last_of_core, true)))
    order by n.signature limit most
  ), others as materialized (
    select n.node, n.signature, n.check_name, e.embedding
    from store.failure_nodes n
    join store.embeddings e on e.user_id = tenant and e.kind = 'failure' and e.model = model_name and e.subject = n.signature
    where n.user_id = tenant and n.model = model_name
  ), compared as materialized (
    select p.signature, p.is_core, o.node, round(10000 * (1 - (p.embedding operator(public.<=>) o.embedding)))::smallint as similarity
    from picked p
    join others o on o.check_name = p.check_name
    where o.node <> p.node and (p.is_core or o.signature <= last_of_core)
  ), gathered as materialized (
    select p.signature, p.is_core,
      coalesce(array_agg(c.node order by c.node) filter (where c.similarity >= 10000 * least_linked), '{}') as links,
      coalesce(array_agg(c.similarity order by c.node) filter (where c.similarity >= 10000 * least_linked), '{}') as similarities
    from picked p left join compared c on c.signature = p.signature
    group by 1, 2
  )
  update store.failure_nodes n set links = g.links, similarities = g.similarities, linked_to_all = g.is_core
    from gathered g
    where n.user_id = tenant and n.model = model_name and n.signature = g.signature;
  get diagnostics linked = row_count;
  perform set_config('app.user_id', asking, true);
end $$;

/* Whether failures are grouped by vectors of this model. */
create function public.groups_failures(by_model text) returns boolean
  language sql stable security definer set search_path = pg_catalog, pg_temp
  return exists (select from store.failure_grouping_models m where m.model = by_model);

/* A tenant's failures that were compared, and how alike they are. */
create function public.linked_failures(tenant uuid, of_model text)
  returns table (signature text, node bigint, links bigint[], similarities smallint[])
  language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform store.refuse_tenants();
  return query select n.signature, n.node, n.links, n.similarities
    from store.failure_nodes n where n.user_id = tenant and n.model = of_model and n.links is not null order by n.signature;
end $$;

/* From how similar groups are joined. */
create function public.least_group_mean(of_model text) returns double precision
  language sql stable security definer set search_path = pg_catalog, pg_temp
  return (select g.least_mean from store.failure_grouping_models g where g.model = of_model);

/*
Keeps the groups that were made of what was read once all these marks were seen, and from then on shows those of this model; without
a model none. Changes nothing, and answers false, where another server has kept what follows from some of them.
*/
create function public.keep_failure_groups(tenant uuid, of_model text, marks bigint[], signatures text[], group_keys text[], centralities integer[])
  returns boolean
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform store.refuse_tenants();
  -- One server after the other.
  perform pg_advisory_xact_lock(hashtext('arc.failure_groups'), hashtext(tenant::text));
  if (select count(*) from store.stale_failures s where s.user_id = tenant and s.mark = any (marks)) < cardinality(marks) then
    return false;
  end if;
  delete from store.stale_failures s where s.user_id = tenant and s.mark = any (marks);
  if of_model is null then
    delete from store.failure_nodes n where n.user_id = tenant;
    delete from store.failure_groupings g where g.user_id = tenant;
    return true;
  end if;
  update store.failure_nodes n set group_key = g.group_key, centrality = g.centrality
    from unnest(signatures, group_keys, centralities) g(signature, group_key, centrality)
    where n.user_id = tenant and n.model = of_model and n.signature = g.signature
      and (n.group_key, n.centrality) is distinct from (g.group_key, g.centrality);
  delete from store.failure_nodes n where n.user_id = tenant and n.model <> of_model;
  insert into store.failure_groupings (user_id, model, grouped_at) values (tenant, of_model, now())
    on conflict (user_id) do update set model = excluded.model, grouped_at = excluded.grouped_at;
  return true;
end $$;

insert into store.jobs (name, every) values ('group_failures', interval '5 seconds');

-- What people write of a failure. It lies on a signature, shows in the group that has that one, and outlives the failures: who sees one
-- again a year later finds it.
create table public.failure_group_notes (
  user_id uuid not null default public.current_user_id(),
  group_note_id uuid not null default public.uuid_v7(),
  signature text collate "C" not null check (char_length(signature) between 1 and 100),
  note text not null check (char_length(note) between 1 and 10000),
  resolution_steps text check (char_length(resolution_steps) between 1 and 10000),
  author text default public.current_actor_id(),
  created_at timestamptz(3) not null default now(),
  updated_at timestamptz(3) not null default now(),
  primary key (user_id, group_note_id),
  constraint updated_after_created check (updated_at >= created_at)
);
create index failure_group_notes_signature on public.failure_group_notes (user_id, signature, group_note_id);
alter table public.failure_group_notes enable row level security;
alter table public.failure_group_notes force row level security;
create policy tenant on public.failure_group_notes
  using (user_id = (select public.current_user_id())) with check (user_id = (select public.current_user_id()));
grant select on public.failure_group_notes to app_user, app_readonly, app_admin;
grant insert, delete, update (note, resolution_steps) on public.failure_group_notes to app_user, app_admin;
create trigger touch_updated_at before update on public.failure_group_notes
  for each row execute function store.touch_updated_at();
create trigger audit after insert or update or delete on public.failure_group_notes for each row execute function store.audit();

revoke execute on function store.mark_failure(), store.check_of(text), public.failure_label(text, text), public.failures_of_group(text),
  public.tenants_to_group(integer), public.link_failures(uuid, integer, integer), public.linked_failures(uuid, text),
  public.least_group_mean(text), public.groups_failures(text),
  public.keep_failure_groups(uuid, text, bigint[], text[], text[], integer[]) from public;
grant execute on function public.failure_label(text, text), public.failures_of_group(text), public.groups_failures(text) to app_user, app_readonly, app_admin;
grant execute on function public.tenants_to_group(integer), public.link_failures(uuid, integer, integer),
  public.linked_failures(uuid, text), public.least_group_mean(text),
  public.keep_failure_groups(uuid, text, bigint[], text[], text[], integer[]) to app_user;

call store.pin_settings();
