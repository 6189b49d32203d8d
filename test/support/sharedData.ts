import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, it } from 'vitest'

// Real result files are large and under licences of their own: they lie beside the project, not in it.
const named = process.env.ARC_SHARED_DATA
const folder = named ? pathToFileURL(`${resolve(named)}/`) : new URL('../../../shared/data/', import.meta.url)

/** Tests of what lies in the folder of real data; where there is none, one that is skipped and says so. */
export function withSharedData(title: string, tests: (folder: URL) => void): void {
  describe(title, () => {
    if (existsSync(folder)) tests(folder)
    else it.skip('(skipped: the real data is not here; ARC_SHARED_DATA names its folder)', () => {})
  })
}
