import { configurationText } from '../embedding/texts/configurationText.ts'
import { parseConfigDocument } from '../evaluation/configurations/configDocument.ts'
import {
  type ComparedWith,
  type SimilarConfigVersion,
  subjectIfThere,
} from '../evaluation/similar/similarStore.ts'
import { relatedRow } from '../reads/answers/pages.ts'
import { Refusal } from '../refusal.ts'
import { builder } from './builder/builder.ts'
import type { ReadInStatement } from './builder/fieldRead.ts'
import { ConfigVersion, configVersionPages } from './configVersion.ts'
import { Columns } from './lists/columns.ts'
import {
  defineSimilarList,
  ofEmbedding,
  SIMILAR_TEXT,
  SIMILARITY,
  type SimilarArgs,
  vectorOf,
} from './similarList.ts'

const columns = new Columns<SimilarConfigVersion>({
  similarity: SIMILARITY,
  versionId: { kind: 'uuid', description: 'The version’s key.' },
})

const SimilarConfigVersionType = builder.objectRef<SimilarConfigVersion>('SimilarConfigVersion').implement({
  description: 'A configuration version that is like another.',
  fields: (t) => ({
    ...columns.fields(t),
    version: t.prismaField({
      type: ConfigVersion,
      description: 'The version.',
      extensions: {
        read: ({ members }) => relatedRow('config_versions', [['versionId', 'versionId']], members(), false),
      } satisfies ReadInStatement,
      resolve: (query, { versionId }, _, { reads }) =>
        reads.client.configVersion.findUniqueOrThrow({ ...query, where: { versionId } }),
    }),
  }),
})

const list = defineSimilarList<SimilarConfigVersion, SimilarArgs>('SimilarConfigVersion', {
  type: SimilarConfigVersionType,
  kind: 'config_version',
  columns,
  keys: ['versionId'],
  filter: configVersionPages.filter,
  rowsOf: (things, parents, most) => things.configVersions(parents, most),
})

const SimilarToConfigVersion = builder.inputType('SimilarConfigVersionsTo', {
  isOneOf: true,
  description:
    'What configuration versions are compared with: exactly one of these. A version itself is not among its answers.',
  fields: (t) => ({
    versionId: t.field({ type: 'UUID', description: 'The version with this key.' }),
    yaml: t.string({ extensions: SIMILAR_TEXT, description: 'A configuration that need not be stored.' }),
    text: t.string({ extensions: SIMILAR_TEXT, description: 'What an agent is like, in words.' }),
    embedding: ofEmbedding(t),
  }),
})

interface RootArgs extends SimilarArgs {
  to: typeof SimilarToConfigVersion.$inferInput
}

/** @throws Refusal as a version of it would be refused. */
function embeddedYaml(yaml: string): string {
  try {
    return configurationText.of(parseConfigDocument(yaml))
  } catch (error) {
    throw error instanceof Refusal ? error.at('to') : error
  }
}

/** @throws Refusal for what is no configuration. */
function compared({ to }: RootArgs): { to: ComparedWith; model?: string | undefined } {
  const { versionId, yaml, text, embedding } = to
  if (embedding) return { to: vectorOf(embedding), model: embedding.model }
  if (typeof yaml === 'string') return { to: { is: 'text', text: yaml, embedded: embeddedYaml(yaml) } }
  if (typeof text === 'string') return { to: { is: 'text', text, embedded: text } }
  const subject = subjectIfThere('config_version', versionId!)
  return { to: { is: 'subject', of: () => subject } }
}

builder.queryField('similarConfigVersions', (t) =>
  t.field({
    ...list.root<RootArgs>('Configuration versions that are most like one, of any configuration.', compared),
    args: {
      to: t.arg({
        type: SimilarToConfigVersion,
        required: true,
        description: 'What they are compared with.',
      }),
      ...list.args,
    },
  }),
)

builder.prismaObjectField(ConfigVersion, 'similarConfigVersions', (t) =>
  t.field({
    ...list.under('versionId', 'Configuration versions that are most like it, of any configuration.'),
    select: { versionId: true },
    args: list.args,
  }),
)
