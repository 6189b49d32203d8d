import type { Prisma } from '../db/generated/client.ts'
import type { StoredDeletion } from '../evaluation/deleted/deletedStore.ts'
import {
  deleteConfiguration,
  deleteScenario,
  deleteSimulation,
  purge,
  undelete,
} from '../evaluation/deletions/deletions.ts'
import { builder } from './builder/builder.ts'
import { enumField } from './builder/enumField.ts'
import { configurationPages } from './configuration.ts'
import {
  conditionOf,
  DateTimeFilter,
  enumFilter,
  IdFilter,
  NullableDateTimeFilter,
  NullableIdFilter,
  NullableStringFilter,
  StringFilter,
  textConditionOf,
} from './lists/filters.ts'
import { defineStoredList } from './lists/storedList.ts'
import { payloadOf, payloadOfStep, payloadType } from './payload.ts'
import { scenarioPages } from './scenario.ts'
import { simulationPages } from './simulation.ts'

const DeletedKindEnum = builder.enumType('DeletedKind', {
  description: 'What was deleted.',
  values: {
    CONFIGURATION: {
      value: 'configuration',
      description: 'A configuration, with its versions and simulations.',
    },
    SCENARIO: { value: 'scenario', description: 'A scenario, with its revisions.' },
    SIMULATION: { value: 'simulation', description: 'A simulation, with its outcomes.' },
  } as const,
})

const Deletion = builder.prismaNode('Deletion', {
  id: { field: 'deletionId' },
  nullable: true,
  description:
    'Something that was deleted and can be taken back: until then it is in no list and in no figure. Deleted for good, it has no deletion any more; the audit log has it.',
  select: { deletionId: true },
  fields: (t) => ({
    deletionId: t.expose('deletionId', { type: 'UUID', description: 'Its key.' }),
    kind: enumField(t, 'kind', { type: DeletedKindEnum, description: 'What was deleted.' }),
    configId: t.expose('configId', {
      type: 'UUID',
      nullable: true,
      description: 'The key of the configuration, if it is one.',
    }),
    scenarioId: t.exposeString('scenarioId', {
      nullable: true,
      description: 'The key of the scenario, if it is one.',
    }),
    simulationId: t.expose('simulationId', {
      type: 'UUID',
      nullable: true,
      description: 'The key of the simulation, if it is one.',
    }),
    name: t.exposeString('name', { description: 'What it was called; its key if it had no name.' }),
    withDeletionId: t.expose('withDeletionId', {
      type: 'UUID',
      nullable: true,
      description: 'The deletion of the configuration that it went with, and comes back with.',
    }),
    deletedAt: t.expose('deletedAt', { type: 'DateTime', description: 'When it was deleted.' }),
    deletedBy: t.exposeString('deletedBy', { nullable: true, description: 'Who deleted it.' }),
    purgeAt: t.expose('purgeAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it is deleted for good; null when it is kept until somebody does that.',
    }),
  }),
})

const DeletedKindFilter = enumFilter('DeletedKindFilter', DeletedKindEnum)

const DeletionFilter = builder.inputType('DeletionFilter', {
  description: 'Filters deletions; all conditions must match.',
  fields: (t) => ({
    deletionId: t.field({ type: IdFilter, description: 'By key.' }),
    kind: t.field({ type: DeletedKindFilter, description: 'By what was deleted.' }),
    configId: t.field({ type: NullableIdFilter, description: 'By the key of the configuration.' }),
    scenarioId: t.field({ type: NullableStringFilter, description: 'By the key of the scenario.' }),
    simulationId: t.field({ type: NullableIdFilter, description: 'By the key of the simulation.' }),
    withDeletionId: t.field({
      type: NullableIdFilter,
      description: 'By the deletion that they went with; isNull finds those that were deleted themselves.',
    }),
    name: t.field({ type: StringFilter, description: 'By name.' }),
    deletedAt: t.field({ type: DateTimeFilter, description: 'By when it was deleted.' }),
    deletedBy: t.field({ type: NullableStringFilter, description: 'By who deleted it.' }),
    purgeAt: t.field({ type: NullableDateTimeFilter, description: 'By when it is deleted for good.' }),
  }),
})

const deletionPages = defineStoredList('Deletion', {
  model: 'Deletion',
  table: 'deletions',
  type: Deletion,
  keys: [{ field: 'deletionId', kind: 'uuid' }],
  orders: {
    DELETED_AT: { field: 'deletedAt', kind: 'time', description: 'When it was deleted.' },
    NAME: { field: 'name', kind: 'text', description: 'Its name.' },
  },
  defaultOrder: { field: 'DELETED_AT', direction: 'desc' },
  filter: DeletionFilter,
  where: (filter): Prisma.DeletionWhereInput & Record<string, unknown> => ({
    deletionId: conditionOf(filter.deletionId),
    kind: conditionOf(filter.kind),
    configId: conditionOf(filter.configId),
    scenarioId: textConditionOf(filter.scenarioId),
    simulationId: conditionOf(filter.simulationId),
    withDeletionId: conditionOf(filter.withDeletionId),
    name: textConditionOf(filter.name),
    deletedAt: conditionOf(filter.deletedAt),
    deletedBy: textConditionOf(filter.deletedBy),
    purgeAt: conditionOf(filter.purgeAt),
  }),
})

