import { databaseNow } from '../../databaseTime.ts'
import type { TenantTransaction } from '../../db/tenantTransaction.ts'
import type { JsonObject } from '../../json.ts'
import { type InputPath, Refusal } from '../../refusal.ts'
import { cutText } from '../../text.ts'
import {
  checkRows,
  integer,
  invalid,
  LENGTHS,
  MAX_INTEGER,
  metadataAt,
  optionalCost,
  optionalInteger,
  optionalPastTime,
  optionalScore,
  optionalText,
  storableAt,
  tagsAt,
} from '../../valueChecks.ts'
import { deletedRefusal } from '../deleted/deletedRefusal.ts'
import { findDeletionOf, lockReferences } from '../deleted/deletedStore.ts'
import { checkedScenarioKey } from '../scenarios/scenarioKey.ts'
import { checkOpenRuns } from './openRuns.ts'
import {
  type DescribedColumns,
  findRunnable,
  findSimulation,
  finishSimulation,
  type Growth,
  growSimulation,
  insertSimulation,
  lockSimulation,
  missingScenarios,
  type NewSimulation,
  reopenSimulation,
  type SimulationState,
  type SuiteResult,
  updateDescription,
} from './simulationStore.ts'

const MAX_SCENARIOS = 100_000
export const MAX_REPETITIONS = 1_000
const MAX_RUNS = 1_000_000

/**
 * A new simulation, with a run for each scenario and repetition. The same call again, with the same `simulationId`,
 * answers the simulation that is there.
 *
 * @throws Refusal CONFIG_VERSION_NOT_FOUND, CONFIG_VERSION_WITHDRAWN, CONFIGURATION_ARCHIVED, TIME_IN_FUTURE, SCENARIO_NOT_FOUND, SIMULATION_ID_TAKEN,
 *   SIMULATION_DELETED, INVALID_VALUE, TOO_MANY_ROWS.
 */
export async function startSimulation(
  transaction: TenantTransaction,
  maxOpenRuns: number,
  simulation: NewSimulation,
): Promise<{ simulationId: string; created: boolean }> {
  const checked = checkNewSimulation(simulation)
  await lockReferences(transaction, 'shared')
  await checkOpenRuns(transaction, {
    max: maxOpenRuns,
    planned: checked.scenarioIds.length * checked.repetitions,
    except: checked.simulationId,
  })
  const version = await findRunnable(transaction, checked.configVersionId)
  if (version === null) {
    throw new Refusal(
      'CONFIG_VERSION_NOT_FOUND',
      `There is no configuration version ${checked.configVersionId}.`,
      ['configVersionId'],
    )
  }
  if (version === 'archived') {
    throw new Refusal(
      'CONFIGURATION_ARCHIVED',
      'The version’s configuration is archived: restore it first.',
      ['configVersionId'],
    )
  }
  if (version === 'withdrawn') {
    throw new Refusal(
      'CONFIG_VERSION_WITHDRAWN',
      `The configuration version ${checked.configVersionId} was withdrawn.`,
      ['configVersionId'],
    )
  }
  await refuseMissing(transaction, checked.scenarioIds, checked.scenarioIds)
  const deletion =
    checked.simulationId && (await findDeletionOf(transaction, 'simulation', checked.simulationId))
  if (deletion) throw deletedRefusal(deletion, ['simulationId'])
  const simulationId = await insertSimulation(transaction, checked)
  if (simulationId !== null) return { simulationId, created: true }
  // Not locked: who extends it holds its row, and waits for the count of open runs that is locked here.
  const known = await findSimulation(transaction, checked.simulationId!)
  if (!known || !isSame(known, checked)) {
    throw new Refusal('SIMULATION_ID_TAKEN', `Another simulation has the id ${checked.simulationId}.`, [
      'simulationId',
    ])
  }
  return { simulationId: known.simulationId, created: false }
}

/**
 * Adds to a simulation that goes on: scenarios that it does not have, repetitions up to the given number, metadata in
 * place of its own. The same call again changes nothing. `reopen`: also to one that has completed, which then goes on.
 *
 * @throws Refusal SIMULATION_NOT_FOUND, SIMULATION_ENDED, SCENARIO_NOT_FOUND, INVALID_VALUE, TOO_MANY_ROWS.
 */
