import DataLoader from 'dataloader'
import type { GraphQLResolveInfo } from 'graphql'
import type { PredictionBasis } from '../evaluation/effects/changeEffects.ts'
import type { ChangeKey } from '../evaluation/effects/changeKeys.ts'
import {
  type ActualDelta,
  actualDeltas,
  type Calibration,
  type ComparedPrediction,
  calibration,
  changedPathsOf,
  type DiffRunPair,
  diffRunPairs,
  type ImpactActual,
  impactActuals,
  impactPredictions,
  predictedDeltas,
  predictionBasis,
  type StoredEffect,
  storedEffects,
} from '../evaluation/effects/effectRows.ts'
import { predictionSource } from '../evaluation/effects/effectStore.ts'
import { previewImpact } from '../evaluation/effects/preview.ts'
import { computedFrom, onlyOne, relatedRow } from '../reads/answers/pages.ts'
import type { ListPart, RowPart } from '../reads/answers/parts.ts'
import { type ComputedRows, type ParentKeys, readComputedRows } from '../reads/computedPages.ts'
import { BYTES } from '../valueChecks.ts'
import { builder } from './builder/builder.ts'
import { computedField } from './builder/computation.ts'
import type { Context } from './builder/context.ts'
import type { PlannedField, ReadInStatement } from './builder/fieldRead.ts'
import type { InputBounds } from './builder/inputBounds.ts'
import { ChangeOp, ConfigDiff } from './configDiff.ts'
import { Columns, type Lines } from './lists/columns.ts'
import { defineComputedList } from './lists/computedList.ts'
import { sharedByField } from './lists/fieldLoader.ts'
import { byColumn } from './lists/filters.ts'
import { VerdictEnum } from './metricComparison.ts'
import { Simulation } from './simulation.ts'

/** In rows that are read. */
const PART_COST = 5
const PAIRS_COST = 100
const EFFECTS_COST = 50
/** Of all predictions there are. */
const CALIBRATION_COST = 200
/** A document is read, and what was measured is looked through: half a second at most. */
const PREVIEW_COST = 1000

const ImpactMetric = builder.enumType('ImpactMetric', {
  description: 'In what the runs of two versions differ.',
  values: {
    SUCCESS: {
      value: 'success',
      description: 'The share of runs that succeeded: differences are of shares, 0.1 is ten points.',
    },
    SCORE: { value: 'score', description: 'The mean score, 0 to 1.' },
    COST: {
      value: 'cost',
      description: 'US dollars of a run; over diffs it is compared by the ratio: 0.1 is ten percent more.',
    },
    TOKENS: { value: 'tokens', description: 'Tokens of a run; over diffs by the ratio.' },
    DURATION: { value: 'duration', description: 'Milliseconds of a run; over diffs by the ratio.' },
  } as const,
})

const ChangeDirection = builder.enumType('ChangeDirection', {
  description: 'Where a number went.',
  values: {
    INCREASE: { value: 'increase', description: 'Up.' },
    DECREASE: { value: 'decrease', description: 'Down.' },
  } as const,
})

const PredictionReason = builder.enumType('PredictionReason', {
  description: 'Why nothing is predicted.',
  values: {
    NO_CHANGE: {
      value: 'no_change',
      description: 'The configuration says the same: comments, spaces or the order of keys changed.',
    },
    TOO_MANY_CHANGES: { value: 'too_many_changes', description: 'It changes more than 100 paths.' },
    NO_HISTORY: {
      value: 'no_history',
      description:
        'One of its changes is in no diff that was measured in this metric before: `basis` tells which.',
    },
    TOO_LITTLE_HISTORY: {
      value: 'too_little_history',
      description: 'Fewer than five diffs were measured in this metric before.',
    },
  } as const,
})

