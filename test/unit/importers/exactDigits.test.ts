import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { exactNumber, stringifyExactly } from '../../../src/exactNumbers.ts'
import type { Beside } from '../../../src/importers/format.ts'
import { detectFormat } from '../../../src/importers/formats.ts'
import { type ResultFile, readResultFile } from '../../../src/importers/resultFile.ts'
import { isJsonObject, type JsonValue } from '../../../src/json.ts'
import { fixture } from '../../support/fixtures.ts'
import { expectNoMarks } from '../../support/mutatedDocument.ts'

/** One file of each family, within the folder that is read with it. */
const FILES = [
  ['taubench-small.json'],
  ['tau2bench-small.json'],
  ['tau2bench-without-info.json'],
  ['tau2dir', 'results.json'],
  ['inspect-small.json'],
  ['promptfoo-small.json'],
  ['promptfoo-small.jsonl'],
  ['intercode/bash', 'gpt-9/ic_bash_multiturn_gpt-9_3_turns_kites.json'],
  ['sweagent/kite-model-1__kites__default__t-0.25__p-0.95__c-3.00__install-1', 'kites__kite-9.traj'],
  ['minisweagent', 'kites__kite-7/kites__kite-7.traj.json'],
  ['harbor/kites-job', 'tie-knot__bbbbbbb/result.json'],
  ['harbor/kites-job/tie-knot__aaaaaaa/agent', 'trajectory.json'],
  ['terminal-bench/2025-05-06__10-00-00', 'results.json'],
  ['swe-bench', 'logs/run_evaluation/nightly/acme__kite-1/kites__kite-2/report.json'],
  ['deepeval', '.deepeval/.latest_test_run.json'],
  ['openhands/v0', 'output.jsonl'],
  ['openhands/v1', 'output.jsonl'],
]

/** A number outside of texts, and as far as it is of no power of ten. */
const NUMBERS = /"(?:[^"\\]|\\.)*"(?:\s*:)?|-?\d+(\.\d+)?(?![\d.eE])/g
/** What a number of a task or a version is, no other number may be. */
const IDS = /^"(?:id|task_id|cause|version)"\s*:$/
const MORE_DIGITS = `${'0'.repeat(400)}1`

/** The text with more digits than fit behind each of its numbers, which are as near to it as JavaScript can tell. */
function withMoreDigits(json: string): { json: string; changed: number } {
  let changed = 0
  let before = ''
  const longer = json.replace(NUMBERS, (written, fraction: string | undefined) => {
    if (written.startsWith('"')) {
      before = written
      return written
    }
    if (IDS.test(before)) return written
    changed++
    return fraction === undefined ? `${written}.${MORE_DIGITS}` : `${written}${MORE_DIGITS}`
  })
  return { json: longer, changed }
}

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'arc-digits-'))
})
afterAll(() => rm(folder, { recursive: true }))

/** A copy of the folder, or of a file that stands alone, each of its JSON files as `change` makes it. */
async function copied(root: string, file = '', change = (json: string) => json): Promise<string> {
  const copy = join(await mkdtemp(join(folder, 'copy-')), basename(root))
  await cp(fixture(root), copy, { recursive: true })
  const files = file === '' ? [''] : await readdir(copy, { recursive: true })
  for (const path of files.map((name) => join(copy, name)).filter((name) => /\.(jsonl?|traj)$/.test(name)))
    await writeFile(path, change(await readFile(path, 'utf8')))
  return join(copy, file)
}

/** What is read, without what tells one content from another: other digits are another run. */
function plain({ notes = [], ...file }: ResultFile): unknown {
  const text = stringifyExactly({
    ...file,
    notes: notes.map((note) => note.slice(0, 25)),
    alsoRead: [],
    redactions: [],
  })
    .replace(/\.?0{400,}1/g, '')
    .replace(/[.0]0{9,}…/g, '')
    .replace(/column \d+|test [0-9a-f]{8}/g, '')
  return JSON.parse(text, (key, value) =>
    ['identity', 'partOf', 'wholeIdentity', 'beginnings'].includes(key) ? '' : value,
  )
}

const markOf = (number: string | number) => JSON.stringify(number).slice(1, 40)

const NOTHING_BESIDE: Beside = { json: async () => null, names: async () => [] }

function parsedLine(line: string): JsonValue | null {
  try {
    return JSON.parse(line)
  } catch {
    return null
  }
}

/** The way to the first value of each kind of place: another item of a list, with the same keys, is no other kind. */
function differentPlaces(document: JsonValue): (string | number)[][] {
  const places = new Map<string, (string | number)[]>()
  const walk = (value: JsonValue, path: (string | number)[]) => {
    const kind = path.map((step) => (typeof step === 'number' ? '[]' : step)).join('.')
    if (path.length > 0 && !places.has(kind)) places.set(kind, path)
    if (Array.isArray(value)) for (const [index, item] of value.entries()) walk(item, [...path, index])
    else if (isJsonObject(value)) for (const [key, item] of Object.entries(value)) walk(item, [...path, key])
  }
  walk(document, [])
  return [...places.values()]
}

describe.each(FILES)('%s %s', (root, file) => {
  it('says the same with numbers of more digits than JavaScript has, and keeps them', async () => {
    let changed = 0
    const path = await copied(root!, file, (json) => {
      const longer = withMoreDigits(json)
      changed += longer.changed
      return longer.json
    })
    const short = await readResultFile(await copied(root!, file))
    expect(plain(await readResultFile(path))).toEqual(plain(short))
    expect(changed).toBeGreaterThan(2)
  })

  it('is the same run to every process that reads it', async () => {
    const path = await copied(root!, file, (json) => withMoreDigits(json).json)
    const here = stringifyExactly({ ...(await readResultFile(path)), redactions: [] })
    vi.resetModules()
    const others = await import('../../../src/exactNumbers.ts')
    const { readResultFile: read } = await import('../../../src/importers/resultFile.ts')
    expect(others.stringifyExactly({ ...(await read(path)), redactions: [] })).toBe(here)
    const marks = [exactNumber, others.exactNumber].map((number) => markOf(number('9007199254740993')))
    expect(marks[0]).not.toBe(marks[1])
    for (const mark of marks) expect(here).not.toContain(mark)
  })

  it('has them in no text and in no key, whatever place of the file has one', async () => {
    const path = join(fixture(root!), file ?? '')
    const text = await readFile(path, 'utf8')
    const document = path.endsWith('l')
      ? (text.split('\n').flatMap((line) => parsedLine(line) ?? []) as JsonValue)
      : JSON.parse(text)
    for (const place of differentPlaces(document)) {
      const copy = structuredClone(document)
      const holder = place.slice(0, -1).reduce((at, step) => at[step], copy)
      holder[place.at(-1)!] = exactNumber('9007199254740993')
      const format = detectFormat(copy)
      const parsed = await format?.gather?.(copy, NOTHING_BESIDE)
      if (format) expectNoMarks((parsed?.format ?? format).parse(parsed?.document ?? copy, path))
    }
  })
})