export async function extendSimulation(
  transaction: TenantTransaction,
  maxOpenRuns: number,
  simulationId: string,
  { scenarioIds, repetitions, metadata }: Growth,
  reopen = false,
): Promise<void> {
  const simulation = await lockSimulation(transaction, simulationId)
  if (!simulation) throw noSimulation(simulationId)
  const isOpen = simulation.status === 'pending' || simulation.status === 'running'
  // Whoever extends it is the runner that was taken for gone.
  const mayReopen = reopen || simulation.runnerLost
  if (!isOpen && !(mayReopen && (await reopenSimulation(transaction, simulationId)))) {
    throw new Refusal(
      'SIMULATION_ENDED',
      `The simulation is ${simulation.status}; nothing can be added to it.`,
      ['simulationId'],
    )
  }
  const planned = new Set(simulation.scenarioSet)
  const wanted = checkedScenarioKeys(scenarioIds)
  const joining = [...new Set(wanted)].filter((id) => !planned.has(id))
  await refuseMissing(transaction, joining, wanted)
  const times = Math.max(
    simulation.repetitions,
    optionalInteger(repetitions, 1, MAX_REPETITIONS, ['repetitions']) ?? 1,
  )
  const scenarios = simulation.scenarioSet.length + joining.length
  checkRuns(scenarios, times)
  await checkOpenRuns(transaction, { max: maxOpenRuns, planned: scenarios * times, except: simulationId })
  if (joining.length === 0 && times === simulation.repetitions && metadata === null) return
  await growSimulation(transaction, simulation, {
    scenarioIds: joining,
    repetitions: times,
    metadata: metadata && metadataAt(metadata, ['metadata']),
  })
}

/** What people call a simulation and say of it; what is absent stays as it is, null takes it away. */
export interface SimulationDescription {
  name?: string | null
  description?: string | null
  tags?: readonly string[] | null
  priority?: number | null
  metadata?: JsonObject | null
}

/** Names and describes a simulation, whether it goes on or has ended. @throws Refusal SIMULATION_NOT_FOUND, INVALID_VALUE. */
export async function describeSimulation(
  transaction: TenantTransaction,
  simulationId: string,
  { name, description, tags, priority, metadata }: SimulationDescription,
): Promise<void> {
  const set: Partial<DescribedColumns> = {}
  if (name !== undefined) set.simulation_name = optionalText(name?.trim(), LENGTHS.simulationName, ['name'])
  if (description !== undefined) set.description = optionalText(description, LENGTHS.prose, ['description'])
  if (tags !== undefined) set.tags = tagsAt(tags ?? [], ['tags'])
  if (priority != null) set.priority = integer(priority, 1, 10, ['priority'])
  if (metadata !== undefined) set.metadata = metadataAt(metadata ?? {}, ['metadata'])
  await lockReferences(transaction, 'shared')
  if (!(await updateDescription(transaction, simulationId, set))) throw noSimulation(simulationId)
}

/** Ends a simulation that went through. @throws Refusal SIMULATION_NOT_FOUND, SIMULATION_ENDED, TIME_IN_FUTURE, INVALID_VALUE. */
export async function completeSimulation(
  transaction: TenantTransaction,
  simulationId: string,
  result: SuiteResult,
  completedAt: Date | null,
): Promise<void> {
  const checked = {
    overallScore: optionalScore(result.overallScore, ['result', 'overallScore']),
    totalCostUsd: optionalCost(result.totalCostUsd, ['result', 'totalCostUsd']),
    executionTimeMs: optionalInteger(result.executionTimeMs, 0, Number.MAX_SAFE_INTEGER, [
      'result',
      'executionTimeMs',
    ]),
  }
  await end(transaction, simulationId, 'completed', checked, null, completedAt)
}

/** Ends a simulation that broke off. @throws Refusal SIMULATION_NOT_FOUND, SIMULATION_ENDED. */
export async function failSimulation(
  transaction: TenantTransaction,
  simulationId: string,
  errorMessage: string,
  completedAt: Date | null,
): Promise<void> {
  const said = message(errorMessage, ['errorMessage'])
  await end(transaction, simulationId, 'failed', NOTHING_GIVEN, said, completedAt)
}

/** Ends a simulation on request. @throws Refusal SIMULATION_NOT_FOUND, SIMULATION_ENDED. */
export async function cancelSimulation(
  transaction: TenantTransaction,
  simulationId: string,
  reason: string | null,
  completedAt: Date | null,
): Promise<void> {
  const said = reason === null ? null : message(reason, ['reason'])
  await end(transaction, simulationId, 'cancelled', NOTHING_GIVEN, said, completedAt)
}

const NOTHING_GIVEN: SuiteResult = { overallScore: null, totalCostUsd: null, executionTimeMs: null }

/** What a caller gives, as it is stored. */
function isSameResult(known: SuiteResult, given: SuiteResult): boolean {
  return Object.entries(given).every(([name, value]) => {
    const stored = known[name as keyof SuiteResult]
    return value === null || (stored !== null && Math.abs(stored - value) < 1e-9)
  })
}

