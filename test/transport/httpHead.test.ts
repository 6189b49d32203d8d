import { connect } from 'node:net'
import { describe, expect, it } from 'vitest'
import { useArc } from '../support/arc.ts'

const arc = useArc()

/** What comes back for these bytes, up to the end of the connection or the answer to the last of so many requests. */
async function raw(
  head: string[],
  body = '',
  answers = 1,
): Promise<{ status: number; text: string; all: string }> {
  const { port } = new URL(arc.url)
  const socket = connect(Number(port), '127.0.0.1')
  socket.write(`${head.join('\r\n')}\r\n\r\n${body}`)
  let all = ''
  for await (const chunk of socket) {
    all += chunk
    // Each answer has a Content-Length.
    const parts = all.split('\r\n\r\n')
    const lengths = [...all.matchAll(/^content-length: (\d+)/gim)].map(([, length]) => Number(length))
    if (lengths.length === answers && Buffer.byteLength(parts.at(-1)!) >= lengths.at(-1)!) break
  }
  socket.destroy()
  const last = all.slice(all.lastIndexOf('HTTP/1.1 '))
  return { status: Number(last.split(' ')[1]), text: last.slice(last.indexOf('\r\n\r\n') + 4), all }
}

const QUERY = JSON.stringify({ query: '{ viewer { role } }' })
const ANSWER = { data: { viewer: { role: 'USER' } } }
const posting = (token: string, more: string[] = [], body = QUERY) => [
  `Authorization: Bearer ${token}`,
  'Content-Type: application/json',
  `Content-Length: ${Buffer.byteLength(body)}`,
  ...more,
]
const codeOf = (text: string) => JSON.parse(text).errors[0].extensions.code

describe('the host of a request', () => {
  it.each([
    ['a space', 'a b'],
    ['a port that is none', 'x:99999999'],
    ['a user', 'a@b'],
    ['a path', 'a/b'],
    ['half of an address', '[::1'],
    ['a percent sign', '%'],
  ])('with %s is refused without a trace of the server', async (_, host) => {
    for (const path of ['/graphql', '/health', '/nothing']) {
      const { status, text } = await raw([`GET ${path} HTTP/1.1`, `Host: ${host}`])
      expect({ path, status, code: codeOf(text) }).toEqual({ path, status: 400, code: 'BAD_REQUEST' })
      expect(text).not.toMatch(/\bat \b|\.[jt]s|node_modules|Invalid URL/)
    }
    const { status, text } = await raw([
      'GET /graphql HTTP/1.1',
      `Host: ${host}`,
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    ])
    expect({ status, code: codeOf(text) }).toEqual({ status: 400, code: 'BAD_REQUEST' })
  })

  it('is needed in HTTP/1.1 and not before', async () => {
    expect((await raw(['GET /health HTTP/1.0'])).status).toBe(200)
    const { status, text } = await raw(['GET /health HTTP/1.1'])
    expect({ status, code: codeOf(text) }).toEqual({ status: 400, code: 'BAD_REQUEST' })
  })

  it.each(['127.0.0.1:4000', 'arc.example', '[::1]:4000', 'ARC.example:80'])('may be %s', async (host) => {
    expect((await raw(['GET /health HTTP/1.1', `Host: ${host}`])).status).toBe(200)
  })
})

describe('a target with scheme and host', () => {
  it('is taken: its path is asked', async () => {
    const token = await arc.tenant().token()
    const { text } = await raw(
      ['POST http://arc.example/graphql HTTP/1.1', 'Host: arc.example', ...posting(token)],
      QUERY,
    )
    expect(JSON.parse(text)).toMatchObject(ANSWER)
    expect((await raw(['GET http://arc.example/health?a=b HTTP/1.1', 'Host: x'])).status).toBe(200)
    expect((await raw(['GET http://arc.example/nothing HTTP/1.1', 'Host: x'])).status).toBe(404)
    const bad = await raw(['GET http://a:b:c/health HTTP/1.1', 'Host: x'])
    expect({ status: bad.status, code: codeOf(bad.text) }).toEqual({ status: 400, code: 'BAD_REQUEST' })
  })
})

describe('an offer of another protocol', () => {
  const OFFER = [
    'Connection: Upgrade, HTTP2-Settings',
    'Upgrade: h2c',
    'HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA',
  ]

  it('is passed over: the request is answered in HTTP/1.1, and the next one on the connection', async () => {
    const token = await arc.tenant().token()
    const request = (more: string[]) =>
      ['POST /graphql HTTP/1.1', 'Host: localhost', ...posting(token, more)].join('\r\n')
    const { all } = await raw([request(OFFER)], `${QUERY}${request([])}\r\n\r\n${QUERY}`, 2)
    expect(all.match(/HTTP\/1.1 200/g)).toHaveLength(2)
    expect(all.match(/"role":"USER"/g)).toHaveLength(2)
    expect((await raw(['GET /health HTTP/1.1', 'Host: localhost', ...OFFER])).text).toBe('{"status":"ok"}')
  })

  it('may come with each request, also before the ones before have their answers', async () => {
    const token = await arc.tenant().token()
    const request = ['POST /graphql HTTP/1.1', 'Host: localhost', ...posting(token, OFFER)].join('\r\n')
    const { all } = await raw([request], `${QUERY}${`${request}\r\n\r\n${QUERY}`.repeat(9)}`, 10)
    expect(all.match(/"role":"USER"/g)).toHaveLength(10)
  })

  it('brings a large body whole', async () => {
    const token = await arc.tenant().token()
    const body = JSON.stringify({ query: '{ viewer { role } }', variables: { filling: 'x'.repeat(900_000) } })
    const { text } = await raw(
      ['POST /graphql HTTP/1.1', 'Host: localhost', ...posting(token, OFFER, body)],
      body,
    )
    expect(JSON.parse(text)).toMatchObject(ANSWER)
  })
})

