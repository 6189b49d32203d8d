import pg from 'pg'

/** The login of the service could read every tenant's rows, or cannot act for any. */
export class LoginRefused extends Error {
  override name = 'LoginRefused'
}

/**
 * Row-level security is worth nothing to a login that it doesn't bind: Arc doesn't serve with one.
 *
 * @throws LoginRefused for a superuser, a role with BYPASSRLS, one that may become such a role or the tables' owner,
 * and one that may not act as the application roles.
 */
export async function checkLogin(pool: pg.Pool): Promise<void> {
  const { rows } = await pool.query<{ name: string; embedded: boolean; powers: string[]; lacking: string[] }>(`/* checkLogin */
    select session_user as name,
      -- PGlite has one session, of the superuser, and no other logins: only programs of its own user reach it.
      version() ~ 'emcc|emscripten' as embedded,
      array(
        select case when r.rolsuper then 'SUPERUSER' when r.rolbypassrls then 'BYPASSRLS' else 'membership of arc_owner' end
          || case when r.rolname = session_user then '' else ' (through ' || r.rolname || ')' end
        from pg_roles r
        where pg_has_role(session_user, r.oid, 'member')
          and (r.rolsuper or r.rolbypassrls or r.rolname = 'arc_owner')
      ) as powers,
      array(
        select wanted from unnest(array['app_user', 'app_readonly', 'app_admin']) as wanted
        where not pg_has_role(session_user, wanted, 'member')
      ) as lacking`)
  const { name, embedded, powers, lacking } = rows[0]!
  if (embedded) return
  if (powers.length > 0) {
    throw new LoginRefused(
      `The database login "${name}" could read every tenant's rows: it has ${powers.join(', ')}. Serve with a plain login ("npm run migrate -- --login NAME" makes one), and keep this one for migrations (DATABASE_ADMIN_URL).`,
    )
  }
  if (lacking.length > 0) {
    throw new LoginRefused(
      `The database login "${name}" may not act as ${lacking.join(', ')}: grant it these roles.`,
    )
  }
}

/** Makes, or gives a new password to, a login with exactly what the service needs. */
export async function makeServiceLogin(adminUrl: string, name: string, password: string): Promise<void> {
  const client = new pg.Client({ connectionString: adminUrl, application_name: 'arc migrate' })
  await client.connect()
  try {
    const { rowCount } = await client.query(`/* findRole */ select from pg_roles where rolname = $1`, [name])
    const role = client.escapeIdentifier(name)
    // DDL takes no parameters.
    const secret = client.escapeLiteral(password)
    await client.query(
      rowCount === 0
        ? `create role ${role} login nosuperuser nobypassrls nocreatedb nocreaterole password ${secret}`
        : `alter role ${role} login password ${secret}`,
    )
    await client.query(`grant app_user, app_readonly, app_admin to ${role}`)
  } finally {
    await client.end()
  }
}
