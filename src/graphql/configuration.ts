import type { Prisma } from '../db/generated/client.ts'
import {
  createConfiguration,
  setActive,
  setLatestVersion,
} from '../evaluation/configurations/configurations.ts'
import { builder } from './builder.ts'
import { configDiffPages } from './configDiff.ts'
import {
  ConfigVersion,
  CreateConfigVersionPayload,
  configVersionPages,
  GeneratedBy,
} from './configVersion.ts'
import type { Context } from './context.ts'
import { conditionOf, DateTimeFilter, IdFilter, StringFilter, textConditionOf } from './lists/filters.ts'
import { defineStoredList, type StoredList } from './lists/storedList.ts'
import { payloadOf, payloadType } from './payload.ts'
import { simulationPages } from './simulation.ts'

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
    modalAppId: t.exposeString('modalAppId', { nullable: true, description: 'The Modal app that runs it.' }),
    isActive: t.exposeBoolean('isActive', { description: 'Whether it is in use; an archived one is not.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was made.' }),
    updatedAt: t.expose('updatedAt', {
      type: 'DateTime',
      description: 'When it, or which version is its latest, last changed.',
    }),
    latestVersion: t.relation('latestVersion', {
      nullable: true,
      description: 'Its newest version; null before the first.',
    }),
    versions: t.field(
      configVersionPages.under(
        { key: 'configId', field: 'configId', type: 'uuid' },
        'Its versions, the newest first.',
      ),
    ),
    diffs: t.field(
      configDiffPages.under(
        { key: 'configId', field: 'configId', type: 'uuid' },
        'What its successive versions changed, the newest first.',
      ),
    ),
    simulations: t.field(
      simulationPages.under(
        { key: 'configId', field: 'configId', type: 'uuid', through: ['configVersion'] },
        'The simulations that ran any of its versions, the newest first.',
      ),
    ),
  }),
})

const ConfigurationFilter = builder.inputType('ConfigurationFilter', {
  description: 'Which configurations; all conditions have to hold.',
  fields: (t) => ({
    configId: t.field({ type: IdFilter, description: 'By key.' }),
    name: t.field({ type: StringFilter, description: 'By name.' }),
    model: t.field({ type: StringFilter, description: 'By the model of the latest version.' }),
    isActive: t.boolean({ description: 'Active ones or archived ones; both when not given.' }),
    createdAt: t.field({ type: DateTimeFilter, description: 'By when it was made.' }),
    updatedAt: t.field({ type: DateTimeFilter, description: 'By when it last changed.' }),
  }),
})

const configurationPages: StoredList = defineStoredList('Configuration', {
  model: 'Configuration',
  table: 'configurations',
  type: Configuration,
  keys: [{ field: 'configId', kind: 'uuid' }],
  orders: {
    CREATED_AT: { field: 'createdAt', kind: 'time', description: 'When it was made.' },
    UPDATED_AT: { field: 'updatedAt', kind: 'time', description: 'When it last changed.' },
    NAME: { field: 'name', kind: 'text', description: 'Its name.' },
  },
  defaultOrder: { field: 'CREATED_AT', direction: 'desc' },
  filter: ConfigurationFilter,
  where: (filter): Prisma.ConfigurationWhereInput & Record<string, unknown> => ({
    configId: conditionOf(filter.configId),
    name: textConditionOf(filter.name),
    isActive: filter.isActive ?? undefined,
    createdAt: conditionOf(filter.createdAt),
    updatedAt: conditionOf(filter.updatedAt),
    ...(filter.model ? { latestVersion: { is: { model: textConditionOf(filter.model) } } } : {}),
  }),
})

builder.queryFields((t) => ({
  configuration: t.prismaField({
    type: Configuration,
    nullable: true,
    description: 'A configuration by its key.',
    args: { configId: t.arg({ type: 'UUID', required: true, description: 'Its key.' }) },
    resolve: (query, _, { configId }, { reads }) =>
      reads.client.configuration.findUnique({ ...query, where: { configId } }),
  }),
  configurations: t.field(configurationPages.root('The tenant’s configurations, the newest first.')),
}))

const CreateConfigurationInput = builder.inputType('CreateConfigurationInput', {
  description: 'A new configuration.',
  fields: (t) => ({
    name: t.string({
      required: true,
      description: '3 to 100 characters, unique among the tenant’s active configurations.',
    }),
    yaml: t.string({ description: 'The YAML of its first version, at most 1 MiB.' }),
    modalAppId: t.string({ description: 'The Modal app that runs it.' }),
    generatedBy: t.field({ type: GeneratedBy, description: 'Who made the YAML; API when not given.' }),
    configId: t.field({ type: 'UUID', description: 'Its key, when the caller wants to choose it.' }),
  }),
})

