import DataLoader from 'dataloader'
import type { GraphQLResolveInfo } from 'graphql'
import { databaseNow } from '../databaseTime.ts'
import {
  type AskedAbout,
  checkQuestion,
  type Grain,
  type GroupedBy,
  type PerformanceQuestion,
} from '../evaluation/rollups/performance.ts'
import {
  type AnsweredRange,
  type BucketSums,
  type GroupSums,
  type MetricSums,
  PerformanceRows,
  type Sums,
  type ToolSums,
} from '../evaluation/rollups/performanceStore.ts'
import { computedFrom, onlyOne, relatedRow } from '../reads/answers/pages.ts'
import type { ListPart, RowPart } from '../reads/answers/parts.ts'
import { textLiteral } from '../reads/catalogue.ts'
import { type ComputedRows, readComputedRows } from '../reads/computedPages.ts'
import type { PageArgs } from '../reads/pagePlan.ts'
import { builder } from './builder/builder.ts'
import type { Context } from './builder/context.ts'
import type { PlannedField, ReadInStatement } from './builder/fieldRead.ts'
import type { InputBounds } from './builder/inputBounds.ts'
import { Configuration } from './configuration.ts'
import { ConfigVersion } from './configVersion.ts'
import { Columns, type Lines } from './lists/columns.ts'
import { defineComputedList } from './lists/computedList.ts'
import { sharedByField } from './lists/fieldLoader.ts'
import { byColumn, conditionOf, defineFilter, type FilterFields, type FilterValues } from './lists/filters.ts'
import { OutcomeStatusEnum } from './outcome.ts'
import { linesOfSums, PerformanceBucket, PerformanceSums } from './performanceSums.ts'
import { Scenario } from './scenario.ts'
import { Simulation } from './simulation.ts'

/** The longest name of a zone has 32. */
const LONGEST_ZONE = 64

/** In rows that are read: the sums of a range are some hundreds. */
const PART_COST = 20
const LIST_COST = 50

const TimeGrain = builder.enumType('TimeGrain', {
  description: 'The length of one time bucket. It begins in the time zone that is asked for.',
  values: {
    HOUR: { value: 'hour', description: 'One hour.' },
    DAY: { value: 'day', description: 'One day.' },
    WEEK: { value: 'week', description: 'One week, from Monday on.' },
    MONTH: { value: 'month', description: 'One month.' },
  } as const,
})

const PerformanceBy = builder.enumType('PerformanceBy', {
  description: 'What runs are told apart by.',
  values: {
    MODEL: { value: 'model', description: 'The model.' },
    CONFIGURATION: { value: 'configId', description: 'The configuration.' },
    CONFIG_VERSION: { value: 'configVersionId', description: 'The configuration version.' },
    SCENARIO: { value: 'scenarioId', description: 'The scenario.' },
    STATUS: { value: 'status', description: 'How they ended; only runs are known of it.' },
  } as const,
})

const PerformanceRange = builder.inputType('PerformanceRange', {
  description: 'A range of time. It is widened to whole buckets.',
  fields: (t) => ({
    from: t.field({
      type: 'DateTime',
      description: 'Where it begins; 30 days before its end by default, for a simulation with its first run.',
    }),
    to: t.field({
      type: 'DateTime',
      description: 'The time before which it ends; now by default, for a simulation behind its last run.',
    }),
  }),
})

const filters: FilterFields = {
  model: byColumn({ field: 'model', kind: 'text' }, 'By model; the empty one is that which is not known.'),
  configId: byColumn({ field: 'configId', kind: 'uuid' }, 'By the configuration that was run.'),
  configVersionId: byColumn(
    { field: 'configVersionId', kind: 'uuid' },
    'By the configuration version that was run.',
  ),
  simulationId: byColumn({ field: 'simulationId', kind: 'uuid' }, 'By simulation.'),
  scenarioId: byColumn({ field: 'scenarioId', kind: 'text' }, 'By scenario.'),
}

