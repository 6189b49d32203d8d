import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { indexRecords } from '../../../src/importers/recordIndex.ts'
import { type ResultFile, readResultFile } from '../../../src/importers/resultFile.ts'
import { fixture } from '../../support/fixtures.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'arc-large-'))
})
afterAll(() => rm(folder, { recursive: true }))

async function write(name: string, text: string): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, text)
  return path
}

/** The file as a large one: no outcome has its trajectory in memory. */
async function readLarge(path: string): Promise<ResultFile> {
  const read = await readResultFile(path, undefined, 0)
  for (const outcome of read.runs.flatMap(({ outcomes }) => outcomes))
    expect(Object.getOwnPropertyDescriptor(outcome, 'trajectory')!.get).toBeDefined()
  return read
}

const plain = (file: ResultFile) =>
  JSON.parse(JSON.stringify({ ...file, redactions: [...file.redactions.secrets] }))

describe('a file that is read one record at a time', () => {
  it.each([
    'taubench-small.json',
    'tau2bench-small.json',
    'tau2bench-list.json',
    'inspect-small.json',
    'inspect-small.eval',
    'openhands/v0/output.jsonl',
    'openhands/v1/output.jsonl',
    'terminal-bench/2025-05-06__10-00-00/results.json',
    'promptfoo-small.json',
    'promptfoo-small.jsonl',
    'deepeval/.deepeval/.latest_test_run.json',
    'intercode/bash/gpt-9/ic_bash_multiturn_gpt-9_3_turns_kites.json',
  ])('says the same as one that is read as a whole: %s', async (name) => {
    const whole = await readResultFile(fixture(name))
    expect(plain(await readLarge(fixture(name)))).toEqual(plain(whole))
  })

  it('redacts, counts NaN and leaves out a record that is broken', async () => {
    const simulation = (id: number, more = '') =>
      `{"id": "s${id}", "task_id": "${id}", "termination_reason": "user_stop", "reward_info": {"reward": 1}, "messages": []${more}}`
    const path = await write(
      'odd.json',
      `\ufeff{"tasks": [], "simulations": [${simulation(1, ', "api_key": "pass-9876-word", "note": "},]\\\\"')}, ${simulation(2, ', "seed": NaN')},\n {"id": tru}, ${simulation(4)} ], "info": {"api_key": "pass-5432-word"}}`,
    )
    const { runs, rejected, nonFinite, redactions } = await readLarge(path)
    expect(rejected).toEqual([
      { record: 'record 3', reason: 'It is not JSON: Expected a value, in line 1, column 8 of the record.' },
    ])
    expect(nonFinite).toBe(1)
    expect([...redactions.secrets].sort()).toEqual(['pass-5432-word', 'pass-9876-word'])
    const trajectories = runs[0]!.outcomes.map(({ trajectory }) => trajectory)
    expect(trajectories).toMatchObject([{ api_key: '<redacted>', note: '},]\\' }, { seed: 'NaN' }, {}])
  })

  it('may have its records by key, whatever the keys are, with others before and behind them', async () => {
    const record = (query: string, more = '') =>
      `{"query": "${query}", "turn_history": {"actions": ["a", "}"]}, "summary": {"max_reward": 1}${more}}`
    const [odd, key] = ['a \\"b\\" \\u00e9: {', 'pass-9876-word']
    const logs = `{"7": ${record('One.')}, "${odd}": ${record('Two.', `, "api_key": "${key}"`)} ,
      "3":${record('Three.')},"4": {"query": tru}, "5": ${record('Five.')}}`
    for (const [name, text] of [
      ['keyed.json', logs],
      ['logs.json', `{"meta": {"seed": 1, "lists": [[1], [2]]}, "logs": ${logs}, "more": [1, 2]}`],
    ] as const) {
      const { runs, rejected, redactions } = await readLarge(await write(name, text))
      const tasks = runs[0]!.scenarios.map(({ externalId, taskPrompt }) => [externalId, taskPrompt])
      expect(tasks).toEqual([
        ['intercode/unknown/unknown/3', 'Three.'],
        ['intercode/unknown/unknown/5', 'Five.'],
        ['intercode/unknown/unknown/7', 'One.'],
        ['intercode/unknown/unknown/a "b" \u00e9: {', 'Two.'],
      ])
      expect(rejected).toEqual([
        {
          record: 'record 4',
          reason: 'It is not JSON: Expected a value, in line 1, column 12 of the record.',
        },
      ])
      expect([...redactions.secrets]).toEqual([key])
    }
    const cut = await write('cutKeys.json', logs.slice(0, -10))
    await expect(readResultFile(cut, undefined, 0)).rejects.toThrow(
      /^It is not JSON: The text ends too early, within an object, in line 2, column \d+\.$/,
    )
  })

  it('is without the secrets of the files beside it, too', async () => {
    const row = { instance_id: 'q-1', test_result: {}, history: [], instruction: 'Fly.' }
    const path = await write(
      'output.jsonl',
      `${JSON.stringify(row)}\n${JSON.stringify({ ...row, instance_id: 'q-2' })}\n`,
    )
    const llm = { model: 'm-1', api_key: 'pass-9876-word' }
    await write('metadata.json', JSON.stringify({ llm, max_iterations: 1, eval_output_dir: 'out' }))
    for (const read of [await readLarge(path), await readResultFile(path)]) {
      expect([...read.redactions.secrets]).toEqual(['pass-9876-word'])
      expect(read.runs[0]!.configuration.yaml).toContain('api_key: <redacted>')
    }
  })

  it.each([
    ['behind its lists', (text: string) => `${text}x`],
    ['between them', (text: string) => text.replace('"last"', 'last')],
    ['before them', (text: string) => text.replace('"tasks"', 'tasks')],
  ])('that is broken %s says where, as a small one does', async (name, broken) => {
    const simulation = { task_id: '1', trial: 0, reward_info: { reward: 1 }, messages: ['é😀'.repeat(50)] }
    const simulations = [0, 1, 2].map((trial) => ({ ...simulation, trial }))
    const document = { info: { agent_info: { llm: 'é😀' } }, tasks: [], simulations, last: 'é', more: [1] }
    for (const indent of [undefined, 1]) {
      const path = await write(`${name}.json`, broken(JSON.stringify(document, null, indent)))
      const messageOf = (largeBytes?: number) =>
        readResultFile(path, undefined, largeBytes).catch(({ message }: Error) => message)
      expect(await messageOf(0)).toMatch(/^It is not JSON: .*, in line \d+, column \d+\.$/)
      expect(await messageOf(0)).toBe(await messageOf())
    }
  })

  it('that is cut off says where it ends', async () => {
    const path = await write(
      'cut.json',
      '{"info": {"agent_info": {}},\n"simulations": [{"task_id": "1"},\n {"task_',
    )
    await expect(readResultFile(path, undefined, 0)).rejects.toThrow(
      'It is not JSON: The text ends too early, within a list, in line 3, column 9.',
    )
  })

  it.each([
    'inspect-small.json',
    'inspect-small.eval',
    'promptfoo-small.json',
    'promptfoo-small.jsonl',
    'deepeval/.deepeval/.latest_test_run.json',
    'intercode/bash/gpt-9/ic_bash_multiturn_gpt-9_3_turns_kites.json',
  ])('tells how far it is read: %s', async (name) => {
    let [bytes, shown, stopped] = [0, 0, false]
    await readResultFile(
      fixture(name),
      (size) => {
        bytes = size
        return { increment: (more) => (shown += more), stop: () => (stopped = true) }
      },
      0,
    )
    expect(shown).toBeGreaterThan(bytes / 2)
    expect(shown).toBeLessThanOrEqual(bytes)
    expect(stopped).toBe(true)
  })
})

it('finds the items of lists at their places, whatever stands in texts', async () => {
  const text =
    '{"a": {"b": [ {"c": "]}\\\\"}, [1, 2] , "x" ]}, "d": [], "e": [1,2], "f": {"g": {"h": {"i": [1]}}}}'
  const { kind, lists } = indexRecords(await write('index.json', text), () => {}, 0)
  expect(kind).toBe('JSON')
  expect(
    lists.map(({ path, items }) => [
      path.join('.'),
      items.map(([start, end]) => text.slice(start, end).trim()),
    ]),
  ).toEqual([
    ['a.b', ['{"c": "]}\\\\"}', '[1, 2]', '"x"']],
    ['d', []],
    ['e', ['1', '2']],
  ])
})
