import type { Prisma } from '../db/generated/client.ts'
import { rowWith } from '../reads/answers/pages.ts'
import { builder } from './builder/builder.ts'
import { enumField } from './builder/enumField.ts'
import type { ReadInStatement } from './builder/fieldRead.ts'
import {
  conditionOf,
  enumFilter,
  IdFilter,
  integerConditionOf,
  NullableDateTimeFilter,
  NumberFilter,
  StringFilter,
  textConditionOf,
} from './lists/filters.ts'
import { defineStoredList } from './lists/storedList.ts'
import { Scenario } from './scenario.ts'
import { Simulation } from './simulation.ts'

const RunStatus = builder.enumType('RunStatus', {
  description: 'The status of one run.',
  values: {
    PENDING: { value: 'pending', description: 'No outcome yet.' },
    RUNNING: {
      value: 'running',
      description: 'Running. Arc learns of a run when it ends: no mutation reports this yet.',
    },
    SUCCESS: { value: 'success', description: 'Ended with success.' },
    ERROR: { value: 'error', description: 'Ended with an error, or without having reached its goal.' },
    TIMEOUT: { value: 'timeout', description: 'Took too long or too many steps.' },
    CANCELLED: {
      value: 'cancelled',
      description: 'Was stopped, or had no outcome when its simulation ended.',
    },
  } as const,
})

export const SimulationScenario = builder.prismaNode('SimulationScenario', {
  id: { field: 'simulationId_scenarioId_repetition' },
  nullable: true,
  description: 'One run of a simulation: one scenario, one repetition.',
  select: { simulationId: true, scenarioId: true, repetition: true },
  fields: (t) => ({
    simulationId: t.expose('simulationId', { type: 'UUID', description: 'The simulation’s key.' }),
    scenarioId: t.exposeString('scenarioId', { description: 'The scenario’s key.' }),
    repetition: t.exposeInt('repetition', { description: 'Which repetition, from 1.' }),
    executionOrder: t.exposeInt('executionOrder', {
      description: 'Its scenario’s position in the simulation, from 1.',
    }),
    status: enumField(t, 'status', { type: RunStatus, description: 'Its status.' }),
    modalCallId: t.exposeString('modalCallId', {
      nullable: true,
      description: 'The Modal call of its latest attempt.',
    }),
    attempts: t.exposeInt('attempts', { description: 'Number of attempts.' }),
    reliabilityScore: t.exposeFloat('reliabilityScore', {
      nullable: true,
      description: 'The score of its latest attempt, 0 to 1; null when not graded.',
    }),
    outcomeId: t.expose('outcomeId', {
      type: 'UUID',
      nullable: true,
      description: 'The key of its latest attempt’s outcome.',
    }),
    startedAt: t.expose('startedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When its latest attempt started.',
    }),
    completedAt: t.expose('completedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When its latest attempt ended.',
    }),
    simulation: t.relation('simulation', { description: 'The simulation that it belongs to.' }),
    scenario: t.relation('scenario', { description: 'The scenario that it runs.' }),
  }),
})

const RunStatusFilter = enumFilter('RunStatusFilter', RunStatus)

const SimulationScenarioFilter = builder.inputType('SimulationScenarioFilter', {
  description: 'Filters runs; all conditions must match.',
  fields: (t) => ({
    simulationId: t.field({ type: IdFilter, description: 'By simulation.' }),
    scenarioId: t.field({ type: StringFilter, description: 'By scenario.' }),
    repetition: t.field({ type: NumberFilter, description: 'By repetition.' }),
    status: t.field({ type: RunStatusFilter, description: 'By status.' }),
    attempts: t.field({ type: NumberFilter, description: 'By number of attempts.' }),
    startedAt: t.field({
      type: NullableDateTimeFilter,
      description: 'By when their latest attempt started.',
    }),
    completedAt: t.field({
      type: NullableDateTimeFilter,
      description: 'By when their latest attempt ended.',
    }),
  }),
})

const simulationScenarioPages = defineStoredList('SimulationScenario', {
  model: 'SimulationScenario',
  table: 'simulations_scenarios',
  type: SimulationScenario,
  keys: [
    { field: 'simulationId', kind: 'uuid' },
    { field: 'scenarioId', kind: 'text' },
    { field: 'repetition', kind: 'integer' },
  ],
  orders: {
    EXECUTION_ORDER: {
      field: 'executionOrder',
      kind: 'integer',
      description: 'Its scenario’s position in the simulation.',
    },
    REPETITION: { field: 'repetition', kind: 'integer', description: 'Its repetition.' },
    COMPLETED_AT: {
      field: 'completedAt',
      kind: 'time',
      nullable: true,
      description: 'When its latest attempt ended.',
    },
  },
  defaultOrder: { field: 'EXECUTION_ORDER', direction: 'asc' },
  filter: SimulationScenarioFilter,
  where: (filter): Prisma.SimulationScenarioWhereInput & Record<string, unknown> => ({
    simulationId: conditionOf(filter.simulationId),
    scenarioId: textConditionOf(filter.scenarioId),
    repetition: integerConditionOf(filter.repetition),
    status: conditionOf(filter.status),
    attempts: integerConditionOf(filter.attempts),
    startedAt: conditionOf(filter.startedAt),
    completedAt: conditionOf(filter.completedAt),
  }),
})

builder.prismaObjectField(Simulation, 'runs', (t) =>
  t.field(
    simulationScenarioPages.under(
      { key: 'simulationId', field: 'simulationId', type: 'uuid' },
      'Its runs, one for each scenario and repetition, in their order.',
    ),
  ),
)

builder.prismaObjectField(Scenario, 'runs', (t) =>
  t.field(
    simulationScenarioPages.under(
      { key: 'scenarioId', field: 'scenarioId', type: 'text' },
      'Its runs in all simulations.',
    ),
  ),
)

builder.queryFields((t) => ({
  simulationScenario: t.prismaField({
    type: SimulationScenario,
    nullable: true,
    description: 'A run by its key.',
    extensions: {
      read: ({ args, members }) => rowWith('simulations_scenarios', args, members()),
    } satisfies ReadInStatement,
    args: {
      simulationId: t.arg({ type: 'UUID', required: true, description: 'The simulation’s key.' }),
      scenarioId: t.arg.string({ required: true, description: 'The scenario’s key.' }),
      repetition: t.arg.int({ required: true, defaultValue: 1, description: 'Which repetition, from 1.' }),
    },
    resolve: (query, _, { simulationId, scenarioId, repetition }, { reads }) =>
      reads.client.simulationScenario.findUnique({
        ...query,
        where: { simulationId_scenarioId_repetition: { simulationId, scenarioId, repetition } },
      }),
  }),
  simulationScenarios: t.field(simulationScenarioPages.root('The runs of all the tenant’s simulations.')),
}))
