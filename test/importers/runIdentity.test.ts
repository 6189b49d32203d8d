import { dirname } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type Tenant, useArc } from '../support/arc.ts'
import { importInto, useFolder } from '../support/importing.ts'

const arc = useArc()
const folder = useFolder()

async function simulationsOf(tenant: Tenant): Promise<any[]> {
  const { simulations } = await tenant.data(`{
    simulations(orderBy: { field: CREATED_AT, direction: ASC }) {
      nodes {
        simulationId status repetitions totalScenarios scoredScenarios overallScore totalTokens totalCostUsd
        configVersion { model }
        outcomes(first: 100) {
          nodes {
            scenario { externalId } repetition retryCount superseded status reliabilityScore tokensUsed costUsd
            errorCode metrics stepCount trajectory
          }
        }
      }
    }
  }`)
  for (const { outcomes } of simulations.nodes) {
    outcomes.nodes.sort((one: any, other: any) => placeOf(one).localeCompare(placeOf(other)))
  }
  return simulations.nodes
}

/** As the tests below write it: the end of the task's name, repetition and attempt. */
function placeOf({ scenario, repetition, retryCount }: any): string {
  return `${scenario.externalId.split('/').at(-1)} ${repetition}.${retryCount}`
}

function placesOf({ outcomes }: any): string[] {
  return outcomes.nodes.map(placeOf)
}

/** Imports them one after the other, each with success. */
async function importEach(tenant: Tenant, ...files: string[]): Promise<string[]> {
  const outputs: string[] = []
  for (const file of files) {
    const { exitCode, output } = await importInto(arc, tenant, [file])
    expect(output).not.toMatch(/rejected +[1-9]/)
    expect([exitCode, output]).toEqual([0, output])
    outputs.push(output)
  }
  return outputs
}

/** Importing any of them again stores nothing and changes nothing. */
async function expectNothingNew(tenant: Tenant, ...files: string[]): Promise<void> {
  const before = await simulationsOf(tenant)
  for (const output of await importEach(tenant, ...files))
    expect(output).not.toMatch(/[1-9]\d* stored|amended/)
  expect(await simulationsOf(tenant)).toEqual(before)
}

function tauRecord(
  task: number,
  said: string,
  { trial, reward = 1 }: { trial?: number; reward?: number } = {},
) {
  return {
    task_id: task,
    reward,
    info: { task: { instruction: `Fly kite ${task}.` } },
    traj: [{ role: 'assistant', content: said }],
    ...(trial === undefined ? {} : { trial }),
  }
}

function interCodeRecord(task: number, action: string) {
  return {
    environment: 'ic_bash',
    dataset: './data/nl2bash/kites.json',
    query: `List the kites of ${task}.`,
    turn_history: { actions: [action], observations: ['red'], rewards: [1], valid_action: [true] },
    summary: { max_reward: 1, turns_taken: 1, turns_max: 10 },
  }
}

function deepEvalRun(answers: [said: string, score: number][], change: object = {}) {
  return {
    testRunData: {
      testFile: 'test_kites.py',
      testCases: answers.map(([actualOutput, score], index) => ({
        name: `test_case_${index}`,
        input: `What is kite ${index}?`,
        actualOutput,
        success: score >= 0.5,
        metricsData: [{ name: 'Answer Relevancy', threshold: 0.5, success: score >= 0.5, score }],
      })),
      conversationalTestCases: [],
      hyperparameters: { model: 'm-1' },
      ...change,
    },
  }
}

