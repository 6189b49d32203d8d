import { randomUUID } from 'node:crypto'
import {
  type DocumentNode,
  type ExecutionArgs,
  type FieldNode,
  type FragmentDefinitionNode,
  GraphQLError,
  type GraphQLObjectType,
  getVariableValues,
  isNonNullType,
  Kind,
  type OperationDefinitionNode,
} from 'graphql'
import { LRUCache } from 'lru-cache'
import { databaseNow } from '../../databaseTime.ts'
import { type AnswerStatement, answerStatement } from '../../reads/answers/answerSql.ts'
import { readsOfOutcomes, weightOf } from '../../reads/answers/weight.ts'
import { Refusal } from '../../refusal.ts'
import { isUuid } from '../../uuid.ts'
import { planAnswer } from './answerPlan.ts'
import { NotCompiled } from './notCompiled.ts'
import { type Asked, fieldsOf } from './selections.ts'

/** One field of the root. */
export interface RootField {
  /** In the answer. */
  key: string
  nodes: readonly FieldNode[]
  nullable: boolean
  /** What answers it: a statement, or what it is for everybody; or why its resolver does. */
  read: AnswerStatement | { json: string } | { reason: string }
}

/** What is asked for: as graphql-js takes it. */
type Query = Pick<ExecutionArgs, 'schema' | 'document' | 'variableValues'>

/** Trajectories, or parts of them, that one row of an answer may hold at a time. */
const MOST_HUGE = 2

/** How often a statement may read tables. */
const MOST_READS = 16
/** How often outcomes, for conditions and sums too: of two years of weekly chunks to plan one takes some 9 MB, all together. */
const MOST_READS_OF_OUTCOMES = 6

/**
 * Bytes that the pages of a statement may have together, and its values. PostgreSQL takes some nine times as many while it
 * makes one text of them. What is longer it does not make to its end: resolvers read it row by row, as much as they may.
 */
const MOST_BYTES = 8 * 1024 * 1024

/** Characters of statements that are kept, and of what is kept with them. */
const KEPT_CHARACTERS = 20_000_000
/** What a document takes as a tree, for each of its characters: that goes only when no statement of it is kept any more. */
const DOCUMENT_WEIGHT = 15
/** Variables whose text is longer than that are seldom the same again. */
const LONGEST_KEY = 2_000

interface Kept {
  fields: RootField[]
  holes: ReadonlyMap<string, string>
  size: number
}

/** Makes statements of queries, and keeps them: for an operation with the same variables, whatever the ids among them. */
export class QueryCompiler {
  readonly #maxBytes: number
  readonly #numbers = new WeakMap<OperationDefinitionNode, number>()
  readonly #kept = new LRUCache<string, Kept>({
    maxSize: KEPT_CHARACTERS,
    sizeCalculation: ({ size }, key) => key.length + size,
  })
  #operations = 0

  /** `readBytes`: that an operation may read. */
  constructor(readBytes: number) {
    this.#maxBytes = Math.min(readBytes, MOST_BYTES)
  }

  /**
   * The fields of a query's root, in the order of the answer; undefined when the variables are not what it takes. `inSteps`: see
   * reads/byTime.ts.
   */
  compile(query: Query, operation: OperationDefinitionNode, inSteps = false): RootField[] | undefined {
    const given = query.variableValues ?? {}
    const holes = holesOf(operation, given)
    const variables = { ...given, ...Object.fromEntries(holes) }
    const shape = JSON.stringify(variables)
    if (shape.length > LONGEST_KEY) return this.#compile(query, operation, given, inSteps)?.fields
    const key = `${this.#numberOf(operation)} ${inSteps} ${shape}`
    const known = this.#kept.get(key)
    if (known) return filled(known, given)
    const made = this.#compile(query, operation, variables, inSteps)
    if (!made) return undefined
    const size = made.fields.reduce(
      (sum, { read }) => sum + ('text' in read ? read.text.length : 100),
      DOCUMENT_WEIGHT * (query.document.loc?.end ?? 0),
    )
    const kept = { fields: made.fields, holes, size }
    if (made.isTimeless) this.#kept.set(key, kept)
    return filled(kept, given)
  }

  #numberOf(operation: OperationDefinitionNode): number {
    const known = this.#numbers.get(operation)
    if (known !== undefined) return known
    this.#numbers.set(operation, this.#operations)
    return this.#operations++
  }

  #compile(
    { schema, document }: Query,
    operation: OperationDefinitionNode,
    variables: Readonly<Record<string, unknown>>,
    inSteps: boolean,
  ): { fields: RootField[]; isTimeless: boolean } | undefined {
    const { coerced } = getVariableValues(schema, operation.variableDefinitions ?? [], variables, {
      maxErrors: 1,
    })
    if (!coerced) return undefined
    let isTimeless = true
    const now = () => {
      isTimeless = false
      return databaseNow()
    }
    const asked: Asked = { schema, fragments: fragmentsOf(document), variables: coerced, now }
    const root = schema.getQueryType()!
    try {
      const fields = [...fieldsOf(asked, root, [operation.selectionSet])].map(([key, nodes]) => ({
        key,
        nodes,
        nullable: isNullable(root, nodes),
        read: this.#read(asked, root, nodes, inSteps),
      }))
      return { fields, isTimeless }
    } catch (error) {
      // A variable that is null where one of the root's directives takes none.
      if (error instanceof GraphQLError) return undefined
      throw error
    }
  }

  #read(
    asked: Asked,
    root: GraphQLObjectType,
    nodes: readonly FieldNode[],
    inSteps: boolean,
  ): RootField['read'] {
    try {
      const part = planAnswer(asked, root, nodes)
      if (part.is === 'literal') return { json: part.json }
      const { pages, huge, long, reads } = weightOf(part)
      // Resolvers read each of them once, whatever its aliases, and one after the other.
      if (huge > MOST_HUGE || reads > MOST_READS) return { reason: 'TOO_LARGE' }
      const shareOf = (parts: number) => Math.ceil(this.#maxBytes / Math.max(1, parts))
      const statement = answerStatement(part, { page: shareOf(pages), value: shareOf(long) }, inSteps)
      return readsOfOutcomes(statement) > MOST_READS_OF_OUTCOMES ? { reason: 'TOO_LARGE' } : statement
    } catch (error) {
      if (error instanceof NotCompiled) return { reason: error.reason }
      // Its resolver refuses it with the same words, and at its place. graphql-js has some of its own: for a null in place of a
      // default, which only the values of variables show.
      if (error instanceof Refusal) return { reason: error.code }
      if (error instanceof GraphQLError) return { reason: 'BAD_USER_INPUT' }
      throw error
    }
  }
}

