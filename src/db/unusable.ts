/** The database cannot be used as things are, in a sentence with what to do. */
export class DatabaseUnusable extends Error {
  override name = 'DatabaseUnusable'
}

/** By the codes of PostgreSQL, Node and OpenSSL: what is the matter, and what to do. `at` is where the database is. */
const SENTENCES: readonly [code: RegExp, sentence: (at: string, message: string) => string][] = [
  [/^28P01$/, (at) => `The database ${at} does not accept the password: correct it in the URL.`],
  [
    /^28000$/,
    (at, message) =>
      `The database ${at} does not let this login in (${message}): check the user in the URL and the server's pg_hba.conf.`,
  ],
  [/^3D000$/, (at) => `There is no database ${at}: create it, or correct its name in the URL.`],
  [
    /^42501$/,
    (at, message) =>
      `The login of the database ${at} lacks a right (${message}): grant it, or use a login that has it.`,
  ],
  [/^57P03$/, (at, message) => `The database ${at} is not ready (${message}): try again when it is.`],
  [/^(25006|57P04)$/, (at) => `The database ${at} is a standby or read-only: use the URL of the primary.`],
  [
    /^53300$/,
    (at) => `The database ${at} has no connection left: raise its max_connections, or lower ARC_POOL_SIZE.`,
  ],
  [
    /^ECONNREFUSED$/,
    (at) =>
      `Nothing listens at ${at} (ECONNREFUSED): start the database, or correct host and port in the URL.`,
  ],
  [
    /^(ENOTFOUND|EAI_AGAIN)$/,
    (at, message) => `The host of the database ${at} is not known (${message}): correct it in the URL.`,
  ],
  [/^ENOENT$/, (at, message) => `A file that the URL of the database ${at} names is missing (${message}).`],
  [
    /^(ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|TIMEOUT)$/,
    (at) => `The database ${at} does not answer: check host and port in the URL, and what lies in between.`,
  ],
  [
    /^(ECONNRESET|EPIPE|HUNG_UP)$/,
    (at) =>
      `The database ${at} hung up: check that it is PostgreSQL and whether it wants TLS (sslmode in the URL).`,
  ],
  [
    /^NO_TLS$/,
    (at) => `The database ${at} does not speak TLS: set it up there, or say sslmode=disable in the URL.`,
  ],
  [
    /^NO_CA$/,
    () =>
      'sslmode=verify-ca needs the CA: name its file as sslrootcert in the URL, or say sslmode=verify-full for a public one.',
  ],
  [/^NO_PASSWORD$/, (at) => `The database ${at} wants a password: put one into the URL.`],
  [
    /^ERR_INVALID_URL$/,
    () =>
      'The URL of the database is not one: it has the form postgresql://user:password@host:5432/database.',
  ],
  [
    /CERT|ISSUER|SELF_SIGNED|UNABLE_TO|ERR_TLS|HOSTNAME_MISMATCH|ERR_SSL|EPROTO/,
    (at, message) =>
      `The TLS certificate of the database ${at} is not accepted (${message}): name its CA as sslrootcert in the URL, or say sslmode=require, without sslrootcert, to accept any.`,
  ],
]

/** The error in a sentence for the person who set the URL; one that no URL is to blame for stays as it is. */
export function explained(error: unknown, url: string): unknown {
  const code = codeOf(error)
  const sentence = SENTENCES.find(([known]) => known.test(code))?.[1]
  if (!sentence) return error
  const { message } = error as Error
  return new DatabaseUnusable(sentence(placeOf(url), message), { cause: error })
}

/** PostgreSQL's, Node's or OpenSSL's code; where pg has words only, one for these. */
export function codeOf(error: unknown): string {
  const { code, message = '' } = error as { code?: unknown; message?: string }
  if (typeof code === 'string') return code
  if (message.includes('does not support SSL')) return 'NO_TLS'
  if (message.includes('sslmode=verify-ca')) return 'NO_CA'
  if (message.includes('password must be a')) return 'NO_PASSWORD'
  if (/timeout/.test(message)) return 'TIMEOUT'
  if (/Connection terminated|establishing an SSL connection/.test(message)) return 'HUNG_UP'
  return ''
}

/** Host, port and name, and no password. */
function placeOf(url: string): string {
  if (!URL.canParse(url)) return 'of this URL'
  const { host, pathname } = new URL(url)
  return `${host}${decodeURIComponent(pathname)}`
}
