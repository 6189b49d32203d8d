import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { EMBEDDING_WIDTH } from './embedding/embeddingProvider.ts'
import { AddressGuard } from './webhooks/addressGuard.ts'

/** All that can be set from outside. Made once, frozen, handed to the parts: nothing else reads the environment. */
export interface Config {
  /** Where the server listens. PORT (4000; 0 takes a free one) and HOST (127.0.0.1). */
  port: number
  host: string
  /** NODE_ENV is production. */
  production: boolean
  /**
   * DATABASE_URL, or TIMESCALE_SERVICE_URL: PostgreSQL 15+ with pgvector. Without one Arc runs its embedded database in
   * `dataDir`.
   */
  databaseUrl: string | undefined
  /** DATABASE_DIRECT_URL: for LISTEN, where DATABASE_URL leads through PgBouncer; DATABASE_URL when not given. */
  databaseDirectUrl: string | undefined
  /** DATABASE_REPLICA_URL: a standby that queries may go to. */
  databaseReplicaUrl: string | undefined
  /** ARC_REPLICA_LAG_SECONDS (10): how far behind it may be. */
  replicaLagMs: number
  /**
   * DATABASE_ADMIN_URL, or TIMESCALE_SERVICE_URL: a login that may create roles and extensions, used by `migrate` and
   * `retention` only.
   */
  databaseAdminUrl: string | undefined
  /** ARC_DATA_DIR (.arc): the embedded database, and the secret when none is given. */
  dataDir: string
  /** ARC_START_SECONDS (60): how long a server that starts waits for its database, and for migrations that are missing. */
  startMs: number
  /** ARC_STOP_SECONDS (9): how long a server that stops may take; below the ten seconds that containers get. */
  stopMs: number
  /** Database connections of this process, besides the one that listens. */
  pool: PoolConfig
  /** ARC_PLANNED_CHUNKS (64): from more chunks or partitions than that outcomes are read in steps of time. */
  plannedParts: number
  auth: AuthConfig
  exposure: ExposureConfig
  /** Whether queries are answered by one statement where that is known; otherwise each field by its resolver. */
  compiledReads: boolean
  /** ARC_JOBS (on): whether this server takes part in what servers of a database do regularly. */
  jobs: boolean
  /**
   * What words recommendations: an endpoint that speaks OpenAI's `/v1/chat/completions`, by ARC_LLM_URL, ARC_LLM_MODEL and ARC_LLM_KEY (none),
   * which then gets what they say. Undefined: they have Arc's own words, and nothing leaves this machine.
   */
  language: ModelEndpoint | undefined
  embeddings: EmbeddingsConfig
  /** ARC_SAMPLE (on for the embedded database, else off): fill an empty database with a synthetic sample. */
  sample: boolean
  /** ARC_LOG_LEVEL (info): fatal, error, warn, info, debug, trace or silent. */
  logLevel: string
  observe: ObserveConfig
  /**
   * ARC_DRAIN_SECONDS (0): how long a server that is told to stop goes on as before, but for `/ready`, so that load balancers
   * take it out first.
   */
  drainMs: number
  /** ARC_URL: the GraphQL endpoint that `import` sends to; the server on this machine's PORT when not given. */
  importUrl: string | undefined
  /** ARC_TOKEN: the bearer token of `import`; one signed with this machine's secret when not given. */
  importToken: string | undefined
}

/** Of an endpoint that speaks OpenAI's API. */
interface ModelEndpoint {
  /** With the path of what is asked of it, which the setting may leave out. */
  url: string
  model: string
  /** The bearer token. Never in a log or an error. */
  key: string | undefined
}

/**
 * What makes embeddings. ARC_EMBEDDINGS (minilm): `minilm`, the model that comes with Arc; `none`; or the URL of an endpoint that speaks
 * OpenAI's `/v1/embeddings`, with ARC_EMBEDDINGS_MODEL and ARC_EMBEDDINGS_KEY (none), which then gets the texts.
 */
