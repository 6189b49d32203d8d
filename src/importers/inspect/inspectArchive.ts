import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs'
import { crc32, inflateRawSync } from 'node:zlib'
import { decompress } from 'fzstd'
import { type Entry, openPromise, type ZipFile } from 'yauzl'
import { addedUp, type Redactions, redactTree } from '../../evaluation/redaction/redaction.ts'
import type { JsonObject, JsonValue } from '../../json.ts'
import { decoded } from '../fileText.ts'
import { type RejectedRecord, UnreadableFile } from '../format.ts'
import { MAX_ITEM_BYTES, type ShowReading } from '../largeFile.ts'
import { parseJson } from '../lenientJson.ts'
import { readOneByOne } from '../oneByOne.ts'
import { asObject } from '../recordReading.ts'
import { inspect } from './inspect.ts'
import { type ChunkedSample, filesOf, putTogether, sampleFiles } from './inspectChunks.ts'

/** An Inspect log put together from its archive, as it would stand in one JSON file. */
interface InspectArchive {
  document: JsonObject
  /** As in `LenientJson`, over all files of the archive. */
  nonFinite: number
  /** Samples that could not be unpacked or are no JSON. */
  rejected: RejectedRecord[]
  notes: string[]
  /** Of an archive whose samples are read one by one: what was redacted in all of them. */
  redactions?: Redactions
}

/** More samples than any evaluation has; a directory of more entries is there to keep readers busy. */
const MAX_ENTRIES = 100_000
/** Unpacked, over all entries that are read: what an archive claims to hold is believed up to here only. */
const MAX_TOTAL_BYTES = 20_000_000_000
/** Of the head; a sample may have no more than any other record. */
const MAX_ENTRY_BYTES = 256_000_000
/** Beyond this many bytes an archive may hold no more than so many times its own size: logs are packed to a tenth, those that repeat a long conversation to a fiftieth. */
const UNQUESTIONED_BYTES = 50_000_000
const MAX_RATIO = 200

/** The second is written when a run begins, the first when it is over. */
const HEADS = ['header.json', '_journal/start.json']

const STORED = 0
const DEFLATED = 8
const ZSTANDARD = 93

/** Whether the bytes are those of a zip archive, by its first signature. */
export function isZip(bytes: Buffer): boolean {
  return bytes.length >= 4 && ['PK\x03\x04', 'PK\x05\x06'].includes(bytes.toString('latin1', 0, 4))
}

/**
 * Reads an `.eval` archive: `header.json` and `samples/*.json`, or samples in pieces. A run that was cut off has no header
 * yet; its start is in `_journal/start.json`. A sample that cannot be read is rejected and costs no other.
 *
 * `largeBytes`: from how many bytes on, unpacked, the samples are read one by one, when they are asked for.
 *
 * @throws UnreadableFile when the archive is damaged, no Inspect log, or unpacks to more than Arc reads.
 */
export async function readInspectArchive(
  path: string,
  showReading: ShowReading = () => undefined,
  largeBytes = Number.POSITIVE_INFINITY,
): Promise<InspectArchive> {
  const { size } = statSync(path)
  const entries = await entriesOf(path)
  const paths = [...entries.keys()]
  const wanted = paths.filter((path) => HEADS.includes(path) || path.startsWith('samples/'))
  const total = wanted.reduce((sum, path) => sum + (entries.get(path)?.uncompressedSize ?? 0), 0)
  const limit = Math.min(MAX_TOTAL_BYTES, Math.max(UNQUESTIONED_BYTES, size * MAX_RATIO))
  if (total > limit) {
    throw new UnreadableFile(
      `It unpacks to ${Math.ceil(total / 1e6)} MB: ${Math.floor(limit / 1e6)} MB is the limit for its size.`,
    )
  }

  const numbers = { nonFinite: 0 }
  const read = (name: string): JsonValue => {
    const { document, nonFinite } = parseJson(unpacked(path, entries.get(name)!))
    numbers.nonFinite += nonFinite
    return document
  }
  const { head, notes } = headOf(entries, read)
  const isLarge = total >= largeBytes
  const redactions = [redactTree(isLarge ? head : null).redactions]
  const bytesOf = (sample: string | ChunkedSample, bytes: 'uncompressedSize' | 'compressedSize') =>
    filesOf(sample).reduce((sum, name) => sum + entries.get(name)![bytes], 0)
  const readSample = (sample: string | ChunkedSample) => {
    checkBytes(bytesOf(sample, 'uncompressedSize'), MAX_ITEM_BYTES)
    return typeof sample === 'string' ? read(sample) : putTogether(sample, read)
  }
  const samples: JsonValue[] = []
  const good: (string | ChunkedSample)[] = []
  const rejected: RejectedRecord[] = []
  const files = sampleFiles(paths)
  const progress = isLarge ? showReading(size) : undefined
  try {
    for (const sample of files.samples) {
      try {
        const document = readSample(sample)
        if (isLarge) redactions.push(redactTree(document).redactions)
        else samples.push(document)
        good.push(sample)
      } catch (error) {
        const record = typeof sample === 'string' ? sample : sample.shell
        rejected.push({ record, reason: (error as Error).message })
      }
      progress?.increment(bytesOf(sample, 'compressedSize'))
    }
  } finally {
    progress?.stop()
  }
  const result = { ...numbers, rejected, notes: [...notes, ...incompleteNotes(files.incomplete)] }
  if (!isLarge) return { ...result, document: { ...head, samples } }
  const again = readOneByOne(good.length, (index) => redactTree(readSample(good[index]!)).tree)
  return { ...result, document: { ...head, samples: again }, redactions: addedUp(redactions) }
}

