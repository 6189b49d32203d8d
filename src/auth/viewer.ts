/** The database roles that a request can act as. */
export const ROLES = ['app_user', 'app_readonly', 'app_admin'] as const
export type Role = (typeof ROLES)[number]

/** Who is asking: what a verified token says, and what the database is told in each transaction. */
export interface Viewer {
  /** The tenant: a UUID, `user_id` in every table. */
  tenantId: string
  /** The person or program, for the audit log. */
  actorId: string
  role: Role
  /** When the token ends, in milliseconds since 1970; subscriptions end with it. */
  expiresAtMs: number | undefined
  clientIp: string | undefined
  userAgent: string | undefined
}
