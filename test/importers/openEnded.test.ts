import { describe, expect, it } from 'vitest'
import type { Role } from '../../src/viewer.ts'
import { type Tenant, useArc } from '../support/arc.ts'
import { importInto, useFolder } from '../support/importing.ts'

const arc = useArc()
const folder = useFolder()

/** Formats that do not say how many records there will be, or of which a file may hold a part: by the tasks in it. */
const FORMATS: [name: string, file: string, of: (tasks: number[]) => unknown][] = [
  ['InterCode', 'ic_bash_react_gpt-4_10_turns.json', (tasks) => byNumber(tasks, interCode)],
  [
    'InterCode with meta',
    'log.json',
    (tasks) => ({ meta: { model: 'm-1' }, logs: byNumber(tasks, interCode) }),
  ],
  [
    'DeepEval',
    '.latest_test_run.json',
    (tasks) => ({ testRunData: { testCases: tasks.map((task) => deepEval(task)) } }),
  ],
  ['tau2-bench, a list', 'list.json', (tasks) => tasks.map(tau2)],
  [
    'tau2-bench in its own words',
    'own.json',
    (tasks) => ({ domain: 'kites', model: 'm-1', simulations: tasks.map(tau2) }),
  ],
  ['tau-bench', 'gpt-9-retail.json', (tasks) => tasks.map(tau)],
  ['OpenHands', 'output.jsonl', (tasks) => tasks.map((task) => JSON.stringify(openHands(task))).join('\n')],
  [
    'OpenHands with metadata',
    'output.jsonl',
    (tasks) => tasks.map((task) => JSON.stringify({ ...openHands(task), metadata })).join('\n'),
  ],
  ['Terminal-Bench', 'results.json', (tasks) => ({ id: 'r', results: tasks.map(terminalBench) })],
  ['promptfoo', 'results.json', (tasks) => promptfoo(tasks, { tests: 'file://tests.yaml' })],
]

const byNumber = (tasks: number[], of: (task: number) => object) =>
  Object.fromEntries(tasks.map((task) => [task, of(task)]))

const interCode = (task: number, answer = `ls ${task}`) => ({
  environment: 'ic_bash',
  dataset: './data/kites.json',
  query: `List the kites of ${task}.`,
  turn_history: { actions: [answer], observations: ['red'], rewards: [1] },
  summary: { max_reward: 1, turns_taken: 1, turns_max: 10 },
})

const deepEval = (task: number, answer = `${task} is red.`) => ({
  input: `What is kite ${task}?`,
  actualOutput: answer,
  success: true,
  metricsData: [{ name: 'Relevancy', threshold: 0.5, success: true, score: 1 }],
})

const tau2 = (task: number) => ({
  id: `s-${task}`,
  task_id: `${task}`,
  trial: 0,
  end_time: '2025-03-04T10:01:00',
  termination_reason: 'user_stop',
  reward_info: { reward: 1 },
  messages: [{ role: 'assistant', content: 'Up.' }],
})

const tau = (task: number) => ({
  task_id: task,
  reward: 1,
  info: { task: { instruction: 'Fly.' } },
  traj: [{ role: 'assistant', content: `Up with ${task}.` }],
  trial: 0,
})

const metadata = {
  agent_class: 'CodeActAgent',
  llm_config: { model: 'm-1' },
  max_iterations: 30,
  eval_output_dir: '/runs/1',
  start_time: '2025-03-04 10:00:00',
}

const openHands = (task: number) => ({
  instance_id: `acme__kite-${task}`,
  instruction: 'Mend it.',
  test_result: { git_patch: `${task}`, report: { resolved: true } },
  history: [],
})

const terminalBench = (task: number) => ({
  id: `id-${task}`,
  trial_name: `kite-${task}.1-of-1.run`,
  task_id: `kite-${task}`,
  instruction: 'Fly.',
  is_resolved: true,
  failure_mode: 'unset',
})

function promptfoo(tests: number[], config: object = {}, change: object = {}) {
  return {
    evalId: 'eval-1',
    results: {
      version: 3,
      timestamp: '2025-03-04T09:00:00.000Z',
      prompts: [{ raw: 'Fly {{n}}.', label: 'Fly {{n}}.' }],
      results: tests.map((n) => ({
        promptIdx: 0,
        testIdx: n,
        provider: { id: 'm-1' },
        prompt: { raw: `Fly ${n}.`, label: 'Fly {{n}}.' },
        testCase: { vars: { n } },
        response: { output: 'Up.' },
        success: true,
        score: 1,
      })),
      ...change,
    },
    config,
  }
}

async function simulationsOf(tenant: Tenant): Promise<any[]> {
  const { simulations } = await tenant.data(`{
    simulations(orderBy: { field: CREATED_AT, direction: ASC }) { nodes {
      simulationId status overallScore totalScenarios outcomes(first: 100) { totalCount }
    } }
  }`)
  return simulations.nodes
}

/** Imports the file with these tasks in it, one set after the other. */
async function importTasks(
  tenant: Tenant,
  [name, file, of]: (typeof FORMATS)[number],
  sets: number[][],
  role?: Role,
): Promise<void> {
  for (const tasks of sets) {
    const path = await folder.write(`${name}/${tasks.join('')}/${file}`, of(tasks))
    const { exitCode, output } = await importInto(arc, tenant, [path], role ? { role } : {})
    expect([exitCode, output]).toEqual([0, output])
  }
}

function completed(records: number) {
  return {
    status: 'COMPLETED',
    overallScore: 1,
    totalScenarios: records,
    outcomes: { totalCount: records },
  }
}

