import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { inspect } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ArcClient, type ArcClientOptions } from '../../src/client/arcClient.ts'
import { ArcRequestError } from '../../src/client/arcRequestError.ts'
import { exactNumber } from '../../src/exactNumbers.ts'
import { type Tenant, useArc } from '../support/arc.ts'
import { holdTimers } from '../support/heldTimers.ts'
import { ServerProxy } from '../support/serverProxy.ts'
import { summedUp } from '../support/tenantRows.ts'

let proxy: ServerProxy
afterAll(() => proxy.close())
const arc = useArc()
beforeAll(async () => {
  proxy = await ServerProxy.open(arc.url)
})

/** Through the proxy. */
async function clientOf(tenant: Tenant, more: Partial<ArcClientOptions> = {}): Promise<ArcClient> {
  return new ArcClient({ url: proxy.url, token: await tenant.token(), ...more })
}

/** What a call throws; it has to throw an ArcRequestError. */
async function refusal(call: Promise<unknown>): Promise<ArcRequestError> {
  const error = await call.then(
    () => expect.unreachable('it went well'),
    (thrown) => thrown,
  )
  expect(error).toBeInstanceOf(ArcRequestError)
  return error
}

async function all<Row>(rows: AsyncIterable<Row>): Promise<Row[]> {
  const found: Row[] = []
  for await (const row of rows) found.push(row)
  return found
}

const YAML = 'model: gpt-4\ntemperature: 0.5\n'

async function prepared(tenant: Tenant, scenarioIds: string[]) {
  const client = await clientOf(tenant)
  const { versionId } = await client.ensureConfigVersion({ name: 'agent', yaml: YAML })
  await client.upsertScenarios(scenarioIds.map((scenarioId) => ({ scenarioId, taskPrompt: 'Do it.' })))
  return { client, configVersionId: versionId, scenarioIds }
}