const CreateConfigurationPayload = payloadType<{ configId: string; versionId: string | null }>(
  'CreateConfigurationPayload',
  'The new configuration, or why there is none.',
  (t) => ({
    configuration: t.prismaField({
      type: Configuration,
      nullable: true,
      description: 'The configuration; null when there are errors.',
      resolve: (query, { result }, _, { reads }) =>
        result && reads.client.configuration.findUnique({ ...query, where: { configId: result.configId } }),
    }),
    version: t.prismaField({
      type: ConfigVersion,
      nullable: true,
      description: 'Its first version; null when no YAML was given or there are errors.',
      resolve: (query, { result }, _, { reads }) =>
        result?.versionId
          ? reads.client.configVersion.findUnique({ ...query, where: { versionId: result.versionId } })
          : null,
    }),
  }),
)

builder.mutationField('createConfiguration', (t) =>
  t.field({
    type: CreateConfigurationPayload,
    description: 'Makes a configuration, with its first version when YAML is given.',
    args: { input: t.arg({ type: CreateConfigurationInput, required: true, description: 'What to make.' }) },
    resolve: (_, { input }, { write }) =>
      payloadOf(() =>
        write((sql) =>
          createConfiguration(sql, {
            configId: input.configId ?? null,
            name: input.name,
            modalAppId: input.modalAppId ?? null,
            yaml: input.yaml ?? null,
            generatedBy: input.generatedBy ?? 'api',
          }),
        ),
      ),
  }),
)

const ConfigurationPayload = payloadType<string>(
  'ConfigurationPayload',
  'The configuration after the step, or why there was none.',
  (t) => ({
    configuration: t.prismaField({
      type: Configuration,
      nullable: true,
      description: 'The configuration; null when there are errors.',
      resolve: (query, { result }, _, { reads }) =>
        result === null
          ? null
          : reads.client.configuration.findUnique({ ...query, where: { configId: result } }),
    }),
  }),
)

const SetLatestVersionInput = builder.inputType('SetLatestVersionInput', {
  description: 'Which version of which configuration.',
  fields: (t) => ({
    configId: t.field({ type: 'UUID', required: true, description: 'The configuration’s key.' }),
    versionId: t.field({
      type: 'UUID',
      required: true,
      description: 'The key of the version whose YAML is to be the latest.',
    }),
  }),
})

builder.mutationField('setLatestVersion', (t) =>
  t.field({
    type: CreateConfigVersionPayload,
    description:
      'Goes back to an earlier version: a new version gets its YAML, so that the history stays whole.',
    args: { input: t.arg({ type: SetLatestVersionInput, required: true, description: 'Where to.' }) },
    resolve: (_, { input }, { write }) => payloadOf(() => write((sql) => setLatestVersion(sql, input))),
  }),
)

const ArchiveConfigurationInput = builder.inputType('ArchiveConfigurationInput', {
  description: 'Which configuration goes out of use.',
  fields: (t) => ({
    configId: t.field({ type: 'UUID', required: true, description: 'The configuration’s key.' }),
  }),
})

const RestoreConfigurationInput = builder.inputType('RestoreConfigurationInput', {
  description: 'Which configuration comes back into use.',
  fields: (t) => ({
    configId: t.field({ type: 'UUID', required: true, description: 'The configuration’s key.' }),
  }),
})

builder.mutationFields((t) => ({
  archiveConfiguration: t.field({
    type: ConfigurationPayload,
    description:
      'Takes a configuration out of use. Its versions and simulations stay; its name becomes free.',
    args: { input: t.arg({ type: ArchiveConfigurationInput, required: true, description: 'Which one.' }) },
    resolve: (_, { input }, context) => putInUse(context, input.configId, false),
  }),
  restoreConfiguration: t.field({
    type: ConfigurationPayload,
    description: 'Takes a configuration out of the archive, unless another one has its name by now.',
    args: { input: t.arg({ type: RestoreConfigurationInput, required: true, description: 'Which one.' }) },
    resolve: (_, { input }, context) => putInUse(context, input.configId, true),
  }),
}))

function putInUse({ write }: Context, configId: string, isActive: boolean) {
  return payloadOf(async () => {
    await write((sql) => setActive(sql, configId, isActive))
    return configId
  })
}
