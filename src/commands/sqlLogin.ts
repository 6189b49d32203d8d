import { randomBytes } from 'node:crypto'
import { text } from 'node:stream/consumers'
import { type Config, ConfigError } from '../config.ts'
import { listSqlLogins, makeSqlLogin, revokeSqlLogin } from '../db/admin/sqlLogins.ts'
import { isUuid } from '../uuid.ts'

/** In the tenant's audit log. */
const ACTOR = 'command line'

export interface SqlLoginOptions {
  tenant?: string
  name?: string
  passwordStdin?: boolean
  statementTimeout?: string
  connections?: string
  list?: boolean
  revoke?: boolean
}

/** `arc sql-login`: makes, lists or revokes logins for people who write their own SQL. */
export async function sqlLogin(config: Config, options: SqlLoginOptions): Promise<void> {
  const url = config.databaseAdminUrl ?? config.databaseUrl
  if (url === undefined) {
    throw new ConfigError(
      'Set DATABASE_ADMIN_URL (or DATABASE_URL). The embedded database has one session, a superuser’s, and no logins: SQL of people needs a PostgreSQL server.',
    )
  }
  const { tenant, name } = options
  if (tenant !== undefined && !isUuid(tenant))
    throw new ConfigError(`--tenant must be a UUID, not "${tenant}".`)
  const tenantId = tenant?.toLowerCase()
  // It stands in URLs and in pg_hba.conf, and PostgreSQL would cut a longer one.
  if (name !== undefined && !/^(?!pg_)[a-z_][a-z0-9_]{0,62}$/.test(name)) {
    throw new ConfigError(
      `--name must be up to 63 of a-z, 0-9 and _, not begin with a digit or pg_, unlike "${name}".`,
    )
  }
  if (options.list) return list(url, tenantId)
  if (options.revoke) return revoke(url, tenantId, name)
  if (tenantId === undefined) throw new ConfigError('Say with --tenant whose rows the login reads.')
  await make(url, tenantId, name ?? `arc_sql_${randomBytes(4).toString('hex')}`, options)
}

async function make(url: string, tenantId: string, login: string, options: SqlLoginOptions): Promise<void> {
  const password = options.passwordStdin
    ? (await text(process.stdin)).trimEnd()
    : process.env.ARC_SQL_PASSWORD
  if (password === '') throw new ConfigError('The password is empty.')
  const { generatedPassword, isNew, statementSeconds, connections, openDoors } = await makeSqlLogin(
    url,
    ACTOR,
    {
      tenantId,
      login,
      password,
      statementSeconds: wholeNumber('--statement-timeout', options.statementTimeout, 86_400),
      connections: wholeNumber('--connections', options.connections, 1_000),
    },
  )
  console.log(
    `login "${login}" ${isNew ? 'made' : 'changed'}: it reads the views of schema analytics for tenant ${tenantId}, ${connections} connections, ${statementSeconds} seconds a transaction`,
  )
  if (generatedPassword !== undefined) console.log(`password (shown once): ${generatedPassword}`)
  for (const door of openDoors) console.warn(`still open to every login of this database: ${door}`)
}

async function list(url: string, tenantId: string | undefined): Promise<void> {
  const logins = await listSqlLogins(url, tenantId)
  for (const { login, tenantId, statementSeconds, connections, createdAt, createdBy } of logins) {
    console.log(
      `${login}  tenant ${tenantId}  ${
        connections === null ? 'its role is gone' : `${connections} connections`
      }  ${statementSeconds} s  since ${createdAt.toISOString()} by ${createdBy ?? 'nobody known'}`,
    )
  }
  if (logins.length === 0) console.log('There are no logins for SQL.')
}

async function revoke(url: string, tenantId: string | undefined, name: string | undefined): Promise<void> {
  if ((tenantId === undefined) === (name === undefined))
    throw new ConfigError('Say with --name which login, or with --tenant whose logins to revoke.')
  const logins = name === undefined ? (await listSqlLogins(url, tenantId)).map(({ login }) => login) : [name]
  for (const login of logins) {
    await revokeSqlLogin(url, ACTOR, login)
    console.log(`login "${login}" revoked`)
  }
  if (logins.length === 0) console.log('There are no logins for SQL.')
}

function wholeNumber(option: string, given: string | undefined, most: number): number | undefined {
  if (given === undefined) return undefined
  const number = Number(given)
  if (!Number.isInteger(number) || number < 1 || number > most)
    throw new ConfigError(`${option} must be a whole number from 1 to ${most}, not "${given}".`)
  return number
}
