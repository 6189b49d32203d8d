import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { brotliCompressSync } from 'node:zlib'
import type pg from 'pg'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { LiveHub } from '../../src/live/hub.ts'
import { type Arc, type Tenant, useArc } from '../support/arc.ts'
import { useArcBehindProxy } from '../support/databaseProxy.ts'
import { watchStatements } from '../support/recordedStatements.ts'
import { next, PROGRESS, success, useSubscriptions } from '../support/subscriptions.ts'

// One tenant does what it can; what counts is what others are answered meanwhile.

const MIB = 1_048_576
const VIEWER = '{ viewer { role } }'
const RECORD = 'mutation ($o: [OutcomeInput!]!) { recordOutcomes(input: { outcomes: $o }) { storedCount } }'

/** A request that this test writes and reads as it likes. */
async function open(
  arc: Arc,
  tenant: Tenant,
  bytes: number,
  begin = '',
  headers: Record<string, string> = {},
): Promise<Socket> {
  const { port } = new URL(arc.url)
  const socket = connect(Number(port), '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  const head = [
    'POST /graphql HTTP/1.1',
    'Host: localhost',
    `Authorization: Bearer ${await tenant.token()}`,
    'Content-Type: application/json',
    `Content-Length: ${bytes}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ]
  socket.write(`${head.join('\r\n')}\r\n\r\n${begin}`)
  return socket
}

async function post(
  arc: Arc,
  tenant: Tenant,
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = {},
  role: 'app_user' | 'app_readonly' = 'app_user',
) {
  const response = await fetch(arc.url, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${await tenant.token(role)}`,
      'content-type': 'application/json',
      ...headers,
    },
    body,
  })
  const { errors } = (await response.json()) as {
    errors?: { message: string; extensions: { code: string } }[]
  }
  return {
    status: response.status,
    code: errors?.[0]?.extensions.code,
    message: errors?.[0]?.message,
    retryAfter: response.headers.get('retry-after'),
  }
}

/** The longest text that the process made a tree of while `work` ran. */
async function longestParsed(work: () => Promise<unknown>): Promise<number> {
  const { parse } = JSON
  let longest = 0
  JSON.parse = (text, ...more) => {
    longest = Math.max(longest, String(text).length)
    return parse(text, ...more)
  }
  try {
    await work()
  } finally {
    JSON.parse = parse
  }
  return longest
}

