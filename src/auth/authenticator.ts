import type { Logger } from 'pino'
import type { AuthConfig } from '../config.ts'
import type { ArcPool } from '../db/pool.ts'
import { Refusal } from '../refusal.ts'
import { isUuid } from '../uuid.ts'
import type { Viewer } from '../viewer.ts'
import { noteActAs } from './actAs.ts'
import { findApiKey } from './apiKeyLookup.ts'
import { createKeyVerifier } from './apiKeys.ts'
import { auditText, createTokenVerifier } from './tokens.ts'

/** Who is calling, as far as the request tells. */
export interface Caller {
  authorization: string | undefined
  /** The tenant that an administrator wants to act as (X-Arc-Act-As). */
  actAs: string | undefined
  clientIp: string | undefined
  userAgent: string | undefined
}

/**
 * Turns what a client sends into a viewer.
 *
 * @throws Refusal UNAUTHENTICATED; FORBIDDEN for who acts as a tenant and is no administrator; BAD_REQUEST for a tenant
 * that is no UUID; UNAVAILABLE when identity provider or database don't answer.
 */
export type Authenticate = (caller: Caller) => Promise<Viewer>

/** Tokens and API keys come in the same header: what begins with `arc_` is a key. */
export function createAuthenticator(config: AuthConfig, pool: ArcPool, logger: Logger): Authenticate {
  const verifyToken = createTokenVerifier(config, logger)
  const verifyKey = createKeyVerifier((hash) => available(findApiKey(pool, hash)))

  async function available<Result>(answer: Promise<Result>): Promise<Result> {
    try {
      return await answer
    } catch (error) {
      logger.error({ err: error }, 'the database did not answer during authentication')
      throw new Refusal('UNAVAILABLE', 'The database cannot be reached or did not answer in time; try again.')
    }
  }

  return async ({ authorization, actAs, clientIp, userAgent }) => {
    const credential = /^Bearer +([^\s]+) *$/i.exec(authorization ?? '')?.[1]
    if (!credential) {
      throw new Refusal(
        'UNAUTHENTICATED',
        'Send a token or an API key: the header "Authorization: Bearer …", or the same in connectionParams.',
      )
    }
    const claims = credential.startsWith('arc_') ? await verifyKey(credential) : await verifyToken(credential)
    const caller = { clientIp, userAgent: userAgent === undefined ? undefined : auditText(userAgent) }
    if (actAs === undefined) {
      const { tenantId } = claims
      if (tenantId !== undefined) return { ...claims, ...caller, tenantId }
      throw new Refusal(
        'UNAUTHENTICATED',
        'This administrator’s token names no tenant: name one to act as in X-Arc-Act-As.',
      )
    }
    if (claims.role !== 'app_admin') {
      throw new Refusal(
        'FORBIDDEN',
        'Only an administrator (app_admin) may act as a tenant: remove X-Arc-Act-As.',
      )
    }
    if (!isUuid(actAs)) throw new Refusal('BAD_REQUEST', 'X-Arc-Act-As must be the tenant, a UUID.')
    const viewer: Viewer = { ...claims, ...caller, tenantId: actAs.toLowerCase(), actsAs: true }
    await available(noteActAs(pool, viewer))
    return viewer
  }
}
