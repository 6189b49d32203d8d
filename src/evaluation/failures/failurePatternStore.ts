import sql from 'sql-template-tag'
import type { SqlPart } from '../../reads/answers/parts.ts'
import type { OperationReads } from '../../reads/operationReads.ts'

/** How many of the tenant's failure patterns have each of these signatures. */
export async function countBySignature(
  reads: Pick<OperationReads, 'query'>,
  signatures: readonly string[],
): Promise<Map<string, number>> {
  const rows = await reads.query<{ signature: string; patterns: number }>(sql`/* equalFailures */
    select signature, count(*)::int as patterns from failure_patterns where signature = any (${signatures}::text[]) group by 1`)
  return new Map(rows.map(({ signature, patterns }) => [signature, patterns]))
}

/** How many others have the signature of the row. */
export const EQUAL_FAILURES: SqlPart = {
  is: 'sql',
  json: (row) =>
    sql`(select (count(*) - 1)::text from failure_patterns s where s.signature = ${row.column('signature')})`,
  nullable: false,
}
