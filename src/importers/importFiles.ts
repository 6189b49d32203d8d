import { realpath } from 'node:fs/promises'
import { basename } from 'node:path'
import type { ArcClient } from '../client/arcClient.ts'
import { ArcRequestError } from '../client/arcRequestError.ts'
import { addedUp, type Redactions } from '../evaluation/redaction/redaction.ts'
import {
  byConfiguration,
  type ConfigHistory,
  type HistoryReport,
  importHistory,
  readHistory,
  UNKNOWN_MODEL,
} from './configHistory.ts'
import {
  Companion,
  type ImportedGrades,
  type ImportedRun,
  type RejectedRecord,
  UnknownFormat,
  UnreadableFile,
} from './format.ts'
import { findFiles, JSON_NAME, type ResultPath } from './foundFiles.ts'
import { type GradingReport, type GradingTarget, importGrades, mergedGrades } from './grading.ts'
import { type FileCounts, gradeEarlier, importRun, type RunReport } from './importRun.ts'
import { joinRuns } from './joinedRuns.ts'
import { type EarlierRun, type PlacedRun, placeRun } from './placedRun.ts'
import { append, identityOfRecords } from './recordReading.ts'
import { readResultFile } from './resultFile.ts'
import { isOpen } from './storedRecords.ts'

/** What became of one file, of the files of one configuration, or of those that hold parts of one run. */
export type FileReport =
  | ConfigurationReport
  | ResultsReport
  | GradesReport
  | SkippedFile
  | PassedOver
  | FailedFile

/** All of it is in Arc now. */
export interface ConfigurationReport {
  kind: 'configuration'
  /** What a person knows the files by. */
  label: string
  history: ConfigHistory
  report: HistoryReport
}

export interface ResultsReport {
  kind: 'results'
  label: string
  /** How many files hold it. */
  files: number
  format: string
  nonFinite: number
  redactions: Redactions
  notes: string[]
  /** Simulations that records of these files came into with an earlier import. */
  earlier: EarlierRun[]
  reports: RunReport[]
  /** The records that are not in Arc. */
  rejected: RejectedRecord[]
}

/** There is nothing in it for Arc. */
interface SkippedFile {
  kind: 'skipped'
  label: string
  reason: string
}

/** Grades of outcomes that Arc has. */
export interface GradesReport extends GradingReport {
  kind: 'grades'
  label: string
  files: number
  format: string
}

/** What lies in a folder beside its results. */
export interface PassedOver {
  kind: 'passedOver'
  /** The folder that was named. */
  label: string
  /** JSON of no format that Arc imports, with what it is nearest to. */
  unknown: { file: string; message: string }[]
  /** YAML beside results. */
  yaml: string[]
}

/** It failed in a way that its owner can mend. */
interface FailedFile {
  kind: 'failed'
  label: string
  message: string
}

interface Choices {
  /** Of the YAML files; else the name of their folder. */
  configuration?: string
  /** For the YAML files that name none. */
  model?: string
  /** Whether simulations end of which the source is not finished. */
  complete?: boolean
  /** Of the grades. */
  simulation?: string
}

const ENDING = '--complete ends the simulation'
const NOT_FINISHED = `the run is not finished. Import it again when there is more; ${ENDING}`

const RUN_REPORT = 'It lists how the runs of a batch ended, which their trajectories say as well.'

/** Begins to show how much of a file is read, or how many of its records are sent. */
export type ShowProgress = (file: string, total: number, unit: 'bytes' | 'records') => Progress | undefined

interface Progress {
  increment(more: number): void
  stop(): void
}

/** A file that holds a part of a run, until all files are read. */
interface RunPart {
  file: string
  /** Real paths of the files that it stands in. */
  files: string[]
  format: string
  nonFinite: number
  redactions: Redactions
  notes: string[]
  run: ImportedRun
}

/** A file of grades, until all files are read. */
interface Grading {
  file: string
  format: string
  grades: ImportedGrades
  rejected: RejectedRecord[]
}

/** What waits until all files are read, and what belongs to others. */
interface Reading {
  parts: RunPart[]
  gradings: Grading[]
  /** Real paths of files that were read with another. */
  alsoRead: Set<string>
}

/**
 * Sends configurations and result files to a server, and tells of each what became of it, as it goes on: a file that
 * fails keeps none of the others back.
 *
 * @throws ArcRequestError with the status 0 when the server does not answer any more.
 */
