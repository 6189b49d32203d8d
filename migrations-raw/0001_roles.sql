-- run as: login
-- Roles are shared by all databases of a cluster, so each step has to stand that it was done before.
do $$
declare
  name text;
begin
  foreach name in array array['arc_owner', 'app_user', 'app_readonly', 'app_admin'] loop
    begin
      if not exists (select from pg_roles where rolname = name) then
        execute format('create role %I nologin nosuperuser nobypassrls nocreatedb nocreaterole', name);
      end if;
    exception when duplicate_object or unique_violation then null; -- another database's migration was faster
    end;
  end loop;
  -- Whoever creates a role may grant it (since PostgreSQL 16), but may not act as it before that.
  if not (select rolsuper from pg_roles where rolname = current_user) then
    begin
      execute format('grant arc_owner to %I', current_user);
    exception when insufficient_privilege then null; -- another login made the roles: it has to grant this one
    end;
  end if;
end $$;

create extension if not exists vector;
do $$
declare
  version constant text := (select extversion from pg_extension where extname = 'vector');
begin
  if string_to_array(substring(version from '^[0-9]+[.][0-9]+'), '.')::integer[] < array[0, 7] then
    raise exception 'Arc needs pgvector 0.7 or newer; this database has %', version;
  end if;
end $$;

-- `public` is what the application roles see; `store` is what they must not: outcomes and what leads to them.
create schema store authorization arc_owner;
grant usage, create on schema public to arc_owner;
revoke create on schema public from public;
revoke all on schema store from public;
grant usage on schema public to app_user, app_readonly, app_admin;

-- TimescaleDB lets every role call functions that change any hypertable, and not all of them ask whether the caller
-- owns it: drop_chunk drops a chunk, the rows of all tenants in it. Only the extension's owner can take that back;
-- where another login migrates, and after an update of the extension, the server warns when it starts.
do $$
declare
  routine regprocedure;
begin
  for routine in
    select p.oid
    from pg_proc p
    join pg_depend d on d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e'
    join pg_extension e on d.refclassid = 'pg_extension'::regclass and e.oid = d.refobjid
    where e.extname = 'timescaledb' and p.prorettype not in ('trigger'::regtype, 'event_trigger'::regtype)
      and (p.prosecdef or p.provolatile = 'v' and p.proargtypes::oid[] && array['regclass'::regtype, 'oid'::regtype]::oid[])
  loop
    execute format('revoke execute on routine %s from public', routine);
    execute format('grant execute on routine %s to arc_owner', routine);
  end loop;
end $$;
