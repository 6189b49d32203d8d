import type { AuditLogEntry as AuditLogEntryRow } from '../db/generated/client.ts'
import { builder } from './builder/builder.ts'
import { Columns } from './lists/columns.ts'
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

const auditLogEntryColumns = new Columns<AuditLogEntryRow>({
  logId: { kind: 'uuid', description: 'Its key.', filter: 'By key.' },
  tableName: { kind: 'text', description: 'The row’s table, e.g. `configurations`.', filter: 'By table.' },
  operation: { kind: 'enum', enum: AuditOperation, description: 'What was done.', filter: 'By operation.' },
  actorId: {
    kind: 'text',
    nullable: true,
    description: 'Who did it; null if done outside the server.',
    filter: 'By actor.',
  },
  oldData: {
    kind: 'json',
    nullable: true,
    description: 'The row before, without large or secret values; null for created rows.',
  },
  newData: {
    kind: 'json',
    nullable: true,
    description: 'The row after, without large or secret values; null for deleted rows.',
  },
  ipAddress: { kind: 'text', nullable: true, description: 'The caller’s IP address.' },
  userAgent: { kind: 'text', nullable: true, description: 'The caller’s user agent.' },
  timestamp: {
    kind: 'time',
    description: 'When it was done.',
    filter: 'By time.',
    order: 'When it was done.',
  },
})

const AuditLogEntry = builder.prismaNode('AuditLogEntry', {
  id: { field: 'logId' },
  nullable: true,
  description: 'Who changed what, when and from where. Written by the database and never changed.',
  select: { logId: true },
  fields: (t) => ({ ...auditLogEntryColumns.fields(t) }),
})

const auditLogPages = defineStoredList('AuditLogEntry', {
  model: 'AuditLogEntry',
  type: AuditLogEntry,
  columns: auditLogEntryColumns,
  keys: ['logId'],
  defaultOrder: ['timestamp', 'desc'],
  filter: 'Filters entries; all conditions must match.',
})

builder.queryFields((t) => ({
  auditLogEntry: t.field(auditLogPages.byKey('An audit log entry by its key.')),
  auditLog: t.field(auditLogPages.root('Changes in this tenant, latest first.')),
}))
