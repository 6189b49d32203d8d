interface Relation {
  table: string
  /** The columns that join them: [ours, theirs]. */
  on: readonly (readonly [string, string])[]
  /** Whether more rows than a page has may hang on one of theirs. */
  holdsMany: boolean
}

/** Tables that filters reach over a to-one relation. */
export const RELATIONS: Record<string, Relation> = {
  scenario: { table: 'scenarios', on: [['scenario_id', 'scenario_id']], holdsMany: true },
  simulation: { table: 'simulations', on: [['simulation_id', 'simulation_id']], holdsMany: true },
  configVersion: {
    table: 'config_versions',
    on: [['config_version_id', 'version_id']],
    holdsMany: true,
  },
  outcome: {
    table: 'outcomes',
    on: [
      ['outcome_id', 'outcome_id'],
      ['execution_time', 'execution_time'],
    ],
    holdsMany: false,
  },
}

/** camelCase field → snake_case column, as everywhere in schema.prisma. */
export function column(field: string): string {
  return field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}
