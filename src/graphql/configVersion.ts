import type { ConfigVersion as ConfigVersionRow } from '../db/generated/client.ts'
import {
  createConfigVersion,
  type NewVersion,
  setLatestVersion,
  setWithdrawn,
} from '../evaluation/configurations/configurations.ts'
import { LENGTHS } from '../valueChecks.ts'
import { builder } from './builder/builder.ts'
import { Configuration } from './configuration.ts'
import { Columns } from './lists/columns.ts'
import { shownRelation, shownRelationIfAny } from './lists/relatedRow.ts'
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

export const configVersionColumns = new Columns<ConfigVersionRow>({
  versionId: { kind: 'uuid', description: 'Its key.', filter: 'By key.' },
  configId: { kind: 'uuid', description: 'The configuration’s key.', filter: 'By the configuration’s key.' },
  versionNumber: {
    kind: 'integer',
    description: 'Its number in the configuration, from 1.',
    filter: 'By number.',
    order: 'Its number.',
  },
  rawYaml: { kind: 'text', description: 'The YAML, byte for byte as received.' },
  parsedConfig: {
    kind: 'json',
    description: 'The YAML as a tree, with model and temperature at the top, wherever the original has them.',
    filter: 'By any path in the parsed YAML; all must match.',
  },
  configHash: {
    kind: 'text',
    description: 'SHA-256 of the YAML’s bytes, in hex.',
    filter: 'By the hash of the YAML.',
  },
  model: {
    kind: 'text',
    maxLength: LENGTHS.label.max,
    description: 'The model that the agent runs on.',
    filter: 'By model.',
    order: 'Its model.',
  },
  temperature: {
    kind: 'number',
    nullable: true,
    description: '0 to 2; null when the YAML leaves it to the provider.',
    filter: 'By temperature.',
    order: 'Its temperature.',
  },
  warnings: { kind: 'texts', description: 'Warnings from reading the YAML.' },
  generatedBy: {
    kind: 'enum',
    enum: GeneratedBy,
    description: 'Where the YAML comes from.',
    filter: 'By origin of the YAML.',
  },
  isDeleted: {
    kind: 'boolean',
    description: 'Whether it was withdrawn: what ran it stays, nothing new runs it.',
    filter: 'Whether they were withdrawn; all by default.',
  },
  createdAt: {
    kind: 'time',
    description: 'When it was created.',
    filter: 'By creation time.',
    order: 'When it was created.',
  },
})

export const ConfigVersion = builder.prismaNode('ConfigVersion', {
  id: { field: 'versionId' },
  nullable: true,
  description: 'One state of a configuration’s YAML. It never changes.',
  select: { versionId: true },
  fields: (t) => ({
    ...configVersionColumns.fields(t),
    configuration: t.field(
      shownRelation(
        'ConfigVersion',
        'configuration',
        Configuration,
        'The configuration that it is a version of.',
      ),
    ),
  }),
})

export const configVersionPages = defineStoredList('ConfigVersion', {
  model: 'ConfigVersion',
  type: ConfigVersion,
  columns: configVersionColumns,
  keys: ['versionId'],
  defaultOrder: ['createdAt', 'desc'],
  filter: 'Filters versions; all conditions must match.',
})

builder.prismaObjectFields(Configuration, (t) => ({
  latestVersion: t.field(
    shownRelationIfAny(
      'Configuration',
      'latestVersion',
      ConfigVersion,
      'Its newest version that was not withdrawn; null when there is none.',
    ),
  ),
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
