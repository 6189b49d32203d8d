import {
  type DocumentNode,
  GraphQLError,
  type GraphQLInputType,
  type GraphQLSchema,
  getNullableType,
  isInputObjectType,
  isLeafType,
  isListType,
  Kind,
  type OperationDefinitionNode,
  typeFromAST,
  visit,
} from 'graphql'
import type { Limits } from '../../config.ts'
import { beyond } from './documentShape.ts'

/** What is wrong with the values in the document itself: see errorOfVariables. */
export function errorOfLiterals(document: DocumentNode, limits: Limits): GraphQLError | undefined {
  let longest = 0
  let unstorable = false
  visit(document, {
    ListValue: ({ values }) => {
      longest = Math.max(longest, values.length)
    },
    StringValue: ({ value }) => {
      unstorable ||= !isStorable(value)
    },
  })
  return (
    beyond('listLength', longest, limits, 'A list has', 'entries') ??
    (unstorable && !hasMutation(document) ? unstorableText('A text of the document') : undefined)
  )
}

/**
 * What is wrong with the variables' values before GraphQL looks at their types: a list that is too long, or text in a
 * question that no stored text can have. What mutations bring is made storable where it is stored, and said in the receipt.
 */
export function errorOfVariables(
  schema: GraphQLSchema,
  operation: OperationDefinitionNode,
  variables: Readonly<Record<string, unknown>>,
  limits: Limits,
): GraphQLError | undefined {
  const asks = operation.operation !== 'mutation'

  function errorOf(value: unknown, type: GraphQLInputType, path: string): GraphQLError | undefined {
    const wanted = getNullableType(type)
    if (value === null || value === undefined) return undefined
    if (isListType(wanted)) {
      if (!Array.isArray(value)) return errorOf(value, wanted.ofType, path)
      const tooLong = beyond('listLength', value.length, limits, `The list "${path}" has`, 'entries')
      if (tooLong || (!asks && isLeafType(getNullableType(wanted.ofType)))) return tooLong
      return firstOf(value.entries(), ([index, item]) => errorOf(item, wanted.ofType, `${path}.${index}`))
    }
    if (isInputObjectType(wanted)) {
      const fields = wanted.getFields()
      return firstOf(Object.entries(value), ([name, inner]) => {
        const field = Object.hasOwn(fields, name) ? fields[name] : undefined
        return field && errorOf(inner, field.type, `${path}.${name}`)
      })
    }
    return asks && typeof value === 'string' && !isStorable(value) ? unstorableText(`"${path}"`) : undefined
  }

  return firstOf(operation.variableDefinitions ?? [], ({ variable, type }) => {
    const name = variable.name.value
    const wanted = Object.hasOwn(variables, name)
      ? (typeFromAST(schema, type as never) as GraphQLInputType)
      : undefined
    return wanted && errorOf(variables[name], wanted, name)
  })
}

function firstOf<Item>(
  items: Iterable<Item>,
  look: (item: Item) => GraphQLError | undefined,
): GraphQLError | undefined {
  for (const item of items) {
    const error = look(item)
    if (error) return error
  }
  return undefined
}

function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0')
}

function unstorableText(subject: string): GraphQLError {
  return new GraphQLError(
    `${subject} has U+0000 or half of a surrogate pair in it: nothing that is stored has.`,
    { extensions: { code: 'BAD_USER_INPUT' } },
  )
}

function hasMutation(document: DocumentNode): boolean {
  return document.definitions.some(
    (node) => node.kind === Kind.OPERATION_DEFINITION && node.operation === 'mutation',
  )
}
