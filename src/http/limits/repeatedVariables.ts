import {
  type DefinitionNode,
  type DocumentNode,
  Kind,
  type OperationDefinitionNode,
  type ValueNode,
  visit,
} from 'graphql'
import { sizeWithin } from './answerSize.ts'

/** A variable that stands in an operation more than once. */
export interface RepeatedVariable {
  name: string
  /** How often it does so beyond the first. In a fragment it counts as often as that is used. */
  again: number
  /** What it is when no value is sent. */
  byDefault: ValueNode | undefined
}

/** Those of the operation, in a document that is valid: no fragment uses itself. */
export function repeatedVariables(
  { definitions }: DocumentNode,
  operation: OperationDefinitionNode,
): RepeatedVariable[] {
  const usersOf = new Map<string, DefinitionNode[]>()
  const namesIn = new Map<DefinitionNode, string[]>()
  for (const definition of definitions) {
    const names: string[] = []
    namesIn.set(definition, names)
    visit(definition, {
      VariableDefinition: () => false,
      Variable: ({ name }) => {
        names.push(name.value)
      },
      FragmentSpread: ({ name }) => {
        const users = usersOf.get(name.value) ?? []
        users.push(definition)
        usersOf.set(name.value, users)
      },
    })
  }

  const known = new Map<DefinitionNode, number>([[operation, 1]])
  function timesOf(definition: DefinitionNode): number {
    if (definition.kind !== Kind.FRAGMENT_DEFINITION) return known.get(definition) ?? 0
    const times =
      known.get(definition) ??
      (usersOf.get(definition.name.value) ?? []).reduce((sum, user) => sum + timesOf(user), 0)
    known.set(definition, times)
    return times
  }

  const uses = new Map<string, number>()
  for (const [definition, names] of namesIn)
    for (const name of names) uses.set(name, (uses.get(name) ?? 0) + timesOf(definition))
  return (operation.variableDefinitions ?? []).flatMap(({ variable: { name }, defaultValue }) => {
    const again = (uses.get(name.value) ?? 0) - 1
    return again > 0 ? [{ name: name.value, again, byDefault: defaultValue }] : []
  })
}

/**
 * How many bytes the variables add to the request where they stand again: what is one value in memory is written, looked at
 * and stored as often as it stands in a list or an object of the document. Infinite when it is more than `limit`.
 */
export function repeatedBytes(
  repeated: readonly RepeatedVariable[],
  values: Readonly<Record<string, unknown>>,
  limit: number,
): number {
  let bytes = 0
  for (const { name, again, byDefault } of repeated) {
    bytes += again * (Object.hasOwn(values, name) ? bytesWithin(limit, values[name]) : lengthOf(byDefault))
    if (bytes > limit) return Number.POSITIVE_INFINITY
  }
  return bytes
}

function bytesWithin(limit: number, value: unknown): number {
  return sizeWithin(limit, value)?.bytes ?? Number.POSITIVE_INFINITY
}

/** Of a value as the document has it. */
function lengthOf(node: ValueNode | undefined): number {
  return node?.loc ? node.loc.end - node.loc.start : 0
}
