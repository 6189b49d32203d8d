import type { ArcClient } from '../client/arcClient.ts'
import {
  FindOutcomesDocument,
  type FindOutcomesQuery,
  FindSimulationDocument,
  type SimulationStatus,
} from '../client/operations.ts'
import type { JsonValue } from '../json.ts'
import { derivedUuid } from '../uuid.ts'
import { numberedAttempts } from './attempts.ts'
import type { ImportedOutcome, ImportedRun } from './format.ts'
import { asObject, digest, identityOfRecords } from './recordReading.ts'
import { unlessForbidden } from './unlessForbidden.ts'

const MAX_IDS_PER_QUERY = 100

/** A simulation of an earlier import, as far as another one depends on it. */
interface KnownSimulation {
  simulationId: string
  status: SimulationStatus
  /** Of the run, as it was imported last. */
  identity: JsonValue
  configuration: { name: string; versionNumber: number }
}

/** A run, or the part of one, and the simulation that it goes into; `known` when there is that already. */
export interface PlacedRun {
  run: ImportedRun
  simulationId: string
  known: KnownSimulation | null
}

/** An earlier import's simulation that has records of a run which are not stored again. */
export interface EarlierRun {
  simulationId: string
  name: string | null
  status: SimulationStatus
  records: number
  /** Those of them that Arc has without a grade, and the run with one. */
  graded: ImportedOutcome[]
}

interface Placement {
  parts: PlacedRun[]
  earlier: EarlierRun[]
}

type Stored = FindOutcomesQuery['outcomes']['nodes'][number]

/** The key of the run's simulation, the same whenever and from wherever it is imported. */
function simulationIdOf({ identity }: Pick<ImportedRun, 'identity'>): string {
  return derivedUuid(`arc-import/${identity}`)
}

/** The key of the record, likewise: by what it is, else by which attempt of the simulation's runs. */
export function outcomeIdOf(simulationId: string, outcome: ImportedOutcome): string {
  const attempt = [outcome.scenarioExternalId, outcome.repetition, outcome.retryCount ?? 0]
  return derivedUuid(`arc-import/${outcome.identity ?? `${simulationId}/${JSON.stringify(attempt)}`}`)
}

/**
 * Finds the simulation that an earlier import has made of the run, when the source may have had less of it, and the
 * records that are in other simulations: a log of a retry repeats some. What is new of a run whose simulation has ended
 * becomes a separate one.
 */
export async function placeRun(client: ArcClient, run: ImportedRun): Promise<Placement> {
  if (!run.knownByRecords || run.partOf !== undefined) return place(client, run)
  // Two agents may say the same: only records of one configuration are of one run. A copy of a file under another name,
  // which may be all that tells the configuration, is known by all of its records.
  const own = await findSimulation(client, simulationIdOf(run))
  const name = own?.configuration.name ?? run.configuration.name
  const outcomes = run.outcomes.map(({ identity, ...outcome }) =>
    identity === undefined ? outcome : { ...outcome, identity: digest([name, identity]) },
  )
  return place(client, { ...run, outcomes })
}

async function place(client: ArcClient, run: ImportedRun): Promise<Placement> {
  const ownId = simulationIdOf(run)
  const own = (await findSimulation(client, ownId)) ?? (await findStarted(client, run))
  const named = run.outcomes.filter(({ identity }) => identity !== undefined)
  const storedAt = await findOutcomes(client, named, ownId)
  const known = own ?? (run.knownByRecords ? await mostOf(client, run, storedAt) : null)
  const simulationId = known?.simulationId ?? ownId

  const elsewhere = new Map<string, EarlierRun>()
  const here = run.outcomes.filter((outcome) => {
    const stored = storedAt?.get(outcomeIdOf(simulationId, outcome))
    if (!stored || stored.simulation.simulationId === simulationId) return true
    const { simulationId: id, simulationName: name, status } = stored.simulation
    const before = elsewhere.get(id) ?? { simulationId: id, name, status, records: 0, graded: [] }
    const isGrade = stored.reliabilityScore === null && outcome.reliabilityScore != null
    elsewhere.set(id, {
      ...before,
      records: before.records + 1,
      graded: isGrade ? [...before.graded, outcome] : before.graded,
    })
    return false
  })
  const earlier = [...elsewhere.values()]
  const idOf = (outcome: ImportedOutcome) => outcomeIdOf(simulationId, outcome)
  const left = run.triesAgain && known ? await numberedAttempts(client, simulationId, here, idOf) : here
  if (left.length === 0) return { parts: [], earlier }
  const copies = (run.copies ?? 0) + here.length - left.length
  const part = { ...partOf(run, left), ...(copies === 0 ? {} : { copies }) }
  if (!known) return { parts: [{ run: part, simulationId: simulationIdOf(part), known }], earlier }
  const stored = isOpen(known) ? null : await findOutcomes(client, left, simulationId)
  const isStored = (outcome: ImportedOutcome) => stored?.has(outcomeIdOf(simulationId, outcome)) ?? true
  if (left.every(isStored)) return { parts: [{ run: part, simulationId, known }], earlier }

  const there = left.filter(isStored)
  const rest = partOf(
    { ...run, copies: 0 },
    left.filter((outcome) => !isStored(outcome)),
  )
  const others = await place(client, {
    ...rest,
    identity: digest([simulationId, 'rest']),
    startedAs: undefined,
  })
  const parts =
    there.length === 0 ? [] : [{ run: { ...partOf(run, there), copies: part.copies }, simulationId, known }]
  return { parts: [...parts, ...others.parts], earlier: [...earlier, ...others.earlier] }
}

