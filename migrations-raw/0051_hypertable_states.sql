-- For `health`: what only the tables' owner may ask of them. One text for all engines: what a statement names is looked for
-- when it runs.

/*
TimescaleDB's tables with their chunks, how many of those are compressed, and what these took before and take now, with
indexes and TOAST, in bytes: null where none is compressed. Nothing on plain PostgreSQL. Only the full edition compresses, and
its licence may change at any start of the server.
*/
create function public.hypertable_states()
  returns table (name text, chunks integer, compressed_chunks integer, bytes_before bigint, bytes_after bigint)
  language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
begin
  if to_regclass('timescaledb_information.hypertables') is null then
    return;
  end if;
  for name, chunks in
    select h.hypertable_schema || '.' || h.hypertable_name, h.num_chunks
    from timescaledb_information.hypertables h
    order by 1
  loop
    compressed_chunks := 0;
    bytes_before := null;
    bytes_after := null;
    if current_setting('timescaledb.license', true) = 'timescale' then
      select coalesce(s.number_compressed_chunks, 0), s.before_compression_total_bytes, s.after_compression_total_bytes
        into compressed_chunks, bytes_before, bytes_after
        from public.hypertable_compression_stats(name::regclass) s;
      compressed_chunks := coalesce(compressed_chunks, 0);
    end if;
    return next;
  end loop;
end $$;

revoke execute on function public.hypertable_states() from public;
grant execute on function public.hypertable_states() to app_user;
call store.pin_settings();
