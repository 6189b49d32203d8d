import type { TenantTransaction } from '../../db/tenantTransaction.ts'
import { Refusal } from '../../refusal.ts'
import { checkRows } from '../../valueChecks.ts'
import { upsertScenarios } from '../scenarios/scenarios.ts'
import { addScenarios, lockSimulation, missingScenarios } from '../simulations/simulationStore.ts'
import { inOrder, type OutcomeReceipt, rejection, storeInTransaction } from './outcomes.ts'
import { mapSandboxResult } from './sandboxResult.ts'

type MappedSandboxResult = ReturnType<typeof mapSandboxResult>

/**
 * Stores what sandboxes report in their own structure. A scenario that the tenant does not have is created when the
 * result brings a prompt, and one that the simulation did not plan joins it. One receipt a result.
 *
 * @throws Refusal SIMULATION_NOT_FOUND, TOO_MANY_ROWS, INVALID_VALUE when there is none.
 */
export async function recordSandboxResults(
  transaction: TenantTransaction,
  simulationId: string,
  results: readonly unknown[],
): Promise<OutcomeReceipt[]> {
  checkRows(results.length, ['results'])
  const receipts: OutcomeReceipt[] = []
  const mapped = new Map<number, MappedSandboxResult>()
  results.forEach((result, index) => {
    try {
      mapped.set(index, mapSandboxResult(result))
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      receipts.push(rejection(index, error))
    }
  })

  const simulation = await lockSimulation(transaction, simulationId)
  if (!simulation)
    throw new Refusal('SIMULATION_NOT_FOUND', `There is no simulation ${simulationId}.`, ['simulationId'])
  if (simulation.status === 'pending' || simulation.status === 'running') {
    await createUnknownScenarios(transaction, [...mapped.values()])
    await joinScenarios(transaction, simulationId, simulation.scenarioSet, [...mapped.values()])
  }

  const outcomes = [...mapped].map(([index, { outcome, notes }]) => ({
    index,
    input: { ...outcome, simulationId },
    notes,
  }))
  receipts.push(...(await storeInTransaction(transaction, outcomes)))
  return inOrder(receipts)
}

async function createUnknownScenarios(
  transaction: TenantTransaction,
  mapped: MappedSandboxResult[],
): Promise<void> {
  const described = new Map(mapped.map(({ scenario }) => [scenario.scenarioId, scenario]))
  for (const scenarioId of await missingScenarios(transaction, [...described.keys()])) {
    const { taskPrompt, ...scenario } = described.get(scenarioId)!
    if (taskPrompt) await upsertScenarios(transaction, [{ ...scenario, taskPrompt }])
  }
}

async function joinScenarios(
  transaction: TenantTransaction,
  simulationId: string,
  planned: string[],
  mapped: MappedSandboxResult[],
): Promise<void> {
  const isPlanned = new Set(planned)
  const unplanned = [...new Set(mapped.map(({ scenario }) => scenario.scenarioId))].filter(
    (id) => !isPlanned.has(id),
  )
  const missing = new Set(await missingScenarios(transaction, unplanned))
  const joining = unplanned.filter((id) => !missing.has(id))
  if (joining.length > 0) await addScenarios(transaction, simulationId, joining)
}
