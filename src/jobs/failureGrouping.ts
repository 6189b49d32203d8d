import { inTurns } from '../turns.ts'

/** One failure (a signature), and how alike it is to others: each pair is told by one of the two, or by both alike. */
export interface LinkedFailure {
  signature: string
  /** What others' `links` call it. */
  node: number
  /** Those that are alike enough to be told of; others are taken as not alike at all. Some may be gone. */
  links: readonly number[]
  /** Cosines × 10,000 (SIMILARITY_UNIT), for each of them. */
  similarities: readonly number[]
}

export interface GroupedFailure {
  signature: string
  /** The smallest signature of the group’s core: the same for all members. */
  groupKey: string
  /** The mean of its similarities × 10,000 to the group’s other members, rounded; 10,000 where there are none. */
  centrality: number
}

/** Similarities are whole numbers of this unit, so that sums of them are exact, whatever their order. */
export const SIMILARITY_UNIT = 10_000

/**
 * So many signatures are grouped with each other, those that are first by their hash, which is a random choice that stays; others join
 * the group that they are nearest to. It bounds time and memory, which grow with the square.
 */
export const CORE_SIGNATURES = 2_000

/**
 * Groups failures by average linkage (Sokal and Michener, 1958) over the graph of similar pairs, as Dhulipala et al. define it for such
 * graphs (ParHAC, 2022): the two groups with the highest mean similarity of all their pairs are joined, as long as the mean is at least `leastMean`;
 * a pair that has no link counts with 0. Of equal means those with the smallest signatures come first. So the groups follow from the
 * failures and their similarities alone, in whatever order they came.
 *
 * Single linkage would chain failures that have nothing in common; see docs/decisions/0037.
 */
export async function groupFailures(
  failures: readonly LinkedFailure[],
  leastMean: number,
  coreSize = CORE_SIGNATURES,
): Promise<GroupedFailure[]> {
  const grouped: GroupedFailure[] = []
  function* steps(): Steps {
    const sorted = [...failures].sort((one, other) => (one.signature < other.signature ? -1 : 1))
    const links = yield* linksOf(sorted)
    const core = Math.min(coreSize, sorted.length)
    const groups: number[][] = []
    for (const component of componentsOf(links, core))
      groups.push(...(yield* joined(component, links, leastMean)))
    const groupOf = new Map(groups.flatMap((members, at) => members.map((member) => [member, at] as const)))
    const grown = groups.map((members) => [...members])
    for (let follower = core; follower < sorted.length; follower++) {
      const nearest = nearestGroup(links[follower]!, groupOf, groups, leastMean)
      if (nearest === undefined) grown.push([follower])
      else grown[nearest]!.push(follower)
      yield
    }
    for (const members of grown) {
      const ofGroup = new Set(members)
      for (const member of members) {
        const groupKey = sorted[members[0]!]!.signature
        grouped.push({
          signature: sorted[member]!.signature,
          groupKey,
          centrality: centralityOf(member, ofGroup, links),
        })
        yield
      }
    }
  }
  await inTurns(steps())
  return grouped
}

/** Between two of them others have their turn. */
type Steps<Result = void> = Generator<void, Result>

type Links = ReadonlyMap<number, number>

/** By place, both ways. */
function* linksOf(sorted: readonly LinkedFailure[]): Steps<Links[]> {
  const places = new Map(sorted.map(({ node }, place) => [node, place]))
  const links = sorted.map(() => new Map<number, number>())
  for (const [place, failure] of sorted.entries()) {
    failure.links.forEach((node, at) => {
      const other = places.get(node)
      if (other === undefined || other === place) return
      links[place]!.set(other, failure.similarities[at]!)
      links[other]!.set(place, failure.similarities[at]!)
    })
    yield
  }
  return links
}

