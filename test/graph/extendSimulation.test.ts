import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { type Tenant, useArc } from '../support/arc.ts'

const arc = useArc()

async function extend(tenant: Tenant, input: object, role: 'app_user' | 'app_ingest' = 'app_user') {
  const { data } = await tenant.ask(
    `mutation ($input: ExtendSimulationInput!) {
      extendSimulation(input: $input) {
        simulation { totalScenarios scenarioSet repetitions eventSeq metadata }
        errors { code message path }
      }
    }`,
    { input },
    role,
  )
  return data.extendSimulation
}

describe('a simulation that goes on', () => {
  it('takes scenarios and repetitions, each once, with their runs', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a', 'b'])
    await tenant.scenarios('c')
    const grown = { scenarioSet: ['a', 'b', 'c'], repetitions: 2, totalScenarios: 6 }
    for (const _time of [1, 2]) {
      const { simulation, errors } = await extend(tenant, {
        simulationId,
        scenarioIds: ['b', 'c', 'c'],
        repetitions: 2,
      })
      expect(errors).toEqual([])
      expect(simulation).toMatchObject(grown)
    }
    // Fewer repetitions than it has take none away; metadata replaces its own.
    const { simulation } = await extend(tenant, { simulationId, repetitions: 1, metadata: { part: 2 } })
    expect(simulation).toMatchObject({ ...grown, metadata: { part: 2 } })
    const { simulation: read } = await tenant.data(
      `query ($id: UUID!) { simulation(simulationId: $id) {
        runs(first: 10, orderBy: { field: EXECUTION_ORDER, direction: ASC }) { nodes { scenarioId repetition status } }
      } }`,
      { id: simulationId },
    )
    const runs = read.runs.nodes.map(({ scenarioId, repetition }: any) => `${scenarioId}${repetition}`)
    expect(runs.sort()).toEqual(['a1', 'a2', 'b1', 'b2', 'c1', 'c2'])
    const row = { simulationId, scenarioId: 'c', repetition: 2, status: 'SUCCESS' }
    expect((await tenant.record([row])).receipts).toMatchObject([{ status: 'STORED' }])
  })

  it('says so in a step, whether it has begun or waits', async () => {
    const tenant = arc.tenant()
    for (const start of [true, false]) {
      const simulationId = await tenant.simulation(['a', 'b'], { start })
      for (const _time of [1, 2]) await extend(tenant, { simulationId, repetitions: 2 })
      const { simulation } = await tenant.data(
        `query ($id: UUID!) { simulation(simulationId: $id) {
          eventSeq events { nodes { seq kind status totalScenarios } }
        } }`,
        { id: simulationId },
      )
      const status = start ? 'RUNNING' : 'PENDING'
      const seq = start ? 2 : 1
      expect(simulation.eventSeq).toBe(seq)
      expect(simulation.events.nodes.at(-1)).toEqual({ seq, kind: 'PROGRESS', status, totalScenarios: 4 })
    }
  })

  it('grows by a key that only brings results in', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a'])
    await tenant.scenarios('b')
    const { errors } = await extend(
      tenant,
      { simulationId, scenarioIds: ['b'], repetitions: 2 },
      'app_ingest',
    )
    expect(errors).toEqual([])
  })

  it('is left as it is by what is not there, and by too much', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a'])
    expect((await extend(tenant, { simulationId, scenarioIds: ['a', 'x'] })).errors).toEqual([
      { code: 'SCENARIO_NOT_FOUND', message: 'There is no scenario "x".', path: ['scenarioIds', '1'] },
    ])
    expect(
      (await extend(tenant, { simulationId, scenarioIds: ['a', 'b'.repeat(101)] })).errors,
    ).toMatchObject([{ code: 'INVALID_VALUE', path: ['scenarioIds', '1'] }])
    expect((await extend(tenant, { simulationId, repetitions: 1001 })).errors).toMatchObject([
      { code: 'INVALID_VALUE', path: ['repetitions'] },
    ])
    expect((await extend(tenant, { simulationId: randomUUID(), repetitions: 2 })).errors).toMatchObject([
      { code: 'SIMULATION_NOT_FOUND', path: ['simulationId'] },
    ])
    const { simulation } = await extend(tenant, { simulationId })
    expect(simulation).toMatchObject({ totalScenarios: 1, repetitions: 1 })
  })
})

