import pg from 'pg'
import { codeOf } from './unusable.ts'

/** How long a server may take to let somebody in. */
const CONNECT_MS = 30_000

/** What libpq tries one after the other, in modes that pg itself knows. `require` with an sslrootcert checks against it. */
const ATTEMPTS: Readonly<Record<string, readonly [first: string, second: string]>> = {
  prefer: ['require', 'disable'],
  allow: ['disable', 'require'],
}

/**
 * The server has no TLS or no common form of it, or its pg_hba.conf has no entry for a connection of this kind. A
 * certificate that is not accepted is none of these: who sits in between would only have to show a wrong one.
 */
const OTHER_WAY = /^(NO_TLS|EPROTO|ERR_SSL_.*|28000)$/

/**
 * The URL of a database with `sslmode=prefer` or `allow` as what this comes to with its server: pg tries one way only.
 *
 * @throws what speaks against a connection whatever the mode
 */
export async function settledTls(url: string): Promise<string> {
  const mode = URL.canParse(url) ? new URL(url).searchParams.get('sslmode') : null
  const attempts = ATTEMPTS[mode ?? '']
  if (!attempts) return url
  const [first, second] = attempts.map((attempt) => {
    const settled = new URL(url)
    settled.searchParams.set('sslmode', attempt)
    return settled.toString()
  }) as [string, string]
  const client = new pg.Client({ connectionString: first, connectionTimeoutMillis: CONNECT_MS })
  try {
    await client.connect()
  } catch (error) {
    if (OTHER_WAY.test(codeOf(error))) return second
    throw error
  }
  await client.end()
  return first
}
