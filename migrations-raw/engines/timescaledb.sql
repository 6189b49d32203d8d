-- Written by `vitest run -u --project database test/database/engineChange.test.ts`: what a database that was made on plain PostgreSQL has
-- otherwise than one with TimescaleDB, but for its tables of outcomes. `arc migrate --engine` runs it.
set local check_function_bodies = off;

CREATE OR REPLACE FUNCTION public.pack_outcomes()
 RETURNS text
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET lock_timeout TO '1s'
 SET "TimeZone" TO 'UTC'
 SET "DateStyle" TO 'ISO, MDY'
 SET "IntervalStyle" TO 'postgres'
 SET extra_float_digits TO '1'
 SET bytea_output TO 'hex'
 SET lc_monetary TO 'C'
 SET lc_numeric TO 'C'
 SET lc_time TO 'C'
 SET standard_conforming_strings TO 'on'
 SET array_nulls TO 'on'
 SET transform_null_equals TO 'off'
AS $function$
declare
  settings constant store.settings := (select s from store.settings s);
  name text;
  wanted text;
  part record;
begin
  if current_setting('timescaledb.license') <> 'timescale' or settings.pack_days is null
    or not pg_try_advisory_xact_lock(hashtext('arc.pack_outcomes'))
  then
    return null;
  end if;
  wanted := case when settings.segment_by_tenant then 'user_id' else '' end;
  foreach name in array array['outcomes', 'trajectories'] loop
    -- For chunks that are packed from then on.
    if not exists (
      select from timescaledb_information.hypertable_columnstore_settings h
      where h.hypertable = format('store.%I', name)::regclass and coalesce(h.segmentby, '') = wanted)
    then
      execute format($set$alter table store.%I set (timescaledb.enable_columnstore, timescaledb.segmentby = %L, timescaledb.orderby = %L)$set$,
        name, wanted, case when wanted = '' then 'user_id, ' else '' end || 'execution_time desc, outcome_id desc');
    end if;
  end loop;
  for part in
    select c.hypertable_name, format('%I.%I', c.chunk_schema, c.chunk_name)::regclass as chunk
    from timescaledb_information.chunks c
    where c.hypertable_schema = 'store' and c.hypertable_name in ('outcomes', 'trajectories')
      and c.range_end < now() - make_interval(days => settings.pack_days)
      -- Of a packed one: late rows lie beside it, or in it out of order.
      and (not c.is_compressed or _timescaledb_functions.chunk_status_text(format('%I.%I', c.chunk_schema, c.chunk_name)::regclass)
        && array['PARTIAL', 'UNORDERED'])
    order by c.range_end, c.hypertable_name
  loop
    begin
      -- Whoever reads a trajectory unpacks its batch. By size too: a thousand large ones are more than a batch may be.
      perform set_config('timescaledb.compression_batch_size_limit', case part.hypertable_name when 'trajectories' then '16' else '1000' end, true);
      perform set_config('timescaledb.enable_compressor_batch_limit', 'on', true);
      if exists (select from pg_settings where pg_settings.name = 'default_toast_compression' and 'lz4' = any (enumvals)) then
        perform set_config('default_toast_compression', 'lz4', true);
      end if;
      perform public.compress_chunk(part.chunk);
      return part.chunk::text;
    exception when lock_not_available then
      null;
    end;
  end loop;
  -- Neighbours in a span of time that is over. They get rows late as any other does, and are packed again then, as they are after this.
  for part in
    select array_agg(n.chunk order by n.range_start) as chunks
    from (
      select p.*, count(*) filter (where p.range_start <> p.before) over (partition by p.span order by p.range_start) as run
      from (
        select c.*, lag(c.range_end) over (partition by c.span order by c.range_start) as before
        from (
          select format('%I.%I', i.chunk_schema, i.chunk_name)::regclass as chunk, i.range_start, i.range_end, w.width,
            date_bin(w.width, i.range_start, 'epoch') as span
          from timescaledb_information.chunks i, make_interval(days => least(12 * settings.chunk_days, 84)) w(width)
          where i.hypertable_schema = 'store' and i.hypertable_name = 'outcomes' and i.is_compressed
        ) c
        where c.range_end <= c.span + c.width and c.span + c.width < now() - make_interval(days => settings.pack_days)
      ) p
    ) n
    group by n.span, n.run having count(*) > 1
    order by min(n.range_start)
  loop
    begin
      -- It waits for one after the other, and a reader may have the last of them.
      perform set_config('lock_timeout', '300ms', true);
      execute 'call public.merge_chunks($1)' using part.chunks;
      return part.chunks[1]::text;
    -- Those packed before `segment_by_tenant` was another, or by a version that cannot.
    exception when lock_not_available or feature_not_supported or undefined_function then
      null;
    end;
  end loop;
  return null;
end $function$;
revoke all on routine public.pack_outcomes() from public;
grant execute on routine public.pack_outcomes() to arc_owner;
grant execute on routine public.pack_outcomes() to app_user;

CREATE OR REPLACE FUNCTION public.prepare_outcome_storage()
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "TimeZone" TO 'UTC'
 SET "DateStyle" TO 'ISO, MDY'
 SET "IntervalStyle" TO 'postgres'
 SET extra_float_digits TO '1'
 SET bytea_output TO 'hex'
 SET lc_monetary TO 'C'
 SET lc_numeric TO 'C'
 SET lc_time TO 'C'
 SET standard_conforming_strings TO 'on'
 SET array_nulls TO 'on'
 SET transform_null_equals TO 'off'
AS $function$
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
end $function$;
revoke all on routine public.prepare_outcome_storage() from public;
grant execute on routine public.prepare_outcome_storage() to arc_owner;
grant execute on routine public.prepare_outcome_storage() to app_user;

CREATE OR REPLACE FUNCTION store.drop_outcome_part(first timestamp with time zone, last timestamp with time zone)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
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
end $function$;

CREATE OR REPLACE FUNCTION store.history_gap(name text, newest timestamp with time zone)
 RETURNS timestamp with time zone
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select min(week)
  from generate_series(timestamptz '2000-01-01 00:00:00+00', newest, interval '7 days') week
  where not exists (
    select from timescaledb_information.chunks c
    where c.hypertable_schema = 'store' and c.hypertable_name = name and c.range_start <= week and c.range_end > week)
$function$;
revoke all on routine store.history_gap(text,timestamp with time zone) from public;
grant execute on routine store.history_gap(text,timestamp with time zone) to arc_owner;

CREATE OR REPLACE FUNCTION store.outcome_parts()
 RETURNS TABLE(first timestamp with time zone, last timestamp with time zone)
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select c.range_start, c.range_end from timescaledb_information.chunks c
  where c.hypertable_schema = 'store' and c.hypertable_name = 'outcomes'
$function$;

drop routine store.ensure_outcome_partitions(date,date);
