import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type ExecutionArgs, type ExecutionResult, GraphQLError, type GraphQLSchema } from 'graphql'
import { createYoga, type Plugin } from 'graphql-yoga'
import type { Logger } from 'pino'
import type { ExposureConfig } from '../config.ts'
import type { Context } from '../graphql/builder/context.ts'
import type { OperationWatch } from '../observe/operationWatch.ts'
import { inSpan, type SpanOptions } from '../spans.ts'
import type { Admission } from './admit.ts'
import { errorsOf, presentableError, presentableOverHttp, RequestRefused } from './errors.ts'
import { type ContextFactory, codeOf, type Execute } from './execution.ts'
import { createGraphiQLPage } from './graphiql.ts'
import { sendResult } from './jsonAnswer.ts'
import type { TenantShare } from './limits/tenantShare.ts'
import type { CheckOperation } from './operationCheck.ts'
import { type Admitted, createOperationReader, holding } from './operationRequest.ts'
import { jsonTypeFor, takesAnswer, wantsPage } from './requestHead.ts'
import { requestIdOf } from './requestId.ts'
import { GRAPHQL_PATH } from './routes.ts'
import type { Subscribe } from './subscribe.ts'
import { writtenAsIs } from './writtenAsIs.ts'

interface NodeContext {
  req: IncomingMessage
  res: ServerResponse
}

export interface HttpParts {
  schema: GraphQLSchema
  admission: Admission
  checkOperation: CheckOperation
  contextFor: ContextFactory
  execute: Execute
  share: TenantShare
  subscribe: Subscribe
  exposure: ExposureConfig
  watch: OperationWatch
  logger: Logger
}

/**
 * GraphQL over HTTP: POST and GET, server-sent events for subscriptions, GraphiQL for browsers. `breakOffStreams` ends
 * the subscriptions that are open as a lost connection would: an orderly end would say that nothing more happens.
 *
 * An answer that is one JSON text is sent here; what is a stream of events Yoga sends, for operations of every kind.
 */
