import DataLoader from 'dataloader'
import type { Prisma } from '../db/generated/client.ts'
import { countBySignature, SIMILAR_FAILURES } from '../evaluation/failures/failurePatternStore.ts'
import { builder } from './builder/builder.ts'
import { enumField } from './builder/enumField.ts'
import type { ReadInStatement } from './builder/fieldRead.ts'
import { ConfigVersion } from './configVersion.ts'
import { sharedByField } from './lists/fieldLoader.ts'
import {
  conditionOf,
  containedConditionsOf,
  containedField,
  DateTimeFilter,
  IdFilter,
  type InputFields,
  outcomeConditionsOf,
  StringFilter,
  searchConditionsOf,
  searchField,
  supersededField,
  textConditionOf,
  uuidRangeOf,
  versionConditionsOf,
} from './lists/filters.ts'
import { defineStoredList } from './lists/storedList.ts'
import { ErrorCategoryEnum, ErrorCategoryFilter, Outcome } from './outcome.ts'
import { Scenario } from './scenario.ts'
import { Simulation } from './simulation.ts'

/** What counting the equal ones costs, in rows that are read. */
const COUNT_COST = 10

export const FailurePattern = builder.prismaNode('FailurePattern', {
  id: { field: 'patternId' },
  nullable: true,
  description: 'One failure in one attempt at a run.',
  select: { patternId: true, outcomeId: true, executionTime: true },
  fields: (t) => ({
    patternId: t.expose('patternId', { type: 'UUID', description: 'Its key.' }),
    outcomeId: t.expose('outcomeId', { type: 'UUID', description: 'The outcome’s key.' }),
    simulationId: t.expose('simulationId', { type: 'UUID', description: 'The simulation’s key.' }),
    executionTime: t.expose('executionTime', { type: 'DateTime', description: 'When the run ended.' }),
    failureType: t.exposeString('failureType', {
      description: 'Its type, e.g. an exception class or a failed check.',
    }),
    failureCategory: enumField(t, 'failureCategory', {
      type: ErrorCategoryEnum,
      description: 'The kind of error.',
    }),
    errorMessage: t.exposeString('errorMessage', { nullable: true, description: 'Its message.' }),
    signature: t.exposeString('signature', {
      description:
        'Hash of the message without variable parts (ids, numbers, paths): equal signatures mean one failure.',
    }),
    recoveryAttempted: t.exposeBoolean('recoveryAttempted', {
      description: 'Whether the agent tried to recover.',
    }),
    recoverySuccessful: t.exposeBoolean('recoverySuccessful', { description: 'Whether it recovered.' }),
    similarFailures: t.int({
      select: { signature: true },
      extensions: { cost: COUNT_COST, read: () => SIMILAR_FAILURES } satisfies ReadInStatement,
      description: 'How many other failures have the same signature, in any attempt at any run.',
      resolve: async ({ signature }, _, context, info) => {
        const { loader } = sharedByField(
          context,
          info,
          () =>
            new DataLoader<string, number>(async (signatures) => {
              const counts = await countBySignature(context.reads, signatures)
              return signatures.map((each) => counts.get(each) ?? 0)
            }),
        )
        return (await loader.load(signature)) - 1
      },
    }),
    resolutionSteps: t.exposeString('resolutionSteps', { nullable: true, description: 'How to fix it.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was stored.' }),
    outcome: t.relation('outcome', { description: 'The outcome of the run.' }),
    simulation: t.relation('simulation', { description: 'The simulation of the run.' }),
  }),
})

