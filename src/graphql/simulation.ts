import type { Prisma } from '../db/generated/client.ts'
import { builder } from './builder/builder.ts'
import { enumField } from './builder/enumField.ts'
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
  textConditionOf,
} from './lists/filters.ts'
import { defineStoredList } from './lists/storedList.ts'

export const SimulationStatusEnum = builder.enumType('SimulationStatus', {
  description: 'Where a simulation is in its life; it only goes forward.',
  values: {
    PENDING: { value: 'pending', description: 'Planned; its first outcome starts it.' },
    RUNNING: { value: 'running', description: 'Under way.' },
    COMPLETED: { value: 'completed', description: 'Went through to its end.' },
    FAILED: { value: 'failed', description: 'Broke off.' },
    CANCELLED: { value: 'cancelled', description: 'Was stopped on request.' },
  } as const,
})

export const Simulation = builder.prismaNode('Simulation', {
  id: { field: 'simulationId' },
  nullable: true,
  description:
    'One evaluation: a configuration version run over a set of scenarios, each as often as there are repetitions.',
  select: { simulationId: true },
  fields: (t) => ({
    simulationId: t.expose('simulationId', { type: 'UUID', description: 'Its key.' }),
    simulationName: t.exposeString('simulationName', { nullable: true, description: 'What people call it.' }),
    status: enumField(t, 'status', { type: SimulationStatusEnum, description: 'Where it is in its life.' }),
    scenarioSet: t.exposeStringList('scenarioSet', { description: 'The keys of its scenarios, in order.' }),
    repetitions: t.exposeInt('repetitions', { description: 'How often each scenario runs.' }),
    totalScenarios: t.exposeInt('totalScenarios', {
      description: 'How many runs it has in all: scenarios times repetitions.',
    }),
    completedScenarios: t.exposeInt('completedScenarios', { description: 'Runs that ended with success.' }),
    failedScenarios: t.exposeInt('failedScenarios', { description: 'Runs that ended in any other way.' }),
    completionPercent: t.float({
      select: { completedScenarios: true, failedScenarios: true, totalScenarios: true },
      description: 'Share of the runs that ended, 0 to 100.',
      resolve: ({ completedScenarios, failedScenarios, totalScenarios }) =>
        (100 * (completedScenarios + failedScenarios)) / totalScenarios,
    }),
    currentScore: t.float({
      nullable: true,
      select: { scoreSum: true, scoredScenarios: true },
      description: 'Mean score of the graded runs so far; null while there is none.',
      resolve: ({ scoreSum, scoredScenarios }) => (scoredScenarios === 0 ? null : scoreSum / scoredScenarios),
    }),
    overallScore: t.exposeFloat('overallScore', {
      nullable: true,
      description: 'The score of the whole, set when it ends.',
    }),
    executionTimeMs: t.expose('executionTimeMs', {
      type: 'SafeInt',
      description:
        'Milliseconds that its runs took together; when it was completed with a suite result, what that said.',
    }),
    totalTokens: t.expose('totalTokens', { type: 'SafeInt', description: 'Tokens of all its outcomes.' }),
    totalCostUsd: t.expose('totalCostUsd', {
      type: 'Usd',
      description: 'Cost of all its outcomes; when it was completed with a suite result, what that said.',
    }),
    metadata: t.expose('metadata', {
      type: 'JSON',
      description: 'Whatever its starter wanted to keep with it.',
    }),
    modalAppId: t.exposeString('modalAppId', { nullable: true, description: 'The Modal app that runs it.' }),
    modalEnvironment: t.exposeString('modalEnvironment', {
      description: 'The Modal environment that it runs in.',
    }),
    sandboxInstances: t.exposeInt('sandboxInstances', {
      description: 'How many sandboxes run side by side.',
    }),
    timeoutMs: t.exposeInt('timeoutMs', { description: 'How long one run may take, in milliseconds.' }),
    maxRetries: t.exposeInt('maxRetries', { description: 'How often a run may be tried again.' }),
    priority: t.exposeInt('priority', { description: '1 to 10; 10 is the most urgent.' }),
    errorMessage: t.exposeString('errorMessage', {
      nullable: true,
      description: 'Why it failed or was cancelled.',
    }),
    eventSeq: t.expose('eventSeq', {
      type: 'SafeInt',
      description: 'Number of its latest event: where a subscription with afterSeq goes on.',
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was planned.' }),
    startedAt: t.expose('startedAt', { type: 'DateTime', nullable: true, description: 'When it began.' }),
    completedAt: t.expose('completedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it ended, in whatever way.',
    }),
    runtimeMs: t.field({
      type: 'SafeInt',
      nullable: true,
      select: { startedAt: true, completedAt: true },
      description:
        'Milliseconds from its beginning to its end, or until now while it runs; null before it began.',
      resolve: ({ startedAt, completedAt }) =>
        startedAt &&
        (completedAt?.getTime() ?? Math.max(Date.now(), startedAt.getTime())) - startedAt.getTime(),
    }),
    configVersion: t.relation('configVersion', { description: 'The configuration version that it runs.' }),
  }),
})

const SimulationStatusFilter = enumFilter('SimulationStatusFilter', SimulationStatusEnum)

const SimulationFilter = builder.inputType('SimulationFilter', {
  description: 'Which simulations; all conditions have to hold.',
  fields: (t) => ({
    simulationId: t.field({ type: IdFilter, description: 'By key.' }),
    status: t.field({ type: SimulationStatusFilter, description: 'By where they are in their life.' }),
    simulationName: t.field({ type: NullableStringFilter, description: 'By name.' }),
    configVersionId: t.field({ type: IdFilter, description: 'By the key of the version that they run.' }),
    configId: t.field({ type: IdFilter, description: 'By the key of the configuration that they run.' }),
    model: t.field({ type: StringFilter, description: 'By the model of the version that they run.' }),
    scenarioId: t.field({ type: StringFilter, description: 'By scenario: those that run one like this.' }),
    overallScore: t.field({ type: NullableNumberFilter, description: 'By the score of the whole.' }),
    executionTimeMs: t.field({
      type: NumberFilter,
      description: 'By how long their runs took together, in milliseconds.',
    }),
    totalTokens: t.field({ type: NumberFilter, description: 'By the tokens of all their outcomes.' }),
    totalCostUsd: t.field({ type: NumberFilter, description: 'By what they cost in US dollars.' }),
    priority: t.field({ type: NumberFilter, description: 'By priority.' }),
    createdAt: t.field({ type: DateTimeFilter, description: 'By when they were planned.' }),
    startedAt: t.field({ type: NullableDateTimeFilter, description: 'By when they began.' }),
    completedAt: t.field({ type: NullableDateTimeFilter, description: 'By when they ended.' }),
    metadata: jsonPathField(t, 'what their starter wanted to keep'),
  }),
})

export const simulationPages = defineStoredList('Simulation', {
  model: 'Simulation',
  table: 'simulations',
  type: Simulation,
  keys: [{ field: 'simulationId', kind: 'uuid' }],
  orders: {
    CREATED_AT: { field: 'createdAt', kind: 'time', description: 'When it was planned.' },
    STARTED_AT: { field: 'startedAt', kind: 'time', nullable: true, description: 'When it began.' },
    COMPLETED_AT: { field: 'completedAt', kind: 'time', nullable: true, description: 'When it ended.' },
    OVERALL_SCORE: {
      field: 'overallScore',
      kind: 'number',
      nullable: true,
      description: 'The score of the whole.',
    },
    TOTAL_COST_USD: { field: 'totalCostUsd', kind: 'decimal', description: 'What it cost.' },
    TOTAL_TOKENS: { field: 'totalTokens', kind: 'bigint', description: 'How many tokens it took.' },
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
      'The simulations that ran this version, the newest first.',
    ),
  ),
)

builder.prismaObjectField(Configuration, 'simulations', (t) =>
  t.field(
    simulationPages.under(
      { key: 'configId', field: 'configId', type: 'uuid', through: ['configVersion'] },
      'The simulations that ran any of its versions, the newest first.',
    ),
  ),
)

builder.queryFields((t) => ({
  simulation: t.field(simulationPages.byKey('A simulation by its key.')),
  simulations: t.field(simulationPages.root('The tenant’s simulations, the newest first.')),
  activeSimulations: t.field(
    simulationPages.root('The simulations that are pending or running, the newest first.', {
      status: { in: ['pending', 'running'] },
    }),
  ),
}))