export function createGraphQLHandler({
  schema,
  admission,
  checkOperation,
  contextFor,
  execute,
  share,
  subscribe,
  exposure,
  watch,
  logger,
}: HttpParts) {
  const readOperation = createOperationReader({ admission, checkOperation, share, exposure })
  const admitted = new WeakMap<IncomingMessage, Admitted>()
  const streaming = new Set<ServerResponse>()

  const reading: Plugin<NodeContext> = {
    onResponse({ serverContext }) {
      const { res } = serverContext as unknown as NodeContext
      // What sends a stream takes the limit of its time away before it begins: who reads nothing would be kept for good.
      setImmediate(() => {
        if (streaming.has(res)) res.socket?.setTimeout(exposure.limits.writeSeconds * 1000)
      })
    },
    onRequestParse({ serverContext, setRequestParser }) {
      const { req, res } = serverContext as unknown as NodeContext
      setRequestParser(async () => {
        try {
          const granted = admitted.get(req) ?? (await readOperation(req, res))
          admitted.set(req, granted)
          const { query, operationName, variableValues: variables } = granted.checked
          return { query, operationName, variables }
        } catch (error) {
          throw new AggregateError(refusing(req, error))
        }
      })
    },
    onParse: ({ context, setParsedDocument }) =>
      setParsedDocument(admitted.get(context.req)!.checked.document),
    onValidate: ({ setResult }) => setResult([]),
    // What was refused before it ran, or by Yoga.
    onResultProcess: ({ result, setResult }) => {
      if (!Array.isArray(result) && !(Symbol.asyncIterator in result)) setResult(writtenAsIs(result))
    },
  }

  const execution: Plugin<NodeContext> = {
    onExecute: ({ setExecuteFn }) => setExecuteFn((args: ExecutionArgs) => resultOf(args)),
    onSubscribe: ({ setSubscribeFn }) =>
      setSubscribeFn(async (args: ExecutionArgs) => {
        const results = await subscribe(hidingSuggestions(args))
        if (Symbol.asyncIterator in results) endWithResponse(results, args.contextValue as NodeContext)
        return results
      }),
  }
  /** With what HTTP says of it where there is no more than errors. */
  async function resultOf(args: ExecutionArgs): Promise<ExecutionResult> {
    const result = await execute(hidingSuggestions(args))
    // Without data that the database did not answer is all there is to say, to whatever stands in between as well.
    const isOutage =
      !result.data && result.errors?.every(({ extensions }) => extensions.code === 'UNAVAILABLE')
    if ('data' in result && !isOutage) return result
    const { requestId } = args.contextValue as Context
    return { ...result, errors: result.errors!.map((error) => overHttp(error, requestId)) }
  }
  const overHttp = (error: unknown, requestId: string) => presentableOverHttp(error, requestId, logger)
  /** What is told of an error that came before the operation. */
  function refusing(req: IncomingMessage, error: unknown): GraphQLError[] {
    const requestId = requestIdOf(req)
    const errors = errorsOf(error).map((one) => overHttp(one, requestId))
    watch.refused(codeOf({ errors }), requestId)
    return errors
  }
  const hidingSuggestions = (args: ExecutionArgs) => ({ ...args, hideSuggestions: !exposure.suggestions })

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

  const yoga = createYoga<NodeContext>({
    schema,
    graphqlEndpoint: GRAPHQL_PATH,
    landingPage: false,
    cors: false,
    batching: false,
    multipart: false,
    maxRequestBodySize: false,
    parserAndValidationCache: false,
    graphiql: false,
    plugins: [reading, execution],
    context: ({ req, res }) => contextOf(admitted.get(req)!, req, res),
    maskedErrors: { maskError: (error) => presentableError(error, randomUUID(), logger) },
    logging: {
      debug: () => {},
      info: () => {},
      warn: (...messages) => logger.warn({ messages }, 'GraphQL over HTTP'),
      error: (...messages) =>
        logger[messages.every(isClients) ? 'debug' : 'error']({ messages }, 'GraphQL over HTTP'),
    },
  })
  const page = exposure.graphiql ? createGraphiQLPage() : undefined
  const contextOf = ({ viewer, checked, bytes }: Admitted, req: IncomingMessage, res: ServerResponse) =>
    contextFor(viewer, requestIdOf(req), checked.cost, bytes, holding(share.answers, viewer, res))

  const handle = (req: IncomingMessage, res: ServerResponse): Promise<void> =>
    inSpan(`${req.method} ${GRAPHQL_PATH}`, requestSpan(req), async (note) => {
      await answer(req, res)
      note({ 'http.response.status_code': res.statusCode })
    })

  async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    if (page && wantsPage(req)) {
      admission.countPage(req)
      return page(req, res)
    }
    if (!takesAnswer(req))
      throw new RequestRefused(
        406,
        'BAD_REQUEST',
        'Answers are application/graphql-response+json, application/json or text/event-stream.',
      )
    if (jsonTypeFor(req) === undefined) return yoga(req, res)
    try {
      const granted = await readOperation(req, res)
      const { document, operation, operationName, variableValues } = granted.checked
      if (operation.operation === 'subscription') {
        admitted.set(req, granted)
        return yoga(req, res)
      }
      const contextValue = contextOf(granted, req, res)
      const result = await resultOf({ schema, document, operationName, variableValues, contextValue })
      await sendResult(req, res, result)
    } catch (error) {
      await sendResult(req, res, { errors: refusing(req, error) })
    }
  }
  const breakOffStreams = () => {
    for (const response of streaming) response.destroy()
  }
  return { handle, breakOffStreams }
}

function requestSpan(request: IncomingMessage): SpanOptions {
  const { method, headers } = request
  return {
    kind: 'server',
    headers,
    attributes: {
      'http.request.method': method,
      'url.path': GRAPHQL_PATH,
      'arc.request_id': requestIdOf(request),
    },
  }
}

/** Yoga reports what clients do wrong as well. */
function isClients(error: unknown): boolean {
  if (!(error instanceof GraphQLError)) return false
  const { status } = (error.extensions.http ?? {}) as { status?: number }
  return status !== undefined && status < 500
}
