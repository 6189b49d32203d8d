import {
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  execute,
  type FieldNode,
  type FragmentDefinitionNode,
  GraphQLError,
  type GraphQLSchema,
  getNamedType,
  Kind,
  type NameNode,
  type OperationDefinitionNode,
  OperationTypeNode,
  type SelectionSetNode,
  TypeInfo,
  type VariableDefinitionNode,
  visit,
  visitWithTypeInfo,
} from 'graphql'
import { stringifyExactly } from '../exactNumbers.ts'
import type { Context, ShownRow } from '../graphql/builder/context.ts'
import { fragmentsOf, type QueryCompiler } from '../graphql/compiled/compiledQuery.ts'
import { AnswerData } from './answerData.ts'
import { executeQuery } from './queryExecution.ts'

/**
 * Runs a mutation, or shows an event. The rows that its answer shows by their keys are read when all else is there, by a
 * query: statements answer it as they answer any.
 */
export async function executeShowingRows(
  args: ExecutionArgs,
  operation: OperationDefinitionNode,
  compiler: QueryCompiler,
): Promise<ExecutionResult> {
  const without = withoutRows(args.schema, args.document)
  // Of several mutations each shows what is so before the next is carried out.
  const { selections } = operation.selectionSet
  if (without.asked.size === 0 || selections.length > 1 || selections[0]?.kind !== Kind.FIELD)
    return execute(args)
  const rows: ShownRow[] = []
  const contextValue: Context = { ...(args.contextValue as Context), rowsLater: (row) => rows.push(row) }
  const result = await execute({ ...args, document: without.document, contextValue })
  // An error may have taken away what is around it.
  const shown = rows.filter(({ path }) => isThere(result.data, path))
  if (shown.length === 0) return result

  const { variables, ...query } = queryOf(args, operation, without, shown)
  const answer = await executeQuery(
    {
      ...args,
      document: query.document,
      operationName: null,
      rootValue: undefined,
      variableValues: variables,
    },
    query.operation,
    compiler,
  )
  const places: Places = new Map()
  for (const [index, { path }] of shown.entries())
    put(places, path, memberText(answer.data, `${without.prefix}${index}`))
  const errors = [
    ...(result.errors ?? []),
    ...(answer.errors ?? []).map((error) => inPlace(error, without, shown)),
  ]
  return {
    ...result,
    data: new AnswerData(textOf(result.data, places)),
    ...(errors.length > 0 && { errors }),
  }
}

/** A document that asks the rows it shows for their type alone. */
interface WithoutRows {
  document: DocumentNode
  /** What was asked of each of them. */
  asked: ReadonlyMap<FieldNode, FieldNode>
  /** The queries of such rows, by the operation that runs and the places in the document that show them. */
  queries: Map<string, RowsQuery>
  /** Begins the names of the rows and of their keys, and no other variable's. */
  prefix: string
}

interface RowsQuery {
  document: DocumentNode
  operation: OperationDefinitionNode
  /** The document's variables that it uses. */
  uses: readonly string[]
}

const documents = new WeakMap<DocumentNode, WithoutRows>()

const TYPE_ALONE: SelectionSetNode = {
  kind: Kind.SELECTION_SET,
  selections: [{ kind: Kind.FIELD, name: named('__typename') }],
}

function withoutRows(schema: GraphQLSchema, document: DocumentNode): WithoutRows {
  const known = documents.get(document)
  if (known) return known
  const asked = new Map<FieldNode, FieldNode>()
  const variables = new Set<string>()
  const types = new TypeInfo(schema)
  const rewritten = visit(
    document,
    visitWithTypeInfo(types, {
      Field: (node) => {
        if (!types.getFieldDef()?.extensions.showsRow) return undefined
        const alone: FieldNode = { ...node, selectionSet: TYPE_ALONE }
        asked.set(alone, node)
        return alone
      },
      VariableDefinition: ({ variable }) => {
        variables.add(variable.name.value)
      },
    }),
  )
  let prefix = 'row'
  while ([...variables].some((name) => name.startsWith(prefix))) prefix += '_'
  const made = { document: rewritten, asked, queries: new Map<string, RowsQuery>(), prefix }
  documents.set(document, made)
  return made
}

/** Which places show rows may hang on variables: so many of their combinations are kept. */
const KEPT_QUERIES = 16

/** The query that reads these rows. */
function queryOf(
  { schema, document, variableValues }: ExecutionArgs,
  operation: OperationDefinitionNode,
  without: WithoutRows,
  rows: readonly ShownRow[],
): RowsQuery & { variables: Record<string, unknown> } {
  const { asked, queries, prefix } = without
  const places = [...asked.keys()]
  const shownAt = rows.map(({ nodes }) => nodes.map((node) => places.indexOf(node)).join())
  const signature = [document.definitions.indexOf(operation), ...shownAt].join(' ')
  let query = queries.get(signature)
  if (!query) {
    query = rowsQuery(schema, document, operation, without, rows)
    if (queries.size >= KEPT_QUERIES) queries.clear()
    queries.set(signature, query)
  }
  const given = query.uses.filter((name) => Object.hasOwn(variableValues ?? {}, name))
  return {
    ...query,
    variables: Object.fromEntries([
      ...given.map((name) => [name, variableValues![name]]),
      ...rows.map(({ key }, index) => [`${prefix}${index}`, key]),
    ]),
  }
}