export async function* importFiles(
  client: ArcClient,
  paths: readonly string[],
  { configuration, model, complete = false, simulation }: Choices,
  showProgress: ShowProgress,
): AsyncGenerator<FileReport> {
  const found = await findFiles(paths)
  for (const [label, message] of found.failed) yield { kind: 'failed', label, message }
  for (const label of found.runReports) yield { kind: 'skipped', label, reason: RUN_REPORT }
  for (const [name, files] of byConfiguration(found.configurations, configuration)) {
    yield await importConfiguration(client, name, files, model)
  }
  const reading: Reading = { parts: [], gradings: [], alsoRead: new Set() }
  const { parts, gradings, alsoRead } = reading
  const imported = new Set<string>()
  const passedOver = new Map<string, PassedOver>()
  const withResults = new Set<string>()
  for (const file of found.results) {
    const real = await realpath(file.path).catch(() => file.path)
    if (alsoRead.has(real)) continue
    const report = await importFile(client, file, reading, complete, showProgress)
    if (report?.kind === 'passedOver') addPassedOver(passedOver, report)
    else {
      if (file.folder !== null) withResults.add(file.folder)
      if (!report) continue
      addSimulations(imported, report)
      yield report
    }
  }
  const partOf = new Map(parts.map((part) => [part.run.identity, part]))
  for (const run of joinRuns(parts.map((part) => part.run))) {
    const own = run.outcomes.map(({ identity }) => partOf.get(identityOfRecords([identity ?? '']))!)
    const report = await importJoinedRun(client, run, own, complete, showProgress)
    addSimulations(imported, report)
    yield report
  }
  const target = { simulationId: simulation, imported }
  const byRun = new Map<string, Grading[]>()
  for (const grading of gradings) {
    const { grader, model, run } = grading.grades
    append(byRun, JSON.stringify([grader, model, run]), grading)
  }
  for (const files of byRun.values()) yield await gradeOutcomes(client, files, target)
  for (const [label, yaml] of found.besideResults) {
    addPassedOver(passedOver, { kind: 'passedOver', label, unknown: [], yaml })
  }
  yield* passedOver.values()
  for (const label of passedOver.keys()) {
    if (withResults.has(label) || found.configurations.length > 0) continue
    yield { kind: 'failed', label, message: 'Nothing in this folder is of a format that Arc imports.' }
  }
}

function addSimulations(simulations: Set<string>, report: ResultsReport | FailedFile): void {
  if (report.kind !== 'results') return
  for (const { simulationId } of [...report.reports, ...report.earlier]) simulations.add(simulationId)
}

function gradeOutcomes(
  client: ArcClient,
  files: Grading[],
  target: GradingTarget,
): Promise<GradesReport | FailedFile> {
  const [{ file, format }] = files as [Grading]
  const label = files.length === 1 ? file : `${file} and ${files.length - 1} more of its run`
  return orFailed(label, async () => {
    const { grades, rejected } = mergedGrades(files.map((grading) => grading.grades))
    const report = await importGrades(client, grades, target)
    return {
      kind: 'grades',
      label,
      files: files.length,
      format,
      ...report,
      rejected: [...files.flatMap((grading) => grading.rejected), ...rejected, ...report.rejected],
    }
  })
}

function addPassedOver(all: Map<string, PassedOver>, { label, unknown, yaml }: PassedOver): void {
  const before = all.get(label) ?? { kind: 'passedOver', label, unknown: [], yaml: [] }
  all.set(label, { ...before, unknown: [...before.unknown, ...unknown], yaml: [...before.yaml, ...yaml] })
}

function importConfiguration(
  client: ArcClient,
  name: string,
  files: string[],
  model = UNKNOWN_MODEL,
): Promise<ConfigurationReport | FailedFile> {
  const label = files.length === 1 ? files[0]! : `${files[0]} to ${basename(files.at(-1)!)}`
  return orFailed(label, async () => {
    const history = await readHistory(name, files, model)
    return { kind: 'configuration', label, history, report: await importHistory(client, history) }
  })
}

