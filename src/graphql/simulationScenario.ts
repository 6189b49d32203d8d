import type { SimulationScenario as SimulationScenarioRow } from '../db/generated/client.ts'
import { rowWith } from '../reads/answers/pages.ts'
import { all, equal } from '../reads/condition.ts'
import { LENGTHS } from '../valueChecks.ts'
import { builder } from './builder/builder.ts'
import type { ReadInStatement } from './builder/fieldRead.ts'
import { Columns } from './lists/columns.ts'
import { shownRelation } from './lists/relatedRow.ts'
import { defineStoredList } from './lists/storedList.ts'
import { Scenario } from './scenario.ts'
import { Simulation } from './simulation.ts'

const RunStatus = builder.enumType('RunStatus', {
  description: 'The status of one run.',
  values: {
    PENDING: { value: 'pending', description: 'No outcome yet.' },
    RUNNING: {
      value: 'running',
      description: 'Running, as its first heartbeat said.',
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

const simulationScenarioColumns = new Columns<SimulationScenarioRow>({
  simulationId: { kind: 'uuid', description: 'The simulation’s key.', filter: 'By simulation.' },
  scenarioId: {
    kind: 'text',
    maxLength: LENGTHS.scenarioKey.max,
    description: 'The scenario’s key.',
    filter: 'By scenario.',
  },
  repetition: {
    kind: 'integer',
    description: 'Which repetition, from 1.',
    filter: 'By repetition.',
    order: 'Its repetition.',
  },
  executionOrder: {
    kind: 'integer',
    description: 'Its scenario’s position in the simulation, from 1.',
    order: 'Its scenario’s position in the simulation.',
  },
  status: { kind: 'enum', enum: RunStatus, description: 'Its status.', filter: 'By status.' },
  modalCallId: {
    kind: 'text',
    maxLength: LENGTHS.label.max,
    nullable: true,
    description: 'The Modal call of its latest attempt.',
  },
  attempts: { kind: 'integer', description: 'Number of attempts.', filter: 'By number of attempts.' },
  reliabilityScore: {
    kind: 'number',
    nullable: true,
    description: 'The score of its latest attempt, 0 to 1; null when not graded.',
  },
  outcomeId: { kind: 'uuid', nullable: true, description: 'The key of its latest attempt’s outcome.' },
  startedAt: {
    kind: 'time',
    nullable: true,
    description: 'When its latest attempt started.',
    filter: 'By when their latest attempt started.',
  },
  completedAt: {
    kind: 'time',
    nullable: true,
    description: 'When its latest attempt ended.',
    filter: 'By when their latest attempt ended.',
    order: 'When its latest attempt ended.',
  },
})

export const SimulationScenario = builder.prismaNode('SimulationScenario', {
  id: { field: 'simulationId_scenarioId_repetition' },
  nullable: true,
  description: 'One run of a simulation: one scenario, one repetition.',
  select: { simulationId: true, scenarioId: true, repetition: true },
  fields: (t) => ({
    ...simulationScenarioColumns.fields(t),
    simulation: t.field(
      shownRelation('SimulationScenario', 'simulation', Simulation, 'The simulation that it belongs to.'),
    ),
    scenario: t.field(
      shownRelation('SimulationScenario', 'scenario', Scenario, 'The scenario that it runs.'),
    ),
  }),
})

const simulationScenarioPages = defineStoredList('SimulationScenario', {
  model: 'SimulationScenario',
  type: SimulationScenario,
  columns: simulationScenarioColumns,
  keys: ['simulationId', 'scenarioId', 'repetition'],
  defaultOrder: ['executionOrder', 'asc'],
  filter: 'Filters runs; all conditions must match.',
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
      read: ({ args, members }) =>
        rowWith(
          'simulations_scenarios',
          all(
            equal(simulationScenarioColumns.column('simulationId'), args.simulationId),
            equal(simulationScenarioColumns.column('scenarioId'), args.scenarioId),
            equal(simulationScenarioColumns.column('repetition'), args.repetition),
          ),
          members(),
        ),
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
