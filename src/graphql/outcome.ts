import type { Prisma } from '../db/generated/client.ts'
import { outcomeAt, outcomeOf } from '../evaluation/outcomes/outcomeAnswer.ts'
import { builder } from './builder/builder.ts'
import type { Context } from './builder/context.ts'
import { enumField } from './builder/enumField.ts'
import type { ReadInStatement } from './builder/fieldRead.ts'
import { ConfigVersion } from './configVersion.ts'
import {
  conditionOf,
  DateTimeFilter,
  enumFilter,
  IdFilter,
  integerConditionOf,
  NullableNumberFilter,
  NullableStringFilter,
  NumberFilter,
  nullableEnumFilter,
  StringFilter,
  TagFilter,
  tagConditionsOf,
  textConditionOf,
  versionConditionsOf,
} from './lists/filters.ts'
import { defineStoredList } from './lists/storedList.ts'
import { DifficultyFilter, Scenario } from './scenario.ts'
import { Simulation } from './simulation.ts'
import { SimulationScenario } from './simulationScenario.ts'

export const OutcomeStatusEnum = builder.enumType('OutcomeStatus', {
  description: 'How a run ended.',
  values: {
    SUCCESS: { value: 'success', description: 'With success.' },
    ERROR: { value: 'error', description: 'With an error, or without having reached its goal.' },
    TIMEOUT: { value: 'timeout', description: 'It took too long or too many steps.' },
    CANCELLED: { value: 'cancelled', description: 'It was stopped.' },
  } as const,
})

export const ErrorCategoryEnum = builder.enumType('ErrorCategory', {
  description: 'The kind of error.',
  values: {
    TIMEOUT: { value: 'timeout', description: 'It took too long.' },
    TOOL_ERROR: { value: 'tool_error', description: 'A tool or function call failed.' },
    MODEL_ERROR: {
      value: 'model_error',
      description: 'The model returned nothing usable: refusal, rate limit, malformed call.',
    },
    VALIDATION_ERROR: { value: 'validation_error', description: 'The result was not as expected.' },
    SYSTEM_ERROR: { value: 'system_error', description: 'The infrastructure failed.' },
    SANDBOX_ERROR: { value: 'sandbox_error', description: 'The sandbox failed.' },
    UNKNOWN: { value: 'unknown', description: 'Unknown.' },
  } as const,
})

export const Outcome = builder.prismaNode('Outcome', {
  id: { field: 'outcomeId_executionTime' },
  nullable: true,
  description: 'The result of one run of a scenario, with everything the agent did.',
  select: { outcomeId: true, executionTime: true },
  fields: (t) => ({
    outcomeId: t.expose('outcomeId', { type: 'UUID', description: 'Its key.' }),
    simulationId: t.expose('simulationId', { type: 'UUID', description: 'The simulation’s key.' }),
    scenarioId: t.exposeString('scenarioId', { description: 'The scenario’s key.' }),
    repetition: t.exposeInt('repetition', { description: 'Which repetition of the scenario, from 1.' }),
    executionTime: t.expose('executionTime', {
      type: 'DateTime',
      description: 'When the run ended; if unknown, when it was recorded.',
    }),
    status: enumField(t, 'status', { type: OutcomeStatusEnum, description: 'How the run ended.' }),
    reliabilityScore: t.exposeFloat('reliabilityScore', {
      nullable: true,
      description: '0 to 1; null when not graded.',
    }),
    executionTimeMs: t.exposeInt('executionTimeMs', {
      nullable: true,
      description: 'How long the run took, in milliseconds; null when unknown.',
    }),
    tokensUsed: t.exposeInt('tokensUsed', {
      nullable: true,
      description: 'Total tokens; null when unknown.',
    }),
    promptTokens: t.exposeInt('promptTokens', {
      nullable: true,
      description: 'Input tokens of the model; null when unknown.',
    }),
    completionTokens: t.exposeInt('completionTokens', {
      nullable: true,
      description: 'Output tokens of the model; null when unknown.',
    }),
    costUsd: t.expose('costUsd', {
      type: 'Usd',
      nullable: true,
      description: 'What the run cost; null when unknown.',
    }),
    model: t.exposeString('model', {
      nullable: true,
      description: 'The model that ran, as its source names it; else that of the configuration version.',
    }),
    metrics: t.expose('metrics', {
      type: 'JSON',
      description: 'Further metrics, e.g. the score’s dimensions.',
    }),
    modalCallId: t.exposeString('modalCallId', {
      nullable: true,
      description: 'The Modal call that it ran in.',
    }),
    sandboxId: t.exposeString('sandboxId', { nullable: true, description: 'The sandbox that it ran in.' }),
    errorCode: t.exposeString('errorCode', {
      nullable: true,
      description: 'The error’s code, as its source names it.',
    }),
    errorCategory: enumField(t, 'errorCategory', {
      type: ErrorCategoryEnum,
      nullable: true,
      description: 'The kind of error that ended the run; null if none did.',
    }),
    retryCount: t.exposeInt('retryCount', { description: 'How many attempts came before this one.' }),
    superseded: t.exposeBoolean('superseded', {
      description: 'Whether a later attempt of the run is stored: then this one counts for cost only.',
    }),
    eventSeq: t.expose('eventSeq', {
      type: 'SafeInt',
      description: 'Number of the simulation event that reported it, or its latest amendment.',
    }),
    recordedAt: t.expose('recordedAt', { type: 'DateTime', description: 'When it was stored.' }),
    simulation: t.relation('simulation', { description: 'The simulation that it belongs to.' }),
    scenario: t.relation('scenario', { description: 'The scenario that was run.' }),
    run: t.relation('run', { description: 'The run of the simulation that it was an attempt at.' }),
  }),
})

