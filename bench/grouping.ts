import { createHash } from 'node:crypto'
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

export interface GroupingResult {
  /** Of all labelled failures, by both thresholds. */
  figures: GroupingFigures[]
  /** Of the causes that were held back, a figure for each split: with thresholds that were chosen on the others, and with Arc’s own. */
  heldBack: { chosen: GroupingFigures; own: GroupingFigures }[]
}

const LEAST_SIMILARITIES = [0.3, 0.35, 0.4, 0.45, 0.5]
const LEAST_MEANS = [0.2, 0.25, 0.3]
/** What store.failure_grouping_models has for the embedded model. */
const OWN = { leastSimilarity: 0.4, leastMean: 0.25 }
/** Thresholds are chosen as those were: the best F1 of those of whose pairs so many are right. */
const LEAST_PRECISION = 0.6
const SPLITS = 50

type Labelled = ReturnType<typeof labelledFailures>
interface Thresholds {
  leastSimilarity: number
  leastMean: number
}

/** Failure groups of the labelled failures, by their vectors, from how similar they are joined. */
export async function measureGrouping(): Promise<GroupingResult> {
  const labelled = labelledFailures()
  const similarities = await similaritiesOf(labelled)
  const all = [...labelled.keys()]
  const figures = await byThresholds(labelled, similarities, all)
  const heldBack: GroupingResult['heldBack'] = []
  const causes = [...new Set(labelled.map(({ cause }) => cause))]
  for (let split = 0; split < SPLITS; split++) {
    const rank = new Map(causes.map((cause) => [cause, hashOf(`${split} ${cause}`)]))
    const half = causes.sort((one, other) => rank.get(one)!.localeCompare(rank.get(other)!))
    const known = new Set(half.slice(0, half.length / 2))
    const [chosenOn, toldBy] = [true, false].map((isKnown) =>
      all.filter((at) => known.has(labelled[at]!.cause) === isKnown),
    )
    const tried = await byThresholds(labelled, similarities, chosenOn!)
    const precise = tried.filter(({ precision }) => precision >= LEAST_PRECISION)
    const best = (precise.length > 0 ? precise : tried).reduce((one, other) =>
      other.f1 > one.f1 ? other : one,
    )
    heldBack.push({
      chosen: await figuresOf(labelled, similarities, toldBy!, best),
      own: await figuresOf(labelled, similarities, toldBy!, OWN),
    })
  }
  return { figures, heldBack }
}

const hashOf = (text: string) => createHash('sha256').update(text).digest('hex')

async function similaritiesOf(labelled: Labelled): Promise<number[][]> {
  const provider = new MinilmProvider()
  try {
    const vectors = (await provider.embed(labelled.map(({ text }) => text))).map((embedded) => {
      if (embedded instanceof UnembeddableText)
        throw new EmbeddingError(embedded.reason, { isPassing: false })
      return embedded.subarray(0, provider.dimensions ?? undefined)
    })
    return vectors.map((one) => vectors.map((other) => Math.round(SIMILARITY_UNIT * cosine(one, other))))
  } finally {
    await provider.close()
  }
}

async function byThresholds(
  labelled: Labelled,
  similarities: number[][],
  among: readonly number[],
): Promise<GroupingFigures[]> {
  const figures: GroupingFigures[] = []
  for (const leastSimilarity of LEAST_SIMILARITIES)
    for (const leastMean of LEAST_MEANS)
      figures.push(await figuresOf(labelled, similarities, among, { leastSimilarity, leastMean }))
  return figures
}

async function figuresOf(
  labelled: Labelled,
  similarities: number[][],
  among: readonly number[],
  { leastSimilarity, leastMean }: Thresholds,
): Promise<GroupingFigures> {
  const failures = among.map((node): LinkedFailure => {
    const row = similarities[node]!
    const links = among.filter((other) => other < node && row[other]! >= SIMILARITY_UNIT * leastSimilarity)
    return {
      signature: String(node).padStart(32, '0'),
      node,
      links,
      similarities: links.map((other) => row[other]!),
    }
  })
  const grouped = await groupFailures(failures, SIMILARITY_UNIT * leastMean)
  const groups = new Map(grouped.map(({ signature, groupKey }) => [Number(signature), groupKey]))
  return {
    leastSimilarity,
    leastMean,
    ...agreement(
      among.map((at) => labelled[at]!.cause),
      among.map((at) => groups.get(at)!),
    ),
  }
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
