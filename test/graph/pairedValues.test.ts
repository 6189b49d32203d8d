import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import { readPairedValues, type SimulationPair } from '../../src/evaluation/comparison/pairedValues.ts'
import type { OperationReads } from '../../src/reads/operationReads.ts'
import { type Tenant, useArc } from '../support/arc.ts'
import { sqlAs } from '../support/sqlAs.ts'

const arc = useArc()

const minutes = (n: number) => new Date(Date.UTC(2026, 8, 1, 0, n)).toISOString()

/** As anything that has a connection of the tenant reads them. */
async function read(tenant: Tenant, pairs: SimulationPair[], dimensions?: 'ALL' | string[]) {
  const counted = { statements: 0 }
  let values: Awaited<ReturnType<typeof readPairedValues>> = []
  await sqlAs(arc, 'app_readonly', tenant, async (_, client) => {
    const query: OperationReads['query'] = async (statement) => {
      counted.statements++
      return (await client.query(statement.text, [...statement.values])).rows
    }
    values = await readPairedValues({ query }, pairs, dimensions)
  })
  expect(counted.statements).toBe(1)
  return values
}

it('the values of runs are those of their last attempts, costs and tokens those of all, and nothing is zero that is unknown', async () => {
  const tenant = arc.tenant()
  const [one, two] = [
    await tenant.simulation(['a', 'b', 'c'], { repetitions: 2 }),
    await tenant.simulation(['a', 'b', 'd']),
  ]
  const attempt = (n: number, of: object) => ({ executionTime: minutes(n), ...of })
  const { storedCount } = await tenant.record([
    attempt(0, {
      simulationId: one,
      scenarioId: 'a',
      repetition: 1,
      retryCount: 0,
      status: 'ERROR',
      error: 'Rate limit exceeded',
      reliabilityScore: 0.1,
      costUsd: 0.25,
      tokensUsed: 100,
      executionTimeMs: 9,
      metrics: { tone: 3 },
    }),
    attempt(1, {
      simulationId: one,
      scenarioId: 'a',
      repetition: 1,
      retryCount: 1,
      status: 'SUCCESS',
      reliabilityScore: 0.75,
      costUsd: 0.5,
      tokensUsed: 11,
      executionTimeMs: 20,
      metrics: { tone: 4, judge: { kind: true, note: 'x' } },
    }),
    attempt(2, {
      simulationId: one,
      scenarioId: 'a',
      repetition: 2,
      status: 'ERROR',
      error: 'Rate limit exceeded',
    }),
    attempt(3, {
      simulationId: one,
      scenarioId: 'c',
      repetition: 1,
      retryCount: 0,
      status: 'SUCCESS',
      costUsd: 1,
    }),
    attempt(4, { simulationId: one, scenarioId: 'c', repetition: 1, retryCount: 1, status: 'CANCELLED' }),
    attempt(60 * 24 * 90, { simulationId: two, scenarioId: 'a', status: 'SUCCESS', reliabilityScore: 0 }),
    attempt(60 * 24 * 80, { simulationId: two, scenarioId: 'd', status: 'TIMEOUT', tokensUsed: 0 }),
  ])
  expect(storedCount).toBe(7)
  const unknown = { score: null, costUsd: null, tokens: null, durationMs: null, category: null, metrics: {} }
  const a = {
    revision: 1,
    runs: [
      {
        repetition: 1,
        success: 1,
        score: 0.75,
        costUsd: 0.75,
        tokens: 111,
        durationMs: 20,
        category: null,
        metrics: { tone: 4, 'judge.kind': 1 },
      },
      { ...unknown, repetition: 2, success: 0, category: 'model_error' },
    ],
  }
  const c = {
    revision: 1,
    runs: [{ ...unknown, repetition: 1, success: 0, costUsd: 1, category: expect.any(String) }],
  }
  const otherA = { revision: 1, runs: [{ ...unknown, repetition: 1, success: 1, score: 0 }] }
  const d = { revision: 1, runs: [{ ...unknown, repetition: 1, success: 0, tokens: 0, category: 'timeout' }] }
  const missing = randomUUID()
  const [pair, turned, same, none] = await read(
    tenant,
    [
      [one.toUpperCase(), two],
      [two, one],
      [one, one],
      [one, missing],
    ],
    'ALL',
  )
  expect(pair).toMatchObject({
    baselineId: one.toUpperCase(),
    candidateId: two,
    baseline: { simulationId: one, status: 'running' },
    candidate: { simulationId: two },
  })
  expect(pair!.scenarios).toEqual([
    { scenarioId: 'a', baseline: a, candidate: otherA },
    { scenarioId: 'c', baseline: c, candidate: null },
    { scenarioId: 'd', baseline: null, candidate: d },
  ])
  expect(turned!.scenarios[0]).toEqual({ scenarioId: 'a', baseline: otherA, candidate: a })
  expect(same!.scenarios).toEqual([
    { scenarioId: 'a', baseline: a, candidate: a },
    { scenarioId: 'c', baseline: c, candidate: c },
  ])
  expect(none).toEqual({
    baselineId: one,
    candidateId: missing,
    baseline: expect.anything(),
    candidate: null,
    scenarios: [],
  })
  const metricsOf = async (...dimensions: string[]) =>
    (await read(tenant, [[one, two]], dimensions))[0]!.scenarios[0]!.baseline!.runs[0]!.metrics
  expect(await metricsOf()).toEqual({})
  expect(await metricsOf('tone', 'nothing')).toEqual({ tone: 4 })
  expect((await read(arc.tenant(), [[one, two]]))[0]).toMatchObject({
    baseline: null,
    candidate: null,
    scenarios: [],
  })
})

it('a simulation that has no outcomes has no values', async () => {
  const tenant = arc.tenant()
  const [one, two] = [await tenant.simulation(['a']), await tenant.simulation(['a'])]
  await tenant.record([{ simulationId: one, scenarioId: 'a', status: 'SUCCESS' }])
  const [pair] = await read(tenant, [[one, two]])
  expect(pair!.scenarios).toMatchObject([{ scenarioId: 'a', candidate: null }])
})
