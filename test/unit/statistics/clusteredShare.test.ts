import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'
import { expect, it } from 'vitest'
import { type ClusterSums, clusteredShareInterval } from '../../../src/statistics/clusteredShare.ts'

function sumsOf(clusters: readonly (readonly [events: number, counted: number])[]): ClusterSums {
  const sum = (of: (c: number, f: number) => number) => clusters.reduce((all, [c, f]) => all + of(c, f), 0)
  return {
    clusters: clusters.length,
    events: sum((c) => c),
    counted: sum((_, f) => f),
    squares: sum((c) => c * c),
    products: sum((c, f) => c * f),
    countedSquares: sum((_, f) => f * f),
  }
}

it('is of events where each is a cluster, and of clusters where those agree with themselves', () => {
  const singles = Array.from({ length: 40 }, (_, n) => [1, n < 10 ? 1 : 0] as const)
  const tens = Array.from({ length: 40 }, (_, n) => [10, n < 10 ? 10 : 0] as const)
  const [one, ten] = [singles, tens].map((clusters) => clusteredShareInterval(sumsOf(clusters), 0.95)!)
  expect(ten!.lower).toBeCloseTo(one!.lower, 9)
  expect(ten!.upper).toBeCloseTo(one!.upper, 9)
  // Of 10 in 40 Wilson's is 0.142 to 0.402; Student's quantile of 39 degrees makes it wider.
  expect(one!.lower).toBeGreaterThan(0.135)
  expect(one!.lower).toBeLessThan(0.142)
})

it('has a width where nothing is counted, all is, or all clusters are alike, and none of fewer than two', () => {
  for (const [counted, events] of [
    [0, 5],
    [5, 5],
    [1, 2],
  ] as const) {
    const { lower, upper } = clusteredShareInterval(
      sumsOf(Array.from({ length: 6 }, () => [events, counted])),
      0.95,
    )!
    expect(upper - lower).toBeGreaterThan(0.3)
    expect(lower).toBeGreaterThanOrEqual(0)
    expect(upper).toBeLessThanOrEqual(1)
  }
  expect(clusteredShareInterval(sumsOf([[9, 1]]), 0.95)).toBeNull()
})

it('lies above the true share in some 2.5 % of samples, also where calls of a scenario fail together', () => {
  const random = xoroshiro128plus(20_261_130)
  const unit = () => (random.next() >>> 0) / 2 ** 32
  for (const together of [0, 0.5, 1])
    for (const [clusters, share] of [
      [5, 0.2],
      [20, 0.15],
      [60, 0.05],
    ] as const) {
      const seen = { covered: 0, above: 0 }
      for (let sample = 0; sample < 2_000; sample++) {
        const drawn = Array.from({ length: clusters }, () => {
          const events = 1 + Math.floor(unit() * 6)
          const [all, isOne] = [unit() < share, unit() < together]
          let counted = 0
          for (let event = 0; event < events; event++) counted += (isOne ? all : unit() < share) ? 1 : 0
          return [events, counted] as const
        })
        const { lower, upper } = clusteredShareInterval(sumsOf(drawn), 0.95)!
        if (lower <= share && share <= upper) seen.covered++
        if (lower > share) seen.above++
      }
      const where = `${together} ${clusters} ${share}: ${JSON.stringify(seen)}`
      expect(seen.above / 2_000, where).toBeLessThan(0.042)
      expect(seen.covered / 2_000, where).toBeGreaterThan(0.88)
    }
})
