import type pg from 'pg'

const SCHEMAS = `('public', 'store', 'analytics', 'arc_migrations')`

/** Objects that an extension brought belong to its version, not to the schema. */
const notOfExtension = (catalog: string, oid: string) =>
  `not exists (select from pg_depend e where e.classid = '${catalog}'::regclass and e.objid = ${oid} and e.deptype = 'e')`

/** `role: PRIVILEGE, …` for all that others than the owner were granted. */
const grants = (acl: string, owner: string) => `
  (select coalesce(array_agg(line order by line collate "C"), '{}') from (
    select coalesce(nullif(x.grantee, 0)::regrole::text, 'public') || ': ' || string_agg(x.privilege_type, ', ' order by x.privilege_type) as line
    from aclexplode(${acl}) x where x.grantee <> ${owner} group by x.grantee
  ) g)`

/**
 * The schema that the migrations made, as text that is the same for every database of the same engine: whatever has a
 * definition, in the order of names. Partitions and chunks are left out, which depend on the date, and owners that are
 * the migrating login.
 */
export async function dumpSchema(client: pg.ClientBase): Promise<string> {
  const lines: string[] = []
  const section = async (title: string, statement: string) => {
    const { rows } = await client.query<{ head: string; details: string[][] }>(statement)
    lines.push(`# ${title}`, '')
    for (const { head, details } of rows) {
      lines.push(head, ...details.flat().map((line) => `  ${line.replaceAll('\n', '\n  ')}`), '')
    }
  }

  await section(
    'Extensions',
    `select extname as head, '[]'::json as details from pg_extension where extname <> 'plpgsql' order by extname`,
  )
  await section(
    'Roles',
    `select rolname as head, json_build_array(array_remove(array[
      case when rolsuper then 'superuser' end, case when rolbypassrls then 'bypassrls' end,
      case when rolcanlogin then 'login' end, case when rolcreaterole then 'createrole' end], null)) as details
    from pg_roles where rolname in ('arc_owner', 'arc_analytics', 'app_user', 'app_readonly', 'app_admin', 'app_analyst') order by rolname`,
  )
  await section(
    'Schemas',
    `select nspname as head, json_build_array(${grants('nspacl', 'nspowner')}) as details
    from pg_namespace where nspname in ${SCHEMAS} order by nspname`,
  )
  await section(
    'Types',
    `select format('%s %s', case typtype when 'd' then 'domain' else 'type' end, t.oid::regtype) as head,
      json_build_array(
        array_remove(array[format_type(nullif(typbasetype, 0), typtypmod)], null),
        (select coalesce(array_agg(pg_get_constraintdef(oid) order by conname), '{}') from pg_constraint where contypid = t.oid),
        (select coalesce(array_agg(concat_ws(' ', attname, format_type(atttypid, atttypmod)) order by attnum), '{}')
          from pg_attribute where attrelid = typrelid and attnum > 0 and not attisdropped)) as details
    from pg_type t left join pg_class c on c.oid = typrelid
    where typnamespace::regnamespace::text in ${SCHEMAS} and (typtype = 'd' or relkind = 'c') and ${notOfExtension('pg_type', 't.oid')}
    order by t.oid::regtype::text collate "C"`,
  )
  await section(
    'Tables',
    `select format('%s %s.%s%s', case relkind when 'p' then 'partitioned table' else 'table' end, nspname, relname,
        coalesce(' partition by ' || pg_get_partkeydef(c.oid), '')) as head,
      json_build_array(
        array_remove(array[
          case when relowner = 'arc_owner'::regrole then 'owner arc_owner' end,
          case when relrowsecurity then 'row level security' end,
          case when relforcerowsecurity then 'forced for the owner' end], null),
        (select array_agg(concat_ws(' ', attname, format_type(atttypid, atttypmod),
            case when attstorage <> typstorage then format('storage %s', attstorage) end,
            case when attnotnull then 'not null' end,
            case attgenerated when 's' then 'generated ' else case when d.oid is not null then 'default ' end end
              || pg_get_expr(adbin, adrelid)) order by attnum)
          from pg_attribute a join pg_type t on t.oid = atttypid left join pg_attrdef d on adrelid = attrelid and adnum = attnum
          where attrelid = c.oid and attnum > 0 and not attisdropped),
        (select coalesce(array_agg('constraint ' || conname || ' ' || pg_get_constraintdef(oid) order by conname), '{}')
          from pg_constraint where conrelid = c.oid and contype <> 'n'),
        (select coalesce(array_agg(pg_get_indexdef(indexrelid) order by indexrelid::regclass::text collate "C"), '{}')
          from pg_index where indrelid = c.oid and not exists (select from pg_constraint where conindid = indexrelid and conrelid = c.oid)),
        (select coalesce(array_agg(format('policy %s for %s to %s using (%s) with check (%s)', polname, polcmd,
            array(select coalesce(nullif(r, 0)::regrole::text, 'public') from unnest(polroles) r order by 1),
            pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid)) order by polname), '{}')
          from pg_policy where polrelid = c.oid),
        (select coalesce(array_agg(pg_get_triggerdef(oid) order by tgname), '{}')
          from pg_trigger where tgrelid = c.oid and not tgisinternal and tgname !~ '^ts_'),
        ${grants('relacl', 'relowner')},
        (select coalesce(array_agg(attname || ' ' || grant_line order by attname, grant_line collate "C"), '{}')
          from pg_attribute, unnest(${grants('attacl', 'c.relowner')}) as grant_line
          where attrelid = c.oid and attacl is not null)
      ) as details
    from pg_class c join pg_namespace n on n.oid = relnamespace
    where nspname in ${SCHEMAS} and relkind in ('r', 'p', 'S', 'm', 'f') and not relispartition
      and ${notOfExtension('pg_class', 'c.oid')}
    order by nspname, relname`,
  )
  await section(
    'Views',
    `select format('view %s.%s', nspname, relname) as head,
      json_build_array(
        array_remove(array[case when relowner in ('arc_owner'::regrole, 'arc_analytics'::regrole) then 'owner ' || relowner::regrole end, reloptions::text], null),
        array[pg_get_viewdef(c.oid, true)],
        ${grants('relacl', 'relowner')}
      ) as details
    from pg_class c join pg_namespace n on n.oid = relnamespace
    where nspname in ${SCHEMAS} and relkind = 'v' and ${notOfExtension('pg_class', 'c.oid')}
    order by nspname, relname`,
  )
  await section(
    'Functions',
    `select format('%s %s.%s(%s) returns %s', case prokind when 'p' then 'procedure' else 'function' end, nspname, proname,
        pg_get_function_identity_arguments(p.oid), pg_get_function_result(p.oid)) as head,
      json_build_array(
        array_remove(array[
          case when proowner = 'arc_owner'::regrole then 'owner arc_owner' end,
          'language ' || lanname, format('volatility %s', provolatile), format('parallel %s', proparallel),
          case when prosecdef then 'security definer' end, proconfig::text, pg_get_function_sqlbody(p.oid),
          case when prosrc <> '' then 'body ' || md5(prosrc) end,
          case when proacl is null then 'public: EXECUTE' end], null),
        ${grants('proacl', 'proowner')}
      ) as details
    from pg_proc p join pg_namespace n on n.oid = pronamespace join pg_language l on l.oid = prolang
    where nspname in ${SCHEMAS} and ${notOfExtension('pg_proc', 'p.oid')}
    order by nspname, proname, pg_get_function_identity_arguments(p.oid) collate "C"`,
  )
  const { rowCount } = await client.query(`select from pg_extension where extname = 'timescaledb'`)
  if (rowCount) {
    await section(
      'Hypertables',
      `select format('%s.%s', hypertable_schema, hypertable_name) as head,
        json_build_array(array[format('%s %s %s', dimension_type, column_name, time_interval)]) as details
      from timescaledb_information.dimensions order by hypertable_schema, hypertable_name`,
    )
  }
  return lines.join('\n')
}
