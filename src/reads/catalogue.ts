import sql, { join, raw, type Sql } from 'sql-template-tag'
import { getDatamodel } from '../db/generated/pothos.ts'

/** The table or view of each model; a field's column is its name in snake_case. Held against the database by a test. */
export const TABLES: Readonly<Record<string, string>> = {
  Alert: 'alerts',
  AlertEvent: 'alert_events',
  AlertRule: 'alert_rules',
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
  RecommendationEvidence: 'recommendation_evidence',
  Scenario: 'scenarios',
  ScenarioRevision: 'scenario_revisions',
  Simulation: 'simulations',
  SimulationScenario: 'simulations_scenarios',
  ToolUsage: 'tool_usage',
}

/** A column that lies beside its table, because it is much larger than the rest: a function gives it for many rows in one look. */
export interface Beside {
  field: string
  /** Takes an array of the values of each of these fields, and gives rows of the first of them and the column. */
  from: string
  by: readonly [string, ...string[]]
}

/** By table. */
export const BESIDE: Readonly<Record<string, Beside>> = {
  outcomes: { field: 'trajectory', from: 'outcome_trajectories', by: ['outcomeId', 'executionTime'] },
}

/** How a column's values are written as JSON, in cursors and in statements. Those of an enum are text. */
export type ColumnKind =
  | 'uuid'
  | 'text'
  | 'texts'
  | 'enum'
  | 'time'
  | 'integer'
  | 'bigint'
  | 'number'
  | 'decimal'
  | 'boolean'
  | 'json'

/** A column of a row, by the name of its field. */
export interface Column {
  field: string
  kind: ColumnKind
  nullable?: boolean
}

/** What rows belong to, for conditions on it and lists below it: a relation that joins in one way wherever it is. */
export type RelationName = 'configVersion' | 'latestVersion' | 'outcome' | 'scenario' | 'simulation'

interface Relation {
  table: string
  /** The fields that join them. */
  on: readonly (readonly [ours: string, theirs: string])[]
  /** Whether more rows than a page has may hang on one of theirs. */
  holdsMany: boolean
}

type Models = ReturnType<typeof getDatamodel>['datamodel']['models']

export const RELATIONS: Readonly<Record<RelationName, Relation>> = {
  configVersion: relationNamed('configVersion', true),
  latestVersion: relationNamed('latestVersion', true),
  // It has a handful of failures and tools; whatever else rows belong to may have any number of them.
  outcome: relationNamed('outcome', false),
  scenario: relationNamed('scenario', true),
  simulation: relationNamed('simulation', true),
}

function relationNamed(name: RelationName, holdsMany: boolean): Relation {
  const { models } = getDatamodel().datamodel
  const found = Object.keys(models).flatMap((model) => relationOf(model, name) ?? [])
  const [relation] = found
  if (!relation || new Set(found.map((each) => JSON.stringify(each))).size > 1)
    throw new Error(`${name} does not join in one way`)
  return { ...relation, holdsMany }
}

/** A relation of one model to another's key. */
export function relationOf(model: string, name: string): Omit<Relation, 'holdsMany'> | undefined {
  const { models } = getDatamodel().datamodel
  const field = models[model]!.fields.find((each) => each.name === name)
  if (!field?.relationFromFields?.length) return undefined
  const keys = keysOf(models[field.type]!)
  return {
    table: TABLES[field.type]!,
    on: field.relationFromFields.map((ours, at) => [ours, keys[at]!] as const),
  }
}

/** What identifies a row, which is what all relations refer to. */
function keysOf({ fields, primaryKey }: Models[string]): readonly string[] {
  return primaryKey?.fields ?? fields.filter(({ isId }) => isId).map(({ name }) => name)
}

/** The condition that rows of the alias `theirs` are those that rows of `ours` point at. */
export function joinedOn({ on }: Pick<Relation, 'on'>, ours: string, theirs: string): Sql {
  return join(
    on.map(([our, their]) => sql`${column(their, theirs)} = ${column(our, ours)}`),
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

/**
 * A boolean or a value of an enum as it stands in the statement itself: there are few, and PostgreSQL knows by them which
 * partial index it may take. Undefined for any other value.
 */
export function closedValue({ kind }: Column, value: unknown): Sql | undefined {
  if (typeof value === 'boolean') return value ? sql`true` : sql`false`
  // The database checks that a column has no other.
  if (kind !== 'enum' || typeof value !== 'string' || !/^\w+$/.test(value)) return undefined
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
