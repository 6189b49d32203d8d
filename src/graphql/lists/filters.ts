import type { InputFieldRef, InputRef } from '@pothos/core'
import { stringifyExactly } from '../../exactNumbers.ts'
import { storableJson } from '../../json.ts'
import type { Column, RelationName } from '../../reads/catalogue.ts'
import {
  all,
  among,
  any,
  atJsonPaths,
  atTimeOf,
  type Condition,
  compared,
  contains,
  equal,
  foundBy,
  hasElement,
  hasText,
  inGroupOf,
  lists,
  missing,
  related,
  type Value,
} from '../../reads/condition.ts'
import { lowestUuidAt } from '../../uuid.ts'
import { builder } from '../builder/builder.ts'
import {
  DateTimeFilter,
  type Enum,
  enumFilter,
  IdFilter,
  type InputFields,
  JsonPathFilter,
  NullableDateTimeFilter,
  NullableIdFilter,
  NullableNumberFilter,
  NullableStringFilter,
  NumberFilter,
  PATHS,
  StringFilter,
  TagFilter,
  TEXT,
} from './filterTypes.ts'
import { checkJsonPath } from './jsonPath.ts'

type Types = typeof builder.$inferSchemaTypes

/** One field of a filter: what it takes, and what that asks of a row. */
export interface FilterField {
  field(t: InputFields): InputFieldRef<Types, unknown>
  /** Of a value that the field takes. @throws Refusal BAD_USER_INPUT. */
  conditions(given: unknown): readonly Condition[]
  /** What is taken as given where nothing is. */
  otherwise?(now: () => Date): unknown
}

export type FilterFields = Readonly<Record<string, FilterField>>

/** The values of a filter's fields. */
export type FilterValues = Readonly<Record<string, unknown>>

export function defineFilter(name: string, description: string, fields: FilterFields): InputRef<object> {
  return builder.inputType(name, {
    description,
    fields: (t) => Object.fromEntries(Object.entries(fields).map(([key, { field }]) => [key, field(t)])),
  })
}

/** What these fields of a filter ask of a row. */
export function conditionOf(
  fields: FilterFields,
  filter: FilterValues | null | undefined,
  now: () => Date,
): Condition {
  return all(
    ...Object.entries(fields).flatMap(([name, { conditions, otherwise }]) => {
      const given = filter?.[name] ?? otherwise?.(now)
      return given === undefined || given === null ? [] : conditions(given)
    }),
  )
}

/** Its conditions are given what GraphQL took for its field. */
function filterField<Given>(
  field: (t: InputFields) => InputFieldRef<Types, Given | null | undefined>,
  conditions: (given: Given) => readonly Condition[],
): FilterField {
  return { field, conditions: (given) => conditions(given as Given) }
}

/** A column that rows can be filtered by. */
export interface FilteredColumn extends Column {
  /** Of one of an enum's values. */
  enum?: Enum
  /** Of a time: the key, if it is a UUIDv7 of it, whose index then finds the rows of a range. */
  inKey?: Column
  /** Of a key that is a UUIDv7: the time that it is made of, whose index then finds its row. */
  ofTime?: Column
}

/** By the value of a column: each kind has one filter. */
export function byColumn(column: FilteredColumn, description: string): FilterField {
  const { nullable = false } = column
  switch (column.kind) {
    case 'uuid':
      return filterField(
        (t) => t.field({ type: nullable ? NullableIdFilter : IdFilter, description }),
        (given) => [...valueConditions(column, given), ...timesOf(column.ofTime, given)],
      )
    case 'text':
      return filterField(
        (t) => t.field({ type: nullable ? NullableStringFilter : StringFilter, description }),
        (given) => valueConditions(column, given),
      )
    case 'enum': {
      const type = enumFilter(column.enum!, nullable)
      return filterField(
        (t) => t.field({ type, description }),
        (given) => valueConditions(column, given),
      )
    }
    case 'time':
      return filterField(
        (t) => t.field({ type: nullable ? NullableDateTimeFilter : DateTimeFilter, description }),
        (given) => [...valueConditions(column, given), ...uuidsOf(column.inKey, given)],
      )
    case 'integer':
    case 'bigint':
      return filterField(
        (t) => t.field({ type: nullable ? NullableNumberFilter : NumberFilter, description }),
        (given) => integerConditions(column, given),
      )
    case 'number':
    case 'decimal':
      return filterField(
        (t) => t.field({ type: nullable ? NullableNumberFilter : NumberFilter, description }),
        (given) => valueConditions(column, given),
      )
    case 'boolean':
      return filterField(
        (t) => t.boolean({ description }),
        (given) => [equal(column, given)],
      )
    case 'texts':
      return filterField(
        (t) => t.field({ type: TagFilter, description }),
        ({ hasSome, hasEvery }) => [
          ...(hasSome ? [lists(column, 'some', hasSome)] : []),
          ...(hasEvery ? [lists(column, 'every', hasEvery)] : []),
        ],
      )
    case 'json':
      return filterField(
        (t) => t.field({ type: [JsonPathFilter], extensions: PATHS, description }),
        (given) => jsonConditions(column, given),
      )
  }
}

