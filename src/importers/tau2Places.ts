import type { JsonObject, JsonValue } from '../json.ts'
import {
  append,
  asList,
  asObject,
  canonicalJson,
  digest,
  FreeTrials,
  figureIn,
  MAX_TRIALS,
  taskIdText,
} from './recordReading.ts'
import { dateOf } from './sourceTimes.ts'

interface PlannedRuns {
  taskIds: string[]
  /** Those without an id here among them. */
  tasks: number
  trials: number
}

/** The tasks and trials of the whole run, which the file names or counts from its beginning. */
export function plannedRuns(results: JsonObject): PlannedRuns {
  const taskIds = [...new Set(asList(results.tasks).flatMap((task) => taskIdText(asObject(task).id) ?? []))]
  const trials = countOf(asObject(results.info).num_trials)
  return { taskIds, tasks: Math.max(taskIds.length, countOf(results.total_tasks) ?? 0), trials: trials ?? 1 }
}

/** A higher number is a broken field. */
function countOf(value: JsonValue | undefined): number | null {
  const count = figureIn(value)
  return count !== null && Number.isInteger(count) && count > 0 && count <= MAX_TRIALS ? count : null
}

/** Where a simulation stands; null for one that does not say it. */
export interface Tau2Place {
  taskId: string | null
  trial: number
  /** The attempt, counted from 0. */
  run: string
}

/**
 * One without a trial takes the next free one. Of several with the same trial and other ids each is an attempt, in the
 * order of their ends: what broke off is run again under another id.
 */
export function placesOf(simulations: JsonValue[]): Tau2Place[] {
  const trials = new FreeTrials()
  const attempts = new Map<string, { id: string; endMs: number }[]>()
  const stated = simulations.map((simulation) => {
    const { id = null, task_id, trial = null, end_time } = asObject(simulation)
    const taskId = taskIdText(task_id)
    const given = figureIn(trial)
    if (taskId !== null && given !== null) {
      trials.take(taskId, given)
      const key = canonicalJson([taskId, given])
      const before = attempts.get(key) ?? []
      if (!before.some((attempt) => attempt.id === digest(id)))
        append(attempts, key, { id: digest(id), endMs: dateOf(end_time)?.getTime() ?? 0 })
    }
    return { id: digest(id), taskId, given }
  })
  for (const list of attempts.values()) list.sort((one, other) => one.endMs - other.endMs)
  return stated.map(({ id, taskId, given }) => {
    if (taskId === null) return { taskId, trial: given ?? 0, run: '0' }
    if (given === null) return { taskId, trial: trials.next(taskId), run: '0' }
    const order = attempts.get(canonicalJson([taskId, given])) ?? []
    return { taskId, trial: given, run: String(order.findIndex((attempt) => attempt.id === id)) }
  })
}

/** How many of the planned trials have no record at all; one that cannot be read is there all the same. */
export function missingTrials({ taskIds, tasks, trials }: PlannedRuns, places: Tau2Place[]): number {
  const there = new Set(places.map(({ taskId, trial }) => canonicalJson([taskId, trial])))
  let missing = 0
  for (const taskId of taskIds) {
    for (let trial = 0; trial < trials; trial++) {
      if (!there.has(canonicalJson([taskId, trial]))) missing++
    }
  }
  return Math.max(missing, tasks * trials - there.size)
}
