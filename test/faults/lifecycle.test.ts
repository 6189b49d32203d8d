import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { Arc, type Tenant } from '../support/arc.ts'
import { useArcBehindProxy } from '../support/databaseProxy.ts'
import { resultsOverSse } from '../support/graphqlSse.ts'
import { GraphQLSocket } from '../support/graphqlWs.ts'
import { holdTimers } from '../support/heldTimers.ts'

const { arc, proxy } = await useArcBehindProxy()

const upTo = (last: number) => Array.from({ length: last }, (_, index) => index + 1)
const codes = (errors: { extensions: { code: string } }[] | undefined) =>
  errors?.map(({ extensions }) => extensions.code)

/** How often it is tried in all. */
const ATTEMPTS = 4

/** Cuts the connection off at the statement, once. */
async function cutAt<Answer>(statement: string, ask: () => Promise<Answer>): Promise<Answer> {
  const holding = proxy.hold(statement)
  const asking = ask()
  ;(await holding).cut()
  return asking
}

/** Cuts a connection off at the statement, each time that it is tried. */
async function cutAtEach<Answer>(statement: string, ask: () => Promise<Answer>): Promise<Answer> {
  const pauses = holdTimers('passingFault.ts')
  let holding = proxy.hold(statement)
  const asking = ask()
  for (let time = 1; time < ATTEMPTS; time++) {
    const held = await holding
    holding = proxy.hold(statement)
    held.cut()
    ;(await pauses.next()).fire()
  }
  ;(await holding).cut()
  return asking
}

/** All of a simulation that a step can change. */
const STATE = `query ($simulationId: UUID!) {
  simulation(simulationId: $simulationId) {
    status totalScenarios succeededScenarios failedScenarios totalTokens completedAt
    runs(first: 100) { nodes { scenarioId repetition status } }
    outcomes(first: 100) { totalCount }
  }
  scenarios { totalCount }
  simulations { totalCount }
  failurePatterns { totalCount }
  toolUsage { totalCount }
}`
const stateOf = (tenant: Tenant, simulationId: string) => tenant.data(STATE, { simulationId })

async function lastEvent(tenant: Tenant, simulationId: string): Promise<number> {
  const { rows } = await arc.sql('admin', async (client) => {
    await client.query('begin')
    await client.query(`select set_config('app.user_id', $1, true)`, [tenant.tenantId])
    const result = await client.query(
      'select count(*)::int as count, coalesce(max(seq), 0)::int as last from simulation_events where user_id = $1 and simulation_id = $2',
      [tenant.tenantId, simulationId],
    )
    await client.query('commit')
    return result
  })
  expect(rows[0].count).toBe(rows[0].last)
  return rows[0].last
}

