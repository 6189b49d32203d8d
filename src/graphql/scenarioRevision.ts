import type { ScenarioRevision as ScenarioRevisionRow } from '../db/generated/client.ts'
import { builder } from './builder/builder.ts'
import { Columns } from './lists/columns.ts'
import { shownRelation } from './lists/relatedRow.ts'
import { defineStoredList } from './lists/storedList.ts'
import { Scenario } from './scenario.ts'

const scenarioRevisionColumns = new Columns<ScenarioRevisionRow>({
  scenarioId: { kind: 'text', description: 'The scenario’s key.' },
  revision: {
    kind: 'integer',
    description: 'Its number, from 1.',
    filter: 'By number.',
    order: 'Its number.',
  },
  taskPrompt: { kind: 'text', description: 'What the agent was asked to do.' },
  groundTruth: { kind: 'json', nullable: true, description: 'The expected answer.' },
  createdAt: {
    kind: 'time',
    description: 'When it took effect.',
    filter: 'By creation time.',
    order: 'When it was created.',
  },
})

const ScenarioRevision = builder.prismaNode('ScenarioRevision', {
  id: { field: 'scenarioId_revision' },
  nullable: true,
  description: 'A scenario’s prompt and expected answer, until one of them changed.',
  select: { scenarioId: true, revision: true },
  fields: (t) => ({
    ...scenarioRevisionColumns.fields(t),
    scenario: t.field(shownRelation('ScenarioRevision', 'scenario', Scenario, 'The scenario as it is now.')),
  }),
})

const scenarioRevisionPages = defineStoredList('ScenarioRevision', {
  model: 'ScenarioRevision',
  type: ScenarioRevision,
  columns: scenarioRevisionColumns,
  keys: ['scenarioId', 'revision'],
  defaultOrder: ['revision', 'desc'],
  filter: 'Filters revisions; all conditions must match.',
})

builder.prismaObjectField(Scenario, 'revisions', (t) =>
  t.field(
    scenarioRevisionPages.under(
      { key: 'scenarioId', field: 'scenarioId', type: 'text' },
      'What it was at each of its revisions, latest first.',
    ),
  ),
)
