import { randomUUID } from 'node:crypto'
import { connect } from 'node:net'
import { afterAll, describe, expect, inject, it, vi } from 'vitest'
import type { Viewer } from '../src/auth/viewer.ts'
import { LiveHub } from '../src/live/hub.ts'
import { type Tenant, useArc } from './arc.ts'
import { DatabaseProxy } from './databaseProxy.ts'
import { resultsOverSse } from './graphqlSse.ts'
import { GraphQLSocket, type Result } from './graphqlWs.ts'

const proxy = await DatabaseProxy.open(
  inject('databaseUrl'),
  inject('serverUrl') === null ? null : inject('adminUrl'),
)
// After useArc's own: hooks run last to first, and the server closes before its way to the database does.
afterAll(() => proxy.close())
const arc = useArc({ DATABASE_URL: proxy.url })

/** The hub of the server under test. */
let hub: LiveHub
const { start } = LiveHub.prototype
LiveHub.prototype.start = function (this: LiveHub) {
  hub = this
  return start.call(this)
}

const STATE = 'seq status totalScenarios completedScenarios failedScenarios completionPercent currentScore'
const PROGRESS = `subscription ($simulationId: UUID!) {
  simulationProgress(simulationId: $simulationId) { ${STATE} simulation { status completedScenarios } }
}`
const EVENTS = `subscription ($simulationId: UUID!, $afterSeq: SafeInt) {
  simulationEvents(simulationId: $simulationId, afterSeq: $afterSeq) { kind ${STATE} }
}`

type Results = AsyncIterableIterator<Result>
type Subscribe = (tenant: Tenant, query: string, variables: object) => Promise<Results>

const sockets: GraphQLSocket[] = []
afterAll(() => Promise.all(sockets.map((socket) => socket.close())))

async function openSocket(tenant: Tenant): Promise<GraphQLSocket> {
  const socket = new GraphQLSocket(arc.webSocketUrl, { authorization: `Bearer ${await tenant.token()}` })
  sockets.push(socket)
  return socket
}
const overWebSocket: Subscribe = async (tenant, query, variables) =>
  (await openSocket(tenant)).results(query, variables)
const overSse: Subscribe = async (tenant, query, variables) =>
  resultsOverSse(arc.url, await tenant.token(), query, variables)

/** The one field of the next result. */
async function next(results: Results): Promise<any> {
  const { done, value } = await results.next()
  expect(done).not.toBe(true)
  expect(value.errors).toBeUndefined()
  return Object.values(value.data)[0]
}

async function take(results: Results, count: number): Promise<any[]> {
  const values = []
  while (values.length < count) values.push(await next(results))
  return values
}

/** All results to the end. */
async function all(results: Results): Promise<any[]> {
  const values = []
  for await (const { data, errors } of results) {
    expect(errors).toBeUndefined()
    values.push(Object.values(data)[0])
  }
  return values
}

const seqs = (events: { seq: number }[]) => events.map(({ seq }) => seq)
const upTo = (last: number, from = 1) => Array.from({ length: last - from + 1 }, (_, index) => from + index)

const success = (simulationId: string, repetition: number, more: object = {}) => ({
  simulationId,
  scenarioId: 'a',
  repetition,
  status: 'SUCCESS',
  reliabilityScore: 1,
  ...more,
})
const end = (tenant: Tenant, step: string, simulationId: string) =>
  tenant.data(`mutation ($simulationId: UUID!) { ${step} { errors { message } } }`, { simulationId })
const complete = (tenant: Tenant, simulationId: string) =>
  end(tenant, 'completeSimulation(input: { simulationId: $simulationId })', simulationId)

const ENDS = [
  ['COMPLETED', 'completeSimulation(input: { simulationId: $simulationId })'],
  ['FAILED', 'failSimulation(input: { simulationId: $simulationId, errorMessage: "broke" })'],
  ['CANCELLED', 'cancelSimulation(input: { simulationId: $simulationId })'],
] as const

