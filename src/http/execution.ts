import {
  createSourceEventStream,
  type ExecutionArgs,
  type ExecutionResult,
  execute,
  type GraphQLError,
} from 'graphql'
import type { Viewer } from '../auth/viewer.ts'
import type { PrismaClient } from '../db/generated/client.ts'
import { OperationReads } from '../db/operationReads.ts'
import { inTenantTransaction } from '../db/tenantTransaction.ts'
import type { Context, Services } from '../graphql/context.ts'
import { presentableError } from './errors.ts'

export type ContextFactory = (viewer: Viewer, requestId: string) => Context

export function createContextFactory(prisma: PrismaClient, services: Services): ContextFactory {
  return (viewer, requestId) => {
    const reads = new OperationReads(prisma, viewer)
    return {
      viewer,
      requestId,
      reads,
      services,
      write: async (work) => {
        // What was read before must not hold the only connection of the embedded database, nor an old snapshot.
        await reads.close()
        return inTenantTransaction(services.pool, viewer, 'read write', work)
      },
    }
  }
}

/** Runs a query or mutation, ends its reads, and shows its errors as clients may see them. The same on every transport. */
export async function executeOperation(args: ExecutionArgs): Promise<ExecutionResult> {
  const context = args.contextValue as Context
  try {
    return presentable(await execute(args), context)
  } finally {
    await context.reads.close()
  }
}

/** Runs a subscription: each of its events is an operation of its own, with reads of its own. */
export async function subscribeOperation(
  args: ExecutionArgs,
): Promise<AsyncIterableIterator<ExecutionResult> | ExecutionResult> {
  const context = args.contextValue as Context
  const { requestId, services } = context
  let events: AsyncIterable<unknown> | ExecutionResult
  try {
    events = await createSourceEventStream(args)
  } catch (error) {
    // graphql-js takes any error with a `path` for one of its own and throws it on, which would close the whole socket.
    return { errors: [presentableError(error, requestId, services.logger)] }
  }
  if (!(Symbol.asyncIterator in events)) return presentable(events, context)
  return eachEvent(events[Symbol.asyncIterator](), args)
}

function eachEvent(
  events: AsyncIterator<unknown>,
  args: ExecutionArgs,
): AsyncIterableIterator<ExecutionResult> {
  const context = args.contextValue as Context
  let failed = false
  return {
    async next() {
      if (failed) return { done: true, value: undefined }
      try {
        const { done, value } = await events.next()
        if (done) return { done, value: undefined }
        return {
          done: false,
          value: await executeOperation({ ...args, rootValue: value, contextValue: ofEvent(context) }),
        }
      } catch (error) {
        // The subscriber is told in a last result: an iterator that throws would take the whole socket with it.
        failed = true
        await events.return?.()
        return {
          done: false,
          value: { errors: [presentableError(error, context.requestId, context.services.logger)] },
        }
      }
    },
    async return() {
      await events.return?.()
      return { done: true, value: undefined }
    },
    async throw(error) {
      await events.return?.()
      throw error
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}

function ofEvent(context: Context): Context {
  return { ...context, reads: context.reads.forNextEvent() }
}

function presentable(result: ExecutionResult, context: Context): ExecutionResult {
  if (!result.errors) return result
  const errors: GraphQLError[] = result.errors.map((error) =>
    presentableError(error, context.requestId, context.services.logger),
  )
  return { ...result, errors }
}
