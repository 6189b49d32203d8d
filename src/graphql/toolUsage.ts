import type { ToolUsage as ToolUsageRow } from '../db/generated/client.ts'
import { toolsOfOutcome, toolUsageAt } from '../evaluation/tools/toolUsageAnswer.ts'
import { timeOfUuid } from '../uuid.ts'
import { LENGTHS, MAX_ERROR_TYPES } from '../valueChecks.ts'
import { builder } from './builder/builder.ts'
import type { ReadInStatement } from './builder/fieldRead.ts'
import { Columns } from './lists/columns.ts'
import { shownRelation } from './lists/relatedRow.ts'
import { defineStoredList } from './lists/storedList.ts'
import { BY_SUPERSEDED, byConfigVersion, Outcome } from './outcome.ts'
import { Scenario } from './scenario.ts'
import { Simulation } from './simulation.ts'

export const toolUsageColumns = new Columns<ToolUsageRow>({
  usageId: { kind: 'uuid', ofTime: 'executionTime', description: 'Its key.', filter: 'By key.' },
  outcomeId: { kind: 'uuid', description: 'The outcome’s key.', filter: 'By outcome.' },
  simulationId: { kind: 'uuid', description: 'The simulation’s key.', filter: 'By simulation.' },
  scenarioId: { kind: 'text', filter: 'By scenario.' },
  executionTime: {
    kind: 'time',
    description: 'When the run ended.',
    filter: 'By when the run ended.',
    order: 'When the run ended.',
  },
  superseded: { kind: 'boolean', filter: BY_SUPERSEDED },
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
  createdAt: { kind: 'time', description: 'When its outcome was stored.' },
})

const ToolUsage = builder.prismaNode('ToolUsage', {
  id: { field: 'outcomeId_executionTime_toolName' },
  nullable: true,
  description: 'How one attempt at a run used one tool.',
  select: { outcomeId: true, executionTime: true, toolName: true },
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
  keys: ['executionTime', 'outcomeId', 'toolName'],
  defaultOrder: ['executionTime', 'desc'],
  filter: 'Filters tool usage; all conditions must match.',
  filters: { configVersionId: byConfigVersion },
})

builder.prismaObjectField(Outcome, 'toolUsage', (t) =>
  t.field(
    toolUsagePages.under(
      { key: 'outcomeId', field: 'outcomeId', type: 'uuid', rows: toolsOfOutcome },
      'The tools that it used.',
    ),
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
      { key: 'scenarioId', field: 'scenarioId', type: 'text' },
      'The tools that its runs used in all simulations, latest first.',
    ),
  ),
)

builder.queryFields((t) => ({
  toolUsageEntry: t.prismaField({
    type: ToolUsage,
    nullable: true,
    description: 'One run’s use of one tool, by its key.',
    extensions: {
      read: ({ args: { usageId }, members }) => toolUsageAt(usageId, members()),
    } satisfies ReadInStatement,
    args: { usageId: t.arg({ type: 'UUID', required: true, description: 'Its key.' }) },
    resolve: (query, _, { usageId }, { reads }) =>
      reads.client.toolUsage.findFirst({
        ...query,
        where: { usageId, executionTime: timeOfUuid(usageId) },
      }),
  }),
  toolUsage: t.field(toolUsagePages.root('Tool usage in all the tenant’s runs, latest first.')),
}))
