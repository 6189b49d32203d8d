/** The database roles that a request can act as. */
export const ROLES = ['app_user', 'app_readonly', 'app_admin', 'app_ingest'] as const
export type Role = (typeof ROLES)[number]

/** What a token or an API key says. */
export interface Claims {
  /** The tenant: a UUID, `user_id` in every table. */
  tenantId: string
  /** The person or program, for the audit log. */
  actorId: string
  role: Role
  /** When the token or key ends, in milliseconds since 1970; subscriptions end with it. */
  expiresAtMs: number | undefined
  /** The key, where it is one. */
  apiKeyId?: string
  /**
   * Whether the key still holds: it may be revoked at any time. Absent for tokens, which hold until they end. A look of
   * the last seconds is good enough, unless it is asked to be fresh.
   */
  stillHolds?: (fresh?: boolean) => Promise<boolean>
}

/** Who is asking, and what the database is told in each transaction. */
export interface Viewer extends Claims {
  /** Whether an administrator acts as the tenant (X-Arc-Act-As). */
  actsAs?: boolean
  clientIp: string | undefined
  userAgent: string | undefined
  /** Whether nobody asks: Arc does it of itself. */
  isArc?: boolean
}

/** Arc itself, where it works for a tenant that did not ask: the audit log has it as `arc`. */
export function arcFor(tenantId: string): Viewer {
  return {
    tenantId,
    actorId: 'arc',
    role: 'app_user',
    expiresAtMs: undefined,
    clientIp: undefined,
    userAgent: undefined,
    isArc: true,
  }
}