const OutcomeStatusFilter = enumFilter('OutcomeStatusFilter', OutcomeStatusEnum)
export const ErrorCategoryFilter = enumFilter('ErrorCategoryFilter', ErrorCategoryEnum)
const NullableErrorCategoryFilter = nullableEnumFilter('NullableErrorCategoryFilter', ErrorCategoryEnum)

const OutcomeFilter = builder.inputType('OutcomeFilter', {
  description: 'Filters outcomes; all conditions must match.',
  fields: (t) => ({
    outcomeId: t.field({ type: IdFilter, description: 'By key.' }),
    simulationId: t.field({ type: IdFilter, description: 'By simulation.' }),
    configVersionId: t.field({ type: IdFilter, description: 'By the configuration version that was run.' }),
    configId: t.field({ type: IdFilter, description: 'By the configuration that was run.' }),
    scenarioId: t.field({ type: StringFilter, description: 'By scenario.' }),
    repetition: t.field({ type: NumberFilter, description: 'By repetition.' }),
    status: t.field({ type: OutcomeStatusFilter, description: 'By how the run ended.' }),
    errorCategory: t.field({ type: NullableErrorCategoryFilter, description: 'By kind of error.' }),
    errorCode: t.field({ type: NullableStringFilter, description: 'By the error’s code.' }),
    retryCount: t.field({ type: NumberFilter, description: 'By how many attempts came before.' }),
    superseded: t.boolean({
      description: 'Whether a later attempt is stored: false finds one outcome for each run. All by default.',
    }),
    modalCallId: t.field({ type: NullableStringFilter, description: 'By the Modal call.' }),
    sandboxId: t.field({ type: NullableStringFilter, description: 'By the sandbox.' }),
    executionTime: t.field({ type: DateTimeFilter, description: 'By when the run ended.' }),
    recordedAt: t.field({ type: DateTimeFilter, description: 'By when it was stored.' }),
    reliabilityScore: t.field({
      type: NullableNumberFilter,
      description: 'By score; isNull finds those not graded.',
    }),
    executionTimeMs: t.field({
      type: NullableNumberFilter,
      description: 'By how long the run took, in milliseconds.',
    }),
    tokensUsed: t.field({ type: NullableNumberFilter, description: 'By tokens.' }),
    promptTokens: t.field({
      type: NullableNumberFilter,
      description: 'By input tokens.',
    }),
    completionTokens: t.field({
      type: NullableNumberFilter,
      description: 'By output tokens.',
    }),
    costUsd: t.field({ type: NullableNumberFilter, description: 'By cost in US dollars.' }),
    model: t.field({ type: NullableStringFilter, description: 'By model.' }),
    eventSeq: t.field({
      type: NumberFilter,
      description: 'By the number of the event that reported them: what is new since an event.',
    }),
    difficultyLevel: t.field({ type: DifficultyFilter, description: 'By the scenario’s difficulty.' }),
    tags: t.field({ type: TagFilter, description: 'By the scenario’s tags.' }),
  }),
})

