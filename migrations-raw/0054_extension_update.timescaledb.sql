-- A function whose body PostgreSQL keeps parsed depends on the views that it reads, and an update of TimescaleDB, which drops
-- its own and makes them anew, was refused ("cannot drop view timescaledb_information.chunks"). Bodies that read these are
-- kept as text, which is looked up when it runs.
do $$
declare
  routine regprocedure;
begin
  for routine in
    select distinct p.oid
    from pg_proc p
    join pg_depend d on d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.refclassid = 'pg_class'::regclass
    join pg_class c on c.oid = d.refobjid
    where p.pronamespace in ('store'::regnamespace, 'public'::regnamespace) and p.prosqlbody is not null
      and c.relnamespace = 'timescaledb_information'::regnamespace
  loop
    execute regexp_replace(pg_get_functiondef(routine), '\nRETURN (.*)$', E'\nas $body$ select \\1 $body$');
  end loop;
end $$;
