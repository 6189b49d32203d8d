import type { Scenario as ScenarioRow } from '../db/generated/client.ts'
import { rejection, type ScenarioReceipt, upsertScenarios } from '../evaluation/scenarios/scenarios.ts'
import { LENGTHS, MAX_TAGS } from '../valueChecks.ts'
import { builder } from './builder/builder.ts'
import { withReadableRows } from './builder/unreadableRows.ts'
import { Columns } from './lists/columns.ts'
import { byContained, bySearch } from './lists/filters.ts'
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

export const scenarioColumns = new Columns<ScenarioRow>({
  scenarioId: {
    kind: 'text',
    maxLength: LENGTHS.scenarioKey.max,
    description: 'Its key: lower-case letters, digits and _.',
    filter: 'By key.',
    order: 'Its key.',
  },
  externalId: {
    kind: 'text',
    maxLength: LENGTHS.externalId.max,
    nullable: true,
    description: 'Its id in its source.',
    filter: 'By the source’s id.',
  },
  source: {
    kind: 'text',
    maxLength: LENGTHS.label.max,
    nullable: true,
    description: 'Where it comes from, e.g. a benchmark.',
    filter: 'By source.',
  },
  name: {
    kind: 'text',
    maxLength: LENGTHS.scenarioName.max,
    description: 'Its display name.',
    filter: 'By name.',
    order: 'Its name.',
  },
  taskPrompt: { kind: 'text', description: 'What the agent is asked to do.' },
  groundTruth: { kind: 'json', nullable: true, description: 'The expected answer.' },
  difficultyLevel: {
    kind: 'enum',
    enum: Difficulty,
    description: 'How hard it is.',
    filter: 'By difficulty.',
  },
  tags: {
    kind: 'texts',
    maxLength: MAX_TAGS * LENGTHS.tag.max,
    description: 'Its tags.',
    filter: 'By tags.',
  },
  expectedTools: { kind: 'json', nullable: true, description: 'The tools that an agent should use.' },
  isActive: {
    kind: 'boolean',
    description: 'Whether it is in use; upsertScenarios takes it out and back.',
    filter: 'Whether they are active; all by default.',
  },
  estimatedDurationMs: {
    kind: 'integer',
    nullable: true,
    description: 'How long a run should take, in milliseconds.',
  },
  metadata: { kind: 'json', description: 'Further data from its source.' },
  revision: {
    kind: 'integer',
    description: 'Its revision: counts changes of prompt or ground truth from 1.',
  },
  createdAt: {
    kind: 'time',
    description: 'When it was first stored.',
    filter: 'By when it was first stored.',
    order: 'When it was first stored.',
  },
  updatedAt: {
    kind: 'time',
    description: 'When it last changed.',
    filter: 'By when it last changed.',
    order: 'When it last changed.',
  },
})

export const Scenario = builder.prismaNode('Scenario', {
  id: { field: 'scenarioId' },
  nullable: true,
  description: 'A task that agents are given.',
  select: { scenarioId: true },
  fields: (t) => ({ ...scenarioColumns.fields(t) }),
})

export const scenarioPages = defineStoredList('Scenario', {
  model: 'Scenario',
  type: Scenario,
  columns: scenarioColumns,
  keys: ['scenarioId'],
  defaultOrder: ['createdAt', 'desc'],
  filter: 'Filters scenarios; all conditions must match.',
  filters: {
    text: byContained(
      [scenarioColumns.column('name'), scenarioColumns.column('taskPrompt')],
      'Only those with this text in name or prompt, ignoring case.',
    ),
    search: bySearch(scenarioColumns.column('scenarioId'), 'search_scenarios', 'id, name or prompt'),
  },
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
