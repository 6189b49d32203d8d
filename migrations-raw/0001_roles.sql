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
  if not pg_has_role(current_user, 'arc_owner', 'member') then
    execute format('grant arc_owner to %I', current_user);
  end if;
end $$;

create extension if not exists vector;

-- `public` is what the application roles see; `store` is what they must not: outcomes and what leads to them.
create schema store authorization arc_owner;
grant usage, create on schema public to arc_owner;
revoke create on schema public from public;
revoke all on schema store from public;
grant usage on schema public to app_user, app_readonly, app_admin;
