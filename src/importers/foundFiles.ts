import { type FileHandle, open, readdir, realpath, stat } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { startIn } from './fileText.ts'

/** A file to be read as results. */
export interface ResultPath {
  path: string
  /** The folder that was named, for a file that was not named itself: there others may lie beside the results. */
  folder: string | null
}

/** What lies at the paths that were named, in natural order (`v2` before `v10`). */
export interface FoundFiles {
  results: ResultPath[]
  /** Files that are to be versions of configurations. */
  configurations: string[]
  /** Named files that say how the runs of a batch ended, as SWE-agent and mini-swe-agent write them: no configurations. */
  runReports: string[]
  /** YAML files of folders that hold results: settings of the run, not versions of anything. By the named folder. */
  besideResults: Map<string, string[]>
  /** Named folders that could not be walked, with the reason. */
  failed: Map<string, string>
}

const NOTHING = 'There is no result file and no configuration in this folder.'

/** What people and programs call files that hold JSON, so that one that is broken is worth a word. */
export const JSON_NAME = /\.(?:json|jsonl|ndjson|traj|eval)(?:\.gz)?$/i

/** How much of a file is looked at. */
const SNIFFED_BYTES = 4_096

const NOT_WALKED = new Set(['.git', 'node_modules'])

/**
 * Finds the files to import. A folder is walked; a symbolic link in it is followed when it leads to within the folder,
 * and every file is found once, so that a cycle ends. What begins as JSON or as a zip may be a result, and what is called
 * JSON and is none is worth a word; the YAML files of a folder are versions of a configuration unless results lie in it
 * or below.
 */
export async function findFiles(paths: readonly string[]): Promise<FoundFiles> {
  const found: FoundFiles = {
    results: [],
    configurations: [],
    runReports: [],
    besideResults: new Map(),
    failed: new Map(),
  }
  for (const path of paths) {
    if (!(await isFolder(path))) {
      const kind = await kindOf(path)
      if (kind === 'run report') found.runReports.push(path)
      else if (kind === 'text' && !JSON_NAME.test(path)) found.configurations.push(path)
      else found.results.push({ path, folder: null })
      continue
    }
    try {
      const root = await realpath(path)
      const walk: Walk = { folder: path, root, seen: new Set([root]), found }
      const before = found.results.length + found.configurations.length
      await walkFolder(path, walk)
      if (found.results.length + found.configurations.length === before) found.failed.set(path, NOTHING)
    } catch (error) {
      found.failed.set(path, `The folder cannot be read: ${(error as Error).message}`)
    }
  }
  return found
}

interface Walk {
  folder: string
  root: string
  /** Real paths of files and folders. */
  seen: Set<string>
  found: FoundFiles
}

/** Whether there are results in the folder or below. */
async function walkFolder(folder: string, walk: Walk): Promise<boolean> {
  const { found } = walk
  const folders: string[] = []
  const yamlFiles: string[] = []
  let hasResults = false
  const entries = await readdir(folder, { withFileTypes: true })
  for (const name of entries.map(({ name }) => name).sort(inNaturalOrder)) {
    const path = join(folder, name)
    const target = await targetOf(path, walk)
    if (target === null || walk.seen.has(target.real)) continue
    walk.seen.add(target.real)
    if (target.isFolder) {
      if (!NOT_WALKED.has(name)) folders.push(path)
    } else if (/\.ya?ml$/i.test(name)) {
      // Of a batch's report its trajectories say the same.
      if ((await kindOf(path)) !== 'run report') yamlFiles.push(path)
    } else {
      const beginsAsResult = ['json', 'zip'].includes(await kindOf(path))
      if (beginsAsResult) hasResults = true
      if (beginsAsResult || JSON_NAME.test(name)) found.results.push({ path, folder: walk.folder })
    }
  }
  // After the files: what holds a run together stands above its parts.
  for (const path of folders) if (await walkFolder(path, walk)) hasResults = true
  if (!hasResults) found.configurations.push(...yamlFiles)
  else if (yamlFiles.length > 0) {
    found.besideResults.set(walk.folder, [...(found.besideResults.get(walk.folder) ?? []), ...yamlFiles])
  }
  return hasResults
}

/** What lies at a path within the folder; null for what is neither file nor folder, and for links that lead out. */
async function targetOf(path: string, { root }: Walk): Promise<{ real: string; isFolder: boolean } | null> {
  try {
    const real = await realpath(path)
    if (real !== root && !real.startsWith(root.endsWith(sep) ? root : root + sep)) return null
    const stats = await stat(real)
    return stats.isDirectory() || stats.isFile() ? { real, isFolder: stats.isDirectory() } : null
  } catch {
    return null
  }
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (stats) => stats.isDirectory(),
    () => false,
  )
}

/** What a file begins as; `unknown` for what is empty or cannot be read. */
async function kindOf(path: string): Promise<'json' | 'zip' | 'text' | 'run report' | 'unknown'> {
  let file: FileHandle | undefined
  try {
    file = await open(path)
    const { buffer, bytesRead } = await file.read(Buffer.alloc(SNIFFED_BYTES), 0, SNIFFED_BYTES, 0)
    if (buffer.toString('latin1', 0, 2) === 'PK') return 'zip'
    const start = startIn(buffer.subarray(0, bytesRead)).trimStart()
    if (/^[{[]/.test(start)) return 'json'
    if (/^instances_by_exit_status:/m.test(start)) return 'run report'
    return start !== '' && !start.includes('\0') ? 'text' : 'unknown'
  } catch {
    return 'unknown'
  } finally {
    await file?.close()
  }
}

export const inNaturalOrder = new Intl.Collator('en', { numeric: true }).compare
