import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { Arc } from '../support/arc.ts'
import { DatabaseProxy } from '../support/databaseProxy.ts'
import { GraphQLSocket } from '../support/graphqlWs.ts'
import { type Figures, figuresAt } from '../support/prometheusText.ts'
import { SOON } from '../support/soon.ts'

const MONITORING = readFileSync('docs/monitoring.md', 'utf8')

const arc = new Arc({ ARC_METRICS_PORT: '0' })
beforeAll(() => arc.start())
afterAll(() => arc.stop())

/** By how much the figures grew while `work` ran. */
async function growth(work: () => Promise<unknown>): Promise<(figure: string) => number> {
  const before = await figuresAt(arc.metricsUrl)
  await work()
  const after = await figuresAt(arc.metricsUrl)
  return (figure) => (after.get(figure) ?? 0) - (before.get(figure) ?? 0)
}

describe('/metrics', () => {
  it('is on a port of its own, on this machine alone, and nowhere else', async () => {
    expect(new URL(arc.metricsUrl).hostname).toBe('127.0.0.1')
    expect(new URL(arc.metricsUrl).port).not.toBe(new URL(arc.url).port)
    expect((await fetch(new URL('/metrics', arc.url))).status).toBe(404)
    expect((await fetch(new URL('/graphql', arc.metricsUrl))).status).toBe(404)
    const posted = await fetch(arc.metricsUrl, { method: 'POST' })
    expect([posted.status, posted.headers.get('allow')]).toEqual([405, 'GET'])
    const { status, headers } = await fetch(arc.metricsUrl)
    expect([status, headers.get('content-type')]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8'])
  })

  it('is not there unless it is asked for', async () => {
    const quiet = new Arc()
    await quiet.start()
    expect(quiet.metricsUrl).toBeUndefined()
    await quiet.stop()
  })

  it('counts operations by what they came to, how long they took and what they answered', async () => {
    const tenant = arc.tenant()
    const grew = await growth(async () => {
      await tenant.scenarios('a', 'b')
      await tenant.ask('{ scenarios { totalCount } }')
      await tenant.ask('{ scenarios { totalCount } }')
      await tenant.ask('{ scenarios(after: "none") { nodes { name } } }')
      await tenant.ask('{ nothing }')
      await arc.post({ query: '{ scenarios { totalCount } }' }, 'no token')
    })
    expect(grew('arc_requests_total{operation="mutation",code="OK"}')).toBe(1)
    expect(grew('arc_requests_total{operation="query",code="OK"}')).toBe(2)
    expect(grew('arc_requests_total{operation="query",code="CURSOR_INVALID"}')).toBe(1)
    expect(grew('arc_requests_total{operation="unknown",code="GRAPHQL_VALIDATION_FAILED"}')).toBe(1)
    expect(grew('arc_requests_total{operation="unknown",code="UNAUTHENTICATED"}')).toBe(1)
    expect(grew('arc_operation_duration_seconds_count{operation="query"}')).toBe(3)
    expect(grew('arc_operation_duration_seconds_sum{operation="query"}')).toBeGreaterThan(0)
    expect(grew('arc_operation_duration_seconds_bucket{le="+Inf",operation="mutation"}')).toBe(1)
    expect(grew('arc_answer_bytes_total{operation="query"}')).toBeGreaterThan(50)
  })

  it('counts outcomes by their receipts, through each door', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a', 'b', 'c', 'd'])
    const outcome = { simulationId, scenarioId: 'a', outcomeId: randomUUID(), status: 'SUCCESS' }
    const grew = await growth(async () => {
      await tenant.record([
        outcome,
        { ...outcome, outcomeId: null, scenarioId: 'd' },
        { ...outcome, outcomeId: null, scenarioId: 'nowhere' },
      ])
      await tenant.record([outcome])
      await tenant.record([{ ...outcome, status: 'ERROR' }])
      await tenant.data(
        `mutation ($outcome: OutcomeInput!) { recordOutcome(input: { outcome: $outcome }) { receipt { status } } }`,
        { outcome: { simulationId, scenarioId: 'b', status: 'SUCCESS' } },
      )
      await tenant.data(
        `mutation ($simulationId: UUID!, $results: [JSONObject!]!) {
          recordScenarioResults(input: { simulationId: $simulationId, results: $results }) { receipts { status reason } }
        }`,
        {
          simulationId,
          results: [{ scenario: { id: 'c', task_prompt: 'Do c.' }, trajectory: { status: 'success' } }],
        },
      )
    })
    expect(
      ['stored', 'duplicate', 'conflict', 'rejected'].map((receipt) =>
        grew(`arc_ingested_outcomes_total{receipt="${receipt}"}`),
      ),
    ).toEqual([4, 1, 1, 1])
  })

  it('says what is open', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a'])
    const socket = new GraphQLSocket(arc.webSocketUrl, { authorization: `Bearer ${await tenant.token()}` })
    const results = socket.results(
      'subscription ($id: UUID!) { simulationProgress(simulationId: $id) { status } }',
      { id: simulationId },
    )
    await results.next()
    const open = await figuresAt(arc.metricsUrl)
    expect(open.get('arc_sockets')).toBe(1)
    expect(open.get('arc_subscriptions')).toBe(1)
    expect(open.get('arc_simulations_watched')).toBe(1)
    expect(open.get('arc_requests_total{operation="subscription",code="OK"}')).toBe(1)
    expect(open.get('arc_requests_total{operation="event",code="OK"}')).toBe(1)
    await results.return?.()
    await socket.close()
    await vi.waitFor(async () => {
      const closed = await figuresAt(arc.metricsUrl)
      expect(closed.get('arc_sockets')).toBe(0)
      expect(closed.get('arc_subscriptions')).toBe(0)
      expect(closed.get('arc_simulations_watched')).toBe(0)
    }, SOON)
  })

  it('says how pools, turns, the listener, the database and the jobs are, and Node itself', async () => {
    // Whichever server of this database has run it.
    await vi.waitFor(async () => {
      const figures = await figuresAt(arc.metricsUrl)
      expect(figures.has('arc_job_last_end_timestamp_seconds{job="expire_outcomes"}')).toBe(true)
    }, SOON)
    const figures = await figuresAt(arc.metricsUrl)
    const sum = (name: string) =>
      [...figures].reduce((all, [figure, value]) => (figure.startsWith(`${name}{`) ? all + value : all), 0)
    expect(figures.get('arc_pool_capacity{pool="reading"}')).toBe(7)
    expect(sum('arc_pool_capacity')).toBe(14)
    expect(sum('arc_pool_connections')).toBeGreaterThan(0)
    expect(sum('arc_pool_waiting')).toBe(0)
    expect(figures.get('arc_turns{use="writing",state="running"}')).toBe(0)
    expect(figures.get('arc_turns{use="reading",state="waiting"}')).toBe(0)
    expect(figures.get('arc_outcomes_waiting')).toBe(0)
    expect(figures.get('arc_listener_up')).toBe(1)
    expect(figures.get('arc_listener_lag_seconds')).toBeGreaterThan(0)
    expect(figures.get('arc_database_up')).toBe(1)
    expect(figures.get('arc_database_response_seconds')).toBeGreaterThan(0)
    expect(figures.get('arc_notification_queue_ratio')).toBeGreaterThanOrEqual(0)
    expect(figures.get('arc_job_runs_total{job="expire_outcomes"}')).toBeGreaterThan(0)
    expect(figures.get('arc_job_failures{job="expire_outcomes"}')).toBe(0)
    expect(figures.get('arc_job_last_end_timestamp_seconds{job="expire_outcomes"}')).toBeGreaterThan(1.7e9)
    expect(figures.get('process_cpu_user_seconds_total')).toBeGreaterThan(0)
    expect(figures.get('nodejs_eventloop_lag_p99_seconds')).toBeGreaterThan(0)
  })

  it('is described in docs/monitoring.md: each metric, and no other', async () => {
    const text = await (await fetch(arc.metricsUrl)).text()
    const served = [...text.matchAll(/^# TYPE (arc_\w+) /gm)].map(([, name]) => name)
    const described = [...MONITORING.matchAll(/`(arc_[a-z_]+)`/g)].map(([, name]) => name)
    expect([...new Set(described)].sort()).toEqual(served.sort())
  })

  it('names no tenant, no row and nothing that clients choose', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a_scenario_of_the_test'])
    await tenant.ask('query NameOfTheClient { scenarios { totalCount } }')
    const text = await (await fetch(arc.metricsUrl)).text()
    for (const word of [tenant.tenantId, simulationId, 'a_scenario_of_the_test', 'NameOfTheClient', 'actor'])
      expect(text).not.toContain(word)
  })
})

