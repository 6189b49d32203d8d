import { describe, expect, it, vi } from 'vitest'
import { ArcClient } from '../../src/client/arcClient.ts'
import { ArcRequestError } from '../../src/client/arcRequestError.ts'
import { runSample } from '../../src/sample/sample.ts'
import { Arc, type Tenant, useArc } from '../support/arc.ts'
import { SOON } from '../support/soon.ts'

const arc = useArc()

async function clientOf(tenant: Tenant, url = arc.url): Promise<ArcClient> {
  return new ArcClient({ url, token: await tenant.token(), patienceMs: 0 })
}

/** Runs the sample until the tenant's rows are as `isThere` expects them, then stops it. */
async function sampleUntil(tenant: Tenant, isThere: () => Promise<void>): Promise<void> {
  const stopping = new AbortController()
  const sample = runSample(await clientOf(tenant), stopping.signal)
  try {
    await Promise.race([sample, vi.waitFor(isThere, SOON)])
  } finally {
    stopping.abort()
    await sample
  }
  await isThere()
}

async function liveRunsOf(
  tenant: Tenant,
): Promise<{ simulationId: string; status: string; runs: { nodes: any[] } }[]> {
  const { simulations } = await tenant.data(`{
    simulations(filter: { simulationName: { eq: "Sample: live run" } }) {
      nodes { simulationId status succeededScenarios failedScenarios runs(first: 500) { nodes { scenarioId repetition status } } }
    }
  }`)
  return simulations.nodes
}

async function liveRunBegins(tenant: Tenant): Promise<void> {
  const [latest] = await liveRunsOf(tenant)
  expect(latest?.status).toBe('RUNNING')
  expect(latest?.runs.nodes.filter(({ status }) => status !== 'PENDING').length).toBeGreaterThan(0)
}

const PAST = `{
  simulations(filter: { simulationName: { in: [
    "Sample: first try", "Sample: reads the policy", "Sample: sandboxes lost", "Sample: asks before it acts", "Sample: small model"
  ] } }) {
    nodes { simulationName status repetitions totalScenarios succeededScenarios failedScenarios metadata configVersion { versionNumber } }
  }
}`

const FILLED = [
  {
    simulationName: 'Sample: small model',
    status: 'COMPLETED',
    repetitions: 1,
    versionNumber: 1,
    outcomes: 12,
  },
  {
    simulationName: 'Sample: asks before it acts',
    status: 'COMPLETED',
    repetitions: 3,
    versionNumber: 3,
    outcomes: 36,
  },
  {
    simulationName: 'Sample: sandboxes lost',
    status: 'FAILED',
    repetitions: 1,
    versionNumber: 3,
    outcomes: 4,
  },
  {
    simulationName: 'Sample: reads the policy',
    status: 'COMPLETED',
    repetitions: 3,
    versionNumber: 2,
    outcomes: 36,
  },
  {
    simulationName: 'Sample: first try',
    status: 'COMPLETED',
    repetitions: 1,
    versionNumber: 1,
    outcomes: 12,
  },
]

async function pastOf(tenant: Tenant) {
  const { simulations } = await tenant.data(PAST)
  return simulations.nodes.map(
    ({ simulationName, status, repetitions, succeededScenarios, failedScenarios, configVersion }: any) => ({
      simulationName,
      status,
      repetitions,
      versionNumber: configVersion.versionNumber,
      outcomes: succeededScenarios + failedScenarios,
    }),
  )
}