describe('what a client takes', () => {
  const RESPONSE = 'application/graphql-response+json'
  const ask = async (accept: string) => {
    const response = await fetch(arc.url, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${await arc.tenant().token()}`,
        'content-type': 'application/json',
        accept,
      },
      body: QUERY,
    })
    const type = response.headers.get('content-type')?.split(';')[0]
    return { status: response.status, type, body: (await response.json()) as any }
  }

  it.each([
    [`application/json;q=0.1, ${RESPONSE};q=0.9`, RESPONSE],
    [`${RESPONSE};q=0.1, application/json;q=0.9`, 'application/json'],
    [`${RESPONSE};q=0, application/json`, 'application/json'],
    [`text/plain, ${RESPONSE} ; q=0.5 , application/json;Q=0.4`, RESPONSE],
    [`application/json; charset=utf-16, ${RESPONSE};charset="UTF-8";q=0.1`, RESPONSE],
    ['application/json;q=much', 'application/json'],
  ])('%s is answered as %s', async (accept, type) => {
    expect(await ask(accept)).toMatchObject({ status: 200, type, body: ANSWER })
  })

  it.each([
    'text/plain',
    'application/json;q=0',
    'application/json; charset=utf-16',
    'application/xml, */*;q=0.0',
  ])('nothing of %s can be sent: 406 with a body that says so', async (accept) => {
    const { status, body } = await ask(accept)
    expect({ status, code: body.errors[0].extensions.code }).toEqual({ status: 406, code: 'BAD_REQUEST' })
  })
})

describe('every 4xx has a body with a code:', () => {
  it.each([
    ['what is no HTTP', ['NO HTTP AT ALL'], 400],
    ['a header that is too long', ['GET /health HTTP/1.1', 'Host: x', `X: ${'x'.repeat(20_000)}`], 431],
    ['a path that is none', ['GET /nothing HTTP/1.1', 'Host: x'], 404],
    ['a method that is not taken', ['PUT /health HTTP/1.1', 'Host: x'], 405],
    [
      'a WebSocket elsewhere',
      ['GET /health HTTP/1.1', 'Host: x', 'Connection: Upgrade', 'Upgrade: websocket'],
      404,
    ],
    [
      'a WebSocket of a page elsewhere',
      [
        'GET /graphql HTTP/1.1',
        'Host: x',
        'Connection: Upgrade',
        'Upgrade: websocket',
        'Origin: https://a.example',
      ],
      403,
    ],
    [
      'a WebSocket without its key',
      ['GET /graphql HTTP/1.1', 'Host: x', 'Connection: Upgrade', 'Upgrade: websocket'],
      400,
    ],
  ])('%s', async (_, head, status) => {
    const answer = await raw(head)
    expect({ status: answer.status, code: typeof codeOf(answer.text) }).toEqual({ status, code: 'string' })
  })
})

describe('a client that waits to be told that its body will be read', () => {
  const EXPECT = ['Expect: 100-continue']

  it('is told so when nothing speaks against it', async () => {
    const token = await arc.tenant().token()
    const { all } = await raw(['POST /graphql HTTP/1.1', 'Host: x', ...posting(token, EXPECT)], QUERY)
    expect(all).toMatch(/^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 200/)
    expect(all).toMatch(/"role":"USER"/)
  })

  it.each([
    ['close', 'close'],
    ['keep-alive', 'keep-alive'],
  ])('has the connection that it asks for (%s)', async (asked, told) => {
    const token = await arc.tenant().token()
    const head = ['POST /graphql HTTP/1.1', 'Host: x', ...posting(token, [...EXPECT, `Connection: ${asked}`])]
    const { all } = await raw(head, QUERY)
    expect(/^connection: (.*?)\r?$/im.exec(all)?.[1]).toBe(told)
  })

  it('is refused at once otherwise, and the connection ends', async () => {
    const token = await arc.tenant().token()
    const tooLarge = ['Content-Type: application/json', 'Content-Length: 99999999', ...EXPECT]
    for (const [headers, status] of [
      [posting('garbage', EXPECT), 401],
      [[`Authorization: Bearer ${token}`, ...tooLarge], 413],
    ] as const) {
      const { all } = await raw(['POST /graphql HTTP/1.1', 'Host: x', ...headers])
      expect(all).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
      expect(all).toMatch(/^connection: close/im)
    }
  })
})

it('an empty Content-Encoding is none, and a parameter that comes twice is refused', async () => {
  const token = await arc.tenant().token()
  const { text } = await raw(
    ['POST /graphql HTTP/1.1', 'Host: x', ...posting(token, ['Content-Encoding: '])],
    QUERY,
  )
  expect(JSON.parse(text)).toMatchObject(ANSWER)
  const twice = await fetch(`${arc.url}?query={viewer{role}}&query={health{status}}`, {
    headers: { authorization: `Bearer ${token}` },
  })
  expect({ status: twice.status, code: codeOf(await twice.text()) }).toEqual({
    status: 400,
    code: 'BAD_REQUEST',
  })
})
