import { describe, expect, inject, it } from 'vitest'
import { ArcClient } from '../../src/client/arcClient.ts'
import { Arc, type Tenant, useArc } from '../support/arc.ts'

const arc = useArc()
const withSessions = it.skipIf(inject('serverUrl') === null)

async function beat(
  tenant: Tenant,
  input: object,
  role: 'app_user' | 'app_ingest' | 'app_readonly' = 'app_user',
) {
  const { data, errors } = await tenant.ask(
    `mutation ($input: HeartbeatInput!) {
      heartbeat(input: $input) { simulation { status } errors { code message path } }
    }`,
    { input },
    role,
  )
  return errors ? { errors: errors.map(({ extensions }) => extensions) } : data.heartbeat
}

async function stateOf(tenant: Tenant, simulationId: string): Promise<any> {
  const { simulation } = await tenant.data(
    `query ($id: UUID!) { simulation(simulationId: $id) {
      status runnerLost errorMessage completedAt startedAt lastHeartbeatAt eventSeq
      events { nodes { kind } }
      runs(first: 10, orderBy: { field: EXECUTION_ORDER, direction: ASC }) { nodes { status startedAt lastHeartbeatAt } }
    } }`,
    { id: simulationId },
  )
  const { events, runs, ...state } = simulation
  return {
    ...state,
    kinds: events.nodes.map(({ kind }: { kind: string }) => kind),
    runs: runs.nodes,
  }
}

const statusesOf = async (tenant: Tenant, simulationId: string) =>
  (await stateOf(tenant, simulationId)).runs.map(({ status }: { status: string }) => status)

const asOwner = (statement: string, values: unknown[] = []) =>
  arc.sql('admin', (client) => client.query(statement, values))

/** What the job does, as if servers had been there all the time. */
async function failSilent(): Promise<void> {
  await asOwner(`update store.jobs set ended_at = now() where name = 'fail_silent_simulations'`)
  await asOwner(`update store.settings set hearing_since = '-infinity'`)
  await arc.sql('service', (client) => client.query('select fail_silent_simulations(1000)'))
}

/** All that was heard of the tenant's simulations was heard an hour ago. */
async function letAnHourPass({ tenantId }: Tenant): Promise<void> {
  for (const [table, column] of [
    ['public.simulation_events', 'created_at'],
    ['public.simulations', 'created_at'],
    ['store.simulation_heartbeats', 'beat_at'],
  ])
    await asOwner(`update ${table} set ${column} = ${column} - interval '1 hour' where user_id = $1`, [
      tenantId,
    ])
}

async function silentSimulation(tenant: Tenant, scenarios = ['a', 'b'], more: object = {}): Promise<string> {
  const simulationId = await tenant.simulation(scenarios, more)
  await letAnHourPass(tenant)
  await failSilent()
  return simulationId
}

