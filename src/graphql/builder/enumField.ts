import type { EnumRef, FieldRef } from '@pothos/core'
import type { PrismaModelTypes } from '@pothos/plugin-prisma'
import type { builder } from './builder.ts'

type Types = typeof builder.$inferSchemaTypes

/** The columns of a row that hold what fits. */
type ColumnOf<Row, Fitting> = Extract<
  { [Column in keyof Row]: Row[Column] extends Fitting ? Column : never }[keyof Row],
  string
>

/**
 * A column of text that a check of the database holds to the values of an enum. Prisma takes it for any text; a value
 * that the enum has not would be an error of the field.
 */
export function enumField<
  Model extends PrismaModelTypes,
  Shape extends object,
  Value extends string,
  Nullable extends boolean = false,
>(
  t: PothosSchemaTypes.PrismaObjectFieldBuilder<Types, Model, Shape>,
  column: ColumnOf<Model['Shape'], Nullable extends true ? string | null : string>,
  options: { type: EnumRef<Types, Value>; nullable?: Nullable; description: string },
): FieldRef<Types, Nullable extends true ? Value | null : Value> {
  return t.expose(column as never, options as never)
}
