import { type FailureGroup, failureGroups } from '../evaluation/failures/failurePatternStore.ts'
import { RUNS_OF, type RunsOf } from '../evaluation/rollups/runsOf.ts'
import { relatedRow } from '../reads/answers/pages.ts'
import type { ParentKeys } from '../reads/computedPages.ts'
import { builder } from './builder/builder.ts'
import type { ReadInStatement } from './builder/fieldRead.ts'
import { Configuration } from './configuration.ts'
import { ConfigVersion } from './configVersion.ts'
import { FailurePattern, failurePatternConditions, failurePatternWhere } from './failurePattern.ts'
import { defineComputedList } from './lists/computedList.ts'
import { integerConditionOf, NumberFilter } from './lists/filters.ts'
import { ErrorCategoryEnum } from './outcome.ts'
import { Scenario } from './scenario.ts'
import { Simulation } from './simulation.ts'

/** In rows that are read: all failures are. */
const GROUPS_COST = 50

const FailureGroupType = builder.objectRef<FailureGroup>('FailureGroup').implement({
  description: 'All occurrences of one failure: those with one signature.',
  fields: (t) => ({
    signature: t.exposeString('signature', {
      description: 'The signature, for `failurePatterns(filter: {signature: …})`.',
    }),
    failureType: t.exposeString('failureType', {
      description: 'Its type, e.g. an exception class or a failed check.',
    }),
    failureCategory: t.expose('failureCategory', {
      type: ErrorCategoryEnum,
      description: 'Its most common kind of error.',
    }),
    failures: t.exposeInt('failures', { description: 'How often it occurred, in any attempt.' }),
    attempts: t.exposeInt('attempts', { description: 'Number of attempts with it.' }),
    runs: t.exposeInt('runs', {
      description:
        'Number of runs with it, each by its last attempt: a run whose next attempt went without it does not count.',
    }),
    simulations: t.exposeInt('simulations', {
      description: 'Number of simulations with it, in any attempt.',
    }),
    firstTime: t.expose('firstTime', {
      type: 'DateTime',
      description: 'When the first of the attempts ended.',
    }),
    lastTime: t.expose('lastTime', {
      type: 'DateTime',
      description: 'When the last of the attempts ended.',
    }),
    latest: t.prismaField({
      type: FailurePattern,
      description: 'The latest occurrence, with its message.',
      extensions: {
        read: ({ members }) => relatedRow('failure_patterns', [['patternId', 'patternId']], members(), false),
      } satisfies ReadInStatement,
      resolve: (query, { patternId }, _, { reads }) =>
        reads.client.failurePattern.findUniqueOrThrow({ ...query, where: { patternId } }),
    }),
  }),
})

const FailureGroupFilter = builder.inputType('FailureGroupFilter', {
  description: 'Which failure patterns to group; all conditions must match.',
  fields: (t) => ({
    ...failurePatternConditions(t),
    failures: t.field({ type: NumberFilter, description: 'By how often the failure occurred among them.' }),
    attempts: t.field({ type: NumberFilter, description: 'By the number of attempts among them.' }),
    runs: t.field({
      type: NumberFilter,
      description: 'By the number of runs whose last attempt is among them.',
    }),
  }),
})

type FailureGroupFilter = typeof FailureGroupFilter.$inferInput

const failureGroupPages = defineComputedList<FailureGroupFilter>('FailureGroup', {
  type: FailureGroupType,
  cost: GROUPS_COST,
  keys: [{ field: 'signature', kind: 'text' }],
  orders: {
    FAILURES: { field: 'failures', kind: 'integer', description: 'How often it occurred.' },
    ATTEMPTS: { field: 'attempts', kind: 'integer', description: 'Number of attempts with it.' },
    RUNS: { field: 'runs', kind: 'integer', description: 'Number of runs with it, by their last attempts.' },
    SIMULATIONS: { field: 'simulations', kind: 'integer', description: 'Number of simulations with it.' },
    FIRST_TIME: { field: 'firstTime', kind: 'time', description: 'When the first of the attempts ended.' },
    LAST_TIME: { field: 'lastTime', kind: 'time', description: 'When the last of the attempts ended.' },
    FAILURE_TYPE: { field: 'failureType', kind: 'text', description: 'Its type.' },
  },
  defaultOrder: { field: 'FAILURES', direction: 'desc' },
  filter: FailureGroupFilter,
  where: (filter) => ({
    failures: integerConditionOf(filter?.failures),
    attempts: integerConditionOf(filter?.attempts),
    runs: integerConditionOf(filter?.runs),
  }),
})

/** Sums over the runs that belong to the parents; `runsOf` null: over all. */
const groupsOf = (runsOf: RunsOf | null) => (parents: ParentKeys, filter: FailureGroupFilter | undefined) =>
  failureGroups(runsOf, parents, filter ? failurePatternWhere(filter) : {})

builder.queryField('failureGroups', (t) =>
  t.field(failureGroupPages.root('Failures of all the tenant’s runs, most common first.', groupsOf(null))),
)

builder.prismaObjectField(Simulation, 'failureGroups', (t) =>
  t.field(
    failureGroupPages.under(
      'simulationId',
      'Failures of its runs, most common first.',
      groupsOf(RUNS_OF.simulation),
    ),
  ),
)

builder.prismaObjectField(ConfigVersion, 'failureGroups', (t) =>
  t.field(
    failureGroupPages.under(
      'versionId',
      'Failures of all runs of the version, most common first.',
      groupsOf(RUNS_OF.configVersion),
    ),
  ),
)

builder.prismaObjectField(Configuration, 'failureGroups', (t) =>
  t.field(
    failureGroupPages.under(
      'configId',
      'Failures of all runs of its versions, most common first.',
      groupsOf(RUNS_OF.configuration),
    ),
  ),
)

builder.prismaObjectField(Scenario, 'failureGroups', (t) =>
  t.field(
    failureGroupPages.under(
      'scenarioId',
      'Failures of all runs of the scenario, most common first.',
      groupsOf(RUNS_OF.scenario),
    ),
  ),
)
