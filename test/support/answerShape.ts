import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLSchema,
  isEnumType,
  isListType,
  isNonNullType,
  isObjectType,
  isScalarType,
  Kind,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql'

/** What was found in the data of an answer. */
export interface Shape {
  /** Where the data is not what was selected, or not of its type. */
  faults: string[]
  /** The coordinates of the fields that have a place in it. */
  answered: Set<string>
  /** Texts that say why something was declined. */
  reasons: string[]
}

const isText = (value: unknown) => typeof value === 'string'
const isNumber = (value: unknown) => typeof value === 'number' && Number.isFinite(value)

const IS_OF: Readonly<Record<string, (value: unknown) => boolean>> = {
  String: isText,
  ID: isText,
  Boolean: (value) => typeof value === 'boolean',
  Int: (value) => Number.isInteger(value) && Math.abs(value as number) <= 2 ** 31,
  SafeInt: Number.isSafeInteger,
  Float: isNumber,
  Usd: isNumber,
  UUID: (value) => isText(value) && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(value as string),
  DateTime: (value) =>
    isText(value) && /^([+-]\d\d)?\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(value as string),
  JSON: (value) => value !== undefined,
  JSONObject: (value) => value !== null && typeof value === 'object' && !Array.isArray(value),
}

/** Compares data with the document that it answers: exactly the fields that were asked for, each of its type. */
export function shapeOf(
  schema: GraphQLSchema,
  document: DocumentNode,
  variables: Record<string, unknown>,
  data: unknown,
): Shape {
  const shape: Shape = { faults: [], answered: new Set(), reasons: [] }
  const operation = document.definitions.find(
    (definition): definition is OperationDefinitionNode => definition.kind === Kind.OPERATION_DEFINITION,
  )!
  const fragments = new Map(
    document.definitions
      .filter(
        (definition): definition is FragmentDefinitionNode => definition.kind === Kind.FRAGMENT_DEFINITION,
      )
      .map((definition) => [definition.name.value, definition]),
  )
  const root = schema.getRootType(operation.operation)!
  object(root, [operation.selectionSet], data as Record<string, unknown>, root.name)
  return shape

  function object(
    type: GraphQLObjectType,
    selections: readonly SelectionSetNode[],
    value: Record<string, unknown>,
    place: string,
  ): void {
    const selected = new Map<string, FieldNode[]>()
    for (const { selections: nodes } of selections) collect(type, nodes, selected)
    const extra = Object.keys(value).filter((key) => !selected.has(key))
    if (extra.length > 0) shape.faults.push(`${place} has ${extra}, which nobody asked for`)
    for (const [key, nodes] of selected) {
      const name = nodes[0]!.name.value
      const at = `${place}.${key}`
      if (!Object.hasOwn(value, key)) {
        shape.faults.push(`${at} is missing`)
        continue
      }
      if (name === '__typename') {
        if (value[key] !== type.name) shape.faults.push(`${at} is ${value[key]}, not ${type.name}`)
        continue
      }
      shape.answered.add(`${type.name}.${name}`)
      if (
        isText(value[key]) &&
        (name === 'message' || name === 'reason') &&
        /Error$|Receipt$/.test(type.name)
      )
        shape.reasons.push(value[key] as string)
      const below = nodes.flatMap(({ selectionSet }) => selectionSet ?? [])
      // Introspection is graphql-js's own.
      const field = type.getFields()[name]
      if (field) complete(field.type, below, value[key], at)
    }
  }

  function complete(
    type: GraphQLOutputType,
    below: readonly SelectionSetNode[],
    value: unknown,
    place: string,
  ): void {
    const fault = () => shape.faults.push(`${place} is ${JSON.stringify(value)?.slice(0, 80)}, not ${type}`)
    if (isNonNullType(type)) {
      if (value === null) fault()
      else complete(type.ofType, below, value, place)
    } else if (value === null) return
    else if (isListType(type)) {
      if (!Array.isArray(value)) fault()
      else
        for (const [index, item] of value.entries()) complete(type.ofType, below, item, `${place}.${index}`)
    } else if (isEnumType(type)) {
      if (!type.getValues().some(({ name }) => name === value)) fault()
    } else if (isScalarType(type)) {
      const isOf = IS_OF[type.name]
      if (!isOf) throw new Error(`tell answerShape.ts what a ${type.name} looks like`)
      if (!isOf(value)) fault()
    } else if (typeof value !== 'object' || Array.isArray(value)) fault()
    else {
      // Of an interface the answer says itself which type it is: all random operations ask for that.
      const actual = isObjectType(type) ? type : schema.getType((value as { __typename: string }).__typename)
      if (!isObjectType(actual) || (type !== actual && !schema.isSubType(type as never, actual))) fault()
      else object(actual, below, value as Record<string, unknown>, place)
    }
  }

  function collect(
    type: GraphQLObjectType,
    nodes: readonly SelectionNode[],
    into: Map<string, FieldNode[]>,
  ): void {
    for (const node of nodes) {
      if (!isIncluded(node)) continue
      if (node.kind === Kind.FIELD) {
        const key = node.alias?.value ?? node.name.value
        into.set(key, [...(into.get(key) ?? []), node])
        continue
      }
      const fragment = node.kind === Kind.FRAGMENT_SPREAD ? fragments.get(node.name.value)! : node
      const condition = fragment.typeCondition && schema.getType(fragment.typeCondition.name.value)
      const fits = !condition || condition === type || schema.isSubType(condition as never, type)
      if (fits) collect(type, fragment.selectionSet.selections, into)
    }
  }

  function isIncluded({ directives = [] }: SelectionNode): boolean {
    return directives.every(({ name, arguments: args }) => {
      const given = args![0]!.value
      const condition =
        given.kind === Kind.VARIABLE ? variables[given.name.value] : (given as { value: unknown }).value
      return name.value === 'include' ? condition === true : condition === false
    })
  }
}
