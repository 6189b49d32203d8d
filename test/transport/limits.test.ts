import { randomBytes } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { type GraphQLObjectType, isInputObjectType } from 'graphql'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DASHBOARDS } from '../../bench/dashboards.ts'
import { ArcClient } from '../../src/client/arcClient.ts'
import { schema } from '../../src/graphql/schema.ts'
import { INGESTION_FIELDS } from '../../src/http/operationCheck.ts'
import { Arc, type Tenant, useArc } from '../support/arc.ts'
import { resultsOverSse } from '../support/graphqlSse.ts'
import { GraphQLSocket } from '../support/graphqlWs.ts'
import { holdTimers } from '../support/heldTimers.ts'
import { moveClock, stopClock } from '../support/stoppedClock.ts'
import { next, PROGRESS } from '../support/subscriptions.ts'
import { onEveryTransport, type TransportAnswer } from '../support/transports.ts'

const arc = useArc()
const MIB = 1024 * 1024
const VIEWER = '{ viewer { role } }'

/** A server with these limits, for the tests of one block. */
function useLimits(env: Record<string, string>): Arc {
  const limited = new Arc(env)
  beforeAll(() => limited.start())
  afterAll(() => limited.stop())
  return limited
}

/** The same question on every transport: answered, or refused with the code and words that name value and limit. */
async function expectEverywhere(
  server: Arc,
  tenant: Tenant,
  query: string,
  refusal?: { code?: string; message: RegExp },
  variables: object = {},
): Promise<void> {
  for (const [transport, { data, errors }] of await onEveryTransport(server, tenant, { query, variables })) {
    if (refusal) {
      expect({ transport, data, codes: errors?.map(({ extensions }) => extensions.code) }).toEqual({
        transport,
        data: undefined,
        codes: [refusal.code ?? 'LIMIT_EXCEEDED'],
      })
      expect(errors![0]!.message).toMatch(refusal.message)
    } else {
      expect({ transport, errors }).toEqual({ transport, errors: undefined })
      expect(data).toBeTruthy()
    }
  }
}

const times = (count: number, text: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => text(index)).join(' ')

describe('what a document may hold', () => {
  const small = useLimits({
    ARC_MAX_DEPTH: '4',
    ARC_MAX_BREADTH: '6',
    ARC_MAX_ALIASES: '3',
    ARC_MAX_DIRECTIVES: '2',
    ARC_MAX_TOKENS: '60',
    ARC_MAX_LIST_LENGTH: '5',
  })

  it('depth', async () => {
    const tenant = small.tenant()
    await expectEverywhere(small, tenant, '{ simulations { nodes { configVersion { model } } } }')
    const tooDeep = { message: /nested 5 levels deep; at most 4 .*ARC_MAX_DEPTH/ }
    await expectEverywhere(
      small,
      tenant,
      '{ simulations { nodes { configVersion { configuration { name } } } } }',
      tooDeep,
    )
    await expectEverywhere(
      small,
      tenant,
      `{ ...a } fragment a on Query { simulations { nodes { ...b } } }
      fragment b on Simulation { ... on Simulation { configVersion { configuration { name } } } }`,
      tooDeep,
    )
  })

  it('breadth, that of fragments too', async () => {
    const tenant = small.tenant()
    await expectEverywhere(small, tenant, `{ viewer { ${'role '.repeat(6)} } }`)
    const tooBroad = { message: /selection set has \d+ fields; at most 6 .*ARC_MAX_BREADTH/ }
    await expectEverywhere(small, tenant, `{ viewer { ${'role '.repeat(7)} } }`, tooBroad)
    await expectEverywhere(
      small,
      tenant,
      `{ viewer { role role role ...a } } fragment a on Viewer { role role role }`,
      tooBroad,
    )
  })

  it('aliases, counted as often as a fragment is used', async () => {
    const tenant = small.tenant()
    const fragment = 'fragment f on Viewer { x: role }'
    await expectEverywhere(small, tenant, `{ a: viewer { ...f } b: viewer { role } } ${fragment}`)
    await expectEverywhere(small, tenant, `{ a: viewer { ...f } b: viewer { ...f } } ${fragment}`, {
      message: /has 4 aliases; at most 3 .*ARC_MAX_ALIASES/,
    })
  })

  it('directives, also those that are not known', async () => {
    const tenant = small.tenant()
    const on = '@include(if: true)'
    await expectEverywhere(small, tenant, `{ viewer ${on} { role ${on} } }`)
    const message = /has 3 directives; at most 2 .*ARC_MAX_DIRECTIVES/
    await expectEverywhere(small, tenant, `{ viewer ${on} { role ${on} actorId ${on} } }`, { message })
    await expectEverywhere(small, tenant, '{ viewer @a @a @a { role } }', { message })
    await expectEverywhere(small, tenant, 'query @a @a @a { viewer { role } }', { message })
  })

  it('tokens', async () => {
    const tenant = small.tenant()
    const tokens = (count: number) => `{ viewer { ${'role } ... { viewer { '.repeat(count)} role } }`
    await expectEverywhere(small, tenant, '{ viewer { role } } '.padEnd(5_000, ' # comments are none\n'))
    await expectEverywhere(small, tenant, tokens(20), { message: /more than 60 tokens.*ARC_MAX_TOKENS/ })
  })

  it('entries of a list, in the document and in variables', async () => {
    const tenant = small.tenant()
    const literal = (count: number) =>
      `{ scenarios(filter: { scenarioId: { in: [${times(count, (index) => `"s${index}"`)}] } }) { totalCount } }`
    await expectEverywhere(small, tenant, literal(5))
    await expectEverywhere(small, tenant, literal(6), {
      message: /list has 6 entries; at most 5 .*ARC_MAX_LIST_LENGTH/,
    })
    const query = 'query ($f: ScenarioFilter) { scenarios(filter: $f) { totalCount } }'
    const f = (count: number) => ({ f: { scenarioId: { in: Array(count).fill('s') } } })
    await expectEverywhere(small, tenant, query, undefined, f(5))
    await expectEverywhere(
      small,
      tenant,
      query,
      { message: /"f.scenarioId.in" has 6 entries; at most 5/ },
      f(6),
    )
  })

  it('is not looked for without end: fragments that use each other, in circles or twice over', async () => {
    const tenant = arc.tenant()
    const circle = '{ ...a } fragment a on Query { viewer { role } ...b } fragment b on Query { ...a }'
    await expectEverywhere(arc, tenant, circle, {
      code: 'GRAPHQL_VALIDATION_FAILED',
      message: /Cannot spread fragment "a" within itself/,
    })
    const doubling = `{ simulations { nodes { ...f0 } } } ${times(
      20,
      (index) =>
        `fragment f${index} on Simulation { configVersion { simulations { nodes { ...f${index + 1} } } }
        x: configVersion { simulations { nodes { ...f${index + 1} } } } }`,
    )} fragment f20 on Simulation { status }`
    const { errors } = await tenant.ask(doubling)
    expect(errors?.map(({ extensions }) => extensions.code)).toEqual(['LIMIT_EXCEEDED'])
  })

  it('is judged before anything that takes long: what is beyond a limit is neither read nor validated', async () => {
    const hostile = [
      `{ ${times(199, (index) => `...f${index % 20}`)} } ${times(20, (index) => `fragment f${index} on Query { ${'nothing { role } '.repeat(100)} }`)}`,
      `{ viewer ${'{ nothing '.repeat(4_000)}`,
      `{ scenarios(filter: ${'{ a: '.repeat(3_000)} 1 ${'}'.repeat(2_999)}) { nothing } }`,
      `{ scenarios(filter: ${'['.repeat(4_900)} 1 ${']'.repeat(4_899)}) { nothing } }`,
      `{ ${'nothing { '.repeat(4_900)}`,
      `{ nothing } ${times(1_500, (index) => `fragment f${index} on Viewer { nothing }`)}`,
    ]
    for (const query of hostile) {
      const { errors } = await arc.tenant().ask(query)
      const codes = errors?.map(({ extensions }) => extensions.code)
      // A parser that is warm gets to the end of some before its stack ends.
      expect(codes?.map((code) => code.replace('GRAPHQL_PARSE_FAILED', 'LIMIT_EXCEEDED'))).toEqual([
        'LIMIT_EXCEEDED',
      ])
    }
  })

  it('within the limits takes no long time: of many errors five are told', async () => {
    const many = [
      `query (${times(1_400, (index) => `$v${index}: Int`)}) { viewer { role } }`,
      `{ viewer { role ${times(10, () => '@skip(if: false)')} } }`,
      `{ ${times(50, (index) => `nothing${index}`)} }`,
    ]
    for (const query of many) {
      const { errors } = await arc.tenant().ask(query)
      expect({ query: query.slice(0, 40), told: errors?.length }).toEqual({
        query: query.slice(0, 40),
        told: 5,
      })
    }
  })
})

