import sql, { empty, join, type Sql } from 'sql-template-tag'
import type { Statement } from '../../db/tenantTransaction.ts'
import { identifier, integerLiteral, textLiteral } from '../catalogue.ts'
import type { SortField } from '../keyset.ts'
import { fieldsWithout, pageWithBeside, rowOn } from './beside.ts'
import { Computed, SEPARATOR } from './computed.ts'
import {
  type ColumnPart,
  type EdgeMember,
  type ListPart,
  type Member,
  type PageMember,
  type PagePart,
  type Part,
  Row,
  type RowPart,
  type RowsPart,
} from './parts.ts'
import { mostBytesOf } from './weight.ts'

/** Stands where a value is missing that has to be there. JSON escapes it in texts, so it is in no other place. */
export const MISSING = '\u0001'

/** How long the texts of an answer may become. */
export interface MostBytes {
  /** Those of one page or list together. */
  page: number
  /** A single value. */
  value: number
}

/**
 * PostgreSQL holds three rows at a time while it measures a page. Where they do not fit into its work_mem (4 MB by default) it
 * makes all of them and writes them to disk before it goes on.
 */
const LONGEST_ROW = 1024 * 1024
/** How much longer the text of JSON may be than it is where it is stored. */
const INFLATED = 256

const MISSING_MARK = sql`chr(${integerLiteral(MISSING.charCodeAt(0))})`

/** A text in parts: as they stand, or as what an expression gives; null gives nothing. */
type Piece = string | Sql

/**
 * A statement that selects one value of an answer, as JSON. It fails with SQLSTATE 54000 as soon as a text becomes longer than
 * `most` allows. Its text depends on the parts' shape alone, but for the length of pages. `inSteps`: see ../byTime.ts.
 */
export function answerStatement(part: Part, most: MostBytes, inSteps = false): AnswerStatement {
  return new AnswerWriter(most, inSteps).statement(part)
}

export interface AnswerStatement extends Statement {
  /** What its text is completed by; absent where that is the answer. */
  computed?: Computed
}

/** Writes one answer: the rows that are read have aliases with numbers. */
class AnswerWriter {
  readonly #most: MostBytes
  readonly #inSteps: boolean
  readonly #computed = new Computed()
  #aliases = 0
  #isGeneral = true

  constructor(most: MostBytes, inSteps: boolean) {
    this.#most = most
    this.#inSteps = inSteps
  }

