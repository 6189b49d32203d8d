import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import { serverAudits } from 'graphql-http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Arc, useArc } from '../support/arc.ts'

const arc = useArc()

/** fetch with a token; a body without a content type stays without one, as the audits want it. */
const authorized: typeof fetch = async (url, init = {}) =>
  fetch(url, {
    ...init,
    headers: { ...(init.headers as Record<string, string>), authorization: `Bearer ${await token}` },
  })
let token: Promise<string>
beforeAll(() => {
  token = arc.tenant().token()
})

describe('GraphQL over HTTP, as graphql-http audits it:', () => {
  const audits = serverAudits({ url: () => arc.url, fetchFn: authorized })
  const optional: string[] = []
  afterAll(() => {
    if (optional.length > 0) console.log(`MAY, and not so here:\n${optional.join('\n')}`)
  })

  it('there are audits', () => {
    expect(audits.length).toBeGreaterThan(60)
  })

  it.each(audits.map((audit) => [audit.name, audit] as const))('%s', async (name, audit) => {
    const result = await audit.fn()
    if (result.status === 'ok') return
    if (/^MAY/.test(name)) optional.push(`${name}: ${result.reason}`)
    else expect.fail(`${result.reason}: ${await result.response.clone().text()}`)
  })
})

const QUERY = '{ viewer { tenantId } }'

/** Any request with a valid token. */
async function send(
  init: RequestInit,
  search = '',
): Promise<{ status: number; body: any; headers: Headers }> {
  const response = await authorized(`${arc.url}${search}`, init)
  const text = await response.text()
  return {
    status: response.status,
    body: text === '' ? undefined : JSON.parse(text),
    headers: response.headers,
  }
}

const post = (body: string | Uint8Array, headers: Record<string, string> = {}) =>
  send({
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: body as BodyInit,
  })

const codes = ({ body }: { body: any }) => body?.errors?.map((error: any) => error.extensions.code)

describe('a request that is none', () => {
  it.each([
    ['form', 'application/x-www-form-urlencoded', `query=${encodeURIComponent(QUERY)}`],
    ['text', 'text/plain', JSON.stringify({ query: QUERY })],
    ['text as Yoga would take it', 'application/graphql', QUERY],
    ['multipart', 'multipart/form-data; boundary=x', '--x\r\n\r\n--x--'],
    ['JSON in another charset', 'application/json; charset=utf-16', JSON.stringify({ query: QUERY })],
    ['JSON that only begins like it', 'application/jsonp', JSON.stringify({ query: QUERY })],
  ])('%s is 415', async (_, contentType, body) => {
    const answer = await post(body, { 'content-type': contentType })
    expect({ status: answer.status, codes: codes(answer) }).toEqual({ status: 415, codes: ['BAD_REQUEST'] })
  })

  it.each([
    ['no JSON', '{"query": '],
    ['empty', ''],
    ['null', 'null'],
    ['a number', '1'],
    ['a batch', JSON.stringify([{ query: QUERY }])],
    ['no UTF-8', Buffer.from(JSON.stringify({ query: `${QUERY} # \u00ff` }), 'latin1')],
    ['a query that is a list', '{"query": ["{ viewer { tenantId } }"]}'],
    ['no query', '{"variables": {}}'],
    ['variables that are a list', JSON.stringify({ query: QUERY, variables: [] })],
    ['extensions that are text', JSON.stringify({ query: QUERY, extensions: 'x' })],
    ['an operation name that is a number', JSON.stringify({ query: QUERY, operationName: 1 })],
  ])('%s is 400', async (_, body) => {
    const answer = await post(body)
    expect({ status: answer.status, codes: codes(answer) }).toEqual({ status: 400, codes: ['BAD_REQUEST'] })
  })

  it('brotli, gzip and deflate are read; another encoding is 415, and one that is not so is 400', async () => {
    const body = JSON.stringify({ query: QUERY })
    for (const [encoding, bytes] of [
      ['br', brotliCompressSync(body)],
      ['gzip', gzipSync(body)],
      ['deflate', deflateSync(body)],
    ] as const) {
      const { status, body: answer } = await post(bytes, { 'content-encoding': encoding })
      expect({ encoding, status, errors: answer.errors }).toEqual({
        encoding,
        status: 200,
        errors: undefined,
      })
    }
    expect((await post(body, { 'content-encoding': 'zstd' })).status).toBe(415)
    expect((await post(body, { 'content-encoding': 'gzip, gzip' })).status).toBe(415)
    expect((await post(body, { 'content-encoding': 'gzip' })).status).toBe(400)
    expect((await post(gzipSync(body).subarray(0, 20), { 'content-encoding': 'gzip' })).status).toBe(400)
  })

  it.each(['PUT', 'DELETE', 'PATCH', 'OPTIONS'])('%s is 405 and says what is allowed', async (method) => {
    const answer = await send({ method })
    expect({ status: answer.status, codes: codes(answer), allow: answer.headers.get('allow') }).toEqual({
      status: 405,
      codes: ['BAD_REQUEST'],
      allow: 'GET, POST',
    })
  })

  it.each([
    ['wrong document', { query: '{ nothingOfTheKind }' }, 'GRAPHQL_VALIDATION_FAILED'],
    ['no document', { query: '{' }, 'GRAPHQL_PARSE_FAILED'],
    [
      'wrong variable',
      { query: 'query ($n: Int!) { simulations(first: $n) { totalCount } }' },
      'BAD_USER_INPUT',
    ],
    ['document beyond a limit', { query: `{ ${'viewer { role } '.repeat(300)} }` }, 'LIMIT_EXCEEDED'],
  ])('%s: 400, and 200 for those who know application/json only', async (_, params, code) => {
    const body = JSON.stringify(params)
    for (const [accept, status] of [
      ['application/graphql-response+json', 400],
      ['application/json', 200],
      ['application/graphql-response+json, application/json;q=0.9', 400],
    ] as const) {
      const answer = await post(body, { accept })
      expect({ accept, status: answer.status, codes: codes(answer) }).toEqual({
        accept,
        status,
        codes: [code],
      })
    }
  })

  it('long answers come packed as the client takes them', async () => {
    const names = (type: string) => `${type}: __type(name: "${type}") { fields { name description } }`
    const body = JSON.stringify({ query: `{ ${names('Simulation')} ${names('Outcome')} }` })
    const answers = await Promise.all(
      ['br', 'gzip', 'identity'].map((encoding) => post(body, { 'accept-encoding': encoding })),
    )
    expect(answers.map(({ headers }) => headers.get('content-encoding'))).toEqual(['br', 'gzip', null])
    expect(answers[0]!.body).toEqual(answers[2]!.body)
    expect(answers[1]!.body).toEqual(answers[2]!.body)
    expect(answers[0]!.headers.get('vary')).toContain('Accept-Encoding')
  })

  it('accepts nothing that is answered: 406', async () => {
    const answer = await post(JSON.stringify({ query: QUERY }), { accept: 'image/png' })
    expect({ status: answer.status, codes: codes(answer) }).toEqual({ status: 406, codes: ['BAD_REQUEST'] })
  })
})