const PerformanceFilter = defineFilter(
  'PerformanceFilter',
  'Filters what is summed up; all conditions must match.',
  filters,
)

/** What answers: the rows of one question, and whom they are asked about. */
interface Asked {
  rows: PerformanceRows
  parent: string
}

const groupColumns = new Columns<GroupSums>({
  key: {
    kind: 'text',
    description: 'What tells it apart, as text: model, key or status; empty for the model that is not known.',
    filter: 'By what tells groups apart.',
    order: 'What tells groups apart.',
  },
  model: {
    kind: 'text',
    nullable: true,
    description: 'The model; null when it is not known, and for other groups.',
  },
  status: {
    kind: 'enum',
    enum: OutcomeStatusEnum,
    nullable: true,
    description: 'How they ended; null for other groups.',
  },
  ...(Object.fromEntries(
    Object.entries(linesOfSums('the range')).map(([field, line]) => [
      field,
      field === 'runs' ? line : { ...line, nullable: true },
    ]),
  ) as Lines<GroupSums>),
})

const PerformanceGroup = builder.objectRef<GroupSums & Asked>('PerformanceGroup').implement({
  description:
    'The sums of those runs of the range that have one thing in common. By status only runs are known.',
  fields: (t) => ({
    ...groupColumns.fields(t),
    configuration: t.prismaField({
      type: Configuration,
      nullable: true,
      description: 'The configuration; null for other groups, and when it was deleted.',
      extensions: {
        read: ({ members }) => relatedRow('configurations', [['configId', 'configId']], members(), true),
      } satisfies ReadInStatement,
      resolve: (query, { configId }, _, { reads }) =>
        configId === null ? null : reads.client.configuration.findUnique({ ...query, where: { configId } }),
    }),
    configVersion: t.prismaField({
      type: ConfigVersion,
      nullable: true,
      description: 'The version; null for other groups, and when it was deleted.',
      extensions: {
        read: ({ members }) =>
          relatedRow('config_versions', [['configVersionId', 'versionId']], members(), true),
      } satisfies ReadInStatement,
      resolve: (query, { configVersionId }, _, { reads }) =>
        configVersionId === null
          ? null
          : reads.client.configVersion.findUnique({ ...query, where: { versionId: configVersionId } }),
    }),
    scenario: t.prismaField({
      type: Scenario,
      nullable: true,
      description: 'The scenario; null for other groups, and when it was deleted.',
      extensions: {
        read: ({ members }) => relatedRow('scenarios', [['scenarioId', 'scenarioId']], members(), true),
      } satisfies ReadInStatement,
      resolve: (query, { scenarioId }, _, { reads }) =>
        scenarioId === null ? null : reads.client.scenario.findUnique({ ...query, where: { scenarioId } }),
    }),
    buckets: t.field({
      type: [PerformanceBucket],
      description: 'All buckets of the range in order; of a status none.',
      extensions: {
        cost: PART_COST,
        read: ({ members, told: rows }: PlannedField<unknown, PerformanceRows>): ListPart => ({
          is: 'list',
          from: (own, outer) =>
            computedFrom(
              own,
              rows.buckets(onlyOne(outer.column('parent')), onlyOne(outer.column('key'))),
              'bucket',
            ),
          members: members(),
        }),
      },
      resolve: ({ rows, parent, key }, _, context, info) =>
        loadRows<BucketSums>(
          (whom) =>
            rows.buckets(
              parentsOf(whom),
              whom.map((each) => each.key!),
            ),
          { parent, key },
          'bucket',
          context,
          info,
        ),
    }),
  }),
})

const groupPages = defineComputedList('PerformanceGroup', {
  type: PerformanceGroup,
  cost: LIST_COST,
  columns: groupColumns,
  keys: ['key'],
  defaultOrder: ['runs', 'desc'],
  filter: 'Filters groups; all conditions must match.',
})