it('a simulation that has ended takes nothing', async () => {
  const tenant = arc.tenant()
  const simulationId = await tenant.simulation(['a'])
  await tenant.data(
    'mutation ($id: UUID!) { cancelSimulation(input: { simulationId: $id }) { errors { code } } }',
    { id: simulationId },
  )
  for (const reopen of [false, true]) {
    expect((await extend(tenant, { simulationId, repetitions: 2, reopen })).errors).toMatchObject([
      { code: 'SIMULATION_ENDED', message: 'The simulation is cancelled; nothing can be added to it.' },
    ])
  }
})

describe('a simulation that has completed', () => {
  const complete = (tenant: Tenant, simulationId: string, result?: object) =>
    tenant.data(
      `mutation ($input: CompleteSimulationInput!) {
        completeSimulation(input: $input) { simulation { overallScore } errors { code } }
      }`,
      { input: { simulationId, result } },
    )
  const rows = (simulationId: string, ...scenarios: [string, number][]) =>
    scenarios.map(([scenarioId, reliabilityScore]) => ({
      simulationId,
      scenarioId,
      status: 'SUCCESS',
      reliabilityScore,
    }))

  it('goes on where that is asked, with the runs that were not made, and comes to another end', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a', 'b'])
    await tenant.scenarios('c')
    await tenant.record(rows(simulationId, ['a', 1]))
    await complete(tenant, simulationId)
    const change = { simulationId, scenarioIds: ['c'] }
    expect((await extend(tenant, change)).errors).toMatchObject([{ code: 'SIMULATION_ENDED' }])
    expect((await extend(tenant, { ...change, reopen: true }, 'app_ingest')).errors).toEqual([])

    const read = async () => {
      const { simulation } = await tenant.data(
        `query ($id: UUID!) { simulation(simulationId: $id) {
          status completedAt overallScore totalScenarios succeededScenarios
          runs { nodes { scenarioId status } } events { nodes { kind } }
        } }`,
        { id: simulationId },
      )
      const { runs, events, ...rest } = simulation
      const statuses = runs.nodes.map(({ scenarioId, status }: any) => `${scenarioId} ${status}`).sort()
      return { ...rest, runs: statuses, events: events.nodes.map(({ kind }: any) => kind) }
    }
    expect(await read()).toEqual({
      status: 'RUNNING',
      completedAt: null,
      overallScore: null,
      totalScenarios: 3,
      succeededScenarios: 1,
      runs: ['a SUCCESS', 'b PENDING', 'c PENDING'],
      events: ['STARTED', 'PROGRESS', 'COMPLETED', 'STARTED', 'PROGRESS'],
    })
    // One that goes on already is no more than extended.
    expect((await extend(tenant, { ...change, reopen: true })).errors).toEqual([])
    await tenant.record(rows(simulationId, ['b', 0.5], ['c', 0]))
    expect((await complete(tenant, simulationId)).completeSimulation).toEqual({
      simulation: { overallScore: 0.5 },
      errors: [],
    })
  })

  it('is reopened by no other tenant', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a'])
    await complete(tenant, simulationId)
    const other = arc.tenant()
    expect((await extend(other, { simulationId, reopen: true })).errors).toMatchObject([
      { code: 'SIMULATION_NOT_FOUND' },
    ])
    const { rows } = await arc.sql('admin', async (client) => {
      await client.query('begin')
      await client.query(`select set_config('app.user_id', $1, true)`, [other.tenantId])
      const reopened = await client.query('select reopen_simulation($1) as reopened', [simulationId])
      await client.query('commit')
      return reopened
    })
    expect(rows).toEqual([{ reopened: false }])
  })

  it('stays as it is where its result was given', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a'])
    await complete(tenant, simulationId, { overallScore: 0.9 })
    expect((await extend(tenant, { simulationId, repetitions: 2, reopen: true })).errors).toMatchObject([
      { code: 'SIMULATION_ENDED', message: 'The simulation is completed; nothing can be added to it.' },
    ])
  })
})
