import DataLoader from 'dataloader'
import type { GraphQLResolveInfo } from 'graphql'
import type { Where } from '../db/whereSql.ts'
import { type RunsOf, readToolAnalytics, type ToolAnalytics } from '../evaluation/toolAnalyticsStore.ts'
import { sharedByField } from './batch.ts'
import { builder } from './builder.ts'
import { ConfigVersion } from './configVersion.ts'
import type { Context } from './context.ts'
import {
  conditionOf,
  DateTimeFilter,
  IdFilter,
  StringFilter,
  textConditionOf,
  uuidRangeOf,
} from './filters.ts'
import { checkPageSize, MAX_PAGE_SIZE } from './pageReading.ts'
import { Scenario } from './scenario.ts'
import { Simulation } from './simulation.ts'

const ToolError = builder.objectRef<ToolAnalytics['commonErrors'][number]>('ToolError').implement({
  description: 'What failed calls of a tool said.',
  fields: (t) => ({
    message: t.exposeString('message', { description: 'What was said, without what varies.' }),
    runs: t.exposeInt('runs', { description: 'In how many runs.' }),
  }),
})

const ToolAnalyticsType = builder.objectRef<ToolAnalytics>('ToolAnalytics').implement({
  description: 'How a tool was used over many runs.',
  fields: (t) => ({
    toolName: t.exposeString('toolName', {
      description: 'The tool; `user:` stands before one that the simulated user called.',
    }),
    calls: t.expose('calls', { type: 'SafeInt', description: 'How often it was called.' }),
    runs: t.expose('runs', { type: 'SafeInt', description: 'In how many runs it was called.' }),
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
        'Milliseconds that 95 of 100 calls do not exceed, each call taken with the mean of its run; null when no times are known.',
    }),
    totalCostUsd: t.expose('totalCostUsd', {
      type: 'Usd',
      nullable: true,
      description: 'What the calls cost; null when unknown.',
    }),
    commonErrors: t.field({
      type: [ToolError],
      description: 'The five most common things that failed calls said, the most common first.',
      resolve: ({ commonErrors }) => commonErrors,
    }),
  }),
})

const ToolAnalyticsFilter = builder.inputType('ToolAnalyticsFilter', {
  description: 'Over which runs and tools; all conditions have to hold.',
  fields: (t) => ({
    toolName: t.field({ type: StringFilter, description: 'By tool.' }),
    simulationId: t.field({ type: IdFilter, description: 'By simulation.' }),
    configVersionId: t.field({ type: IdFilter, description: 'By the configuration version that was run.' }),
    configId: t.field({ type: IdFilter, description: 'By the configuration that was run.' }),
    scenarioId: t.field({ type: StringFilter, description: 'By scenario.' }),
    executionTime: t.field({ type: DateTimeFilter, description: 'By when the runs ended.' }),
  }),
})

const DEFAULT_TOOLS = 50

/** In rows that are read: all uses of tools in all the runs are. */
const ANALYTICS_COST = 100

const args = builder.args((t) => ({
  first: t.int({
    description: `How many tools at most, those with the most calls; ${DEFAULT_TOOLS} when not given, ${MAX_PAGE_SIZE} at most.`,
  }),
  filter: t.field({
    type: ToolAnalyticsFilter,
    description: 'Over which runs and tools; all conditions have to hold.',
  }),
}))

type Args = {
  first?: number | null
  filter?: typeof ToolAnalyticsFilter.$inferInput | null
}

function whereOf(filter: Args['filter']): Where {
  if (!filter) return {}
  const ofVersion = filter.configId
    ? { configVersion: { is: { configId: conditionOf(filter.configId) } } }
    : {}
  return {
    toolName: textConditionOf(filter.toolName),
    simulationId: conditionOf(filter.simulationId),
    executionTime: conditionOf(filter.executionTime),
    usageId: uuidRangeOf(filter.executionTime),
    ...(filter.configVersionId || filter.configId
      ? { simulation: { is: { configVersionId: conditionOf(filter.configVersionId), ...ofVersion } } }
      : {}),
    ...(filter.scenarioId ? { outcome: { is: { scenarioId: textConditionOf(filter.scenarioId) } } } : {}),
  }
}

/** All parents of a list are read together. */
function readUnder(
  runsOf: RunsOf,
  key: string,
  { first, filter }: Args,
  context: Context,
  info: GraphQLResolveInfo,
): Promise<ToolAnalytics[]> {
  checkPageSize(first, null)
  const { loader } = sharedByField(
    context,
    info,
    () =>
      new DataLoader<string, ToolAnalytics[]>(async (keys) => {
        const { reads } = context
        const byParent = await readToolAnalytics(reads, runsOf, keys, whereOf(filter), first ?? DEFAULT_TOOLS)
        return keys.map((each) => byParent.get(each)!)
      }),
  )
  return loader.load(key)
}

builder.queryField('toolAnalytics', (t) =>
  t.field({
    type: [ToolAnalyticsType],
    description: 'How tools were used in all the tenant’s runs, those with the most calls first.',
    extensions: { cost: ANALYTICS_COST },
    args,
    resolve: async (_, { first, filter }, { reads }) => {
      checkPageSize(first, null)
      const analytics = await readToolAnalytics(reads, null, null, whereOf(filter), first ?? DEFAULT_TOOLS)
      return analytics.get('')!
    },
  }),
)

builder.prismaObjectField(Simulation, 'toolAnalytics', (t) =>
  t.field({
    type: [ToolAnalyticsType],
    select: { simulationId: true },
    description: 'How tools were used in its runs, those with the most calls first.',
    extensions: { cost: ANALYTICS_COST },
    args,
    resolve: ({ simulationId }, given, context, info) =>
      readUnder({ field: 'simulationId', type: 'uuid' }, simulationId, given, context, info),
  }),
)

builder.prismaObjectField(ConfigVersion, 'toolAnalytics', (t) =>
  t.field({
    type: [ToolAnalyticsType],
    select: { versionId: true },
    description: 'How tools were used in all runs of the version, those with the most calls first.',
    extensions: { cost: ANALYTICS_COST },
    args,
    resolve: ({ versionId }, given, context, info) =>
      readUnder(
        { field: 'configVersionId', type: 'uuid', through: 'simulation' },
        versionId,
        given,
        context,
        info,
      ),
  }),
)

builder.prismaObjectField(Scenario, 'toolAnalytics', (t) =>
  t.field({
    type: [ToolAnalyticsType],
    select: { scenarioId: true },
    description: 'How tools were used in all runs of the scenario, those with the most calls first.',
    extensions: { cost: ANALYTICS_COST },
    args,
    resolve: ({ scenarioId }, given, context, info) =>
      readUnder({ field: 'scenarioId', type: 'text', through: 'outcome' }, scenarioId, given, context, info),
  }),
)
