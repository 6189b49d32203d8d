import DataLoader from 'dataloader'
import type { GraphQLResolveInfo } from 'graphql'
import { databaseNow } from '../databaseTime.ts'
import { groupNotesOf } from '../evaluation/failures/failureGroupNotes.ts'
import {
  type AskedSince,
  type FailureGroup,
  type FailureGrouping,
  FailureGroupRows,
  type FailureTrend,
  failureGrouping,
  type GroupConfiguration,
  type GroupedBy,
  type GroupScenario,
  type GroupSignature,
  type GroupVersion,
  type Since,
} from '../evaluation/failures/failureGroupStore.ts'
import { RUNS_OF, type RunsOf } from '../evaluation/rollups/runsOf.ts'
import { computedFrom, onlyOne, relatedRow } from '../reads/answers/pages.ts'
import type { RowPart, SqlPart } from '../reads/answers/parts.ts'
import { type ComputedRows, type ParentKeys, readComputedRows } from '../reads/computedPages.ts'
import type { Condition } from '../reads/condition.ts'
import type { PageArgs } from '../reads/pagePlan.ts'
import { Refusal } from '../refusal.ts'
import { builder } from './builder/builder.ts'
import type { Context } from './builder/context.ts'
import type { PlannedField, ReadInStatement } from './builder/fieldRead.ts'
import { Configuration } from './configuration.ts'
import { ConfigVersion } from './configVersion.ts'
import { groupNotePages } from './failureGroupNote.ts'
import { FailurePattern, failurePatternFilters } from './failurePattern.ts'
import { Columns, type Lines } from './lists/columns.ts'
import { defineComputedList } from './lists/computedList.ts'
import { sharedByField } from './lists/fieldLoader.ts'
import { ErrorCategoryEnum } from './outcome.ts'
import { Scenario } from './scenario.ts'
import { Simulation } from './simulation.ts'

/** In rows that are read: all failures are. */
const GROUPS_COST = 50
/** Those of one group are. */
const PART_COST = 20

const MOST_DAYS = 366

const FailuresBy = builder.enumType('FailuresBy', {
  description: 'What failures are told apart by.',
  values: {
    SIGNATURE: {
      value: 'signature',
      description: 'By signature: the same type and message, but for ids, numbers and paths.',
    },
    MEANING: {
      value: 'meaning',
      description:
        'By meaning: signatures whose messages say much the same, by their embeddings. What has none yet, or has failed in another check, is a group of its own.',
    },
  } as const,
})

const FailureSinceEnum = builder.enumType('FailureSince', {
  description: 'What is known of a failure before and since a version of a configuration, from all its runs.',
  values: {
    NEW: {
      value: 'NEW',
      description:
        'It occurs in this version or a later one and in none before, though at least one of the scenarios that it occurs in ended there by itself (SUCCESS or ERROR).',
    },
    GONE: {
      value: 'GONE',
      description:
        'It occurs in a version before and neither in this one nor a later one, though each of the scenarios that it occurred in has ended there by itself (SUCCESS or ERROR).',
    },
    STAYS: { value: 'STAYS', description: 'It occurs before and since.' },
    UNKNOWN: {
      value: 'UNKNOWN',
      description:
        'It occurs only before or only since, but the scenarios have not run on the other side, or were cut off there: nobody can tell.',
    },
    ABSENT: { value: 'ABSENT', description: 'It does not occur in this configuration.' },
  } as const,
})

