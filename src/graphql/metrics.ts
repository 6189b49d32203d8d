import type { TenantMetrics } from '../observe/operationMetrics.ts'
import { builder } from './builder/builder.ts'

interface Resolved {
  reason: string
  fields: number
}

const ResolvedFields = builder.objectRef<Resolved>('ResolvedFields').implement({
  description: 'Fields of the root of queries that could not be answered by one statement each.',
  fields: (t) => ({
    reason: t.exposeString('reason', {
      description:
        'Why: the field that is computed outside of the database (`ConfigDiff.hunks`), the code of a refusal, or DATABASE for what the database refused.',
    }),
    fields: t.exposeInt('fields', { description: 'How many.' }),
  }),
})

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
    compiledFields: t.exposeInt('compiledFields', {
      description: 'Fields of the root of queries that were answered by one statement each.',
    }),
    resolvedFields: t.field({
      type: [ResolvedFields],
      description: 'Those that were not, which takes longer, most common reason first.',
      resolve: ({ resolvedFields }) =>
        [...resolvedFields]
          .map(([reason, fields]) => ({ reason, fields }))
          .sort((a, b) => b.fields - a.fields || (a.reason < b.reason ? -1 : 1)),
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
