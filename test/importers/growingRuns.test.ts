import { describe, expect, it, vi } from 'vitest'
import { ArcClient } from '../../src/client/arcClient.ts'
import type { Tenant } from '../support/arc.ts'
import { useArc } from '../support/arc.ts'
import { readJson } from '../support/expectedTotals.ts'
import { importInto, useFolder } from '../support/importing.ts'
import { withSharedData } from '../support/sharedData.ts'

const arc = useArc()
const folder = useFolder()

async function simulationsOf(tenant: Tenant): Promise<any[]> {
  const { simulations } = await tenant.data(`{
    simulations(orderBy: { field: CREATED_AT, direction: ASC }) {
      nodes {
        simulationId simulationName status errorMessage totalScenarios succeededScenarios failedScenarios scoredScenarios
        overallScore totalCostUsd repetitions createdAt startedAt completedAt metadata
        configVersion { createdAt configuration { createdAt } }
        outcomes(first: 100) {
          nodes {
            scenario { externalId createdAt } repetition status reliabilityScore metrics errorCode executionTime
            failurePatterns { nodes { failureType } }
          }
        }
      }
    }
  }`)
  for (const { outcomes } of simulations.nodes) {
    outcomes.nodes.sort((one: any, other: any) =>
      one.scenario.externalId.localeCompare(other.scenario.externalId),
    )
  }
  return simulations.nodes
}

function inspectLog(samples: object[], change: object = {}, spec: object = {}) {
  return {
    version: 2,
    status: 'success',
    eval: {
      run_id: 'run1',
      task_id: 'task1',
      task: 'fly',
      model: 'm-1',
      created: '2025-03-04T09:00:00+00:00',
      dataset: { sample_ids: [1, 2, 3] },
      ...spec,
    },
    plan: {},
    stats: { started_at: '2025-03-04T09:00:05+00:00', completed_at: '2025-03-04T09:10:00+00:00' },
    samples,
    ...change,
  }
}

function sample(id: number, change: object = {}) {
  return {
    id,
    epoch: 1,
    uuid: `u${id}`,
    input: `Fly kite ${id}.`,
    messages: [],
    scores: { match: { value: 'C' } },
    total_time: 2,
    ...change,
  }
}