describe('a large body', () => {
  const arc = useArc({ ARC_MAX_BODY_BYTES_PER_TENANT: String(40 * MIB) })
  const withVariables = (query: string, variables: string) =>
    `{"query":${JSON.stringify(query)},"variables":${variables}}`
  const lists = (count: number) => `{"o":[${'[],'.repeat(count)}[]]}`

  it.each([
    ['lists', withVariables(VIEWER, lists(10 * MIB))],
    ['spaces', `${JSON.stringify({ query: VIEWER })}${' '.repeat(30 * MIB)}`],
  ])(
    'of %s that came as a few hundred bytes is not inflated to its end, nor made into a tree',
    async (_, body) => {
      const small = new Uint8Array(brotliCompressSync(body))
      expect(small.length).toBeLessThan(1_000)
      const before = process.memoryUsage().arrayBuffers
      const longest = await longestParsed(async () => {
        const answer = await post(arc, arc.tenant(), small, { 'content-encoding': 'br' })
        expect(answer).toMatchObject({
          status: 413,
          code: 'TOO_LARGE',
          message: expect.stringMatching(/ARC_MAX_INFLATION/),
        })
      })
      expect(longest).toBeLessThan(MIB)
      expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8 * MIB)
    },
  )

  it.each([
    ['before its variables', (query: string, variables: string) => withVariables(query, variables)],
    [
      'behind them',
      (query: string, variables: string) => `{"variables":${variables},"query":${JSON.stringify(query)}}`,
    ],
    [
      'said twice',
      (query: string, variables: string) =>
        `{"query":${JSON.stringify(RECORD)},"variables":${variables},"query":${JSON.stringify(query)}}`,
    ],
  ])('is only made into a tree for what may have it, with the operation %s', async (_, bodyOf) => {
    const filling = `{"o":[],"filling":${JSON.stringify('"}],{[\\'.repeat(MIB / 2))}}`
    const longest = await longestParsed(async () => {
      expect(await post(arc, arc.tenant(), bodyOf(VIEWER, filling))).toMatchObject({
        status: 413,
        code: 'TOO_LARGE',
      })
    })
    expect(longest).toBeLessThan(MIB)
    expect(await post(arc, arc.tenant(), bodyOf(RECORD, filling))).toMatchObject({ status: 200 })
  })

  it('has so many values', async () => {
    const longest = await longestParsed(async () => {
      const { status, code, message } = await post(arc, arc.tenant(), withVariables(RECORD, lists(2 * MIB)))
      expect({ status, code }).toEqual({ status: 413, code: 'TOO_LARGE' })
      expect(message).toMatch(/has \d+ values; at most 2000000 .*ARC_MAX_BODY_VALUES/)
    })
    expect(longest).toBeLessThan(MIB)
  })

  it('has keys of so many characters, at any depth', async () => {
    const filled = (key: string) => `{"o":[{"a":{"${key}":1}}],"filling":"${'x'.repeat(2 * MIB)}"}`
    const longest = await longestParsed(async () => {
      for (const key of ['k'.repeat(10_001), '\\u00e9'.repeat(10_001)])
        expect(await post(arc, arc.tenant(), withVariables(RECORD, filled(key)))).toMatchObject({
          status: 413,
          code: 'TOO_LARGE',
          message: 'The body has a key of 10001 characters; at most 10000 are allowed.',
        })
    })
    expect(longest).toBeLessThan(MIB)
    expect(
      await post(arc, arc.tenant(), withVariables(RECORD, filled('\\u00e9'.repeat(10_000)))),
    ).toMatchObject({
      status: 200,
    })
  })

  it('is not read of who may not send any', async () => {
    const body = withVariables(RECORD, `{"o":[],"filling":"${'x'.repeat(2 * MIB)}"}`)
    expect(await post(arc, arc.tenant(), body, {}, 'app_readonly')).toMatchObject({
      status: 413,
      message: expect.stringMatching(/more than 1048576 bytes.*ARC_MAX_BODY_BYTES/),
    })
  })

  it('is one of so many bytes that are on the way from a tenant; others have their own', async () => {
    const tenant = arc.tenant()
    const body = withVariables(RECORD, `{"o":[],"filling":"${'x'.repeat(10 * MIB)}"}`)
    const slow = await open(arc, tenant, 32 * MIB)
    await new Promise((resolve) => slow.write(Buffer.alloc(31 * MIB, ' '), resolve))
    await expect
      .poll(() => post(arc, tenant, body))
      .toMatchObject({ status: 429, code: 'RATE_LIMITED', retryAfter: '1' })
    expect(await post(arc, arc.tenant(), body)).toMatchObject({ status: 200 })
    // What is small has room.
    expect((await tenant.ask(VIEWER)).status).toBe(200)
    slow.destroy()
    await expect.poll(() => post(arc, tenant, body)).toMatchObject({ status: 200 })
  })
})

