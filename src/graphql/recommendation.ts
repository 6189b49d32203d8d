import type {
  RecommendationEvidence as EvidenceRow,
  Recommendation as RecommendationRow,
} from '../db/generated/client.ts'
import { outcomeOf } from '../evaluation/outcomes/outcomeAnswer.ts'
import { generateRecommendations, type RuleResult } from '../evaluation/recommendations/generation.ts'
import {
  applyRecommendation,
  createRecommendation,
  dismissRecommendation,
  giveFeedback,
  withdrawDismissal,
} from '../evaluation/recommendations/recommendations.ts'
import { relatedRow } from '../reads/answers/pages.ts'
import { equal } from '../reads/condition.ts'
import { Refusal } from '../refusal.ts'
import { LENGTHS } from '../valueChecks.ts'
import { builder } from './builder/builder.ts'
import type { ReadInStatement } from './builder/fieldRead.ts'
import { ConfigChangeType, ConfigDiff, storedChanges } from './configDiff.ts'
import { Configuration } from './configuration.ts'
import { ConfigVersion } from './configVersion.ts'
import { Columns } from './lists/columns.ts'
import { shownRelationIfAny } from './lists/relatedRow.ts'
import { defineStoredList } from './lists/storedList.ts'
import { findOutcome, Outcome } from './outcome.ts'
import { payloadOf, payloadOfStep, payloadType } from './payload.ts'
import { Scenario } from './scenario.ts'
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
    EVALUATION_CHANGE: {
      value: 'evaluation_change',
      description: 'Another way to evaluate, e.g. more repetitions.',
    },
  } as const,
})

const RecommendationState = builder.enumType('RecommendationState', {
  description: 'What became of a recommendation.',
  values: {
    OPEN: { value: 'open', description: 'Nobody has decided.' },
    APPLIED: { value: 'applied', description: 'It was applied.' },
    DISMISSED: { value: 'dismissed', description: 'It was dismissed, for a reason.' },
    SUPERSEDED: {
      value: 'superseded',
      description: 'Newer evidence has led to another recommendation about the same.',
    },
    OBSOLETE: {
      value: 'obsolete',
      description: 'What it rests on is not so any more; it is open again where it is so once more.',
    },
  } as const,
})

const RecommendationRule = builder.enumType('RecommendationRule', {
  description: 'How Arc itself finds recommendations in the runs of a version.',
  values: {
    FAILING_TOOL: {
      value: 'failing_tool',
      description: 'A tool whose calls fail often, and more often than those of the other tools.',
    },
    TIMEOUT_LIMIT: {
      value: 'timeout_limit',
      description:
        'Runs time out often: at a limit that others come near to, or that lets hanging ones wait for long.',
    },
    UNCOVERED_SCENARIOS: {
      value: 'uncovered_scenarios',
      description: 'Active scenarios that the version did not run, near those that fail.',
    },
    CHEAPER_MODEL: {
      value: 'cheaper_model',
      description: 'A version that differs in the model alone costs less and is not worse.',
    },
    VERSION_ROLLBACK: {
      value: 'version_rollback',
      description: 'The latest version is significantly worse than an earlier one.',
    },
    FLAKY_SCENARIOS: {
      value: 'flaky_scenarios',
      description: 'Scenarios pass and fail under one version, so that comparisons show little.',
    },
  } as const,
})