describe('an Inspect log', () => {
  it('that grows adds to the simulation, which ends with the run', async () => {
    const tenant = arc.tenant()
    const part = await folder.write(
      'part.json',
      inspectLog([sample(1)], { status: 'started', results: null }),
    )
    const first = await importInto(arc, tenant, [part])
    expect(first.exitCode).toBe(0)
    expect(first.output).toContain('the run is not finished, or was cut off: 1 of 3 samples')
    expect(first.output).toContain(', running')
    const [running] = await simulationsOf(tenant)
    expect(running).toMatchObject({ status: 'RUNNING', totalScenarios: 1, completedAt: null })

    const whole = await folder.write('whole.json', inspectLog([1, 2, 3].map((id) => sample(id))))
    const second = await importInto(arc, tenant, [whole])
    expect(second).toMatchObject({ exitCode: 0 })
    expect(second.output).toContain('records        2 stored, 1 there already')
    expect(second.output).toContain('passed         3 of 3 graded, mean score 1.0000')
    const [simulation, ...others] = await simulationsOf(tenant)
    expect(others).toEqual([])
    expect(simulation).toMatchObject({
      simulationId: running.simulationId,
      status: 'COMPLETED',
      totalScenarios: 3,
      succeededScenarios: 3,
      createdAt: '2025-03-04T09:00:00.000Z',
      startedAt: '2025-03-04T09:00:05.000Z',
      completedAt: '2025-03-04T09:10:00.000Z',
      metadata: { log_status: 'success', records: 3 },
    })
    expect((await importInto(arc, tenant, [part, whole])).output.match(/records +0 stored/g)).toHaveLength(2)
    expect(await simulationsOf(tenant)).toEqual([simulation])
  })

  it('that somebody else imports to its end meanwhile is there already', async () => {
    const tenant = arc.tenant()
    const part = await folder.write('raced-part.json', inspectLog([sample(1)], { status: 'started' }))
    const whole = await folder.write('raced.json', inspectLog([1, 2, 3].map((id) => sample(id))))
    await importInto(arc, tenant, [part])
    const { extendSimulation } = ArcClient.prototype
    const raced = vi.spyOn(ArcClient.prototype, 'extendSimulation').mockImplementationOnce(async function (
      this: ArcClient,
      ...args
    ) {
      await importInto(arc, tenant, [whole])
      return extendSimulation.apply(this, args)
    })
    try {
      expect(await importInto(arc, tenant, [whole])).toMatchObject({ exitCode: 0 })
    } finally {
      raced.mockRestore()
    }
    expect(await simulationsOf(tenant)).toMatchObject([{ status: 'COMPLETED', succeededScenarios: 3 }])
  })

  it('of a run that was cut off ends where that is said', async () => {
    const tenant = arc.tenant()
    const part = await folder.write('cut.json', inspectLog([sample(1)], { status: 'started' }))
    await importInto(arc, tenant, [part])
    expect(await importInto(arc, tenant, [part], { complete: true })).toMatchObject({ exitCode: 0 })
    expect(await simulationsOf(tenant)).toMatchObject([{ status: 'COMPLETED' }])

    // What comes later all the same is not lost, and nothing is stored twice.
    const whole = await folder.write('cut-whole.json', inspectLog([1, 2, 3].map((id) => sample(id))))
    for (const stored of [2, 0]) {
      const { exitCode, output } = await importInto(arc, tenant, [whole])
      expect(exitCode).toBe(0)
      const counts = [...output.matchAll(/records +(\d+) stored/g)].map(([, count]) => Number(count))
      expect(counts.reduce((sum, count) => sum + count, 0)).toBe(stored)
    }
    const sizes = (await simulationsOf(tenant)).map(({ outcomes }) => outcomes.nodes.length)
    expect(sizes.sort()).toEqual([1, 2])
  })

  it('that is graded later amends what is stored, and never takes a grade back', async () => {
    const tenant = arc.tenant()
    const ids = [1, 2]
    const ungraded = await folder.write(
      'ungraded.json',
      inspectLog(ids.map((id) => sample(id, { scores: null }))),
    )
    const graded = await folder.write(
      'graded.json',
      inspectLog([sample(1), sample(2, { scores: { match: { value: 'I' } } })]),
    )
    await importInto(arc, tenant, [ungraded])
    expect(await simulationsOf(tenant)).toMatchObject([
      {
        status: 'COMPLETED',
        succeededScenarios: 2,
        failedScenarios: 0,
        scoredScenarios: 0,
        overallScore: null,
      },
    ])
    const { exitCode, output } = await importInto(arc, tenant, [graded])
    expect(exitCode).toBe(0)
    expect(output).toContain('records        0 stored, 2 there already')
    expect(output).toContain('amended        2 of those')
    expect(output).toContain('passed         1 of 2 graded, mean score 0.5000')
    // Its trajectory as well, which tells how it was graded.
    expect(output).not.toContain('differing')
    const after = await simulationsOf(tenant)
    expect(after).toMatchObject([
      {
        status: 'COMPLETED',
        succeededScenarios: 1,
        failedScenarios: 1,
        scoredScenarios: 2,
        overallScore: 0.5,
        outcomes: {
          nodes: [
            { status: 'SUCCESS', reliabilityScore: 1, metrics: { scores: { match: { value: 'C' } } } },
            {
              status: 'ERROR',
              reliabilityScore: 0,
              errorCode: 'score:match',
              failurePatterns: { nodes: [{ failureType: 'score:match' }] },
            },
          ],
        },
      },
    ])
    const older = await importInto(arc, tenant, [ungraded])
    expect(older.exitCode).toBe(0)
    expect(older.output).toMatch(/differing {6}.*reliabilityScore \(2\).*: what was stored before stays/)
    expect(older.output).toContain('passed         1 of 2 graded, mean score 0.5000')
    expect((await importInto(arc, tenant, [graded])).output).not.toContain('amended')
    expect(await simulationsOf(tenant)).toEqual(after)
  })

  it('of which a sample is withdrawn later has no grade of it any more, whichever log comes last', async () => {
    const tenant = arc.tenant()
    const invalidation = { author: 'ada', reason: 'contaminated' }
    const valid = await folder.write('valid.json', inspectLog([sample(1), sample(2)]))
    const withdrawn = await folder.write(
      'withdrawn.json',
      inspectLog([sample(1), sample(2, { invalidation })]),
    )
    await importInto(arc, tenant, [valid])
    const { exitCode, output } = await importInto(arc, tenant, [withdrawn])
    expect(exitCode).toBe(0)
    expect(output).toContain('amended        1 of those')
    const after = await simulationsOf(tenant)
    expect(after).toMatchObject([
      {
        scoredScenarios: 1,
        overallScore: 1,
        outcomes: {
          nodes: [
            { status: 'SUCCESS', reliabilityScore: 1 },
            {
              status: 'CANCELLED',
              reliabilityScore: null,
              errorCode: 'invalidated',
              metrics: { invalidation },
            },
          ],
        },
      },
    ])
    for (const files of [[valid], [withdrawn], [valid, withdrawn]]) {
      expect((await importInto(arc, tenant, files)).output).not.toContain('amended')
      expect(await simulationsOf(tenant)).toEqual(after)
    }
  })

  it.each([
    ['error', { error: { message: 'The wind died.' } }, 'FAILED', 'The wind died.'],
    ['cancelled', {}, 'CANCELLED', null],
  ])('with the status %s is a simulation that ended so', async (status, change, ended, errorMessage) => {
    const tenant = arc.tenant()
    const path = await folder.write(`${status}.json`, inspectLog([sample(1)], { status, ...change }))
    for (const stored of [1, 0]) {
      const { exitCode, output } = await importInto(arc, tenant, [path])
      expect(exitCode).toBe(0)
      expect(output).toContain(`records        ${stored} stored`)
      expect(await simulationsOf(tenant)).toMatchObject([
        { status: ended, errorMessage, completedAt: '2025-03-04T09:10:00.000Z', succeededScenarios: 1 },
      ])
    }
  })

  it.each([
    ['before it', [0, 1], true],
    ['after it', [1, 0], true],
    ['before it, without ids,', [0, 1], false],
    ['after it, without ids,', [1, 0], false],
  ])('of a retry repeats samples of the log %s, and they are stored once', async (_when, order, hasIds) => {
    const tenant = arc.tenant()
    const usage = { model_usage: { 'm-1': { total_cost: 0.5 } } }
    const error = { message: 'KeyError()', traceback: '' }
    const known = (id: number, name: string, change: object = {}) =>
      sample(id, {
        ...usage,
        uuid: hasIds ? name : undefined,
        messages: [{ id: name, role: 'user', content: 'Fly.' }],
        ...change,
      })
    const logs = [
      inspectLog([known(1, 'u1'), known(2, 'u2', { error, scores: null })], {
        status: 'error',
        error: { message: 'KeyError()' },
      }),
      inspectLog([known(1, 'u1'), known(2, 'u2-again')], {}, { run_id: 'run2' }),
    ]
    const files = await Promise.all(
      order.map((index) => folder.write(`retry-${hasIds}-${order.join('')}-${index}.json`, logs[index])),
    )
    for (const _time of [1, 2]) {
      const { exitCode, output } = await importInto(arc, tenant, files)
      expect(exitCode).toBe(0)
      expect(output).toContain('there already  1 in Inspect fly m-1')
    }
    const simulations = await simulationsOf(tenant)
    const sum = (of: (simulation: any) => number) => simulations.reduce((total, each) => total + of(each), 0)
    expect(sum(({ outcomes }) => outcomes.nodes.length)).toBe(3)
    expect(sum(({ totalCostUsd }) => totalCostUsd)).toBe(1.5)
    expect(simulations.map(({ status }) => status).sort()).toEqual(['COMPLETED', 'FAILED'])
  })

  it('of a retry grades the samples of the first log that had no grade', async () => {
    const tenant = arc.tenant()
    const files = [
      await folder.write('grade-1.json', inspectLog([sample(1, { scores: null })], { status: 'error' })),
      await folder.write('grade-2.json', inspectLog([sample(1), sample(2)], {}, { run_id: 'run2' })),
    ]
    const { exitCode, output } = await importInto(arc, tenant, files)
    expect(exitCode).toBe(0)
    expect(output).toContain('amended        1 of those: graded anew')
    const scored = (await simulationsOf(tenant)).map(({ scoredScenarios }) => scoredScenarios)
    expect(scored).toEqual([1, 1])
    expect((await importInto(arc, tenant, files)).output).not.toContain('amended')
  })
})

