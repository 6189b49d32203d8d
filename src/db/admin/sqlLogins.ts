import { randomBytes } from 'node:crypto'
import type pg from 'pg'
import { withClient } from './adminClient.ts'

/** What was asked of a login for SQL cannot be done, and why. */
export class SqlLoginRefused extends Error {
  override name = 'SqlLoginRefused'
}

/** A login of the database that reads one tenant's rows, and no setting changes which. */
export interface SqlLogin {
  login: string
  tenantId: string
  /** How long a transaction of it lasts at most, and how many connections it has at a time. */
  statementSeconds: number
  connections: number
  createdBy: string | null
  createdAt: Date
  passwordSetAt: Date
}

/** What is wanted of a login; what is left out stays as it was, or is as by default. */
export interface SqlLoginTerms {
  tenantId: string
  login: string
  password?: string | undefined
  statementSeconds?: number | undefined
  connections?: number | undefined
}

const STATEMENT_SECONDS = 60
const CONNECTIONS = 5

/** What one session may have on disk while it sorts and joins. */
const TEMP_FILE_LIMIT = '4GB'

/** What was made, and what whoever made it has to know. */
export interface MadeSqlLogin {
  /** Shown once: a new login that was given none has this one. */
  generatedPassword: string | undefined
  isNew: boolean
  statementSeconds: number
  connections: number
  /** What every login of this database may do beyond reading, and this administrator may not take back; each with how. */
  openDoors: string[]
}

/**
 * Makes the login, or changes its password and limits.
 *
 * @throws SqlLoginRefused for the login of another tenant, and for a role that Arc did not make.
 */
export async function makeSqlLogin(
  adminUrl: string,
  actor: string,
  terms: SqlLoginTerms,
): Promise<MadeSqlLogin> {
  return asOwner(adminUrl, actor, async (client) => {
    const { tenantId, login } = terms
    const [known] = await readLogins(client, undefined, login)
    if (known && known.tenantId !== tenantId)
      throw new SqlLoginRefused(`The login "${login}" is another tenant's: choose another name.`)
    const generatedPassword =
      known || terms.password !== undefined ? undefined : randomBytes(24).toString('base64url')
    const password = terms.password ?? generatedPassword
    const statementSeconds = terms.statementSeconds ?? known?.statementSeconds ?? STATEMENT_SECONDS
    const connections = terms.connections ?? known?.connections ?? CONNECTIONS
    await client.query(
      `/* keepSqlLogin */
      insert into store.sql_logins as l (login, user_id, statement_seconds) values ($1, $2, $3)
      on conflict (login) do update set statement_seconds = excluded.statement_seconds,
        password_set_at = case when $4 then now() else l.password_set_at end`,
      [login, tenantId, statementSeconds, password !== undefined],
    )
    await client.query('set local role none')
    const role = client.escapeIdentifier(login)
    const database = await ownDatabase(client)
    if (!known) await createRole(client, login, database)
    // DDL takes no parameters.
    if (password !== undefined)
      await client.query(`alter role ${role} password ${client.escapeLiteral(password)}`)
    await client.query(
      `alter role ${role} connection limit ${connections};
      alter role ${role} in database ${database} set statement_timeout = '${statementSeconds}s';
      alter role ${role} in database ${database} set idle_in_transaction_session_timeout = '${statementSeconds}s'`,
    )
    const openDoors = await closeDoors(client, database)
    return { generatedPassword, isNew: !known, statementSeconds, connections, openDoors }
  })
}

async function createRole(client: pg.Client, login: string, database: string): Promise<void> {
  const { rowCount } = await client.query('/* findRole */ select from pg_roles where rolname = $1', [login])
  if (rowCount !== 0)
    throw new SqlLoginRefused(
      `There is a role "${login}" already, which is no login for SQL of this database: choose another name.`,
    )
  const role = client.escapeIdentifier(login)
  // Whoever has the login may change these settings again. What binds it is what it has no rights on, and end_long_sql,
  // for which the tables' owner has to be as much as the login.
  await client.query(
    `create role ${role} login nosuperuser nobypassrls nocreatedb nocreaterole noreplication in role app_analyst;
    grant ${role} to arc_owner;
    grant connect on database ${database} to ${role};
    alter role ${role} in database ${database} set search_path = analytics, public;
    alter role ${role} in database ${database} set default_transaction_read_only = on;
    alter role ${role} in database ${database} set timezone = 'UTC';
    alter role ${role} in database ${database} set datestyle = 'ISO, MDY'`,
  )
  // Of this one PostgreSQL lets nobody but a superuser say what it is.
  await attempt(
    client,
    `alter role ${role} in database ${database} set temp_file_limit = '${TEMP_FILE_LIMIT}'`,
  )
}

