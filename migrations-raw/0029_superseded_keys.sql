-- Which attempts a later one replaces, where the aggregates of tools and failures find it: without it, each would join all
-- outcomes, chunk by chunk. The index holds these attempts only, which are few.

alter table store.outcome_keys add column superseded boolean not null default false;
create index outcome_keys_superseded on store.outcome_keys (user_id, outcome_id) where superseded;

-- What is there already. Row-level security binds the owner as well.
alter table store.outcome_keys no force row level security;
update store.outcome_keys k set superseded = true
  from store.outcomes o
  where o.superseded and k.user_id = o.user_id and k.outcome_id = o.outcome_id;
alter table store.outcome_keys force row level security;

create function store.supersede_outcome_key() returns trigger
  language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  update store.outcome_keys k set superseded = true where k.user_id = new.user_id and k.outcome_id = new.outcome_id;
  return null;
end $$;
create trigger supersede_outcome_key after insert or update of superseded on store.outcomes
  for each row when (new.superseded) execute function store.supersede_outcome_key();

create view public.superseded_outcomes with (check_option = cascaded) as
  select user_id, outcome_id
  from store.outcome_keys
  where user_id = (select public.current_user_id()) and superseded;
grant select on public.superseded_outcomes to app_user, app_readonly, app_admin;