describe.each(FORMATS)('a file of %s', (...format) => {
  it.each<Role>(['app_user', 'app_ingest'])('that grows is one simulation to %s', async (role) => {
    const tenant = arc.tenant()
    await importTasks(tenant, format, [[0, 1]], role)
    const [first] = await simulationsOf(tenant)
    expect(first).toMatchObject(completed(2))
    // It ends each time, and an older copy changes nothing.
    await importTasks(
      tenant,
      format,
      [
        [0, 1, 2, 3],
        [0, 1, 2, 3, 4],
        [0, 1],
        [0, 1, 2, 3, 4],
      ],
      role,
    )
    expect(await simulationsOf(tenant)).toEqual([{ simulationId: first.simulationId, ...completed(5) }])
  })

  it('that grows in another order is one, too', async () => {
    const tenant = arc.tenant()
    await importTasks(tenant, format, [
      [3, 4],
      [1, 4, 0, 3, 2],
    ])
    expect(await simulationsOf(tenant)).toMatchObject([completed(5)])
  })
})

describe('two runs that begin with the same record are two, and each of them grows', () => {
  const answers = (suffix: string) => (task: number) => (task === 0 ? 'the same' : `${task}${suffix}`)
  it.each<[string, string, (tasks: number[], answer: (task: number) => string) => unknown]>([
    [
      'InterCode',
      'ic_bash_react_gpt-4_10_turns.json',
      (tasks, answer) => byNumber(tasks, (task) => interCode(task, answer(task))),
    ],
    [
      'DeepEval',
      'test_run.json',
      (tasks, answer) => ({
        testFile: 'kites.py',
        testCases: tasks.map((task) => deepEval(task, answer(task))),
      }),
    ],
  ])('of %s', async (name, file, of) => {
    for (const role of ['app_user', 'app_ingest'] as const) {
      const tenant = arc.tenant()
      for (const run of ['a', 'b']) {
        const format = [`${name}-${run}`, file, (tasks: number[]) => of(tasks, answers(run))] as const
        await importTasks(tenant, [...format], [[0, 1]], role)
      }
      expect(await simulationsOf(tenant)).toMatchObject([completed(2), completed(2)])
      await importTasks(tenant, [`${name}-a`, file, (tasks) => of(tasks, answers('a'))], [[0, 1, 2]], role)
      expect(await simulationsOf(tenant)).toMatchObject([completed(3), completed(2)])
    }
  })
})

it('a file that a key without sight began grows by another one and by it again', async () => {
  const tenant = arc.tenant()
  const format = FORMATS[0]!
  await importTasks(tenant, format, [[0, 1]], 'app_ingest')
  await importTasks(tenant, format, [[0, 1, 2]], 'app_user')
  await importTasks(tenant, format, [[0, 1, 2, 3]], 'app_ingest')
  expect(await simulationsOf(tenant)).toMatchObject([completed(4)])
})

it('what comes after somebody has ended the run with a result of their own is another simulation', async () => {
  const tenant = arc.tenant()
  const format = FORMATS.find(([name]) => name === 'tau-bench')!
  // The first trial has three tasks: it goes on until the second has them, too.
  const trials = (...ofSecond: number[]) => [
    ...[0, 1, 2].map(tau),
    ...ofSecond.map((task) => ({
      ...tau(task),
      trial: 1,
      traj: [{ role: 'assistant', content: `${task}.` }],
    })),
  ]
  await importTasks(tenant, ['ended', format[1], () => trials(0)], [[1]])
  const [running] = await simulationsOf(tenant)
  expect(running).toMatchObject({ status: 'RUNNING' })
  await tenant.data(
    `mutation ($input: CompleteSimulationInput!) { completeSimulation(input: $input) { errors { code } } }`,
    { input: { simulationId: running.simulationId, result: { overallScore: 0.5 } } },
  )
  await importTasks(tenant, ['ended', format[1], () => trials(0, 1, 2)], [[2]])
  expect(await simulationsOf(tenant)).toMatchObject([
    { status: 'COMPLETED', overallScore: 0.5, outcomes: { totalCount: 4 } },
    { status: 'COMPLETED', overallScore: 1, outcomes: { totalCount: 2 } },
  ])
})

describe('an evaluation of promptfoo that is split over two files', () => {
  const tests = [0, 1, 2, 3, 4].map((n) => ({ vars: { n } }))
  const stats = { successes: 5, failures: 0, errors: 0 }
  const metrics = { testPassCount: 5, testFailCount: 0, testErrorCount: 0 }
  it.each([
    ['its tests', { tests }, {}],
    ['what promptfoo counted', {}, { stats }],
    ['the counts of its prompts', {}, { prompts: [{ raw: 'Fly {{n}}.', label: 'Fly {{n}}.', metrics }] }],
  ])('ends with the second, by %s', async (name, config, change) => {
    const tenant = arc.tenant()
    const write = (part: number, results: number[]) =>
      folder.write(`split/${name}/${part}.json`, promptfoo(results, config, change))
    const { output } = await importInto(arc, tenant, [await write(1, [0, 1])])
    expect(output).toContain('3 of 5 results are missing: the run is not finished.')
    expect(await simulationsOf(tenant)).toMatchObject([{ status: 'RUNNING' }])
    const second = await importInto(arc, tenant, [await write(2, [2, 3, 4])])
    expect(second.output).not.toContain('the run is not finished')
    expect(await simulationsOf(tenant)).toMatchObject([completed(5)])
  })
})
