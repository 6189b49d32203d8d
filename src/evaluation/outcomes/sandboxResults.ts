import type { TenantTransaction, Write } from '../../db/tenantTransaction.ts'
import { Refusal } from '../../refusal.ts'
import { checkEach, checkRows } from '../../valueChecks.ts'
import { upsertScenarios } from '../scenarios/scenarios.ts'
import { checkRoom, countOpenRuns } from '../simulations/openRuns.ts'
import {
  growSimulation,
  lockSimulation,
  missingScenarios,
  type SimulationState,
} from '../simulations/simulationStore.ts'
import { checkRuns } from '../simulations/simulations.ts'
import { inOrder, type OutcomeReceipt, rejection, storeInTransaction } from './outcomes.ts'
import { mapSandboxResult, type ResultScenario } from './sandboxResult.ts'

/**
 * Stores what sandboxes report in their own structure. A scenario that the tenant does not have is created when the
 * result brings a prompt, and one that the simulation did not plan joins it. One receipt a result; a bad one costs no
 * other.
 *
 * @throws Refusal SIMULATION_NOT_FOUND, TOO_MANY_ROWS, INVALID_VALUE when there is none.
 */
export async function recordSandboxResults(
  write: Write,
  maxOpenRuns: number,
  simulationId: string,
  results: readonly unknown[],
): Promise<OutcomeReceipt[]> {
  checkRows(results.length, ['results'])
  const { taken, refused } = checkEach(results, mapSandboxResult)
  const scenarioAt = new Map(taken.map(({ index, row }) => [index, row.scenario]))
  const outcomes = taken.map(({ index, row: { outcome, notes } }) => ({
    index,
    input: { ...outcome, simulationId },
    notes,
  }))
  const receipts = await storeInTransaction(write, outcomes, async (transaction, indexes) => {
    const scenarios = indexes.map((index) => scenarioAt.get(index)!)
    const refusals = await takeScenarios(transaction, maxOpenRuns, simulationId, scenarios)
    return new Map(
      indexes.flatMap((index) => {
        const refusal = refusals.get(scenarioAt.get(index)!.scenarioId)
        return refusal ? [[index, refusal]] : []
      }),
    )
  })
  return inOrder([...refused.map(({ index, refusal }) => rejection(index, refusal)), ...receipts])
}

/** Why scenarios cannot be made, or cannot join, by their keys. */
type Refusals = Map<string, Refusal>

/** Locks the simulation and lets those of the scenarios join it that it does not have. */
async function takeScenarios(
  transaction: TenantTransaction,
  maxOpenRuns: number,
  simulationId: string,
  scenarios: ResultScenario[],
): Promise<Refusals> {
  const simulation = await lockSimulation(transaction, simulationId)
  if (!simulation)
    throw new Refusal('SIMULATION_NOT_FOUND', `There is no simulation ${simulationId}.`, ['simulationId'])
  if (simulation.status !== 'pending' && simulation.status !== 'running') return new Map()
  const byId = new Map<string, ResultScenario>()
  // One of the results of a scenario may bring its prompt.
  for (const scenario of scenarios)
    if (!byId.get(scenario.scenarioId)?.taskPrompt) byId.set(scenario.scenarioId, scenario)
  return new Map([
    ...(await createUnknownScenarios(transaction, byId)),
    ...(await joinScenarios(transaction, maxOpenRuns, simulation, [...byId.keys()])),
  ])
}

async function createUnknownScenarios(
  transaction: TenantTransaction,
  byId: Map<string, ResultScenario>,
): Promise<Refusals> {
  const missing = await missingScenarios(transaction, [...byId.keys()])
  const described = missing.flatMap((id) => {
    const { taskPrompt, ...scenario } = byId.get(id)!
    return taskPrompt ? [{ ...scenario, taskPrompt }] : []
  })
  if (described.length === 0) return new Map()
  const receipts = await upsertScenarios(transaction, described)
  return new Map(
    receipts.flatMap(({ index, refusal }) =>
      refusal
        ? [[described[index]!.scenarioId, new Refusal(refusal.code, refusal.message, ['scenario'])]]
        : [],
    ),
  )
}

/** As many as there is room for. */
async function joinScenarios(
  transaction: TenantTransaction,
  maxOpenRuns: number,
  simulation: SimulationState,
  scenarioIds: string[],
): Promise<Refusals> {
  const refusals: Refusals = new Map()
  const isPlanned = new Set(simulation.scenarioSet)
  const unplanned = scenarioIds.filter((id) => !isPlanned.has(id))
  const missing = new Set(await missingScenarios(transaction, unplanned))
  const joining = unplanned.filter((id) => !missing.has(id))
  if (joining.length === 0) return refusals
  const { simulationId, scenarioSet, repetitions } = simulation
  const open = await countOpenRuns(transaction, simulationId)
  const { taken, refused } = checkEach(joining, (id, index) => {
    const scenarios = scenarioSet.length + index + 1
    checkRuns(scenarios, repetitions)
    checkRoom(open, scenarios * repetitions, maxOpenRuns)
    return id
  })
  for (const { index, refusal } of refused)
    refusals.set(joining[index]!, new Refusal(refusal.code, refusal.message, ['scenario']))
  const joined = taken.map(({ row }) => row)
  if (joined.length > 0)
    await growSimulation(transaction, simulation, { scenarioIds: joined, repetitions: null, metadata: null })
  return refusals
}
