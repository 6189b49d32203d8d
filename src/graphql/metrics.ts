import type { TenantMetrics } from '../observe/operationMetrics.ts'
import { builder } from './builder/builder.ts'

const Metrics = builder.objectRef<TenantMetrics>('Metrics').implement({
  description: 'What this server process has answered the tenant since it started, without this operation.',
  fields: (t) => ({
    totalQueries: t.exposeInt('operations', { description: 'Operations and events of subscriptions.' }),
    successRate: t.float({
      nullable: true,
      description: 'Share of them without errors, 0 to 1; null before the first.',
      resolve: ({ operations, failed }) => (operations === 0 ? null : 1 - failed / operations),
    }),
    avgQueryTimeMs: t.float({
      nullable: true,
      description: 'Mean milliseconds of one; null before the first.',
      resolve: ({ operations, durationMs }) => (operations === 0 ? null : durationMs / operations),
    }),
  }),
})

builder.queryField('metrics', (t) =>
  t.field({
    type: Metrics,
    description: 'What the server has answered the tenant so far.',
    resolve: (_, __, { services, viewer }) => services.metrics.of(viewer.tenantId),
  }),
)
