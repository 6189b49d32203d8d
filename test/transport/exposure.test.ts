import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { get, type IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type GraphQLObjectType, getIntrospectionQuery } from 'graphql'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ConfigError, LIMIT_SETTINGS, readConfig } from '../../src/config.ts'
import { schema } from '../../src/graphql/schema.ts'
import { presentableError } from '../../src/http/errors.ts'
import { INGESTION_FIELDS } from '../../src/http/operationCheck.ts'
import { ERROR_CODES } from '../../src/refusal.ts'
import { Arc, JWT_SECRET, useArc } from '../support/arc.ts'
import { stopClock } from '../support/stoppedClock.ts'
import { onEveryTransport } from '../support/transports.ts'

const development = useArc()
const production = useServer({ NODE_ENV: 'production' })

function useServer(env: Record<string, string>): Arc {
  const server = new Arc(env)
  beforeAll(() => server.start())
  afterAll(() => server.stop())
  return server
}

/** What each transport says to one query: codes and messages; none where it answers with data. */
async function refusals(
  server: Arc,
  params: { query?: string; variables?: object; [more: string]: unknown },
) {
  const answers = await onEveryTransport(server, server.tenant(), params)
  expect(answers.map(([transport]) => transport)).toEqual(['POST', 'GET', 'server-sent events', 'WebSocket'])
  return answers.map(([transport, { data, errors }]) => ({
    transport,
    answered: Boolean(data),
    codes: (errors ?? []).map(({ extensions }) => extensions.code),
    messages: (errors ?? []).map(({ message }) => message),
  }))
}

const VIEWER = '{ viewer { role } }'

describe('introspection', () => {
  const asking = [
    '{ __schema { queryType { name } } }',
    '{ __type(name: "Outcome") { name } }',
    '{ ...a } fragment a on Query { ... { x: __schema { types { name } } } }',
    'subscription { __schema { queryType { name } } }',
  ]

  it('is off in production, on every transport', async () => {
    for (const query of asking)
      for (const { transport, answered, codes } of await refusals(production, { query })) {
        expect({ query, transport, answered }).toEqual({ query, transport, answered: false })
        expect(codes).toContain('GRAPHQL_VALIDATION_FAILED')
      }
    for (const { codes, answered } of await refusals(production, {
      query: '{ __typename viewer { __typename } }',
    }))
      expect({ codes, answered }).toEqual({ codes: [], answered: true })
  })

  it('is on in development, and what GraphiQL asks is within the limits', async () => {
    for (const query of asking.slice(0, 3))
      for (const { answered } of await refusals(development, { query })) expect(answered).toBe(true)
    const whole = getIntrospectionQuery({
      descriptions: true,
      specifiedByUrl: true,
      directiveIsRepeatable: true,
      schemaDescription: true,
      inputValueDeprecation: true,
      oneOf: true,
    })
    for (const { answered, messages } of await refusals(development, { query: whole }))
      expect({ answered, messages }).toEqual({ answered: true, messages: [] })
  })
})

