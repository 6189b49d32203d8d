import { type ArcClient, ArcRequestError } from '../client/arcClient.ts'
import { ensureConfigVersion } from '../client/ensureConfigVersion.ts'
import {
  CompleteSimulationDocument,
  FindScenariosDocument,
  FindSimulationDocument,
  type OutcomeInput,
  RecordOutcomesDocument,
  type ScenarioInput,
  type SimulationStatus,
  StartSimulationDocument,
  UpsertScenariosDocument,
} from '../client/operations.ts'
import { accepted, askPatiently, codesOf } from '../client/patience.ts'
import { scenarioKey } from '../evaluation/scenarioKey.ts'
import { derivedUuid } from '../uuid.ts'
import type { ImportedOutcome, ImportedRun, ImportedScenario, RejectedRecord } from './format.ts'

/** What became of a run. */
export interface RunReport {
  simulationId: string
  simulationName: string
  status: SimulationStatus
  configuration: { name: string; versionNumber: number; created: boolean }
  stored: number
  /** Records that were there already. */
  duplicates: number
  rejected: RejectedRecord[]
  /** What was changed so that records could be stored, and in how many of them. */
  notes: Map<string, number>
  /** The outcomes that Arc has now, stored before or by this import. */
  kept: ImportedOutcome[]
}

/** What was kept back of the file: records that cannot be read, secrets that were redacted. */
export interface FileCounts {
  rejected: number
  secrets: number
}

type Receipt = { status: 'STORED' | 'DUPLICATE' | 'REJECTED'; reason: string | null; notes: string[] }

const MAX_SCENARIOS_PER_CALL = 1_000
const MAX_OUTCOMES_PER_CALL = 200
/** Of JSON in one call, in characters; a row that is larger goes alone. */
const MAX_CALL_LENGTH = 4_000_000
const MAX_IDS_PER_QUERY = 500
const CALLS_IN_FLIGHT = 2

const TIME_NOT_KEPT =
  'executionTime lies ahead (a local time without its zone, perhaps): the time of arrival takes its place'

/**
 * Sends one run. What was sent before is recognised by the run's identity, so that an import that broke off goes on
 * where it stopped, and a second one stores nothing. The simulation is completed when all records were sent.
 *
 * `onSent` hears of every answered call how many records were in it.
 *
 * @throws ArcRequestError when the run as a whole cannot be stored, or the server no longer answers.
 */
export async function importRun(
  client: ArcClient,
  run: ImportedRun,
  inFile: FileCounts,
  onSent: (records: number) => void,
): Promise<RunReport> {
  const simulationId = simulationIdOf(run)
  const known = await findSimulation(client, simulationId)
  const { configuration, status, refusedScenarios } =
    known ?? (await startSimulation(client, simulationId, run, inFile))
  const report: RunReport = {
    simulationId,
    simulationName: run.name,
    status,
    configuration,
    stored: 0,
    duplicates: run.copies ?? 0,
    rejected: [],
    notes: new Map(),
    kept: [],
  }

  const now = new Date()
  const rows: { outcome: ImportedOutcome; input: OutcomeInput; length: number }[] = []
  for (const outcome of run.outcomes) {
    const input = outcomeInput(run, simulationId, outcome, now)
    const length = jsonLength(input)
    const refusal = refusedScenarios.get(outcome.scenarioExternalId)
    if (refusal !== undefined) reject(report, outcome, `Its scenario was refused: ${refusal}`)
    else if (length === null) reject(report, outcome, 'It is nested too deeply.')
    else rows.push({ outcome, input, length })
  }
  onSent(report.rejected.length)
  await inFlight(batchesOf(rows, MAX_OUTCOMES_PER_CALL), async (batch) => {
    const receipts = await record(
      client,
      batch.map(({ input }) => input),
    )
    batch.forEach(({ outcome, input }, index) => {
      addReceipt(report, outcome, receipts[index]!, Boolean(outcome.executionTime && !input.executionTime))
    })
    onSent(batch.length)
  })

  if (status === 'PENDING' || status === 'RUNNING') {
    const { completeSimulation } = await askPatiently(client, CompleteSimulationDocument, {
      input: { simulationId },
    })
    report.status = accepted(completeSimulation).simulation!.status
  }
  return report
}

/** The key of the run's simulation, the same whenever and from wherever it is imported. */
export function simulationIdOf(run: ImportedRun): string {
  return derivedUuid(`arc-import/${run.identity}`)
}

