import type { ArcClient, OutcomeInput, Simulation } from 'arc-eval/client'

export interface Task {
  scenarioId: string
  taskPrompt: string
}

/** Runs the agent on one task in a sandbox of its own, and returns the result. */
export type RunInSandbox = (task: Task) => Promise<Omit<OutcomeInput, 'simulationId' | 'scenarioId'>>

/** Runs all tasks, some at a time. Each outcome is stored when its sandbox ends; a sandbox that fails is an outcome, too. */
export async function evaluate(
  client: ArcClient,
  agent: { name: string; yaml: string },
  tasks: Task[],
  runInSandbox: RunInSandbox,
  { sandboxInstances = 8, modalAppId }: { sandboxInstances?: number; modalAppId?: string } = {},
): Promise<Simulation> {
  const { versionId: configVersionId } = await client.ensureConfigVersion(agent)
  for (const { status, scenarioId, reason } of await client.upsertScenarios(tasks)) {
    if (status === 'REJECTED') throw new Error(`${scenarioId}: ${reason}`)
  }
  const scenarioIds = tasks.map(({ scenarioId }) => scenarioId)
  const { simulationId } = await client.startSimulation({
    configVersionId,
    scenarioIds,
    modalAppId,
    sandboxInstances,
  })

  const batcher = client.outcomeBatcher()
  const waiting = [...tasks]
  const lane = async () => {
    for (let task = waiting.shift(); task; task = waiting.shift()) {
      const outcome = await runInSandbox(task).catch((error) => ({
        status: 'ERROR' as const,
        error: String(error),
        errorCategory: 'SANDBOX_ERROR' as const,
      }))
      const receipt = await batcher.record({ ...outcome, simulationId, scenarioId: task.scenarioId })
      if (receipt.status === 'REJECTED') console.error(`${task.scenarioId}: ${receipt.reason}`)
    }
  }
  try {
    await Promise.all(Array.from({ length: sandboxInstances }, lane))
    return await client.completeSimulation(simulationId)
  } catch (error) {
    await client.failSimulation(simulationId, String(error))
    throw error
  }
}
