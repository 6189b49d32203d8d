import { isObjectType } from 'graphql'
import { expect, it } from 'vitest'
import { getDatamodel } from '../../src/db/generated/pothos.ts'
import { schema } from '../../src/graphql/schema.ts'
import { type Column, type ColumnKind, columnName, RELATIONS, TABLES } from '../../src/reads/catalogue.ts'
import { useArc } from '../support/arc.ts'

const arc = useArc()

const { models } = getDatamodel().datamodel

/** What the database says of a table or view: its columns, and whether each may be missing. */
const columnsOf = (table: string) =>
  arc.sql('admin', async (client) => {
    const { rows } = await client.query<{ name: string; type: string; required: boolean; is_view: boolean }>(
      `select attname::text as name, format_type(atttypid, atttypmod) as type, attnotnull as required,
        relkind = 'v' as is_view
      from pg_attribute a join pg_class c on c.oid = attrelid
      where attrelid = $1::regclass and attnum > 0 and not attisdropped`,
      [`public.${table}`],
    )
    return new Map(rows.map((row) => [row.name, row]))
  })

const TYPES: Record<string, RegExp> = {
  String: /^(text|uuid|inet)(\[\])?$/,
  Boolean: /^boolean$/,
  Int: /^integer$/,
  BigInt: /^bigint$/,
  Float: /^double precision$/,
  Decimal: /^numeric/,
  DateTime: /^timestamp\(3\) with time zone$/,
  Json: /^jsonb$/,
}

it('has a table for each model', () => {
  expect(Object.keys(TABLES).sort()).toEqual(Object.keys(models).sort())
})

it.each(Object.entries(TABLES))('%s is what the database has', async (model, table) => {
  const columns = await columnsOf(table)
  const scalars = models[model]!.fields.filter(({ kind }) => kind === 'scalar')
  expect(scalars.length).toBeGreaterThan(0)
  for (const { name, type, isRequired, isList } of scalars) {
    const column = columns.get(columnName(name))
    expect(column, `${model}.${name}`).toBeDefined()
    expect(column!.type, `${model}.${name}`).toMatch(TYPES[type]!)
    expect(column!.type.endsWith('[]'), `${model}.${name}`).toBe(isList)
    // A view's columns never say that they are not null.
    if (!column!.is_view) expect(column!.required, `${model}.${name}`).toBe(isRequired)
  }
})

const KINDS: Record<ColumnKind, RegExp> = {
  uuid: /^uuid$/,
  text: /^(text|inet)$/,
  texts: /^text\[\]$/,
  enum: /^text$/,
  time: /^timestamp\(3\) with time zone$/,
  integer: /^integer$/,
  bigint: /^bigint$/,
  number: /^double precision$/,
  decimal: /^numeric/,
  boolean: /^boolean$/,
  json: /^jsonb$/,
}

/** The types of stored rows, each with what its fields say of their columns. */
const declared = Object.values(schema.getTypeMap()).flatMap((type) => {
  const model = type.extensions.pothosPrismaModel
  if (!isObjectType(type) || typeof model !== 'string') return []
  const columns = Object.values(type.getFields()).flatMap(({ extensions }) => {
    if (extensions.pothosExposedField === undefined) return []
    return [(extensions as unknown as { read(): Column }).read()]
  })
  return [[model, columns] as const]
})

it.each(declared)('what is said of the columns of %s is what the database says', async (model, columns) => {
  const stored = await columnsOf(TABLES[model]!)
  expect(columns.length).toBeGreaterThan(0)
  for (const { field, kind, nullable } of columns) {
    expect(stored.get(columnName(field))?.type, `${model}.${field}`).toMatch(KINDS[kind])
    const { isRequired } = models[model]!.fields.find(({ name }) => name === field)!
    expect(nullable, `${model}.${field}`).toBe(!isRequired)
  }
})

/** Of each column: how many characters the database lets it have. */
const lengthsIn = (table: string) =>
  arc.sql('admin', async (client) => {
    const { rows } = await client.query<{ said: string }>(
      `select pg_get_constraintdef(oid) as said from pg_constraint where conrelid = $1::regclass and contype = 'c'`,
      [table === 'outcomes' ? 'store.outcomes' : `public.${table}`],
    )
    const bounds = rows.flatMap(({ said }) => [...said.matchAll(/char_length\((\w+)\) <= (\d+)/g)])
    return new Map(bounds.map(([, column, most]) => [column!, Number(most)]))
  })

it('says of no text that it is shorter than the database lets it be', async () => {
  let compared = 0
  for (const [model, columns] of declared) {
    const bounds = await lengthsIn(TABLES[model]!)
    for (const { field, maxBytes } of columns as (Column & { maxBytes?: number })[]) {
      const most = bounds.get(columnName(field))
      if (most === undefined || maxBytes === undefined) continue
      // Escaped, a character takes six.
      expect(maxBytes, `${model}.${field}`).toBe(6 * most)
      compared++
    }
  }
  expect(compared).toBeGreaterThan(5)
})

it('knows the relations that filters use, each with columns that both tables have', async () => {
  expect(Object.keys(RELATIONS)).toEqual(
    expect.arrayContaining(['configVersion', 'outcome', 'scenario', 'simulation']),
  )
  for (const [name, { table, on }] of Object.entries(RELATIONS)) {
    const theirs = await columnsOf(table)
    for (const [, their] of on) expect(theirs.has(columnName(their)), `${name}: ${table}.${their}`).toBe(true)
  }
  expect(RELATIONS.outcome).toEqual({
    table: 'outcomes',
    on: [
      ['outcomeId', 'outcomeId'],
      ['executionTime', 'executionTime'],
    ],
    holdsMany: false,
  })
})
