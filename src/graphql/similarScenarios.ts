import { scenarioText } from '../embedding/texts/scenarioText.ts'
import {
  type ComparedWith,
  type SimilarScenario,
  subjectIfThere,
} from '../evaluation/similar/similarStore.ts'
import { relatedRow } from '../reads/answers/pages.ts'
import { builder } from './builder/builder.ts'
import type { ReadInStatement } from './builder/fieldRead.ts'
import { Columns } from './lists/columns.ts'
import { Scenario, scenarioPages } from './scenario.ts'
import {
  defineSimilarList,
  KEY_TEXT,
  ofEmbedding,
  SIMILAR_TEXT,
  SIMILARITY,
  type SimilarArgs,
  vectorOf,
} from './similarList.ts'

const columns = new Columns<SimilarScenario>({
  similarity: SIMILARITY,
  scenarioId: { kind: 'text', description: 'The scenario’s key.' },
})

const SimilarScenarioType = builder.objectRef<SimilarScenario>('SimilarScenario').implement({
  description: 'A scenario that is like another.',
  fields: (t) => ({
    ...columns.fields(t),
    scenario: t.prismaField({
      type: Scenario,
      description: 'The scenario.',
      extensions: {
        read: ({ members }) => relatedRow('scenarios', [['scenarioId', 'scenarioId']], members(), false),
      } satisfies ReadInStatement,
      resolve: (query, { scenarioId }, _, { reads }) =>
        reads.client.scenario.findUniqueOrThrow({ ...query, where: { scenarioId } }),
    }),
  }),
})

const list = defineSimilarList<SimilarScenario, SimilarArgs>('SimilarScenario', {
  type: SimilarScenarioType,
  kind: 'scenario',
  columns,
  keys: ['scenarioId'],
  filter: scenarioPages.filter,
  rowsOf: (things, parents, most) => things.scenarios(parents, most),
})

const SimilarToScenario = builder.inputType('SimilarScenariosTo', {
  isOneOf: true,
  description:
    'What scenarios are compared with: exactly one of these. A scenario itself is not among its answers.',
  fields: (t) => ({
    scenarioId: t.string({ extensions: KEY_TEXT, description: 'The scenario with this key.' }),
    text: t.string({ extensions: SIMILAR_TEXT, description: 'What an agent is asked to do.' }),
    embedding: ofEmbedding(t),
  }),
})

interface RootArgs extends SimilarArgs {
  to: typeof SimilarToScenario.$inferInput
}

function compared({ to }: RootArgs): { to: ComparedWith; model?: string | undefined } {
  const { scenarioId, text, embedding } = to
  if (embedding) return { to: vectorOf(embedding), model: embedding.model }
  if (typeof text === 'string')
    return { to: { is: 'text', text, embedded: scenarioText.of({ name: '', taskPrompt: text }) } }
  const subject = subjectIfThere('scenario', scenarioId!)
  return { to: { is: 'subject', of: () => subject } }
}

builder.queryField('similarScenarios', (t) =>
  t.field({
    ...list.root<RootArgs>('Scenarios that are most like one.', compared),
    args: {
      to: t.arg({ type: SimilarToScenario, required: true, description: 'What they are compared with.' }),
      ...list.args,
    },
  }),
)

builder.prismaObjectField(Scenario, 'similarScenarios', (t) =>
  t.field({
    ...list.under('scenarioId', 'Scenarios that are most like it.'),
    select: { scenarioId: true },
    args: list.args,
  }),
)
