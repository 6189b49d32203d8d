import type { ArcClient } from '../client/arcClient.ts'
import type { SimulationStatus } from '../client/operations.ts'
import { scenarioKey } from '../evaluation/scenarios/scenarioKey.ts'
import { derivedUuid } from '../uuid.ts'
import type { ImportedOutcome, ImportedRun } from './format.ts'
import { outcomeIdOf, placeKey, type Refused, replaced, type Settled, settle } from './recordPlaces.ts'
import { digest, repetitionsOf } from './recordReading.ts'
import { timesOf } from './runTimes.ts'
import {
  type FoundRecord,
  findOutcomes,
  findRecords,
  findSimulation,
  findSimulations,
  isOpen,
  type KnownSimulation,
  type StoredRecord,
} from './storedRecords.ts'
import {
  findBegun,
  fits,
  goesOnFrom,
  isKnownWhole,
  namedByBeginning,
  nameOf,
  recordsOf,
  reopened,
  simulationIdOf,
} from './wholeRuns.ts'

/** A run, or the part of one, and the simulation that it goes into; `known` when there is that already. */
export interface PlacedRun {
  run: ImportedRun
  simulationId: string
  known: KnownSimulation | null
  refused: Refused[]
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

/** What Arc has by the records' own identities, in whatever simulation; null to a key that sees none. */
type Found = Map<string, FoundRecord> | null

/**
 * Finds the simulation that an earlier import has made of the run, when the source may have had less of it, and the
 * records that are in other simulations: a log of a retry repeats some. What is new of a run whose simulation has ended
 * becomes a separate one. Records that go on are left out unless the run is to end here.
 */
export async function placeRun(client: ArcClient, run: ImportedRun, complete: boolean): Promise<Placement> {
  const goingOn = complete ? [] : run.outcomes.filter(({ isUnfinished }) => isUnfinished)
  const ended = complete ? run.outcomes : run.outcomes.filter(({ isUnfinished }) => !isUnfinished)
  const ids = ended.flatMap(({ identity }) =>
    identity === undefined ? [] : [derivedUuid(`arc-import/${identity}`)],
  )
  return place(client, { ...run, outcomes: ended }, goingOn, await findOutcomes(client, ids))
}

async function place(
  client: ArcClient,
  run: ImportedRun,
  goingOn: ImportedOutcome[],
  found: Found,
): Promise<Placement> {
  const before = await earlierSimulation(client, run, goingOn, found)
  const { left, earlier } = isKnownWhole(run)
    ? { left: run.outcomes, earlier: [] }
    : withoutEarlier(run, found, before?.simulationId ?? simulationIdOf(run))
  if (left.length + goingOn.length === 0) return { parts: [], earlier }
  const part = isKnownWhole(run)
    ? await namedByBeginning(client, run, before, found === null)
    : partOf(run, left, goingOn, found)
  const simulationId = before?.simulationId ?? simulationIdOf(part)
  const earlierPart =
    before ?? (part.identity === run.identity ? null : await findSimulation(client, simulationId))
  const stored = earlierPart ? await findRecords(client, simulationId) : new Map<string, StoredRecord>()
  const originals = new Map(
    left.map((outcome) => [identified(part, outcome, simulationId, stored, found), outcome] as const),
  )
  const { records, olderCopies, refused } = settle([...originals.keys()], simulationId, stored, run)
  const isStored = (outcome: ImportedOutcome) => stored?.has(outcomeIdOf(simulationId, outcome)) ?? true
  const hasMore = stored
    ? records.some(({ outcome }) => !isStored(outcome))
    : earlierPart !== null && left.length > recordsOf(earlierPart)
  const known = earlierPart && hasMore && run.isOpenEnded ? await reopened(client, earlierPart) : earlierPart
  const isLeft = ({ outcome }: Settled) => known !== null && !isOpen(known) && !isStored(outcome)
  const there = records.filter((record) => !isLeft(record))
  const fresh = records.filter(isLeft).map(({ outcome: { repetition, retryCount }, from }) => {
    return replaced(originals.get(from)!, { repetition, retryCount })
  })
  const outcomes = there.map(({ outcome }) => outcome)
  const settled: ImportedRun = {
    ...part,
    ...scenariosOf(run, outcomes, goingOn),
    startedAt: timesOf({ ...part, outcomes: [...outcomes, ...goingOn] }, new Date()).startedAt,
    outcomes,
    repetitions: Math.max(part.repetitions, repetitionsOf(outcomes)),
    copies: (part.copies ?? 0) + olderCopies,
    ...(isWhole(part, [...outcomes, ...refused.map(({ outcome }) => outcome)], stored)
      ? {}
      : { state: 'unfinished' }),
  }
  const placed: PlacedRun = { run: settled, simulationId, known, refused }
  if (fresh.length === 0) return { parts: [placed], earlier }

  const identity = digest([simulationId, 'rest'])
  const rest: ImportedRun = {
    ...run,
    ...scenariosOf(run, fresh, []),
    missing: Math.max(0, (run.missing ?? 0) - (stored?.size ?? 0)),
    outcomes: fresh,
    copies: 0,
    identity,
    startedAs: undefined,
    ...(run.partOf === undefined ? {} : { wholeIdentity: identity }),
  }
  const others = await place(client, rest, [], found)
  const parts = there.length + refused.length === 0 ? [] : [placed]
  return { parts: [...parts, ...others.parts], earlier: [...earlier, ...others.earlier] }
}

/** The simulation of an earlier import: by the run's name, else by what it has of its records. */
async function earlierSimulation(
  client: ArcClient,
  run: ImportedRun,
  goingOn: ImportedOutcome[],
  found: Found,
): Promise<KnownSimulation | null> {
  const own = (await findSimulation(client, simulationIdOf(run))) ?? (await findStarted(client, run))
  if (own || !run.knownByRecords || run.wholeIdentity !== undefined) return own
  const started = isKnownWhole(run) ? await findBegun(client, run) : null
  if (started && fits(run, started) && goesOnFrom(run, started)) return started
  const shared = new Map<string, Shared>()
  for (const { simulation } of found?.values() ?? []) {
    const { simulationId, status } = simulation
    const records = (shared.get(simulationId)?.records ?? 0) + 1
    shared.set(simulationId, { simulationId, status, records })
  }
  const mostFirst = [...shared.values()].sort((one, other) => other.records - one.records)
  if (isKnownWhole(run)) {
    for (const { simulationId } of mostFirst) {
      const known = await findSimulation(client, simulationId)
      if (known && fits(run, known) && (await isOneRun(client, run, simulationId))) return known
    }
    return null
  }
  // A folder of trajectories is joined to a run that goes on alone: one that has ended may be of fewer files, and those
  // that came later are another.
  const begun = [...goingOn, ...run.outcomes].flatMap((outcome) =>
    (outcome.beginnings ?? []).map((beginning) => simulationIdOf({ identity: nameOf(beginning) })),
  )
  const waiting = await findSimulations(client, begun)
  const joining =
    mostFirst.find(isOpen) ??
    (goingOn.length === 0 ? await wholeOf(client, run, mostFirst[0]) : null) ??
    waiting.find(isOpen) ??
    // What goes on is an earlier copy of what has ended since.
    (run.outcomes.length === 0 ? waiting[0] : undefined)
  return joining ? findSimulation(client, joining.simulationId) : null
}

/** The simulation that the run's beginning has made, while it goes on, and when this run has ended it. */
async function findStarted(
  client: ArcClient,
  { identity, startedAs }: ImportedRun,
): Promise<KnownSimulation | null> {
  if (startedAs === undefined) return null
  const started = await findSimulation(client, simulationIdOf({ identity: startedAs }))
  return started && (isOpen(started) || started.metadata.identity === identity) ? started : null
}

interface Shared {
  simulationId: string
  status: SimulationStatus
  /** How many of the run's. */
  records: number
}

/** The simulation when it has the run's records and no others. */
async function wholeOf(client: ArcClient, { outcomes }: ImportedRun, most: Shared | undefined) {
  if (!most || most.records !== outcomes.length) return null
  return (await findRecords(client, most.simulationId))?.size === most.records ? most : null
}

/** Whether the file has all that Arc has of the simulation, or less of it: runs that share some of their records are two. */
async function isOneRun(
  client: ArcClient,
  { outcomes }: ImportedRun,
  simulationId: string,
): Promise<boolean> {
  const stored = await findRecords(client, simulationId)
  if (!stored) return false
  const ids = outcomes.map((outcome) => [outcome, ofSimulation(outcome, simulationId)] as const)
  const idsOf = ids.map((each) => each.map((outcome) => outcomeIdOf(simulationId, outcome)))
  const inFile = new Set(idsOf.flat())
  return (
    [...stored.keys()].every((id) => inFile.has(id)) ||
    idsOf.every((each) => each.some((id) => stored.has(id)))
  )
}

/** Without the records that another simulation has already. */
function withoutEarlier(
  run: ImportedRun,
  found: Found,
  simulationId: string,
): { left: ImportedOutcome[]; earlier: EarlierRun[] } {
  const elsewhere = new Map<string, EarlierRun>()
  const left = run.outcomes.filter((outcome) => {
    const stored = found?.get(outcomeIdOf(simulationId, outcome))
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
  return { left, earlier: [...elsewhere.values()] }
}

/**
 * The run with those of its records. One that is no more than they are is another run with fewer of them, and has its name
 * from the first, so that it is found again when there are more.
 */
function partOf(
  run: ImportedRun,
  left: ImportedOutcome[],
  goingOn: ImportedOutcome[],
  found: Found,
): ImportedRun {
  const [first] = [...left, ...goingOn]
  const isNamed = run.partOf === undefined || run.wholeIdentity !== undefined
  const identity =
    isNamed || found === null ? run.identity : nameOf(first?.beginnings?.at(-1) ?? first?.identity ?? '')
  return { ...run, identity, outcomes: left }
}

function scenariosOf(
  run: ImportedRun,
  outcomes: ImportedOutcome[],
  goingOn: ImportedOutcome[],
): Pick<ImportedRun, 'scenarios'> {
  if (run.outcomes.length === outcomes.length) return { scenarios: run.scenarios }
  const left = new Set([...outcomes, ...goingOn].map(({ scenarioExternalId }) => scenarioExternalId))
  return { scenarios: run.scenarios.filter(({ externalId }) => left.has(externalId)) }
}

/**
 * The record as it is of the simulation. One of a whole run that another run has, too, is named by both; so is any where
 * nobody sees whether there is another.
 */
function identified(
  run: ImportedRun,
  outcome: ImportedOutcome,
  simulationId: string,
  stored: Map<string, StoredRecord> | null,
  found: Found,
): ImportedOutcome {
  if (!isKnownWhole(run) || outcome.identity === undefined) return outcome
  const named = ofSimulation(outcome, simulationId)
  // A key that sees none has begun the simulation, and names the others so when it comes again.
  const isNamed = run.metadata.first_file !== undefined
  if (!found || !stored || isNamed || stored.has(outcomeIdOf(simulationId, named))) return named
  const id = outcomeIdOf(simulationId, outcome)
  return stored.has(id) || !found.has(id) ? outcome : named
}

function ofSimulation(outcome: ImportedOutcome, simulationId: string): ImportedOutcome {
  const { identity } = outcome
  return identity === undefined ? outcome : replaced(outcome, { identity: digest([simulationId, identity]) })
}

/** Whether the run lacks nothing, with what Arc has of it: an earlier attempt is no more of it. */
function isWhole(
  { missing = 0 }: ImportedRun,
  records: ImportedOutcome[],
  stored: Map<string, StoredRecord> | null,
): boolean {
  const inFiles = new Set(
    records.map(({ scenarioExternalId, repetition }) =>
      placeKey(scenarioKey(scenarioExternalId), repetition),
    ),
  )
  const places = [...(stored?.values() ?? [])].map(({ scenarioId, repetition }) =>
    placeKey(scenarioId, repetition),
  )
  return missing <= new Set(places.filter((place) => !inFiles.has(place))).size
}