/** What is part of a run that other files may go on with is put into `parts` instead. */
async function importFile(
  client: ArcClient,
  { path: file, folder }: ResultPath,
  { parts, gradings, alsoRead }: Reading,
  complete: boolean,
  showProgress: ShowProgress,
): Promise<ResultsReport | PassedOver | FailedFile | undefined> {
  try {
    const {
      format,
      runs,
      rejected,
      nonFinite,
      redactions,
      notes = [],
      alsoRead: read,
      grades,
    } = await readResultFile(file, (bytes) => showProgress(file, bytes, 'bytes'))
    const others = read.filter((path) => !alsoRead.has(path)).length
    for (const path of read) alsoRead.add(path)
    if (grades) {
      gradings.push({ file, format, grades, rejected })
      return undefined
    }
    const [part] = runs.filter(({ partOf }) => partOf !== undefined)
    if (part) {
      parts.push({ file, files: [file, ...read], format, nonFinite, redactions, notes, run: part })
      return undefined
    }
    const inFile = { rejected: rejected.length, secrets: redactions.secrets.size }
    const { reports, earlier } = await importRuns(client, file, runs, inFile, complete, showProgress)
    const lacking = reports.some(isOpen) ? new Set(runs.flatMap(({ missingNote }) => missingNote ?? [])) : []
    return {
      kind: 'results',
      label: file,
      files: 1 + others,
      format,
      nonFinite,
      redactions,
      notes: [...notes, ...[...lacking].map((note) => `${note}: ${NOT_FINISHED}`)],
      earlier,
      reports,
      rejected: [...rejected, ...reports.flatMap((report) => report.rejected)],
    }
  } catch (error) {
    const isOther =
      error instanceof UnknownFormat || (error instanceof UnreadableFile && !JSON_NAME.test(file))
    if (folder === null || !isOther) return failed(file, error)
    if (error instanceof Companion) return { kind: 'passedOver', label: folder, unknown: [], yaml: [] }
    return { kind: 'passedOver', label: folder, unknown: [{ file, message: error.message }], yaml: [] }
  }
}

function importJoinedRun(
  client: ArcClient,
  run: ImportedRun,
  parts: RunPart[],
  complete: boolean,
  showProgress: ShowProgress,
): Promise<ResultsReport | FailedFile> {
  const [{ file, format }] = parts as [RunPart]
  const label = parts.length === 1 ? file : `${file} and ${parts.length - 1} more of its run`
  return orFailed(label, async () => {
    const redactions = addedUp(parts.map((part) => part.redactions))
    const inFile = { rejected: 0, secrets: redactions.secrets.size }
    const { reports, earlier } = await importRuns(client, file, [run], inFile, complete, showProgress)
    return {
      kind: 'results',
      label,
      files: new Set(parts.flatMap((part) => part.files)).size,
      format,
      nonFinite: parts.reduce((total, part) => total + part.nonFinite, 0),
      redactions,
      notes: [...new Set(parts.flatMap((part) => part.notes)), ...joinedNotes(run, reports, complete)],
      earlier,
      reports,
      rejected: reports.flatMap((report) => report.rejected),
    }
  })
}

function joinedNotes(
  { outcomes, missing = 0, planned }: ImportedRun,
  reports: RunReport[],
  complete: boolean,
): string[] {
  if (complete || !reports.some(isOpen)) return []
  const goingOn = outcomes.filter(({ isUnfinished }) => isUnfinished).length
  const lacking =
    missing > 0 && planned
      ? `${missing} of the ${planned.parts} trials of the job are not in these files, or cannot be read: `
      : ''
  const left =
    goingOn === 0
      ? `${lacking}${NOT_FINISHED}`
      : `${goingOn} of its trajectories have not ended and are not stored. Import them again when they have; ${ENDING}`
  return [left]
}

async function importRuns(
  client: ArcClient,
  file: string,
  runs: ImportedRun[],
  inFile: FileCounts,
  complete: boolean,
  showProgress: ShowProgress,
): Promise<Pick<ResultsReport, 'reports' | 'earlier'>> {
  const parts: PlacedRun[] = []
  const earlier: EarlierRun[] = []
  for (const run of runs) {
    const placed = await placeRun(client, run, complete)
    parts.push(...placed.parts)
    earlier.push(...placed.earlier)
  }
  for (const run of earlier.filter(({ graded }) => graded.length > 0)) await gradeEarlier(client, run)
  const records = parts.reduce((total, { run, refused }) => total + run.outcomes.length + refused.length, 0)
  const progress = records > 0 ? showProgress(file, records, 'records') : undefined
  try {
    const reports: RunReport[] = []
    for (const part of parts) {
      reports.push(await importRun(client, part, inFile, complete, (sent) => progress?.increment(sent)))
    }
    return { reports, earlier }
  } finally {
    progress?.stop()
  }
}

async function orFailed<Report>(label: string, work: () => Promise<Report>): Promise<Report | FailedFile> {
  try {
    return await work()
  } catch (error) {
    return failed(label, error)
  }
}

/** @throws what is no fault of the file. */
function failed(label: string, error: unknown): FailedFile {
  const ofTheFile =
    error instanceof UnreadableFile || (error instanceof ArcRequestError && error.status !== 0)
  if (!ofTheFile) throw error
  return { kind: 'failed', label, message: error.message }
}
