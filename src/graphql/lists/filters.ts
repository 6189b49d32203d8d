import type { EnumRef, InputShapeFromTypeParam, SchemaTypes } from '@pothos/core'
import { stringifyExactly } from '../../exactNumbers.ts'
import { storableJson } from '../../json.ts'
import {
  atJsonPaths,
  foundBy,
  HeldByFew,
  hasElement,
  hasText,
  likeText,
  type Where,
} from '../../reads/condition.ts'
import { lowestUuidAt } from '../../uuid.ts'
import { builder } from '../builder/builder.ts'
import type { InputBounds } from '../builder/inputBounds.ts'
import { checkJsonPath, STEPS } from './jsonPath.ts'

export type InputFields = PothosSchemaTypes.InputFieldBuilder<typeof builder.$inferSchemaTypes, 'InputObject'>

// One shape everywhere: an object of a field's conditions, all of which have to hold. Of fields that may be missing it has
// `isNull` as well.

// What each is evaluated with for every row has bounds, and a cost in rows that are read.
const EXACT = { bounds: { characters: 1_000 } satisfies InputBounds }
const TEXT = { bounds: { characters: 1_000, cost: 10 } satisfies InputBounds }
const LIST = { bounds: { entries: 100, characters: 1_000, cost: 1 } satisfies InputBounds }
const PATHS = { bounds: { entries: 20, cost: 50 } satisfies InputBounds }

const missing = (t: InputFields) => ({
  isNull: t.boolean({
    description: 'Whether it is missing: true finds rows without it, false rows with it.',
  }),
})

const ofText = (t: InputFields) => ({
  eq: t.string({ extensions: EXACT, description: 'The string is exactly this.' }),
  in: t.stringList({ extensions: LIST, description: 'The string is one of these.' }),
  contains: t.string({ extensions: TEXT, description: 'The string contains this, ignoring case.' }),
})

export const StringFilter = builder.inputType('StringFilter', {
  description: 'Conditions on a string; all must match.',
  fields: ofText,
})

export const NullableStringFilter = builder.inputType('NullableStringFilter', {
  description: 'Conditions on a string that may be missing; all must match.',
  fields: (t) => ({ ...ofText(t), ...missing(t) }),
})

const ofId = (t: InputFields) => ({
  eq: t.field({ type: 'UUID', description: 'The id is this one.' }),
  in: t.field({ type: ['UUID'], extensions: LIST, description: 'The id is one of these.' }),
})

export const IdFilter = builder.inputType('IdFilter', {
  description: 'Conditions on an identifier; all must match.',
  fields: ofId,
})

export const NullableIdFilter = builder.inputType('NullableIdFilter', {
  description: 'Conditions on an identifier that may be missing; all must match.',
  fields: (t) => ({ ...ofId(t), ...missing(t) }),
})

const ofTime = (t: InputFields) => ({
  gte: t.field({ type: 'DateTime', description: 'At this time or later.' }),
  gt: t.field({ type: 'DateTime', description: 'Later than this time.' }),
  lte: t.field({ type: 'DateTime', description: 'At this time or earlier.' }),
  lt: t.field({ type: 'DateTime', description: 'Earlier than this time.' }),
})

export const DateTimeFilter = builder.inputType('DateTimeFilter', {
  description: 'A range of time; all conditions must match. One that ends before it begins is refused.',
  fields: ofTime,
})

export const NullableDateTimeFilter = builder.inputType('NullableDateTimeFilter', {
  description:
    'A range of time; all conditions must match, and a missing time matches no range. One that ends before it begins is refused.',
  fields: (t) => ({ ...ofTime(t), ...missing(t) }),
})

const ofNumber = (t: InputFields) => ({
  eq: t.float({ description: 'Exactly this number.' }),
  gte: t.float({ description: 'This number or more.' }),
  gt: t.float({ description: 'More than this number.' }),
  lte: t.float({ description: 'This number or less.' }),
  lt: t.float({ description: 'Less than this number.' }),
})

export const NumberFilter = builder.inputType('NumberFilter', {
  description: 'A range of numbers; all conditions must match. One that ends before it begins is refused.',
  fields: ofNumber,
})

export const NullableNumberFilter = builder.inputType('NullableNumberFilter', {
  description:
    'A range of numbers; all conditions must match, and a missing number matches no range. One that ends before it begins is refused.',
  fields: (t) => ({ ...ofNumber(t), ...missing(t) }),
})