describe('the fields of one mutation', () => {
  it('are transactions of their own, one after the other, and each payload shows its own state', async () => {
    const tenant = arc.tenant()
    const { versionId } = await tenant.configVersion()
    const simulationId = randomUUID()
    const simulation = 'simulation { status succeededScenarios outcomes { totalCount } } errors { code }'
    const data = await tenant.data(
      `mutation ($simulationId: UUID!, $versionId: UUID!) {
        scenarios: upsertScenarios(input: { scenarios: [{ scenarioId: "a", taskPrompt: "Do a." }] }) { errors { code } }
        start: startSimulation(
          input: { simulationId: $simulationId, configVersionId: $versionId, scenarioIds: ["a"], start: false }
        ) { ${simulation} }
        unknown: startSimulation(input: { configVersionId: $versionId, scenarioIds: ["a", "b"] }) { ${simulation} }
        record: recordOutcome(
          input: { outcome: { simulationId: $simulationId, scenarioId: "a", status: SUCCESS } }
        ) { receipt { status } errors { code } }
        again: startSimulation(
          input: { simulationId: $simulationId, configVersionId: $versionId, scenarioIds: ["a"], start: false }
        ) { ${simulation} }
        complete: completeSimulation(input: { simulationId: $simulationId }) { ${simulation} }
      }`,
      { simulationId, versionId },
    )
    const shows = (status: string, count: number) => ({
      simulation: { status, succeededScenarios: count, outcomes: { totalCount: count } },
      errors: [],
    })
    expect(data).toEqual({
      scenarios: { errors: [] },
      start: shows('PENDING', 0),
      unknown: { simulation: null, errors: [{ code: 'SCENARIO_NOT_FOUND' }] },
      record: { receipt: { status: 'STORED' }, errors: [] },
      again: shows('RUNNING', 1),
      complete: shows('COMPLETED', 1),
    })
    expect(await stateOf(tenant, simulationId)).toMatchObject({
      simulation: { status: 'COMPLETED' },
      simulations: { totalCount: 1 },
    })
  })

  it('before one that breaks are stored, those after it are not begun, and the answer is no success', async () => {
    const tenant = arc.tenant()
    const upsert = (id: string) =>
      `upsertScenarios(input: { scenarios: [{ scenarioId: "${id}", taskPrompt: "Do it." }] }) { errors { code } }`
    const { data, errors } = await cutAtEach('Name of the second', () =>
      tenant.ask(
        `mutation {
          first: ${upsert('one')}
          second: upsertScenarios(
            input: { scenarios: [{ scenarioId: "two", name: "Name of the second", taskPrompt: "Do it." }] }
          ) { errors { code } }
          third: ${upsert('three')}
        }`,
      ),
    )
    expect({ data, codes: codes(errors), path: errors?.[0]?.path }).toEqual({
      data: null,
      codes: ['UNAVAILABLE'],
      path: ['second'],
    })
    const { scenarios } = await tenant.data('{ scenarios { nodes { scenarioId } } }')
    expect(scenarios.nodes).toEqual([{ scenarioId: 'one' }])
  })

  it('are answered when every other connection can see what they did', async () => {
    const tenant = arc.tenant()
    for (const turn of upTo(10)) {
      await tenant.scenarios(`scenario_${turn}`)
      const { rows } = await arc.sql('admin', async (client) => {
        await client.query('begin')
        await client.query(`select set_config('app.user_id', $1, true)`, [tenant.tenantId])
        const result = await client.query('select count(*)::int from scenarios where user_id = $1', [
          tenant.tenantId,
        ])
        await client.query('commit')
        return result
      })
      expect(rows).toEqual([{ count: turn }])
    }
  })
})