/** The key of the record, likewise. */
export function outcomeIdOf(run: ImportedRun, outcome: ImportedOutcome): string {
  const attempt = [outcome.scenarioExternalId, outcome.repetition, outcome.retryCount ?? 0]
  return derivedUuid(`arc-import/${outcome.identity ?? `${run.identity}/${JSON.stringify(attempt)}`}`)
}

interface ImportTarget {
  status: SimulationStatus
  configuration: RunReport['configuration']
  /** By external id: why. */
  refusedScenarios: Map<string, string>
}

/** The run's simulation when it was imported before: with its configuration and scenarios, which stay as they are. */
export async function findSimulation(client: ArcClient, simulationId: string): Promise<ImportTarget | null> {
  const { simulation } = await askPatiently(client, FindSimulationDocument, { simulationId })
  if (!simulation) return null
  const { status, configVersion } = simulation
  const { name } = configVersion.configuration
  return {
    status,
    configuration: { name, versionNumber: configVersion.versionNumber, created: false },
    refusedScenarios: new Map(),
  }
}

async function startSimulation(
  client: ArcClient,
  simulationId: string,
  run: ImportedRun,
  inFile: FileCounts,
): Promise<ImportTarget> {
  const { versionId, ...version } = await ensureConfigVersion(client, run.configuration)
  const refusedScenarios = await storeScenarios(client, run.scenarios)
  const scenarios = run.scenarios.filter(({ externalId }) => !refusedScenarios.has(externalId))
  if (scenarios.length === 0) {
    const [reason] = refusedScenarios.values()
    throw new ArcRequestError(`None of its scenarios could be stored. ${reason ?? 'It has none.'}`, 200)
  }
  const { startSimulation: started } = await askPatiently(client, StartSimulationDocument, {
    input: {
      simulationId,
      configVersionId: versionId,
      scenarioIds: scenarios.map(({ externalId }) => scenarioKey(externalId)),
      repetitions: run.repetitions,
      name: run.name,
      start: true,
      metadata: {
        ...run.metadata,
        identity: run.identity,
        records: run.outcomes.length,
        rejected_records: inFile.rejected,
        redacted_secrets: inFile.secrets,
      },
    },
  })
  const { status } = accepted(started).simulation!
  return { status, configuration: { name: run.configuration.name, ...version }, refusedScenarios }
}

/** Stores new and changed scenarios; answers, by external id, why some were refused. */
async function storeScenarios(
  client: ArcClient,
  scenarios: ImportedScenario[],
): Promise<Map<string, string>> {
  const refused = new Map<string, string>()
  // What a file does not describe must not take the place of a description that Arc has.
  const described = await findScenarios(
    client,
    scenarios.filter(({ taskPrompt }) => taskPrompt === null),
  )
  const rows: { externalId: string; input: ScenarioInput; length: number }[] = []
  for (const scenario of scenarios) {
    const { externalId } = scenario
    const input = scenarioInput(scenario)
    const length = jsonLength(input)
    if (length === null) refused.set(externalId, 'It is nested too deeply.')
    else if (!described.has(input.scenarioId!)) rows.push({ externalId, input, length })
  }
  for (const batch of batchesOf(rows, MAX_SCENARIOS_PER_CALL)) {
    const input = { scenarios: batch.map((row) => row.input) }
    const { upsertScenarios } = await askPatiently(client, UpsertScenariosDocument, { input })
    for (const { index, status, reason } of accepted(upsertScenarios).receipts) {
      if (status === 'REJECTED') refused.set(batch[index]!.externalId, reason ?? 'no reason given')
    }
  }
  return refused
}

/** The keys of those that Arc has. */
async function findScenarios(client: ArcClient, scenarios: ImportedScenario[]): Promise<Set<string>> {
  const found = new Set<string>()
  const keys = scenarios.map(({ externalId }) => scenarioKey(externalId))
  for (let start = 0; start < keys.length; start += MAX_IDS_PER_QUERY) {
    const scenarioIds = keys.slice(start, start + MAX_IDS_PER_QUERY)
    const { scenarios } = await askPatiently(client, FindScenariosDocument, { scenarioIds })
    for (const { scenarioId } of scenarios.nodes) found.add(scenarioId)
  }
  return found
}

