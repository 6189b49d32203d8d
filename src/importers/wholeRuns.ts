import type { ArcClient } from '../client/arcClient.ts'
import { ArcRequestError } from '../client/arcRequestError.ts'
import type { JsonObject } from '../json.ts'
import { derivedUuid } from '../uuid.ts'
import type { ImportedRun } from './format.ts'
import { asFigure, asObject, canonicalJson, digest } from './recordReading.ts'
import { modelOrUnknown } from './runConfiguration.ts'
import { findSimulation, type KnownSimulation } from './storedRecords.ts'

/** The key of the run's simulation, the same whenever and from wherever it is imported. */
export function simulationIdOf({ identity }: { identity: string }): string {
  return derivedUuid(`arc-import/${identity}`)
}

export function nameOf(beginning: string): string {
  return digest(['the run that begins with', beginning])
}

/** Whether a file holds the whole run, and no record is another's, whatever it shares with others. */
export function isKnownWhole({ knownByRecords = false, partOf }: ImportedRun): boolean {
  return knownByRecords && partOf === undefined
}

/** Two agents may say the same; a name that does not tell the model is of any. */
export function fits(
  { configuration, outcomes, metadata, toldApartBy = [] }: ImportedRun,
  known: KnownSimulation,
) {
  const models = [known.model, outcomes[0]?.model ?? null]
  const isOneAgent = configuration.name === known.configuration.name || models.includes(modelOrUnknown(null))
  const isToldApart = toldApartBy.some((key) => {
    const [one, other] = [metadata[key] ?? null, known.metadata[key] ?? null]
    return one !== null && other !== null && canonicalJson(one) !== canonicalJson(other)
  })
  return isOneAgent && !isToldApart
}

/**
 * The simulation as it takes more records: such a source does not say when it is finished, so that one that has completed
 * goes on. It stays as it is where somebody ended it otherwise, or with a result of their own.
 */
export async function reopened(client: ArcClient, known: KnownSimulation): Promise<KnownSimulation> {
  if (known.status !== 'COMPLETED') return known
  try {
    const { status } = await client.extendSimulation({ simulationId: known.simulationId, reopen: true })
    return { ...known, status }
  } catch (error) {
    if (error instanceof ArcRequestError && error.errors[0]?.code === 'SIMULATION_ENDED') return known
    throw error
  }
}

/** How a whole run begins, which a key that sees no records finds it by when there are more; null where nothing tells. */
function beginningOf({ configuration, outcomes }: ImportedRun): string | null {
  const identity = outcomes[0]?.identity
  return identity === undefined ? null : nameOf(digest([configuration.name, identity]))
}

/** The simulation of a run that begins so, whatever else it has. */
export async function findBegun(client: ArcClient, run: ImportedRun): Promise<KnownSimulation | null> {
  const beginning = beginningOf(run)
  return beginning === null ? null : findSimulation(client, simulationIdOf({ identity: beginning }))
}

/** So many records as a run begins with, and what they are. */
function opening({ outcomes }: ImportedRun, records: number): JsonObject {
  return { records, digest: digest(outcomes.slice(0, records).map(({ identity }) => identity ?? null)) }
}

/** Whether the run begins with all that the simulation has of a file, or with what it had at first. */
export function goesOnFrom(run: ImportedRun, { metadata }: KnownSimulation): boolean {
  return [metadata.first_file, metadata.latest_file].every((said) => {
    const records = asFigure(asObject(said).records)
    if (records === null) return false
    return records > run.outcomes.length
      ? said === metadata.latest_file
      : canonicalJson(opening(run, records)) === canonicalJson(said!)
  })
}

/** As many records as the file had that came last. */
export function recordsOf({ metadata }: KnownSimulation): number {
  const said = asFigure(asObject(metadata.latest_file).records) ?? asFigure(metadata.records)
  return said ?? Number.POSITIVE_INFINITY
}

/**
 * The run as its simulation has it: where nobody sees records, it is named by its beginning, unless another run has that,
 * and says what it has of the file.
 */
export async function namedByBeginning(
  client: ArcClient,
  run: ImportedRun,
  before: KnownSimulation | null,
  isUnseen: boolean,
): Promise<ImportedRun> {
  if (!isUnseen && before?.metadata.first_file === undefined) return run
  const latest = opening(run, run.outcomes.length)
  const isMore = before === null || run.outcomes.length > recordsOf(before)
  const beginning = before || (await findBegun(client, run)) ? null : beginningOf(run)
  return {
    ...run,
    identity: beginning ?? run.identity,
    metadata: {
      ...run.metadata,
      first_file: before?.metadata.first_file ?? latest,
      latest_file: isMore ? latest : before.metadata.latest_file!,
    },
  }
}
