import {
  linkSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  rmdirSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'

/** Another process has the data folder. */
export class DataDirLocked extends Error {
  override name = 'DataDirLocked'
}

/** A takeover lasts microseconds: one this old was left by a process that died in it. */
const TAKEOVER_STALE_MS = 10_000

/** The folders that this process has: its own number in a lock says nothing (see isAlive). */
const held = new Set<string>()

/**
 * Keeps a second process off the folder: PGlite has no lock of its own, and two processes on one folder corrupt it.
 * Returns what gives the lock back.
 *
 * The lock is a file with its owner's process id that appears whole, by link(2), or not at all. A lock whose owner is
 * gone is taken over under a second one, so that two processes that both see a dead owner don't both win.
 *
 * @throws DataDirLocked when a living process has it.
 */
export function lockDataDir(directory: string): () => void {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const folder = realpathSync(directory)
  if (held.has(folder)) throw locked(directory, process.pid)
  const lock = join(folder, 'lock')
  if (!claim(lock)) {
    const takeover = join(folder, 'lock.takeover')
    if (!enter(takeover)) throw locked(directory, undefined)
    try {
      const owner = ownerOf(lock)
      if (owner !== undefined && isAlive(owner)) throw locked(directory, owner)
      if (owner !== undefined) unlinkSync(lock)
      if (!claim(lock)) throw locked(directory, ownerOf(lock))
    } finally {
      rmdirSync(takeover)
    }
  }
  held.add(folder)
  return () => {
    if (held.delete(folder) && ownerOf(lock) === process.pid) unlinkSync(lock)
  }
}

function claim(lock: string): boolean {
  const own = `${lock}.${process.pid}`
  writeFileSync(own, String(process.pid))
  try {
    linkSync(own, lock)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  } finally {
    unlinkSync(own)
  }
}

function enter(takeover: string): boolean {
  try {
    mkdirSync(takeover)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    const since = statSync(takeover, { throwIfNoEntry: false })?.mtimeMs
    if (since === undefined || Date.now() - since < TAKEOVER_STALE_MS) return false
    rmSync(takeover, { recursive: true, force: true })
    return enter(takeover)
  }
}

function ownerOf(lock: string): number | undefined {
  try {
    return Number(readFileSync(lock, 'utf8'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function isAlive(pid: number): boolean {
  // In a container a restarted server often gets its own old number again.
  if (pid === process.pid || !Number.isInteger(pid) || pid <= 0) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function locked(directory: string, owner: number | undefined): DataDirLocked {
  return new DataDirLocked(
    `${directory} is in use by another Arc (process ${owner ?? 'unknown'}). Stop it first, or set ARC_DATA_DIR to another folder.`,
  )
}
