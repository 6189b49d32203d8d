import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { readResultFile } from '../../../src/importers/resultFile.ts'
import { zipOf } from '../../support/zipArchive.ts'

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

const RECORDS = 250
const TEXT_BYTES = 24_000
/** A third of the file: a few records, and what is known of each of them. */
const MOST_HELD_BYTES = (RECORDS * TEXT_BYTES) / 3

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'arc-memory-'))
})
afterAll(() => rm(folder, { recursive: true }))

const records = <Item>(item: (number: number) => Item) => Array.from({ length: RECORDS }, (_, at) => item(at))
const longText = (number: number) => `${number} kites. `.padEnd(TEXT_BYTES, 'Wind and string. ')

const promptfooResult = (testIdx: number) => ({
  testIdx,
  promptIdx: 0,
  provider: 'acme:kite',
  prompt: { raw: 'Fly.', label: 'Fly.' },
  testCase: { vars: { wind: longText(testIdx) } },
  success: true,
  score: 1,
  response: { output: 'Done.' },
})

const inspectHead = { version: 2, status: 'success', eval: { run_id: 'r', task: 'kites', model: 'm' } }

const FILES: [name: string, content: () => string | Buffer][] = [
  [
    'promptfoo.json',
    () => JSON.stringify({ evalId: 'e', results: { results: records(promptfooResult) }, config: {} }),
  ],
  ['promptfoo.jsonl', () => records((at) => `${JSON.stringify(promptfooResult(at))}\n`).join('')],
  [
    'deepeval.json',
    () =>
      JSON.stringify({
        testRunData: {
          testCases: records((at) => ({
            name: `t${at}`,
            input: longText(at),
            success: true,
            metricsData: [],
          })),
        },
      }),
  ],
  [
    'intercode.json',
    () =>
      JSON.stringify(
        Object.fromEntries(
          records((at) => [
            at,
            {
              query: 'Fly.',
              turn_history: { actions: ['fly'], observations: [longText(at)], rewards: [1] },
              summary: { max_reward: 1, turns_taken: 1, turns_max: 3 },
            },
          ]),
        ),
      ),
  ],
  [
    'inspect.eval',
    () =>
      zipOf([
        { name: 'header.json', content: JSON.stringify(inspectHead) },
        ...records((id) => ({
          name: `samples/${id}_epoch_1.json`,
          method: 0 as const,
          content: JSON.stringify({
            id,
            epoch: 1,
            input: 'Fly.',
            messages: [{ role: 'user', content: longText(id) }],
            scores: {},
          }),
        })),
      ]),
  ],
]

it.each(FILES)(
  'of a large file only a few records are held at once, and it is read a few times: %s',
  async (name, content) => {
    const path = join(folder, name)
    await writeFile(path, content())
    let most = 0
    let parsed = 0
    const parse = JSON.parse
    // Not a spy of vitest, which keeps all that went through it.
    JSON.parse = (...given) => {
      if (parsed++ % 80 === 0) {
        collectGarbage()
        most = Math.max(most, process.memoryUsage().heapUsed)
      }
      return parse(...given)
    }
    try {
      collectGarbage()
      const before = process.memoryUsage().heapUsed
      const { runs, rejected } = await readResultFile(path, undefined, 1)
      collectGarbage()
      most = Math.max(most, process.memoryUsage().heapUsed)
      expect(rejected).toEqual([])
      expect(runs.map(({ outcomes }) => outcomes.length)).toEqual([RECORDS])
      expect(most - before).toBeLessThan(MOST_HELD_BYTES)
      expect(parsed / RECORDS).toBeLessThan(7)
      // All of it is there where it is asked for.
      for (const [at, { trajectory }] of runs[0]!.outcomes.entries())
        expect(JSON.stringify(trajectory)).toContain(longText(at))
    } finally {
      JSON.parse = parse
    }
  },
)
