import { scenarioKey } from '../evaluation/scenarios/scenarioKey.ts'
import { derivedUuid } from '../uuid.ts'
import type { ImportedOutcome, ImportedRun } from './format.ts'
import { append } from './recordReading.ts'
import type { StoredRecord } from './storedRecords.ts'

const LATER_IS_STORED =
  'Arc has a later attempt of this run, and attempts are numbered by their ends: this one came too late'

/** The key of the record, likewise: by what it is, else by which attempt of the simulation's runs. */
export function outcomeIdOf(simulationId: string, outcome: ImportedOutcome): string {
  const attempt = [outcome.scenarioExternalId, outcome.repetition, outcome.retryCount ?? 0]
  return derivedUuid(`arc-import/${outcome.identity ?? `${simulationId}/${JSON.stringify(attempt)}`}`)
}

/** The record with other fields; those of a large file have their trajectory read when it is asked for. */
export function replaced(outcome: ImportedOutcome, fields: Partial<ImportedOutcome>): ImportedOutcome {
  return Object.defineProperties(
    {},
    {
      ...Object.getOwnPropertyDescriptors(outcome),
      ...Object.getOwnPropertyDescriptors(fields),
    },
  ) as ImportedOutcome
}

/** An attempt at one repetition of a scenario, and when it ended. */
interface Attempt {
  retryCount: number
  endMs: number
  isSuccess: boolean
}

/** A record in its place, and as it came. */
export interface Settled {
  outcome: ImportedOutcome
  from: ImportedOutcome
}

/** A record that its simulation has no place for. */
export interface Refused {
  outcome: ImportedOutcome
  reason: string
}

/**
 * The records in their places among those that are stored, which keep theirs: another one at the same place is a later
 * attempt, or the next repetition where the source does not say which it is.
 *
 * A source that tries again what failed has no times of attempts, but tries none again that went well: a failure where
 * there is a success came before it, and is an older copy of it, whenever its file is imported.
 */
export function settle(
  outcomes: ImportedOutcome[],
  simulationId: string,
  stored: Map<string, StoredRecord> | null,
  { triesAgain = false }: Pick<ImportedRun, 'triesAgain'>,
): { records: Settled[]; olderCopies: number; refused: Refused[] } {
  const attempts = new Map<string, Attempt[]>()
  for (const { scenarioId, repetition, retryCount, executionTime, status } of stored?.values() ?? []) {
    const attempt = { retryCount, endMs: Date.parse(executionTime), isSuccess: status === 'SUCCESS' }
    append(attempts, placeKey(scenarioId, repetition), attempt)
  }
  const records: Settled[] = []
  const refused: Refused[] = []
  let olderCopies = 0
  for (const outcome of outcomes) {
    const before = stored?.get(outcomeIdOf(simulationId, outcome))
    if (before) {
      const { repetition, retryCount } = before
      if (isOlderCopy(outcome, before)) olderCopies++
      else records.push({ outcome: replaced(outcome, { repetition, retryCount }), from: outcome })
      continue
    }
    if (triesAgain && isTriedAgain(outcome, attempts)) {
      olderCopies++
      continue
    }
    const place = freePlace(outcome, attempts, triesAgain)
    if (!place) {
      refused.push({ outcome, reason: LATER_IS_STORED })
      continue
    }
    const key = placeKey(scenarioKey(outcome.scenarioExternalId), place.repetition)
    const { status } = outcome
    append(attempts, key, { ...place, endMs: endOf(outcome), isSuccess: status === 'success' })
    records.push({ outcome: replaced(outcome, place), from: outcome })
  }
  return { records, olderCopies, refused }
}

function isTriedAgain(
  { scenarioExternalId, repetition, status }: ImportedOutcome,
  attempts: Map<string, Attempt[]>,
): boolean {
  const there = attempts.get(placeKey(scenarioKey(scenarioExternalId), repetition)) ?? []
  const last = [...there].sort((one, other) => other.retryCount - one.retryCount)[0]
  return last?.isSuccess === true && status !== 'success'
}

/** Null for an attempt that ended before one that is there. */
function freePlace(
  outcome: ImportedOutcome,
  attempts: Map<string, Attempt[]>,
  triesAgain: boolean,
): { repetition: number; retryCount: number } | null {
  const { scenarioExternalId, takesFreeRepetition } = outcome
  const retryCount = outcome.retryCount ?? 0
  let { repetition } = outcome
  const at = () => attempts.get(placeKey(scenarioKey(scenarioExternalId), repetition)) ?? []
  if (takesFreeRepetition) {
    while (at().length > 0) repetition++
    return { repetition, retryCount }
  }
  if (at().every((attempt) => attempt.retryCount !== retryCount)) return { repetition, retryCount }
  if (!triesAgain && at().some(({ endMs }) => endMs > endOf(outcome))) return null
  return { repetition, retryCount: Math.max(...at().map((attempt) => attempt.retryCount)) + 1 }
}

export function placeKey(scenarioId: string, repetition: number): string {
  return JSON.stringify([scenarioId, repetition])
}

/** One without a time has that of its arrival. */
function endOf({ executionTime }: ImportedOutcome): number {
  return executionTime?.getTime() ?? Number.POSITIVE_INFINITY
}

/** What goes on takes longer and uses more. */
function isOlderCopy(outcome: ImportedOutcome, stored: StoredRecord): boolean {
  const isLess = (given: number | null | undefined, before: number | null) =>
    given != null && before !== null && given < before
  return (
    outcome.growsInPlace === true &&
    (isLess(outcome.tokensUsed, stored.tokensUsed) || isLess(outcome.executionTimeMs, stored.executionTimeMs))
  )
}
