/*
Packs one chunk in which everything is older than `pack_days`, or packs one again that got late rows, and returns its name; null
when there is none left, as always in the Apache edition. One a call: no transaction has the locks of two. Turns the columnstore on
where it is not, so that a server that gets the full edition needs nothing else.
*/
create function public.pack_outcomes() returns text
  language plpgsql security definer set search_path = pg_catalog, pg_temp
  -- Readers who come meanwhile wait behind this: a chunk that is in use is left for later.
  set lock_timeout = '1s' as $$
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
  return null;
end $$;
