import { EmbeddingError, UnembeddableText } from '../src/embedding/embeddingProvider.ts'
import { MinilmProvider } from '../src/embedding/minilmProvider.ts'
import { groupFailures, type LinkedFailure, SIMILARITY_UNIT } from '../src/jobs/failureGrouping.ts'
import { labelledFailures } from './retrieval.ts'

/** How well groups agree with causes, over all pairs of failures. */
export interface GroupingFigures {
  leastSimilarity: number
  leastMean: number
  /** Of the pairs in one group those of one cause, and of the pairs of one cause those in one group. */
  precision: number
  recall: number
  f1: number
  /** Hubert and Arabie (1985): 1 for equal partitions, 0 for what chance gives. */
  adjustedRand: number
  groups: number
  largest: number
  /** Of the largest group the share that is of its most common cause. */
  purity: number
}

const LEAST_SIMILARITIES = [0.3, 0.35, 0.4, 0.45, 0.5]
const LEAST_MEANS = [0.2, 0.25, 0.3]

/** Failure groups of the labelled failures, by their vectors, from how similar they are joined. */
export async function measureGrouping(): Promise<GroupingFigures[]> {
  const labelled = labelledFailures()
  const provider = new MinilmProvider()
  let vectors: Float32Array[]
  try {
    vectors = (await provider.embed(labelled.map(({ text }) => text))).map((embedded) => {
      if (embedded instanceof UnembeddableText)
        throw new EmbeddingError(embedded.reason, { isPassing: false })
      return embedded.subarray(0, provider.dimensions ?? undefined)
    })
  } finally {
    await provider.close()
  }
  const similarities = vectors.map((one, at) =>
    vectors.slice(0, at).map((other) => Math.round(SIMILARITY_UNIT * cosine(one, other))),
  )
  const figures: GroupingFigures[] = []
  for (const leastSimilarity of LEAST_SIMILARITIES)
    for (const leastMean of LEAST_MEANS) {
      const failures = similarities.map((row, node): LinkedFailure => {
        const links = [...row.keys()].filter((other) => row[other]! >= SIMILARITY_UNIT * leastSimilarity)
        return {
          signature: String(node).padStart(32, '0'),
          node,
          links,
          similarities: links.map((other) => row[other]!),
        }
      })
      const grouped = await groupFailures(failures, SIMILARITY_UNIT * leastMean)
      const groups = new Map(grouped.map(({ signature, groupKey }) => [Number(signature), groupKey]))
      figures.push({
        leastSimilarity,
        leastMean,
        ...agreement(
          labelled.map(({ cause }) => cause),
          labelled.map((_, at) => groups.get(at)!),
        ),
      })
    }
  return figures
}

const cosine = (one: Float32Array, other: Float32Array) =>
  one.reduce((sum, value, at) => sum + value * other[at]!, 0)

function agreement(causes: readonly string[], groups: readonly string[]) {
  const pairsIn = (keys: readonly string[]) => {
    const sizes = new Map<string, number>()
    for (const key of keys) sizes.set(key, (sizes.get(key) ?? 0) + 1)
    return { sizes, pairs: [...sizes.values()].reduce((sum, n) => sum + (n * (n - 1)) / 2, 0) }
  }
  const byGroup = pairsIn(groups)
  const byCause = pairsIn(causes)
  const both = pairsIn(groups.map((group, at) => `${group} ${causes[at]}`)).pairs
  const byChance = (byGroup.pairs * byCause.pairs) / ((causes.length * (causes.length - 1)) / 2)
  const largest = [...byGroup.sizes].reduce((one, other) => (other[1] > one[1] ? other : one))
  const ofLargest = pairsIn(causes.filter((_, at) => groups[at] === largest[0])).sizes
  return {
    precision: both / byGroup.pairs,
    recall: both / byCause.pairs,
    f1: (2 * both) / (byGroup.pairs + byCause.pairs),
    adjustedRand: (both - byChance) / ((byGroup.pairs + byCause.pairs) / 2 - byChance),
    groups: byGroup.sizes.size,
    largest: largest[1],
    purity: Math.max(...ofLargest.values()) / largest[1],
  }
}
