import { tQuantile } from './distributions.ts'
import { type Interval, wilsonInterval } from './intervals.ts'

/** Events in clusters, such as calls of a tool in scenarios: sums over clusters, of which each has `c` events and `f` of them of the kind that is counted. */
export interface ClusterSums {
  clusters: number
  /** Σ c */
  events: number
  /** Σ f */
  counted: number
  /** Σ c², Σ c f, Σ f² */
  squares: number
  products: number
  countedSquares: number
}

/**
 * Interval of the share of events, those of a cluster not taken for independent: Wilson's with as many trials as would have had the variance of the ratio of totals (Cochran 1977,
 * Sampling Techniques, 6.4; Korn & Graubard 1998 for the trials), and Student's quantile. At most as many as there are events; where all clusters have the same share, as many as
 * there are clusters. By simulation (5 to 60 clusters, shares of 5 to 30 %) the lower bound of 95 % lies above the true share in 0.4 to 3.4 % of samples; where few
 * clusters have all of what is counted the upper bound lies below it in up to 7 %. Null of fewer than two clusters.
 */
export function clusteredShareInterval(sums: ClusterSums, level: number): Interval | null {
  const { clusters, events, counted, squares, products, countedSquares } = sums
  if (clusters < 2 || events <= 0) return null
  const share = Math.min(1, counted / events)
  const spread = Math.max(0, countedSquares - 2 * share * products + share * share * squares)
  const variance = ((clusters / (clusters - 1)) * spread) / (events * events)
  const trials =
    variance > 1e-12 ? Math.min(events, (share * (1 - share)) / variance) : Math.min(clusters, events)
  return wilsonInterval(share, trials, tQuantile((1 + level) / 2, clusters - 1))
}