/** Lines for what tells changes apart. */
const changeLines = (more: { path?: object; op?: object; direction?: object } = {}): Lines<ChangeKey> =>
  ({
    path: {
      kind: 'text',
      description:
        'Where: a path as `changes` has, but with what tells elements of lists apart in the place of their numbers (`/tools/search`), `*` where nothing does, and `#` before the heading of a part of a text (`/system_prompt#Rules`).',
      ...more.path,
    },
    op: { kind: 'enum', enum: ChangeOp, description: 'What happened there.', ...more.op },
    direction: {
      kind: 'enum',
      enum: ChangeDirection,
      nullable: true,
      description: 'Where a number went; null for all else.',
      ...more.direction,
    },
    valueBefore: {
      kind: 'text',
      nullable: true,
      description: 'The name or switch before, e.g. the model; null for all else.',
    },
    valueAfter: { kind: 'text', nullable: true, description: 'The name or switch after; null for all else.' },
  }) as Lines<ChangeKey>

const changeColumns = new Columns<ChangeKey>(changeLines())

const ChangedPath = builder.objectRef<ChangeKey>('ChangedPath').implement({
  description: 'A change as it can be met again in other diffs, of other configurations too.',
  fields: (t) => ({ ...changeColumns.fields(t) }),
})

/** What hangs on a diff. */
interface OfDiff {
  parent: string
}

type RowsOf = (diffs: ParentKeys) => ComputedRows

/** All rows that one diff has, in the order of a field; those of all diffs of a list are read together. */
function loadRows<Row>(
  rowsOf: RowsOf,
  diffId: string,
  order: string,
  context: Context,
  info: GraphQLResolveInfo,
): Promise<Row[]> {
  const { loader } = sharedByField(
    context,
    info,
    () =>
      new DataLoader<string, Row[]>(async (diffs) => {
        const found = new Map(diffs.map((each) => [each, [] as Row[]]))
        for (const row of await readComputedRows<Row & OfDiff>(context.reads, rowsOf(diffs), order))
          found.get(row.parent)!.push(row)
        return diffs.map((each) => found.get(each)!)
      }),
  )
  return loader.load(diffId)
}

/** `key`: the parent's field that holds the diff's key. */
const listed = (rowsOf: RowsOf, key: string, order: string) => ({
  cost: PART_COST,
  read: ({ members }: PlannedField): ListPart => ({
    is: 'list',
    from: (own, outer) => computedFrom(own, rowsOf(onlyOne(outer.column(key))), order),
    members: members(),
  }),
})

const single = (rowsOf: RowsOf) => ({
  cost: PART_COST,
  read: ({ members }: PlannedField): RowPart => ({
    is: 'row',
    from: (own, outer) => computedFrom(own, rowsOf(onlyOne(outer.column('diffId')))),
    members: members(),
    nullable: true,
  }),
})

const simulationOf = (side: 'baseline' | 'candidate', description: string) =>
  ({
    type: Simulation,
    description,
    extensions: {
      read: ({ members }) => relatedRow('simulations', [[`${side}Id`, 'simulationId']], members(), false),
    } satisfies ReadInStatement,
  }) as const

const deltaColumns = new Columns<ActualDelta>({
  metric: { kind: 'enum', enum: ImpactMetric, description: 'In what.' },
  scenarios: { kind: 'integer', description: 'Scenarios that both runs have values of, in one revision.' },
  baselineMean: {
    kind: 'number',
    description: 'Mean over these scenarios before the change, their repetitions averaged.',
  },
  candidateMean: { kind: 'number', description: 'Mean after it.' },
  difference: { kind: 'number', description: 'The mean after less the mean before, in the metric’s unit.' },
  lower: {
    kind: 'number',
    nullable: true,
    description: 'Where the 95 % confidence interval of the difference begins; null of one scenario.',
  },
  upper: { kind: 'number', nullable: true, description: 'Where it ends.' },
  relativeDifference: {
    kind: 'number',
    nullable: true,
    description: 'The difference as a share of the mean before; null where that is zero.',
  },
  pValue: { kind: 'number', description: 'Two-sided p-value, before any correction.' },
  verdict: {
    kind: 'enum',
    enum: VerdictEnum,
    description:
      'What that shows, as `compareSimulations` says it by its defaults; corrected for all metrics of the diff.',
  },
})

