import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type ExecutionArgs, GraphQLError, type GraphQLSchema } from 'graphql'
import { createYoga, type Plugin } from 'graphql-yoga'
import type { Logger } from 'pino'
import type { Authenticate } from '../auth/authenticator.ts'
import type { Viewer } from '../auth/viewer.ts'
import { type ErrorCode, Refusal } from '../refusal.ts'
import { callerOf } from './caller.ts'
import { presentableError } from './errors.ts'
import { type ContextFactory, executeOperation, subscribeOperation } from './execution.ts'
import { renderArcGraphiQL } from './graphiql.ts'

export const GRAPHQL_PATH = '/graphql'

interface NodeContext {
  req: IncomingMessage
  res: ServerResponse
}

export interface HttpParts {
  schema: GraphQLSchema
  authenticate: Authenticate
  contextFor: ContextFactory
  logger: Logger
  graphiql: boolean
}

/** How HTTP says why somebody is not let in. */
function httpOf(code: ErrorCode): { status: number; headers?: Record<string, string> } {
  if (code === 'UNAUTHENTICATED') return { status: 401, headers: { 'www-authenticate': 'Bearer' } }
  if (code === 'FORBIDDEN') return { status: 403 }
  return { status: code === 'UNAVAILABLE' ? 503 : 400 }
}

/**
 * GraphQL over HTTP: POST and GET, server-sent events for subscriptions, GraphiQL for browsers. `breakOffStreams` ends
 * the subscriptions that are open as a lost connection would: an orderly end would say that nothing more happens.
 */
export function createGraphQLHandler({ schema, authenticate, contextFor, logger, graphiql }: HttpParts) {
  const viewers = new WeakMap<Request, Viewer>()
  const streaming = new Set<ServerResponse>()

  // Before anything is parsed: without a token not even a validation error tells of the schema.
  const gate: Plugin<NodeContext> = {
    async onParams({ request, context, setResult }) {
      const { req } = context as unknown as NodeContext
      try {
        viewers.set(request, await authenticate(callerOf(req)))
      } catch (error) {
        if (!(error instanceof Refusal)) throw error
        setResult({
          errors: [
            new GraphQLError(error.message, {
              extensions: {
                code: error.code,
                http: httpOf(error.code),
              },
            }),
          ],
        })
      }
    },
  }

  const execution: Plugin<NodeContext> = {
    onExecute: ({ setExecuteFn }) => setExecuteFn(executeOperation),
    onSubscribe: ({ setSubscribeFn }) =>
      setSubscribeFn(async (args: ExecutionArgs) => {
        const results = await subscribeOperation(args)
        if (Symbol.asyncIterator in results) endWithResponse(results, args.contextValue as NodeContext)
        return results
      }),
  }

  /**
   * Yoga forgets a stream that nobody reads: one whose client left early, or accepts no event stream. It ends with its
   * response, whatever becomes of that.
   */
  function endWithResponse(results: AsyncIterableIterator<unknown>, { res }: NodeContext): void {
    if (res.closed) {
      void results.return?.()
      return
    }
    streaming.add(res)
    res.once('close', () => {
      streaming.delete(res)
      void results.return?.()
    })
  }

  const handle = createYoga<NodeContext>({
    schema,
    graphqlEndpoint: GRAPHQL_PATH,
    landingPage: false,
    cors: false,
    batching: false,
    graphiql,
    renderGraphiQL: renderArcGraphiQL,
    plugins: [gate, execution],
    context: ({ request }) => contextFor(viewers.get(request)!, randomUUID()),
    maskedErrors: { maskError: (error) => presentableError(error, randomUUID(), logger) },
    logging: {
      debug: () => {},
      info: () => {},
      warn: (...messages) => logger.warn({ messages }, 'GraphQL over HTTP'),
      error: (...messages) =>
        logger[messages.every(isClients) ? 'debug' : 'error']({ messages }, 'GraphQL over HTTP'),
    },
  })
  const breakOffStreams = () => {
    for (const response of streaming) response.destroy()
  }
  return { handle, breakOffStreams }
}

/** Yoga reports what clients do wrong as well. */
function isClients(error: unknown): boolean {
  if (!(error instanceof GraphQLError)) return false
  const { status } = (error.extensions.http ?? {}) as { status?: number }
  return status !== undefined && status < 500
}