describe.each([
  ['WebSocket', overWebSocket],
  ['server-sent events', overSse],
])('over %s', (_, subscribe) => {
  describe('simulationProgress', () => {
    it('begins with the state of a simulation that has not begun, and follows it', async () => {
      const tenant = arc.tenant()
      const simulationId = await tenant.simulation(['a', 'b'], { start: false })
      const progress = await subscribe(tenant, PROGRESS, { simulationId })
      const begin = { totalScenarios: 2, failedScenarios: 0 }
      expect(await next(progress)).toEqual({
        ...begin,
        seq: 0,
        status: 'PENDING',
        completedScenarios: 0,
        completionPercent: 0,
        currentScore: null,
        simulation: { status: 'PENDING', completedScenarios: 0 },
      })
      await tenant.record([success(simulationId, 1)])
      expect(await next(progress)).toEqual({
        ...begin,
        seq: 1,
        status: 'RUNNING',
        completedScenarios: 1,
        completionPercent: 50,
        currentScore: 1,
        simulation: { status: 'RUNNING', completedScenarios: 1 },
      })
      await complete(tenant, simulationId)
      expect(await next(progress)).toMatchObject({ seq: 2, status: 'COMPLETED', currentScore: 1 })
      expect(await progress.next()).toMatchObject({ done: true })
    })

    it.each(ENDS)('of a simulation that is %s is that one state', async (status, step) => {
      const tenant = arc.tenant()
      const simulationId = await tenant.simulation(['a'])
      await end(tenant, step, simulationId)
      const states = await all(await subscribe(tenant, PROGRESS, { simulationId }))
      expect(states).toMatchObject([{ seq: 2, status }])
    })

    it.each(ENDS)('completes when the simulation becomes %s', async (status, step) => {
      const tenant = arc.tenant()
      const simulationId = await tenant.simulation(['a'])
      const progress = await subscribe(tenant, PROGRESS, { simulationId })
      expect(await next(progress)).toMatchObject({ seq: 1, status: 'RUNNING' })
      await end(tenant, step, simulationId)
      expect(await all(progress)).toMatchObject([{ seq: 2, status }])
    })

    it('follows ingestion to its end, never backwards', async () => {
      const tenant = arc.tenant()
      const simulationId = await tenant.simulation(['a'], { repetitions: 30 })
      const progress = await subscribe(tenant, PROGRESS, { simulationId })
      expect(await next(progress)).toMatchObject({ seq: 1 })
      const states = all(progress)
      for (const repetition of upTo(30)) await tenant.record([success(simulationId, repetition)])
      await complete(tenant, simulationId)
      const seen = seqs(await states)
      expect(seen).toEqual([...new Set(seen)].sort((a, b) => a - b))
      expect((await states).at(-1)).toMatchObject({ seq: 32, status: 'COMPLETED', completedScenarios: 30 })
    })

    it('shows a second subscriber the state now, also when hints are lost', async () => {
      const tenant = arc.tenant()
      const simulationId = await tenant.simulation(['a'], { repetitions: 3 })
      const first = await subscribe(tenant, PROGRESS, { simulationId })
      expect(await next(first)).toMatchObject({ seq: 1 })
      proxy.muteListener(true)
      try {
        await tenant.record([success(simulationId, 1)])
        await tenant.record([success(simulationId, 2)])
        const second = await subscribe(tenant, PROGRESS, { simulationId })
        expect(await next(second)).toMatchObject({ seq: 3, completedScenarios: 2 })
        // What one has read the other hears of.
        expect(await next(first)).toMatchObject({ seq: 3 })
        await Promise.all([first.return!(), second.return!()])
      } finally {
        proxy.muteListener(false)
      }
    })
  })

  describe('simulationEvents', () => {
    it('are every step once, in order, from the first or from any other', async () => {
      const tenant = arc.tenant()
      const simulationId = await tenant.simulation(['a', 'b'], { repetitions: 2, start: false })
      const live = all(await subscribe(tenant, EVENTS, { simulationId }))
      await tenant.record([success(simulationId, 1)])
      // One event a batch, however many rows it has, and none for a batch that stores nothing.
      await tenant.record([
        success(simulationId, 2, { reliabilityScore: 0.5 }),
        { simulationId, scenarioId: 'b', repetition: 1, status: 'ERROR', reliabilityScore: 0 },
      ])
      await tenant.record([success(simulationId, 1)])
      const timeout = { simulationId, scenarioId: 'b', repetition: 2, status: 'TIMEOUT' }
      await tenant.record([timeout])
      // A later attempt is an event even when no figure changes by it.
      await tenant.record([{ ...timeout, retryCount: 1 }])
      await complete(tenant, simulationId)

      const state = { totalScenarios: 4 }
      const steps = [
        { kind: 'STARTED', status: 'RUNNING', completedScenarios: 1, failedScenarios: 0, currentScore: 1 },
        { kind: 'PROGRESS', status: 'RUNNING', completedScenarios: 2, failedScenarios: 1, currentScore: 0.5 },
        { kind: 'PROGRESS', status: 'RUNNING', completedScenarios: 2, failedScenarios: 2, currentScore: 0.5 },
        { kind: 'PROGRESS', status: 'RUNNING', completedScenarios: 2, failedScenarios: 2, currentScore: 0.5 },
        {
          kind: 'COMPLETED',
          status: 'COMPLETED',
          completedScenarios: 2,
          failedScenarios: 2,
          currentScore: 0.5,
        },
      ].map((step, index) => ({
        ...state,
        ...step,
        seq: index + 1,
        completionPercent: (100 * (step.completedScenarios + step.failedScenarios)) / 4,
      }))
      expect(await live).toEqual(steps)
      for (const afterSeq of [undefined, 0, 1, 3, 5, 6]) {
        const again = await all(await subscribe(tenant, EVENTS, { simulationId, afterSeq }))
        expect(again).toEqual(steps.slice(afterSeq ?? 0))
      }
    })

    it.each(ENDS)('end with %s', async (kind, step) => {
      const tenant = arc.tenant()
      const simulationId = await tenant.simulation(['a'])
      const events = await subscribe(tenant, EVENTS, { simulationId })
      expect(await next(events)).toMatchObject({ seq: 1, kind: 'STARTED' })
      await end(tenant, step, simulationId)
      expect(await all(events)).toMatchObject([{ seq: 2, kind, status: kind }])
    })

    it('go on after a lost connection with exactly the next one', async () => {
      const tenant = arc.tenant()
      const simulationId = await tenant.simulation(['a'], { repetitions: 40 })
      const ingestion = (async () => {
        for (const repetition of upTo(40)) await tenant.record([success(simulationId, repetition)])
        await complete(tenant, simulationId)
      })()
      const seen: number[] = []
      for (const count of [1, 7, 12]) {
        const events = await subscribe(tenant, EVENTS, { simulationId, afterSeq: seen.at(-1) })
        seen.push(...seqs(await take(events, count)))
        await events.return!()
      }
      seen.push(...seqs(await all(await subscribe(tenant, EVENTS, { simulationId, afterSeq: seen.at(-1) }))))
      await ingestion
      expect(seen).toEqual(upTo(42))
    })

    it('reach two subscribers of a simulation, and not the one of another', async () => {
      const tenant = arc.tenant()
      const [simulationId, otherId] = [
        await tenant.simulation(['a'], { repetitions: 5 }),
        await tenant.simulation(['a']),
      ]
      const [first, second] = [
        all(await subscribe(tenant, EVENTS, { simulationId })),
        all(await subscribe(tenant, EVENTS, { simulationId, afterSeq: 3 })),
      ]
      const other = await subscribe(tenant, EVENTS, { simulationId: otherId })
      expect(await next(other)).toMatchObject({ seq: 1 })
      for (const repetition of upTo(5)) await tenant.record([success(simulationId, repetition)])
      await complete(tenant, simulationId)
      expect(seqs(await first)).toEqual(upTo(7))
      expect(seqs(await second)).toEqual(upTo(7, 4))
      await complete(tenant, otherId)
      expect(await all(other)).toMatchObject([{ seq: 2, kind: 'COMPLETED', totalScenarios: 1 }])
    })

    it('begin after any number, whatever another subscriber has brought into memory', async () => {
      const tenant = arc.tenant()
      const simulationId = await tenant.simulation(['a'], { repetitions: 6 })
      for (const repetition of upTo(3)) await tenant.record([success(simulationId, repetition)])
      const progress = await subscribe(tenant, PROGRESS, { simulationId })
      expect(await next(progress)).toMatchObject({ seq: 4 })
      for (const repetition of upTo(6, 4)) {
        await tenant.record([success(simulationId, repetition)])
        expect(await next(progress)).toMatchObject({ seq: repetition + 1 })
      }
      for (const afterSeq of upTo(6, 0)) {
        const events = await subscribe(tenant, EVENTS, { simulationId, afterSeq })
        expect(seqs(await take(events, 7 - afterSeq))).toEqual(upTo(7, afterSeq + 1))
        await events.return!()
      }
      await progress.return!()
    })

    it('have numbers without a gap when several clients send at once', async () => {
      const tenant = arc.tenant()
      const simulationId = await tenant.simulation(['a'], { repetitions: 60 })
      const events = all(await subscribe(tenant, EVENTS, { simulationId }))
      await Promise.all(
        upTo(6).map(async (client) => {
          for (const turn of upTo(5)) {
            const repetition = (client - 1) * 10 + turn * 2
            await tenant.record([success(simulationId, repetition - 1), success(simulationId, repetition)])
          }
        }),
      )
      await complete(tenant, simulationId)
      expect(seqs(await events)).toEqual(upTo(32))
      expect((await events).map(({ completedScenarios }) => completedScenarios)).toEqual([
        ...upTo(31).map((seq) => (seq - 1) * 2),
        60,
      ])
    })

    it('of a log longer than one page all arrive', async () => {
      const tenant = arc.tenant()
      const simulationId = await tenant.simulation(['a'], { repetitions: 1000 })
      const events = all(await subscribe(tenant, EVENTS, { simulationId }))
      await arc.sql('admin', async (client) => {
        await client.query(
          `begin; select set_config('app.user_id', '${tenant.tenantId}', true); do $$ begin
            for n in 1..1100 loop
              update simulations set total_tokens = n where simulation_id = '${simulationId}';
            end loop;
          end $$; commit`,
        )
      })
      await complete(tenant, simulationId)
      expect(seqs(await events)).toEqual(upTo(1102))
      expect(seqs(await all(await subscribe(tenant, EVENTS, { simulationId })))).toEqual(upTo(1102))
    })
  })

  describe('tenants', () => {
    it('find no simulation of another', async () => {
      const simulationId = await arc.tenant().simulation(['a'])
      for (const [field, query] of [
        ['simulationProgress', PROGRESS],
        ['simulationEvents', EVENTS],
      ] as const) {
        const results = await subscribe(arc.tenant(), query, { simulationId })
        const { value } = await results.next()
        expect(value.errors).toMatchObject([
          { path: [field], extensions: { code: 'SIMULATION_NOT_FOUND', input: ['simulationId'] } },
        ])
        expect(await results.next()).toMatchObject({ done: true })
      }
    })

    it('with simulations of the same id hear only their own', async () => {
      const [one, two] = [arc.tenant(), arc.tenant()]
      const simulationId = randomUUID()
      for (const tenant of [one, two]) await tenant.simulation(['a'], { simulationId, repetitions: 3 })
      const [events, progress] = [
        all(await subscribe(one, EVENTS, { simulationId })),
        await subscribe(two, PROGRESS, { simulationId }),
      ]
      expect(await next(progress)).toMatchObject({ seq: 1, completedScenarios: 0 })
      for (const repetition of upTo(3)) await one.record([success(simulationId, repetition)])
      await complete(one, simulationId)
      expect((await events).at(-1)).toMatchObject({ seq: 5, status: 'COMPLETED', completedScenarios: 3 })
      await two.record([{ simulationId, scenarioId: 'a', status: 'ERROR' }])
      expect(await next(progress)).toMatchObject({ seq: 2, completedScenarios: 0, failedScenarios: 1 })
      await progress.return!()
    })
  })

  it('afterSeq below 0 is refused', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a'])
    const { value } = await (await subscribe(tenant, EVENTS, { simulationId, afterSeq: -1 })).next()
    expect(value.errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT', input: ['afterSeq'] } }])
  })
})

