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
    INSERT: { value: 'INSERT', description: 'It was made.' },
    UPDATE: { value: 'UPDATE', description: 'It was changed.' },
    DELETE: { value: 'DELETE', description: 'It was deleted.' },
    ACT_AS: {
      value: 'ACT_AS',
      description: 'An administrator acted as the tenant; no row was changed by that.',
    },
  } as const,
})

const AuditLogEntry = builder.prismaNode('AuditLogEntry', {
  id: { field: 'logId' },
  nullable: true,
  description: 'Who changed what, when and from where. Written by the database, and changed by nobody.',
  select: { logId: true },
  fields: (t) => ({
    logId: t.expose('logId', { type: 'UUID', description: 'Its key.' }),
    tableName: t.exposeString('tableName', {
      description: 'What kind of row it was, e.g. `configurations`.',
    }),
    operation: enumField(t, 'operation', { type: AuditOperation, description: 'What was done.' }),
    actorId: t.exposeString('actorId', {
      nullable: true,
      description: 'Who did it; null when it was done past the server.',
    }),
    oldData: t.expose('oldData', {
      type: 'JSON',
      nullable: true,
      description: 'The row before, without what is bulky or secret; null for what was made.',
    }),
    newData: t.expose('newData', {
      type: 'JSON',
      nullable: true,
      description: 'The row after, without what is bulky or secret; null for what was deleted.',
    }),
    ipAddress: t.exposeString('ipAddress', { nullable: true, description: 'The address of the caller.' }),
    userAgent: t.exposeString('userAgent', { nullable: true, description: 'The program of the caller.' }),
    timestamp: t.expose('timestamp', { type: 'DateTime', description: 'When it was done.' }),
  }),
})

const AuditOperationFilter = enumFilter('AuditOperationFilter', AuditOperation)

const AuditLogEntryFilter = builder.inputType('AuditLogEntryFilter', {
  description: 'Which entries; all conditions have to hold.',
  fields: (t) => ({
    logId: t.field({ type: IdFilter, description: 'By key.' }),
    tableName: t.field({ type: StringFilter, description: 'By kind of row.' }),
    operation: t.field({ type: AuditOperationFilter, description: 'By what was done.' }),
    actorId: t.field({ type: NullableStringFilter, description: 'By who did it.' }),
    timestamp: t.field({ type: DateTimeFilter, description: 'By when it was done.' }),
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
  auditLogEntry: t.field(auditLogPages.byKey('An entry of the audit log by its key.')),
  auditLog: t.field(auditLogPages.root('What was changed in this tenant, the latest first.')),
}))
