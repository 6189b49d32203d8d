import sql from 'sql-template-tag'
import type { SqlPart } from '../../reads/answers/parts.ts'
import type { ComputedRows, ParentKeys } from '../../reads/computedPages.ts'
import type { Condition } from '../../reads/condition.ts'
import { conditionSql } from '../../reads/conditionSql.ts'
import type { OperationReads } from '../../reads/operationReads.ts'
import type { ErrorCategory } from '../outcomeInput.ts'
import { attemptsFrom, type RunsOf } from '../rollups/runsOf.ts'

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

/** Failure patterns that are the same failure. */
export interface FailureGroup {
  signature: string
  failureType: string
  failureCategory: ErrorCategory
  /** In any attempt, as are the simulations and the times. */
  failures: number
  attempts: number
  /** Each by its last attempt: where a later attempt went without the failure, the run does not count. */
  runs: number
  simulations: number
  firstTime: Date
  lastTime: Date
  /** The latest of them. */
  patternId: string
}

/** The failures among these patterns, each with its occurrences summed up. `runsOf` null: of all runs, without parents. */
export function failureGroups(runsOf: RunsOf | null, parents: ParentKeys, where: Condition): ComputedRows {
  const { from, key, ofParents, isLast } = attemptsFrom('failure_patterns', runsOf, parents)
  return {
    name: sql`failureGroups`,
    fields: [
      'signature',
      'failureType',
      'failureCategory',
      'failures',
      'attempts',
      'runs',
      'simulations',
      'firstTime',
      'lastTime',
      'patternId',
    ] satisfies (keyof FailureGroup)[],
    // The type is part of the signature. A pattern's id is a UUIDv7 of its time; uuid has no max() before PostgreSQL 18.
    select: sql`
      select ${key}::text as parent, c.signature, min(c.failure_type) as failure_type,
        mode() within group (order by c.failure_category) as failure_category, count(*)::int as failures,
        count(distinct c.outcome_id)::int as attempts,
        count(distinct c.outcome_id) filter (where ${isLast})::int as runs,
        count(distinct c.simulation_id)::int as simulations,
        min(c.execution_time) as first_time, max(c.execution_time) as last_time,
        max(c.pattern_id::text collate "C")::uuid as pattern_id
      from ${from}
      where ${ofParents} and ${conditionSql(where, 'c')}
      group by 1, 2`,
  }
}