const ImpactDelta = builder.objectRef<ActualDelta>('ImpactDelta').implement({
  description: 'What was measured in one metric, scenario by scenario.',
  fields: (t) => ({ ...deltaColumns.fields(t) }),
})

const actualColumns = new Columns<ImpactActual>({
  baselineId: { kind: 'uuid', description: 'The run of the version before: its key.' },
  candidateId: { kind: 'uuid', description: 'The run of the version after.' },
  runPairs: {
    kind: 'bigint',
    description:
      'How many pairs of completed runs there are in all; this is the latest of the same scenarios, if there is one.',
  },
  revisedScenarios: {
    kind: 'integer',
    description:
      'Scenarios that both have, but whose prompt or expected answer changed in between: they are left out.',
  },
  completedAt: { kind: 'time', description: 'When the later of the two was complete.' },
  measuredAt: {
    kind: 'time',
    description:
      'When they were compared. It is done again when one of them changes, and when there is a later pair.',
  },
})

const ImpactActualType = builder.objectRef<ImpactActual & OfDiff>('ImpactActual').implement({
  description: 'What the runs after a change brought, beside those before it.',
  fields: (t) => ({
    ...actualColumns.fields(t),
    baseline: t.prismaField({
      ...simulationOf('baseline', 'The run of the version before.'),
      resolve: (query, { baselineId }, _, { reads }) =>
        reads.client.simulation.findUniqueOrThrow({ ...query, where: { simulationId: baselineId } }),
    }),
    candidate: t.prismaField({
      ...simulationOf('candidate', 'The run of the version after.'),
      resolve: (query, { candidateId }, _, { reads }) =>
        reads.client.simulation.findUniqueOrThrow({ ...query, where: { simulationId: candidateId } }),
    }),
    deltas: t.field({
      type: [ImpactDelta],
      description: 'What is different, for each metric that both have values of.',
      extensions: listed(actualDeltas, 'parent', 'place'),
      resolve: ({ parent }, _, context, info) =>
        loadRows<ActualDelta>(actualDeltas, parent, 'place', context, info),
    }),
  }),
})

const predictedColumns = new Columns<ComparedPrediction>({
  metric: { kind: 'enum', enum: ImpactMetric, description: 'In what.' },
  expected: {
    kind: 'number',
    nullable: true,
    description:
      'What is expected: a difference of shares or scores; of cost, tokens and duration a relative one. Null for a reason.',
  },
  lower: {
    kind: 'number',
    nullable: true,
    description: 'Where the interval begins into which 95 % of what is measured should fall.',
  },
  upper: { kind: 'number', nullable: true, description: 'Where it ends.' },
  diffs: { kind: 'integer', description: 'How many measured diffs that follows from.' },
  reason: {
    kind: 'enum',
    enum: PredictionReason,
    nullable: true,
    description: 'Why nothing is predicted; null where something is.',
  },
  actual: {
    kind: 'number',
    nullable: true,
    description:
      'What was measured since, in the same measure; null until there are runs of both versions, and for a version that was not made.',
  },
  isWithin: {
    kind: 'boolean',
    nullable: true,
    description: 'Whether that lies in the interval; null while one of them is not known.',
  },
})

const PredictedDelta = builder.objectRef<ComparedPrediction>('PredictedDelta').implement({
  description: 'What a change should do in one metric, and what it did.',
  fields: (t) => ({ ...predictedColumns.fields(t) }),
})

const basisColumns = new Columns<PredictionBasis>({
  ...changeLines(),
  diffs: { kind: 'integer', description: 'In how many of the measured diffs it was met.' },
  onlyDiffs: { kind: 'integer', description: 'How many of these changed nothing else.' },
} as Lines<PredictionBasis>)

const PredictionBasisType = builder.objectRef<PredictionBasis>('PredictionBasis').implement({
  description: 'One of the changes that a prediction is of, and how often it was met before.',
  fields: (t) => ({ ...basisColumns.fields(t) }),
})