  statement(part: Part): AnswerStatement {
    const pieces = this.#part(part, new Row('nothing', this.#inSteps))
    for (const source of this.#computed.sources)
      pieces.push(
        SEPARATOR,
        bounded(
          source.text(() => this.#row()),
          this.#most.value,
        ),
      )
    const { text, values } = sql`/* answer */ select ${concatenated(pieces)} as answer`
    const statement = { text, values, isGeneral: this.#isGeneral }
    return this.#computed.isEmpty ? statement : { ...statement, computed: this.#computed }
  }

  #row(): Row {
    this.#aliases++
    return new Row(`r${this.#aliases}`, this.#inSteps)
  }

  #part(part: Part, row: Row): Piece[] {
    switch (part.is) {
      case 'literal':
        return [part.json]
      case 'column':
        return columnJson(row.column(part.field), part, this.#most.value)
      case 'enum': {
        const value = row.column(part.field)
        const names = [...part.names].map(
          ([stored, name]) => sql`when ${textLiteral(stored)} then ${textLiteral(`"${name}"`)}`,
        )
        const none = part.nullable
          ? sql`case when ${value} is null then 'null' else ${MISSING_MARK} end`
          : MISSING_MARK
        return [sql`case ${value} ${join(names, ' ')} else ${none} end`]
      }
      case 'globalId':
        return ['"', inBase64([`${part.type}:`, ...keyText(part.keys, row)]), '"']
      case 'sql':
        return [
          orMissing(part.isHuge ? bounded(part.json(row), this.#most.value) : part.json(row), part.nullable),
        ]
      case 'row':
        return [this.#related(part, row)]
      case 'rows':
        return this.#rows(part)
      case 'list':
        return this.#list(part, row)
      case 'page':
        return [sql`(${this.#page(part, row)})`]
      case 'computed': {
        const [before, after] = this.#computed.add(part)
        const place = part.place?.(row) ?? ''
        const isMeasured = part.isLong && typeof place !== 'string'
        return [before, isMeasured ? bounded(place, this.#most.value) : place, after]
      }
    }
  }

  #object(members: readonly Member[], row: Row): Piece[] {
    return braced(members, ({ part }) => this.#part(part, row))
  }

  #related({ from, members, nullable }: RowPart, outer: Row): Sql {
    const own = this.#row()
    return orMissing(
      sql`(select ${concatenated(this.#object(members, own))} from ${from(own, outer)})`,
      nullable,
    )
  }

  #rows({ count, tables }: RowsPart): Piece[] {
    if (tables.length === 0) return ['[]']
    const text = identifier('t0')
    const found = tables.map(({ table, keys, places, values, members }) => {
      const own = this.#row()
      const object = concatenated(this.#object(members, own))
      const names = keys.map((_, index) => identifier(`k${index}`))
      const lists = keys.map(
        ({ kind }, at) => sql`${values.map((each) => each[at])}::${identifier(SQL_TYPES[kind])}[]`,
      )
      const on = keys.map(({ field }, at) => [field, sql`wanted.${names[at]}`] as const)
      return sql`select wanted.place, ${object} as ${text}
        from unnest(${places}::int[], ${join(lists, ', ')}) as wanted(place, ${join(names, ', ')})
        join ${rowOn(table, own, on)}`
    })
    const rows = this.#sized(join(found, ' union all '), [text])
    const all = sql`select string_agg(coalesce(sized.${fitting(text)}, 'null'), ',' order by places.place)
      from generate_series(1, ${count}::int) as places(place) left join (${rows}) sized on sized.place = places.place`
    return ['[', sql`(${all})`, ']']
  }

  /** Rows of texts in an order, each text as `fitting` names it: with all before it, it is no longer than a page may be. */
  #sized(rows: Sql, texts: readonly Sql[]): Sql {
    if (texts.length === 0) return rows
    const bytes = join(
      texts.map((name) => sql`coalesce(octet_length(${name}), 0)`),
      ' + ',
    )
    const total = sql`sum(bytes) over (rows unbounded preceding)`
    const most = integerLiteral(this.#most.page)
    const fit = texts.map(
      (name) => sql`case when ${total} > ${most} then ${tooLong(total)} else ${name} end as ${fitting(name)}`,
    )
    // `offset 0`: pulled up, each text would be made twice, for the answer and for its length; and a row would be held before
    // it is known how long it is.
    return sql`select measured.*, ${join(fit, ', ')} from (
      select texts.*, case when ${bytes} > ${integerLiteral(LONGEST_ROW)} then ascii(${tooLong(bytes)}) else ${bytes} end as bytes
      from (${rows} offset 0) texts offset 0
    ) measured`
  }

  #list({ from, members, unless }: ListPart, outer: Row): Piece[] {
    const own = this.#row()
    const text = identifier('t0')
    const object = concatenated(this.#object(members, own))
    const rows = this.#sized(sql`select ${object} as ${text} from ${from(own, outer)}`, [text])
    const pieces: Piece[] = ['[', sql`(select string_agg(${fitting(text)}, ',') from (${rows}) sized)`, ']']
    return unless ? [sql`case when ${unless} then ${MISSING_MARK} else ${concatenated(pieces)} end`] : pieces
  }

  /** A SELECT of the connection's text. */
  #page(page: PagePart, outer: Row): Sql {
    const { members, size, fromEnd } = page
    this.#isGeneral &&= page.isGeneral
    const row = this.#row()
    const infos = members.flatMap((member) => (member.shows === 'pageInfo' ? member.members : []))
    // Whether there is more is told by one row beyond the page.
    const beyond = fromEnd ? 'hasPreviousPage' : 'hasNextPage'
    const isNumbered = page.numberedFrom !== undefined
    const asksForMore = !isNumbered && infos.some(({ shows }) => shows === beyond)
    const asksForEnds = infos.some(({ shows }) => shows === 'startCursor' || shows === 'endCursor')
    const texts = new Map(
      members
        .filter(({ shows }) => shows === 'nodes' || shows === 'edges')
        .map((member, index) => [
          member,
          { name: identifier(`t${index}`), text: this.#textOf(member, page, row) },
        ]),
    )
    const columns = [...texts.values()]
    if (asksForEnds)
      columns.push({ name: identifier('cursor'), text: concatenated(cursorJson(page.sort, row)) })

    if (isNumbered && infos.some(({ shows }) => shows === 'hasNextPage' || shows === 'hasPreviousPage'))
      columns.push({ name: identifier('number'), text: row.column('number') })

    // Rows that cannot be too long together are not measured.
    const rowBytes = members.reduce((most, member) => most + bytesOf(member), 0)
    const isShort = rowBytes * size <= this.#most.page
    const shownAs = (name: Sql) => (isShort ? name : fitting(name))
    const aggregate = (member: PageMember): Piece[] => {
      switch (member.shows) {
        case 'literal':
          return [member.json]
        case 'totalCount':
          return [sql`(${page.count(outer)})`]
        case 'part':
          return this.#part(member.part, outer)
        case 'pageInfo':
          return braced(member.members, (info) =>
            info.shows === 'literal' ? [info.json] : [pageInfo(page, info.shows, outer)],
          )
        default:
          return [
            '[',
            sql`string_agg(${shownAs(texts.get(member)!.name)}, ','${fromEnd ? sql` order by n desc` : empty})`,
            ']',
          ]
      }
    }
    const object = concatenated(braced(members, aggregate))
    // Otherwise the rows are looked at even if nothing is shown of them: who may not read them hears of it.
    const isCounted = members.some(({ shows }) => shows === 'totalCount' || shows === 'part')
    if (isCounted && columns.length === 0 && !asksForMore) return sql`select ${object}`

    const inPage = (text: Sql) =>
      asksForMore
        ? sql`case when ${identifier(`${row.alias}.n`)} <= ${integerLiteral(size)} then ${text} end`
        : text
    const shown = columns.map(({ name, text }) => sql`, ${inPage(text)} as ${name}`)
    const fields = [...new Set([...row.fields, ...page.sort.map(({ field }) => field)])]
    const beside = page.beside && fields.includes(page.beside.field) ? page.beside : undefined
    const rows = page.rows(
      outer,
      beside ? fieldsWithout(beside, fields) : fields,
      asksForMore ? size + 1 : size,
    )
    const numbered = sql`select page.*, row_number() over () as n from (${rows}) page`
    const shownRows = sql`select n${shown.length > 0 ? join(shown, '') : empty} from (
        ${beside ? pageWithBeside(beside, numbered, size) : numbered}
      ) ${identifier(row.alias)}`
    const names = [...texts.values()].map(({ name }) => name)
    // `having`: it is one row also where nothing is summed up, and without a count PostgreSQL would not even look whether
    // the rows may be read.
    const read = isShort ? shownRows : this.#sized(shownRows, names)
    return sql`select ${object} from (${read}) page having count(*) >= 0`
  }

  #textOf(member: PageMember, { sort }: PagePart, row: Row): Sql {
    if (member.shows === 'nodes') return concatenated(this.#object(member.members, row))
    const edges = (member as { members: readonly EdgeMember[] }).members
    return concatenated(
      braced(edges, (edge) => {
        switch (edge.shows) {
          case 'literal':
            return [edge.json]
          case 'cursor':
            return cursorJson(sort, row)
          case 'node':
            return this.#object(edge.members, row)
        }
      }),
    )
  }
}

/** What a row of the page takes at most. */
function bytesOf(member: PageMember): number {
  if (member.shows === 'nodes') return mostBytesOf(member.members)
  if (member.shows !== 'edges') return 0
  const edges = member.members.map((edge) =>
    edge.shows === 'node' ? mostBytesOf(edge.members) : CURSOR_BYTES,
  )
  return edges.reduce((sum, bytes) => sum + bytes, 0)
}

/** A cursor may have a text in it that rows are ordered by, twice as long in Base64. */
const CURSOR_BYTES = 8 * 1024

/** What a text is called that fits into its page. */
function fitting(text: Sql): Sql {
  return sql`${text}_fits`
}

/** The text, unless it is too long. */
function bounded(text: Sql, most: number): Sql {
  // `offset 0`: pulled up, it would be made twice.
  return sql`(select case when octet_length(long) > ${integerLiteral(most)} then ${tooLong(sql`octet_length(long)`)} else long end
    from (select ${text} as long offset 0) made)`
}

/**
 * Fails where it is evaluated, with SQLSTATE 54000, as what is too large for PostgreSQL does by itself. `bytes` must not be a
 * constant: then it would fail when it is planned.
 */
function tooLong(bytes: Sql): Sql {
  return sql`chr(least(0, ${bytes})::int)`
}

function pageInfo(
  { size, fromEnd, isCut, numberedFrom, count }: PagePart,
  shows: 'hasNextPage' | 'hasPreviousPage' | 'startCursor' | 'endCursor',
  outer: Row,
): Piece {
  if (numberedFrom !== undefined) {
    const start = integerLiteral(numberedFrom)
    if (shows === 'hasPreviousPage') return sql`(coalesce(min(number) > ${start}, false))::text`
    if (shows === 'hasNextPage')
      return sql`(coalesce(max(number) < (${count(outer)}) + ${start} - 1, false))::text`
  }
  if (shows === 'hasNextPage' || shows === 'hasPreviousPage') {
    const isBeyond = (shows === 'hasPreviousPage') === fromEnd
    if (!isBeyond) return String(isCut)
    return sql`case when count(*) > ${integerLiteral(size)} then 'true' else 'false' end`
  }
  const isFirstRead = (shows === 'endCursor') === fromEnd
  const place = isFirstRead ? sql`1` : sql`least(count(*), ${integerLiteral(size)})::int`
  return sql`coalesce((array_agg(cursor order by n))[${place}], 'null')`
}

function columnJson(value: Sql, { kind, nullable, maxBytes }: ColumnPart, most: number): Piece[] {
  const isShort = maxBytes !== undefined && maxBytes <= most
  // What is short where it is stored is not measured.
  const unlessLong = (text: Sql) =>
    isShort
      ? text
      : sql`case when pg_column_size(${value}) > ${integerLiteral(Math.floor(most / INFLATED))} then ${bounded(text, most)} else ${text} end`
  switch (kind) {
    case 'uuid':
      return nullable ? [orMissing(sql`'"' || ${value} || '"'`, true)] : ['"', value, '"']
    case 'time': {
      // The session's zone is UTC.
      const text = sql`to_char(${value}, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`
      return nullable ? [orMissing(sql`'"' || ${text} || '"'`, true)] : ['"', text, '"']
    }
    case 'bigint':
      return [
        orMissing(
          sql`case when ${value} between -9007199254740991 and 9007199254740991 then ${value}::text when ${value} is not null then ${MISSING_MARK} end`,
          nullable,
        ),
      ]
    case 'decimal':
      return [orMissing(sql`trim_scale(${value})::text`, nullable)]
    case 'text': {
      const length = sql`octet_length(${value})`
      const json = sql`to_json(${value})::text`
      const checked = isShort
        ? json
        : sql`case when ${length} > ${integerLiteral(most)} then ${tooLong(length)} else ${json} end`
      return [orMissing(checked, nullable)]
    }
    case 'json':
      return [orMissing(unlessLong(sql`${value}::text`), nullable)]
    case 'texts': {
      // Each of its texts has to be there.
      const json = sql`case when array_position(${value}, null) is null then to_json(${value})::text else ${MISSING_MARK} end`
      return [orMissing(unlessLong(json), nullable)]
    }
    default:
      return [orMissing(sql`${value}::text`, nullable)]
  }
}

/** What stands for a value that is not there. */
function orMissing(text: Sql, nullable: boolean): Sql {
  return sql`coalesce(${text}, ${nullable ? sql`'null'` : MISSING_MARK})`
}

function cursorJson(sort: readonly SortField[], row: Row): Piece[] {
  const values = sort.flatMap(({ field, kind, nullable }) => [
    ',',
    sortText(row.column(field), kind, nullable),
  ])
  return ['"', inBase64url([`[${JSON.stringify(sort[0]!.field)}`, ...values.flat(), ']']), '"']
}

function keyText(keys: readonly SortField[], row: Row): Piece[] {
  const [first, ...others] = keys
  if (others.length === 0) return [row.column(first!.field)]
  const values = keys.flatMap(({ field, kind }, index) => [
    index === 0 ? '' : ',',
    sortText(row.column(field), kind),
  ])
  return ['[', ...values.flat(), ']']
}

/** A value as keyset.ts and global ids write it: as JSON's text, whatever it is. */
function sortText(value: Sql, kind: SortField['kind'], nullable = false): Piece {
  const text = {
    time: () => sql`'"' || to_char(${value}, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') || '"'`,
    text: () => sql`to_json(${value})::text`,
    decimal: () => sql`'"' || trim_scale(${value}) || '"'`,
    number: () => sql`'"' || ${value} || '"'`,
    integer: () => sql`'"' || ${value} || '"'`,
    bigint: () => sql`'"' || ${value} || '"'`,
    uuid: () => sql`'"' || ${value} || '"'`,
  }[kind]()
  return orMissing(text, nullable)
}

const SQL_TYPES: Readonly<Record<SortField['kind'], string>> = {
  uuid: 'uuid',
  text: 'text',
  time: 'timestamptz',
  integer: 'int4',
  bigint: 'int8',
  number: 'float8',
  decimal: 'numeric',
}

function inBase64(pieces: readonly Piece[]): Sql {
  // PostgreSQL breaks lines after 76 characters.
  return sql`translate(encode(convert_to(${concatenated(pieces)}, 'UTF8'), 'base64'), chr(10), '')`
}

function inBase64url(pieces: readonly Piece[]): Sql {
  return sql`translate(encode(convert_to(${concatenated(pieces)}, 'UTF8'), 'base64'), '+/=' || chr(10), '-_')`
}

function braced<Keyed extends { key: string }>(
  members: readonly Keyed[],
  piecesOf: (member: Keyed) => Piece[],
): Piece[] {
  const pieces: Piece[] = ['{']
  for (const [index, member] of members.entries()) {
    pieces.push(`${index === 0 ? '' : ','}"${member.key}":`, ...piecesOf(member))
  }
  return [...pieces, '}']
}

/** PostgreSQL takes 100 arguments. */
const MOST_ARGUMENTS = 90

/** All of it as one text. */
function concatenated(pieces: readonly Piece[]): Sql {
  const merged: Piece[] = []
  for (const piece of pieces) {
    const last = merged.at(-1)
    if (typeof piece === 'string' && typeof last === 'string') merged[merged.length - 1] = last + piece
    else if (piece !== '') merged.push(piece)
  }
  const args = merged.map((piece) => (typeof piece === 'string' ? textLiteral(piece) : piece))
  if (args.length <= MOST_ARGUMENTS) return sql`concat(${args.length > 0 ? join(args, ', ') : sql`''`})`
  const parts: Sql[] = []
  for (let at = 0; at < args.length; at += MOST_ARGUMENTS)
    parts.push(concatenated(args.slice(at, at + MOST_ARGUMENTS)))
  return concatenated(parts)
}