const metricColumns = new Columns<MetricSums>({
  metric: {
    kind: 'text',
    description: 'Its path of one or two keys in the metrics of runs, joined by a dot.',
    filter: 'By its path.',
    order: 'Its path.',
  },
  runs: {
    kind: 'bigint',
    description: 'Number of runs that have it.',
    filter: 'By the number of runs that have it.',
    order: 'The number of runs that have it.',
  },
  mean: {
    kind: 'number',
    description: 'Its mean over these runs; of something that is met or not the share in which it is.',
    filter: 'By its mean.',
    order: 'Its mean.',
  },
  deviation: {
    kind: 'number',
    nullable: true,
    description: 'Its standard deviation (of a sample: n - 1); null when fewer than two runs have it.',
    order: 'Its standard deviation.',
  },
})

const PerformanceMetric = builder.objectRef<MetricSums>('PerformanceMetric').implement({
  description: 'One number among the metrics of runs.',
  fields: (t) => ({ ...metricColumns.fields(t) }),
})

const metricPages = defineComputedList('PerformanceMetric', {
  type: PerformanceMetric,
  cost: LIST_COST,
  columns: metricColumns,
  keys: ['metric'],
  defaultOrder: ['metric', 'asc'],
  filter: 'Filters metrics; all conditions must match.',
})

const toolColumns = new Columns<ToolSums>({
  toolName: { kind: 'text', description: 'The tool.', filter: 'By tool.', order: 'The tool.' },
  calls: {
    kind: 'bigint',
    description: 'How often it was called.',
    filter: 'By how often it was called.',
    order: 'How often it was called.',
  },
  attempts: { kind: 'bigint', description: 'Number of attempts that called it.' },
  runs: { kind: 'bigint', description: 'Number of runs that called it, each by its last attempt.' },
  successRate: {
    kind: 'number',
    description: 'Share of the calls that did not fail, 0 to 1.',
    filter: 'By the share of its calls that did not fail.',
    order: 'The share of its calls that did not fail.',
  },
  meanDurationMs: {
    kind: 'number',
    nullable: true,
    description: 'Mean milliseconds of a call; null when no times are known.',
    order: 'How long a call took.',
  },
  costUsd: {
    kind: 'decimal',
    nullable: true,
    description: 'What its calls cost; null when unknown.',
    order: 'What its calls cost.',
  },
})

const PerformanceTool = builder.objectRef<ToolSums>('PerformanceTool').implement({
  description:
    'One tool in the attempts of the range. Calls and costs are of all attempts: all were made and paid for.',
  fields: (t) => ({ ...toolColumns.fields(t) }),
})

const toolPages = defineComputedList('PerformanceTool', {
  type: PerformanceTool,
  cost: LIST_COST,
  columns: toolColumns,
  keys: ['toolName'],
  defaultOrder: ['calls', 'desc'],
  filter: 'Filters tools; all conditions must match.',
})

const rangeColumns = new Columns<AnsweredRange>({
  first: {
    name: 'from',
    kind: 'time',
    nullable: true,
    description:
      'Where the range begins, as a bucket does; null for a simulation without outcomes when nobody says.',
  },
  last: {
    name: 'to',
    kind: 'time',
    nullable: true,
    description: 'Where it ends: the beginning of the next bucket.',
  },
  asOf: { kind: 'time', description: 'All that was stored, amended or deleted up to then is in the sums.' },
})

type PlannedPart = PlannedField<unknown, PerformanceRows>

/** One object of sums. */
const sumsPart = (part: 'summary' | 'previous', description: string) => ({
  type: PerformanceSums,
  description,
  extensions: {
    cost: PART_COST,
    read: ({ members, told: rows }: PlannedPart): RowPart => ({
      is: 'row',
      from: (own, outer) => computedFrom(own, rows[part](onlyOne(outer.column('parent')))),
      members: members(),
      nullable: false,
    }),
  },
  resolve: async ({ rows, parent }: Asked, _: unknown, context: Context, info: GraphQLResolveInfo) => {
    const [sums] = await loadRows<Sums>(
      (whom) => rows[part](parentsOf(whom)),
      { parent },
      undefined,
      context,
      info,
    )
    return sums!
  },
})