export const TagFilter = builder.inputType('TagFilter', {
  description: 'Conditions on a list of tags; all must match.',
  fields: (t) => ({
    hasSome: t.stringList({ extensions: LIST, description: 'At least one of these tags.' }),
    hasEvery: t.stringList({ extensions: LIST, description: 'All of these tags.' }),
  }),
})

const JsonPathFilter = builder.inputType('JsonPathFilter', {
  description:
    'Conditions on one path of a JSON tree; all must match, and a missing path matches none. Without conditions the path must exist.',
  fields: (t) => ({
    path: t.stringList({
      required: true,
      extensions: STEPS,
      description:
        'The path: keys, and list indexes from 0, outermost first, e.g. `["agent", "tools", "0", "name"]`.',
    }),
    exists: t.boolean({ description: 'Whether the path exists; null counts as existing.' }),
    eq: t.field({ type: 'JSON', description: 'The value is exactly this one.' }),
    in: t.field({
      type: t.listRef('JSON', { required: false }),
      extensions: LIST,
      description: 'The value is one of these.',
    }),
    contains: t.string({
      extensions: TEXT,
      description: 'It is a string that contains this, ignoring case.',
    }),
    gte: t.float({ description: 'It is this number or more.' }),
    gt: t.float({ description: 'It is more than this number.' }),
    lte: t.float({ description: 'It is this number or less.' }),
    lt: t.float({ description: 'It is less than this number.' }),
  }),
})

/** The filter's field for conditions on a JSON tree. */
export function jsonPathField(t: InputFields, tree: string) {
  return t.field({
    type: [JsonPathFilter],
    extensions: PATHS,
    description: `By any path in ${tree}; all must match.`,
  })
}

/** The filter's field for a text that some other texts have in them. */
export function containedField(t: InputFields, description: string) {
  return t.string({ extensions: TEXT, description })
}

/** The filter's field for a full-text search. */
export function searchField(t: InputFields, texts: string) {
  return t.string({
    extensions: TEXT,
    description: `Only those with these words in ${texts}: all of them in any form (“failed” finds “failing”), "a phrase", one \`or\` another, without -this. For part of a word, use \`text\`.`,
  })
}

const ofEnum =
  <Value extends string>(type: EnumRef<SchemaTypes, Value, Value>) =>
  (t: InputFields) => ({
    eq: t.field({ type, description: 'The value is this one.' }),
    in: t.field({ type: [type], extensions: LIST, description: 'The value is one of these.' }),
  })

/** The filter of an enum's values: `{eq, in}`. */
export function enumFilter<Value extends string>(name: string, type: EnumRef<SchemaTypes, Value, Value>) {
  return builder.inputType(name, {
    description: 'Conditions on the value; all must match.',
    fields: ofEnum(type),
  })
}

/** The same for one that may be missing: `{eq, in, isNull}`. */
export function nullableEnumFilter<Value extends string>(
  name: string,
  type: EnumRef<SchemaTypes, Value, Value>,
) {
  return builder.inputType(name, {
    description: 'Conditions on a value that may be missing; all must match.',
    fields: (t) => ({ ...ofEnum(type)(t), ...missing(t) }),
  })
}

type Conditions<Value> = {
  eq?: Value | null
  in?: readonly Value[] | null
  gte?: Value | null
  gt?: Value | null
  lte?: Value | null
  lt?: Value | null
}

/** Of a field that is never missing: for its column Prisma takes no null. */
type Present<Filter> = Filter & { isNull?: never }
type Nullable<Filter> = Filter & { isNull?: boolean | null }

type Given<Value> = { equals?: Value; in?: Value[]; gte?: Value; gt?: Value; lte?: Value; lt?: Value }
type GivenOrMissing<Condition> = Condition | { equals?: null; not?: null } | (Condition & { not: null })

/** A filter's conditions as Prisma's; undefined when there are none. */
export function conditionOf<Value>(
  filter: Present<Conditions<Value>> | null | undefined,
): Given<Value> | undefined
export function conditionOf<Value>(
  filter: Nullable<Conditions<Value>> | null | undefined,
): GivenOrMissing<Given<Value>> | undefined
export function conditionOf<Value>(filter: Nullable<Conditions<Value>> | null | undefined) {
  if (!filter) return undefined
  const { eq, in: list, gte, gt, lte, lt, isNull } = filter
  const condition = given({
    equals: eq,
    in: list === null || list === undefined ? undefined : [...list],
    gte,
    gt,
    lte,
    lt,
  })
  return orMissing(condition as Given<Value>, isNull)
}

