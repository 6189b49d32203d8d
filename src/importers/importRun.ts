import type { ArcClient } from '../client/arcClient.ts'
import { ArcRequestError } from '../client/arcRequestError.ts'
import {
  FindAmendableDocument,
  FindScenariosDocument,
  type OutcomeInput,
  type ScenarioInput,
  type SimulationStatus,
} from '../client/operations.ts'
import type { BatchLimits, Receipt, RowBatcher } from '../client/rowBatcher.ts'
import type { OutcomeReceipt } from '../client/rowKinds.ts'
import { scenarioKey } from '../evaluation/scenarios/scenarioKey.ts'
import { MAX_RETRY_COUNT } from '../valueChecks.ts'
import { type AmendableOutcome, amendmentOf, leftBy } from './amendment.ts'
import type { ImportedOutcome, ImportedRun, ImportedScenario, RejectedRecord } from './format.ts'
import type { EarlierRun, PlacedRun } from './placedRun.ts'
import { outcomeIdOf, replaced } from './recordPlaces.ts'
import { asObject } from './recordReading.ts'
import { figuresOf, type RunFigures } from './runFigures.ts'
import { type RunTimes, timesOf } from './runTimes.ts'
import { storableFigures } from './storableFigures.ts'
import { isOpen } from './storedRecords.ts'
import { unlessForbidden } from './unlessForbidden.ts'

/** What became of a run. */
export interface RunReport {
  simulationId: string
  simulationName: string
  status: SimulationStatus
  configuration: { name: string; versionNumber: number; created: boolean }
  stored: number
  /** Records that were there already, those that were amended among them. */
  duplicates: number
  /** Of those: whose grade or figures the file says anew. */
  amended: number
  /** In how many of those Arc keeps something that the file says otherwise, by its field. */
  differing: Map<string, number>
  rejected: RejectedRecord[]
  /** What was changed so that records could be stored, and in how many of them. */
  notes: Map<string, number>
  figures: RunFigures
}

/** The report while it is made: figures are read when all is there. */
type Progress = Omit<RunReport, 'figures'>

/** What was kept back of the file: records that cannot be read, secrets that were redacted. */
export interface FileCounts {
  rejected: number
  secrets: number
}

/** As many as a filter takes. */
const MAX_IDS_PER_QUERY = 100

/** As many as the client sends in one call. */
const SCENARIOS_AT_ONCE = 200

/** An outcome that is stored with other content. */
interface Conflict {
  outcome: ImportedOutcome
  differences: readonly string[]
}

/**
 * Sends one run. What was sent before is recognised, so that an import that broke off goes on where it stopped, a second
 * one stores nothing, and a file that has become more adds to it: further records, and grades of those that are there.
 * The simulation ends as the source says that the run did; `complete` ends one that the source has not finished.
 *
 * `onSent` hears of every answered call how many records were in it.
 *
 * @throws ArcRequestError when the run as a whole cannot be stored, or the server no longer answers.
 */
export async function importRun(
  client: ArcClient,
  { run, simulationId, known, refused }: PlacedRun,
  inFile: FileCounts,
  complete: boolean,
  onSent: (records: number) => void,
): Promise<RunReport> {
  const now = new Date()
  const times = notBefore(known?.startedAt ?? null, timesOf(run, now))
  const { configuration, status, refusedScenarios } = known
    ? await goOn(client, run, known, times)
    : await startSimulation(client, simulationId, run, inFile, times)
  const report: Progress = {
    simulationId,
    simulationName: run.name,
    status,
    configuration,
    stored: 0,
    duplicates: run.copies ?? 0,
    amended: 0,
    differing: new Map(),
    rejected: [],
    notes: new Map(),
  }

  // An outcome of a large file is read anew each time: as it is sent, and no earlier.
  const inputOf = (outcome: ImportedOutcome) => outcomeInput(simulationId, outcome, now)
  const outcomes: ImportedOutcome[] = []
  for (const outcome of run.outcomes) {
    const refusal = refusedScenarios.get(outcome.scenarioExternalId)
    if (refusal === undefined) outcomes.push(outcome)
    else reject(report, outcome, `Its scenario was refused: ${refusal}`)
  }
  for (const { outcome, reason } of refused) reject(report, outcome, reason)
  onSent(report.rejected.length)
  const there: ImportedOutcome[] = []
  const conflicts: Conflict[] = []
  const batcherOfOutcomes = (limits: BatchLimits) => client.outcomeBatcher(limits)
  await sendAll(batcherOfOutcomes, outcomes, inputOf, (outcome, receipt) => {
    if (receipt.status !== 'REJECTED') there.push(outcome)
    if (receipt.status === 'CONFLICT') conflicts.push({ outcome, differences: receipt.differences })
    else addReceipt(report, outcome, receipt, now)
    onSent(1)
  })
  await amendAll(client, report, conflicts, inputOf)

  // A file that says nothing new is the same by whatever name, unless the run has its name from it.
  const isNews = report.stored + report.amended > 0 || run.startedAs !== undefined
  if (known && isOpen(report) && isNews)
    await client.extendSimulation({ simulationId, metadata: metadataOf(run, inFile) })
  if (isOpen(report)) report.status = await endAs(client, simulationId, run, complete, times)
  return { ...report, figures: await figuresOf(client, simulationId, there) }
}

