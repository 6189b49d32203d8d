import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { type Tenant, useArc } from '../support/arc.ts'
import { fixture } from '../support/fixtures.ts'
import { graphTotals } from '../support/graphTotals.ts'
import { importInto, useFolder } from '../support/importing.ts'

const arc = useArc()
const folder = useFolder()
const job = fixture('harbor/kites-job')

async function simulationsOf(tenant: Tenant): Promise<any[]> {
  const { simulations } = await tenant.data(`{
    simulations {
      nodes {
        simulationId simulationName status repetitions totalScenarios startedAt metadata
        configVersion { model temperature configuration { name } }
        outcomes(first: 100) {
          nodes {
            status repetition reliabilityScore executionTime errorCode errorCategory metrics trajectory
            scenario { externalId taskPrompt }
            failurePatterns { nodes { failureType failureCategory errorMessage } }
          }
        }
      }
    }
  }`)
  return simulations.nodes
}

const TOTALS = {
  records: 5,
  graded: 3,
  scores: 1.5,
  status: { SUCCESS: 1, ERROR: 3, TIMEOUT: 1 },
  scenarios: 3,
  models: ['kite-model-3'],
  tokens: 1000 + 50 + 300 + 15 + 300 + 40,
  costUsd: 0.25 + 0.05 + 0.1,
  durationMs: 5 * 30_500,
  toolCalls: { bash: 4, submit: 2, delegate: 1, brush: 1 },
  failedCalls: 2,
}

it('the folder of a job is one run, which a second import finds again', async () => {
  const tenant = arc.tenant()
  const { exitCode, output } = await importInto(arc, tenant, [job])
  expect(output).toContain('records        5 stored, 0 there already')
  expect(exitCode).toBe(0)
  expect(await graphTotals(tenant)).toEqual(TOTALS)
  const [simulation, ...others] = await simulationsOf(tenant)
  expect(others).toEqual([])
  expect(simulation).toMatchObject({
    simulationName: 'Harbor kite-agent kite-model-3 kites-job',
    status: 'COMPLETED',
    repetitions: 2,
    totalScenarios: 6,
    metadata: { format: 'Harbor', job: 'kites-job' },
    configVersion: {
      model: 'kite-model-3',
      temperature: 0.5,
      configuration: { name: 'Harbor kite-agent kite-model-3' },
    },
  })
  const row = (id: string, repetition: number) =>
    simulation.outcomes.nodes.find(
      (node: any) => node.scenario.externalId === `harbor/kite-bench/${id}` && node.repetition === repetition,
    )
  expect(row('tie-knot', 1)).toMatchObject({
    status: 'SUCCESS',
    reliabilityScore: 1,
    executionTime: '2025-11-03T10:01:30.500Z',
    scenario: { taskPrompt: 'Tie a bowline.' },
    metrics: { rewards: { reward: 1 }, cached_tokens: 400, agent_seconds: 20, verifier_seconds: 5 },
    trajectory: { start_time: '2025-11-03T10:01:00.000000+00:00' },
  })
  expect(row('tie-knot', 2)).toMatchObject({
    status: 'ERROR',
    reliabilityScore: 0,
    failurePatterns: { nodes: [{ failureType: 'reward', failureCategory: 'VALIDATION_ERROR' }] },
  })
  expect(row('fly-kite', 1)).toMatchObject({
    status: 'TIMEOUT',
    reliabilityScore: null,
    errorCode: 'AgentTimeoutError',
    errorCategory: 'TIMEOUT',
    scenario: { taskPrompt: 'Fly the kite in the picture.' },
  })
  expect(row('fly-kite', 2)).toMatchObject({
    status: 'ERROR',
    reliabilityScore: null,
    failurePatterns: {
      nodes: [{ failureType: 'EnvironmentBuildError', errorMessage: 'docker build failed' }],
    },
    errorCategory: 'SANDBOX_ERROR',
  })
  expect(row('paint-kite', 1)).toMatchObject({
    reliabilityScore: 0.5,
    metrics: { rewards: { quality: 0.5 } },
  })

  const again = await importInto(arc, tenant, [job])
  expect(again.output).toContain('records        0 stored, 5 there already')
  expect(await graphTotals(tenant)).toEqual(TOTALS)
})

