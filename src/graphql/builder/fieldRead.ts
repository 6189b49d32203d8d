import type { Member, PageMember, Part } from '../../reads/answers/parts.ts'

/** A field of an operation, for what says how it is read. */
export interface PlannedField<Args = Record<string, unknown>, Told = unknown> {
  args: Args
  /** What a field that it stands below tells it; of several the nearest. */
  told: Told
  /** What is asked of the object that it shows; `type` where the schema says an interface. `told`: to all fields below. */
  members(type?: string, told?: unknown): Member[]
  /** What is asked of the connection that it shows. `told`: to all fields below. */
  page(told?: unknown): PageMember[]
  /** Writes a computed value of the field's type, with what is asked of it, as JSON. */
  writer(): (value: unknown) => string
  /** The time that it is asked at. */
  now(): Date
}

/**
 * How a field is read in the statement that answers its whole operation; in its `extensions`. Its resolver, which answers
 * where that statement is not made, says the same. May throw Refusal: then the resolver answers, with the same refusal.
 */
export type ReadInStatement = {
  /** See http/limits/operationCost.ts. */
  cost?: number
  page?: true
  /** It shows a row by its key, which is its one argument. */
  byKey?: true
  // biome-ignore lint/suspicious/noExplicitAny: the arguments are those that the field declares
  read: (field: PlannedField<any, any>) => Part
}
