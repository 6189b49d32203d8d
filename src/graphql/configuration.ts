import type { Prisma } from '../db/generated/client.ts'
import { builder } from './builder/builder.ts'
import {
  conditionOf,
  DateTimeFilter,
  IdFilter,
  StringFilter,
  TagFilter,
  tagConditionsOf,
  textConditionOf,
} from './lists/filters.ts'
import { defineStoredList } from './lists/storedList.ts'

export const Configuration = builder.prismaNode('Configuration', {
  id: { field: 'configId' },
  nullable: true,
  description: 'An agent under evaluation: a name, and its YAML in versions.',
  select: { configId: true },
  fields: (t) => ({
    configId: t.expose('configId', { type: 'UUID', description: 'Its key.' }),
    name: t.exposeString('name', {
      description: 'Its name, unique among the tenant’s active configurations.',
    }),
    description: t.exposeString('description', { nullable: true, description: 'What people say of it.' }),
    tags: t.exposeStringList('tags', { description: 'Its tags.' }),
    modalAppId: t.exposeString('modalAppId', { nullable: true, description: 'The Modal app that runs it.' }),
    isActive: t.exposeBoolean('isActive', { description: 'Whether it is active; an archived one is not.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was created.' }),
    updatedAt: t.expose('updatedAt', {
      type: 'DateTime',
      description: 'When it, or its latest version, last changed.',
    }),
  }),
})

const ConfigurationFilter = builder.inputType('ConfigurationFilter', {
  description: 'Filters configurations; all conditions must match.',
  fields: (t) => ({
    configId: t.field({ type: IdFilter, description: 'By key.' }),
    name: t.field({ type: StringFilter, description: 'By name.' }),
    tags: t.field({ type: TagFilter, description: 'By tags.' }),
    model: t.field({ type: StringFilter, description: 'By the model of the latest version.' }),
    isActive: t.boolean({ description: 'Whether they are active; all by default.' }),
    createdAt: t.field({ type: DateTimeFilter, description: 'By creation time.' }),
    updatedAt: t.field({ type: DateTimeFilter, description: 'By when it last changed.' }),
  }),
})

export const configurationPages = defineStoredList('Configuration', {
  model: 'Configuration',
  table: 'configurations',
  type: Configuration,
  keys: [{ field: 'configId', kind: 'uuid' }],
  orders: {
    CREATED_AT: { field: 'createdAt', kind: 'time', description: 'When it was created.' },
    UPDATED_AT: { field: 'updatedAt', kind: 'time', description: 'When it last changed.' },
    NAME: { field: 'name', kind: 'text', description: 'Its name.' },
  },
  defaultOrder: { field: 'CREATED_AT', direction: 'desc' },
  filter: ConfigurationFilter,
  where: (filter): Prisma.ConfigurationWhereInput & Record<string, unknown> => ({
    configId: conditionOf(filter.configId),
    name: textConditionOf(filter.name),
    AND: tagConditionsOf(filter.tags),
    isActive: filter.isActive ?? undefined,
    createdAt: conditionOf(filter.createdAt),
    updatedAt: conditionOf(filter.updatedAt),
    ...(filter.model ? { latestVersion: { is: { model: textConditionOf(filter.model) } } } : {}),
  }),
})

builder.queryFields((t) => ({
  configuration: t.field(configurationPages.byKey('A configuration by its key.')),
  configurations: t.field(configurationPages.root('The tenant’s configurations, newest first.')),
}))
