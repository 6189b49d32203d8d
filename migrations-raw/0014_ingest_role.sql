-- run as: login
-- What brings results in and follows how far they are, and cannot read what came of them.
do $$
declare
  login name;
begin
  if not exists (select from pg_roles where rolname = 'app_ingest') then
    begin
      create role app_ingest nologin nosuperuser nobypassrls nocreatedb nocreaterole;
    exception when duplicate_object or unique_violation then null; -- another database's migration was faster
    end;
  end if;
  -- A login that acts as the other roles acts as this one too.
  for login in
    select m.rolname
    from pg_auth_members a join pg_roles m on m.oid = a.member
    where a.roleid = 'app_user'::regrole and m.rolcanlogin and not pg_has_role(m.oid, 'app_ingest', 'member')
  loop
    begin
      execute format('grant app_ingest to %I', login);
    exception when insufficient_privilege then null; -- another login made the role: the server says what it lacks
    end;
  end loop;
end $$;

grant usage on schema public to app_ingest;
