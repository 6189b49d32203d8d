import type { Sql } from '../../db/tenantTransaction.ts'
import { type JsonObject, storableJson, storableText } from '../../json.ts'
import { type InputPath, Refusal } from '../../refusal.ts'
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
const MAX_RUNS = 1_000_000
const MAX_INT = 2_147_483_647

/**
 * A new simulation, with a run for each scenario and repetition. The same call again, with the same `simulationId`,
 * answers the simulation that is there.
 *
 * @throws Refusal CONFIG_VERSION_NOT_FOUND, SCENARIO_NOT_FOUND, SIMULATION_ID_TAKEN, INVALID_VALUE, TOO_MANY_ROWS.
 */
export async function startSimulation(
  sql: Sql,
  simulation: NewSimulation,
): Promise<{ simulationId: string; created: boolean }> {
  const checked = checkNewSimulation(simulation)
  if (!(await configVersionExists(sql, checked.configVersionId))) {
    throw new Refusal(
      'CONFIG_VERSION_NOT_FOUND',
      `There is no configuration version ${checked.configVersionId}.`,
      ['configVersionId'],
    )
  }
  const missing = new Set(await missingScenarios(sql, checked.scenarioIds))
  if (missing.size > 0) {
    const index = checked.scenarioIds.findIndex((id) => missing.has(id))
    const others = missing.size > 1 ? ` (and ${missing.size - 1} more)` : ''
    throw new Refusal(
      'SCENARIO_NOT_FOUND',
      `There is no scenario "${checked.scenarioIds[index]}"${others}.`,
      ['scenarioIds', index],
    )
  }
  const simulationId = await insertSimulation(sql, checked)
  if (simulationId !== null) return { simulationId, created: true }
  const known = await lockSimulation(sql, checked.simulationId!)
  if (!known || !isSame(known, checked)) {
    throw new Refusal('SIMULATION_ID_TAKEN', `The simulation ${checked.simulationId} is another one.`, [
      'simulationId',
    ])
  }
  return { simulationId: known.simulationId, created: false }
}

/** Ends a simulation that went through. @throws Refusal SIMULATION_NOT_FOUND, SIMULATION_ENDED, INVALID_VALUE. */
export async function completeSimulation(sql: Sql, simulationId: string, result: SuiteResult): Promise<void> {
  range(result.overallScore, 0, 1, ['result', 'overallScore'])
  range(result.totalCostUsd, 0, 999_999, ['result', 'totalCostUsd'])
  range(result.executionTimeMs, 0, Number.MAX_SAFE_INTEGER, ['result', 'executionTimeMs'])
  await end(sql, simulationId, 'completed', result, null)
}

/** Ends a simulation that broke off. @throws Refusal SIMULATION_NOT_FOUND, SIMULATION_ENDED. */
export async function failSimulation(sql: Sql, simulationId: string, errorMessage: string): Promise<void> {
  await end(sql, simulationId, 'failed', NOTHING_GIVEN, storableText(errorMessage).slice(0, 10_000))
}

/** Ends a simulation on request. @throws Refusal SIMULATION_NOT_FOUND, SIMULATION_ENDED. */
export async function cancelSimulation(sql: Sql, simulationId: string, reason: string | null): Promise<void> {
  await end(
    sql,
    simulationId,
    'cancelled',
    NOTHING_GIVEN,
    reason === null ? null : storableText(reason).slice(0, 10_000),
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
  sql: Sql,
  simulationId: string,
  status: 'completed' | 'failed' | 'cancelled',
  result: SuiteResult,
  errorMessage: string | null,
): Promise<void> {
  const simulation = await lockSimulation(sql, simulationId)
  if (!simulation)
    throw new Refusal('SIMULATION_NOT_FOUND', `There is no simulation ${simulationId}.`, ['simulationId'])
  if (simulation.status === status) {
    if (isSameResult(simulation.result, result)) return
    throw new Refusal(
      'SIMULATION_ENDED',
      `The simulation is ${status} with another result; an end is not changed.`,
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
  await finishSimulation(sql, simulationId, status, result, errorMessage)
}

function checkNewSimulation(simulation: NewSimulation): NewSimulation {
  const { scenarioIds, repetitions } = simulation
  if (scenarioIds.length === 0)
    throw new Refusal('INVALID_VALUE', 'A simulation runs at least one scenario.', ['scenarioIds'])
  if (scenarioIds.length > MAX_SCENARIOS) {
    throw new Refusal(
      'TOO_MANY_ROWS',
      `There are ${scenarioIds.length} scenarios; the limit is ${MAX_SCENARIOS}.`,
      ['scenarioIds'],
    )
  }
  const seen = new Set<string>()
  scenarioIds.forEach((id, index) => {
    if (seen.has(id))
      throw new Refusal('INVALID_VALUE', `The scenario "${id}" is listed twice: repetitions run it again.`, [
        'scenarioIds',
        index,
      ])
    seen.add(id)
  })
  range(repetitions, 1, 1000, ['repetitions'])
  if (scenarioIds.length * repetitions > MAX_RUNS) {
    throw new Refusal(
      'TOO_MANY_ROWS',
      `These are ${scenarioIds.length * repetitions} runs; the limit is ${MAX_RUNS}.`,
      ['repetitions'],
    )
  }
  range(simulation.sandboxInstances, 1, MAX_INT, ['sandboxInstances'])
  range(simulation.timeoutMs, 1, MAX_INT, ['timeoutMs'])
  range(simulation.maxRetries, 0, MAX_INT, ['maxRetries'])
  range(simulation.priority, 1, 10, ['priority'])
  return {
    ...simulation,
    name: text(simulation.name, ['name']),
    modalAppId: text(simulation.modalAppId, ['modalAppId']),
    modalEnvironment: text(simulation.modalEnvironment, ['modalEnvironment']),
    metadata: simulation.metadata === null ? null : metadata(simulation.metadata),
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

function range(value: number | null, min: number, max: number, path: InputPath): void {
  if (value === null || (value >= min && value <= max)) return
  throw new Refusal(
    'INVALID_VALUE',
    `${path.at(-1)} is ${value}; it has to be between ${min} and ${max}.`,
    path,
  )
}

function text(value: string | null, path: InputPath): string | null {
  if (value === null) return null
  if (value.length > 200)
    throw new Refusal('INVALID_VALUE', `${path[0]} is longer than 200 characters.`, path)
  return storableText(value)
}

function metadata(value: JsonObject): JsonObject {
  try {
    return storableJson(value).value as JsonObject
  } catch (error) {
    throw error instanceof Refusal ? error.at('metadata') : error
  }
}
