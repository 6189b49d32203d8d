import { expect, it } from 'vitest'
import { type Tenant, useArc } from '../support/arc.ts'
import { graphTotals } from '../support/graphTotals.ts'
import { importInto, useFolder } from '../support/importing.ts'

const arc = useArc()
const folder = useFolder()

async function simulationsOf(tenant: Tenant): Promise<any[]> {
  const { simulations } = await tenant.data(
    '{ simulations { nodes { status currentScore totalScenarios } } }',
  )
  return simulations.nodes
}

const simulation = (task_id: string, trial: number, more: object = {}) => ({
  id: `${task_id} ${trial}`,
  task_id,
  trial,
  end_time: '2026-01-02T03:04:06',
  termination_reason: 'user_stop',
  reward_info: { reward: 1 },
  messages: [{ role: 'assistant', content: `Up with ${task_id}, ${trial}.` }],
  ...more,
})

const run = (...simulations: object[]) => ({
  timestamp: '2026-01-02T03:04:05',
  info: { num_trials: 2, agent_info: { llm: 'm-1' }, environment_info: { domain_name: 'kites' } },
  tasks: [{ id: '1' }, { id: '2' }],
  simulations,
})

it('a run of tau2-bench is finished when its files together have all trials', async () => {
  const tenant = arc.tenant()
  const first = await folder.write('split/a.json', run(simulation('1', 0), simulation('2', 0)))
  const { output } = await importInto(arc, tenant, [first])
  expect(output).toContain('2 of 4 trials are missing: the run is not finished')
  expect(await simulationsOf(tenant)).toMatchObject([{ status: 'RUNNING', totalScenarios: 4 }])

  const second = await folder.write(
    'split/b.json',
    run(simulation('2', 1, { reward_info: { reward: 0 } }), simulation('1', 1)),
  )
  const rest = await importInto(arc, tenant, [second])
  expect(rest.output).not.toContain('the run is not finished')
  expect(await simulationsOf(tenant)).toEqual([
    { status: 'COMPLETED', currentScore: 0.75, totalScenarios: 4 },
  ])
})

it('what was tried again of a run is none of the trials that it lacks', async () => {
  const tenant = arc.tenant()
  const broken = { id: 'broken', termination_reason: 'infrastructure_error', end_time: '2026-01-02T03:04:05' }
  await importInto(arc, tenant, [
    await folder.write('again/a.json', run(simulation('1', 0, broken), simulation('1', 1))),
  ])
  const file = run(simulation('1', 0), simulation('1', 1), simulation('2', 0))
  const { output } = await importInto(arc, tenant, [await folder.write('again/b.json', file)])
  expect(output).toContain('1 of 4 trials are missing: the run is not finished')
  expect(await simulationsOf(tenant)).toMatchObject([{ status: 'RUNNING' }])
})

it('a grade of InterCode that comes later amends', async () => {
  const record = (max_reward: number) => ({
    environment: 'ic_bash',
    dataset: './data/kites.json',
    query: 'Fly.',
    turn_history: { actions: ['fly'], observations: ['up'], rewards: [max_reward] },
    summary: { max_reward, turns_taken: 1, turns_max: 10 },
  })
  const tenant = arc.tenant()
  for (const [score, name] of [
    [1, 'a'],
    [0.25, 'b'],
  ] as const) {
    await importInto(arc, tenant, [await folder.write(`regraded/${name}.json`, { 0: record(score) })])
    expect(await graphTotals(tenant)).toMatchObject({ records: 1, scores: score })
  }
})

it('the samples of a shuffled dataset are what they ask, where Inspect has numbered them', async () => {
  const sample = (id: number | string, input: unknown, value = 'C') => ({
    id,
    epoch: 1,
    input,
    target: 'up',
    scores: { match: { value } },
  })
  const log = (run_id: string, shuffled: boolean, ...samples: object[]) => ({
    version: 2,
    status: 'success',
    eval: { run_id, task: 'kites', task_id: run_id, model: 'm-1', dataset: { shuffled } },
    samples,
  })
  const asked = (id: string) => [{ role: 'user', content: 'Fly red.', id }]
  const first = log('r1', true, sample(1, asked('m1')), sample(2, 'Fly blue.'), sample('own', 'Fly high.'))
  const second = log(
    'r2',
    true,
    sample(1, 'Fly blue.', 'I'),
    sample(2, asked('m2'), 'I'),
    sample(3, 'Fly blue.'),
  )
  const tenant = arc.tenant()
  await importInto(arc, tenant, [
    await folder.write('shuffled/a.json', first),
    await folder.write('shuffled/b.json', second),
    await folder.write('shuffled/c.json', log('r3', false, sample(1, 'Fly low.'))),
  ])
  const { scenarios } = await tenant.data(`{
    scenarios { nodes { externalId taskPrompt outcomes { nodes { reliabilityScore retryCount } } } }
  }`)
  const found = scenarios.nodes.map(({ taskPrompt, outcomes }: any) => [
    taskPrompt,
    outcomes.nodes.map(({ reliabilityScore }: any) => reliabilityScore).sort(),
  ])
  expect(found.sort()).toEqual([
    ['Fly blue.', [0, 1]],
    ['Fly blue.', [1]],
    ['Fly high.', [1]],
    ['Fly low.', [1]],
    ['Fly red.', [0, 1]],
  ])
  const named = scenarios.nodes.map(({ externalId }: any) => externalId)
  expect(named).toEqual(expect.arrayContaining(['inspect/kites/1', 'inspect/kites/own']))
})
