import type pg from 'pg'
import type { KnownKey } from '../auth/apiKeys.ts'
import type { Role, Viewer } from '../auth/viewer.ts'
import { inTenantTransaction } from './tenantTransaction.ts'

/** A key by the SHA-256 of its secret, among those of all tenants; notes that it was used. */
export async function findApiKey(pool: pg.Pool, hash: Buffer): Promise<KnownKey | null> {
  const { rows } = await pool.query<{
    user_id: string
    key_id: string
    name: string
    prefix: string
    role: Role
    expires_at: Date | null
    revoked_at: Date | null
  }>('/* findApiKey */ select * from public.authenticate_api_key($1)', [hash])
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

/** Writes to the tenant's audit log that an administrator acts as it. */
export async function noteActAs(pool: pg.Pool, viewer: Viewer): Promise<void> {
  await inTenantTransaction(pool, viewer, 'read write', (sql) =>
    sql.queryLast('/* noteActAs */ select audit_act_as()'),
  )
}
