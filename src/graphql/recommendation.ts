import type { Recommendation as RecommendationRow } from '../db/generated/client.ts'
import { outcomeOf } from '../evaluation/outcomes/outcomeAnswer.ts'
import {
  applyRecommendation,
  createRecommendation,
  giveFeedback,
} from '../evaluation/recommendations/recommendations.ts'
import { relatedRow } from '../reads/answers/pages.ts'
import { equal } from '../reads/condition.ts'
import { builder } from './builder/builder.ts'
import type { ReadInStatement } from './builder/fieldRead.ts'
import { ConfigDiff } from './configDiff.ts'
import { Columns } from './lists/columns.ts'
import { defineStoredList } from './lists/storedList.ts'
import { findOutcome, Outcome } from './outcome.ts'
import { payloadOf, payloadOfStep, payloadType } from './payload.ts'
import { Simulation } from './simulation.ts'

const SourceType = builder.enumType('RecommendationSource', {
  description: 'What a recommendation is based on.',
  values: {
    SIMULATION: { value: 'simulation', description: 'A simulation.' },
    OUTCOME: { value: 'outcome', description: 'An outcome.' },
    CONFIG_DIFF: { value: 'config_diff', description: 'A diff of two versions.' },
    PATTERN_ANALYSIS: {
      value: 'pattern_analysis',
      description: 'An analysis of failure patterns. Arc stores none, so any UUID is accepted.',
    },
  } as const,
})

const RecommendationType = builder.enumType('RecommendationType', {
  description: 'What a recommendation is about.',
  values: {
    CONFIG_CHANGE: { value: 'config_change', description: 'Another configuration.' },
    SCENARIO_ADDITION: { value: 'scenario_addition', description: 'A further scenario.' },
    TOOL_OPTIMIZATION: { value: 'tool_optimization', description: 'Better tools, or better use of them.' },
    PERFORMANCE_TUNING: { value: 'performance_tuning', description: 'Faster or cheaper runs.' },
  } as const,
})

const recommendationColumns = new Columns<RecommendationRow>({
  recommendationId: { kind: 'uuid', description: 'Its key.', filter: 'By key.' },
  sourceType: {
    kind: 'enum',
    enum: SourceType,
    description: 'What it is based on.',
    filter: 'By what they are based on.',
  },
  sourceId: {
    kind: 'uuid',
    description:
      'The key of what it is based on; for an analysis of failure patterns, any that its author chose.',
    filter: 'By the key of what they are based on.',
  },
  recommendationType: {
    kind: 'enum',
    enum: RecommendationType,
    description: 'What it is about.',
    filter: 'By what they are about.',
  },
  description: { kind: 'text', description: 'What to do, in words.' },
  suggestedYamlChanges: { kind: 'text', nullable: true, description: 'What to change in the YAML.' },
  impactEstimate: { kind: 'json', nullable: true, description: 'Its expected impact.' },
  confidence: {
    kind: 'number',
    description: 'Its confidence, 0 to 1.',
    filter: 'By confidence.',
    order: 'Its confidence.',
  },
  applied: {
    kind: 'boolean',
    description: 'Whether it was applied.',
    filter: 'Whether they are applied; all by default.',
  },
  appliedAt: {
    kind: 'time',
    nullable: true,
    description: 'When it was applied; null until then.',
    filter: 'By when they were applied.',
  },
  appliedBy: { kind: 'text', nullable: true, description: 'Who applied it; null until then.' },
  feedbackScore: {
    kind: 'integer',
    nullable: true,
    description: 'Its rating, 1 to 5; null when not rated.',
    filter: 'By rating, 1 to 5.',
  },
  createdAt: {
    kind: 'time',
    description: 'When it was created.',
    filter: 'By creation time.',
    order: 'When it was created.',
  },
})

/** How its source is read, when it is of this kind. */
const basedOn = (table: string, key: string, sourceType: string): ReadInStatement => ({
  read: ({ members }) => relatedRow(table, [['sourceId', key]], members(), true, isOfKind(sourceType)),
})

const isOfKind = (sourceType: string) => equal(recommendationColumns.column('sourceType'), sourceType)

const Recommendation = builder.prismaNode('Recommendation', {
  id: { field: 'recommendationId' },
  nullable: true,
  description: 'A proposed improvement, and its result.',
  select: { recommendationId: true },
  fields: (t) => ({
    ...recommendationColumns.fields(t),
    simulation: t.prismaField({
      type: Simulation,
      nullable: true,
      select: { sourceType: true, sourceId: true },
      description: 'The simulation that it is based on; null if based on something else.',
      extensions: basedOn('simulations', 'simulationId', 'simulation'),
      resolve: (query, { sourceType, sourceId }, _, { reads }) =>
        sourceType === 'simulation'
          ? reads.client.simulation.findUnique({ ...query, where: { simulationId: sourceId } })
          : null,
    }),
    outcome: t.prismaField({
      type: Outcome,
      nullable: true,
      select: { sourceType: true, sourceId: true },
      description:
        'The outcome that it is based on; null if based on something else, or if no longer stored.',
      extensions: {
        read: ({ members }) => outcomeOf('sourceId', members(), isOfKind('outcome')),
      } satisfies ReadInStatement,
      resolve: (query, { sourceType, sourceId }, _, context) =>
        sourceType === 'outcome' ? findOutcome(context, query, sourceId) : null,
    }),
    configDiff: t.prismaField({
      type: ConfigDiff,
      nullable: true,
      select: { sourceType: true, sourceId: true },
      description: 'The diff that it is based on; null if based on something else.',
      extensions: basedOn('config_diffs', 'diffId', 'config_diff'),
      resolve: (query, { sourceType, sourceId }, _, { reads }) =>
        sourceType === 'config_diff'
          ? reads.client.configDiff.findUnique({ ...query, where: { diffId: sourceId } })
          : null,
    }),
  }),
})

