import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import { Arc, useArc } from '../support/arc.ts'
import { DatabaseProxy } from '../support/databaseProxy.ts'

const arc = useArc()

const idOf = async (headers: Record<string, string> = {}, path = '/graphql') => {
  const response = await fetch(new URL(path, arc.url), { headers })
  await response.text()
  return response.headers.get('x-request-id')
}

it('each answer names its request, refused or not', async () => {
  const ids = await Promise.all(['/graphql', '/health', '/ready', '/nothing'].map((path) => idOf({}, path)))
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f-]{27}$/)
  expect(new Set(ids).size).toBe(ids.length)
})

it('as its caller calls it, or by its trace', async () => {
  expect(await idOf({ 'x-request-id': 'job.17:b_2-c' })).toBe('job.17:b_2-c')
  const trace = '4bf92f3577b34da6a3ce929d0e0e4736'
  const traceparent = `00-${trace}-00f067aa0ba902b7-01`
  expect(await idOf({ traceparent })).toBe(trace)
  expect(await idOf({ traceparent, 'x-request-id': 'mine' })).toBe('mine')
})

it.each([
  ['has a space', { 'x-request-id': 'a b' }],
  ['would be two lines', { 'x-request-id': 'a%0Ab' }],
  ['is JSON', { 'x-request-id': '{"level":"fatal"}' }],
  ['is long', { 'x-request-id': 'a'.repeat(129) }],
  ['is empty', { 'x-request-id': '' }],
  ['is a trace of zeros', { traceparent: `00-${'0'.repeat(32)}-00f067aa0ba902b7-01` }],
  ['is of no version', { traceparent: 'ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' }],
  ['is no trace', { traceparent: 'nothing' }],
])('one that %s is not taken over', async (_, headers) => {
  expect(await idOf(headers as Record<string, string>)).toMatch(/^[0-9a-f]{8}-[0-9a-f-]{27}$/)
})

it('errors and the log have the same one', async () => {
  const lines: any[] = []
  const proxy = await DatabaseProxy.open(arc.databaseUrl, null)
  const cutOff = new Arc(
    { DATABASE_URL: proxy.url, ARC_LOG_LEVEL: 'info', ARC_JOBS: 'off' },
    { write: (line) => lines.push(JSON.parse(line)) },
  )
  await cutOff.start()
  try {
    await proxy.close()
    const requestId = randomUUID()
    const { errors, headers } = await cutOff.post(
      { query: 'query Named { scenarios { totalCount } }' },
      await cutOff.tenant().token(),
      { 'x-request-id': requestId },
    )
    expect(headers.get('x-request-id')).toBe(requestId)
    expect(errors).toMatchObject([{ extensions: { code: 'UNAVAILABLE', requestId } }])
    const logged = lines.filter((line) => line.requestId === requestId)
    expect(logged.map(({ level, msg }) => [level, msg])).toEqual([
      ['warn', 'the database did not answer'],
      ['warn', 'an operation failed'],
    ])
  } finally {
    await cutOff.stop()
  }
})
