import type PrismaTypes from '../../db/generated/pothos.ts'
import { getDatamodel } from '../../db/generated/pothos.ts'
import { rowWith } from '../../reads/answers/pages.ts'
import type { Part } from '../../reads/answers/parts.ts'
import { TABLES } from '../../reads/catalogue.ts'
import { all, equal, type Value } from '../../reads/condition.ts'
import { DECODE, MAX_CURSOR_LENGTH, type SortField } from '../../reads/keyset.ts'
import { Refusal } from '../../refusal.ts'
import type { PlannedField } from './fieldRead.ts'

/** A type whose rows have global ids. */
interface Identified {
  model: keyof PrismaTypes
  table: string
  /** The fields of its key, in the order that its global ids have them. */
  keys: readonly SortField[]
}

const byType = new Map<string, Identified>()

export function registerKeys(type: string, model: keyof PrismaTypes, keys: readonly SortField[]): void {
  const { primaryKey } = (getDatamodel() as { datamodel: { models: Models } }).datamodel.models[model]!
  const inOrder = primaryKey?.fields.map((name) => keys.find(({ field }) => field === name)!) ?? keys
  byType.set(type, { model, table: TABLES[model]!, keys: inOrder })
}

export function identified(type: string): Identified {
  return byType.get(type)!
}

type Models = Record<string, { primaryKey: { fields: readonly string[] } | null }>

/**
 * Type and key of a global id. The database would end the whole operation for a key that is none.
 *
 * @throws Refusal BAD_USER_INPUT for text that is no global id of this server.
 */
export function decodeGlobalId(globalId: string): { typename: string; id: string } {
  const { typename, id } = partsOfGlobalId(globalId)
  return { typename, id }
}

/** The same with the values of the key, one by one. */
function partsOfGlobalId(globalId: string): { typename: string; id: string; values: Value[] } {
  const text = globalId.length > MAX_CURSOR_LENGTH ? '' : Buffer.from(globalId, 'base64').toString('utf8')
  const [, typename, id] = /^(\w+):(.+)$/s.exec(text) ?? []
  const keys = typename === undefined ? undefined : byType.get(typename)?.keys
  try {
    const parts: unknown = keys!.length === 1 ? [id] : JSON.parse(id!)
    if (!Array.isArray(parts) || parts.length !== keys!.length) throw new Error('another key')
    const values = keys!.map(({ kind }, index) => {
      if (typeof parts[index] !== 'string') throw new Error('no text')
      return DECODE[kind](parts[index])
    })
    // Pothos tells rows apart by this text.
    return { typename: typename!, id: keys!.length === 1 ? String(values[0]) : id!, values }
  } catch {
    throw new Refusal(
      'BAD_USER_INPUT',
      'This is not a global id of this server: take it from the field `id`.',
    )
  }
}

/** How `node` is read. */
export function readNode({ args: { id }, members }: PlannedField<{ id: string }>): Part {
  const { typename, values } = partsOfGlobalId(id)
  const { table, keys } = identified(typename)
  const key = keys.map((column, index) => equal(column, values[index]!))
  return rowWith(table, all(...key), members(typename))
}

/** How `nodes` is read: each table once. */
export function readNodes({ args: { ids }, members }: PlannedField<{ ids: string[] }>): Part {
  const nodes = ids.map((id, index) => ({ ...partsOfGlobalId(id), place: index + 1 }))
  const tables = [...new Set(nodes.map(({ typename }) => typename))].map((typename) => {
    const ofType = nodes.filter((node) => node.typename === typename)
    const places = ofType.map(({ place }) => place)
    return {
      ...identified(typename),
      places,
      values: ofType.map(({ values }) => values),
      members: members(typename),
    }
  })
  return { is: 'rows', count: ids.length, tables }
}
