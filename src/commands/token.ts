import { signToken } from '../auth/tokens.ts'
import { type Config, ConfigError } from '../config.ts'
import { isUuid } from '../uuid.ts'
import type { Role } from '../viewer.ts'

/** The tenant of the sample, and of whoever tries Arc on one machine. */
export const LOCAL_TENANT = '00000000-0000-7000-8000-000000000001'

/** `arc token`: prints nothing but the token, for `$(…)`. */
export async function printToken(
  config: Config,
  options: { tenant?: string; actor: string; role: Role; days: string },
): Promise<void> {
  if (!config.auth.secret)
    throw new ConfigError('ARC_JWKS_URL is set: tokens come from your identity provider.')
  const days = Number(options.days)
  if (!Number.isFinite(days) || days <= 0)
    throw new ConfigError(`--days must be a number above 0, not "${options.days}".`)
  const tenantId = options.tenant ?? LOCAL_TENANT
  if (!isUuid(tenantId)) {
    throw new ConfigError(`--tenant must be a UUID, not "${tenantId}".`)
  }
  console.log(
    await signToken(config.auth, {
      tenantId,
      actorId: options.actor,
      role: options.role,
      lifetimeSeconds: days * 86_400,
    }),
  )
}