describe('a slow subscriber', () => {
  const viewerOf = (tenant: Tenant): Viewer => ({
    tenantId: tenant.tenantId,
    actorId: 'slow',
    role: 'app_user',
    expiresAtMs: undefined,
    clientIp: undefined,
    userAgent: undefined,
  })

  it('of simulationProgress skips, of simulationEvents does not', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a'], { repetitions: 20 })
    const progress = await hub.progress(viewerOf(tenant), simulationId)
    const slow = await hub.events(viewerOf(tenant), simulationId, 0)
    const quick = await hub.events(viewerOf(tenant), simulationId, 0)
    const rest = async (stream: AsyncIterable<{ seq: number }>) => {
      const events = []
      for await (const event of stream) events.push(event)
      return events
    }
    const seqOf = async (stream: AsyncIterator<{ seq: number }>) => (await stream.next()).value?.seq
    expect([await seqOf(progress), await seqOf(slow), await seqOf(quick)]).toEqual([1, 1, 1])
    for (const repetition of upTo(20)) {
      await tenant.record([success(simulationId, repetition)])
      expect(await seqOf(quick)).toBe(repetition + 1)
    }
    expect(await seqOf(progress)).toBe(21)
    expect(await seqOf(slow)).toBe(2)
    await complete(tenant, simulationId)
    expect([await seqOf(progress), await seqOf(progress)]).toEqual([22, undefined])
    expect(seqs(await rest(slow))).toEqual(upTo(22, 3))
    await quick.return!()
  })
})

