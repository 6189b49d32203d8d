import { signToken } from '../auth/tokens.ts'
import { ArcClient } from '../client/arcClient.ts'
import { ArcRequestError } from '../client/arcRequestError.ts'
import { GreetDocument } from '../client/operations.ts'
import type { Config } from '../config.ts'
import { LOCAL_TENANT } from './token.ts'

/** Where a command finds its server. */
export interface ServerOptions {
  url?: string
  token?: string
  /** Seconds that a server may be away for, in the middle of the work. */
  patience?: string
}

const TOKEN_SECONDS = 86_400

/** There is nobody to talk to; the message says what to do. */
export class NoServer extends Error {}

/** A client that the server has answered. `actorId`: who a token is made for where none is given. @throws NoServer */
export async function connectedClient(
  config: Config,
  options: ServerOptions,
  { actorId, writes }: { actorId: string; writes: boolean },
): Promise<ArcClient> {
  const url = options.url ?? config.importUrl ?? `http://127.0.0.1:${config.port}/graphql`
  if (!/^https?:\/\/[^/]/.test(url) || !URL.canParse(url)) {
    throw new NoServer(`The URL must be one like http://127.0.0.1:4000/graphql, not "${url}".`)
  }
  const given = options.token ?? config.importToken
  if (given === undefined && !config.auth.secret) {
    throw new NoServer(
      'ARC_JWKS_URL is set: pass a token of your identity provider with --token or ARC_TOKEN.',
    )
  }
  const claims = {
    tenantId: LOCAL_TENANT,
    actorId,
    role: writes ? 'app_user' : 'app_readonly',
    lifetimeSeconds: TOKEN_SECONDS,
  } as const
  const { patience = '120' } = options
  if (!/^\d{1,6}$/.test(patience))
    throw new NoServer(`--patience takes whole seconds, not ${JSON.stringify(patience)}.`)
  const token = given ?? (await signToken(config.auth, claims))
  const client = new ArcClient({ url, token, patienceMs: 1000 * Number(patience) })
  try {
    // Once: where nobody serves, that should be said at once.
    const { viewer } = await client.request(GreetDocument, {}, { mayRepeat: false })
    if (writes && viewer.role === 'READONLY') throw new NoServer('The token is read-only.')
    return client
  } catch (error) {
    if (!(error instanceof ArcRequestError)) throw error
    if (error.status === 0)
      throw new NoServer(`No Arc at ${url}: start it with "npm start", or pass another URL with --url.`)
    if (error.status === 405)
      throw new NoServer(`GraphQL is not at ${url}: the URL must be one like http://127.0.0.1:4000/graphql.`)
    if (!error.codes.includes('UNAUTHENTICATED')) throw new NoServer(error.message)
    const hint =
      given === undefined
        ? ' It was signed with the secret of this machine; pass one of the server with --token or ARC_TOKEN.'
        : ''
    throw new NoServer(`${url} refuses the token: ${error.message}${hint}`)
  }
}
