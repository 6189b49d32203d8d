import {
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  Kind,
  NoSchemaIntrospectionCustomRule,
  type OperationDefinitionNode,
  specifiedRules,
  validate,
} from 'graphql'
import { LRUCache } from 'lru-cache'
import { type ExposureConfig, LIMIT_SETTINGS, type Limits } from '../config.ts'
import { hasMetExactNumbers } from '../exactNumbers.ts'
import type { OperationCost } from '../graphql/builder/context.ts'
import { Refusal } from '../refusal.ts'
import { DocumentRefused } from './errors.ts'
import { assertWithin } from './limits/assertWithin.ts'
import { checkLines, checkShape } from './limits/documentShape.ts'
import { checkLiterals, checkVariables } from './limits/inputValues.ts'
import { estimateCost } from './limits/operationCost.ts'
import { type RepeatedVariable, repeatedBytes, repeatedVariables } from './limits/repeatedVariables.ts'
import { parseLocated } from './parseLocated.ts'
import { type TrustedDocuments, trustedDocument } from './trustedDocuments.ts'
import { withTypedNumbers } from './typedNumbers.ts'

/** What a client sends, on any transport. Nothing of it is believed. */
export interface OperationParams {
  query?: unknown
  operationName?: unknown
  variables?: unknown
  extensions?: unknown
  /** Which trusted document to run, as Relay (`doc_id`) and GraphQL over HTTP's draft (`documentId`) say it. */
  documentId?: unknown
  doc_id?: unknown
}

/** An operation that may run. */
export interface CheckedOperation {
  query: string
  document: DocumentNode
  operation: OperationDefinitionNode
  operationName: string | undefined
  variableValues: Record<string, unknown>
  cost: OperationCost
  /** Of its document. */
  tokens: number
}

/**
 * The one way from what a client sends to what is run: every transport goes through it. `bytes`: of the whole request.
 *
 * @throws Refusal
 */
export type CheckOperation = (params: OperationParams, bytes: number) => CheckedOperation

/** Mutations that bring data, and may bring more of it than other operations. */
export const INGESTION_FIELDS: ReadonlySet<string> = new Set([
  'amendOutcomes',
  'createConfiguration',
  'createConfigVersion',
  'extendSimulation',
  'recordEmbeddings',
  'recordOutcome',
  'recordOutcomes',
  'recordScenarioResults',
  'startSimulation',
  'upsertScenarios',
])

/** Errors of one document that are told: further ones mostly follow from them. */
const MAX_COMPLAINTS = 5

/** As much text of documents is kept as it was read and judged: as a tree a text takes some hundred times its length. */
const KEPT_CHARACTERS = 500_000
const LONGEST_KEPT = 20_000

/** A document that may run, and what is known of its operations. */
interface Runnable {
  document: DocumentNode
  /** Of those that cost the same whatever their variables. */
  costs: Map<OperationDefinitionNode, number>
  repeated: Map<OperationDefinitionNode, RepeatedVariable[]>
}

/** What became of a document: it may run, or why not. */
type Judged = Runnable | Refusal