describe('the LISTEN connection', () => {
  it('killed 20 times during ingestion costs no event and doubles none', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a'], { repetitions: 1000 })
    const events = all(await overWebSocket(tenant, EVENTS, { simulationId }))
    const progress = all(await overSse(tenant, PROGRESS, { simulationId }))
    let killed = 0
    const kills = (async () => {
      for (; killed < 20; killed++) {
        await proxy.listenerUp()
        await proxy.killListener()
      }
    })()
    let batches = 0
    while (killed < 20) {
      batches += 1
      await tenant.record([success(simulationId, batches)])
    }
    await kills
    await complete(tenant, simulationId)
    expect(seqs(await events)).toEqual(upTo(batches + 2))
    expect((await progress).at(-1)).toMatchObject({ status: 'COMPLETED', completedScenarios: batches })
    expect(batches).toBeGreaterThan(20)
  })

  it('down for a while: what happened meanwhile comes when it is back', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a'], { repetitions: 20 })
    const events = await overWebSocket(tenant, EVENTS, { simulationId })
    expect(await next(events)).toMatchObject({ seq: 1 })
    proxy.refuseListener(true)
    await proxy.killListener()
    for (const repetition of upTo(20)) await tenant.record([success(simulationId, repetition)])
    expect(await tenant.data('{ health { status listening } }')).toEqual({
      health: { status: 'DEGRADED', listening: false },
    })
    proxy.refuseListener(false)
    await proxy.listenerUp()
    expect(seqs(await take(events, 20))).toEqual(upTo(21, 2))
    await events.return!()
    await vi.waitFor(async () =>
      expect(await tenant.data('{ health { status } }')).toEqual({ health: { status: 'HEALTHY' } }),
    )
  })

  it('that hears nothing any more is made up for by a poll', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a'], { repetitions: 5 })
    const events = await overWebSocket(tenant, EVENTS, { simulationId })
    expect(await next(events)).toMatchObject({ seq: 1 })
    proxy.muteListener(true)
    try {
      for (const repetition of upTo(5)) await tenant.record([success(simulationId, repetition)])
      expect(seqs(await take(events, 5))).toEqual(upTo(6, 2))
    } finally {
      proxy.muteListener(false)
    }
    await events.return!()
  })
})

