import type { Deletion as DeletionRow } from '../db/generated/client.ts'
import type { StoredDeletion } from '../evaluation/deleted/deletedStore.ts'
import {
  deleteConfiguration,
  deleteScenario,
  deleteSimulation,
  purge,
  undelete,
} from '../evaluation/deletions/deletions.ts'
import { builder } from './builder/builder.ts'
import { configurationPages } from './configuration.ts'
import { Columns } from './lists/columns.ts'
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

const deletionColumns = new Columns<DeletionRow>({
  deletionId: { kind: 'uuid', description: 'Its key.', filter: 'By key.' },
  kind: {
    kind: 'enum',
    enum: DeletedKindEnum,
    description: 'What was deleted.',
    filter: 'By what was deleted.',
  },
  configId: {
    kind: 'uuid',
    nullable: true,
    description: 'The key of the configuration, if it is one.',
    filter: 'By the key of the configuration.',
  },
  scenarioId: {
    kind: 'text',
    nullable: true,
    description: 'The key of the scenario, if it is one.',
    filter: 'By the key of the scenario.',
  },
  simulationId: {
    kind: 'uuid',
    nullable: true,
    description: 'The key of the simulation, if it is one.',
    filter: 'By the key of the simulation.',
  },
  name: {
    kind: 'text',
    description: 'What it was called; its key if it had no name.',
    filter: 'By name.',
    order: 'Its name.',
  },
  withDeletionId: {
    kind: 'uuid',
    nullable: true,
    description: 'The deletion of the configuration that it went with, and comes back with.',
    filter: 'By the deletion that they went with; isNull finds those that were deleted themselves.',
  },
  deletedAt: {
    kind: 'time',
    description: 'When it was deleted.',
    filter: 'By when it was deleted.',
    order: 'When it was deleted.',
  },
  deletedBy: { kind: 'text', nullable: true, description: 'Who deleted it.', filter: 'By who deleted it.' },
  purgeAt: {
    kind: 'time',
    nullable: true,
    description: 'When it is deleted for good; null when it is kept until somebody does that.',
    filter: 'By when it is deleted for good.',
  },
})

const Deletion = builder.prismaNode('Deletion', {
  id: { field: 'deletionId' },
  nullable: true,
  description:
    'Something that was deleted and can be taken back: until then it is in no list and in no figure. Deleted for good, it has no deletion any more; the audit log has it.',
  select: { deletionId: true },
  fields: (t) => ({ ...deletionColumns.fields(t) }),
})

const deletionPages = defineStoredList('Deletion', {
  model: 'Deletion',
  type: Deletion,
  columns: deletionColumns,
  keys: ['deletionId'],
  defaultOrder: ['deletedAt', 'desc'],
  filter: 'Filters deletions; all conditions must match.',
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
