create table public.audit_log (
  user_id uuid not null,
  log_id uuid not null default public.uuid_v7(),
  table_name text not null,
  operation text not null check (operation in ('INSERT', 'UPDATE', 'DELETE')),
  actor_id text,
  old_data jsonb,
  new_data jsonb,
  ip_address inet,
  user_agent text,
  timestamp timestamptz(3) not null default clock_timestamp(),
  primary key (user_id, log_id)
);
create index audit_log_timestamp on public.audit_log (user_id, timestamp desc, log_id desc);

-- A tenant reads its own entries. Only the trigger below writes, as the owner, and nobody changes or deletes.
alter table public.audit_log enable row level security;
alter table public.audit_log force row level security;
create policy tenant_reads on public.audit_log for select using (user_id = (select public.current_user_id()));
create policy trigger_writes on public.audit_log for insert to arc_owner with check (true);
grant select on public.audit_log to app_user, app_readonly, app_admin;

-- Large and secret columns stay out: the row itself keeps them, and a deleted row's YAML is kept whole.
create function store.audit() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  bulky constant text[] := array['embedding', 'scenario_embedding', 'secret_hash', 'search'];
  kept constant text[] := array['raw_yaml', 'parsed_config', 'diff_yaml', 'change_summary'];
  before jsonb;
  after jsonb;
begin
  if tg_op <> 'INSERT' then before := to_jsonb(old) - bulky; end if;
  if tg_op <> 'DELETE' then after := to_jsonb(new) - bulky - kept; end if;
  if tg_op = 'UPDATE' then
    before := before - kept;
    if before = after then return null; end if;
  end if;
  insert into public.audit_log (user_id, table_name, operation, actor_id, old_data, new_data, ip_address, user_agent)
  values (
    coalesce(after ->> 'user_id', before ->> 'user_id')::uuid, tg_table_name, tg_op, public.current_actor_id(),
    before, after,
    -- A link-local address names its interface (fe80::1%eth0), which inet does not know.
    nullif(split_part(current_setting('app.client_ip', true), '%', 1), '')::inet,
    nullif(current_setting('app.user_agent', true), '')
  );
  return null;
end $$;
