import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import { exportJWK, generateKeyPair, type JWK, SignJWT, UnsecuredJWT } from 'jose'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { WebSocket } from 'ws'
import { readConfig } from '../../src/config.ts'
import { Arc, JWT_SECRET, useArc } from '../support/arc.ts'
import { namesOf } from '../support/everyQuery.ts'
import { resultsOverSse } from '../support/graphqlSse.ts'
import { GraphQLSocket } from '../support/graphqlWs.ts'
import { holdTimers } from '../support/heldTimers.ts'
import { moveClock, stopClock } from '../support/stoppedClock.ts'

const arc = useArc()

const secret = new TextEncoder().encode(JWT_SECRET)
const claims = (more: object = {}) => ({ tenant_id: randomUUID(), sub: 'someone', role: 'app_user', ...more })
const sign = (payload: object, alg = 'HS256', key: Uint8Array = secret) =>
  new SignJWT({ ...payload }).setProtectedHeader({ alg }).setIssuedAt().setExpirationTime('1h').sign(key)
const withoutTenant = () => sign({ sub: 'someone', role: 'app_user' })
const seconds = (fromNow: number) => Math.floor(Date.now() / 1000) + fromNow
const expired = (ago: number) =>
  new SignJWT(claims()).setProtectedHeader({ alg: 'HS256' }).setExpirationTime(seconds(-ago)).sign(secret)

const VIEWER = '{ viewer { tenantId actorId role } }'

describe('no data without a valid token:', () => {
  const cases: [name: string, authorization: () => Promise<string | undefined>][] = [
    ['none', async () => undefined],
    ['garbage', async () => 'Bearer garbage'],
    ['no bearer', async () => `Basic ${await sign(claims())}`],
    ['three parts of garbage', async () => 'Bearer a.b.c'],
    ['expired', async () => `Bearer ${await expired(10)}`],
    ['not valid yet', async () => `Bearer ${await sign(claims({ nbf: seconds(60) }))}`],
    [
      'signed with another secret',
      async () => `Bearer ${await sign(claims(), 'HS256', new TextEncoder().encode('x'.repeat(32)))}`,
    ],
    [
      'not signed (alg none)',
      async () => `Bearer ${new UnsecuredJWT(claims()).setExpirationTime('1h').encode()}`,
    ],
    ['another algorithm (HS512)', async () => `Bearer ${await sign(claims(), 'HS512')}`],
    ['no tenant', async () => `Bearer ${await withoutTenant()}`],
    ['a tenant that is no UUID', async () => `Bearer ${await sign(claims({ tenant_id: 'acme' }))}`],
    ['a tenant that is SQL', async () => `Bearer ${await sign(claims({ tenant_id: "' or true --" }))}`],
    ['a role that is none of ours', async () => `Bearer ${await sign(claims({ role: 'postgres' }))}`],
    ['a list of roles', async () => `Bearer ${await sign(claims({ role: ['app_user'] }))}`],
  ]

  it.each(cases)('%s is 401 over HTTP and 4403 over WebSocket', async (_, authorization) => {
    const header = await authorization()
    const headers: Record<string, string> = header === undefined ? {} : { authorization: header }
    // A field that does not exist: not even that is told to strangers.
    for (const query of [VIEWER, '{ nothingOfTheKind }', 'no GraphQL at all']) {
      const { status, headers: answered, data, errors } = await arc.post({ query }, undefined, headers)
      expect({ status, data }).toEqual({ status: 401, data: undefined })
      expect(answered.get('www-authenticate')).toBe('Bearer')
      expect(errors?.map(({ extensions }) => extensions)).toEqual([{ code: 'UNAUTHENTICATED' }])
    }

    const inParams = new GraphQLSocket(arc.webSocketUrl, headers)
    const inUpgrade = new GraphQLSocket(arc.webSocketUrl, {}, headers)
    expect((await inParams.closed).code).toBe(4403)
    expect((await inUpgrade.closed).code).toBe(4403)
  })

  it('GET and server-sent events are no way around', async () => {
    const byGet = await fetch(`${arc.url}?query=${encodeURIComponent(VIEWER)}`)
    expect(byGet.status).toBe(401)
    const stream = await fetch(arc.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
      body: JSON.stringify({
        query: `subscription { simulationProgress(simulationId: "${randomUUID()}") { seq } }`,
      }),
    })
    const text = await stream.text()
    expect({ status: stream.status, seq: text.includes('seq') }).toEqual({ status: 401, seq: false })
    expect(text).toContain('UNAUTHENTICATED')
  })
})