const METRICS_DESCRIPTION = 'What is expected, for each metric.'
const BASIS_DESCRIPTION = 'What it follows from: the changes, by their paths.'

const predictionColumns = new Columns<{ predictedAt: Date }>({
  predictedAt: { kind: 'time', description: 'When it was made. It stays as it was.' },
})

const ImpactPredictionType = builder.objectRef<{ predictedAt: Date } & OfDiff>('ImpactPrediction').implement({
  description:
    'What a change should do, by what the same changes did in diffs of this tenant that were measured before it; null for a reason, and never a guess.',
  fields: (t) => ({
    ...predictionColumns.fields(t),
    metrics: t.field({
      type: [PredictedDelta],
      description: METRICS_DESCRIPTION,
      extensions: listed(predictedDeltas, 'parent', 'place'),
      resolve: ({ parent }, _, context, info) =>
        loadRows<ComparedPrediction>(predictedDeltas, parent, 'place', context, info),
    }),
    basis: t.field({
      type: [PredictionBasisType],
      description: BASIS_DESCRIPTION,
      extensions: listed(predictionBasis, 'parent', 'path'),
      resolve: ({ parent }, _, context, info) =>
        loadRows<PredictionBasis>(predictionBasis, parent, 'path', context, info),
    }),
  }),
})

interface Preview {
  metrics: ComparedPrediction[]
  basis: PredictionBasis[]
}

const ImpactPreview = builder.objectRef<Preview>('ImpactPreview').implement({
  description: 'What a version should do that nobody has made.',
  fields: (t) => ({
    metrics: t.field({
      type: [PredictedDelta],
      description: METRICS_DESCRIPTION,
      resolve: ({ metrics }) => metrics,
    }),
    basis: t.field({
      type: [PredictionBasisType],
      description: BASIS_DESCRIPTION,
      resolve: ({ basis }) => basis,
    }),
  }),
})

const pairColumns = new Columns<DiffRunPair>({
  // Tells them apart, and is not shown.
  pair: { kind: 'text' },
  baselineId: {
    kind: 'uuid',
    description: 'The run of the version before: its key.',
    filter: 'By the run of the version before.',
  },
  candidateId: {
    kind: 'uuid',
    description: 'The run of the version after: its key.',
    filter: 'By the run of the version after.',
  },
  baselineCompletedAt: {
    kind: 'time',
    description: 'When the run before was complete.',
    order: 'When the run before was complete.',
  },
  candidateCompletedAt: {
    kind: 'time',
    description: 'When the run after was complete.',
    order: 'When the run after was complete.',
  },
  sameScenarios: {
    kind: 'boolean',
    description: 'Whether both run the same scenarios.',
    filter: 'Whether both run the same scenarios; all by default.',
  },
  sharedScenarios: {
    kind: 'integer',
    description: 'How many scenarios both run.',
    filter: 'By how many scenarios both run.',
  },
  isMeasured: {
    kind: 'boolean',
    description: 'Whether the diff was measured by this pair (`impactActual`).',
    filter: 'Whether the diff was measured by them; all by default.',
  },
})

const DiffRunPairType = builder.objectRef<DiffRunPair>('DiffRunPair').implement({
  description:
    'A completed run of the version before a diff and one of the version after it, with some scenarios in common: `compareSimulations` compares any of them.',
  fields: (t) => ({
    ...pairColumns.fields(t),
    baseline: t.prismaField({
      ...simulationOf('baseline', 'The run of the version before.'),
      resolve: (query, { baselineId }, _, { reads }) =>
        reads.client.simulation.findUniqueOrThrow({ ...query, where: { simulationId: baselineId } }),
    }),
    candidate: t.prismaField({
      ...simulationOf('candidate', 'The run of the version after.'),
      resolve: (query, { candidateId }, _, { reads }) =>
        reads.client.simulation.findUniqueOrThrow({ ...query, where: { simulationId: candidateId } }),
    }),
  }),
})

