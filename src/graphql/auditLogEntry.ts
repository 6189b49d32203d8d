import type { Prisma } from '../db/generated/client.ts'
import { builder } from './builder/builder.ts'
import { enumField } from './builder/enumField.ts'
import {
  conditionOf,
  DateTimeFilter,
  enumFilter,
  IdFilter,
  NullableStringFilter,
  StringFilter,
  textConditionOf,
} from './lists/filters.ts'
import { defineStoredList } from './lists/storedList.ts'

const AuditOperation = builder.enumType('AuditOperation', {
  description: 'What was done.',
  values: {
    INSERT: { value: 'INSERT', description: 'It was created.' },
    UPDATE: { value: 'UPDATE', description: 'It was changed.' },
    DELETE: { value: 'DELETE', description: 'It was deleted.' },
    ACT_AS: {
      value: 'ACT_AS',
      description: 'An administrator acted as the tenant; this changed no row.',
    },
  } as const,
})

const AuditLogEntry = builder.prismaNode('AuditLogEntry', {
  id: { field: 'logId' },
  nullable: true,
  description: 'Who changed what, when and from where. Written by the database and never changed.',
  select: { logId: true },
  fields: (t) => ({
    logId: t.expose('logId', { type: 'UUID', description: 'Its key.' }),
    tableName: t.exposeString('tableName', {
      description: 'The row’s table, e.g. `configurations`.',
    }),
    operation: enumField(t, 'operation', { type: AuditOperation, description: 'What was done.' }),
    actorId: t.exposeString('actorId', {
      nullable: true,
      description: 'Who did it; null if done outside the server.',
    }),
    oldData: t.expose('oldData', {
      type: 'JSON',
      nullable: true,
      description: 'The row before, without large or secret values; null for created rows.',
    }),
    newData: t.expose('newData', {
      type: 'JSON',
      nullable: true,
      description: 'The row after, without large or secret values; null for deleted rows.',
    }),
    ipAddress: t.exposeString('ipAddress', { nullable: true, description: 'The caller’s IP address.' }),
    userAgent: t.exposeString('userAgent', { nullable: true, description: 'The caller’s user agent.' }),
    timestamp: t.expose('timestamp', { type: 'DateTime', description: 'When it was done.' }),
  }),
})

const AuditOperationFilter = enumFilter('AuditOperationFilter', AuditOperation)

const AuditLogEntryFilter = builder.inputType('AuditLogEntryFilter', {
  description: 'Filters entries; all conditions must match.',
  fields: (t) => ({
    logId: t.field({ type: IdFilter, description: 'By key.' }),
    tableName: t.field({ type: StringFilter, description: 'By table.' }),
    operation: t.field({ type: AuditOperationFilter, description: 'By operation.' }),
    actorId: t.field({ type: NullableStringFilter, description: 'By actor.' }),
    timestamp: t.field({ type: DateTimeFilter, description: 'By time.' }),
  }),
})

const auditLogPages = defineStoredList('AuditLogEntry', {
  model: 'AuditLogEntry',
  table: 'audit_log',
  type: AuditLogEntry,
  keys: [{ field: 'logId', kind: 'uuid' }],
  orders: {
    TIMESTAMP: { field: 'timestamp', kind: 'time', description: 'When it was done.' },
  },
  defaultOrder: { field: 'TIMESTAMP', direction: 'desc' },
  filter: AuditLogEntryFilter,
  where: (filter): Prisma.AuditLogEntryWhereInput & Record<string, unknown> => ({
    logId: conditionOf(filter.logId),
    tableName: textConditionOf(filter.tableName),
    operation: conditionOf(filter.operation),
    actorId: textConditionOf(filter.actorId),
    timestamp: conditionOf(filter.timestamp),
  }),
})

builder.queryFields((t) => ({
  auditLogEntry: t.field(auditLogPages.byKey('An audit log entry by its key.')),
  auditLog: t.field(auditLogPages.root('Changes in this tenant, latest first.')),
}))