function rowsQuery(
  schema: GraphQLSchema,
  document: DocumentNode,
  { variableDefinitions = [] }: OperationDefinitionNode,
  { asked, prefix }: WithoutRows,
  rows: readonly ShownRow[],
): RowsQuery {
  const fragments = fragmentsOf(document)
  const keys: VariableDefinitionNode[] = []
  const selections: FieldNode[] = []
  for (const [index, { type, nodes }] of rows.entries()) {
    const { field, key } = fieldByKey(schema, type)
    const name = named(`${prefix}${index}`)
    keys.push({
      kind: Kind.VARIABLE_DEFINITION,
      variable: { kind: Kind.VARIABLE, name },
      type: { kind: Kind.NON_NULL_TYPE, type: { kind: Kind.NAMED_TYPE, name: named(key.type) } },
    })
    for (const { loc, selectionSet } of nodes.map((node) => asked.get(node)!))
      selections.push({
        kind: Kind.FIELD,
        alias: name,
        name: named(field),
        arguments: [{ kind: Kind.ARGUMENT, name: named(key.name), value: { kind: Kind.VARIABLE, name } }],
        ...(selectionSet && { selectionSet }),
        ...(loc && { loc }),
      })
  }
  const selectionSet: SelectionSetNode = { kind: Kind.SELECTION_SET, selections }
  const used = variablesIn(selectionSet, fragments)
  const given = variableDefinitions.filter(({ variable }) => used.has(variable.name.value))
  const operation: OperationDefinitionNode = {
    kind: Kind.OPERATION_DEFINITION,
    operation: OperationTypeNode.QUERY,
    variableDefinitions: [...given, ...keys],
    selectionSet,
  }
  return {
    // With the place of the whole text: what is kept of this query keeps that in memory, and counts it.
    document: { ...document, definitions: [operation, ...fragments.values()] },
    operation,
    uses: given.map(({ variable }) => variable.name.value),
  }
}

/** The field of Query that shows a row of the type by its key. */
function fieldByKey(schema: GraphQLSchema, type: string) {
  for (const { name: field, type: shown, extensions, args } of Object.values(
    schema.getQueryType()!.getFields(),
  )) {
    const [key] = args
    if (extensions.byKey && key && getNamedType(shown).name === type)
      return { field, key: { name: key.name, type: getNamedType(key.type).name } }
  }
  throw new Error(`nothing shows ${type} by its key`)
}

function variablesIn(
  selectionSet: SelectionSetNode,
  fragments: ReadonlyMap<string, FragmentDefinitionNode>,
): Set<string> {
  const variables = new Set<string>()
  const seen = new Set<string>()
  const look = (node: SelectionSetNode | FragmentDefinitionNode): void => {
    visit(node, {
      Variable: ({ name }) => {
        variables.add(name.value)
      },
      FragmentSpread: ({ name: { value } }) => {
        const fragment = fragments.get(value)
        if (!fragment || seen.has(value)) return
        seen.add(value)
        look(fragment)
      },
    })
  }
  look(selectionSet)
  return variables
}

function named(value: string): NameNode {
  return { kind: Kind.NAME, value }
}

type Path = ShownRow['path']

function isThere(data: unknown, path: Path): boolean {
  let at: unknown = data
  for (const key of path) {
    if (typeof at !== 'object' || at === null) return false
    at = (at as Record<string | number, unknown>)[key]
  }
  return at !== null && at !== undefined
}

/** The error of a row, at the place that shows the row. */
function inPlace(error: GraphQLError, { prefix }: WithoutRows, rows: readonly ShownRow[]): GraphQLError {
  const [name, ...path] = error.path ?? []
  const row = rows[Number(String(name).slice(prefix.length))]
  const { message, nodes, originalError, extensions } = error
  return new GraphQLError(message, {
    nodes,
    originalError,
    extensions,
    path: row ? [...row.path, ...path] : undefined,
  })
}

/** Texts by where they stand in the answer. */
type Places = Map<string | number, Places | string>

function put(places: Places, [key, ...path]: Path, text: string): void {
  if (path.length === 0) {
    places.set(key!, text)
    return
  }
  const known = places.get(key!)
  const below: Places = known instanceof Map ? known : new Map()
  places.set(key!, below)
  put(below, path, text)
}

/** The JSON of a value with texts in their places. */
function textOf(value: unknown, places: Places | string | undefined): string {
  if (typeof places === 'string') return places
  if (!places || typeof value !== 'object' || value === null) return stringifyExactly(value)
  if (Array.isArray(value))
    return `[${value.map((each, index) => textOf(each, places.get(index))).join(',')}]`
  const members = Object.entries(value).map(
    ([key, each]) => `${JSON.stringify(key)}:${textOf(each, places.get(key))}`,
  )
  return `{${members.join(',')}}`
}

function memberText(data: ExecutionResult['data'], key: string): string {
  if (data instanceof AnswerData) return data.members!.get(key)!.toString()
  return stringifyExactly(data?.[key] ?? null)
}
