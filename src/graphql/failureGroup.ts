import { type FailureGroup, failureGroups } from '../evaluation/failures/failurePatternStore.ts'
import { RUNS_OF, type RunsOf } from '../evaluation/rollups/runsOf.ts'
import { relatedRow } from '../reads/answers/pages.ts'
import type { ParentKeys } from '../reads/computedPages.ts'
import type { Condition } from '../reads/condition.ts'
import { builder } from './builder/builder.ts'
import type { ReadInStatement } from './builder/fieldRead.ts'
import { Configuration } from './configuration.ts'
import { ConfigVersion } from './configVersion.ts'
import { FailurePattern, failurePatternFilters } from './failurePattern.ts'
import { Columns } from './lists/columns.ts'
import { defineComputedList } from './lists/computedList.ts'
import { ErrorCategoryEnum } from './outcome.ts'
import { Scenario } from './scenario.ts'
import { Simulation } from './simulation.ts'

/** In rows that are read: all failures are. */
const GROUPS_COST = 50

const failureGroupColumns = new Columns<FailureGroup>({
  signature: { kind: 'text', description: 'The signature, for `failurePatterns(filter: {signature: …})`.' },
  failureType: {
    kind: 'text',
    description: 'Its type, e.g. an exception class or a failed check.',
    order: 'Its type.',
  },
  failureCategory: { kind: 'enum', enum: ErrorCategoryEnum, description: 'Its most common kind of error.' },
  failures: {
    kind: 'integer',
    description: 'How often it occurred, in any attempt.',
    filter: 'By how often the failure occurred among them.',
    order: 'How often it occurred.',
  },
  attempts: {
    kind: 'integer',
    description: 'Number of attempts with it.',
    filter: 'By the number of attempts among them.',
    order: 'Number of attempts with it.',
  },
  runs: {
    kind: 'integer',
    description:
      'Number of runs with it, each by its last attempt: a run whose next attempt went without it does not count.',
    filter: 'By the number of runs whose last attempt is among them.',
    order: 'Number of runs with it, by their last attempts.',
  },
  simulations: {
    kind: 'integer',
    description: 'Number of simulations with it, in any attempt.',
    order: 'Number of simulations with it.',
  },
  firstTime: {
    kind: 'time',
    description: 'When the first of the attempts ended.',
    order: 'When the first of the attempts ended.',
  },
  lastTime: {
    kind: 'time',
    description: 'When the last of the attempts ended.',
    order: 'When the last of the attempts ended.',
  },
})

const FailureGroupType = builder.objectRef<FailureGroup>('FailureGroup').implement({
  description: 'All occurrences of one failure: those with one signature.',
  fields: (t) => ({
    ...failureGroupColumns.fields(t),
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

const failureGroupPages = defineComputedList('FailureGroup', {
  type: FailureGroupType,
  cost: GROUPS_COST,
  columns: failureGroupColumns,
  keys: ['signature'],
  defaultOrder: ['failures', 'desc'],
  filter: 'Which failure patterns to group; all conditions must match.',
  of: failurePatternFilters,
})

/** Sums over the runs that belong to the parents; `runsOf` null: over all. */
const groupsOf = (runsOf: RunsOf | null) => (parents: ParentKeys, of: Condition) =>
  failureGroups(runsOf, parents, of)

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