describe('whatever an operation begins with,', () => {
  const roots = (['Query', 'Mutation', 'Subscription'] as const).flatMap((root) =>
    namesOf(root).map((field) => ({
      root,
      field,
      query: `${root.toLowerCase()} { ${field} { __typename } }`,
    })),
  )

  it.each([
    ['no token', async () => undefined],
    ['an expired one', async () => `Bearer ${await expired(10)}`],
  ])('with %s it is refused before it is read, by POST, by GET and as a stream', async (_, authorization) => {
    const header = await authorization()
    const headers: Record<string, string> = header ? { authorization: header } : {}
    for (const { root, field, query } of roots) {
      const post = (accept: string) =>
        fetch(arc.url, {
          method: 'POST',
          headers: { ...headers, accept, 'content-type': 'application/json' },
          body: JSON.stringify({ query }),
        })
      const search = new URLSearchParams({ query })
      const answers = await Promise.all([
        post('application/json'),
        post('application/graphql-response+json'),
        post('text/event-stream'),
        fetch(`${arc.url}?${search}`, { headers: { ...headers, accept: 'application/json' } }),
        fetch(`${arc.url}?${search}`, { headers: { ...headers, accept: 'text/event-stream' } }),
      ])
      for (const answer of answers) {
        const text = await answer.text()
        expect([root, field, answer.status]).toEqual([root, field, 401])
        expect(text).toContain('"code":"UNAUTHENTICATED"')
        expect(text).not.toContain('"data":{')
      }
    }
  })

  it('nothing of it runs on a socket that brought no token', async () => {
    for (const { query } of roots) {
      const socket = new GraphQLSocket(arc.webSocketUrl, {})
      const outcome = await socket
        .results(query)
        .next()
        .catch((reason) => reason)
      expect(outcome).toMatchObject({ code: 4403 })
      expect((await socket.closed).code).toBe(4403)
    }
  })
})

describe('a token', () => {
  it('says tenant, actor and role', async () => {
    const tenantId = randomUUID()
    const token = await sign({ tenant_id: tenantId.toUpperCase(), sub: 'Ada', role: 'app_readonly' })
    const { data } = await arc.post({ query: VIEWER }, token)
    expect(data.viewer).toEqual({ tenantId, actorId: 'Ada', role: 'READONLY' })
  })

  it('without role and actor acts as app_user in the name of the tenant', async () => {
    const tenantId = randomUUID()
    const { data } = await arc.post({ query: VIEWER }, await sign({ tenant_id: tenantId }))
    expect(data.viewer).toEqual({ tenantId, actorId: tenantId, role: 'USER' })
  })

  it('is taken over WebSocket from connectionParams, in either spelling, and from the upgrade header', async () => {
    const tenant = arc.tenant()
    const authorization = `Bearer ${await tenant.token()}`
    for (const socket of [
      new GraphQLSocket(arc.webSocketUrl, { authorization }),
      new GraphQLSocket(arc.webSocketUrl, { Authorization: authorization }),
      new GraphQLSocket(arc.webSocketUrl, {}, { authorization }),
      // What the client says itself counts for more than what something on the way has added.
      new GraphQLSocket(arc.webSocketUrl, { authorization }, { authorization: 'Bearer garbage' }),
    ]) {
      const { value } = await socket.results(VIEWER).next()
      expect(value.data.viewer.tenantId).toBe(tenant.tenantId)
      await socket.close()
    }
  })
})

describe('app_readonly', () => {
  it('reads, and writes nothing', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a'])
    const { versionId } = await tenant.configVersion()
    const counts = `{
      configurations { totalCount } scenarios { totalCount } simulations { totalCount } outcomes { totalCount }
      simulation(simulationId: "${simulationId}") { status }
    }`
    const before = await tenant.data(counts)
    for (const mutation of [
      'createConfiguration(input: { name: "mine", yaml: "model: m\\ntemperature: 0\\n" }) { errors { code } }',
      'upsertScenarios(input: { scenarios: [{ scenarioId: "b", taskPrompt: "Do b." }] }) { errors { code } }',
      `startSimulation(input: { configVersionId: "${versionId}", scenarioIds: ["a"] }) { errors { code } }`,
      `recordOutcome(input: { outcome: { simulationId: "${simulationId}", scenarioId: "a", status: SUCCESS } }) { errors { code } }`,
      `recordOutcomes(input: { outcomes: [{ simulationId: "${simulationId}", scenarioId: "a", status: SUCCESS }] }) { errors { code } }`,
      `completeSimulation(input: { simulationId: "${simulationId}" }) { errors { code } }`,
    ]) {
      const { data, errors } = await tenant.ask(`mutation { ${mutation} }`, {}, 'app_readonly')
      expect({ data, codes: errors?.map(({ extensions }) => extensions.code) }).toEqual({
        data: null,
        codes: ['FORBIDDEN'],
      })
    }
    expect((await tenant.ask(counts, {}, 'app_readonly')).data).toEqual(before)
  })
})

