import {
  type FieldNode,
  type FragmentDefinitionNode,
  GraphQLIncludeDirective,
  type GraphQLObjectType,
  type GraphQLSchema,
  GraphQLSkipDirective,
  getDirectiveValues,
  isAbstractType,
  Kind,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql'

/** What decides which fields of a document are asked for. */
export interface Asked {
  schema: GraphQLSchema
  fragments: ReadonlyMap<string, FragmentDefinitionNode>
  /** For what depends on when it is asked: what was made with it is not for later. */
  now: () => Date
  /** As they were coerced. */
  variables: Readonly<Record<string, unknown>>
}

/** The fields that are asked of an object of this type, by the key that each has in the answer; GraphQL's CollectFields. */
export function fieldsOf(
  asked: Asked,
  type: GraphQLObjectType,
  sets: readonly SelectionSetNode[],
): Map<string, FieldNode[]> {
  const fields = new Map<string, FieldNode[]>()
  const seen = new Set<string>()
  const collect = ({ selections }: SelectionSetNode): void => {
    for (const selection of selections) {
      if (!isIncluded(selection, asked)) continue
      if (selection.kind === Kind.FIELD) {
        const key = selection.alias?.value ?? selection.name.value
        const known = fields.get(key)
        if (known) known.push(selection)
        else fields.set(key, [selection])
      } else if (selection.kind === Kind.INLINE_FRAGMENT) {
        if (isOn(selection.typeCondition?.name.value, type, asked)) collect(selection.selectionSet)
      } else {
        const { value } = selection.name
        const fragment = asked.fragments.get(value)
        if (seen.has(value) || !fragment) continue
        seen.add(value)
        if (isOn(fragment.typeCondition.name.value, type, asked)) collect(fragment.selectionSet)
      }
    }
  }
  for (const set of sets) collect(set)
  return fields
}

function isIncluded(node: SelectionNode, { variables }: Asked): boolean {
  if (!node.directives || node.directives.length === 0) return true
  if (getDirectiveValues(GraphQLSkipDirective, node, variables as Record<string, unknown>)?.if === true)
    return false
  return getDirectiveValues(GraphQLIncludeDirective, node, variables as Record<string, unknown>)?.if !== false
}

function isOn(condition: string | undefined, type: GraphQLObjectType, { schema }: Asked): boolean {
  if (condition === undefined || condition === type.name) return true
  const on = schema.getType(condition)
  return isAbstractType(on) && schema.isSubType(on, type)
}
