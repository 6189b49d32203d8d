import { createRemoteJWKSet, errors, type JWTPayload, jwtVerify, SignJWT } from 'jose'
import { LRUCache } from 'lru-cache'
import type { Logger } from 'pino'
import type { AuthConfig } from '../config.ts'
import { Refusal } from '../refusal.ts'
import { cutText, storableText } from '../text.ts'
import { isUuid } from '../uuid.ts'
import { LENGTHS } from '../valueChecks.ts'
import { type Claims, ROLES, type Role } from '../viewer.ts'

/** What a token says. The tenant is only absent for an administrator, who names the one to act as. */
type TokenClaims = Omit<Claims, 'tenantId'> & { tenantId: string | undefined }

/** What the clocks of those who sign may be off by. */
const CLOCK_TOLERANCE_SECONDS = 5

/** How long a token is believed that was verified: a provider's key that is taken back counts so much longer. */
const REMEMBERED_MS = 60_000
const REMEMBERED_CHARACTERS = 10_000_000

/**
 * Verifies tokens against the shared secret or the identity provider's keys.
 *
 * The function that it returns throws Refusal UNAUTHENTICATED, with the reason in words that help the token's owner and
 * nobody else, and UNAVAILABLE when the provider does not give its keys.
 */
export function createTokenVerifier(
  config: AuthConfig,
  logger: Logger,
): (token: string) => Promise<TokenClaims> {
  const keys = config.jwksUrl ? createRemoteJWKSet(new URL(config.jwksUrl)) : undefined
  const options = {
    ...(config.issuer === undefined ? {} : { issuer: config.issuer }),
    ...(config.audience === undefined ? {} : { audience: config.audience }),
    clockTolerance: CLOCK_TOLERANCE_SECONDS,
  }
  const verify = (token: string) =>
    keys
      ? jwtVerify(token, keys, {
          ...options,
          algorithms: [
            'RS256',
            'RS384',
            'RS512',
            'PS256',
            'PS384',
            'PS512',
            'ES256',
            'ES384',
            'ES512',
            'EdDSA',
          ],
        })
      : jwtVerify(token, config.secret!, { ...options, algorithms: ['HS256'] })

  const verified = new LRUCache<string, JWTPayload>({
    maxSize: REMEMBERED_CHARACTERS,
    sizeCalculation: (_, token) => token.length,
    ttl: REMEMBERED_MS,
  })
  /** To check a signature takes longer than to read a row, and programs send the same token with each request. */
  async function payloadOf(token: string): Promise<JWTPayload> {
    const known = verified.get(token)
    if (known && isCurrent(known)) return known
    const { payload } = await verify(token)
    verified.set(token, payload)
    return payload
  }

  return async (token) => {
    let claims: Record<string, unknown>
    try {
      claims = await payloadOf(token)
    } catch (error) {
      if (keys && isFaultOfProvider(error)) {
        logger.error(
          { err: error, url: config.jwksUrl },
          'the keys of the identity provider could not be fetched',
        )
        throw new Refusal('UNAVAILABLE', 'The identity provider does not return its keys; try again.')
      }
      throw new Refusal('UNAUTHENTICATED', reasonOf(error))
    }
    if (config.needsExpiry && claims.exp === undefined) {
      throw new Refusal(
        'UNAUTHENTICATED',
        'The token has no claim "exp", so it would never end: it needs one here (ARC_TOKENS_NEED_EXP).',
      )
    }
    if (config.needsRole && claims[config.roleClaim] === undefined) {
      throw new Refusal(
        'UNAUTHENTICATED',
        `The token has no claim "${config.roleClaim}": it needs one here (ARC_TOKENS_NEED_ROLE).`,
      )
    }
    const role = claims[config.roleClaim] ?? 'app_user'
    if (!isRole(role)) {
      throw new Refusal(
        'UNAUTHENTICATED',
        `The token's claim "${config.roleClaim}" must be one of ${ROLES.join(', ')}.`,
      )
    }
    const tenantId = claims[config.tenantClaim]
    const needsTenant = role !== 'app_admin' || tenantId !== undefined
    if (needsTenant && !isUuid(tenantId)) {
      throw new Refusal(
        'UNAUTHENTICATED',
        `The token's claim "${config.tenantClaim}" must be the tenant, a UUID.`,
      )
    }
    const actor = claims[config.actorClaim]
    return {
      tenantId: isUuid(tenantId) ? tenantId.toLowerCase() : undefined,
      actorId: typeof actor === 'string' && actor !== '' ? auditText(actor) : String(tenantId ?? role),
      role,
      expiresAtMs: typeof claims.exp === 'number' ? claims.exp * 1000 : undefined,
    }
  }
}

/** A token of this server's own secret: for `arc token`, and for the first minutes with Arc. */
export async function signToken(
  config: AuthConfig,
  claims: { tenantId: string; actorId: string; role: Role; lifetimeSeconds: number },
): Promise<string> {
  if (!config.secret) throw new Error('Tokens come from your identity provider: ARC_JWKS_URL is set.')
  const token = new SignJWT({
    [config.tenantClaim]: claims.tenantId,
    [config.actorClaim]: claims.actorId,
    [config.roleClaim]: claims.role,
  })
    .setProtectedHeader({ alg: 'HS256' })
    .setIssuedAt()
    .setExpirationTime(Math.floor(Date.now() / 1000) + claims.lifetimeSeconds)
  if (config.issuer) token.setIssuer(config.issuer)
  if (config.audience) token.setAudience(config.audience)
  return token.sign(config.secret)
}

/** Whether its time has not ended; that it has begun was seen. */
function isCurrent({ exp }: JWTPayload): boolean {
  return exp === undefined || exp > Math.floor(Date.now() / 1000) - CLOCK_TOLERANCE_SECONDS
}

function isRole(value: unknown): value is Role {
  return ROLES.includes(value as Role)
}

/** What a caller says of itself, as the audit log keeps it: no novels. */
export function auditText(text: string): string {
  return cutText(storableText(text), LENGTHS.actor.max)
}

function reasonOf(error: unknown): string {
  if (error instanceof errors.JWTExpired) return 'The token has expired.'
  if (error instanceof errors.JWTClaimValidationFailed)
    return `The token's claim "${error.claim}" is not valid.`
  if (error instanceof errors.JWSSignatureVerificationFailed || error instanceof errors.JWKSNoMatchingKey)
    return 'The token was signed with another key.'
  if (error instanceof errors.JOSEAlgNotAllowed)
    return 'The token was signed with an algorithm that is not accepted here.'
  return 'The token is malformed.'
}

/** Whether this tells nothing of the token: no answer, none in time, or one that is no key set. */
function isFaultOfProvider(error: unknown): boolean {
  if (!(error instanceof errors.JOSEError)) return true
  // What jose has no class of its own for: a status other than 200, a body that is no JSON.
  if (error.code === errors.JOSEError.code) return true
  return error instanceof errors.JWKSTimeout || error instanceof errors.JWKSInvalid
}