const DAY_MS = 24 * 60 * 60 * 1000

/** The same filter of a time, and what it is when nobody says. */
export function inTheLast(days: number, filter: FilterField): FilterField {
  return { ...filter, otherwise: (now) => ({ gte: new Date(now().getTime() - days * DAY_MS) }) }
}

/** Whether a column is missing. */
export function byAbsence(
  column: Column,
  isTrueFor: 'missing' | 'present',
  description: string,
): FilterField {
  return filterField(
    (t) => t.boolean({ description }),
    (given) => [missing(column, given === (isTrueFor === 'missing'))],
  )
}

/** Rows of which one of these texts has the given one in it. */
export function byContained(texts: readonly Column[], description: string): FilterField {
  return filterField(
    (t) => t.string({ extensions: TEXT, description }),
    (given) => (given === '' ? [] : [any(...texts.map((column) => hasText(column, given)))]),
  )
}

/** Rows whose key a full-text search in `texts` finds. No words are no condition, as in an empty search box. */
export function bySearch(key: Column, search: Parameters<typeof foundBy>[1], texts: string): FilterField {
  return filterField(
    (t) =>
      t.string({
        extensions: TEXT,
        description: `Only those with these words in ${texts}: all of them in any form (“failed” finds “failing”), "a phrase", one \`or\` another, without -this. For part of a word, use \`text\`.`,
      }),
    (given) => {
      if (!given.trim()) return []
      // PostgreSQL goes one level deeper for each minus sign, and gives up on many that have no word between them.
      return [foundBy(key, search, given.replace(/-[-\s!&|():*<>]*-/g, '-'))]
    },
  )
}

/** Failures of the group by meaning that has the one with this signature. */
export function byGroup(signature: Column, description: string): FilterField {
  return filterField(
    (t) => t.string({ extensions: TEXT, description }),
    (given) => [inGroupOf(signature, given)],
  )
}

/** By one of the texts that a column lists: all conditions have to hold for the same one. */
export function byElement(list: Column, description: string): FilterField {
  return filterField(
    (t) => t.field({ type: StringFilter, description }),
    ({ eq, in: given, contains: text }) => {
      const values = typeof eq === 'string' ? (given ?? [eq]).filter((each) => each === eq) : given
      if (typeof text === 'string') return [hasElement(list, text, values ?? undefined)]
      return values ? [lists(list, 'some', values)] : []
    },
  )
}

/**
 * By what the row belongs to; where nothing is asked of that, it is not looked up. `heldByFew`: of those that have one id or
 * one of some there are few, see `related`.
 */
export function byRelated(
  relation: RelationName,
  { field, conditions }: FilterField,
  { heldByFew = false } = {},
): FilterField {
  return {
    field,
    conditions: (given) => {
      const where = conditions(given)
      const few = heldByFew && where.some(({ is }) => is === 'compared' || is === 'among')
      return where.length === 0 ? [] : [related(relation, all(...where), few)]
    },
  }
}

type Bound<Each> = Each | null | undefined

interface Conditions<Each> {
  eq?: Bound<Each>
  in?: readonly Each[] | null | undefined
  contains?: string | null | undefined
  gte?: Bound<Each>
  gt?: Bound<Each>
  lte?: Bound<Each>
  lt?: Bound<Each>
  isNull?: boolean | null | undefined
}

