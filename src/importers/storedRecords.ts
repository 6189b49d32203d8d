import type { ArcClient } from '../client/arcClient.ts'
import {
  FindOutcomesDocument,
  type FindOutcomesQuery,
  FindRecordsDocument,
  type FindRecordsQuery,
  FindSimulationDocument,
  FindSimulationsDocument,
  type SimulationStatus,
} from '../client/operations.ts'
import type { JsonObject } from '../json.ts'
import { asObject } from './recordReading.ts'
import { unlessForbidden } from './unlessForbidden.ts'

const MAX_IDS_PER_QUERY = 100

/** A simulation of an earlier import, as far as another one depends on it. */
export interface KnownSimulation {
  simulationId: string
  status: SimulationStatus
  startedAt: Date | null
  configuration: { name: string; versionNumber: number }
  model: string
  metadata: JsonObject
}

/** A record that Arc has, and in which simulation. */
export type FoundRecord = FindOutcomesQuery['outcomes']['nodes'][number]

/** A record of one simulation. */
export type StoredRecord = FindRecordsQuery['outcomes']['nodes'][number]

/** Whether it takes further records. */
export function isOpen({ status }: { status: SimulationStatus }): boolean {
  return status === 'PENDING' || status === 'RUNNING'
}

/** The simulation when there is one: with its configuration, which stays as it is. */
export async function findSimulation(
  client: ArcClient,
  simulationId: string,
): Promise<KnownSimulation | null> {
  const { simulation } = await client.request(FindSimulationDocument, { simulationId })
  if (!simulation) return null
  const { status, startedAt, configVersion, metadata } = simulation
  const { versionNumber, model, configuration } = configVersion
  return {
    simulationId,
    status,
    startedAt: startedAt === null ? null : new Date(startedAt),
    configuration: { name: configuration.name, versionNumber },
    model,
    metadata: asObject(metadata),
  }
}

/** Which of these there are; none to a key that sees none. */
export async function findSimulations(
  client: ArcClient,
  ids: string[],
): Promise<Pick<KnownSimulation, 'simulationId' | 'status'>[]> {
  const found: Pick<KnownSimulation, 'simulationId' | 'status'>[] = []
  for (let start = 0; start < ids.length; start += MAX_IDS_PER_QUERY) {
    const simulationIds = ids.slice(start, start + MAX_IDS_PER_QUERY)
    const answer = await unlessForbidden(client.request(FindSimulationsDocument, { simulationIds }))
    found.push(...(answer?.simulations.nodes ?? []))
  }
  return found
}

/** Which of the outcomes Arc has, and in which simulation; null to a key that only brings results in and sees none. */
export async function findOutcomes(
  client: ArcClient,
  ids: string[],
): Promise<Map<string, FoundRecord> | null> {
  const found = new Map<string, FoundRecord>()
  for (let start = 0; start < ids.length; start += MAX_IDS_PER_QUERY) {
    const outcomeIds = ids.slice(start, start + MAX_IDS_PER_QUERY)
    const answer = await unlessForbidden(client.request(FindOutcomesDocument, { outcomeIds }))
    if (!answer) return null
    for (const record of answer.outcomes.nodes) found.set(record.outcomeId, record)
  }
  return found
}

/** All records of a simulation; null likewise. */
export async function findRecords(
  client: ArcClient,
  simulationId: string,
): Promise<Map<string, StoredRecord> | null> {
  const records = new Map<string, StoredRecord>()
  let after: string | null = null
  do {
    const answer: FindRecordsQuery | null = await unlessForbidden(
      client.request(FindRecordsDocument, { simulationId, after }),
    )
    if (!answer) return null
    const { nodes, pageInfo }: FindRecordsQuery['outcomes'] = answer.outcomes
    for (const record of nodes) records.set(record.outcomeId, record)
    after = pageInfo.hasNextPage ? pageInfo.endCursor : null
  } while (after !== null)
  return records
}
