import DataLoader from 'dataloader'
import {
  type ErrorRate,
  type HourOfSimulations,
  type PerformanceBucket,
  readErrorRates,
  readPerformance,
  readSystemPerformance,
} from '../evaluation/monitoringStore.ts'
import { Refusal } from '../refusal.ts'
import { sharedByField } from './batch.ts'
import { builder } from './builder.ts'
import { conditionOf, DateTimeFilter } from './filters.ts'
import { checkPageSize, MAX_PAGE_SIZE } from './pageReading.ts'
import { Simulation } from './simulation.ts'

const DAY_MS = 24 * 60 * 60 * 1000

/** In rows that are read: all that ended in the time are. */
const SUMMARY_COST = 50

const SystemPerformance = builder.objectRef<HourOfSimulations>('SystemPerformance').implement({
  description: 'The simulations that were planned in one hour.',
  fields: (t) => ({
    hour: t.expose('hour', { type: 'DateTime', description: 'When the hour begins (UTC).' }),
    simulations: t.exposeInt('simulations', { description: 'How many there are.' }),
    completed: t.exposeInt('completed', { description: 'Those that went through to their end.' }),
    failed: t.exposeInt('failed', { description: 'Those that broke off.' }),
    meanExecutionTimeMs: t.exposeFloat('meanExecutionTimeMs', {
      description: 'Mean milliseconds that the runs of one took together.',
    }),
    totalCostUsd: t.expose('totalCostUsd', { type: 'Usd', description: 'What they cost.' }),
    meanScore: t.exposeFloat('meanScore', {
      nullable: true,
      description: 'Mean score of those that have one; null when none has.',
    }),
  }),
})

const ErrorRateType = builder.objectRef<ErrorRate>('ErrorRate').implement({
  description: 'How often the runs of one scenario went wrong on one day.',
  fields: (t) => ({
    day: t.expose('day', { type: 'DateTime', description: 'When the day begins (UTC).' }),
    scenarioId: t.exposeString('scenarioId', { description: 'The scenario’s key.' }),
    runs: t.exposeInt('runs', { description: 'Runs that ended on the day.' }),
    failed: t.exposeInt('failed', { description: 'Those that ended without success.' }),
    errorRate: t.exposeFloat('errorRate', { description: 'Their share, 0 to 1.' }),
  }),
})

const Grain = builder.enumType('TimeGrain', {
  description: 'How long the steps of a course are.',
  values: {
    HOUR: { value: 'hour', description: 'One hour.' },
    DAY: { value: 'day', description: 'One day (UTC).' },
  } as const,
})

const Performance = builder.objectRef<PerformanceBucket>('SimulationPerformance').implement({
  description: 'What ended in one hour or day of a simulation.',
  fields: (t) => ({
    bucket: t.expose('bucket', { type: 'DateTime', description: 'When the hour or day begins (UTC).' }),
    outcomes: t.exposeInt('outcomes', { description: 'Runs that ended.' }),
    succeeded: t.exposeInt('succeeded', { description: 'Those that ended with success.' }),
    failed: t.exposeInt('failed', { description: 'Those that ended in any other way.' }),
    meanScore: t.exposeFloat('meanScore', {
      nullable: true,
      description: 'Mean score of the graded ones; null when there is none.',
    }),
    tokens: t.expose('tokens', {
      type: 'SafeInt',
      nullable: true,
      description: 'Their tokens; null when unknown.',
    }),
    costUsd: t.expose('costUsd', {
      type: 'Usd',
      nullable: true,
      description: 'What they cost; null when unknown.',
    }),
    p50Ms: t.exposeFloat('p50Ms', {
      nullable: true,
      description: 'Milliseconds that half of them did not exceed; null when unknown.',
    }),
    p95Ms: t.exposeFloat('p95Ms', {
      nullable: true,
      description: 'Milliseconds that 95 of 100 did not exceed; null when unknown.',
    }),
  }),
})

builder.queryFields((t) => ({
  systemPerformance: t.field({
    type: [SystemPerformance],
    description:
      'How many simulations were planned, hour by hour, and what became of them; at most the latest 1,000 hours in which any was.',
    extensions: { cost: SUMMARY_COST },
    args: {
      createdAt: t.arg({
        type: DateTimeFilter,
        description: 'Over which time; the last 24 hours when not given.',
      }),
    },
    resolve: (_, { createdAt }, { reads }) =>
      readSystemPerformance(reads, conditionOf(createdAt) ?? { gte: new Date(Date.now() - DAY_MS) }),
  }),
  errorRates: t.field({
    type: [ErrorRateType],
    description: 'How often scenarios went wrong, day by day: the latest day first, on each the worst.',
    extensions: { cost: SUMMARY_COST },
    args: {
      executionTime: t.arg({
        type: DateTimeFilter,
        description: 'Over which time; the last seven days when not given.',
      }),
      minRuns: t.arg.int({
        required: true,
        defaultValue: 10,
        description: 'Only scenarios with as many runs on the day: few say little.',
      }),
      first: t.arg.int({
        required: true,
        defaultValue: 100,
        description: `How many at most; ${MAX_PAGE_SIZE} at most.`,
      }),
    },
    resolve: (_, { executionTime, minRuns, first }, { reads }) => {
      checkPageSize(first, null)
      if (minRuns < 1)
        throw new Refusal('BAD_USER_INPUT', `minRuns is ${minRuns}; it has to be 1 or more.`, ['minRuns'])
      const time = conditionOf(executionTime) ?? { gte: new Date(Date.now() - 7 * DAY_MS) }
      return readErrorRates(reads, time, minRuns, first)
    },
  }),
}))

builder.prismaObjectField(Simulation, 'performance', (t) =>
  t.field({
    type: [Performance],
    select: { simulationId: true },
    description: 'What ended when, hour by hour or day by day; those in which nothing ended are left out.',
    extensions: { cost: SUMMARY_COST },
    args: {
      grain: t.arg({ type: Grain, required: true, defaultValue: 'hour', description: 'Hours or days.' }),
      range: t.arg({ type: DateTimeFilter, description: 'Only hours or days that begin in this time.' }),
    },
    resolve: ({ simulationId }, { grain, range }, context, info) => {
      const { loader } = sharedByField(
        context,
        info,
        () =>
          new DataLoader<string, PerformanceBucket[]>(async (ids) => {
            const bySimulation = await readPerformance(context.reads, ids, grain, {
              bucket: conditionOf(range),
            })
            return ids.map((id) => bySimulation.get(id)!)
          }),
      )
      return loader.load(simulationId)
    },
  }),
)