const whenMade = (what: string) => `${what}; null if Arc did not make it.`

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
  suggestedYamlChanges: {
    kind: 'text',
    nullable: true,
    description:
      'What to change in the YAML: of those that Arc makes a diff to `configVersion`, for `git apply` and `patch -p1`; null where no change of it would help, or none fits in its layout.',
  },
  impactEstimate: {
    kind: 'json',
    nullable: true,
    description:
      'Its expected impact; of those that Arc makes `metric`, `before`, `after`, `change` with `lower` and `upper` (interval of `level`), and of how many (`n`) of what (`of`).',
  },
  confidence: {
    kind: 'number',
    description:
      'Its confidence, 0 to 1; of those that Arc makes how sure the claim is, by its interval or test.',
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
  state: {
    kind: 'enum',
    enum: RecommendationState,
    description: 'What became of it.',
    filter: 'By what became of them.',
  },
  rule: {
    kind: 'enum',
    enum: RecommendationRule,
    nullable: true,
    description: whenMade('How it was found'),
    filter: 'By how they were found.',
  },
  configId: {
    kind: 'uuid',
    nullable: true,
    description: whenMade('The key of the configuration that it is about'),
    filter: 'By configuration.',
  },
  configVersionId: {
    kind: 'uuid',
    nullable: true,
    description: whenMade('The key of the version that it was made for'),
    filter: 'By the version that they were made for.',
  },
  subject: {
    kind: 'text',
    nullable: true,
    description: whenMade('What it is about within the configuration, e.g. the name of a tool'),
    filter: 'By what they are about.',
  },
  facts: {
    kind: 'json',
    nullable: true,
    description: whenMade('The figures that it rests on, with their interval and threshold'),
  },
  wordedBy: {
    kind: 'text',
    nullable: true,
    description: 'The language model that worded the description; null if none did.',
  },
  dismissedAt: {
    kind: 'time',
    nullable: true,
    description: 'When it was dismissed; null if it is not.',
    filter: 'By when they were dismissed.',
  },
  dismissedBy: { kind: 'text', nullable: true, description: 'Who dismissed it; null if nobody did.' },
  dismissalReason: {
    kind: 'text',
    maxLength: LENGTHS.prose.max,
    nullable: true,
    description: 'Why it was dismissed; null if it is not.',
  },
  obsoleteAt: {
    kind: 'time',
    nullable: true,
    description: 'When what it rests on was found not to be so any more; null if it was not.',
    filter: 'By when they became obsolete.',
  },
  obsoleteReason: {
    kind: 'text',
    maxLength: LENGTHS.prose.max,
    nullable: true,
    description: 'What was found instead; null where it is not obsolete.',
  },
  supersededById: {
    kind: 'uuid',
    nullable: true,
    description: 'The key of the one that newer evidence has led to; null if there is none.',
  },
  appliedVersionId: {
    kind: 'uuid',
    nullable: true,
    description: 'The key of the version that it led to; null if none.',
    filter: 'By the version that they led to.',
  },
  appliedDiffId: {
    kind: 'uuid',
    nullable: true,
    description: 'The key of the diff of that version; null if there is none.',
  },
  impactActual: {
    kind: 'json',
    nullable: true,
    description:
      'What it did, in the form of `impactEstimate`: the version that it led to beside the version before; null until a simulation of it has completed.',
  },
  measuredAt: { kind: 'time', nullable: true, description: 'When that was measured; null until then.' },
  measuredSimulationId: {
    kind: 'uuid',
    nullable: true,
    description: 'The key of the latest simulation that was measured; null until then.',
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
    suggestedChanges: t.field({
      type: [ConfigChangeType],
      select: { suggestedChanges: true },
      description:
        'What applying it changes in the tree, in the order to apply it (RFC 6902); empty where it changes nothing, or goes back to an earlier version.',
      ...storedChanges('suggestedChanges'),
    }),
    configuration: t.field(
      shownRelationIfAny(
        'Recommendation',
        'configuration',
        Configuration,
        whenMade('The configuration that it is about'),
      ),
    ),
    configVersion: t.field(
      shownRelationIfAny(
        'Recommendation',
        'configVersion',
        ConfigVersion,
        whenMade('The version that it was made for'),
      ),
    ),
    restoresVersion: t.field(
      shownRelationIfAny(
        'Recommendation',
        'restoresVersion',
        ConfigVersion,
        'The earlier version that it goes back to; null if to none.',
      ),
    ),
    appliedVersion: t.field(
      shownRelationIfAny(
        'Recommendation',
        'appliedVersion',
        ConfigVersion,
        'The version that it led to; null if none.',
      ),
    ),
    appliedDiff: t.field(
      shownRelationIfAny(
        'Recommendation',
        'appliedDiff',
        ConfigDiff,
        'The diff of that version to the one before; null if there is none.',
      ),
    ),
    measuredSimulation: t.field(
      shownRelationIfAny(
        'Recommendation',
        'measuredSimulation',
        Simulation,
        'The latest simulation that was measured; null until then.',
      ),
    ),
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

builder.prismaObjectField(Configuration, 'recommendations', (t) =>
  t.field(
    recommendationPages.under(
      { key: 'configId', field: 'configId', type: 'uuid' },
      'Recommendations that Arc has made about it, highest confidence first.',
    ),
  ),
)

builder.prismaObjectField(ConfigVersion, 'recommendations', (t) =>
  t.field(
    recommendationPages.under(
      { key: 'versionId', field: 'configVersionId', type: 'uuid' },
      'Recommendations that Arc has made for it, highest confidence first.',
    ),
  ),
)

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

const EvidenceKind = builder.enumType('RecommendationEvidenceKind', {
  description: 'What an evidence leads to.',
  values: {
    SIMULATION: { value: 'simulation', description: 'A simulation.' },
    OUTCOME: { value: 'outcome', description: 'An outcome.' },
    SCENARIO: { value: 'scenario', description: 'A scenario.' },
    CONFIG_VERSION: { value: 'config_version', description: 'A configuration version.' },
    CONFIG_DIFF: { value: 'config_diff', description: 'A diff of two versions.' },
    FAILURE: { value: 'failure', description: 'A failure, by its signature.' },
    TOOL: { value: 'tool', description: 'A tool, by its name.' },
  } as const,
})

const evidenceColumns = new Columns<EvidenceRow>({
  evidenceId: { kind: 'uuid', description: 'Its key.' },
  recommendationId: { kind: 'uuid', description: 'The key of what rests on it.' },
  place: {
    kind: 'integer',
    description: 'Its place among those of the recommendation, from 1.',
    order: 'Its place.',
  },
  kind: {
    kind: 'enum',
    enum: EvidenceKind,
    description: 'What it leads to.',
    filter: 'By what they lead to.',
  },
  summary: { kind: 'text', maxLength: 1_000, description: 'What it shows, in words.' },
  simulationId: {
    kind: 'uuid',
    nullable: true,
    description: 'The simulation’s key, that of the outcome’s too; null if it leads to neither.',
  },
  outcomeId: { kind: 'uuid', nullable: true, description: 'The outcome’s key; null if it leads to none.' },
  scenarioId: {
    kind: 'text',
    maxLength: LENGTHS.scenarioKey.max,
    nullable: true,
    description: 'The scenario’s key; null if it leads to none.',
  },
  configVersionId: {
    kind: 'uuid',
    nullable: true,
    description: 'The version’s key; null if it leads to none.',
  },
  configDiffId: { kind: 'uuid', nullable: true, description: 'The diff’s key; null if it leads to none.' },
  signature: {
    kind: 'text',
    maxLength: LENGTHS.signature.max,
    nullable: true,
    description:
      'The failure’s signature, for `failurePatterns(filter: {signature: …})`; null if it leads to none.',
  },
  toolName: {
    kind: 'text',
    maxLength: LENGTHS.toolName.max,
    nullable: true,
    description: 'The tool’s name, for `toolUsage(filter: {toolName: …})`; null if it leads to none.',
  },
})

const orNone = (what: string) => `The ${what}; null if it leads to none.`

const RecommendationEvidence = builder.prismaNode('RecommendationEvidence', {
  id: { field: 'evidenceId' },
  nullable: true,
  description: 'One thing that a recommendation rests on.',
  select: { evidenceId: true },
  fields: (t) => ({
    ...evidenceColumns.fields(t),
    simulation: t.field(
      shownRelationIfAny('RecommendationEvidence', 'simulation', Simulation, orNone('simulation')),
    ),
    outcome: t.prismaField({
      type: Outcome,
      nullable: true,
      select: { outcomeId: true },
      description: 'The outcome; null if it leads to none, or if no longer stored.',
      extensions: {
        read: ({ members }) => outcomeOf('outcomeId', members()),
      } satisfies ReadInStatement,
      resolve: (query, { outcomeId }, _, context) =>
        outcomeId === null ? null : findOutcome(context, query, outcomeId),
    }),
    scenario: t.field(shownRelationIfAny('RecommendationEvidence', 'scenario', Scenario, orNone('scenario'))),
    configVersion: t.field(
      shownRelationIfAny('RecommendationEvidence', 'configVersion', ConfigVersion, orNone('version')),
    ),
    configDiff: t.field(
      shownRelationIfAny('RecommendationEvidence', 'configDiff', ConfigDiff, orNone('diff')),
    ),
  }),
})

const evidencePages = defineStoredList('RecommendationEvidence', {
  model: 'RecommendationEvidence',
  type: RecommendationEvidence,
  columns: evidenceColumns,
  keys: ['evidenceId'],
  defaultOrder: ['place', 'asc'],
  filter: 'Filters evidence; all conditions must match.',
})

builder.prismaObjectField(Recommendation, 'evidence', (t) =>
  t.field(
    evidencePages.under(
      { key: 'recommendationId', field: 'recommendationId', type: 'uuid' },
      'What it rests on, in order; what was deleted is left out.',
    ),
  ),
)

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

const DismissRecommendationInput = builder.inputType('DismissRecommendationInput', {
  description: 'The recommendation to dismiss.',
  fields: (t) => ({
    recommendationId: t.field({ type: 'UUID', required: true, description: 'The recommendation’s key.' }),
    reason: t.string({ required: true, description: 'Why, in 1 to 10,000 characters.' }),
  }),
})

const WithdrawRecommendationDismissalInput = builder.inputType('WithdrawRecommendationDismissalInput', {
  description: 'The dismissal to take back.',
  fields: (t) => ({
    recommendationId: t.field({ type: 'UUID', required: true, description: 'The recommendation’s key.' }),
  }),
})

const GenerateRecommendationsInput = builder.inputType('GenerateRecommendationsInput', {
  description: 'Whose runs to look at: one of the two.',
  fields: (t) => ({
    simulationId: t.field({ type: 'UUID', description: 'A simulation: the version that it ran.' }),
    configId: t.field({ type: 'UUID', description: 'A configuration: its latest version.' }),
  }),
})

const RuleStatus = builder.enumType('RecommendationRuleStatus', {
  description: 'What came of a rule.',
  values: {
    MADE: { value: 'MADE', description: 'A recommendation was made.' },
    ALREADY_MADE: {
      value: 'ALREADY_MADE',
      description: 'The same evidence has led to one before, which may be applied or dismissed by now.',
    },
    REOPENED: {
      value: 'REOPENED',
      description: 'One that was obsolete, or superseded by runs that were deleted, is so again and open.',
    },
    OBSOLETE: {
      value: 'OBSOLETE',
      description: 'One that was open is not so any more; see the reason.',
    },
    NOTHING_FOUND: { value: 'NOTHING_FOUND', description: 'There is nothing to recommend.' },
    INSUFFICIENT_DATA: {
      value: 'INSUFFICIENT_DATA',
      description: 'The runs do not tell; see the reason for what it takes.',
    },
  } as const,
})

const RuleResultType = builder.objectRef<RuleResult>('RecommendationRuleResult').implement({
  description: 'What came of one rule, or of one thing that it found.',
  fields: (t) => ({
    rule: t.field({ type: RecommendationRule, description: 'The rule.', resolve: ({ rule }) => rule }),
    status: t.field({ type: RuleStatus, description: 'What came of it.', resolve: ({ status }) => status }),
    reason: t.exposeString('reason', { description: 'Why, in words.' }),
    recommendation: t.field(
      recommendationPages.shownBy(
        ({ recommendationId }: RuleResult) => recommendationId,
        'What was made, now or before, or became obsolete; null where nothing was.',
      ),
    ),
  }),
})

const GenerateRecommendationsPayload = payloadType<RuleResult[]>(
  'GenerateRecommendationsPayload',
  'What was made and what was not, or the errors.',
  (t) => ({
    results: t.field({
      type: [RuleResultType],
      nullable: true,
      description: 'For each rule at least one, in one order; null when there are errors.',
      resolve: ({ result }) => result,
    }),
  }),
)

/** In rows that are read: all runs of up to seven versions are. */
const GENERATION_COST = 5_000

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
    description:
      'Applies a recommendation, by the caller and now. Where Arc suggests a change of the YAML, that makes the next version of the configuration and its diff (`appliedVersion`, `appliedDiff`), of the latest version if that still has what is changed; else it is only marked.',
    args: { input: t.arg({ type: ApplyRecommendationInput, required: true, description: 'Which one.' }) },
    resolve: (_, { input: { recommendationId } }, { write }) =>
      payloadOfStep(write, recommendationId, (transaction) =>
        applyRecommendation(transaction, recommendationId),
      ),
  }),
  dismissRecommendation: t.field({
    type: RecommendationPayload,
    description:
      'Dismisses a recommendation as the caller: the same evidence does not make it again. Repeating it changes nothing.',
    args: {
      input: t.arg({ type: DismissRecommendationInput, required: true, description: 'Which one, and why.' }),
    },
    resolve: (_, { input: { recommendationId, reason } }, { write }) =>
      payloadOfStep(write, recommendationId, (transaction) =>
        dismissRecommendation(transaction, recommendationId, reason),
      ),
  }),
  withdrawRecommendationDismissal: t.field({
    type: RecommendationPayload,
    description:
      'Takes a dismissal back, whoever made it: the recommendation is open again, or superseded. The audit log keeps it.',
    args: {
      input: t.arg({ type: WithdrawRecommendationDismissalInput, required: true, description: 'Which one.' }),
    },
    resolve: (_, { input: { recommendationId } }, { write }) =>
      payloadOfStep(write, recommendationId, (transaction) =>
        withdrawDismissal(transaction, recommendationId),
      ),
  }),
  generateRecommendations: t.field({
    type: GenerateRecommendationsPayload,
    extensions: { cost: GENERATION_COST },
    description:
      'Looks for recommendations in the completed simulations of a version, as Arc does by itself after each, closes those that are not so any more, and says of each rule what came of it.',
    args: {
      input: t.arg({
        type: GenerateRecommendationsInput,
        required: true,
        description: 'Whose runs to look at.',
      }),
    },
    resolve: (_, { input: { simulationId, configId } }, { write, services }) =>
      payloadOf(() => {
        if ((simulationId == null) === (configId == null)) {
          const message = 'Give one of simulationId and configId.'
          throw new Refusal('BAD_USER_INPUT', message, ['simulationId'])
        }
        const subject = simulationId != null ? { simulationId } : { configId: configId! }
        return generateRecommendations((work) => write(work), subject, services.wording)
      }),
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
