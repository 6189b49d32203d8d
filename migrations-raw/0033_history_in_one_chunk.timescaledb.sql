-- Whoever may store outcomes chooses their times, and each week was a chunk: with one outcome for each week since 2000, every
-- list of every tenant opened 1,400 chunks with their indexes, which is more than PostgreSQL has locks for. What is older
-- than two years lies in as few chunks as there are gaps between those that are there, as on plain PostgreSQL in the default
-- partition.

/* The first week of the history that no chunk holds; null when all are held. */
create function store.history_gap(newest timestamptz) returns timestamptz
  language sql stable set search_path = pg_catalog, pg_temp
  return (
    select min(week)
    from generate_series(greatest(timestamptz '2000-01-01 00:00:00+00', store.retention_start()), newest, interval '7 days') week
    where not exists (
      select from timescaledb_information.chunks c
      where c.hypertable_schema = 'store' and c.hypertable_name = 'outcomes' and c.range_start <= week and c.range_end > week));

/* Makes the chunks of the history, each up to the next that is there: called by the server at start and daily. */
create or replace function public.prepare_outcome_storage() returns integer
  language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  newest constant timestamptz := now() - interval '2 years';
  nobody constant uuid := gen_random_uuid();
  -- First where the last of them ends, in the week that is there then: a chunk is cut off at those around it.
  gap timestamptz := newest;
  made integer := -1;
begin
  perform pg_advisory_xact_lock(hashtext('arc.outcome_partitions'));
  if store.history_gap(newest) is null then
    return 0;
  end if;
  while gap is not null loop
    -- Only a row makes a chunk.
    insert into store.outcomes (user_id, outcome_id, simulation_id, scenario_id, execution_time, status, event_seq, trajectory)
    values (nobody, nobody, nobody, '', gap, 'cancelled', 0, '{"start_time": null, "status": null}');
    made := made + 1;
    perform public.set_chunk_time_interval('store.outcomes', interval '100 years');
    gap := store.history_gap(newest);
  end loop;
  perform public.set_chunk_time_interval('store.outcomes', interval '7 days');
  delete from store.outcomes where user_id = nobody;
  return made;
end $$;

revoke execute on function store.history_gap(timestamptz) from public;
call store.pin_settings();
