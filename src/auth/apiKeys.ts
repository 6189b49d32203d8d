import { Refusal } from '../refusal.ts'
import type { Claims } from '../viewer.ts'
import type { KnownKey } from './apiKeyLookup.ts'
import { hashOf, isSecret } from './apiKeySecret.ts'

/** Finds a key by the SHA-256 of its secret; null when there is none. */
type FindKey = (hash: Buffer) => Promise<KnownKey | null>

/** For how long one look at a key is good for all that it has open. Requests always look. */
const RECHECK_MS = 2_500

/** Turns the secret of an API key into claims. The function that it returns throws Refusal UNAUTHENTICATED. */
export function createKeyVerifier(findKey: FindKey): (secret: string) => Promise<Claims> {
  const looks = new Map<string, Promise<boolean>>()

  /** Asked by each socket and subscription of the key: one look answers all of them. */
  const stillHolds = (keyId: string, hash: Buffer, fresh = false): Promise<boolean> => {
    const look = () => findKey(hash).then((key) => key !== null && key.revokedAt === null)
    if (fresh) return look()
    let holds = looks.get(keyId)
    if (!holds) {
      holds = look()
      looks.set(keyId, holds)
      const forget = () => looks.delete(keyId)
      holds.then(() => setTimeout(forget, RECHECK_MS).unref(), forget)
    }
    return holds
  }

  return async (secret) => {
    const hash = hashOf(secret)
    const key = isSecret(secret) ? await findKey(hash) : null
    if (!key) throw new Refusal('UNAUTHENTICATED', 'There is no such API key.')
    const { tenantId, keyId, name, prefix, role, expiresAt, revokedAt } = key
    if (revokedAt) throw new Refusal('UNAUTHENTICATED', `The API key ${prefix} was revoked.`)
    if (expiresAt && expiresAt.getTime() <= Date.now()) {
      throw new Refusal('UNAUTHENTICATED', `The API key ${prefix} has expired.`)
    }
    return {
      tenantId,
      actorId: `${prefix} (${name})`,
      role,
      expiresAtMs: expiresAt?.getTime(),
      apiKeyId: keyId,
      stillHolds: (fresh) => stillHolds(keyId, hash, fresh),
    }
  }
}
