import type { Prisma } from '../db/generated/client.ts'
import { builder } from './builder/builder.ts'
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
import { defineStoredList } from './lists/storedList.ts'
import { Outcome } from './outcome.ts'
import { Scenario } from './scenario.ts'
import { Simulation } from './simulation.ts'

const ToolUsage = builder.prismaNode('ToolUsage', {
  id: { field: 'usageId' },
  nullable: true,
  description: 'How one attempt at a run used one tool.',
  select: { usageId: true, outcomeId: true, executionTime: true },
  fields: (t) => ({
    usageId: t.expose('usageId', { type: 'UUID', description: 'Its key.' }),
    outcomeId: t.expose('outcomeId', { type: 'UUID', description: 'The outcome’s key.' }),
    simulationId: t.expose('simulationId', { type: 'UUID', description: 'The simulation’s key.' }),
    executionTime: t.expose('executionTime', { type: 'DateTime', description: 'When the run ended.' }),
    toolName: t.exposeString('toolName', {
      description: 'The tool; prefixed with `user:` if the simulated user called it.',
    }),
    callCount: t.exposeInt('callCount', { description: 'How often it was called.' }),
    avgDurationMs: t.exposeFloat('avgDurationMs', {
      nullable: true,
      description: 'Mean milliseconds of a call; null when no times are known.',
    }),
    successRate: t.exposeFloat('successRate', {
      description: 'Share of the calls that did not fail, 0 to 1.',
    }),
    toolSequence: t.expose('toolSequence', {
      type: 'JSON',
      nullable: true,
      description: 'The positions of its calls among all tool calls of the run.',
    }),
    totalCostUsd: t.expose('totalCostUsd', {
      type: 'Usd',
      nullable: true,
      description: 'What its calls cost; null when unknown.',
    }),
    errorTypes: t.exposeStringList('errorTypes', { description: 'Errors of its failed calls.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was stored.' }),
    outcome: t.relation('outcome', { description: 'The outcome of the run.' }),
    simulation: t.relation('simulation', { description: 'The simulation of the run.' }),
  }),
})

const ToolUsageFilter = builder.inputType('ToolUsageFilter', {
  description: 'Filters tool usage; all conditions must match.',
  fields: (t) => ({
    usageId: t.field({ type: IdFilter, description: 'By key.' }),
    outcomeId: t.field({ type: IdFilter, description: 'By outcome.' }),
    simulationId: t.field({ type: IdFilter, description: 'By simulation.' }),
    scenarioId: t.field({ type: StringFilter, description: 'By scenario.' }),
    superseded: supersededField(t),
    configVersionId: t.field({ type: IdFilter, description: 'By the configuration version that was run.' }),
    toolName: t.field({ type: StringFilter, description: 'By tool.' }),
    successRate: t.field({ type: NumberFilter, description: 'By the share of calls that did not fail.' }),
    callCount: t.field({ type: NumberFilter, description: 'By how often it was called.' }),
    avgDurationMs: t.field({
      type: NullableNumberFilter,
      description: 'By the mean milliseconds of a call.',
    }),
    totalCostUsd: t.field({
      type: NullableNumberFilter,
      description: 'By what its calls cost in US dollars.',
    }),
    executionTime: t.field({ type: DateTimeFilter, description: 'By when the run ended.' }),
  }),
})

const toolUsagePages = defineStoredList('ToolUsage', {
  model: 'ToolUsage',
  table: 'tool_usage',
  type: ToolUsage,
  keys: [{ field: 'usageId', kind: 'uuid' }],
  orders: {
    // The id is a UUIDv7 of the execution time.
    EXECUTION_TIME: { field: 'usageId', kind: 'uuid', description: 'When the run ended.' },
    CALL_COUNT: { field: 'callCount', kind: 'integer', description: 'How often it was called.' },
    SUCCESS_RATE: {
      field: 'successRate',
      kind: 'number',
      description: 'The share of calls that did not fail.',
    },
    TOOL_NAME: { field: 'toolName', kind: 'text', description: 'The tool.' },
  },
  defaultOrder: { field: 'EXECUTION_TIME', direction: 'desc' },
  filter: ToolUsageFilter,
  where: (filter): Prisma.ToolUsageWhereInput & Record<string, unknown> => ({
    usageId: { ...conditionOf(filter.usageId), ...uuidRangeOf(filter.executionTime) },
    outcomeId: conditionOf(filter.outcomeId),
    simulationId: conditionOf(filter.simulationId),
    toolName: textConditionOf(filter.toolName),
    successRate: conditionOf(filter.successRate),
    callCount: integerConditionOf(filter.callCount),
    avgDurationMs: conditionOf(filter.avgDurationMs),
    totalCostUsd: conditionOf(filter.totalCostUsd),
    executionTime: conditionOf(filter.executionTime),
    ...outcomeConditionsOf(filter),
    ...versionConditionsOf(filter),
  }),
})

builder.prismaObjectField(Outcome, 'toolUsage', (t) =>
  t.field(
    toolUsagePages.under({ key: 'outcomeId', field: 'outcomeId', type: 'uuid' }, 'The tools that it used.'),
  ),
)

builder.prismaObjectField(Simulation, 'toolUsage', (t) =>
  t.field(
    toolUsagePages.under(
      { key: 'simulationId', field: 'simulationId', type: 'uuid' },
      'The tools that its runs used, latest first.',
    ),
  ),
)

builder.prismaObjectField(Scenario, 'toolUsage', (t) =>
  t.field(
    toolUsagePages.under(
      { key: 'scenarioId', field: 'scenarioId', type: 'text', through: ['outcome'] },
      'The tools that its runs used in all simulations, latest first.',
    ),
  ),
)

builder.queryFields((t) => ({
  toolUsageEntry: t.field(toolUsagePages.byKey('One run’s use of one tool, by its key.')),
  toolUsage: t.field(toolUsagePages.root('Tool usage in all the tenant’s runs, latest first.')),
}))