describe('errors of an answer', () => {
  const short = useLimits({ ARC_MAX_TOKENS: '100', ARC_MAX_ANSWER_LENGTH: '5000' })
  /** How GraphQL looks for lines. */
  const LINE = '\\r\\n|[\\n\\r]'
  const blank = '\n'.repeat(2_000)

  it('know their places without a walk through the document for each of them', async () => {
    const many = `{${blank}${times(100, (index) => `a${index}: node(id: "x") { id }`)} }`
    const tenant = arc.tenant()
    await tenant.ask(VIEWER)
    let [answers, lines] = [[] as TransportAnswer[], 0]
    const { exec } = RegExp.prototype
    RegExp.prototype.exec = function (...given) {
      if (this.source === LINE) lines++
      return exec.apply(this, given)
    }
    try {
      answers = (await onEveryTransport(arc, tenant, { query: many })).map(([, answer]) => answer)
    } finally {
      RegExp.prototype.exec = exec
    }
    for (const { errors } of answers) {
      expect(errors).toHaveLength(100)
      expect(errors![1]).toMatchObject({ locations: [{ line: 2_001, column: 26 }], path: ['a1'] })
    }
    // One for each error: its text is empty for GraphQL.
    expect(lines).toBeLessThan(1_000)
  })

  it.each([
    ['a syntax error', '{ viewer {', 'GRAPHQL_PARSE_FAILED', 11],
    ['a complaint', '{ viewer { nothing } }', 'GRAPHQL_VALIDATION_FAILED', 12],
  ])('%s has its place on every transport', async (_, query, code, column) => {
    for (const [, { errors }] of await onEveryTransport(arc, arc.tenant(), { query: `\r\n\n\r${query}` }))
      expect(errors).toMatchObject([{ locations: [{ line: 4, column }], extensions: { code } }])
  })

  it('are a hundred, and how many there were', async () => {
    const query = `{ ${times(100, (index) => `a${index}: node(id: "x") { id }`)} node(id: "x") { id } viewer { role } }`
    for (const [transport, { data, errors }] of await onEveryTransport(arc, arc.tenant(), { query })) {
      expect({ transport, told: errors?.length, data: data.viewer }).toEqual({
        transport,
        told: 101,
        data: { role: 'USER' },
      })
      expect(errors!.at(-1)).toEqual({
        message: 'An answer tells of 100 errors; this one had 101.',
        extensions: { code: errors![0]!.extensions.code },
      })
    }
  })

  it('are as long as a sentence, whatever they name', async () => {
    const name = 'a'.repeat(10_000)
    for (const query of [
      `{ ${name} }`,
      `{ viewer(${name}: 1) { role } }`,
      `query ($n: ${name}) { viewer { role } }`,
    ])
      for (const [transport, { errors }] of await onEveryTransport(arc, arc.tenant(), { query }))
        for (const { message } of errors!)
          expect({ transport, short: message.length <= 1_000 }).toEqual({ transport, short: true })
  })

  it('have a place in the answer’s length', async () => {
    const tight = `${'a'.repeat(4_000)}: node(id: "x") { id }`
    const { errors } = await short.tenant().ask(`{ ${tight} }`)
    expect(errors).toMatchObject([
      { message: expect.stringMatching(/ARC_MAX_ANSWER_LENGTH/), extensions: { code: 'TOO_LARGE' } },
    ])
  })

  it('lines of a document are ten for each of its tokens', async () => {
    const lines = (count: number) => `{ viewer { role }${'\n'.repeat(count)}}`
    const tenant = short.tenant()
    expect((await tenant.ask(lines(1_000))).errors).toBeUndefined()
    const { errors } = await tenant.ask(lines(1_001))
    expect(errors).toMatchObject([
      {
        message: expect.stringMatching(/1000 lines.*ARC_MAX_TOKENS/),
        extensions: { code: 'LIMIT_EXCEEDED' },
      },
    ])
  })
})