it('sends numbers that JavaScript does not have digit for digit, in rows and in other calls', async () => {
  const tenant = arc.tenant()
  const { client, configVersionId, scenarioIds } = await prepared(tenant, ['a'])
  const id = exactNumber('9007199254740993')
  const { simulationId } = await client.startSimulation({ configVersionId, scenarioIds, metadata: { id } })
  await client.recordOutcomes([{ simulationId, scenarioId: 'a', status: 'SUCCESS', metrics: { id } }])
  const counts = (eq: number | string) =>
    client.request(
      `query ($id: [JsonPathFilter!]) {
        simulations(filter: { metadata: $id, simulationId: { eq: "${simulationId}" } }) { totalCount }
      }`,
      { id: [{ path: ['id'], eq }] },
    )
  expect(await counts(id)).toEqual({ simulations: { totalCount: 1 } })
  expect(await counts(9007199254740992)).toEqual({ simulations: { totalCount: 0 } })
  const response = await fetch(arc.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${await tenant.token()}` },
    body: JSON.stringify({ query: '{ outcomes { nodes { metrics } } }' }),
  })
  expect(await response.text()).toMatch(/"metrics":\{"id": ?9007199254740993\}/)
  // A server in another process would not know the mark that such a number has in this one.
  expect(proxy.count(':9007199254740993}')).toBe(3)
})

describe('a simulation', () => {
  it('is planned, takes outcomes in every form, and is completed', async () => {
    const tenant = arc.tenant()
    const { client, configVersionId, scenarioIds } = await prepared(tenant, ['a', 'b', 'c', 'd'])
    const input = { configVersionId, scenarioIds, name: 'mine', modalAppId: 'ap-1' }
    const before = Date.now()
    const planned = await client.createSimulation(input)
    expect(planned).toMatchObject({
      created: true,
      status: 'PENDING',
      simulationName: 'mine',
      totalScenarios: 4,
    })
    const { simulationId } = planned
    // The time is its first 48 bits.
    const madeAt = Number.parseInt(simulationId.replaceAll('-', '').slice(0, 12), 16)
    expect(madeAt).toBeGreaterThanOrEqual(before)
    expect(madeAt).toBeLessThanOrEqual(Date.now())
    expect(simulationId).toMatch(/^.{8}-.{4}-7.{3}-[89ab]/)

    const outcome = {
      simulationId,
      scenarioId: 'a',
      status: 'SUCCESS',
      reliabilityScore: 1,
      trajectory: { steps: [1] },
    } as const
    expect(await client.recordOutcome(outcome)).toMatchObject({ status: 'STORED' })
    expect(await client.getSimulationStatus(simulationId)).toMatchObject({
      status: 'RUNNING',
      completionPercent: 25,
      currentScore: 1,
    })
    const result = {
      scenario: { id: 'b' },
      trajectory: { status: 'error', execution_time_seconds: 1.5 },
      reliability_score: { overall_score: 0.5 },
      modal_call_id: 'fc-1',
    }
    expect(await client.recordScenarioOutcome(simulationId, result)).toMatchObject({
      index: 0,
      status: 'STORED',
    })
    expect(
      await client.recordBatchOutcomes(simulationId, [
        result,
        { ...result, scenario: { id: 'c' } },
        { status: 'ok' },
      ]),
    ).toMatchObject([
      { index: 0, status: 'DUPLICATE' },
      { index: 1, status: 'STORED' },
      { index: 2, status: 'REJECTED', code: 'INVALID_VALUE', reason: 'the result names no scenario' },
    ])
    expect(await client.recordOutcomes([{ ...outcome, scenarioId: 'd' }, outcome])).toMatchObject([
      { index: 0, status: 'STORED' },
      { index: 1, status: 'DUPLICATE' },
    ])

    const suite = { overallScore: 0.9, totalCostUsd: 2.45, executionTimeMs: 45_000 }
    expect(await client.completeSimulation(simulationId, suite)).toMatchObject({
      status: 'COMPLETED',
      succeededScenarios: 2,
      failedScenarios: 2,
      ...suite,
    })
    expect((await client.completeSimulation(simulationId)).overallScore).toBe(0.9)
  })

  it('has its score worked out, fails with a reason, or is cancelled', async () => {
    const { client, ...input } = await prepared(arc.tenant(), ['a'])
    const started = await client.startSimulation(input)
    expect(started.status).toBe('RUNNING')
    await client.recordOutcome({
      simulationId: started.simulationId,
      scenarioId: 'a',
      status: 'SUCCESS',
      reliabilityScore: 0.25,
    })
    expect((await client.completeSimulation(started.simulationId)).overallScore).toBe(0.25)
    const { simulationId } = await client.startSimulation(input)
    const grown = await client.extendSimulation({ simulationId, repetitions: 3 })
    expect(grown.totalScenarios).toBe(3)
    expect(await client.failSimulation(simulationId, 'no sandbox')).toMatchObject({
      status: 'FAILED',
      errorMessage: 'no sandbox',
    })
    const other = await client.startSimulation({ ...input, simulationId: randomUUID() })
    expect(await client.cancelSimulation(other.simulationId, 'enough')).toMatchObject({
      status: 'CANCELLED',
      errorMessage: 'enough',
    })
  })

  it('gives its outcomes page by page, by status and time, with trajectories when asked', async () => {
    const tenant = arc.tenant()
    const scenarioIds = ['a', 'b', 'c', 'd', 'e']
    const { client, configVersionId } = await prepared(tenant, scenarioIds)
    const { simulationId } = await client.startSimulation({ configVersionId, scenarioIds })
    const hour = 3_600_000
    const now = Date.now()
    await client.recordOutcomes(
      scenarioIds.map((scenarioId, index) => ({
        simulationId,
        scenarioId,
        status: index === 4 ? 'TIMEOUT' : index === 3 ? 'ERROR' : 'SUCCESS',
        executionTime: new Date(now - index * hour),
        trajectory: { steps: [index] },
      })),
    )
    const found = async (options: Parameters<ArcClient['getScenarioOutcomes']>[1]) =>
      (await all(client.getScenarioOutcomes(simulationId, options))).map(({ scenarioId }) => scenarioId)
    const before = proxy.count('query ScenarioOutcomes')
    expect(await found({ pageSize: 2 })).toEqual(scenarioIds)
    expect(proxy.count('query ScenarioOutcomes') - before).toBe(3)
    expect(await found({ status: 'TIMEOUT' })).toEqual(['e'])
    expect(await found({ status: ['TIMEOUT', 'ERROR'] })).toEqual(['d', 'e'])
    expect(await found({ timeRange: { lastHours: 1.5 } })).toEqual(['a', 'b'])
    const range = { from: new Date(now - 3 * hour), until: new Date(now - hour).toISOString() }
    expect(await found({ timeRange: range })).toEqual(['c', 'd'])
    expect(await found({ timeRange: range, status: 'ERROR' })).toEqual(['d'])
    const [bare] = await all(client.getScenarioOutcomes(simulationId))
    expect(bare).not.toHaveProperty('trajectory')
    const [whole] = await all(client.getScenarioOutcomes(simulationId, { withTrajectory: true }))
    expect(whole).toMatchObject({ trajectory: { steps: [0] } })
  })

  it('tells what ended when, by the hour or the day', async () => {
    const tenant = arc.tenant()
    const client = await clientOf(tenant)
    const simulationId = await tenant.simulation(['a', 'b', 'c'])
    const at = ['2026-01-05T10:05:00.000Z', '2026-01-05T10:50:00.000Z', '2026-01-06T03:00:00.000Z']
    await client.recordOutcomes(
      ['a', 'b', 'c'].map((scenarioId, index) => ({
        simulationId,
        scenarioId,
        status: index === 1 ? 'ERROR' : 'SUCCESS',
        executionTime: at[index],
        reliabilityScore: index / 2,
        costUsd: 0.5,
      })),
    )
    await summedUp(arc, tenant)
    const { simulation, summary, previous, buckets } = await client.getSimulationPerformance(simulationId)
    expect(simulation).toMatchObject({ simulationId, succeededScenarios: 2, currentScore: 0.5 })
    expect(summary).toMatchObject({
      attempts: 3,
      runs: 3,
      succeeded: 2,
      failed: 1,
      scored: 3,
      meanScore: 0.5,
      tokens: null,
      costUsd: 1.5,
    })
    expect(previous).toMatchObject({ attempts: 0, costUsd: null })
    const hour = { bucket: '2026-01-05T10:00:00.000Z', runs: 2, failed: 1, meanScore: 0.25, costUsd: 1 }
    const next = { bucket: '2026-01-06T03:00:00.000Z', runs: 1, failed: 0, meanScore: 1 }
    // From the first hour to the last, and those between.
    expect(buckets).toHaveLength(18)
    expect([buckets[0], buckets.at(-1)]).toMatchObject([hour, next])
    expect(buckets[1]).toMatchObject({ attempts: 0, runs: 0, meanScore: null, costUsd: null })
    const found = async (more: Parameters<ArcClient['getSimulationPerformance']>[1]) =>
      (await client.getSimulationPerformance(simulationId, more)).buckets
        .filter(({ runs }) => runs > 0)
        .map(({ bucket }) => bucket)
    expect(await found({ timeRange: { until: new Date('2026-01-06') } })).toEqual([hour.bucket])
    // The hour that the range begins in is part of it, and what is summed up is the range.
    const late = { timeRange: { from: new Date('2026-01-05T10:30:00Z'), until: new Date('2026-01-06') } }
    expect(await found(late)).toEqual([hour.bucket])
    expect((await client.getSimulationPerformance(simulationId, late)).summary).toMatchObject({
      runs: 2,
      meanScore: 0.25,
      costUsd: 1,
    })
    expect(await found({ timeRange: { lastHours: 1 } })).toEqual([])
    expect(await found({ grain: 'DAY' })).toEqual(['2026-01-05T00:00:00.000Z', '2026-01-06T00:00:00.000Z'])
    const inBerlin = { grain: 'DAY', timeZone: 'Europe/Berlin' } as const
    expect(await found(inBerlin)).toEqual(['2026-01-04T23:00:00.000Z', '2026-01-05T23:00:00.000Z'])
    const stranger = client.getSimulationPerformance(randomUUID())
    expect((await refusal(stranger)).codes).toEqual(['SIMULATION_NOT_FOUND'])
  })

  it('tells how all runs went, told apart by anything', async () => {
    const tenant = arc.tenant()
    const client = await clientOf(tenant)
    const simulationId = await tenant.simulation(['a', 'b'])
    await client.recordOutcomes(
      ['a', 'b'].map((scenarioId, index) => ({
        simulationId,
        scenarioId,
        status: 'SUCCESS',
        costUsd: index,
      })),
    )
    await summedUp(arc, tenant)
    const { summary, buckets, groups } = await client.getPerformance({
      by: 'SCENARIO',
      timeRange: { lastHours: 24 },
    })
    expect(summary).toMatchObject({ runs: 2, costUsd: 1 })
    expect(buckets).toHaveLength(2)
    expect(groups.map(({ key, costUsd }) => ({ key, costUsd }))).toEqual([
      { key: 'b', costUsd: 1 },
      { key: 'a', costUsd: 0 },
    ])
    const { groups: none, summary: some } = await client.getPerformance({
      filter: { scenarioId: { eq: 'b' } },
    })
    expect([none, some.runs]).toEqual([[], 1])
  })

  it('reads no page that nobody asks for', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a'], { repetitions: 3 })
    await tenant.record(
      [1, 2, 3].map((repetition) => ({ simulationId, scenarioId: 'a', repetition, status: 'SUCCESS' })),
    )
    const before = proxy.count('query ScenarioOutcomes')
    for await (const _ of (await clientOf(tenant)).getScenarioOutcomes(simulationId, { pageSize: 1 })) break
    expect(proxy.count('query ScenarioOutcomes') - before).toBe(1)
  })
})

describe('a configuration', () => {
  it('is made, versioned, compared, reviewed, set back and archived', async () => {
    const client = await clientOf(arc.tenant())
    const { configuration, version: first } = await client.createConfiguration({ name: 'agent', yaml: YAML })
    const { configId } = configuration
    expect(first).toMatchObject({ versionNumber: 1, rawYaml: YAML, model: 'gpt-4', temperature: 0.5 })
    const yaml = 'model: gpt-4\ntemperature: 0.7\n'
    const second = await client.createConfigVersion({ configId, yaml })
    expect(second).toMatchObject({ versionNumber: 2, created: true })
    expect(await client.createConfigVersion({ configId, yaml })).toEqual({ ...second, created: false })

    const [diff, ...others] = await all(client.getConfigDiffs(configId))
    expect(others).toEqual([])
    expect(diff).toMatchObject({
      changes: [{ path: '/temperature', before: 0.5, after: 0.7 }],
      approvalStatus: 'PENDING',
    })
    expect(await client.approveConfigDiff(diff!.diffId)).toMatchObject({ approvalStatus: 'APPROVED' })
    expect((await refusal(client.rejectConfigDiff(diff!.diffId))).codes).toEqual(['CONFIG_DIFF_DECIDED'])
    const comparison = await client.compareConfigVersions(second.versionId, first!.versionId)
    expect(comparison!.changes).toMatchObject([{ before: 0.7, after: 0.5 }])
    expect(await client.compareConfigVersions(second.versionId, randomUUID())).toBeNull()

    const third = await client.setLatestVersion({ configId, versionId: first!.versionId })
    expect(third).toMatchObject({ versionNumber: 3, rawYaml: YAML, created: true })
    const [latest] = await all(client.getConfigDiffs(configId))
    expect(await client.rejectConfigDiff(latest!.diffId, { comment: 'slower' })).toMatchObject({
      approvalStatus: 'REJECTED',
      approvedBy: null,
      decisionComment: 'slower',
    })
    expect(await client.withdrawConfigDiffDecision(latest!.diffId)).toMatchObject({
      approvalStatus: 'PENDING',
      rejectedBy: null,
    })
    const numbers = (await all(client.getConfigVersions(configId, { pageSize: 2 }))).map(
      (row) => row.versionNumber,
    )
    expect(numbers).toEqual([3, 2, 1])

    expect(await client.archiveConfiguration(configId)).toMatchObject({ isActive: false })
    expect(await all(client.getConfigurations({ filter: { isActive: true } }))).toEqual([])
    expect(await client.restoreConfiguration(configId)).toMatchObject({ isActive: true })
    expect(await all(client.getConfigurations())).toMatchObject([
      { name: 'agent', latestVersion: { versionNumber: 3 } },
    ])
  })

  it('is ensured by its name and YAML, wherever in its history that stands', async () => {
    const client = await clientOf(arc.tenant())
    const ensured = (yaml: string) => client.ensureConfigVersion({ name: ' agent ', yaml })
    expect(await ensured(YAML)).toMatchObject({ versionNumber: 1, created: true })
    expect(await ensured('model: other\n')).toMatchObject({ versionNumber: 2, created: true })
    expect(await ensured(YAML)).toMatchObject({ versionNumber: 1, created: false })
  })
})

it('asks anything, with a document as text', async () => {
  const tenant = arc.tenant()
  const client = await clientOf(tenant)
  expect(await client.request('{ viewer { tenantId } }')).toEqual({ viewer: { tenantId: tenant.tenantId } })
  const document = 'query ($id: String!) { scenario(scenarioId: $id) { name } }'
  expect(await client.request(document, { id: 'none' })).toEqual({ scenario: null })
  expect(await client.health()).toMatchObject({ status: 'HEALTHY' })
  expect(await client.getMetrics()).toMatchObject({ totalQueries: 3, successRate: 1 })
  const parsed = { kind: 'Document', definitions: [] }
  expect(() => client.request(parsed as never)).toThrow(/must be text/)
})

describe('what is refused', () => {
  it('is thrown with its codes, and not tried again', async () => {
    const client = await clientOf(arc.tenant())
    const error = await refusal(client.completeSimulation(randomUUID()))
    expect(error).toMatchObject({ codes: ['SIMULATION_NOT_FOUND'], retryable: false, status: 200 })
    expect(error.errors).toMatchObject([{ path: ['simulationId'] }])
    expect((await refusal(client.getSimulationStatus(randomUUID()))).codes).toEqual(['SIMULATION_NOT_FOUND'])
    const outcomes = client.getScenarioOutcomes(randomUUID())
    expect((await refusal(outcomes.next())).codes).toEqual(['SIMULATION_NOT_FOUND'])
    expect((await refusal(client.createConfiguration({ name: 'x' }))).codes).toEqual(['INVALID_VALUE'])
    expect(await refusal(client.request('{ refusedField }'))).toMatchObject({
      codes: ['GRAPHQL_VALIDATION_FAILED'],
      retryable: false,
    })
    expect(proxy.count('refusedField')).toBe(1)
  })

  it('by something else than Arc is told as such', async () => {
    const other = createServer((_, response) => response.writeHead(404).end('Not here.')).listen(
      0,
      '127.0.0.1',
    )
    await once(other, 'listening')
    const { port } = other.address() as AddressInfo
    const client = new ArcClient({ url: `http://127.0.0.1:${port}/graphql`, token: 't' })
    expect(await refusal(client.health())).toMatchObject({ status: 404, codes: [], retryable: false })
    other.close()
  })

  it('for another configuration of that name is told, also when the key is taken', async () => {
    const client = await clientOf(arc.tenant())
    const { configuration } = await client.createConfiguration({ name: 'agent', yaml: YAML })
    expect((await refusal(client.createConfiguration({ name: 'agent', yaml: YAML }))).codes).toEqual([
      'NAME_TAKEN',
    ])
    const { configId } = configuration
    const changed = client.createConfiguration({ configId, name: 'agent', yaml: 'model: other\n' })
    expect((await refusal(changed)).codes).toEqual(['NAME_TAKEN'])
    const renamed = client.createConfiguration({ configId, name: 'other', yaml: YAML })
    expect((await refusal(renamed)).codes).toEqual(['NAME_TAKEN'])
  })
})

