import { databaseNow } from '../databaseTime.ts'
import { lockCount, type TenantTransaction } from '../db/tenantTransaction.ts'
import { Refusal } from '../refusal.ts'
import { invalid, LENGTHS, text } from '../valueChecks.ts'
import type { Role, Viewer } from '../viewer.ts'
import { newSecret } from './apiKeySecret.ts'
import { countUsable, insertKey, updateRevoked } from './apiKeyStore.ts'

interface ApiKeyInput {
  name: string
  role: Role
  expiresAt: Date | null
}

/**
 * Makes a key and returns its secret, which is kept nowhere.
 *
 * @throws Refusal FORBIDDEN when a key asks, INVALID_VALUE, LIMIT_EXCEEDED when the tenant has as many as it may.
 */
export async function createApiKey(
  transaction: TenantTransaction,
  viewer: Viewer,
  maxKeys: number,
  input: ApiKeyInput,
): Promise<{ keyId: string; secret: string }> {
  refuseKeys(viewer)
  const name = text(input.name.trim(), LENGTHS.apiKeyName, ['name'])
  if (input.expiresAt && input.expiresAt <= databaseNow()) {
    throw invalid(input.expiresAt.toISOString(), 'a time in the future', ['expiresAt'])
  }
  await lockCount(transaction, 'API keys')
  if ((await countUsable(transaction)) >= maxKeys) {
    throw new Refusal(
      'LIMIT_EXCEEDED',
      `This tenant has ${maxKeys} API keys that are neither revoked nor expired, the most that are allowed (ARC_MAX_API_KEYS_PER_TENANT).`,
    )
  }
  const { secret, prefix, hash } = newSecret()
  const keyId = await insertKey(transaction, {
    name,
    prefix,
    hash,
    role: input.role,
    expiresAt: input.expiresAt,
  })
  return { keyId, secret }
}

/**
 * From now on nobody is let in with the key, and what it has open ends within seconds. To revoke it again changes nothing.
 *
 * @throws Refusal FORBIDDEN when a key asks, API_KEY_NOT_FOUND.
 */
export async function revokeApiKey(
  transaction: TenantTransaction,
  viewer: Viewer,
  keyId: string,
): Promise<void> {
  refuseKeys(viewer)
  if (!(await updateRevoked(transaction, keyId))) {
    throw new Refusal('API_KEY_NOT_FOUND', `There is no API key ${keyId}.`, ['keyId'])
  }
}

/** A key that leaked must not make itself others that outlive it. */
function refuseKeys({ apiKeyId }: Viewer): void {
  if (apiKeyId === undefined) return
  throw new Refusal('FORBIDDEN', 'An API key cannot create or revoke API keys: use a token.')
}
