import { readFile } from 'node:fs/promises'
import type { JsonValue } from '../evaluation/outcomeRow.ts'
import type { ParsedFile } from './format.ts'
import { detectFormat, RESULT_FORMATS } from './formats.ts'
import { type Redactions, redactTree } from './redaction.ts'

export interface ResultFile extends ParsedFile {
  /** The format's name. */
  format: string
  /** NaN and infinities, which Python writes and JSON does not know, that were read as null. */
  nonFinite: number
  redactions: Redactions
}

/** Nothing of a file can be imported; the message says why, for its owner. */
export class UnreadableFile extends Error {
  override name = 'UnreadableFile'
}

/** Reads a result file of any known format, without the secrets in it. @throws UnreadableFile */
export async function readResultFile(path: string): Promise<ResultFile> {
  const { document: written, nonFinite } = parseJson(await textOf(path))
  const { tree: document, redactions } = redactTree(written)
  const format = detectFormat(document)
  if (!format) {
    const known = RESULT_FORMATS.map(({ name }) => name).join(', ')
    throw new UnreadableFile(`It is JSON, but of no format that Arc imports. Known are: ${known}.`)
  }
  try {
    return { format: format.name, nonFinite, redactions, ...format.parse(document, path) }
  } catch (error) {
    throw new UnreadableFile(`It cannot be read as ${format.name}: ${(error as Error).message}`, {
      cause: error,
    })
  }
}

const READ_FAULTS: { [code: string]: string } = {
  ENOENT: 'There is no such file.',
  EISDIR: 'It is a folder: name the files in it.',
  EACCES: 'It may not be read: permission denied.',
  ERR_STRING_TOO_LONG: 'It is too large: 512 MB is the limit.',
  ERR_FS_FILE_TOO_LARGE: 'It is too large: 512 MB is the limit.',
}

/** The text of a file without a byte order mark. @throws UnreadableFile */
export async function textOf(path: string): Promise<string> {
  try {
    const text = await readFile(path, 'utf8')
    return text.startsWith('\ufeff') ? text.slice(1) : text
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException
    throw new UnreadableFile(READ_FAULTS[code] ?? `It cannot be read: ${message}`, { cause: error })
  }
}

function parseJson(text: string): { document: JsonValue; nonFinite: number } {
  try {
    return { document: JSON.parse(text), nonFinite: 0 }
  } catch {
    const { json, nonFinite } = withoutNonFinite(text)
    try {
      return { document: JSON.parse(json), nonFinite }
    } catch (error) {
      throw new UnreadableFile(`It is not JSON: ${faultIn(json, error as Error)}`, { cause: error })
    }
  }
}

/** The text with null for every NaN, Infinity and -Infinity that stands outside of a string. */
function withoutNonFinite(text: string): { json: string; nonFinite: number } {
  const parts: string[] = []
  let nonFinite = 0
  let copied = 0
  let at = 0
  let inString = false
  for (const found of text.matchAll(/NaN|-?Infinity/g)) {
    for (; at < found.index; at++) {
      if (inString && text[at] === '\\') at++
      else if (text[at] === '"') inString = !inString
    }
    if (inString) continue
    parts.push(text.slice(copied, found.index), 'null')
    copied = at = found.index + found[0].length
    nonFinite++
  }
  return { json: parts.join('') + text.slice(copied), nonFinite }
}

/** What the parser says, with the line where it says a position. */
function faultIn(json: string, { message }: Error): string {
  if (json.trim() === '') return 'the file is empty.'
  const position = /^(.*?)(?: in JSON)? at position (\d+)/s.exec(message)
  // Some messages quote the file, line breaks and all.
  if (!position) return `${message.replace(/\s+/g, ' ')}.`
  const line = json.slice(0, Number(position[2])).split('\n').length
  return `${position[1]}, in line ${line}.`
}