describe('what an operation may cost', () => {
  const costOf = async (server: Arc, query: string, variables: object = {}) => {
    const [[, { extensions }]] = (await onEveryTransport(server, server.tenant(), {
      query,
      variables,
    })) as any
    return extensions.cost.requested
  }

  it('is in every answer, the same on every transport', async () => {
    const answers = await onEveryTransport(arc, arc.tenant(), { query: '{ viewer { role } }' })
    for (const [transport, { extensions }] of answers)
      expect({ transport, extensions }).toEqual({
        transport,
        extensions: { cost: { requested: 1, limit: 100_000 } },
      })
  })

  it.each([
    ['{ viewer { role } health { status } }', {}, 2],
    ['{ a: viewer { role } b: viewer { role } }', {}, 2],
    // One list, its 20 rows when nothing else is said.
    ['{ simulations { nodes { status } } }', {}, 21],
    ['{ simulations(first: 3) { nodes { status } } }', {}, 4],
    ['{ simulations(last: 4) { edges { cursor node { status } } } }', {}, 1 + 4 * 2],
    ['{ simulations(first: 0) { nodes { status } } }', {}, 1],
    ['{ simulations(first: 2) { totalCount pageInfo { hasNextPage } } }', {}, 1 + 10 + 1],
    ['query ($n: Int) { simulations(first: $n) { nodes { status } } }', { n: 7 }, 8],
    ['query ($n: Int = 6) { simulations(first: $n) { nodes { status } } }', {}, 7],
    ['query ($n: Int = 6) { simulations(first: $n) { nodes { status } } }', { n: 2 }, 3],
    ['{ simulations(first: 2) { ...c } } fragment c on SimulationConnection { nodes { status } }', {}, 3],
    [
      '{ simulations(first: 2) { nodes { configVersion { model } outcomes(first: 5) { nodes { status } } } } }',
      {},
      1 + 2 * (1 + 1 + (1 + 5)),
    ],
    ['{ outcomes(first: 4) { nodes { trajectory } } }', {}, 1 + 4 * (1 + 10)],
    ['{ nodes(ids: ["a", "b", "c"]) { id } }', {}, 3],
    ['query ($ids: [ID!]!) { nodes(ids: $ids) { id } }', { ids: ['a', 'b'] }, 2],
    ['{ __schema { queryType { name } } }', {}, 501],
  ])('of %s %o is %d', async (query, variables, cost) => {
    expect(await costOf(arc, query, variables)).toBe(cost)
  })

  it('does not change with what a cached document was asked with before', async () => {
    const query = 'query ($n: Int) { scenarios(first: $n) { nodes { name } } }'
    expect(await costOf(arc, query, { n: 500 })).toBe(501)
    expect(await costOf(arc, query, { n: 5 })).toBe(6)
    expect(await costOf(arc, query)).toBe(21)
  })

  it('leaves room for dashboards: 20 simulations with 20 outcomes with tools and failures', async () => {
    const tenant = arc.tenant()
    const { errors, data } = await tenant.ask(`{
      simulations(first: 20) { nodes { simulationId outcomes(first: 20) { totalCount nodes {
        outcomeId toolUsage { nodes { toolName } } failurePatterns { nodes { failureType } }
      } } } }
    }`)
    expect({ errors, nodes: data?.simulations.nodes }).toEqual({ errors: undefined, nodes: [] })
    const simulationId = await tenant.simulation(['a'])
    for (const { query, variables } of DASHBOARDS)
      expect((await tenant.ask(query, variables(simulationId))).errors).toBeUndefined()
  })

  describe('up to a limit', () => {
    const small = useLimits({ ARC_MAX_COST: '50' })

    it('just below it is answered, just above it is not, and the cost is told', async () => {
      const tenant = small.tenant()
      const query = 'query ($n: Int) { simulations(first: $n) { nodes { status } } }'
      await expectEverywhere(small, tenant, query, undefined, { n: 49 })
      await expectEverywhere(
        small,
        tenant,
        query,
        { message: /costs 51 .*at most 50 .*ARC_MAX_COST/ },
        { n: 50 },
      )
      for (const [, { errors }] of await onEveryTransport(small, tenant, { query, variables: { n: 50 } }))
        expect(errors![0]!.extensions.cost).toEqual({ requested: 51, limit: 50 })
    })
  })
})

