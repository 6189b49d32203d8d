import { expect, it } from 'vitest'
import { type Tenant, useArc } from '../support/arc.ts'
import { fixture } from '../support/fixtures.ts'
import { graphTotals } from '../support/graphTotals.ts'
import { importInto, useFolder } from '../support/importing.ts'

const arc = useArc()
const folder = useFolder()

async function outcomesOf(tenant: Tenant): Promise<Record<string, any>> {
  const { outcomes } = await tenant.data(`{
    outcomes { nodes {
      status reliabilityScore metrics errorCode errorCategory retryCount executionTime trajectory
      scenario { externalId taskPrompt }
      simulation { configVersion { model temperature configuration { name } } }
    } }
  }`)
  return Object.fromEntries(outcomes.nodes.map((node: any) => [node.scenario.externalId, node]))
}

it('the output of a benchmark adds up; a line that was cut off costs no other', async () => {
  const tenant = arc.tenant()
  const file = fixture('openhands/v0/output.jsonl')
  const { exitCode, output } = await importInto(arc, tenant, [file])
  expect(exitCode).toBe(1)
  expect(output).toContain(
    'rejected       1\n    line 4: It is not JSON: The text ends too early, within a string, in column 42.',
  )
  const totals = {
    records: 3,
    graded: 1,
    scores: 0,
    status: { SUCCESS: 1, ERROR: 1, TIMEOUT: 1 },
    scenarios: 3,
    models: ['acme/kite-5'],
    tokens: 1100,
    costUsd: 0.5,
    durationMs: 6000 + 1000,
    toolCalls: { execute_bash: 3, finish: 1 },
    failedCalls: 1,
  }
  expect(await graphTotals(tenant)).toEqual(totals)
  const outcomes = await outcomesOf(tenant)
  expect(outcomes['swe/kites__kite-1']).toMatchObject({
    status: 'SUCCESS',
    reliabilityScore: null,
    executionTime: '2025-02-01T10:00:06.500Z',
    scenario: { taskPrompt: 'It does not fly.' },
    simulation: {
      configVersion: { temperature: 0.25, configuration: { name: 'OpenHands CodeActAgent acme/kite-5' } },
    },
  })
  expect(outcomes['swe/kites__kite-3']).toMatchObject({ errorCode: 'RuntimeError', errorCategory: 'TIMEOUT' })
  expect((await importInto(arc, tenant, [file])).output).toContain('records        0 stored, 3 there already')
  expect(await graphTotals(tenant)).toEqual(totals)

  // A report of SWE-bench grades it like any other agent's run.
  const report = fixture('swe-bench/acme__kite-1.nightly.json')
  const refused = await importInto(arc, tenant, [report])
  expect(refused.output).toContain(
    'It grades a run of the model acme__kite-1, and those of its tasks are of acme/kite-5',
  )
  const { simulations } = await tenant.data('{ simulations { nodes { simulationId } } }')
  const graded = await importInto(arc, tenant, [report], { simulation: simulations.nodes[0].simulationId })
  expect(graded.output).toContain("the file names the model acme__kite-1; the simulation's is acme/kite-5")
  expect(await graphTotals(tenant)).toMatchObject({ graded: 3, scores: 1 })
})

it('the output of the agent SDK has its settings beside it', async () => {
  const tenant = arc.tenant()
  const { exitCode } = await importInto(arc, tenant, [fixture('openhands/v1')])
  expect(exitCode).toBe(0)
  expect(await graphTotals(tenant)).toEqual({
    records: 2,
    graded: 1,
    scores: 1,
    status: { SUCCESS: 1, ERROR: 1 },
    scenarios: 2,
    models: ['acme/kite-6'],
    tokens: 220,
    costUsd: 0.25,
    durationMs: 5000,
    toolCalls: { terminal: 1, browser: 1 },
    failedCalls: 1,
  })
  expect((await outcomesOf(tenant))['openhands/gaia/q-1']).toMatchObject({
    retryCount: 1,
    trajectory: {
      messages: [{ role: 'system' }, { role: 'user', content: 'What is 6 x 7?' }, {}, {}, {}, {}],
    },
  })
})

it.each([
  [{ resolved: false, error_eval: true }, null],
  [{ resolved: false, test_timeout: true }, null],
  [{ resolved: true, error_eval: true }, 1],
  [{ resolved: false, failed_apply_patch: true }, 0],
])('a report that says %j gives the score %s', async (report, reliabilityScore) => {
  const tenant = arc.tenant()
  const row = {
    instance_id: 'kites__kite-1',
    instruction: 'Fly.',
    test_result: { git_patch: 'diff', report },
    history: [],
    metrics: {},
  }
  const { exitCode } = await importInto(arc, tenant, [await folder.write('output.jsonl', row)])
  expect(exitCode).toBe(0)
  expect((await outcomesOf(tenant))['swe/kites__kite-1']).toMatchObject({
    reliabilityScore,
    status: reliabilityScore === 0 ? 'ERROR' : 'SUCCESS',
    metrics: { test_result: { report } },
  })
})

