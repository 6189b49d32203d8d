import { randomUUID } from 'node:crypto'
import sql from 'sql-template-tag'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Arc } from '../support/arc.ts'
import { newJob, server } from '../support/jobs.ts'
import { OtlpReceiver, type ReceivedSpan } from '../support/otlpReceiver.ts'

const receiver = new OtlpReceiver()
const SPACING = 'OTEL_BSP_SCHEDULE_DELAY'
let arc: Arc

beforeAll(async () => {
  // Read by OpenTelemetry's own parts.
  process.env[SPACING] = '50'
  arc = new Arc({ OTEL_EXPORTER_OTLP_ENDPOINT: `${await receiver.open()}/` })
  await arc.start()
})
afterAll(async () => {
  await arc.stop()
  await receiver.close()
  delete process.env[SPACING]
})

const SERVER = 2
const CLIENT = 3

it('a request, its operation and its statements are one trace, that of who asks', async () => {
  const tenant = arc.tenant()
  await tenant.scenarios('a')
  const traceId = randomUUID().replaceAll('-', '')
  const parentSpanId = traceId.slice(0, 16)
  const { status } = await arc.post(
    { query: 'query Counting { scenarios { totalCount } }' },
    await tenant.token(),
    { traceparent: `00-${traceId}-${parentSpanId}-01` },
  )
  expect(status).toBe(200)
  const request = await receiver.span((span) => span.traceId === traceId && span.name === 'POST /graphql')
  expect(request).toMatchObject({
    kind: SERVER,
    parentSpanId,
    service: 'arc',
    failed: false,
    attributes: {
      'http.request.method': 'POST',
      'http.response.status_code': 200,
      'url.path': '/graphql',
      // A caller that brings no id of its own is known by its trace.
      'arc.request_id': traceId,
    },
  })
  const [operation, ...others] = receiver.childrenOf(request)
  expect(others).toEqual([])
  expect(operation).toMatchObject({
    name: 'graphql query',
    attributes: {
      'graphql.operation.name': 'Counting',
      'arc.tenant_id': tenant.tenantId,
      'arc.request_id': traceId,
    },
  })
  const statements = receiver.childrenOf(operation!)
  expect(statements.map(({ kind, attributes }) => [kind, attributes['db.system.name']])).toEqual(
    statements.map(() => [CLIENT, 'postgresql']),
  )
  expect(statements.map(({ name }) => name)).toContain('answer')
  expect([...receiver.paths]).toEqual(['/v1/traces'])
})

it('a batch that is ingested is a span with its statements, and single outcomes share theirs', async () => {
  const tenant = arc.tenant()
  const simulationId = await tenant.simulation(['a', 'b', 'c'])
  await tenant.record([{ simulationId, scenarioId: 'a', status: 'SUCCESS' }])
  const single = `mutation ($outcome: OutcomeInput!) {
    recordOutcome(input: { outcome: $outcome }) { receipt { status } errors { code } }
  }`
  await Promise.all(
    ['b', 'c'].map((scenarioId) =>
      tenant.data(single, { outcome: { simulationId, scenarioId, status: 'SUCCESS' } }),
    ),
  )
  const mutations = () =>
    receiver.spans.filter(
      ({ name, attributes }) =>
        name === 'graphql mutation' && attributes['arc.tenant_id'] === tenant.tenantId,
    )
  const batches = () => receiver.spans.filter(({ name }) => name === 'batch of single outcomes')
  const storedBy = (spans: ReceivedSpan[]) =>
    spans.reduce((sum, { attributes }) => sum + Number(attributes['arc.outcomes']), 0)
  // They come in as many batches as they happen to come.
  await receiver.span(() => storedBy(batches()) === 2 && mutations().length === 6)

  const ingested = receiver.spans.filter(({ name }) => name === 'ingest outcomes')
  expect(ingested.reduce((sum, { attributes }) => sum + Number(attributes['arc.outcomes.stored']), 0)).toBe(3)
  for (const span of ingested)
    expect(receiver.childrenOf(span).map(({ name }) => name)).toEqual(
      expect.arrayContaining(['ingestOutcomes', 'COMMIT']),
    )
  const ids = mutations().map(({ spanId }) => spanId)
  expect(ids).toContain(ingested[0]!.parentSpanId)
  // Part of neither of the two: a batch refers to those that it is of.
  expect(batches().map(({ parentSpanId }) => parentSpanId)).toEqual(batches().map(() => undefined))
  const links = batches().flatMap((batch) => batch.links.map(({ spanId }) => spanId))
  expect(links).toHaveLength(2)
  expect(ids).toEqual(expect.arrayContaining(links))
  const parents = ingested.slice(1).map(({ parentSpanId }) => parentSpanId)
  expect(batches().map(({ spanId }) => spanId)).toEqual(parents)
})

it('what fails says by what code, and nothing of the values', async () => {
  const tenant = arc.tenant()
  const secret = `secret-${randomUUID()}`
  await arc.post(
    {
      query: 'query ($after: String) { scenarios(after: $after) { totalCount nodes { name } } }',
      variables: { after: secret },
    },
    await tenant.token(),
  )
  const failed = await receiver.span(
    ({ name, attributes }) => name === 'graphql query' && attributes['arc.tenant_id'] === tenant.tenantId,
  )
  expect(failed.failed).toBe(true)
  expect(failed.attributes['error.type']).toBe('CURSOR_INVALID')
  expect(JSON.stringify(receiver.spans)).not.toContain(secret)
  expect(JSON.stringify(receiver.spans)).not.toContain('Bearer')
})

it('a run of a job is a trace of its own', async () => {
  const name = await newJob()
  const { runner } = server([
    {
      name,
      run: async ({ query }) => {
        await query(sql`/* workOfTheTest */ select 1`)
        throw Object.assign(new Error('the weather'), { code: 'RAIN' })
      },
    },
  ])
  await runner.runDue()
  const run = await receiver.span((span) => span.name === `job ${name}`)
  expect(run.parentSpanId).toBeUndefined()
  expect(run.attributes).toEqual({ 'error.type': 'RAIN' })
  expect(receiver.childrenOf(run).map((span) => span.name)).toEqual(['workOfTheTest', 'COMMIT'])
})