/** Conditions on failure patterns, for those that are listed and those that are summed up. */
export const failurePatternConditions = (t: InputFields) => ({
  patternId: t.field({ type: IdFilter, description: 'By key.' }),
  outcomeId: t.field({ type: IdFilter, description: 'By outcome.' }),
  simulationId: t.field({ type: IdFilter, description: 'By simulation.' }),
  scenarioId: t.field({ type: StringFilter, description: 'By scenario.' }),
  superseded: supersededField(t),
  configVersionId: t.field({ type: IdFilter, description: 'By the configuration version that was run.' }),
  failureType: t.field({ type: StringFilter, description: 'By type.' }),
  failureCategory: t.field({ type: ErrorCategoryFilter, description: 'By kind of error.' }),
  signature: t.field({ type: StringFilter, description: 'By signature: all occurrences of one failure.' }),
  recoveryAttempted: t.boolean({
    description: 'Whether the agent tried to recover; all by default.',
  }),
  recoverySuccessful: t.boolean({
    description: 'Whether the agent recovered; all by default.',
  }),
  text: containedField(t, 'Only those with this text in type or message, ignoring case.'),
  search: searchField(t, 'type or message'),
  executionTime: t.field({ type: DateTimeFilter, description: 'By when the run ended.' }),
})

const FailurePatternFilter = builder.inputType('FailurePatternFilter', {
  description: 'Filters failure patterns; all conditions must match.',
  fields: failurePatternConditions,
})

const failurePatternPages = defineStoredList('FailurePattern', {
  model: 'FailurePattern',
  table: 'failure_patterns',
  type: FailurePattern,
  keys: [{ field: 'patternId', kind: 'uuid' }],
  orders: {
    // The id is a UUIDv7 of the execution time.
    EXECUTION_TIME: { field: 'patternId', kind: 'uuid', description: 'When the run ended.' },
    FAILURE_TYPE: { field: 'failureType', kind: 'text', description: 'Its type.' },
  },
  defaultOrder: { field: 'EXECUTION_TIME', direction: 'desc' },
  filter: FailurePatternFilter,
  where: failurePatternWhere,
})

/** Which patterns fulfil the conditions. */
export function failurePatternWhere(
  filter: typeof FailurePatternFilter.$inferInput,
): Prisma.FailurePatternWhereInput & Record<string, unknown> {
  return {
    patternId: { ...conditionOf(filter.patternId), ...uuidRangeOf(filter.executionTime) },
    outcomeId: conditionOf(filter.outcomeId),
    simulationId: conditionOf(filter.simulationId),
    failureType: textConditionOf(filter.failureType),
    failureCategory: conditionOf(filter.failureCategory),
    signature: textConditionOf(filter.signature),
    executionTime: conditionOf(filter.executionTime),
    recoveryAttempted: filter.recoveryAttempted ?? undefined,
    recoverySuccessful: filter.recoverySuccessful ?? undefined,
    ...outcomeConditionsOf(filter),
    ...versionConditionsOf(filter),
    AND: [
      ...containedConditionsOf(['failureType', 'errorMessage'], filter.text),
      ...searchConditionsOf('patternId', 'search_failure_patterns', filter.search),
    ],
  }
}

builder.prismaObjectField(Outcome, 'failurePatterns', (t) =>
  t.field(
    failurePatternPages.under(
      { key: 'outcomeId', field: 'outcomeId', type: 'uuid' },
      'Its failure patterns.',
    ),
  ),
)

builder.prismaObjectField(Simulation, 'failurePatterns', (t) =>
  t.field(
    failurePatternPages.under(
      { key: 'simulationId', field: 'simulationId', type: 'uuid' },
      'Failure patterns of its runs, latest first.',
    ),
  ),
)

builder.prismaObjectField(Scenario, 'failurePatterns', (t) =>
  t.field(
    failurePatternPages.under(
      { key: 'scenarioId', field: 'scenarioId', type: 'text', through: ['outcome'] },
      'Failure patterns of its runs in all simulations, latest first.',
    ),
  ),
)

builder.prismaObjectField(ConfigVersion, 'failurePatterns', (t) =>
  t.field(
    failurePatternPages.under(
      { key: 'versionId', field: 'configVersionId', type: 'uuid', through: ['simulation'] },
      'Failure patterns of its runs in all simulations, latest first.',
    ),
  ),
)

builder.queryFields((t) => ({
  failurePattern: t.field(failurePatternPages.byKey('A failure pattern by its key.')),
  failurePatterns: t.field(
    failurePatternPages.root('Failure patterns of all the tenant’s runs, latest first.'),
  ),
}))
