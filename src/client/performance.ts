import type * as operations from './operations.ts'
import { type TimeRange, timeRangeOf } from './pages.ts'

/** How runs went in a range of time: its sums, those of as long a time before it, and each of its buckets. */
export type Performance = operations.PerformanceFragment

/** The sums of one hour, day, week or month. */
export type PerformanceBucket = Performance['buckets'][number]

/** What ended in a range of time. Means are over what is known, sums too; null when nothing is. */
export type PerformanceSummary = operations.PerformanceSumsFragment

/** The same for those runs that have one thing in common. */
export type PerformanceGroup = operations.PerformanceQuery['performance']['groups']['nodes'][number]

/** Which buckets: of one hour by default, beginning in this time zone (UTC by default). */
export interface PerformanceBuckets {
  timeRange?: TimeRange
  grain?: operations.TimeGrain
  timeZone?: string
}

export function bucketVariables({ timeRange, grain = 'HOUR', timeZone = 'UTC' }: PerformanceBuckets) {
  return { range: timeRange ? timeRangeOf(timeRange) : null, grain, timeZone }
}
