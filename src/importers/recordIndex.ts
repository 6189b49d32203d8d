import { closeSync, openSync, readSync } from 'node:fs'

/** Where an item of a list stands in a file: its first byte, and the one behind it. */
export type Extent = [start: number, end: number]

/** A list of a document, with the keys that lead to it from the root. */
interface IndexedList {
  path: string[]
  /** From its bracket to behind it. */
  extent: Extent
  items: Extent[]
}

/** An object that may hold records by key, with where its keys and their values stand. */
interface IndexedObject {
  path: string[]
  extent: Extent
  members: { key: Extent; value: Extent }[]
}

/** Where the long lists of a JSON file stand; of JSON Lines where its lines do. */
export interface RecordIndex {
  kind: 'JSON' | 'JSON Lines'
  lists: IndexedList[]
  /** The document itself, behind the object in it that may hold its records. */
  objects: IndexedObject[]
  bytes: number
  /** Where the file ends within a list or an object; the column in bytes. */
  cutOff: { within: string; line: number; column: number } | null
}

const CHUNK_BYTES = 4_194_304

/** Where records by key stand that are not the whole document. */
const KEYED_PATH = 'logs'

/** Lists lie at most so deep in objects, in every format. */
const MAX_LIST_DEPTH = 3

const MAX_KEY_BYTES = 200

const [QUOTE, BACKSLASH, COMMA, COLON, NEWLINE] = [0x22, 0x5c, 0x2c, 0x3a, 0x0a]
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d]

/**
 * Finds the items of a file's lists without reading any of them, so that they can be read one by one. What is no JSON is
 * not noticed here: an item is parsed where it is read. No streaming parser of others does this as the file needs it:
 * they refuse the NaN of Python, and make of a number what it then is.
 *
 * `onRead` hears how many bytes were looked at; lists of no more than `listBytes` are left out.
 */
export function indexRecords(path: string, onRead: (bytes: number) => void, listBytes: number): RecordIndex {
  const file = openSync(path, 'r')
  try {
    const scanner = new Scanner(listBytes)
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES)
    let offset = 0
    for (;;) {
      const length = readSync(file, chunk, 0, CHUNK_BYTES, offset)
      if (length === 0) break
      scanner.scan(chunk, length, offset)
      offset += length
      onRead(length)
    }
    return scanner.finish(offset)
  } finally {
    closeSync(file)
  }
}

/** An object whose members are found while its text goes by. */
interface OpenObject extends IndexedObject {
  key: Extent | null
  valueStart: number
}

class Scanner {
  readonly #listBytes: number
  readonly #lists: IndexedList[] = []
  readonly #objects: IndexedObject[] = []
  /** By their depth, counted from 1. */
  readonly #openObjects: OpenObject[] = []
  readonly #lines: Extent[] = []
  /** Of the objects around, down to the list that is open, if one is. */
  readonly #path: string[] = []
  #depth = 0
  #open: IndexedList | null = null
  #openDepth = 0
  #itemStart = -1
  #inString = false
  #escaped = false
  #key: number[] | null = null
  #lastKey = ''
  /** Whether the first value at the root has ended, and what follows decides. */
  #rootEnded = -1
  #inLines = false
  #line = 1
  #lineStart = 0

  constructor(listBytes: number) {
    this.#listBytes = listBytes
  }

