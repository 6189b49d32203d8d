import { once } from 'node:events'
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { type RawData, WebSocket } from 'ws'
import { Arc, useArc } from '../support/arc.ts'
import { SOON } from '../support/soon.ts'
import { PROGRESS } from '../support/subscriptions.ts'

const arc = useArc()
const open: WebSocket[] = []
afterEach(() => {
  for (const socket of open.splice(0)) socket.terminate()
})

interface Message {
  type: string
  id?: string
  payload?: any
}

/** A WebSocket as anybody may write one: it sends what it is told to. */
class RawSocket {
  readonly socket: WebSocket
  readonly closed: Promise<{ code: number; reason: string }>
  readonly #messages: Message[] = []
  #arrived = () => {}

  constructor(url: string, options: { protocol?: string; origin?: string; autoPong?: boolean } = {}) {
    const { protocol = 'graphql-transport-ws', ...more } = options
    this.socket = new WebSocket(url, protocol === '' ? [] : protocol, more)
    open.push(this.socket)
    this.closed = new Promise((resolve) =>
      this.socket.on('close', (code, reason) => resolve({ code, reason: String(reason) })),
    )
    this.socket.on('error', () => {})
    this.socket.on('message', (data: RawData) => {
      this.#messages.push(JSON.parse(data.toString()))
      this.#arrived()
    })
  }

  send(message: object | string | Buffer): void {
    const plain = typeof message === 'string' || Buffer.isBuffer(message)
    this.socket.send(plain ? message : JSON.stringify(message))
  }

  async message(): Promise<Message> {
    while (this.#messages.length === 0)
      await new Promise<void>((resolve) => {
        this.#arrived = resolve
      })
    return this.#messages.shift()!
  }

  async opened(): Promise<this> {
    if (this.socket.readyState !== WebSocket.OPEN) await once(this.socket, 'open')
    return this
  }

  async acknowledged(authorization: string): Promise<this> {
    await this.opened()
    this.send({ type: 'connection_init', payload: { authorization } })
    expect(await this.message()).toEqual({ type: 'connection_ack' })
    return this
  }
}

const authorization = async () => `Bearer ${await arc.tenant().token()}`
const acknowledged = async () => new RawSocket(arc.webSocketUrl).acknowledged(await authorization())
const ROLE = { query: '{ viewer { role } }' }
const subscribe = (id: string, payload: object = ROLE) => ({ id, type: 'subscribe', payload })

/** The answers to one operation, up to its end. */
async function answered(socket: RawSocket, id: string, payload: object): Promise<Message[]> {
  socket.send(subscribe(id, payload))
  const messages = [await socket.message()]
  while (messages.at(-1)!.type === 'next') messages.push(await socket.message())
  return messages
}

describe('a connection', () => {
  it('is acknowledged, answers pings with their payload, and answers operations by their ids', async () => {
    const socket = await acknowledged()
    socket.send({ type: 'ping', payload: { at: 1 } })
    expect(await socket.message()).toEqual({ type: 'pong', payload: { at: 1 } })
    const long = 'x'.repeat(1_100)
    socket.send({ type: 'ping', payload: { long } })
    expect(await socket.message()).toEqual({ type: 'pong' })
    socket.send({ type: 'pong' })
    socket.send(subscribe('a'))
    const cost = { requested: 1, limit: 100_000 }
    expect(await socket.message()).toEqual({
      id: 'a',
      type: 'next',
      payload: { data: { viewer: { role: 'USER' } }, extensions: { cost } },
    })
    expect(await socket.message()).toEqual({ id: 'a', type: 'complete' })
  })

  it('stays open for the others when an operation is wrong, and its id is free again', async () => {
    const socket = await acknowledged()
    for (const [query, code] of [
      ['{', 'GRAPHQL_PARSE_FAILED'],
      ['{ nothingOfTheKind }', 'GRAPHQL_VALIDATION_FAILED'],
      ['query A { viewer { role } } query B { viewer { role } }', 'BAD_REQUEST'],
      [`{ ${'viewer { role } '.repeat(300)} }`, 'LIMIT_EXCEEDED'],
    ]) {
      const [{ type, id, payload }] = (await answered(socket, 'same', { query })) as [Message]
      expect({ type, id, codes: payload.map((error: any) => error.extensions.code) }).toEqual({
        type: 'error',
        id: 'same',
        codes: [code],
      })
    }
    expect((await answered(socket, 'same', ROLE)).map(({ type }) => type)).toEqual(['next', 'complete'])
  })

  it('ends a subscription that the client completes, and only that', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a', 'b'])
    const socket = await new RawSocket(arc.webSocketUrl).acknowledged(`Bearer ${await tenant.token()}`)
    for (const id of ['one', 'two']) {
      socket.send(subscribe(id, { query: PROGRESS, variables: { simulationId } }))
      expect(await socket.message()).toMatchObject({ id, type: 'next' })
    }
    socket.send({ id: 'one', type: 'complete' })
    // Answered in order, so the server has seen it.
    expect((await answered(socket, 'three', ROLE)).map(({ id }) => id)).toEqual(['three', 'three'])
    await tenant.record([{ simulationId, scenarioId: 'a', status: 'SUCCESS' }])
    expect(await socket.message()).toMatchObject({ id: 'two', type: 'next' })
    // The id is free again.
    expect((await answered(socket, 'one', ROLE)).map(({ id }) => id)).toEqual(['one', 'one'])
  })
})