describe('a mutation whose connection breaks', () => {
  /** Each kind of step, and the statements at which it is cut off. */
  const steps: [
    name: string,
    mutation: string,
    input: (simulationId: string) => object,
    statements: string[],
  ][] = [
    [
      'recordOutcomes',
      'recordOutcomes(input: $input) { errors { code } }',
      (simulationId) => ({
        outcomes: [
          { simulationId, scenarioId: 'a', status: 'SUCCESS', tokensUsed: 5 },
          { simulationId, scenarioId: 'b', status: 'ERROR', error: 'ValueError: no' },
        ],
      }),
      ['ingestOutcomes', 'commit'],
    ],
    [
      'recordOutcome',
      'recordOutcome(input: $input) { errors { code } }',
      (simulationId) => ({ outcome: { simulationId, scenarioId: 'a', status: 'SUCCESS', tokensUsed: 5 } }),
      ['ingestOutcomes', 'commit'],
    ],
    [
      'recordScenarioResults',
      'recordScenarioResults(input: $input) { errors { code } }',
      (simulationId) => ({
        simulationId,
        results: [
          {
            scenario: { id: 'new', name: 'New', task_prompt: 'Do something new.' },
            trajectory: { status: 'success', execution_time_seconds: 1 },
            reliability_score: { overall_score: 1 },
          },
        ],
      }),
      ['growSimulation', 'ingestOutcomes', 'commit'],
    ],
    [
      'completeSimulation',
      'completeSimulation(input: $input) { errors { code } }',
      (simulationId) => ({ simulationId }),
      ['finishSimulation', 'commit'],
    ],
  ]

  /** Whose COMMIT may be lost: what comes twice they store once. */
  const isIngestion = (name: string) => name !== 'completeSimulation'

  it.each(
    steps.flatMap(([name, mutation, input, statements]) =>
      statements
        .filter((statement) => isIngestion(name) || statement !== 'commit')
        .map((statement) => [name, statement, mutation, input, statements.length] as const),
    ),
  )('is done again (%s, %s), once', async (name, statement, mutation, input, events) => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a', 'b'])
    const query = `mutation ($input: ${name[0]!.toUpperCase()}${name.slice(1)}Input!) { ${mutation} }`
    const variables = { input: input(simulationId) }
    const data = await cutAt(statement, () => tenant.data(query, variables))
    expect(data).toEqual({ [name]: { errors: [] } })
    const after = await stateOf(tenant, simulationId)
    expect(await lastEvent(tenant, simulationId)).toBe(events)
    expect(await tenant.data(query, variables)).toEqual({ [name]: { errors: [] } })
    expect(await stateOf(tenant, simulationId)).toEqual(after)
  })

  it.each(steps)(
    'leaves nothing half-written (%s), says so when it breaks each time, and can be sent again',
    async (name, mutation, input, statements) => {
      const tenant = arc.tenant()
      const simulationId = await tenant.simulation(['a', 'b'])
      const query = `mutation ($input: ${name[0]!.toUpperCase()}${name.slice(1)}Input!) { ${mutation} }`
      const variables = { input: input(simulationId) }
      const before = await stateOf(tenant, simulationId)
      for (const statement of statements) {
        const ask = () => tenant.ask(query, variables)
        const isRepeated = isIngestion(name) || statement !== 'commit'
        const { data, errors } = await (isRepeated ? cutAtEach(statement, ask) : cutAt(statement, ask))
        expect({ statement, data, codes: codes(errors) }).toEqual({
          statement,
          data: null,
          codes: ['UNAVAILABLE'],
        })
        expect(await stateOf(tenant, simulationId)).toEqual(before)
        expect(await lastEvent(tenant, simulationId)).toBe(1)
      }
      expect(await tenant.data(query, variables)).toEqual({ [name]: { errors: [] } })
      const after = await stateOf(tenant, simulationId)
      expect(after).not.toEqual(before)
      // It was started; each statement before the commit is a step.
      expect(await lastEvent(tenant, simulationId)).toBe(statements.length)
    },
  )

  it.each(steps)(
    'after COMMIT, before the answer (%s), has stored it: done again it stores nothing twice',
    async (name, mutation, input, statements) => {
      const tenant = arc.tenant()
      const simulationId = await tenant.simulation(['a', 'b'])
      const query = `mutation ($input: ${name[0]!.toUpperCase()}${name.slice(1)}Input!) { ${mutation} }`
      const variables = { input: input(simulationId) }
      const before = await stateOf(tenant, simulationId)
      const holding = proxy.hold('commit')
      const asking = tenant.ask(query, variables)
      ;(await holding).loseAnswer()
      const { data, errors } = await asking
      if (isIngestion(name)) expect({ data, errors }).toEqual({ data: { [name]: { errors: [] } } })
      else {
        expect({ data, codes: codes(errors) }).toEqual({ data: null, codes: ['UNAVAILABLE'] })
        expect(errors?.[0]?.message).toContain('may have been stored')
      }
      const stored = await stateOf(tenant, simulationId)
      expect(stored).not.toEqual(before)
      expect(await tenant.data(query, variables)).toEqual({ [name]: { errors: [] } })
      expect(await stateOf(tenant, simulationId)).toEqual(stored)
      expect(await lastEvent(tenant, simulationId)).toBe(statements.length)
    },
  )
})

