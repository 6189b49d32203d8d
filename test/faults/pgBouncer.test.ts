import { readFileSync } from 'node:fs'
import { afterAll, describe, expect, inject, it } from 'vitest'
import { Arc } from '../support/arc.ts'
import { DatabaseProxy } from '../support/databaseProxy.ts'
import { hasPgBouncer, PgBouncer } from '../support/pgBouncer.ts'

const upTo = (last: number) => Array.from({ length: last }, (_, index) => index + 1)

// It stands in front of real servers only.
const onServer = inject('serverUrl') !== null
const isThere = onServer && hasPgBouncer()
if (onServer && !isThere) console.log('Tests with PgBouncer are skipped: PGBOUNCER_PATH says where it is.')

describe.skipIf(!isThere)('behind PgBouncer', async () => {
  if (!isThere) return
  const bouncer = await PgBouncer.start(inject('databaseUrl'), 20)
  afterAll(() => bouncer.stop())
  const arc = new Arc({ DATABASE_URL: bouncer.url, ARC_POOL_SIZE: undefined })
  await arc.start()
  afterAll(() => arc.stop())

  it('300 requests at once are all answered', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a'], { repetitions: 100 })
    const answers = await Promise.all(
      upTo(100).flatMap((index) => [
        tenant.ask('{ simulations { nodes { simulationId outcomes { totalCount } } } }'),
        tenant.ask(
          'mutation ($outcomes: [OutcomeInput!]!) { recordOutcomes(input: { outcomes: $outcomes }) { storedCount errors { code } } }',
          { outcomes: [{ simulationId, scenarioId: 'a', repetition: index, status: 'SUCCESS' }] },
        ),
        tenant.ask(
          'mutation ($id: String!) { upsertScenarios(input: { scenarios: [{ scenarioId: $id, taskPrompt: "Do." }] }) { receipts { status } errors { code } } }',
          { id: `s${index}` },
        ),
      ]),
    )
    expect(answers.flatMap(({ errors }) => errors ?? [])).toEqual([])
    expect((await tenant.data('{ outcomes { totalCount } }')).outcomes.totalCount).toBe(100)
  })

  it('nothing is listened to, so that no notification comes to a connection that nobody has', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a'], { repetitions: 3 })
    for (const repetition of upTo(3))
      await tenant.record([{ simulationId, scenarioId: 'a', repetition, status: 'SUCCESS' }])
    expect(bouncer.log).not.toMatch(/not linked|notif/i)
    expect(await tenant.data('{ health { status listening } }')).toEqual({
      health: { status: 'DEGRADED', listening: false },
    })
  })

  it('with the settings of deploy/, a thousand requests at once are all answered', async () => {
    const settings = readFileSync('deploy/pgbouncer/pgbouncer.ini', 'utf8')
      .split('[pgbouncer]')[1]!
      .replace(/^(listen|auth|unix)_.*$/gm, '')
    const deployed = await PgBouncer.start(inject('databaseUrl'), 1, settings)
    afterAll(() => deployed.stop())
    const server = new Arc({
      DATABASE_URL: deployed.url,
      DATABASE_DIRECT_URL: inject('databaseUrl'),
      ARC_POOL_SIZE: undefined,
    })
    await server.start()
    afterAll(() => server.stop())
    const tenant = server.tenant()
    const simulationId = await tenant.simulation(['a'], { repetitions: 1_000 })
    const answers = await Promise.all(
      upTo(1_000).map((repetition) =>
        tenant.ask(
          'mutation ($outcome: OutcomeInput!) { recordOutcome(input: { outcome: $outcome }) { receipt { status } } }',
          { outcome: { simulationId, scenarioId: 'a', repetition, status: 'SUCCESS' } },
        ),
      ),
    )
    expect(answers.flatMap(({ errors }) => errors ?? [])).toEqual([])
    expect(await tenant.data('{ outcomes { totalCount } health { status listening } }')).toEqual({
      outcomes: { totalCount: 1_000 },
      health: { status: 'HEALTHY', listening: true },
    })
    expect(deployed.log).not.toMatch(/WARNING|ERROR|FATAL/)
  })

  it('that came in front of the database while the server was running, answers are what they were', async () => {
    const proxy = await DatabaseProxy.open(inject('databaseUrl'), inject('adminUrl'))
    afterAll(() => proxy.close())
    // With names that it does not know, and sessions that are another's after each transaction.
    const other = await PgBouncer.start(inject('databaseUrl'), 5, 'max_prepared_statements = 0')
    afterAll(() => other.stop())
    const behind = new Arc({ DATABASE_URL: proxy.url, ARC_POOL_SIZE: '15', ARC_JOBS: 'off' })
    await behind.start()
    afterAll(() => behind.stop())
    const tenant = behind.tenant()
    const simulationId = await tenant.simulation(['a'])
    await tenant.record([
      { simulationId, scenarioId: 'a', status: 'SUCCESS', reliabilityScore: 0.30000000000000004 },
    ])
    const queries = [
      '{ outcomes { nodes { executionTime reliabilityScore } } }',
      '{ outcomes(filter: { model: { eq: null } }) { nodes { reliabilityScore } } }',
      '{ simulations { nodes { simulationId createdAt } } scenarios { totalCount } }',
    ]
    const askAll = () => Promise.all(upTo(8).flatMap(() => queries.map((query) => tenant.data(query))))
    const before = await askAll()
    await askAll()
    proxy.leadTo(other.url)
    await proxy.killPool()
    for (let round = 0; round < 4; round++) expect(await askAll()).toEqual(before)
    const { resolvedFields } = (await tenant.data('{ metrics { resolvedFields { reason } } }')).metrics
    expect(resolvedFields).not.toContainEqual({ reason: 'DATABASE' })
  })
})
