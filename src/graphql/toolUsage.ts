import type { ToolUsage as ToolUsageRow } from '../db/generated/client.ts'
import { LENGTHS, MAX_ERROR_TYPES } from '../valueChecks.ts'
import { builder } from './builder/builder.ts'
import { Columns } from './lists/columns.ts'
import { shownRelation } from './lists/relatedRow.ts'
import { defineStoredList } from './lists/storedList.ts'
import { Outcome, ofOutcome } from './outcome.ts'
import { Scenario } from './scenario.ts'
import { Simulation } from './simulation.ts'

export const toolUsageColumns = new Columns<ToolUsageRow>({
  usageId: {
    kind: 'uuid',
    description: 'Its key.',
    filter: 'By key.',
    order: { name: 'EXECUTION_TIME', description: 'When the run ended.' },
  },
  outcomeId: { kind: 'uuid', description: 'The outcome’s key.', filter: 'By outcome.' },
  simulationId: { kind: 'uuid', description: 'The simulation’s key.', filter: 'By simulation.' },
  executionTime: {
    kind: 'time',
    inKey: 'usageId',
    description: 'When the run ended.',
    filter: 'By when the run ended.',
  },
  toolName: {
    kind: 'text',
    maxLength: LENGTHS.toolName.max,
    description: 'The tool; prefixed with `user:` if the simulated user called it.',
    filter: 'By tool.',
    order: 'The tool.',
  },
  callCount: {
    kind: 'integer',
    description: 'How often it was called.',
    filter: 'By how often it was called.',
    order: 'How often it was called.',
  },
  avgDurationMs: {
    kind: 'number',
    nullable: true,
    description: 'Mean milliseconds of a call; null when no times are known.',
    filter: 'By the mean milliseconds of a call.',
  },
  successRate: {
    kind: 'number',
    description: 'Share of the calls that did not fail, 0 to 1.',
    filter: 'By the share of calls that did not fail.',
    order: 'The share of calls that did not fail.',
  },
  toolSequence: {
    kind: 'json',
    nullable: true,
    description: 'The positions of its calls among all tool calls of the run.',
  },
  totalCostUsd: {
    kind: 'decimal',
    nullable: true,
    description: 'What its calls cost; null when unknown.',
    filter: 'By what its calls cost in US dollars.',
  },
  errorTypes: {
    kind: 'texts',
    maxLength: MAX_ERROR_TYPES * LENGTHS.errorType.max,
    description: 'Errors of its failed calls.',
  },
  createdAt: { kind: 'time', description: 'When it was stored.' },
})

const ToolUsage = builder.prismaNode('ToolUsage', {
  id: { field: 'usageId' },
  nullable: true,
  description: 'How one attempt at a run used one tool.',
  select: { usageId: true, outcomeId: true, executionTime: true },
  fields: (t) => ({
    ...toolUsageColumns.fields(t),
    outcome: t.field(shownRelation('ToolUsage', 'outcome', Outcome, 'The outcome of the run.')),
    simulation: t.field(shownRelation('ToolUsage', 'simulation', Simulation, 'The simulation of the run.')),
  }),
})

const toolUsagePages = defineStoredList('ToolUsage', {
  model: 'ToolUsage',
  type: ToolUsage,
  columns: toolUsageColumns,
  keys: ['usageId'],
  defaultOrder: ['usageId', 'desc'],
  filter: 'Filters tool usage; all conditions must match.',
  filters: {
    ...ofOutcome,
  },
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