const pairPages = defineComputedList('DiffRunPair', {
  type: DiffRunPairType,
  cost: PAIRS_COST,
  columns: pairColumns,
  keys: ['pair'],
  defaultOrder: ['candidateCompletedAt', 'desc'],
  filter: 'Filters pairs of runs; all conditions must match.',
})

builder.prismaObjectFields(ConfigDiff, (t) => ({
  changedPaths: t.field({
    type: [ChangedPath],
    select: { diffId: true },
    description:
      'What it changed, as it can be met again in other diffs; none of a rewrite that changes more than 100 paths.',
    extensions: listed(changedPathsOf, 'diffId', 'path'),
    resolve: ({ diffId }, _, context, info) =>
      loadRows<ChangeKey>(changedPathsOf, diffId, 'path', context, info),
  }),
  impactActual: t.field({
    type: ImpactActualType,
    nullable: true,
    select: { diffId: true },
    description:
      'What it did: the latest completed run of the version after beside the latest of the version before. Null until there are both, and seconds more.',
    extensions: single(impactActuals),
    resolve: async ({ diffId }, _, context, info) =>
      (await loadRows<ImpactActual & OfDiff>(impactActuals, diffId, 'measuredAt', context, info))[0],
  }),
  impactPrediction: t.field({
    type: ImpactPredictionType,
    nullable: true,
    select: { diffId: true },
    description: 'What was to be expected of it, by what was measured before it. Null for the first seconds.',
    extensions: single(impactPredictions),
    resolve: async ({ diffId }, _, context, info) =>
      (
        await loadRows<{ predictedAt: Date } & OfDiff>(
          impactPredictions,
          diffId,
          'predictedAt',
          context,
          info,
        )
      )[0],
  }),
  runs: t.field({
    ...pairPages.under(
      'diffId',
      'Completed runs of the version before with those of the version after, of the ten latest of each: latest first.',
      diffRunPairs,
    ),
    select: { diffId: true },
  }),
}))

const effectColumns = new Columns<StoredEffect>({
  // Tells them apart, and is not shown.
  effectKey: { kind: 'text' },
  ...changeLines({
    path: { filter: 'By path.', order: 'Its path.' },
    op: { filter: 'By what happened there.' },
    direction: { filter: 'By where a number went.' },
  }),
  metric: { kind: 'enum', enum: ImpactMetric, description: 'In what.', filter: 'By metric; all by default.' },
  onlyDiffs: {
    kind: 'integer',
    description: 'Measured diffs that change only this.',
    filter: 'By the number of diffs that change only this.',
    order: 'The number of diffs that change only this.',
  },
  onlyRunPairs: { kind: 'bigint', description: 'Pairs of runs of these diffs.' },
  onlyEffect: {
    kind: 'number',
    nullable: true,
    description:
      'Mean difference over these diffs, each by its latest pair; of cost, tokens and duration the relative one (geometric mean). Null of none.',
    order: 'The mean difference over diffs that change only this.',
  },
  onlyLower: {
    kind: 'number',
    nullable: true,
    description: 'Where its 95 % interval over diffs begins; null of fewer than two.',
  },
  onlyUpper: { kind: 'number', nullable: true, description: 'Where it ends.' },
  diffs: {
    kind: 'integer',
    description: 'Measured diffs that change this, alone or among others.',
    filter: 'By the number of diffs that change this.',
    order: 'The number of diffs that change this.',
  },
  runPairs: { kind: 'bigint', description: 'Pairs of runs of these diffs.' },
  effect: {
    kind: 'number',
    nullable: true,
    description:
      'What is its own of their differences, by a regression over all measured diffs (docs/decisions/0034): drawn towards zero the more, the less is known. Null of fewer than five diffs in the metric, and where more than 100 changes are more common.',
    filter: 'By what it does.',
    order: 'What it does.',
  },
  lower: {
    kind: 'number',
    nullable: true,
    description: 'Where its 95 % interval begins.',
    filter: 'By where the interval begins: above zero it does raise the metric.',
  },
  upper: {
    kind: 'number',
    nullable: true,
    description: 'Where it ends.',
    filter: 'By where the interval ends: below zero it does lower the metric.',
  },
  fittedAt: {
    kind: 'time',
    description: 'When that was found. What is measured or deleted since is in it within seconds.',
  },
} as Lines<StoredEffect>)

