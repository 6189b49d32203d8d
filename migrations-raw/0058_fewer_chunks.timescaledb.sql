-- What reads outcomes without a bound in time plans and locks every chunk. In the Apache edition nothing is packed, and a new
-- database gets chunks of four weeks, thirteen a year; where outcomes are packed a chunk stays a week, so that they are soon, and
-- twelve packed ones become one. Trajectories are found by their times, however many chunks they have.
update store.settings set chunk_days = 28
where current_setting('timescaledb.license') <> 'timescale' and not exists (select from store.outcomes);

call store.mend('public.pack_outcomes()', $part$
      return part.chunk::text;
    exception when lock_not_available then
      null;
    end;
  end loop;
  return null;$part$, $mended$
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
  return null;$mended$);

call store.pin_settings();
