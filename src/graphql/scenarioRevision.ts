import type { Prisma } from '../db/generated/client.ts'
import { builder } from './builder/builder.ts'
import { conditionOf, DateTimeFilter, integerConditionOf, NumberFilter } from './lists/filters.ts'
import { defineStoredList } from './lists/storedList.ts'
import { Scenario } from './scenario.ts'

const ScenarioRevision = builder.prismaNode('ScenarioRevision', {
  id: { field: 'scenarioId_revision' },
  nullable: true,
  description: 'A scenario’s prompt and expected answer, until one of them changed.',
  select: { scenarioId: true, revision: true },
  fields: (t) => ({
    scenarioId: t.exposeString('scenarioId', { description: 'The scenario’s key.' }),
    revision: t.exposeInt('revision', { description: 'Its number, from 1.' }),
    taskPrompt: t.exposeString('taskPrompt', { description: 'What the agent was asked to do.' }),
    groundTruth: t.expose('groundTruth', {
      type: 'JSON',
      nullable: true,
      description: 'The expected answer.',
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it took effect.' }),
    scenario: t.relation('scenario', { description: 'The scenario as it is now.' }),
  }),
})

const ScenarioRevisionFilter = builder.inputType('ScenarioRevisionFilter', {
  description: 'Filters revisions; all conditions must match.',
  fields: (t) => ({
    revision: t.field({ type: NumberFilter, description: 'By number.' }),
    createdAt: t.field({ type: DateTimeFilter, description: 'By creation time.' }),
  }),
})

const scenarioRevisionPages = defineStoredList('ScenarioRevision', {
  model: 'ScenarioRevision',
  table: 'scenario_revisions',
  type: ScenarioRevision,
  keys: [
    { field: 'scenarioId', kind: 'text' },
    { field: 'revision', kind: 'integer' },
  ],
  orders: {
    REVISION: { field: 'revision', kind: 'integer', description: 'Its number.' },
    CREATED_AT: { field: 'createdAt', kind: 'time', description: 'When it was created.' },
  },
  defaultOrder: { field: 'REVISION', direction: 'desc' },
  filter: ScenarioRevisionFilter,
  where: (filter): Prisma.ScenarioRevisionWhereInput & Record<string, unknown> => ({
    revision: integerConditionOf(filter.revision),
    createdAt: conditionOf(filter.createdAt),
  }),
})

builder.prismaObjectField(Scenario, 'revisions', (t) =>
  t.field(
    scenarioRevisionPages.under(
      { key: 'scenarioId', field: 'scenarioId', type: 'text' },
      'What it was at each of its revisions, latest first.',
    ),
  ),
)
