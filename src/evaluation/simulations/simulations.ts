import type { TenantTransaction } from '../../db/tenantTransaction.ts'
import { type InputPath, Refusal } from '../../refusal.ts'
import { cutText } from '../../text.ts'
import {
  checkRows,
  integer,
  invalid,
  LENGTHS,
  MAX_INTEGER,
  optionalCost,
  optionalInteger,
  optionalNumber,
  optionalText,
  storableAt,
} from '../../valueChecks.ts'
import {
  configVersionExists,
  finishSimulation,
  insertSimulation,
  lockSimulation,
  missingScenarios,
  type NewSimulation,
  type SimulationState,
  type SuiteResult,
} from './simulationStore.ts'

const MAX_SCENARIOS = 100_000
const MAX_REPETITIONS = 1_000
const MAX_RUNS = 1_000_000

/**
 * A new simulation, with a run for each scenario and repetition. The same call again, with the same `simulationId`,
 * answers the simulation that is there.
 *
 * @throws Refusal CONFIG_VERSION_NOT_FOUND, SCENARIO_NOT_FOUND, SIMULATION_ID_TAKEN, INVALID_VALUE, TOO_MANY_ROWS.
 */
export async function startSimulation(
  transaction: TenantTransaction,
  simulation: NewSimulation,
): Promise<{ simulationId: string; created: boolean }> {
  const checked = checkNewSimulation(simulation)
  if (!(await configVersionExists(transaction, checked.configVersionId))) {
    throw new Refusal(
      'CONFIG_VERSION_NOT_FOUND',
      `There is no configuration version ${checked.configVersionId}.`,
      ['configVersionId'],
    )
  }
  const missing = new Set(await missingScenarios(transaction, checked.scenarioIds))
  if (missing.size > 0) {
    const index = checked.scenarioIds.findIndex((id) => missing.has(id))
    const others = missing.size > 1 ? ` (and ${missing.size - 1} more)` : ''
    throw new Refusal(
      'SCENARIO_NOT_FOUND',
      `There is no scenario "${checked.scenarioIds[index]}"${others}.`,
      ['scenarioIds', index],
    )
  }
  const simulationId = await insertSimulation(transaction, checked)
  if (simulationId !== null) return { simulationId, created: true }
  const known = await lockSimulation(transaction, checked.simulationId!)
  if (!known || !isSame(known, checked)) {
    throw new Refusal('SIMULATION_ID_TAKEN', `Another simulation has the id ${checked.simulationId}.`, [
      'simulationId',
    ])
  }
  return { simulationId: known.simulationId, created: false }
}

/** Ends a simulation that went through. @throws Refusal SIMULATION_NOT_FOUND, SIMULATION_ENDED, INVALID_VALUE. */
export async function completeSimulation(
  transaction: TenantTransaction,
  simulationId: string,
  result: SuiteResult,
): Promise<void> {
  const checked = {
    overallScore: optionalNumber(result.overallScore, 0, 1, ['result', 'overallScore']),
    totalCostUsd: optionalCost(result.totalCostUsd, ['result', 'totalCostUsd']),
    executionTimeMs: optionalInteger(result.executionTimeMs, 0, Number.MAX_SAFE_INTEGER, [
      'result',
      'executionTimeMs',
    ]),
  }
  await end(transaction, simulationId, 'completed', checked, null)
}

/** Ends a simulation that broke off. @throws Refusal SIMULATION_NOT_FOUND, SIMULATION_ENDED. */
export async function failSimulation(
  transaction: TenantTransaction,
  simulationId: string,
  errorMessage: string,
): Promise<void> {
  await end(transaction, simulationId, 'failed', NOTHING_GIVEN, message(errorMessage, ['errorMessage']))
}

/** Ends a simulation on request. @throws Refusal SIMULATION_NOT_FOUND, SIMULATION_ENDED. */
export async function cancelSimulation(
  transaction: TenantTransaction,
  simulationId: string,
  reason: string | null,
): Promise<void> {
  await end(
    transaction,
    simulationId,
    'cancelled',
    NOTHING_GIVEN,
    reason === null ? null : message(reason, ['reason']),
  )
}

