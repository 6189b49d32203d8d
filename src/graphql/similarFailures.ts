import { failureText } from '../embedding/texts/failureText.ts'
import {
  type ComparedWith,
  type FailuresShown,
  type SimilarFailure,
  signatureOfOutcome,
  signatureOfPattern,
} from '../evaluation/similar/similarStore.ts'
import { relatedRow } from '../reads/answers/pages.ts'
import { builder } from './builder/builder.ts'
import type { ReadInStatement } from './builder/fieldRead.ts'
import { FailurePattern, failurePatternPages } from './failurePattern.ts'
import { Columns } from './lists/columns.ts'
import { Outcome } from './outcome.ts'
import { Scenario } from './scenario.ts'
import {
  defineSimilarList,
  ofEmbedding,
  SIMILAR_TEXT,
  SIMILARITY,
  type SimilarArgs,
  vectorOf,
} from './similarList.ts'
import { Simulation } from './simulation.ts'

const columns = new Columns<SimilarFailure>({
  similarity: SIMILARITY,
  signature: { kind: 'text', description: 'The failure’s signature.' },
  patternId: { kind: 'uuid', description: 'The key of its latest pattern, or of this one.' },
  outcomeId: { kind: 'uuid', description: 'The outcome with this pattern.' },
  executionTime: { kind: 'time', description: 'When the run with this pattern ended.' },
  patterns: {
    kind: 'integer',
    description: 'How many patterns with the signature there are, of those that the filter asks for.',
  },
  resolutionSteps: {
    kind: 'texts',
    description:
      'How to fix it, as was noted at any of its patterns: each text once, the latest first, ten at most.',
  },
})

const SimilarFailureType = builder.objectRef<SimilarFailure>('SimilarFailure').implement({
  description: 'A failure that is like another.',
  fields: (t) => ({
    ...columns.fields(t),
    pattern: t.prismaField({
      type: FailurePattern,
      description: 'Its latest pattern, or this one.',
      extensions: {
        read: ({ members }) => relatedRow('failure_patterns', [['patternId', 'patternId']], members(), false),
      } satisfies ReadInStatement,
      resolve: (query, { patternId }, _, { reads }) =>
        reads.client.failurePattern.findUniqueOrThrow({ ...query, where: { patternId } }),
    }),
    outcome: t.prismaField({
      type: Outcome,
      description: 'The outcome with this pattern.',
      extensions: {
        read: ({ members }) =>
          relatedRow(
            'outcomes',
            [
              ['outcomeId', 'outcomeId'],
              ['executionTime', 'executionTime'],
            ],
            members(),
            false,
          ),
      } satisfies ReadInStatement,
      resolve: (query, { outcomeId, executionTime }, _, { reads }) =>
        reads.client.outcome.findUniqueOrThrow({
          ...query,
          where: { outcomeId_executionTime: { outcomeId, executionTime } },
        }),
    }),
    scenario: t.prismaField({
      type: Scenario,
      nullable: true,
      description: 'The scenario that was run; null when it was deleted.',
      extensions: {
        read: ({ members }) => relatedRow('scenarios', [['scenarioId', 'scenarioId']], members(), true),
      } satisfies ReadInStatement,
      resolve: (query, { scenarioId }, _, { reads }) =>
        scenarioId === null ? null : reads.client.scenario.findUnique({ ...query, where: { scenarioId } }),
    }),
    simulation: t.prismaField({
      type: Simulation,
      description: 'The simulation with this pattern.',
      extensions: {
        read: ({ members }) =>
          relatedRow('simulations', [['simulationId', 'simulationId']], members(), false),
      } satisfies ReadInStatement,
      resolve: (query, { simulationId }, _, { reads }) =>
        reads.client.simulation.findUniqueOrThrow({ ...query, where: { simulationId } }),
    }),
  }),
})

const FailuresShownEnum = builder.enumType('SimilarFailureRow', {
  description: 'What a row of similar failures is.',
  values: {
    FAILURE: { value: 'failure', description: 'A failure, whatever the number of its patterns.' },
    PATTERN: { value: 'pattern', description: 'Each pattern of a failure.' },
  } as const satisfies Record<string, { value: FailuresShown; description: string }>,
})

interface FailureArgs extends SimilarArgs {
  each: FailuresShown
}

const list = defineSimilarList<SimilarFailure, FailureArgs>('SimilarFailure', {
  type: SimilarFailureType,
  kind: 'failure',
  columns,
  keys: ['signature', 'patternId'],
  filter: failurePatternPages.filter,
  rowsOf: (things, parents, most, { each }) => things.failures(parents, most, each),
})

const args = {
  ...list.args,
  ...builder.args((t) => ({
    each: t.field({
      type: FailuresShownEnum,
      required: true,
      defaultValue: 'failure' as const,
      description:
        'What a row is: by default patterns with one signature, which are one failure, are one row.',
    }),
  })),
}

const SimilarToFailure = builder.inputType('SimilarFailuresTo', {
  isOneOf: true,
  description:
    'What failures are compared with: exactly one of these. A failure itself is not among its answers.',
  fields: (t) => ({
    patternId: t.field({ type: 'UUID', description: 'The failure of this pattern.' }),
    outcomeId: t.field({ type: 'UUID', description: 'The first failure of this outcome.' }),
    text: t.string({
      extensions: SIMILAR_TEXT,
      description: 'An error’s message, as an agent or a tool said it.',
    }),
    embedding: ofEmbedding(t),
  }),
})

interface RootArgs extends FailureArgs {
  to: typeof SimilarToFailure.$inferInput
}

function compared({ to }: RootArgs): { to: ComparedWith; model?: string | undefined } {
  const { patternId, outcomeId, text, embedding } = to
  if (embedding) return { to: vectorOf(embedding), model: embedding.model }
  if (typeof text === 'string') {
    const failure = { failureType: 'unknown', failureCategory: 'unknown', errorMessage: text } as const
    return { to: { is: 'text', text, embedded: text.trim() === '' ? '' : failureText.of(failure) } }
  }
  const signature = patternId ? signatureOfPattern(patternId) : signatureOfOutcome(outcomeId!)
  return { to: { is: 'subject', of: () => signature } }
}

builder.queryField('similarFailures', (t) =>
  t.field({
    ...list.root<RootArgs>(
      'Failures that are most like one, whatever their words: have we seen this?',
      compared,
    ),
    args: {
      to: t.arg({ type: SimilarToFailure, required: true, description: 'What they are compared with.' }),
      ...args,
    },
  }),
)

builder.prismaObjectField(FailurePattern, 'similarFailures', (t) =>
  t.field({
    ...list.under(
      'signature',
      'Failures that are most like it. Those with its signature are `equalFailures`.',
    ),
    select: { signature: true },
    args,
  }),
)