/** Whether it takes further records. */
export function isOpen({ status }: { status: SimulationStatus }): boolean {
  return status === 'PENDING' || status === 'RUNNING'
}

/** The simulation when there is one: with its configuration, which stays as it is. */
async function findSimulation(client: ArcClient, simulationId: string): Promise<KnownSimulation | null> {
  const { simulation } = await client.request(FindSimulationDocument, { simulationId })
  if (!simulation) return null
  const { status, configVersion, metadata } = simulation
  const { versionNumber, configuration } = configVersion
  const { identity = null } = asObject(metadata)
  return { simulationId, status, identity, configuration: { name: configuration.name, versionNumber } }
}

/** The simulation that the run's beginning has made, while it goes on, and when this run has ended it. */
async function findStarted(
  client: ArcClient,
  { identity, startedAs }: ImportedRun,
): Promise<KnownSimulation | null> {
  if (startedAs === undefined) return null
  const started = await findSimulation(client, simulationIdOf({ identity: startedAs }))
  return started && (isOpen(started) || started.identity === identity) ? started : null
}

/**
 * The simulation that has the most of the run's records. A folder of trajectories is joined to one that goes on alone:
 * one that has ended may be of fewer files, and those that came later are another.
 */
async function mostOf(
  client: ArcClient,
  run: ImportedRun,
  storedAt: Map<string, Stored> | null,
): Promise<KnownSimulation | null> {
  const records = new Map<string, number>()
  for (const { simulation } of storedAt?.values() ?? []) {
    const { simulationId, status } = simulation
    if (run.partOf !== undefined && !isOpen({ status })) continue
    records.set(simulationId, (records.get(simulationId) ?? 0) + 1)
  }
  const [most] = [...records].sort(([, one], [, other]) => other - one)
  return most ? findSimulation(client, most[0]) : null
}

/** Which of the outcomes Arc has, and in which simulation; null to a key that only brings results in and sees none. */
async function findOutcomes(
  client: ArcClient,
  outcomes: ImportedOutcome[],
  simulationId: string,
): Promise<Map<string, Stored> | null> {
  const found = new Map<string, Stored>()
  const ids = outcomes.map((outcome) => outcomeIdOf(simulationId, outcome))
  for (let start = 0; start < ids.length; start += MAX_IDS_PER_QUERY) {
    const outcomeIds = ids.slice(start, start + MAX_IDS_PER_QUERY)
    const answer = await unlessForbidden(client.request(FindOutcomesDocument, { outcomeIds }))
    if (!answer) return null
    for (const stored of answer.outcomes.nodes) found.set(stored.outcomeId, stored)
  }
  return found
}

/** The run with those of its records; one that is no more than they are is another run with fewer of them. */
function partOf(run: ImportedRun, outcomes: ImportedOutcome[]): ImportedRun {
  if (outcomes.length === run.outcomes.length) return { ...run, outcomes }
  const left = new Set(outcomes.map(({ scenarioExternalId }) => scenarioExternalId))
  return {
    ...run,
    ...(run.partOf === undefined
      ? {}
      : { identity: identityOfRecords(outcomes.map(({ identity }) => identity ?? '')) }),
    scenarios: run.scenarios.filter(({ externalId }) => left.has(externalId)),
    outcomes,
  }
}
