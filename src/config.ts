import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

/** All that can be set from outside. Made once, frozen, handed to the parts: nothing else reads the environment. */
export interface Config {
  /** Where the server listens. PORT (4000; 0 takes a free one) and HOST (127.0.0.1). */
  port: number
  host: string
  /** DATABASE_URL: PostgreSQL 15+ with pgvector. Without it Arc runs its embedded database in `dataDir`. */
  databaseUrl: string | undefined
  /** DATABASE_DIRECT_URL: for LISTEN, where DATABASE_URL leads through PgBouncer; DATABASE_URL when not given. */
  databaseDirectUrl: string | undefined
  /** DATABASE_ADMIN_URL: a login that may create roles and extensions, used by `migrate` only. */
  databaseAdminUrl: string | undefined
  /** ARC_DATA_DIR (.arc): the embedded database, and the secret when none is given. */
  dataDir: string
  /** ARC_POOL_SIZE (10): database connections of this process, besides the one that listens. */
  poolSize: number
  auth: AuthConfig
  /** ARC_GRAPHIQL (on, off when NODE_ENV is production): serve GraphiQL. */
  graphiql: boolean
  /** ARC_SAMPLE (on for the embedded database, else off): fill an empty database with a synthetic sample. */
  sample: boolean
  /** ARC_LOG_LEVEL (info): fatal, error, warn, info, debug, trace or silent. */
  logLevel: string
  /** ARC_URL: the GraphQL endpoint that `import` sends to; the server on this machine's PORT when not given. */
  importUrl: string | undefined
  /** ARC_TOKEN: the bearer token of `import`; one signed with this machine's secret when not given. */
  importToken: string | undefined
}

export interface AuthConfig {
  /** ARC_JWT_SECRET: the HS256 secret, at least 32 bytes. */
  secret: Uint8Array | undefined
  /** ARC_JWKS_URL: where the public keys of an identity provider are; takes the place of the secret. */
  jwksUrl: string | undefined
  /** ARC_JWT_ISSUER and ARC_JWT_AUDIENCE: checked when set. */
  issuer: string | undefined
  audience: string | undefined
  /** ARC_TENANT_CLAIM (tenant_id): the claim with the tenant, a UUID. */
  tenantClaim: string
  /** ARC_ACTOR_CLAIM (sub): the claim that says who is acting, for the audit log. */
  actorClaim: string
  /** ARC_ROLE_CLAIM (role): the claim with app_user, app_readonly or app_admin; app_user when it is absent. */
  roleClaim: string
}

/** What is wrong with the settings, in words for the person who set them. */
export class ConfigError extends Error {
  override name = 'ConfigError'
}

export function readConfig(env: NodeJS.ProcessEnv = process.env): Readonly<Config> {
  const databaseUrl = text(env, 'DATABASE_URL')
  const dataDir = resolve(text(env, 'ARC_DATA_DIR') ?? '.arc')
  const jwksUrl = text(env, 'ARC_JWKS_URL')
  return Object.freeze({
    port: integer(env, 'PORT', 4000, 0, 65_535),
    host: text(env, 'HOST') ?? '127.0.0.1',
    databaseUrl,
    databaseDirectUrl: text(env, 'DATABASE_DIRECT_URL'),
    databaseAdminUrl: text(env, 'DATABASE_ADMIN_URL'),
    dataDir,
    poolSize: integer(env, 'ARC_POOL_SIZE', 10, 1, 1000),
    auth: {
      secret: jwksUrl ? undefined : jwtSecret(env, dataDir),
      jwksUrl,
      issuer: text(env, 'ARC_JWT_ISSUER'),
      audience: text(env, 'ARC_JWT_AUDIENCE'),
      tenantClaim: text(env, 'ARC_TENANT_CLAIM') ?? 'tenant_id',
      actorClaim: text(env, 'ARC_ACTOR_CLAIM') ?? 'sub',
      roleClaim: text(env, 'ARC_ROLE_CLAIM') ?? 'role',
    },
    graphiql: flag(env, 'ARC_GRAPHIQL', env.NODE_ENV !== 'production'),
    sample: flag(env, 'ARC_SAMPLE', databaseUrl === undefined),
    logLevel: text(env, 'ARC_LOG_LEVEL') ?? 'info',
    importUrl: text(env, 'ARC_URL'),
    importToken: text(env, 'ARC_TOKEN'),
  })
}

/** A secret made on first use and kept beside the data, so that tokens outlive a restart. Production has to bring its own. */
function jwtSecret(env: NodeJS.ProcessEnv, dataDir: string): Uint8Array {
  const given = text(env, 'ARC_JWT_SECRET')
  if (given !== undefined) {
    const bytes = new TextEncoder().encode(given)
    if (bytes.length < 32) throw new ConfigError('ARC_JWT_SECRET has to be at least 32 bytes long.')
    return bytes
  }
  if (env.NODE_ENV === 'production') {
    throw new ConfigError(
      'Set ARC_JWT_SECRET (32 bytes or more) or ARC_JWKS_URL: in production Arc makes no secret of its own.',
    )
  }
  const file = join(dataDir, 'jwt-secret')
  if (!existsSync(file)) {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 })
    writeFileSync(file, randomBytes(32).toString('base64url'), { mode: 0o600 })
  }
  return new TextEncoder().encode(readFileSync(file, 'utf8').trim())
}

function text(env: NodeJS.ProcessEnv, name: string): string | undefined {
  const value = env[name]?.trim()
  return value === '' ? undefined : value
}

function integer(env: NodeJS.ProcessEnv, name: string, fallback: number, min: number, max: number): number {
  const value = text(env, name)
  if (value === undefined) return fallback
  const number = Number(value)
  if (!Number.isInteger(number) || number < min || number > max) {
    throw new ConfigError(`${name} has to be a whole number from ${min} to ${max}, not "${value}".`)
  }
  return number
}

function flag(env: NodeJS.ProcessEnv, name: string, fallback: boolean): boolean {
  const value = text(env, name)?.toLowerCase()
  if (value === undefined) return fallback
  if (['1', 'true', 'yes', 'on'].includes(value)) return true
  if (['0', 'false', 'no', 'off'].includes(value)) return false
  throw new ConfigError(`${name} has to be true or false, not "${value}".`)
}
