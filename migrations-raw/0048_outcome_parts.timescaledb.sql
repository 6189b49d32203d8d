drop function store.drop_outcomes_before(timestamptz);

/* The times of the chunks. */
create function store.outcome_parts() returns table (first timestamptz, last timestamptz)
  language sql stable set search_path = pg_catalog, pg_temp as $$
  select c.range_start, c.range_end from timescaledb_information.chunks c
  where c.hypertable_schema = 'store' and c.hypertable_name = 'outcomes'
$$;

/* Deletes all outcomes of such a time, with their trajectories. */
create function store.drop_outcome_part(first timestamptz, last timestamptz) returns void
  language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  -- Otherwise the next refresh of a continuous aggregate takes that time for empty. Not all versions have it.
  caggs constant text := 'timescaledb.skip_cagg_invalidation';
  name text;
begin
  if current_setting(caggs, true) is not null then
    perform set_config(caggs, 'on', true);
  end if;
  foreach name in array array['outcomes', 'trajectories'] loop
    perform public.drop_chunks(format('store.%I', name)::regclass, newer_than => first, older_than => last);
    -- What lies in a chunk of another length, which trajectories may have.
    execute format('delete from store.%I where execution_time >= %L and execution_time < %L', name, first, last);
  end loop;
  if current_setting(caggs, true) is not null then
    perform set_config(caggs, 'off', true);
  end if;
end $$;