describe('suggestions', () => {
  /** One for each kind of message in which graphql-js suggests names of the schema. */
  const mistakes: [kind: string, query: string, variables?: object][] = [
    ['a field', '{ viewr { role } }'],
    ['a field of another type', '{ node(id: "x") { outcomeId } }'],
    ['an argument', '{ simulations(frist: 1) { totalCount } }'],
    ['an argument of a directive', '{ viewer { role @include(iff: true) } }'],
    ['a type', '{ ...a } fragment a on Qery { viewer { role } }'],
    ['the type of a variable', 'query ($a: Strin) { viewer { role } }'],
    ['an enum value', '{ simulations(orderBy: { field: CREATED }) { totalCount } }'],
    ['an enum value as text', '{ simulations(orderBy: { field: "CREATED_AT" }) { totalCount } }'],
    ['an input field', '{ simulations(filter: { statu: 1 }) { totalCount } }'],
    [
      'an enum value in a variable',
      'query ($o: SimulationOrder) { simulations(orderBy: $o) { totalCount } }',
      { o: { field: 'CREATED' } },
    ],
    [
      'an input field in a variable',
      'query ($f: SimulationFilter) { simulations(filter: $f) { totalCount } }',
      { f: { statu: { eq: 'RUNNING' } } },
    ],
  ]

  it.each(mistakes)(
    'for %s are there in development and not in production',
    async (_, query, variables = {}) => {
      for (const { messages } of await refusals(development, { query, variables }))
        expect(messages.join('\n')).toMatch(/Did you mean/)
      for (const { messages, transport } of await refusals(production, { query, variables })) {
        expect({ transport, count: messages.length > 0 }).toEqual({ transport, count: true })
        expect(messages.join('\n')).not.toMatch(/Did you mean/)
      }
    },
  )
})

describe('GraphiQL', () => {
  const page = (server: Arc) => fetch(server.url, { headers: { accept: 'text/html' } })

  it('is not there in production: a browser is refused as anybody is', async () => {
    const response = await page(production)
    expect(response.headers.get('content-type')).not.toMatch(/html/)
    expect(await response.text()).not.toMatch(/<html/i)
  })

  it('runs only what it brings, speaks only to this server, and stands in no frame', async () => {
    const response = await page(development)
    expect(response.headers.get('content-type')).toMatch(/html/)
    expect(response.headers.get('x-content-type-options')).toBe('nosniff')
    expect(response.headers.get('referrer-policy')).toBe('no-referrer')
    const policy = response.headers.get('content-security-policy')!
    for (const directive of [
      "default-src 'none'",
      "connect-src 'self'",
      "frame-ancestors 'none'",
      "base-uri 'none'",
      "form-action 'none'",
    ])
      expect(policy.split('; ')).toContain(directive)
    const scripts = [...(await response.text()).matchAll(/<script[^>]*>([\s\S]*?)<\/script>/g)]
    expect(scripts.length).toBeGreaterThan(0)
    for (const [, script] of scripts) {
      const hash = createHash('sha256').update(script!).digest('base64')
      expect(policy).toContain(`'sha256-${hash}'`)
    }
    expect(policy.match(/script-src [^;]*/)![0]).not.toMatch(/unsafe-inline/)
  })
})

describe('the page of GraphiQL', () => {
  const few = useServer({ ARC_PROXY_HOPS: '1', ARC_MAX_PAGES_PER_MINUTE: '3' })
  const from = (server: Arc, address: string, headers: Record<string, string> = {}) =>
    new Promise<IncomingMessage>((resolve, reject) =>
      get(
        server.url,
        { headers: { accept: 'text/html', 'x-forwarded-for': address, ...headers } },
        resolve,
      ).on('error', reject),
    )
  const lengthOf = async (response: IncomingMessage) => {
    let length = 0
    for await (const chunk of response) length += chunk.length
    return length
  }

  it('is compressed once, and not sent again to who has it', async () => {
    const plain = await from(development, '198.51.100.1')
    expect(plain.headers['content-encoding']).toBeUndefined()
    const length = await lengthOf(plain)
    for (let count = 0; count < 3; count++) {
      const small = await from(development, '198.51.100.1', { 'accept-encoding': 'br, gzip' })
      expect(small.headers['content-encoding']).toBe('gzip')
      expect(await lengthOf(small)).toBeLessThan(length / 3)
    }
    const { etag } = plain.headers
    const known = await from(development, '198.51.100.1', { 'if-none-match': etag! })
    expect({ status: known.statusCode, length: await lengthOf(known) }).toEqual({ status: 304, length: 0 })
  })

  it('is sent so often to one address, and to others meanwhile', async () => {
    stopClock()
    for (let count = 0; count < 3; count++)
      expect((await from(few, '198.51.100.2')).resume().statusCode).toBe(200)
    const refused = await from(few, '198.51.100.2')
    expect({ status: refused.resume().statusCode, seconds: refused.headers['retry-after'] }).toEqual({
      status: 429,
      seconds: '20',
    })
    expect((await from(few, '198.51.100.3')).resume().statusCode).toBe(200)
  })
})

