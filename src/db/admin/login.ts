import type pg from 'pg'
import { withClient } from './adminClient.ts'

/** The login of the service could read every tenant's rows, or cannot act for any. */
export class LoginRefused extends Error {
  override name = 'LoginRefused'
}

/** Roles of PostgreSQL itself that read or write past row-level security, or past the database altogether. */
const POWERFUL_ROLES = [
  'arc_owner',
  'pg_read_all_data',
  'pg_write_all_data',
  'pg_read_server_files',
  'pg_write_server_files',
  'pg_execute_server_program',
]

/**
 * Row-level security is worth nothing to a login that it doesn't bind: Arc doesn't serve with one.
 *
 * @throws LoginRefused for a superuser, a role with BYPASSRLS, REPLICATION or CREATEROLE, one with rights on the tables
 * behind the views or on what the tables lie in, one that may become any such role, one that may create a function or a
 * temporary table, and one that may not act as the application roles.
 */
export async function checkLogin(pool: pg.Pool): Promise<void> {
  const { rows } = await pool.query<{ name: string; embedded: boolean; powers: string[]; lacking: string[] }>(
    `/* checkLogin */
    with mine as (
      select r.oid, r.rolname, r.rolsuper, r.rolbypassrls, r.rolreplication, r.rolcreaterole
      from pg_roles r, pg_roles me
      -- A superuser is a member of every role: that says nothing more.
      where me.rolname = session_user and (r.oid = me.oid or not me.rolsuper and pg_has_role(me.oid, r.oid, 'member'))
    )
    select session_user as name,
      -- PGlite has one session, of the superuser, and no other logins: only programs of its own user reach it.
      version() ~ 'emcc|emscripten' as embedded,
      array(
        select power || case when rolname = session_user then '' else ' (through ' || rolname || ')' end
        from mine, lateral (values
          (rolsuper, 'SUPERUSER'), (rolbypassrls, 'BYPASSRLS'), (rolreplication, 'REPLICATION'),
          -- Up to PostgreSQL 15 it may make itself a member of arc_owner.
          (rolcreaterole, 'CREATEROLE')
        ) as p(has, power)
        where has
        union all
        select 'membership of ' || rolname from mine where rolname = any ($1)
        union all
        select distinct 'ownership of schema ' || nspname
        from pg_namespace join mine on mine.oid = nspowner where nspname in ('public', 'store', 'arc_migrations')
        union all
        -- A function of its own in a WHERE could be shown rows before the views' tenant filter drops them.
        select format('the right to create %s (as its owner: revoke %s from public, %s)',
          what, right_to, string_agg(quote_ident(rolname), ', ' order by rolname))
        from mine, lateral (
          select 'temporary tables and functions', format('temporary on database %I', current_database()),
            has_database_privilege(mine.oid, current_database(), 'temporary')
          union all
          select 'schemas', format('create on database %I', current_database()),
            has_database_privilege(mine.oid, current_database(), 'create')
          union all
          select format('objects in schema %I', nspname), format('create on schema %I', nspname),
            has_schema_privilege(mine.oid, n.oid, 'create')
          from pg_namespace n where nspname !~ '^pg_'
        ) as creation(what, right_to, has)
        where has and not mine.rolsuper
        group by what, right_to
        union all
        select distinct 'rights on tables of schema ' || n.nspname
        from pg_class c join pg_namespace n on n.oid = c.relnamespace, mine
        -- Partitions and chunks have rights of their own.
        where (n.nspname = 'store' or c.oid in (select inhrelid from pg_inherits))
          and c.relkind in ('r', 'p', 'v', 'm') and not mine.rolsuper
          and has_table_privilege(mine.oid, c.oid, 'select, insert, update, delete, truncate')
        order by 1
      ) as powers,
      array(
        select wanted from unnest(array['app_user', 'app_readonly', 'app_admin', 'app_ingest']) as wanted
        where not pg_has_role(session_user, wanted, 'member')
      ) as lacking`,
    [POWERFUL_ROLES],
  )
  const { name, embedded, powers, lacking } = rows[0]!
  if (embedded) return
  if (powers.length > 0) {
    throw new LoginRefused(
      `The database login "${name}" could read every tenant's rows: it has ${powers.join(', ')}. Serve with a plain login ("arc migrate --login NAME" creates one), and keep this one for migrations (DATABASE_ADMIN_URL).`,
    )
  }
  if (lacking.length > 0) {
    throw new LoginRefused(
      `The database login "${name}" may not act as ${lacking.join(', ')}: grant it these roles.`,
    )
  }
}

/**
 * Functions of TimescaleDB that change tables and that the application roles may call: migrating takes them away, but only
 * the extension's owner can, and an update of the extension may bring new ones.
 */
export async function callableTableFunctions(
  database: Pick<pg.ClientBase | pg.Pool, 'query'>,
): Promise<string[]> {
  const { rows } = await database.query<{ function: string }>(`/* callableTableFunctions */
    select p.oid::regprocedure::text as function
    from pg_proc p
    join pg_depend d on d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e'
    join pg_extension e on d.refclassid = 'pg_extension'::regclass and e.oid = d.refobjid
    where e.extname = 'timescaledb' and p.prorettype not in ('trigger'::regtype, 'event_trigger'::regtype)
      and (p.prosecdef or p.provolatile = 'v' and p.proargtypes::oid[] && array['regclass'::regtype, 'oid'::regtype]::oid[])
      and has_function_privilege('app_user', p.oid, 'execute')
    order by 1`)
  return rows.map((row) => row.function)
}

/** Takes them away from everybody but arc_owner, after an update of the extension for example. A warning where it may not. */
export async function revokeTableFunctions(client: pg.ClientBase): Promise<void> {
  for (const routine of await callableTableFunctions(client)) {
    await client.query(
      `/* revokeTableFunction */ revoke execute on routine ${routine} from public; grant execute on routine ${routine} to arc_owner`,
    )
  }
}

/** Makes, or gives a new password to, a login with exactly what the service needs. No other one may connect after it. */
export async function makeServiceLogin(adminUrl: string, name: string, password: string): Promise<void> {
  await withClient(adminUrl, async (client) => {
    const { rowCount } = await client.query(`/* findRole */ select from pg_roles where rolname = $1`, [name])
    const role = client.escapeIdentifier(name)
    // DDL takes no parameters.
    const secret = client.escapeLiteral(password)
    await client.query(
      rowCount === 0
        ? `create role ${role} login nosuperuser nobypassrls nocreatedb nocreaterole password ${secret}`
        : `alter role ${role} login password ${secret}`,
    )
    await client.query(`grant app_user, app_readonly, app_admin, app_ingest to ${role}`)
    // Roles are the cluster's: the login of another database of Arc there may act as them, if it can connect.
    const { rows } = await client.query<{ name: string }>(
      '/* ownDatabase */ select current_database() as name',
    )
    const database = client.escapeIdentifier(rows[0]!.name)
    await client.query(
      `revoke connect on database ${database} from public; grant connect on database ${database} to ${role}`,
    )
  })
}