describe('is closed with', () => {
  const invalid: [name: string, message: object | string | Buffer][] = [
    ['no JSON', 'nonsense'],
    ['no object', '[]'],
    ['no type', {}],
    ['an unknown type', { type: 'start', id: '1', payload: ROLE }],
    ['an operation without an id', { type: 'subscribe', payload: ROLE }],
    ['an operation with an empty id', subscribe('')],
    ['an operation without a query', { type: 'subscribe', id: '1', payload: {} }],
    ['variables that are a list', subscribe('1', { ...ROLE, variables: [] })],
    ['what only servers send', { type: 'connection_ack' }],
    ['a result', { type: 'next', id: '1', payload: { data: {} } }],
    ['bytes', Buffer.from(JSON.stringify({ type: 'ping' }))],
    ['an id that each answer would repeat at length', subscribe('a'.repeat(1_001))],
  ]
  it.each(invalid)('4400 for an invalid message: %s', async (_, message) => {
    const socket = await acknowledged()
    socket.send(message)
    expect((await socket.closed).code).toBe(4400)
  })

  it('4401 for an operation before the acknowledgement', async () => {
    const socket = await new RawSocket(arc.webSocketUrl).opened()
    socket.send(subscribe('1'))
    expect(await socket.closed).toEqual({ code: 4401, reason: 'Unauthorized' })
  })

  it('4403 for a token that is not accepted', async () => {
    const socket = await new RawSocket(arc.webSocketUrl).opened()
    socket.send({ type: 'connection_init', payload: { authorization: 'Bearer garbage' } })
    expect(await socket.closed).toEqual({ code: 4403, reason: 'The token is malformed.' })
  })

  it('4406 for no subprotocol; a client that offers others only is chosen none of them, and breaks off', async () => {
    const none = new RawSocket(arc.webSocketUrl, { protocol: '' })
    expect(await none.closed).toEqual({ code: 4406, reason: 'Subprotocol not acceptable' })
    for (const protocol of ['graphql-ws', 'soap']) {
      const other = new RawSocket(arc.webSocketUrl, { protocol })
      expect((await other.closed).code).toBe(1006)
    }
  })

  it('4408 for a connection that is not initialised in time', async () => {
    const socket = await new RawSocket(arc.webSocketUrl).opened()
    expect(await socket.closed).toEqual({ code: 4408, reason: 'Connection initialisation timeout' })
  })

  it('4409 for a second operation of the same id', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a'])
    const socket = await new RawSocket(arc.webSocketUrl).acknowledged(`Bearer ${await tenant.token()}`)
    socket.send(subscribe('1', { query: PROGRESS, variables: { simulationId } }))
    await socket.message()
    socket.send(subscribe('1'))
    expect(await socket.closed).toEqual({ code: 4409, reason: 'Subscriber for 1 already exists' })
  })

  it('4409 for a second operation of the same long id, whatever of it has room in the reason', async () => {
    const socket = await acknowledged()
    const id = 'é'.repeat(1_000)
    socket.send(subscribe(id))
    socket.send(subscribe(id))
    expect(await socket.closed).toEqual({ code: 4409, reason: `Subscriber for ${'é'.repeat(54)}` })
  })

  it('4429 for a second initialisation', async () => {
    const socket = await acknowledged()
    socket.send({ type: 'connection_init' })
    expect(await socket.closed).toEqual({ code: 4429, reason: 'Too many initialisation requests' })
  })

  it('1009 for a message that is too big, before the token is known too', async () => {
    const reason = 'A message may have at most 1048576 bytes (ARC_MAX_FRAME_BYTES).'
    const known = await acknowledged()
    known.send(JSON.stringify({ type: 'ping' }).padEnd(1024 * 1024, ' '))
    expect(await known.message()).toEqual({ type: 'pong' })
    known.send(JSON.stringify({ type: 'ping' }).padEnd(1024 * 1024 + 1, ' '))
    expect(await known.closed).toEqual({ code: 1009, reason })
    const stranger = await new RawSocket(arc.webSocketUrl).opened()
    stranger.send(JSON.stringify({ type: 'ping' }).padEnd(16_384, ' '))
    expect(await stranger.message()).toEqual({ type: 'pong' })
    stranger.send(JSON.stringify({ type: 'ping' }).padEnd(16_385, ' '))
    expect(await stranger.closed).toEqual({
      code: 1009,
      reason: 'A message may have at most 16384 bytes (until its token is known).',
    })
  })

  it('1001 when the server stops', async () => {
    const other = new Arc()
    await other.start()
    const socket = await new RawSocket(other.webSocketUrl).acknowledged(
      `Bearer ${await other.tenant().token()}`,
    )
    await other.stop()
    expect(await socket.closed).toEqual({ code: 1001, reason: 'Going away' })
  })

  it('4500 for a fault of the server, of which nothing is told', async () => {
    const socket = await new RawSocket(arc.webSocketUrl).opened()
    const message = JSON.stringify({
      type: 'connection_init',
      payload: { authorization: await authorization() },
    })
    const { stringify } = JSON
    const broken = vi.spyOn(JSON, 'stringify').mockImplementation((value, ...more) => {
      if (value?.type === 'connection_ack') throw new Error('relation "secrets" does not exist')
      return stringify(value, ...(more as []))
    })
    socket.send(message)
    expect(await socket.closed).toEqual({ code: 4500, reason: 'Internal server error' })
    broken.mockRestore()
  })
})

