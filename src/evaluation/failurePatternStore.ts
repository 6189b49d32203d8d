import type { OperationReads } from '../db/operationReads.ts'

/** How many of the tenant's failure patterns have each of these signatures. */
export async function countBySignature(
  reads: Pick<OperationReads, 'query'>,
  signatures: readonly string[],
): Promise<Map<string, number>> {
  const rows = await reads.query<{ signature: string; patterns: number }>(
    `/* similarFailures */
    select signature, count(*)::int as patterns from failure_patterns where signature = any ($1::text[]) group by 1`,
    [signatures],
  )
  return new Map(rows.map(({ signature, patterns }) => [signature, patterns]))
}
