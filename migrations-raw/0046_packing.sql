-- For how long outcomes lie as rows before they are packed, where the full edition of TimescaleDB is; null for ever.
alter table store.settings
  add column pack_days integer default 7 check (pack_days between 1 and 36500),
  -- Thousands of tenants with a few outcomes a week each are packed better without: a batch then has those of many.
  add column segment_by_tenant boolean not null default true;
revoke execute on function public.pack_outcomes() from public;
grant execute on function public.pack_outcomes() to app_user;
insert into store.jobs (name, every) values ('pack_outcomes', interval '1 hour');

call store.pin_settings();
