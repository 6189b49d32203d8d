import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type ExecutionArgs, GraphQLError, type GraphQLSchema } from 'graphql'
import { createYoga, type Plugin } from 'graphql-yoga'
import type { Logger } from 'pino'
import type { ExposureConfig, Limits } from '../config.ts'
import { parseExactly } from '../exactNumbers.ts'
import { MAX_KEY_LENGTH } from '../json.ts'
import { Refusal } from '../refusal.ts'
import type { Viewer } from '../viewer.ts'
import type { Admission } from './admit.ts'
import { answerOf, errorsOf, presentableError, presentableOverHttp, RequestRefused } from './errors.ts'
import { type ContextFactory, executeOperation } from './execution.ts'
import { createGraphiQLPage } from './graphiql.ts'
import { assertWithin } from './limits/assertWithin.ts'
import { type JsonOutline, outlineOf } from './limits/jsonOutline.ts'
import type { TenantShare } from './limits/tenantShare.ts'
import type { Holding, TenantSlots } from './limits/tenantSlots.ts'
import type { CheckedOperation, CheckOperation, OperationParams } from './operationCheck.ts'
import { readBodyText } from './requestBody.ts'
import { takesAnswer, takesStream, wantsPage, welcome } from './requestHead.ts'
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
  share: TenantShare
  subscribe: Subscribe
  exposure: ExposureConfig
  logger: Logger
}

/** A request that may run. */
interface Admitted {
  viewer: Viewer
  checked: CheckedOperation
  /** Of the whole request. */
  bytes: number
}

/**
 * GraphQL over HTTP: POST and GET, server-sent events for subscriptions, GraphiQL for browsers. `breakOffStreams` ends
 * the subscriptions that are open as a lost connection would: an orderly end would say that nothing more happens.
 *
 * Yoga has the protocol: media types, status codes, streams, no mutations by GET. What a request may do is decided where it reads the request,
 * by what the other transports decide it by, so its own parsing and validation are left out.
 */
