import type { FieldRef } from '@pothos/core'
import type { Prisma } from '../../db/generated/client.ts'
import type { Column, ColumnKind } from '../../reads/catalogue.ts'
import { isSortKind, type SortField, type SortKind } from '../../reads/keyset.ts'
import type { Orders } from '../../reads/pagePlan.ts'
import type { builder } from '../builder/builder.ts'
import type { ReadInStatement } from '../builder/fieldRead.ts'
import { byColumn, type FilterField, type FilterFields } from './filters.ts'
import type { Enum } from './filterTypes.ts'

type Types = typeof builder.$inferSchemaTypes

/** The kinds of column that hold such values. */
type KindOf<Value> = [Value] extends [boolean]
  ? 'boolean'
  : [Value] extends [Date]
    ? 'time'
    : [Value] extends [bigint]
      ? 'bigint'
      : [Value] extends [Prisma.Decimal]
        ? 'decimal'
        : [Value] extends [number]
          ? 'integer' | 'number' | 'bigint' | 'decimal'
          : [Value] extends [string]
            ? 'uuid' | 'text' | 'enum'
            : [Value] extends [readonly string[]]
              ? 'texts'
              : 'json'

interface Line<Name> {
  /** What the objects' field says; without it they have none. */
  description?: string
  /** The objects' field, where it is called otherwise. */
  name?: string
  /** What the filter's field says; without it there is none. */
  filter?: string
  /** Of a time: the key that is a UUIDv7 of it. */
  inKey?: Name
  /** Of a key that is a UUIDv7: the time that it is made of. */
  ofTime?: Name
}

type OfKind<Kind, Name> = Kind extends SortKind
  ? Line<Name> & {
      kind: Kind
      /** What the order says; lists can be ordered by it, as `name` or as the field in capitals. */
      order?: string | { name: string; description: string }
    } & MaybeShort<Kind>
  : Kind extends 'enum'
    ? Line<Name> & { kind: Kind; enum: Enum }
    : Line<Name> & { kind: Kind } & MaybeShort<Kind>

/** Characters of a text, or of a list of texts together, that no row has more of. */
type MaybeShort<Kind> = Kind extends 'text' | 'texts' ? { maxLength?: number } : unknown

type LineOf<Value, Name> = OfKind<KindOf<NonNullable<Value>>, Name> & MaybeNull<Value>

/** What is JSON may be null as well, so its type does not tell. */
type MaybeNull<Value> =
  KindOf<NonNullable<Value>> extends 'json'
    ? { nullable?: boolean }
    : null extends Value
      ? { nullable: true }
      : { nullable?: false }

/** A line for each column that objects show or lists are told apart by. */
export type Lines<Row> = { readonly [Name in keyof Row]?: LineOf<Row[Name], keyof Row> }

/** What all lines have in common, whatever their row. */
interface AnyLine extends Line<string> {
  kind: ColumnKind
  nullable?: boolean
  enum?: Enum
  order?: string | { name: string; description: string }
  maxLength?: number
}

/** A character takes four bytes in UTF-8 at most, and six where JSON escapes it. */
const BYTES_PER_CHARACTER = 6

const OUTPUT_TYPES = {
  uuid: 'UUID',
  text: 'String',
  texts: ['String'],
  time: 'DateTime',
  integer: 'Int',
  bigint: 'SafeInt',
  number: 'Float',
  decimal: 'Usd',
  boolean: 'Boolean',
  json: 'JSON',
} as const satisfies Record<Exclude<ColumnKind, 'enum'>, unknown>

/** What makes the fields of an object, of the kinds that show columns. */
interface FieldBuilder {
  expose(field: string, options: object): FieldRef<Types>
}

/** The columns of a type's rows, said once: its objects' fields, what lists are filtered and ordered by. */
export class Columns<Row> {
  readonly #lines: ReadonlyMap<string, AnyLine>

  constructor(lines: Lines<Row>) {
    this.#lines = new Map(Object.entries(lines))
  }

  column(field: keyof Row & string): Column {
    return this.#column(field)
  }

  /** A column that rows are ordered by. */
  sorted(field: keyof Row & string): SortField {
    return sortable(this.#column(field))
  }

  /** The fields that show them. */
  fields(t: FieldBuilder): Record<string, FieldRef<Types>> {
    return Object.fromEntries(
      [...this.#lines].flatMap(([field, { kind, nullable = false, description, name = field, ...line }]) => {
        if (description === undefined) return []
        const type = kind === 'enum' ? line.enum : OUTPUT_TYPES[kind]
        const { maxLength } = line
        const bound = maxLength === undefined ? {} : { maxBytes: BYTES_PER_CHARACTER * maxLength }
        const extensions: ReadInStatement = {
          read: () => ({ is: 'column', field, kind, nullable, ...bound }),
        }
        return [[name, t.expose(field, { type, nullable, description, extensions })]]
      }),
    )
  }

  /** The fields of the filter of their lists. */
  get filters(): FilterFields {
    return Object.fromEntries(
      [...this.#lines].flatMap(([field, { name = field, filter }]) =>
        filter === undefined ? [] : [[name, this.#filter(field, filter)]],
      ),
    )
  }

  /** The same by one of them, where it means something else. */
  filter(field: keyof Row & string, description: string): FilterField {
    return this.#filter(field, description)
  }

  /** What their lists can be ordered by. */
  get orders(): Orders['orders'] {
    return Object.fromEntries(
      [...this.#lines].flatMap(([field, { order, name = field }]) => {
        if (order === undefined) return []
        const said = typeof order === 'string' ? { name: inCapitals(name), description: order } : order
        return [[said.name, { ...sortable(this.#column(field)), description: said.description }]]
      }),
    )
  }

  /** The order by this column. */
  orderBy(field: keyof Row & string, direction: 'asc' | 'desc'): Orders['defaultOrder'] {
    const [name] = Object.entries(this.orders).find(([, order]) => order.field === field)!
    return { field: name, direction }
  }

  #filter(field: string, description: string): FilterField {
    const line = this.#lines.get(field)!
    return byColumn(
      {
        ...this.#column(field),
        ...(line.enum && { enum: line.enum }),
        ...(line.inKey && { inKey: this.#column(line.inKey) }),
        ...(line.ofTime && { ofTime: this.#column(line.ofTime) }),
      },
      description,
    )
  }

  #column(field: string): Column {
    const { kind, nullable } = this.#lines.get(field)!
    return { field, kind, ...(nullable && { nullable }) }
  }
}

function sortable(column: Column): SortField {
  const { kind } = column
  if (!isSortKind(kind)) throw new Error(`rows have no order by ${column.field}`)
  return { ...column, kind }
}

function inCapitals(name: string): string {
  return name.replace(/[A-Z]/g, '_$&').toUpperCase()
}