function orMissing<Condition extends object>(
  condition: Condition,
  isNull: boolean | null | undefined,
): GivenOrMissing<Condition> {
  if (isNull === false) return { ...condition, not: null }
  if (isNull !== true) return condition
  // What is missing fits no other condition.
  return Object.keys(condition).length === 0 ? { equals: null } : { equals: null, not: null }
}

type IntegerRange = { in: number[] } | { gte?: number; lte?: number }

/**
 * The same for a column of integers, whose conditions PostgreSQL takes as such only: 1.5 and less is 1 and less, and
 * what the column cannot hold limits nothing or finds nothing.
 */
export function integerConditionOf(
  filter: Present<Conditions<number>> | null | undefined,
  bits?: 32 | 64,
): IntegerRange | undefined
export function integerConditionOf(
  filter: Nullable<Conditions<number>> | null | undefined,
  bits?: 32 | 64,
): GivenOrMissing<IntegerRange> | undefined
export function integerConditionOf(
  filter: Nullable<Conditions<number>> | null | undefined,
  bits: 32 | 64 = 32,
) {
  return filter ? orMissing(integerRange(filter, bits), filter.isNull) : undefined
}

function integerRange({ eq, gte, gt, lte, lt }: Conditions<number>, bits: 32 | 64): IntegerRange {
  const above = [eq, gte].flatMap((bound) => (typeof bound === 'number' ? [Math.ceil(bound)] : []))
  const below = [eq, lte].flatMap((bound) => (typeof bound === 'number' ? [Math.floor(bound)] : []))
  if (typeof gt === 'number') above.push(Math.floor(gt) + 1)
  if (typeof lt === 'number') below.push(Math.ceil(lt) - 1)
  if (above.length === 0 && below.length === 0) return {}
  const limit = bits === 32 ? 2 ** 31 - 1 : Number.MAX_SAFE_INTEGER
  const from = Math.max(-limit, ...above)
  const to = Math.min(limit, ...below)
  return from > to ? { in: [] } : { gte: from, lte: to }
}

/** Where rows of that time lie among UUIDv7 of their times: for the index, beside the condition on the time itself. */
export function uuidRangeOf(filter: Conditions<Date> | null | undefined): { gte?: string; lt?: string } {
  if (!filter) return {}
  const { gte, gt, lte, lt } = filter
  const from = Math.max(...[gte, gt].flatMap((time) => (time ? [time.getTime()] : [])))
  const to = Math.min(...[lte, lt].flatMap((time) => (time ? [time.getTime() + 1] : [])))
  return {
    ...(Number.isFinite(from) ? { gte: lowestUuidAt(from) } : {}),
    ...(Number.isFinite(to) ? { lt: lowestUuidAt(to) } : {}),
  }
}

type TextConditions = Conditions<string> & { contains?: string | null }
type GivenText = Given<string> & { contains?: string; mode?: 'insensitive' }

export function textConditionOf(filter: Present<TextConditions> | null | undefined): GivenText | undefined
export function textConditionOf(
  filter: Nullable<TextConditions> | null | undefined,
): GivenOrMissing<GivenText> | undefined
export function textConditionOf(filter: Nullable<TextConditions> | null | undefined) {
  if (!filter) return undefined
  const { contains, isNull, ...rest } = filter
  const condition: GivenText = {
    ...conditionOf<string>(rest),
    ...(typeof contains === 'string' ? { contains: likeText(contains), mode: 'insensitive' } : {}),
  }
  return orMissing(condition, isNull)
}

/** Conditions on one of the texts that a field lists: all of them have to hold for the same one. */
export function elementConditionsOf(field: string, filter: TextConditions | null | undefined): Where[] {
  const { eq, in: list, contains } = filter ?? {}
  const among = typeof eq === 'string' ? (list ?? [eq]).filter((text) => text === eq) : (list ?? undefined)
  if (typeof contains === 'string') return [{ [field]: hasElement(contains, among) }]
  return among ? [{ [field]: { hasSome: [...among] } }] : []
}