describe('two runs with equal records are two', () => {
  it('of DeepEval, with other scores of the judge', async () => {
    const tenant = arc.tenant()
    const files = [
      await folder.write(
        'monday.json',
        deepEvalRun(
          [
            ['red', 0.9],
            ['big', 0.9],
            ['high', 0.2],
          ],
          { runDuration: 10 },
        ),
      ),
      await folder.write(
        'tuesday.json',
        deepEvalRun(
          [
            ['red', 0.7],
            ['big', 0.9],
            ['low', 0.9],
          ],
          { runDuration: 12 },
        ),
      ),
      // All answers are Monday's.
      await folder.write(
        'wednesday.json',
        deepEvalRun(
          [
            ['red', 0.3],
            ['big', 0.3],
            ['high', 0.3],
          ],
          { runDuration: 11 },
        ),
      ),
    ]
    await importEach(tenant, ...files)
    const scores = (await simulationsOf(tenant)).map(({ outcomes }) =>
      outcomes.nodes.map(({ reliabilityScore }: any) => reliabilityScore).sort(),
    )
    expect(scores.sort()).toEqual([
      [0.2, 0.9, 0.9],
      [0.3, 0.3, 0.3],
      [0.7, 0.9, 0.9],
    ])
    await expectNothingNew(tenant, ...files)
  })

  it('of tau-bench and of InterCode; and each of them grows by itself', async () => {
    const tenant = arc.tenant()
    const monday = [tauRecord(0, 'same', { trial: 0 }), tauRecord(1, 'a', { trial: 0, reward: 0 })]
    const tuesday = [tauRecord(0, 'same', { trial: 0 }), tauRecord(1, 'b', { trial: 0 })]
    const more = [...tuesday, tauRecord(0, 'c', { trial: 1 }), tauRecord(1, 'd', { trial: 1 })]
    const actions = (first: string) => ({ 0: interCodeRecord(0, 'ls'), 1: interCodeRecord(1, first) })
    const files = [
      await folder.write('mon/gpt-9-retail.json', monday),
      await folder.write('tue/gpt-9-retail.json', tuesday),
      await folder.write('mon/ic_bash_multiturn_gpt-4_10_turns.json', actions('ls')),
      await folder.write('tue/ic_bash_multiturn_gpt-4_10_turns.json', actions('ls -a')),
    ]
    await importEach(tenant, ...files)
    expect((await simulationsOf(tenant)).map(placesOf)).toEqual(Array(4).fill(['0 1.0', '1 1.0']))
    await expectNothingNew(tenant, ...files)

    const grown = await folder.write('tue/grown-retail.json', more)
    const [output] = await importEach(tenant, grown)
    expect(output).toContain('2 stored')
    const sizes = (await simulationsOf(tenant)).map(({ outcomes }) => outcomes.nodes.length)
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(10)
    await expectNothingNew(tenant, grown, ...files)
  })

  it('of OpenHands, where nothing but the run tells them apart', async () => {
    const tenant = arc.tenant()
    const files = await Promise.all(
      ['m-1', 'm-2'].map((model) =>
        folder.write(`${model}/output.jsonl`, lines([1, 2].map((n) => openHandsRow(n, { model })))),
      ),
    )
    await importEach(tenant, ...files)
    const models = (await simulationsOf(tenant)).map(({ configVersion, outcomes }) => [
      configVersion.model,
      outcomes.nodes.length,
    ])
    expect(models.sort()).toEqual([
      ['m-1', 2],
      ['m-2', 2],
    ])
    await expectNothingNew(tenant, ...files)
  })
})

function lines(rows: object[]): string {
  return rows.map((row) => JSON.stringify(row)).join('\n')
}

function openHandsRow(n: number, { model = 'm-1', ...result }: { model?: string; report?: object } = {}) {
  return {
    instance_id: `acme__kite-${n}`,
    instruction: '',
    test_result: { git_patch: '', ...result },
    metadata: {
      agent_class: 'CodeActAgent',
      llm_config: { model },
      max_iterations: 30,
      eval_output_dir: `/runs/${model}`,
      start_time: '2025-03-04 10:00:00',
      dataset: 'SWE-bench',
    },
    history: [],
    metrics: { accumulated_cost: 0.5 },
    error: null,
  }
}

it('a grade that OpenHands puts in later amends', async () => {
  const tenant = arc.tenant()
  const rows = (grades: (boolean | undefined)[]) =>
    lines(
      grades.map((resolved, n) => openHandsRow(n, resolved === undefined ? {} : { report: { resolved } })),
    )
  const files = [
    await folder.write('graded/1/output.jsonl', rows([undefined, undefined])),
    await folder.write('graded/2/output.jsonl', rows([true, false])),
  ]
  const [, output] = await importEach(tenant, ...files)
  expect(output).toContain('amended        2 of those')
  expect(await simulationsOf(tenant)).toMatchObject([{ scoredScenarios: 2, overallScore: 0.5 }])
})

