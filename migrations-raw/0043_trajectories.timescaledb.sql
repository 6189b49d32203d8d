-- Trajectories are nine tenths of the bytes and a hundredth of the reads. In a hypertable of their own, packed in small batches, one
-- is read without its neighbours; and outcomes are packed ten to one without them. Their identity is that of outcome_keys: a unique
-- index would cost each late row a look into what is packed.
create table store.trajectories (
  user_id uuid not null,
  outcome_id uuid not null,
  execution_time timestamptz(3) not null,
  trajectory jsonb not null
    check (jsonb_typeof(trajectory) = 'object' and trajectory ? 'start_time' and trajectory ? 'status')
);
-- As quick to pack again as it is to unpack, where PostgreSQL was built with it.
do $$
begin
  if exists (select from pg_catalog.pg_settings where name = 'default_toast_compression' and 'lz4' = any (enumvals)) then
    alter table store.trajectories alter column trajectory set compression lz4;
  end if;
end $$;
select create_hypertable('store.trajectories', by_range('execution_time', interval '7 days'), create_default_indexes => false);
create index trajectories_outcome on store.trajectories (user_id, outcome_id);

-- A million outcomes a day are better kept in chunks of one day. It holds for chunks that are made from then on.
alter table store.settings add column chunk_days integer not null default 7 check (chunk_days between 1 and 31);

drop function store.history_gap(timestamptz);
/*
The first of these weeks that no chunk of the table holds; null when all are held. As text, like all that reads TimescaleDB's views:
a body that is kept parsed depends on them, and an update of TimescaleDB, which drops them and makes them anew, is refused.
*/
create function store.history_gap(name text, newest timestamptz) returns timestamptz
  language sql stable set search_path = pg_catalog, pg_temp as $$
  select min(week)
  from generate_series(timestamptz '2000-01-01 00:00:00+00', newest, interval '7 days') week
  where not exists (
    select from timescaledb_information.chunks c
    where c.hypertable_schema = 'store' and c.hypertable_name = name and c.range_start <= week and c.range_end > week)
$$;

/* Makes the chunks of the history, each up to the next that is there: called by the server at start and daily. */
create or replace function public.prepare_outcome_storage() returns integer
  language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  newest constant timestamptz := now() - interval '2 years';
  width constant interval := (select make_interval(days => chunk_days) from store.settings);
  nobody constant uuid := gen_random_uuid();
  name text;
  gap timestamptz;
  made integer := 0;
begin
  perform pg_advisory_xact_lock(hashtext('arc.outcome_partitions'));
  foreach name in array array['outcomes', 'trajectories'] loop
    if store.history_gap(name, newest) is null then
      continue when exists (select from timescaledb_information.dimensions d
        where d.hypertable_schema = 'store' and d.hypertable_name = name and d.time_interval = width);
      perform public.set_chunk_time_interval(format('store.%I', name)::regclass, width);
      continue;
    end if;
    -- First where the last of them ends, in the week that is there then: a chunk is cut off at those around it.
    gap := newest;
    made := made - 1;
    while gap is not null loop
      -- Only a row makes a chunk.
      if name = 'outcomes' then
        insert into store.outcomes (user_id, outcome_id, simulation_id, config_version_id, scenario_id, execution_time, status, event_seq)
          values (nobody, nobody, nobody, nobody, '', gap, 'cancelled', 0);
      else
        insert into store.trajectories (user_id, outcome_id, execution_time, trajectory)
          values (nobody, nobody, gap, '{"start_time": null, "status": null}');
      end if;
      made := made + 1;
      perform public.set_chunk_time_interval(format('store.%I', name)::regclass, interval '100 years');
      gap := store.history_gap(name, newest);
    end loop;
    perform public.set_chunk_time_interval(format('store.%I', name)::regclass, width);
    execute format('delete from store.%I where user_id = %L', name, nobody);
  end loop;
  return made;
end $$;
revoke execute on function store.history_gap(text, timestamptz) from public;