/** Of whom something is asked. */
interface Whom {
  parent: string
  /** Of a group, where that is asked. */
  key?: string
}

/** The rows that `rowsOf` has of one of them, in the order of a field. All of a list are read together. */
async function loadRows<Row>(
  rowsOf: (whom: readonly Whom[]) => ComputedRows,
  asked: Whom,
  order: string | undefined,
  context: Context,
  info: GraphQLResolveInfo,
): Promise<Row[]> {
  const cacheKeyFn = ({ parent, key }: Whom) => JSON.stringify([parent, key])
  const { loader } = sharedByField(
    context,
    info,
    () =>
      new DataLoader<Whom, Row[], string>(
        async (whom) => {
          const found = new Map(whom.map((each) => [cacheKeyFn(each), [] as Row[]]))
          for (const row of await readComputedRows<Row & Whom>(context.reads, rowsOf(whom), order))
            found.get(cacheKeyFn(row))!.push(row)
          return [...found.values()]
        },
        { cacheKeyFn },
      ),
  )
  return loader.load(asked)
}

const parentsOf = (whom: readonly Whom[]) => whom.map(({ parent }) => parent)

/** A list of what the range is made of. */
const listPart = <Row>(
  pages: ReturnType<typeof defineComputedList<Row>>,
  part: 'groups' | 'metrics' | 'tools',
  description: string,
) => ({
  ...pages.options,
  description,
  extensions: {
    page: true,
    cost: LIST_COST,
    read: (field: PlannedField<PageArgs, PerformanceRows>) =>
      pages.readInStatement((parents) => field.told[part](parents), 'parent', field),
  },
  resolve: async ({ rows, parent }: Asked, args: PageArgs, context: Context, info: GraphQLResolveInfo) => {
    const connection = await pages.read((parents) => rows[part](parents), parent, args, context, info)
    for (const { node } of connection.edges) Object.assign(node, { rows, parent } satisfies Asked)
    return connection
  },
})

const Performance = builder.objectRef<AnsweredRange & Asked>('Performance').implement({
  description:
    'How runs went in a range of time. Its sums are kept by the hour and the day, and what has just ended is in them within seconds: see `asOf`.',
  fields: (t) => ({
    ...rangeColumns.fields(t),
    summary: t.field(sumsPart('summary', 'The sums of the range.')),
    previous: t.field(sumsPart('previous', 'The sums of as long a time before it.')),
    buckets: t.field({
      type: [PerformanceBucket],
      description: 'Every bucket of the range in order, those too in which nothing ended.',
      extensions: {
        cost: LIST_COST,
        read: ({ members, told: rows }: PlannedPart): ListPart => ({
          is: 'list',
          from: (own, outer) => computedFrom(own, rows.buckets(onlyOne(outer.column('parent'))), 'bucket'),
          members: members(),
        }),
      },
      resolve: ({ rows, parent }, _, context, info) =>
        loadRows<BucketSums>((whom) => rows.buckets(parentsOf(whom)), { parent }, 'bucket', context, info),
    }),
    groups: t.field(
      listPart(
        groupPages,
        'groups',
        'The same, told apart by what `by` says; none without it. Most runs first.',
      ),
    ),
    metrics: t.field(listPart(metricPages, 'metrics', 'The numbers among the metrics of the runs, by name.')),
    tools: t.field(listPart(toolPages, 'tools', 'The tools of the attempts, most calls first.')),
  }),
})

interface PerformanceArgs {
  range?: { from?: Date | null; to?: Date | null } | null
  grain: Grain
  timeZone: string
  by?: GroupedBy | null
  filter?: object | null
}