export type EmbeddingsConfig =
  | { provider: 'none' | 'minilm' }
  | (ModelEndpoint & {
      provider: 'openai'
      /** ARC_EMBEDDINGS_DIMENSIONS (what the model makes): what it is asked to shorten its vectors to, 1536 at most. */
      dimensions: number | undefined
    })

/** What the server tells of itself. docs/monitoring.md has it all. */
interface ObserveConfig {
  /** ARC_SLOW_OPERATION_MS (1000): operations that take so long are in the log; 0: none is for that. */
  slowMs: number
  /** ARC_METRICS_PORT (none; 0 takes a free one) and ARC_METRICS_HOST (127.0.0.1): where Prometheus finds `/metrics`. */
  metricsPort: number | undefined
  metricsHost: string
  /**
   * OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, or OTEL_EXPORTER_OTLP_ENDPOINT (none): where spans go. OTEL_SDK_DISABLED and
   * OTEL_TRACES_EXPORTER=none switch it off. What else there is of these variables OpenTelemetry's SDK reads.
   */
  tracesUrl: string | undefined
}

interface PoolConfig {
  /** ARC_POOL_SIZE (20): connections that stay open once they were needed. */
  size: number
  /** ARC_POOL_BURST (30): how many more there may be under load. */
  burst: number
  /** ARC_POOL_RECYCLE_SECONDS (3600): how old a connection may become. */
  recycleMs: number
  /** ARC_POOL_VALIDATE_SECONDS (30): after how long at rest a connection is asked whether it is alive, before anybody gets it. */
  validateMs: number
  /** ARC_MAX_WAITING (5000): how many operations may wait for a connection, and outcomes for their batch. */
  maxWaiting: number
  /** ARC_POOL_WAIT_SECONDS (30): how long each may wait. */
  waitMs: number
  /** ARC_STATEMENT_SECONDS (60): how long a statement of a request may take before the database ends it. */
  statementMs: number
  /** ARC_DATABASE_SECONDS (70): how long the database may take to answer a statement before its connection is ended. */
  answerMs: number
}

export interface AuthConfig {
  /** ARC_JWT_SECRET: the HS256 secret, at least 32 bytes. */
  secret: Uint8Array | undefined
  /** ARC_JWKS_URL: where the public keys of an identity provider are; takes the place of the secret. */
  jwksUrl: string | undefined
  /** ARC_JWT_ISSUER and ARC_JWT_AUDIENCE: checked when set. With ARC_JWKS_URL the audience must be, or ARC_JWT_ANY_AUDIENCE. */
  issuer: string | undefined
  audience: string | undefined
  /** ARC_TENANT_CLAIM (tenant_id): the claim with the tenant, a UUID. */
  tenantClaim: string
  /** ARC_ACTOR_CLAIM (sub): the claim that says who is acting, for the audit log. */
  actorClaim: string
  /** ARC_ROLE_CLAIM (role): the claim with app_user, app_readonly or app_admin; app_user when it may be absent. */
  roleClaim: string
  /** ARC_TOKENS_NEED_EXP (on behind declared proxies): refuse tokens that never end. */
  needsExpiry: boolean
  /** ARC_TOKENS_NEED_ROLE (on behind declared proxies): refuse tokens that name no role. */
  needsRole: boolean
}

/** What clients may do and see. docs/exposure.md has each of the settings with what it refuses. */
export interface ExposureConfig {
  /** ARC_GRAPHIQL (on, off when NODE_ENV is production): serve GraphiQL. Off with trusted documents only. */
  graphiql: boolean
  /** ARC_INTROSPECTION (on, off when NODE_ENV is production): answer what the schema is. */
  introspection: boolean
  /** ARC_SUGGESTIONS (on, off when NODE_ENV is production): "Did you mean …?" in errors. */
  suggestions: boolean
  /** ARC_CORS_ORIGINS (none): pages of these origins may call, e.g. "https://a.example, https://b.example". */
  corsOrigins: readonly string[]
  /** ARC_PROXY_HOPS (0): how many proxies stand in front and add to X-Forwarded-For. */
  proxyHops: number
  /** ARC_TRUSTED_DOCUMENTS: a JSON file with the documents that clients ask for by their hash. */
  trustedDocuments: string | undefined
  /** ARC_TRUSTED_DOCUMENTS_ONLY (on when there is such a file): nothing else is run. */
  trustedDocumentsOnly: boolean
  /**
   * ARC_WEBHOOK_PRIVATE_HOSTS (none): where tenants' webhooks may lead although it is not on the internet: host names, addresses,
   * networks, e.g. "hooks.internal, 10.1.0.0/16".
   */
  webhookPrivateHosts: readonly string[]
  limits: Limits
}