function sweAgent(steps: number, exit_status: string | null = null, instance = 'acme__kite-1') {
  return {
    environment: 'main',
    trajectory: Array.from({ length: steps }, (_, n) => ({
      action: `ls ${n}`,
      observation: 'kite',
      response: 'r',
      execution_time: 1.25,
    })),
    history: [{ role: 'user', content: 'Mend it.' }],
    info: {
      exit_status,
      model_stats: { instance_cost: 0.5 * steps, tokens_sent: 100 * steps, tokens_received: 1 },
    },
    replay_config: JSON.stringify({
      agent: { model: { name: 'm-1' } },
      env: {},
      problem_statement: { id: instance, text: 'Mend it.' },
    }),
  }
}

function miniSweAgent(answers: number, exit_status = '') {
  return {
    info: {
      exit_status,
      mini_version: '2',
      config: { agent: {}, model: { model_name: 'm-1' }, environment: {} },
    },
    messages: [
      { role: 'system', content: 'You mend.' },
      { role: 'user', content: 'Mend it.' },
      ...Array.from({ length: answers }, (_, n) => ({
        role: 'assistant',
        content: `Answer ${n}.`,
        extra: {
          timestamp: 1776000000 + n,
          response: { usage: { prompt_tokens: 90, completion_tokens: 10 } },
        },
      })),
    ],
    trajectory_format: 'mini-swe-agent-1.1',
    instance_id: 'acme__kite-1',
  }
}

describe('a trajectory that goes on', () => {
  it.each([
    [
      'SWE-agent',
      'acme__kite-1.traj',
      [sweAgent(0), sweAgent(1), sweAgent(3), sweAgent(4, 'submitted')],
      401,
    ],
    [
      'mini-swe-agent',
      'acme__kite-1.traj.json',
      [miniSweAgent(0), miniSweAgent(1), miniSweAgent(3), miniSweAgent(4, 'Submitted')],
      400,
    ],
  ])(
    'of %s is stored when it has ended, in the simulation that waits for it',
    async (name, file, stages, tokens) => {
      const tenant = arc.tenant()
      const files = await Promise.all(stages.map((stage, n) => folder.write(`${name}/${n}/${file}`, stage)))
      const outputs = await importEach(tenant, ...files.slice(0, -1))
      expect(outputs[0]).toContain('1 of its trajectories have not ended and are not stored.')
      const waiting = await simulationsOf(tenant)
      expect(waiting).toMatchObject([{ status: 'RUNNING', totalScenarios: 1, outcomes: { nodes: [] } }])
      await importEach(tenant, files.at(-1)!)
      const ended = await simulationsOf(tenant)
      expect(ended).toMatchObject([
        {
          simulationId: waiting[0].simulationId,
          status: 'COMPLETED',
          totalTokens: tokens,
          outcomes: { nodes: [{ status: 'SUCCESS' }] },
        },
      ])
      await expectNothingNew(tenant, files.at(-1)!, files[1]!)
    },
  )

  it('does not keep back the others of its run, which it joins', async () => {
    const tenant = arc.tenant()
    const path = (n: number) => `joined/acme__kite-${n}.traj`
    const run = dirname(await folder.write(path(1), sweAgent(2, 'submitted', 'acme__kite-1')))
    await folder.write(path(2), sweAgent(2, null, 'acme__kite-2'))
    await importEach(tenant, run)
    const [waiting] = await simulationsOf(tenant)
    expect(waiting).toMatchObject({ status: 'RUNNING', totalScenarios: 2 })
    expect(placesOf(waiting)).toEqual(['acme__kite-1 1.0'])
    await folder.write(path(2), sweAgent(3, 'submitted', 'acme__kite-2'))
    await importEach(tenant, run)
    const ended = await simulationsOf(tenant)
    expect(ended).toMatchObject([{ simulationId: waiting.simulationId, status: 'COMPLETED' }])
    expect(placesOf(ended[0])).toEqual(['acme__kite-1 1.0', 'acme__kite-2 1.0'])
    await expectNothingNew(tenant, run)
  })

  it('comes to a run that has ended, and waits by itself', async () => {
    const tenant = arc.tenant()
    const path = (n: number) => `later/acme__kite-${n}.traj`
    const run = dirname(await folder.write(path(1), sweAgent(2, 'submitted', 'acme__kite-1')))
    await importEach(tenant, run)
    await folder.write(path(2), sweAgent(2, null, 'acme__kite-2'))
    await importEach(tenant, run)
    expect(
      (await simulationsOf(tenant)).map(({ status, totalScenarios }) => [status, totalScenarios]),
    ).toEqual(
      expect.arrayContaining([
        ['COMPLETED', 1],
        ['RUNNING', 1],
      ]),
    )
    await folder.write(path(2), sweAgent(3, 'submitted', 'acme__kite-2'))
    await importEach(tenant, run)
    const statuses = (await simulationsOf(tenant)).map(({ status }) => status)
    expect(statuses).toEqual(['COMPLETED', 'COMPLETED'])
    await expectNothingNew(tenant, run)
  })

  it('is stored as it is where it is said to have ended', async () => {
    const tenant = arc.tenant()
    const path = await folder.write('broken/acme__kite-1.traj', sweAgent(2))
    await importEach(tenant, path)
    expect(await recordsOf(tenant)).toBe(0)
    await importInto(arc, tenant, [path], { complete: true })
    expect(await simulationsOf(tenant)).toMatchObject([
      { status: 'COMPLETED', outcomes: { nodes: [{ status: 'ERROR', errorCode: 'unfinished' }] } },
    ])
  })
})