describe('how much of diffs an operation shows', () => {
  const small = useLimits({ ARC_MAX_COST: '2600' })

  it('in lines and changes, of stored diffs and of those that are made', async () => {
    const tenant = small.tenant()
    const yaml = (value: string) => `model: a\n${times(700, (index) => `k${index}: ${value}\n`)}`
    const { configId, versionId: before } = await tenant.configVersion(
      'large',
      yaml('b').replaceAll('\n ', '\n'),
    )
    const { createConfigVersion } = await tenant.data(
      `mutation ($configId: UUID!, $yaml: String!) {
        createConfigVersion(input: { configId: $configId, yaml: $yaml }) { version { versionId } }
      }`,
      { configId, yaml: yaml('c').replaceAll('\n ', '\n') },
    )
    const after = createConfigVersion.version.versionId
    const shown = {
      hunks: 'hunks { beforeStart rows { kind } }',
      changes: 'changes { path }',
    }
    const made = (fields: string) =>
      `query ($before: UUID!, $after: UUID!) { configDiff(before: $before, after: $after) { ${fields} } }`
    const stored = (fields: string) => `{ configDiffs(first: 1) { nodes { ${fields} } } }`
    const three = `${shown.changes} a: ${shown.hunks} b: ${shown.changes}`
    const four = `${three} c: ${shown.hunks}`
    for (const query of [made, stored]) {
      const variables = query === made ? { before, after } : {}
      expect((await tenant.ask(query(three), variables)).errors).toBeUndefined()
      const { errors } = await tenant.ask(query(`${four} unifiedDiff`), variables)
      expect(errors).toMatchObject([
        {
          message: expect.stringMatching(/cost more than 2600 .*ARC_MAX_COST/),
          extensions: { code: 'TOO_LARGE' },
        },
      ])
      expect((await tenant.ask(query('unifiedDiff'), variables)).errors).toBeUndefined()
    }
  })
})

describe('how much text of diffs an operation compares', () => {
  const small = useLimits({ ARC_MAX_COST: '10000' })

  it('is counted once it is known how long the texts are; aliases of one comparison are one', async () => {
    const tenant = small.tenant()
    const yaml = (value: number) => `model: m\ntext: ${String(value).padEnd(200_000, 'x')}\n`
    const versions: string[] = []
    for (let value = 0; value < 4; value++)
      versions.push((await tenant.configVersion(`large ${value}`, yaml(value))).versionId)
    const diff = (alias: string, before: number, after: number) =>
      `${alias}: configDiff(before: "${versions[before]}", after: "${versions[after]}") { unifiedDiff }`
    expect(
      (await tenant.ask(`{ ${diff('a', 0, 1)} ${diff('b', 2, 3)} ${diff('c', 0, 1)} }`)).errors,
    ).toBeUndefined()
    const { errors } = await tenant.ask(`{ ${diff('a', 0, 1)} ${diff('b', 0, 2)} ${diff('c', 0, 3)} }`)
    expect(errors?.map(({ extensions }) => extensions.code)).toContain('TOO_LARGE')
    expect(errors![0]!.message).toMatch(/cost more than 10000 \(ARC_MAX_COST\)/)
  })
})

describe('what an answer about the schema costs', () => {
  it('grows with its fields, under whatever aliases', async () => {
    const fields = 'types { name description fields { name description args { name description } } }'
    const query = `{ __schema { ${times(99, (index) => `a${index}: ${fields}`)} } }`
    await expectEverywhere(arc, arc.tenant(), query, { message: /costs \d+ .*ARC_MAX_COST/ })
    await expectEverywhere(
      arc,
      arc.tenant(),
      `{ __schema { ...f } } fragment f on __Schema { ${times(99, (index) => `a${index}: ${fields}`)} }`,
      { message: /costs \d+ .*ARC_MAX_COST/ },
    )
  })
})

