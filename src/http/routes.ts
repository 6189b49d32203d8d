import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { Logger } from 'pino'
import type { ExposureConfig } from '../config.ts'
import type { HealthProbe } from '../observe/health.ts'
import type { Viewer } from '../viewer.ts'
import type { Admission } from './admit.ts'
import { answerOf, RequestRefused } from './errors.ts'
import { answerPreflight } from './origins.ts'
import { normaliseHead } from './requestHead.ts'
import { requestIdOf } from './requestId.ts'

export const GRAPHQL_PATH = '/graphql'

type Answering = void | Promise<void>

/**
 * What is answered on a path. An admitted route is for who has a token, and knows whose it is; who has none, or asks too
 * often, is refused before its handler is called. What a handler throws is answered as a refusal.
 */
export type Route = { path: string; methods: readonly string[] } & (
  | { admitted: true; handle(request: IncomingMessage, response: ServerResponse, viewer: Viewer): Answering }
  | { admitted: false; handle(request: IncomingMessage, response: ServerResponse): Answering }
)

const HEALTH: Route = {
  // For load balancers: that the process answers. What it answers from is GraphQL's `health`, behind a token.
  path: '/health',
  // HAProxy asks by OPTIONS unless it is told otherwise.
  methods: ['GET', 'HEAD', 'OPTIONS'],
  admitted: false,
  handle: (_, response) => {
    const body = '{"status":"ok"}'
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length }).end(body)
  },
}

/** While the database is not there yet. */
export const ROUTES_AT_START: Route[] = [
  HEALTH,
  ...[GRAPHQL_PATH, '/ready', '/'].map(
    (path): Route => ({
      path,
      methods: ['GET', 'HEAD', 'POST', 'OPTIONS'],
      admitted: false,
      handle: () => {
        throw new RequestRefused(503, 'UNAVAILABLE', 'The server waits for its database.', {
          'retry-after': '2',
        })
      },
    }),
  ),
]

/** Where no route is admitted. */
export const NOBODY: Pick<Admission, 'admit'> = {
  admit: () => Promise.reject(new RequestRefused(503, 'UNAVAILABLE', 'The server waits for its database.')),
}

export function routesOf(
  graphql: (request: IncomingMessage, response: ServerResponse) => Answering,
  health: Pick<HealthProbe, 'whyNotReady'>,
): Route[] {
  return [
    // It admits by itself: GraphiQL's page is for everybody, and errors have the media type that the client takes.
    { path: GRAPHQL_PATH, methods: ['GET', 'POST'], admitted: false, handle: graphql },
    HEALTH,
    {
      // Whether requests can be answered: a server that is not ready gets none, and is not restarted for it.
      path: '/ready',
      methods: ['GET', 'HEAD', 'OPTIONS'],
      admitted: false,
      handle: async (_, response) => {
        const why = await health.whyNotReady()
        if (why !== undefined) throw new RequestRefused(503, 'UNAVAILABLE', why, { 'retry-after': '2' })
        response.writeHead(200, { 'content-type': 'application/json' }).end('{"status":"ready"}')
      },
    },
    {
      path: '/',
      methods: ['GET', 'HEAD'],
      admitted: false,
      handle: (_, response) => {
        response.writeHead(302, { location: GRAPHQL_PATH }).end()
      },
    },
  ]
}

/**
 * A client that takes nothing of what waits for it would keep it in memory for good. The time begins again with all that it
 * takes; while nothing waits, a long operation or a quiet stream, it does not count.
 */
function breakOffStalled(response: ServerResponse, seconds: number): void {
  response.setTimeout(seconds * 1000, () => {
    if (response.writableLength > 0 || response.socket!.writableLength > 0) response.destroy()
  })
}

/** Answers each request by the route that has its path and method. */
export function answerByRoutes(
  routes: readonly Route[],
  { admit }: Pick<Admission, 'admit'>,
  { corsOrigins, limits }: Pick<ExposureConfig, 'corsOrigins' | 'limits'>,
  logger: Logger,
): RequestListener {
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.setHeader('x-content-type-options', 'nosniff')
    response.setHeader('x-request-id', requestIdOf(request))
    breakOffStalled(response, limits.writeSeconds)
    normaliseHead(request)
    const path = request.url?.split('?', 1)[0]
    const here = routes.filter((route) => route.path === path)
    if (here.length === 0)
      throw new RequestRefused(404, 'BAD_REQUEST', `Not found. GraphQL is at ${GRAPHQL_PATH}.`)
    const methods = here.flatMap((route) => route.methods)
    if (answerPreflight(request, response, corsOrigins, methods)) return
    const route = here.find((candidate) => candidate.methods.includes(request.method!))
    if (!route) {
      const allow = methods.join(', ')
      throw new RequestRefused(405, 'BAD_REQUEST', `${path} takes ${allow}.`, { allow })
    }
    if (route.admitted) await route.handle(request, response, await admit(request))
    else await route.handle(request, response)
  }

  function refuse(error: unknown, request: IncomingMessage, response: ServerResponse): void {
    const { status, headers, body } = answerOf(error, requestIdOf(request), logger)
    // Half of an answer is out: only a broken connection tells that it is not all of it.
    if (response.headersSent) response.destroy()
    else response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) }).end(body)
  }

  return (request, response) => {
    answer(request, response).catch((error) => refuse(error, request, response))
  }
}