/** Conditions on the field `tags`: Prisma takes one operator for each mention of a list. */
export function tagConditionsOf(
  filter: { hasSome?: readonly string[] | null; hasEvery?: readonly string[] | null } | null | undefined,
) {
  const { hasSome, hasEvery } = filter ?? {}
  return [
    ...(hasSome ? [{ tags: { hasSome: [...hasSome] } }] : []),
    ...(hasEvery ? [{ tags: { hasEvery: [...hasEvery] } }] : []),
  ]
}

/** Of rows that belong to a simulation: by the version or the configuration that was run. */
export function versionConditionsOf({
  configVersionId,
  configId,
}: {
  configVersionId?: typeof IdFilter.$inferInput | null
  configId?: typeof IdFilter.$inferInput | null
}) {
  if (!configVersionId && !configId) return {}
  const ofConfiguration = configId ? { configVersion: { is: { configId: conditionOf(configId) } } } : {}
  const is = { configVersionId: conditionOf(configVersionId), ...ofConfiguration }
  const few = configVersionId?.eq || configVersionId?.in
  return { simulation: few ? new HeldByFew(is) : { is } }
}

/** Of a text that is never missing: every one contains the empty text. */
function withoutEmpty(filter: typeof StringFilter.$inferInput | null | undefined) {
  return filter?.contains === '' ? { ...filter, contains: undefined } : filter
}

/** The filter's field for parts of attempts that a later one replaces, or does not. */
export function supersededField(t: InputFields) {
  return t.boolean({
    description:
      'Whether a later attempt is stored: false finds the last attempt of each run. All attempts by default.',
  })
}

/** Of parts of an outcome: by its scenario, and by whether it is the last of its run. */
export function outcomeConditionsOf({
  scenarioId,
  superseded,
}: {
  scenarioId?: typeof StringFilter.$inferInput | null
  superseded?: boolean | null
}) {
  const scenario = textConditionOf(withoutEmpty(scenarioId))
  const is = {
    ...(scenario && Object.keys(scenario).length > 0 ? { scenarioId: scenario } : {}),
    ...(typeof superseded === 'boolean' ? { superseded } : {}),
  }
  // What asks nothing must not look up the outcome of each row.
  return Object.keys(is).length > 0 ? { outcome: { is } } : {}
}

/** Rows of which one of the texts has this in it. */
export function containedConditionsOf(fields: readonly string[], text: string | null | undefined): Where[] {
  return text ? [{ OR: fields.map((field) => ({ [field]: hasText(text) })) }] : []
}

/** Rows whose key a search finds. No words are no condition, as in an empty search box. */
export function searchConditionsOf(
  field: string,
  search: Parameters<typeof foundBy>[0],
  words: string | null | undefined,
): Where[] {
  if (!words?.trim()) return []
  // PostgreSQL goes one level deeper for each minus sign, and gives up on many that have no word between them.
  return [{ [field]: foundBy(search, words.replace(/-[-\s!&|():*<>]*-/g, '-')) }]
}

export function jsonPathConditionsOf(
  field: string,
  filters: readonly InputShapeFromTypeParam<SchemaTypes, typeof JsonPathFilter, false>[] | null | undefined,
): Where[] {
  if (!filters || filters.length === 0) return []
  const conditions = filters.map((filter, index) => {
    const {
      path,
      exists,
      eq,
      in: list,
      contains,
      gte,
      gt,
      lte,
      lt,
    } = filter as {
      path: string[]
      exists?: boolean | null
      eq?: unknown
      in?: unknown[] | null
      contains?: string | null
    } & { [bound in 'gte' | 'gt' | 'lte' | 'lt']?: number | null }
    checkJsonPath(path, [field, index, 'path'])
    return {
      path,
      ...given({ exists, contains, gte, gt, lte, lt }),
      // Here null is a value like any other.
      ...(eq === undefined ? {} : { eq: jsonText(eq) }),
      ...(list ? { in: list.map(jsonText) } : {}),
    }
  })
  return [{ [field]: atJsonPaths(conditions) }]
}

/** As the tree has it: what PostgreSQL cannot keep was replaced there too. */
function jsonText(value: unknown): string {
  return stringifyExactly(storableJson(value).value)
}

/** Without what was not given: for Prisma null is a condition, for GraphQL it is a missing one. */
function given<T extends Record<string, unknown>>(
  conditions: T,
): { [K in keyof T]?: Exclude<T[K], null | undefined> } {
  return Object.fromEntries(
    Object.entries(conditions).filter(([, value]) => value !== undefined && value !== null),
  ) as never
}
