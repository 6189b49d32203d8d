import type { Configuration as ConfigurationRow } from '../db/generated/client.ts'
import { LENGTHS, MAX_TAGS } from '../valueChecks.ts'
import { builder } from './builder/builder.ts'
import { Columns } from './lists/columns.ts'
import { byColumn, byRelated } from './lists/filters.ts'
import { defineStoredList } from './lists/storedList.ts'

const configurationColumns = new Columns<ConfigurationRow>({
  configId: { kind: 'uuid', description: 'Its key.', filter: 'By key.' },
  name: {
    kind: 'text',
    maxLength: LENGTHS.configurationName.max,
    description: 'Its name, unique among the tenant’s active configurations.',
    filter: 'By name.',
    order: 'Its name.',
  },
  description: {
    kind: 'text',
    maxLength: LENGTHS.prose.max,
    nullable: true,
    description: 'What people say of it.',
  },
  tags: {
    kind: 'texts',
    maxLength: MAX_TAGS * LENGTHS.tag.max,
    description: 'Its tags.',
    filter: 'By tags.',
  },
  modalAppId: {
    kind: 'text',
    maxLength: LENGTHS.label.max,
    nullable: true,
    description: 'The Modal app that runs it.',
  },
  isActive: {
    kind: 'boolean',
    description: 'Whether it is active; an archived one is not.',
    filter: 'Whether they are active; all by default.',
  },
  createdAt: {
    kind: 'time',
    description: 'When it was created.',
    filter: 'By creation time.',
    order: 'When it was created.',
  },
  updatedAt: {
    kind: 'time',
    description: 'When it, or its latest version, last changed.',
    filter: 'By when it last changed.',
    order: 'When it last changed.',
  },
})

export const Configuration = builder.prismaNode('Configuration', {
  id: { field: 'configId' },
  nullable: true,
  description: 'An agent under evaluation: a name, and its YAML in versions.',
  select: { configId: true },
  fields: (t) => ({ ...configurationColumns.fields(t) }),
})

export const configurationPages = defineStoredList('Configuration', {
  model: 'Configuration',
  type: Configuration,
  columns: configurationColumns,
  keys: ['configId'],
  defaultOrder: ['createdAt', 'desc'],
  filter: 'Filters configurations; all conditions must match.',
  filters: {
    model: byRelated(
      'latestVersion',
      byColumn({ field: 'model', kind: 'text' }, 'By the model of the latest version.'),
    ),
  },
})

builder.queryFields((t) => ({
  configuration: t.field(configurationPages.byKey('A configuration by its key.')),
  configurations: t.field(configurationPages.root('The tenant’s configurations, newest first.')),
}))