describe('a token', () => {
  it('that ended is fetched anew, once for all that were refused with it', async () => {
    const tenant = arc.tenant()
    const tokens = [await tenant.token('app_user', -60), await tenant.token()]
    let fetched = 0
    const client = await clientOf(tenant, { token: async () => tokens[fetched++]! })
    const answers = await Promise.all(Array.from({ length: 5 }, () => client.health()))
    expect(answers).toHaveLength(5)
    expect(fetched).toBe(2)
  })

  it('that is refused again is told', async () => {
    const tenant = arc.tenant()
    const ended = await tenant.token('app_user', -60)
    let fetched = 0
    const token = () => {
      fetched += 1
      return ended
    }
    const error = await refusal((await clientOf(tenant, { token })).health())
    expect(error).toMatchObject({ codes: ['UNAUTHENTICATED'], status: 401, retryable: false })
    expect(fetched).toBe(2)
    const given = await refusal((await clientOf(tenant, { token: ended })).health())
    expect(given).toMatchObject({ codes: ['UNAUTHENTICATED'] })
  })

  it('that cannot be fetched is tried anew by the next call', async () => {
    const tenant = arc.tenant()
    const good = await tenant.token()
    let fetched = 0
    const token = async () => {
      fetched += 1
      if (fetched === 1) throw new Error('the provider is away')
      return good
    }
    const client = await clientOf(tenant, { token })
    await expect(client.health()).rejects.toThrow('the provider is away')
    expect(await client.health()).toMatchObject({ status: 'HEALTHY' })
  })

  it('is in no error', async () => {
    const secret = 'a-token-that-nobody-may-see'
    const errors = [
      () => new ArcClient({ url: arc.url, token: `${secret}\n` }),
      () => new ArcClient({ url: arc.url, token: async () => `${secret}\u2028` }).health(),
      () => new ArcClient({ url: arc.url, token: secret }).health(),
      () => new ArcClient({ url: 'http://127.0.0.1:1/graphql', token: secret }).request('mutation { x }'),
      () => new ArcClient({ url: 'not a url', token: secret }).request('mutation { x }'),
      () => new ArcClient({ url: `http://me:${secret}@127.0.0.1:1/graphql`, token: 't' }),
    ]
    for (const attempt of errors) {
      const thrown = await (async () => attempt())().then(
        () => expect.unreachable('it went well'),
        (error) => error,
      )
      expect(inspect(thrown, { depth: 10, showHidden: true })).not.toContain(secret)
    }
  })
})

describe('a call', () => {
  it('ends with its signal, whose reason it throws', async () => {
    const client = await clientOf(arc.tenant())
    const stopping = new AbortController()
    const pauses = holdTimers('retry.ts')
    const before = proxy.count('query Health')
    void proxy.cut('query Health')
    const call = client.health({ signal: stopping.signal })
    // It waits for its second attempt, which would never come.
    await pauses.next()
    stopping.abort(new Error('enough'))
    await expect(call).rejects.toThrow('enough')
    expect(pauses.pending).toEqual([])
    expect(proxy.count('query Health') - before).toBe(1)
    await expect(client.health({ signal: stopping.signal })).rejects.toThrow('enough')
  })

  it('that gets no answer in time ends', async () => {
    proxy.mute(true)
    try {
      const call = (await clientOf(arc.tenant())).request('mutation { nobodyHears }', {}, { timeoutMs: 50 })
      expect(await refusal(call)).toMatchObject({
        status: 0,
        retryable: true,
        message: expect.stringMatching(/within 50 ms/),
      })
    } finally {
      proxy.mute(false)
    }
  })
})