const NOTHING_GIVEN: SuiteResult = { overallScore: null, totalCostUsd: null, executionTimeMs: null }

/** What a caller gives, as it is stored: money to the millionth. */
function isSameResult(known: SuiteResult, given: SuiteResult): boolean {
  return Object.entries(given).every(([name, value]) => {
    const stored = known[name as keyof SuiteResult]
    return value === null || (stored !== null && Math.abs(stored - value) < 1e-6)
  })
}

/** The same end again changes nothing: a caller whose answer got lost may ask again. */
async function end(
  transaction: TenantTransaction,
  simulationId: string,
  status: 'completed' | 'failed' | 'cancelled',
  result: SuiteResult,
  errorMessage: string | null,
): Promise<void> {
  const simulation = await lockSimulation(transaction, simulationId)
  if (!simulation)
    throw new Refusal('SIMULATION_NOT_FOUND', `There is no simulation ${simulationId}.`, ['simulationId'])
  if (simulation.status === status) {
    if (isSameResult(simulation.result, result)) return
    throw new Refusal(
      'SIMULATION_ENDED',
      `The simulation is ${status} with another result; an end is final.`,
      ['result'],
    )
  }
  if (simulation.status !== 'pending' && simulation.status !== 'running') {
    throw new Refusal(
      'SIMULATION_ENDED',
      `The simulation is ${simulation.status}; it cannot become ${status}.`,
      ['simulationId'],
    )
  }
  await finishSimulation(transaction, simulationId, status, result, errorMessage)
}

function checkNewSimulation(simulation: NewSimulation): NewSimulation {
  const { scenarioIds, repetitions } = simulation
  checkRows(scenarioIds.length, ['scenarioIds'], MAX_SCENARIOS)
  const seen = new Set<string>()
  scenarioIds.forEach((id, index) => {
    if (seen.has(id)) throw invalid(id, 'listed once: repetitions run it again', ['scenarioIds', index])
    seen.add(id)
  })
  integer(repetitions, 1, MAX_REPETITIONS, ['repetitions'])
  if (scenarioIds.length * repetitions > MAX_RUNS) {
    throw new Refusal(
      'TOO_MANY_ROWS',
      `These are ${scenarioIds.length * repetitions} runs; the limit is ${MAX_RUNS}.`,
      ['repetitions'],
    )
  }
  return {
    ...simulation,
    scenarioIds: scenarioIds.map((id, index) => storableAt(id, ['scenarioIds', index])),
    name: optionalText(simulation.name, LENGTHS.simulationName, ['name']),
    modalAppId: optionalText(simulation.modalAppId, LENGTHS.label, ['modalAppId']),
    modalEnvironment: optionalText(simulation.modalEnvironment, LENGTHS.label, ['modalEnvironment']),
    sandboxInstances: optionalInteger(simulation.sandboxInstances, 1, MAX_INTEGER, ['sandboxInstances']),
    timeoutMs: optionalInteger(simulation.timeoutMs, 1, MAX_INTEGER, ['timeoutMs']),
    maxRetries: optionalInteger(simulation.maxRetries, 0, MAX_INTEGER, ['maxRetries']),
    priority: optionalInteger(simulation.priority, 1, 10, ['priority']),
    metadata: simulation.metadata && storableAt(simulation.metadata, ['metadata']),
  }
}

function isSame(known: SimulationState, asked: NewSimulation): boolean {
  const scenarios = new Set(known.scenarioSet)
  return (
    known.configVersionId === asked.configVersionId &&
    known.repetitions === asked.repetitions &&
    scenarios.size === asked.scenarioIds.length &&
    asked.scenarioIds.every((id) => scenarios.has(id))
  )
}

/** What was said of an end, as much of it as is kept. */
function message(said: string, path: InputPath): string {
  return cutText(storableAt(said, path), LENGTHS.message.max)
}