/** @throws Refusal BAD_USER_INPUT, LIMIT_EXCEEDED. */
function rowsOf(about: AskedAbout, args: PerformanceArgs, now: () => Date): PerformanceRows {
  const { range, grain, timeZone, by, filter } = args
  const question: PerformanceQuestion = {
    about,
    from: range?.from ?? undefined,
    to: range?.to ?? undefined,
    grain,
    timeZone,
    by: by ?? undefined,
    where: conditionOf(filters, filter as FilterValues | null | undefined, now),
  }
  checkQuestion(question, now)
  return new PerformanceRows(question, now)
}

const performanceArgs = builder.args((t) => ({
  range: t.field({ type: PerformanceRange, description: 'The time that is asked about.' }),
  grain: t.field({
    type: TimeGrain,
    required: true,
    defaultValue: 'day',
    description: 'The length of its buckets, of which it has 1,000 at most.',
  }),
  timeZone: t.string({
    required: true,
    defaultValue: 'UTC',
    extensions: { bounds: { characters: LONGEST_ZONE } satisfies InputBounds },
    description: 'Where the buckets begin, by its name in the IANA database, e.g. `Europe/Berlin`.',
  }),
  by: t.field({ type: PerformanceBy, description: 'What `groups` are told apart by.' }),
  filter: t.field({ type: PerformanceFilter, description: 'Only what matches all conditions.' }),
}))

const FROM_OUTCOMES =
  'Answered from sums, whatever the range; what those do not have from the outcomes themselves, for at most 92 days: scenarios by the hour, in another time zone or together with models or simulations, metrics and tools by the hour or in another zone, and zones that are no whole hours from UTC.'

/** `about`: undefined for all that the tenant has; else `key` is the field of the parent that has its key. */
function performanceField<Key extends string>(about: AskedAbout, key: Key | undefined, description: string) {
  return {
    type: Performance,
    description: `${description} ${FROM_OUTCOMES}`,
    args: performanceArgs,
    extensions: {
      read: ({ args, members, now }: PlannedField<PerformanceArgs>): RowPart => {
        const rows = rowsOf(about, args, now)
        return {
          is: 'row',
          from: (own, outer) =>
            computedFrom(own, rows.range(onlyOne(key === undefined ? textLiteral('') : outer.column(key)))),
          members: members(undefined, rows),
          nullable: false,
        }
      },
    },
    resolve: async (
      row: { [name in Key]: string },
      args: PerformanceArgs,
      context: Context,
      info: GraphQLResolveInfo,
    ): Promise<AnsweredRange & Asked> => {
      const rows = rowsOf(about, args, databaseNow)
      const parent = key === undefined ? '' : row[key]
      const [range] = await loadRows<AnsweredRange>(
        (whom) => rows.range(parentsOf(whom)),
        { parent },
        undefined,
        context,
        info,
      )
      return { ...range!, rows, parent }
    },
  }
}

builder.queryField('performance', (t) =>
  t.field(performanceField(undefined, undefined, 'How all the tenant’s runs went over time.')),
)

builder.prismaObjectField(Configuration, 'performance', (t) =>
  t.field(performanceField('configId', 'configId', 'How the runs of all its versions went over time.')),
)

builder.prismaObjectField(ConfigVersion, 'performance', (t) =>
  t.field(performanceField('configVersionId', 'versionId', 'How the runs of the version went over time.')),
)

builder.prismaObjectField(Scenario, 'performance', (t) =>
  t.field(performanceField('scenarioId', 'scenarioId', 'How the runs of the scenario went over time.')),
)

builder.prismaObjectField(Simulation, 'performance', (t) =>
  t.field(
    performanceField(
      'simulationId',
      'simulationId',
      'How its runs went over time: all of it by default, at most the last 1,000 buckets.',
    ),
  ),
)
