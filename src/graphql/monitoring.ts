import {
  type ErrorRate,
  errorRates,
  type HourOfSimulations,
  hoursOfSimulations,
} from '../evaluation/rollups/monitoringStore.ts'
import { relatedRow } from '../reads/answers/pages.ts'
import { builder } from './builder/builder.ts'
import type { ReadInStatement } from './builder/fieldRead.ts'
import { Columns } from './lists/columns.ts'
import { defineComputedList } from './lists/computedList.ts'
import { inTheLast } from './lists/filters.ts'
import { outcomeColumns } from './outcome.ts'
import { Scenario } from './scenario.ts'
import { simulationColumns } from './simulation.ts'

/** In rows that are read: all that ended in the time are. */
const SUMMARY_COST = 50

/** So many runs on a day make a rate. */
const MIN_RUNS = 10

const systemPerformanceColumns = new Columns<HourOfSimulations>({
  hour: { kind: 'time', description: 'When the hour begins (UTC).', order: 'The hour.' },
  simulations: {
    kind: 'integer',
    description: 'How many there are.',
    filter: 'By how many were planned in the hour.',
    order: 'How many were planned.',
  },
  completed: { kind: 'integer', description: 'Those that ran to completion.' },
  failed: {
    kind: 'integer',
    description: 'Those that failed.',
    filter: 'By how many of them failed.',
    order: 'How many of them failed.',
  },
  meanExecutionTimeMs: {
    kind: 'number',
    nullable: true,
    description: 'Mean total milliseconds of the simulations of which they are known; null when of none.',
    order: 'Mean total duration of a simulation’s runs.',
  },
  totalCostUsd: {
    kind: 'decimal',
    nullable: true,
    description: 'What those of which it is known cost; null when it is known of none.',
    order: 'What they cost.',
  },
  meanScore: {
    kind: 'number',
    nullable: true,
    description: 'Mean score of those that have one; null when none has.',
    order: 'Their mean score.',
  },
})

const SystemPerformance = builder.objectRef<HourOfSimulations>('SystemPerformance').implement({
  description: 'The simulations planned in one hour.',
  fields: (t) => ({ ...systemPerformanceColumns.fields(t) }),
})

const errorRateColumns = new Columns<ErrorRate>({
  day: { kind: 'time', description: 'When the day begins (UTC).', order: 'The day, then the error rate.' },
  scenarioId: { kind: 'text', description: 'The scenario’s key.', order: 'The scenario.' },
  runs: { kind: 'integer', description: 'Runs that ended on the day.', order: 'How many runs ended.' },
  failed: {
    kind: 'integer',
    description: 'Those that ended without success.',
    order: 'How many of them ended without success.',
  },
  errorRate: {
    kind: 'number',
    description: 'Their share, 0 to 1.',
    filter: 'By the share without success.',
    order: 'The share of runs without success.',
  },
})

const ErrorRateType = builder.objectRef<ErrorRate>('ErrorRate').implement({
  description: 'How often the runs of one scenario failed on one day.',
  fields: (t) => ({
    ...errorRateColumns.fields(t),
    scenario: t.prismaField({
      type: Scenario,
      description: 'The scenario.',
      extensions: {
        read: ({ members }) => relatedRow('scenarios', [['scenarioId', 'scenarioId']], members(), false),
      } satisfies ReadInStatement,
      resolve: (query, { scenarioId }, _, { reads }) =>
        reads.client.scenario.findUniqueOrThrow({ ...query, where: { scenarioId } }),
    }),
  }),
})

const systemPerformancePages = defineComputedList('SystemPerformance', {
  type: SystemPerformance,
  cost: SUMMARY_COST,
  columns: systemPerformanceColumns,
  keys: ['hour'],
  defaultOrder: ['hour', 'desc'],
  filter: 'Filters hours; all conditions must match.',
  of: {
    createdAt: inTheLast(
      1,
      simulationColumns.filter(
        'createdAt',
        'By when the simulations were planned; the last 24 hours by default.',
      ),
    ),
  },
})

const errorRatePages = defineComputedList('ErrorRate', {
  type: ErrorRateType,
  cost: SUMMARY_COST,
  columns: errorRateColumns,
  keys: ['day', 'errorRate', 'scenarioId'],
  defaultOrder: ['day', 'desc'],
  filter: 'Filters scenarios and days; all conditions must match.',
  of: {
    executionTime: inTheLast(
      7,
      outcomeColumns.filter('executionTime', 'By when the runs ended; the last seven days by default.'),
    ),
    scenarioId: outcomeColumns.filter('scenarioId', 'By scenario.'),
  },
  filters: {
    runs: {
      ...errorRateColumns.filter(
        'runs',
        `By how many runs ended on the day: ${MIN_RUNS} or more by default, as fewer mean little.`,
      ),
      otherwise: () => ({ gte: MIN_RUNS }),
    },
  },
})

builder.queryFields((t) => ({
  systemPerformance: t.field(
    systemPerformancePages.root(
      'How many simulations were planned in each hour, and how they ended; latest hour first.',
      (_parents, of) => hoursOfSimulations(of),
    ),
  ),
  errorRates: t.field(
    errorRatePages.root(
      'How often scenarios failed on each day; latest day first, then highest error rate.',
      (_parents, of) => errorRates(of),
    ),
  ),
}))
