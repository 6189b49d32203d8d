import { isJsonObject, type JsonValue } from '../json.ts'
import { shorten, storableText } from '../text.ts'
import { EMBEDDING_WIDTH } from './embeddingProvider.ts'

/** Characters of what an endpoint says that are told on. */
const SHOWN_CHARACTERS = 300

/**
 * The vectors of an answer of `/v1/embeddings` to so many texts, in the order of the texts and as long as the model makes them.
 * Read are lists of numbers and base64 of little-endian 32-bit floats, whichever was asked for: some endpoints know one of them only.
 *
 * @throws Error with what is wrong with the answer, to be read behind "the endpoint".
 */
export function vectorsOf(answer: string, count: number): ArrayLike<number>[] {
  const data = dataOf(answer)
  if (data.length !== count) throw new Error(`answered ${count} texts with ${data.length} vectors`)
  const vectors = new Array<ArrayLike<number>>(count)
  const isNumbered = data.some((entry) => isJsonObject(entry) && entry.index != null)
  data.forEach((entry, position) => {
    if (!isJsonObject(entry)) throw new Error('answered with a vector that is no object')
    const index = isNumbered ? entry.index : position
    if (typeof index !== 'number' || !(index in data) || vectors[index] !== undefined)
      throw new Error(`answered with vectors that are not numbered from 0 to ${count - 1}`)
    vectors[index] = vectorOf(entry.embedding)
  })
  const { length } = vectors[0]!
  if (vectors.some((vector) => vector.length !== length))
    throw new Error('answered with vectors of different lengths')
  return vectors
}

function dataOf(answer: string): JsonValue[] {
  const parsed = parsedJson(answer)
  if (!isJsonObject(parsed) || !Array.isArray(parsed.data))
    throw new Error(`answered with what is no list of embeddings: ${excerpt(answer)}`)
  return parsed.data
}

function vectorOf(embedding: JsonValue | undefined): ArrayLike<number> {
  if (typeof embedding === 'string') {
    const bytes = Buffer.from(embedding, 'base64')
    if (bytes.length === 0 || bytes.length % 4 !== 0)
      throw new Error(`answered with a vector of ${bytes.length} bytes`)
    return finite(Float32Array.from({ length: bytes.length / 4 }, (_, at) => bytes.readFloatLE(4 * at)))
  }
  if (!Array.isArray(embedding) || embedding.length === 0) throw new Error('answered with an empty vector')
  return finite(embedding)
}

function finite(values: ArrayLike<JsonValue>): ArrayLike<number> {
  for (let at = 0; at < values.length; at++) {
    if (!Number.isFinite(values[at])) throw new Error('answered with a vector in which there are no numbers')
  }
  return values as ArrayLike<number>
}

/**
 * What an endpoint says is wrong, in one line. OpenAI, Ollama and vLLM write `{error: {message}}`, TEI `{error: "…"}`, earlier vLLM
 * `{message}`, what is built with FastAPI `{detail}`.
 */
export function reasonIn(answer: string): string {
  const parsed = parsedJson(answer)
  if (!isJsonObject(parsed)) return excerpt(answer)
  const { error, message, detail } = parsed
  const said = (isJsonObject(error) ? error.message : error) ?? message ?? detail
  return excerpt(typeof said === 'string' ? said : answer)
}

function excerpt(text: string): string {
  return shorten(storableText(text.replace(/\s+/g, ' ').trim()), SHOWN_CHARACTERS) || 'nothing'
}

function parsedJson(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text) as JsonValue
  } catch {
    return undefined
  }
}

/** What is wrong with vectors of this length; null when nothing is. `before`: of earlier answers. */
export function faultOfLength(
  length: number,
  asked: number | undefined,
  before: number | null,
): string | null {
  if (asked !== undefined && length !== asked)
    return `made vectors of ${length} numbers, not of ${asked} as it was asked to (ARC_EMBEDDINGS_DIMENSIONS)`
  if (length > EMBEDDING_WIDTH)
    return `makes vectors of ${length} numbers, and ${EMBEDDING_WIDTH} can be kept: set ARC_EMBEDDINGS_DIMENSIONS to ${EMBEDDING_WIDTH} or less, if the model can shorten its vectors, or choose another`
  if (before !== null && length !== before)
    return `makes vectors of ${length} numbers, and made some of ${before} under the same name before`
  return null
}
