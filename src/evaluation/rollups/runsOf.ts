import sql, { type Sql } from 'sql-template-tag'
import { identifier } from '../../reads/catalogue.ts'
import { parentOf } from '../../reads/storedPages.ts'

/** What runs belong to, e.g. a simulation; the field may be that of a relation's row. */
export interface RunsOf {
  field: string
  type: 'uuid' | 'text'
  through?: readonly string[]
}

export const RUNS_OF = {
  simulation: { field: 'simulationId', type: 'uuid' },
  configVersion: { field: 'configVersionId', type: 'uuid', through: ['simulation'] },
  configuration: { field: 'configId', type: 'uuid', through: ['simulation', 'configVersion'] },
  scenario: { field: 'scenarioId', type: 'text', through: ['outcome'] },
} as const satisfies Record<string, RunsOf>

/**
 * The parts of runs (alias c) that belong to the parents, and their parent's key. `runsOf` null: of all runs, whose
 * parent is `''`.
 */
export function runsFrom(
  table: 'tool_usage' | 'failure_patterns',
  runsOf: RunsOf | null,
  parents: readonly string[],
): { from: Sql; key: Sql; ofParents: Sql } {
  if (!runsOf) return { from: sql`${identifier(table)} c`, key: sql`''`, ofParents: sql`true` }
  const { from, key } = parentOf({ table, parentField: runsOf.field, through: runsOf.through })
  return { from, key, ofParents: sql`${key} = any (${parents}::${identifier(runsOf.type)}[])` }
}