describe('each can be switched on in production, and off in development', () => {
  const open = useServer({
    NODE_ENV: 'production',
    ARC_INTROSPECTION: 'on',
    ARC_SUGGESTIONS: 'on',
    ARC_GRAPHIQL: 'on',
  })
  const closed = useServer({ ARC_INTROSPECTION: 'off', ARC_SUGGESTIONS: 'off', ARC_GRAPHIQL: 'off' })

  it.each([
    ['on', () => open, true],
    ['off', () => closed, false],
  ] as const)('%s', async (_, server, isOpen) => {
    const query = '{ __schema { queryType { name } } }'
    for (const { answered } of await refusals(server(), { query })) expect(answered).toBe(isOpen)
    for (const { messages } of await refusals(server(), { query: '{ viewr { role } }' }))
      expect(/Did you mean/.test(messages.join())).toBe(isOpen)
    const page = await fetch(server().url, { headers: { accept: 'text/html' } })
    expect(/html/.test(page.headers.get('content-type') ?? '')).toBe(isOpen)
  })
})

describe('errors', () => {
  const hostile: [name: string, params: { query?: string; variables?: object; [more: string]: unknown }][] = [
    ['no GraphQL', { query: 'x' }],
    ['no text', { query: '\u0000' }],
    ['nothing', { query: '' }],
    ['no such field', { query: '{ nothingOfTheKind }' }],
    ['no such operation', { query: VIEWER, operationName: 'Other' }],
    ['two operations', { query: 'query A { viewer { role } } query B { viewer { role } }' }],
    ['only a fragment', { query: 'fragment a on Viewer { role }' }],
    ['types', { query: 'type A { b: Int }' }],
    ['a variable too few', { query: 'query ($id: UUID!) { simulation(simulationId: $id) { status } }' }],
    [
      'a variable of another type',
      { query: 'query ($n: Int) { simulations(first: $n) { totalCount } }', variables: { n: 'x' } },
    ],
    ['an integer too large', { query: '{ simulations(first: 99999999999) { totalCount } }' }],
    ['a page too large', { query: '{ simulations(first: 501) { totalCount } }' }],
    ['a cursor that is none', { query: '{ simulations(after: "x") { totalCount } }' }],
    ['first and last', { query: '{ simulations(first: 1, last: 1) { totalCount } }' }],
    ['U+0000 in a text', { query: '{ scenario(scenarioId: "a\\u0000b") { name } }' }],
    ['U+0000, said in the new way', { query: '{ scenario(scenarioId: "a\\u{0}b") { name } }' }],
    [
      'U+0000 in a variable',
      { query: 'query ($s: String!) { scenario(scenarioId: $s) { name } }', variables: { s: 'a\0b' } },
    ],
    [
      'half a surrogate pair in a variable',
      { query: 'query ($s: String!) { scenario(scenarioId: $s) { name } }', variables: { s: '\ud800' } },
    ],
    ['an id that is none', { query: '{ node(id: "x") { id } }' }],
    ['a document that is not known', { documentId: 'sha256:00' }],
    [
      'a document that is not known, as Apollo asks',
      { extensions: { persistedQuery: { version: 1, sha256Hash: '00' } } },
    ],
  ]

  it.each(hostile)('%s: the same code on every transport, one of ErrorCode', async (_, params) => {
    const [first, ...others] = await refusals(production, params)
    expect(first!.codes.length).toBeGreaterThan(0)
    for (const code of first!.codes) {
      expect(Object.keys(ERROR_CODES)).toContain(code)
      expect(code).not.toBe('INTERNAL_SERVER_ERROR')
    }
    for (const { codes, messages, transport } of others)
      expect({ transport, codes, messages }).toEqual({
        transport,
        codes: first!.codes,
        messages: first!.messages,
      })
  })

  it.each([
    ['a number that is too large', 'select 1e10::int'],
    ['a time that is too early', `select '9999-01-01'::timestamptz + interval '1000000 years'`],
    ['a number that is none', `select 'x'::int`],
    ['U+0000', `select jsonb_build_object('a', '"\\u0000"'::jsonb)`],
    ['a row without its parent', `insert into hidden.child values (1, 7)`],
    ['a second row of a key', 'insert into hidden.parent values (1), (1)'],
    ['a row that a check forbids', 'insert into hidden.parent values (-1)'],
  ])('of the database about %s are refusals that name nothing of it', async (_, statement) => {
    const error = await production.sql('admin', async (client) => {
      await client.query(`begin; create schema hidden;
        create table hidden.parent (id int primary key check (id > 0));
        create table hidden.child (id int, parent int references hidden.parent)`)
      const failed = await client.query(statement).then(
        () => undefined,
        (reason: Error) => reason,
      )
      await client.query('rollback')
      return failed
    })
    expect(error).toBeInstanceOf(Error)
    const shown = presentableError(error, 'some-id', pino({ level: 'silent' }))
    expect(shown.extensions).toEqual({ code: 'INVALID_VALUE', requestId: 'some-id' })
    expect(shown.message).toMatch(/^[A-Z][a-zA-Z ,.+0-9]+\.$/)
    expect(shown.message).not.toMatch(/hidden|parent_|_pkey|constraint|relation|jsonb/)
  })

  it('of the database about its own faults are the server’s', async () => {
    const error = await production.sql('admin', (client) =>
      client.query('select 1/0').catch((reason) => reason),
    )
    const { extensions } = presentableError(error, 'some-id', pino({ level: 'silent' }))
    expect(extensions.code).toBe('INTERNAL_SERVER_ERROR')
  })

  it('that nobody expected are masked, under an id that the log has', async () => {
    const tenant = production.tenant()
    await tenant.scenarios('a')
    // What the schema says cannot be stands for any fault inside.
    await production.sql('admin', (client) =>
      client.query(`begin; select set_config('app.user_id', '${tenant.tenantId}', true);
        update scenarios set tags = array[null]::text[] where user_id = '${tenant.tenantId}'; commit`),
    )
    const query = '{ scenarios { nodes { tags } } }'
    for (const [transport, { errors }] of await onEveryTransport(production, tenant, { query })) {
      const [{ message, extensions }] = errors as any
      expect({ transport, extensions }).toEqual({
        transport,
        extensions: { code: 'INTERNAL_SERVER_ERROR', requestId: expect.stringMatching(/^[0-9a-f-]{36}$/) },
      })
      expect(message).toBe(`Unexpected error. The server's log has it under ${extensions.requestId}.`)
    }
  })
})

