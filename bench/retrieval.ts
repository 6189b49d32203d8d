import { readConfig } from '../src/config.ts'
import {
  EmbeddingError,
  type EmbeddingProvider,
  UnembeddableText,
} from '../src/embedding/embeddingProvider.ts'
import { MinilmProvider } from '../src/embedding/minilmProvider.ts'
import { openProvider } from '../src/embedding/openProvider.ts'
import { failureText } from '../src/embedding/texts/failureText.ts'
import { deriveFailurePatterns } from '../src/evaluation/failures/failurePattern.ts'
import { LABELLED_FAILURES } from './labelledFailures.ts'

/** Of each text as a question to all others: how well those of its own cause are found. */
interface RetrievalFigures {
  /** Of the first three (or as many as there are) how many are of the cause, of three. */
  recallAt3: number
  /** Mean average precision: the mean over all questions of the precision at each place of one of the cause. */
  map: number
}

export interface RetrievalResult {
  texts: number
  causes: number
  /** Of the embedded model with failures' texts, one after the other. */
  textsPerSecond: number
  /** What the process grew by with its thread, the model in it. */
  modelMb: number
  /** By how they are compared, and with what text. */
  figures: Record<string, RetrievalFigures>
}

interface Labelled {
  cause: string
  written: string
  text: string
}

type Similarity = (one: number, other: number) => number

export async function measureRetrieval(): Promise<RetrievalResult> {
  const labelled = labelledFailures()
  const causes = labelled.map(({ cause }) => cause)
  const written = labelled.map((failure) => failure.written)
  const masked = labelled.map(({ text }) => text)
  const provider = new MinilmProvider()
  const endpoint = givenEndpoint()
  try {
    const residentBefore = process.memoryUsage().rss
    await provider.embed(['the model is read'])
    const begun = performance.now()
    await provider.embed(masked)
    return {
      textsPerSecond: (1_000 * masked.length) / (performance.now() - begun),
      modelMb: (process.memoryUsage().rss - residentBefore) / 1e6,
      texts: labelled.length,
      causes: new Set(causes).size,
      figures: {
        'trigrams of the message': figuresOf(causes, trigramSimilarity(written)),
        'trigrams of the embedded text': figuresOf(causes, trigramSimilarity(masked)),
        'BM25 of the message': figuresOf(causes, bm25Similarity(written)),
        'BM25 of the embedded text': figuresOf(causes, bm25Similarity(masked)),
        'MiniLM of the message': figuresOf(causes, await cosineSimilarity(provider, written)),
        'MiniLM of the embedded text': figuresOf(causes, await cosineSimilarity(provider, masked)),
        ...(endpoint && {
          [`${endpoint.model} of the message`]: figuresOf(causes, await cosineSimilarity(endpoint, written)),
          [`${endpoint.model} of the embedded text`]: figuresOf(
            causes,
            await cosineSimilarity(endpoint, masked),
          ),
        }),
      },
    }
  } finally {
    await provider.close()
    await endpoint?.close()
  }
}

/** The endpoint that BENCH_EMBEDDINGS names, with its model and key; null without it. */
function givenEndpoint(): EmbeddingProvider | null {
  const { BENCH_EMBEDDINGS, BENCH_EMBEDDINGS_MODEL, BENCH_EMBEDDINGS_KEY } = process.env
  if (!BENCH_EMBEDDINGS) return null
  const { embeddings } = readConfig({
    ARC_JWT_SECRET: 'x'.repeat(32),
    ARC_EMBEDDINGS: BENCH_EMBEDDINGS,
    ARC_EMBEDDINGS_MODEL: BENCH_EMBEDDINGS_MODEL,
    ARC_EMBEDDINGS_KEY: BENCH_EMBEDDINGS_KEY,
  })
  return openProvider(embeddings)
}

/** As they are stored when nothing but the error of the outcome is known. */
export function labelledFailures(): Labelled[] {
  return Object.entries(LABELLED_FAILURES).flatMap(([cause, failures]) =>
    failures.map((failure) => {
      const [, errorCode = null, error = ''] = /^(?:(\w+)\|)?(.*)$/s.exec(failure)!
      const [pattern] = deriveFailurePatterns({ status: 'error', error, errorCode })
      return {
        cause,
        written: errorCode === null ? error : `${errorCode} ${error}`,
        text: failureText.of(
          pattern ?? { failureType: 'unknown', failureCategory: 'unknown', errorMessage: error },
        ),
      }
    }),
  )
}

function figuresOf(causes: readonly string[], similarity: Similarity): RetrievalFigures {
  let recall = 0
  let precisions = 0
  causes.forEach((cause, asked) => {
    const ranked = [...causes.keys()]
      .filter((other) => other !== asked)
      .sort((one, other) => similarity(asked, other) - similarity(asked, one))
    const relevant = ranked.map((other) => causes[other] === cause)
    const total = relevant.filter(Boolean).length
    recall += relevant.slice(0, 3).filter(Boolean).length / Math.min(3, total)
    let found = 0
    let sum = 0
    relevant.forEach((isRelevant, place) => {
      if (isRelevant) sum += ++found / (place + 1)
    })
    precisions += sum / total
  })
  return { recallAt3: recall / causes.length, map: precisions / causes.length }
}

async function cosineSimilarity(provider: EmbeddingProvider, texts: readonly string[]): Promise<Similarity> {
  const vectors = (await provider.embed(texts)).map((embedded) => {
    if (embedded instanceof UnembeddableText) throw new EmbeddingError(embedded.reason, { isPassing: false })
    return embedded.subarray(0, provider.dimensions!)
  })
  return (one, other) => vectors[one]!.reduce((sum, value, at) => sum + value * vectors[other]![at]!, 0)
}

/** As PostgreSQL's pg_trgm: shared trigrams of all trigrams, of words with two spaces before and one behind. */
function trigramSimilarity(texts: readonly string[]): Similarity {
  const sets = texts.map((text) => {
    const trigrams = new Set<string>()
    for (const word of wordsOf(text)) {
      const padded = `  ${word} `
      for (let at = 0; at + 3 <= padded.length; at++) trigrams.add(padded.slice(at, at + 3))
    }
    return trigrams
  })
  return (one, other) => {
    const [a, b] = [sets[one]!, sets[other]!]
    let shared = 0
    for (const trigram of a) if (b.has(trigram)) shared++
    return shared / (a.size + b.size - shared)
  }
}

/** Robertson and Zaragoza, The Probabilistic Relevance Framework (2009), with the usual k1 and b. */
function bm25Similarity(texts: readonly string[], k1 = 1.2, b = 0.75): Similarity {
  const documents = texts.map((text) => {
    const counts = new Map<string, number>()
    const words = wordsOf(text)
    for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1)
    return { counts, length: words.length }
  })
  const meanLength = documents.reduce((sum, { length }) => sum + length, 0) / documents.length
  const frequencies = new Map<string, number>()
  for (const { counts } of documents)
    for (const word of counts.keys()) frequencies.set(word, (frequencies.get(word) ?? 0) + 1)
  return (one, other) => {
    const { counts, length } = documents[other]!
    let score = 0
    for (const word of documents[one]!.counts.keys()) {
      const count = counts.get(word)
      if (count === undefined) continue
      const frequency = frequencies.get(word)!
      const rarity = Math.log(1 + (documents.length - frequency + 0.5) / (frequency + 0.5))
      score += (rarity * count * (k1 + 1)) / (count + k1 * (1 - b + (b * length) / meanLength))
    }
    return score
  }
}

function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []
}