describe('GET', () => {
  const get = (query: string, headers: Record<string, string> = {}) =>
    send({ headers }, `?query=${encodeURIComponent(query)}`)

  it('asks, and changes nothing', async () => {
    expect((await get(QUERY)).status).toBe(200)
    const answer = await get(
      'mutation { upsertScenarios(input: { scenarios: [{ taskPrompt: "x" }] }) { errors { code } } }',
    )
    expect({ status: answer.status, codes: codes(answer), allow: answer.headers.get('allow') }).toEqual({
      status: 405,
      codes: ['BAD_REQUEST'],
      allow: 'POST',
    })
    const both = 'query A { viewer { tenantId } } mutation B { __typename }'
    const named = await send({}, `?query=${encodeURIComponent(both)}&operationName=B`)
    expect(named.status).toBe(405)
  })

  it('takes variables as JSON, and says when they are none', async () => {
    const query = encodeURIComponent('query ($id: UUID!) { simulation(simulationId: $id) { status } }')
    const variables = encodeURIComponent('{"id":"01890a5d-ac96-774b-bcce-b302099a8057"}')
    expect((await send({}, `?query=${query}&variables=${variables}`)).body.data).toEqual({ simulation: null })
    expect((await send({}, `?query=${query}&variables=x`)).status).toBe(400)
  })
})

describe('pages of other origins', () => {
  const listed = new Arc({ ARC_CORS_ORIGINS: 'https://a.example, http://b.example:8080' })
  beforeAll(() => listed.start())
  afterAll(() => listed.stop())

  async function ask(url: string, origin: string, method: 'POST' | 'OPTIONS') {
    const response = await authorized(url, {
      method,
      headers: {
        origin,
        'content-type': 'application/json',
        ...(method === 'OPTIONS'
          ? { 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' }
          : {}),
      },
      ...(method === 'POST' ? { body: JSON.stringify({ query: QUERY }) } : {}),
    })
    const allowed = [...response.headers].filter(([name]) => name.startsWith('access-control-'))
    return {
      status: response.status,
      allowed: Object.fromEntries(allowed),
      vary: response.headers.get('vary'),
    }
  }

  it.each(['https://evil.example', 'null'])('may not read the answers: %s', async (origin) => {
    expect((await ask(arc.url, origin, 'POST')).allowed).toEqual({})
    expect(await ask(arc.url, origin, 'OPTIONS')).toMatchObject({ status: 405, allowed: {} })
  })

  it.each(['https://a.example', 'http://b.example:8080'])('may when they are listed: %s', async (origin) => {
    expect(await ask(listed.url, origin, 'OPTIONS')).toEqual({
      status: 204,
      vary: 'Origin',
      allowed: {
        'access-control-allow-origin': origin,
        'access-control-allow-methods': 'GET, POST',
        'access-control-allow-headers':
          'Authorization, Content-Type, Content-Encoding, X-Arc-Act-As, X-Request-Id, Traceparent, Tracestate',
        'access-control-expose-headers': 'Retry-After, WWW-Authenticate, X-Request-Id',
        'access-control-max-age': '7200',
      },
    })
    expect(await ask(listed.url, origin, 'POST')).toMatchObject({
      status: 200,
      vary: 'Origin, Accept, Accept-Encoding',
      allowed: { 'access-control-allow-origin': origin },
    })
  })

  it.each(['https://a.example.evil.example', 'http://a.example', 'https://a.example:444', 'null'])(
    'may not when only others are listed: %s',
    async (origin) => {
      expect((await ask(listed.url, origin, 'POST')).allowed).toEqual({})
      expect((await ask(listed.url, origin, 'OPTIONS')).allowed).toEqual({})
    },
  )

  it('that are listed may read event streams too', async () => {
    const response = await authorized(listed.url, {
      method: 'POST',
      headers: {
        origin: 'https://a.example',
        'content-type': 'application/json',
        accept: 'text/event-stream',
      },
      body: JSON.stringify({ query: QUERY }),
    })
    expect(response.headers.get('access-control-allow-origin')).toBe('https://a.example')
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    expect(await response.text()).toContain('event: next')
  })
})
