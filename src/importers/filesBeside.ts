import { readdir, realpath } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type Redactions, redactTree } from '../evaluation/redaction/redaction.ts'
import type { JsonValue } from '../json.ts'
import { textOf } from './fileText.ts'
import { type Beside, UnreadableFile } from './format.ts'
import { inNaturalOrder } from './foundFiles.ts'
import { parseJson } from './lenientJson.ts'

/** The files around one that is read, and what was found in them. */
export class FilesBeside implements Beside {
  readonly #folder: string
  /** Real paths of what was read. */
  readonly read: string[] = []
  /** Files that could not be read, with the reason. */
  readonly notes: string[] = []
  readonly redactions: Redactions[] = []
  nonFinite = 0

  constructor(path: string) {
    this.#folder = dirname(path)
  }

  async json(path: string, is: (document: JsonValue) => boolean = () => true): Promise<JsonValue> {
    const file = join(this.#folder, path)
    const real = await realpath(file).catch(() => null)
    if (real === null) return null
    try {
      const { document, nonFinite } = parseJson(await textOf(file))
      if (!is(document)) return null
      this.read.push(real)
      this.nonFinite += nonFinite
      const { tree, redactions } = redactTree(document)
      this.redactions.push(redactions)
      return tree
    } catch (error) {
      if (!(error instanceof UnreadableFile)) throw error
      this.notes.push(`${path} is left out: ${error.message}`)
      return null
    }
  }

  async names(folder: string): Promise<string[]> {
    const names = await readdir(join(this.#folder, folder)).catch(() => [])
    return names.sort(inNaturalOrder)
  }
}
