import type { Prisma } from '../db/generated/client.ts'
import {
  createConfigVersion,
  type NewVersion,
  setLatestVersion,
  setWithdrawn,
} from '../evaluation/configurations/configurations.ts'
import { builder } from './builder/builder.ts'
import { enumField } from './builder/enumField.ts'
import { Configuration } from './configuration.ts'
import {
  conditionOf,
  DateTimeFilter,
  enumFilter,
  IdFilter,
  integerConditionOf,
  jsonPathConditionsOf,
  jsonPathField,
  NullableNumberFilter,
  NumberFilter,
  StringFilter,
  textConditionOf,
} from './lists/filters.ts'
import { defineStoredList } from './lists/storedList.ts'
import { payloadOf, payloadOfStep, payloadType } from './payload.ts'

export const GeneratedBy = builder.enumType('GeneratedBy', {
  description: 'Where a version’s YAML comes from.',
  values: {
    MANUAL: { value: 'manual', description: 'A person wrote it.' },
    DIFF_ENGINE: { value: 'diff_engine', description: 'A diff was applied.' },
    OPTIMIZATION: { value: 'optimization', description: 'An optimiser proposed it.' },
    API: { value: 'api', description: 'A program sent it.' },
  } as const,
})

export const ConfigVersion = builder.prismaNode('ConfigVersion', {
  id: { field: 'versionId' },
  nullable: true,
  description: 'One state of a configuration’s YAML. It never changes.',
  select: { versionId: true },
  fields: (t) => ({
    versionId: t.expose('versionId', { type: 'UUID', description: 'Its key.' }),
    configId: t.expose('configId', { type: 'UUID', description: 'The configuration’s key.' }),
    versionNumber: t.exposeInt('versionNumber', {
      description: 'Its number in the configuration, from 1.',
    }),
    rawYaml: t.exposeString('rawYaml', { description: 'The YAML, byte for byte as received.' }),
    parsedConfig: t.expose('parsedConfig', {
      type: 'JSON',
      description:
        'The YAML as a tree, with model and temperature at the top, wherever the original has them.',
    }),
    configHash: t.exposeString('configHash', { description: 'SHA-256 of the YAML’s bytes, in hex.' }),
    model: t.exposeString('model', { description: 'The model that the agent runs on.' }),
    temperature: t.exposeFloat('temperature', {
      nullable: true,
      description: '0 to 2; null when the YAML leaves it to the provider.',
    }),
    warnings: t.exposeStringList('warnings', { description: 'Warnings from reading the YAML.' }),
    generatedBy: enumField(t, 'generatedBy', {
      type: GeneratedBy,
      description: 'Where the YAML comes from.',
    }),
    isDeleted: t.exposeBoolean('isDeleted', {
      description: 'Whether it was withdrawn: what ran it stays, nothing new runs it.',
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was created.' }),
    configuration: t.relation('configuration', { description: 'The configuration that it is a version of.' }),
  }),
})

const GeneratedByFilter = enumFilter('GeneratedByFilter', GeneratedBy)

const ConfigVersionFilter = builder.inputType('ConfigVersionFilter', {
  description: 'Filters versions; all conditions must match.',
  fields: (t) => ({
    versionId: t.field({ type: IdFilter, description: 'By key.' }),
    configId: t.field({ type: IdFilter, description: 'By the configuration’s key.' }),
    versionNumber: t.field({ type: NumberFilter, description: 'By number.' }),
    model: t.field({ type: StringFilter, description: 'By model.' }),
    temperature: t.field({ type: NullableNumberFilter, description: 'By temperature.' }),
    configHash: t.field({ type: StringFilter, description: 'By the hash of the YAML.' }),
    generatedBy: t.field({ type: GeneratedByFilter, description: 'By origin of the YAML.' }),
    isDeleted: t.boolean({ description: 'Whether they were withdrawn; all by default.' }),
    createdAt: t.field({ type: DateTimeFilter, description: 'By creation time.' }),
    parsedConfig: jsonPathField(t, 'the parsed YAML'),
  }),
})

export const configVersionPages = defineStoredList('ConfigVersion', {
  model: 'ConfigVersion',
  table: 'config_versions',
  type: ConfigVersion,
  keys: [{ field: 'versionId', kind: 'uuid' }],
  orders: {
    CREATED_AT: { field: 'createdAt', kind: 'time', description: 'When it was created.' },
    VERSION_NUMBER: { field: 'versionNumber', kind: 'integer', description: 'Its number.' },
    MODEL: { field: 'model', kind: 'text', description: 'Its model.' },
    TEMPERATURE: { field: 'temperature', kind: 'number', nullable: true, description: 'Its temperature.' },
  },
  defaultOrder: { field: 'CREATED_AT', direction: 'desc' },
  filter: ConfigVersionFilter,
  where: (filter): Prisma.ConfigVersionWhereInput & Record<string, unknown> => ({
    versionId: conditionOf(filter.versionId),
    configId: conditionOf(filter.configId),
    versionNumber: integerConditionOf(filter.versionNumber),
    model: textConditionOf(filter.model),
    temperature: conditionOf(filter.temperature),
    configHash: textConditionOf(filter.configHash),
    generatedBy: conditionOf(filter.generatedBy),
    isDeleted: filter.isDeleted ?? undefined,
    createdAt: conditionOf(filter.createdAt),
    AND: jsonPathConditionsOf('parsedConfig', filter.parsedConfig),
  }),
})

builder.prismaObjectFields(Configuration, (t) => ({
  latestVersion: t.relation('latestVersion', {
    nullable: true,
    description: 'Its newest version that was not withdrawn; null when there is none.',
  }),
  versions: t.field(
    configVersionPages.under(
      { key: 'configId', field: 'configId', type: 'uuid' },
      'Its versions, newest first.',
    ),
  ),
}))

builder.queryFields((t) => ({
  configVersion: t.field(configVersionPages.byKey('A configuration version by its key.')),
  configVersions: t.field(
    configVersionPages.root('The versions of all the tenant’s configurations, newest first.'),
  ),
}))

const CreateConfigVersionInput = builder.inputType('CreateConfigVersionInput', {
  description: 'A configuration’s next version.',
  fields: (t) => ({
    configId: t.field({ type: 'UUID', required: true, description: 'The configuration’s key.' }),
    yaml: t.string({ required: true, description: 'The YAML, at most 1 MiB. It must name a model.' }),
    generatedBy: t.field({
      type: GeneratedBy,
      description: 'Where the YAML comes from; API by default.',
    }),
    createdAt: t.field({
      type: 'DateTime',
      description: 'When its source made it, in the past; now by default.',
    }),
  }),
})

const CreateConfigVersionPayload = payloadType<NewVersion>(
  'CreateConfigVersionPayload',
  'The version, or the errors.',
  (t) => ({
    version: t.field(
      configVersionPages.inPayload(
        ({ versionId }) => versionId,
        'The new version, or the latest one if the YAML is the same; null when there are errors.',
      ),
    ),
    created: t.boolean({
      description: 'Whether a version was created; false if the latest one has the same YAML.',
      resolve: ({ result }) => result?.created ?? false,
    }),
  }),
)

const SetLatestVersionInput = builder.inputType('SetLatestVersionInput', {
  description: 'The version to go back to.',
  fields: (t) => ({
    configId: t.field({ type: 'UUID', required: true, description: 'The configuration’s key.' }),
    versionId: t.field({
      type: 'UUID',
      required: true,
      description: 'The key of the version whose YAML becomes the latest.',
    }),
  }),
})

const WithdrawConfigVersionInput = builder.inputType('WithdrawConfigVersionInput', {
  description: 'A version to withdraw.',
  fields: (t) => ({
    versionId: t.field({ type: 'UUID', required: true, description: 'The version’s key.' }),
    withdrawn: t.boolean({ description: 'False takes it back. True by default.' }),
  }),
})

const WithdrawConfigVersionPayload = payloadType<string>(
  'WithdrawConfigVersionPayload',
  'The version after the change, or the errors.',
  (t) => ({
    version: t.field(
      configVersionPages.inPayload((versionId) => versionId, 'The version; null when there are errors.'),
    ),
  }),
)

builder.mutationFields((t) => ({
  withdrawConfigVersion: t.field({
    type: WithdrawConfigVersionPayload,
    description:
      'Withdraws a version, or takes that back: what ran it stays, nothing new runs it, and the one before it is the latest.',
    args: { input: t.arg({ type: WithdrawConfigVersionInput, required: true, description: 'Which one.' }) },
    resolve: (_, { input: { versionId, withdrawn } }, { write }) =>
      payloadOfStep(write, versionId, (transaction) =>
        setWithdrawn(transaction, versionId, withdrawn ?? true),
      ),
  }),
  createConfigVersion: t.field({
    type: CreateConfigVersionPayload,
    description:
      'Adds a version to a configuration, with its diff to the previous one, unless the latest has the same YAML.',
    args: { input: t.arg({ type: CreateConfigVersionInput, required: true, description: 'What to add.' }) },
    resolve: (_, { input }, { write }) =>
      payloadOf(() =>
        write((transaction) =>
          createConfigVersion(transaction, {
            configId: input.configId,
            yaml: input.yaml,
            generatedBy: input.generatedBy ?? 'api',
            createdAt: input.createdAt ?? null,
          }),
        ),
      ),
  }),
  setLatestVersion: t.field({
    type: CreateConfigVersionPayload,
    description:
      'Goes back to an earlier version by adding a new one with its YAML: the history stays complete.',
    args: {
      input: t.arg({
        type: SetLatestVersionInput,
        required: true,
        description: 'The version to go back to.',
      }),
    },
    resolve: (_, { input }, { write }) =>
      payloadOf(() => write((transaction) => setLatestVersion(transaction, input))),
  }),
}))