describe('an expired token', () => {
  const PROGRESS = 'subscription ($id: UUID!) { simulationProgress(simulationId: $id) { seq } }'

  it('ends server-sent events with UNAUTHENTICATED', async () => {
    const tenant = arc.tenant()
    const id = await tenant.simulation(['a'])
    stopClock()
    const expiry = holdTimers('expiry.ts')
    const results = resultsOverSse(arc.url, await tenant.token('app_user', 60), PROGRESS, { id })
    expect((await results.next()).value).toMatchObject({ data: { simulationProgress: { seq: 1 } } })
    const end = await expiry.next()
    expect(end.ms).toBe(60_000)
    moveClock(60_000)
    end.fire()
    const { errors } = (await results.next()).value!
    expect(errors).toMatchObject([{ extensions: { code: 'UNAUTHENTICATED' } }])
    expect(await results.next()).toMatchObject({ done: true })
  })

  it('closes the WebSocket with 4403, and not before it expires', async () => {
    const tenant = arc.tenant()
    stopClock()
    const expiry = holdTimers('expiry.ts')
    const socket = new GraphQLSocket(arc.webSocketUrl, {
      authorization: `Bearer ${await tenant.token('app_user', 60)}`,
    })
    const answer = async () => (await socket.results('{ viewer { role } }').next()).value
    expect(await answer()).toMatchObject({ data: { viewer: { role: 'USER' } } })
    // A timer may run out early.
    moveClock(59_999)
    ;(await expiry.next()).fire()
    const end = await expiry.next()
    expect(end.ms).toBe(1)
    expect(await answer()).toMatchObject({ data: { viewer: { role: 'USER' } } })
    moveClock(1)
    end.fire()
    expect(await socket.closed).toMatchObject({ code: 4403, reason: 'The token has expired.' })
  })
})

describe('claims, issuer and audience of the configuration', () => {
  const other = new Arc({
    ARC_TENANT_CLAIM: 'https://example.org/team',
    ARC_ACTOR_CLAIM: 'email',
    ARC_ROLE_CLAIM: 'arc_role',
    ARC_JWT_ISSUER: 'https://issuer.example',
    ARC_JWT_AUDIENCE: 'arc',
  })
  beforeAll(() => other.start())
  afterAll(() => other.stop())

  const own = (more: object = {}) => ({
    'https://example.org/team': '01890a5d-ac96-774b-bcce-b302099a8057',
    email: 'ada@example.org',
    arc_role: 'app_admin',
    iss: 'https://issuer.example',
    aud: ['arc', 'others'],
    ...more,
  })

  it('are used', async () => {
    const { data } = await other.post({ query: VIEWER }, await sign(own()))
    expect(data.viewer).toEqual({
      tenantId: '01890a5d-ac96-774b-bcce-b302099a8057',
      actorId: 'ada@example.org',
      role: 'ADMIN',
    })
  })

  it.each([
    ['another issuer', { iss: 'https://elsewhere.example' }, 'iss'],
    ['no issuer', { iss: undefined }, 'iss'],
    ['another audience', { aud: 'others' }, 'aud'],
    ['no audience', { aud: undefined }, 'aud'],
  ])('%s is 401', async (_, more, claim) => {
    const { status, errors } = await other.post({ query: VIEWER }, await sign(own(more)))
    expect({ status, message: errors?.[0]?.message }).toEqual({
      status: 401,
      message: `The token's claim "${claim}" is not valid.`,
    })
  })

  it('so a token of the default claims is none here', async () => {
    const token = await sign({ ...claims(), iss: 'https://issuer.example', aud: 'arc' })
    expect((await other.post({ query: VIEWER }, token)).status).toBe(401)
  })
})