  scan(chunk: Buffer, length: number, offset: number): void {
    for (let at = 0; at < length; at++) {
      if (this.#inLines) {
        this.#scanLines(chunk, length, offset, at)
        return
      }
      const byte = chunk[at]!
      if (this.#inString) this.#inText(byte, offset + at)
      else if (byte === NEWLINE) {
        this.#line++
        this.#lineStart = offset + at + 1
      } else if (byte > 0x20) this.#outside(byte, offset + at)
    }
  }

  finish(bytes: number): RecordIndex {
    if (!this.#inLines) {
      const within = this.#open ? 'a list' : 'an object'
      const cutOff = { within, line: this.#line, column: bytes - this.#lineStart + 1 }
      return {
        kind: 'JSON',
        lists: this.#lists,
        objects: this.#objects,
        bytes,
        cutOff: this.#depth > 0 ? cutOff : null,
      }
    }
    if (this.#lineStart < bytes) this.#lines.push([this.#lineStart, bytes])
    return {
      kind: 'JSON Lines',
      lists: [{ path: [], extent: [0, bytes], items: this.#lines }],
      objects: [],
      bytes,
      cutOff: null,
    }
  }

  #scanLines(chunk: Buffer, length: number, offset: number, from: number): void {
    let at = from
    for (;;) {
      const end = chunk.indexOf(NEWLINE, at)
      if (end < 0 || end >= length) return
      if (offset + end > this.#lineStart) this.#lines.push([this.#lineStart, offset + end])
      this.#lineStart = offset + end + 1
      at = end + 1
    }
  }

  #inText(byte: number, offset: number): void {
    if (this.#escaped) this.#escaped = false
    else if (byte === BACKSLASH) this.#escaped = true
    else if (byte === QUOTE) {
      this.#inString = false
      if (this.#key) {
        this.#lastKey = Buffer.from(this.#key).toString('utf8')
        this.#key = null
      }
      const object = this.#objectHere()
      if (object?.key && object.valueStart < 0) object.key[1] = offset + 1
      return
    }
    if (this.#key && this.#key.length < MAX_KEY_BYTES) this.#key.push(byte)
  }

  #outside(byte: number, offset: number): void {
    const isInList = this.#open !== null
    if (
      isInList &&
      this.#depth === this.#openDepth &&
      this.#itemStart < 0 &&
      byte !== CLOSE_LIST &&
      byte !== COMMA
    )
      this.#itemStart = offset
    const object = this.#objectHere()
    switch (byte) {
      case QUOTE:
        this.#inString = true
        if (!isInList && this.#depth <= MAX_LIST_DEPTH) this.#key = []
        if (object && object.valueStart < 0) object.key = [offset, -1]
        break
      case OPEN_OBJECT:
        if (this.#depth === 0 && this.#rootEnded >= 0) {
          // A second object: the first stood in a line of its own.
          this.#inLines = true
          this.#lines.push([0, this.#rootEnded])
          this.#lineStart = offset
          this.#lists.length = 0
          this.#objects.length = 0
          return
        }
        if (!isInList && this.#depth > 0) this.#path.push(this.#lastKey)
        this.#depth++
        if (this.#depth === 1 || (this.#depth === 2 && !isInList && this.#lastKey === KEYED_PATH))
          this.#openObjects[this.#depth - 1] = {
            path: [...this.#path],
            extent: [offset, -1],
            members: [],
            key: null,
            valueStart: -1,
          }
        break
      case OPEN_LIST:
        if (!isInList && this.#depth <= MAX_LIST_DEPTH) {
          const path = this.#depth === 0 ? [] : [...this.#path, this.#lastKey]
          this.#open = { path, extent: [offset, -1], items: [] }
          this.#openDepth = this.#depth + 1
          this.#itemStart = -1
        }
        this.#depth++
        break
      case CLOSE_OBJECT:
        if (object) {
          this.#endMember(object, offset)
          const { path, extent, members } = object
          this.#objects.push({ path, extent: [extent[0], offset + 1], members })
          this.#openObjects.length = this.#depth - 1
        }
        this.#depth--
        if (!isInList && this.#depth > 0) this.#path.pop()
        if (this.#depth === 0) this.#rootEnded = offset + 1
        break
      case CLOSE_LIST:
        if (this.#open && this.#depth === this.#openDepth) {
          this.#endItem(offset)
          this.#open.extent[1] = offset + 1
          if (offset + 1 - this.#open.extent[0] > this.#listBytes) this.#lists.push(this.#open)
          this.#open = null
        }
        this.#depth--
        break
      case COMMA:
        if (this.#open && this.#depth === this.#openDepth) this.#endItem(offset)
        if (object) this.#endMember(object, offset)
        break
      case COLON:
        if (object && object.valueStart < 0) object.valueStart = offset + 1
        break
    }
  }

  /** The one whose members stand at this depth. */
  #objectHere(): OpenObject | undefined {
    return this.#open ? undefined : this.#openObjects[this.#depth - 1]
  }

  #endMember(object: OpenObject, offset: number): void {
    if (object.key && object.valueStart >= 0)
      object.members.push({ key: object.key, value: [object.valueStart, offset] })
    object.key = null
    object.valueStart = -1
  }

  #endItem(offset: number): void {
    if (this.#itemStart >= 0) this.#open!.items.push([this.#itemStart, offset])
    this.#itemStart = -1
  }
}