function incompleteNotes(folders: string[]): string[] {
  const [first] = folders
  if (first === undefined) return []
  const more = folders.length > 1 ? ' and others' : ''
  return [
    `${folders.length} ${folders.length === 1 ? 'sample is' : 'samples are'} in pieces that are not all there yet: ${first}${more}`,
  ]
}

/** The entries by name. Inspect appends a file that it writes again: the last one of a name is the one that counts. */
async function entriesOf(path: string): Promise<Map<string, Entry>> {
  let zip: ZipFile | undefined
  try {
    // Names stay bytes: a sample's id may be any text, and yauzl refuses the whole archive for a name like `a/../b`.
    zip = await openPromise(path, { decodeStrings: false, validateEntrySizes: false, autoClose: false })
    if (zip.entryCount > MAX_ENTRIES)
      throw new UnreadableFile(`It is a zip of ${zip.entryCount} files: ${MAX_ENTRIES} is the limit.`)
    const entries = new Map<string, Entry>()
    for await (const entry of zip.eachEntry()) entries.set(entry.fileNameRaw.toString('utf8'), entry)
    return entries
  } catch (error) {
    if (error instanceof UnreadableFile) throw error
    throw damaged(error as Error)
  } finally {
    zip?.close()
  }
}

function damaged(error: Error): UnreadableFile {
  return new UnreadableFile(`It is a zip that is damaged or not complete: ${error.message}.`, {
    cause: error,
  })
}

/** The log's head. A header that cannot be read is no better than none; the note says why it was not. */
function headOf(
  entries: Map<string, Entry>,
  read: (path: string) => JsonValue,
): { head: JsonObject; notes: string[] } {
  const faults: string[] = []
  for (const path of HEADS) {
    if (!entries.has(path)) continue
    try {
      const head = asObject(read(path))
      if (inspect.detect(head)) return { head: { status: 'started', ...head }, notes: faults }
      throw new Error('It does not say what was evaluated.')
    } catch (error) {
      faults.push(`${path} cannot be read: ${(error as Error).message}`)
    }
  }
  throw new UnreadableFile(
    faults.length > 0
      ? `It is a zip, but ${faults.join(' ')}`
      : `It is a zip, but not an Inspect log: it holds neither ${HEADS.join(' nor ')}.`,
  )
}

/** Where an entry's own header has the lengths of the name and of what else stands before its data. */
const NAME_LENGTH_AT = 26
const EXTRA_LENGTH_AT = 28
const HEADER_BYTES = 30

/** @throws Error which says that it is too large. */
function checkBytes(bytes: number, limit: number): void {
  if (bytes > limit) throw new Error(`It has ${Math.ceil(bytes / 1e6)} MB: ${limit / 1e6} MB is the limit.`)
}

function unpacked(archive: string, entry: Entry): string {
  const { compressionMethod: method, uncompressedSize: size } = entry
  if (entry.isEncrypted()) throw new Error('It is encrypted.')
  checkBytes(Math.max(size, entry.compressedSize), MAX_ENTRY_BYTES)
  const packed = packedIn(archive, entry)
  const unpack = UNPACKERS.get(method)
  if (!unpack) throw new Error(`It is compressed by method ${method}, which Arc does not know.`)
  let bytes: Uint8Array
  try {
    bytes = size === 0 ? new Uint8Array() : unpack(packed, size)
  } catch (error) {
    throw new Error('Its compressed data is damaged.', { cause: error })
  }
  if (bytes.length !== size || crc32(bytes) !== entry.crc32)
    throw new Error('Its data is damaged: the checksum is wrong.')
  return decoded(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length))
}

/** The data of an entry as it is packed. An archive may be larger than memory: no more than this is read of it. */
function packedIn(archive: string, { relativeOffsetOfLocalHeader: at, compressedSize }: Entry): Buffer {
  const file = openSync(archive, 'r')
  try {
    const header = Buffer.alloc(HEADER_BYTES)
    const isThere = readSync(file, header, 0, HEADER_BYTES, at) === HEADER_BYTES
    const start =
      at + HEADER_BYTES + header.readUInt16LE(NAME_LENGTH_AT) + header.readUInt16LE(EXTRA_LENGTH_AT)
    if (!isThere || start + compressedSize > fstatSync(file).size)
      throw new Error('Its compressed data is damaged.')
    const packed = Buffer.allocUnsafe(compressedSize)
    readSync(file, packed, 0, compressedSize, start)
    return packed
  } finally {
    closeSync(file)
  }
}

/** Neither can give more than the size that the directory states, whatever the data claims. */
const UNPACKERS = new Map<number, (packed: Buffer, size: number) => Uint8Array>([
  [STORED, (packed) => packed],
  [DEFLATED, (packed, size) => inflateRawSync(packed, { maxOutputLength: size })],
  [ZSTANDARD, (packed, size) => decompress(packed, new Uint8Array(size))],
])
