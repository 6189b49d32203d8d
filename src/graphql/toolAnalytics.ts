import { RUNS_OF, type RunsOf } from '../evaluation/rollups/runsOf.ts'
import { commonErrors, type ToolAnalytics, toolAnalytics } from '../evaluation/tools/toolAnalyticsStore.ts'
import type { ParentKeys } from '../reads/computedPages.ts'
import type { Where } from '../reads/condition.ts'
import { builder } from './builder/builder.ts'
import type { ReadInStatement } from './builder/fieldRead.ts'
import { Configuration } from './configuration.ts'
import { ConfigVersion } from './configVersion.ts'
import { defineComputedList } from './lists/computedList.ts'
import {
  conditionOf,
  DateTimeFilter,
  IdFilter,
  integerConditionOf,
  NullableNumberFilter,
  NumberFilter,
  outcomeConditionsOf,
  StringFilter,
  supersededField,
  textConditionOf,
  uuidRangeOf,
  versionConditionsOf,
} from './lists/filters.ts'
import { Scenario } from './scenario.ts'
import { Simulation } from './simulation.ts'

const ToolError = builder.objectRef<ToolAnalytics['commonErrors'][number]>('ToolError').implement({
  description: 'An error of a tool’s failed calls.',
  fields: (t) => ({
    message: t.exposeString('message', { description: 'The message without its variable parts.' }),
    attempts: t.exposeInt('attempts', { description: 'Number of attempts with it.' }),
    runs: t.exposeInt('runs', { description: 'Number of runs whose last attempt has it.' }),
  }),
})

const ToolAnalyticsType = builder.objectRef<ToolAnalytics>('ToolAnalytics').implement({
  description:
    'How a tool was used over many runs. Calls, rates, times and costs are of all attempts: all were made and paid for.',
  fields: (t) => ({
    toolName: t.exposeString('toolName', {
      description: 'The tool; prefixed with `user:` if the simulated user called it.',
    }),
    calls: t.expose('calls', { type: 'SafeInt', description: 'How often it was called.' }),
    attempts: t.expose('attempts', { type: 'SafeInt', description: 'Number of attempts that called it.' }),
    runs: t.expose('runs', {
      type: 'SafeInt',
      description: 'Number of runs that called it, each by its last attempt.',
    }),
    successRate: t.exposeFloat('successRate', {
      description: 'Share of the calls that did not fail, 0 to 1.',
    }),
    meanDurationMs: t.exposeFloat('meanDurationMs', {
      nullable: true,
      description: 'Mean milliseconds of a call; null when no times are known.',
    }),
    p95DurationMs: t.exposeFloat('p95DurationMs', {
      nullable: true,
      description:
        '95th percentile of a call’s milliseconds, each call counted with the mean of its attempt; null when no times are known.',
    }),
    totalCostUsd: t.expose('totalCostUsd', {
      type: 'Usd',
      nullable: true,
      description: 'What the calls cost; null when unknown.',
    }),
    commonErrors: t.field({
      type: [ToolError],
      description: 'The five most common errors of failed calls, those of most attempts first.',
      extensions: { read: ({ members }) => commonErrors(members()) } satisfies ReadInStatement,
      resolve: ({ commonErrors }) => commonErrors,
    }),
  }),
})

const ToolAnalyticsFilter = builder.inputType('ToolAnalyticsFilter', {
  description: 'Filters attempts and tools; all conditions must match.',
  fields: (t) => ({
    toolName: t.field({ type: StringFilter, description: 'By tool.' }),
    simulationId: t.field({ type: IdFilter, description: 'By simulation.' }),
    configVersionId: t.field({ type: IdFilter, description: 'By the configuration version that was run.' }),
    configId: t.field({ type: IdFilter, description: 'By the configuration that was run.' }),
    scenarioId: t.field({ type: StringFilter, description: 'By scenario.' }),
    superseded: supersededField(t),
    executionTime: t.field({ type: DateTimeFilter, description: 'By when the attempts ended.' }),
    calls: t.field({
      type: NumberFilter,
      description: 'By how often the tool was called in these attempts.',
    }),
    attempts: t.field({ type: NumberFilter, description: 'By how many of these attempts called it.' }),
    runs: t.field({
      type: NumberFilter,
      description: 'By how many runs whose last attempt is one of these called it.',
    }),
    successRate: t.field({
      type: NumberFilter,
      description: 'By the share of its calls in these attempts that did not fail.',
    }),
    meanDurationMs: t.field({
      type: NullableNumberFilter,
      description: 'By the mean milliseconds of a call in these attempts.',
    }),
    p95DurationMs: t.field({
      type: NullableNumberFilter,
      description: 'By the 95th percentile of a call’s milliseconds in these attempts.',
    }),
    totalCostUsd: t.field({
      type: NullableNumberFilter,
      description: 'By what its calls in these attempts cost in US dollars.',
    }),
  }),
})

