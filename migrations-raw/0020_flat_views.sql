-- run as: login
-- A barrier is planned apart from the query around it: neither its order nor its LIMIT reaches an index, and every list
-- reads and sorts all that the tenant has. What a barrier keeps out is a caller's own function in a WHERE, which could be
-- shown a row before the tenant's filter drops it. Whoever can send SQL as the service can name any tenant anyway; and
-- from here on its roles can bring no function: they have nowhere to create one.
set local role arc_owner;
alter view public.outcomes reset (security_barrier);
alter view public.outcome_keys reset (security_barrier);
alter view public.outcome_hourly reset (security_barrier);
alter view public.outcome_daily reset (security_barrier);
set local role none;

do $$
begin
  execute format('revoke temporary, create on database %I from public', current_database());
  execute format('revoke temporary, create on database %I from app_user, app_readonly, app_admin, app_ingest', current_database());
exception when insufficient_privilege then
  -- Another login owns the database. The server refuses to serve until it has revoked them, and says how.
  raise warning 'temporary objects could not be forbidden: as the owner of the database, revoke temporary, create on it from public';
end $$;