describe('values of requests', async () => {
  const { arc, proxy } = await useArcBehindProxy({ ARC_MAX_BODY_VALUES_PER_TENANT: '100000' })
  const { openSocket } = useSubscriptions(arc)

  it.skipIf(arc.onPGlite)('have a share until they are answered, on each transport', async () => {
    const [tenant, other] = [arc.tenant(), arc.tenant()]
    const [simulationId, othersId] = [await tenant.simulation(['a', 'b']), await other.simulation(['b'])]
    const outcome = (simulationId: string, scenarioId: string) => ({
      simulationId,
      scenarioId,
      status: 'SUCCESS',
      metrics: { lists: Array.from({ length: 30_000 }, () => ({})) },
    })
    const held = proxy.hold('ingestOutcomes')
    const slow = tenant.record([outcome(simulationId, 'a')])
    const { forward } = await held
    const more = [RECORD, { o: [outcome(simulationId, 'b')] }] as const
    const refused = [
      {
        message: expect.stringMatching(/values in requests on the way.*ARC_MAX_BODY_VALUES_PER_TENANT/),
        extensions: { code: 'RATE_LIMITED', retryAfterSeconds: 1 },
      },
    ]
    const { status, errors } = await tenant.ask(...more)
    expect(status).toBe(429)
    expect(errors).toMatchObject(refused)
    const overSocket = async () => (await (await openSocket(tenant)).results(...more).next()).value
    expect((await overSocket()).errors).toMatchObject(refused)
    expect((await other.record([outcome(othersId, 'b')])).storedCount).toBe(1)
    forward()
    expect((await slow).storedCount).toBe(1)
    expect((await overSocket()).data.recordOutcomes.storedCount).toBe(1)
  })
})

describe('large requests', async () => {
  const { arc, proxy } = await useArcBehindProxy()

  it.skipIf(arc.onPGlite)('are stored one after the other, and others do not wait for them', async () => {
    const [tenant, other] = [arc.tenant(), arc.tenant()]
    const [simulationId, othersId] = [await tenant.simulation(['a', 'b']), await other.simulation(['a'])]
    const record = (by: Tenant, simulationId: string, scenarioId: string, model: string) =>
      by.record([
        { simulationId, scenarioId, model, status: 'SUCCESS', metrics: { text: 'x'.repeat(5 * MIB) } },
      ])
    const holdingFirst = proxy.hold('the first of two')
    const first = record(tenant, simulationId, 'a', 'the first of two')
    const heldFirst = await holdingFirst
    let isSecondThere = false
    const holdingSecond = proxy.hold('the second of two').then((held) => {
      isSecondThere = true
      held.forward()
    })
    const second = record(tenant, simulationId, 'b', 'the second of two')
    for (const _ of [1, 2]) await record(other, othersId, 'a', 'another')
    await tenant.scenarios('small')
    expect(isSecondThere).toBe(false)
    heldFirst.forward()
    await holdingSecond
    expect([(await first).storedCount, (await second).storedCount]).toEqual([1, 1])
  })
})

describe('tokens of documents', () => {
  const arc = useArc({ ARC_MAX_TOKENS_PER_TENANT: '1000' })
  const { overWebSocket, overSse } = useSubscriptions(arc)

  it('have a share as long as the operation runs, on each transport', async () => {
    const [tenant, other] = [arc.tenant(), arc.tenant()]
    const [simulationId, othersId] = [await tenant.simulation(['a']), await other.simulation(['a'])]
    const long = `subscription ($simulationId: UUID!) { simulationProgress(simulationId: $simulationId) {
      seq simulation { configVersion { simulations(filter: { metadata: [{ path: ["k"], eq: [${'0 '.repeat(600)}] }] }) {
        totalCount
      } } }
    } }`
    const refused = [
      {
        message: expect.stringMatching(/tokens in documents that run.*ARC_MAX_TOKENS_PER_TENANT/),
        extensions: { code: 'RATE_LIMITED', retryAfterSeconds: 1 },
      },
    ]
    for (const [first, second] of [
      [overWebSocket, overSse],
      [overSse, overWebSocket],
    ] as const) {
      const open = await first(tenant, long, { simulationId })
      await next(open)
      for (const subscribe of [second, first]) {
        const { value } = await (await subscribe(tenant, long, { simulationId })).next()
        expect(value.errors).toMatchObject(refused)
      }
      const others = await second(other, long, { simulationId: othersId })
      await next(others)
      await Promise.all([open.return!(), others.return!()])
      await expect
        .poll(() => tenant.ask(`{ ${'viewer { role } '.repeat(180)} }`))
        .toMatchObject({ status: 200 })
    }
  })
})