/** Each limit: its variable, its default, and the smallest value; 0 switches those off that allow it. */
export const LIMIT_SETTINGS = {
  /** Fields inside one another. */
  depth: ['ARC_MAX_DEPTH', 20, 1],
  /** Selections of one selection set, those of its fragments among them. */
  breadth: ['ARC_MAX_BREADTH', 200, 1],
  /** Aliases of an operation; fragments count as often as they are used, here and below. */
  aliases: ['ARC_MAX_ALIASES', 100, 0],
  /** Directives of an operation. */
  directives: ['ARC_MAX_DIRECTIVES', 100, 0],
  /** Lexical tokens of a document. */
  tokens: ['ARC_MAX_TOKENS', 10_000, 1],
  /** Entries of one list among the arguments. */
  listLength: ['ARC_MAX_LIST_LENGTH', 100_000, 1],
  /** Cost of an operation. */
  cost: ['ARC_MAX_COST', 100_000, 1],
  /** Cost of a subscription, for each of its events. */
  subscriptionCost: ['ARC_MAX_SUBSCRIPTION_COST', 2_000, 1],
  /** Bytes of a request's body, after decompression. */
  bodyBytes: ['ARC_MAX_BODY_BYTES', 1024 * 1024, 1],
  /** The same for operations that only bring data. */
  ingestionBodyBytes: ['ARC_MAX_INGESTION_BODY_BYTES', 32 * 1024 * 1024, 1],
  /** How many times as large as it came a body may become, once it is beyond `bodyBytes`. */
  inflation: ['ARC_MAX_INFLATION', 200, 1],
  /** Values of a body beyond `bodyBytes`: what is in brackets or behind a comma. */
  bodyValues: ['ARC_MAX_BODY_VALUES', 2_000_000, 1],
  /** Seconds until a body has arrived. */
  bodySeconds: ['ARC_MAX_BODY_SECONDS', 60, 1],
  /** Characters of an answer, as JSON writes them. */
  answerLength: ['ARC_MAX_ANSWER_LENGTH', 32 * 1024 * 1024, 1],
  /** Seconds that a client may take nothing of an answer that waits for it. */
  writeSeconds: ['ARC_MAX_WRITE_SECONDS', 30, 1],
  /** Bytes of rows that an operation reads from the database. */
  readBytes: ['ARC_MAX_READ_BYTES', 64 * 1024 * 1024, 1],
  /** Bytes of one WebSocket message. */
  frameBytes: ['ARC_MAX_FRAME_BYTES', 1024 * 1024, 1],
  /** Seconds in which a WebSocket has to answer a ping. */
  pongSeconds: ['ARC_MAX_PONG_SECONDS', 12, 1],
  /** Requests of one key (tenant and actor) in a minute; as many may come at once. */
  requestsPerMinute: ['ARC_MAX_REQUESTS_PER_MINUTE', 60_000, 0],
  /** Tokens of one address in a minute that are told why they are not accepted. */
  failedLoginsPerMinute: ['ARC_MAX_FAILED_LOGINS_PER_MINUTE', 600, 0],
  /** Pages of GraphiQL for one address in a minute. */
  pagesPerMinute: ['ARC_MAX_PAGES_PER_MINUTE', 60, 0],
  /** Operations that run on one WebSocket at a time. */
  operationsPerSocket: ['ARC_MAX_OPERATIONS_PER_SOCKET', 100, 1],
  /** Subscriptions of one tenant at a time, on all its sockets and event streams. */
  subscriptionsPerTenant: ['ARC_MAX_SUBSCRIPTIONS_PER_TENANT', 2_000, 1],
  /** WebSockets of one tenant at a time. */
  socketsPerTenant: ['ARC_MAX_SOCKETS_PER_TENANT', 1_000, 1],
  /** How much of the pool of connections one tenant may use at a time, in percent; one connection at least. */
  poolPercentPerTenant: ['ARC_MAX_POOL_PERCENT_PER_TENANT', 75, 1],
  /** Events of one tenant's subscriptions that are made into answers at a time. */
  eventsPerTenant: ['ARC_MAX_EVENTS_PER_TENANT', 4, 1],
  /** Bytes of one tenant's requests that have no answer yet. */
  bodyBytesPerTenant: ['ARC_MAX_BODY_BYTES_PER_TENANT', 128 * 1024 * 1024, 1],
  /** Values of one tenant's requests that have no answer yet. */
  bodyValuesPerTenant: ['ARC_MAX_BODY_VALUES_PER_TENANT', 8_000_000, 1],
  /** Tokens of the documents of one tenant's operations that run. */
  tokensPerTenant: ['ARC_MAX_TOKENS_PER_TENANT', 1_000_000, 1],
  /** Bytes of one tenant's answers that its clients do not have yet. */
  answerBytesPerTenant: ['ARC_MAX_ANSWER_BYTES_PER_TENANT', 128 * 1024 * 1024, 1],
  /** Bytes of memory that rows take which one tenant's operations have read. */
  rowBytesPerTenant: ['ARC_MAX_ROW_BYTES_PER_TENANT', 256 * 1024 * 1024, 1],
  /** Runs of one tenant's simulations that have not ended. */
  openRunsPerTenant: ['ARC_MAX_OPEN_RUNS_PER_TENANT', 1_000_000, 1],
  /** API keys of one tenant that are neither revoked nor expired. */
  apiKeysPerTenant: ['ARC_MAX_API_KEYS_PER_TENANT', 1_000, 1],
  /** Alert rules of one tenant. */
  alertRulesPerTenant: ['ARC_MAX_ALERT_RULES_PER_TENANT', 100, 1],
} as const satisfies Record<string, readonly [variable: string, fallback: number, min: number]>