/** Those of the first `core` places that links connect, in order: what is in different ones is never joined. */
function componentsOf(links: readonly Links[], core: number): number[][] {
  const seen = new Set<number>()
  const components: number[][] = []
  for (let first = 0; first < core; first++) {
    if (seen.has(first)) continue
    seen.add(first)
    const component = [first]
    for (const place of component)
      for (const other of links[place]!.keys())
        if (other < core && !seen.has(other)) {
          seen.add(other)
          component.push(other)
        }
    components.push(component.sort((one, other) => one - other))
  }
  return components
}

/** The groups of one component. Of each it keeps the nearest other one: see Müllner, arXiv:1109.2378, the generic algorithm. */
function* joined(places: readonly number[], links: readonly Links[], leastMean: number): Steps<number[][]> {
  const n = places.length
  if (n === 1) return [[...places]]
  const at = new Map(places.map((place, index) => [place, index]))
  /** Of each pair of groups the sum of their pairs' similarities. */
  const sums = new Float64Array(n * n)
  for (const [index, place] of places.entries()) {
    for (const [other, similarity] of links[place]!) {
      const column = at.get(other)
      if (column !== undefined) sums[index * n + column] = similarity
    }
    yield
  }
  const groups: (number[] | undefined)[] = places.map((place) => [place])
  const mean = (one: number, other: number) =>
    sums[one * n + other]! / (groups[one]!.length * groups[other]!.length)
  const nearest = new Int32Array(n)
  const means = new Float64Array(n)
  /** Among those behind it, so that each pair stands once. */
  const look = (one: number) => {
    nearest[one] = -1
    means[one] = -1
    for (let other = one + 1; other < n; other++) {
      if (groups[other] === undefined) continue
      const value = mean(one, other)
      if (value > means[one]!) {
        means[one] = value
        nearest[one] = other
      }
    }
  }
  for (let one = 0; one < n; one++) {
    look(one)
    yield
  }
  for (;;) {
    let best = 0
    for (let one = 1; one < n; one++) if (means[one]! > means[best]!) best = one
    if (means[best]! < leastMean) break
    // The earlier one stays, so a group stands where the smallest of its signatures does.
    const gone = nearest[best]!
    for (let other = 0; other < n; other++) {
      if (groups[other] === undefined) continue
      const sum = sums[best * n + other]! + sums[gone * n + other]!
      sums[best * n + other] = sum
      sums[other * n + best] = sum
    }
    groups[best]!.push(...groups[gone]!)
    groups[gone] = undefined
    means[gone] = -1
    for (let one = 0; one < best; one++) {
      if (groups[one] === undefined) continue
      if (nearest[one] === best || nearest[one] === gone) look(one)
      else {
        const value = mean(one, best)
        if (value > means[one]! || (value === means[one]! && best < nearest[one]!)) {
          means[one] = value
          nearest[one] = best
        }
      }
    }
    look(best)
    for (let one = best + 1; one < gone; one++)
      if (groups[one] !== undefined && nearest[one] === gone) look(one)
    yield
  }
  return groups.filter((group) => group !== undefined)
}

/** The group with the highest mean similarity to this one, if that is high enough; of equal ones the first. */
function nearestGroup(
  links: Links,
  groupOf: ReadonlyMap<number, number>,
  groups: readonly (readonly number[])[],
  leastMean: number,
): number | undefined {
  const sums = new Map<number, number>()
  for (const [place, similarity] of links) {
    const group = groupOf.get(place)
    if (group !== undefined) sums.set(group, (sums.get(group) ?? 0) + similarity)
  }
  const means = [...sums].map(([group, sum]) => [group, sum / groups[group]!.length] as const)
  // By the smallest signature, which is that of the first place.
  means.sort(([one, a], [other, b]) => b - a || groups[one]![0]! - groups[other]![0]!)
  const [best] = means
  return best && best[1] >= leastMean ? best[0] : undefined
}

/** The mean of its similarities to the other members. */
function centralityOf(member: number, ofGroup: ReadonlySet<number>, links: readonly Links[]): number {
  if (ofGroup.size === 1) return SIMILARITY_UNIT
  let sum = 0
  for (const [other, similarity] of links[member]!) if (ofGroup.has(other)) sum += similarity
  return Math.round(sum / (ofGroup.size - 1))
}
