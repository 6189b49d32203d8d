import sql, { type Sql } from 'sql-template-tag'
import { identifier, type RelationName } from '../../reads/catalogue.ts'
import type { ParentKeys } from '../../reads/computedPages.ts'
import { parentOf } from '../../reads/storedPages.ts'

/** What runs belong to, e.g. a simulation; the field may be that of a relation's row. */
export interface RunsOf {
  field: string
  type: 'uuid' | 'text'
  through?: readonly RelationName[]
}

export const RUNS_OF = {
  simulation: { field: 'simulationId', type: 'uuid' },
  configVersion: { field: 'configVersionId', type: 'uuid', through: ['simulation'] },
  configuration: { field: 'configId', type: 'uuid', through: ['simulation', 'configVersion'] },
  scenario: { field: 'scenarioId', type: 'text', through: ['outcome'] },
} as const satisfies Record<string, RunsOf>

/**
 * The parts of attempts (alias c) that belong to the parents, their parent's key, and whether the attempt is the last
 * of its run, by which the run counts. `runsOf` null: of all runs, whose parent is `''`.
 */
export function attemptsFrom(
  table: 'tool_usage' | 'failure_patterns',
  runsOf: RunsOf | null,
  parents: ParentKeys,
): { from: Sql; key: Sql; ofParents: Sql; isLast: Sql } {
  // Tools lie in the rows of their outcomes; of failures the keys tell.
  const areOutcomes = table === 'tool_usage'
  const isLast = areOutcomes ? sql`not c.superseded` : sql`replaced.outcome_id is null`
  const withReplaced = (from: Sql) =>
    areOutcomes
      ? from
      : sql`${from} left join superseded_outcomes replaced on replaced.outcome_id = c.outcome_id`
  if (!runsOf) {
    return { from: withReplaced(sql`${identifier(table)} c`), key: sql`''`, ofParents: sql`true`, isLast }
  }
  const through = areOutcomes ? runsOf.through?.filter((relation) => relation !== 'outcome') : runsOf.through
  const { from, key } = parentOf({ table, parentField: runsOf.field, ...(through && { through }) })
  const ofParents = sql`${key} = any (${parents}::${identifier(runsOf.type)}[])`
  return { from: withReplaced(from), key, ofParents, isLast }
}