/** Amends records of a run that stand in another simulation without the grade that they have now. */
export async function gradeEarlier(
  client: ArcClient,
  { simulationId, graded }: Pick<EarlierRun, 'simulationId' | 'graded'>,
): Promise<void> {
  const now = new Date()
  const amendments = graded.flatMap((outcome) => {
    const input = outcomeInput(simulationId, outcome, now)
    return amendmentOf(input, ['reliabilityScore'], { metrics: {}, stepCount: 0 }) ?? []
  })
  await client.amendOutcomes(amendments)
}

interface ImportTarget {
  status: SimulationStatus
  configuration: RunReport['configuration']
  /** By external id: why. */
  refusedScenarios: Map<string, string>
}

async function startSimulation(
  client: ArcClient,
  simulationId: string,
  run: ImportedRun,
  inFile: FileCounts,
  { createdAt, startedAt }: RunTimes,
): Promise<ImportTarget> {
  const { versionId, ...version } = await client.ensureConfigVersion({ ...run.configuration, createdAt })
  const { scenarioIds, refused: refusedScenarios } = await storeScenarios(client, run.scenarios, createdAt)
  if (scenarioIds.length === 0) {
    const [reason] = refusedScenarios.values()
    throw new ArcRequestError(`None of its scenarios could be stored. ${reason ?? 'It has none.'}`, {
      status: 200,
    })
  }
  const { status } = await client.startSimulation({
    simulationId,
    configVersionId: versionId,
    scenarioIds,
    repetitions: run.repetitions,
    maxRetries: maxRetriesOf(run),
    name: run.name,
    metadata: metadataOf(run, inFile),
    // Whoever brings files in is no runner: the next part may come tomorrow.
    failWhenSilent: false,
    createdAt,
    startedAt,
  })
  return { status, configuration: { name: run.configuration.name, ...version }, refusedScenarios }
}

/** As many as the source has made already; nobody knows how many more one will make that may go on. */
function maxRetriesOf({ state, isOpenEnded = false, outcomes }: ImportedRun): number {
  return state === 'unfinished' || isOpenEnded
    ? MAX_RETRY_COUNT
    : outcomes.reduce((most, { retryCount }) => Math.max(most, retryCount ?? 0), 0)
}

/** The run's simulation of an earlier import: while it goes on it grows with its source. */
async function goOn(
  client: ArcClient,
  run: ImportedRun,
  known: NonNullable<PlacedRun['known']>,
  { createdAt }: RunTimes,
): Promise<ImportTarget> {
  const target = {
    status: known.status,
    configuration: { ...known.configuration, created: false },
    refusedScenarios: new Map<string, string>(),
  }
  if (!isOpen(known)) return target
  const { scenarioIds, refused: refusedScenarios } = await storeScenarios(client, run.scenarios, createdAt)
  try {
    await client.extendSimulation({
      simulationId: known.simulationId,
      scenarioIds,
      repetitions: run.repetitions,
    })
  } catch (error) {
    if (!(error instanceof ArcRequestError) || error.errors[0]?.code !== 'SIMULATION_ENDED') throw error
    // Another import of the run came to its end meanwhile: what is there already is a duplicate, what is not is refused.
    const { status } = await client.getSimulationStatus(known.simulationId)
    return { ...target, status, refusedScenarios }
  }
  return { ...target, refusedScenarios }
}