it.each(['app_user', 'app_ingest'] as const)(
  'a trajectory by itself becomes more in its place; an older copy takes nothing back (%s)',
  async (role) => {
    const tenant = arc.tenant()
    const trajectory = (answers: number) => ({
      schema_version: 'ATIF-v1.6',
      session_id: 'session-1',
      agent: { name: 'kite-agent', version: '1', model_name: 'm-1' },
      steps: [
        { step_id: 1, source: 'user', message: 'Fly.', timestamp: '2025-03-04T10:00:00Z' },
        ...Array.from({ length: answers }, (_, n) => ({
          step_id: n + 2,
          source: 'agent',
          message: `Answer ${n}.`,
          timestamp: `2025-03-04T10:0${n + 1}:00Z`,
          metrics: { prompt_tokens: 100, completion_tokens: 10 },
        })),
      ],
    })
    const files = await Promise.all([1, 2, 4].map((n) => folder.write(`atif/${n}.json`, trajectory(n))))
    const outputs: string[] = []
    for (const at of [0, 1, 2, 1, 2]) {
      const { exitCode, output } = await importInto(arc, tenant, [files[at]!], { role })
      expect(exitCode).toBe(0)
      outputs.push(output)
    }
    expect(outputs.map((output) => /\d+ stored|(?<=amended +)\d/g[Symbol.match](output))).toEqual([
      ['1 stored'],
      ['0 stored', '1'],
      ['0 stored', '1'],
      ['0 stored'],
      ['0 stored'],
    ])
    const [simulation, ...others] = await simulationsOf(tenant)
    expect(others).toEqual([])
    expect(simulation).toMatchObject({
      totalTokens: 440,
      outcomes: { nodes: [{ metrics: { step_count: 5 }, stepCount: 5 }] },
    })
    const [{ trajectory: stored }] = simulation.outcomes.nodes
    expect(stored.messages.map(({ content }: any) => content)).toEqual([
      'Fly.',
      ...[0, 1, 2, 3].map((n) => `Answer ${n}.`),
    ])
  },
)

function tau2Simulation(id: string, task: number, change: object = {}) {
  return {
    id,
    task_id: String(task),
    trial: 0,
    start_time: '2025-03-04T10:00:00',
    end_time: '2025-03-04T10:01:00',
    duration: 60,
    termination_reason: 'user_stop',
    agent_cost: 0.125,
    reward_info: { reward: 1 },
    messages: [{ role: 'assistant', content: `This is ${id}.` }],
    ...change,
  }
}

function tau2Results(simulations: object[], { tasks = 2, num_trials = 1 } = {}) {
  return {
    timestamp: '2025-03-04T10:00:00',
    info: {
      num_trials,
      agent_info: { implementation: 'llm_agent', llm: 'm-1' },
      environment_info: { domain_name: 'kites' },
    },
    tasks: Array.from({ length: tasks }, (_, id) => ({ id: String(id) })),
    simulations,
  }
}

/** How many records all simulations have. */
async function recordsOf(tenant: Tenant): Promise<number> {
  return (await simulationsOf(tenant)).reduce((sum, { outcomes }) => sum + outcomes.nodes.length, 0)
}