/** Lines of what is summed up in a group, or in a part of it. */
function occurrenceLines(
  whose: string,
): Lines<Pick<FailureGroup, 'failures' | 'attempts' | 'runs' | 'firstTime' | 'lastTime'>> {
  return {
    failures: {
      kind: 'integer',
      description: `How often ${whose} occurred, in any attempt.`,
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
  }
}

const { firstTime, lastTime, ...counts } = occurrenceLines('it')

const failureGroupColumns = new Columns<FailureGroup>({
  groupId: {
    kind: 'text',
    description:
      'The signature, or by meaning the smallest of those that were grouped. Any signature of a group leads to it, see `filter: {group: …}`: links hold while it grows.',
  },
  groupedBy: {
    kind: 'enum',
    enum: FailuresBy,
    description: 'MEANING where it was compared with others by its embedding, else SIGNATURE.',
  },
  label: {
    kind: 'text',
    maxLength: 200,
    description: 'Its most common failure in a line: type and message, without ids and numbers.',
  },
  signature: {
    kind: 'text',
    description: 'The signature, for `failurePatterns(filter: {signature: …})`; of several the most common.',
  },
  failureType: {
    kind: 'text',
    description: 'Its type, e.g. an exception class or a failed check; of several the most common.',
    order: 'Its type.',
  },
  failureCategory: { kind: 'enum', enum: ErrorCategoryEnum, description: 'Its most common kind of error.' },
  ...counts,
  signatures: {
    kind: 'integer',
    description: 'Number of signatures in it: 1 by signature.',
    filter: 'By the number of signatures among them.',
    order: 'Number of signatures in it.',
  },
  simulations: {
    kind: 'integer',
    description: 'Number of simulations with it, in any attempt.',
    order: 'Number of simulations with it.',
  },
  share: {
    kind: 'number',
    nullable: true,
    description:
      'Of all runs here with a failure in their last attempt the share that has this one, 0 to 1; null when there are none. A run may have several.',
    filter: 'By the share of the runs with failures that have this one.',
  },
  firstTime,
  lastTime,
})

/** What answers for fields below a group. */
interface Asked {
  rows: FailureGroupRows
}

type ShownGroup = FailureGroup & Asked

/** A list below a group. */
function partPages<Part>(
  name: string,
  part: 'signatures' | 'versions' | 'scenarios' | 'configurations',
  description: string,
  list: Parameters<typeof defineComputedList<Part>>[1],
) {
  const pages = defineComputedList<Part>(name, list)
  return {
    ...pages.options,
    description,
    extensions: {
      page: true as const,
      cost: PART_COST,
      read: (field: PlannedField<PageArgs, FailureGroupRows>) =>
        pages.readInStatement((groups) => field.told[part](groups), 'within', field),
    },
    resolve: ({ rows, within }: ShownGroup, args: PageArgs, context: Context, info: GraphQLResolveInfo) =>
      pages.read((groups) => rows[part](groups), within, args, context, info),
  }
}

/** The row of a table whose key is in a field of the part. */
const rowOf = (table: string, ours: string, theirs: string, nullable: boolean) =>
  ({
    read: ({ members }: PlannedField) => relatedRow(table, [[ours, theirs]], members(), nullable),
  }) satisfies ReadInStatement

const patternAt = (field: 'patternId' | 'typicalId', description: string) =>
  ({
    type: FailurePattern,
    description,
    extensions: rowOf('failure_patterns', field, 'patternId', false),
  }) as const

const signatureColumns = new Columns<GroupSignature>({
  signature: { kind: 'text', description: 'The signature.', filter: 'By signature.' },
  label: { kind: 'text', maxLength: 200, description: 'The failure in a line, without ids and numbers.' },
  centrality: {
    kind: 'number',
    nullable: true,
    description:
      'How typical it is: the mean similarity (cosine) to the other signatures of the group; what is less similar than counts at all counts as 0. Null without an embedding.',
    order: 'How typical it is.',
  },
  ...occurrenceLines('it'),
})

const GroupSignatureType = builder.objectRef<GroupSignature>('FailureGroupSignature').implement({
  description: 'One signature of a group of failures.',
  fields: (t) => ({
    ...signatureColumns.fields(t),
    latest: t.prismaField({
      ...patternAt('patternId', 'Its latest occurrence, with its message.'),
      resolve: (query, { patternId }, _, { reads }) =>
        reads.client.failurePattern.findUniqueOrThrow({ ...query, where: { patternId } }),
    }),
  }),
})

const versionColumns = new Columns<GroupVersion>({
  versionId: { kind: 'uuid', description: 'The version’s key.', filter: 'By version.' },
  versionNumber: {
    kind: 'integer',
    description: 'The version’s number.',
    filter: 'By number.',
    order: 'The version’s number.',
  },
  ...occurrenceLines('the failure'),
})

const GroupVersionType = builder.objectRef<GroupVersion>('FailureGroupVersion').implement({
  description: 'A configuration version whose runs had a failure.',
  fields: (t) => ({
    ...versionColumns.fields(t),
    configVersion: t.prismaField({
      type: ConfigVersion,
      nullable: true,
      description: 'The version; null when it was deleted.',
      extensions: rowOf('config_versions', 'versionId', 'versionId', true),
      resolve: (query, { versionId }, _, { reads }) =>
        reads.client.configVersion.findUnique({ ...query, where: { versionId } }),
    }),
  }),
})

const scenarioColumns = new Columns<GroupScenario>({
  scenarioId: {
    kind: 'text',
    description: 'The scenario’s key.',
    filter: 'By scenario.',
    order: 'The scenario.',
  },
  ...occurrenceLines('the failure'),
})

const GroupScenarioType = builder.objectRef<GroupScenario>('FailureGroupScenario').implement({
  description: 'A scenario whose runs had a failure.',
  fields: (t) => ({
    ...scenarioColumns.fields(t),
    scenario: t.prismaField({
      type: Scenario,
      nullable: true,
      description: 'The scenario; null when it was deleted.',
      extensions: rowOf('scenarios', 'scenarioId', 'scenarioId', true),
      resolve: (query, { scenarioId }, _, { reads }) =>
        reads.client.scenario.findUnique({ ...query, where: { scenarioId } }),
    }),
  }),
})

const configurationColumns = new Columns<GroupConfiguration>({
  configId: { kind: 'uuid', description: 'The configuration’s key.', filter: 'By configuration.' },
  versions: { kind: 'integer', description: 'Number of its versions with the failure.' },
  ...occurrenceLines('the failure'),
})

const VERSIONS = {
  firstVersion: ['firstVersionId', 'The first of its versions with the failure, of all its runs.'],
  lastVersion: ['lastVersionId', 'The last of its versions with the failure, of all its runs.'],
  newSince: [
    'newSinceVersionId',
    'The first version, where the failure is known to be new in it: at least one of the scenarios that it occurs in had ended by itself (SUCCESS or ERROR) in a version before. Null where nobody can tell.',
  ],
  goneSince: [
    'goneSinceVersionId',
    'The version since which it is known to be gone: it does not occur behind `lastVersion`, and by this one each of the scenarios that it occurred in has ended by itself (SUCCESS or ERROR) there. Null where it is there or nobody can tell.',
  ],
} as const

const GroupConfigurationType = builder.objectRef<GroupConfiguration>('FailureGroupConfiguration').implement({
  description: 'A configuration whose runs had a failure.',
  fields: (t) => {
    const version = (name: keyof typeof VERSIONS) => {
      const [field, description] = VERSIONS[name]
      return t.prismaField({
        type: ConfigVersion,
        nullable: true,
        description,
        extensions: rowOf('config_versions', field, 'versionId', true),
        resolve: (query, row, _, { reads }) => {
          const versionId = row[field]
          return versionId === null
            ? null
            : reads.client.configVersion.findUnique({ ...query, where: { versionId } })
        },
      })
    }
    return {
      ...configurationColumns.fields(t),
      configuration: t.prismaField({
        type: Configuration,
        nullable: true,
        description: 'The configuration; null when it was deleted.',
        extensions: rowOf('configurations', 'configId', 'configId', true),
        resolve: (query, { configId }, _, { reads }) =>
          reads.client.configuration.findUnique({ ...query, where: { configId } }),
      }),
      firstVersion: version('firstVersion'),
      lastVersion: version('lastVersion'),
      newSince: version('newSince'),
      goneSince: version('goneSince'),
    }
  },
})

const trendColumns = new Columns<FailureTrend>({
  days: { kind: 'integer', description: 'How many days the period has; it ends now.' },
  failures: { kind: 'integer', description: 'How often it occurred in it, in any attempt.' },
  previousFailures: { kind: 'integer', description: 'How often in the period before, which is as long.' },
  runs: { kind: 'integer', description: 'Runs with it whose last attempt ended in the period.' },
  previousRuns: { kind: 'integer', description: 'Those in the period before.' },
})

const FailureTrendType = builder.objectRef<FailureTrend>('FailureTrend').implement({
  description:
    'How often a failure occurred lately, and before. Counts: where twice as much was run, twice as much fails.',
  fields: (t) => ({ ...trendColumns.fields(t) }),
})

function checkedDays(days: number): number {
  if (days >= 1 && days <= MOST_DAYS) return days
  throw new Refusal('BAD_USER_INPUT', `days is ${days}, but must be 1 to ${MOST_DAYS}.`, ['days'])
}

const lists = {
  signatures: partPages<GroupSignature>(
    'FailureGroupSignature',
    'signatures',
    'Its signatures, most common first.',
    {
      type: GroupSignatureType,
      cost: PART_COST,
      columns: signatureColumns,
      keys: ['signature'],
      defaultOrder: ['failures', 'desc'],
      filter: 'Filters signatures of a group; all conditions must match.',
    },
  ),
  configurations: partPages<GroupConfiguration>(
    'FailureGroupConfiguration',
    'configurations',
    'The configurations whose runs had it, those with most of it first.',
    {
      type: GroupConfigurationType,
      cost: PART_COST,
      columns: configurationColumns,
      keys: ['configId'],
      defaultOrder: ['failures', 'desc'],
      filter: 'Filters configurations with a failure; all conditions must match.',
    },
  ),
  configVersions: partPages<GroupVersion>(
    'FailureGroupVersion',
    'versions',
    'The configuration versions whose runs had it, those with most of it first.',
    {
      type: GroupVersionType,
      cost: PART_COST,
      columns: versionColumns,
      keys: ['versionId'],
      defaultOrder: ['failures', 'desc'],
      filter: 'Filters configuration versions with a failure; all conditions must match.',
    },
  ),
  scenarios: partPages<GroupScenario>(
    'FailureGroupScenario',
    'scenarios',
    'The scenarios whose runs had it, those with most of it first.',
    {
      type: GroupScenarioType,
      cost: PART_COST,
      columns: scenarioColumns,
      keys: ['scenarioId'],
      defaultOrder: ['failures', 'desc'],
      filter: 'Filters scenarios with a failure; all conditions must match.',
    },
  ),
}

const FailureGroupType = builder.objectRef<ShownGroup>('FailureGroup').implement({
  description: 'All occurrences of one failure: those with one signature, or those that mean the same.',
  fields: (t) => ({
    ...failureGroupColumns.fields(t),
    latest: t.prismaField({
      ...patternAt('patternId', 'The latest occurrence, with its message.'),
      resolve: (query, { patternId }, _, { reads }) =>
        reads.client.failurePattern.findUniqueOrThrow({ ...query, where: { patternId } }),
    }),
    typical: t.prismaField({
      ...patternAt(
        'typicalId',
        'A typical occurrence: the latest with the signature that is most similar to all others of the group.',
      ),
      resolve: (query, { typicalId }, _, { reads }) =>
        reads.client.failurePattern.findUniqueOrThrow({ ...query, where: { patternId: typicalId } }),
    }),
    signatureList: t.field(lists.signatures),
    configurations: t.field(lists.configurations),
    configVersions: t.field(lists.configVersions),
    scenarios: t.field(lists.scenarios),
    notes: t.field(
      groupNotePages.under(
        'groupId',
        'What people wrote of it, or of failures that mean the same, latest first.',
        groupNotesOf,
      ),
    ),
    trend: t.field({
      type: FailureTrendType,
      description: 'How often it occurred in the last days, and in as many days before.',
      args: {
        days: t.arg.int({
          required: true,
          defaultValue: 7,
          description: `How many days the period has, ${MOST_DAYS} at most.`,
        }),
      },
      extensions: {
        cost: PART_COST,
        read: ({
          args,
          members,
          told: rows,
          now,
        }: PlannedField<{ days: number }, FailureGroupRows>): RowPart => {
          const days = checkedDays(args.days)
          return {
            is: 'row',
            from: (own, outer) => computedFrom(own, rows.trend(onlyOne(outer.column('within')), days, now())),
            members: members(),
            nullable: false,
          }
        },
      },
      resolve: async ({ rows, within }, { days }, context, info) => {
        const { loader } = sharedByField(context, info, () => {
          const now = databaseNow()
          const asked = checkedDays(days)
          return loaderOf<FailureTrend>(context, (groups) => rows.trend(groups, asked, now))
        })
        return (await loader.load(within))!
      },
    }),
    since: t.field({
      type: FailureSinceEnum,
      description:
        'What is known of it before and since a version of a configuration, from all runs of that configuration, whatever the filter.',
      args: {
        versionId: t.arg({ type: 'UUID', required: true, description: 'The version’s key.' }),
      },
      extensions: {
        cost: PART_COST,
        read: ({ args, told: rows }: PlannedField<{ versionId: string }, FailureGroupRows>): SqlPart =>
          rows.sinceOf(args.versionId),
      },
      resolve: async ({ rows, groupId }, { versionId }, context, info): Promise<Since> => {
        const { loader } = sharedByField(context, info, () =>
          loaderOf<{ state: Since }>(context, (groups) => rows.since(groups, versionId)),
        )
        return (await loader.load(groupId))?.state ?? 'ABSENT'
      },
    }),
  }),
})

/** What is read for all parents together. */
function loaderOf<Row extends object>(
  { reads }: Context,
  rowsOf: (parents: readonly string[]) => ComputedRows,
): DataLoader<string, Row | undefined> {
  return new DataLoader(async (parents) => {
    const rows = await readComputedRows<Row & { parent: string }>(reads, rowsOf(parents))
    const byParent = new Map(rows.map((row) => [row.parent, row]))
    return parents.map((parent) => byParent.get(parent))
  })
}

const failureGroupPages = defineComputedList('FailureGroup', {
  type: FailureGroupType,
  cost: GROUPS_COST,
  columns: failureGroupColumns,
  keys: ['groupId'],
  defaultOrder: ['failures', 'desc'],
  filter: 'Which failure patterns to group; all conditions must match.',
  of: failurePatternFilters,
})

type GroupsArgs = PageArgs & AskedSince & { by: GroupedBy }

const groupsArgs = {
  ...failureGroupPages.options.args,
  ...builder.args((t) => ({
    by: t.field({
      type: FailuresBy,
      required: true,
      defaultValue: 'signature',
      description: 'What they are told apart by.',
    }),
    newSince: t.field({
      type: 'UUID',
      description: 'Only those that are NEW since this configuration version, see FailureSince.',
    }),
    goneSince: t.field({
      type: 'UUID',
      description: 'Only those that are GONE since this configuration version, see FailureSince.',
    }),
  })),
}

/** A field that lists groups. `runsOf` and `key`: of which runs, and the parent’s field with what they belong to; null of all. */
function groupsField<Key extends string>(description: string, runsOf: RunsOf | null, key?: Key) {
  const rowsOf = ({ by }: GroupsArgs, of: Condition) => new FailureGroupRows(runsOf, by, of)
  const select = (args: GroupsArgs) => (parents: ParentKeys, of: Condition) =>
    rowsOf(args, of).groups(parents, args)
  return {
    ...failureGroupPages.options,
    args: groupsArgs,
    description,
    extensions: {
      page: true as const,
      cost: GROUPS_COST,
      read: (field: PlannedField<GroupsArgs>) =>
        failureGroupPages.readInStatement(select(field.args), key, field, (of) => rowsOf(field.args, of)),
    },
    resolve: (
      row: { [field in Key]: string },
      args: GroupsArgs,
      context: Context,
      info: GraphQLResolveInfo,
    ) =>
      failureGroupPages.read(select(args), key === undefined ? '' : row[key], args, context, info, (of) => ({
        rows: rowsOf(args, of),
      })),
  }
}

builder.queryField('failureGroups', (t) =>
  t.field(groupsField<never>('Failures of all the tenant’s runs, most common first.', null)),
)

builder.prismaObjectField(Simulation, 'failureGroups', (t) =>
  t.field(groupsField('Failures of its runs, most common first.', RUNS_OF.simulation, 'simulationId')),
)

builder.prismaObjectField(ConfigVersion, 'failureGroups', (t) =>
  t.field(
    groupsField(
      'Failures of all runs of the version, most common first.',
      RUNS_OF.configVersion,
      'versionId',
    ),
  ),
)

builder.prismaObjectField(Configuration, 'failureGroups', (t) =>
  t.field(
    groupsField(
      'Failures of all runs of its versions, most common first.',
      RUNS_OF.configuration,
      'configId',
    ),
  ),
)

builder.prismaObjectField(Scenario, 'failureGroups', (t) =>
  t.field(
    groupsField('Failures of all runs of the scenario, most common first.', RUNS_OF.scenario, 'scenarioId'),
  ),
)

const FailureGroupingState = builder.enumType('FailureGroupingState', {
  description: 'Whether failures are grouped by meaning, and if not, why.',
  values: {
    GROUPED: { value: 'GROUPED', description: 'They are.' },
    NOT_YET: { value: 'NOT_YET', description: 'They will be within seconds: a job is at it.' },
    NO_VECTORS: {
      value: 'NO_VECTORS',
      description: 'None has an embedding: each signature is a group of its own.',
    },
    NOT_CALIBRATED: {
      value: 'NOT_CALIBRATED',
      description:
        'They have embeddings of models of which nobody said how similar failures of one cause are: each signature is a group of its own.',
    },
  } as const,
})

const groupingColumns = new Columns<FailureGrouping>({
  state: { kind: 'enum', enum: FailureGroupingState, description: 'Whether they are, and if not, why.' },
  model: {
    kind: 'text',
    nullable: true,
    description: 'The model by whose embeddings they are grouped; null without.',
  },
  groupedAt: { kind: 'time', nullable: true, description: 'When they were last grouped; null before.' },
  signatures: { kind: 'integer', description: 'Number of signatures that the tenant’s failures have.' },
  grouped: {
    kind: 'integer',
    description: 'Those that were compared with others; all else are groups of their own.',
  },
  pending: {
    kind: 'boolean',
    description: 'Whether some came, changed or went since, so that groups may change within seconds.',
  },
})

const FailureGroupingType = builder.objectRef<FailureGrouping>('FailureGrouping').implement({
  description: 'How failures are grouped by meaning.',
  fields: (t) => ({ ...groupingColumns.fields(t) }),
})

builder.queryField('failureGrouping', (t) =>
  t.field({
    type: FailureGroupingType,
    description: 'How the tenant’s failures are grouped by meaning, and of how many that is known.',
    extensions: {
      cost: GROUPS_COST,
      read: ({ members }: PlannedField): RowPart => ({
        is: 'row',
        from: (own) => computedFrom(own, failureGrouping()),
        members: members(),
        nullable: false,
      }),
    },
    resolve: async (_, __, { reads }) => {
      const [grouping] = await readComputedRows<FailureGrouping & { parent: string }>(
        reads,
        failureGrouping(),
      )
      return grouping!
    },
  }),
)
