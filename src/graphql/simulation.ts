import type { Prisma } from '../db/generated/client.ts'
import { COMPLETION_PERCENT, runtimeMs } from '../evaluation/simulations/simulationAnswer.ts'
import { builder } from './builder/builder.ts'
import { enumField } from './builder/enumField.ts'
import type { ReadInStatement } from './builder/fieldRead.ts'
import { Configuration } from './configuration.ts'
import { ConfigVersion } from './configVersion.ts'
import {
  conditionOf,
  DateTimeFilter,
  elementConditionsOf,
  enumFilter,
  IdFilter,
  integerConditionOf,
  jsonPathConditionsOf,
  jsonPathField,
  NullableDateTimeFilter,
  NullableNumberFilter,
  NullableStringFilter,
  NumberFilter,
  StringFilter,
  TagFilter,
  tagConditionsOf,
  textConditionOf,
} from './lists/filters.ts'
import { defineStoredList } from './lists/storedList.ts'

export const SimulationStatusEnum = builder.enumType('SimulationStatus', {
  description: 'The status of a simulation; it only moves forward.',
  values: {
    PENDING: { value: 'pending', description: 'Planned; its first outcome starts it.' },
    RUNNING: { value: 'running', description: 'Running.' },
    COMPLETED: { value: 'completed', description: 'Ran to completion.' },
    FAILED: { value: 'failed', description: 'Failed.' },
    CANCELLED: { value: 'cancelled', description: 'Was stopped on request.' },
  } as const,
})

