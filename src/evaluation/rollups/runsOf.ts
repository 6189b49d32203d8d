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
 * parent is `''`. Pushes its parameter onto `values`.
 */
export function runsFrom(
  table: 'tool_usage' | 'failure_patterns',
  runsOf: RunsOf | null,
  parents: readonly string[],
  values: unknown[],
): { from: string; key: string; ofParents: string } {
  if (!runsOf) return { from: `${table} c`, key: `''`, ofParents: 'true' }
  const { from, key } = parentOf({ table, parentField: runsOf.field, through: runsOf.through })
  return { from, key, ofParents: `${key} = any ($${values.push(parents)}::${runsOf.type}[])` }
}