export function createGraphQLHandler({
  schema,
  admission,
  checkOperation,
  contextFor,
  share,
  subscribe,
  exposure,
  logger,
}: HttpParts) {
  const admitted = new WeakMap<Request, Admitted>()
  const streaming = new Set<ServerResponse>()

  /** Before anything is read: without a token not even a wrong body is told of. */
  async function readOperation({ req, res }: NodeContext): Promise<Admitted> {
    const viewer = await admission.admit(req)
    const { params, bytes } =
      req.method === 'GET' ? paramsOfAddress(req.url!) : await paramsOfBody(viewer, req, res)
    const checked = checkOperation(params, bytes)
    holding(share.tokens, viewer, res)(checked.tokens)
    const { operation } = checked.operation
    if (operation === 'subscription' && !takesStream(req))
      throw new RequestRefused(406, 'BAD_REQUEST', 'Subscriptions are answered as text/event-stream.')
    // nginx would gather events until it has some kilobytes of them.
    if (operation === 'subscription') res.setHeader('x-accel-buffering', 'no')
    return { viewer, checked, bytes }
  }

  /** As long as the response is not closed, for whatever reason, it has its share of what may be on the way. */
  function holding(slots: TenantSlots, { tenantId }: Viewer, res: ServerResponse): Holding['take'] {
    const held = slots.hold(tenantId)
    if (res.closed) held.giveBack()
    else res.once('close', held.giveBack)
    return held.take
  }

  /** A body beyond the limit of all operations is only read into a tree when what it asks for may have one. */
  async function paramsOfBody(viewer: Viewer, req: IncomingMessage, res: ServerResponse): Promise<Sent> {
    const { limits } = exposure
    const { text, bytes } = await readBodyText(req, {
      limits,
      max: viewer.role === 'app_readonly' ? limits.bodyBytes : limits.ingestionBodyBytes,
      hold: holding(share.bodies, viewer, res),
      welcome: () => welcome(req, res),
    })
    const outline = outlineOf(text)
    if (bytes > limits.bodyBytes) checkOperation(headOf(text, outline, limits), bytes)
    holding(share.bodyValues, viewer, res)(outline.values)
    const params = jsonOf(text, 'The body is not JSON.')
    if (typeof params !== 'object' || params === null || Array.isArray(params))
      throw new Refusal('BAD_REQUEST', 'The body must be a JSON object.')
    return { params, bytes }
  }

  const reading: Plugin<NodeContext> = {
    onRequestParse({ request, serverContext, setRequestParser, endResponse, fetchAPI }) {
      const node = serverContext as unknown as NodeContext
      if (!takesAnswer(node.req)) {
        const message =
          'Answers are application/graphql-response+json, application/json or text/event-stream.'
        const refusal = new RequestRefused(406, 'BAD_REQUEST', message)
        const { status, headers, body } = answerOf(refusal, randomUUID(), logger)
        endResponse(new fetchAPI.Response(body, { status, headers }))
        return
      }
      setRequestParser(async () => {
        try {
          const granted = await readOperation(node)
          admitted.set(request, granted)
          const { query, operationName, variableValues: variables } = granted.checked
          return { query, operationName, variables }
        } catch (error) {
          throw new AggregateError(errorsOf(error).map(overHttp))
        }
      })
    },
    onParse: ({ context, setParsedDocument }) =>
      setParsedDocument(admitted.get(context.request)!.checked.document),
    onValidate: ({ setResult }) => setResult([]),
    // What was refused before it ran, or by Yoga.
    onResultProcess: ({ result, setResult }) => {
      if (!Array.isArray(result) && !(Symbol.asyncIterator in result)) setResult(writtenAsIs(result))
    },
  }

  const execution: Plugin<NodeContext> = {
    onExecute: ({ setExecuteFn }) =>
      setExecuteFn(async (args: ExecutionArgs) => {
        const result = await executeOperation(hidingSuggestions(args))
        // Without data that the database did not answer is all there is to say, to whatever stands in between as well.
        const isOutage =
          !result.data && result.errors?.every(({ extensions }) => extensions.code === 'UNAVAILABLE')
        if ('data' in result && !isOutage) return result
        return { ...result, errors: result.errors!.map(overHttp) }
      }),
    onSubscribe: ({ setSubscribeFn }) =>
      setSubscribeFn(async (args: ExecutionArgs) => {
        const results = await subscribe(hidingSuggestions(args))
        if (Symbol.asyncIterator in results) endWithResponse(results, args.contextValue as NodeContext)
        return results
      }),
  }
  const overHttp = (error: unknown) => presentableOverHttp(error, randomUUID(), logger)
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
    context: ({ request, res }) => {
      const { viewer, checked, bytes } = admitted.get(request)!
      return contextFor(viewer, randomUUID(), checked.cost, bytes, holding(share.answers, viewer, res))
    },
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
  const handle = (req: IncomingMessage, res: ServerResponse) => {
    if (page && wantsPage(req)) {
      admission.countPage(req)
      return page(req, res)
    }
    return yoga(req, res)
  }
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

/** The parameters of a POST's body or a GET's address. A list of them would be a batch, which there is none of. */
interface Sent {
  params: OperationParams
  /** Of the whole request. */
  bytes: number
}

function paramsOfAddress(url: string): Sent {
  const query = new URL(url, 'http://localhost').searchParams
  for (const name of new Set(query.keys()))
    if (query.getAll(name).length > 1)
      throw new Refusal('BAD_REQUEST', `The address has ${JSON.stringify(name)} twice.`)
  const texts = Object.fromEntries(query)
  const json = (text: string | undefined) =>
    text ? jsonOf(text, 'variables and extensions must be JSON.') : undefined
  return {
    params: { ...texts, variables: json(texts.variables), extensions: json(texts.extensions) },
    bytes: url.length,
  }
}

/** Without the variables, which are what makes a body large. */
const HEAD_FIELDS = ['query', 'operationName', 'documentId', 'doc_id', 'extensions'] as const

/**
 * What a large body asks for.
 *
 * @throws Refusal TOO_LARGE for one of so many values, or with such a key, that its tree would take far more than its length; BAD_REQUEST
 */
function headOf(text: string, { values, longestKey, fields }: JsonOutline, limits: Limits): OperationParams {
  assertWithin(limits, 'bodyValues', values, 'The body has', 'values', { code: 'TOO_LARGE' })
  if (longestKey > MAX_KEY_LENGTH)
    throw new Refusal(
      'TOO_LARGE',
      `The body has a key of ${longestKey} characters; at most ${MAX_KEY_LENGTH} are allowed.`,
    )
  const head: OperationParams = {}
  for (const name of HEAD_FIELDS) {
    const [start, end] = fields.get(name) ?? []
    if (start === undefined) continue
    assertWithin(limits, 'bodyBytes', end! - start, `The body's ${name} has`, 'characters', {
      code: 'TOO_LARGE',
    })
    head[name] = jsonOf(text.slice(start, end), 'The body is not JSON.')
  }
  return head
}

function jsonOf(text: string, otherwise: string): unknown {
  try {
    return parseExactly(text)
  } catch {
    throw new Refusal('BAD_REQUEST', otherwise)
  }
}