it('the attempts of a run and its results are one run, also while it goes on', async () => {
  const row = (instance_id: string, attempt: number, more: object = {}) => ({
    instance_id,
    attempt,
    instruction: 'Fly.',
    test_result: { git_patch: `patch ${attempt}` },
    history: [
      { kind: 'MessageEvent', timestamp: `2025-12-01T1${attempt}:00:00`, llm_message: { role: 'user' } },
    ],
    metrics: { accumulated_cost: 0.25 },
    ...more,
  })
  const lines = (...rows: object[]) => rows.map((each) => JSON.stringify(each)).join('\n')
  const first = [
    row('kites__kite-1', 1),
    row('kites__kite-2', 1),
    row('kites__kite-3', 1, { error: 'E: died' }),
  ]
  const second = [row('kites__kite-2', 2), row('kites__kite-3', 2, { error: 'E: died' })]
  await folder.write('attempts/metadata.json', {
    llm: { model: 'proxy/kite-6' },
    dataset: 'kites',
    max_iterations: 50,
    eval_output_dir: 'outputs/run_1',
  })
  await folder.write('attempts/output.critic_attempt_1.jsonl', lines(...first))
  const tenant = arc.tenant()
  const simulations = async () =>
    (await tenant.data('{ simulations { nodes { status totalScenarios totalCostUsd currentScore } } }'))
      .simulations.nodes
  await importInto(arc, tenant, [folder.path('attempts')])
  expect(await simulations()).toMatchObject([{ status: 'RUNNING', totalScenarios: 3, totalCostUsd: 0.75 }])

  await folder.write('attempts/output.critic_attempt_2.jsonl', lines(...second))
  await folder.write('attempts/output.jsonl', lines(first[0]!, second[0]!))
  await folder.write('attempts/output_errors.jsonl', lines(second[1]!))
  await folder.write('attempts/output.report.json', {
    resolved_ids: ['kites__kite-1'],
    unresolved_ids: ['kites__kite-2'],
    error_ids: ['kites__kite-3'],
  })
  const { exitCode, output } = await importInto(arc, tenant, [folder.path('attempts')])
  expect(exitCode).toBe(0)
  expect(output).toMatch(/OpenHands {12,}5 {5,}1 /)
  expect(await simulations()).toMatchObject([
    { status: 'COMPLETED', totalScenarios: 3, totalCostUsd: 1.25, currentScore: 0.5 },
  ])
})

it('verdicts and usage of the benchmarks that keep them further in; their reports grade them, too', async () => {
  const row = (instance_id: string, test_result: object) => ({
    instance_id,
    test_result,
    instruction: 'Fly.',
  })
  const rows = [
    row('q-1', { eval_result: { passed: 0.25, num_tests: 4 } }),
    row('q-2', { final_score: { result: 1, total: 2 } }),
    row('q-3', { passed: true, final_metrics: { total_cost_usd: 0.25, total_prompt_tokens: 10 } }),
    row('q-4', { final_score: { result: 0, total: 0 } }),
  ]
  await folder.write('places/output.jsonl', rows.map((each) => JSON.stringify(each)).join('\n'))
  await folder.write('places/metadata.json', {
    llm: { model: 'kite-6' },
    dataset: 'kites',
    max_iterations: 50,
    eval_output_dir: 'outputs/run_2',
  })
  const tenant = arc.tenant()
  await importInto(arc, tenant, [folder.path('places')])
  const outcomes = await outcomesOf(tenant)
  const scores = () =>
    ['q-1', 'q-2', 'q-3', 'q-4'].map((id) => outcomes[`openhands/kites/${id}`].reliabilityScore)
  expect(scores()).toEqual([0.25, 0.5, 1, null])
  expect(await graphTotals(tenant)).toMatchObject({ tokens: 10, costUsd: 0.25 })

  await folder.write('places/output.report.json', { resolved_ids: ['q-4'], unresolved_ids: [] })
  const { exitCode, output } = await importInto(arc, tenant, [folder.path('places')])
  expect(exitCode).toBe(0)
  expect(output).toContain('grades         1 stored, 0 there already')
  expect(await graphTotals(tenant)).toMatchObject({ graded: 4, scores: 2.75 })
})
