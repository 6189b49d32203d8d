import {
  type ExecutionArgs,
  type ExecutionResult,
  execute,
  getOperationAST,
  type OperationDefinitionNode,
} from 'graphql'
import { LIMIT_SETTINGS, type Limits } from '../config.ts'
import { isPassing, withPatience } from '../db/passingFault.ts'
import { writeAs } from '../db/tenantTransaction.ts'
import { Questions } from '../embedding/questions.ts'
import type { Context, OperationCost, Services } from '../graphql/builder/context.ts'
import type { QueryCompiler } from '../graphql/compiled/compiledQuery.ts'
import type { OutcomeCode } from '../observe/endedOperation.ts'
import { OperationReads, type Readers, type ReadersShare } from '../reads/operationReads.ts'
import { Refusal } from '../refusal.ts'
import { inSpan, type SpanOptions } from '../spans.ts'
import { shorten } from '../text.ts'
import type { Viewer } from '../viewer.ts'
import { AnswerData } from './answerData.ts'
import { presentableErrors } from './errors.ts'
import { type AnswerSize, piecesSize, sizeWithin } from './limits/answerSize.ts'
import type { TenantShare } from './limits/tenantShare.ts'
import { executeQuery } from './queryExecution.ts'
import { executeShowingRows } from './shownRows.ts'
import { setUnreadableRowsAside } from './unreadableRows.ts'
import { writtenAsIs } from './writtenAsIs.ts'

export type ContextFactory = (
  viewer: Viewer,
  requestId: string,
  cost: OperationCost,
  requestBytes: number,
  holdAnswer: Context['holdAnswer'],
) => Context

export function createContextFactory(
  prisma: Readers,
  services: Services,
  share: TenantShare,
  { answerLength, readBytes, rowBytesPerTenant }: Limits,
): ContextFactory {
  return (viewer, requestId, cost, requestBytes, holdAnswer) => {
    const readers: ReadersShare = {
      inTurn: (work) => share.readers.inTurn(viewer.tenantId, work),
      holdRows: () => share.rows.hold(viewer.tenantId),
    }
    const limits = { bytes: readBytes, memory: rowBytesPerTenant }
    const vectors = new Questions(services.embeddings)
    const reads = new OperationReads(prisma, services.pools, viewer, limits, readers, vectors)
    return {
      viewer,
      requestId,
      requestBytes,
      cost,
      answerLength,
      holdAnswer,
      reads,
      services,
      write: (work, options) =>
        reads.pausedFor(() =>
          share.inWritersTurn(viewer.tenantId, requestBytes, () =>
            writeAs(services.pools, viewer, work, options),
          ),
        ),
    }
  }
}

/** Runs a query or mutation, ends its reads, and shows its errors as clients may see them. The same on every transport. */
export type Execute = (args: ExecutionArgs) => Promise<ExecutionResult>

/** `compiler`: for queries; without one all fields are answered by their resolvers. */
export function createExecution(compiler: QueryCompiler | undefined): Execute {
  return (args) => {
    const operation = getOperationAST(args.document, args.operationName)
    // An operation of this type is executed for each of its events.
    const kind = operation?.operation === 'subscription' ? 'event' : (operation?.operation ?? 'query')
    const name = operation?.name?.value
    return inSpan(`graphql ${kind}`, attributesOf(args, name), async (note) => {
      const context = args.contextValue as Context
      const { reads, services, viewer, requestId } = context
      const begin = performance.now()
      let code: OutcomeCode = 'INTERNAL_SERVER_ERROR'
      let answerBytes = 0
      try {
        const { result, bytes } = withinLength(
          presentable(await run(args, operation, compiler), context),
          args,
        )
        code = codeOf(result)
        answerBytes = bytes
        return result
      } finally {
        await reads.end()
        const durationMs = performance.now() - begin
        services.watch.ended({ viewer, requestId, kind, name, code, durationMs, answerBytes })
        if (code !== 'OK') note({ 'error.type': code })
      }
    })
  }
}

/** In characters. */
const MAX_NAME = 100

function attributesOf({ contextValue }: ExecutionArgs, name: string | undefined): SpanOptions {
  const { viewer, requestId } = contextValue as Context
  return {
    attributes: {
      'graphql.operation.name': name && shorten(name, MAX_NAME),
      'arc.request_id': requestId,
      'arc.tenant_id': viewer.tenantId,
    },
  }
}

/** What a shown result came to. */
export function codeOf({ errors }: Pick<ExecutionResult, 'errors'>): OutcomeCode {
  return errors?.[0] ? (errors[0].extensions.code as OutcomeCode) : 'OK'
}

