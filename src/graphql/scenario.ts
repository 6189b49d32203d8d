import type { Prisma } from '../db/generated/client.ts'
import { rejection, type ScenarioReceipt, upsertScenarios } from '../evaluation/scenarios/scenarios.ts'
import { builder } from './builder/builder.ts'
import { enumField } from './builder/enumField.ts'
import { withReadableRows } from './builder/unreadableRows.ts'
import {
  conditionOf,
  containedConditionsOf,
  containedField,
  DateTimeFilter,
  enumFilter,
  NullableStringFilter,
  StringFilter,
  searchConditionsOf,
  searchField,
  TagFilter,
  tagConditionsOf,
  textConditionOf,
} from './lists/filters.ts'
import { defineStoredList } from './lists/storedList.ts'
import { ErrorCodeEnum, pathAsText, payloadOf, payloadType, ReceiptStatus } from './payload.ts'

const Difficulty = builder.enumType('Difficulty', {
  description: 'How hard a scenario is.',
  values: {
    EASY: { value: 'easy', description: 'Easy.' },
    MEDIUM: { value: 'medium', description: 'Medium, the default.' },
    HARD: { value: 'hard', description: 'Hard.' },
  } as const,
})

export const Scenario = builder.prismaNode('Scenario', {
  id: { field: 'scenarioId' },
  nullable: true,
  description: 'A task that agents are given.',
  select: { scenarioId: true },
  fields: (t) => ({
    scenarioId: t.exposeString('scenarioId', { description: 'Its key: lower-case letters, digits and _.' }),
    externalId: t.exposeString('externalId', {
      nullable: true,
      description: 'Its id in its source.',
    }),
    source: t.exposeString('source', {
      nullable: true,
      description: 'Where it comes from, e.g. a benchmark.',
    }),
    name: t.exposeString('name', { description: 'Its display name.' }),
    taskPrompt: t.exposeString('taskPrompt', { description: 'What the agent is asked to do.' }),
    groundTruth: t.expose('groundTruth', {
      type: 'JSON',
      nullable: true,
      description: 'The expected answer.',
    }),
    difficultyLevel: enumField(t, 'difficultyLevel', { type: Difficulty, description: 'How hard it is.' }),
    tags: t.exposeStringList('tags', { description: 'Its tags.' }),
    expectedTools: t.expose('expectedTools', {
      type: 'JSON',
      nullable: true,
      description: 'The tools that an agent should use.',
    }),
    isActive: t.exposeBoolean('isActive', {
      description: 'Whether it is in use; upsertScenarios takes it out and back.',
    }),
    estimatedDurationMs: t.exposeInt('estimatedDurationMs', {
      nullable: true,
      description: 'How long a run should take, in milliseconds.',
    }),
    metadata: t.expose('metadata', { type: 'JSON', description: 'Further data from its source.' }),
    revision: t.exposeInt('revision', {
      description: 'Its revision: counts changes of prompt or ground truth from 1.',
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was first stored.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When it last changed.' }),
  }),
})

export const DifficultyFilter = enumFilter('DifficultyFilter', Difficulty)

const ScenarioFilter = builder.inputType('ScenarioFilter', {
  description: 'Filters scenarios; all conditions must match.',
  fields: (t) => ({
    scenarioId: t.field({ type: StringFilter, description: 'By key.' }),
    externalId: t.field({ type: NullableStringFilter, description: 'By the source’s id.' }),
    source: t.field({ type: NullableStringFilter, description: 'By source.' }),
    name: t.field({ type: StringFilter, description: 'By name.' }),
    difficultyLevel: t.field({ type: DifficultyFilter, description: 'By difficulty.' }),
    tags: t.field({ type: TagFilter, description: 'By tags.' }),
    text: containedField(t, 'Only those with this text in name or prompt, ignoring case.'),
    search: searchField(t, 'id, name or prompt'),
    isActive: t.boolean({ description: 'Whether they are active; all by default.' }),
    createdAt: t.field({ type: DateTimeFilter, description: 'By when it was first stored.' }),
    updatedAt: t.field({ type: DateTimeFilter, description: 'By when it last changed.' }),
  }),
})

export const scenarioPages = defineStoredList('Scenario', {
  model: 'Scenario',
  table: 'scenarios',
  type: Scenario,
  keys: [{ field: 'scenarioId', kind: 'text' }],
  orders: {
    CREATED_AT: { field: 'createdAt', kind: 'time', description: 'When it was first stored.' },
    UPDATED_AT: { field: 'updatedAt', kind: 'time', description: 'When it last changed.' },
    NAME: { field: 'name', kind: 'text', description: 'Its name.' },
    SCENARIO_ID: { field: 'scenarioId', kind: 'text', description: 'Its key.' },
  },
  defaultOrder: { field: 'CREATED_AT', direction: 'desc' },
  filter: ScenarioFilter,
  where: (filter): Prisma.ScenarioWhereInput & Record<string, unknown> => ({
    scenarioId: textConditionOf(filter.scenarioId),
    externalId: textConditionOf(filter.externalId),
    source: textConditionOf(filter.source),
    name: textConditionOf(filter.name),
    difficultyLevel: conditionOf(filter.difficultyLevel),
    AND: [
      ...tagConditionsOf(filter.tags),
      ...containedConditionsOf(['name', 'taskPrompt'], filter.text),
      ...searchConditionsOf('scenarioId', 'search_scenarios', filter.search),
    ],
    isActive: filter.isActive ?? undefined,
    createdAt: conditionOf(filter.createdAt),
    updatedAt: conditionOf(filter.updatedAt),
  }),
})

builder.queryFields((t) => ({
  scenario: t.field(scenarioPages.byKey('A scenario by its key.')),
  scenarios: t.field(scenarioPages.root('The tenant’s scenarios, newest first.')),
}))

const ScenarioInput = builder.inputType('ScenarioInput', {
  extensions: { markedBy: 'scenarioId' },
  description:
    'A scenario, by its key or by its source’s id. Of one that is stored, what is left out stays; null removes it.',
  fields: (t) => ({
    scenarioId: t.string({
      description: 'Its key: 1 to 100 lower-case letters, digits and _. Derived from externalId by default.',
    }),
    externalId: t.string({
      description: 'Its id in its source: any string up to 500 characters.',
    }),
    source: t.string({ description: 'Where it comes from, e.g. a benchmark.' }),
    name: t.string({ description: 'Its display name, up to 200 characters; its id by default.' }),
    taskPrompt: t.string({
      description: 'What the agent is asked to do, at most 1 MiB. A new scenario needs one.',
    }),
    groundTruth: t.field({ type: 'JSON', description: 'The expected answer.' }),
    difficultyLevel: t.field({ type: Difficulty, description: 'How hard it is; MEDIUM by default.' }),
    tags: t.stringList({ description: 'Up to 20 tags.' }),
    expectedTools: t.field({ type: 'JSON', description: 'The tools that an agent should use.' }),
    estimatedDurationMs: t.int({ description: 'How long a run should take, in milliseconds.' }),
    metadata: t.field({ type: 'JSONObject', description: 'Any further data.' }),
    isActive: t.boolean({ description: 'Whether it is in use; true by default.' }),
    createdAt: t.field({
      type: 'DateTime',
      description: 'When its source made it, in the past; now by default. Counts for a new scenario only.',
    }),
  }),
})

const UpsertScenariosInput = builder.inputType('UpsertScenariosInput', {
  description: 'Scenarios to store.',
  fields: (t) => ({
    scenarios: t.field({ type: [ScenarioInput], required: true, description: '1 to 1,000 scenarios.' }),
  }),
})

const ScenarioReceiptType = builder.objectRef<ScenarioReceipt>('ScenarioReceipt').implement({
  description: 'The result of one scenario of a call.',
  fields: (t) => ({
    index: t.exposeInt('index', { description: 'Its position in the call, from 0.' }),
    scenarioId: t.exposeString('scenarioId', {
      nullable: true,
      description: 'Its key; null when it has no valid one.',
    }),
    status: t.expose('status', { type: ReceiptStatus, description: 'Its result.' }),
    revision: t.exposeInt('revision', {
      nullable: true,
      description: 'Its current revision; null when it was rejected.',
    }),
    code: t.field({
      type: ErrorCodeEnum,
      nullable: true,
      description: 'Why it was rejected, as a code.',
      resolve: ({ refusal }) => refusal?.code,
    }),
    reason: t.string({
      nullable: true,
      description: 'Why it was rejected, in words.',
      resolve: ({ refusal }) => refusal?.message,
    }),
    path: t.stringList({
      nullable: true,
      description: 'The field at fault, from the scenario inwards.',
      resolve: ({ refusal }) => refusal && pathAsText(refusal.inputPath),
    }),
  }),
})

const UpsertScenariosPayload = payloadType<ScenarioReceipt[]>(
  'UpsertScenariosPayload',
  'The receipts, or the errors.',
  (t) => ({
    receipts: t.field({
      type: [ScenarioReceiptType],
      description: 'One for each scenario, in the order of the call.',
      resolve: ({ result }) => result ?? [],
    }),
  }),
)

builder.mutationField('upsertScenarios', (t) =>
  t.field({
    type: UpsertScenariosPayload,
    description: 'Stores scenarios, new or changed. A changed prompt or ground truth raises the revision.',
    args: { input: t.arg({ type: UpsertScenariosInput, required: true, description: 'The scenarios.' }) },
    resolve: (_, { input }, context) =>
      payloadOf(() =>
        withReadableRows(context, input.scenarios, 'scenarioId', rejection, (scenarios) =>
          context.write((transaction) => upsertScenarios(transaction, scenarios)),
        ),
      ),
  }),
)