describe('a file that grows stores nothing twice', () => {
  it('of tau2-bench: as a bare list, and with more trials', async () => {
    const [one, two] = [tau2Simulation('s-1', 1), tau2Simulation('s-2', 2)]
    const again = [0, 1].map((task) => tau2Simulation(`t-${task}`, task, { trial: 1 }))
    const first = [0, 1].map((task) => tau2Simulation(`s-${task}`, task))
    for (const [name, part, whole, records] of [
      ['list', [one], [two, one], 2],
      ['trials', tau2Results(first), tau2Results([...again, ...first], { num_trials: 2 }), 4],
    ] as const) {
      const tenant = arc.tenant()
      const files = [
        await folder.write(`tau2/${name}-1.json`, part),
        await folder.write(`tau2/${name}-2.json`, whole),
      ]
      await importEach(tenant, ...files)
      expect(await recordsOf(tenant)).toBe(records)
      await expectNothingNew(tenant, ...files)
    }
  })

  it('of tau2-bench: one that counts its tasks goes on until it has them', async () => {
    const tenant = arc.tenant()
    const file = (simulations: object[]) => ({
      domain: 'kites',
      agent: 'a',
      model: 'm-1',
      total_tasks: 3,
      simulations,
    })
    const records = [0, 1, 2].map((task) => tau2Simulation(`s-${task}`, task))
    const files = await Promise.all(
      [1, 2, 3].map((count) =>
        folder.write(`counted/${count}.json`, file(records.slice(0, count).reverse())),
      ),
    )
    const [output] = await importEach(tenant, files[0]!, files[1]!)
    expect(output).toContain('2 of 3 trials are missing: the run is not finished')
    expect(await simulationsOf(tenant)).toMatchObject([{ status: 'RUNNING', totalScenarios: 2 }])
    await importEach(tenant, files[2]!)
    expect(await simulationsOf(tenant)).toMatchObject([{ status: 'COMPLETED', totalScenarios: 3 }])
    await expectNothingNew(tenant, ...files)
  })

  it('of InterCode', async () => {
    const tenant = arc.tenant()
    const file = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, task) => [task, interCodeRecord(task, 'ls')]))
    const files = await Promise.all(
      [2, 4].map((count) => folder.write(`ic/${count}/ic_bash_multiturn_gpt-4_10_turns.json`, file(count))),
    )
    await importEach(tenant, ...files)
    expect(await recordsOf(tenant)).toBe(4)
    await expectNothingNew(tenant, ...files)
  })

  it('of tau-bench under another name, which does not tell the model', async () => {
    const tenant = arc.tenant()
    const records = [
      tauRecord(0, 'a', { trial: 0 }),
      tauRecord(1, 'b', { trial: 0, reward: 0 }),
      tauRecord(0, 'c', { trial: 1 }),
    ]
    const files = [
      await folder.write('named/gpt-9-retail.json', records),
      await folder.write('named/all.json', [...records.reverse(), tauRecord(1, 'd', { trial: 1 })]),
    ]
    await importEach(tenant, ...files)
    const simulations = await simulationsOf(tenant)
    expect(simulations).toMatchObject([{ status: 'COMPLETED', configVersion: { model: 'gpt-9' } }])
    expect(placesOf(simulations[0])).toEqual(['0 1.0', '0 2.0', '1 1.0', '1 2.0'])
    await expectNothingNew(tenant, ...files)
  })
})

describe('records without a trial', () => {
  it('are the repetitions of their task', async () => {
    const tau = [tauRecord(0, 'a'), tauRecord(0, 'b'), tauRecord(0, 'b')]
    const tau2 = ['x', 'y'].map((id) => tau2Simulation(id, 0, { trial: undefined }))
    for (const [name, records, places] of [
      ['tau.json', tau, ['0 1.0', '0 2.0', '0 3.0']],
      ['tau2.json', tau2, ['0 1.0', '0 2.0']],
    ] as const) {
      const tenant = arc.tenant()
      const file = await folder.write(`untried/${name}`, records)
      await importEach(tenant, file)
      expect((await simulationsOf(tenant)).map(placesOf)).toEqual([places])
      await expectNothingNew(tenant, file)
    }
  })
})