const ChangeEffectType = builder.objectRef<StoredEffect>('ChangeEffect').implement({
  description:
    'What one change did in one metric, over all diffs that have it. What came with a change need not have come from it.',
  fields: (t) => ({ ...effectColumns.fields(t) }),
})

const effectPages = defineComputedList('ChangeEffect', {
  type: ChangeEffectType,
  cost: EFFECTS_COST,
  columns: effectColumns,
  keys: ['effectKey'],
  defaultOrder: ['diffs', 'desc'],
  filter: 'Filters effects; all conditions must match.',
})

const calibrationColumns = new Columns<Calibration>({
  // Tells them apart, and is not shown.
  key: { kind: 'text' },
  month: {
    kind: 'time',
    description: 'The month in which they were made: its begin (UTC).',
    order: 'The month.',
  },
  metric: { kind: 'enum', enum: ImpactMetric, description: 'In what.', filter: 'By metric; all by default.' },
  predictions: { kind: 'bigint', description: 'How many expected something.' },
  measured: { kind: 'bigint', description: 'Of how many that was measured since.' },
  covered: { kind: 'bigint', description: 'How many of these fell into the interval.' },
  coverage: {
    kind: 'number',
    nullable: true,
    description: 'Their share: 0.95 is right. Null while none was measured.',
  },
  meanError: {
    kind: 'number',
    nullable: true,
    description: 'Mean of what was measured less what was expected: far from zero they are biased.',
  },
  meanAbsoluteError: { kind: 'number', nullable: true, description: 'Mean of how far off they were.' },
})

const CalibrationType = builder.objectRef<Calibration>('PredictionCalibration').implement({
  description: 'How predictions of one month compare with what was measured, in one metric.',
  fields: (t) => ({ ...calibrationColumns.fields(t) }),
})

const calibrationPages = defineComputedList('PredictionCalibration', {
  type: CalibrationType,
  cost: CALIBRATION_COST,
  columns: calibrationColumns,
  keys: ['key'],
  defaultOrder: ['month', 'desc'],
  filter: 'Which predictions are counted; all conditions must match.',
  of: {
    configId: byColumn({ field: 'configId', kind: 'uuid' }, 'By the configuration that changed.'),
    predictedAt: byColumn({ field: 'predictedAt', kind: 'time' }, 'By when they were made.'),
  },
})

builder.queryFields((t) => ({
  changeEffects: t.field(
    effectPages.root(
      'What changes of configurations did, over all diffs of the tenant: one for each change and metric, most common first.',
      () => storedEffects(),
    ),
  ),
  predictionCalibration: t.field(
    calibrationPages.root(
      'How predictions of diffs compare with what was measured, by month and metric, latest first.',
      (_, of) => calibration(of),
    ),
  ),
  predictImpact: t.field({
    type: ImpactPreview,
    nullable: true,
    description:
      'What a version should do that nobody has made: nothing is stored. Null unless this tenant has the version before.',
    args: {
      versionBefore: t.arg({
        type: 'UUID',
        required: true,
        description: 'The key of the version that it would follow.',
      }),
      yaml: t.arg.string({
        required: true,
        extensions: { bounds: { characters: BYTES.document } satisfies InputBounds },
        description: 'The YAML, at most 1 MiB. It must name a model.',
      }),
    },
    ...computedField<{ versionBefore: string; yaml: string }, Preview | null>({
      cost: PREVIEW_COST,
      source: ({ versionBefore }) => predictionSource(versionBefore),
      value: async (read, { yaml }) => {
        const preview = await previewImpact(read, yaml)
        return (
          preview && {
            ...preview,
            metrics: preview.metrics.map((metric) => ({ ...metric, actual: null, isWithin: null })),
          }
        )
      },
    }),
  }),
}))