/** A simulation whose source did not tell when it began has begun when it was imported. */
function notBefore(startedAt: Date | null, times: RunTimes): RunTimes {
  const { completedAt } = times
  return startedAt && completedAt && completedAt < startedAt ? { ...times, completedAt: startedAt } : times
}

function metadataOf(run: ImportedRun, inFile: FileCounts) {
  return {
    ...run.metadata,
    identity: run.identity,
    records: run.outcomes.length,
    rejected_records: inFile.rejected,
    redacted_secrets: inFile.secrets,
  }
}

/** Ends the simulation as the source says that the run ended, and leaves it open where it goes on. */
async function endAs(
  client: ArcClient,
  simulationId: string,
  { state = 'finished', errorMessage }: ImportedRun,
  complete: boolean,
  { completedAt }: RunTimes,
): Promise<SimulationStatus> {
  const at = completedAt === null ? {} : { completedAt }
  switch (state) {
    case 'failed':
      return (await client.failSimulation(simulationId, errorMessage ?? 'The source does not say why.', at))
        .status
    case 'cancelled':
      return (await client.cancelSimulation(simulationId, errorMessage ?? undefined, at)).status
    case 'unfinished':
      if (!complete) return 'RUNNING'
      break
    case 'finished':
  }
  return (await client.completeSimulation(simulationId, undefined, at)).status
}

/** Stores new and changed scenarios; answers the keys of all that Arc has then and, by external id, why others were refused. */
async function storeScenarios(
  client: ArcClient,
  scenarios: ImportedScenario[],
  createdAt: Date | null,
): Promise<{ scenarioIds: string[]; refused: Map<string, string> }> {
  const scenarioIds: string[] = []
  const refused = new Map<string, string>()
  // Those of a large file are read as they are sent: never all of them at once.
  for (let start = 0; start < scenarios.length; start += SCENARIOS_AT_ONCE) {
    const some = scenarios.slice(start, start + SCENARIOS_AT_ONCE)
    // What a file does not describe must not take the place of a description that Arc has.
    const described = await findScenarios(
      client,
      some.filter(({ taskPrompt }) => taskPrompt === null),
    )
    const inputs = some.map((scenario) => scenarioInput(scenario, createdAt))
    const rows = inputs.filter(({ scenarioId }) => !described.has(scenarioId))
    for (const { index, status, reason } of await client.upsertScenarios(rows)) {
      if (status === 'REJECTED') refused.set(rows[index]!.externalId, reason ?? 'no reason given')
    }
    for (const { externalId, scenarioId } of inputs)
      if (!refused.has(externalId)) scenarioIds.push(scenarioId)
  }
  return { scenarioIds, refused }
}

/** The keys of those that Arc has. */
async function findScenarios(client: ArcClient, scenarios: ImportedScenario[]): Promise<Set<string>> {
  const found = new Set<string>()
  const keys = scenarios.map(({ externalId }) => scenarioKey(externalId))
  for (let start = 0; start < keys.length; start += MAX_IDS_PER_QUERY) {
    const scenarioIds = keys.slice(start, start + MAX_IDS_PER_QUERY)
    const { scenarios } = await client.request(FindScenariosDocument, { scenarioIds })
    for (const { scenarioId } of scenarios.nodes) found.add(scenarioId)
  }
  return found
}

function scenarioInput(
  { difficultyLevel, ...scenario }: ImportedScenario,
  createdAt: Date | null,
): ScenarioInput & { scenarioId: string; externalId: string } {
  return {
    ...scenario,
    taskPrompt: scenario.taskPrompt ?? 'The file does not describe this task.',
    scenarioId: scenarioKey(scenario.externalId),
    difficultyLevel: difficultyLevel && enumName(difficultyLevel),
    createdAt,
  }
}

function outcomeInput(simulationId: string, outcome: ImportedOutcome, now: Date): OutcomeInput {
  const {
    scenarioExternalId,
    identity,
    takesFreeRepetition,
    beginnings,
    isUnfinished,
    growsInPlace,
    status,
    errorCategory,
    failurePatterns,
    ...same
  } = replaced(outcome, storableFigures(outcome, now).figures)
  return {
    ...same,
    simulationId,
    scenarioId: scenarioKey(scenarioExternalId),
    outcomeId: outcomeIdOf(simulationId, outcome),
    status: enumName(status),
    errorCategory: errorCategory && enumName(errorCategory),
    failurePatterns: failurePatterns?.map((pattern) => ({
      ...pattern,
      failureCategory: pattern.failureCategory && enumName(pattern.failureCategory),
    })),
  }
}

