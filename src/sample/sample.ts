import { setTimeout as delay } from 'node:timers/promises'
import type { ArcClient } from '../client/arcClient.ts'
import { ArcRequestError } from '../client/arcRequestError.ts'
import { PendingRunsDocument, SampleStateDocument } from '../client/operations.ts'
import { derivedUuid } from '../uuid.ts'
import {
  CAREFUL_AGENT,
  FIRST_AGENT,
  POLICY_AGENT,
  type SampleAgent,
  SCENARIOS,
  SMALL_AGENT,
} from './sampleData.ts'
import { sampleOutcome } from './sampleOutcome.ts'

const LIVE_RUN = 'Sample: live run'
const LIVE_REPETITIONS = 5

/** The sample's past, spread over the last ten days. */
const PAST: {
  name: string
  agent: SampleAgent
  repetitions: number
  daysAgo: number
  failedAfter?: number
}[] = [
  { name: 'Sample: first try', agent: FIRST_AGENT, repetitions: 1, daysAgo: 9.5 },
  { name: 'Sample: reads the policy', agent: POLICY_AGENT, repetitions: 3, daysAgo: 6.2 },
  { name: 'Sample: sandboxes lost', agent: CAREFUL_AGENT, repetitions: 1, daysAgo: 4.1, failedAfter: 4 },
  { name: 'Sample: asks before it acts', agent: CAREFUL_AGENT, repetitions: 3, daysAgo: 3 },
  { name: 'Sample: small model', agent: SMALL_AGENT, repetitions: 1, daysAgo: 0.8 },
]
const MINUTES_BETWEEN_RUNS = 7
const DAY_MS = 86_400_000

/** Small, so that whoever asks meanwhile does not wait for the sample: the embedded database does one thing at a time. */
const OUTCOMES_PER_CALL = 12

/**
 * The mean pause between two outcomes of the live run, by how many live runs have ended. An outcome takes 5 KB on disk:
 * at the first pace a server that is left alone would write 2 GB in a week, and so it writes less than 100 MB.
 */
const PACES = [
  { afterRuns: 50, pauseMs: 60_000 },
  { afterRuns: 5, pauseMs: 10_000 },
] as const
const FIRST_PAUSE_MS = 1_500

/**
 * Fills the tenant with a small synthetic sample when it has no simulation, and keeps the simulation "Sample: live
 * run" going in a tenant that has the sample, until `stopping`: one outcome every second or two, less often later
 * (`PACES`), and another run when it is through. In a tenant with simulations but without the sample it does
 * nothing. All that it makes has a name that starts with "Sample: " and `{synthetic: true}` in its metadata.
 *
 * A restart goes on with the run, or with the filling, that was under way.
 *
 * @throws ArcRequestError when the server gives no answer, or refuses; nothing once `stopping` has come.
 */
export async function runSample(client: ArcClient, stopping: AbortSignal): Promise<void> {
  try {
    const { all, past, liveRuns } = await sampleState(client, stopping)
    if (liveRuns.totalCount === 0) {
      if (all.totalCount > past.totalCount) return
      await fill(client, stopping)
    }
    while (!stopping.aborted) await playLiveRun(client, stopping)
  } catch (error) {
    if (!stopping.aborted) throw error
  }
}

function sampleState(client: ArcClient, stopping: AbortSignal) {
  const names = PAST.map(({ name }) => name)
  return client.request(SampleStateDocument, { past: names, liveRun: LIVE_RUN }, { signal: stopping })
}

async function fill(client: ArcClient, signal: AbortSignal): Promise<void> {
  await client.upsertScenarios(SCENARIOS, { signal })
  for (const { name, agent, repetitions, daysAgo, failedAfter } of PAST) {
    const simulationId = await startSimulation(client, signal, name, name, agent, repetitions)
    const beganAt = Date.now() - daysAgo * DAY_MS
    const runs = Array.from({ length: repetitions }, (_, round) =>
      SCENARIOS.map(({ scenarioId }) => ({ scenarioId, repetition: round + 1 })),
    ).flat()
    const outcomes = runs.slice(0, failedAfter).map((run, index) =>
      sampleOutcome({
        ...run,
        simulationId,
        agent,
        executionTime: new Date(beganAt + index * MINUTES_BETWEEN_RUNS * 60_000),
      }),
    )
    await client.recordOutcomes(outcomes, { maxRows: OUTCOMES_PER_CALL, callsInFlight: 1, signal })
    if (failedAfter === undefined) {
      await client.completeSimulation(simulationId, undefined, { signal })
    } else {
      const errorMessage = 'The sandbox image could not be pulled: 3 of 3 attempts failed.'
      await client.failSimulation(simulationId, errorMessage, { signal })
    }
  }
}

/** Goes on with the live run that is under way, else starts one; and completes it when it is through. */
async function playLiveRun(client: ArcClient, stopping: AbortSignal): Promise<void> {
  const { liveRuns } = await sampleState(client, stopping)
  const [latest] = liveRuns.nodes
  const underWay = latest && (latest.status === 'RUNNING' || latest.status === 'PENDING') ? latest : null
  const ended = liveRuns.totalCount - (underWay ? 1 : 0)
  const simulationId =
    underWay?.simulationId ??
    (await startSimulation(client, stopping, LIVE_RUN, `live/${ended}`, CAREFUL_AGENT, LIVE_REPETITIONS))
  const { pauseMs } = PACES.find(({ afterRuns }) => ended > afterRuns) ?? { pauseMs: FIRST_PAUSE_MS }

  const { simulation } = await client.request(PendingRunsDocument, { simulationId }, { signal: stopping })
  for (const { scenarioId, repetition } of simulation?.runs.nodes ?? []) {
    await delay(pauseMs * (2 / 3 + Math.random() * (2 / 3)), undefined, { signal: stopping })
    const outcome = sampleOutcome({ simulationId, scenarioId, repetition, agent: CAREFUL_AGENT })
    const { code } = await client.recordOutcome(outcome, { signal: stopping })
    // Somebody cancelled it, say: the next one takes its place.
    if (code === 'SIMULATION_ENDED') return
  }
  try {
    await client.completeSimulation(simulationId, undefined, { signal: stopping })
  } catch (error) {
    if (!(error instanceof ArcRequestError && error.codes.includes('SIMULATION_ENDED'))) throw error
  }
}

/** The id of a simulation over all scenarios: the same `key` is the same simulation, made once. */
async function startSimulation(
  client: ArcClient,
  signal: AbortSignal,
  name: string,
  key: string,
  agent: SampleAgent,
  repetitions: number,
): Promise<string> {
  const { versionId } = await client.ensureConfigVersion(agent, { signal })
  const input = {
    simulationId: derivedUuid(`arc-sample/${key}`),
    name,
    configVersionId: versionId,
    scenarioIds: SCENARIOS.map(({ scenarioId }) => scenarioId),
    repetitions,
    metadata: { synthetic: true },
  }
  return (await client.startSimulation(input, { signal })).simulationId
}
