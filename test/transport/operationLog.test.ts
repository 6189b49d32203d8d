import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest'
import { Arc } from '../support/arc.ts'
import { GraphQLSocket } from '../support/graphqlWs.ts'
import { SOON } from '../support/soon.ts'

const lines: any[] = []
const log = { write: (line: string) => lines.push(JSON.parse(line)) }
const arc = new Arc({ ARC_LOG_LEVEL: 'debug', ARC_SLOW_OPERATION_MS: '0' }, log)
/** To which each operation is slow. */
const strict = new Arc({ ARC_LOG_LEVEL: 'info', ARC_SLOW_OPERATION_MS: '1' }, log)

beforeAll(async () => {
  await arc.start()
  await strict.start()
})
afterAll(async () => {
  await strict.stop()
  await arc.stop()
})
beforeEach(() => {
  lines.length = 0
})

const operations = () => lines.filter(({ operation }) => operation !== undefined)

it('an operation is a line: whose, what, how long, how it ended', async () => {
  const tenant = arc.tenant()
  const { headers } = await tenant.ask('query Latest { simulations(first: 1) { nodes { simulationId } } }')
  expect(operations()).toEqual([
    {
      level: 'debug',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      pid: process.pid,
      hostname: expect.any(String),
      msg: 'an operation',
      requestId: headers.get('x-request-id'),
      tenantId: tenant.tenantId,
      operation: 'query',
      operationName: 'Latest',
      durationMs: expect.any(Number),
      code: 'OK',
      answerBytes: expect.any(Number),
    },
  ])
  expect(operations()[0].answerBytes).toBeGreaterThan(20)
})

it('by its code where it failed, at a length that is no client’s to choose', async () => {
  const tenant = arc.tenant()
  await tenant.ask(
    `mutation ${'N'.repeat(500)} { completeSimulation(input: { simulationId: "no" }) { errors { code } } }`,
  )
  await tenant.ask(`query ($after: String!) { scenarios(after: $after) { nodes { name } } }`, {
    after: 'none',
  })
  await tenant.ask('{ nothing }')
  expect(operations().map(({ operation, code }) => [operation, code])).toEqual([['query', 'CURSOR_INVALID']])
  expect(lines.filter(({ msg }) => msg === 'a request was refused').map(({ code }) => code)).toEqual([
    'GRAPHQL_VALIDATION_FAILED',
    'GRAPHQL_VALIDATION_FAILED',
  ])
})

it('a slow one is there at any level, others are not', async () => {
  const tenant = strict.tenant()
  await tenant.simulation(['a'])
  const slow = operations()
  expect(slow.length).toBeGreaterThan(0)
  for (const line of slow) {
    expect(line).toMatchObject({ level: 'warn', msg: 'a slow operation' })
    expect(line.durationMs).toBeGreaterThanOrEqual(1)
  }
})

it('has no token, no text of a query, no value, also where something fails', async () => {
  const tenant = arc.tenant()
  const secret = `secret-${randomUUID()}`
  const token = await tenant.token()
  await arc.post({ query: `{ scenario(scenarioId: "${secret}") { name } }` }, token)
  await arc.post({ query: 'query ($a: Int) { nothing }', variables: { a: secret } }, token)
  await arc.post({ query: '{ health { status } }' }, `${token}x`)
  const simulationId = await tenant.simulation(['a'])
  await tenant.record([
    { simulationId, scenarioId: secret, status: 'SUCCESS', model: secret, trajectory: { secret } },
  ])
  const socket = new GraphQLSocket(arc.webSocketUrl, { authorization: `Bearer ${token}x` })
  await socket.closed
  await vi.waitFor(() => expect(lines.at(-1)).toMatchObject({ code: 'UNAUTHENTICATED' }), SOON)
  const text = JSON.stringify(lines)
  expect(text).not.toContain(secret)
  expect(text).not.toContain(token.slice(10, 60))
  expect(text).not.toContain('nothing')
})

it('events of subscriptions are lines of their own', async () => {
  const tenant = arc.tenant()
  const simulationId = await tenant.simulation(['a'])
  lines.length = 0
  const socket = new GraphQLSocket(arc.webSocketUrl, { authorization: `Bearer ${await tenant.token()}` })
  const results = socket.results(
    'subscription Watching($id: UUID!) { simulationProgress(simulationId: $id) { status } }',
    { id: simulationId },
  )
  await results.next()
  await results.return?.()
  expect(operations().map(({ operation, operationName, code }) => [operation, operationName, code])).toEqual([
    ['subscription', 'Watching', 'OK'],
    ['event', 'Watching', 'OK'],
  ])
  await socket.close()
})
