import type { Sql } from 'sql-template-tag'
import { type Beside, type ColumnKind, column } from '../catalogue.ts'
import type { Condition } from '../condition.ts'
import { conditionSql, fieldsOf } from '../conditionSql.ts'
import type { SortField } from '../keyset.ts'

/** A key of an object of the answer, and what stands behind it. */
export interface Member {
  key: string
  part: Part
}

/** The rows that a part is read of, under an alias; it knows which of their fields are read. */
export class Row {
  readonly alias: string
  /** Whether what lies in parts is read from one stretch of time after another: see ../byTime.ts. */
  readonly inSteps: boolean
  readonly #fields = new Set<string>()

  constructor(alias: string, inSteps: boolean) {
    this.alias = alias
    this.inSteps = inSteps
  }

  column(field: string): Sql {
    this.#fields.add(field)
    return column(field, this.alias)
  }

  /** A condition on them. */
  fulfils(condition: Condition): Sql {
    for (const field of fieldsOf(condition)) this.#fields.add(field)
    return conditionSql(condition, this.alias)
  }

  get fields(): readonly string[] {
    return [...this.#fields]
  }
}

/** One value of the answer, of the row that it stands under. */
export type Part =
  | LiteralPart
  | ColumnPart
  | EnumPart
  | GlobalIdPart
  | SqlPart
  | RowPart
  | RowsPart
  | PagePart
  | ListPart
  | ComputedPart

/** The same for every row. */
interface LiteralPart {
  is: 'literal'
  json: string
}

export interface ColumnPart {
  is: 'column'
  field: string
  kind: ColumnKind
  nullable: boolean
  /** Whether it may be megabytes. */
  isHuge?: true
  /** Of a text or list of texts: what its JSON takes at most. */
  maxBytes?: number
}

/** A column of text whose values GraphQL has other names for. */
interface EnumPart {
  is: 'enum'
  field: string
  names: ReadonlyMap<string, string>
  nullable: boolean
}

interface GlobalIdPart {
  is: 'globalId'
  type: string
  keys: readonly SortField[]
}

/** What is computed from the row. */
export interface SqlPart {
  is: 'sql'
  /** An expression of its JSON as text; null where there is no value. */
  json(row: Row): Sql
  nullable: boolean
  /** Whether it may be megabytes. */
  isHuge?: true
}

/** Another row, which hangs on this one. */
export interface RowPart {
  is: 'row'
  /** Behind FROM: the row under the alias `own`, which knows what is read of it, and the condition that finds it. */
  from(own: Row, outer: Row): Sql
  members: readonly Member[]
  nullable: boolean
}

/** Rows of any tables by their keys, as a list; null where there is none. */
export interface RowsPart {
  is: 'rows'
  count: number
  tables: readonly KeyedRows[]
}

interface KeyedRows {
  table: string
  keys: readonly SortField[]
  /** Where in the list, from 1. */
  places: readonly number[]
  /** The keys' values for each of these. */
  values: readonly (readonly unknown[])[]
  members: readonly Member[]
}

/** What is computed once the statement has been read: statistics, alignments, differences. See computed.ts. */
export interface ComputedPart {
  is: 'computed'
  /** Computes it, with the values of all other parts that it is of. */
  of: Computation
  /** An expression of a text: which of the values, or what it is computed of, as JSON. Without one there is one value. */
  place?(row: Row): Sql
  /** Whether that may be kilobytes. */
  isLong?: true
  /** The value as JSON. */
  json(value: unknown): string
}

export interface Computation {
  source?: Source
  /**
   * The values of these places, in their order. `source`: what was read of it; '' without one. `operation`: what is shared by
   * all that is computed for it. Whatever it throws, the resolvers answer.
   */
  values(places: readonly string[], source: string, operation: object): Promise<readonly unknown[]>
}

/** What all values of a computation are computed of: read once in a statement, however many computations it is for. */
export interface Source {
  /** An expression of a text, which may be megabytes. `row`: makes the alias of rows that it reads. */
  text(row: () => Row): Sql
  /** How often it reads tables. */
  reads: number
  /** How many values that may be megabytes it puts together. */
  huge: number
}

/** Objects that are listed as they are, without pages. */
export interface ListPart {
  is: 'list'
  /** Behind FROM: the rows under this alias, in order. */
  from(own: Row, outer: Row): Sql
  members: readonly Member[]
  /** A condition for which resolvers have words of their own. */
  unless?: Sql
}

/** A page of rows, as a connection. */
export interface PagePart {
  is: 'page'
  /** A SELECT of these fields' columns of so many rows, in the order that they are read in. */
  rows(outer: Row, fields: readonly string[], limit: number): Sql
  /** A column that those rows do not have, and lies beside their table. */
  beside?: Beside | undefined
  /** A SELECT of the number of all rows. */
  count(outer: Row): Sql
  /** Whether one plan is good for it, whatever the values of its conditions. */
  isGeneral: boolean
  sort: readonly SortField[]
  size: number
  /** The rows are read from the end: the last of the page comes first. */
  fromEnd: boolean
  /** Whether the page was cut by a cursor on the side that it is not read towards. */
  isCut: boolean
  /** The rows are numbered from here on in their field `number`, without a gap: that tells what comes before and behind. */
  numberedFrom?: 0 | 1
  /** Whether its rows are cut out of a value that may be megabytes. */
  isHuge?: boolean
  members: readonly PageMember[]
}

export type PageMember =
  | { key: string; shows: 'nodes'; members: readonly Member[] }
  | { key: string; shows: 'edges'; members: readonly EdgeMember[] }
  | { key: string; shows: 'pageInfo'; members: readonly PageInfoMember[] }
  | { key: string; shows: 'totalCount' }
  /** What is said of the whole list, of the row that it stands under. */
  | { key: string; shows: 'part'; part: Part }
  | TypenameMember

export type EdgeMember =
  | { key: string; shows: 'cursor' }
  | { key: string; shows: 'node'; members: readonly Member[] }
  | TypenameMember

export type PageInfoMember =
  | { key: string; shows: 'hasNextPage' | 'hasPreviousPage' | 'startCursor' | 'endCursor' }
  | TypenameMember

interface TypenameMember {
  key: string
  shows: 'literal'
  json: string
}