describe('who leaves gives the place back at once:', () => {
  /** Begins to watch a simulation, in whatever way, and waits until the server counts it. */
  async function watched(begin: (tenant: Tenant, simulationId: string) => Promise<void>): Promise<void> {
    await vi.waitFor(() => expect(hub.watchedCount).toBe(0))
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a'])
    await begin(tenant, simulationId)
    await vi.waitFor(() => expect(hub.watchedCount).toBe(0))
  }
  const onePlace = () => vi.waitFor(() => expect(hub.watchedCount).toBe(1))

  it('by unsubscribing, while it waits for the next event', () =>
    watched(async (tenant, simulationId) => {
      const socket = await openSocket(tenant)
      const [events, progress] = [
        socket.results(EVENTS, { simulationId }),
        socket.results(PROGRESS, { simulationId }),
      ]
      await Promise.all([next(events), next(progress)])
      expect(hub.watchedCount).toBe(1)
      await events.return!()
      await tenant.record([success(simulationId, 1)])
      // The other one on the same socket stays.
      expect(await next(progress)).toMatchObject({ seq: 2 })
      expect(hub.watchedCount).toBe(1)
      await progress.return!()
    }))

  it('by closing its socket', () =>
    watched(async (tenant, simulationId) => {
      const socket = await openSocket(tenant)
      await next(socket.results(EVENTS, { simulationId }))
      expect(hub.watchedCount).toBe(1)
      await socket.close()
    }))

  it('by unsubscribing before it has heard anything', () =>
    watched(async (tenant, simulationId) => {
      const socket = await openSocket(tenant)
      const events = socket.results(EVENTS, { simulationId })
      const heard = events.next()
      await events.return!()
      void heard
      // Answered in order, so the server has seen both.
      expect(await socket.results('{ viewer { actorId } }').next()).toMatchObject({ done: false })
    }))

  it('by hanging up on server-sent events', () =>
    watched(async (tenant, simulationId) => {
      const events = await overSse(tenant, EVENTS, { simulationId })
      await next(events)
      expect(hub.watchedCount).toBe(1)
      await events.return!()
    }))

  const request = (tenant: Tenant, simulationId: string, token: string, accept: string) => {
    const body = JSON.stringify({ query: EVENTS, variables: { simulationId } })
    return [
      'POST /graphql HTTP/1.1',
      `Host: ${new URL(arc.url).host}`,
      `Authorization: Bearer ${token}`,
      'Content-Type: application/json',
      `Accept: ${accept}`,
      `X-Tenant: ${tenant.tenantId}`,
      `Content-Length: ${body.length}`,
      '',
      body,
    ].join('\r\n')
  }
  const rawConnection = async () => {
    const { hostname, port } = new URL(arc.url)
    const socket = connect(Number(port), hostname)
    socket.on('error', () => {})
    await new Promise<void>((resolve) => socket.once('connect', resolve))
    return socket
  }

  it('by hanging up without having read a byte', () =>
    watched(async (tenant, simulationId) => {
      const socket = await rawConnection()
      socket.pause()
      socket.write(request(tenant, simulationId, await tenant.token(), 'text/event-stream'))
      await onePlace()
      socket.destroy()
    }))

  it('by hanging up right after it asked', () =>
    watched(async (tenant, simulationId) => {
      const token = await tenant.token()
      const began = vi.spyOn(hub, 'events')
      for (let attempt = 0; attempt < 10; attempt++) {
        const socket = await rawConnection()
        socket.write(request(tenant, simulationId, token, 'text/event-stream'))
        await vi.waitFor(() => expect(began).toHaveBeenCalledTimes(attempt + 1), { interval: 1 })
        socket.destroy()
      }
      began.mockRestore()
    }))

  it('by taking no event stream for an answer', () =>
    watched(async (tenant, simulationId) => {
      const response = await fetch(arc.url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          accept: 'application/json',
          authorization: `Bearer ${await tenant.token()}`,
        },
        body: JSON.stringify({ query: EVENTS, variables: { simulationId } }),
      })
      expect(response.status).toBe(406)
    }))

  it('by asking for a simulation that is not there', () =>
    watched(async (tenant) => {
      const { value } = await (await overWebSocket(tenant, EVENTS, { simulationId: randomUUID() })).next()
      expect(value.errors).toMatchObject([{ extensions: { code: 'SIMULATION_NOT_FOUND' } }])
    }))

  it('and the one who came while the last one left still hears everything', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a'], { repetitions: 10 })
    const viewer = { tenantId: tenant.tenantId, actorId: 'x', role: 'app_user' } as Viewer
    for (const repetition of upTo(10)) {
      const first = await hub.events(viewer, simulationId, repetition)
      const joining = hub.events(viewer, simulationId, repetition)
      await first.return!()
      const second = await joining
      const heard = second.next()
      await tenant.record([success(simulationId, repetition)])
      expect((await heard).value).toMatchObject({ seq: repetition + 1 })
      await second.return!()
    }
  })
})

