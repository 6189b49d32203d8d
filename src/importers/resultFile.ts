import { addedUp, type Redactions, redactTree } from '../evaluation/redaction/redaction.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../json.ts'
import { FilesBeside } from './filesBeside.ts'
import { bytesOf, decoded, isPlain, sizeOf, startOf } from './fileText.ts'
import {
  Companion,
  type ImportedRun,
  type ParsedFile,
  type RejectedRecord,
  type ResultFormat,
  UnknownFormat,
  UnreadableFile,
} from './format.ts'
import { companionMessage, detectFormat, nearestFormat, RESULT_FORMATS } from './formats.ts'
import { isZip, readInspectArchive } from './inspect/inspectArchive.ts'
import { parseJsonLines } from './jsonLines.ts'
import { readLargeFile, type ShowReading } from './largeFile.ts'
import { namedNumbers, parseJson } from './lenientJson.ts'
import { madeOf } from './oneByOne.ts'
import { readWithNotes } from './unknownFigures.ts'

export interface ResultFile extends ParsedFile {
  /** The format's name. */
  format: string
  /** NaN and infinities, which Python writes and JSON does not know: kept by their names, and no figures. */
  nonFinite: number
  redactions: Redactions
  /** Real paths of the files whose content is in this one's runs, too. */
  alsoRead: string[]
}

/** Larger files are not held in memory, where their format allows it. */
const LARGE_BYTES = 64_000_000

/**
 * Reads a result file of any known format, told by its content, without the secrets in it. `largeBytes`: from which size
 * on its records are read one by one.
 *
 * @throws UnreadableFile
 */
export async function readResultFile(
  path: string,
  showReading: ShowReading = () => undefined,
  largeBytes = LARGE_BYTES,
): Promise<ResultFile> {
  const {
    written: read,
    nonFinite,
    rejected,
    notes,
    kind,
    redactions: before,
    told,
  } = await contentOf(path, showReading, largeBytes)
  // A file of JSON Lines may be as short as one line.
  const written = !told && !detectFormat(read) && detectFormat([read]) ? [read] : read
  const detected = told ?? detectFormat(written)
  const companion = detected ? null : companionMessage(written)
  if (companion !== null) throw new Companion(companion)
  if (!detected)
    throw new UnknownFormat(`It is ${kind}, but not of a format that Arc imports. ${nearestTo(written)}`)
  // Of a large file all is redacted that is read, whenever that is.
  const { tree, redactions: own } = before ? { tree: written, redactions: before } : redactTree(written)
  const beside = new FilesBeside(path)
  const { format, document } = (await detected.gather?.(tree, beside)) ?? {
    format: detected,
    document: tree,
  }
  const redactions = beside.redactions.length === 0 ? own : addedUp([own, ...beside.redactions])
  try {
    // Some formats have nothing but its name to tell what was run.
    const { result: parsed, notes: unknown } = readWithNotes(() =>
      format.parse(document, path.replace(/\.gz$/i, '')),
    )
    const found = nonFinite + beside.nonFinite
    return {
      format: format.name,
      nonFinite: found,
      redactions,
      runs: found === 0 ? parsed.runs : parsed.runs.map((run) => withNamedNumbers(run, before !== undefined)),
      rejected: [...rejected, ...parsed.rejected],
      notes: [...notes, ...beside.notes, ...(parsed.notes ?? []), ...unknown],
      alsoRead: beside.read,
      ...(parsed.grades ? { grades: parsed.grades } : {}),
    }
  } catch (error) {
    throw new UnreadableFile(`It cannot be read as ${format.name}: ${(error as Error).message}`, {
      cause: error,
    })
  }
}

interface Content {
  kind: 'JSON' | 'JSON Lines' | 'an archive'
  written: JsonValue
  nonFinite: number
  rejected: RejectedRecord[]
  notes: string[]
  /** Where that is done already. */
  redactions?: Redactions
  /** Its format, where that is told already. */
  told?: ResultFormat
}

async function contentOf(path: string, showReading: ShowReading, largeBytes: number): Promise<Content> {
  const start = await startOf(path)
  if (isZip(start)) {
    const { document, ...rest } = await readInspectArchive(path, showReading, largeBytes)
    return { kind: 'an archive', written: document, ...rest }
  }
  const size = await sizeOf(path)
  const large =
    size < largeBytes || !isPlain(start) ? null : largeContentOf(path, size, showReading, largeBytes)
  if (large) return large
  const bytes = await bytesOf(path)
  if (isZip(bytes)) throw new UnreadableFile('It is a zip that is packed by gzip: unpack it.')
  const text = decoded(bytes)
  try {
    const { document, ...numbers } = parseJson(text)
    return { kind: 'JSON', written: document, ...numbers, rejected: [], notes: [] }
  } catch (error) {
    const lines = parseJsonLines(text)
    if (!lines) throw error
    const { document, ...rest } = lines
    return { kind: 'JSON Lines', written: document, ...rest, notes: [] }
  }
}

/** Null for a file of a format that reads it as a whole. */
function largeContentOf(
  path: string,
  size: number,
  showReading: ShowReading,
  largeBytes: number,
): Content | null {
  const progress = showReading(size)
  try {
    const { document, beginning, ...rest } = readLargeFile(
      path,
      progress,
      largeBytes < LARGE_BYTES ? 0 : undefined,
    )
    const told = detectFormat(beginning) ?? detectFormat(document)
    return told?.isReadOneByOne ? { ...rest, written: document, told, notes: [] } : null
  } finally {
    progress?.stop()
  }
}

function nearestTo(document: JsonValue): string {
  const nearest = nearestFormat(document) ?? (isJsonObject(document) ? nearestFormat([document]) : null)
  const hint = nearest ? `It comes nearest to ${nearest.name}, and lacks ${listed(nearest.lacks)}. ` : ''
  return `${hint}Known formats: ${[...new Set(RESULT_FORMATS.map(({ name }) => name))].join(', ')}.`
}

function listed(parts: string[]): string {
  return parts.length < 2
    ? (parts[0] ?? 'what tells its records')
    : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`
}

/** The run as it can be sent: GraphQL's JSON has no NaN. */
function withNamedNumbers(run: ImportedRun, isLargeFile: boolean): ImportedRun {
  return {
    ...run,
    metadata: namedNumbers(run.metadata) as JsonObject,
    scenarios: madeOf([run.scenarios], run.scenarios.length, (index) => {
      const { groundTruth, metadata, ...scenario } = run.scenarios[index]!
      return {
        ...scenario,
        groundTruth: groundTruth && (namedNumbers(groundTruth) as JsonObject),
        metadata: metadata && (namedNumbers(metadata) as JsonObject),
      }
    }),
    // Those of a large file are made so as they are read.
    outcomes: isLargeFile
      ? run.outcomes
      : run.outcomes.map((outcome) => ({
          ...outcome,
          trajectory: namedNumbers(outcome.trajectory ?? null),
          metrics: outcome.metrics && (namedNumbers(outcome.metrics) as JsonObject),
        })),
  }
}
