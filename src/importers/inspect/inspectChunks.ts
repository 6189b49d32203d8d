import type { JsonObject, JsonValue } from '../../json.ts'
import { asFigure, asList, asObject } from '../recordReading.ts'

/** The files of a sample that Inspect wrote in pieces, by what they hold. */
export interface ChunkedSample {
  shell: string
  metadata: string | null
  /** In the order of their first item, after which they are named. */
  messages: Chunk[]
  events: Chunk[]
  calls: Chunk[]
  attachments: Chunk[]
}

interface Chunk {
  path: string
  start: number
}

const SHELL = /^(samples\/.+_epoch_\d+\/)sample\.json$/

/** Of a sample in one file: its id may have slashes, and look like a folder of pieces. */
const WHOLE = /_epoch_\d+\.json$/

interface SampleFiles {
  samples: (string | ChunkedSample)[]
  /** Folders of pieces without the `sample.json` that Inspect writes last. */
  incomplete: string[]
}

/**
 * The samples of an archive, each by the one file that it is or by the pieces that it is in: `sample.json` in a folder of
 * its own, beside `messages/<n>.json` and the like.
 */
export function sampleFiles(paths: string[]): SampleFiles {
  const chunked = new Map<string, ChunkedSample>()
  for (const path of paths) {
    const prefix = SHELL.exec(path)?.[1]
    if (prefix !== undefined)
      chunked.set(prefix, {
        shell: path,
        metadata: null,
        messages: [],
        events: [],
        calls: [],
        attachments: [],
      })
  }
  const samples: (string | ChunkedSample)[] = []
  const incomplete = new Set<string>()
  for (const path of paths) {
    if (!/^samples\/.+\.json$/.test(path)) continue
    const prefix = /^samples\/.+_epoch_\d+\//.exec(path)?.[0]
    const sample = prefix === undefined ? undefined : chunked.get(prefix)
    if (!sample && prefix !== undefined && !WHOLE.test(path)) incomplete.add(prefix)
    else if (!sample) samples.push(path)
    else if (path === sample.shell) samples.push(sample)
    else addPiece(sample, path, path.slice(prefix!.length))
  }
  for (const { messages, events, calls, attachments } of chunked.values()) {
    for (const chunks of [messages, events, calls, attachments]) chunks.sort((a, b) => a.start - b.start)
  }
  return { samples, incomplete: [...incomplete] }
}

/** The files that a sample is in. */
export function filesOf(sample: string | ChunkedSample): string[] {
  if (typeof sample === 'string') return [sample]
  const { shell, metadata, messages, events, calls, attachments } = sample
  const pieces = [messages, events, calls, attachments].flat().map(({ path }) => path)
  return [shell, ...(metadata === null ? [] : [metadata]), ...pieces]
}

/** What else lies there, such as `events/stats.json`, is computed from the rest. */
function addPiece(sample: ChunkedSample, path: string, piece: string): void {
  if (piece === 'metadata.json') sample.metadata = path
  const parts = /^(messages|events|calls|attachments)\/(\d+)\.json$/.exec(piece)
  if (parts) sample[parts[1] as 'messages'].push({ path, start: Number(parts[2]) })
}

/**
 * The sample as Inspect writes it in one piece. Its conversation refers to a pool of messages by ranges; where events do
 * so as well, the pool stays beside them.
 */
export function putTogether(
  { shell, metadata, ...sequences }: ChunkedSample,
  read: (path: string) => JsonValue,
): JsonObject {
  const { message_refs, ...sample } = asObject(read(shell))
  const [messages, events, calls, attachments] = [
    sequences.messages,
    sequences.events,
    sequences.calls,
    sequences.attachments,
  ].map((chunks) => items(chunks, read))
  const pool = messages!
  const refers = events!.some((event) => {
    const { input_refs, call } = asObject(event)
    return input_refs != null || asObject(call).call_refs != null
  })
  return {
    ...sample,
    ...(metadata === null ? {} : { metadata: read(metadata) }),
    messages: Array.isArray(message_refs) ? message_refs.flatMap((range) => within(pool, range)) : pool,
    events: events!,
    ...(refers ? { events_data: { messages: pool, calls: calls! } } : {}),
    attachments: Object.fromEntries(attachments!.map((text, index) => [String(index), text])),
  }
}

function items(chunks: Chunk[], read: (path: string) => JsonValue): JsonValue[] {
  const all: JsonValue[] = []
  for (const { path, start } of chunks) {
    const chunk = read(path)
    if (!Array.isArray(chunk) || start !== all.length)
      throw new Error(`Its pieces do not fit together: ${path} begins at ${start}, not at ${all.length}.`)
    for (const item of chunk) all.push(item)
  }
  return all
}

/** A range is a start and the end behind it. */
function within(pool: JsonValue[], range: JsonValue): JsonValue[] {
  const [start, end] = asList(range).map(asFigure)
  return start != null && end != null ? pool.slice(start, end) : []
}