function tau2(simulations: object[], trials = 1) {
  return {
    timestamp: '2025-03-04T10:00:00',
    info: {
      agent_info: { implementation: 'llm_agent', llm: 'm-1', llm_args: {} },
      environment_info: { domain_name: 'kites', policy: 'Fly.' },
      num_trials: trials,
    },
    tasks: ['0', '1', '2'].map((id) => ({ id, user_scenario: { instructions: `Fly kite ${id}.` } })),
    simulations,
  }
}

function tau2Record(task: number, trial = 0) {
  return {
    id: `s${task}-${trial}`,
    task_id: String(task),
    trial,
    duration: 1,
    end_time: `2025-03-04T10:0${task}:0${trial}`,
    termination_reason: 'user_stop',
    reward_info: { reward: 1 },
    messages: [{ role: 'assistant', content: 'Hello.' }],
  }
}

function tauRecord(task: number, trial: number, reward: number | null = 1) {
  const traj = [{ role: 'assistant', content: `Kite ${task} flies for the ${trial}th time.` }]
  return { task_id: task, trial, reward, info: { task: { instruction: `Fly kite ${task}.` } }, traj }
}

function promptfooFile(tests: number[], change: object = {}) {
  return {
    evalId: 'eval-1',
    results: {
      version: 3,
      timestamp: '2026-01-02T03:04:05.000Z',
      prompts: [{ raw: 'Fly {{n}}.', label: 'Fly {{n}}.', provider: 'm-1' }],
      results: tests.map((testIdx) => ({
        testIdx,
        promptIdx: 0,
        provider: { id: 'm-1' },
        prompt: { raw: `Fly ${testIdx}.` },
        testCase: { vars: { n: testIdx } },
        success: true,
        score: 1,
        latencyMs: 100,
      })),
    },
    config: { tests: [0, 1, 2].map((n) => ({ vars: { n } })) },
    ...change,
  }
}

