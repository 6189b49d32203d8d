import sql, { type Sql } from 'sql-template-tag'
import { tableOf } from '../../reads/answers/beside.ts'
import { rowWith } from '../../reads/answers/pages.ts'
import type { Member, Row, RowPart } from '../../reads/answers/parts.ts'
import { rowAt } from '../../reads/byTime.ts'
import { all, atTimeOf, equal } from '../../reads/condition.ts'

/** With the time that its key is made of, whose index has it. */
export function toolUsageAt(usageId: string, members: readonly Member[]): RowPart {
  const isIt = equal({ field: 'usageId', kind: 'uuid' }, usageId)
  const part = rowWith(
    'tool_usage',
    all(isIt, atTimeOf({ field: 'executionTime', kind: 'time' }, [usageId])),
    members,
  )
  const at = [
    ['usageId', sql`${usageId}`],
    ['executionTime', sql`public.time_of_uuid(${usageId})`],
  ] as const
  return {
    ...part,
    from: (own, outer) =>
      outer.inSteps ? tableOf('tool_usage', own, rowAt('tool_usage', at)) : part.from(own, outer),
  }
}

/** What the view tool_usage has of this outcome: they lie in its row, and nothing has to be looked up. */
export function toolsOfOutcome(outcome: Row): Sql {
  const [outcomeId, executionTime] = [outcome.column('outcomeId'), outcome.column('executionTime')]
  return sql`
        select public.tool_usage_id(${executionTime}, ${outcomeId}, place) as usage_id, ${outcomeId} as outcome_id,
          ${outcome.column('simulationId')} as simulation_id, ${outcome.column('scenarioId')} as scenario_id,
          ${executionTime} as execution_time, ${outcome.column('superseded')} as superseded, tool_name, call_count,
          avg_duration_ms, success_rate, tool_sequence, total_cost_usd, coalesce(error_types, '{}') as error_types,
          ${outcome.column('recordedAt')} as created_at
        from unnest(${outcome.column('usedTools')}) with ordinality as used(tool_name, call_count, avg_duration_ms,
          success_rate, tool_sequence, total_cost_usd, error_types, place)`
}
