import { RUNS_OF, type RunsOf } from '../evaluation/rollups/runsOf.ts'
import { commonErrors, type ToolAnalytics, toolAnalytics } from '../evaluation/tools/toolAnalyticsStore.ts'
import type { ParentKeys } from '../reads/computedPages.ts'
import type { Condition } from '../reads/condition.ts'
import { builder } from './builder/builder.ts'
import type { ReadInStatement } from './builder/fieldRead.ts'
import { Configuration } from './configuration.ts'
import { ConfigVersion } from './configVersion.ts'
import { Columns } from './lists/columns.ts'
import { defineComputedList } from './lists/computedList.ts'
import { BY_SUPERSEDED, byConfiguration, byConfigVersion } from './outcome.ts'
import { Scenario } from './scenario.ts'
import { Simulation } from './simulation.ts'
import { toolUsageColumns } from './toolUsage.ts'

const toolErrorColumns = new Columns<ToolAnalytics['commonErrors'][number]>({
  message: { kind: 'text', description: 'The message without its variable parts.' },
  attempts: { kind: 'integer', description: 'Number of attempts with it.' },
  runs: { kind: 'integer', description: 'Number of runs whose last attempt has it.' },
})

const ToolError = builder.objectRef<ToolAnalytics['commonErrors'][number]>('ToolError').implement({
  description: 'An error of a tool’s failed calls.',
  fields: (t) => toolErrorColumns.fields(t),
})

const toolAnalyticsColumns = new Columns<ToolAnalytics>({
  toolName: {
    kind: 'text',
    description: 'The tool; prefixed with `user:` if the simulated user called it.',
    order: 'The tool.',
  },
  calls: {
    kind: 'bigint',
    description: 'How often it was called.',
    filter: 'By how often the tool was called in these attempts.',
    order: 'How often it was called.',
  },
  attempts: {
    kind: 'bigint',
    description: 'Number of attempts that called it.',
    filter: 'By how many of these attempts called it.',
    order: 'Number of attempts that called it.',
  },
  runs: {
    kind: 'bigint',
    description: 'Number of runs that called it, each by its last attempt.',
    filter: 'By how many runs whose last attempt is one of these called it.',
    order: 'Number of runs that called it, by their last attempts.',
  },
  successRate: {
    kind: 'number',
    description: 'Share of the calls that did not fail, 0 to 1.',
    filter: 'By the share of its calls in these attempts that did not fail.',
    order: 'The share of the calls that did not fail.',
  },
  meanDurationMs: {
    kind: 'number',
    nullable: true,
    description: 'Mean milliseconds of a call; null when no times are known.',
    filter: 'By the mean milliseconds of a call in these attempts.',
    order: 'How long a call took.',
  },
  p95DurationMs: {
    kind: 'number',
    nullable: true,
    description:
      '95th percentile of a call’s milliseconds, each call counted with the mean of its attempt; null when no times are known.',
    filter: 'By the 95th percentile of a call’s milliseconds in these attempts.',
    order: '95th percentile of a call’s duration.',
  },
  totalCostUsd: {
    kind: 'decimal',
    nullable: true,
    description: 'What the calls cost; null when unknown.',
    filter: 'By what its calls in these attempts cost in US dollars.',
    order: 'What the calls cost.',
  },
})

const ToolAnalyticsType = builder.objectRef<ToolAnalytics>('ToolAnalytics').implement({
  description:
    'How a tool was used over many runs. Calls, rates, times and costs are of all attempts: all were made and paid for.',
  fields: (t) => ({
    ...toolAnalyticsColumns.fields(t),
    commonErrors: t.field({
      type: [ToolError],
      description: 'The five most common errors of failed calls, those of most attempts first.',
      extensions: { read: ({ members }) => commonErrors(members()) } satisfies ReadInStatement,
      resolve: ({ commonErrors }) => commonErrors,
    }),
  }),
})

/** In rows that are read: all uses of tools in all the runs are. */
const ANALYTICS_COST = 100

const toolAnalyticsPages = defineComputedList('ToolAnalytics', {
  type: ToolAnalyticsType,
  cost: ANALYTICS_COST,
  columns: toolAnalyticsColumns,
  keys: ['toolName'],
  defaultOrder: ['calls', 'desc'],
  filter: 'Filters attempts and tools; all conditions must match.',
  of: {
    toolName: toolUsageColumns.filter('toolName', 'By tool.'),
    simulationId: toolUsageColumns.filter('simulationId', 'By simulation.'),
    executionTime: toolUsageColumns.filter('executionTime', 'By when the attempts ended.'),
    scenarioId: toolUsageColumns.filter('scenarioId', 'By scenario.'),
    superseded: toolUsageColumns.filter('superseded', BY_SUPERSEDED),
    configVersionId: byConfigVersion,
    configId: byConfiguration,
  },
})

/** Sums over the runs that belong to the parents; `runsOf` null: over all. */
const analyticsOf = (runsOf: RunsOf | null) => (parents: ParentKeys, of: Condition) =>
  toolAnalytics(runsOf, parents, of)

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