/** The same end again changes nothing: a caller whose answer got lost may ask again. */
async function end(
  transaction: TenantTransaction,
  simulationId: string,
  status: 'completed' | 'failed' | 'cancelled',
  result: SuiteResult,
  errorMessage: string | null,
  completedAt: Date | null,
): Promise<void> {
  const endedAt = optionalPastTime(completedAt, databaseNow(), ['completedAt'])
  const simulation = await lockSimulation(transaction, simulationId)
  if (!simulation) throw noSimulation(simulationId)
  // The runner is there after all, or somebody knows better how it ended.
  const wasOpen = simulation.runnerLost && (await reopenSimulation(transaction, simulationId))
  if (simulation.status === status && !wasOpen) {
    if (isSameResult(simulation.result, result)) return
    throw new Refusal(
      'SIMULATION_ENDED',
      `The simulation is ${status} with another result; an end is final.`,
      ['result'],
    )
  }
  if (simulation.status !== 'pending' && simulation.status !== 'running' && !wasOpen) {
    throw new Refusal(
      'SIMULATION_ENDED',
      `The simulation is ${simulation.status}; it cannot become ${status}.`,
      ['simulationId'],
    )
  }
  const began = simulation.startedAt ?? simulation.createdAt
  if (endedAt && endedAt < began) {
    throw invalid(endedAt.toISOString(), `${began.toISOString()}, when it began, or later`, ['completedAt'])
  }
  await finishSimulation(transaction, simulationId, status, result, errorMessage, endedAt)
}

function noSimulation(simulationId: string): Refusal {
  return new Refusal('SIMULATION_NOT_FOUND', `There is no simulation ${simulationId}.`, ['simulationId'])
}

/** @throws Refusal SCENARIO_NOT_FOUND, with the position of the first of them in the list as it was given. */
async function refuseMissing(
  transaction: TenantTransaction,
  scenarioIds: readonly string[],
  given: readonly string[],
): Promise<void> {
  const missing = new Set(await missingScenarios(transaction, scenarioIds))
  if (missing.size === 0) return
  const index = given.findIndex((id) => missing.has(id))
  const others = missing.size > 1 ? ` (and ${missing.size - 1} more)` : ''
  throw new Refusal('SCENARIO_NOT_FOUND', `There is no scenario "${given[index]}"${others}.`, [
    'scenarioIds',
    index,
  ])
}

function checkedScenarioKeys(scenarioIds: readonly string[]): string[] {
  return scenarioIds.map((id, index) => checkedScenarioKey(id, ['scenarioIds', index]))
}

/** Of one simulation, when it is planned and when scenarios join it. @throws Refusal TOO_MANY_ROWS */
export function checkRuns(scenarios: number, repetitions: number): void {
  checkRows(scenarios, ['scenarioIds'], MAX_SCENARIOS)
  if (scenarios * repetitions > MAX_RUNS) {
    throw new Refusal(
      'TOO_MANY_ROWS',
      `These are ${scenarios * repetitions} runs; the limit is ${MAX_RUNS}.`,
      ['repetitions'],
    )
  }
}

function checkNewSimulation(simulation: NewSimulation): NewSimulation {
  const { repetitions } = simulation
  checkRows(simulation.scenarioIds.length, ['scenarioIds'], MAX_SCENARIOS)
  const scenarioIds = checkedScenarioKeys(simulation.scenarioIds)
  const seen = new Set<string>()
  scenarioIds.forEach((id, index) => {
    if (seen.has(id)) throw invalid(id, 'listed once: repetitions run it again', ['scenarioIds', index])
    seen.add(id)
  })
  integer(repetitions, 1, MAX_REPETITIONS, ['repetitions'])
  checkRuns(scenarioIds.length, repetitions)
  return {
    ...simulation,
    ...checkedTimes(simulation),
    scenarioIds,
    name: optionalText(simulation.name, LENGTHS.simulationName, ['name']),
    description: optionalText(simulation.description, LENGTHS.prose, ['description']),
    tags: tagsAt(simulation.tags, ['tags']),
    modalAppId: optionalText(simulation.modalAppId, LENGTHS.label, ['modalAppId']),
    modalEnvironment: optionalText(simulation.modalEnvironment, LENGTHS.label, ['modalEnvironment']),
    sandboxInstances: optionalInteger(simulation.sandboxInstances, 1, MAX_INTEGER, ['sandboxInstances']),
    timeoutMs: optionalInteger(simulation.timeoutMs, 1, MAX_INTEGER, ['timeoutMs']),
    maxRetries: optionalInteger(simulation.maxRetries, 0, MAX_INTEGER, ['maxRetries']),
    priority: optionalInteger(simulation.priority, 1, 10, ['priority']),
    metadata: simulation.metadata && metadataAt(simulation.metadata, ['metadata']),
  }
}

function checkedTimes({
  createdAt,
  startedAt,
  running,
}: NewSimulation): Pick<NewSimulation, 'createdAt' | 'startedAt'> {
  const now = databaseNow()
  const times = {
    createdAt: optionalPastTime(createdAt, now, ['createdAt']),
    startedAt: optionalPastTime(startedAt, now, ['startedAt']),
  }
  if (times.startedAt && !running) {
    throw invalid(times.startedAt.toISOString(), 'absent for a simulation that has not started', [
      'startedAt',
    ])
  }
  if (times.startedAt && times.createdAt && times.startedAt < times.createdAt) {
    throw invalid(
      times.startedAt.toISOString(),
      `${times.createdAt.toISOString()}, its createdAt, or later`,
      ['startedAt'],
    )
  }
  return times
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