describe('a heartbeat', () => {
  it('has a run that waits be running, and is read at it and at its simulation', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a', 'b'], { repetitions: 2 })
    const before = Date.now()
    expect(await beat(tenant, { simulationId, scenarioId: 'a', repetition: 2 })).toEqual({
      simulation: { status: 'RUNNING' },
      errors: [],
    })
    const { lastHeartbeatAt, runs, eventSeq, kinds } = await stateOf(tenant, simulationId)
    expect(await statusesOf(tenant, simulationId)).toEqual(['PENDING', 'RUNNING', 'PENDING', 'PENDING'])
    expect(runs.map((run: { lastHeartbeatAt: string | null }) => run.lastHeartbeatAt === null)).toEqual([
      true,
      false,
      true,
      true,
    ])
    expect(Math.abs(Date.parse(runs[1]!.startedAt!) - before)).toBeLessThan(60_000)
    expect(lastHeartbeatAt).toBe(runs[1]!.lastHeartbeatAt)
    expect([eventSeq, kinds]).toEqual([1, ['STARTED']])
    const filtered = await tenant.data(
      `query ($id: UUID!) { simulation(simulationId: $id) { runs(filter: { status: { eq: RUNNING } }) { totalCount } } }`,
      { id: simulationId },
    )
    expect(filtered.simulation.runs.totalCount).toBe(1)
  })

  it('is moved on by the next one, writes no event and nothing for the audit', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a'])
    await beat(tenant, { simulationId, scenarioId: 'a' })
    await letAnHourPass(tenant)
    const audited = () =>
      asOwner('select count(*)::int as n from audit_log where user_id = $1', [tenant.tenantId])
    const [before, logBefore] = [await stateOf(tenant, simulationId), (await audited()).rows]
    await beat(tenant, { simulationId, scenarioId: 'a' })
    const after = await stateOf(tenant, simulationId)
    expect(Date.parse(after.lastHeartbeatAt) - Date.parse(before.lastHeartbeatAt)).toBeGreaterThan(3_500_000)
    expect([after.eventSeq, (await audited()).rows]).toEqual([before.eventSeq, logBefore])
  })

  it('starts what is pending, as an outcome does', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a'], { start: false })
    await beat(tenant, { simulationId })
    const { status, startedAt, kinds } = await stateOf(tenant, simulationId)
    expect({ status, kinds }).toEqual({ status: 'RUNNING', kinds: ['STARTED'] })
    expect(startedAt).not.toBeNull()
    expect(await statusesOf(tenant, simulationId)).toEqual(['PENDING'])
  })

  it('leaves a run that has an outcome as it ended', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a', 'b'])
    await beat(tenant, { simulationId, scenarioId: 'a' })
    const { receipts } = await tenant.record([{ simulationId, scenarioId: 'a', status: 'ERROR' }])
    expect(receipts).toMatchObject([{ status: 'STORED' }])
    expect(await beat(tenant, { simulationId, scenarioId: 'a' })).toMatchObject({ errors: [] })
    expect(await statusesOf(tenant, simulationId)).toEqual(['ERROR', 'PENDING'])
    const { simulation } = await tenant.data(
      `query ($id: UUID!) { simulation(simulationId: $id) { completedScenarios failedScenarios } }`,
      { id: simulationId },
    )
    expect(simulation).toEqual({ completedScenarios: 1, failedScenarios: 1 })
  })

  it('tells a runner whose simulation has ended, and what it has wrong', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a'])
    const refused = async (input: object) => {
      const { errors } = await beat(tenant, { simulationId, ...input })
      return errors.map(({ code, path }: { code: string; path: string[] }) => [code, ...path].join(' '))
    }
    expect(await refused({ scenarioId: 'b' })).toEqual(['SCENARIO_NOT_IN_SIMULATION scenarioId'])
    expect(await refused({ scenarioId: 'A b' })).toEqual(['INVALID_VALUE scenarioId'])
    expect(await refused({ scenarioId: 'a', repetition: 2 })).toEqual(['REPETITION_OUT_OF_RANGE repetition'])
    expect(await refused({ repetition: 1 })).toEqual(['INVALID_VALUE repetition'])
    await tenant.data(
      `mutation ($id: UUID!) { cancelSimulation(input: { simulationId: $id }) { errors { code } } }`,
      { id: simulationId },
    )
    expect(await refused({})).toEqual(['SIMULATION_ENDED simulationId'])
    expect(await refused({ scenarioId: 'a' })).toEqual(['SIMULATION_ENDED simulationId'])
    const { errors } = await beat(arc.tenant(), { simulationId })
    expect(errors).toMatchObject([{ code: 'SIMULATION_NOT_FOUND' }])
  })

  it('comes from keys that bring results in, and not from those that read', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a'])
    expect(await beat(tenant, { simulationId, scenarioId: 'a' }, 'app_ingest')).toMatchObject({ errors: [] })
    expect(await beat(tenant, { simulationId }, 'app_readonly')).toMatchObject({
      errors: [{ code: 'FORBIDDEN' }],
    })
  })

  withSessions('waits for nobody who stores outcomes, and nobody waits for it', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a', 'b'])
    await beat(tenant, { simulationId, scenarioId: 'a' })
    await letAnHourPass(tenant)
    await arc.sql('admin', async (client) => {
      await client.query('begin')
      await client.query('select from simulations where simulation_id = $1 for no key update', [simulationId])
      expect(await beat(tenant, { simulationId, scenarioId: 'a' })).toMatchObject({ errors: [] })
      expect(await beat(tenant, { simulationId })).toMatchObject({ errors: [] })
      await client.query('rollback')
      // Its own rows are locked by another heartbeat: those of the last second need no second one.
      await client.query('begin')
      await client.query('select from store.simulation_heartbeats where simulation_id = $1 for update', [
        simulationId,
      ])
      expect(await beat(tenant, { simulationId })).toMatchObject({ errors: [] })
      const { receipts } = await tenant.record([{ simulationId, scenarioId: 'a', status: 'SUCCESS' }])
      expect(receipts).toMatchObject([{ status: 'STORED' }])
      await client.query('rollback')
    })
  })

  it('comes again and again from the client, until the simulation has ended', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a'])
    const client = new ArcClient({ url: arc.url, token: await tenant.token() })
    const alive = client.keepAlive({ simulationId, scenarioId: 'a' }, { everyMs: 20 })
    const ended = new Promise<unknown>((resolve) => {
      alive.signal.addEventListener('abort', () => resolve(alive.signal.reason))
    })
    await expect.poll(() => statusesOf(tenant, simulationId)).toEqual(['RUNNING'])
    await client.cancelSimulation(simulationId)
    expect(await ended).toMatchObject({ codes: ['SIMULATION_ENDED'] })
  })
})