describe('keys of an identity provider (JWKS)', () => {
  let published: JWK[] | undefined = []
  let fetches = 0
  const provider = createServer((_, response) => {
    fetches += 1
    if (published)
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys: published }))
    else response.writeHead(500).end('down')
  })
  let issued: Arc
  beforeAll(async () => {
    await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve))
    const { port } = provider.address() as AddressInfo
    issued = new Arc({
      ARC_JWKS_URL: `http://127.0.0.1:${port}/jwks.json`,
      ARC_JWT_AUDIENCE: 'arc',
      ARC_JWT_ISSUER: 'https://id.example',
    })
    await issued.start()
  })
  afterAll(async () => {
    await issued.stop()
    provider.close()
  })
  afterEach(() => {
    vi.useRealTimers()
  })
  let passedMs = 0

  async function key(alg: string, kid: string) {
    const { publicKey, privateKey } = await generateKeyPair(alg)
    return {
      jwk: { ...(await exportJWK(publicKey)), alg, kid, use: 'sig' },
      token: (more: object = {}) =>
        new SignJWT(claims({ aud: 'arc', iss: 'https://id.example', ...more }))
          .setProtectedHeader({ alg, kid })
          .setExpirationTime('1h')
          .sign(privateKey),
    }
  }
  const status = async (token: string) => (await issued.post({ query: VIEWER }, token)).status

  /** jose asks the provider again for an unknown key after 30 seconds at the earliest. */
  function later(): void {
    passedMs += 31_000
    vi.useFakeTimers({ now: Date.now() + passedMs, toFake: ['Date'] })
  }

  it('of RSA and elliptic curves are believed, others are not, and a new key is found when keys rotate', async () => {
    const [rsa, ec, stranger] = [
      await key('RS256', 'one'),
      await key('ES256', 'two'),
      await key('ES256', 'two'),
    ]
    published = [rsa.jwk, ec.jwk]
    expect(await status(await rsa.token())).toBe(200)
    expect(await status(await ec.token())).toBe(200)
    expect(await status(await stranger.token())).toBe(401)
    expect(fetches).toBe(1)

    const next = await key('RS256', 'three')
    expect(await status(await next.token())).toBe(401)
    published = [next.jwk]
    later()
    expect(await status(await next.token())).toBe(200)
    expect(await status(await rsa.token())).toBe(401)
    expect(fetches).toBe(2)
  })

  it('are the only ones: neither a shared secret nor the public key taken for one', async () => {
    const rsa = await key('RS256', 'four')
    published = [rsa.jwk]
    later()
    expect(await status(await rsa.token())).toBe(200)
    const asSecret = new TextEncoder().encode(JSON.stringify(rsa.jwk))
    expect(await status(await sign(claims(), 'HS256', asSecret))).toBe(401)
    expect(await status(await sign(claims()))).toBe(401)
  })

  it.each([
    ['another issuer', { iss: 'https://elsewhere.example' }, 'iss'],
    ['no issuer', { iss: undefined }, 'iss'],
    ['another audience', { aud: ['others'] }, 'aud'],
    ['no audience', { aud: undefined }, 'aud'],
  ])('sign tokens for other applications, too: with %s it is 401', async (_, more, claim) => {
    const rsa = await key('RS256', randomUUID())
    published = [rsa.jwk]
    later()
    expect(await status(await rsa.token())).toBe(200)
    const { status: refused, errors } = await issued.post({ query: VIEWER }, await rsa.token(more))
    expect({ refused, message: errors?.[0]?.message }).toEqual({
      refused: 401,
      message: `The token's claim "${claim}" is not valid.`,
    })
  })

  it('that cannot be fetched are no fault of the token: 503, and the client may come back', async () => {
    const rsa = await key('RS256', 'five')
    published = undefined
    later()
    const token = await rsa.token()
    const { status, headers, errors } = await issued.post({ query: VIEWER }, token)
    expect({ status, challenge: headers.get('www-authenticate') }).toEqual({ status: 503, challenge: null })
    expect(errors?.map(({ extensions }) => extensions)).toEqual([{ code: 'UNAVAILABLE' }])
    const socket = new GraphQLSocket(issued.webSocketUrl, { authorization: `Bearer ${token}` })
    expect((await socket.closed).code).toBe(1013)
    published = [rsa.jwk]
    expect((await issued.post({ query: VIEWER }, token)).status).toBe(200)
  })
})