describe('how large a request may be', () => {
  const mutation =
    'mutation ($o: [OutcomeInput!]!) { recordOutcomes(input: { outcomes: $o }) { storedCount errors { code } } }'
  async function send(server: Arc, body: string, headers: Record<string, string> = {}, compress = false) {
    const response = await fetch(server.url, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${await server.tenant().token()}`,
        'content-type': 'application/json',
        ...(compress ? { 'content-encoding': 'gzip' } : {}),
        ...headers,
      },
      body: compress ? gzipSync(body) : body,
    })
    const { data, errors } = (await response.json()) as any
    return {
      status: response.status,
      data,
      codes: errors?.map((error: any) => error.extensions.code),
      errors,
    }
  }
  /** Filled up with what no compression makes much smaller. */
  const ofSize = (bytes: number, { query, variables }: { query: string; variables?: object }) => {
    const body = (filling: string) => JSON.stringify({ query, variables: { filling, ...variables } })
    const missing = bytes - body('').length
    return body(
      randomBytes(Math.ceil(missing / 2))
        .toString('hex')
        .slice(0, missing),
    )
  }
  const QUERY = { query: '{ viewer { role } }' }

  it.each([false, true])('1 MiB, compressed (%s) or not', async (compress) => {
    expect(await send(arc, ofSize(MIB, QUERY), {}, compress)).toMatchObject({ status: 200 })
    const { status, codes, errors } = await send(arc, ofSize(MIB + 1, QUERY), {}, compress)
    expect({ status, codes }).toEqual({ status: 413, codes: ['TOO_LARGE'] })
    expect(errors[0].message).toMatch(/has 1048577 bytes; at most 1048576 .*ARC_MAX_BODY_BYTES/)
  })

  it.each([false, true])('32 MiB for what brings data, compressed (%s) or not', async (compress) => {
    const ingestion = { query: mutation, variables: { o: [] } }
    expect(await send(arc, ofSize(32 * MIB, ingestion), {}, compress)).toMatchObject({
      status: 200,
      data: { recordOutcomes: {} },
    })
    const { status, codes, errors } = await send(arc, ofSize(32 * MIB + 1, ingestion), {}, compress)
    expect({ status, codes }).toEqual({ status: 413, codes: ['TOO_LARGE'] })
    expect(errors[0].message).toMatch(/more than 33554432 bytes.*ARC_MAX_INGESTION_BODY_BYTES/)
  })

  it('a body that becomes far larger is not inflated to its end', async () => {
    const bomb = gzipSync(Buffer.alloc(256 * MIB, ' '))
    const before = process.memoryUsage().arrayBuffers
    const response = await fetch(arc.url, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${await arc.tenant().token()}`,
        'content-type': 'application/json',
        'content-encoding': 'gzip',
      },
      body: bomb,
    })
    expect(response.status).toBe(413)
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(128 * MIB)
  })

  it('a body without a Content-Length is counted as it comes', async () => {
    const piece = new TextEncoder().encode(' '.repeat(MIB))
    let sent = 0
    const body = new ReadableStream({
      pull(controller) {
        if (sent++ < 40) controller.enqueue(piece)
        else controller.close()
      },
    })
    const response = await fetch(arc.url, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${await arc.tenant().token()}`,
        'content-type': 'application/json',
      },
      body,
      duplex: 'half',
    } as RequestInit)
    expect(response.status).toBe(413)
  })

  it('a mutation that brings data and does something else too has 1 MiB', async () => {
    const query = `mutation ($o: [OutcomeInput!]!) {
      recordOutcomes(input: { outcomes: $o }) { storedCount }
      cancelSimulation(input: { simulationId: "01890a5d-ac96-774b-bcce-b302099a8057" }) { errors { code } }
    }`
    const { status, codes } = await send(arc, ofSize(2 * MIB, { query, variables: { o: [] } }))
    expect({ status, codes }).toEqual({ status: 413, codes: ['TOO_LARGE'] })
  })

  describe('with each variable as often as it stands there', () => {
    const values = (count: number) => `[${'$v, '.repeat(count)}]`
    const find = (count: number) =>
      `query ($v: JSON) { simulations(filter: { metadata: [{ path: ["a"], eq: ${values(count)} }] }) { totalCount } }`
    const write = (count: number) => `mutation ($v: JSON) {
      upsertScenarios(input: { scenarios: [{ scenarioId: "a", taskPrompt: "Do it.", groundTruth: ${values(count)} }] }) {
        receipts { status }
      }
    }`
    const kibibyte = { v: 'x'.repeat(1024) }
    const tooLarge = (bytes: string, variable: string) => ({
      code: 'TOO_LARGE',
      message: new RegExp(`as often as it stands there, .*; at most ${bytes} .*${variable}`),
    })

    it('1 MiB', async () => {
      const tenant = arc.tenant()
      const refusal = tooLarge('1048576', 'ARC_MAX_BODY_BYTES')
      await expectEverywhere(arc, tenant, find(1_000), undefined, kibibyte)
      await expectEverywhere(arc, tenant, find(1_024), refusal, kibibyte)
      await expectEverywhere(arc, tenant, find(1_024), refusal, {
        v: [[{ ['x'.repeat(1_020)]: 1 }]],
      })
      await expectEverywhere(arc, tenant, find(1_100).replace('JSON', `JSON = "${kibibyte.v}"`), refusal)
    })

    it('in a fragment as often as that is used', async () => {
      const fragment = `fragment found on Query { ${find(300).slice(19, -2)} }`
      const uses = (count: number) => `query ($v: JSON) { ${'...found '.repeat(count)} } ${fragment}`
      const refusal = tooLarge('1048576', 'ARC_MAX_BODY_BYTES')
      await expectEverywhere(arc, arc.tenant(), uses(3), undefined, kibibyte)
      await expectEverywhere(arc, arc.tenant(), uses(4), refusal, kibibyte)
    })

    it('32 MiB for what brings data', async () => {
      expect(await arc.tenant().ask(write(4_000), kibibyte)).toMatchObject({
        data: { upsertScenarios: { receipts: [{ status: 'STORED' }] } },
      })
      const { status, errors } = await arc.tenant().ask(write(4_000), { v: 'x'.repeat(10_000) })
      expect({ status, code: errors?.[0]?.extensions.code }).toEqual({ status: 413, code: 'TOO_LARGE' })
      expect(errors?.[0]?.message).toMatch(/ARC_MAX_INGESTION_BODY_BYTES/)
    })
  })

  it('the mutations that may bring more are in the schema', () => {
    const { Mutation } = schema.getTypeMap()
    const fields = (Mutation as GraphQLObjectType).getFields()
    for (const name of INGESTION_FIELDS) {
      const input = fields[name]?.args[0]?.type
      expect({ name, takes: input && isInputObjectType((input as any).ofType) }).toEqual({
        name,
        takes: true,
      })
    }
  })

  describe('with limits of its own', () => {
    const small = useLimits({
      ARC_MAX_BODY_BYTES: '200',
      ARC_MAX_INGESTION_BODY_BYTES: '400',
      ARC_MAX_FRAME_BYTES: '600',
      ARC_MAX_BODY_SECONDS: '7',
    })

    it('the settings count', async () => {
      expect((await send(small, ofSize(200, QUERY))).status).toBe(200)
      expect((await send(small, ofSize(201, QUERY))).status).toBe(413)
      const ingestion = { query: mutation, variables: { o: [] } }
      expect((await send(small, ofSize(400, ingestion))).status).toBe(200)
      expect((await send(small, ofSize(401, ingestion))).status).toBe(413)
    })

    it('a body that trickles in is not waited for', async () => {
      const patience = holdTimers('requestBody.ts')
      const body = new ReadableStream({ start: (controller) => controller.enqueue(new Uint8Array([0x7b])) })
      const answered = fetch(small.url, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${await small.tenant().token()}`,
          'content-type': 'application/json',
        },
        body,
        duplex: 'half',
      } as RequestInit)
      const end = await patience.next()
      expect(end.ms).toBe(7_000)
      end.fire()
      const response = await answered
      const { errors } = (await response.json()) as any
      expect({ status: response.status, code: errors[0].extensions.code }).toEqual({
        status: 408,
        code: 'LIMIT_EXCEEDED',
      })
      expect(errors[0].message).toMatch(/within 7 s .*ARC_MAX_BODY_SECONDS/)
    })

    it('a message on a WebSocket has the limit of its operation, too', async () => {
      const socket = new GraphQLSocket(small.webSocketUrl, {
        authorization: `Bearer ${await small.tenant().token()}`,
      })
      const query = (length: number) => QUERY.query.padEnd(length, ' ')
      expect((await socket.results(query(20)).next()).value.errors).toBeUndefined()
      const { value } = await socket.results(query(300)).next()
      expect(value.errors).toMatchObject([{ extensions: { code: 'TOO_LARGE' } }])
      expect((await socket.results(query(20)).next()).value.errors).toBeUndefined()
      void socket
        .results(query(700))
        .next()
        .catch(() => {})
      expect(await socket.closed).toMatchObject({
        code: 1009,
        reason: 'A message may have at most 600 bytes (ARC_MAX_FRAME_BYTES).',
      })
    })
  })
})

