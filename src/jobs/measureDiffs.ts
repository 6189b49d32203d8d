import sql from 'sql-template-tag'
import type { Job } from './job.ts'

/** How many marks are looked for at a time. */
const STEP = 100

/** Does what is marked of a tenant, a diff or, without one, the effects of its changes, in a transaction of its own. */
export type Measure = (tenantId: string, diffId: string | null) => Promise<void>

/** Measures what changes of configurations did, of all tenants. What fails keeps its mark, and keeps nothing else from being done. */
export function measureDiffs(measure: Measure): Job {
  return {
    name: 'measure_diffs',
    async run({ query, signal }) {
      let failure: unknown
      let behind = '0'
      let marks: { tenant_id: string; diff_id: string | null; mark: string }[]
      do {
        marks = await query(
          sql`/* diffsToMeasure */ select tenant_id, diff_id, mark::text from diffs_to_measure(${behind}::bigint, ${STEP})`,
        )
        for (const { tenant_id: tenantId, diff_id: diffId, mark } of marks) {
          if (signal.aborted) break
          behind = mark
          try {
            await measure(tenantId, diffId)
          } catch (error) {
            failure ??= error
          }
        }
      } while (marks.length > 0 && !signal.aborted)
      if (failure !== undefined) throw failure
    },
  }
}