export type Limits = Readonly<Record<keyof typeof LIMIT_SETTINGS, number>>

const MAX_LIMIT = 2 ** 30

/** What is wrong with the settings, in words for the person who set them. */
export class ConfigError extends Error {
  override name = 'ConfigError'
}

export function readConfig(env: NodeJS.ProcessEnv = process.env): Readonly<Config> {
  const serviceUrl = databaseUrlOf(env, 'TIMESCALE_SERVICE_URL')
  const databaseUrl = databaseUrlOf(env, 'DATABASE_URL') ?? serviceUrl
  const dataDir = resolve(text(env, 'ARC_DATA_DIR') ?? '.arc')
  const exposed = exposure(env)
  return Object.freeze({
    port: integer(env, 'PORT', 4000, 0, 65_535),
    host: text(env, 'HOST') ?? '127.0.0.1',
    production: env.NODE_ENV === 'production',
    databaseUrl,
    databaseDirectUrl: databaseUrlOf(env, 'DATABASE_DIRECT_URL'),
    databaseReplicaUrl: databaseUrlOf(env, 'DATABASE_REPLICA_URL'),
    replicaLagMs: 1000 * integer(env, 'ARC_REPLICA_LAG_SECONDS', 10, 1, 3_600),
    databaseAdminUrl: databaseUrlOf(env, 'DATABASE_ADMIN_URL') ?? serviceUrl,
    dataDir,
    startMs: 1000 * integer(env, 'ARC_START_SECONDS', 60, 0, 3_600),
    stopMs: 1000 * integer(env, 'ARC_STOP_SECONDS', 9, 1, 3_600),
    pool: {
      size: integer(env, 'ARC_POOL_SIZE', 20, 1, 1000),
      burst: integer(env, 'ARC_POOL_BURST', 30, 0, 1000),
      recycleMs: 1000 * integer(env, 'ARC_POOL_RECYCLE_SECONDS', 3_600, 1, 86_400),
      validateMs: 1000 * integer(env, 'ARC_POOL_VALIDATE_SECONDS', 30, 0, 86_400),
      maxWaiting: integer(env, 'ARC_MAX_WAITING', 5_000, 1, 1_000_000),
      waitMs: 1000 * integer(env, 'ARC_POOL_WAIT_SECONDS', 30, 1, 600),
      statementMs: 1000 * integer(env, 'ARC_STATEMENT_SECONDS', 60, 1, 3_600),
      answerMs: 1000 * integer(env, 'ARC_DATABASE_SECONDS', 70, 1, 3_600),
    },
    plannedParts: integer(env, 'ARC_PLANNED_CHUNKS', 64, 0, 1_000_000),
    auth: auth(env, dataDir, exposed.proxyHops > 0),
    exposure: exposed,
    compiledReads: flag(env, 'ARC_COMPILED_READS', true),
    jobs: flag(env, 'ARC_JOBS', true),
    language: language(env),
    embeddings: embeddings(env),
    sample: flag(env, 'ARC_SAMPLE', databaseUrl === undefined),
    logLevel: logLevel(env),
    observe: {
      slowMs: integer(env, 'ARC_SLOW_OPERATION_MS', 1_000, 0, 3_600_000),
      metricsPort:
        text(env, 'ARC_METRICS_PORT') === undefined
          ? undefined
          : integer(env, 'ARC_METRICS_PORT', 0, 0, 65_535),
      metricsHost: text(env, 'ARC_METRICS_HOST') ?? '127.0.0.1',
      tracesUrl: tracesUrl(env),
    },
    drainMs: 1000 * integer(env, 'ARC_DRAIN_SECONDS', 0, 0, 600),
    importUrl: text(env, 'ARC_URL'),
    importToken: text(env, 'ARC_TOKEN'),
  })
}

