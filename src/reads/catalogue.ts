import sql, { join, raw, type Sql } from 'sql-template-tag'
import { getDatamodel } from '../db/generated/pothos.ts'

/** The table or view of each model; a field's column is its name in snake_case. Held against the database by a test. */
export const TABLES: Readonly<Record<string, string>> = {
  ApiKey: 'api_keys',
  AuditLogEntry: 'audit_log',
  ConfigDiff: 'config_diffs',
  ConfigVersion: 'config_versions',
  Configuration: 'configurations',
  Deletion: 'deletions',
  FailurePattern: 'failure_patterns',
  Outcome: 'outcomes',
  OutcomeKey: 'outcome_keys',
  OutcomeNote: 'outcome_notes',
  Recommendation: 'recommendations',
  Scenario: 'scenarios',
  ScenarioRevision: 'scenario_revisions',
  Simulation: 'simulations',
  SimulationScenario: 'simulations_scenarios',
  ToolUsage: 'tool_usage',
}

export interface Relation {
  table: string
  /** The columns that join them: [ours, theirs]. */
  on: readonly (readonly [string, string])[]
  /** Whether more rows than a page has may hang on one of theirs. */
  holdsMany: boolean
}

type Models = ReturnType<typeof getDatamodel>['datamodel']['models']

/** An outcome has a handful of failures and tools; whatever else rows belong to may have any number of them. */
const HOLDS_FEW = ['Outcome']

/**
 * The to-one relations by name. A name that joins in one way here and in another there (`configuration` does not) has
 * none: a condition over it is refused.
 */
export const RELATIONS: Readonly<Record<string, Relation>> = relationsOf(getDatamodel().datamodel.models)

/** A relation of one model: its table, and the fields that join them, [ours, theirs]. */
export function relationOf(
  model: string,
  name: string,
): { table: string; on: (readonly [string, string])[] } | undefined {
  const { models } = getDatamodel().datamodel
  const { type, relationFromFields } = models[model]!.fields.find((each) => each.name === name)!
  if (!relationFromFields?.length) return undefined
  const keys = keysOf(models[type]!)
  return { table: TABLES[type]!, on: relationFromFields.map((ours, at) => [ours, keys[at]!] as const) }
}

function relationsOf(models: Models): Record<string, Relation> {
  const relations = new Map<string, Relation | null>()
  for (const { fields } of Object.values(models)) {
    for (const { name, type, kind, isList, relationFromFields } of fields) {
      if (kind !== 'object' || isList || !relationFromFields?.length) continue
      const keys = keysOf(models[type]!)
      const relation = {
        table: TABLES[type]!,
        on: relationFromFields.map((ours, at) => [columnName(ours), columnName(keys[at]!)] as const),
        holdsMany: !HOLDS_FEW.includes(type),
      }
      const known = relations.get(name)
      const isSame = known === undefined || JSON.stringify(known) === JSON.stringify(relation)
      relations.set(name, isSame ? relation : null)
    }
  }
  return Object.fromEntries([...relations].filter((entry): entry is [string, Relation] => entry[1] !== null))
}

/** What identifies a row, which is what all relations refer to. */
function keysOf({ fields, primaryKey }: Models[string]): readonly string[] {
  return primaryKey?.fields ?? fields.filter(({ isId }) => isId).map(({ name }) => name)
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

/** A text that stands in the statement itself; standard_conforming_strings is on. */
export function textLiteral(text: string): Sql {
  return raw(`'${text.replaceAll("'", "''")}'`)
}

/** Fields whose values are those of an enum: a check of the database holds them to it. */
const CLOSED_FIELDS: ReadonlySet<string> = new Set([
  'approvalStatus',
  'difficultyLevel',
  'errorCategory',
  'failureCategory',
  'generatedBy',
  'kind',
  'operation',
  'recommendationType',
  'role',
  'sourceType',
  'status',
])

/**
 * A value of such a field, or a boolean, as it stands in the statement itself: there are few, and PostgreSQL knows by them
 * which partial index it may take. Undefined for any other value.
 */
export function closedValue(field: string, value: unknown): Sql | undefined {
  if (typeof value === 'boolean') return value ? sql`true` : sql`false`
  if (!CLOSED_FIELDS.has(field) || typeof value !== 'string' || !/^\w+$/.test(value)) return undefined
  return textLiteral(value)
}

/** A whole number that stands in the statement itself. */
export function integerLiteral(value: number): Sql {
  if (!Number.isSafeInteger(value)) throw new Error(`${value} is no integer`)
  return raw(String(value))
}

/** camelCase field → snake_case column, as everywhere in schema.prisma. */
export function columnName(field: string): string {
  return field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

/** The column of a field, of the rows that have this alias. */
export function column(field: string, alias: string): Sql {
  return identifier(`${alias}.${columnName(field)}`)
}

/** The columns of fields of the rows `c`. */
export function columns(fields: readonly string[]): Sql {
  return join(
    fields.map((field) => column(field, 'c')),
    ', ',
  )
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