async function closeDoors(client: pg.Client, database: string): Promise<string[]> {
  await client.query('call store.revoke_public_powers()')
  await attempt(client, `revoke temporary, create on database ${database} from public`)
  const { rows } = await client.query<{ routines: string[]; temporary: boolean; schemas: string[] }>(
    `/* openDoors */
    select array(select routine::text from store.public_powers()
        where has_function_privilege('app_analyst', routine, 'execute') order by 1) as routines,
      has_database_privilege('app_analyst', current_database(), 'temporary') as temporary,
      array(select quote_ident(nspname) from pg_namespace n
        where nspname !~ '^pg_' and has_schema_privilege('app_analyst', n.oid, 'create') order by 1) as schemas`,
  )
  const { routines, temporary, schemas } = rows[0]!
  return [
    ...(temporary ? [`temporary tables: revoke temporary on database ${database} from public`] : []),
    ...schemas.map((schema) => `objects in a schema: revoke create on schema ${schema} from public`),
    ...(routines.length === 0
      ? []
      : [
          `large objects, messages in the WAL, advisory locks or jobs: as a superuser, call store.revoke_public_powers() (${routines.length} functions, such as ${routines[0]})`,
        ]),
  ]
}

/** False where this administrator may not, or other objects are in the way; the transaction goes on either way. */
async function attempt(client: pg.Client, statement: string): Promise<boolean> {
  await client.query('savepoint attempt')
  try {
    await client.query(statement)
    return true
  } catch (error) {
    await client.query('rollback to attempt')
    if (!['42501', '2BP01'].includes((error as pg.DatabaseError).code ?? '')) throw error
    return false
  }
}

/** All of them, or a tenant's, by name. */
export function listSqlLogins(adminUrl: string, tenantId: string | undefined): Promise<SqlLogin[]> {
  return asOwner(adminUrl, '', (client) => readLogins(client, tenantId, undefined))
}

/**
 * Ends the login's sessions and drops it. One that comes through meanwhile sees nothing.
 *
 * @throws SqlLoginRefused where there is no such login.
 */
export async function revokeSqlLogin(adminUrl: string, actor: string, login: string): Promise<void> {
  await asOwner(adminUrl, actor, async (client) => {
    const { rowCount } = await client.query(
      '/* forgetSqlLogin */ delete from store.sql_logins where login = $1',
      [login],
    )
    if (rowCount === 0) throw new SqlLoginRefused(`There is no login "${login}" for SQL in this database.`)
    await client.query('set local role none')
    const role = client.escapeIdentifier(login)
    await client.query(
      `/* endSqlSessions */ select pg_terminate_backend(pid) from pg_stat_activity where usename = $1`,
      [login],
    )
    await client.query(`revoke connect on database ${await ownDatabase(client)} from ${role}`)
    const isGone = await attempt(client, `drop role ${role}`)
    // It was given more than Arc gave it, here or in another database.
    if (!isGone) await client.query(`alter role ${role} nologin; revoke app_analyst from ${role}`)
  })
}

async function readLogins(
  client: pg.Client,
  tenantId: string | undefined,
  login: string | undefined,
): Promise<SqlLogin[]> {
  const { rows } = await client.query<SqlLogin>(
    `/* sqlLogins */
    select l.login::text, l.user_id as "tenantId", l.statement_seconds as "statementSeconds",
      r.rolconnlimit as connections, l.created_by as "createdBy", l.created_at as "createdAt",
      l.password_set_at as "passwordSetAt"
    from store.sql_logins l left join pg_roles r on r.rolname = l.login
    where l.user_id = coalesce($1, l.user_id) and l.login = coalesce($2, l.login)
    order by l.login`,
    [tenantId, login],
  )
  return rows
}

async function ownDatabase(client: pg.Client): Promise<string> {
  const { rows } = await client.query<{ name: string }>('/* ownDatabase */ select current_database() as name')
  return client.escapeIdentifier(rows[0]!.name)
}

/** One transaction as the tables' owner; `actor` stands in the audit log. */
async function asOwner<Result>(
  adminUrl: string,
  actor: string,
  work: (client: pg.Client) => Promise<Result>,
): Promise<Result> {
  return withClient(adminUrl, async (client) => {
    await client.query('begin; set local role arc_owner')
    await client.query(`/* actAs */ select set_config('app.actor_id', $1, true)`, [actor])
    const result = await work(client)
    await client.query('commit')
    return result
  })
}
