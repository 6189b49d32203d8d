import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  type GraphQLOutputType,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  isCompositeType,
  isListType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql'
import { DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE } from '../../reads/pagePlan.ts'
import { costOfArguments, type LookUp } from './inputCost.ts'

/** Arguments that are lists of keys, for each of which the field has one object. */
const ONE_FOR_EACH = ['ids', 'candidates']

/** How long a list is taken to be when no argument says so: receipts, errors, hunks. */
const ASSUMED_LIST_LENGTH = 10
const INTROSPECTION_COST = 500
/** Of one field of one type of the schema: GraphiQL asks for all that there is, which costs some 30,000. */
const PLAIN_COST = 0.1
/** How many fields, arguments and so on a type has, about. */
const INTROSPECTION_LISTS: Readonly<Record<string, number>> = {
  fields: 8,
  args: 2,
  inputFields: 8,
  enumValues: 5,
  interfaces: 1,
  possibleTypes: 1,
  directives: 5,
}

/** What an operation costs, and whether that depends on its variables. */
interface Estimate {
  cost: number
  varies: boolean
}

/**
 * What answering an operation costs at most, in objects: each one read counts 1, times the rows of every list that it
 * stands in. `first` and `last` say how long a page is; fields that take more work name it in the schema (extensions.cost).
 * So do arguments that take more work (extensions.bounds). For a valid document; `@skip` and `@include` are not looked at.
 *
 * @throws Refusal LIMIT_EXCEEDED for an argument beyond its bounds.
 */
export function estimateCost(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
  variables: Readonly<Record<string, unknown>>,
): Estimate {
  const fragments = new Map<string, FragmentDefinitionNode>()
  for (const node of document.definitions)
    if (node.kind === Kind.FRAGMENT_DEFINITION) fragments.set(node.name.value, node)
  const known = new Map<string, number>()
  const typeCount = Object.keys(schema.getTypeMap()).length
  let varies = false

  /** `rows`: how many a page has, inside of a connection. */
  function ofSelections(set: SelectionSetNode, type: GraphQLOutputType, rows: number | undefined): number {
    let cost = 0
    for (const selection of set.selections) {
      if (selection.kind === Kind.FIELD) {
        cost += ofField(selection, type, rows)
      } else if (selection.kind === Kind.INLINE_FRAGMENT) {
        const { typeCondition } = selection
        const on = typeCondition ? schema.getType(typeCondition.name.value) : type
        cost += ofSelections(selection.selectionSet, on as GraphQLOutputType, rows)
      } else {
        cost += ofFragment(selection.name.value, rows)
      }
    }
    return cost
  }

  function ofFragment(name: string, rows: number | undefined): number {
    const key = `${name} ${rows}`
    let cost = known.get(key)
    if (cost === undefined) {
      const { selectionSet, typeCondition } = fragments.get(name)!
      cost = ofSelections(selectionSet, schema.getType(typeCondition.name.value) as GraphQLOutputType, rows)
      known.set(key, cost)
    }
    return cost
  }

  function ofField(node: FieldNode, parent: GraphQLOutputType, rows: number | undefined): number {
    const name = node.name.value
    if (name === '__schema' || name === '__type')
      return INTROSPECTION_COST + (node.selectionSet ? ofIntrospection(node.selectionSet) : 0)
    const field = 'getFields' in parent ? parent.getFields()[name] : undefined
    if (!field || !('args' in field)) return 0
    const work = typeof field.extensions.cost === 'number' ? field.extensions.cost : 0
    const own = work + costOfArguments(node, field, lookUp)
    const type = getNamedType(field.type)
    if (!node.selectionSet || !isCompositeType(type)) return own
    const isPage = field.extensions.page === true
    const children = ofSelections(node.selectionSet, type, isPage ? sizeOf(node, field) : undefined)
    return own + lengthOf(node, field, rows) * (1 + children)
  }

  /** Plain fields count too: what is told of the schema is nothing but names and texts. */
  function ofIntrospection(set: SelectionSetNode): number {
    let cost = 0
    for (const selection of set.selections) {
      if (selection.kind === Kind.FRAGMENT_SPREAD) cost += ofIntrospectionFragment(selection.name.value)
      else if (selection.kind === Kind.INLINE_FRAGMENT) cost += ofIntrospection(selection.selectionSet)
      else {
        const length =
          selection.name.value === 'types' ? typeCount : INTROSPECTION_LISTS[selection.name.value]
        const inner = selection.selectionSet ? ofIntrospection(selection.selectionSet) : 0
        cost += (length ?? 1) * (PLAIN_COST + inner)
      }
    }
    return cost
  }

  function ofIntrospectionFragment(name: string): number {
    const key = `${name} of the schema`
    const cost = known.get(key) ?? ofIntrospection(fragments.get(name)!.selectionSet)
    known.set(key, cost)
    return cost
  }

  function lengthOf(
    node: FieldNode,
    field: GraphQLField<unknown, unknown>,
    rows: number | undefined,
  ): number {
    if (!isListType(getNullableType(field.type))) return 1
    if (rows !== undefined) return rows
    if (field.args.some(({ name }) => name === 'first')) return sizeOf(node, field)
    const given = ONE_FOR_EACH.find((name) => field.args.some((arg) => arg.name === name))
    const keys = given && argument(node, given)
    return Array.isArray(keys) ? keys.length : ASSUMED_LIST_LENGTH
  }

  /** Of a page, or of a list that says by its arguments how long it is. */
  function sizeOf(node: FieldNode, { args }: GraphQLField<unknown, unknown>): number {
    const asked = argument(node, 'first') ?? argument(node, 'last')
    if (typeof asked === 'number') return Math.min(Math.max(asked, 0), MAX_PAGE_SIZE)
    const byDefault = args.find(({ name }) => name === 'first')?.defaultValue
    return typeof byDefault === 'number' ? byDefault : DEFAULT_PAGE_SIZE
  }

  const lookUp: LookUp = (variable) => {
    varies = true
    if (variables[variable] !== undefined) return { value: variables[variable] }
    const definition = operation.variableDefinitions?.find(
      ({ variable: { name } }) => name.value === variable,
    )
    return definition?.defaultValue ? { node: definition.defaultValue } : { value: undefined }
  }

  function argument(node: FieldNode, name: string): unknown {
    let value = node.arguments?.find((argument) => argument.name.value === name)?.value
    if (value?.kind === Kind.VARIABLE) {
      const given = lookUp(value.name.value)
      if ('value' in given) return given.value
      value = given.node
    }
    if (value?.kind === Kind.INT) return Number(value.value)
    if (value?.kind === Kind.LIST) return value.values
    return undefined
  }

  const root = schema.getRootType(operation.operation)
  const cost = isObjectType(root) ? ofSelections(operation.selectionSet, root, undefined) : 0
  return { cost: Math.min(Math.ceil(cost), Number.MAX_SAFE_INTEGER), varies }
}
