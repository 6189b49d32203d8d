import {
  createSourceEventStream,
  type ExecutionArgs,
  type ExecutionResult,
  execute,
  GraphQLError,
  getOperationAST,
  print,
} from 'graphql'
import { LIMIT_SETTINGS, type Limits } from '../config.ts'
import type { PrismaClient } from '../db/generated/client.ts'
import { inTenantTransaction } from '../db/tenantTransaction.ts'
import type { Context, OperationCost, Services } from '../graphql/context.ts'
import { OperationReads } from '../reads/operationReads.ts'
import { Refusal } from '../refusal.ts'
import type { Viewer } from '../viewer.ts'
import { presentableError } from './errors.ts'
import { isLongerThan } from './limits/answerSize.ts'
import type { TenantSlots } from './limits/tenantSlots.ts'

export type ContextFactory = (viewer: Viewer, requestId: string, cost: OperationCost) => Context

export function createContextFactory(
  prisma: PrismaClient,
  services: Services,
  { answerLength, readBytes }: Pick<Limits, 'answerLength' | 'readBytes'>,
): ContextFactory {
  return (viewer, requestId, cost) => {
    const reads = new OperationReads(prisma, viewer, readBytes)
    return {
      viewer,
      requestId,
      cost,
      answerLength,
      reads,
      services,
      write: (work) => reads.pausedFor(() => inTenantTransaction(services.pool, viewer, 'read write', work)),
    }
  }
}

/** Runs a query or mutation, ends its reads, and shows its errors as clients may see them. The same on every transport. */
export async function executeOperation(args: ExecutionArgs): Promise<ExecutionResult> {
  const context = args.contextValue as Context
  const begin = performance.now()
  let failed = true
  try {
    const result = withinLength(await execute(args), args)
    failed = result.errors !== undefined
    return presentable(result, context)
  } finally {
    await context.reads.end()
    context.services.metrics.count(context.viewer.tenantId, performance.now() - begin, failed)
  }
}

/** What is too long is not sent at all: half of an answer looks like all of it. */
function withinLength(result: ExecutionResult, args: ExecutionArgs): ExecutionResult {
  const { answerLength } = args.contextValue as Context
  if (!isLongerThan(answerLength, result.data)) return result
  const isMutation = getOperationAST(args.document, args.operationName)?.operation === 'mutation'
  const message =
    `The answer is longer than ${answerLength} characters (${LIMIT_SETTINGS.answerLength[0]}): ask for less.` +
    (isMutation ? ' What the mutation did is done.' : '')
  return { errors: [new GraphQLError(message, { originalError: new Refusal('TOO_LARGE', message) })] }
}

export type Subscribe = (
  args: ExecutionArgs,
) => Promise<AsyncIterableIterator<ExecutionResult> | ExecutionResult>

/**
 * What runs a subscription: each of its events is an operation of its own, with reads of its own. A tenant has so many
 * slots for them, on whatever transport.
 */
export function createSubscribe(slots: TenantSlots): Subscribe {
  return async (args) => {
    const context = args.contextValue as Context
    const { tenantId } = context.viewer
    const refusal = slots.take(tenantId)
    if (refusal) return presentable({ errors: [refusal] }, context)
    const leave = once(() => slots.giveBack(tenantId))
    try {
      const events = await createSourceEventStream(args)
      if (Symbol.asyncIterator in events) return eachEvent(events[Symbol.asyncIterator](), args, leave)
      leave()
      return presentable(events, context)
    } catch (error) {
      leave()
      throw error
    }
  }
}

function once(work: () => void): () => void {
  let done = false
  return () => {
    if (done) return
    done = true
    work()
  }
}

function eachEvent(
  events: AsyncIterator<unknown>,
  args: ExecutionArgs,
  leave: () => void,
): AsyncIterableIterator<ExecutionResult> {
  const context = args.contextValue as Context
  const view = viewOf(args, context)
  let ended = false
  const end = async () => {
    ended = true
    leave()
    await events.return?.()
  }
  return {
    async next() {
      if (ended) return { done: true, value: undefined }
      try {
        const { done, value } = await events.next()
        if (done) {
          leave()
          return { done, value: undefined }
        }
        const result = await shown(value as object, view, args)
        // To go on after an event that could not be shown would leave a gap: its subscriber has to come back for it.
        if (!result.data) await end()
        return { done: false, value: result }
      } catch (error) {
        // The subscriber is told in a last result: an iterator that throws would take the whole socket with it.
        await end()
        return {
          done: false,
          value: { errors: [presentableError(error, context.requestId, context.services.logger)] },
        }
      }
    },
    async return() {
      await end()
      return { done: true, value: undefined }
    },
    async throw(error) {
      await end()
      throw error
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}

/** How long an event is kept as it was shown: subscribers that keep up ask within moments, and it may be large. */
const SHOWN_FOR_MS = 100

/** What events look like, by the views of their subscribers. */
const shownEvents = new WeakMap<object, Map<string, Promise<ExecutionResult>>>()

/** Equal for subscriptions that are shown the same: the same rows may be seen, and the same is asked of them. */
function viewOf({ document, operationName, variableValues }: ExecutionArgs, { viewer }: Context): string {
  const text = document.loc?.source.body ?? print(document)
  return JSON.stringify([viewer.tenantId, viewer.role, operationName, variableValues, text])
}

/**
 * The event as the subscription asks for it, made once for all subscribers with the same view. What could not be made
 * is not kept: the next of them tries again.
 */
function shown(event: object, view: string, args: ExecutionArgs): Promise<ExecutionResult> {
  const byView = shownEvents.get(event) ?? new Map<string, Promise<ExecutionResult>>()
  shownEvents.set(event, byView)
  let result = byView.get(view)
  if (!result) {
    const context = args.contextValue as Context
    const contextValue: Context = { ...context, reads: context.reads.forNextEvent() }
    result = executeOperation({ ...args, rootValue: event, contextValue })
    byView.set(view, result)
    const forget = () => byView.delete(view)
    result.then(({ errors }) => (errors ? forget() : setTimeout(forget, SHOWN_FOR_MS).unref()), forget)
  }
  return result
}

function presentable(result: ExecutionResult, context: Context): ExecutionResult {
  const extensions = { ...result.extensions, cost: context.cost }
  if (!result.errors) return { ...result, extensions }
  const errors: GraphQLError[] = result.errors.map((error) =>
    presentableError(error, context.requestId, context.services.logger),
  )
  return { ...result, errors, extensions }
}