describe('a simulation whose runner is silent', () => {
  it('fails with the reason; runs that have no outcome are cancelled', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a', 'b'], { timeoutMs: 90_500 })
    await tenant.record([{ simulationId, scenarioId: 'a', status: 'SUCCESS' }])
    await beat(tenant, { simulationId, scenarioId: 'b' })
    await letAnHourPass(tenant)
    await failSilent()
    const { status, runnerLost, errorMessage, completedAt, kinds } = await stateOf(tenant, simulationId)
    expect({ status, runnerLost }).toEqual({ status: 'FAILED', runnerLost: true })
    expect(errorMessage).toBe(
      'The runner is taken for gone: no outcome and no heartbeat for 90.5 seconds (timeoutMs). If it sends one after all, the simulation is running again.',
    )
    expect(completedAt).not.toBeNull()
    expect(kinds).toEqual(['STARTED', 'PROGRESS', 'FAILED'])
    expect(await statusesOf(tenant, simulationId)).toEqual(['SUCCESS', 'CANCELLED'])
    const { simulations } = await tenant.data(
      '{ simulations(filter: { runnerLost: true }) { nodes { simulationId } } }',
    )
    expect(simulations.nodes).toEqual([{ simulationId }])
  })

  it('goes on while something was heard of it, or nobody watches it', async () => {
    const tenant = arc.tenant()
    const beating = await tenant.simulation(['a'])
    const recording = await tenant.simulation(['a'])
    const pending = await tenant.simulation(['a'], { start: false })
    const unwatched = await tenant.simulation(['a'], { failWhenSilent: false })
    const patient = await tenant.simulation(['a'], { timeoutMs: 7_200_000 })
    await letAnHourPass(tenant)
    await beat(tenant, { simulationId: beating })
    await tenant.record([{ simulationId: recording, scenarioId: 'a', status: 'SUCCESS' }])
    await failSilent()
    for (const simulationId of [beating, recording, unwatched, patient])
      expect(await stateOf(tenant, simulationId)).toMatchObject({ status: 'RUNNING', runnerLost: false })
    expect(await stateOf(tenant, pending)).toMatchObject({ status: 'PENDING' })
  })

  it('goes on while nobody could hear it', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a'])
    await letAnHourPass(tenant)
    await asOwner(`update store.settings set hearing_since = '-infinity'`)
    await asOwner(
      `update store.jobs set ended_at = now() - interval '10 minutes' where name = 'fail_silent_simulations'`,
    )
    await arc.sql('service', (client) => client.query('select fail_silent_simulations(1000)'))
    expect(await stateOf(tenant, simulationId)).toMatchObject({ status: 'RUNNING' })
    await failSilent()
    expect(await stateOf(tenant, simulationId)).toMatchObject({ status: 'FAILED' })
  })

  withSessions('is not failed by who would have to wait for it', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a'])
    await letAnHourPass(tenant)
    await arc.sql('admin', async (client) => {
      await client.query('begin')
      await client.query('select from simulations where simulation_id = $1 for no key update', [simulationId])
      await failSilent()
      await client.query('rollback')
    })
    expect(await stateOf(tenant, simulationId)).toMatchObject({ status: 'RUNNING' })
  })

  it('is running again with the next outcome, which is stored', async () => {
    const tenant = arc.tenant()
    const simulationId = await silentSimulation(tenant)
    expect(await statusesOf(tenant, simulationId)).toEqual(['CANCELLED', 'CANCELLED'])
    const { receipts } = await tenant.record([
      { simulationId, scenarioId: 'b', status: 'SUCCESS', reliabilityScore: 1 },
    ])
    expect(receipts).toMatchObject([{ status: 'STORED', code: null }])
    expect(await stateOf(tenant, simulationId)).toMatchObject({
      status: 'RUNNING',
      runnerLost: false,
      errorMessage: null,
      completedAt: null,
      kinds: ['STARTED', 'FAILED', 'STARTED', 'PROGRESS'],
    })
    expect(await statusesOf(tenant, simulationId)).toEqual(['PENDING', 'SUCCESS'])
  })

  it('is running again with the next heartbeat', async () => {
    const tenant = arc.tenant()
    const simulationId = await silentSimulation(tenant)
    expect(await beat(tenant, { simulationId, scenarioId: 'a' })).toMatchObject({ errors: [] })
    expect(await stateOf(tenant, simulationId)).toMatchObject({ status: 'RUNNING', errorMessage: null })
    expect(await statusesOf(tenant, simulationId)).toEqual(['RUNNING', 'PENDING'])
  })

  it.each([
    ['completeSimulation', {}, { status: 'COMPLETED', errorMessage: null, runnerLost: false }],
    [
      'failSimulation',
      { errorMessage: 'out of disk' },
      { status: 'FAILED', errorMessage: 'out of disk', runnerLost: false },
    ],
    [
      'cancelSimulation',
      { reason: 'enough' },
      { status: 'CANCELLED', errorMessage: 'enough', runnerLost: false },
    ],
    ['extendSimulation', { repetitions: 2 }, { status: 'RUNNING', errorMessage: null, runnerLost: false }],
  ])('takes %s from a runner that is there after all', async (mutation, input, expected) => {
    const tenant = arc.tenant()
    const simulationId = await silentSimulation(tenant)
    const type = mutation.charAt(0).toUpperCase() + mutation.slice(1)
    const data = await tenant.data(
      `mutation ($input: ${type}Input!) { ${mutation}(input: $input) { errors { code message } } }`,
      { input: { simulationId, ...input } },
    )
    expect(data[mutation].errors).toEqual([])
    expect(await stateOf(tenant, simulationId)).toMatchObject(expected)
  })

  it('stays failed where a person said so: then outcomes are rejected', async () => {
    const tenant = arc.tenant()
    const simulationId = await silentSimulation(tenant)
    await tenant.data(
      `mutation ($id: UUID!) { failSimulation(input: { simulationId: $id, errorMessage: "given up" }) { errors { code } } }`,
      { id: simulationId },
    )
    const { receipts } = await tenant.record([{ simulationId, scenarioId: 'a', status: 'SUCCESS' }])
    expect(receipts).toMatchObject([{ status: 'REJECTED', code: 'SIMULATION_ENDED' }])
    expect(await beat(tenant, { simulationId })).toMatchObject({ errors: [{ code: 'SIMULATION_ENDED' }] })
  })

  it('is failed by a server that runs', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a'])
    await letAnHourPass(tenant)
    await asOwner(`update store.settings set hearing_since = '-infinity'`)
    await asOwner(
      `update store.jobs set ended_at = now(), due_at = now() - interval '1 second' where name = 'fail_silent_simulations'`,
    )
    const other = new Arc()
    await other.start()
    try {
      await expect
        .poll(() => stateOf(tenant, simulationId), { timeout: 10_000 })
        .toMatchObject({ status: 'FAILED' })
    } finally {
      await other.stop()
    }
  })
})