function scenarioInput({ difficultyLevel, ...scenario }: ImportedScenario): ScenarioInput {
  return {
    ...scenario,
    taskPrompt: scenario.taskPrompt ?? 'The file does not describe this task.',
    scenarioId: scenarioKey(scenario.externalId),
    difficultyLevel: difficultyLevel && enumName(difficultyLevel),
  }
}

function outcomeInput(
  run: ImportedRun,
  simulationId: string,
  outcome: ImportedOutcome,
  now: Date,
): OutcomeInput {
  const { scenarioExternalId, identity, executionTime, status, errorCategory, failurePatterns, ...same } =
    outcome
  return {
    ...same,
    simulationId,
    scenarioId: scenarioKey(scenarioExternalId),
    outcomeId: outcomeIdOf(run, outcome),
    status: enumName(status),
    executionTime: executionTime && executionTime <= now ? executionTime : null,
    errorCategory: errorCategory && enumName(errorCategory),
    failurePatterns: failurePatterns?.map((pattern) => ({
      ...pattern,
      failureCategory: enumName(pattern.failureCategory),
    })),
  }
}

/** One receipt a row. A call that the server cannot take is halved, down to the row at fault. */
async function record(client: ArcClient, outcomes: OutcomeInput[]): Promise<Receipt[]> {
  try {
    const { recordOutcomes } = await askPatiently(client, RecordOutcomesDocument, { input: { outcomes } })
    return accepted(recordOutcomes).receipts
  } catch (error) {
    if (!isAboutTheRows(error)) throw error
    if (outcomes.length === 1) return [{ status: 'REJECTED', reason: error.message, notes: [] }]
    const middle = outcomes.length >> 1
    return [
      ...(await record(client, outcomes.slice(0, middle))),
      ...(await record(client, outcomes.slice(middle))),
    ]
  }
}

function isAboutTheRows(error: unknown): error is ArcRequestError {
  const codes = codesOf(error)
  return (
    (error instanceof ArcRequestError && error.status === 413) ||
    codes.includes('BAD_USER_INPUT') ||
    codes.includes('LIMIT_EXCEEDED')
  )
}

function addReceipt(
  report: RunReport,
  outcome: ImportedOutcome,
  receipt: Receipt,
  timeDropped: boolean,
): void {
  if (receipt.status === 'REJECTED') {
    reject(report, outcome, receipt.reason ?? 'no reason given')
    return
  }
  report.kept.push(outcome)
  if (receipt.status === 'DUPLICATE') {
    report.duplicates++
    return
  }
  report.stored++
  for (const note of timeDropped ? [...receipt.notes, TIME_NOT_KEPT] : receipt.notes) {
    report.notes.set(note, (report.notes.get(note) ?? 0) + 1)
  }
}

function reject(
  report: RunReport,
  { scenarioExternalId, repetition }: ImportedOutcome,
  reason: string,
): void {
  report.rejected.push({ record: `${scenarioExternalId}, repetition ${repetition}`, reason })
}

/** In characters; null for a tree that is too deep for the JSON of this process. */
function jsonLength(value: unknown): number | null {
  try {
    return JSON.stringify(value).length
  } catch (error) {
    if (error instanceof RangeError) return null
    throw error
  }
}

/** The rows in their order, in calls that stay within the limits. */
function batchesOf<Row extends { length: number }>(rows: Row[], maxRows: number): Row[][] {
  const batches: Row[][] = []
  let batch: Row[] = []
  let length = 0
  for (const row of rows) {
    if (batch.length === maxRows || (batch.length > 0 && length + row.length > MAX_CALL_LENGTH)) {
      batches.push(batch)
      batch = []
      length = 0
    }
    batch.push(row)
    length += row.length
  }
  return batch.length > 0 ? [...batches, batch] : batches
}

/** Sends the batches in their order, a few at a time; after a failure no other is begun. */
async function inFlight<Batch>(batches: Batch[], send: (batch: Batch) => Promise<void>): Promise<void> {
  const waiting = [...batches]
  const lane = async () => {
    for (let batch = waiting.shift(); batch; batch = waiting.shift()) {
      try {
        await send(batch)
      } catch (error) {
        waiting.length = 0
        throw error
      }
    }
  }
  await Promise.all(Array.from({ length: CALLS_IN_FLIGHT }, lane))
}

/** GraphQL writes its enums in capitals. */
function enumName<Value extends string>(value: Value): Uppercase<Value> {
  return value.toUpperCase() as Uppercase<Value>
}