describe('answers that are not taken', () => {
  const arc = useArc({ ARC_MAX_ANSWER_BYTES_PER_TENANT: String(30 * MIB), ARC_MAX_WRITE_SECONDS: '1' })
  const byResolvers = useArc({
    ARC_MAX_ANSWER_BYTES_PER_TENANT: String(30 * MIB),
    ARC_COMPILED_READS: 'off',
  })
  const QUERY = '{ outcomes { nodes { trajectory } } }'

  it('have a share, and the time in which something must be taken; others are answered', async () => {
    const [tenant, other] = [arc.tenant(), arc.tenant()]
    for (const each of [tenant, other]) {
      const simulationId = await each.simulation(['a'])
      const trajectory = { start_time: null, status: 'success', messages: ['x'.repeat(20 * MIB)] }
      const { storedCount } = await each.record([success(simulationId, 1, { trajectory })])
      expect(storedCount).toBe(1)
    }
    const body = JSON.stringify({ query: QUERY })
    const stalled = await open(arc, tenant, body.length, body)
    await once(stalled, 'readable')
    stalled.pause()
    const refused = await tenant.ask(QUERY)
    expect(refused.errors).toMatchObject([
      {
        message: expect.stringMatching(/ARC_MAX_ANSWER_BYTES_PER_TENANT/),
        extensions: { code: 'RATE_LIMITED' },
      },
    ])
    expect(refused.status).toBe(429)
    expect((await other.ask(QUERY)).errors).toBeUndefined()
    expect((await tenant.ask(VIEWER)).status).toBe(200)
    // Nothing takes it, so it is given up, and there is room again.
    await expect.poll(async () => (await tenant.ask(QUERY)).status).toBe(200)
  })

  it('take from it what they are in memory: by resolvers a text, of which controls are six characters, and one wide character makes all of them two bytes', async () => {
    const tenant = byResolvers.tenant()
    const taskPrompt = `${'\u0001'.repeat(1_000_000)}中`
    await tenant.data(
      `mutation ($taskPrompt: String!) {
        upsertScenarios(input: { scenarios: [{ scenarioId: "a", taskPrompt: $taskPrompt }] }) { errors { code } }
      }`,
      { taskPrompt },
    )
    const times = (count: number) =>
      `{ scenario(scenarioId: "a") { ${Array.from({ length: count }, (_, index) => `a${index}: taskPrompt`).join(' ')} } }`
    expect((await tenant.ask(times(2))).status).toBe(200)
    expect((await tenant.ask(times(3))).errors).toMatchObject([
      { message: expect.stringMatching(/ARC_MAX_ANSWER_BYTES_PER_TENANT/) },
    ])
    expect((await tenant.ask(times(6))).errors).toMatchObject([
      { message: expect.stringMatching(/ARC_MAX_ANSWER_LENGTH/) },
    ])
  })

  it('are not those of a request to send again where it was a mutation', async () => {
    const tenant = arc.tenant()
    const yaml = `model: m\nnotes: "${'中'.repeat(300_000)}"\n`
    const times = Array.from({ length: 60 }, (_, index) => `a${index}: rawYaml`).join(' ')
    const { status, data, errors } = await tenant.ask(
      `mutation ($yaml: String!) {
        createConfiguration(input: { name: "large", yaml: $yaml }) { version { ${times} } errors { code } }
      }`,
      { yaml },
    )
    expect({ status, data }).toEqual({ status: 200, data: null })
    expect(errors).toMatchObject([
      {
        message: expect.stringMatching(/ARC_MAX_ANSWER_BYTES_PER_TENANT.* The mutation took effect\.$/),
        extensions: { code: 'RATE_LIMITED' },
      },
    ])
    expect((await tenant.data('{ configurations { totalCount } }')).configurations.totalCount).toBe(1)
  })
})

