import { closeSync, openSync, readSync } from 'node:fs'
import { type Redactions, redactTree } from '../evaluation/redaction/redaction.ts'
import type { JsonObject, JsonValue } from '../json.ts'
import { decoded } from './fileText.ts'
import { type RejectedRecord, UnreadableFile } from './format.ts'
import { isKeyedRecord } from './formats.ts'
import type { TextPlace } from './jsonFault.ts'
import { inItsLine } from './jsonLines.ts'
import { type LenientJson, parseJson } from './lenientJson.ts'
import { readByKey, readOneByOne } from './oneByOne.ts'
import { type Extent, indexRecords, type RecordIndex } from './recordIndex.ts'

/** A list, or an object of records, of more bytes than this is read one item at a time. */
const LIST_BYTES = 1_000_000

/** More than the server takes in a call, so that no row can be made of it. */
export const MAX_ITEM_BYTES = 64_000_000

/** So many members of an object are looked at to see whether it holds records by key. */
const MEMBERS_TRIED = 10

/** A format is told by so many items: each format that a file is not of would have to read them all. */
const ITEMS_TOLD_BY = 100

/** A document whose long lists hold their items in the file: each is read when it is asked for, and forgotten. */
export interface LargeDocument extends LenientJson {
  /** The same with no more than the first items of each of those lists: enough to tell its format. */
  beginning: JsonValue
  kind: 'JSON' | 'JSON Lines'
  redactions: Redactions
  rejected: RejectedRecord[]
}

const NEWLINE = 0x0a

/** Hears how far a file is read. */
export interface ReadProgress {
  /** So many bytes more. */
  increment(bytes: number): void
}

/** Hears how many bytes of a large file are to be read, and then how far that is. */
export type ShowReading = (bytes: number) => (ReadProgress & { stop(): void }) | undefined

/**
 * Reads a file that is too large to be held, without its secrets: what stands around its lists, and where their items
 * are. Every item is read once here, so that one that is broken is rejected now and what was redacted is counted.
 *
 * `listBytes`: which lists are long.
 *
 * @throws UnreadableFile when it is no JSON.
 */
export function readLargeFile(
  path: string,
  progress: ReadProgress | undefined,
  listBytes = LIST_BYTES,
): LargeDocument {
  const index = indexRecords(path, (bytes) => progress?.increment(bytes / 2), listBytes)
  if (index.cutOff) {
    const { within, line, column } = index.cutOff
    throw new UnreadableFile(
      `It is not JSON: The text ends too early, within ${within}, in line ${line}, column ${column}.`,
    )
  }
  const file = openSync(path, 'r')
  const text = (extent: Extent): string => textAt(file, extent)
  try {
    const long = longIn(index, text, listBytes)
    const { skeleton, pieces } =
      index.kind === 'JSON Lines' ? { skeleton: '[]', pieces: [] } : withoutItems(long, index.bytes, text)
    const { document: written, ...numbers } = parseJson(skeleton, (offset) =>
      placeAt(file, byteAt(skeleton, pieces, offset)),
    )
    const { tree, redactions } = redactTree(written)
    const secrets = new Set(redactions.secrets)
    const large: LargeDocument = {
      kind: index.kind,
      document: tree,
      beginning: tree,
      ...numbers,
      redactions: { secrets, places: redactions.places },
      rejected: [],
    }
    for (const list of long) {
      const good: Extent[] = []
      const keys: string[] = []
      for (const [position, { key, extent }] of list.items.entries()) {
        progress?.increment((extent[1] - extent[0]) / 2)
        try {
          const item = readItem(text, extent)
          large.nonFinite += item.nonFinite
          for (const secret of item.redactions.secrets) secrets.add(secret)
          large.redactions = { secrets, places: large.redactions.places + item.redactions.places }
          if (key) keys.push(JSON.parse(text(key)))
          good.push(extent)
        } catch (error) {
          if (!(error instanceof UnreadableFile)) throw error
          large.rejected.push(
            index.kind === 'JSON Lines'
              ? { record: `line ${position + 1}`, reason: inItsLine(error.message) }
              : { record: `record ${position + 1}`, reason: error.message.replace(/\.$/, ' of the record.') },
          )
        }
      }
      const read = (at: number) => readFrom(path, good[at]!)
      const first = (count: number) =>
        list.isKeyed
          ? readByKey(keys.slice(0, count), read)
          : readOneByOne(Math.min(count, good.length), read)
      large.document = placed(large.document, list.path, first(good.length))
      large.beginning = placed(large.beginning, list.path, first(ITEMS_TOLD_BY))
    }
    return large
  } finally {
    closeSync(file)
  }
}

