-- A key's role is its scope: everything, read only, ingest only. What each may do is said here, in rights, and nowhere else.
alter table public.api_keys
  drop constraint api_keys_role_check,
  add constraint api_keys_role_check check (role in ('app_user', 'app_readonly', 'app_ingest')),
  drop column scopes,
  add constraint expires_after_created check (expires_at > created_at),
  add constraint revoked_after_created check (revoked_at >= created_at);

grant insert (key_id, name, prefix, secret_hash, role, created_by, expires_at), update (revoked_at)
  on public.api_keys to app_user, app_admin;

grant select on
  public.configurations, public.config_versions, public.config_diffs, public.scenarios, public.simulations,
  public.simulations_scenarios, public.simulation_events
  to app_ingest;
grant insert on
  public.configurations, public.config_versions, public.config_diffs, public.scenarios, public.simulations,
  public.simulations_scenarios
  to app_ingest;
grant update (latest_version_id) on public.configurations to app_ingest;
grant update on public.scenarios to app_ingest;
grant update (scenario_set, total_scenarios, status, overall_score, execution_time_ms, total_cost_usd, metadata,
    error_message, started_at, completed_at)
  on public.simulations to app_ingest;
grant execute on function public.ingest_outcomes(jsonb) to app_ingest;

-- That a key was used is no act worth an entry.
drop trigger audit on public.api_keys;
create trigger audit after insert or delete on public.api_keys for each row execute function store.audit();
create trigger audit_step after update on public.api_keys
  for each row when (old.revoked_at is distinct from new.revoked_at) execute function store.audit();

-- Before it is known whose key it is, there is no tenant: the owner, in the function below, finds it among all.
create policy authentication_reads on public.api_keys for select to arc_owner using (true);
create policy authentication_notes on public.api_keys for update to arc_owner using (true) with check (true);

/*
The key whose secret has this SHA-256, whatever its state; notes its use, at most once a minute. Whoever knows the hash
of 256 random bits knows the key.
*/
create function public.authenticate_api_key(hash bytea)
  returns table (user_id uuid, key_id uuid, name text, prefix text, role text, expires_at timestamptz, revoked_at timestamptz)
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
begin
  -- A key in use by many at once is not waited for: one of them notes it.
  update public.api_keys k set last_used_at = now()
    from (
      select u.user_id, u.key_id from public.api_keys u
      where u.secret_hash = hash and u.revoked_at is null and u.expires_at > now() is not false
        and (u.last_used_at is null or u.last_used_at < now() - interval '1 minute')
      for no key update skip locked
    ) used
    where k.user_id = used.user_id and k.key_id = used.key_id;
  return query
    select k.user_id, k.key_id, k.name, k.prefix, k.role, k.expires_at, k.revoked_at
    from public.api_keys k where k.secret_hash = hash;
end $$;
revoke execute on function public.authenticate_api_key(bytea) from public;
grant execute on function public.authenticate_api_key(bytea) to app_user;

-- An administrator who acts as a tenant leaves an entry in that tenant's log, whatever it then does.
alter table public.audit_log
  drop constraint audit_log_operation_check,
  add constraint audit_log_operation_check check (operation in ('INSERT', 'UPDATE', 'DELETE', 'ACT_AS'));

create function public.audit_act_as() returns void
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  insert into public.audit_log (user_id, table_name, operation, actor_id, ip_address, user_agent)
  values (
    public.current_user_id(), 'tenant', 'ACT_AS', public.current_actor_id(),
    nullif(split_part(current_setting('app.client_ip', true), '%', 1), '')::inet,
    nullif(current_setting('app.user_agent', true), ''));
end $$;
revoke execute on function public.audit_act_as() from public;
grant execute on function public.audit_act_as() to app_admin;