const recommendationPages = defineStoredList('Recommendation', {
  model: 'Recommendation',
  type: Recommendation,
  columns: recommendationColumns,
  keys: ['recommendationId'],
  defaultOrder: ['confidence', 'desc'],
  filter: 'Filters recommendations; all conditions must match.',
})

builder.prismaObjectField(Simulation, 'recommendations', (t) =>
  t.field(
    recommendationPages.under(
      { key: 'simulationId', field: 'sourceId', type: 'uuid' },
      'Recommendations based on it, highest confidence first.',
    ),
  ),
)

builder.prismaObjectField(Outcome, 'recommendations', (t) =>
  t.field(
    recommendationPages.under(
      { key: 'outcomeId', field: 'sourceId', type: 'uuid' },
      'Recommendations based on it, highest confidence first.',
    ),
  ),
)

builder.prismaObjectField(ConfigDiff, 'recommendations', (t) =>
  t.field(
    recommendationPages.under(
      { key: 'diffId', field: 'sourceId', type: 'uuid' },
      'Recommendations based on it, highest confidence first.',
    ),
  ),
)

builder.queryFields((t) => ({
  recommendation: t.field(recommendationPages.byKey('A recommendation by its key.')),
  recommendations: t.field(
    recommendationPages.root('The tenant’s recommendations, highest confidence first.'),
  ),
}))

const RecommendationPayload = payloadType<string>(
  'RecommendationPayload',
  'The recommendation after the change, or the errors.',
  (t) => ({
    recommendation: t.field(
      recommendationPages.inPayload(
        (recommendationId) => recommendationId,
        'The recommendation; null when there are errors.',
      ),
    ),
  }),
)

const CreateRecommendationInput = builder.inputType('CreateRecommendationInput', {
  description: 'A new recommendation.',
  fields: (t) => ({
    sourceType: t.field({ type: SourceType, required: true, description: 'What it is based on.' }),
    sourceId: t.field({
      type: 'UUID',
      required: true,
      description:
        'The key of what it is based on, which must exist; for an analysis of failure patterns, any.',
    }),
    recommendationType: t.field({
      type: RecommendationType,
      required: true,
      description: 'What it is about.',
    }),
    description: t.string({ required: true, description: 'What to do, in 10 to 10,000 characters.' }),
    confidence: t.float({ required: true, description: 'Its confidence, 0 to 1.' }),
    suggestedYamlChanges: t.string({ description: 'What to change in the YAML, at most 512 KiB.' }),
    impactEstimate: t.field({ type: 'JSONObject', description: 'Its expected impact.' }),
  }),
})

const ApplyRecommendationInput = builder.inputType('ApplyRecommendationInput', {
  description: 'The recommendation to apply.',
  fields: (t) => ({
    recommendationId: t.field({ type: 'UUID', required: true, description: 'The recommendation’s key.' }),
  }),
})

const RateRecommendationInput = builder.inputType('RateRecommendationInput', {
  description: 'A rating of a recommendation.',
  fields: (t) => ({
    recommendationId: t.field({ type: 'UUID', required: true, description: 'The recommendation’s key.' }),
    score: t.int({ required: true, description: '1 (useless) to 5 (great).' }),
  }),
})

builder.mutationFields((t) => ({
  createRecommendation: t.field({
    type: RecommendationPayload,
    description: 'Stores a recommendation.',
    args: {
      input: t.arg({ type: CreateRecommendationInput, required: true, description: 'What to store.' }),
    },
    resolve: (_, { input }, { write }) =>
      payloadOf(() =>
        write((transaction) =>
          createRecommendation(transaction, {
            ...input,
            suggestedYamlChanges: input.suggestedYamlChanges ?? null,
            impactEstimate: input.impactEstimate ?? null,
          }),
        ),
      ),
  }),
  applyRecommendation: t.field({
    type: RecommendationPayload,
    description: 'Marks a recommendation as applied, by the caller and now. Arc changes nothing else.',
    args: { input: t.arg({ type: ApplyRecommendationInput, required: true, description: 'Which one.' }) },
    resolve: (_, { input: { recommendationId } }, { write }) =>
      payloadOfStep(write, recommendationId, (transaction) =>
        applyRecommendation(transaction, recommendationId),
      ),
  }),
  rateRecommendation: t.field({
    type: RecommendationPayload,
    description: 'Rates a recommendation; a later score replaces an earlier one.',
    args: { input: t.arg({ type: RateRecommendationInput, required: true, description: 'The score.' }) },
    resolve: (_, { input: { recommendationId, score } }, { write }) =>
      payloadOfStep(write, recommendationId, (transaction) =>
        giveFeedback(transaction, recommendationId, score),
      ),
  }),
}))
