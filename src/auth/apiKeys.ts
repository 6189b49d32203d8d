import { LRUCache } from 'lru-cache'
import { databaseNow } from '../databaseTime.ts'
import { Refusal } from '../refusal.ts'
import type { Claims } from '../viewer.ts'
import { hashOf, isSecret } from './apiKeySecret.ts'
import { type FindKey, sharedLooks } from './sharedLooks.ts'

/** For how long one look at a key is good for all that it has open. Requests always look. */
const RECHECK_MS = 2_500
/** Looks that are kept; beyond them a key is looked at more often. */
const MAX_LOOKS = 10_000

/** Turns the secret of an API key into claims. The function that it returns throws Refusal UNAUTHENTICATED. */
export function createKeyVerifier(find: FindKey): (secret: string) => Promise<Claims> {
  const findKey = sharedLooks(find)
  const look = (hash: Buffer) => findKey(hash).then((key) => key !== null && key.revokedAt === null)
  const looks = new LRUCache<string, boolean, Buffer>({
    max: MAX_LOOKS,
    ttl: RECHECK_MS,
    fetchMethod: (_keyId, _before, { context: hash }) => look(hash),
    // Who waits for a look gets its answer, also when it makes room for others meanwhile.
    ignoreFetchAbort: true,
  })

  /** Asked by each socket and subscription of the key: one look answers all of them. */
  const stillHolds = async (keyId: string, hash: Buffer, fresh = false): Promise<boolean> =>
    fresh ? look(hash) : (await looks.fetch(keyId, { context: hash }))!

  return async (secret) => {
    const hash = hashOf(secret)
    const key = isSecret(secret) ? await findKey(hash) : null
    if (!key) throw new Refusal('UNAUTHENTICATED', 'There is no such API key.')
    const { tenantId, keyId, name, prefix, role, expiresAt, revokedAt } = key
    if (revokedAt) throw new Refusal('UNAUTHENTICATED', `The API key ${prefix} was revoked.`)
    if (expiresAt && expiresAt <= databaseNow()) {
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