export function createOperationCheck(
  schema: GraphQLSchema,
  { limits, introspection, suggestions, trustedDocumentsOnly }: ExposureConfig,
  trustedDocuments: TrustedDocuments,
): CheckOperation {
  const rules = introspection ? specifiedRules : [...specifiedRules, NoSchemaIntrospectionCustomRule]
  const trustedTexts = new Set(trustedDocuments.values())
  const documents = new LRUCache<string, Judged>({
    maxSize: KEPT_CHARACTERS,
    maxEntrySize: LONGEST_KEPT,
    // Of nothing there is a document too, and a size has to be positive.
    sizeCalculation: (_, query) => Math.max(1, query.length),
    memoMethod: (query) => judge(query),
  })

  function judge(query: string): Judged {
    let document: DocumentNode
    try {
      checkLines(query, limits)
      document = parseLocated(query, limits.tokens)
      checkShape(document, limits)
      checkLiterals(document, limits)
    } catch (error) {
      return unreadable(error, limits)
    }
    const complaints = validate(schema, document, rules, {
      hideSuggestions: !suggestions,
      maxErrors: MAX_COMPLAINTS,
    }).slice(0, MAX_COMPLAINTS)
    if (complaints.length > 0) return new DocumentRefused('GRAPHQL_VALIDATION_FAILED', complaints)
    return { document, costs: new Map(), repeated: new Map() }
  }

  function costOf(
    { document, costs }: Runnable,
    operation: OperationDefinitionNode,
    variables: Record<string, unknown>,
  ): number {
    const known = costs.get(operation)
    if (known !== undefined) return known
    const { cost, varies } = estimateCost(schema, document, operation, variables)
    if (!varies) costs.set(operation, cost)
    return cost
  }

  /** What a client sends once is not worked on a thousand times over. */
  function checkRepeated(
    { document, repeated }: Runnable,
    operation: OperationDefinitionNode,
    variables: Record<string, unknown>,
    bytes: number,
  ): void {
    const known = repeated.get(operation) ?? repeatedVariables(document, operation)
    repeated.set(operation, known)
    if (known.length === 0) return
    const limit = isIngestion(operation) ? 'ingestionBodyBytes' : 'bodyBytes'
    const all = bytes + repeatedBytes(known, variables, limits[limit])
    assertWithin(
      limits,
      limit,
      all,
      'With each variable as often as it stands there, the request has',
      'bytes',
      {
        code: 'TOO_LARGE',
      },
    )
  }

  return (params, bytes) => {
    const { operationName, variables = null, extensions = null } = params
    if (typeof operationName !== 'string' && operationName !== undefined && operationName !== null)
      throw new Refusal('BAD_REQUEST', 'operationName must be a string.')
    if (!isObjectOrNull(variables)) throw new Refusal('BAD_REQUEST', 'variables must be an object.')
    if (!isObjectOrNull(extensions)) throw new Refusal('BAD_REQUEST', 'extensions must be an object.')
    const query = textOf(params, extensions)

    const judged = documents.memo(query)
    if (judged instanceof Refusal) throw judged
    const { document } = judged
    const operation = getOperationAST(document, operationName)
    if (!operation)
      throw new Refusal(
        'BAD_REQUEST',
        operationName
          ? 'The document has no operation of this name.'
          : 'The document has several operations, or none: name the one to run in operationName.',
      )
    const sent = declared(operation, variables)
    const variableValues = hasMetExactNumbers() ? withTypedNumbers(schema, operation, sent) : sent
    if (!isIngestion(operation))
      assertWithin(limits, 'bodyBytes', bytes, 'The request has', 'bytes', { code: 'TOO_LARGE' })
    checkRepeated(judged, operation, variableValues, bytes)
    checkVariables(schema, operation, variableValues, limits)
    const requested = costOf(judged, operation, variableValues)
    const cost = { requested, limit: limits.cost }
    assertWithin(limits, 'cost', requested, 'The operation costs', '(see extensions.cost)', { cost })
    if (operation.operation === 'subscription')
      assertWithin(limits, 'subscriptionCost', requested, 'Each event of it costs', '(see extensions.cost)', {
        cost: { requested, limit: limits.subscriptionCost },
      })
    return {
      query,
      document,
      operation,
      operationName: operationName ?? undefined,
      variableValues,
      cost,
      tokens: document.tokenCount ?? 0,
    }
  }

  function textOf(
    { query, documentId, doc_id }: OperationParams,
    extensions: Record<string, unknown> | null,
  ): string {
    const { sha256Hash } = (extensions?.persistedQuery ?? {}) as { sha256Hash?: unknown }
    const id = [documentId, doc_id, sha256Hash].find((given) => given !== undefined && given !== null)
    if (id !== undefined && typeof id !== 'string')
      throw new Refusal('BAD_REQUEST', 'The id of a document must be a string.')
    if (query !== undefined && query !== null && typeof query !== 'string')
      throw new Refusal('BAD_REQUEST', 'query must be a string.')
    const trusted = id === undefined ? undefined : trustedDocument(trustedDocuments, id)
    if (trusted !== undefined) return trusted
    if (id !== undefined && (trustedDocumentsOnly || !query))
      throw new Refusal('PERSISTED_QUERY_NOT_FOUND', 'The server has no trusted document with this id.')
    if (trustedDocumentsOnly && !(query && trustedTexts.has(query)))
      throw new Refusal(
        'PERSISTED_QUERY_ONLY',
        'The server runs trusted documents only: send the id of one (documentId).',
      )
    if (typeof query !== 'string') throw new Refusal('BAD_REQUEST', 'Send the document as query.')
    return query
  }
}

/** Whether the operation only brings data. A fragment at its root is not looked into: no client of these needs one. */
function isIngestion({ operation, selectionSet }: OperationDefinitionNode): boolean {
  return (
    operation === 'mutation' &&
    selectionSet.selections.every(
      (selection) => selection.kind === Kind.FIELD && INGESTION_FIELDS.has(selection.name.value),
    )
  )
}

/** The variables that the operation knows: of others nothing is looked at, so nothing may go on from here. */
function declared(
  { variableDefinitions = [] }: OperationDefinitionNode,
  variables: Record<string, unknown> | null,
): Record<string, unknown> {
  const values: Record<string, unknown> = Object.create(null)
  for (const { variable } of variableDefinitions) {
    const name = variable.name.value
    if (variables && Object.hasOwn(variables, name)) values[name] = variables[name]
  }
  return values
}

/** Why a document could not be read: what is wrong with it, or the limit that it is beyond. */
function unreadable(error: unknown, limits: Limits): Refusal {
  if (error instanceof Refusal) return error
  // The parser and what looks at its tree go down by calling themselves.
  if (error instanceof RangeError)
    return new Refusal(
      'LIMIT_EXCEEDED',
      `The document is nested too deeply; at most ${limits.depth} levels are allowed (${LIMIT_SETTINGS.depth[0]}).`,
    )
  if (!(error instanceof GraphQLError)) throw error
  if (/contains more (that|than) \d+ tokens/.test(error.message))
    return new Refusal(
      'LIMIT_EXCEEDED',
      `The document has more than ${limits.tokens} tokens, the most that are allowed (${LIMIT_SETTINGS.tokens[0]}).`,
    )
  return new DocumentRefused('GRAPHQL_PARSE_FAILED', [error])
}

function isObjectOrNull(value: unknown): value is Record<string, unknown> | null {
  return typeof value === 'object' && !Array.isArray(value)
}