describe('trusted documents', () => {
  const folder = mkdtempSync(join(tmpdir(), 'arc-documents-'))
  afterAll(() => rmSync(folder, { recursive: true }))
  const write = (name: string, content: unknown) => {
    const file = join(folder, name)
    writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content))
    return file
  }
  const known = 'query Known { viewer { role } }'
  const tooDeep = '{ simulations { nodes { configVersion { model } } } }'
  const sha256 = createHash('sha256').update(known).digest('hex')
  const only = useServer({
    ARC_TRUSTED_DOCUMENTS: write('codegen.json', { [sha256]: known, 'an-id': known, deep: tooDeep }),
    ARC_MAX_DEPTH: '3',
  })
  const besides = useServer({
    ARC_TRUSTED_DOCUMENTS: write('apollo.json', {
      format: 'apollo-persisted-query-manifest',
      version: 1,
      operations: [{ id: sha256, name: 'Known', type: 'query', body: known }],
    }),
    ARC_TRUSTED_DOCUMENTS_ONLY: 'off',
  })

  const asked: [name: string, params: { query?: string; [more: string]: unknown }][] = [
    ['documentId', { documentId: sha256 }],
    ['documentId with its algorithm', { documentId: `sha256:${sha256}` }],
    ['doc_id, as Relay says it', { doc_id: sha256 }],
    [
      'persistedQuery, as Apollo and urql say it',
      { extensions: { persistedQuery: { version: 1, sha256Hash: sha256 } } },
    ],
    ['its text', { query: known }],
  ]

  it.each(asked)('run by %s, on every transport', async (_, params) => {
    for (const server of [only, besides])
      for (const { transport, answered, codes } of await refusals(server, params))
        expect({ transport, answered, codes }).toEqual({ transport, answered: true, codes: [] })
  })

  it('are all that runs, whatever comes beside an id', async () => {
    for (const { answered, codes } of await refusals(only, { query: VIEWER }))
      expect({ answered, codes }).toEqual({ answered: false, codes: ['PERSISTED_QUERY_ONLY'] })
    for (const params of [
      { documentId: '0'.repeat(64) },
      { documentId: '0'.repeat(64), query: VIEWER },
      { extensions: { persistedQuery: { version: 1, sha256Hash: '0'.repeat(64) } }, query: VIEWER },
      { documentId: '__proto__' },
    ])
      for (const { answered, codes } of await refusals(only, params))
        expect({ answered, codes }).toEqual({ answered: false, codes: ['PERSISTED_QUERY_NOT_FOUND'] })
    const beside = await only.post(
      { documentId: sha256, query: '{ health { status } }' },
      await only.tenant().token(),
    )
    expect(beside.data).toEqual({ viewer: { role: 'USER' } })
  })

  it('keep to the limits, and GraphiQL is off', async () => {
    for (const { codes } of await refusals(only, { documentId: 'deep' }))
      expect(codes).toEqual(['LIMIT_EXCEEDED'])
    const page = await fetch(only.url, { headers: { accept: 'text/html' } })
    expect(page.headers.get('content-type')).not.toMatch(/html/)
  })

  it('may be there for those who want them, and others run too', async () => {
    for (const { answered } of await refusals(besides, { query: VIEWER })) expect(answered).toBe(true)
    const first = await refusals(besides, { documentId: '0'.repeat(64) })
    for (const { codes } of first) expect(codes).toEqual(['PERSISTED_QUERY_NOT_FOUND'])
    // After that answer Apollo's clients send the text with the hash.
    for (const { answered } of await refusals(besides, { documentId: '0'.repeat(64), query: VIEWER }))
      expect(answered).toBe(true)
  })

  it.each([
    ['not there', () => join(folder, 'nothing.json')],
    ['no JSON', () => write('broken.json', '{')],
    ['a list', () => write('list.json', [known])],
    ['documents that are no texts', () => write('numbers.json', { a: 1 })],
  ])('a file that is %s stops the start, and says so', async (_, file) => {
    const server = new Arc({ ARC_TRUSTED_DOCUMENTS: file() })
    await expect(server.start()).rejects.toThrow(ConfigError)
    await expect(server.start()).rejects.toThrow(/^ARC_TRUSTED_DOCUMENTS/)
  })
})

