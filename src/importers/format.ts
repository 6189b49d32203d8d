import type { FailurePatternInput, OutcomeInput } from '../evaluation/outcomeInput.ts'
import type { JsonObject, JsonValue } from '../json.ts'

/** A scenario as a result file describes it. `externalId` is the source's own id. */
export interface ImportedScenario {
  externalId: string
  name: string
  /** Null when the file names the task without describing it. */
  taskPrompt: string | null
  groundTruth?: JsonObject | null
  difficultyLevel?: 'easy' | 'medium' | 'hard' | null
  tags?: string[]
  expectedTools?: string[] | null
  source: string
  metadata?: JsonObject
}

/** An outcome that names its scenario by the source's id; the driver adds the ids of Arc. */
export type ImportedOutcome = Omit<OutcomeInput, 'simulationId' | 'scenarioId' | 'outcomeId'> & {
  scenarioExternalId: string
  repetition: number
  /**
   * Identity of the record by its content, where a run is spread over files and has no name of its own: by this it is
   * known again with whichever files of the run it comes.
   */
  identity?: string
  /** The source does not say which repetition it is: one that is stored keeps its own, any other takes the next free one. */
  takesFreeRepetition?: true
  /**
   * Of a record that is stored once it has ended: what it began with, and with what more, by any of which the simulation
   * of its run is found.
   */
  beginnings?: string[]
  /** It goes on: it is stored when it has ended, or when its run is to end here. */
  isUnfinished?: true
  /** It is stored while it goes on: one that took less than Arc has of it is an older copy. */
  growsInPlace?: true
}

export type RunState = 'finished' | 'unfinished' | 'failed' | 'cancelled'

/** One evaluation run of a file: becomes one simulation. */
export interface ImportedRun {
  /**
   * Identity of the run, derived from what the run is (never from the file's name or place), so that the same
   * run imported again, from whatever file, is the same simulation.
   */
  identity: string
  /** The identity that the run had in a file of its beginning, which did not have its name yet. */
  startedAs?: string
  /** Equal for the files of one run, where each of them holds a part of it and nothing else. Never stored. */
  partOf?: string
  /** Of a part: the identity of the whole run, where the source has a name for it. */
  wholeIdentity?: string
  /** Of a part: how many there are of what the name is of, which may be several runs. */
  planned?: { name: string; parts: number }
  /** How many records the files lack: the run is not finished unless Arc has them. */
  missing?: number
  /** In words, for the owner of a run that is not finished with what Arc has. */
  missingNote?: string
  /**
   * Whether the run has no name of its own and is known again by its records (`ImportedOutcome.identity`): what Arc has
   * of a run is a part of the file that has grown, or the file is a part of it. Records that two runs share do not make
   * them one.
   */
  knownByRecords?: boolean
  /** Keys of the metadata: two runs that both state one of them, and not the same, are two whatever their records are. */
  toldApartBy?: string[]
  /** Whether the source tries again what failed, and has the new result in the place of the old. */
  triesAgain?: boolean
  /** Whether records of one scenario are its repetitions where parts are put together; else each is another run's. */
  partsRepeat?: boolean
  /** Records that were given more than once. */
  copies?: number
  /** The source never says that it has all: a simulation of it that has completed goes on when there is more. */
  isOpenEnded?: boolean
  /** How the source says that the run ended; `finished` where it says nothing. A later import adds to an unfinished one. */
  state?: RunState
  /** Why the run failed or was cancelled. */
  errorMessage?: string | null
  /** What the source knows of the run's times. */
  createdAt?: Date | null
  startedAt?: Date | null
  completedAt?: Date | null
  name: string
  configuration: { name: string; yaml: string }
  /** Trials or epochs per scenario. */
  repetitions: number
  scenarios: ImportedScenario[]
  outcomes: ImportedOutcome[]
  metadata: JsonObject
}

/** A record that could not be read: where it stands in the file and why. */
export interface RejectedRecord {
  record: string
  reason: string
}

/** What was found out about an outcome after its run: by a grader that writes a file of its own. */
export interface ImportedGrade {
  scenarioExternalId: string
  /** Null where the grader could not tell. */
  score: number | null
  /** Why it did not pass; the first is the outcome's error. */
  failures: FailurePatternInput[]
  /** Under the grader's name, beside the metrics that the outcome has. */
  metrics: JsonObject
}

/** A file of grades of one run. */
export interface ImportedGrades {
  /** The grader: what its metrics stand under. */
  grader: string
  /** What the file calls the model of the run; null where it says nothing. */
  model: string | null
  /** What it calls the run of the grader, likewise. */
  run: string | null
  grades: ImportedGrade[]
}

export interface ParsedFile {
  runs: ImportedRun[]
  /** They grade outcomes that Arc has. */
  grades?: ImportedGrades
  rejected: RejectedRecord[]
  /** What the file's owner should know about it, in whole clauses. */
  notes?: string[]
}

/** Nothing of a file can be imported; the message says why, for its owner. */
export class UnreadableFile extends Error {
  override name = 'UnreadableFile'
}

/** It is JSON of no format that Arc imports: in a folder of results such files are passed over. */
export class UnknownFormat extends UnreadableFile {
  override name = 'UnknownFormat'
}

/** It belongs to results and holds none itself. */
export class Companion extends UnknownFormat {
  override name = 'Companion'
}

/** What a value is that a format has at some place. */
export type ShapeKind = 'list' | 'object' | 'text' | 'number' | 'boolean' | 'value'

/** The files around a result file, by their paths from it. What is read of them belongs to its run. */
export interface Beside {
  /** The JSON of a file without its secrets; null where there is none that can be read and is what `is` says. */
  json(path: string, is?: (document: JsonValue) => boolean): Promise<JsonValue>
  /** The names of a folder's files in natural order; none where there is no folder. */
  names(folder: string): Promise<string[]>
}

/** One result format. A new one is one file that exports this, and one line in `formats.ts`. */
export interface ResultFormat {
  /** As shown to the user, e.g. `tau2-bench`. */
  name: string
  /**
   * What documents of the format have, by its path: `results[].score` is of the first item of a list, `*.query` of the
   * first value of an object. Tells which format a document of none comes nearest to.
   */
  shape: { [path: string]: ShapeKind }
  /** Whether it reads its records one by one and keeps none, so that a file may be larger than memory. */
  isReadOneByOne?: true
  /** For a format whose records stand in an object by key: whether a value is such a record. */
  isKeyedRecord?(value: JsonValue): boolean
  /** Whether the parsed JSON document is of this format, told by its content, never by the file's name. */
  detect(document: unknown): boolean
  /**
   * For a run that is spread over files: the document with what the others hold put in, and the format that it then is
   * of. Whichever of the files is read, the same document results.
   */
  gather?(document: JsonValue, beside: Beside): Promise<{ format: ResultFormat; document: JsonValue }>
  /** Reads the document. Throws only when nothing of it can be read; a bad record goes into `rejected`. */
  parse(document: unknown, fileName: string): ParsedFile
}