const outcomePages = defineStoredList('Outcome', {
  model: 'Outcome',
  table: 'outcomes',
  type: Outcome,
  keys: [
    { field: 'executionTime', kind: 'time' },
    { field: 'outcomeId', kind: 'uuid' },
  ],
  orders: {
    EXECUTION_TIME: { field: 'executionTime', kind: 'time', description: 'When the run ended.' },
    RELIABILITY_SCORE: {
      field: 'reliabilityScore',
      kind: 'number',
      nullable: true,
      description: 'Its score.',
    },
    EXECUTION_TIME_MS: {
      field: 'executionTimeMs',
      kind: 'integer',
      nullable: true,
      description: 'How long the run took.',
    },
    TOKENS_USED: { field: 'tokensUsed', kind: 'integer', nullable: true, description: 'Its tokens.' },
    COST_USD: { field: 'costUsd', kind: 'decimal', nullable: true, description: 'Its cost.' },
  },
  defaultOrder: { field: 'EXECUTION_TIME', direction: 'desc' },
  filter: OutcomeFilter,
  where: (filter): Prisma.OutcomeWhereInput & Record<string, unknown> => {
    const ofScenario = filter.difficultyLevel || filter.tags
    return {
      outcomeId: conditionOf(filter.outcomeId),
      simulationId: conditionOf(filter.simulationId),
      scenarioId: textConditionOf(filter.scenarioId),
      repetition: integerConditionOf(filter.repetition),
      status: conditionOf(filter.status),
      errorCategory: conditionOf(filter.errorCategory),
      errorCode: textConditionOf(filter.errorCode),
      retryCount: integerConditionOf(filter.retryCount),
      superseded: filter.superseded ?? undefined,
      modalCallId: textConditionOf(filter.modalCallId),
      sandboxId: textConditionOf(filter.sandboxId),
      executionTime: conditionOf(filter.executionTime),
      recordedAt: conditionOf(filter.recordedAt),
      reliabilityScore: conditionOf(filter.reliabilityScore),
      executionTimeMs: integerConditionOf(filter.executionTimeMs),
      tokensUsed: integerConditionOf(filter.tokensUsed),
      promptTokens: integerConditionOf(filter.promptTokens),
      completionTokens: integerConditionOf(filter.completionTokens),
      costUsd: conditionOf(filter.costUsd),
      model: textConditionOf(filter.model),
      eventSeq: integerConditionOf(filter.eventSeq, 64),
      ...versionConditionsOf(filter),
      ...(ofScenario
        ? {
            scenario: {
              is: { difficultyLevel: conditionOf(filter.difficultyLevel), AND: tagConditionsOf(filter.tags) },
            },
          }
        : {}),
    }
  },
})

/** By its id alone: the key table tells the time, so that one partition is read and not all. */
export async function findOutcome<Query extends object>({ reads }: Context, query: Query, outcomeId: string) {
  const key = await reads.client.outcomeKey.findUnique({ where: { outcomeId } })
  if (!key) return null
  const { executionTime } = key
  return reads.client.outcome.findUnique({
    ...query,
    where: { outcomeId_executionTime: { outcomeId, executionTime } },
  })
}

builder.prismaObjectField(Simulation, 'outcomes', (t) =>
  t.field(
    outcomePages.under(
      { key: 'simulationId', field: 'simulationId', type: 'uuid' },
      'Outcomes of its runs, latest first.',
    ),
  ),
)

builder.prismaObjectField(Scenario, 'outcomes', (t) =>
  t.field(
    outcomePages.under(
      { key: 'scenarioId', field: 'scenarioId', type: 'text' },
      'Its outcomes in all simulations, latest first.',
    ),
  ),
)

builder.prismaObjectField(ConfigVersion, 'outcomes', (t) =>
  t.field(
    outcomePages.under(
      { key: 'versionId', field: 'configVersionId', type: 'uuid', through: ['simulation'] },
      'Outcomes of its runs in all simulations, latest first.',
    ),
  ),
)

builder.prismaObjectField(SimulationScenario, 'outcome', (t) =>
  t.prismaField({
    type: Outcome,
    nullable: true,
    select: { outcomeId: true },
    extensions: { read: ({ members }) => outcomeOf('outcomeId', members()) } satisfies ReadInStatement,
    description: 'The outcome of its latest attempt; null before there is one.',
    resolve: (query, { outcomeId }, _, context) =>
      outcomeId ? findOutcome(context, query, outcomeId) : null,
  }),
)

builder.queryFields((t) => ({
  outcome: t.prismaField({
    type: Outcome,
    nullable: true,
    description: 'An outcome by its key.',
    extensions: {
      read: ({ args, members }) => outcomeAt(args.outcomeId, members()),
    } satisfies ReadInStatement,
    args: { outcomeId: t.arg({ type: 'UUID', required: true, description: 'Its key.' }) },
    resolve: (query, _, { outcomeId }, context) => findOutcome(context, query, outcomeId),
  }),
  outcomes: t.field(outcomePages.root('The tenant’s outcomes, latest first.')),
}))
