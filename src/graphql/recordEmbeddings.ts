import { EMBEDDING_WIDTH } from '../embedding/embeddingProvider.ts'
import {
  type EmbeddingReceipt,
  type GivenEmbedding,
  MAX_EMBEDDINGS,
  recordEmbeddings,
  rejection,
} from '../evaluation/embeddings/embeddings.ts'
import { builder } from './builder/builder.ts'
import { withReadableRows } from './builder/unreadableRows.ts'
import { ErrorCodeEnum, pathAsText, payloadOf, payloadType } from './payload.ts'

const EmbeddingInput = builder.inputType('EmbeddingInput', {
  extensions: { markedBy: 'signature' },
  description: 'A vector of exactly one thing. It is stored with length 1, and in 16-bit floats.',
  fields: (t) => ({
    patternId: t.field({
      type: 'UUID',
      description: 'A failure, by one of its patterns: the vector is that of its signature.',
    }),
    signature: t.string({ description: 'A failure, by its signature.' }),
    outcomeId: t.field({ type: 'UUID', description: 'An outcome: the vector is of its trajectory.' }),
    scenarioId: t.string({ description: 'A scenario.' }),
    versionId: t.field({ type: 'UUID', description: 'A configuration version.' }),
    vector: t.floatList({
      description: `Its ${EMBEDDING_WIDTH} numbers. Shorter ones of a model are filled up with zeros, which change no distance.`,
    }),
    vectorBase64: t.string({
      description: `The same numbers as ${EMBEDDING_WIDTH} 32-bit floats, little-endian, in base64: 8 KB instead of some 30.`,
    }),
  }),
})

const RecordEmbeddingsInput = builder.inputType('RecordEmbeddingsInput', {
  description: 'Vectors of one model.',
  fields: (t) => ({
    model: t.string({
      required: true,
      description:
        'Who made them, up to 200 characters: only vectors of equal names are compared. Names that begin with minilm: or openai: are those of the server’s own.',
    }),
    embeddings: t.field({
      type: [EmbeddingInput],
      required: true,
      description: `1 to ${MAX_EMBEDDINGS} vectors.`,
    }),
  }),
})

const EmbeddingStatus = builder.enumType('EmbeddingStatus', {
  description: 'The result of one vector of a call.',
  values: {
    STORED: { value: 'STORED', description: 'There was none of this model: it was stored.' },
    UNCHANGED: {
      value: 'UNCHANGED',
      description: 'The same was stored already, as far as 16-bit floats tell; nothing was written.',
    },
    REPLACED: { value: 'REPLACED', description: 'It took the place of another one of this model.' },
    REJECTED: {
      value: 'REJECTED',
      description: 'It cannot be stored; see code, reason and path. Other vectors are not affected.',
    },
  } as const,
})

const EmbeddingReceiptType = builder.objectRef<EmbeddingReceipt>('EmbeddingReceipt').implement({
  description: 'The result of one vector of a call.',
  fields: (t) => ({
    index: t.exposeInt('index', { description: 'Its position in the call, from 0.' }),
    subject: t.exposeString('subject', {
      nullable: true,
      description:
        'What it is of: a failure’s signature, or the key of the outcome, scenario or version; null when it was rejected.',
    }),
    status: t.expose('status', { type: EmbeddingStatus, description: 'Its result.' }),
    code: t.expose('code', {
      type: ErrorCodeEnum,
      nullable: true,
      description: 'Why it was rejected, as a code.',
    }),
    reason: t.exposeString('reason', { nullable: true, description: 'Why it was rejected, in words.' }),
    path: t.stringList({
      nullable: true,
      description: 'The field at fault, from the vector inwards.',
      resolve: ({ path }) => path && pathAsText(path),
    }),
  }),
})

const RecordEmbeddingsPayload = payloadType<EmbeddingReceipt[]>(
  'RecordEmbeddingsPayload',
  'The receipts, or the errors.',
  (t) => ({
    receipts: t.field({
      type: [EmbeddingReceiptType],
      description: 'One for each vector, in the order of the call.',
      resolve: ({ result }) => result ?? [],
    }),
  }),
)

builder.mutationField('recordEmbeddings', (t) =>
  t.field({
    type: RecordEmbeddingsPayload,
    description:
      'Stores vectors that the caller made with a model of his own, beside those that the server makes. They go with what they are of, and change nothing of it.',
    args: { input: t.arg({ type: RecordEmbeddingsInput, required: true, description: 'The vectors.' }) },
    resolve: (_, { input }, context) =>
      payloadOf(() =>
        withReadableRows(
          context,
          input.embeddings as GivenEmbedding[],
          'signature',
          rejection,
          (embeddings) => recordEmbeddings(context.write, input.model, embeddings),
        ),
      ),
  }),
)
