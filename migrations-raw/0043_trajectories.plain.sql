-- As with TimescaleDB, where trajectories beside the outcomes can be packed: a table of their own, partitioned alike. Their identity
-- is that of outcome_keys.
create table store.trajectories (
  user_id uuid not null,
  outcome_id uuid not null,
  execution_time timestamptz(3) not null,
  trajectory jsonb not null
    check (jsonb_typeof(trajectory) = 'object' and trajectory ? 'start_time' and trajectory ? 'status')
) partition by range (execution_time);
create index trajectories_outcome on store.trajectories (user_id, outcome_id);
create table store.trajectories_default partition of store.trajectories default;
-- As quick to write as it is to read, where PostgreSQL was built with it.
do $$
begin
  if exists (select from pg_catalog.pg_settings where name = 'default_toast_compression' and 'lz4' = any (enumvals)) then
    alter table store.trajectories alter column trajectory set compression lz4;
    alter table store.trajectories_default alter column trajectory set compression lz4;
  end if;
end $$;

-- Of chunks, where TimescaleDB is.
alter table store.settings add column chunk_days integer not null default 7 check (chunk_days between 1 and 31);

/* Makes the monthly partitions from the month of `first` to the month of `last`; returns how many were missing. */
create or replace function store.ensure_outcome_partitions(first date, last date) returns integer
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  month date := date_trunc('month', first);
  made integer := 0;
  whole text;
  name text;
  lower_bound timestamptz;
  upper_bound timestamptz;
begin
  perform pg_advisory_xact_lock(hashtext('arc.outcome_partitions'));
  while month <= last loop
    lower_bound := month::timestamp at time zone 'UTC';
    upper_bound := (month + interval '1 month')::timestamp at time zone 'UTC';
    foreach whole in array array['outcomes', 'trajectories'] loop
      name := whole || to_char(month, '_YYYY_MM');
      if to_regclass('store.' || name) is null then
        execute format('create table store.%I (like store.%I including defaults including constraints including indexes including storage including compression)', name, whole);
        -- ATTACH fails while the default partition holds rows of the month.
        execute format('with strays as (delete from store.%I where execution_time >= %L and execution_time < %L returning *) insert into store.%I select * from strays', whole || '_default', lower_bound, upper_bound, name);
        execute format('alter table store.%I attach partition store.%I for values from (%L) to (%L)', whole, name, lower_bound, upper_bound);
        made := made + 1;
      end if;
    end loop;
    month := month + interval '1 month';
  end loop;
  return made;
end $$;
do $$
declare
  month text;
begin
  for month in
    select right(c.relname, 7) from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'store.outcomes'::regclass and c.relname ~ '^outcomes_\d{4}_\d\d$'
  loop
    perform store.ensure_outcome_partitions(to_date(month, 'YYYY_MM'), to_date(month, 'YYYY_MM'));
  end loop;
end $$;
