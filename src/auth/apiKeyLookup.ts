import sql from 'sql-template-tag'
import { withPatience } from '../db/passingFault.ts'
import type { ArcPool } from '../db/pool.ts'
import { queryOwn } from '../db/transaction.ts'
import type { Role } from '../viewer.ts'

/** A key as the database knows it, whatever its state. */
export interface KnownKey {
  tenantId: string
  keyId: string
  name: string
  prefix: string
  role: Role
  expiresAt: Date | null
  revokedAt: Date | null
}

/** A key by the SHA-256 of its secret, among those of all tenants; notes that it was used. */
export async function findApiKey(pool: ArcPool, hash: Buffer): Promise<KnownKey | null> {
  const find = sql`/* findApiKey */ select * from public.authenticate_api_key(${hash})`
  const rows = await withPatience(
    pool,
    () =>
      queryOwn<{
        user_id: string
        key_id: string
        name: string
        prefix: string
        role: Role
        expires_at: Date | null
        revoked_at: Date | null
      }>(pool, find),
    () => true,
  )
  const key = rows[0]
  return key
    ? {
        tenantId: key.user_id,
        keyId: key.key_id,
        name: key.name,
        prefix: key.prefix,
        role: key.role,
        expiresAt: key.expires_at,
        revokedAt: key.revoked_at,
      }
    : null
}