describe('a socket', () => {
  it('stays open when one operation is wrong', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a'])
    const socket = await openSocket(tenant)
    const events = socket.results(EVENTS, { simulationId })
    expect(await next(events)).toMatchObject({ seq: 1 })
    for (const [query, code] of [
      ['subscription {', 'GRAPHQL_PARSE_FAILED'],
      ['', 'GRAPHQL_PARSE_FAILED'],
      ['{ nothingOfTheKind }', 'GRAPHQL_VALIDATION_FAILED'],
      ['subscription { simulationEvents(simulationId: "no uuid") { seq } }', 'GRAPHQL_VALIDATION_FAILED'],
      ['fragment F on Viewer { actorId }', 'GRAPHQL_VALIDATION_FAILED'],
      ['query A { viewer { actorId } } query B { viewer { role } }', 'BAD_REQUEST'],
      [`subscription ($id: UUID!) { simulationEvents(simulationId: $id) { seq } }`, 'BAD_USER_INPUT'],
      [`query ($id: UUID!) { simulation(simulationId: $id) { status } }`, 'BAD_USER_INPUT'],
    ] as const) {
      const { value } = await socket.results(query).next()
      expect({ query, codes: value.errors.map((error: any) => error.extensions.code) }).toEqual({
        query,
        codes: [code],
      })
    }
    const { value } = await socket.results('{ viewer { tenantId } }').next()
    expect(value.data.viewer.tenantId).toBe(tenant.tenantId)
    await tenant.record([success(simulationId, 1)])
    expect(await next(events)).toMatchObject({ seq: 2 })
    await events.return!()
  })
})
