import type { Viewer } from '../auth/viewer.ts'
import { builder } from './builder.ts'

const RoleEnum = builder.enumType('Role', {
  description: 'What a token may do.',
  values: {
    USER: { value: 'app_user', description: 'Read and write the tenant’s rows.' },
    READONLY: { value: 'app_readonly', description: 'Read the tenant’s rows.' },
    ADMIN: { value: 'app_admin', description: 'Act as a tenant, audited.' },
  } as const,
})

const ViewerType = builder.objectRef<Viewer>('Viewer').implement({
  description: 'Who is asking, as the token says.',
  fields: (t) => ({
    tenantId: t.expose('tenantId', { type: 'UUID', description: 'The tenant whose rows are seen.' }),
    actorId: t.exposeString('actorId', { description: 'The person or program, as the audit log names it.' }),
    role: t.expose('role', { type: RoleEnum, description: 'What the token may do.' }),
    expiresAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When the token ends; null when it does not.',
      resolve: ({ expiresAtMs }) => (expiresAtMs === undefined ? null : new Date(expiresAtMs)),
    }),
  }),
})

builder.queryField('viewer', (t) =>
  t.field({ type: ViewerType, description: 'Who is asking.', resolve: (_, __, { viewer }) => viewer }),
)
