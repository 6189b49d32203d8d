import {
  type FieldNode,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLOutputType,
  getArgumentValues,
  getNamedType,
  isEnumType,
  isNonNullType,
  isObjectType,
  type SelectionSetNode,
} from 'graphql'
import type { EdgeMember, Member, PageInfoMember, PageMember, Part } from '../../reads/answers/parts.ts'
import type { PlannedField, ReadInStatement } from '../builder/fieldRead.ts'
import { identified } from '../builder/globalId.ts'
import { NotCompiled } from './notCompiled.ts'
import { type Asked, fieldsOf } from './selections.ts'
import { valueWriter } from './valueWriter.ts'

type Field = GraphQLField<unknown, unknown>

/** What the answer to one field of the root is made of. @throws NotCompiled, Refusal */
export function planAnswer(asked: Asked, root: GraphQLObjectType, nodes: readonly FieldNode[]): Part {
  return new AnswerPlan(asked).part(root, nodes)
}

class AnswerPlan {
  readonly #asked: Asked

  constructor(asked: Asked) {
    this.#asked = asked
  }

  part(parent: GraphQLObjectType, nodes: readonly FieldNode[], told?: unknown): Part {
    const [node] = nodes as [FieldNode, ...FieldNode[]]
    const name = node.name.value
    if (name === '__typename') return { is: 'literal', json: JSON.stringify(parent.name) }
    const field = parent.getFields()[name]
    if (!field) throw new NotCompiled(`${parent.name}.${name}`)
    const { read } = field.extensions as Partial<ReadInStatement>
    if (read) return asDeclared(read(this.#planned(field, nodes, told)), field)
    if (name === 'id' && parent.extensions.pothosPrismaModel)
      return { is: 'globalId', type: parent.name, keys: identified(parent.name).keys }
    throw new NotCompiled(`${parent.name}.${name}`)
  }

  #planned(field: Field, nodes: readonly FieldNode[], told: unknown): PlannedField {
    const { variables } = this.#asked
    return {
      args: getArgumentValues(field, nodes[0]!, variables as Record<string, unknown>),
      told,
      members: (type, more = told) =>
        this.#members(type === undefined ? typeOf(field) : this.#typeNamed(type), nodes, more),
      page: (more = told) => this.#page(typeOf(field), nodes, more),
      writer: () => valueWriter(this.#asked, field.type, nodes),
      now: this.#asked.now,
    }
  }

  #typeNamed(name: string): GraphQLObjectType {
    return this.#asked.schema.getType(name) as GraphQLObjectType
  }

  #fields(
    type: GraphQLObjectType,
    nodes: readonly FieldNode[],
  ): [key: string, nodes: FieldNode[], name: string][] {
    const sets = nodes.flatMap(({ selectionSet }) => (selectionSet ? [selectionSet as SelectionSetNode] : []))
    return [...fieldsOf(this.#asked, type, sets)].map(([key, found]) => [key, found, found[0]!.name.value])
  }

  #members(type: GraphQLObjectType, nodes: readonly FieldNode[], told: unknown): Member[] {
    return this.#fields(type, nodes).map(([key, found]) => ({ key, part: this.part(type, found, told) }))
  }

  #page(connection: GraphQLObjectType, nodes: readonly FieldNode[], told: unknown): PageMember[] {
    const typeIn = (name: string) => typeOf(connection.getFields()[name]!)
    return this.#fields(connection, nodes).map(([key, found, name]): PageMember => {
      switch (name) {
        case '__typename':
          return typename(key, connection)
        case 'nodes':
          return { key, shows: 'nodes', members: this.#members(typeIn(name), found, told) }
        case 'edges':
          return { key, shows: 'edges', members: this.#edge(typeIn(name), found, told) }
        case 'pageInfo':
          return { key, shows: 'pageInfo', members: this.#pageInfo(typeIn(name), found) }
        case 'totalCount':
          return { key, shows: 'totalCount' }
        default:
          return { key, shows: 'part', part: this.part(connection, found, told) }
      }
    })
  }

  #edge(edge: GraphQLObjectType, nodes: readonly FieldNode[], told: unknown): EdgeMember[] {
    return this.#fields(edge, nodes).map(([key, found, name]): EdgeMember => {
      if (name === '__typename') return typename(key, edge)
      if (name === 'cursor') return { key, shows: 'cursor' }
      return { key, shows: 'node', members: this.#members(typeOf(edge.getFields()[name]!), found, told) }
    })
  }

  #pageInfo(type: GraphQLObjectType, nodes: readonly FieldNode[]): PageInfoMember[] {
    return this.#fields(type, nodes).map(
      ([key, , name]): PageInfoMember =>
        name === '__typename' ? typename(key, type) : { key, shows: name as 'hasNextPage' },
    )
  }
}

function typename(key: string, { name }: GraphQLObjectType) {
  return { key, shows: 'literal' as const, json: JSON.stringify(name) }
}

/** Whether a value may be missing, and the names of an enum's values, are what the schema says, wherever the part was made. */
function asDeclared(part: Part, { type }: Field): Part {
  const nullable = !isNonNullType(type)
  const named = getNamedType(type)
  if (part.is === 'column' && isEnumType(named)) {
    const names = new Map(named.getValues().map(({ value, name }) => [String(value), name]))
    return { is: 'enum', field: part.field, names, nullable }
  }
  return 'nullable' in part ? { ...part, nullable } : part
}

function typeOf({ type }: { type: GraphQLOutputType }): GraphQLObjectType {
  const named = getNamedType(type)
  if (!isObjectType(named)) throw new NotCompiled(named.name)
  return named
}
