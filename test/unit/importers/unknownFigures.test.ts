import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { readResultFile } from '../../../src/importers/resultFile.ts'

const folder = mkdtempSync(join(tmpdir(), 'arc-unknown-'))
afterAll(() => rmSync(folder, { recursive: true }))

async function read(document: unknown, name: string) {
  const path = join(folder, name)
  writeFileSync(path, JSON.stringify(document))
  const { runs, rejected, notes = [] } = await readResultFile(path)
  return { outcomes: runs.flatMap(({ outcomes }) => outcomes), rejected, notes }
}

const said = { role: 'assistant', content: 'It flies.' }

const tau2 = (...changes: object[]) => ({
  timestamp: '2026-01-02T03:04:05',
  info: { agent_info: { llm: 'm-1' } },
  tasks: [],
  simulations: changes.map((change, trial) => ({
    task_id: '1',
    trial,
    messages: [said],
    reward_info: { reward: 1 },
    termination_reason: 'user_stop',
    ...change,
  })),
})

const inspect = (change: object) => ({
  version: 2,
  status: 'success',
  eval: { run_id: 'r', task: 'kites', model: 'm-1', created: '2026-01-02T03:04:05+00:00' },
  samples: [{ id: 1, epoch: 1, input: 'Fly.', scores: { match: { value: 'C' } }, ...change }],
})

const promptfoo = (change: object, timestamp = '2026-01-02T03:04:05Z') => ({
  evalId: 'e',
  results: {
    timestamp,
    results: [
      {
        testIdx: 0,
        promptIdx: 0,
        provider: 'm-1',
        prompt: { raw: 'Fly.' },
        success: true,
        score: 1,
        ...change,
      },
    ],
  },
  config: {},
})

const terminalBench = (change: object) => ({
  results: [
    { task_id: 'fly', trial_name: 'fly.1-of-1.r', is_resolved: true, failure_mode: 'unset', ...change },
  ],
})

const deepEval = (change: object) => ({
  testCases: [
    {
      input: 'Fly?',
      success: true,
      metricsData: [{ name: 'a', success: true, score: 1, threshold: 0.5 }],
      ...change,
    },
  ],
})

const harbor = (change: object) => ({
  task_name: 'kites/fly',
  trial_name: 'fly__a',
  agent_info: { name: 'claude-code', model_info: { name: 'm-1' } },
  verifier_result: { rewards: { reward: 1 } },
  ...change,
})

const mini = (instance_cost: unknown) => ({
  info: { exit_status: 'Submitted', mini_version: '2.0.0', model_stats: { instance_cost } },
  messages: [said],
  instance_id: 'kites__kite-1',
})

const sweAgent = (tokens_sent: unknown) => ({
  trajectory: [{ action: 'ls' }],
  info: { exit_status: 'submitted', model_stats: { tokens_sent } },
  history: [said],
})

test.each<[name: string, document: unknown, field: string, note: string]>([
  ['tau2-1.json', tau2({ duration: -1 }), 'executionTimeMs', 'duration is -1, not a number from 0 up'],
  ['tau2-2.json', tau2({ end_time: 'yesterday' }), 'executionTime', 'end_time is "yesterday", not a time'],
  ['tau2-3.json', tau2({ agent_cost: 'free' }), 'costUsd', 'agent_cost is "free", not a number from 0 up'],
  ['inspect.json', inspect({ total_time: -0.5 }), 'executionTimeMs', 'total_time is -0.5, not a number'],
  [
    'inspect-2.json',
    inspect({ model_usage: { 'm-1': { input_tokens: -3, output_tokens: 'many' } } }),
    'promptTokens',
    'input_tokens is -3, not a number',
  ],
  [
    'promptfoo.json',
    promptfoo({ latencyMs: -7 }),
    'executionTimeMs',
    'latencyMs is -7, not a number from 0 up',
  ],
  ['promptfoo-2.json', promptfoo({}, 'just now'), 'executionTime', 'timestamp is "just now", not a time'],
  [
    'terminal-bench.json',
    terminalBench({ trial_ended_at: '2026-02-30T00:00:00' }),
    'executionTime',
    'trial_ended_at is "2026-02-30T00:00:00", not a time',
  ],
  [
    'deepeval.json',
    deepEval({ completionTime: -2 }),
    'executionTimeMs',
    'completionTime is -2, not a number',
  ],
  ['harbor.json', harbor({ finished_at: 'soon' }), 'executionTime', 'finished_at is "soon", not a time'],
  [
    'harbor-2.json',
    harbor({ agent_result: { cost_usd: [] } }),
    'costUsd',
    'cost_usd is a list, not a number',
  ],
  ['fly.traj.json', mini('much'), 'costUsd', 'instance_cost is "much", not a number from 0 up'],
  ['fly.traj', sweAgent(-1), 'promptTokens', 'tokens_sent is -1, not a number from 0 up'],
])(
  '%s: a figure that nobody can use is unknown, and costs its record nothing',
  async (name, document, field, note) => {
    const { outcomes, rejected, notes } = await read(document, name)
    expect(rejected).toEqual([])
    expect(outcomes).toMatchObject([{ status: 'success', [field]: null }])
    expect(notes.filter((said) => said.startsWith(note))).toEqual([
      expect.stringMatching(/: unknown in 1 place$/),
    ])
  },
)

test('what is unusable throughout is noted once', async () => {
  const { outcomes, notes } = await read(
    tau2({ duration: -1 }, { duration: -2 }, { duration: 3 }),
    'all.json',
  )
  expect(outcomes.map(({ executionTimeMs }) => executionTimeMs)).toEqual([null, null, 3000])
  expect(notes).toEqual(['duration is -1, not a number from 0 up: unknown in 2 places'])
})