function readFrom(path: string, extent: Extent): JsonValue {
  const file = openSync(path, 'r')
  try {
    return readItem((extent) => textAt(file, extent), extent).document
  } finally {
    closeSync(file)
  }
}

/** What is read of most items, so that not each of them leaves a buffer behind: these are not counted as memory that is used. */
const SCRATCH = Buffer.allocUnsafeSlow(LIST_BYTES)

function textAt(file: number, [start, end]: Extent): string {
  const length = end - start
  const bytes = length <= SCRATCH.length ? SCRATCH.subarray(0, length) : Buffer.allocUnsafe(length)
  readSync(file, bytes, 0, length, start)
  return decoded(bytes)
}

function readItem(
  text: (extent: Extent) => string,
  extent: Extent,
): LenientJson & { redactions: Redactions } {
  const bytes = extent[1] - extent[0]
  if (bytes > MAX_ITEM_BYTES)
    throw new UnreadableFile(`It has ${Math.ceil(bytes / 1e6)} MB: ${MAX_ITEM_BYTES / 1e6} MB is the limit.`)
  const { document, ...numbers } = parseJson(text(extent))
  const { tree, redactions } = redactTree(document)
  return { document: tree, ...numbers, redactions }
}

/** A list or an object whose items are read one by one. */
interface LongPart {
  path: string[]
  extent: Extent
  isKeyed: boolean
  items: { key?: Extent; extent: Extent }[]
}

/** The long parts of a document in their order, none within another. */
function longIn(index: RecordIndex, text: (extent: Extent) => string, listBytes: number): LongPart[] {
  const isRecord = (extent: Extent): boolean => {
    // What is larger holds the records itself, or has long lists in it.
    if (sizeOf(extent) > LIST_BYTES) return false
    try {
      return isKeyedRecord(readItem(text, extent).document)
    } catch {
      return false
    }
  }
  const keyed = index.objects.find(
    ({ extent, members }) =>
      sizeOf(extent) > listBytes && members.slice(0, MEMBERS_TRIED).some(({ value }) => isRecord(value)),
  )
  const lists = index.lists
    .filter(({ extent }) => !keyed || extent[1] <= keyed.extent[0] || extent[0] >= keyed.extent[1])
    .map(({ items, ...list }) => ({ ...list, isKeyed: false, items: items.map((extent) => ({ extent })) }))
  if (!keyed) return lists
  const { members, ...place } = keyed
  const items = members.map(({ key, value }) => ({ key, extent: value }))
  return [...lists, { ...place, isKeyed: true, items }].sort((a, b) => a.extent[0] - b.extent[0])
}

function sizeOf([start, end]: Extent): number {
  return end - start
}

/** A piece of the file in a text that is made of such: where it begins in both. */
interface Piece {
  offset: number
  byte: number
}

/** The text with an empty list or object in place of each of these, and the pieces of the file in it. */
function withoutItems(
  parts: LongPart[],
  bytes: number,
  text: (extent: Extent) => string,
): { skeleton: string; pieces: Piece[] } {
  const pieces: Piece[] = []
  let skeleton = ''
  let at = 0
  const add = (end: number) => {
    pieces.push({ offset: skeleton.length, byte: at })
    skeleton += text([at, end])
  }
  for (const { extent, isKeyed } of parts) {
    add(extent[0])
    skeleton += isKeyed ? '{}' : '[]'
    at = extent[1]
  }
  add(bytes)
  return { skeleton, pieces }
}

function byteAt(skeleton: string, pieces: Piece[], offset: number): number {
  const piece = pieces.findLast((each) => each.offset <= offset) ?? { offset: 0, byte: 0 }
  return piece.byte + Buffer.byteLength(skeleton.slice(piece.offset, offset))
}

/** The place of a byte of the file as an editor shows it. */
function placeAt(file: number, byte: number): TextPlace {
  let line = 1
  let column = 1
  for (let start = 0; start < byte; start += SCRATCH.length) {
    const length = Math.min(SCRATCH.length, byte - start)
    readSync(file, SCRATCH, 0, length, start)
    for (const each of SCRATCH.subarray(0, length)) {
      if (each === NEWLINE) {
        line++
        column = 1
        // Of a character of several bytes the first counts.
      } else if ((each & 0xc0) !== 0x80) column++
    }
  }
  return { line, column }
}

function placed(document: JsonValue, path: string[], items: JsonValue[] | JsonObject): JsonValue {
  const [key, ...rest] = path
  if (key === undefined) return items
  const object = document as JsonObject
  return { ...object, [key]: placed(object[key]!, rest, items) }
}