function valueConditions(column: Column, given: Conditions<Value>): Condition[] {
  const { eq, in: list, contains: text, gte, gt, lte, lt } = given
  const conditions = [
    ...present(eq, (value) => equal(column, value)),
    ...present(list, (values) => among(column, values)),
    ...present(gte, (value) => compared(column, '>=', value)),
    ...present(gt, (value) => compared(column, '>', value)),
    ...present(lte, (value) => compared(column, '<=', value)),
    ...present(lt, (value) => compared(column, '<', value)),
    // A text that is never missing has the empty text in it.
    ...present(text === '' && !column.nullable ? null : text, (value) => contains(column, value)),
  ]
  return orMissing(column, conditions, given)
}

/** For GraphQL null is a condition that was not given. */
function present<Each>(value: Each | null | undefined, condition: (value: Each) => Condition): Condition[] {
  return value === null || value === undefined ? [] : [condition(value)]
}

function orMissing(
  column: Column,
  conditions: Condition[],
  { isNull }: { isNull?: boolean | null | undefined },
): Condition[] {
  if (isNull === false) return [...conditions, missing(column, false)]
  if (isNull !== true) return conditions
  // What is missing fits no other condition.
  return conditions.length === 0 ? [missing(column)] : [missing(column), missing(column, false)]
}

/**
 * PostgreSQL takes integers as conditions on them only: 1.5 and less is 1 and less, and what the column cannot hold limits
 * nothing or finds nothing.
 */
function integerConditions(column: Column, given: Conditions<number>): Condition[] {
  return orMissing(column, integerRange(column, given), given)
}

function integerRange(column: Column, { eq, gte, gt, lte, lt }: Conditions<number>): Condition[] {
  const above = [eq, gte].flatMap((bound) => (typeof bound === 'number' ? [Math.ceil(bound)] : []))
  const below = [eq, lte].flatMap((bound) => (typeof bound === 'number' ? [Math.floor(bound)] : []))
  if (typeof gt === 'number') above.push(Math.floor(gt) + 1)
  if (typeof lt === 'number') below.push(Math.ceil(lt) - 1)
  if (above.length === 0 && below.length === 0) return []
  const limit = column.kind === 'integer' ? 2 ** 31 - 1 : Number.MAX_SAFE_INTEGER
  const from = Math.max(-limit, ...above)
  const to = Math.min(limit, ...below)
  return from > to ? [among(column, [])] : [compared(column, '>=', from), compared(column, '<=', to)]
}

/** Where rows of that time lie among UUIDv7 of their times: for the index, beside the condition on the time itself. */
function uuidsOf(key: Column | undefined, { gte, gt, lte, lt }: Conditions<Date>): Condition[] {
  if (!key) return []
  const from = Math.max(...[gte, gt].flatMap((time) => (time ? [time.getTime()] : [])))
  const to = Math.min(...[lte, lt].flatMap((time) => (time ? [time.getTime() + 1] : [])))
  return [
    ...(Number.isFinite(from) ? [compared(key, '>=', lowestUuidAt(from))] : []),
    ...(Number.isFinite(to) ? [compared(key, '<', lowestUuidAt(to))] : []),
  ]
}

/** Beside the condition on such a key. */
function timesOf(time: Column | undefined, { eq, in: list }: Conditions<string>): Condition[] {
  if (!time) return []
  return [
    ...present(eq, (uuid) => atTimeOf(time, [uuid])),
    ...present(list, (uuids) => atTimeOf(time, uuids)),
  ]
}

export function jsonConditions(
  tree: Column,
  given: readonly (typeof JsonPathFilter.$inferInput)[],
): Condition[] {
  if (given.length === 0) return []
  const conditions = given.map(({ path, exists, eq, in: list, contains, gte, gt, lte, lt }, index) => {
    checkJsonPath(path, [tree.field, index, 'path'])
    return {
      path,
      ...withoutNulls({ exists, contains, gte, gt, lte, lt }),
      // Here null is a value like any other.
      ...(eq === undefined ? {} : { eq: jsonText(eq) }),
      ...(list ? { in: list.map(jsonText) } : {}),
    }
  })
  return [atJsonPaths(tree, conditions)]
}

/** As the tree has it: what PostgreSQL cannot keep was replaced there too. */
function jsonText(value: unknown): string {
  return stringifyExactly(storableJson(value).value)
}

function withoutNulls<Given extends object>(
  given: Given,
): { [Name in keyof Given]?: Exclude<Given[Name], null | undefined> }
function withoutNulls(given: object): object {
  return Object.fromEntries(
    Object.entries(given).filter(([, value]) => value !== undefined && value !== null),
  )
}
