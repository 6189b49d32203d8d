import {
  type ComparedWith,
  type SimilarTrajectory,
  subjectIfThere,
} from '../evaluation/similar/similarStore.ts'
import { relatedRow } from '../reads/answers/pages.ts'
import { builder } from './builder/builder.ts'
import type { ReadInStatement } from './builder/fieldRead.ts'
import { Columns } from './lists/columns.ts'
import { Outcome, outcomePages } from './outcome.ts'
import {
  defineSimilarList,
  ofEmbedding,
  SIMILAR_TEXT,
  SIMILARITY,
  type SimilarArgs,
  vectorOf,
} from './similarList.ts'

const columns = new Columns<SimilarTrajectory>({
  similarity: SIMILARITY,
  outcomeId: { kind: 'uuid', description: 'The outcome’s key.' },
  executionTime: { kind: 'time', description: 'When the run ended.' },
})

const SimilarTrajectoryType = builder.objectRef<SimilarTrajectory>('SimilarTrajectory').implement({
  description: 'An outcome whose agent did what is like what another did.',
  fields: (t) => ({
    ...columns.fields(t),
    outcome: t.prismaField({
      type: Outcome,
      description: 'The outcome with the trajectory.',
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
  }),
})

const list = defineSimilarList<SimilarTrajectory, SimilarArgs>('SimilarTrajectory', {
  type: SimilarTrajectoryType,
  kind: 'trajectory',
  columns,
  keys: ['outcomeId'],
  filter: outcomePages.filter,
  rowsOf: (things, parents, most) => things.trajectories(parents, most),
})

const SimilarToTrajectory = builder.inputType('SimilarTrajectoriesTo', {
  isOneOf: true,
  description:
    'What trajectories are compared with: exactly one of these. A trajectory itself is not among its answers.',
  fields: (t) => ({
    outcomeId: t.field({ type: 'UUID', description: 'The trajectory of this outcome.' }),
    text: t.string({ extensions: SIMILAR_TEXT, description: 'What an agent did, in words.' }),
    embedding: ofEmbedding(t),
  }),
})

interface RootArgs extends SimilarArgs {
  to: typeof SimilarToTrajectory.$inferInput
}

function compared({ to }: RootArgs): { to: ComparedWith; model?: string | undefined } {
  const { outcomeId, text, embedding } = to
  if (embedding) return { to: vectorOf(embedding), model: embedding.model }
  if (typeof text === 'string') return { to: { is: 'text', text, embedded: text } }
  const subject = subjectIfThere('trajectory', outcomeId!)
  return { to: { is: 'subject', of: () => subject } }
}

builder.queryField('similarTrajectories', (t) =>
  t.field({
    ...list.root<RootArgs>('Outcomes whose agents did what is most like what one did.', compared),
    args: {
      to: t.arg({ type: SimilarToTrajectory, required: true, description: 'What they are compared with.' }),
      ...list.args,
    },
  }),
)

builder.prismaObjectField(Outcome, 'similarTrajectories', (t) =>
  t.field({
    ...list.under('outcomeId', 'Outcomes whose agents did what is most like what its agent did.'),
    select: { outcomeId: true },
    args: list.args,
  }),
)