builder.queryFields((t) => ({
  deletion: t.field(deletionPages.byKey('A deletion by its key.')),
  deletions: t.field(deletionPages.root('What was deleted and can be taken back, latest first.')),
}))

const DeleteSimulationInput = builder.inputType('DeleteSimulationInput', {
  description: 'A simulation to delete.',
  fields: (t) => ({ simulationId: t.field({ type: 'UUID', required: true, description: 'Its key.' }) }),
})

const DeleteConfigurationInput = builder.inputType('DeleteConfigurationInput', {
  description: 'A configuration to delete.',
  fields: (t) => ({ configId: t.field({ type: 'UUID', required: true, description: 'Its key.' }) }),
})

const DeleteScenarioInput = builder.inputType('DeleteScenarioInput', {
  description: 'A scenario to delete.',
  fields: (t) => ({ scenarioId: t.string({ required: true, description: 'Its key.' }) }),
})

const UndeleteInput = builder.inputType('UndeleteInput', {
  description: 'A deletion to take back.',
  fields: (t) => ({ deletionId: t.field({ type: 'UUID', required: true, description: 'Its key.' }) }),
})

const PurgeInput = builder.inputType('PurgeInput', {
  description: 'What to delete for good.',
  fields: (t) => ({
    deletionId: t.field({ type: 'UUID', required: true, description: 'The key of its deletion.' }),
  }),
})

const DeletionPayload = payloadType<string>('DeletionPayload', 'The deletion, or the errors.', (t) => ({
  deletion: t.field(
    deletionPages.inPayload(
      (deletionId) => deletionId,
      'The deletion, to take it back with; null when there are errors, and as soon as it is deleted for good.',
    ),
  ),
}))

const keyOf =
  (kind: StoredDeletion['kind']) =>
  (deletion: StoredDeletion): string | null =>
    deletion.kind === kind ? deletion.key : null

const UndeletePayload = payloadType<StoredDeletion>(
  'UndeletePayload',
  'What is back, or the errors.',
  (t) => ({
    configuration: t.field(
      configurationPages.inPayload(keyOf('configuration'), 'The configuration, if it was one.'),
    ),
    scenario: t.field(scenarioPages.inPayload(keyOf('scenario'), 'The scenario, if it was one.')),
    simulation: t.field(simulationPages.inPayload(keyOf('simulation'), 'The simulation, if it was one.')),
  }),
)

builder.mutationFields((t) => ({
  deleteSimulation: t.field({
    type: DeletionPayload,
    description:
      'Deletes a simulation with its outcomes, whether it is running or has ended: no list and no figure has it from now on. It can be taken back until it is deleted for good.',
    args: { input: t.arg({ type: DeleteSimulationInput, required: true, description: 'Which one.' }) },
    resolve: (_, { input: { simulationId } }, { write }) =>
      payloadOf(() => write((transaction) => deleteSimulation(transaction, simulationId))),
  }),
  deleteConfiguration: t.field({
    type: DeletionPayload,
    description:
      'Deletes a configuration with its versions and simulations. It can be taken back until it is deleted for good.',
    args: { input: t.arg({ type: DeleteConfigurationInput, required: true, description: 'Which one.' }) },
    resolve: (_, { input: { configId } }, { write }) =>
      payloadOf(() => write((transaction) => deleteConfiguration(transaction, configId))),
  }),
  deleteScenario: t.field({
    type: DeletionPayload,
    description:
      'Deletes a scenario that no simulation runs. It can be taken back until it is deleted for good.',
    args: { input: t.arg({ type: DeleteScenarioInput, required: true, description: 'Which one.' }) },
    resolve: (_, { input: { scenarioId } }, { write }) =>
      payloadOf(() => write((transaction) => deleteScenario(transaction, scenarioId))),
  }),
  undelete: t.field({
    type: UndeletePayload,
    description:
      'Takes a deletion back: everything is there as it was, with what went with it. A simulation brings its scenarios back as well.',
    args: { input: t.arg({ type: UndeleteInput, required: true, description: 'Which one.' }) },
    resolve: (_, { input: { deletionId } }, { write }) =>
      payloadOf(() => write((transaction) => undelete(transaction, deletionId))),
  }),
  purge: t.field({
    type: DeletionPayload,
    description:
      'Has something that was deleted be deleted for good now, within a minute, instead of at its time. For administrators; it cannot be taken back.',
    args: { input: t.arg({ type: PurgeInput, required: true, description: 'Which one.' }) },
    resolve: (_, { input: { deletionId } }, { write }) =>
      payloadOfStep(write, deletionId, (transaction) => purge(transaction, deletionId)),
  }),
}))
