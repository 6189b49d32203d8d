import type { EnumRef, InputRef } from '@pothos/core'
import { builder } from '../builder/builder.ts'
import type { InputBounds } from '../builder/inputBounds.ts'
import { STEPS } from './jsonPath.ts'

type Types = typeof builder.$inferSchemaTypes
export type InputFields = PothosSchemaTypes.InputFieldBuilder<Types, 'InputObject'>
export type Enum = EnumRef<Types, string>

// One shape everywhere: an object of a field's conditions, all of which have to hold. Of fields that may be missing it has
// `isNull` as well.

// What each is evaluated with for every row has bounds, and a cost in rows that are read.
const EXACT = { bounds: { characters: 1_000 } satisfies InputBounds }
export const TEXT = { bounds: { characters: 1_000, cost: 10 } satisfies InputBounds }
const LIST = { bounds: { entries: 100, characters: 1_000, cost: 1 } satisfies InputBounds }
export const PATHS = { bounds: { entries: 20, cost: 50 } satisfies InputBounds }

const maybeMissing = (t: InputFields) => ({
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
  fields: (t) => ({ ...ofText(t), ...maybeMissing(t) }),
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
  fields: (t) => ({ ...ofId(t), ...maybeMissing(t) }),
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
  fields: (t) => ({ ...ofTime(t), ...maybeMissing(t) }),
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
  fields: (t) => ({ ...ofNumber(t), ...maybeMissing(t) }),
})

export const TagFilter = builder.inputType('TagFilter', {
  description: 'Conditions on a list of tags; all must match.',
  fields: (t) => ({
    hasSome: t.stringList({ extensions: LIST, description: 'At least one of these tags.' }),
    hasEvery: t.stringList({ extensions: LIST, description: 'All of these tags.' }),
  }),
})

export const JsonPathFilter = builder.inputType('JsonPathFilter', {
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

const enumFilters = new Map<string, InputRef<EnumConditions>>()

interface EnumConditions {
  eq?: string | null
  in?: readonly string[] | null
  isNull?: boolean | null
}

/** The filter of an enum's values: one for all columns that have them, and one for those that may be missing. */
export function enumFilter(type: Enum, nullable: boolean): InputRef<EnumConditions> {
  const name = `${nullable ? 'Nullable' : ''}${type.name}Filter`
  const known = enumFilters.get(name)
  if (known) return known
  const ofEnum = (t: InputFields) => ({
    eq: t.field({ type, description: 'The value is this one.' }),
    in: t.field({ type: [type], extensions: LIST, description: 'The value is one of these.' }),
  })
  const made: InputRef<EnumConditions> = nullable
    ? builder.inputType(name, {
        description: 'Conditions on a value that may be missing; all must match.',
        fields: (t) => ({ ...ofEnum(t), ...maybeMissing(t) }),
      })
    : builder.inputType(name, { description: 'Conditions on the value; all must match.', fields: ofEnum })
  enumFilters.set(name, made)
  return made
}
