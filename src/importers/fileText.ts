import { constants } from 'node:buffer'
import { open, readFile, stat } from 'node:fs/promises'
import { promisify } from 'node:util'
import { gunzip, gunzipSync, type ZlibOptions, constants as zlibConstants } from 'node:zlib'
import { UnreadableFile } from './format.ts'

const READ_FAULTS: { [code: string]: string } = {
  ENOENT: 'There is no such file.',
  EACCES: 'It may not be read: permission denied.',
  ERR_STRING_TOO_LONG: 'It is too large: 512 MB is the limit.',
  ERR_FS_FILE_TOO_LARGE: 'It is too large: 512 MB is the limit.',
  ERR_BUFFER_TOO_LARGE: 'It is too large unpacked: 512 MB is the limit.',
  Z_DATA_ERROR: 'It is packed by gzip and damaged.',
  Z_BUF_ERROR: 'It is packed by gzip and not complete.',
}

/** As much as a text may have. */
const MAX_TEXT_BYTES = constants.MAX_STRING_LENGTH

/** The content of a file, unpacked where it is packed by gzip. @throws UnreadableFile */
export async function bytesOf(path: string): Promise<Buffer> {
  try {
    const bytes = await readFile(path)
    return isGzip(bytes) ? await unpacked(bytes, { maxOutputLength: MAX_TEXT_BYTES }) : bytes
  } catch (error) {
    throw unreadable(error as NodeJS.ErrnoException)
  }
}

const unpacked = promisify<Buffer, ZlibOptions, Buffer>(gunzip)

function isGzip(bytes: Buffer): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b
}

/** Whether the bytes of a file that begins so are those of its text as it is read. */
export function isPlain(start: Buffer): boolean {
  return !isGzip(start) && !isUtf16(start)
}

/** How a text begins, by the first bytes of its file. */
export function startIn(bytes: Buffer): string {
  if (!isGzip(bytes)) return decoded(bytes)
  try {
    return decoded(gunzipSync(bytes, { finishFlush: zlibConstants.Z_SYNC_FLUSH }))
  } catch {
    return ''
  }
}

/** @throws UnreadableFile */
export async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size
  } catch (error) {
    throw unreadable(error as NodeJS.ErrnoException)
  }
}

/** The first bytes of a file: enough to tell what it is. @throws UnreadableFile */
export async function startOf(path: string): Promise<Buffer> {
  const file = await open(path).catch((error: NodeJS.ErrnoException) => {
    throw unreadable(error)
  })
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(16), 0, 16, 0)
    return buffer.subarray(0, bytesRead)
  } finally {
    await file.close()
  }
}

/** The text of a file without a byte order mark. @throws UnreadableFile */
export async function textOf(path: string): Promise<string> {
  return decoded(await bytesOf(path))
}

/** The text without a byte order mark, which may be of UTF-16, as shells of Windows write. @throws UnreadableFile */
export function decoded(bytes: Buffer): string {
  try {
    const text = isUtf16(bytes) ? new TextDecoder(utf16Of(bytes)).decode(bytes) : bytes.toString('utf8')
    return text.startsWith('\ufeff') ? text.slice(1) : text
  } catch (error) {
    throw unreadable(error as NodeJS.ErrnoException)
  }
}

function isUtf16(bytes: Buffer): boolean {
  return utf16Of(bytes) !== undefined
}

/** By its byte order mark. */
function utf16Of(bytes: Buffer): 'utf-16le' | 'utf-16be' | undefined {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le'
  return bytes[0] === 0xfe && bytes[1] === 0xff ? 'utf-16be' : undefined
}

function unreadable(error: NodeJS.ErrnoException): UnreadableFile {
  const fault = READ_FAULTS[error.code ?? ''] ?? `It cannot be read: ${error.message}`
  return new UnreadableFile(fault, { cause: error })
}