describe('events that are not taken', () => {
  const arc = useArc({ ARC_MAX_ANSWER_BYTES_PER_TENANT: String(1.5 * MIB) })
  const { overSse } = useSubscriptions(arc)

  it('have the same share', async () => {
    const tenant = arc.tenant()
    const scenarioIds = Array.from({ length: 30 }, (_, index) => `s${index}`)
    const simulationId = await tenant.simulation(scenarioIds, { metadata: { text: 'x'.repeat(900_000) } })
    for (const scenarioId of scenarioIds)
      await tenant.record([{ simulationId, scenarioId, status: 'SUCCESS' }])
    const query = `subscription { simulationEvents(simulationId: "${simulationId}") { simulation { metadata } } }`
    const body = JSON.stringify({ query })
    const first = async () => {
      const results = await overSse(tenant, query, {})
      const { value } = await results.next()
      await results.return!()
      return value.errors?.[0]
    }

    const served: Socket[] = []
    const note = (message: unknown) => served.push((message as { socket: Socket }).socket)
    subscribe('net.server.socket', note)
    onTestFinished(() => void unsubscribe('net.server.socket', note))
    const stalled = await open(arc, tenant, body.length, body, { Accept: 'text/event-stream' })
    await once(stalled, 'readable')
    stalled.pause()
    // The system takes some megabytes for it. Until then it would be refused itself when others are shown events.
    await expect.poll(() => served.some(({ writableLength }) => writableLength > 0)).toBe(true)
    await expect.poll(first).toMatchObject({
      message: expect.stringMatching(/ARC_MAX_ANSWER_BYTES_PER_TENANT/),
      extensions: { code: 'RATE_LIMITED', retryAfterSeconds: 1 },
    })
    stalled.destroy()
    await expect.poll(first).toBeUndefined()
  })
})

describe('rows in memory', async () => {
  // What one statement answers stays text.
  const { arc, proxy } = await useArcBehindProxy({
    ARC_MAX_ROW_BYTES_PER_TENANT: String(5 * MIB),
    ARC_COMPILED_READS: 'off',
  })
  const TEN = '{ outcomes { nodes { metrics } } '

  it.skipIf(arc.onPGlite)(
    'have a share while the operations that read them run, by what they take as trees',
    async () => {
      const [tenant, other] = [arc.tenant(), arc.tenant()]
      for (const each of [tenant, other]) {
        const simulationId = await each.simulation(['a'])
        const metrics = { lists: Array.from({ length: 20_000 }, () => ({})) }
        expect(await each.record([success(simulationId, 1, { metrics })])).toMatchObject({ storedCount: 1 })
      }
      // Of 80 kB the tree is some 2.6 MB, and this one waits for another read, which comes after it.
      const held = proxy.hold('held back')
      const slow = tenant.ask(
        `${TEN} scenarios { nodes { outcomes(filter: { errorCode: { eq: "held back" } }) { totalCount } } } }`,
      )
      const { forward } = await held
      expect((await tenant.ask(`${TEN} }`)).errors).toMatchObject([
        {
          message: expect.stringMatching(/bytes of rows in memory.*ARC_MAX_ROW_BYTES_PER_TENANT/),
          extensions: { code: 'RATE_LIMITED', retryAfterSeconds: 1 },
        },
      ])
      expect((await tenant.ask(VIEWER)).errors).toBeUndefined()
      expect((await other.ask(`${TEN} }`)).errors).toBeUndefined()
      forward()
      expect((await slow).errors).toBeUndefined()
      expect((await tenant.ask(`${TEN} }`)).errors).toBeUndefined()
    },
  )
})

