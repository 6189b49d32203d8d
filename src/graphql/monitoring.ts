import {
  type ErrorRate,
  errorRates,
  type HourOfSimulations,
  hoursOfSimulations,
  type PerformanceBucket,
  performanceBuckets,
} from '../evaluation/rollups/monitoringStore.ts'
import { relatedRow } from '../reads/answers/pages.ts'
import type { PageArgs } from '../reads/pagePlan.ts'
import { builder } from './builder/builder.ts'
import type { PlannedField, ReadInStatement } from './builder/fieldRead.ts'
import { defineComputedList } from './lists/computedList.ts'
import {
  conditionOf,
  DateTimeFilter,
  integerConditionOf,
  NumberFilter,
  StringFilter,
  textConditionOf,
} from './lists/filters.ts'
import { checkRanges } from './lists/ranges.ts'
import { Scenario } from './scenario.ts'
import { Simulation } from './simulation.ts'

const HOUR_MS = 60 * 60 * 1000
const DAY_MS = 24 * HOUR_MS

/** In rows that are read: all that ended in the time are. */
const SUMMARY_COST = 50

/** So many runs on a day make a rate. */
const MIN_RUNS = 10

const SystemPerformance = builder.objectRef<HourOfSimulations>('SystemPerformance').implement({
  description: 'The simulations planned in one hour.',
  fields: (t) => ({
    hour: t.expose('hour', { type: 'DateTime', description: 'When the hour begins (UTC).' }),
    simulations: t.exposeInt('simulations', { description: 'How many there are.' }),
    completed: t.exposeInt('completed', { description: 'Those that ran to completion.' }),
    failed: t.exposeInt('failed', { description: 'Those that failed.' }),
    meanExecutionTimeMs: t.exposeFloat('meanExecutionTimeMs', {
      nullable: true,
      description: 'Mean total milliseconds of the simulations of which they are known; null when of none.',
    }),
    totalCostUsd: t.expose('totalCostUsd', {
      type: 'Usd',
      nullable: true,
      description: 'What those of which it is known cost; null when it is known of none.',
    }),
    meanScore: t.exposeFloat('meanScore', {
      nullable: true,
      description: 'Mean score of those that have one; null when none has.',
    }),
  }),
})

