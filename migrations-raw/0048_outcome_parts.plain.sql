drop function store.drop_outcomes_before(timestamptz);

/* The times of the monthly partitions, and between them those of the default partition. */
create function store.outcome_parts() returns table (first timestamptz, last timestamptz)
  language sql stable set search_path = pg_catalog, pg_temp
  begin atomic
    with months as (
      select to_date(right(c.relname, 7), 'YYYY_MM')::timestamp at time zone 'UTC' as first
      from pg_inherits i join pg_class c on c.oid = i.inhrelid
      where i.inhparent = 'store.outcomes'::regclass and c.relname ~ '^outcomes_\d{4}_\d\d$'
    ), parts as (
      select m.first, (m.first at time zone 'UTC' + interval '1 month') at time zone 'UTC' as last from months m
    ), between_parts as (
      select coalesce(lag(p.last) over by_time, '-infinity') as first, p.first as last from parts p window by_time as (order by p.first)
      union all
      select coalesce(max(p.last), '-infinity'), 'infinity' from parts p
    )
    select p.first, p.last from parts p
    union all
    select b.first, b.last from between_parts b where b.first < b.last;
  end;

/* Deletes all outcomes of such a time, with their trajectories. */
create function store.drop_outcome_part(first timestamptz, last timestamptz) returns void
  language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  month constant text := case when isfinite(first) then to_char(first at time zone 'UTC', '_YYYY_MM') end;
  name text;
begin
  foreach name in array array['outcomes', 'trajectories'] loop
    if to_regclass('store.' || name || month) is not null then
      execute format('drop table store.%I', name || month);
    else
      execute format('delete from store.%I where execution_time >= %L and execution_time < %L', name, first, last);
    end if;
  end loop;
end $$;