describe('a simulation of tau2-bench that is run again under another id', () => {
  const broken = tau2Simulation('x-1', 0, { termination_reason: 'infrastructure_error', reward_info: null })
  const again = tau2Simulation('x-2', 0, { end_time: '2025-03-04T10:05:00', agent_cost: 0.25 })
  const other = tau2Simulation('x-3', 1)
  const expected = [
    { retryCount: 0, superseded: true, status: 'ERROR', costUsd: 0.125, trajectory: { id: 'x-1' } },
    { retryCount: 1, superseded: false, status: 'SUCCESS', costUsd: 0.25, trajectory: { id: 'x-2' } },
    { retryCount: 0, trajectory: { id: 'x-3' } },
  ]

  it.each([
    ['in a later file', [[broken], [again, other]]],
    ['in one file, whichever comes first', [[again, other, broken]]],
  ])('is a later attempt: %s', async (name, stages) => {
    const tenant = arc.tenant()
    const files = await Promise.all(
      stages.map((stage, n) => folder.write(`again/${name}/${n}.json`, tau2Results(stage))),
    )
    await importEach(tenant, ...files)
    expect(await simulationsOf(tenant)).toMatchObject([
      { status: 'COMPLETED', totalCostUsd: 0.5, scoredScenarios: 2, outcomes: { nodes: expected } },
    ])
    await expectNothingNew(tenant, ...files)
  })

  it('does not come after the one that it preceded', async () => {
    const tenant = arc.tenant()
    const [late, early] = [
      await folder.write('order/2.json', tau2Results([again])),
      await folder.write('order/1.json', tau2Results([broken])),
    ]
    await importEach(tenant, late)
    const before = await simulationsOf(tenant)
    const { exitCode, output } = await importInto(arc, tenant, [early])
    expect(exitCode).toBe(1)
    expect(output).toContain('tau2/kites/0, repetition 1: Arc has a later attempt of this run')
    expect(await simulationsOf(tenant)).toEqual(before)
  })
})

function harborTrial(name: string, task: string, minute: number, change: object = {}) {
  return {
    id: `id-${name}`,
    task_name: `kites/${task}`,
    trial_name: `${task}__${name}`,
    task_checksum: 'c',
    source: 'kites',
    config: { job_id: 'job-1', trials_dir: 'jobs/j', agent: { name: 'kite-agent', model_name: 'm-1' } },
    agent_info: { name: 'kite-agent', version: '1', model_info: { name: 'm-1' } },
    agent_result: { n_input_tokens: 100, n_output_tokens: 10, cost_usd: 0.125 },
    verifier_result: { rewards: { reward: 1 } },
    exception_info: null,
    started_at: '2025-03-04T10:00:00Z',
    finished_at: `2025-03-04T10:${String(minute).padStart(2, '0')}:00Z`,
    ...change,
  }
}

function harborJob(n_total_trials: number, finished_at: string | null = null) {
  return {
    id: 'job-1',
    started_at: '2025-03-04T10:00:00Z',
    finished_at,
    n_total_trials,
    stats: { n_trials: 1, n_errors: 0, evals: {} },
  }
}