const ErrorRateType = builder.objectRef<ErrorRate>('ErrorRate').implement({
  description: 'How often the runs of one scenario failed on one day.',
  fields: (t) => ({
    day: t.expose('day', { type: 'DateTime', description: 'When the day begins (UTC).' }),
    scenarioId: t.exposeString('scenarioId', { description: 'The scenario’s key.' }),
    runs: t.exposeInt('runs', { description: 'Runs that ended on the day.' }),
    failed: t.exposeInt('failed', { description: 'Those that ended without success.' }),
    errorRate: t.exposeFloat('errorRate', { description: 'Their share, 0 to 1.' }),
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

const Grain = builder.enumType('TimeGrain', {
  description: 'The length of one time bucket.',
  values: {
    HOUR: { value: 'hour', description: 'One hour.' },
    DAY: { value: 'day', description: 'One day (UTC).' },
  } as const,
})

const Performance = builder.objectRef<PerformanceBucket>('SimulationPerformance').implement({
  description: 'What ended in one hour or day of a simulation.',
  fields: (t) => ({
    bucket: t.expose('bucket', { type: 'DateTime', description: 'When the hour or day begins (UTC).' }),
    attempts: t.exposeInt('attempts', { description: 'Attempts that ended.' }),
    outcomes: t.exposeInt('outcomes', {
      description: 'Runs that ended: each counts once, when its last attempt ended.',
    }),
    succeeded: t.exposeInt('succeeded', { description: 'Those that succeeded.' }),
    failed: t.exposeInt('failed', { description: 'Those that ended in any other way.' }),
    scored: t.exposeInt('scored', { description: 'Those that were graded.' }),
    meanScore: t.exposeFloat('meanScore', {
      nullable: true,
      description: 'Mean score of the graded ones; null when there is none.',
    }),
    tokens: t.expose('tokens', {
      type: 'SafeInt',
      nullable: true,
      description: 'Tokens of the attempts; null when unknown.',
    }),
    costUsd: t.expose('costUsd', {
      type: 'Usd',
      nullable: true,
      description: 'What the attempts cost; null when unknown.',
    }),
    p50Ms: t.exposeFloat('p50Ms', {
      nullable: true,
      description: 'Median milliseconds of a run; null when unknown.',
    }),
    p95Ms: t.exposeFloat('p95Ms', {
      nullable: true,
      description: '95th percentile of a run’s milliseconds; null when unknown.',
    }),
  }),
})

const SystemPerformanceFilter = builder.inputType('SystemPerformanceFilter', {
  description: 'Filters hours; all conditions must match.',
  fields: (t) => ({
    createdAt: t.field({
      type: DateTimeFilter,
      description: 'By when the simulations were planned; the last 24 hours by default.',
    }),
    simulations: t.field({ type: NumberFilter, description: 'By how many were planned in the hour.' }),
    failed: t.field({ type: NumberFilter, description: 'By how many of them failed.' }),
  }),
})

const systemPerformancePages = defineComputedList<typeof SystemPerformanceFilter.$inferInput>(
  'SystemPerformance',
  {
    type: SystemPerformance,
    cost: SUMMARY_COST,
    keys: [{ field: 'hour', kind: 'time' }],
    orders: {
      HOUR: { field: 'hour', kind: 'time', description: 'The hour.' },
      SIMULATIONS: { field: 'simulations', kind: 'integer', description: 'How many were planned.' },
      FAILED: { field: 'failed', kind: 'integer', description: 'How many of them failed.' },
      MEAN_EXECUTION_TIME_MS: {
        field: 'meanExecutionTimeMs',
        kind: 'number',
        nullable: true,
        description: 'Mean total duration of a simulation’s runs.',
      },
      TOTAL_COST_USD: {
        field: 'totalCostUsd',
        kind: 'decimal',
        nullable: true,
        description: 'What they cost.',
      },
      MEAN_SCORE: { field: 'meanScore', kind: 'number', nullable: true, description: 'Their mean score.' },
    },
    defaultOrder: { field: 'HOUR', direction: 'desc' },
    filter: SystemPerformanceFilter,
    where: (filter) => ({
      simulations: integerConditionOf(filter?.simulations),
      failed: integerConditionOf(filter?.failed),
    }),
  },
)

const ErrorRateFilter = builder.inputType('ErrorRateFilter', {
  description: 'Filters scenarios and days; all conditions must match.',
  fields: (t) => ({
    executionTime: t.field({
      type: DateTimeFilter,
      description: 'By when the runs ended; the last seven days by default.',
    }),
    scenarioId: t.field({ type: StringFilter, description: 'By scenario.' }),
    runs: t.field({
      type: NumberFilter,
      description: `By how many runs ended on the day: ${MIN_RUNS} or more by default, as fewer mean little.`,
    }),
    errorRate: t.field({ type: NumberFilter, description: 'By the share without success.' }),
  }),
})

const errorRatePages = defineComputedList<typeof ErrorRateFilter.$inferInput>('ErrorRate', {
  type: ErrorRateType,
  cost: SUMMARY_COST,
  // The rate tells no rows apart: it puts the worst of a day first.
  keys: [
    { field: 'day', kind: 'time' },
    { field: 'errorRate', kind: 'number' },
    { field: 'scenarioId', kind: 'text' },
  ],
  orders: {
    DAY: { field: 'day', kind: 'time', description: 'The day, then the error rate.' },
    ERROR_RATE: { field: 'errorRate', kind: 'number', description: 'The share of runs without success.' },
    RUNS: { field: 'runs', kind: 'integer', description: 'How many runs ended.' },
    FAILED: { field: 'failed', kind: 'integer', description: 'How many of them ended without success.' },
    SCENARIO_ID: { field: 'scenarioId', kind: 'text', description: 'The scenario.' },
  },
  defaultOrder: { field: 'DAY', direction: 'desc' },
  filter: ErrorRateFilter,
  where: (filter) => ({
    runs: integerConditionOf(filter?.runs ?? { gte: MIN_RUNS }),
    errorRate: conditionOf(filter?.errorRate),
  }),
})

const SimulationPerformanceFilter = builder.inputType('SimulationPerformanceFilter', {
  description: 'Filters hours or days; all conditions must match.',
  fields: (t) => ({
    bucket: t.field({
      type: DateTimeFilter,
      description: 'By time: the hours or days that the range touches, the one that it begins in too.',
    }),
    attempts: t.field({ type: NumberFilter, description: 'By how many attempts ended.' }),
    outcomes: t.field({ type: NumberFilter, description: 'By how many runs ended.' }),
    failed: t.field({ type: NumberFilter, description: 'By how many of them ended without success.' }),
  }),
})

const performancePages = defineComputedList<typeof SimulationPerformanceFilter.$inferInput>(
  'SimulationPerformance',
  {
    type: Performance,
    cost: SUMMARY_COST,
    keys: [{ field: 'bucket', kind: 'time' }],
    orders: {
      BUCKET: { field: 'bucket', kind: 'time', description: 'The hour or day.' },
      OUTCOMES: { field: 'outcomes', kind: 'integer', description: 'How many runs ended.' },
      FAILED: { field: 'failed', kind: 'integer', description: 'How many of them ended without success.' },
      MEAN_SCORE: { field: 'meanScore', kind: 'number', nullable: true, description: 'Their mean score.' },
      COST_USD: { field: 'costUsd', kind: 'decimal', nullable: true, description: 'What they cost.' },
      P95_MS: {
        field: 'p95Ms',
        kind: 'number',
        nullable: true,
        description: '95th percentile of a run’s duration.',
      },
    },
    defaultOrder: { field: 'BUCKET', direction: 'asc' },
    filter: SimulationPerformanceFilter,
    where: (filter) => ({
      bucket: conditionOf(filter?.bucket),
      attempts: integerConditionOf(filter?.attempts),
      outcomes: integerConditionOf(filter?.outcomes),
      failed: integerConditionOf(filter?.failed),
    }),
  },
)

/** A range of times as one of the hours or days that hold them. */
function touchedBuckets(
  range: typeof DateTimeFilter.$inferInput | null | undefined,
  grain: 'hour' | 'day',
): typeof range {
  if (!range) return range
  const lengthMs = grain === 'hour' ? HOUR_MS : DAY_MS
  const starts = [range.gte, range.gt].flatMap((time) => (time ? [time.getTime()] : []))
  if (starts.length === 0) return range
  const start = new Date(Math.floor(Math.max(...starts) / lengthMs) * lengthMs)
  return { ...range, gt: undefined, gte: start }
}

const inTheLast = (days: number, now: Date) => ({ gte: new Date(now.getTime() - days * DAY_MS) })

builder.queryFields((t) => ({
  systemPerformance: t.field(
    systemPerformancePages.root(
      'How many simulations were planned in each hour, and how they ended; latest hour first.',
      (_parents, filter, now) =>
        hoursOfSimulations({ createdAt: conditionOf(filter?.createdAt) ?? inTheLast(1, now()) }),
    ),
  ),
  errorRates: t.field(
    errorRatePages.root(
      'How often scenarios failed on each day; latest day first, then highest error rate.',
      (_parents, filter, now) =>
        errorRates({
          executionTime: conditionOf(filter?.executionTime) ?? inTheLast(7, now()),
          scenarioId: textConditionOf(filter?.scenarioId),
        }),
    ),
  ),
}))

/** The filter of the rows themselves: ranges of times as the hours or days that hold them. */
function bucketed({ grain, ...args }: PerformanceArgs) {
  const { filter } = args
  // The buckets that a range touches always have one.
  if (filter) checkRanges(filter)
  return { ...args, filter: filter && { ...filter, bucket: touchedBuckets(filter.bucket, grain) } }
}

type PerformanceArgs = PageArgs & {
  grain: 'hour' | 'day'
  filter?: typeof SimulationPerformanceFilter.$inferInput | null
}

builder.prismaObjectField(Simulation, 'performance', (t) =>
  t.field({
    ...performancePages.options,
    description: 'What ended in each hour or day; those in which nothing ended are left out.',
    extensions: {
      page: true,
      cost: SUMMARY_COST,
      read: ({ args, ...field }: PlannedField<PerformanceArgs>) =>
        performancePages.readInStatement(
          (simulationIds) => performanceBuckets(args.grain, simulationIds),
          'simulationId',
          { ...field, args: bucketed(args) },
        ),
    },
    args: {
      ...performancePages.options.args,
      grain: t.arg({ type: Grain, required: true, defaultValue: 'hour', description: 'Hours or days.' }),
    },
    resolve: ({ simulationId }, args, context, info) =>
      performancePages.read(
        (simulationIds) => performanceBuckets(args.grain, simulationIds),
        simulationId,
        bucketed(args),
        context,
        info,
      ),
  }),
)
