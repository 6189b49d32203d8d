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
import { Columns } from './lists/columns.ts'
import { defineComputedList } from './lists/computedList.ts'
import type { FilterField } from './lists/filters.ts'
import { checkRanges } from './lists/ranges.ts'
import { outcomeColumns } from './outcome.ts'
import { Scenario } from './scenario.ts'
import { Simulation, simulationColumns } from './simulation.ts'

const HOUR_MS = 60 * 60 * 1000
const DAY_MS = 24 * HOUR_MS

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

/** The same filter of a time, and what it is when nobody says. */
function inTheLast(days: number, filter: FilterField): FilterField {
  return { ...filter, otherwise: (now) => ({ gte: new Date(now().getTime() - days * DAY_MS) }) }
}

const Grain = builder.enumType('TimeGrain', {
  description: 'The length of one time bucket.',
  values: {
    HOUR: { value: 'hour', description: 'One hour.' },
    DAY: { value: 'day', description: 'One day (UTC).' },
  } as const,
})

const simulationPerformanceColumns = new Columns<PerformanceBucket>({
  bucket: {
    kind: 'time',
    description: 'When the hour or day begins (UTC).',
    filter: 'By time: the hours or days that the range touches, the one that it begins in too.',
    order: 'The hour or day.',
  },
  attempts: { kind: 'integer', description: 'Attempts that ended.', filter: 'By how many attempts ended.' },
  outcomes: {
    kind: 'integer',
    description: 'Runs that ended: each counts once, when its last attempt ended.',
    filter: 'By how many runs ended.',
    order: 'How many runs ended.',
  },
  succeeded: { kind: 'integer', description: 'Those that succeeded.' },
  failed: {
    kind: 'integer',
    description: 'Those that ended in any other way.',
    filter: 'By how many of them ended without success.',
    order: 'How many of them ended without success.',
  },
  scored: { kind: 'integer', description: 'Those that were graded.' },
  meanScore: {
    kind: 'number',
    nullable: true,
    description: 'Mean score of the graded ones; null when there is none.',
    order: 'Their mean score.',
  },
  tokens: { kind: 'bigint', nullable: true, description: 'Tokens of the attempts; null when unknown.' },
  costUsd: {
    kind: 'decimal',
    nullable: true,
    description: 'What the attempts cost; null when unknown.',
    order: 'What they cost.',
  },
  p50Ms: { kind: 'number', nullable: true, description: 'Median milliseconds of a run; null when unknown.' },
  p95Ms: {
    kind: 'number',
    nullable: true,
    description: '95th percentile of a run’s milliseconds; null when unknown.',
    order: '95th percentile of a run’s duration.',
  },
})

const Performance = builder.objectRef<PerformanceBucket>('SimulationPerformance').implement({
  description: 'What ended in one hour or day of a simulation.',
  fields: (t) => ({ ...simulationPerformanceColumns.fields(t) }),
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

const performancePages = defineComputedList('SimulationPerformance', {
  type: Performance,
  cost: SUMMARY_COST,
  columns: simulationPerformanceColumns,
  keys: ['bucket'],
  defaultOrder: ['bucket', 'asc'],
  filter: 'Filters hours or days; all conditions must match.',
})

type TimeRange = { [bound in 'gte' | 'gt' | 'lte' | 'lt']?: Date | null | undefined }

/** A range of times as one of the hours or days that hold them. */
function touchedBuckets(
  range: TimeRange | null | undefined,
  grain: 'hour' | 'day',
): TimeRange | null | undefined {
  if (!range) return range
  const lengthMs = grain === 'hour' ? HOUR_MS : DAY_MS
  const starts = [range.gte, range.gt].flatMap((time) => (time ? [time.getTime()] : []))
  if (starts.length === 0) return range
  const start = new Date(Math.floor(Math.max(...starts) / lengthMs) * lengthMs)
  return { ...range, gt: undefined, gte: start }
}

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

/** The filter of the rows themselves: ranges of times as the hours or days that hold them. */
function bucketed({ grain, ...args }: PerformanceArgs) {
  const { filter } = args
  // The buckets that a range touches always have one.
  if (filter) checkRanges(filter)
  return { ...args, filter: filter && { ...filter, bucket: touchedBuckets(filter.bucket, grain) } }
}

type PerformanceArgs = PageArgs & {
  grain: 'hour' | 'day'
  filter?: { bucket?: TimeRange | null } | null
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