describe('settings that cannot be are refused in words', () => {
  it.each([
    [{ ARC_CORS_ORIGINS: '*' }, /ARC_CORS_ORIGINS takes origins like https:\/\/example.org, not "\*"/],
    [{ ARC_CORS_ORIGINS: 'https://a.example/' }, /not "https:\/\/a.example\/"/],
    [{ ARC_CORS_ORIGINS: 'a.example' }, /not "a.example"/],
    [{ ARC_MAX_DEPTH: '0' }, /ARC_MAX_DEPTH must be a whole number from 1/],
    [{ ARC_MAX_COST: 'much' }, /ARC_MAX_COST must be a whole number/],
    [{ ARC_TRUSTED_DOCUMENTS_ONLY: 'on' }, /ARC_TRUSTED_DOCUMENTS_ONLY needs ARC_TRUSTED_DOCUMENTS/],
  ])('%o', (env, message) => {
    expect(() => readConfig({ ARC_JWT_SECRET: JWT_SECRET, ...env })).toThrow(message)
  })
})

describe('docs/exposure.md', () => {
  const guide = readFileSync('docs/exposure.md', 'utf8')
  const defaults = new Map(
    [...guide.matchAll(/^\| `(\w+)` \| ([^|]+) \|/gm)].map(([, variable, value]) => [variable, value]),
  )

  it('has every limit with its default, and no other', () => {
    const limits = [...defaults].filter(
      ([variable]) => variable!.startsWith('ARC_MAX_') && variable !== 'ARC_MAX_WAITING',
    )
    expect(Object.fromEntries(limits)).toEqual(
      Object.fromEntries(
        Object.values(LIMIT_SETTINGS).map(([variable, fallback]) => [variable, String(fallback)]),
      ),
    )
  })

  it('has every other setting with its default', () => {
    const { exposure, language } = readConfig({ ARC_JWT_SECRET: JWT_SECRET })
    const { limits, ...inDevelopment } = exposure
    const { exposure: inProduction } = readConfig({ ARC_JWT_SECRET: JWT_SECRET, NODE_ENV: 'production' })
    const switched = (name: 'graphiql' | 'introspection' | 'suggestions') =>
      inDevelopment[name] && !inProduction[name] ? 'on, off in production' : 'something else'
    expect(limits).toEqual(inProduction.limits)
    expect(
      Object.fromEntries([...defaults].filter(([variable]) => !variable!.startsWith('ARC_MAX_'))),
    ).toEqual({
      ARC_INTROSPECTION: switched('introspection'),
      ARC_GRAPHIQL: switched('graphiql'),
      ARC_SUGGESTIONS: switched('suggestions'),
      ARC_CORS_ORIGINS: inDevelopment.corsOrigins.length === 0 ? 'none' : inDevelopment.corsOrigins.join(),
      ARC_PROXY_HOPS: String(inDevelopment.proxyHops),
      ARC_WEBHOOK_PRIVATE_HOSTS: inDevelopment.webhookPrivateHosts.join() || 'none',
      ARC_LLM_URL: language?.url ?? 'none',
      ARC_LLM_MODEL: language?.model ?? 'none',
      ARC_LLM_KEY: language?.key ?? 'none',
      ARC_TRUSTED_DOCUMENTS: inDevelopment.trustedDocuments ?? 'none',
      ARC_TRUSTED_DOCUMENTS_ONLY: inDevelopment.trustedDocumentsOnly ? 'on' : 'on when there is a file',
    })
  })

  it('names the mutations that may bring more, and what the schema says of costs', () => {
    const paragraph = /Operations that only send data are([\s\S]*?)\n\n/.exec(guide)![1]!
    expect([...paragraph.matchAll(/`(\w+)`/g)].map(([, name]) => name).sort()).toEqual(
      [...INGESTION_FIELDS].sort(),
    )
    for (const [type, field, cost] of [
      ['SimulationConnection', 'totalCount', /`totalCount` costs 10,/],
      ['Outcome', 'trajectory', /`trajectory` 10,/],
      ['Query', 'configDiff', /`configDiff` 1000,/],
    ] as const) {
      const { extensions } = (schema.getType(type) as GraphQLObjectType).getFields()[field]!
      expect(guide.replaceAll('\n', ' ')).toMatch(cost)
      expect(cost.source).toContain(`${extensions.cost},`)
    }
  })
})