describe('connections killed during ingestion', () => {
  it('cost a delay and no request, and when all is sent again each outcome is stored once', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a', 'b'], { repetitions: 50 })
    const calls = upTo(50).flatMap((repetition) => [
      () =>
        tenant.ask(
          `mutation ($outcome: OutcomeInput!) {
            recordOutcome(input: { outcome: $outcome }) { receipt { status } errors { code } }
          }`,
          { outcome: { simulationId, scenarioId: 'a', repetition, status: 'SUCCESS', tokensUsed: 1 } },
        ),
      () =>
        tenant.ask(
          `mutation ($outcomes: [OutcomeInput!]!) {
            recordOutcomes(input: { outcomes: $outcomes }) { receipts { status } errors { code } }
          }`,
          { outcomes: [{ simulationId, scenarioId: 'b', repetition, status: 'ERROR', tokensUsed: 1 }] },
        ),
      () =>
        tenant.ask('query ($id: UUID!) { simulation(simulationId: $id) { status } }', { id: simulationId }),
    ])
    let failed = 0
    let killed = 0
    const run = async (kill: boolean) => {
      let at = 0
      const worker = async () => {
        for (let call = calls[at++]; call; call = calls[at++]) {
          if (kill && at % 10 === 0) {
            await proxy.killPool()
            killed += 1
          }
          const { errors } = await call()
          for (const { extensions, message } of errors ?? []) {
            expect({ code: extensions.code, message }).toMatchObject({ code: 'UNAVAILABLE' })
            failed += 1
          }
        }
      }
      await Promise.all(upTo(8).map(worker))
    }
    await run(true)
    expect({ killed, failed }).toEqual({ killed: 15, failed: 0 })

    failed = 0
    await run(false)
    expect(failed).toBe(0)
    const { simulation } = await stateOf(tenant, simulationId)
    expect(simulation).toMatchObject({
      succeededScenarios: 50,
      failedScenarios: 50,
      totalTokens: 100,
      outcomes: { totalCount: 100 },
    })
    await lastEvent(tenant, simulationId)
  })

  it('in the middle of a read fail that read only, if they are killed each time that it is tried', async () => {
    const tenant = arc.tenant()
    await tenant.scenarios('a')
    const ask = () => tenant.ask('{ scenarios { nodes { scenarioId } } }')
    expect((await cutAt('/* answer */', ask)).data).toEqual({
      scenarios: { nodes: [{ scenarioId: 'a' }] },
    })
    // Another statement: of one that a connection has prepared, the text is not sent again.
    const { data, errors } = await cutAtEach('/* answer */', () =>
      tenant.ask('{ scenarios { nodes { name } } }'),
    )
    expect({ data, codes: codes(errors) }).toEqual({ data: null, codes: ['UNAVAILABLE'] })
    expect(await tenant.data('{ scenarios { nodes { scenarioId } } }')).toEqual({
      scenarios: { nodes: [{ scenarioId: 'a' }] },
    })
  })
})

describe('a server that closes', () => {
  const EVENTS = 'subscription ($id: UUID!) { simulationEvents(simulationId: $id) { seq } }'

  it('lets a mutation that is under way end, and answers it', async () => {
    // However busy the machine is.
    const closing = new Arc({ DATABASE_URL: proxy.url, ARC_STOP_SECONDS: '60', ARC_JOBS: 'off' })
    await closing.start()
    const tenant = closing.tenant()
    const holding = proxy.hold('upsertScenarios')
    const storing = tenant.scenarios('a')
    const held = await holding
    const closed = closing.stop()
    held.forward()
    expect(await storing).toEqual(['a'])
    await closed
  })

  it('tells its subscribers that the connection is lost, not that the simulation is over', async () => {
    const closing = new Arc()
    await closing.start()
    const tenant = closing.tenant()
    const id = await tenant.simulation(['a'])
    const token = await tenant.token()
    const socket = new GraphQLSocket(closing.webSocketUrl, { authorization: `Bearer ${token}` })
    const overSocket = socket.results(EVENTS, { id })
    const overSse = resultsOverSse(closing.url, token, EVENTS, { id })
    // One that never says goodbye.
    const mute = new WebSocket(closing.webSocketUrl, 'graphql-transport-ws')
    await new Promise((resolve) => mute.once('open', resolve))
    mute.pause()
    expect((await overSocket.next()).value.data).toEqual({ simulationEvents: { seq: 1 } })
    expect((await overSse.next()).value.data).toEqual({ simulationEvents: { seq: 1 } })

    const ends = Promise.allSettled([overSocket.next(), overSse.next()])
    const patience = holdTimers('webSocket.ts')
    let isClosed = false
    const closed = closing.stop().then(() => {
      isClosed = true
    })
    const lastResort = await patience.next()
    // The others have said goodbye; for the mute one it waits, and no longer than it wants to.
    expect((await socket.closed).code).toBe(1001)
    expect(isClosed).toBe(false)
    lastResort.fire()
    await closed
    expect((await ends).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    mute.terminate()
  })
})