describe('a peer that is gone', () => {
  const impatient = new Arc({ ARC_MAX_PONG_SECONDS: '1', ARC_MAX_SOCKETS_PER_TENANT: '1' })
  beforeAll(() => impatient.start())
  afterAll(() => impatient.stop())

  it('is let go when it answers no ping, and its place is free; one that answers stays', async () => {
    const tenant = impatient.tenant()
    const token = `Bearer ${await tenant.token()}`
    const dead = await new RawSocket(impatient.webSocketUrl, { autoPong: false }).acknowledged(token)
    const pings = once(dead.socket, 'ping')
    await pings
    expect(await dead.closed).toEqual({ code: 1006, reason: '' })
    const pretending = await new RawSocket(impatient.webSocketUrl, { autoPong: false }).acknowledged(token)
    pretending.socket.on('ping', () => pretending.socket.pong('of itself'))
    expect(await pretending.closed).toEqual({ code: 1006, reason: '' })
    const alive = await new RawSocket(impatient.webSocketUrl).acknowledged(token)
    for (let count = 0; count < 3; count++) await once(alive.socket, 'ping')
    expect((await answered(alive, '1', ROLE)).map(({ type }) => type)).toEqual(['next', 'complete'])
  })
})

describe('a client that takes nothing', () => {
  const impatient = new Arc({ ARC_MAX_WRITE_SECONDS: '1', ARC_MAX_PONG_SECONDS: '600' })
  beforeAll(() => impatient.start())
  afterAll(() => impatient.stop())
  const MIB = 1024 * 1024
  const COUNT = 30_000
  const ping = JSON.stringify({ type: 'ping', payload: { x: 'x'.repeat(1_000) } })

  /** The most bytes that wait in this process for the other side of a socket that answers pings. */
  function watchPongs(): () => number {
    let most = 0
    const { send } = WebSocket.prototype
    const watched = vi.spyOn(WebSocket.prototype, 'send').mockImplementation(function (
      this: WebSocket,
      ...given: any
    ) {
      send.apply(this, given)
      if (String(given[0]).startsWith('{"type":"pong"')) most = Math.max(most, this.bufferedAmount)
    } as typeof send)
    onTestFinished(() => watched.mockRestore())
    return () => most
  }

  it('is not read from while a megabyte waits for it, and let go', async () => {
    const most = watchPongs()
    const token = `Bearer ${await impatient.tenant().token()}`
    const dead = await new RawSocket(impatient.webSocketUrl).acknowledged(token)
    dead.socket.pause()
    for (let sent = 0; sent < COUNT; sent++) dead.send(ping)
    expect(await dead.closed).toMatchObject({ code: 1006 })
    expect(most()).toBeGreaterThan(MIB)
    expect(most()).toBeLessThan(2 * MIB)
  })

  it('gets all that it asked for once it takes it', async () => {
    const most = watchPongs()
    const slow = await acknowledged()
    slow.socket.pause()
    for (let sent = 0; sent < COUNT; sent++) slow.send(ping)
    await vi.waitFor(() => expect(most()).toBeGreaterThan(MIB), SOON)
    slow.socket.resume()
    for (let taken = 0; taken < COUNT; taken++) expect((await slow.message()).type).toBe('pong')
    expect(most()).toBeLessThan(2 * MIB)
  })
})

describe('a page of another origin', () => {
  const listed = new Arc({ ARC_CORS_ORIGINS: 'https://a.example' })
  beforeAll(() => listed.start())
  afterAll(() => listed.stop())

  it('opens a WebSocket only when it is listed, exactly', async () => {
    const upgrade = (origin: string) =>
      new Promise((resolve) => {
        const { socket } = new RawSocket(listed.webSocketUrl, { origin })
        socket.on('open', () => resolve(101))
        socket.on('unexpected-response', (_request, { statusCode }) => resolve(statusCode))
      })
    expect(await upgrade('https://a.example')).toBe(101)
    expect(await upgrade(new URL(listed.url).origin)).toBe(101)
    for (const origin of [
      'http://a.example',
      'https://a.example.evil.example',
      'https://evil.example',
      'null',
    ])
      expect({ origin, status: await upgrade(origin) }).toEqual({ origin, status: 403 })
  })
})