describe('a job of Harbor', () => {
  const ended = '2025-03-04T11:00:00Z'

  it('takes trials in whatever order they come: those that are there keep their place', async () => {
    const tenant = arc.tenant()
    const result = await folder.write('order/job/result.json', harborJob(3))
    await folder.write('order/job/fix__B/result.json', harborTrial('B', 'fix', 8))
    await importEach(tenant, dirname(result))
    await folder.write('order/job/result.json', harborJob(3, ended))
    await folder.write('order/job/fix__A/result.json', harborTrial('A', 'fix', 5))
    await folder.write('order/job/other__C/result.json', harborTrial('C', 'other', 9))
    await importEach(tenant, dirname(result))
    const simulations = await simulationsOf(tenant)
    expect(simulations).toMatchObject([{ status: 'COMPLETED', repetitions: 2 }])
    expect(placesOf(simulations[0])).toEqual(['fix 1.0', 'fix 2.0', 'other 1.0'])
    expect(simulations[0].outcomes.nodes[0].trajectory.trial.id).toBe('id-B')
    await expectNothingNew(tenant, dirname(result))
  })

  it('that goes on with another trial in the place of one stores both', async () => {
    const tenant = arc.tenant()
    const cancelled = {
      verifier_result: null,
      exception_info: { exception_type: 'CancelledError', exception_message: 'm', exception_traceback: '' },
    }
    await folder.write('resumed/1/result.json', harborJob(2))
    await folder.write('resumed/1/fix__A/result.json', harborTrial('A', 'fix', 5, cancelled))
    await folder.write('resumed/1/other__B/result.json', harborTrial('B', 'other', 5))
    await folder.write('resumed/2/result.json', harborJob(2, ended))
    await folder.write('resumed/2/fix__A2/result.json', harborTrial('A2', 'fix', 20))
    await folder.write('resumed/2/other__B/result.json', harborTrial('B', 'other', 5))
    await importEach(tenant, folder.path('resumed/1'), folder.path('resumed/2'))
    const simulations = await simulationsOf(tenant)
    expect(simulations).toMatchObject([{ status: 'COMPLETED', scoredScenarios: 2 }])
    expect(placesOf(simulations[0])).toEqual(['fix 1.0', 'fix 2.0', 'other 1.0'])
    await expectNothingNew(tenant, folder.path('resumed/2'))
  })

  it.each([
    ['goes on', null, 'RUNNING'],
    ['has ended', ended, 'COMPLETED'],
  ])('that %s is one run, trial by trial', async (name, finished, status) => {
    const tenant = arc.tenant()
    await folder.write(`${name}/result.json`, harborJob(2, finished))
    const trials = await Promise.all(
      ['A', 'B'].map((trial) =>
        folder.write(`${name}/fix__${trial}/result.json`, harborTrial(trial, 'fix', 5)),
      ),
    )
    await importEach(tenant, dirname(trials[0]!))
    expect(await simulationsOf(tenant)).toMatchObject([{ status: 'RUNNING' }])
    await importEach(tenant, dirname(trials[1]!))
    const simulations = await simulationsOf(tenant)
    expect(simulations).toMatchObject([{ status }])
    expect(placesOf(simulations[0])).toEqual(['fix 1.0', 'fix 2.0'])
    await expectNothingNew(tenant, ...trials)
  })

  it('of which a trial cannot be read says so, and waits for it', async () => {
    const tenant = arc.tenant()
    await folder.write('unreadable/result.json', harborJob(2, ended))
    await folder.write('unreadable/fix__A/result.json', harborTrial('A', 'fix', 5))
    const broken = harborTrial('B', 'other', 5, { agent_info: 'kite-agent' })
    await folder.write('unreadable/other__B/result.json', broken)
    const { exitCode, output } = await importInto(arc, tenant, [folder.path('unreadable')])
    expect(exitCode).toBe(1)
    expect(output).toContain('trial "other__B": agent_info is "kite-agent", not an object')
    expect(output).toContain(
      '1 of the 2 trials of the job are not in these files, or cannot be read: the run is not finished.',
    )
    expect(await simulationsOf(tenant)).toMatchObject([{ status: 'RUNNING' }])
    await folder.write('unreadable/other__B/result.json', harborTrial('B', 'other', 5))
    await importEach(tenant, folder.path('unreadable'))
    expect(await simulationsOf(tenant)).toMatchObject([{ status: 'COMPLETED', scoredScenarios: 2 }])
  })

  it('has trials that run, whose trajectories are no results yet', async () => {
    const trajectory = {
      schema_version: 'ATIF-v1.6',
      session_id: 's',
      agent: { name: 'kite-agent', version: '1' },
      steps: [{ step_id: 1, source: 'user', message: 'Fly.' }],
    }
    const tenant = arc.tenant()
    await folder.write('running/result.json', harborJob(3))
    await folder.write('running/fix__A/result.json', harborTrial('A', 'fix', 5))
    await folder.write('running/other__B/agent/trajectory.json', trajectory)
    const alone = await folder.write('running-trial/agent/trajectory.json', trajectory)
    await folder.write('running-trial/config.json', { task: { path: 'kites/other' }, trial_name: 'other__C' })
    const [output] = await importEach(tenant, folder.path('running'))
    expect(output).toMatch(
      /passed over .*other__B.agent.trajectory\.json: It is the trajectory of a trial of Harbor/,
    )
    const simulations = await simulationsOf(tenant)
    expect(simulations.map(placesOf)).toEqual([['fix 1.0']])
    const named = await importInto(arc, tenant, [alone])
    expect(named.output).toContain('a trial of Harbor that has no result yet')
    expect(await simulationsOf(tenant)).toEqual(simulations)
  })
})