describe('how much an operation may read', () => {
  const small = useLimits({ ARC_MAX_READ_BYTES: '310000' })
  const tenant = small.tenant()
  let configId: string

  beforeAll(async () => {
    configId = (await tenant.configVersion('large', largeYaml(0))).configId
    for (let index = 1; index < 20; index++)
      await tenant.data(ADD_VERSION, { configId, yaml: largeYaml(index) })
  })

  const largeYaml = (index: number) => `model: gpt-4\nprompt: "${'x'.repeat(20_000)}${index}"\n`
  const ADD_VERSION = `mutation ($configId: UUID!, $yaml: String!) {
    createConfigVersion(input: { configId: $configId, yaml: $yaml }) { created errors { message } }
  }`
  const REFUSED = {
    message: expect.stringMatching(/more than 310000 bytes .*ARC_MAX_READ_BYTES/),
    extensions: { code: 'TOO_LARGE' },
  }
  const page = (first: number, fields = 'rawYaml') =>
    `configVersions(first: ${first}) { nodes { ${fields} } }`

  async function expectRefused(query: string, variables: object = {}) {
    const { data, errors } = await tenant.ask(query, variables)
    expect({ isRead: data !== null, errors }).toMatchObject({ isRead: false, errors: [REFUSED] })
    await tenant.expectConnectionsGivenBack()
    await expectRead(`{ ${page(10)} }`)
  }

  async function expectRead(query: string, variables: object = {}) {
    expect(await tenant.data(query, variables)).toBeTruthy()
  }

  it('in one list', async () => {
    await expectRead(`{ ${page(14)} }`)
    await expectRefused(`{ ${page(16)} }`)
  })

  it('in all of its lists, which are read at once', async () => {
    const lists = (count: number) => `{ ${times(count, (index) => `list${index}: ${page(2)}`)} }`
    await expectRead(lists(7))
    await expectRefused(lists(8))
    await expectRefused(lists(60))
  })

  it('of every column, under whatever it hangs', async () => {
    await expectRefused(`{ ${page(8, 'rawYaml parsedConfig')} }`)
    const query = `query ($configId: UUID!, $first: Int!) {
      configuration(configId: $configId) { name versions(first: $first) { nodes { rawYaml } } }
    }`
    await expectRead(query, { configId, first: 14 })
    const { data, errors } = await tenant.ask(query, { configId, first: 16 })
    // What came before stays.
    expect({ data, errors }).toMatchObject({ data: { configuration: null }, errors: [REFUSED] })
  })

  it('before and after what it writes, taken together; what it wrote is done', async () => {
    const add = (
      alias: string,
    ) => `${alias}: createConfigVersion(input: { configId: $configId, yaml: $${alias} }) {
      created
      version { configuration { versions(first: 10) { nodes { rawYaml } } } }
    }`
    const { data, errors } = await tenant.ask(
      `mutation ($configId: UUID!, $one: String!, $two: String!) { ${add('one')} ${add('two')} }`,
      { configId, one: largeYaml(20), two: largeYaml(21) },
    )
    expect(data.one.version.configuration.versions.nodes).toHaveLength(10)
    expect(data.two).toMatchObject({ created: true, version: null })
    expect(errors).toMatchObject([REFUSED])
    const { configVersions } = await tenant.data(`{ ${page(2, 'versionNumber')} }`)
    expect(configVersions.nodes).toEqual([{ versionNumber: 22 }, { versionNumber: 21 }])
  })

  it('of trajectories, however small they are where they are stored', async () => {
    const simulationId = await tenant.simulation(['a', 'b'])
    const trajectory = { messages: ['x'.repeat(200_000)] }
    await tenant.record(
      ['a', 'b'].map((scenarioId) => ({ simulationId, scenarioId, status: 'SUCCESS', trajectory })),
    )
    await expectRead('{ outcomes(first: 1) { nodes { trajectory } } }')
    await expectRefused('{ outcomes(first: 2) { nodes { trajectory } } }')
    await expectRefused('{ outcomes(first: 2) { nodes { trajectorySteps { nodes { content } } } } }')
  })
})