/** `isExposed`: strangers may send tokens, so what a token leaves out must not be taken for the most that it could say. */
function auth(env: NodeJS.ProcessEnv, dataDir: string, isExposed: boolean): AuthConfig {
  const jwksUrl = text(env, 'ARC_JWKS_URL')
  const audience = text(env, 'ARC_JWT_AUDIENCE')
  if (jwksUrl !== undefined && audience === undefined && !flag(env, 'ARC_JWT_ANY_AUDIENCE', false)) {
    throw new ConfigError(
      'ARC_JWKS_URL needs ARC_JWT_AUDIENCE, the value of "aud" that your identity provider gives tokens for Arc: without it, tokens for its other applications would be accepted as well. ARC_JWT_ANY_AUDIENCE=on accepts them.',
    )
  }
  return {
    secret: jwksUrl ? undefined : jwtSecret(env, dataDir),
    jwksUrl,
    issuer: text(env, 'ARC_JWT_ISSUER'),
    audience,
    tenantClaim: text(env, 'ARC_TENANT_CLAIM') ?? 'tenant_id',
    actorClaim: text(env, 'ARC_ACTOR_CLAIM') ?? 'sub',
    roleClaim: text(env, 'ARC_ROLE_CLAIM') ?? 'role',
    needsExpiry: flag(env, 'ARC_TOKENS_NEED_EXP', isExposed),
    needsRole: flag(env, 'ARC_TOKENS_NEED_ROLE', isExposed),
  }
}

function exposure(env: NodeJS.ProcessEnv): ExposureConfig {
  const development = env.NODE_ENV !== 'production'
  const trustedDocuments = text(env, 'ARC_TRUSTED_DOCUMENTS')
  const trustedDocumentsOnly = flag(env, 'ARC_TRUSTED_DOCUMENTS_ONLY', trustedDocuments !== undefined)
  if (trustedDocumentsOnly && trustedDocuments === undefined)
    throw new ConfigError('ARC_TRUSTED_DOCUMENTS_ONLY needs ARC_TRUSTED_DOCUMENTS, the file with them.')
  return {
    graphiql: flag(env, 'ARC_GRAPHIQL', development) && !trustedDocumentsOnly,
    introspection: flag(env, 'ARC_INTROSPECTION', development),
    suggestions: flag(env, 'ARC_SUGGESTIONS', development),
    corsOrigins: origins(env, 'ARC_CORS_ORIGINS'),
    proxyHops: integer(env, 'ARC_PROXY_HOPS', 0, 0, 10),
    trustedDocuments,
    trustedDocumentsOnly,
    webhookPrivateHosts: privateHosts(env, 'ARC_WEBHOOK_PRIVATE_HOSTS'),
    limits: Object.fromEntries(
      Object.entries(LIMIT_SETTINGS).map(([limit, [variable, fallback, min]]) => [
        limit,
        integer(env, variable, fallback, min, MAX_LIMIT),
      ]),
    ) as Limits,
  }
}

