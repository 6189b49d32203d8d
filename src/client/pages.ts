import type { CallOptions } from './connection.ts'
import type { DateTimeFilter } from './operations.ts'

export interface PageOptions extends CallOptions {
  /** Rows in one request, 1 to 500; 100 when not given. */
  pageSize?: number
}

/** From one moment up to another, or the last hours. */
export type TimeRange = { from?: string | Date; until?: string | Date } | { lastHours: number }

interface Page<Row> {
  nodes: Row[]
  pageInfo: { hasNextPage: boolean; endCursor: string | null }
}

/** The rows of a connection, one page read when the one before is through. */
export async function* rowsOf<Row>(
  { pageSize = 100 }: PageOptions,
  read: (page: { first: number; after: string | null }) => Promise<Page<Row>>,
): AsyncGenerator<Row, void> {
  let after: string | null = null
  for (;;) {
    const { nodes, pageInfo }: Page<Row> = await read({ first: pageSize, after })
    yield* nodes
    if (!pageInfo.hasNextPage) return
    after = pageInfo.endCursor
  }
}

/** From and to as a range of time has them. */
export function timeRangeOf(range: TimeRange): { from?: string | Date; to?: string | Date } {
  if (!('lastHours' in range)) return { from: range.from, to: range.until }
  return { from: new Date(Date.now() - range.lastHours * 3_600_000) }
}

export function timeFilter(range: TimeRange): DateTimeFilter {
  const { from, to } = timeRangeOf(range)
  return { gte: from, lt: to }
}