describe('in an empty tenant', () => {
  it('fills in a labelled past and begins a live run', async () => {
    const tenant = arc.tenant()
    await sampleUntil(tenant, () => liveRunBegins(tenant))
    expect(await pastOf(tenant)).toEqual(FILLED)

    const { simulations, configurations, scenarios, outcomes } = await tenant.data(`{
      simulations { nodes { simulationName metadata } }
      configurations { nodes { name versions { nodes { warnings } } } }
      scenarios { nodes { name source metadata tags difficultyLevel } }
      outcomes(first: 500) { nodes { executionTime status errorCategory trajectory failurePatterns { totalCount } toolUsage { totalCount } } }
    }`)
    for (const { simulationName, metadata } of simulations.nodes) {
      expect([simulationName.startsWith('Sample: '), metadata]).toEqual([true, { synthetic: true }])
    }
    expect(configurations.nodes.map(({ name }: any) => name)).toEqual([
      'Sample: support agent on a small model',
      'Sample: support agent',
    ])
    expect(configurations.nodes.flatMap(({ versions }: any) => versions.nodes)).toEqual(
      Array(4).fill({ warnings: [] }),
    )
    expect(scenarios.nodes).toHaveLength(12)
    for (const { name, source, metadata } of scenarios.nodes) {
      expect([name.startsWith('Sample: '), source, metadata]).toEqual([
        true,
        'arc-sample',
        { synthetic: true },
      ])
    }
    expect(new Set(scenarios.nodes.map(({ difficultyLevel }: any) => difficultyLevel))).toEqual(
      new Set(['EASY', 'MEDIUM', 'HARD']),
    )

    const tenDaysAgo = Date.now() - 10 * 86_400_000
    for (const { executionTime, status, trajectory, failurePatterns, toolUsage } of outcomes.nodes) {
      expect(Date.parse(executionTime)).toBeGreaterThan(tenDaysAgo)
      expect(trajectory.messages.length).toBeGreaterThanOrEqual(6)
      expect(trajectory.messages.length).toBeLessThanOrEqual(20)
      expect(failurePatterns.totalCount).toBe(status === 'SUCCESS' ? 0 : 1)
      expect(toolUsage.totalCount).toBeGreaterThan(0)
    }
    expect(new Set(outcomes.nodes.map(({ errorCategory }: any) => errorCategory)).size).toBeGreaterThan(4)
  })

  it('goes on with a filling that was cut short, wherever that was', async () => {
    const tenant = arc.tenant()
    const client = await clientOf(tenant)
    for (const requests of [4, 7, 11]) {
      const stopping = new AbortController()
      let sent = 0
      const { fetch } = globalThis
      const counting = vi.spyOn(globalThis, 'fetch').mockImplementation((...request) => {
        if (++sent === requests) stopping.abort()
        return fetch(...request)
      })
      await runSample(client, stopping.signal)
      counting.mockRestore()
      expect(sent).toBe(requests)
    }
    expect(await liveRunsOf(tenant)).toEqual([])
    await sampleUntil(tenant, async () => expect(await liveRunsOf(tenant)).toHaveLength(1))
    expect(await pastOf(tenant)).toEqual(FILLED)
  })
})

describe('the live run', () => {
  it('goes on after a restart, is completed when it is through, and is followed by another', async () => {
    const tenant = arc.tenant()
    await sampleUntil(tenant, () => liveRunBegins(tenant))
    const [first] = await liveRunsOf(tenant)
    const [last, ...others] = first!.runs.nodes.filter(({ status }) => status === 'PENDING').reverse()
    const { storedCount } = await tenant.record(
      others.map(({ scenarioId, repetition }) => ({
        simulationId: first!.simulationId,
        scenarioId,
        repetition,
        status: 'SUCCESS',
      })),
    )
    expect(storedCount).toBe(others.length)
    expect(last).toBeDefined()

    await sampleUntil(tenant, async () => expect(await liveRunsOf(tenant)).toHaveLength(2))
    const [second, completed] = await liveRunsOf(tenant)
    expect(second!.status).toBe('RUNNING')
    expect(completed).toMatchObject({ simulationId: first!.simulationId, status: 'COMPLETED' })
    expect(completed!.runs.nodes.filter(({ status }) => status === 'PENDING')).toEqual([])
    expect(await pastOf(tenant)).toEqual(FILLED)
  })

  it('that is cancelled is followed by another', async () => {
    const tenant = arc.tenant()
    await sampleUntil(tenant, async () => {
      await liveRunBegins(tenant)
    })
    const [first] = await liveRunsOf(tenant)
    await sampleUntil(tenant, async () => {
      const runs = await liveRunsOf(tenant)
      if (runs.length === 1 && runs[0]!.status === 'RUNNING') {
        await tenant.data(
          'mutation ($simulationId: UUID!) { cancelSimulation(input: { simulationId: $simulationId }) { errors { message } } }',
          { simulationId: first!.simulationId },
        )
      }
      expect(runs.map(({ status }) => status)).toEqual(['RUNNING', 'CANCELLED'])
    })
  })
})

it('adds nothing to a tenant with simulations of its own', async () => {
  const tenant = arc.tenant()
  await tenant.simulation(['mine'])
  await runSample(await clientOf(tenant), new AbortController().signal)
  const { simulations, scenarios } = await tenant.data(
    '{ simulations { totalCount } scenarios { totalCount } }',
  )
  expect([simulations.totalCount, scenarios.totalCount]).toEqual([1, 1])
})

it('ends quietly when the server closes under it, and says so when nobody closed it', async () => {
  const other = new Arc()
  await other.start()
  const tenant = other.tenant()
  const client = await clientOf(tenant, other.url)
  const stopping = new AbortController()
  const sample = runSample(client, stopping.signal)
  await vi.waitFor(() => liveRunBegins(tenant), SOON)
  stopping.abort()
  await Promise.all([sample, other.stop()])
  await expect(runSample(client, new AbortController().signal)).rejects.toThrow(ArcRequestError)
})
