import sql, { join, raw, type Sql } from 'sql-template-tag'

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

/** The condition that rows of the alias `theirs` are those that rows of `ours` point at. */
export function joinedOn({ on }: Relation, ours: string, theirs: string): Sql {
  return join(
    on.map(([our, their]) => sql`${identifier(`${theirs}.${their}`)} = ${identifier(`${ours}.${our}`)}`),
    ' and ',
  )
}

const NAME = /^[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)*$/

/** A name as it stands in a statement: of a table, a type, an alias, a column of an alias. */
export function identifier(name: string): Sql {
  if (!NAME.test(name)) throw new Error(`${JSON.stringify(name)} is no name in SQL`)
  return raw(name)
}

/** camelCase field → snake_case column, as everywhere in schema.prisma. */
export function columnName(field: string): string {
  return field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

/** The column of a field, of the rows that have this alias. */
export function column(field: string, alias: string): Sql {
  return identifier(`${alias}.${columnName(field)}`)
}

/** What selects fields of the rows `c`, each under its own name. */
export function selected(fields: readonly string[]): Sql {
  return join(
    fields.map((field) => sql`${column(field, 'c')} as "${fieldName(field)}"`),
    ', ',
  )
}

function fieldName(field: string): Sql {
  if (!/^[a-z][a-zA-Z0-9]*$/.test(field)) throw new Error(`${JSON.stringify(field)} is no field`)
  return raw(field)
}