describe('connections to the database', () => {
  const arc = useArc({ ARC_POOL_SIZE: '8' })

  it.skipIf(arc.onPGlite)('are left for others by a tenant whose operations wait', async () => {
    const [tenant, other] = [arc.tenant(), arc.tenant()]
    await tenant.scenarios('a')
    // Not in the transaction below, which would be shown the same activity again and again.
    const waiting = () => arc.sql('admin', waitingForLocks)
    const upsert = () =>
      tenant.ask(
        'mutation { upsertScenarios(input: { scenarios: [{ scenarioId: "a", taskPrompt: "changed" }] }) { receipts { status } } }',
      )
    await arc.sql('admin', async (client) => {
      await client.query('begin')
      await client.query('select from scenarios where user_id = $1 for update', [tenant.tenantId])
      const upserts = Array.from({ length: 20 }, upsert)
      await expect.poll(waiting).toBe(3)
      await other.scenarios('b')
      expect((await other.data('{ scenarios { totalCount } }')).scenarios.totalCount).toBe(1)
      expect(await waiting()).toBe(3)
      await client.query('rollback')
      for (const { errors } of await Promise.all(upserts)) expect(errors).toBeUndefined()
    })
  })
})

describe('connections that read', async () => {
  const { arc, proxy } = await useArcBehindProxy({ ARC_POOL_SIZE: '8' })
  const { overWebSocket } = useSubscriptions(arc)

  it.skipIf(arc.onPGlite)('are left for others by a tenant that watches many simulations', async () => {
    const [tenant, other] = [arc.tenant(), arc.tenant()]
    const simulationIds = await Promise.all(Array.from({ length: 8 }, () => tenant.simulation(['a'])))
    const subscriptions = await Promise.all(
      simulationIds.map(async (simulationId) => {
        const results = await overWebSocket(tenant, PROGRESS, { simulationId })
        await next(results)
        return results
      }),
    )
    const held = simulationIds.map(() => proxy.hold('/* readEvents */'))
    // As each of them would be told of a step.
    await arc.sql('admin', (client) =>
      client.query(`select pg_notify(event_channel(), id || ':99') from unnest($1::text[]) id`, [
        simulationIds,
      ]),
    )
    await Promise.all(held.slice(0, 3))
    expect((await other.data('{ simulations { nodes { status } } }')).simulations.nodes).toEqual([])
    for (const each of held) (await each).forward()
    await Promise.all(subscriptions.map((results) => results.return!()))
  })

  it.skipIf(arc.onPGlite)('are left for others by a tenant whose queries take long', async () => {
    const [tenant, other] = [arc.tenant(), arc.tenant()]
    const held = Array.from({ length: 20 }, () => proxy.hold('from scenarios'))
    // Each another text: what is prepared is not sent again.
    const queries = held.map((_, index) => tenant.ask(`{ scenarios { nodes { name${index}: name } } }`))
    // Three quarters of the five that read.
    await Promise.all(held.slice(0, 3))
    expect((await other.data('{ simulations { nodes { status } } }')).simulations.nodes).toEqual([])
    for (const each of held) (await each).forward()
    for (const { errors } of await Promise.all(queries)) expect(errors).toBeUndefined()
  })
})

async function waitingForLocks(client: pg.Client): Promise<number> {
  const { rows } = await client.query(
    `select count(*)::int as waiting from pg_stat_activity
     where datname = current_database() and wait_event_type = 'Lock' and application_name = 'arc'`,
  )
  return rows[0].waiting
}

