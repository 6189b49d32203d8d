import type { EnumRef, InputShapeFromTypeParam, SchemaTypes } from '@pothos/core'
import { lowestUuidAt } from '../uuid.ts'
import { builder } from './builder.ts'

// One shape everywhere: an object of a field's conditions, all of which have to hold.

export const StringFilter = builder.inputType('StringFilter', {
  description: 'Conditions on a text; all that are given have to hold.',
  fields: (t) => ({
    eq: t.string({ description: 'The text is exactly this.' }),
    in: t.stringList({ description: 'The text is one of these.' }),
    contains: t.string({ description: 'The text has this in it, whatever the case.' }),
  }),
})

export const IdFilter = builder.inputType('IdFilter', {
  description: 'Conditions on an identifier; all that are given have to hold.',
  fields: (t) => ({
    eq: t.field({ type: 'UUID', description: 'The id is this one.' }),
    in: t.field({ type: ['UUID'], description: 'The id is one of these.' }),
  }),
})

export const DateTimeFilter = builder.inputType('DateTimeFilter', {
  description: 'A range of time; all conditions that are given have to hold.',
  fields: (t) => ({
    gte: t.field({ type: 'DateTime', description: 'At this time or later.' }),
    gt: t.field({ type: 'DateTime', description: 'Later than this time.' }),
    lte: t.field({ type: 'DateTime', description: 'At this time or earlier.' }),
    lt: t.field({ type: 'DateTime', description: 'Earlier than this time.' }),
  }),
})

export const NumberFilter = builder.inputType('NumberFilter', {
  description:
    'A range of numbers; all conditions that are given have to hold, and a missing number fits none.',
  fields: (t) => ({
    eq: t.float({ description: 'Exactly this number.' }),
    gte: t.float({ description: 'This number or more.' }),
    gt: t.float({ description: 'More than this number.' }),
    lte: t.float({ description: 'This number or less.' }),
    lt: t.float({ description: 'Less than this number.' }),
  }),
})

export const TagFilter = builder.inputType('TagFilter', {
  description: 'Conditions on a list of tags; all that are given have to hold.',
  fields: (t) => ({
    hasSome: t.stringList({ description: 'At least one of these tags.' }),
    hasEvery: t.stringList({ description: 'All of these tags.' }),
  }),
})

/** The filter of an enum's values: `{eq, in}`. */
export function enumFilter<Value extends string>(name: string, type: EnumRef<SchemaTypes, Value, Value>) {
  return builder.inputType(name, {
    description: 'Conditions on the value; all that are given have to hold.',
    fields: (t) => ({
      eq: t.field({ type: type as never, description: 'The value is this one.' }),
      in: t.field({ type: [type] as never, description: 'The value is one of these.' }),
    }),
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

/** A filter's conditions as Prisma's; undefined when there are none. */
export function conditionOf<Value>(filter: Conditions<Value> | null | undefined) {
  if (!filter) return undefined
  const { eq, in: list, gte, gt, lte, lt } = filter
  return given({
    equals: eq,
    in: list === null || list === undefined ? undefined : [...list],
    gte,
    gt,
    lte,
    lt,
  })
}

/** PostgreSQL's integer: nothing beyond is stored in such a column. */
const MAX_INTEGER = 2 ** 31 - 1

/**
 * A filter of numbers as conditions on a column of whole numbers, which can be compared with no others: the same rows
 * fit. `max` is the column's largest number.
 */
export function integerConditionOf(filter: Conditions<number> | null | undefined, max = MAX_INTEGER) {
  if (!filter) return undefined
  const { eq, gte, gt, lte, lt } = filter
  const limits = (value: number | null | undefined, whole: (value: number) => number) =>
    typeof value === 'number' ? [whole(value)] : []
  const from = Math.max(
    ...limits(eq, Math.ceil),
    ...limits(gte, Math.ceil),
    ...limits(gt, (value) => Math.floor(value) + 1),
  )
  const to = Math.min(
    ...limits(eq, Math.floor),
    ...limits(lte, Math.floor),
    ...limits(lt, (value) => Math.ceil(value) - 1),
  )
  if (from > to || from > max || to < -max) return { in: [] }
  return given({ gte: from > -max ? from : undefined, lte: to < max ? to : undefined })
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

export function textConditionOf(
  filter: InputShapeFromTypeParam<SchemaTypes, typeof StringFilter, false> | null | undefined,
) {
  if (!filter) return undefined
  const { contains, ...rest } = filter as {
    eq?: string | null
    in?: string[] | null
    contains?: string | null
  }
  return {
    ...conditionOf(rest),
    ...(typeof contains === 'string' ? { contains, mode: 'insensitive' as const } : {}),
  }
}

export function tagConditionOf(
  filter: { hasSome?: readonly string[] | null; hasEvery?: readonly string[] | null } | null | undefined,
) {
  if (!filter) return undefined
  const conditions = given({ hasSome: copied(filter.hasSome), hasEvery: copied(filter.hasEvery) })
  // Prisma takes no filter of a list without a condition.
  return Object.keys(conditions).length > 0 ? conditions : undefined
}

function copied(list: readonly string[] | null | undefined): string[] | undefined {
  return list ? [...list] : undefined
}

/** Without what was not given: for Prisma null is a condition, for GraphQL it is a missing one. */
function given<T extends Record<string, unknown>>(
  conditions: T,
): { [K in keyof T]?: Exclude<T[K], null | undefined> } {
  return Object.fromEntries(
    Object.entries(conditions).filter(([, value]) => value !== undefined && value !== null),
  ) as never
}