/** Sends a row of each, made as it is sent, and hears of each what became of it; after a failure no other is sent. */
async function sendAll<Each, Row, RowReceipt extends Receipt>(
  batcherOf: (limits: BatchLimits) => RowBatcher<Row, RowReceipt>,
  all: Each[],
  rowOf: (each: Each) => Row,
  onReceipt: (each: Each, receipt: RowReceipt) => void,
): Promise<void> {
  const failed = new AbortController()
  const batcher = batcherOf({ signal: failed.signal })
  const answers: Promise<void>[] = []
  for (const each of all) {
    await batcher.ready()
    const answer = batcher.record(rowOf(each)).then((receipt) => onReceipt(each, receipt))
    answer.catch((error) => failed.abort(error))
    answers.push(answer)
  }
  void batcher.close()
  await Promise.all(answers)
}

/** Says anew what the file knows better; what it cannot change, or knows less of, stays and is reported. */
async function amendAll(
  client: ArcClient,
  report: Progress,
  conflicts: Conflict[],
  inputOf: (outcome: ImportedOutcome) => OutcomeInput,
): Promise<void> {
  const ids = conflicts.map(({ outcome }) => outcomeIdOf(report.simulationId, outcome))
  const stored = await findAmendable(client, ids)
  const amendmentTo = ({ outcome, differences }: Conflict) => {
    const input = inputOf(outcome)
    return amendmentOf(input, differences, stored.get(input.outcomeId!) ?? null, outcome.growsInPlace)
  }
  const amended: Conflict[] = []
  for (const conflict of conflicts) {
    const amendment = amendmentTo(conflict)
    if (amendment) amended.push(conflict)
    report.duplicates++
    for (const field of leftBy(amendment, conflict.differences)) count(report.differing, field)
  }
  // Made once more as they are sent: all of their trajectories may be more than memory has room for.
  const batcherOfAmendments = (limits: BatchLimits) => client.amendmentBatcher(limits)
  await sendAll(
    batcherOfAmendments,
    amended,
    (conflict) => amendmentTo(conflict)!,
    ({ outcome }, receipt) => {
      if (receipt.status === 'AMENDED') report.amended++
      if (receipt.status !== 'REJECTED') return
      report.duplicates--
      reject(report, outcome, receipt.reason ?? 'no reason given')
    },
  )
}

/** By outcome; none to a key that only brings results in and sees none. */
async function findAmendable(client: ArcClient, ids: string[]): Promise<Map<string, AmendableOutcome>> {
  const found = new Map<string, AmendableOutcome>()
  for (let start = 0; start < ids.length; start += MAX_IDS_PER_QUERY) {
    const outcomeIds = ids.slice(start, start + MAX_IDS_PER_QUERY)
    const answer = await unlessForbidden(client.request(FindAmendableDocument, { outcomeIds }))
    for (const { outcomeId, metrics, stepCount } of answer?.outcomes.nodes ?? []) {
      found.set(outcomeId, { metrics: asObject(metrics), stepCount })
    }
  }
  return found
}

function addReceipt(report: Progress, outcome: ImportedOutcome, receipt: OutcomeReceipt, now: Date): void {
  switch (receipt.status) {
    case 'REJECTED':
      reject(report, outcome, receipt.reason ?? 'no reason given')
      return
    case 'DUPLICATE':
      report.duplicates++
      return
    default:
      report.stored++
      for (const note of receipt.notes) count(report.notes, note)
      for (const note of storableFigures(outcome, now).notes) count(report.notes, note)
  }
}

function reject(report: Progress, { scenarioExternalId, repetition }: ImportedOutcome, reason: string): void {
  report.rejected.push({ record: `${scenarioExternalId}, repetition ${repetition}`, reason })
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}

/** GraphQL writes its enums in capitals. */
function enumName<Value extends string>(value: Value): Uppercase<Value> {
  return value.toUpperCase() as Uppercase<Value>
}
