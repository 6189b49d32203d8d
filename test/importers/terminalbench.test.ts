import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { useArc } from '../support/arc.ts'
import { fixture } from '../support/fixtures.ts'
import { graphTotals } from '../support/graphTotals.ts'
import { importInto, useFolder } from '../support/importing.ts'

const arc = useArc()
const folder = useFolder()
const run = fixture('terminal-bench/2025-05-06__10-00-00')

const TOTALS = {
  records: 4,
  graded: 3,
  scores: 1,
  status: { SUCCESS: 1, ERROR: 2, TIMEOUT: 1 },
  scenarios: 2,
  models: ['acme/kite-model-1'],
  tokens: 2200,
  costUsd: null,
  durationMs: 3 * 20_250,
  toolCalls: {},
  failedCalls: 0,
}

it('a run is read from its file, from its folder and from a trial of it', async () => {
  const trial = join(run, 'fly-kite/fly-kite.1-of-2.2025-05-06__10-00-00/results.json')
  for (const path of [join(run, 'results.json'), run, trial]) {
    const tenant = arc.tenant()
    const { exitCode, output } = await importInto(arc, tenant, [path])
    expect(exitCode).toBe(1)
    expect(output).toContain(
      'rejected       1\n    record 5 ("no-kite"): is_resolved is "perhaps", not true or false',
    )
    expect(await graphTotals(tenant)).toEqual(TOTALS)
    expect((await importInto(arc, tenant, [run])).output).toContain(
      'records        0 stored, 4 there already',
    )
    const { simulations } = await tenant.data(`{
      simulations { nodes {
        simulationName repetitions totalScenarios configVersion { model temperature configuration { name } }
        outcomes { nodes { repetition status metrics scenario { externalId taskPrompt } failurePatterns { nodes { failureType } } } }
      } }
    }`)
    expect(simulations.nodes).toMatchObject([
      {
        simulationName: 'Terminal-Bench terminus acme/kite-model-1 2025-05-06__10-00-00',
        repetitions: 2,
        totalScenarios: 4,
        configVersion: { model: 'acme/kite-model-1', temperature: 0.25 },
      },
    ])
    const second = simulations.nodes[0].outcomes.nodes.find(
      ({ repetition, scenario }: any) =>
        repetition === 2 && scenario.externalId === 'terminal-bench/fly-kite',
    )
    expect(second).toMatchObject({
      metrics: { tests: { met: 1, total: 2 }, agent_seconds: 10, test_seconds: 2 },
      scenario: { taskPrompt: 'Please fly-kite.' },
      failurePatterns: { nodes: [{ failureType: 'test:test_red' }] },
    })
  }
})

it('the files of trials without that of their run are put together', async () => {
  const tenant = arc.tenant()
  await cp(run, folder.path('run'), { recursive: true })
  await rm(folder.path('run/results.json'))
  const { exitCode, output } = await importInto(arc, tenant, [folder.path('run')])
  expect(exitCode).toBe(0)
  expect(output).toContain('records        4 stored, 0 there already')
  expect(await graphTotals(tenant)).toEqual(TOTALS)
})

it('runs that somebody has given the same id are as many as there are', async () => {
  const trial = (task_id: string, is_resolved: boolean) => ({
    id: `${task_id} ${is_resolved}`,
    trial_name: `${task_id}.1-of-1.nightly`,
    task_id,
    is_resolved,
    failure_mode: 'unset',
  })
  const run = async (name: string, resolved: boolean, metadata: object) => {
    await folder.write(`ids/${name}/results.json`, { results: [trial('fly', resolved)] })
    await folder.write(`ids/${name}/run_metadata.json`, {
      run_id: 'nightly',
      agent_name: 'terminus',
      output_path: 'runs',
      start_time: '2025-05-06T10:00:00',
      ...metadata,
    })
  }
  // The first goes on: a run with its id would go on with it.
  await run('one', true, { model_name: 'm-1' })
  await run('two', false, { model_name: 'm-2', end_time: '2025-05-06T11:00:00' })
  const tenant = arc.tenant()
  await importInto(arc, tenant, [folder.path('ids')])
  const { simulations } = await tenant.data(`{
    simulations { nodes { status configVersion { model } outcomes { nodes { retryCount reliabilityScore } } } }
  }`)
  const found = simulations.nodes.map(({ status, configVersion, outcomes }: any) => [
    configVersion.model,
    status,
    outcomes.nodes,
  ])
  expect(found.sort()).toEqual([
    ['m-1', 'RUNNING', [{ retryCount: 0, reliabilityScore: 1 }]],
    ['m-2', 'COMPLETED', [{ retryCount: 0, reliabilityScore: 0 }]],
  ])
})

it('a trial of a run that goes on is of the run that its file has later', async () => {
  const trial = (task_id: string, is_resolved: boolean) => ({
    id: task_id,
    trial_name: `${task_id}.1-of-1.nightly`,
    task_id,
    is_resolved,
    failure_mode: 'unset',
  })
  const metadata = { run_id: 'nightly', uuid: 'u', agent_name: 'terminus', output_path: 'runs' }
  await folder.write('grows/run_metadata.json', metadata)
  await folder.write('grows/fly/fly.1-of-1.nightly/results.json', trial('fly', true))
  const tenant = arc.tenant()
  const statuses = async () =>
    (await tenant.data('{ simulations { nodes { status outcomes { totalCount } } } }')).simulations.nodes
  await importInto(arc, tenant, [folder.path('grows')])
  expect(await statuses()).toEqual([{ status: 'RUNNING', outcomes: { totalCount: 1 } }])

  await folder.write('grows/results.json', { results: [trial('land', false), trial('fly', true)] })
  await folder.write('grows/run_metadata.json', { ...metadata, end_time: '2025-05-06T11:00:00' })
  await importInto(arc, tenant, [folder.path('grows')])
  expect(await statuses()).toEqual([{ status: 'COMPLETED', outcomes: { totalCount: 2 } }])
})
