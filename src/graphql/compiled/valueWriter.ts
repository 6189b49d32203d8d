import {
  defaultFieldResolver,
  type FieldNode,
  type GraphQLLeafType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLResolveInfo,
  getArgumentValues,
  getNamedType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  type SelectionSetNode,
} from 'graphql'
import { stringifyExactly } from '../../exactNumbers.ts'
import { NotCompiled } from './notCompiled.ts'
import { type Asked, fieldsOf } from './selections.ts'

/** Writes a value as JSON. It throws where graphql-js has words of its own: then the resolvers answer. */
export type WriteValue = (value: unknown) => string

/**
 * What writes computed values of this type as they are asked for, by the resolvers of their fields. These know nothing but the
 * value and their arguments: what reads something, or waits, is not for it.
 *
 * @throws NotCompiled
 */
export function valueWriter(asked: Asked, type: GraphQLOutputType, nodes: readonly FieldNode[]): WriteValue {
  if (isNonNullType(type)) {
    const write = valueWriter(asked, type.ofType, nodes)
    return (value) => {
      if (value === null || value === undefined) throw new Error(`a value of ${type} is null`)
      return write(value)
    }
  }
  const write = writerOf(asked, type, nodes)
  return (value) => (value === null || value === undefined ? 'null' : write(value))
}

function writerOf(asked: Asked, type: GraphQLOutputType, nodes: readonly FieldNode[]): WriteValue {
  if (isListType(type)) {
    const write = valueWriter(asked, type.ofType, nodes)
    return (items) => `[${Array.from(items as Iterable<unknown>, write).join(',')}]`
  }
  if (isLeafType(type)) return (value) => leafJson(type, value)
  if (isObjectType(type)) return objectWriter(asked, type, nodes)
  throw new NotCompiled(String(type))
}

function leafJson(type: GraphQLLeafType, value: unknown): string {
  return stringifyExactly(type.serialize(value))
}

function objectWriter(asked: Asked, type: GraphQLObjectType, nodes: readonly FieldNode[]): WriteValue {
  const sets = nodes.flatMap(({ selectionSet }) => (selectionSet ? [selectionSet as SelectionSetNode] : []))
  const members = [...fieldsOf(asked, type, sets)].map(([key, found]): [string, WriteValue] => {
    const [node] = found as [FieldNode, ...FieldNode[]]
    const { value: name } = node.name
    if (name === '__typename') return [key, () => JSON.stringify(type.name)]
    const field = type.getFields()[name]
    // An id among the arguments may stand for that of a variable: see compiledQuery.ts.
    if (!field || field.args.some((arg) => getNamedType(arg.type).name === 'UUID'))
      throw new NotCompiled(`${type.name}.${name}`)
    const args = getArgumentValues(field, node, asked.variables as Record<string, unknown>)
    const { resolve = defaultFieldResolver } = field
    const write = valueWriter(asked, field.type, found)
    const info = { fieldName: name } as GraphQLResolveInfo
    return [
      key,
      (value) => {
        const result: unknown = resolve(value, args, undefined, info)
        if (result instanceof Promise) throw new Error(`${type.name}.${name} is not there at once`)
        return write(result)
      },
    ]
  })
  return (value) => `{${members.map(([key, write]) => `"${key}":${write(value)}`).join(',')}}`
}