async function run(
  args: ExecutionArgs,
  operation: OperationDefinitionNode | null | undefined,
  compiler: QueryCompiler | undefined,
): Promise<ExecutionResult> {
  if (!operation) return execute(args)
  if (operation.operation === 'query')
    return untilItHolds(args, async (again) =>
      compiler ? executeQuery(again, operation, compiler) : execute(again),
    )
  const carryOut = (again: ExecutionArgs) =>
    compiler ? executeShowingRows(again, operation, compiler) : Promise.resolve(execute(again))
  return operation.operation === 'mutation' ? executeMutation(args, operation, carryOut) : carryOut(args)
}

/** A query whose connection was lost is answered anew, all of it of one later state: nothing was written. */
async function untilItHolds(args: ExecutionArgs, answer: Execute): Promise<ExecutionResult> {
  const first = args.contextValue as Context
  let context = first
  let result: ExecutionResult | undefined
  if (first.reads.fromReplica()) {
    result = await answer(args)
    if (!result.errors?.some(({ originalError }) => originalError && !(originalError instanceof Refusal)))
      return result
    // Whatever is the matter there, the primary may know better.
    first.services.pools.replica?.leaveOut()
  }
  try {
    return await withPatience(
      first.services.pools.reading,
      async () => {
        if (result !== undefined) {
          if (context !== first) await context.reads.end()
          context = { ...first, reads: first.reads.forNextEvent() }
        }
        result = await answer({ ...args, contextValue: context })
        const passing = result.errors?.map(({ originalError }) => originalError).find(isPassing)
        if (passing) throw passing
        return result
      },
      () => true,
    )
  } catch (error) {
    if (result?.errors?.some(({ originalError }) => originalError === error)) return result
    throw error
  } finally {
    if (context !== first) await context.reads.end()
  }
}

/** A mutation some of whose rows GraphQL cannot take is carried out for the others. */
async function executeMutation(
  args: ExecutionArgs,
  operation: OperationDefinitionNode,
  carryOut: Execute,
): Promise<ExecutionResult> {
  const result = await carryOut(args)
  // Without data nothing was carried out.
  if (result.data !== undefined) return result
  const readable = setUnreadableRowsAside(args.schema, operation, args.variableValues ?? {})
  if (!readable) return result
  const context = args.contextValue as Context
  context.unreadableRows = readable.refusals
  return carryOut({ ...args, variableValues: readable.variables })
}

/** What is too long is not sent at all: half of an answer looks like all of it. */
function withinLength(
  result: ExecutionResult,
  args: ExecutionArgs,
): { result: ExecutionResult; bytes: number } {
  const context = args.contextValue as Context
  const { answerLength, holdAnswer } = context
  const { data, errors } = result
  try {
    const size = answerSize(
      answerLength,
      data,
      errors?.map((error) => error.toJSON()),
    )
    if (size === undefined)
      throw new Refusal(
        'TOO_LARGE',
        `The answer is longer than ${answerLength} characters (${LIMIT_SETTINGS.answerLength[0]}): request less.`,
      )
    holdAnswer(size.bytes)
    return { result, bytes: size.bytes }
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    const isMutation = getOperationAST(args.document, args.operationName)?.operation === 'mutation'
    if (!isMutation) return { result: presentable({ errors: [error] }, context), bytes: 0 }
    const said = new Refusal(error.code, `${error.message} The mutation took effect.`, [], error.details)
    // With data, if only null, it is the answer of an operation that ran: who hears 429 sends it again.
    return { result: presentable({ data: null, errors: [said] }, context), bytes: 0 }
  }
}

function answerSize(limit: number, data: unknown, errors: unknown): AnswerSize | undefined {
  if (!(data instanceof AnswerData)) return sizeWithin(limit, { data, errors })
  const beside = sizeWithin(limit, { errors })
  if (!beside) return undefined
  const size = piecesSize(limit - beside.characters, data.pieces)
  const characters = beside.characters + size.characters
  return characters > limit ? undefined : { characters, bytes: beside.bytes + size.bytes }
}

/** A result whose errors may be of any kind. */
type UnshownResult = Omit<ExecutionResult, 'errors'> & { errors?: readonly unknown[] | undefined }

/** The result with its errors as clients may see them, and what the operation was reckoned to cost. */
export function presentable({ errors, ...result }: UnshownResult, context: Context): ExecutionResult {
  const { requestId, services, cost } = context
  return writtenAsIs({
    ...(errors && { errors: presentableErrors(errors, requestId, services.logger) }),
    ...result,
    extensions: { ...result.extensions, cost },
  })
}