it('is the same from elsewhere, and by whichever of its files', async () => {
  const tenant = arc.tenant()
  await cp(job, folder.path('elsewhere'), { recursive: true })
  const trajectories = ['tie-knot__aaaaaaa', 'tie-knot__bbbbbbb', 'fly-kite__ccccccc', 'paint-kite__eeeeeee']
  const files = [
    ...trajectories.map((name) => join(folder.path('elsewhere'), name, 'agent/trajectory.json')),
    join(folder.path('elsewhere'), 'tie-knot__bbbbbbb/agent/trajectory.cont-1.json'),
    join(folder.path('elsewhere'), 'tie-knot__aaaaaaa/result.json'),
    join(folder.path('elsewhere'), 'fly-kite__ddddddd/result.json'),
  ]
  const { exitCode, output } = await importInto(arc, tenant, files)
  expect(exitCode).toBe(0)
  expect(output).toContain('records        5 stored, 0 there already')
  expect(await graphTotals(tenant)).toEqual(TOTALS)
  expect((await importInto(arc, tenant, [job])).output).toContain('records        0 stored, 5 there already')
})

it('a summary of a job is named as such, and a trial that runs is no result', async () => {
  const summary = await importInto(arc, arc.tenant(), [join(job, 'result.json')])
  expect(summary.exitCode).toBe(1)
  expect(summary.output).toContain('It is the summary of a job of Harbor: name the folder of the job')
  const trial = {
    task_name: 'a',
    trial_name: 'a__1',
    agent_info: { name: 'x', version: '1' },
    started_at: '2025-11-03T10:00:00',
  }
  const running = await importInto(arc, arc.tenant(), [await folder.write('running/result.json', trial)])
  expect(running.output).toContain('trial "a__1": the trial is not finished')
})

it('a trajectory without a trial is a run that nobody graded', async () => {
  const tenant = arc.tenant()
  const trajectory = {
    schema_version: 'ATIF-v1.4',
    session_id: 's',
    agent: { name: 'kite-agent', version: '1', model_name: 'm-1' },
    steps: [
      { step_id: 1, source: 'user', message: 'Fly.', timestamp: '2025-11-03T10:00:00Z' },
      {
        step_id: 2,
        source: 'agent',
        message: 'Done.',
        timestamp: '2025-11-03T10:00:02Z',
        metrics: { prompt_tokens: 5, completion_tokens: 2 },
      },
    ],
  }
  await importInto(arc, tenant, [await folder.write('alone/trajectory.json', trajectory)])
  expect(await graphTotals(tenant)).toMatchObject({
    records: 1,
    graded: 0,
    status: { SUCCESS: 1 },
    tokens: 7,
    costUsd: null,
    durationMs: 2000,
  })
})

it('a trajectory of a version to come is read as the nearest that Arc knows, which is told', async () => {
  const step = { step_id: 1, source: 'agent', message: 'Done.', metrics: { prompt_tokens: 5 } }
  const trajectory = (schema_version: string) => ({
    schema_version,
    agent: { name: 'kite-agent', version: '1', model_name: 'm-1' },
    steps: [step],
    a_field_to_come: [1],
  })
  const note = (version: string) =>
    `  note           a trajectory is of ${version}, which Arc does not know: it is read as ATIF-v1.8\n`
  for (const [version, isKnown] of [
    ['ATIF-v1.8', true],
    ['ATIF-v1.6.2', true],
    ['ATIF-v1.9', false],
    ['ATIF-v2.0', false],
  ] as const) {
    const tenant = arc.tenant()
    const path = await folder.write(`${version}/trajectory.json`, trajectory(version))
    const { exitCode, output } = await importInto(arc, tenant, [path])
    expect(exitCode).toBe(0)
    expect(output.includes(note(version))).toBe(!isKnown)
    expect(await graphTotals(tenant)).toMatchObject({ records: 1, tokens: 5 })
  }

  // Trials of one job tell it once.
  const result = (name: string) => ({
    task_name: name,
    trial_name: `${name}__1`,
    agent_info: { name: 'kite-agent', version: '1' },
    verifier_result: { rewards: { reward: 1 } },
  })
  for (const name of ['a', 'b']) {
    await folder.write(`job/${name}__1/result.json`, result(name))
    await folder.write(`job/${name}__1/agent/trajectory.json`, trajectory('ATIF-v1.12'))
  }
  const tenant = arc.tenant()
  const { output } = await importInto(arc, tenant, [folder.path('job')])
  expect(output.split(note('ATIF-v1.12'))).toHaveLength(2)
  expect(await graphTotals(tenant)).toMatchObject({ records: 2, graded: 2, tokens: 10 })
})
