import sql from 'sql-template-tag'
import type { TenantTransaction, Write } from '../../db/tenantTransaction.ts'
import { EMBEDDING_WIDTH, halfvecText, unitVector } from '../../embedding/embeddingProvider.ts'
import { type ErrorCode, type InputPath, Refusal } from '../../refusal.ts'
import { checkEach, checkRows, invalid, LENGTHS, text, uuid } from '../../valueChecks.ts'

/** A vector that its caller made, of the one thing that is given. */
export interface GivenEmbedding {
  /** A failure, by one of its patterns. */
  patternId?: string | null
  /** A failure, by its signature. */
  signature?: string | null
  outcomeId?: string | null
  scenarioId?: string | null
  versionId?: string | null
  /** 1536 numbers of any length but zero. */
  vector?: readonly number[] | null
  /** The same as 32-bit floats, little-endian, in base64. */
  vectorBase64?: string | null
}

export interface EmbeddingReceipt {
  index: number
  /** What the vector is of: a failure's signature, or the key of the thing; null where that is not known. */
  subject: string | null
  status: 'STORED' | 'UNCHANGED' | 'REPLACED' | 'REJECTED'
  code: ErrorCode | null
  reason: string | null
  path: InputPath | null
}

interface Row {
  idx: number
  kind: 'failure' | 'trajectory' | 'scenario' | 'config_version'
  subject: string | null
  pattern_id: string | null
  vector: string
  given: Subject
}

/** At 30 KB of text each these are 15 MB. */
export const MAX_EMBEDDINGS = 500

const SUBJECTS = ['patternId', 'signature', 'outcomeId', 'scenarioId', 'versionId'] as const
type Subject = (typeof SUBJECTS)[number]

const KINDS = {
  patternId: 'failure',
  signature: 'failure',
  outcomeId: 'trajectory',
  scenarioId: 'scenario',
  versionId: 'config_version',
} as const satisfies Record<Subject, Row['kind']>

const UNKNOWN: Readonly<Record<Row['kind'], [code: ErrorCode, name: string]>> = {
  failure: ['SOURCE_NOT_FOUND', 'failure'],
  trajectory: ['OUTCOME_NOT_FOUND', 'outcome'],
  scenario: ['SCENARIO_NOT_FOUND', 'scenario'],
  config_version: ['CONFIG_VERSION_NOT_FOUND', 'configuration version'],
}

/** As store.is_own_embedding_model has it, however it is written: no two names should be taken for each other. */
const OWN_MODEL = /^(minilm|openai):/i

/**
 * Stores vectors that a caller made with a model of his own, each beside those of other models; one receipt each, in the order of the call. A bad
 * one costs no other.
 *
 * @throws Refusal TOO_MANY_ROWS; INVALID_VALUE when there is none, or for the model's name.
 */
export async function recordEmbeddings(
  write: Write,
  model: string,
  embeddings: readonly GivenEmbedding[],
): Promise<EmbeddingReceipt[]> {
  const name = text(model, LENGTHS.label, ['model'])
  if (OWN_MODEL.test(name))
    throw invalid(name, 'a name that does not begin as those of Arc’s own models do (minilm:, openai:)', [
      'model',
    ])
  checkRows(embeddings.length, ['embeddings'], MAX_EMBEDDINGS)
  const { taken, refused } = checkEach(embeddings, rowOf)
  const receipts = refused.map(({ index, refusal }) => rejection(index, refusal))
  const rows = taken.map(({ row }) => row)
  if (rows.length > 0)
    receipts.push(...(await write((transaction) => store(transaction, name, rows), { mayRepeat: true })))
  return receipts.sort((one, other) => one.index - other.index)
}

async function store(
  { queryLast }: TenantTransaction,
  model: string,
  rows: readonly Row[],
): Promise<EmbeddingReceipt[]> {
  const byIndex = new Map(rows.map((row) => [row.idx, row]))
  const verdicts = await queryLast<{
    idx: number
    subject: string | null
    receipt: EmbeddingReceipt['status'] | 'NOT_FOUND'
  }>(sql`/* recordEmbeddings */ select idx, subject, receipt
    from record_embeddings(${model}, ${JSON.stringify(rows)})`)
  return verdicts.map(({ idx, subject, receipt }) => {
    if (receipt !== 'NOT_FOUND')
      return { index: idx, subject, status: receipt, code: null, reason: null, path: null }
    const { kind, given, subject: key, pattern_id: patternId } = byIndex.get(idx)!
    const [code, thing] = UNKNOWN[kind]
    return rejection(
      idx,
      new Refusal(code, `There is no ${thing} with ${given} ${key ?? patternId}.`, [given]),
    )
  })
}

export function rejection(index: number, { code, message, inputPath }: Refusal): EmbeddingReceipt {
  return { index, subject: null, status: 'REJECTED', code, reason: message, path: inputPath }
}

function rowOf(embedding: GivenEmbedding, idx: number): Row {
  const named = SUBJECTS.filter((subject) => embedding[subject] != null)
  const [given] = named
  if (given === undefined || named.length > 1)
    throw new Refusal('INVALID_VALUE', `An embedding is of exactly one of ${SUBJECTS.join(', ')}.`, [
      named[1] ?? 'patternId',
    ])
  const isKey = given !== 'signature' && given !== 'scenarioId'
  const key = isKey ? uuid(embedding[given], [given]) : text(embedding[given], { min: 1, max: 100 }, [given])
  return {
    idx,
    kind: KINDS[given],
    subject: given === 'patternId' ? null : key,
    pattern_id: given === 'patternId' ? key : null,
    vector: vectorOf(embedding),
    given,
  }
}

function vectorOf({ vector, vectorBase64 }: GivenEmbedding): string {
  if ((vector == null) === (vectorBase64 == null))
    throw new Refusal('INVALID_VALUE', 'The vector is given as vector or as vectorBase64.', ['vector'])
  const path = [vector == null ? 'vectorBase64' : 'vector']
  const values = vector ?? floatsOf(vectorBase64!, path)
  if (values.length !== EMBEDDING_WIDTH)
    throw new Refusal(
      'INVALID_VALUE',
      `${path[0]} has ${values.length} numbers, but must have ${EMBEDDING_WIDTH}: fill a shorter one up with zeros, which change no distance.`,
      path,
    )
  if (!values.every(Number.isFinite))
    throw new Refusal('INVALID_VALUE', `${path[0]} has numbers that are not finite.`, path)
  const unit = unitVector(values)
  if (unit === null)
    throw new Refusal(
      'INVALID_VALUE',
      `${path[0]} has no direction: its length is zero or beyond all bounds.`,
      path,
    )
  return halfvecText(unit)
}

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/

function floatsOf(base64: string, path: InputPath): number[] {
  const bytes = BASE64.test(base64) ? Buffer.from(base64, 'base64') : Buffer.alloc(1)
  if (bytes.length % 4 !== 0)
    throw new Refusal('INVALID_VALUE', 'vectorBase64 is not 32-bit floats in base64.', path)
  return Array.from({ length: bytes.length / 4 }, (_, at) => bytes.readFloatLE(4 * at))
}