const OF_AN_ENDPOINT = ['ARC_EMBEDDINGS_MODEL', 'ARC_EMBEDDINGS_KEY', 'ARC_EMBEDDINGS_DIMENSIONS']

function embeddings(env: NodeJS.ProcessEnv): EmbeddingsConfig {
  const given = text(env, 'ARC_EMBEDDINGS') ?? 'minilm'
  if (given === 'none' || given === 'minilm') {
    refuseUnread(env, OF_AN_ENDPOINT, 'ARC_EMBEDDINGS')
    return { provider: given }
  }
  const endpoint = modelEndpoint(
    env,
    given,
    'ARC_EMBEDDINGS',
    'ARC_EMBEDDINGS',
    '/embeddings',
    'minilm, none or ',
  )
  const dimensions =
    text(env, 'ARC_EMBEDDINGS_DIMENSIONS') === undefined
      ? undefined
      : integer(env, 'ARC_EMBEDDINGS_DIMENSIONS', 0, 1, EMBEDDING_WIDTH)
  return { provider: 'openai', ...endpoint, dimensions }
}

function language(env: NodeJS.ProcessEnv): ModelEndpoint | undefined {
  const given = text(env, 'ARC_LLM_URL')
  if (given !== undefined) return modelEndpoint(env, given, 'ARC_LLM_URL', 'ARC_LLM', '/chat/completions')
  refuseUnread(env, ['ARC_LLM_MODEL', 'ARC_LLM_KEY'], 'ARC_LLM_URL')
  return undefined
}

function refuseUnread(env: NodeJS.ProcessEnv, ofAnEndpoint: readonly string[], urlName: string): void {
  const unread = ofAnEndpoint.find((name) => text(env, name) !== undefined)
  if (unread !== undefined)
    throw new ConfigError(`${unread} is for an endpoint: set ${urlName} to its URL, or leave both out.`)
}

/** `path`: what the URL ends in, where it was left out; `/v1` comes before it where there is no path at all. */
function modelEndpoint(
  env: NodeJS.ProcessEnv,
  given: string,
  urlName: string,
  prefix: string,
  path: string,
  others = '',
): ModelEndpoint {
  const [modelName, keyName] = [`${prefix}_MODEL`, `${prefix}_KEY`]
  // Not repeated where it may hold a password.
  const shown = given.includes('@') ? '' : `, not "${given}"`
  if (!/^https?:/.test(given) || !URL.canParse(given))
    throw new ConfigError(`${urlName} takes ${others}a URL like https://api.openai.com/v1${shown}.`)
  const url = new URL(given)
  if (url.username !== '' || url.password !== '')
    throw new ConfigError(`${urlName} takes a URL without a password: the key is ${keyName}.`)
  const before = url.pathname.replace(/\/+$/, '')
  if (!before.endsWith(path)) url.pathname = `${before === '' ? '/v1' : before}${path}`
  const [model, key] = [text(env, modelName), text(env, keyName)]
  if (model === undefined)
    throw new ConfigError(`${urlName} names an endpoint, which needs the name of a model: ${modelName}.`)
  if (model.length > 200) throw new ConfigError(`${modelName} has more than 200 characters.`)
  if (key !== undefined && !/^[\x21-\x7e]+$/.test(key))
    throw new ConfigError(
      `${keyName} has characters that no header can have: printable ASCII without spaces.`,
    )
  return { url: url.href, model, key }
}

