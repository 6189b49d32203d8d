import {
  type GraphQLField,
  type GraphQLInputField,
  type GraphQLNamedOutputType,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
} from 'graphql'

/** A field on the way, and the type that it is asked of. */
export interface Step {
  type: string
  field: string
}

/** How an operation comes to one coordinate of the schema: fields from the root, then an argument and fields of its input. */
export interface Route {
  /** `Type.field`, `Type.field(argument:)` or `Input.field`. */
  coordinate: string
  steps: Step[]
  argument?: string
  inputFields: string[]
}

type Fields = readonly GraphQLField<unknown, unknown>[]

export function fieldsOf(type: GraphQLNamedOutputType): Fields {
  return isObjectType(type) || isInterfaceType(type) ? Object.values(type.getFields()) : []
}

const ROOTS = ['Query', 'Mutation', 'Subscription']

/** The shortest route to each field, argument and input field that the schema has. @throws for one that nothing leads to. */
export function everyRoute(schema: GraphQLSchema): Route[] {
  const stepsTo = new Map<string, Step[]>(ROOTS.map((root) => [root, []]))
  const routes: Route[] = []
  const inputs = new Set<string>()
  for (const [typeName, steps] of stepsTo) {
    const type = schema.getType(typeName) as GraphQLNamedOutputType
    // Fragments lead from an interface to its types, and from a type to its interfaces.
    const related = isAbstractType(type)
      ? schema.getPossibleTypes(type)
      : (type as GraphQLObjectType).getInterfaces()
    for (const each of related) if (!stepsTo.has(each.name)) stepsTo.set(each.name, steps)
    for (const field of fieldsOf(type)) {
      const path = [...steps, { type: typeName, field: field.name }]
      const coordinate = `${typeName}.${field.name}`
      routes.push({ coordinate, steps: path, inputFields: [] })
      for (const { name, type: argumentType } of field.args) {
        routes.push({ coordinate: `${coordinate}(${name}:)`, steps: path, argument: name, inputFields: [] })
        routes.push(...inputRoutes(getNamedType(argumentType), path, name, [], inputs))
      }
      const next = getNamedType(field.type)
      if (!stepsTo.has(next.name) && fieldsOf(next).length > 0) stepsTo.set(next.name, path)
    }
  }
  const unreached = Object.values(schema.getTypeMap())
    .filter((type) => isObjectType(type) || isInterfaceType(type) || isInputObjectType(type))
    .map(({ name }) => name)
    .filter((name) => !name.startsWith('__') && !stepsTo.has(name) && !inputs.has(name))
  if (unreached.length > 0) throw new Error(`no operation comes to ${unreached}`)
  return routes
}

function inputRoutes(
  type: unknown,
  steps: Step[],
  argument: string,
  inputFields: string[],
  seen: Set<string>,
): Route[] {
  if (!isInputObjectType(type) || seen.has(type.name)) return []
  seen.add(type.name)
  return Object.values(type.getFields()).flatMap((field: GraphQLInputField) => {
    const path = [...inputFields, field.name]
    return [
      { coordinate: `${type.name}.${field.name}`, steps, argument, inputFields: path },
      ...inputRoutes(getNamedType(field.type), steps, argument, path, seen),
    ]
  })
}
