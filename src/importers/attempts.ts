import type { ArcClient } from '../client/arcClient.ts'
import { FindAttemptsDocument, type FindAttemptsQuery } from '../client/operations.ts'
import { scenarioKey } from '../evaluation/scenarios/scenarioKey.ts'
import type { ImportedOutcome } from './format.ts'
import { append } from './recordReading.ts'
import { unlessForbidden } from './unlessForbidden.ts'

const MAX_IDS_PER_QUERY = 100

type Attempt = FindAttemptsQuery['outcomes']['nodes'][number]

/**
 * The records of a source that tries again what failed, and has the new result in the place of the old: numbered behind
 * the attempts at it that the simulation has. Such sources have no times of attempts, but try none again that went well:
 * a failure where there is a success came before it, and is left out, whenever its file is imported.
 */
export async function numberedAttempts(
  client: ArcClient,
  simulationId: string,
  outcomes: ImportedOutcome[],
  idOf: (outcome: ImportedOutcome) => string,
): Promise<ImportedOutcome[]> {
  const attempts = await attemptsAt(client, simulationId, outcomes)
  return outcomes.flatMap((outcome) => {
    const { scenarioExternalId, repetition } = outcome
    const there = attempts.get(placeKey(scenarioKey(scenarioExternalId), repetition)) ?? []
    const id = idOf(outcome)
    const same = there.find(({ outcomeId }) => outcomeId === id)
    if (same) return [withNumber(outcome, same.retryCount)]
    if (there.length === 0) return [outcome]
    const last = there.reduce((one, other) => (one.retryCount > other.retryCount ? one : other))
    const isEarlier = last.status === 'SUCCESS' && outcome.status !== 'success'
    return isEarlier ? [] : [withNumber(outcome, last.retryCount + 1)]
  })
}

/** Unchanged, a record of a large file is not read yet. */
function withNumber(outcome: ImportedOutcome, retryCount: number): ImportedOutcome {
  return (outcome.retryCount ?? 0) === retryCount ? outcome : { ...outcome, retryCount }
}

/** By scenario and repetition; none to a key that only brings results in and sees none. */
async function attemptsAt(
  client: ArcClient,
  simulationId: string,
  outcomes: ImportedOutcome[],
): Promise<Map<string, Attempt[]>> {
  const found = new Map<string, Attempt[]>()
  const keys = [...new Set(outcomes.map(({ scenarioExternalId }) => scenarioKey(scenarioExternalId)))]
  for (let start = 0; start < keys.length; start += MAX_IDS_PER_QUERY) {
    const scenarioIds = keys.slice(start, start + MAX_IDS_PER_QUERY)
    let after: string | null | undefined
    do {
      const page: FindAttemptsQuery | null = await unlessForbidden(
        client.request(FindAttemptsDocument, { simulationId, scenarioIds, after }),
      )
      for (const attempt of page?.outcomes.nodes ?? []) {
        append(found, placeKey(attempt.scenarioId, attempt.repetition), attempt)
      }
      after = page?.outcomes.pageInfo.hasNextPage ? page.outcomes.pageInfo.endCursor : null
    } while (after)
  }
  return found
}

function placeKey(scenarioId: string, repetition: number): string {
  return JSON.stringify([scenarioId, repetition])
}