describe('a file of', () => {
  it.each([
    [
      'tau2-bench',
      tau2([0, 2].map((task) => tau2Record(task))),
      tau2([0, 1, 2].map((task) => tau2Record(task))),
    ],
    [
      'tau2-bench with a trial more',
      tau2(
        [0, 1, 2].map((task) => tau2Record(task)),
        2,
      ),
      tau2(
        [0, 1].flatMap((trial) => [0, 1, 2].map((task) => tau2Record(task, trial))),
        2,
      ),
    ],
    [
      'tau-bench',
      [tauRecord(0, 0), tauRecord(1, 0), tauRecord(0, 1)],
      [0, 1, 2].flatMap((trial) => [0, 1].map((task) => tauRecord(task, trial))),
    ],
    ['promptfoo', promptfooFile([1, 0]), promptfooFile([0, 1, 2])],
  ])('%s that grows adds to the simulation', async (name, part, whole) => {
    const tenant = arc.tenant()
    const files = [
      await folder.write(`${name}-part.json`, part),
      await folder.write(`${name}-whole.json`, whole),
    ]
    const first = await importInto(arc, tenant, [files[0]!])
    expect(first.exitCode).toBe(0)
    expect(first.output).toMatch(/note .*--complete ends the simulation/)
    const before = await simulationsOf(tenant)
    expect(before).toMatchObject([{ status: 'RUNNING', completedAt: null }])
    for (const _time of [1, 2]) {
      expect(await importInto(arc, tenant, files)).toMatchObject({ exitCode: 0 })
      const simulations = await simulationsOf(tenant)
      const records = before[0].outcomes.nodes.length
      expect(simulations).toMatchObject([{ simulationId: before[0].simulationId, status: 'COMPLETED' }])
      const [{ totalScenarios, succeededScenarios, outcomes }] = simulations
      expect(outcomes.nodes.length).toBeGreaterThan(records)
      expect([totalScenarios, succeededScenarios]).toEqual([outcomes.nodes.length, outcomes.nodes.length])
    }
  })

  it('promptfoo that is tried again where the provider failed has another attempt there, and keeps it', async () => {
    const file = (tests: number[], change: object) => {
      const { results, ...rest } = promptfooFile(tests)
      const [first, ...others] = results.results
      return { ...rest, results: { ...results, results: [{ ...first, ...change }, ...others] } }
    }
    const failure = { success: false, score: 0, failureReason: 2, error: '429', latencyMs: 5 }
    const graded = (score: number) => ({ score, response: { output: 'Up.' } })
    const attemptsIn = async (tenant: Tenant) => {
      const { outcomes } = await tenant.data(`{ outcomes(filter: { retryCount: { gte: 0 } }) { nodes {
        retryCount status reliabilityScore trajectory simulation { simulationId status totalScenarios }
      } } }`)
      return outcomes.nodes
        .filter(({ trajectory }: any) => trajectory.testIdx === 0)
        .map(({ retryCount, status, reliabilityScore, trajectory, simulation }: any) => ({
          attempt: [retryCount, status, reliabilityScore, trajectory.error ?? null],
          simulation,
        }))
        .sort((one: any, other: any) => one.attempt[0] - other.attempt[0])
    }
    const write = (name: string, content: object) => folder.write(`retry-${name}.json`, content)
    const failed = [0, 'ERROR', 0, '429']
    const later = [1, 'SUCCESS', 1, null]

    // While the evaluation goes on, both are attempts of one run.
    const open = arc.tenant()
    const [before, after] = [
      await write('open-1', file([0, 1], failure)),
      await write('open-2', file([0, 1, 2], graded(1))),
    ]
    for (const path of [before, after, before, after]) {
      expect((await importInto(arc, open, [path])).exitCode).toBe(0)
    }
    expect((await attemptsIn(open)).map(({ attempt }: any) => attempt)).toEqual([failed, later])
    expect(await simulationsOf(open)).toMatchObject([
      { status: 'COMPLETED', totalScenarios: 3, succeededScenarios: 3, failedScenarios: 0 },
    ])

    // Once it has ended, what is new is a simulation of its own, as always.
    const ended = arc.tenant()
    const [whole, again] = [
      await write('ended-1', file([0, 1, 2], failure)),
      await write('ended-2', file([0, 1, 2], graded(1))),
    ]
    for (const path of [whole, again, again, whole]) {
      expect((await importInto(arc, ended, [path])).exitCode).toBe(0)
    }
    const attempts = await attemptsIn(ended)
    expect(attempts.map(({ attempt }: any) => attempt)).toEqual([failed, later])
    expect(attempts.map(({ simulation }: any) => simulation.totalScenarios)).toEqual([3, 1])

    // The older file that comes last takes nothing back.
    const reversed = arc.tenant()
    for (const path of [again, whole]) {
      const { exitCode, output } = await importInto(arc, reversed, [path])
      expect(exitCode).toBe(0)
      expect(output).not.toContain('amended')
    }
    expect((await attemptsIn(reversed)).map(({ attempt }: any) => attempt)).toEqual([[0, 'SUCCESS', 1, null]])

    // The same answer with another grade is the same attempt.
    await importInto(arc, reversed, [await write('graded', file([0, 1, 2], graded(0.5)))])
    expect((await attemptsIn(reversed)).map(({ attempt }: any) => attempt)).toEqual([
      [0, 'SUCCESS', 0.5, null],
    ])
  })

  it('promptfoo as JSON Lines that grows adds to the simulation, which ends when all stands there once more', async () => {
    const tenant = arc.tenant()
    const streamed = (testIdx: number, promptIdx = 0) => ({
      testIdx,
      promptIdx,
      provider: { id: 'm-1' },
      prompt: { raw: `Fly ${testIdx}${'!'.repeat(promptIdx)}`, label: `Fly {{n}}${'!'.repeat(promptIdx)}` },
      vars: { n: testIdx },
      testCase: { vars: { n: testIdx } },
      success: true,
      score: 1,
      latencyMs: 100 + testIdx,
    })
    const { vars: _vars, ...first } = streamed(0)
    const stored = [
      { ...first, id: 'u0', evalId: 'eval-9' },
      ...[1, 2, 3].map((n) => ({ ...streamed(n), id: `u${n}`, evalId: 'eval-9' })),
    ]
    const other = { ...streamed(0, 1), latencyMs: 7 }
    const states: object[][] = [
      [streamed(0)],
      [streamed(0), streamed(1), streamed(2)],
      [0, 1, 2, 3].map((n) => streamed(n)),
      [...[0, 1, 2, 3].map((n) => streamed(n)), ...stored],
      // Another evaluation follows in the same file.
      [...[0, 1, 2, 3].map((n) => streamed(n)), ...stored, other],
    ]
    const seen: any[] = []
    for (const [index, rows] of [...states.entries(), ...states.entries()]) {
      const lines = rows.map((row) => JSON.stringify(row)).join('\n')
      const path = await folder.write(`lines-${index}/results.jsonl`, `${lines}\n`)
      const { exitCode, output } = await importInto(arc, tenant, [path])
      expect(exitCode).toBe(0)
      if (index < 3) expect(output).toMatch(/note .*--complete ends the simulation/)
      seen.push(
        (await simulationsOf(tenant)).map(({ status, outcomes, totalScenarios }) => [
          status,
          outcomes.nodes.length,
          totalScenarios,
        ]),
      )
    }
    const whole = ['COMPLETED', 4, 4]
    const both = [whole, ['RUNNING', 1, 1]]
    expect(seen).toEqual([
      [['RUNNING', 1, 1]],
      [['RUNNING', 3, 3]],
      [['RUNNING', 4, 4]],
      [whole],
      ...Array(6).fill(both),
    ])
  })

  it('promptfoo as JSON Lines with several prompts keeps tests and configurations as it grows', async () => {
    const tenant = arc.tenant()
    const row = (testIdx: number, promptIdx: number, evalId?: string) => ({
      testIdx,
      promptIdx,
      provider: { id: 'm-1' },
      prompt: { raw: `Fly ${testIdx}`, label: `Fly {{n}} ${promptIdx}` },
      testCase: { vars: { n: testIdx } },
      success: true,
      score: 1,
      latencyMs: 100 + testIdx,
      ...(evalId === undefined ? {} : { evalId }),
    })
    const all = [0, 1].flatMap((test) => [0, 1].map((prompt) => row(test, prompt)))
    const stored = [0, 1].flatMap((test) => [0, 1].map((prompt) => row(test, prompt, 'eval-8')))
    for (const [index, rows] of [all.slice(0, 1), all.slice(0, 3), [...all, ...stored]].entries()) {
      const lines = rows.map((each) => JSON.stringify(each)).join('\n')
      await importInto(arc, tenant, [await folder.write(`prompts-${index}/results.jsonl`, lines)])
    }
    expect(await simulationsOf(tenant)).toMatchObject([
      { status: 'COMPLETED', totalScenarios: 2 },
      { status: 'COMPLETED', totalScenarios: 2 },
    ])
    const { scenarios, configurations } = await tenant.data(
      '{ scenarios { totalCount } configurations { totalCount } }',
    )
    expect([scenarios.totalCount, configurations.totalCount]).toEqual([2, 2])
  })

  it('records that come again with more steps have these; with fewer they keep what is there', async () => {
    const tenant = arc.tenant()
    const withSteps = (steps: number) => ({
      ...tau2Record(0),
      messages: Array.from({ length: steps }, (_, n) => ({ role: 'assistant', content: `Step ${n}.` })),
    })
    const files = await Promise.all(
      [2, 3, 1].map((steps) => folder.write(`steps-${steps}.json`, tau2([withSteps(steps)]))),
    )
    const reports: string[] = []
    for (const file of files) reports.push((await importInto(arc, tenant, [file])).output)
    expect(reports[1]).toContain('amended        1 of those')
    expect(reports[1]).not.toContain('differing')
    expect(reports[2]).not.toContain('amended')
    expect(reports[2]).toContain('differing      metrics (1), trajectory (1): what was stored before stays')
    // A grade is news, whatever else is in its file.
    const regraded = { ...withSteps(1), reward_info: { reward: 0.5 } }
    const { output } = await importInto(arc, tenant, [await folder.write('regraded.json', tau2([regraded]))])
    expect(output).toContain('amended        1 of those')
    const { outcomes } = await tenant.data('{ outcomes { nodes { reliabilityScore stepCount trajectory } } }')
    expect(outcomes.nodes).toMatchObject([
      { reliabilityScore: 0.5, stepCount: 3, trajectory: { messages: [{}, {}, { content: 'Step 2.' }] } },
    ])
  })

  it('tau2-bench that grows and is graded by a key that only brings results in', async () => {
    const tenant = arc.tenant()
    const ungraded = { ...tau2Record(0), reward_info: null }
    const files = [
      await folder.write('ingest-part.json', tau2([ungraded])),
      await folder.write('ingest-whole.json', tau2([0, 1, 2].map((task) => tau2Record(task)))),
    ]
    const { exitCode, output } = await importInto(arc, tenant, files, { role: 'app_ingest' })
    expect(exitCode).toBe(0)
    expect(output).toContain('amended        1 of those')
    expect(output).toContain('passed         3 of 3 graded')
    expect(await simulationsOf(tenant)).toMatchObject([
      { status: 'COMPLETED', overallScore: 1, scoredScenarios: 3 },
    ])
  })

  it('tau-bench of another model is another run, though it says the same', async () => {
    const tenant = arc.tenant()
    const records = (reward: number) => [tauRecord(0, 0, reward), tauRecord(1, 0, reward)]
    const files = [
      await folder.write('gpt-9-retail.json', records(1)),
      await folder.write('gpt-8-retail.json', records(0)),
    ]
    for (const stored of [2, 0]) {
      const { exitCode, output } = await importInto(arc, tenant, files)
      expect(exitCode).toBe(0)
      expect(output.match(new RegExp(`records +${stored} stored`, 'g'))).toHaveLength(2)
      expect(output).not.toContain('amended')
    }
    const scores = (await simulationsOf(tenant)).map(({ overallScore }) => overallScore)
    expect(scores.sort()).toEqual([0, 1])
  })

  it('tau-bench that is graded later amends its records', async () => {
    const tenant = arc.tenant()
    const files = [
      await folder.write('tau-ungraded.json', [tauRecord(0, 0, null), tauRecord(1, 0)]),
      await folder.write('tau-graded.json', [tauRecord(0, 0, 0), tauRecord(1, 0)]),
    ]
    const { exitCode, output } = await importInto(arc, tenant, files)
    expect(exitCode).toBe(0)
    expect(output).toContain('amended        1 of those')
    expect(await simulationsOf(tenant)).toMatchObject([{ overallScore: 0.5, scoredScenarios: 2 }])
  })

  it('a run of last year has the times of last year', async () => {
    const tenant = arc.tenant()
    const path = await folder.write('history.json', tau2([0, 1, 2].map((task) => tau2Record(task))))
    await importInto(arc, tenant, [path])
    const began = '2025-03-04T10:00:00.000Z'
    const [simulation] = await simulationsOf(tenant)
    expect(simulation).toMatchObject({
      createdAt: began,
      startedAt: began,
      completedAt: '2025-03-04T10:02:00.000Z',
      configVersion: { createdAt: began, configuration: { createdAt: began } },
    })
    for (const { scenario } of simulation.outcomes.nodes) expect(scenario.createdAt).toBe(began)
  })
})

withSharedData('files that were reported', (data) => {
  const reported = (name: string) => readJson(new URL(`reported/${name}`, data))

  it.each([
    ['in_part.json', 'in_full.json', 16, 11],
    ['t2_part.json', 't2_full.json', 20, 14],
    ['in_unscored.json', 'in_full.json', 16, 11],
  ])('%s, then %s: one simulation with all of it', async (first, second, records, passed) => {
    const tenant = arc.tenant()
    for (const name of [first, second, second]) {
      const path = await folder.write(`reported-${name}`, reported(name))
      expect(await importInto(arc, tenant, [path])).toMatchObject({ exitCode: 0 })
    }
    const simulations = await simulationsOf(tenant)
    expect(simulations).toMatchObject([
      { status: 'COMPLETED', totalScenarios: records, scoredScenarios: records, succeededScenarios: passed },
    ])
    expect(simulations[0].outcomes.nodes).toHaveLength(records)
  })
})