it('what docs/monitoring.md asks GraphQL can be asked', async () => {
  const questions = [...MONITORING.matchAll(/```graphql\n([^`]+)```/g)].map(([, question]) => question!)
  expect(questions).toHaveLength(2)
  for (const question of questions) await arc.tenant().data(question)
})

it('while the database is away it says so, and nothing that only the database knows', async () => {
  const proxy = await DatabaseProxy.open(arc.databaseUrl, null)
  const cutOff = new Arc({ DATABASE_URL: proxy.url, ARC_METRICS_PORT: '0' })
  await cutOff.start()
  try {
    const ofDatabase = (figures: Figures) =>
      [...figures.keys()].filter((name) =>
        /^arc_(job_(runs|failures|last|due)|hypertable|database_response|notification|listener_lag|statement)/.test(
          name,
        ),
      )
    expect(ofDatabase(await figuresAt(cutOff.metricsUrl)).length).toBeGreaterThan(5)
    await proxy.close()
    await vi.waitFor(async () => {
      const figures = await figuresAt(cutOff.metricsUrl)
      expect(figures.get('arc_database_up')).toBe(0)
      expect(figures.get('arc_listener_up')).toBe(0)
      expect(ofDatabase(figures)).toEqual([])
    }, SOON)
  } finally {
    await cutOff.stop()
  }
})
