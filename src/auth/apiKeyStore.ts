import type { Sql } from '../db/tenantTransaction.ts'
import type { Role } from '../viewer.ts'

interface NewKey {
  name: string
  prefix: string
  hash: Buffer
  role: Role
  expiresAt: Date | null
}

export async function insertKey(sql: Sql, { name, prefix, hash, role, expiresAt }: NewKey): Promise<string> {
  const rows = await sql.query<{ key_id: string }>(
    `/* insertKey */
    insert into api_keys (name, prefix, secret_hash, role, created_by, expires_at)
    values ($1, $2, $3, $4, current_actor_id(), $5)
    returning key_id`,
    [name, prefix, hash, role, expiresAt],
  )
  return rows[0]!.key_id
}

/** Whether there is such a key; one that was revoked before stays as it was. */
export async function updateRevoked(sql: Sql, keyId: string): Promise<boolean> {
  const rows = await sql.query(
    `/* updateRevoked */
    update api_keys set revoked_at = coalesce(revoked_at, now()) where key_id = $1 returning key_id`,
    [keyId],
  )
  return rows.length > 0
}