/** How ids begin that stand for those of variables. Nobody can know one: what is asked for with it would be another. */
const HOLE = randomUUID().slice(0, -12)
const HOLES = new RegExp(`${HOLE}\\d{12}`, 'g')

/**
 * The variables that are ids, each with an id that nobody has in its place: such a value goes into a statement as it is, so
 * that statements for other ids differ in nothing else.
 */
function holesOf(
  { variableDefinitions = [] }: OperationDefinitionNode,
  given: Readonly<Record<string, unknown>>,
): Map<string, string> {
  const holes = new Map<string, string>()
  for (const { type, variable } of variableDefinitions) {
    const named = type.kind === Kind.NON_NULL_TYPE ? type.type : type
    const { value: name } = variable.name
    if (named.kind !== Kind.NAMED_TYPE || named.name.value !== 'UUID' || !isUuid(given[name])) continue
    holes.set(name, HOLE + String(holes.size).padStart(12, '0'))
  }
  return holes
}

function filled({ fields, holes }: Kept, given: Readonly<Record<string, unknown>>): RootField[] {
  if (holes.size === 0) return fields
  const ids = new Map([...holes].map(([name, hole]) => [hole, given[name] as string]))
  const fill = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(fill)
    // One may stand inside: of JSON in the document that has a variable in it.
    return typeof value === 'string' ? value.replace(HOLES, (hole) => ids.get(hole)!) : value
  }
  return fields.map((field) =>
    'text' in field.read ? { ...field, read: { ...field.read, values: field.read.values.map(fill) } } : field,
  )
}

function isNullable(root: GraphQLObjectType, [node]: readonly FieldNode[]): boolean {
  const field = root.getFields()[node!.name.value]
  return field !== undefined && !isNonNullType(field.type)
}

/** The document with these fields of the root only. */
export function withFields(
  document: DocumentNode,
  operation: OperationDefinitionNode,
  fields: readonly RootField[],
): DocumentNode {
  const selections = fields.flatMap(({ nodes }) => nodes)
  const definitions = document.definitions.map((definition) =>
    definition === operation
      ? { ...operation, selectionSet: { ...operation.selectionSet, selections } }
      : definition,
  )
  return { ...document, definitions }
}

export function fragmentsOf({ definitions }: DocumentNode): Map<string, FragmentDefinitionNode> {
  const fragments = new Map<string, FragmentDefinitionNode>()
  for (const node of definitions)
    if (node.kind === Kind.FRAGMENT_DEFINITION) fragments.set(node.name.value, node)
  return fragments
}
