import type { Arc, Tenant } from './arc.ts'
import { resultsOverSse } from './graphqlSse.ts'
import { GraphQLSocket } from './graphqlWs.ts'

export interface TransportAnswer {
  data?: any
  errors?: { message: string; extensions: { code: string; [more: string]: unknown } }[]
  extensions?: any
}

/** Sends one query in every way that there is, and brings what each way answers. */
export async function onEveryTransport(
  arc: Arc,
  tenant: Tenant,
  params: { query?: string; variables?: object; [more: string]: unknown },
): Promise<[transport: string, answer: TransportAnswer][]> {
  const token = await tenant.token()
  const authorization = `Bearer ${token}`
  const byPost = await fetch(arc.url, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json' },
    body: JSON.stringify(params),
  })
  const search = new URLSearchParams(
    Object.entries(params).map(([name, value]) => [
      name,
      typeof value === 'string' ? value : JSON.stringify(value),
    ]),
  )
  const byGet = await fetch(`${arc.url}?${search}`, { headers: { authorization } })
  const stream = resultsOverSse(arc.url, token, params.query as string, params.variables, params)
  const socket = new GraphQLSocket(arc.webSocketUrl, { authorization })
  const answers: [string, TransportAnswer][] = [
    ['POST', (await byPost.json()) as TransportAnswer],
    ['GET', (await byGet.json()) as TransportAnswer],
    ['server-sent events', (await stream.next()).value as TransportAnswer],
    ['WebSocket', (await socket.results(params.query ?? '', params.variables, params).next()).value],
  ]
  await Promise.all([stream.return!(), socket.close()])
  return answers
}
