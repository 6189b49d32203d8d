import type { Socket } from 'node:net'
import { pino } from 'pino'
import { expect, it, vi } from 'vitest'
import { WebSocket } from 'ws'
import { startServer } from '../../src/server.ts'
import { Arc } from '../support/arc.ts'
import { SOON } from '../support/soon.ts'

const ANSWERS = 40

it('a WebSocket client that leaves with answers pending is no error of the server', async () => {
  const lines: { level: number; msg: string }[] = []
  const logger = pino({ level: 'debug' }, { write: (line: string) => lines.push(JSON.parse(line)) })
  const { config } = new Arc()
  // However slow the machine: an operation that takes long is no error either.
  const server = await startServer({ ...config, observe: { ...config.observe, slowMs: 0 } }, logger)
  try {
    const arc = new Arc()
    Object.defineProperty(arc, 'url', { value: server.url })
    const tenant = arc.tenant()
    await tenant.data(
      `mutation ($prompt: String!) {
        upsertScenarios(input: { scenarios: [{ scenarioId: "a", taskPrompt: $prompt }] }) { errors { code } }
      }`,
      { prompt: 'x'.repeat(100_000) },
    )
    const socket = new WebSocket(server.url.replace('http', 'ws'), 'graphql-transport-ws')
    const said = (type: string) =>
      new Promise<void>((resolve) =>
        socket.on('message', (data) => JSON.parse(data.toString()).type === type && resolve()),
      )
    await new Promise((resolve) => socket.once('open', resolve))
    const connected = said('connection_ack')
    socket.send(
      JSON.stringify({
        type: 'connection_init',
        payload: { authorization: `Bearer ${await tenant.token()}` },
      }),
    )
    await connected
    let asked = 0
    /** Without those that ask for it. */
    const operations = async () =>
      (await tenant.data('{ metrics { totalQueries } }')).metrics.totalQueries - asked++
    const before = await operations()
    // It asks, and does not listen: the answers come to more than the network's buffers hold.
    socket.pause()
    const query = '{ scenarios { nodes { taskPrompt one: taskPrompt two: taskPrompt } } }'
    for (let id = 0; id < ANSWERS; id++)
      socket.send(JSON.stringify({ id: String(id), type: 'subscribe', payload: { query } }))
    await vi.waitFor(async () => expect(await operations()).toBeGreaterThanOrEqual(before + ANSWERS), SOON)
    ;(socket as unknown as { _socket: Socket })._socket.resetAndDestroy()
    await vi.waitFor(
      () => expect(lines.filter(({ msg }) => msg === 'an answer found its WebSocket gone')).not.toEqual([]),
      SOON,
    )
    expect(lines.filter(({ level }) => level >= 40)).toEqual([])
  } finally {
    await server.close()
  }
})