describe('how much at a time', () => {
  const small = useLimits({
    ARC_MAX_OPERATIONS_PER_SOCKET: '2',
    ARC_MAX_SUBSCRIPTIONS_PER_TENANT: '3',
    ARC_MAX_SOCKETS_PER_TENANT: '2',
  })
  const socketOf = async (tenant: Tenant) =>
    new GraphQLSocket(small.webSocketUrl, { authorization: `Bearer ${await tenant.token()}` })

  it('operations on one WebSocket: the next is refused, the others and the socket stay', async () => {
    const tenant = small.tenant()
    const simulationId = await tenant.simulation(['a'], { repetitions: 5 })
    const socket = await socketOf(tenant)
    const [first, second] = [
      socket.results(PROGRESS, { simulationId }),
      socket.results(PROGRESS, { simulationId }),
    ]
    await next(first)
    await next(second)
    const { value } = await socket.results('{ viewer { role } }').next()
    expect(value.errors).toMatchObject([{ extensions: { code: 'LIMIT_EXCEEDED' } }])
    expect(value.errors[0].message).toMatch(/^2 operations .*ARC_MAX_OPERATIONS_PER_SOCKET/)
    await tenant.record([{ simulationId, scenarioId: 'a', status: 'SUCCESS' }])
    expect(await next(first)).toMatchObject({ succeededScenarios: 1 })
    await second.return!()
    expect((await socket.results('{ viewer { role } }').next()).value.errors).toBeUndefined()
    await socket.close()
  })

  it('subscriptions of a tenant, on WebSockets and event streams together; another tenant has its own', async () => {
    const tenant = small.tenant()
    const simulationId = await tenant.simulation(['a'])
    const socket = await socketOf(tenant)
    const token = await tenant.token()
    const open = [
      socket.results(PROGRESS, { simulationId }),
      resultsOverSse(small.url, token, PROGRESS, { simulationId }),
      resultsOverSse(small.url, token, PROGRESS, { simulationId }),
    ]
    for (const results of open) await next(results)
    for (const results of [
      socket.results(PROGRESS, { simulationId }),
      resultsOverSse(small.url, token, PROGRESS, { simulationId }),
    ]) {
      const { value } = await results.next()
      expect(value.errors).toMatchObject([{ extensions: { code: 'LIMIT_EXCEEDED' } }])
      expect(value.errors[0].message).toMatch(/3 subscriptions open.*ARC_MAX_SUBSCRIPTIONS_PER_TENANT/)
    }
    const other = small.tenant()
    const others = resultsOverSse(small.url, await other.token(), PROGRESS, {
      simulationId: await other.simulation(['a']),
    })
    await next(others)
    await others.return!()
    // Each way to leave gives the place back.
    for (const results of open) {
      await results.return!()
      await expect
        .poll(async () => {
          const again = socket.results(PROGRESS, { simulationId })
          const { value } = await again.next()
          await again.return!()
          return value.errors
        })
        .toBeUndefined()
    }
    for (let attempt = 0; attempt < 5; attempt++) {
      const refused = socket.results(PROGRESS, { simulationId: '01890a5d-ac96-774b-bcce-b302099a8057' })
      expect((await refused.next()).value.errors).toMatchObject([
        { extensions: { code: 'SIMULATION_NOT_FOUND' } },
      ])
    }
    await socket.close()
  })

  it('WebSockets of a tenant: the next is closed, and may come back when another has gone', async () => {
    const tenant = small.tenant()
    const sockets = [await socketOf(tenant), await socketOf(tenant)]
    for (const socket of sockets) await socket.results('{ viewer { role } }').next()
    expect(await (await socketOf(tenant)).closed).toMatchObject({
      code: 1013,
      reason: expect.stringMatching(/2 WebSockets open.*ARC_MAX_SOCKETS_PER_TENANT/),
    })
    await sockets[0]!.close()
    await expect
      .poll(async () => {
        const socket = await socketOf(tenant)
        const { value } = await Promise.race([
          socket.results('{ viewer { role } }').next(),
          socket.closed.then(() => ({ value: undefined })),
        ])
        await socket.close()
        return value?.data.viewer.role
      })
      .toBe('USER')
    await sockets[1]!.close()
  })
})

