import {
  type ExecutionArgs,
  type ExecutionResult,
  execute,
  type GraphQLError,
  locatedError,
  type OperationDefinitionNode,
} from 'graphql'
import type { Answer } from '../db/tenantTransaction.ts'
import { stringifyExactly } from '../exactNumbers.ts'
import type { Context } from '../graphql/builder/context.ts'
import { type QueryCompiler, type RootField, withFields } from '../graphql/compiled/compiledQuery.ts'
import { Refusal } from '../refusal.ts'
import { AnswerData } from './answerData.ts'
import { isBeyondLimits, isForbidden, isUnavailable } from './databaseErrors.ts'

type Compiled = RootField & { read: Extract<RootField['read'], { text: string }> }
type Constant = RootField & { read: { json: string } }
type Ordinary = RootField & { read: { reason: string } }

/**
 * Runs a query: each field of its root that says how it is read in one statement, the others by their resolvers. Where such a
 * statement meets what has words of its own (a value that is missing, rights that are missing), the resolvers answer all.
 */
export async function executeQuery(
  args: ExecutionArgs,
  operation: OperationDefinitionNode,
  compiler: QueryCompiler,
): Promise<ExecutionResult> {
  const context = args.contextValue as Context
  const fields = compiler.compile(args, operation, context.reads.inSteps)
  if (!fields) return execute(args)
  const compiled = fields.filter((field): field is Compiled => 'text' in field.read)
  const ordinary = fields.filter((field): field is Ordinary => 'reason' in field.read)
  const constant = fields.filter((field): field is Constant => 'json' in field.read)
  const answers = compiled.length > 0 ? await answersOf(compiled, ordinary.length === 0, context) : NO_ANSWERS
  const { metrics } = context.services
  const reasons = ordinary.map(({ read }) => read.reason)
  if (!answers) {
    metrics.countRoads(context.viewer.tenantId, 0, [...reasons, ...compiled.map(() => 'DATABASE')])
    // They begin anew: what was spent and shared until here is not theirs.
    return execute({ ...args, contextValue: { ...context } })
  }
  metrics.countRoads(context.viewer.tenantId, compiled.length, reasons)
  const texts = new Map<string, Answer>([
    ...answers.texts,
    ...constant.map(({ key, read }) => [key, read.json] as const),
  ])
  const rest =
    ordinary.length === 0
      ? { data: {} as Record<string, unknown> }
      : await execute({ ...args, document: withFields(args.document, operation, ordinary) })
  // Of a document that the resolvers cannot run nothing can be shown.
  if (rest.data === undefined) return rest
  const errors = [...(rest.errors ?? []), ...answers.errors]
  const { data } = rest
  const isNull = data === null || answers.failed.some(({ nullable }) => !nullable)
  const members = () =>
    new Map(fields.map(({ key }) => [key, texts.get(key) ?? stringifyExactly(data![key])] as const))
  return {
    data: isNull ? null : new AnswerData(members()),
    ...(errors.length > 0 && { errors }),
  }
}

interface Answers {
  texts: ReadonlyMap<string, Answer>
  failed: readonly Compiled[]
  errors: GraphQLError[]
}

const NO_ANSWERS: Answers = { texts: new Map(), failed: [], errors: [] }

/** Undefined where the resolvers have to say what is wrong. */
async function answersOf(
  compiled: readonly Compiled[],
  alone: boolean,
  context: Context,
): Promise<Answers | undefined> {
  try {
    const answers = await context.reads.answers(
      compiled.map(({ read }) => read),
      alone,
    )
    const texts = new Map<string, Answer>()
    for (const [at, { key, read }] of compiled.entries()) {
      const answer = answers[at]
      if (answer == null) return undefined
      const text = await completed(read, answer, context)
      if (text === undefined) return undefined
      texts.set(key, text)
    }
    return { texts, failed: [], errors: [] }
  } catch (error) {
    if (isForResolvers(error, context)) return undefined
    // Where one has to be there nothing else is, and its error is the only one.
    const needed = compiled.find(({ nullable }) => !nullable)
    const failed = needed ? [needed] : compiled
    return {
      texts: new Map(compiled.map(({ key }) => [key, 'null'])),
      failed,
      errors: failed.map(({ key, nodes }) => locatedError(error, nodes, [key])),
    }
  }
}

/** Undefined where it refuses something, which its resolver does at its place, or cannot be written. */
async function completed(
  { computed }: Compiled['read'],
  answer: Answer,
  context: Context,
): Promise<Answer | undefined> {
  try {
    return computed ? await computed.complete(answer, context) : answer
  } catch (error) {
    if (!(error instanceof Refusal))
      context.services.logger.warn(
        { err: error },
        'a value could not be computed: resolvers answer the query',
      )
    return undefined
  }
}

/** What resolvers have other words for, and read better: all but a database that does not answer, and limits. */
function isForResolvers(error: unknown, { services: { logger } }: Context): boolean {
  if (error instanceof Refusal) return error.code === 'BAD_USER_INPUT'
  if (isUnavailable(error)) return false
  if (!isForbidden(error) && !isBeyondLimits(error))
    logger.warn({ err: error }, 'the statement of a query failed: resolvers answer it')
  return true
}
