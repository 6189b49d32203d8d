import DataLoader from 'dataloader'
import type { FailurePattern as FailurePatternRow } from '../db/generated/client.ts'
import { KNOWN_RESOLUTION_STEPS, resolutionStepsOf } from '../evaluation/failures/failureGroupNotes.ts'
import { countBySignature, EQUAL_FAILURES } from '../evaluation/failures/failurePatternStore.ts'
import { LENGTHS } from '../valueChecks.ts'
import { builder } from './builder/builder.ts'
import type { ReadInStatement } from './builder/fieldRead.ts'
import { ConfigVersion } from './configVersion.ts'
import { Columns } from './lists/columns.ts'
import { sharedByField } from './lists/fieldLoader.ts'
import { byContained, byGroup, bySearch, type FilterFields } from './lists/filters.ts'
import { shownRelation } from './lists/relatedRow.ts'
import { defineStoredList } from './lists/storedList.ts'
import { ErrorCategoryEnum, Outcome, ofOutcome } from './outcome.ts'
import { Scenario } from './scenario.ts'
import { Simulation } from './simulation.ts'

/** What counting the equal ones costs, in rows that are read. */
const COUNT_COST = 10

const failurePatternColumns = new Columns<FailurePatternRow>({
  patternId: {
    kind: 'uuid',
    description: 'Its key.',
    filter: 'By key.',
    order: { name: 'EXECUTION_TIME', description: 'When the run ended.' },
  },
  outcomeId: { kind: 'uuid', description: 'The outcome’s key.', filter: 'By outcome.' },
  simulationId: { kind: 'uuid', description: 'The simulation’s key.', filter: 'By simulation.' },
  executionTime: {
    kind: 'time',
    inKey: 'patternId',
    description: 'When the run ended.',
    filter: 'By when the run ended.',
  },
  failureType: {
    kind: 'text',
    maxLength: LENGTHS.failureType.max,
    description: 'Its type, e.g. an exception class or a failed check.',
    filter: 'By type.',
    order: 'Its type.',
  },
  failureCategory: {
    kind: 'enum',
    enum: ErrorCategoryEnum,
    description: 'The kind of error.',
    filter: 'By kind of error.',
  },
  errorMessage: { kind: 'text', maxLength: LENGTHS.message.max, nullable: true, description: 'Its message.' },
  signature: {
    kind: 'text',
    maxLength: LENGTHS.signature.max,
    description:
      'Hash of the message without variable parts (ids, numbers, paths): equal signatures mean one failure.',
    filter: 'By signature: all occurrences of one failure.',
  },
  recoveryAttempted: {
    kind: 'boolean',
    description: 'Whether the agent tried to recover.',
    filter: 'Whether the agent tried to recover; all by default.',
  },
  recoverySuccessful: {
    kind: 'boolean',
    description: 'Whether it recovered.',
    filter: 'Whether the agent recovered; all by default.',
  },
  resolutionSteps: {
    kind: 'text',
    maxLength: LENGTHS.message.max,
    nullable: true,
    description: 'How to fix it.',
  },
  createdAt: { kind: 'time', description: 'When it was stored.' },
})

export const FailurePattern = builder.prismaNode('FailurePattern', {
  id: { field: 'patternId' },
  nullable: true,
  description: 'One failure in one attempt at a run.',
  select: { patternId: true, outcomeId: true, executionTime: true },
  fields: (t) => ({
    ...failurePatternColumns.fields(t),
    equalFailures: t.int({
      select: { signature: true },
      extensions: { cost: COUNT_COST, read: () => EQUAL_FAILURES } satisfies ReadInStatement,
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
    knownResolutionSteps: t.string({
      nullable: true,
      select: { signature: true, resolutionSteps: true },
      extensions: { cost: COUNT_COST, read: () => KNOWN_RESOLUTION_STEPS } satisfies ReadInStatement,
      description:
        'How to fix it: its own steps, or else the latest that somebody wrote of it or of a failure that means the same.',
      resolve: async ({ signature, resolutionSteps }, _, context, info) => {
        if (resolutionSteps !== null) return resolutionSteps
        const { loader } = sharedByField(
          context,
          info,
          () =>
            new DataLoader<string, string | null>(async (signatures) => {
              const steps = await resolutionStepsOf(context.reads, signatures)
              return signatures.map((each) => steps.get(each) ?? null)
            }),
        )
        return loader.load(signature)
      },
    }),
    outcome: t.field(shownRelation('FailurePattern', 'outcome', Outcome, 'The outcome of the run.')),
    simulation: t.field(
      shownRelation('FailurePattern', 'simulation', Simulation, 'The simulation of the run.'),
    ),
  }),
})

/** Filters of failure patterns, for those that are listed and those that are summed up. */
export const failurePatternFilters: FilterFields = {
  ...failurePatternColumns.filters,
  ...ofOutcome,
  group: byGroup(
    failurePatternColumns.column('signature'),
    'Only those of the group by meaning that has the failure with this signature, e.g. the `groupId` of a group.',
  ),
  text: byContained(
    [failurePatternColumns.column('failureType'), failurePatternColumns.column('errorMessage')],
    'Only those with this text in type or message, ignoring case.',
  ),
  search: bySearch(failurePatternColumns.column('patternId'), 'search_failure_patterns', 'type or message'),
}

export const failurePatternPages = defineStoredList('FailurePattern', {
  model: 'FailurePattern',
  type: FailurePattern,
  columns: failurePatternColumns,
  keys: ['patternId'],
  defaultOrder: ['patternId', 'desc'],
  filter: 'Filters failure patterns; all conditions must match.',
  filters: failurePatternFilters,
})

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