describe('an upgrade request', () => {
  /** HTTP status of a refused upgrade; 101 when it went through. */
  async function upgrade(url: string, options: { origin?: string } = {}): Promise<number | undefined> {
    const socket = new WebSocket(url, 'graphql-transport-ws', options)
    return new Promise((resolve, reject) => {
      socket.on('unexpected-response', (request, { statusCode }) => {
        resolve(statusCode)
        request.destroy()
      })
      socket.on('open', () => {
        resolve(101)
        socket.terminate()
      })
      socket.on('error', reject)
    })
  }

  it('from a page of another origin is refused', async () => {
    const own = new URL(arc.url).origin
    expect(await upgrade(arc.webSocketUrl)).toBe(101)
    expect(await upgrade(arc.webSocketUrl, { origin: own })).toBe(101)
    for (const origin of [
      'https://evil.example',
      `${own}.evil.example`,
      own.replace(/\d+$/, '1'),
      'null',
      'garbage',
    ])
      expect(await upgrade(arc.webSocketUrl, { origin })).toBe(403)
  })

  it('to another path is refused', async () => {
    expect(await upgrade(arc.webSocketUrl.replace('/graphql', '/elsewhere'))).toBe(404)
  })

  it.each(['//', 'http://[', '/graphql', '/elsewhere'])(
    'for %s whose sender hangs up does no harm',
    async (target) => {
      const { hostname, port } = new URL(arc.url)
      for (let attempt = 0; attempt < 20; attempt++) {
        const socket = connect(Number(port), hostname)
        socket.on('error', () => {})
        await new Promise<void>((resolve) => socket.once('connect', resolve))
        socket.write(
          `GET ${target} HTTP/1.1\r\nHost: ${hostname}\r\nOrigin: https://evil.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
        )
        socket.resetAndDestroy()
      }
      await arc.tenant().data(VIEWER)
    },
  )
})

describe('what a token leaves out', () => {
  const exposed = new Arc({ ARC_PROXY_HOPS: '1' })
  const lenient = new Arc({
    ARC_PROXY_HOPS: '1',
    ARC_TOKENS_NEED_EXP: 'off',
    ARC_TOKENS_NEED_ROLE: 'off',
  })
  const strict = new Arc({ ARC_TOKENS_NEED_EXP: 'on', ARC_TOKENS_NEED_ROLE: 'on' })
  const servers = [exposed, lenient, strict]
  beforeAll(() => Promise.all(servers.map((server) => server.start())))
  afterAll(() => Promise.all(servers.map((server) => server.stop())))

  const endless = () => new SignJWT(claims()).setProtectedHeader({ alg: 'HS256' }).sign(secret)
  const withoutRole = () => sign({ tenant_id: randomUUID(), sub: 'someone' })

  it.each<[string, () => Arc, boolean]>([
    ['behind declared proxies', () => exposed, false],
    ['behind them, when that is set', () => lenient, true],
    ['without them', () => arc, true],
    ['without them, when that is set', () => strict, false],
  ])('%s: an end and a role', async (_, server, isTaken) => {
    for (const [token, message] of [
      [await endless(), /no claim "exp".*ARC_TOKENS_NEED_EXP/],
      [await withoutRole(), /no claim "role".*ARC_TOKENS_NEED_ROLE/],
    ] as const) {
      const { status, errors } = await server().post({ query: VIEWER }, token)
      expect(status).toBe(isTaken ? 200 : 401)
      if (!isTaken) expect(errors![0]!.message).toMatch(message)
    }
    expect((await server().post({ query: VIEWER }, await sign(claims()))).status).toBe(200)
  })

  it('an identity provider says of its tokens whom they are for, or the start fails and says what to set', () => {
    const ARC_JWKS_URL = 'https://id.example/jwks.json'
    expect(() => readConfig({ ARC_JWKS_URL })).toThrow(
      /^ARC_JWKS_URL needs ARC_JWT_AUDIENCE.*ARC_JWT_ANY_AUDIENCE=on/,
    )
    expect(readConfig({ ARC_JWKS_URL, ARC_JWT_AUDIENCE: 'arc' }).auth.audience).toBe('arc')
    expect(readConfig({ ARC_JWKS_URL, ARC_JWT_ANY_AUDIENCE: 'on' }).auth.audience).toBeUndefined()
  })
})
