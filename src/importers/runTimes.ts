import type { ImportedRun } from './format.ts'

/** Earlier times are of clocks that were not set: Arc takes none of them. */
export const EARLIEST_MS = Date.UTC(2000, 0, 1)

export interface RunTimes {
  createdAt: Date | null
  startedAt: Date | null
  completedAt: Date | null
}

/**
 * When the run was planned, began and ended: as the source says, else from the times of its records; null where nothing
 * tells. What would lie in the future (a local time without its zone) or before what came earlier is left out.
 */
export function timesOf(run: ImportedRun, now: Date): RunTimes {
  const ends = run.outcomes.flatMap(({ executionTime }) => past(executionTime, now)?.getTime() ?? [])
  const starts = run.outcomes.flatMap(({ executionTime, executionTimeMs }) => {
    const end = past(executionTime, now)
    return end ? [(past(new Date(end.getTime() - (executionTimeMs ?? 0)), now) ?? end).getTime()] : []
  })
  const ended = past(run.completedAt, now) ?? latest(ends)
  // One that began when it is imported could not have ended before.
  const startedAt = past(run.startedAt, now) ?? past(run.createdAt, now) ?? earliest(starts) ?? ended
  const createdAt = notAfter(past(run.createdAt, now), startedAt) ?? startedAt
  const completedAt = ended && startedAt && ended < startedAt ? startedAt : (ended ?? startedAt)
  return { createdAt, startedAt, completedAt }
}

function past(time: Date | null | undefined, now: Date): Date | null {
  return time && time <= now && time.getTime() >= EARLIEST_MS ? time : null
}

function notAfter(time: Date | null, bound: Date | null): Date | null {
  return time && bound && time > bound ? null : time
}

function earliest(times: number[]): Date | null {
  return times.length === 0 ? null : new Date(times.reduce((first, time) => Math.min(first, time)))
}

function latest(times: number[]): Date | null {
  return times.length === 0 ? null : new Date(times.reduce((last, time) => Math.max(last, time)))
}