describe('how often', () => {
  const small = useLimits({ ARC_MAX_REQUESTS_PER_MINUTE: '5' })
  const QUERY = '{ viewer { role } }'

  it('requests of one key: 429 and when to come back; other keys are not touched', async () => {
    stopClock()
    const tenant = small.tenant()
    for (let count = 0; count < 5; count++) expect((await tenant.ask(QUERY)).status).toBe(200)
    const { status, headers, errors } = await tenant.ask(QUERY)
    expect(status).toBe(429)
    expect(headers.get('retry-after')).toBe('12')
    expect(errors).toMatchObject([{ extensions: { code: 'RATE_LIMITED', retryAfterSeconds: 12 } }])
    expect(errors![0]!.message).toMatch(/More than 5 requests .*ARC_MAX_REQUESTS_PER_MINUTE/)
    expect((await tenant.ask(QUERY, {}, 'app_readonly')).status).toBe(200)
    expect((await small.tenant().ask(QUERY)).status).toBe(200)
    moveClock(11_999)
    expect((await tenant.ask(QUERY)).status).toBe(429)
    moveClock(1)
    expect((await tenant.ask(QUERY)).status).toBe(200)
    expect((await tenant.ask(QUERY)).status).toBe(429)
  })

  it('messages on a WebSocket count with requests over HTTP, and the socket stays open', async () => {
    stopClock()
    const tenant = small.tenant()
    const socket = new GraphQLSocket(small.webSocketUrl, { authorization: `Bearer ${await tenant.token()}` })
    for (let count = 0; count < 3; count++)
      expect((await socket.results(QUERY).next()).value.errors).toBeUndefined()
    for (let count = 0; count < 2; count++) expect((await tenant.ask(QUERY)).status).toBe(200)
    for (let count = 0; count < 2; count++)
      expect((await socket.results(QUERY).next()).value.errors).toMatchObject([
        { extensions: { code: 'RATE_LIMITED' } },
      ])
    expect((await tenant.ask(QUERY)).status).toBe(429)
    await socket.close()
  })
})

describe('the client', () => {
  const perSecond = useLimits({ ARC_MAX_REQUESTS_PER_MINUTE: '60' })

  it('comes back after too many requests', async () => {
    stopClock()
    const pauses = holdTimers('retry.ts')
    const tenant = perSecond.tenant()
    const client = new ArcClient({ url: perSecond.url, token: await tenant.token() })
    await Promise.all(Array.from({ length: 60 }, () => client.getMetrics()))
    expect((await tenant.ask('{ viewer { role } }')).status).toBe(429)
    const metrics = client.getMetrics()
    const pause = await pauses.next()
    expect(pause.ms).toBeGreaterThanOrEqual(1_000)
    moveClock(1_000)
    pause.fire()
    expect((await metrics).totalQueries).toBe(60)
  })
})

describe('tokens that are not accepted', () => {
  const behindProxy = useLimits({ ARC_PROXY_HOPS: '1', ARC_MAX_FAILED_LOGINS_PER_MINUTE: '3' })
  const QUERY = { query: '{ viewer { role } }' }
  const from = (address: string, token = 'garbage') =>
    behindProxy.post(QUERY, token, { 'x-forwarded-for': `203.0.113.99, ${address}` })

  it('are not told why, from an address with many of them: over HTTP and on WebSockets', async () => {
    stopClock()
    for (let count = 0; count < 3; count++) expect((await from('198.51.100.1')).status).toBe(401)
    const { status, headers, errors } = await from('198.51.100.1')
    expect({ status, code: errors?.[0]?.extensions.code }).toEqual({ status: 429, code: 'RATE_LIMITED' })
    expect(errors![0]!.message).toMatch(/More than 3 tokens .*ARC_MAX_FAILED_LOGINS_PER_MINUTE/)
    expect(headers.get('retry-after')).toBe('20')
    const closeCode = async (token: string) => {
      const socket = new GraphQLSocket(
        behindProxy.webSocketUrl,
        { authorization: `Bearer ${token}` },
        { 'x-forwarded-for': '198.51.100.1' },
      )
      return (await socket.closed).code
    }
    expect(await closeCode('garbage')).toBe(1013)
    expect((await from('198.51.100.2')).status).toBe(401)
    moveClock(20_000)
    expect((await from('198.51.100.1')).status).toBe(401)
  })

  it('refuse no good token of others behind the same address', async () => {
    stopClock()
    for (let count = 0; count < 10; count++) await from('198.51.100.3')
    const tenant = behindProxy.tenant()
    const token = await tenant.token()
    expect((await from('198.51.100.3', token)).status).toBe(200)
    const socket = new GraphQLSocket(
      behindProxy.webSocketUrl,
      { authorization: `Bearer ${token}` },
      { 'x-forwarded-for': '198.51.100.3' },
    )
    expect((await socket.results(QUERY.query).next()).value.errors).toBeUndefined()
    await socket.close()
    const { createApiKey } = await tenant.data(
      'mutation { createApiKey(input: { name: "ci", scope: READ }) { secret errors { message } } }',
    )
    expect((await from('198.51.100.3', createApiKey.secret)).status).toBe(200)
    expect((await from('198.51.100.3')).status).toBe(429)
  })

  it('of one IPv6 network are counted together', async () => {
    stopClock()
    for (let count = 0; count < 3; count++) expect((await from(`2001:db8:1:2::${count}`)).status).toBe(401)
    expect((await from('2001:db8:1:2:ffff::9')).status).toBe(429)
    expect((await from('2001:db8:1:3::9')).status).toBe(401)
    // Written short or long, with zeros in front, and where :: stands before the 64th bit.
    for (const address of ['2001:db8::1', '2001:db8::ffff:1', '2001:0DB8:0:0:a::'])
      expect((await from(address)).status).toBe(401)
    for (const address of ['2001:db8::2', '2001:db8:0:0::3', '2001:db8::b:1.2.3.4'])
      expect((await from(address)).status).toBe(429)
    expect((await from('::2001:db8:0:0:1')).status).toBe(401)
  })

  it('lock out nobody behind a proxy that was not declared', async () => {
    const few = new Arc({ ARC_MAX_FAILED_LOGINS_PER_MINUTE: '1' })
    await few.start()
    for (let count = 0; count < 3; count++) expect((await few.post(QUERY, 'garbage')).status).toBe(401)
    expect((await few.post(QUERY, await few.tenant().token())).status).toBe(200)
    await few.stop()
  })
})
