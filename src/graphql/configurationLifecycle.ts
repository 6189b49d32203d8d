import {
  createConfiguration,
  describeConfiguration,
  setActive,
} from '../evaluation/configurations/configurations.ts'
import { builder } from './builder/builder.ts'
import { configurationPages } from './configuration.ts'
import { configVersionPages, GeneratedBy } from './configVersion.ts'
import { payloadOf, payloadOfStep, payloadType } from './payload.ts'

const CreateConfigurationInput = builder.inputType('CreateConfigurationInput', {
  description: 'A new configuration.',
  fields: (t) => ({
    name: t.string({
      required: true,
      description: '3 to 100 characters, unique among the tenant’s active configurations.',
    }),
    yaml: t.string({ description: 'The YAML of its first version, at most 1 MiB.' }),
    description: t.string({ description: 'Up to 10,000 characters.' }),
    tags: t.stringList({ description: 'Up to 20 tags.' }),
    modalAppId: t.string({ description: 'The Modal app that runs it.' }),
    generatedBy: t.field({ type: GeneratedBy, description: 'Where the YAML comes from; API by default.' }),
    configId: t.field({ type: 'UUID', description: 'Its key, if the caller chooses it.' }),
    createdAt: t.field({
      type: 'DateTime',
      description: 'When its source made it, in the past; now by default.',
    }),
  }),
})

const CreateConfigurationPayload = payloadType<{ configId: string; versionId: string | null }>(
  'CreateConfigurationPayload',
  'The new configuration, or the errors.',
  (t) => ({
    configuration: t.field(
      configurationPages.inPayload(
        ({ configId }) => configId,
        'The configuration; null when there are errors.',
      ),
    ),
    version: t.field(
      configVersionPages.inPayload(
        ({ versionId }) => versionId,
        'Its first version; null when no YAML was given or there are errors.',
      ),
    ),
  }),
)

const ConfigurationPayload = payloadType<string>(
  'ConfigurationPayload',
  'The configuration after the change, or the errors.',
  (t) => ({
    configuration: t.field(
      configurationPages.inPayload((configId) => configId, 'The configuration; null when there are errors.'),
    ),
  }),
)

const ArchiveConfigurationInput = builder.inputType('ArchiveConfigurationInput', {
  description: 'The configuration to archive.',
  fields: (t) => ({
    configId: t.field({ type: 'UUID', required: true, description: 'The configuration’s key.' }),
  }),
})

const RestoreConfigurationInput = builder.inputType('RestoreConfigurationInput', {
  description: 'The configuration to restore.',
  fields: (t) => ({
    configId: t.field({ type: 'UUID', required: true, description: 'The configuration’s key.' }),
  }),
})

const DescribeConfigurationInput = builder.inputType('DescribeConfigurationInput', {
  description:
    'What a configuration is called and what is said of it: what is left out stays, null removes it.',
  fields: (t) => ({
    configId: t.field({ type: 'UUID', required: true, description: 'The configuration’s key.' }),
    name: t.string({
      description: '3 to 100 characters, unique among the tenant’s active configurations.',
    }),
    description: t.string({ description: 'Up to 10,000 characters.' }),
    tags: t.stringList({ description: 'Up to 20 tags.' }),
    modalAppId: t.string({ description: 'The Modal app that runs it.' }),
  }),
})

builder.mutationFields((t) => ({
  describeConfiguration: t.field({
    type: ConfigurationPayload,
    description: 'Renames, describes and tags a configuration.',
    args: {
      input: t.arg({ type: DescribeConfigurationInput, required: true, description: 'What to change.' }),
    },
    resolve: (_, { input: { configId, ...description } }, { write }) =>
      payloadOfStep(write, configId, (transaction) =>
        describeConfiguration(transaction, configId, description),
      ),
  }),
  createConfiguration: t.field({
    type: CreateConfigurationPayload,
    description: 'Creates a configuration, with its first version if YAML is given.',
    args: {
      input: t.arg({ type: CreateConfigurationInput, required: true, description: 'What to create.' }),
    },
    resolve: (_, { input }, { write }) =>
      payloadOf(() =>
        write((transaction) =>
          createConfiguration(transaction, {
            configId: input.configId ?? null,
            name: input.name,
            description: input.description ?? null,
            tags: input.tags ?? [],
            modalAppId: input.modalAppId ?? null,
            yaml: input.yaml ?? null,
            generatedBy: input.generatedBy ?? 'api',
            createdAt: input.createdAt ?? null,
          }),
        ),
      ),
  }),
  archiveConfiguration: t.field({
    type: ConfigurationPayload,
    description: 'Archives a configuration. Its versions and simulations stay; its name becomes available.',
    args: { input: t.arg({ type: ArchiveConfigurationInput, required: true, description: 'Which one.' }) },
    resolve: (_, { input: { configId } }, { write }) =>
      payloadOfStep(write, configId, (transaction) => setActive(transaction, configId, false)),
  }),
  restoreConfiguration: t.field({
    type: ConfigurationPayload,
    description: 'Restores an archived configuration, unless another one has taken its name.',
    args: { input: t.arg({ type: RestoreConfigurationInput, required: true, description: 'Which one.' }) },
    resolve: (_, { input: { configId } }, { write }) =>
      payloadOfStep(write, configId, (transaction) => setActive(transaction, configId, true)),
  }),
}))
