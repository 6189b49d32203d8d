import { randomUUID } from 'node:crypto'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { LiveHub } from '../../src/live/hub.ts'
import type { Viewer } from '../../src/viewer.ts'
import { Arc, type Tenant } from '../support/arc.ts'
import { useArcBehindProxy } from '../support/databaseProxy.ts'
import { resultsOverSse } from '../support/graphqlSse.ts'
import { SOON } from '../support/soon.ts'
import {
  all,
  complete,
  EVENTS,
  next,
  PROGRESS,
  seqs,
  success,
  take,
  upTo,
  useSubscriptions,
} from '../support/subscriptions.ts'

const { arc, proxy } = await useArcBehindProxy()
const { openSocket, overWebSocket, overSse } = useSubscriptions(arc)

/** The hub of the server under test: the first that starts. */
let hub: LiveHub
const { start } = LiveHub.prototype
LiveHub.prototype.start = function (this: LiveHub) {
  hub ??= this
  return start.call(this)
}

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
    await vi.waitFor(
      async () =>
        expect(await tenant.data('{ health { status } }')).toEqual({ health: { status: 'HEALTHY' } }),
      SOON,
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

describe('another server of the same database', () => {
  const other = new Arc()
  beforeAll(() => other.start())
  afterAll(() => other.stop())

  it('brings its subscribers what was sent to this one', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a'], { repetitions: 10 })
    const token = await tenant.token()
    const there = resultsOverSse(other.url, token, EVENTS, { simulationId })
    const here = await overSse(tenant, EVENTS, { simulationId })
    expect([await next(there), await next(here)]).toMatchObject([{ seq: 1 }, { seq: 1 }])
    for (const repetition of upTo(10)) {
      await tenant.record([success(simulationId, repetition)])
      expect(await next(there)).toMatchObject({ seq: repetition + 1, succeededScenarios: repetition })
    }
    await complete(tenant, simulationId)
    expect(seqs(await all(there))).toEqual([12])
    expect(seqs(await all(here))).toEqual(upTo(12, 2))
  })
})

describe('who leaves gives the place back at once:', () => {
  /** Begins to watch a simulation, in whatever way, and waits until the server counts it. */
  async function watched(begin: (tenant: Tenant, simulationId: string) => Promise<void>): Promise<void> {
    await vi.waitFor(() => expect(hub.watchedCount).toBe(0), SOON)
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a'])
    await begin(tenant, simulationId)
    await vi.waitFor(() => expect(hub.watchedCount).toBe(0), SOON)
  }
  const onePlace = () => vi.waitFor(() => expect(hub.watchedCount).toBe(1), SOON)

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
        await vi.waitFor(() => expect(began).toHaveBeenCalledTimes(attempt + 1), { ...SOON, interval: 1 })
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