type ToolAnalyticsFilter = typeof ToolAnalyticsFilter.$inferInput

/** In rows that are read: all uses of tools in all the runs are. */
const ANALYTICS_COST = 100

const toolAnalyticsPages = defineComputedList<ToolAnalyticsFilter>('ToolAnalytics', {
  type: ToolAnalyticsType,
  cost: ANALYTICS_COST,
  keys: [{ field: 'toolName', kind: 'text' }],
  orders: {
    CALLS: { field: 'calls', kind: 'bigint', description: 'How often it was called.' },
    ATTEMPTS: { field: 'attempts', kind: 'bigint', description: 'Number of attempts that called it.' },
    RUNS: {
      field: 'runs',
      kind: 'bigint',
      description: 'Number of runs that called it, by their last attempts.',
    },
    SUCCESS_RATE: {
      field: 'successRate',
      kind: 'number',
      description: 'The share of the calls that did not fail.',
    },
    MEAN_DURATION_MS: {
      field: 'meanDurationMs',
      kind: 'number',
      nullable: true,
      description: 'How long a call took.',
    },
    P95_DURATION_MS: {
      field: 'p95DurationMs',
      kind: 'number',
      nullable: true,
      description: '95th percentile of a call’s duration.',
    },
    TOTAL_COST_USD: {
      field: 'totalCostUsd',
      kind: 'decimal',
      nullable: true,
      description: 'What the calls cost.',
    },
    TOOL_NAME: { field: 'toolName', kind: 'text', description: 'The tool.' },
  },
  defaultOrder: { field: 'CALLS', direction: 'desc' },
  filter: ToolAnalyticsFilter,
  where: (filter) => ({
    calls: integerConditionOf(filter?.calls, 64),
    attempts: integerConditionOf(filter?.attempts, 64),
    runs: integerConditionOf(filter?.runs, 64),
    successRate: conditionOf(filter?.successRate),
    meanDurationMs: conditionOf(filter?.meanDurationMs),
    p95DurationMs: conditionOf(filter?.p95DurationMs),
    totalCostUsd: conditionOf(filter?.totalCostUsd),
  }),
})

/** Which uses of tools are summed up. */
function usesOf(filter: ToolAnalyticsFilter | undefined): Where {
  if (!filter) return {}
  return {
    toolName: textConditionOf(filter.toolName),
    simulationId: conditionOf(filter.simulationId),
    executionTime: conditionOf(filter.executionTime),
    usageId: uuidRangeOf(filter.executionTime),
    ...outcomeConditionsOf(filter),
    ...versionConditionsOf(filter),
  }
}

/** Sums over the runs that belong to the parents; `runsOf` null: over all. */
const analyticsOf =
  (runsOf: RunsOf | null) => (parents: ParentKeys, filter: ToolAnalyticsFilter | undefined) =>
    toolAnalytics(runsOf, parents, usesOf(filter))

builder.queryField('toolAnalytics', (t) =>
  t.field(
    toolAnalyticsPages.root(
      'How tools were used in all the tenant’s runs, most calls first.',
      analyticsOf(null),
    ),
  ),
)

builder.prismaObjectField(Simulation, 'toolAnalytics', (t) =>
  t.field(
    toolAnalyticsPages.under(
      'simulationId',
      'How tools were used in its runs, most calls first.',
      analyticsOf(RUNS_OF.simulation),
    ),
  ),
)

builder.prismaObjectField(Configuration, 'toolAnalytics', (t) =>
  t.field(
    toolAnalyticsPages.under(
      'configId',
      'How tools were used in all runs of its versions, most calls first.',
      analyticsOf(RUNS_OF.configuration),
    ),
  ),
)

builder.prismaObjectField(ConfigVersion, 'toolAnalytics', (t) =>
  t.field(
    toolAnalyticsPages.under(
      'versionId',
      'How tools were used in all runs of the version, most calls first.',
      analyticsOf(RUNS_OF.configVersion),
    ),
  ),
)

builder.prismaObjectField(Scenario, 'toolAnalytics', (t) =>
  t.field(
    toolAnalyticsPages.under(
      'scenarioId',
      'How tools were used in all runs of the scenario, most calls first.',
      analyticsOf(RUNS_OF.scenario),
    ),
  ),
)