export const Simulation = builder.prismaNode('Simulation', {
  id: { field: 'simulationId' },
  nullable: true,
  description:
    'One evaluation: a configuration version run over a set of scenarios, each once per repetition.',
  select: { simulationId: true },
  fields: (t) => ({
    simulationId: t.expose('simulationId', { type: 'UUID', description: 'Its key.' }),
    simulationName: t.exposeString('simulationName', { nullable: true, description: 'Its display name.' }),
    description: t.exposeString('description', { nullable: true, description: 'What people say of it.' }),
    tags: t.exposeStringList('tags', { description: 'Its tags.' }),
    status: enumField(t, 'status', { type: SimulationStatusEnum, description: 'Its status.' }),
    scenarioSet: t.exposeStringList('scenarioSet', { description: 'The keys of its scenarios, in order.' }),
    repetitions: t.exposeInt('repetitions', { description: 'How often each scenario runs.' }),
    totalScenarios: t.exposeInt('totalScenarios', {
      description: 'Total number of runs: scenarios times repetitions.',
    }),
    completedScenarios: t.exposeInt('completedScenarios', {
      description: 'Runs that ended, in any way: succeededScenarios + failedScenarios.',
    }),
    succeededScenarios: t.exposeInt('succeededScenarios', { description: 'Runs that succeeded.' }),
    scoredScenarios: t.exposeInt('scoredScenarios', {
      description: 'Graded runs: the scores are means over these.',
    }),
    failedScenarios: t.exposeInt('failedScenarios', { description: 'Runs that ended in any other way.' }),
    completionPercent: t.float({
      select: { completedScenarios: true, totalScenarios: true },
      extensions: { read: () => COMPLETION_PERCENT } satisfies ReadInStatement,
      description: 'Share of the runs that ended, 0 to 100.',
      resolve: ({ completedScenarios, totalScenarios }) => (100 * completedScenarios) / totalScenarios,
    }),
    currentScore: t.exposeFloat('meanScore', {
      nullable: true,
      description: 'Mean score of the graded runs so far; null while there is none.',
    }),
    overallScore: t.exposeFloat('overallScore', {
      nullable: true,
      description: 'The overall score, set when it completes; null when it failed or was cancelled.',
    }),
    rankingScore: t.exposeFloat('rankingScore', {
      nullable: true,
      description: 'The overall score if every run ended, else null: what OVERALL_SCORE orders by.',
    }),
    executionTimeMs: t.expose('executionTimeMs', {
      type: 'SafeInt',
      nullable: true,
      description:
        'Total milliseconds of its attempts, or the value of the suite result that completed it; null when unknown.',
    }),
    totalTokens: t.expose('totalTokens', {
      type: 'SafeInt',
      nullable: true,
      description: 'Tokens of all its attempts; null when unknown.',
    }),
    totalCostUsd: t.expose('totalCostUsd', {
      type: 'Usd',
      nullable: true,
      description:
        'Cost of all its attempts, or the value of the suite result that completed it; null when unknown.',
    }),
    metadata: t.expose('metadata', {
      type: 'JSON',
      description: 'Custom data stored with it.',
    }),
    modalAppId: t.exposeString('modalAppId', { nullable: true, description: 'The Modal app that runs it.' }),
    modalEnvironment: t.exposeString('modalEnvironment', {
      description: 'The Modal environment that it runs in.',
    }),
    sandboxInstances: t.exposeInt('sandboxInstances', {
      description: 'How many sandboxes run in parallel.',
    }),
    timeoutMs: t.exposeInt('timeoutMs', { description: 'How long one run may take, in milliseconds.' }),
    maxRetries: t.exposeInt('maxRetries', { description: 'How often a run may be retried.' }),
    priority: t.exposeInt('priority', { description: '1 to 10; 10 is the most urgent.' }),
    errorMessage: t.exposeString('errorMessage', {
      nullable: true,
      description: 'Why it failed or was cancelled.',
    }),
    eventSeq: t.expose('eventSeq', {
      type: 'SafeInt',
      description: 'Number of its latest event, to continue from with afterSeq.',
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was planned.' }),
    startedAt: t.expose('startedAt', { type: 'DateTime', nullable: true, description: 'When it started.' }),
    completedAt: t.expose('completedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it ended, in any way.',
    }),
    runtimeMs: t.field({
      type: 'SafeInt',
      nullable: true,
      select: { startedAt: true, completedAt: true },
      extensions: { read: ({ now }) => runtimeMs(now()) } satisfies ReadInStatement,
      description: 'Milliseconds from start to end, or until now while it is running; null before it starts.',
      resolve: ({ startedAt, completedAt }) =>
        startedAt &&
        (completedAt?.getTime() ?? Math.max(Date.now(), startedAt.getTime())) - startedAt.getTime(),
    }),
    configVersion: t.relation('configVersion', { description: 'The configuration version that it runs.' }),
  }),
})

const SimulationStatusFilter = enumFilter('SimulationStatusFilter', SimulationStatusEnum)

const SimulationFilter = builder.inputType('SimulationFilter', {
  description: 'Filters simulations; all conditions must match.',
  fields: (t) => ({
    simulationId: t.field({ type: IdFilter, description: 'By key.' }),
    status: t.field({ type: SimulationStatusFilter, description: 'By status.' }),
    simulationName: t.field({ type: NullableStringFilter, description: 'By name.' }),
    tags: t.field({ type: TagFilter, description: 'By tags.' }),
    configVersionId: t.field({ type: IdFilter, description: 'By the key of the version that they run.' }),
    configId: t.field({ type: IdFilter, description: 'By the key of the configuration that they run.' }),
    model: t.field({ type: StringFilter, description: 'By the model of the version that they run.' }),
    scenarioId: t.field({ type: StringFilter, description: 'By scenario: those that run a matching one.' }),
    overallScore: t.field({ type: NullableNumberFilter, description: 'By overall score.' }),
    executionTimeMs: t.field({
      type: NullableNumberFilter,
      description: 'By the total milliseconds of their runs.',
    }),
    totalTokens: t.field({
      type: NullableNumberFilter,
      description: 'By the tokens of all their outcomes.',
    }),
    totalCostUsd: t.field({ type: NullableNumberFilter, description: 'By cost in US dollars.' }),
    priority: t.field({ type: NumberFilter, description: 'By priority.' }),
    createdAt: t.field({ type: DateTimeFilter, description: 'By when they were planned.' }),
    startedAt: t.field({ type: NullableDateTimeFilter, description: 'By when they started.' }),
    completedAt: t.field({ type: NullableDateTimeFilter, description: 'By when they ended.' }),
    metadata: jsonPathField(t, 'their custom data'),
  }),
})

export const simulationPages = defineStoredList('Simulation', {
  model: 'Simulation',
  table: 'simulations',
  type: Simulation,
  keys: [{ field: 'simulationId', kind: 'uuid' }],
  orders: {
    CREATED_AT: { field: 'createdAt', kind: 'time', description: 'When it was planned.' },
    STARTED_AT: { field: 'startedAt', kind: 'time', nullable: true, description: 'When it started.' },
    COMPLETED_AT: { field: 'completedAt', kind: 'time', nullable: true, description: 'When it ended.' },
    OVERALL_SCORE: {
      field: 'rankingScore',
      kind: 'number',
      nullable: true,
      description: 'The overall score; what did not go through all its runs counts as having none.',
    },
    TOTAL_COST_USD: { field: 'totalCostUsd', kind: 'decimal', nullable: true, description: 'What it cost.' },
    TOTAL_TOKENS: {
      field: 'totalTokens',
      kind: 'bigint',
      nullable: true,
      description: 'How many tokens it took.',
    },
    SIMULATION_NAME: { field: 'simulationName', kind: 'text', nullable: true, description: 'Its name.' },
    PRIORITY: { field: 'priority', kind: 'integer', description: 'How urgent it is.' },
  },
  defaultOrder: { field: 'CREATED_AT', direction: 'desc' },
  filter: SimulationFilter,
  where: (filter): Prisma.SimulationWhereInput & Record<string, unknown> => {
    const ofVersion = filter.model || filter.configId
    return {
      simulationId: conditionOf(filter.simulationId),
      status: conditionOf(filter.status),
      simulationName: textConditionOf(filter.simulationName),
      configVersionId: conditionOf(filter.configVersionId),
      AND: [
        ...tagConditionsOf(filter.tags),
        ...elementConditionsOf('scenarioSet', filter.scenarioId),
        ...jsonPathConditionsOf('metadata', filter.metadata),
      ],
      overallScore: conditionOf(filter.overallScore),
      executionTimeMs: integerConditionOf(filter.executionTimeMs, 64),
      totalTokens: integerConditionOf(filter.totalTokens, 64),
      totalCostUsd: conditionOf(filter.totalCostUsd),
      priority: integerConditionOf(filter.priority),
      createdAt: conditionOf(filter.createdAt),
      startedAt: conditionOf(filter.startedAt),
      completedAt: conditionOf(filter.completedAt),
      ...(ofVersion
        ? {
            configVersion: {
              is: { model: textConditionOf(filter.model), configId: conditionOf(filter.configId) },
            },
          }
        : {}),
    }
  },
})

builder.prismaObjectField(ConfigVersion, 'simulations', (t) =>
  t.field(
    simulationPages.under(
      { key: 'versionId', field: 'configVersionId', type: 'uuid' },
      'The simulations that ran this version, newest first.',
    ),
  ),
)

builder.prismaObjectField(Configuration, 'simulations', (t) =>
  t.field(
    simulationPages.under(
      { key: 'configId', field: 'configId', type: 'uuid', through: ['configVersion'] },
      'The simulations that ran any of its versions, newest first.',
    ),
  ),
)

builder.queryFields((t) => ({
  simulation: t.field(simulationPages.byKey('A simulation by its key.')),
  simulations: t.field(simulationPages.root('The tenant’s simulations, newest first.')),
  activeSimulations: t.field(
    simulationPages.root('The simulations that are pending or running, newest first.', {
      status: { in: ['pending', 'running'] },
    }),
  ),
}))