function privateHosts(env: NodeJS.ProcessEnv, name: string): string[] {
  const given = (text(env, name) ?? '')
    .split(',')
    .map((host) => host.trim())
    .filter((host) => host !== '')
  try {
    new AddressGuard(given)
  } catch (error) {
    throw new ConfigError(
      `${name} takes host names, addresses and networks like 10.1.0.0/16: ${(error as Error).message}.`,
    )
  }
  return given
}

/** Exact origins, as browsers say them: no path, no wildcard. */
function origins(env: NodeJS.ProcessEnv, name: string): string[] {
  const given = (text(env, name) ?? '').split(',').map((origin) => origin.trim())
  return given
    .filter((origin) => origin !== '')
    .map((origin) => {
      if (!URL.canParse(origin) || new URL(origin).origin !== origin)
        throw new ConfigError(`${name} takes origins like https://example.org, not "${origin}".`)
      return origin
    })
}

/** A secret made on first use and kept beside the data, so that tokens outlive a restart. Production has to bring its own. */
function jwtSecret(env: NodeJS.ProcessEnv, dataDir: string): Uint8Array {
  const given = text(env, 'ARC_JWT_SECRET')
  if (given !== undefined) {
    const bytes = new TextEncoder().encode(given)
    if (bytes.length < 32) throw new ConfigError('ARC_JWT_SECRET must be at least 32 bytes long.')
    return bytes
  }
  if (env.NODE_ENV === 'production') {
    throw new ConfigError(
      'Set ARC_JWT_SECRET (32 bytes or more) or ARC_JWKS_URL: in production Arc does not generate a secret.',
    )
  }
  const file = join(dataDir, 'jwt-secret')
  if (!existsSync(file)) {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 })
    writeFileSync(file, randomBytes(32).toString('base64url'), { mode: 0o600 })
  }
  return new TextEncoder().encode(readFileSync(file, 'utf8').trim())
}

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']

function logLevel(env: NodeJS.ProcessEnv): string {
  const level = text(env, 'ARC_LOG_LEVEL') ?? 'info'
  if (!LOG_LEVELS.includes(level))
    throw new ConfigError(`ARC_LOG_LEVEL must be one of ${LOG_LEVELS.join(', ')}, not "${level}".`)
  return level
}

/** As OpenTelemetry has it: what is for all signals gets the path of traces. */
function tracesUrl(env: NodeJS.ProcessEnv): string | undefined {
  if (flag(env, 'OTEL_SDK_DISABLED', false) || text(env, 'OTEL_TRACES_EXPORTER') === 'none') return undefined
  const name = ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'OTEL_EXPORTER_OTLP_ENDPOINT'].find(
    (variable) => text(env, variable) !== undefined,
  )
  if (name === undefined) return undefined
  const given = text(env, name)!
  if (!/^https?:/.test(given) || !URL.canParse(given))
    throw new ConfigError(`${name} takes a URL like http://localhost:4318, not "${given}".`)
  return name === 'OTEL_EXPORTER_OTLP_ENDPOINT' ? `${given.replace(/\/+$/, '')}/v1/traces` : given
}

const SSL_MODES = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full']

/** With `sslmode` as libpq understands it: of itself pg takes "require" for "verify-full". */
function databaseUrlOf(env: NodeJS.ProcessEnv, name: string): string | undefined {
  const given = text(env, name)
  if (given === undefined || !URL.canParse(given)) return given
  const url = new URL(given)
  const mode = url.searchParams.get('sslmode')
  if (mode === null) return given
  if (!SSL_MODES.includes(mode))
    throw new ConfigError(`sslmode in ${name} must be one of ${SSL_MODES.join(', ')}, not "${mode}".`)
  url.searchParams.set('uselibpqcompat', 'true')
  return url.toString()
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
    throw new ConfigError(`${name} must be a whole number from ${min} to ${max}, not "${value}".`)
  }
  return number
}

function flag(env: NodeJS.ProcessEnv, name: string, fallback: boolean): boolean {
  const value = text(env, name)?.toLowerCase()
  if (value === undefined) return fallback
  if (['1', 'true', 'yes', 'on'].includes(value)) return true
  if (['0', 'false', 'no', 'off'].includes(value)) return false
  throw new ConfigError(`${name} must be true or false, not "${value}".`)
}