describe('subscriptions', () => {
  // Of a statement that leaves with the end of its transaction nobody sees how long it takes.
  const arc = useArc({ ARC_MAX_EVENTS_PER_TENANT: '1', ARC_COMPILED_READS: 'off' })
  const { overWebSocket, overSse } = useSubscriptions(arc)

  it('cost less than other operations', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a'])
    const query = `subscription ($simulationId: UUID!) { simulationProgress(simulationId: $simulationId) {
      simulation { outcomes(first: 500) { nodes { toolUsage { totalCount } failurePatterns { totalCount } } } }
    } }`
    for (const subscribe of [overWebSocket, overSse]) {
      const results = await subscribe(tenant, query, { simulationId })
      const { value } = await results.next()
      expect(value.errors).toMatchObject([
        {
          message: expect.stringMatching(/costs \d+ .*at most 2000 .*ARC_MAX_SUBSCRIPTION_COST/),
          extensions: { code: 'LIMIT_EXCEEDED', cost: { limit: 2000 } },
        },
      ])
    }
  })

  it('of one tenant are shown so many events of at a time, however different they are', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a'])
    const subscriptions = await Promise.all(
      Array.from({ length: 12 }, (_, index) =>
        overWebSocket(tenant, PROGRESS.replace('seq', `seq alias${index}: seq`), { simulationId }),
      ),
    )
    await Promise.all(subscriptions.map((results) => next(results)))
    let atOnce = 0
    let most = 0
    const reading = new Set<pg.Client>()
    const shown = Promise.all(subscriptions.map((results) => next(results)))
    await watchStatements(
      async () => {
        await tenant.record([success(simulationId, 1)])
        await shown
      },
      (client, { text }) => {
        if (/simulation_id/.test(text) && /^select "public"."simulations"/i.test(text)) reading.add(client)
        if (/^(commit|rollback)/i.test(text)) reading.delete(client)
        atOnce = reading.size
        most = Math.max(most, atOnce)
        return undefined
      },
    )
    expect(most).toBe(1)
    await Promise.all(subscriptions.map((results) => results.return!()))
  })

  it('of which one is long are given the text of it one after the other', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a'], { metadata: { text: 'x'.repeat(100_000) } })
    const query = `subscription ($simulationId: UUID!) {
      simulationProgress(simulationId: $simulationId) { simulation { metadata } }
    }`
    const subscriptions = await Promise.all(
      Array.from({ length: 20 }, () => overWebSocket(tenant, query, { simulationId })),
    )
    await Promise.all(subscriptions.map((results) => next(results)))
    const { stringify } = JSON
    let [inThisTurn, most] = [0, 0]
    let turn = setImmediate(function begin() {
      inThisTurn = 0
      turn = setImmediate(begin)
    })
    onTestFinished(() => {
      clearImmediate(turn)
      JSON.stringify = stringify
    })
    JSON.stringify = (...given: [value: unknown]) => {
      const text = stringify(...given)
      if (text?.length > 100_000) most = Math.max(most, ++inThisTurn)
      return text
    }
    await tenant.record([success(simulationId, 1)])
    await Promise.all(subscriptions.map((results) => next(results)))
    // The one before may be written in the same turn.
    expect(most).toBeGreaterThan(0)
    expect(most).toBeLessThan(3)
    await Promise.all(subscriptions.map((results) => results.return!()))
  })

  it('that cannot be told apart leave no stream behind', async () => {
    const joined = vi.spyOn(LiveHub.prototype, 'progress')
    onTestFinished(() => joined.mockRestore())
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a'])
    const query = `subscription ($simulationId: UUID!, $deep: [JsonPathFilter!]) {
      simulationProgress(simulationId: $simulationId) {
        simulation { configVersion { simulations(filter: { metadata: $deep }) { totalCount } } }
      }
    }`
    const deep = `[{"path":["a"],"eq":${'['.repeat(50_000)}${']'.repeat(50_000)}}]`
    const response = await fetch(arc.url, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${await tenant.token()}`,
        'content-type': 'application/json',
        accept: 'text/event-stream',
      },
      body: `{"query":${JSON.stringify(query)},"variables":{"simulationId":"${simulationId}","deep":${deep}}}`,
    })
    expect(await response.text()).toMatch(/"errors"/)
    const hubs = joined.mock.contexts as LiveHub[]
    await expect.poll(() => hubs.map(({ watchedCount }) => watchedCount)).toEqual(hubs.map(() => 0))
  })
})
