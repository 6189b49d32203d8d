import type { Outcome as OutcomeRow } from '../db/generated/client.ts'
import { outcomeAt, outcomeOf } from '../evaluation/outcomes/outcomeAnswer.ts'
import { LENGTHS } from '../valueChecks.ts'
import { builder } from './builder/builder.ts'
import type { Context } from './builder/context.ts'
import type { ReadInStatement } from './builder/fieldRead.ts'
import { ConfigVersion, configVersionColumns } from './configVersion.ts'
import { Columns } from './lists/columns.ts'
import { byRelated, type FilterFields } from './lists/filters.ts'
import { shownRelation } from './lists/relatedRow.ts'
import { defineStoredList } from './lists/storedList.ts'
import { Scenario, scenarioColumns } from './scenario.ts'
import { Simulation, simulationColumns } from './simulation.ts'
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

export const outcomeColumns = new Columns<OutcomeRow>({
  outcomeId: { kind: 'uuid', description: 'Its key.', filter: 'By key.' },
  simulationId: { kind: 'uuid', description: 'The simulation’s key.', filter: 'By simulation.' },
  scenarioId: {
    kind: 'text',
    maxLength: LENGTHS.scenarioKey.max,
    description: 'The scenario’s key.',
    filter: 'By scenario.',
  },
  repetition: {
    kind: 'integer',
    description: 'Which repetition of the scenario, from 1.',
    filter: 'By repetition.',
  },
  executionTime: {
    kind: 'time',
    description: 'When the run ended; if unknown, when it was recorded.',
    filter: 'By when the run ended.',
    order: 'When the run ended.',
  },
  status: {
    kind: 'enum',
    enum: OutcomeStatusEnum,
    description: 'How the run ended.',
    filter: 'By how the run ended.',
  },
  reliabilityScore: {
    kind: 'number',
    nullable: true,
    description: '0 to 1; null when not graded.',
    filter: 'By score; isNull finds those not graded.',
    order: 'Its score.',
  },
  executionTimeMs: {
    kind: 'integer',
    nullable: true,
    description: 'How long the run took, in milliseconds; null when unknown.',
    filter: 'By how long the run took, in milliseconds.',
    order: 'How long the run took.',
  },
  tokensUsed: {
    kind: 'integer',
    nullable: true,
    description: 'Total tokens; null when unknown.',
    filter: 'By tokens.',
    order: 'Its tokens.',
  },
  promptTokens: {
    kind: 'integer',
    nullable: true,
    description: 'Input tokens of the model; null when unknown.',
    filter: 'By input tokens.',
  },
  completionTokens: {
    kind: 'integer',
    nullable: true,
    description: 'Output tokens of the model; null when unknown.',
    filter: 'By output tokens.',
  },
  costUsd: {
    kind: 'decimal',
    nullable: true,
    description: 'What the run cost; null when unknown.',
    filter: 'By cost in US dollars.',
    order: 'Its cost.',
  },
  stepCount: {
    kind: 'integer',
    description: 'How many steps or messages its trajectory has; 0 without a list of them.',
    filter: 'By how many steps or messages its trajectory has.',
    order: 'How many steps it took.',
  },
  model: {
    kind: 'text',
    maxLength: LENGTHS.label.max,
    nullable: true,
    description: 'The model that ran, as its source names it; else that of the configuration version.',
    filter: 'By model.',
  },
  metrics: { kind: 'json', description: 'Further metrics, e.g. the score’s dimensions.' },
  modalCallId: {
    kind: 'text',
    maxLength: LENGTHS.label.max,
    nullable: true,
    description: 'The Modal call that it ran in.',
    filter: 'By the Modal call.',
  },
  sandboxId: {
    kind: 'text',
    maxLength: LENGTHS.label.max,
    nullable: true,
    description: 'The sandbox that it ran in.',
    filter: 'By the sandbox.',
  },
  errorCode: {
    kind: 'text',
    maxLength: LENGTHS.label.max,
    nullable: true,
    description: 'The error’s code, as its source names it.',
    filter: 'By the error’s code.',
  },
  errorCategory: {
    kind: 'enum',
    enum: ErrorCategoryEnum,
    nullable: true,
    description: 'The kind of error that ended the run; null if none did.',
    filter: 'By kind of error.',
  },
  retryCount: {
    kind: 'integer',
    description: 'How many attempts came before this one.',
    filter: 'By how many attempts came before.',
  },
  superseded: {
    kind: 'boolean',
    description: 'Whether a later attempt of the run is stored: then this one counts for cost only.',
    filter: 'Whether a later attempt is stored: false finds one outcome for each run. All by default.',
  },
  eventSeq: {
    kind: 'bigint',
    description: 'Number of the simulation event that reported it, or its latest amendment.',
    filter: 'By the number of the event that reported them: what is new since an event.',
  },
  recordedAt: { kind: 'time', description: 'When it was stored.', filter: 'By when it was stored.' },
})

export const Outcome = builder.prismaNode('Outcome', {
  id: { field: 'outcomeId_executionTime' },
  nullable: true,
  description: 'The result of one run of a scenario, with everything the agent did.',
  select: { outcomeId: true, executionTime: true },
  fields: (t) => ({
    ...outcomeColumns.fields(t),
    simulation: t.field(
      shownRelation('Outcome', 'simulation', Simulation, 'The simulation that it belongs to.'),
    ),
    scenario: t.field(shownRelation('Outcome', 'scenario', Scenario, 'The scenario that was run.')),
    run: t.field(
      shownRelation(
        'Outcome',
        'run',
        SimulationScenario,
        'The run of the simulation that it was an attempt at.',
      ),
    ),
  }),
})

// Of what belongs to a simulation, by what that ran.
export const byConfigVersion = byRelated(
  'simulation',
  simulationColumns.filter('configVersionId', 'By the configuration version that was run.'),
  { heldByFew: true },
)
export const byConfiguration = byRelated(
  'simulation',
  byRelated('configVersion', configVersionColumns.filter('configId', 'By the configuration that was run.')),
)

export const BY_SUPERSEDED =
  'Whether a later attempt is stored: false finds the last attempt of each run. All attempts by default.'

/** Filters of what belongs to an outcome. */
export const ofOutcome: FilterFields = {
  scenarioId: byRelated('outcome', outcomeColumns.filter('scenarioId', 'By scenario.')),
  superseded: byRelated('outcome', outcomeColumns.filter('superseded', BY_SUPERSEDED)),
  configVersionId: byConfigVersion,
}

export const outcomePages = defineStoredList('Outcome', {
  model: 'Outcome',
  type: Outcome,
  columns: outcomeColumns,
  keys: ['executionTime', 'outcomeId'],
  defaultOrder: ['executionTime', 'desc'],
  filter: 'Filters outcomes; all conditions must match.',
  filters: {
    configVersionId: byConfigVersion,
    configId: byConfiguration,
    difficultyLevel: byRelated(
      'scenario',
      scenarioColumns.filter('difficultyLevel', 'By the scenario’s difficulty.'),
    ),
    tags: byRelated('scenario', scenarioColumns.filter('tags', 'By the scenario’s tags.')),
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
